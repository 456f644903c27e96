/**
 * Acts of an administrator about the people registered at a store: taking them up, telling what changed, retiring them,
 * and the link of an invitation. Each is an order like any other; who can't be named in it is told with the reason.
 */
import { appendAudit } from './audit.ts'
import type { Connections } from './connections.ts'
import type { DirectoryByHand, DirectoryRefused } from './directory/by-hand.ts'
import type { FactReader } from './facts.ts'
import type { Journal, Writing } from './journal.ts'
import type { Orders } from './orders.ts'
import { createPrincipalNames } from './principals.ts'
import { findRegistration, storeKeyAt } from './registrations.ts'
import type { StoreFailure, StorePeople } from './stores/store.ts'
import type { Actor } from '../shared/admin.ts'
import type { Clock } from '../shared/clock.ts'
import { writingBlockedBy, type Connector } from '../shared/connector.ts'
import { locationOrdersKey } from '../shared/facts.ts'
import { ordinalOf, parsePrincipalId, type ConnectorId, type PrincipalId } from '../shared/ids.ts'
import type { LocationAction, LocationOrder } from '../shared/order.ts'
import { isUser, type Principal, type User } from '../shared/principal.ts'
import type { WritingBlocked } from '../shared/reconcile.ts'
import {
  notRegistered,
  whyNotRegistered,
  whyNotRetired,
  whyNotTold,
  type NotAskedBecause,
  type Registration,
} from '../shared/registration.ts'
import { err, ok, type Result } from '../shared/result.ts'

/** Why one of those who were named is not in the order. `index` is the place in the list that was given. */
export interface NotAsked {
  readonly index: number
  readonly id: string
  readonly code: string
  readonly text: string
}

export interface Asked {
  readonly order: LocationOrder
  readonly notAsked: readonly NotAsked[]
}

export type PeopleRefused =
  | { readonly is: 'connector-unknown' }
  /** The store keeps no list of people. */
  | { readonly is: 'no-people' }
  | { readonly is: 'no-credential' }
  | { readonly is: 'store-not-writable'; readonly why: WritingBlocked }
  /** None of those who were named can be asked for. */
  | { readonly is: 'nobody'; readonly notAsked: readonly NotAsked[] }

export interface Registering {
  /** Several at once; who can't be registered is left out, with the reason. */
  register(actor: Actor, connector: ConnectorId, ids: readonly string[]): Promise<Result<Asked, PeopleRefused>>
  /** All that can come back of theirs comes back. */
  retire(actor: Actor, connector: ConnectorId, ids: readonly string[]): Promise<Result<Asked, PeopleRefused>>
  /** Changes the person in the directory, whose word it is, and tells the store. */
  update(
    actor: Actor,
    connector: ConnectorId,
    id: PrincipalId,
    change: { readonly email?: string; readonly managedAppleAccount?: string },
  ): Promise<Result<Asked, PeopleRefused | { readonly is: 'directory'; readonly refused: DirectoryRefused<User> }>>
  /** Asked of the store each time, told once and kept nowhere: whoever has the link can join in the person's place. */
  invitation(
    actor: Actor,
    connector: ConnectorId,
    id: PrincipalId,
  ): Promise<
    Result<
      { readonly url: string },
      PeopleRefused | { readonly is: 'no-invitation' } | { readonly is: 'store'; readonly failure: StoreFailure }
    >
  >
}

export interface RegisteringDeps {
  readonly journal: Journal
  readonly connections: Connections
  readonly orders: Pick<Orders, 'planLocation'>
  readonly byHand: Pick<DirectoryByHand, 'changeUser'>
  readonly clock: Clock
}

/** People of one call; the line cuts them to what the store takes. */
export const mostPeople = 5000

