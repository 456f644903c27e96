/**
 * Acts of an administrator about subscriptions: giving one to people, taking it from them at once or when its period
 * ends, and letting a Location have any. Each is told first, with whom it touches, when it takes effect and whether it
 * can be taken back, and done only when that was confirmed.
 */
import { appendAudit } from './audit.ts'
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db, Trx } from './database/schema.ts'
import type { FactReader } from './facts.ts'
import type { Journal } from './journal.ts'
import type { Orders } from './orders.ts'
import { createPrincipalNames } from './principals.ts'
import type { NotAsked } from './registering.ts'
import { findRegistration } from './registrations.ts'
import type { StoreFailure, StoreSubscriptions } from './stores/store.ts'
import type { SubscriptionSync } from './subscription-sync.ts'
import type { Actor } from '../shared/admin.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import { writingBlockedBy, type Connector } from '../shared/connector.ts'
import { locationOrdersKey, subscriptionsKey } from '../shared/facts.ts'
import { ordinalOf, parsePrincipalId, type ConnectorId } from '../shared/ids.ts'
import type { LocationOrder, SubscriptionTerms } from '../shared/order.ts'
import { isUser, normalUserName, storeKeyOf } from '../shared/principal.ts'
import type { WritingBlocked } from '../shared/reconcile.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Subscription } from '../shared/subscription.ts'

/** `while-free`: they can be given one again while one is left. `maybe-not`: the store does not say, or says both. */
export type Undoable = 'yes' | 'while-free' | 'maybe-not'

export interface SubscriptionPreview {
  readonly subscription: Subscription
  /** Ordinals of the people in it. */
  readonly people: readonly number[]
  readonly notAsked: readonly NotAsked[]
  readonly takesEffect: 'at-once' | 'period-end'
  /** `YYYY-MM-DD`: when it takes effect, or when what is given runs out. Null: not known, or it renews. */
  readonly on: string | null
  readonly undoable: Undoable
  /** Of the kind asked for, before this; null where none is spent. */
  readonly free: number | null
}

export type SubscribingRefused =
  | { readonly is: 'connector-unknown' }
  | { readonly is: 'subscription-unknown' }
  /** There is nothing of the kind for this Location. */
  | { readonly is: 'not-offered' }
  | { readonly is: 'no-credential' }
  | { readonly is: 'store-not-writable'; readonly why: WritingBlocked }
  | { readonly is: 'store'; readonly failure: StoreFailure }
  /** The list could not be read just now, and an old one must not decide. */
  | { readonly is: 'not-read'; readonly text: string }
  | { readonly is: 'not-active'; readonly subscription: Subscription }
  /** Nothing is asked of the store when a device is among them. */
  | { readonly is: 'devices'; readonly notAsked: readonly NotAsked[] }
  | { readonly is: 'nobody'; readonly notAsked: readonly NotAsked[] }
  | { readonly is: 'not-enough'; readonly renewing: boolean; readonly wanted: number; readonly free: number }

export interface SubscribingDone {
  readonly order: LocationOrder
  readonly notAsked: readonly NotAsked[]
}

export type SubscribingAnswer =
  { readonly is: 'confirmation-required'; readonly preview: SubscriptionPreview } | ({ readonly is: 'asked' } & SubscribingDone)

export interface Subscribers {
  readonly asOf: string
  readonly subscription: Subscription
  readonly people: readonly { readonly key: string; readonly renewing: boolean }[]
  readonly admins: readonly string[]
}

export type TurnRefused = SubscribingRefused | { readonly is: 'outcome-unknown'; readonly text: string }

export interface Subscribing {
  assign(
    actor: Actor,
    connector: ConnectorId,
    subscription: string,
    ask: { readonly ids: readonly string[]; readonly renewing: boolean; readonly confirm: boolean },
  ): Promise<Result<SubscribingAnswer, SubscribingRefused>>
  remove(
    actor: Actor,
    connector: ConnectorId,
    subscription: string,
    ask: { readonly ids: readonly string[]; readonly deferred: boolean; readonly confirm: boolean },
  ): Promise<Result<SubscribingAnswer, SubscribingRefused>>
  /** Asked of the store now; nothing is kept of it. */
  subscribers(connector: ConnectorId, subscription: string): Promise<Result<Subscribers, SubscribingRefused>>
  /** Gives whether they are on now. The caller has asked for confirmation. */
  turn(actor: Actor, connector: ConnectorId, to: 'on' | 'off'): Promise<Result<boolean, TurnRefused>>
}

