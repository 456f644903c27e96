/** The syncs that were: one row for each, written when it begins and when it ends, in the acts that make it so. */
import type { Db } from './database/schema.ts'
import type { Writing } from './journal.ts'
import type { ConnectorId } from '../shared/ids.ts'
import type { Sync } from '../shared/sync.ts'

/** `before`: what comes after this one in the list. */
export interface SyncFilter {
  readonly connector?: ConnectorId
  readonly before?: { readonly startedAt: number; readonly id: string }
  readonly limit: number
}

export const keepSync = async (write: Writing, sync: Sync): Promise<void> => {
  const body = JSON.stringify(sync)
  await write.trx
    .insertInto('syncs')
    .values({
      id: sync.id,
      connector: sync.connectorId,
      state: sync.state,
      trigger_name: sync.trigger,
      full_walk: sync.full ? 1 : 0,
      started_at: Date.parse(sync.startedAt),
      finished_at: sync.finishedAt === null ? null : Date.parse(sync.finishedAt),
      body,
    })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet({ state: sync.state, finished_at: sync.finishedAt === null ? null : Date.parse(sync.finishedAt), body }),
    )
    .execute()
}

export const findSync = async (db: Db, id: string): Promise<Sync | undefined> => {
  const row = await db.selectFrom('syncs').select('body').where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : readSync(row.body)
}

/** The latest first. */
export const listSyncs = async (db: Db, { connector, before, limit }: SyncFilter): Promise<readonly Sync[]> => {
  let query = db.selectFrom('syncs').select('body').orderBy('started_at', 'desc').orderBy('id').limit(limit)
  if (connector !== undefined) query = query.where('connector', '=', connector)
  if (before !== undefined)
    query = query.where((row) =>
      row.or([row('started_at', '<', before.startedAt), row.and([row('started_at', '=', before.startedAt), row('id', '>', before.id)])]),
    )
  return (await query.execute()).map(({ body }) => readSync(body))
}

/** Those without an end: after a start, the ones that the stop before it cut off. */
export const unendedSyncs = async (db: Db): Promise<readonly Sync[]> =>
  (await db.selectFrom('syncs').select('body').where('state', 'in', ['running', 'queued']).execute()).map(({ body }) => readSync(body))

/** Written by ourselves, read back whole. */
const readSync = (body: string): Sync => JSON.parse(body) as Sync
