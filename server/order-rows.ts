/**
 * An order where it is written down: in the chunk of its license or of its Location, where every screen reads it, and in
 * two tables, which keep it whole when the chunk has let it go. Nothing here decides what becomes of an order.
 */
import type { Db } from './database/schema.ts'
import type { FactReader } from './facts.ts'
import type { Journal, Writing } from './journal.ts'
import type { PlacedWish, Wish } from '../shared/assignment.ts'
import { isoTime } from '../shared/clock.ts'
import { locationOrdersKey, ordersKey, rowsFact, type OrdersKey } from '../shared/facts.ts'
import type { ConnectorId, LicenseId, OrderId, TargetKey } from '../shared/ids.ts'
import {
  isLicenseAction,
  isOpen,
  type LicenseOrder,
  type LocationAction,
  type LocationOrder,
  type Order,
  type OrderFailure,
  type SubscriptionTerms,
} from '../shared/order.ts'
import type { PlanIntent } from '../shared/plan.ts'

/** Finished orders without failures that stay in a chunk, for the screens. */
const mostFinishedShown = 10
/** SQLite takes 32,766 values in one statement, PostgreSQL 65,535. */
const rowsPerInsert = 1000
const rowsPerUpdate = 500

// ---- Reading ----

/** Where an order is read by everybody. */
export const chunkOfOrder = (order: Pick<Order, 'licenseId' | 'connectorId'>): OrdersKey =>
  order.licenseId === null ? locationOrdersKey(order.connectorId) : ordersKey(order.licenseId)

/** A location order has no license: its row holds an empty one. */
export const chunkOfRow = (row: { readonly connector: string; readonly license: string }): OrdersKey =>
  row.license === '' ? locationOrdersKey(row.connector as ConnectorId) : ordersKey(row.license as LicenseId)

export const ordersIn = async (facts: FactReader, chunk: OrdersKey): Promise<readonly Order[]> => await facts.rows(chunk)

export const orderIn = async (facts: FactReader, chunk: OrdersKey, id: OrderId): Promise<Order | undefined> =>
  (await ordersIn(facts, chunk)).find((order) => order.id === id)

export const findChunkOfOrder = async (db: Db, id: OrderId): Promise<OrdersKey | undefined> => {
  const row = await db.selectFrom('orders').select(['connector', 'license']).where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : chunkOfRow(row)
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
    readonly terms: string | null
    readonly not_before: number | null
    readonly undoes: string | null
    readonly undone_by: string | null
  },
): Promise<Order> => {
  const targets = await db
    .selectFrom('order_targets')
    .select(['ordinal', 'state', 'code', 'text', 'retryable', 'at_seq'])
    .where('order_id', '=', row.id)
    .where('state', 'in', ['open', 'failed'])
    .orderBy('ordinal')
    .execute()
  const common = {
    id: row.id as OrderId,
    connectorId: row.connector as ConnectorId,
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
    ...(row.not_before === null ? {} : { notBefore: isoTime(row.not_before) }),
    ...(row.undoes === null ? {} : { undoes: row.undoes as OrderId }),
    ...(row.undone_by === null ? {} : { undoneBy: JSON.parse(row.undone_by) as readonly OrderId[] }),
  }
  const action = row.action as Order['action']
  return isLicenseAction(action)
    ? {
        ...common,
        licenseId: row.license as LicenseId,
        action,
        cause: row.cause as LicenseOrder['cause'],
      }
    : {
        ...common,
        licenseId: null,
        action: action satisfies LocationAction,
        cause: row.cause as LocationOrder['cause'],
        subscription: row.terms === null ? null : (JSON.parse(row.terms) as SubscriptionTerms),
      }
}

export const findOrder = async (db: Db, id: OrderId): Promise<Order | undefined> => {
  const row = await db.selectFrom('orders').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : await orderOfRow(db, row)
}

