/**
 * The secret of each connector's notice address: made here, told to the store, and sent by it with every notice. It is
 * sealed like a credential; a notice is checked against a keyed hash, so that nothing is opened for whoever knocks.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Chance, Clock } from '../shared/clock.ts'
import type { ConnectorId } from '../shared/ids.ts'
import type { Db, Trx } from './database/schema.ts'
import type { Journal } from './journal.ts'
import type { Place, Sealer } from './seal.ts'
import { Secret } from './secret.ts'

export interface NoticeSecrets {
  /** Made and on disk before it is given out for the first time: the store may use it while it is still being told. */
  of(connector: ConnectorId): Promise<Secret>
  /** A new one in place of the old, which holds no more. */
  renew(connector: ConnectorId): Promise<Secret>
  /** In the same time whether the connector is unknown, the secret missing or wrong. */
  isRight(connector: string, given: string | undefined): Promise<boolean>
}

const secretBytes = 32
const place = (connector: string): Place => ({ table: 'notice_secrets', row: connector, column: 'sealed' })

export const forgetNoticeSecret = async (trx: Trx, connector: ConnectorId): Promise<void> => {
  await trx.deleteFrom('notice_secrets').where('connector', '=', connector).execute()
}

export const createNoticeSecrets = (deps: {
  readonly db: Db
  readonly journal: Pick<Journal, 'write'>
  readonly sealer: Sealer
  readonly chance: Chance
  readonly clock: Clock
}): NoticeSecrets => {
  const { db, journal, sealer, chance, clock } = deps
  const hashOf = (secret: string): string => sealer.hash('notice', secret)
  /** Nobody's: compared with where there is no connector, so that the answer takes as long. */
  const nobodys = hashOf(Buffer.from(chance.bytes(secretBytes)).toString('base64url'))

  const renew: NoticeSecrets['renew'] = async (connector) => {
    const secret = Buffer.from(chance.bytes(secretBytes)).toString('base64url')
    const { wrappedKey, nonce, sealed } = sealer.seal(place(connector), secret)
    const row = {
      key_id: sealer.keyId,
      wrapped_key: wrappedKey,
      nonce,
      sealed,
      hash: hashOf(secret),
      made_at: clock.now(),
    }
    await journal.write((write) =>
      write.trx
        .insertInto('notice_secrets')
        .values({ connector, ...row })
        .onConflict((conflict) => conflict.column('connector').doUpdateSet(row))
        .execute(),
    )
    return Secret.of(secret)
  }

  return {
    renew,
    of: async (connector) => {
      const row = await db.selectFrom('notice_secrets').selectAll().where('connector', '=', connector).executeTakeFirst()
      if (row === undefined) return await renew(connector)
      return Secret.of(sealer.unseal(place(connector), { wrappedKey: row.wrapped_key, nonce: row.nonce, sealed: row.sealed }))
    },
    isRight: async (connector, given) => {
      const row = await db.selectFrom('notice_secrets').select('hash').where('connector', '=', connector).executeTakeFirst()
      const isEqual = timingSafeEqual(Buffer.from(hashOf(given ?? '')), Buffer.from(row?.hash ?? nobodys))
      return isEqual && row !== undefined && given !== undefined
    },
  }
}
