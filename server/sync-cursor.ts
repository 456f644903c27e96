/** Where the next sync of a connector goes on: the store's own mark after the last walk, and when a full walk was made last. */
import type { Db } from './database/schema.ts'
import type { Writing } from './journal.ts'
import type { ConnectorId } from '../shared/ids.ts'

/** What is walked through: each has a mark of its own. */
export type WalkName = 'seats' | 'people' | 'directory'

export interface SyncCursor {
  readonly cursor: string
  readonly fullAt: number
}

/** Undefined: the next walk is a full one. Inside an act, give its `trx`. */
export const readCursor = async (db: Db, connectorId: ConnectorId, name: WalkName = 'seats'): Promise<SyncCursor | undefined> => {
  const row = await db
    .selectFrom('store_cursors')
    .select('value')
    .where('connector', '=', connectorId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const value: unknown = JSON.parse(row.value)
  const cursor = typeof value === 'object' && value !== null ? Reflect.get(value, 'cursor') : undefined
  const fullAt = typeof value === 'object' && value !== null ? Reflect.get(value, 'fullAt') : undefined
  return typeof cursor === 'string' && typeof fullAt === 'number' ? { cursor, fullAt } : undefined
}

/** `cursor` null: the store has no increments, and each walk is a full one. */
export const keepCursor = async (
  write: Writing,
  connectorId: ConnectorId,
  cursor: string | null,
  fullAt: number,
  name: WalkName = 'seats',
): Promise<void> => {
  const value = JSON.stringify({ cursor, fullAt })
  await write.trx
    .insertInto('store_cursors')
    .values({ connector: connectorId, name, value })
    .onConflict((conflict) => conflict.columns(['connector', 'name']).doUpdateSet({ value }))
    .execute()
}

export const forgetCursor = async (write: Writing, connectorId: ConnectorId, name: WalkName = 'seats'): Promise<void> => {
  await write.trx.deleteFrom('store_cursors').where('connector', '=', connectorId).where('name', '=', name).execute()
}