export interface SubscribingDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connections: Connections
  readonly connectors: Pick<Connectors, 'update'>
  readonly orders: Pick<Orders, 'planLocation'>
  readonly subscriptions: Pick<SubscriptionSync, 'readNow'>
  readonly clock: Clock
}

/** People of one call; the line cuts them to what the store takes. */
export const mostSubscribersAsked = 5000
/** The store's lists may lag behind an event this long (reference 5.4). */
const lagMs = 5 * 60_000

interface Opened {
  readonly connector: Connector
  readonly store: StoreSubscriptions
}
interface Found extends Opened {
  readonly subscription: Subscription
  /** As the store told just now, by normal user name. */
  readonly renewingByName: ReadonlyMap<string, boolean>
}

export const createSubscribing = (deps: SubscribingDeps): Subscribing => {
  const { db, journal, connections, orders, subscriptions, clock } = deps

  const open = async (id: ConnectorId): Promise<Result<Opened, SubscribingRefused>> => {
    const connector = (await journal.rows('connectors')).find((row) => row.id === id)
    if (connector === undefined) return err({ is: 'connector-unknown' })
    const connection = await connections.of(id, connector.kind)
    if (connection === undefined) return err({ is: 'no-credential' })
    return connection.subscriptions === undefined || connector.subscriptions === null
      ? err({ is: 'not-offered' })
      : ok({ connector, store: connection.subscriptions })
  }

  const openToWrite = async (id: ConnectorId): Promise<Result<Opened, SubscribingRefused>> => {
    const opened = await open(id)
    if (!opened.ok) return opened
    const why = writingBlockedBy(opened.value.connector, clock.now())
    return why === undefined ? opened : err({ is: 'store-not-writable', why })
  }

  /** Counts and people as they are now: yesterday's must not decide what is given today. */
  const find = async (opened: Opened, id: string): Promise<Result<Found, SubscribingRefused>> => {
    const { connector, store } = opened
    await subscriptions.readNow(connector.id)
    const part = (await journal.rows('connectors')).find((row) => row.id === connector.id)?.subscriptions ?? null
    if (part?.error) return err({ is: 'not-read', text: part.error.text })
    const subscription = (await journal.rows(subscriptionsKey(connector.id))).find((row) => row.id === id)
    if (subscription === undefined) return err({ is: 'subscription-unknown' })
    const subscribers = await store.readSubscribers(id)
    if (!subscribers.ok) return err({ is: 'store', failure: subscribers.error })
    const renewingByName = new Map(subscribers.value.map(({ key, renewing }) => [normalUserName(key), renewing]))
    return ok({ ...opened, subscription, renewingByName })
  }

  /** 1. Read. 2. Who of them? 3. Tell, or in one act: judge anew, the order, and who asked for it. */
  const ask = async (
    actor: Actor,
    connectorId: ConnectorId,
    act: Act,
    given: { readonly ids: readonly string[]; readonly confirm: boolean },
  ): Promise<Result<SubscribingAnswer, SubscribingRefused>> => {
    const opened = await openToWrite(connectorId)
    if (!opened.ok) return opened
    const found = await find(opened.value, act.terms.id)
    if (!found.ok) return found
    const judge = (facts: FactReader, trx: Db | Trx) => judgeAll(facts, trx, found.value, act, given.ids, clock.now())
    if (!given.confirm) {
      const preview = await judge(journal, db)
      return preview.ok ? ok({ is: 'confirmation-required', preview: preview.value }) : preview
    }
    return await journal.write(async (write): Promise<Result<SubscribingAnswer, SubscribingRefused>> => {
      const judged = await judge(write, write.trx)
      if (!judged.ok) return judged
      const { people, notAsked } = judged.value
      const order = await orders.planLocation(write, {
        connectorId,
        action: act.action,
        ordinals: people,
        by: actor.name,
        cause: 'hand',
        subscription: act.terms,
      })
      if (order === undefined) return err({ is: 'nobody', notAsked })
      await appendAudit(write.trx, {
        at: clock.now(),
        actor,
        action: act.action === 'assign-subscription' ? 'subscription.assign-asked' : 'subscription.remove-asked',
        object: connectorId,
        detail: {
          subscription: act.terms.id,
          ...(act.action === 'assign-subscription' ? { renewing: act.terms.renewing } : { deferred: act.terms.deferred }),
          order: order.id,
          people: order.open.map((ordinal) => `u${ordinal}`),
        },
        origin: 'api',
      })
      return ok({ is: 'asked', order, notAsked })
    })
  }

  return {
    assign: (actor, connector, id, { ids, renewing, confirm }) =>
      ask(actor, connector, { action: 'assign-subscription', terms: { id, renewing, deferred: false } }, { ids, confirm }),
    remove: (actor, connector, id, { ids, deferred, confirm }) =>
      ask(actor, connector, { action: 'remove-subscription', terms: { id, renewing: false, deferred } }, { ids, confirm }),
    subscribers: async (connectorId, id) => {
      const opened = await open(connectorId)
      if (!opened.ok) return opened
      const subscription = (await journal.rows(subscriptionsKey(connectorId))).find((row) => row.id === id)
      if (subscription === undefined) return err({ is: 'subscription-unknown' })
      const people = await opened.value.store.readSubscribers(id)
      if (!people.ok) return err({ is: 'store', failure: people.error })
      const asOf = isoTime(clock.now())
      // Who manages it at the store is told beside it, and its failure does not hide who has it.
      const admins = await opened.value.store.readAdmins(id)
      return ok({ asOf, subscription, people: people.value, admins: admins.ok ? admins.value : [] })
    },
    /** 1. Written down who asks. 2. One call, never repeated. 3. What the store says of it. */
    turn: async (actor, connectorId, to) => {
      const opened = await openToWrite(connectorId)
      if (!opened.ok) return opened
      const audit = (action: string, outcome: string) =>
        journal.write(async (write) => {
          if (action !== 'subscriptions.turn-asked')
            await deps.connectors.update(write, connectorId, (current) =>
              current.subscriptions === null
                ? current
                : { ...current, subscriptions: { ...current.subscriptions, enabled: action === 'subscriptions.turned-on' } },
            )
          await appendAudit(write.trx, { at: clock.now(), actor, action, object: connectorId, detail: { outcome }, origin: 'api' })
        })
      await audit('subscriptions.turn-asked', to)
      const turned = await (to === 'on' ? opened.value.store.enable() : opened.value.store.disable())
      if (!turned.ok) return err(turned.error.is === 'outcome-unknown' ? turned.error : { is: 'store', failure: turned.error })
      await audit(turned.value ? 'subscriptions.turned-on' : 'subscriptions.turned-off', to)
      await subscriptions.readNow(connectorId)
      return ok(turned.value)
    },
  }
}

