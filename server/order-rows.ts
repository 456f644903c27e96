/**
 * An order where it is written down: in its license's chunk, where every screen reads it, and in two tables, which keep it
 * whole when the chunk has let it go. Nothing here decides what becomes of an order.
 */
import type { Db } from './database/schema.ts'
import type { FactReader } from './facts.ts'
import type { Journal, Writing } from './journal.ts'
import { isoTime } from '../shared/clock.ts'
import { ordersKey, rowsFact } from '../shared/facts.ts'
import type { ConnectorId, LicenseId, OrderId } from '../shared/ids.ts'
import { isOpen, type Order } from '../shared/order.ts'

/** Finished orders without failures that stay in the license's chunk, for the screens. */
const mostFinishedShown = 10
/** SQLite takes 32,766 values in one statement, PostgreSQL 65,535. */
const rowsPerInsert = 1000
const rowsPerUpdate = 500

// ---- Reading ----

export const ordersOf = async (facts: FactReader, license: LicenseId): Promise<readonly Order[]> => await facts.rows(ordersKey(license))

export const orderIn = async (facts: FactReader, license: LicenseId, id: OrderId): Promise<Order | undefined> =>
  (await ordersOf(facts, license)).find((order) => order.id === id)

export const licenseOfOrder = async (db: Db, id: OrderId): Promise<LicenseId | undefined> => {
  const row = await db.selectFrom('orders').select('license').where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : (row.license as LicenseId)
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

export const findOrder = async (db: Db, id: OrderId): Promise<Order | undefined> => {
  const row = await db.selectFrom('orders').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : await orderOfRow(db, row)
}

// ---- Writing ----

/** Changes an order in an act of its own. One that its license's chunk does not hold is left alone. */
export const changeOrder = (
  journal: Journal,
  license: LicenseId,
  id: OrderId,
  act: (write: Writing, order: Order) => Promise<void>,
): Promise<void> =>
  journal.write(async (write) => {
    const order = await orderIn(write, license, id)
    if (order !== undefined) await act(write, order)
  })

/** A new order, with all its targets open. */
export const addOrder = async (write: Writing, order: Order): Promise<void> => {
  await write.trx
    .insertInto('orders')
    .values({
      id: order.id,
      connector: order.connectorId,
      license: order.licenseId,
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
      seq: write.seq(),
    })
    .execute()
  for (let from = 0; from < order.open.length; from += rowsPerInsert)
    await write.trx
      .insertInto('order_targets')
      .values(
        order.open
          .slice(from, from + rowsPerInsert)
          .map((ordinal) => ({ order_id: order.id, ordinal, state: 'open', code: null, text: null, retryable: 0, at_seq: write.seq() })),
      )
      .execute()
  await keepOrder(write, order, { nextPollAt: null })
}

/** Puts an order into its license's chunk and its table, and lets old finished ones go from the chunk. */
export const keepOrder = async (
  write: Writing,
  order: Order,
  columns: { readonly nextPollAt: number | null; readonly attemptedAt?: number },
): Promise<void> => {
  const others = (await ordersOf(write, order.licenseId)).filter(({ id }) => id !== order.id)
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

/** What is still open of it is given up. Its targets may be planned anew at once. */
export const withdrawOrder = async (write: Writing, order: Order, at: number): Promise<void> => {
  await setTargets(write, order.id, order.open, 'cancelled')
  await keepOrder(
    write,
    { ...order, open: [], unknown: false, state: order.done > 0 ? 'partly-done' : 'cancelled', finishedAt: isoTime(at) },
    { nextPollAt: null },
  )
}

export const postponeOrder = async (write: Writing, order: Order, nextPollAt: number): Promise<void> => {
  if (isOpen(order)) await write.trx.updateTable('orders').set({ next_poll_at: nextPollAt }).where('id', '=', order.id).execute()
}

/** Its connector or license was let go: there is nobody left to ask for. */
export const forgetOrder = async (write: Writing, id: OrderId, at: number): Promise<void> => {
  await write.trx.updateTable('orders').set({ state: 'cancelled', next_poll_at: null, finished_at: at }).where('id', '=', id).execute()
}