/** The open orders that left in one call. */
export const ordersWithReference = async (
  db: Db,
  facts: FactReader,
  connector: ConnectorId,
  reference: string,
): Promise<readonly Order[]> => {
  const rows = await db
    .selectFrom('orders')
    .select(['id', 'connector', 'license'])
    .where('connector', '=', connector)
    .where('reference', '=', reference)
    .execute()
  const orders: Order[] = []
  for (const row of rows) {
    const order = await orderIn(facts, chunkOfRow(row), row.id as OrderId)
    if (order !== undefined) orders.push(order)
  }
  return orders
}

// ---- Writing ----

/** Changes orders in one act. Those that their chunks do not hold are left alone. */
export const changeOrders = (
  journal: Journal,
  orders: readonly Pick<Order, 'id' | 'licenseId' | 'connectorId'>[],
  act: (write: Writing, order: Order) => Promise<void>,
): Promise<void> =>
  journal.write(async (write) => {
    for (const { id, ...place } of orders) {
      const order = await orderIn(write, chunkOfOrder(place), id)
      if (order !== undefined) await act(write, order)
    }
  })

/**
 * What was found when an order was planned, kept beside it and told to no browser.
 *
 * `plan`: what was changed in the plan for its sake, as it stood before and as it was written. `seats`: by license, whose
 * seats a taking of everything was to take. `gone`: its targets that had left, or were not active, at that time.
 */
export interface OrderFound {
  readonly plan?: readonly PlanChange[]
  readonly seats?: readonly { readonly license: LicenseId; readonly ordinals: readonly number[] }[]
  readonly gone?: readonly number[]
}

export interface PlanChange {
  readonly license: LicenseId
  readonly target: TargetKey
  /** Null: no wish stood for this target. */
  readonly before: Wish | null
  readonly after: Wish
}

/** What an edit made of the plan. A removal whose work was done at once is gone from the wishes: what was asked stands for it. */
export const planChanges = (
  license: LicenseId,
  intents: readonly PlanIntent[],
  before: readonly PlacedWish[],
  after: readonly PlacedWish[],
): readonly PlanChange[] =>
  intents.flatMap((intent) =>
    intent.part === 'wish'
      ? [
          {
            license,
            target: intent.target,
            before: before.find(({ key }) => key === intent.target)?.wish ?? null,
            after: after.find(({ key }) => key === intent.target)?.wish ?? intent.wish,
          },
        ]
      : [],
  )

export const foundOf = async (db: Db, id: OrderId): Promise<OrderFound> => {
  const row = await db.selectFrom('orders').select('found').where('id', '=', id).executeTakeFirst()
  return row?.found == null ? {} : (JSON.parse(row.found) as OrderFound)
}

export const keepFound = async (write: Writing, id: OrderId, found: OrderFound): Promise<void> => {
  await write.trx
    .updateTable('orders')
    .set({ found: JSON.stringify(found) })
    .where('id', '=', id)
    .execute()
}

/** Its targets that were served, ascending. The chunk holds only their number. */
export const servedTargets = async (db: Db, id: OrderId): Promise<readonly number[]> =>
  (
    await db
      .selectFrom('order_targets')
      .select('ordinal')
      .where('order_id', '=', id)
      .where('state', '=', 'done')
      .orderBy('ordinal')
      .execute()
  ).map(({ ordinal }) => ordinal)

/** A new order, with all its targets open. */
export const addOrder = async (write: Writing, order: Order): Promise<void> => {
  await write.trx
    .insertInto('orders')
    .values({
      id: order.id,
      connector: order.connectorId,
      license: order.licenseId ?? '',
      action: order.action,
      cause: order.cause,
      state: order.state,
      unknown: 0,
      reference: null,
      created_at: Date.parse(order.createdAt),
      attempted_at: null,
      sent_at: null,
      finished_at: null,
      by_name: order.by,
      total: order.total,
      done: 0,
      next_poll_at: null,
      terms: order.licenseId !== null || order.subscription === null ? null : JSON.stringify(order.subscription),
      not_before: null,
      undoes: order.undoes ?? null,
      undone_by: null,
      found: null,
      seq: write.seq(),
    })
    .execute()
  await openTargets(write, order.id, order.open)
  await keepOrder(write, order, { nextPollAt: null })
}

