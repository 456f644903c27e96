/**
 * How an order comes to its end. The store is asked by the reference it gave; where there is none, or it no longer says,
 * the seats are read. What was answered becomes facts in one act: the order's new state, the seats, our own count.
 */
import { appendAudit, theServer } from './audit.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { findLicense } from './licenses.ts'
import { holdersOf, holderWord } from './order-holders.ts'
import { changeOrder, forgetOrder, keepOrder, orderIn, postponeOrder, setTargets } from './order-rows.ts'
import { readSeatsSurely } from './seat-reading.ts'
import type { OrderStatus, StoreConnection, StoreFailure, TargetFailure } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import { columnsFact, columnsOfSeats, indexOfOrdinal, licensesKey, rowsFact, seatsKey } from '../shared/facts.ts'
import type { ConnectorId, LicenseId, OrderId } from '../shared/ids.ts'
import type { Seat } from '../shared/license.ts'
import type { Order, OrderFailure } from '../shared/order.ts'

/** Why a target was not served; the act that settles it gives it its number. */
type Failed = Omit<OrderFailure, 'atSeq'>

export interface OrderSettling {
  /** Targets that are served, those that failed, and the order's new state. Seats and counts follow in the same act. */
  settle(write: Writing, order: Order, served: readonly number[], failed: readonly Failed[]): Promise<void>
  /**
   * Looks after one open order: by its reference where there is one, else by reading the seats. Gives the failure when
   * the store as a whole can't be used now; the order is then looked after later.
   */
  ask(connection: StoreConnection, license: LicenseId, id: OrderId, attemptedAt: number): Promise<StoreFailure | undefined>
  /** Seats that an order has settled lately: a list read in this time may be older than the event. */
  settledLately(license: LicenseId): ReadonlyMap<number, 'given' | 'taken'>
  /** Reads what an earlier run settled lately. */
  recall(db: Db): Promise<void>
}

export interface OrderSettlingDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
  /** Called when a store said that a count may have changed: read it again. */
  readonly onSettled: (connector: ConnectorId, license: LicenseId) => void
}

/** While an order is pending, the store asks for 30 s between looks. */
export const pollEveryMs = 30_000
/** The store's lists may lag behind an event this long (reference 5.4). */
const lagMs = 5 * 60_000
/** An event that is still pending after this is settled by reading. */
const pendingTooLongMs = 10 * 60_000

interface Mark {
  readonly at: number
  readonly what: 'given' | 'taken'
}