interface Act {
  readonly action: 'assign-subscription' | 'remove-subscription'
  readonly terms: SubscriptionTerms
}

// ---- Who, and how many ----

const judgeAll = async (
  facts: FactReader,
  db: Db | Trx,
  { connector, subscription, renewingByName }: Found,
  act: Act,
  ids: readonly string[],
  now: number,
): Promise<Result<SubscriptionPreview, SubscribingRefused>> => {
  const { action, terms } = act
  const assigns = action === 'assign-subscription'
  if (assigns && subscription.status !== 'active') return err({ is: 'not-active', subscription })
  const open = (await facts.rows(locationOrdersKey(connector.id))).filter((order) => order.subscription?.id === terms.id)
  const underWay = new Set(open.flatMap((order) => order.open))
  const names = createPrincipalNames(facts)
  const people = new Set<number>()
  const notAsked: NotAsked[] = []
  for (const [index, id] of ids.entries()) {
    const parsed = parsePrincipalId(id)
    const ordinal = parsed === undefined ? undefined : ordinalOf(parsed)
    const principal = ordinal === undefined ? undefined : await names.find(ordinal)
    const leave = (code: string, text: string): void => void notAsked.push({ index, id, code, text })
    if (ordinal === undefined || principal === undefined) leave('not-found', 'is not known')
    else if (!isUser(principal)) leave('device', 'is a device. Subscriptions go to people only')
    else if (underWay.has(ordinal)) leave('under-way', 'is in an order about this subscription that is not over yet')
    else {
      const renewing = renewingByName.get(normalUserName(storeKeyOf(principal)))
      const reason = assigns
        ? whyNotGiven((await findRegistration(facts, connector.id, ordinal))?.state, renewing, terms)
        : whyNotTaken(renewing, terms)
      if (reason === undefined) people.add(ordinal)
      else leave(reason.code, reason.text)
    }
  }
  if (notAsked.some(({ code }) => code === 'device'))
    return err({ is: 'devices', notAsked: notAsked.filter(({ code }) => code === 'device') })
  if (people.size === 0) return err({ is: 'nobody', notAsked })
  const free = assigns ? await freeOf(db, names, connector.id, subscription, open, terms, renewingByName, now) : null
  if (free !== null && people.size > free) return err({ is: 'not-enough', renewing: terms.renewing, wanted: people.size, free })
  const ends = assigns ? !terms.renewing : terms.deferred
  return ok({
    subscription,
    people: [...people],
    notAsked,
    takesEffect: !assigns && terms.deferred ? 'period-end' : 'at-once',
    on: ends ? subscription.periodEndsOn : null,
    undoable: assigns ? 'yes' : terms.deferred ? 'maybe-not' : 'while-free',
    free,
  })
}

