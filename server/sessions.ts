/** Sessions: a random number in a cookie, its hash in the database, ended here and not by the browser. */
import { createHash } from 'node:crypto'
import { roles, type Actor, type Role } from '../shared/admin.ts'
import type { Chance, Clock } from '../shared/clock.ts'
import type { AdminId } from '../shared/ids.ts'
import type { Db, Trx } from './database/schema.ts'
import { ifItCanBeKept } from './database/trouble.ts'

export const idleMs = 12 * 3_600_000
export const longestMs = 7 * 24 * 3_600_000
/** Written down at most this often; an idle end may come that much early. */
const SEEN_EVERY_MS = 60_000

export interface OpenSession {
  readonly idHash: string
  readonly expiresAt: number
  readonly actor: Actor
  readonly email: string
}

export interface Sessions {
  /** Gives the token, which is told once and never kept. */
  open(trx: Trx, admin: AdminId, userAgent: string): Promise<{ readonly token: string; readonly expiresAt: number }>
  /** Role, name and whether the account is open are read afresh. Undefined: no such session, or it has ended. */
  findByToken(token: string): Promise<OpenSession | undefined>
  /** The same, for a connection that stays: by what `findByToken` gave. */
  findByHash(idHash: string): Promise<OpenSession | undefined>
  close(trx: Trx, idHash: string): Promise<void>
  closeAllOf(trx: Trx, admin: AdminId, exceptIdHash?: string): Promise<void>
}

export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')
export const randomToken = (chance: Chance): string => Buffer.from(chance.bytes(32)).toString('base64url')
export const roleOf = (text: string): Role => {
  const role = roles.find((known) => known === text)
  if (role === undefined) throw new Error(`sessions: the database holds the role ${text}, which this version does not know`)
  return role
}
const TOKEN = /^[A-Za-z0-9_-]{43}$/

export const createSessions = (deps: { readonly db: Db; readonly clock: Clock; readonly chance: Chance }): Sessions => {
  const { db, clock, chance } = deps

  const findByHash = async (idHash: string): Promise<OpenSession | undefined> => {
    const now = clock.now()
    const row = await db
      .selectFrom('sessions')
      .innerJoin('admins', 'admins.id', 'sessions.admin')
      .select(['admins.id', 'admins.name', 'admins.role', 'admins.email', 'sessions.expires_at', 'sessions.last_seen_at'])
      .where('sessions.id_hash', '=', idHash)
      .where('sessions.expires_at', '>', now)
      .where('sessions.last_seen_at', '>', now - idleMs)
      .where('admins.disabled_at', 'is', null)
      .executeTakeFirst()
    if (row === undefined) return undefined
    if (now - row.last_seen_at >= SEEN_EVERY_MS)
      await ifItCanBeKept(
        db.updateTable('sessions').set({ last_seen_at: now }).where('id_hash', '=', idHash).where('last_seen_at', '<', now).execute(),
      )
    return {
      idHash,
      expiresAt: row.expires_at,
      email: row.email,
      actor: { kind: 'admin', id: row.id as AdminId, name: row.name, role: roleOf(row.role) },
    }
  }

  return {
    open: async (trx, admin, userAgent) => {
      const now = clock.now()
      const token = randomToken(chance)
      const expiresAt = now + longestMs
      await trx
        .deleteFrom('sessions')
        .where((row) => row.or([row('expires_at', '<=', now), row('last_seen_at', '<=', now - idleMs)]))
        .execute()
      await trx
        .insertInto('sessions')
        .values({
          id_hash: tokenHash(token),
          admin,
          created_at: now,
          last_seen_at: now,
          expires_at: expiresAt,
          user_agent: userAgent.slice(0, 300),
        })
        .execute()
      return { token, expiresAt }
    },
    findByToken: async (token) => (TOKEN.test(token) ? findByHash(tokenHash(token)) : undefined),
    findByHash,
    close: async (trx, idHash) => {
      await trx.deleteFrom('sessions').where('id_hash', '=', idHash).execute()
    },
    closeAllOf: async (trx, admin, exceptIdHash = '') => {
      await trx.deleteFrom('sessions').where('admin', '=', admin).where('id_hash', '!=', exceptIdHash).execute()
    },
  }
}
