/** The stores' secrets: written once, sealed, opened only to speak to the store. Nothing gives one to the outside. */
import type { Chance, Clock } from '../shared/clock.ts'
import type { ConnectorId } from '../shared/ids.ts'
import type { Db, Trx } from './database/schema.ts'
import { openMasterKey } from './master-key.ts'
import { createSealer, type Place, type Sealer } from './seal.ts'
import { Secret } from './secret.ts'
import type { Settings } from './settings.ts'
import { StartRefused } from './start-refused.ts'

export interface Credentials {
  /** Keeps the secret of a connector, in place of the one before. */
  seal(trx: Trx, connector: ConnectorId, secret: Secret): Promise<void>
  /** Undefined when the connector has none. Throws when the row was tampered with. */
  unseal(connector: ConnectorId): Promise<Secret | undefined>
  forget(trx: Trx, connector: ConnectorId): Promise<void>
  /** Of the secret that the connector has. Inside an act, give its `trx`. */
  heldHash(connector: ConnectorId, trx?: Trx): Promise<string | undefined>
  /** Equal for equal secrets: to see that the very same file was uploaded again. Says nothing about the secret. */
  hash(secret: Secret): string
  /** The connector that already has this very secret. */
  findByHash(hash: string): Promise<ConnectorId | undefined>
}

const place = (connector: string): Place => ({ table: 'credentials', row: connector, column: 'sealed' })

export const createCredentials = (deps: { readonly db: Db; readonly sealer: Sealer; readonly clock: Clock }): Credentials => {
  const { db, sealer, clock } = deps
  const hash = (secret: Secret): string => sealer.hash('credential', secret.reveal())
  return {
    hash,
    seal: async (trx, connector, secret) => {
      const { wrappedKey, nonce, sealed } = sealer.seal(place(connector), secret.reveal())
      const row = { key_id: sealer.keyId, wrapped_key: wrappedKey, nonce, sealed, hash: hash(secret), updated_at: clock.now() }
      await trx
        .insertInto('credentials')
        .values({ connector, ...row })
        .onConflict((conflict) => conflict.column('connector').doUpdateSet(row))
        .execute()
    },
    unseal: async (connector) => {
      const row = await db.selectFrom('credentials').selectAll().where('connector', '=', connector).executeTakeFirst()
      if (row === undefined) return undefined
      try {
        return Secret.of(sealer.unseal(place(connector), { wrappedKey: row.wrapped_key, nonce: row.nonce, sealed: row.sealed }))
      } catch (cause) {
        throw new Error(
          `credentials: the secret of connector ${connector} does not open under key ${sealer.keyId} (it was sealed under ${row.key_id}); the row was changed or moved`,
          { cause },
        )
      }
    },
    heldHash: async (connector, trx) =>
      (await (trx ?? db).selectFrom('credentials').select('hash').where('connector', '=', connector).executeTakeFirst())?.hash,
    forget: async (trx, connector) => {
      await trx.deleteFrom('credentials').where('connector', '=', connector).execute()
    },
    findByHash: async (wanted) => {
      const row = await db.selectFrom('credentials').select('connector').where('hash', '=', wanted).executeTakeFirst()
      return row?.connector as ConnectorId | undefined
    },
  }
}

const KEY_NAME = 'master-key'

/**
 * The sealer under the master key of the settings. Refuses a key other than the one this database was sealed with: a
 * server that starts without being able to open its secrets fails much later, and in silence.
 */
export const openSealer = async (deps: {
  readonly db: Db
  readonly settings: Pick<Settings, 'masterKeyFile' | 'dataDir'>
  readonly chance: Chance
}): Promise<{ readonly sealer: Sealer; readonly warnings: readonly string[] }> => {
  const { db, settings, chance } = deps
  const held = await db.selectFrom('credentials').select('key_id').distinct().execute()
  const key = openMasterKey(settings, held.length > 0, chance)
  const sealer = createSealer(key.bytes, chance)
  const other = held.find((row) => row.key_id !== sealer.keyId)
  if (other !== undefined)
    throw new StartRefused(
      `The database holds store credentials sealed under key ${other.key_id}, and ${key.path} holds key ${sealer.keyId}. Put the right key file there, or name its place in QM_MASTER_KEY_FILE.`,
    )
  await db
    .insertInto('meta')
    .values({ name: KEY_NAME, value: sealer.keyId })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: sealer.keyId }))
    .execute()
  return { sealer, warnings: key.warnings }
}