/** More targets for an order that has not left; none of them is open in it. */
export const extendOrder = async <T extends Order>(write: Writing, order: T, ordinals: readonly number[]): Promise<T> => {
  await openTargets(write, order.id, ordinals)
  const extended: T = { ...order, open: [...order.open, ...ordinals], total: order.total + ordinals.length }
  await keepOrder(write, extended, { nextPollAt: null })
  return extended
}

/** One that was taken out of the order before is open again. */
const openTargets = async (write: Writing, id: OrderId, ordinals: readonly number[]): Promise<void> => {
  const target = { state: 'open', code: null, text: null, retryable: 0, at_seq: write.seq() }
  for (let from = 0; from < ordinals.length; from += rowsPerInsert)
    await write.trx
      .insertInto('order_targets')
      .values(ordinals.slice(from, from + rowsPerInsert).map((ordinal) => ({ order_id: id, ordinal, ...target })))
      .onConflict((conflict) => conflict.columns(['order_id', 'ordinal']).doUpdateSet(target))
      .execute()
}

/** Puts an order into its chunk and its table, and lets old finished ones go from the chunk. */
export const keepOrder = async (
  write: Writing,
  order: Order,
  columns: { readonly nextPollAt: number | null; readonly attemptedAt?: number },
): Promise<void> => {
  const others = (await ordersIn(write, chunkOfOrder(order))).filter(({ id }) => id !== order.id)
  const finished = [...others, order]
    .filter((row) => !isOpen(row) && row.failures.length === 0)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
  const gone = finished.slice(mostFinishedShown).map(({ id }) => id as string)
  const stays = !gone.includes(order.id)
  await write.record(
    order.licenseId === null
      ? rowsFact(locationOrdersKey(order.connectorId), stays ? [order] : [], gone)
      : rowsFact(ordersKey(order.licenseId), stays ? [order] : [], gone),
  )
  await write.trx
    .updateTable('orders')
    .set({
      state: order.state,
      unknown: order.unknown ? 1 : 0,
      reference: order.storeReference,
      sent_at: order.sentAt === null ? null : Date.parse(order.sentAt),
      finished_at: order.finishedAt === null ? null : Date.parse(order.finishedAt),
      total: order.total,
      done: order.done,
      next_poll_at: columns.nextPollAt,
      not_before: order.notBefore === undefined ? null : Date.parse(order.notBefore),
      undoes: order.undoes ?? null,
      undone_by: order.undoneBy === undefined ? null : JSON.stringify(order.undoneBy),
      ...(columns.attemptedAt === undefined ? {} : { attempted_at: columns.attemptedAt }),
      seq: write.seq(),
    })
    .where('id', '=', order.id)
    .execute()
}

export const setTargets = async (
  write: Writing,
  id: OrderId,
  ordinals: readonly number[],
  state: string,
  failure?: { readonly code: string; readonly text: string; readonly retryable: boolean },
): Promise<void> => {
  for (let from = 0; from < ordinals.length; from += rowsPerUpdate)
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
      .where('ordinal', 'in', ordinals.slice(from, from + rowsPerUpdate))
      .execute()
}