type Reason = Pick<NotAsked, 'code' | 'text'>

const whyNotGiven = (
  state: 'registered' | 'associated' | 'retired' | undefined,
  renewing: boolean | undefined,
  terms: SubscriptionTerms,
): Reason | undefined => {
  if (state === undefined) return { code: 'not-registered', text: 'is not registered at this location. Register the person first' }
  if (state === 'retired') return { code: 'retired', text: 'is retired at this location. Register the person again first' }
  return renewing === terms.renewing ? { code: 'has-it-already', text: 'has this subscription on these terms already' } : undefined
}

const whyNotTaken = (renewing: boolean | undefined, { deferred }: SubscriptionTerms): Reason | undefined => {
  if (renewing === undefined) return { code: 'not-subscribed', text: 'does not have this subscription' }
  return deferred && !renewing ? { code: 'ends-already', text: 'loses it at the end of the period already' } : undefined
}

/** What is left of one kind: as told just now, less what is under way, less what was given so lately that the list may not show it. */
const freeOf = async (
  db: Db | Trx,
  names: ReturnType<typeof createPrincipalNames>,
  connector: ConnectorId,
  subscription: Subscription,
  open: readonly LocationOrder[],
  terms: SubscriptionTerms,
  renewingByName: ReadonlyMap<string, boolean>,
  now: number,
): Promise<number> => {
  const isSame = (other: SubscriptionTerms | null): boolean => other !== null && other.id === terms.id && other.renewing === terms.renewing
  const underWay = open
    .filter((order) => order.action === 'assign-subscription' && isSame(order.subscription))
    .reduce((sum, order) => sum + order.open.length, 0)
  const lately = await db
    .selectFrom('order_targets')
    .innerJoin('orders', 'orders.id', 'order_targets.order_id')
    .select(['orders.terms', 'order_targets.ordinal'])
    .where('orders.connector', '=', connector)
    .where('orders.action', '=', 'assign-subscription')
    .where('order_targets.state', '=', 'done')
    .where((row) => row.or([row('orders.finished_at', 'is', null), row('orders.finished_at', '>', now - lagMs)]))
    .execute()
  let notShownYet = 0
  for (const ordinal of new Set(lately.filter((row) => isSame(termsOfRow(row.terms))).map((row) => row.ordinal))) {
    const person = await names.find(ordinal)
    if (person !== undefined && !renewingByName.has(normalUserName(storeKeyOf(person)))) notShownYet += 1
  }
  const { renewing, expiring } = subscription.available
  return Math.max(0, (terms.renewing ? renewing : expiring) - underWay - notShownYet)
}

/** Written by the orders' own table. */
const termsOfRow = (terms: string | null): SubscriptionTerms | null => (terms === null ? null : (JSON.parse(terms) as SubscriptionTerms))
