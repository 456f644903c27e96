/** Notices where they are kept: each once, sealed, from the moment it is answered until some days after it was followed. */
import { createHash } from 'node:crypto'
import type { Db, NoticesTable, Trx } from './database/schema.ts'
import type { Writing } from './journal.ts'
import type { Sealer } from './seal.ts'
import type { Notice } from './stores/store.ts'
import type { ConnectorId } from '../shared/ids.ts'

/** What was found when a notice was looked into. */
export type NoticeVerdict = 'done' | 'outside' | 'set-aside' | 'strange'

export interface KeptNotice {
  readonly connector: ConnectorId
  readonly id: string
  readonly receivedAt: number
  /** As it came. Undefined: the row was changed or moved, and does not open. */
  readonly body: string | undefined
}

export interface NoticeRows {
  /** False: it is here already. */
  keep(write: Writing, connector: ConnectorId, notice: Notice, body: string, at: number): Promise<boolean>
  /** Those that are due, in the order of their arrival; also those that wait longer than any does, after the clock was set back. */
  due(at: number, most: number): Promise<readonly KeptNotice[]>
  nextDueAt(): Promise<number | undefined>
  settle(write: Writing, notice: KeptNotice, verdict: NoticeVerdict): Promise<void>
  postpone(write: Writing, notice: KeptNotice, dueAt: number): Promise<void>
  /** How many targets of a call all its notices together tell of. One that came twice under two ids counts twice. */
  partsTold(connector: ConnectorId, reference: string): Promise<number>
  /** Whether an earlier notice of this call was found to tell of somebody else's change. */
  isKnownOutside(trx: Trx, connector: ConnectorId, reference: string): Promise<boolean>
  /** When the last one came. */
  lastAt(connector: ConnectorId): Promise<number | undefined>
  prune(write: Writing, before: number): Promise<void>
}

/** No notice waits longer for the answer of a call of ours. */
export const longestWaitMs = 2 * 60_000

/** PostgreSQL knows no text with a NUL in it, and nothing that a store means is longer. */
const plain = (text: string, most: number): string =>
  [...text]
    .filter((sign) => sign >= ' ')
    .join('')
    .slice(0, most)

const isId = (text: string | null): text is string => text !== null && /^[\x21-\x7e]{1,100}$/.test(text)

/** The store's own id; what has none is known by what it says. */
const idOf = (notice: Notice, body: string): string =>
  isId(notice.id) ? notice.id : `body:${createHash('sha256').update(body).digest('hex')}`

export const referenceOf = ({ news }: Notice): string | null => (news.is === 'order-news' && isId(news.reference) ? news.reference : null)

export const forgetNotices = async (trx: Trx, connector: ConnectorId): Promise<void> => {
  await trx.deleteFrom('notices').where('connector', '=', connector).execute()
}

export const createNoticeRows = (deps: { readonly db: Db; readonly sealer: Sealer }): NoticeRows => {
  const { db, sealer } = deps

  const placeOf = (connector: string, id: string) => ({ table: 'notices', row: `${connector}/${id}`, column: 'body' })
  const sealedBody = (connector: string, id: string, body: string): string => {
    const { wrappedKey, nonce, sealed } = sealer.seal(placeOf(connector, id), body)
    return [wrappedKey, nonce, sealed].map((part) => Buffer.from(part).toString('base64')).join('.')
  }
  const bodyOf = ({ connector, id, body }: Pick<NoticesTable, 'connector' | 'id' | 'body'>): string | undefined => {
    const [wrappedKey, nonce, sealed] = body.split('.').map((part) => Buffer.from(part, 'base64'))
    if (wrappedKey === undefined || nonce === undefined || sealed === undefined) return undefined
    try {
      return sealer.unseal(placeOf(connector, id), { wrappedKey, nonce, sealed })
    } catch {
      // One row that does not open must not hold up those behind it: it is set aside.
      return undefined
    }
  }

  return {
    keep: async (write, connector, notice, body, at) => {
      const id = idOf(notice, body)
      const held = await write.trx
        .selectFrom('notices')
        .select('id')
        .where('connector', '=', connector)
        .where('id', '=', id)
        .executeTakeFirst()
      if (held !== undefined) return false
      await write.trx
        .insertInto('notices')
        .values({
          connector,
          id,
          n: await write.nextNumbers('notice', 1),
          received_at: at,
          kind: plain(notice.kind, 60),
          reference: referenceOf(notice),
          parts: notice.news.is === 'order-news' ? notice.news.parts : 0,
          state: 'waiting',
          due_at: at,
          body: sealedBody(connector, id, body),
        })
        .execute()
      return true
    },
    due: async (at, most) => {
      const rows = await db
        .selectFrom('notices')
        .select(['connector', 'id', 'received_at', 'body'])
        .where('state', '=', 'waiting')
        .where((row) => row.or([row('due_at', '<=', at), row('due_at', '>', at + longestWaitMs)]))
        .orderBy('n')
        .limit(most)
        .execute()
      return rows.map((row) => ({
        connector: row.connector as ConnectorId,
        id: row.id,
        receivedAt: row.received_at,
        body: bodyOf(row),
      }))
    },
    nextDueAt: async () => {
      const row = await db
        .selectFrom('notices')
        .select('due_at')
        .where('state', '=', 'waiting')
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst()
      return row?.due_at ?? undefined
    },
    settle: async (write, { connector, id }, state) => {
      await write.trx.updateTable('notices').set({ state, due_at: null }).where('connector', '=', connector).where('id', '=', id).execute()
    },
    postpone: async (write, { connector, id }, dueAt) => {
      await write.trx.updateTable('notices').set({ due_at: dueAt }).where('connector', '=', connector).where('id', '=', id).execute()
    },
    partsTold: async (connector, reference) => {
      const row = await db
        .selectFrom('notices')
        .select((column) => column.fn.sum<number | string | null>('parts').as('parts'))
        .where('connector', '=', connector)
        .where('reference', '=', reference)
        .executeTakeFirst()
      return Number(row?.parts ?? 0)
    },
    isKnownOutside: async (trx, connector, reference) => {
      const row = await trx
        .selectFrom('notices')
        .select('id')
        .where('connector', '=', connector)
        .where('reference', '=', reference)
        .where('state', '=', 'outside')
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },
    lastAt: async (connector) => {
      const row = await db
        .selectFrom('notices')
        .select('received_at')
        .where('connector', '=', connector)
        .orderBy('received_at', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.received_at
    },
    prune: async (write, before) => {
      await write.trx.deleteFrom('notices').where('received_at', '<', before).where('state', '!=', 'waiting').execute()
    },
  }
}
