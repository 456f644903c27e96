/**
 * Orders: what is asked of a store, written down before it is asked and settled by what is observed.
 *
 * The life of an order: `planned` (on disk, nothing sent) → `sent` (on disk before the call leaves; until an answer is on
 * disk its outcome is unknown) → `pending` (the store gave a reference) → `done`, `partly-done` or `failed`. An order
 * whose outcome is unknown is a question to the store: it is answered by reading the seats, never by sending again.
 *
 * How an order is written down is `order-rows.ts`, which of them leave together `order-cut.ts`, how they leave
 * `order-line.ts`, how they end `order-settling.ts`.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { createOrderLine, type OrderLine } from './order-line.ts'
import {
  addOrder,
  dropTargets,
  extendOrder,
  findChunkOfOrder,
  findOrder,
  foundOf,
  keepFound,
  keepOrder,
  orderIn,
  ordersIn,
  refuseTargets,
  type OrderFound,
} from './order-rows.ts'
import { createOrderSettling } from './order-settling.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { locationOrdersKey, ordersKey, type OrdersKey } from '../shared/facts.ts'
import { parseOrderId, type ConnectorId, type LicenseId, type OrderId } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import type { LicenseAction, LicenseOrder, LocationAction, LocationOrder, Order, SubscriptionTerms } from '../shared/order.ts'

export interface LocationOrderPlan {
  readonly connectorId: ConnectorId
  readonly action: LocationAction
  readonly ordinals: readonly number[]
  readonly by: string
  readonly cause: LocationOrder['cause']
  readonly subscription?: SubscriptionTerms
  readonly undoes?: OrderId
  readonly found?: OrderFound
}

/** What an order of a license may carry beside its targets. */
export interface PlanMore {
  /** Milliseconds since 1970. */
  readonly notBefore?: number
  readonly undoes?: OrderId
  readonly found?: OrderFound
}

export interface Orders {
  /** Inside the reconciler's act: the order is on disk before anything is sent. */
  plan(
    write: Writing,
    license: License,
    action: LicenseAction,
    ordinals: readonly number[],
    by: string,
    cause?: LicenseOrder['cause'],
    more?: PlanMore,
  ): Promise<LicenseOrder>
  /** Inside an act as well. The targets that such an order is under way for already are left to it; undefined when that is all of them. */
  planLocation(write: Writing, plan: LocationOrderPlan): Promise<LocationOrder | undefined>
  /** Takes targets out of planned orders that follow from wishes and are not yet sent. */
  dropPlanned(write: Writing, license: LicenseId, ordinals: readonly number[]): Promise<void>
  /** Takes targets, or all of them, out of the orders that wait for their day. */
  dropKeptBack(write: Writing, license: LicenseId, ordinals?: readonly number[]): Promise<void>
  find(id: OrderId): Promise<Order | undefined>
  /** Failed targets are asked for again. What follows from wishes reconcile plans anew; what was asked for by hand is planned here. */
  retry(id: OrderId): Promise<'done' | 'unknown-order' | 'nothing-failed'>
  /** Planned and not sent: its targets are refused until they are wished for anew, or the order is retried. */
  cancel(id: OrderId, by: string): Promise<'done' | 'unknown-order' | 'already-sent'>
  /** The store gave a sign of this call: it is asked about at once. False: no open order left with this reference. */
  lookNow(connector: ConnectorId, reference: string): Promise<boolean>
  /** Seats that an order has settled lately: a list read in this time may be older than the event. */
  settledLately(license: LicenseId): ReadonlyMap<number, 'given' | 'taken'>
  /** Starts the lines; orders that an earlier run left behind are taken up. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Waits until no line has anything to do at this instant. */
  idle(): Promise<void>
}

export interface OrdersDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Connectors
  readonly connections: Connections
  readonly directory: DirectoryIndex
  readonly clock: Clock
  readonly chance: Chance
  /** Called when a store said that a count may have changed: read it again. */
  readonly onSettled: (connector: ConnectorId, license: LicenseId) => void
  /** Called when people were registered, changed or retired: read what the store says of them. */
  readonly onPeopleSettled: (connector: ConnectorId, ordinals: readonly number[]) => void
  /** Called when subscriptions were given or taken: read their counts. */
  readonly onSubscriptionsSettled: (connector: ConnectorId) => void
  /** Where a named moment is passed; a simulation stops the process there. */
  readonly crashpoint?: (name: string) => void
  readonly onTrouble: (cause: unknown) => void
}

const retryAfterForgetMs = 2_000

