/** API keys: for scripts and other services. Shown once when made; only the hash is kept. */
import type { Actor, Role } from '../shared/admin.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { AdminId } from '../shared/ids.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { appendAudit, theServer } from './audit.ts'
import type { ApiKeysTable, Db } from './database/schema.ts'
import { ifItCanBeKept } from './database/trouble.ts'
import type { Secret } from './secret.ts'
import { randomToken, roleOf, tokenHash } from './sessions.ts'

/** What is known of a key; the key itself is in nobody's hands here. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly scopeTags: readonly string[]
  readonly createdBy: string
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly revokedAt: string | null
}

export interface NewApiKey {
  readonly name: string
  readonly role: Role
  readonly scopeTags: readonly string[]
  /** Milliseconds since 1970; null: it does not end by itself. */
  readonly expiresAt: number | null
}

/** Who acts, and from which address: what the audit row of an act needs. */
export interface By {
  readonly actor: Pick<Actor, 'id' | 'name'>
  readonly origin: string
}

export type ApiKeyRefused = { readonly is: 'expiry-in-the-past' }

export interface ApiKeys {
  create(by: By, wanted: NewApiKey): Promise<Result<{ readonly apiKey: ApiKey; readonly key: string }, ApiKeyRefused>>
  /** False when there is no such key. Revoking twice is revoking once. */
  revoke(by: By, id: string): Promise<boolean>
  /** The role is read afresh. Undefined: no such key, or it has ended. */
  findByKey(key: string): Promise<{ readonly actor: Actor; readonly scopeTags: readonly string[] } | undefined>
  findById(id: string): Promise<{ readonly actor: Actor; readonly scopeTags: readonly string[] } | undefined>
  /** In no promised order, the revoked ones too. */
  all(): Promise<readonly ApiKey[]>
  /** The key of the environment: made on the first start, and exchanged when the variable holds another. */
  admitFromEnvironment(key: Secret): Promise<void>
}

const FROM_ENVIRONMENT = 'environment'
const USED_EVERY_MS = 60_000
const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms))

export const createApiKeys = (deps: { readonly db: Db; readonly clock: Clock; readonly chance: Chance }): ApiKeys => {
  const { db, clock, chance } = deps

  const live = async (column: 'key_hash' | 'id', value: string) => {
    const now = clock.now()
    const row = await db.selectFrom('api_keys').selectAll().where(column, '=', value).where('revoked_at', 'is', null).executeTakeFirst()
    if (row === undefined || (row.expires_at !== null && row.expires_at <= now)) return undefined
    if (now - (row.last_used_at ?? 0) >= USED_EVERY_MS)
      await ifItCanBeKept(db.updateTable('api_keys').set({ last_used_at: now }).where('id', '=', row.id).execute())
    return { actor: actorOf(row), scopeTags: tagsOf(row) }
  }

  return {
    create: async (by, wanted) => {
      const now = clock.now()
      if (wanted.expiresAt !== null && wanted.expiresAt <= now) return err({ is: 'expiry-in-the-past' })
      const key = `qm_${randomToken(chance)}`
      const row: ApiKeysTable = {
        id: randomId(chance),
        name: wanted.name,
        role: wanted.role,
        key_hash: tokenHash(key),
        scope_tags: JSON.stringify(wanted.scopeTags),
        created_by: by.actor.name,
        created_at: now,
        expires_at: wanted.expiresAt,
        last_used_at: null,
        revoked_at: null,
      }
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('api_keys').values(row).execute()
        await appendAudit(trx, {
          at: now,
          actor: by.actor,
          action: 'api-key.created',
          object: `api-key:${row.id}`,
          detail: { name: row.name, role: row.role, scopeTags: wanted.scopeTags, expiresAt: time(row.expires_at) },
          origin: by.origin,
        })
      })
      return ok({ apiKey: apiKeyOf(row), key })
    },
    revoke: (by, id) =>
      db.transaction().execute(async (trx) => {
        const row = await trx.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
        if (row === undefined) return false
        const now = clock.now()
        const { numUpdatedRows } = await trx
          .updateTable('api_keys')
          .set({ revoked_at: now })
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows > 0n)
          await appendAudit(trx, {
            at: now,
            actor: by.actor,
            action: 'api-key.revoked',
            object: `api-key:${id}`,
            detail: { name: row.name, role: row.role },
            origin: by.origin,
          })
        return true
      }),
    findByKey: (key) => live('key_hash', tokenHash(key)),
    findById: (id) => live('id', id),
    all: async () => (await db.selectFrom('api_keys').selectAll().execute()).map(apiKeyOf),
    admitFromEnvironment: (key) =>
      db.transaction().execute(async (trx) => {
        const key_hash = tokenHash(key.reveal())
        const now = clock.now()
        const same = await trx.selectFrom('api_keys').select('id').where('key_hash', '=', key_hash).executeTakeFirst()
        if (same !== undefined) return
        const row = {
          name: 'Key of the environment',
          role: 'owner',
          key_hash,
          scope_tags: '[]',
          created_by: theServer.name,
          created_at: now,
          expires_at: null,
          last_used_at: null,
          revoked_at: null,
        }
        await trx
          .insertInto('api_keys')
          .values({ id: FROM_ENVIRONMENT, ...row })
          .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
          .execute()
        await appendAudit(trx, {
          at: now,
          actor: theServer,
          action: 'api-key.created',
          object: `api-key:${FROM_ENVIRONMENT}`,
          detail: { name: row.name, role: row.role, variable: 'QM_API_KEY' },
          origin: 'server',
        })
      }),
  }
}

const actorOf = (row: ApiKeysTable): Actor => ({ kind: 'api-key', id: row.id as AdminId, name: row.name, role: roleOf(row.role) })
const tagsOf = (row: ApiKeysTable): readonly string[] => JSON.parse(row.scope_tags) as readonly string[]

const apiKeyOf = (row: ApiKeysTable): ApiKey => ({
  id: row.id,
  name: row.name,
  role: roleOf(row.role),
  scopeTags: tagsOf(row),
  createdBy: row.created_by,
  createdAt: isoTime(row.created_at),
  expiresAt: time(row.expires_at),
  lastUsedAt: time(row.last_used_at),
  revokedAt: time(row.revoked_at),
})
