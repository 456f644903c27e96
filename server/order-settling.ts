/**
 * How an order comes to its end. The store is asked by the reference it gave; where there is none, or it no longer says,
 * what it holds is read. What was answered becomes facts in one act: the order's new state, the seats, our own count, who
 * is on the store's list of people.
 */
import { appendAudit, theServer } from './audit.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { findLicense, licensesInAct } from './licenses.ts'
import { holdersOf, holderWord } from './order-holders.ts'
import {
  changeOrders,
  chunkOfOrder,
  forgetOrder,
  keepOrder,
  orderIn,
  ordersWithReference,
  postponeOrder,
  setTargets,
} from './order-rows.ts'
import { readAsAsked } from './order-reading.ts'
import type { Accepted, OrderStatus, ProductKey, StoreConnection, StoreFailure, TargetFailure } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import {
  columnsFact,
  columnsOfSeats,
  indexOfOrdinal,
  licensesKey,
  registrationsKey,
  rowsFact,
  seatsKey,
  type OrdersKey,
} from '../shared/facts.ts'
import { principalIdOf, type ConnectorId, type LicenseId, type OrderId } from '../shared/ids.ts'
import type { License, Seat } from '../shared/license.ts'
import { isLicenseOrder, type LicenseOrder, type LocationOrder, type Order, type OrderFailure } from '../shared/order.ts'
import type { Registration, RegistrationState } from '../shared/registration.ts'
import type { Result } from '../shared/result.ts'

/** Why a target was not served; the act that settles it gives it its number. */
type Failed = Omit<OrderFailure, 'atSeq'>

export interface OrderSettling {
  /** Targets that are served, those that failed, and the order's new state. Seats and counts follow in the same act. */
  settle(write: Writing, order: Order, served: readonly number[], failed: readonly Failed[]): Promise<void>
  /**
   * The store took the call. Where it said at once what came of it, the orders are settled in the same act; else they are
   * pending, and asked about at `askAt`. Gives the failure when the store would have to be read for it and can't be.
   */
  accepted(connection: StoreConnection, orders: readonly Order[], answer: Accepted, askAt: number): Promise<StoreFailure | undefined>
  /** One round of asking: orders that left in one call are asked about once. */
  asking(connection: StoreConnection): OrderAsking
  /** Seats that an order has settled lately: a list read in this time may be older than the event. */
  settledLately(license: LicenseId): ReadonlyMap<number, 'given' | 'taken'>
  /** Reads what an earlier run settled lately. */
  recall(db: Db): Promise<void>
}

export interface OrderAsking {
  /**
   * Looks after one open order: by its reference where there is one, else by reading. Gives the failure when the store as
   * a whole can't be used now; the order is then looked after later.
   */
  ask(chunk: OrdersKey, id: OrderId, attemptedAt: number): Promise<StoreFailure | undefined>
}

export interface OrderSettlingDeps {
  readonly db: Db
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
  /** Called when a store said that a count may have changed: read it again. */
  readonly onSettled: (connector: ConnectorId, license: LicenseId) => void
  /** Called when people were registered, changed or retired: read what the store says of them. */
  readonly onPeopleSettled: (connector: ConnectorId, ordinals: readonly number[]) => void
  /** Called when subscriptions were given or taken: read their counts. */
  readonly onSubscriptionsSettled: (connector: ConnectorId) => void
  /** Where a named moment is passed; a simulation stops the process there. */
  readonly crashpoint?: (name: string) => void
}

/** While an order is pending, the store asks for 30 s between looks. */
export const pollEveryMs = 30_000
/** The store's lists may lag behind an event this long (reference 5.4). */
const lagMs = 5 * 60_000
/** An event that is still pending after this is settled by reading. */
const pendingTooLongMs = 10 * 60_000
/** After this it is not waited for any more: its seats are promised to nobody else for so long, and then what is not as asked is asked for again. */
const pendingForGoodMs = 60 * 60_000

interface Mark {
  readonly at: number
  readonly what: 'given' | 'taken'
}

