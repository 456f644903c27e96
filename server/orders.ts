/**
 * Orders: what is asked of a store, written down before it is asked and settled by what is observed.
 *
 * The life of an order: `planned` (on disk, nothing sent) → `sent` (on disk before the call leaves; until an answer is on
 * disk its outcome is unknown) → `pending` (the store gave a reference) → `done`, `partly-done` or `failed`. An order
 * whose outcome is unknown is a question to the store: it is answered by reading the seats, never by sending again.
 *
 * One line for each connector: one write at a time, at most one open order for each license.
 */
import { appendAudit, theServer } from './audit.ts'
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import { normalKey } from './directory/directory.ts'
import type { Db } from './database/schema.ts'
import type { Journal, Writing } from './journal.ts'
import { readSeatsSurely } from './seat-reading.ts'
import type { HolderKey, OrderStatus, StoreConnection, StoreFailure, TargetFailure, WriteFailure } from './stores/store.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { columnsOfSeats, licensesKey, ordersKey, rowsFact, columnsFact, seatsKey, indexOfOrdinal } from '../shared/facts.ts'
import { parseOrderId, type ConnectorId, type LicenseId, type OrderId } from '../shared/ids.ts'
import type { License, Seat } from '../shared/license.ts'
import { isOpen, type Order, type OrderFailure } from '../shared/order.ts'
import { isUser, storeKeyOf } from '../shared/principal.ts'

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

/** The first look comes soon, since most events are done in seconds; while pending, the store asks for 30 s between looks. */
const firstPollMs = 1500
const pollEveryMs = 30_000
/** The store's lists may lag behind an event this long (reference 5.4). */
export const lagMs = 5 * 60_000
/** An event that is still pending after this is settled by reading. */
const pendingTooLongMs = 10 * 60_000
const retryAfterTroubleMs = 30_000
const retryAfterForgetMs = 2_000
/** Finished orders without failures that stay in the license's chunk, for the screens. */
const mostFinishedShown = 10
const defaultMostTargets = 1000