export const createRegistering = (deps: RegisteringDeps): Registering => {
  const { journal, connections, orders, byHand, clock } = deps

  /** The connector and its list of people, as far as there is one. */
  const open = async (id: ConnectorId): Promise<Result<{ readonly connector: Connector; readonly people: StorePeople }, PeopleRefused>> => {
    const connector = (await journal.rows('connectors')).find((row) => row.id === id)
    if (connector === undefined) return err({ is: 'connector-unknown' })
    const connection = await connections.of(id, connector.kind)
    if (connection === undefined) return err({ is: 'no-credential' })
    return connection.people === undefined ? err({ is: 'no-people' }) : ok({ connector, people: connection.people })
  }

  const openToWrite = async (id: ConnectorId): Promise<Result<Connector, PeopleRefused>> => {
    const opened = await open(id)
    if (!opened.ok) return opened
    const why = writingBlockedBy(opened.value.connector, clock.now())
    return why === undefined ? ok(opened.value.connector) : err({ is: 'store-not-writable', why })
  }

  /** 1. Who of them can be asked for? 2. One act: the order, and who asked for it. */
  const ask = async (
    actor: Actor,
    connectorId: ConnectorId,
    action: Extract<LocationAction, 'register-user' | 'update-user' | 'retire-user'>,
    ids: readonly string[],
    judge: Judge,
  ): Promise<Result<Asked, PeopleRefused>> => {
    const opened = await openToWrite(connectorId)
    if (!opened.ok) return opened
    return await journal.write(async (write): Promise<Result<Asked, PeopleRefused>> => {
      const { asked, notAsked } = await sift(write, connectorId, action, ids, judge)
      const order =
        asked.length === 0
          ? undefined
          : await orders.planLocation(write, { connectorId, action, ordinals: asked, by: actor.name, cause: 'hand' })
      if (order === undefined) return err({ is: 'nobody', notAsked })
      await appendAudit(write.trx, {
        at: clock.now(),
        actor,
        action: asWords[action],
        object: connectorId,
        detail: { order: order.id, people: order.open.map((ordinal) => `u${ordinal}`) },
        origin: 'api',
      })
      return ok({ order, notAsked })
    })
  }

  return {
    register: (actor, connector, ids) => ask(actor, connector, 'register-user', ids, whyNotRegistered),
    retire: (actor, connector, ids) => ask(actor, connector, 'retire-user', ids, (_, registration) => whyNotRetired(registration)),
    update: async (actor, connectorId, id, change) => {
      const opened = await openToWrite(connectorId)
      if (!opened.ok) return opened
      // Before the directory is changed; whether the store can be told enough is judged after it.
      const judged = judgeOne(await findPrincipal(journal, id), await findRegistration(journal, connectorId, ordinalOf(id)), isOnTheList)
      if (judged !== undefined) return err({ is: 'nobody', notAsked: [{ index: 0, id, ...judged }] })
      if (Object.keys(change).length > 0) {
        const changed = await byHand.changeUser(actor, id, change, () => true)
        if (!changed.ok) return err({ is: 'directory', refused: changed.error })
      }
      return await ask(actor, connectorId, 'update-user', [id], canUpdate)
    },
    invitation: async (actor, connectorId, id) => {
      const opened = await open(connectorId)
      if (!opened.ok) return opened
      const person = await findPrincipal(journal, id)
      if (person === undefined || !isUser(person)) return err({ is: 'no-invitation' })
      const url = await opened.value.people.invitationUrl(await storeKeyAt(journal, connectorId, person))
      if (!url.ok) return err({ is: 'store', failure: url.error })
      if (url.value === undefined) return err({ is: 'no-invitation' })
      await journal.write((write) =>
        appendAudit(write.trx, {
          at: clock.now(),
          actor,
          action: 'invitation.shown',
          object: id,
          detail: { connector: connectorId },
          origin: 'api',
        }),
      )
      return ok({ url: url.value })
    },
  }
}

const asWords = {
  'register-user': 'people.register-asked',
  'update-user': 'people.update-asked',
  'retire-user': 'people.retire-asked',
} as const

// ---- Who can be asked for ----

/** Undefined: nothing stands in the way. */
type Judge = (user: User, registration: Registration | undefined) => NotAskedBecause | undefined

const isOnTheList: Judge = (_, registration) => (registration === undefined || registration.state === 'retired' ? notRegistered : undefined)

const canUpdate: Judge = (user, registration) => isOnTheList(user, registration) ?? whyNotTold(user)

const judgeOne = (principal: Principal | undefined, registration: Registration | undefined, judge: Judge): NotAskedBecause | undefined => {
  if (principal === undefined) return { code: 'not-found', text: 'is not known' }
  return isUser(principal) ? judge(principal, registration) : { code: 'not-a-person', text: 'is a device; stores keep lists of people' }
}

const findPrincipal = (facts: FactReader, id: PrincipalId): Promise<Principal | undefined> =>
  createPrincipalNames(facts).find(ordinalOf(id))

const sift = async (
  write: Writing,
  connector: ConnectorId,
  action: LocationAction,
  ids: readonly string[],
  judge: Judge,
): Promise<{ readonly asked: readonly number[]; readonly notAsked: readonly NotAsked[] }> => {
  const underWay = new Set(
    (await write.rows(locationOrdersKey(connector))).filter((order) => order.action === action).flatMap(({ open }) => open),
  )
  const names = createPrincipalNames(write)
  const asked = new Set<number>()
  const notAsked: NotAsked[] = []
  for (const [index, id] of ids.entries()) {
    const parsed = parsePrincipalId(id)
    const ordinal = parsed === undefined ? undefined : ordinalOf(parsed)
    const reason =
      parsed === undefined || ordinal === undefined
        ? { code: 'not-found', text: 'is not known' }
        : underWay.has(ordinal)
          ? { code: 'under-way', text: 'is being asked for already' }
          : judgeOne(await names.find(ordinal), await findRegistration(write, connector, ordinal), judge)
    if (reason === undefined && ordinal !== undefined) asked.add(ordinal)
    else if (reason !== undefined) notAsked.push({ index, id, ...reason })
  }
  return { asked: [...asked], notAsked }
}
