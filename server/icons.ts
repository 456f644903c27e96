/** Icons of products as they are kept: in the database, so that every server on it has them. */
import type { Db, Trx } from './database/schema.ts'
import type { DrawnIcon } from './icon-drawing.ts'

export type IconSize = 'small' | 'large'

export const findIcon = async (db: Db, key: string, size: IconSize): Promise<Uint8Array | undefined> =>
  (await db.selectFrom('product_icons').select(size).where('key', '=', key).executeTakeFirst())?.[size]

export const keepIcon = async (trx: Trx, { key, small, large }: DrawnIcon, madeAt: number): Promise<void> => {
  await trx
    .insertInto('product_icons')
    .values({ key, small, large, made_at: madeAt })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
}

/** When no product shows it any more. */
export const forgetUnusedIcon = async (trx: Trx, key: string): Promise<void> => {
  await trx
    .deleteFrom('product_icons')
    .where('key', '=', key)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('product_metadata').select('product').whereRef('product_metadata.icon_key', '=', 'product_icons.key'))),
    )
    .execute()
}