export const createOrders = (deps: OrdersDeps): Orders => {
  const { db, journal, connectors, connections, directory, clock } = deps
  const crashpoint = deps.crashpoint ?? ((): void => undefined)
  const lineByConnector = new Map<ConnectorId, Line>()
  const mostTargetsByConnector = new Map<ConnectorId, number>()
  const lately = new Map<LicenseId, Map<number, { readonly at: number; readonly what: 'given' | 'taken' }>>()
  let stopped = false

  interface Line {
    busy: Promise<void> | undefined
    again: boolean
    cancelTimer: (() => void) | undefined
    pausedUntil: number
  }

  const lineOf = (connector: ConnectorId): Line => {
    const held = lineByConnector.get(connector)
    if (held !== undefined) return held
    const line: Line = { busy: undefined, again: false, cancelTimer: undefined, pausedUntil: 0 }
    lineByConnector.set(connector, line)
    return line
  }

  /** Runs the line now; when it is running already, once more after that. */
  const wake = (connector: ConnectorId): void => {
    if (stopped) return
    const line = lineOf(connector)
    if (line.busy !== undefined) {
      line.again = true
      return
    }
    line.cancelTimer?.()
    line.cancelTimer = undefined
    line.again = false
    line.busy = run(connector)
      .catch((cause: unknown) => {
        deps.onTrouble(cause)
        wakeAfter(connector, retryAfterTroubleMs)
      })
      .finally(() => {
        line.busy = undefined
        if (line.again) wake(connector)
      })
  }

  const wakeAfter = (connector: ConnectorId, ms: number): void => {
    const line = lineOf(connector)
    line.cancelTimer?.()
    line.cancelTimer = clock.after(Math.max(0, ms), () => {
      line.cancelTimer = undefined
      wake(connector)
    })
  }

  // ---- Rows ----

  const readOrders = async (write: Writing, license: LicenseId): Promise<readonly Order[]> => await write.rows(ordersKey(license))

  const orderIn = async (write: Writing, license: LicenseId, id: OrderId): Promise<Order | undefined> =>
    (await readOrders(write, license)).find((order) => order.id === id)

  /** Puts an order into its license's chunk and its table, and lets old finished ones go from the chunk. */
  const keep = async (
    write: Writing,
    order: Order,
    columns: { readonly nextPollAt: number | null; readonly attemptedAt?: number },
  ): Promise<void> => {
    const others = (await readOrders(write, order.licenseId)).filter(({ id }) => id !== order.id)
    const finished = [...others, order]
      .filter((row) => !isOpen(row) && row.failures.length === 0)
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    const gone = finished.slice(mostFinishedShown).map(({ id }) => id as string)
    await write.record(rowsFact(ordersKey(order.licenseId), gone.includes(order.id) ? [] : [order], gone))
    await write.trx
      .updateTable('orders')
      .set({
        state: order.state,
        unknown: order.unknown ? 1 : 0,
        reference: order.storeReference,
        sent_at: order.sentAt === null ? null : Date.parse(order.sentAt),
        finished_at: order.finishedAt === null ? null : Date.parse(order.finishedAt),
        done: order.done,
        next_poll_at: columns.nextPollAt,
        ...(columns.attemptedAt === undefined ? {} : { attempted_at: columns.attemptedAt }),
        seq: write.seq(),
      })
      .where('id', '=', order.id)
      .execute()
  }

  const plan: Orders['plan'] = async (write, license, action, ordinals, by, cause = 'plan') => {
    const again = new Set(ordinals)
    // A new attempt takes the place of the old failure.
    for (const older of await readOrders(write, license.id)) {
      if (older.action !== action || !older.failures.some(({ ordinal }) => again.has(ordinal))) continue
      await keep(write, { ...older, failures: older.failures.filter(({ ordinal }) => !again.has(ordinal)) }, { nextPollAt: null })
    }
    const most = mostTargets(license.connectorId)
    for (let from = 0; from < ordinals.length; from += most) {
      const targets = ordinals.slice(from, from + most)
      const id = parseOrderId(randomId(deps.chance))
      if (id === undefined) throw new Error('orders: made an id that is none')
      const at = clock.now()
      const order: Order = {
        id,
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
        createdAt: isoTime(at),
        sentAt: null,
        finishedAt: null,
        by,
      }
      await write.trx
        .insertInto('orders')
        .values({
          id,
          connector: license.connectorId,
          license: license.id,
          action,
          cause,
          state: 'planned',
          unknown: 0,
          reference: null,
          created_at: at,
          attempted_at: null,
          sent_at: null,
          finished_at: null,
          by_name: by,
          total: targets.length,
          done: 0,
          next_poll_at: null,
          seq: write.seq(),
        })
        .execute()
      for (let row = 0; row < targets.length; row += 1000)
        await write.trx
          .insertInto('order_targets')
          .values(
            targets
              .slice(row, row + 1000)
              .map((ordinal) => ({ order_id: id, ordinal, state: 'open', code: null, text: null, retryable: 0, at_seq: write.seq() })),
          )
          .execute()
      await keep(write, order, { nextPollAt: null })
    }
    write.told(() => wake(license.connectorId))
  }

  const mostTargets = (connector: ConnectorId): number => mostTargetsByConnector.get(connector) ?? defaultMostTargets

  const setTargets = async (
    write: Writing,
    id: OrderId,
    ordinals: readonly number[],
    state: string,
    failure?: { readonly code: string; readonly text: string; readonly retryable: boolean },
  ): Promise<void> => {
    for (let from = 0; from < ordinals.length; from += 500)
      await write.trx
        .updateTable('order_targets')
        .set({
          state,
          code: failure?.code ?? null,
          text: failure?.text ?? null,
          retryable: failure?.retryable === true ? 1 : 0,
          at_seq: write.seq(),
        })
        .where('order_id', '=', id)
        .where('ordinal', 'in', ordinals.slice(from, from + 500))
        .execute()
  }

  /** Targets that are served, those that failed, and the order's new state. Seats and counts follow in the same act. */
  const settle = async (
    write: Writing,
    order: Order,
    served: readonly number[],
    failed: readonly Omit<OrderFailure, 'atSeq'>[],
  ): Promise<void> => {
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
    await keep(write, settled, { nextPollAt: finished ? null : clock.now() + pollEveryMs })
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
    const license = (await write.rows(licensesKey(order.licenseId))).find(({ id }) => id === order.licenseId)
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
    const marks = lately.get(order.licenseId) ?? new Map<number, { readonly at: number; readonly what: 'given' | 'taken' }>()
    for (const ordinal of served) marks.set(ordinal, { at, what: gives ? 'given' : 'taken' })
    lately.set(order.licenseId, marks)
  }

  const withdraw = async (write: Writing, order: Order): Promise<void> => {
    await setTargets(write, order.id, order.open, 'cancelled')
    await keep(
      write,
      { ...order, open: [], unknown: false, state: order.done > 0 ? 'partly-done' : 'cancelled', finishedAt: isoTime(clock.now()) },
      { nextPollAt: null },
    )
  }

  // ---- The line ----

  /** 1. Settle what is open. 2. Send what is planned. 3. Come back when something is due. */
  const run = async (connectorId: ConnectorId): Promise<void> => {
    const line = lineOf(connectorId)
    const connector = await connectors.find(connectorId)
    if (connector === undefined) return
    if (line.pausedUntil > clock.now()) return wakeAfter(connectorId, line.pausedUntil - clock.now())
    const connection = await connections.of(connectorId, connector.kind)
    if (connection === undefined) return
    const due = await db
      .selectFrom('orders')
      .select(['id', 'license', 'next_poll_at', 'attempted_at'])
      .where('connector', '=', connectorId)
      .where('state', 'in', ['sent', 'pending'])
      .orderBy('created_at')
      .execute()
    for (const row of due) {
      if (stopped || line.pausedUntil > clock.now()) break
      if ((row.next_poll_at ?? 0) > clock.now()) continue
      await ask(connectorId, connection, row.license as LicenseId, row.id as OrderId, row.attempted_at ?? clock.now())
    }
    const planned = await db
      .selectFrom('orders')
      .select(['id', 'license'])
      .where('connector', '=', connectorId)
      .where('state', '=', 'planned')
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    for (const row of planned) {
      if (stopped || line.pausedUntil > clock.now()) break
      const openOnLicense = await db
        .selectFrom('orders')
        .select('id')
        .where('license', '=', row.license)
        .where('state', 'in', ['sent', 'pending'])
        .executeTakeFirst()
      if (openOnLicense === undefined) await send(connectorId, connection, row.license as LicenseId, row.id as OrderId)
    }
    if (line.pausedUntil > clock.now()) return wakeAfter(connectorId, line.pausedUntil - clock.now())
    const next = await db
      .selectFrom('orders')
      .select('next_poll_at')
      .where('connector', '=', connectorId)
      .where('state', 'in', ['sent', 'pending'])
      .where('next_poll_at', 'is not', null)
      .orderBy('next_poll_at')
      .executeTakeFirst()
    if (next?.next_poll_at != null) wakeAfter(connectorId, next.next_poll_at - clock.now())
  }

  /** Sends one planned order. 1. Write that it leaves. 2. Call. 3. Write what came back. */
  const send = async (connectorId: ConnectorId, connection: StoreConnection, license: LicenseId, id: OrderId): Promise<void> => {
    const limits = await connection.limits()
    // Nothing was asked yet: the order stays planned, and whether it still may be is reconcile's to say.
    if (!limits.ok) return await onStoreFailure(connectorId, limits.error)
    mostTargetsByConnector.set(connectorId, Math.max(1, Math.min(limits.value.mostDevices, limits.value.mostUsers)))
    crashpoint('before-intent')
    const leaving = await journal.write(async (write) => {
      const order = await orderIn(write, license, id)
      if (order === undefined || order.state !== 'planned') return undefined
      if (order.open.length === 0 || order.open.length > mostTargets(connectorId)) {
        await withdraw(write, order)
        return undefined
      }
      const sending: Order = { ...order, state: 'sent', unknown: true, sentAt: isoTime(clock.now()) }
      await keep(write, sending, { nextPollAt: clock.now() + pollEveryMs, attemptedAt: clock.now() })
      return { order: sending, license: (await write.rows(licensesKey(license))).find((row) => row.id === license) }
    })
    if (leaving?.license === undefined) return
    crashpoint('after-intent')
    const holders = await holdersOf(leaving.order.open)
    const answer = await connection.write({
      action: leaving.order.action === 'associate' ? 'associate' : 'disassociate',
      productId: leaving.license.product.id,
      pricing: leaving.license.pricing,
      holders: holders.map(({ holder }) => holder),
    })
    crashpoint('after-call')
    if (answer.ok)
      await journal.write(async (write) => {
        const order = await orderIn(write, license, id)
        if (order !== undefined)
          await keep(
            write,
            { ...order, state: 'pending', unknown: false, storeReference: answer.value.reference },
            { nextPollAt: clock.now() + firstPollMs },
          )
      })
    else await onWriteFailure(connectorId, license, id, answer.error)
    crashpoint('after-record')
    wakeAfter(connectorId, 0)
  }

  const onWriteFailure = async (connectorId: ConnectorId, license: LicenseId, id: OrderId, failure: WriteFailure): Promise<void> => {
    const change = (act: (write: Writing, order: Order) => Promise<void>): Promise<void> =>
      journal.write(async (write) => {
        const order = await orderIn(write, license, id)
        if (order !== undefined) await act(write, order)
      })
    switch (failure.is) {
      case 'outcome-unknown':
      case 'store-answer-unreadable':
        // It stays a question. The store gets a moment to finish before the seats are read.
        return await change((write, order) => keep(write, order, { nextPollAt: clock.now() + firstPollMs }))
      case 'over-limit':
        return await change(withdraw)
      case 'store-refused':
        return await change((write, order) =>
          settle(
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
        await change((write, order) => keep(write, { ...order, state: 'planned', unknown: false, sentAt: null }, { nextPollAt: null }))
        return await onStoreFailure(connectorId, failure)
      case 'credential-expired':
      case 'credential-invalid':
      case 'read-only-token':
      case 'foreign-owner':
        await change(withdraw)
        return await onStoreFailure(connectorId, failure)
    }
  }

  /** The store as a whole can't be used now: the connector learns why, the line pauses where waiting helps. */
  const onStoreFailure = async (connectorId: ConnectorId, failure: StoreFailure): Promise<void> => {
    await journal.write((write) => connectors.noteFailure(write, connectorId, failure))
    lineOf(connectorId).pausedUntil = clock.now() + (failure.is === 'store-busy' ? failure.retryAfterMs : retryAfterTroubleMs)
  }

  /** Looks after one open order: by its reference where there is one, else by reading the seats. */
  const ask = async (
    connectorId: ConnectorId,
    connection: StoreConnection,
    license: LicenseId,
    id: OrderId,
    attemptedAt: number,
  ): Promise<void> => {
    const held = (await journal.rows(ordersKey(license))).find((order) => order.id === id)
    if (held === undefined) return await forget(id)
    if (held.storeReference === null) return await settleByReading(connectorId, connection, license, id, clock.now() - attemptedAt > lagMs)
    const status = await connection.orderStatus(held.storeReference)
    if (!status.ok) {
      await postpone(license, id, pollEveryMs)
      return await onStoreFailure(connectorId, status.error)
    }
    await onStatus(connectorId, connection, held, status.value, attemptedAt)
  }

  const onStatus = async (
    connectorId: ConnectorId,
    connection: StoreConnection,
    held: Order,
    status: OrderStatus,
    attemptedAt: number,
  ): Promise<void> => {
    const { licenseId, id } = held
    switch (status.is) {
      case 'pending':
        if (clock.now() - attemptedAt > pendingTooLongMs) return await settleByReading(connectorId, connection, licenseId, id, false)
        return await postpone(licenseId, id, pollEveryMs)
      case 'done':
        return await journal.write(async (write) => {
          const order = await orderIn(write, licenseId, id)
          if (order !== undefined) await settle(write, order, order.open, [])
        })
      case 'gone':
        return await settleByReading(connectorId, connection, licenseId, id, true)
      case 'failed': {
        const failed = await namedFailures(held, status.failures)
        if (!status.complete) {
          if (failed.length > 0)
            await journal.write(async (write) => {
              const order = await orderIn(write, licenseId, id)
              if (order !== undefined) await settle(write, order, [], failed)
            })
          const unnamed = status.failures.find(({ holders }) => holders === null)
          return await settleByReading(connectorId, connection, licenseId, id, true, unnamed)
        }
        const failedOrdinals = new Set(failed.map(({ ordinal }) => ordinal))
        return await journal.write(async (write) => {
          const order = await orderIn(write, licenseId, id)
          if (order === undefined) return
          await settle(
            write,
            order,
            order.open.filter((ordinal) => !failedOrdinals.has(ordinal)),
            failed,
          )
        })
      }
    }
  }

  /**
   * What the store holds is the answer. A target that is as asked is served. One that is not: when the event is known to
   * be over (`final`) it failed and may be asked for again; otherwise the question stays open.
   */
  const settleByReading = async (
    connectorId: ConnectorId,
    connection: StoreConnection,
    license: LicenseId,
    id: OrderId,
    final: boolean,
    reason?: TargetFailure,
  ): Promise<void> => {
    const row = (await journal.rows(licensesKey(license))).find((candidate) => candidate.id === license)
    if (row === undefined) return await forget(id)
    const known = (await journal.columns(seatsKey(license))).ordinals.length
    const seats = await readSeatsSurely(connection, row.product.id, row.pricing, known)
    if (!seats.ok) {
      await postpone(license, id, pollEveryMs)
      return await onStoreFailure(connectorId, seats.error)
    }
    const held = (await journal.rows(ordersKey(license))).find((order) => order.id === id)
    if (held === undefined) return
    const keys = new Set(seats.value.map(({ holder }) => `${holder.kind}/${normalKey(holder.kind, holder.key)}`))
    const gives = held.action === 'associate'
    const served: number[] = []
    const missing: number[] = []
    for (const { ordinal, holder } of await holdersOf(held.open))
      (keys.has(`${holder.kind}/${normalKey(holder.kind, holder.key)}`) === gives ? served : missing).push(ordinal)
    await journal.write(async (write) => {
      const order = await orderIn(write, license, id)
      if (order === undefined) return
      const failed = final
        ? missing.map((ordinal) => ({
            ordinal,
            code: reason?.code ?? 'outcome-not-seen',
            text: reason?.text ?? 'The store did not confirm it, and its list does not show it. It is asked for again.',
            retryable: reason?.retryable ?? true,
          }))
        : []
      if (served.length === 0 && failed.length === 0) await keep(write, order, { nextPollAt: clock.now() + pollEveryMs })
      else await settle(write, order, served, failed)
    })
  }

  /** Its connector or license was let go: there is nobody left to ask for. */
  const forget = async (id: OrderId): Promise<void> => {
    await journal.write((write) =>
      write.trx
        .updateTable('orders')
        .set({ state: 'cancelled', next_poll_at: null, finished_at: clock.now() })
        .where('id', '=', id)
        .execute(),
    )
  }

  const postpone = (license: LicenseId, id: OrderId, ms: number): Promise<void> =>
    journal.write(async (write) => {
      const order = await orderIn(write, license, id)
      if (order !== undefined && isOpen(order))
        await write.trx
          .updateTable('orders')
          .set({ next_poll_at: clock.now() + ms })
          .where('id', '=', id)
          .execute()
    })

  const holdersOf = async (ordinals: readonly number[]): Promise<readonly { readonly ordinal: number; readonly holder: HolderKey }[]> => {
    const holders: { readonly ordinal: number; readonly holder: HolderKey }[] = []
    for (const ordinal of ordinals) {
      const principal = await directory.find(ordinal)
      if (principal === undefined) throw new Error(`orders: principal ${ordinal} is in an order and not in the directory`)
      holders.push({ ordinal, holder: { kind: isUser(principal) ? 'user' : 'device', key: storeKeyOf(principal) } })
    }
    return holders
  }

  const namedFailures = async (order: Order, failures: readonly TargetFailure[]): Promise<readonly Omit<OrderFailure, 'atSeq'>[]> => {
    const ordinalByHolder = new Map(
      (await holdersOf(order.open)).map(({ ordinal, holder }) => [`${holder.kind}/${normalKey(holder.kind, holder.key)}`, ordinal]),
    )
    const failed = new Map<number, Omit<OrderFailure, 'atSeq'>>()
    for (const { holders, code, text, retryable } of failures)
      for (const holder of holders ?? []) {
        const ordinal = ordinalByHolder.get(`${holder.kind}/${normalKey(holder.kind, holder.key)}`)
        if (ordinal !== undefined) failed.set(ordinal, { ordinal, code, text, retryable })
      }
    return [...failed.values()]
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

  const findRow = async (id: OrderId): Promise<Order | undefined> => {
    const row = await db.selectFrom('orders').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : await orderOfRow(db, row)
  }

  const stopFacts = journal.onFacts((facts) => {
    // A renewed token or a lifted claim: what is planned may be sendable now.
    for (const { key, fact } of facts) if (key === 'connectors') for (const row of fact.put as readonly Connector[]) wake(row.id)
  })

  return {
    plan,
    mostTargets,
    find: findRow,
    dropPlanned: async (write, license, ordinals) => {
      const dropped = new Set(ordinals)
      for (const order of await readOrders(write, license)) {
        if (order.state !== 'planned' || !order.open.some((ordinal) => dropped.has(ordinal))) continue
        const open = order.open.filter((ordinal) => !dropped.has(ordinal))
        await setTargets(
          write,
          order.id,
          order.open.filter((ordinal) => dropped.has(ordinal)),
          'cancelled',
        )
        if (open.length === 0) await withdraw(write, order)
        else await keep(write, { ...order, open, total: open.length + order.done }, { nextPollAt: null })
      }
    },
    retry: (id) =>
      journal.write(async (write) => {
        const row = await write.trx.selectFrom('orders').select('license').where('id', '=', id).executeTakeFirst()
        if (row === undefined) return 'unknown-order'
        const order = await orderIn(write, row.license as LicenseId, id)
        if (order === undefined || order.failures.length === 0) return 'nothing-failed'
        await keep(write, { ...order, failures: [] }, { nextPollAt: null })
        return 'done'
      }),
    cancel: (id, by) =>
      journal.write(async (write) => {
        const row = await write.trx.selectFrom('orders').select('license').where('id', '=', id).executeTakeFirst()
        if (row === undefined) return 'unknown-order'
        const order = await orderIn(write, row.license as LicenseId, id)
        if (order === undefined || order.state !== 'planned') return 'already-sent'
        // The wish stands, so a target that is merely let go of would be planned again in the same moment.
        const failure = {
          code: 'cancelled',
          text: `${by} cancelled it before it was sent. Retry the order, or assign it again`,
          retryable: false,
        }
        const atSeq = write.nextSeq()
        await setTargets(write, id, order.open, 'failed', failure)
        await keep(
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
    settledLately: (license) => {
      const result = new Map<number, 'given' | 'taken'>()
      const marks = lately.get(license)
      if (marks === undefined) return result
      for (const [ordinal, { at, what }] of marks) {
        if (clock.now() - at > lagMs) marks.delete(ordinal)
        else result.set(ordinal, what)
      }
      if (marks.size === 0) lately.delete(license)
      return result
    },
    start: async () => {
      const recent = await db
        .selectFrom('order_targets')
        .innerJoin('orders', 'orders.id', 'order_targets.order_id')
        .select(['orders.license', 'orders.action', 'orders.finished_at', 'order_targets.ordinal'])
        .where('order_targets.state', '=', 'done')
        .where('orders.finished_at', '>', clock.now() - lagMs)
        .execute()
      for (const { license, action, finished_at, ordinal } of recent) {
        const marks = lately.get(license as LicenseId) ?? new Map<number, { readonly at: number; readonly what: 'given' | 'taken' }>()
        marks.set(ordinal, { at: finished_at ?? 0, what: action === 'associate' ? 'given' : 'taken' })
        lately.set(license as LicenseId, marks)
      }
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
      for (const line of lineByConnector.values()) line.cancelTimer?.()
      await Promise.all([...lineByConnector.values()].map((line) => line.busy))
    },
    idle: async () => {
      for (;;) {
        const busy = [...lineByConnector.values()].map((line) => line.busy).filter((promise) => promise !== undefined)
        if (busy.length === 0) return
        await Promise.all(busy)
      }
    },
  }
}

/** An order from its tables: complete, also when the license's chunk has let it go. */
export const orderOfRow = async (
  db: Db,
  row: {
    readonly id: string
    readonly connector: string
    readonly license: string
    readonly action: string
    readonly cause: string
    readonly state: string
    readonly unknown: number
    readonly reference: string | null
    readonly created_at: number
    readonly sent_at: number | null
    readonly finished_at: number | null
    readonly by_name: string
    readonly total: number
    readonly done: number
  },
): Promise<Order> => {
  const targets = await db
    .selectFrom('order_targets')
    .select(['ordinal', 'state', 'code', 'text', 'retryable', 'at_seq'])
    .where('order_id', '=', row.id)
    .where('state', 'in', ['open', 'failed'])
    .orderBy('ordinal')
    .execute()
  return {
    id: row.id as OrderId,
    connectorId: row.connector as ConnectorId,
    licenseId: row.license as LicenseId,
    action: row.action as Order['action'],
    cause: row.cause === 'reclaim' ? 'reclaim' : 'plan',
    state: row.state as Order['state'],
    total: row.total,
    done: row.done,
    open: targets.filter(({ state }) => state === 'open').map(({ ordinal }) => ordinal),
    failures: targets
      .filter(({ state }) => state === 'failed')
      .map(({ ordinal, code, text, retryable, at_seq }) => ({
        ordinal,
        code: code ?? '',
        text: text ?? '',
        retryable: retryable === 1,
        atSeq: at_seq,
      })),
    unknown: row.unknown === 1,
    storeReference: row.reference,
    createdAt: isoTime(row.created_at),
    sentAt: row.sent_at === null ? null : isoTime(row.sent_at),
    finishedAt: row.finished_at === null ? null : isoTime(row.finished_at),
    by: row.by_name,
  }
}