export const createOrderSettling = (deps: OrderSettlingDeps): OrderSettling => {
  const { journal, directory, clock } = deps
  const lately = new Map<LicenseId, Map<number, Mark>>()

  // ---- Asking ----

  const ask: OrderSettling['ask'] = async (connection, license, id, attemptedAt) => {
    const held = await orderIn(journal, license, id)
    if (held === undefined) return await forget(id)
    if (held.storeReference === null) return await settleByReading(connection, license, id, clock.now() - attemptedAt > lagMs)
    const status = await connection.orderStatus(held.storeReference)
    if (status.ok) return await onStatus(connection, held, status.value, attemptedAt)
    await postpone(license, id)
    return status.error
  }

  const onStatus = async (
    connection: StoreConnection,
    held: Order,
    status: OrderStatus,
    attemptedAt: number,
  ): Promise<StoreFailure | undefined> => {
    const { licenseId, id } = held
    switch (status.is) {
      case 'pending':
        if (clock.now() - attemptedAt > pendingTooLongMs) return await settleByReading(connection, licenseId, id, false)
        return await postpone(licenseId, id)
      case 'done':
        return await change(licenseId, id, (write, order) => settle(write, order, order.open, []))
      case 'gone':
        return await settleByReading(connection, licenseId, id, true)
      case 'failed': {
        const failed = await namedFailures(held, status.failures)
        if (!status.complete) {
          if (failed.length > 0) await change(licenseId, id, (write, order) => settle(write, order, [], failed))
          const unnamed = status.failures.find(({ holders }) => holders === null)
          return await settleByReading(connection, licenseId, id, true, unnamed)
        }
        const failedOrdinals = new Set(failed.map(({ ordinal }) => ordinal))
        return await change(licenseId, id, (write, order) =>
          settle(
            write,
            order,
            order.open.filter((ordinal) => !failedOrdinals.has(ordinal)),
            failed,
          ),
        )
      }
    }
  }

  /**
   * What the store holds is the answer. A target that is as asked is served. One that is not: when the event is known to
   * be over (`final`) it failed and may be asked for again; otherwise the question stays open.
   */
  const settleByReading = async (
    connection: StoreConnection,
    license: LicenseId,
    id: OrderId,
    final: boolean,
    reason?: TargetFailure,
  ): Promise<StoreFailure | undefined> => {
    const row = await findLicense(journal, license)
    if (row === undefined) return await forget(id)
    const known = (await journal.columns(seatsKey(license))).ordinals.length
    const seats = await readSeatsSurely(connection, row.product.id, row.pricing, known)
    if (!seats.ok) {
      await postpone(license, id)
      return seats.error
    }
    const held = await orderIn(journal, license, id)
    if (held === undefined) return undefined
    const holding = new Set(seats.value.map(({ holder }) => holderWord(holder)))
    const gives = held.action === 'associate'
    const served: number[] = []
    const missing: number[] = []
    for (const { ordinal, holder } of await holdersOf(directory, held.open))
      (holding.has(holderWord(holder)) === gives ? served : missing).push(ordinal)
    const failed = final ? missing.map((ordinal) => notSeen(ordinal, reason)) : []
    return await change(license, id, (write, order) =>
      served.length === 0 && failed.length === 0
        ? keepOrder(write, order, { nextPollAt: clock.now() + pollEveryMs })
        : settle(write, order, served, failed),
    )
  }

  const notSeen = (ordinal: number, reason: TargetFailure | undefined): Failed => ({
    ordinal,
    code: reason?.code ?? 'outcome-not-seen',
    text: reason?.text ?? 'The store did not confirm it, and its list does not show it. It is asked for again.',
    retryable: reason?.retryable ?? true,
  })

  const namedFailures = async (order: Order, failures: readonly TargetFailure[]): Promise<readonly Failed[]> => {
    const ordinalByHolder = new Map((await holdersOf(directory, order.open)).map(({ ordinal, holder }) => [holderWord(holder), ordinal]))
    const failed = new Map<number, Failed>()
    for (const { holders, code, text, retryable } of failures)
      for (const holder of holders ?? []) {
        const ordinal = ordinalByHolder.get(holderWord(holder))
        if (ordinal !== undefined) failed.set(ordinal, { ordinal, code, text, retryable })
      }
    return [...failed.values()]
  }

  // Acts of their own, after which the store stands in nobody's way.

  const change = async (license: LicenseId, id: OrderId, act: (write: Writing, order: Order) => Promise<void>): Promise<undefined> => {
    await changeOrder(journal, license, id, act)
  }

  const postpone = (license: LicenseId, id: OrderId): Promise<undefined> =>
    change(license, id, (write, order) => postponeOrder(write, order, clock.now() + pollEveryMs))

  const forget = async (id: OrderId): Promise<undefined> => {
    await journal.write((write) => forgetOrder(write, id, clock.now()))
  }

  // ---- Settling ----

  const settle: OrderSettling['settle'] = async (write, order, served, failed) => {
    const answered = new Set([...served, ...failed.map(({ ordinal }) => ordinal)])
    const open = order.open.filter((ordinal) => !answered.has(ordinal))
    const atSeq = write.nextSeq()
    const failures = [...order.failures, ...failed.map((failure) => ({ ...failure, atSeq }))]
    const done = order.done + served.length
    const finished = open.length === 0
    const settled: Order = {
      ...order,
      open,
      failures,
      done,
      unknown: finished ? false : order.unknown,
      state: !finished ? order.state : failures.length === 0 ? 'done' : done > 0 ? 'partly-done' : 'failed',
      finishedAt: finished ? isoTime(clock.now()) : null,
    }
    await setTargets(write, order.id, served, 'done')
    for (const failure of failed) await setTargets(write, order.id, [failure.ordinal], 'failed', failure)
    await keepOrder(write, settled, { nextPollAt: finished ? null : clock.now() + pollEveryMs })
    await recordSeats(write, order, served)
    if (finished) {
      await appendAudit(write.trx, {
        at: clock.now(),
        actor: theServer,
        action: `order.${settled.state}`,
        object: order.id,
        detail: { license: order.licenseId, action: order.action, done, failed: failures.length },
        origin: 'server',
      })
      write.told(() => deps.onSettled(order.connectorId, order.licenseId))
    }
  }

  /** What the store confirmed is a fact at once; its lists and counts follow in their own time. */
  const recordSeats = async (write: Writing, order: Order, served: readonly number[]): Promise<void> => {
    if (served.length === 0) return
    const key = seatsKey(order.licenseId)
    const held = await write.columns(key)
    const gives = order.action === 'associate'
    const at = clock.now()
    const license = await findLicense(write, order.licenseId)
    let change = 0
    if (gives) {
      const seats: Seat[] = served.map((ordinal) => ({
        ordinal,
        licenseType: directory.principal(ordinal)?.kind ?? 'device',
        origin: 'assignment',
        sinceS: Math.floor(at / 1000),
      }))
      change = served.filter((ordinal) => indexOfOrdinal(held.ordinals, ordinal) < 0).length
      await write.record(columnsFact(key, columnsOfSeats(seats)))
    } else {
      const gone = served.filter((ordinal) => indexOfOrdinal(held.ordinals, ordinal) >= 0)
      change = -gone.length
      if (gone.length > 0) await write.record(columnsFact(key, columnsOfSeats([]), Uint32Array.from(gone).sort()))
    }
    // Our own count until the store's next one. Seats that came back are not counted as available before the store says so.
    if (license !== undefined && change > 0)
      await write.record(
        rowsFact(licensesKey(license.id), [
          {
            ...license,
            inUse: license.inUse + change,
            available: license.available === null ? null : Math.max(0, license.available - change),
          },
        ]),
      )
    mark(order.licenseId, served, { at, what: gives ? 'given' : 'taken' })
  }

  // ---- What was settled lately ----

  const mark = (license: LicenseId, ordinals: readonly number[], made: Mark): void => {
    const marks = lately.get(license) ?? new Map<number, Mark>()
    for (const ordinal of ordinals) marks.set(ordinal, made)
    lately.set(license, marks)
  }

  const settledLately: OrderSettling['settledLately'] = (license) => {
    const result = new Map<number, 'given' | 'taken'>()
    const marks = lately.get(license)
    if (marks === undefined) return result
    for (const [ordinal, { at, what }] of marks) {
      if (clock.now() - at > lagMs) marks.delete(ordinal)
      else result.set(ordinal, what)
    }
    if (marks.size === 0) lately.delete(license)
    return result
  }

  const recall = async (db: Db): Promise<void> => {
    const recent = await db
      .selectFrom('order_targets')
      .innerJoin('orders', 'orders.id', 'order_targets.order_id')
      .select(['orders.license', 'orders.action', 'orders.finished_at', 'order_targets.ordinal'])
      .where('order_targets.state', '=', 'done')
      .where('orders.finished_at', '>', clock.now() - lagMs)
      .execute()
    for (const { license, action, finished_at, ordinal } of recent)
      mark(license as LicenseId, [ordinal], { at: finished_at ?? 0, what: action === 'associate' ? 'given' : 'taken' })
  }

  return { settle, ask, settledLately, recall }
}