/** Takes these targets out of an order that has not left, and makes another of them, planned as this one was. */
export const splitOrder = async (write: Writing, order: Order, apart: readonly number[], id: OrderId): Promise<Order> => {
  const leaving = new Set(apart)
  const rest = order.open.filter((ordinal) => !leaving.has(ordinal))
  for (let from = 0; from < apart.length; from += rowsPerUpdate)
    await write.trx
      .deleteFrom('order_targets')
      .where('order_id', '=', order.id)
      .where('ordinal', 'in', apart.slice(from, from + rowsPerUpdate))
      .execute()
  const kept = { ...order, open: rest, total: order.total - apart.length }
  await keepOrder(write, kept, { nextPollAt: null })
  await addOrder(write, { ...order, id, open: apart, total: apart.length, done: 0, failures: [] })
  const found = await foundOf(write.trx, order.id)
  if (Object.keys(found).length > 0) await keepFound(write, id, found)
  return kept
}

/** What is still open of it is given up. Its targets may be planned anew at once. */
export const withdrawOrder = async (write: Writing, order: Order, at: number): Promise<void> => {
  await setTargets(write, order.id, order.open, 'cancelled')
  await keepOrder(
    write,
    { ...order, open: [], unknown: false, state: order.done > 0 ? 'partly-done' : 'cancelled', finishedAt: isoTime(at) },
    { nextPollAt: null },
  )
}

/** Takes targets out of an order that has not left. */
export const dropTargets = async (write: Writing, order: Order, ordinals: readonly number[], at: number): Promise<void> => {
  const dropped = new Set(ordinals)
  const open = order.open.filter((ordinal) => !dropped.has(ordinal))
  if (open.length === 0) return await withdrawOrder(write, order, at)
  await setTargets(
    write,
    order.id,
    order.open.filter((ordinal) => dropped.has(ordinal)),
    'cancelled',
  )
  await keepOrder(write, { ...order, open, total: open.length + order.done }, { nextPollAt: null })
}

/** Takes targets out of an order that has not left, each with the reason. What was not answered stays open. */
export const refuseTargets = async (
  write: Writing,
  order: Order,
  refused: readonly Omit<OrderFailure, 'atSeq'>[],
  at: number,
): Promise<void> => {
  const atSeq = write.nextSeq()
  const ordinals = new Set(refused.map(({ ordinal }) => ordinal))
  const open = order.open.filter((ordinal) => !ordinals.has(ordinal))
  for (const [failure, of] of byReason(refused)) await setTargets(write, order.id, of, 'failed', failure)
  await keepOrder(
    write,
    {
      ...order,
      open,
      failures: [...order.failures, ...refused.map((failure) => ({ ...failure, atSeq }))],
      ...(open.length > 0
        ? {}
        : { unknown: false, state: order.done > 0 ? ('partly-done' as const) : ('cancelled' as const), finishedAt: isoTime(at) }),
    },
    { nextPollAt: null },
  )
}

/** One statement for all that have the same reason, and not one for each. */
const byReason = (
  refused: readonly Omit<OrderFailure, 'atSeq'>[],
): ReadonlyMap<Omit<OrderFailure, 'atSeq' | 'ordinal'>, readonly number[]> => {
  const places = new Map<string, number[]>()
  const ordinalsOf = new Map<Omit<OrderFailure, 'atSeq' | 'ordinal'>, number[]>()
  for (const { ordinal, ...failure } of refused) {
    const name = JSON.stringify([failure.code, failure.text, failure.retryable])
    const held = places.get(name)
    if (held !== undefined) held.push(ordinal)
    else {
      const ordinals = [ordinal]
      places.set(name, ordinals)
      ordinalsOf.set(failure, ordinals)
    }
  }
  return ordinalsOf
}

export const postponeOrder = async (write: Writing, order: Order, nextPollAt: number): Promise<void> => {
  if (isOpen(order)) await write.trx.updateTable('orders').set({ next_poll_at: nextPollAt }).where('id', '=', order.id).execute()
}

/** Its connector or license was let go: there is nobody left to ask for. */
export const forgetOrder = async (write: Writing, id: OrderId, at: number): Promise<void> => {
  await write.trx.updateTable('orders').set({ state: 'cancelled', next_poll_at: null, finished_at: at }).where('id', '=', id).execute()
}
