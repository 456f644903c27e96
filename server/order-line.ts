/**
 * The line of one connector: one write at a time, at most one open order for each license. It runs when it is woken, looks
 * after what is open, sends what is planned, and comes back by itself when something is due. After trouble with the store
 * it pauses.
 *
 * This is the only place that asks a store for a change.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { findLicense } from './licenses.ts'
import { holdersOf } from './order-holders.ts'
import { changeOrder, keepOrder, orderIn, withdrawOrder } from './order-rows.ts'
import { pollEveryMs, type OrderSettling } from './order-settling.ts'
import type { StoreConnection, StoreFailure, WriteFailure } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { ConnectorId, LicenseId, OrderId } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import type { Order } from '../shared/order.ts'

export interface OrderLine {
  /** Runs the line now; when it is running already, once more after that. */
  wake(): void
  /** The most targets of one call that the store is known to take. */
  mostTargets(): number
  /** The run that is under way. */
  busy(): Promise<void> | undefined
  /** Nothing more is asked or sent once the call that is under way has its answer. */
  stop(): void
}

export interface OrderLineDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Connectors
  readonly connections: Connections
  readonly directory: DirectoryIndex
  readonly settling: OrderSettling
  readonly clock: Clock
  /** Where a named moment is passed; a simulation stops the process there. */
  readonly crashpoint: (name: string) => void
  readonly onTrouble: (cause: unknown) => void
}

/** The first look comes soon, since most events are done in seconds. */
const firstPollMs = 1500
const retryAfterTroubleMs = 30_000
const defaultMostTargets = 1000

