/**
 * Orders: what is asked of a store, written down before it is asked and settled by what is observed.
 *
 * The life of an order: `planned` (on disk, nothing sent) → `sent` (on disk before the call leaves; until an answer is on
 * disk its outcome is unknown) → `pending` (the store gave a reference) → `done`, `partly-done` or `failed`. An order
 * whose outcome is unknown is a question to the store: it is answered by reading the seats, never by sending again.
 *
 * How an order is written down is `order-rows.ts`, how it leaves `order-line.ts`, how it ends `order-settling.ts`.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { createOrderLine, type OrderLine } from './order-line.ts'
import { addOrder, findOrder, keepOrder, licenseOfOrder, orderIn, ordersOf, setTargets, withdrawOrder } from './order-rows.ts'
import { createOrderSettling } from './order-settling.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { parseOrderId, type ConnectorId, type LicenseId, type OrderId } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import type { Order } from '../shared/order.ts'

export interface Orders {
  /** Inside the reconciler's act: the order is on disk before anything is sent. */
  plan(
    write: Writing,
    license: License,
    action: 'associate' | 'disassociate',
    ordinals: readonly number[],
    by: string,
    cause?: Order['cause'],
  ): Promise<void>
  /** Takes targets out of planned orders that are not yet sent. */
  dropPlanned(write: Writing, license: LicenseId, ordinals: readonly number[]): Promise<void>
  find(id: OrderId): Promise<Order | undefined>
  /** Failed targets are asked for again: their failures are forgotten, and reconcile plans them anew. */
  retry(id: OrderId): Promise<'done' | 'unknown-order' | 'nothing-failed'>
  /** Planned and not sent: its targets are refused until they are wished for anew, or the order is retried. */
  cancel(id: OrderId, by: string): Promise<'done' | 'unknown-order' | 'already-sent'>
  /** The most targets of one call that the store is known to take. */
  mostTargets(connector: ConnectorId): number
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
  /** Where a named moment is passed; a simulation stops the process there. */
  readonly crashpoint?: (name: string) => void
  readonly onTrouble: (cause: unknown) => void
}

const retryAfterForgetMs = 2_000

export const createOrders = (deps: OrdersDeps): Orders => {
  const { db, journal, connectors, connections, directory, clock } = deps
  const settling = createOrderSettling({ journal, directory, clock, onSettled: deps.onSettled })
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
      crashpoint: deps.crashpoint ?? ((): void => undefined),
      onTrouble: deps.onTrouble,
    })
    lineByConnector.set(connector, line)
    return line
  }

  const wake = (connector: ConnectorId): void => {
    if (!stopped) lineOf(connector).wake()
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
  const dropFailures = async (write: Writing, license: LicenseId, action: Order['action'], ordinals: readonly number[]): Promise<void> => {
    const again = new Set(ordinals)
    for (const older of await ordersOf(write, license)) {
      if (older.action !== action || !older.failures.some(({ ordinal }) => again.has(ordinal))) continue
      await keepOrder(write, { ...older, failures: older.failures.filter(({ ordinal }) => !again.has(ordinal)) }, { nextPollAt: null })
    }
  }

  const newOrderId = (): OrderId => {
    const id = parseOrderId(randomId(deps.chance))
    if (id === undefined) throw new Error('orders: made an id that is none')
    return id
  }

  return {
    plan: async (write, license, action, ordinals, by, cause = 'plan') => {
      await dropFailures(write, license.id, action, ordinals)
      const most = lineOf(license.connectorId).mostTargets()
      for (let from = 0; from < ordinals.length; from += most) {
        const targets = ordinals.slice(from, from + most)
        await addOrder(write, {
          id: newOrderId(),
          connectorId: license.connectorId,
          licenseId: license.id,
          action,
          cause,
          state: 'planned',
          total: targets.length,
          done: 0,
          open: targets,
          failures: [],
          unknown: false,
          storeReference: null,
          createdAt: isoTime(clock.now()),
          sentAt: null,
          finishedAt: null,
          by,
        })
      }
      write.told(() => wake(license.connectorId))
    },
    dropPlanned: async (write, license, ordinals) => {
      const dropped = new Set(ordinals)
      for (const order of await ordersOf(write, license)) {
        if (order.state !== 'planned' || !order.open.some((ordinal) => dropped.has(ordinal))) continue
        const open = order.open.filter((ordinal) => !dropped.has(ordinal))
        await setTargets(
          write,
          order.id,
          order.open.filter((ordinal) => dropped.has(ordinal)),
          'cancelled',
        )
        if (open.length === 0) await withdrawOrder(write, order, clock.now())
        else await keepOrder(write, { ...order, open, total: open.length + order.done }, { nextPollAt: null })
      }
    },
    retry: (id) =>
      journal.write(async (write) => {
        const license = await licenseOfOrder(write.trx, id)
        if (license === undefined) return 'unknown-order'
        const order = await orderIn(write, license, id)
        if (order === undefined || order.failures.length === 0) return 'nothing-failed'
        await keepOrder(write, { ...order, failures: [] }, { nextPollAt: null })
        return 'done'
      }),
    cancel: (id, by) =>
      journal.write(async (write) => {
        const license = await licenseOfOrder(write.trx, id)
        if (license === undefined) return 'unknown-order'
        const order = await orderIn(write, license, id)
        if (order === undefined || order.state !== 'planned') return 'already-sent'
        // The wish stands, so a target that is merely let go of would be planned again in the same moment.
        const failure = {
          code: 'cancelled',
          text: `${by} cancelled it before it was sent. Retry the order, or assign it again`,
          retryable: false,
        }
        const atSeq = write.nextSeq()
        await setTargets(write, id, order.open, 'failed', failure)
        await keepOrder(
          write,
          {
            ...order,
            open: [],
            failures: [...order.failures, ...order.open.map((ordinal) => ({ ordinal, ...failure, atSeq }))],
            state: 'cancelled',
            finishedAt: isoTime(clock.now()),
          },
          { nextPollAt: null },
        )
        return 'done'
      }),
    find: (id) => findOrder(db, id),
    mostTargets: (connector) => lineOf(connector).mostTargets(),
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
