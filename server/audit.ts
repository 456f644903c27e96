/**
 * Who did what, as a chain: each row holds the hash of the row before and of itself, so that a row changed, removed or
 * moved is found by one walk. A row is appended in the transaction of the act it tells of: there is neither without the other.
 */
import { createHash } from 'node:crypto'
import type { Actor } from '../shared/admin.ts'
import type { AdminId } from '../shared/ids.ts'
import type { AuditTable, Db, Trx } from './database/schema.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly actor: Pick<Actor, 'id' | 'name'>
  /** `noun.verb-in-the-past`: `connector.created`. */
  readonly action: string
  /** `kind:id` of what was acted on. */
  readonly object: string
  /** Never a secret: what a reader of the log may know. */
  readonly detail: { readonly [name: string]: Json }
  /** The address it came from, or `server` for what the server did by itself. */
  readonly origin: string
}

/** Stands as the actor of what nobody asked for. */
export const theServer: Pick<Actor, 'id' | 'name'> = { id: 'quartermaster' as AdminId, name: 'Quartermaster' }

const COUNTER = 'audit'
const beforeTheFirst = '0'.repeat(64)

/**
 * Lets one transaction at a time through, on PostgreSQL too: for a rule over several rows, such as the last owner's.
 * Held until the transaction ends.
 */
export const standInLine = async (trx: Trx): Promise<void> => {
  await takeCounter(trx, 0)
}

const takeCounter = async (trx: Trx, by: 0 | 1): Promise<number> => {
  const { value } = await trx
    .updateTable('counters')
    .set((row) => ({ value: row('value', '+', by) }))
    .where('name', '=', COUNTER)
    .returning('value')
    .executeTakeFirstOrThrow()
  return value
}

/** Gives the row's number, from 1. */
export const appendAudit = async (trx: Trx, entry: AuditEntry): Promise<number> => {
  const n = await takeCounter(trx, 1)
  const prev_hash = n === 1 ? beforeTheFirst : await hashAt(trx, n - 1)
  const row = {
    n,
    at: entry.at,
    actor: entry.actor.id,
    actor_name: entry.actor.name,
    action: entry.action,
    object: entry.object,
    detail: JSON.stringify(entry.detail),
    origin: entry.origin,
  }
  await trx
    .insertInto('audit')
    .values({ ...row, prev_hash, hash: hashOf(prev_hash, row) })
    .execute()
  return n
}

/** A row that was removed must not stop the work: the chain goes on from nothing, and `verifyAudit` tells where it broke. */
const hashAt = async (trx: Trx, n: number): Promise<string> =>
  (await trx.selectFrom('audit').select('hash').where('n', '=', n).executeTakeFirst())?.hash ?? beforeTheFirst

const hashOf = (prevHash: string, row: Omit<AuditTable, 'prev_hash' | 'hash'>): string =>
  createHash('sha256')
    .update(prevHash)
    .update(JSON.stringify([row.n, row.at, row.actor, row.actor_name, row.action, row.object, row.detail, row.origin]))
    .digest('hex')

export interface AuditVerified {
  readonly ok: boolean
  readonly rows: number
  /** The hash of the last row: kept elsewhere, it shows later that the end was not cut off and written anew. */
  readonly head: string
  readonly firstBadRow: number | null
}

const ROWS_PER_PAGE = 5_000

/** Walks the whole chain, as long as it was when the walk began. */
export const verifyAudit = async (db: Db): Promise<AuditVerified> => {
  const { value: promised } = await db.selectFrom('counters').select('value').where('name', '=', COUNTER).executeTakeFirstOrThrow()
  let rows = 0
  let head = beforeTheFirst
  let firstBadRow: number | null = null
  let after = Number.MIN_SAFE_INTEGER
  for (;;) {
    const page = await db.selectFrom('audit').selectAll().where('n', '>', after).orderBy('n').limit(ROWS_PER_PAGE).execute()
    for (const row of page) {
      // Appended since the walk began.
      if (row.n > promised) break
      const holds = row.n === rows + 1 && row.prev_hash === head && row.hash === hashOf(head, row)
      if (!holds) firstBadRow ??= Math.min(row.n, rows + 1)
      rows += 1
      head = row.hash
    }
    const last = page.at(-1)
    if (last === undefined || page.length < ROWS_PER_PAGE || last.n > promised) break
    after = last.n
    // A long chain must not hold up the edits of others.
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }
  if (firstBadRow === null && rows < promised) firstBadRow = rows + 1
  return { ok: firstBadRow === null, rows, head, firstBadRow }
}