export const createOrderSettling = (deps: OrderSettlingDeps): OrderSettling => {
  const { journal, directory, clock } = deps
  const lately = new Map<LicenseId, Map<number, Mark>>()

  // ---- The answer to the call itself ----

  const accepted: OrderSettling['accepted'] = async (connection, orders, { reference, settled }, askAt) => {
    // Failures name holders, and who that is can't be read inside the act.
    const failedById = new Map<OrderId, readonly Failed[]>()
    if (settled?.is === 'failed')
      for (const order of orders) failedById.set(order.id, await namedFailures(order, await failuresOf(order, settled.failures)))
    await changeOrders(journal, orders, async (write, order) => {
      const taken: Order = { ...order, state: 'pending', unknown: false, storeReference: reference }
      const failed = failedById.get(order.id) ?? []
      if (settled === undefined || !isWhole(settled)) return await keepOrder(write, taken, { nextPollAt: askAt })
      const failedOrdinals = new Set(failed.map(({ ordinal }) => ordinal))
      await settle(
        write,
        taken,
        taken.open.filter((ordinal) => !failedOrdinals.has(ordinal)),
        failed,
      )
    })
    if (settled?.is !== 'failed' || isWhole(settled)) return undefined
    for (const held of orders) {
      const failure = await settleByReading(connection, held, true, await failuresOf(held, settled.failures))
      if (failure !== undefined) return failure
    }
    return undefined
  }

  // ---- Asking ----

  const asking: OrderSettling['asking'] = (connection) => {
    const statusByReference = new Map<string, Promise<Result<OrderStatus, StoreFailure>>>()

    const ask: OrderAsking['ask'] = async (chunk, id, attemptedAt) => {
      const held = await orderIn(journal, chunk, id)
      if (held === undefined) return await forget(id)
      const reference = held.storeReference
      if (reference === null) return await settleByReading(connection, held, clock.now() - attemptedAt > lagMs, [])
      const asked = statusByReference.get(reference) ?? statusOf(held.connectorId, reference)
      statusByReference.set(reference, asked)
      const status = await asked
      deps.crashpoint?.('after-answer')
      if (status.ok) return await onStatus(held, status.value, attemptedAt)
      await postpone(held)
      return status.error
    }

    const statusOf = async (connector: ConnectorId, reference: string): Promise<Result<OrderStatus, StoreFailure>> => {
      const products: ProductKey[] = []
      for (const order of await ordersWithReference(deps.db, journal, connector, reference)) {
        const license = isLicenseOrder(order) ? await findLicense(journal, order.licenseId) : undefined
        if (license !== undefined) products.push(productKeyOf(license))
      }
      return await connection.orderStatus(reference, products)
    }

    const onStatus = async (held: Order, status: OrderStatus, attemptedAt: number): Promise<StoreFailure | undefined> => {
      switch (status.is) {
        case 'pending':
          if (clock.now() - attemptedAt > pendingTooLongMs)
            return await settleByReading(connection, held, clock.now() - attemptedAt > pendingForGoodMs, [])
          return await postpone(held)
        case 'done':
          return await change(held, (write, order) => settle(write, order, order.open, []))
        case 'gone':
          return await settleByReading(connection, held, true, [])
        case 'failed': {
          const own = await failuresOf(held, status.failures)
          if (!status.complete) return await settleByReading(connection, held, true, own)
          const failed = await namedFailures(held, own)
          const failedOrdinals = new Set(failed.map(({ ordinal }) => ordinal))
          return await change(held, (write, order) =>
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

    return { ask }
  }

  /** Those of a call's failures that may concern this order. */
  const failuresOf = async (order: Order, failures: readonly TargetFailure[]): Promise<readonly TargetFailure[]> => {
    if (!isLicenseOrder(order)) return failures
    const license = await findLicense(journal, order.licenseId)
    if (license === undefined) return failures
    const { productId, pricing } = productKeyOf(license)
    return failures.filter(
      ({ products }) => products === null || products.some((product) => product.productId === productId && product.pricing === pricing),
    )
  }

  /**
   * What the store holds is the answer. A target that is as asked is served. One that is not: when the event is known to
   * be over (`final`) it failed, for the reason that was told, and may be asked for again; otherwise the question stays open.
   */
  const settleByReading = async (
    connection: StoreConnection,
    asked: Order,
    final: boolean,
    failures: readonly TargetFailure[],
  ): Promise<StoreFailure | undefined> => {
    const read = await readAsAsked({ facts: journal, directory }, connection, asked)
    if (!read.ok) {
      await postpone(asked)
      return read.error
    }
    if (read.value === 'nobody-left-to-ask-for') return await forget(asked.id)
    const isAsAsked = read.value
    deps.crashpoint?.('after-answer')
    const held = await orderIn(journal, chunkOfOrder(asked), asked.id)
    if (held === undefined) return undefined
    const served: number[] = []
    const missing: number[] = []
    // A list may be older than what the order before this one did: that it shows the same is no proof until the lag is over.
    const before = isLicenseOrder(held) ? settledLately(held.licenseId) : undefined
    const undone = held.action === 'associate' ? 'taken' : 'given'
    for (const { ordinal, holder } of await holdersOf(directory, held.open))
      if (!isAsAsked(holder)) missing.push(ordinal)
      else if (before?.get(ordinal) !== undone) served.push(ordinal)
    const named = new Map((await namedFailures(held, failures)).map((failure) => [failure.ordinal, failure]))
    const unnamed = failures.find(({ holders }) => holders === null)
    // What follows from wishes is planned anew by itself. What somebody asked for by hand leaves once more, when the call never came there.
    const again = final && held.cause !== 'plan' && held.storeReference === null && failures.length === 0
    const failed = final && !again ? missing.map((ordinal) => named.get(ordinal) ?? notSeen(held, ordinal, unnamed)) : []
    return await change(held, async (write, order) => {
      if (served.length > 0 || failed.length > 0) await settle(write, order, served, failed)
      else if (!again) await keepOrder(write, order, { nextPollAt: clock.now() + pollEveryMs })
      if (!again || missing.length === 0) return
      const left = await orderIn(write, chunkOfOrder(order), order.id)
      if (left !== undefined) await keepOrder(write, { ...left, state: 'planned', unknown: false, sentAt: null }, { nextPollAt: null })
    })
  }

  const notSeen = ({ cause }: Order, ordinal: number, reason: TargetFailure | undefined): Failed => ({
    ordinal,
    code: reason?.code ?? 'outcome-not-seen',
    text:
      reason?.text ??
      `The store did not confirm it, and its list does not show it. ${cause === 'plan' ? 'It is asked for again.' : 'Retry the order to ask for it again.'}`,
    retryable: reason?.retryable ?? true,
  })

  const namedFailures = async (order: Order, failures: readonly TargetFailure[]): Promise<readonly Failed[]> => {
    const ordinalByHolder = new Map(
      (await holdersOf(directory, order.open)).map(({ ordinal, holder }) => [holderWord(directory, holder), ordinal]),
    )
    const failed = new Map<number, Failed>()
    for (const { holders, code, text, retryable } of failures)
      for (const holder of holders ?? []) {
        const ordinal = ordinalByHolder.get(holderWord(directory, holder))
        if (ordinal !== undefined) failed.set(ordinal, { ordinal, code, text, retryable })
      }
    return [...failed.values()]
  }

  // Acts of their own, after which the store stands in nobody's way.

  const change = async (held: Order, act: (write: Writing, order: Order) => Promise<void>): Promise<undefined> => {
    await changeOrders(journal, [held], act)
  }

  const postpone = (held: Order): Promise<undefined> =>
    change(held, (write, order) => postponeOrder(write, order, clock.now() + pollEveryMs))

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
    if (isLicenseOrder(order)) await recordSeats(write, order, served)
    else await recordPeople(write, order, served)
    if (finished) {
      await appendAudit(write.trx, {
        at: clock.now(),
        actor: theServer,
        action: `order.${settled.state}`,
        object: order.id,
        detail: { license: order.licenseId ?? '', connector: order.connectorId, action: order.action, done, failed: failures.length },
        origin: 'server',
      })
      if (isLicenseOrder(order)) write.told(() => deps.onSettled(order.connectorId, order.licenseId))
    }
  }

  /** What the store confirmed is a fact at once; its lists and counts follow in their own time. */
  const recordSeats = async (write: Writing, order: LicenseOrder, served: readonly number[]): Promise<void> => {
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
        // Where a wish asks for it, its own order gives it; this one gives what was found.
        origin: order.cause === 'undo' ? 'found' : 'assignment',
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
            // What the store calls a deficit stays one.
            available: license.available === null ? null : Math.max(Math.min(0, license.available), license.available - change),
          },
        ]),
      )
    mark(order.licenseId, served, { at, what: gives ? 'given' : 'taken' })
  }

  /**
   * Somebody registered takes seats from now on; what state the store has given them is read afterwards. Who was retired,
   * or from whom everything was taken, holds nothing any more that can come back.
   */
  const recordPeople = async (write: Writing, order: LocationOrder, served: readonly number[]): Promise<void> => {
    if (served.length === 0) return
    switch (order.action) {
      case 'register-user':
        await recordRegistrations(write, order.connectorId, served, 'registered')
        break
      case 'retire-user':
        await recordRegistrations(write, order.connectorId, served, 'retired')
        await recordTaken(write, order.connectorId, served)
        break
      case 'revoke':
        await recordTaken(write, order.connectorId, served)
        break
      case 'update-user':
        break
      case 'assign-subscription':
      case 'remove-subscription':
        write.told(() => deps.onSubscriptionsSettled(order.connectorId))
        return
    }
    write.told(() => deps.onPeopleSettled(order.connectorId, served))
  }

  const recordRegistrations = async (
    write: Writing,
    connector: ConnectorId,
    ordinals: readonly number[],
    state: RegistrationState,
  ): Promise<void> => {
    const since = isoTime(clock.now())
    const putByChunk = new Map<ReturnType<typeof registrationsKey>, Registration[]>()
    for (const ordinal of ordinals) {
      const chunk = registrationsKey(connector, ordinal)
      const id = principalIdOf('user', ordinal)
      const before = (await write.rows(chunk)).find((row) => row.id === id)
      const put = putByChunk.get(chunk) ?? []
      put.push({ email: '', closedRecords: 0, ...before, id, state, since })
      putByChunk.set(chunk, put)
    }
    for (const [chunk, put] of putByChunk) await write.record(rowsFact(chunk, put))
  }

  const recordTaken = async (write: Writing, connector: ConnectorId, ordinals: readonly number[]): Promise<void> => {
    const at = clock.now()
    for (const license of await licensesInAct(write, connector)) {
      if (!license.revocable) continue
      const held = await write.columns(seatsKey(license.id))
      const gone = ordinals.filter((ordinal) => indexOfOrdinal(held.ordinals, ordinal) >= 0)
      if (gone.length === 0) continue
      await write.record(columnsFact(seatsKey(license.id), columnsOfSeats([]), Uint32Array.from(gone).sort()))
      mark(license.id, gone, { at, what: 'taken' })
      write.told(() => deps.onSettled(connector, license.id))
    }
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
      .where('orders.license', '!=', '')
      .execute()
    for (const { license, action, finished_at, ordinal } of recent)
      mark(license as LicenseId, [ordinal], { at: finished_at ?? 0, what: action === 'associate' ? 'given' : 'taken' })
  }

  return { settle, accepted, asking, settledLately, recall }
}

/** Every target is told of, by name or as one of the rest. */
const isWhole = (status: NonNullable<Accepted['settled']>): boolean =>
  status.is === 'done' || (status.complete && status.failures.every(({ holders }) => holders !== null))

const productKeyOf = (license: License): ProductKey => ({ productId: license.product.id, pricing: license.pricing })