export const createOrderLine = (connectorId: ConnectorId, deps: OrderLineDeps): OrderLine => {
  const { db, journal, connectors, connections, directory, settling, clock, crashpoint } = deps
  let running: Promise<void> | undefined
  let again = false
  let cancelTimer: (() => void) | undefined
  let pausedUntil = 0
  let mostTargets = defaultMostTargets
  let stopped = false

  // ---- When it runs ----

  const wake = (): void => {
    if (stopped) return
    if (running !== undefined) {
      again = true
      return
    }
    cancelTimer?.()
    cancelTimer = undefined
    again = false
    running = run()
      .catch((cause: unknown) => {
        deps.onTrouble(cause)
        wakeAt(clock.now() + retryAfterTroubleMs)
      })
      .finally(() => {
        running = undefined
        if (again) wake()
      })
  }

  const wakeAt = (at: number): void => {
    cancelTimer?.()
    cancelTimer = clock.after(Math.max(0, at - clock.now()), () => {
      cancelTimer = undefined
      wake()
    })
  }

  const isPaused = (): boolean => pausedUntil > clock.now()

  /** The store as a whole can't be used now: the connector learns why, the line pauses where waiting helps. */
  const onStoreFailure = async (failure: StoreFailure): Promise<void> => {
    await journal.write((write) => connectors.noteFailure(write, connectorId, failure))
    pausedUntil = clock.now() + (failure.is === 'store-busy' ? failure.retryAfterMs : retryAfterTroubleMs)
  }

  // ---- One run ----

  /** 1. Settle what is open. 2. Send what is planned. 3. Come back when something is due. */
  const run = async (): Promise<void> => {
    const connector = await connectors.find(connectorId)
    if (connector === undefined) return
    if (isPaused()) return wakeAt(pausedUntil)
    const connection = await connections.of(connectorId, connector.kind)
    if (connection === undefined) return
    await askWhatIsDue(connection)
    await sendWhatIsPlanned(connection)
    if (isPaused()) return wakeAt(pausedUntil)
    const next = await db
      .selectFrom('orders')
      .select('next_poll_at')
      .where('connector', '=', connectorId)
      .where('state', 'in', ['sent', 'pending'])
      .where('next_poll_at', 'is not', null)
      .orderBy('next_poll_at')
      .executeTakeFirst()
    if (next?.next_poll_at != null) wakeAt(next.next_poll_at)
  }

  const askWhatIsDue = async (connection: StoreConnection): Promise<void> => {
    const open = await db
      .selectFrom('orders')
      .select(['id', 'license', 'next_poll_at', 'attempted_at'])
      .where('connector', '=', connectorId)
      .where('state', 'in', ['sent', 'pending'])
      .orderBy('created_at')
      .execute()
    for (const row of open) {
      if (stopped || isPaused()) return
      if ((row.next_poll_at ?? 0) > clock.now()) continue
      const failure = await settling.ask(connection, row.license as LicenseId, row.id as OrderId, row.attempted_at ?? clock.now())
      if (failure !== undefined) await onStoreFailure(failure)
    }
  }

  const sendWhatIsPlanned = async (connection: StoreConnection): Promise<void> => {
    const planned = await db
      .selectFrom('orders')
      .select(['id', 'license'])
      .where('connector', '=', connectorId)
      .where('state', '=', 'planned')
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    for (const row of planned) {
      if (stopped || isPaused()) return
      const openOnLicense = await db
        .selectFrom('orders')
        .select('id')
        .where('license', '=', row.license)
        .where('state', 'in', ['sent', 'pending'])
        .executeTakeFirst()
      if (openOnLicense === undefined) await send(connection, row.license as LicenseId, row.id as OrderId)
    }
  }

  // ---- One order ----

  /** Sends one planned order. 1. Write that it leaves. 2. Call. 3. Write what came back. */
  const send = async (connection: StoreConnection, license: LicenseId, id: OrderId): Promise<void> => {
    const limits = await connection.limits()
    // Nothing was asked yet: the order stays planned, and whether it still may be is reconcile's to say.
    if (!limits.ok) return await onStoreFailure(limits.error)
    mostTargets = Math.max(1, Math.min(limits.value.mostDevices, limits.value.mostUsers))
    crashpoint('before-intent')
    const leaving = await leave(license, id)
    if (leaving?.license === undefined) return
    crashpoint('after-intent')
    const holders = await holdersOf(directory, leaving.order.open)
    const answer = await connection.write({
      action: leaving.order.action === 'associate' ? 'associate' : 'disassociate',
      productId: leaving.license.product.id,
      pricing: leaving.license.pricing,
      holders: holders.map(({ holder }) => holder),
    })
    crashpoint('after-call')
    if (answer.ok)
      await changeOrder(journal, license, id, (write, order) =>
        keepOrder(
          write,
          { ...order, state: 'pending', unknown: false, storeReference: answer.value.reference },
          { nextPollAt: clock.now() + firstPollMs },
        ),
      )
    else await onWriteFailure(license, id, answer.error)
    crashpoint('after-record')
    wakeAt(clock.now())
  }

  /** From here on its outcome is unknown. Undefined when it is not to leave any more. */
  const leave = (license: LicenseId, id: OrderId): Promise<{ readonly order: Order; readonly license: License | undefined } | undefined> =>
    journal.write(async (write) => {
      const order = await orderIn(write, license, id)
      if (order === undefined || order.state !== 'planned') return undefined
      if (order.open.length === 0 || order.open.length > mostTargets) {
        await withdrawOrder(write, order, clock.now())
        return undefined
      }
      const sending: Order = { ...order, state: 'sent', unknown: true, sentAt: isoTime(clock.now()) }
      await keepOrder(write, sending, { nextPollAt: clock.now() + pollEveryMs, attemptedAt: clock.now() })
      return { order: sending, license: await findLicense(write, license) }
    })

  const onWriteFailure = async (license: LicenseId, id: OrderId, failure: WriteFailure): Promise<void> => {
    const change = (act: (write: Writing, order: Order) => Promise<void>): Promise<void> => changeOrder(journal, license, id, act)
    switch (failure.is) {
      case 'outcome-unknown':
      case 'store-answer-unreadable':
        // It stays a question. The store gets a moment to finish before the seats are read.
        return await change((write, order) => keepOrder(write, order, { nextPollAt: clock.now() + firstPollMs }))
      case 'over-limit':
        return await change((write, order) => withdrawOrder(write, order, clock.now()))
      case 'store-refused':
        return await change((write, order) =>
          settling.settle(
            write,
            order,
            [],
            order.open.map((ordinal) => ({ ordinal, code: failure.code, text: failure.text, retryable: false })),
          ),
        )
      case 'store-busy':
      case 'store-unreachable':
      case 'store-changed-meanwhile':
        // Nothing was done: it may be sent again, after the pause.
        await change((write, order) => keepOrder(write, { ...order, state: 'planned', unknown: false, sentAt: null }, { nextPollAt: null }))
        return await onStoreFailure(failure)
      case 'credential-expired':
      case 'credential-invalid':
      case 'read-only-token':
      case 'foreign-owner':
        await change((write, order) => withdrawOrder(write, order, clock.now()))
        return await onStoreFailure(failure)
    }
  }

  return {
    wake,
    mostTargets: () => mostTargets,
    busy: () => running,
    stop: () => {
      stopped = true
      cancelTimer?.()
    },
  }
}