export const createOrders = (deps: OrdersDeps): Orders => {
  const { db, journal, connectors, connections, directory, clock } = deps
  const settling = createOrderSettling(deps)
  const lineByConnector = new Map<ConnectorId, OrderLine>()
  let stopped = false

  const lineOf = (connector: ConnectorId): OrderLine => {
    const held = lineByConnector.get(connector)
    if (held !== undefined) return held
    const line = createOrderLine(connector, {
      db,
      journal,
      connectors,
      connections,
      directory,
      settling,
      clock,
      newOrderId,
      crashpoint: deps.crashpoint ?? ((): void => undefined),
      onTrouble: deps.onTrouble,
    })
    lineByConnector.set(connector, line)
    return line
  }

  const wake = (connector: ConnectorId): void => {
    if (!stopped) lineOf(connector).wake()
  }

  const wakeSoon = (connector: ConnectorId): void => {
    if (!stopped) lineOf(connector).wakeSoon()
  }

  const wakeOpen = async (): Promise<void> => {
    const open = await db.selectFrom('orders').select('connector').distinct().where('state', 'in', ['planned', 'sent', 'pending']).execute()
    for (const { connector } of open) wake(connector as ConnectorId)
  }

  /** A commit that was reported as failed may be on the disk: an order may be planned of which no line has heard. */
  const lookAgain = (): void => {
    cancelLook()
    // Not at once: while the database stays full every try ends here again.
    cancelLook = clock.after(retryAfterForgetMs, () => void wakeOpen().catch(deps.onTrouble))
  }
  let cancelLook = (): void => undefined
  const stopForget = journal.onForget(lookAgain)

  const stopFacts = journal.onFacts((facts) => {
    // A renewed token or a lifted claim: what is planned may be sendable now.
    for (const { key, fact } of facts) if (key === 'connectors') for (const row of fact.put as readonly Connector[]) wake(row.id)
  })

  const busyLines = (): readonly Promise<void>[] =>
    [...lineByConnector.values()].map((line) => line.busy()).filter((run) => run !== undefined)

  /** A new attempt takes the place of the old failure. */
  const dropFailures = async (write: Writing, chunk: OrdersKey, action: Order['action'], ordinals: readonly number[]): Promise<void> => {
    const again = new Set(ordinals)
    for (const older of await ordersIn(write, chunk)) {
      if (older.action !== action || !older.failures.some(({ ordinal }) => again.has(ordinal))) continue
      await keepOrder(write, { ...older, failures: older.failures.filter(({ ordinal }) => !again.has(ordinal)) }, { nextPollAt: null })
    }
  }

  const newOrderId = (): OrderId => {
    const id = parseOrderId(randomId(deps.chance))
    if (id === undefined) throw new Error('orders: made an id that is none')
    return id
  }

  const planned = (ordinals: readonly number[], by: string) => ({
    id: newOrderId(),
    state: 'planned' as const,
    total: ordinals.length,
    done: 0,
    open: ordinals,
    failures: [],
    unknown: false,
    storeReference: null,
    createdAt: isoTime(clock.now()),
    sentAt: null,
    finishedAt: null,
    by,
  })

  const planLocation: Orders['planLocation'] = async (write, plan) => {
    const { connectorId, action, ordinals, by, cause, subscription, undoes, found } = plan
    const chunk = locationOrdersKey(connectorId)
    const terms = subscription ?? null
    const underWay = new Set(
      (await write.rows(chunk))
        .filter((order) => order.action === action && sameTerms(order.subscription, terms))
        .flatMap(({ open }) => open),
    )
    const fresh = ordinals.filter((ordinal) => !underWay.has(ordinal))
    if (fresh.length === 0) return undefined
    await dropFailures(write, chunk, action, fresh)
    const order: LocationOrder = {
      ...planned(fresh, by),
      connectorId,
      licenseId: null,
      action,
      cause,
      subscription: terms,
      ...(undoes === undefined ? {} : { undoes }),
    }
    await addOrder(write, order)
    if (found !== undefined) await keepFound(write, order.id, found)
    write.told(() => wakeSoon(connectorId))
    return order
  }

  const findPlannedAlike = async (
    write: Writing,
    license: LicenseId,
    action: Order['action'],
    by: string,
  ): Promise<LicenseOrder | undefined> =>
    (await write.rows(ordersKey(license))).find(
      (order) =>
        order.state === 'planned' &&
        order.action === action &&
        order.cause === 'plan' &&
        order.by === by &&
        order.sentAt === null &&
        order.done === 0 &&
        order.failures.length === 0,
    )

  /** Nobody but the one who asked by hand plans it: no wish does. */
  const planByHandAgain = async (write: Writing, held: Order, ordinals: readonly number[]): Promise<void> => {
    const { undoneBy: _, ...order } = held
    // What waited for its day does not wait again, and is looked at once more before it leaves.
    const notBefore = order.notBefore === undefined ? {} : { notBefore: isoTime(clock.now()) }
    const again: Order = { ...order, ...planned(ordinals, order.by), ...notBefore }
    await addOrder(write, again)
    await keepFound(write, again.id, await foundOf(write.trx, order.id))
    write.told(() => wakeSoon(order.connectorId))
  }

  return {
    plan: async (write, license, action, ordinals, by, cause = 'plan', more = {}) => {
      await dropFailures(write, ordersKey(license.id), action, ordinals)
      write.told(() => wakeSoon(license.connectorId))
      // Two orders of one license can't leave in one call: what is planned alike and has not left takes these in.
      const alike = cause === 'plan' ? await findPlannedAlike(write, license.id, action, by) : undefined
      if (alike !== undefined) return await extendOrder(write, alike, ordinals)
      const order: LicenseOrder = {
        ...planned(ordinals, by),
        connectorId: license.connectorId,
        licenseId: license.id,
        action,
        cause,
        ...(more.notBefore === undefined ? {} : { notBefore: isoTime(more.notBefore) }),
        ...(more.undoes === undefined ? {} : { undoes: more.undoes }),
      }
      await addOrder(write, order)
      if (more.found !== undefined) await keepFound(write, order.id, more.found)
      return order
    },
    planLocation,
    dropPlanned: async (write, license, ordinals) => {
      const dropped = new Set(ordinals)
      for (const order of await ordersIn(write, ordersKey(license)))
        if (order.state === 'planned' && order.cause === 'plan' && order.open.some((ordinal) => dropped.has(ordinal)))
          await dropTargets(write, order, ordinals, clock.now())
    },
    dropKeptBack: async (write, license, ordinals) => {
      for (const order of await ordersIn(write, ordersKey(license))) {
        if (order.state !== 'planned' || order.notBefore === undefined) continue
        const dropped = ordinals === undefined ? order.open : order.open.filter((ordinal) => ordinals.includes(ordinal))
        if (dropped.length > 0) await dropTargets(write, order, dropped, clock.now())
      }
    },
    retry: (id) =>
      journal.write(async (write) => {
        const chunk = await findChunkOfOrder(write.trx, id)
        if (chunk === undefined) return 'unknown-order'
        const order = await orderIn(write, chunk, id)
        if (order === undefined || order.failures.length === 0) return 'nothing-failed'
        const failed = order.failures.map(({ ordinal }) => ordinal)
        await keepOrder(write, { ...order, failures: [] }, { nextPollAt: null })
        if (order.cause !== 'plan') await planByHandAgain(write, order, failed)
        return 'done'
      }),
    cancel: (id, by) =>
      journal.write(async (write) => {
        const chunk = await findChunkOfOrder(write.trx, id)
        if (chunk === undefined) return 'unknown-order'
        const order = await orderIn(write, chunk, id)
        if (order === undefined || order.state !== 'planned') return 'already-sent'
        // The wish stands, so a target that is merely let go of would be planned again in the same moment.
        const failure = {
          code: 'cancelled',
          text: `${by} cancelled it before it was sent. ${order.cause === 'plan' ? 'Retry the order, or assign it again' : 'Nothing changed for them. Retry the order to ask for it after all'}`,
          retryable: false,
        }
        await refuseTargets(
          write,
          order,
          order.open.map((ordinal) => ({ ordinal, ...failure })),
          clock.now(),
        )
        return 'done'
      }),
    find: (id) => findOrder(db, id),
    lookNow: async (connector, reference) => {
      const known = await db
        .selectFrom('orders')
        .select('id')
        .where('connector', '=', connector)
        .where('reference', '=', reference)
        .executeTakeFirst()
      if (known === undefined) return false
      await journal.write((write) =>
        write.trx
          .updateTable('orders')
          .set({ next_poll_at: clock.now() })
          .where('connector', '=', connector)
          .where('reference', '=', reference)
          .where('state', 'in', ['sent', 'pending'])
          .execute(),
      )
      wake(connector)
      return true
    },
    settledLately: (license) => settling.settledLately(license),
    start: async () => {
      await settling.recall(db)
      // What left before the last stop and was not answered is asked about at once.
      await journal.write((write) =>
        write.trx.updateTable('orders').set({ next_poll_at: clock.now() }).where('state', 'in', ['sent', 'pending']).execute(),
      )
      await wakeOpen()
    },
    stop: async () => {
      stopped = true
      stopFacts()
      stopForget()
      cancelLook()
      for (const line of lineByConnector.values()) line.stop()
      await Promise.all(busyLines())
    },
    idle: async () => {
      for (let busy = busyLines(); busy.length > 0; busy = busyLines()) await Promise.all(busy)
    },
  }
}

const sameTerms = (a: SubscriptionTerms | null, b: SubscriptionTerms | null): boolean =>
  a?.id === b?.id && a?.renewing === b?.renewing && a?.deferred === b?.deferred
