/**
 * What the stores told about products, as it is kept: by connector kind, storefront and product. It outlives restarts
 * and whole days in which a store does not answer; only a newer answer replaces an older one.
 */
import * as v from 'valibot'
import type { Db, Trx } from './database/schema.ts'
import { forgetUnusedIcon } from './icons.ts'
import type { ProductDescription } from './stores/store.ts'
import { isoTime } from '../shared/clock.ts'
import type { ConnectorKind } from '../shared/connector.ts'
import { iconPath, type Product } from '../shared/license.ts'

/** The storefront is the Location's own, which was asked; not always the one that answered. */
export interface Shelf {
  readonly kind: ConnectorKind
  readonly storefront: string
}

export interface KeptMetadata {
  readonly productId: string
  /** Undefined: the store told nothing so far. */
  readonly described: Described | undefined
  readonly asOf: number | null
  readonly askedAt: number
  readonly dueAt: number
  readonly iconKey: string | null
  /** The picture that is to be fetched now or later; null: none, or the one that is shown. */
  readonly iconToFetch: { readonly source: string; readonly dueAt: number } | null
}

const text = v.string()
const describedForm = v.object({
  name: text,
  publisher: text,
  kind: v.nullable(v.picklist(['app', 'book', 'custom-app', 'private-app', 'web-app', 'sku'])),
  bundleId: v.nullable(text),
  deviceFamilies: v.array(text),
  version: v.nullable(text),
  price: v.nullable(v.object({ amount: v.number(), currency: v.nullable(text), formatted: text })),
  storefront: text,
})
type Described = v.InferOutput<typeof describedForm>

const describedIn = (json: string | null): Described | undefined => {
  if (json === null) return undefined
  const parsed = v.safeParse(describedForm, JSON.parse(json))
  if (!parsed.success) throw new Error('metadata: a row of product_metadata can not be read; another release wrote it')
  return parsed.output
}

const mostPerQuery = 500

export const readMetadata = async (
  db: Db | Trx,
  { kind, storefront }: Shelf,
  productIds: readonly string[],
): Promise<ReadonlyMap<string, KeptMetadata>> => {
  const kept = new Map<string, KeptMetadata>()
  for (let from = 0; from < productIds.length; from += mostPerQuery) {
    const rows = await db
      .selectFrom('product_metadata')
      .selectAll()
      .where('kind', '=', kind)
      .where('storefront', '=', storefront)
      .where('product', 'in', productIds.slice(from, from + mostPerQuery))
      .execute()
    for (const row of rows)
      kept.set(row.product, {
        productId: row.product,
        described: describedIn(row.described),
        asOf: row.as_of,
        askedAt: row.asked_at,
        dueAt: row.due_at,
        iconKey: row.icon_key,
        iconToFetch:
          row.icon_source === null || row.icon_source === row.icon_from ? null : { source: row.icon_source, dueAt: row.icon_due_at },
      })
  }
  return kept
}

/** `dueAt`: when it is to be asked anew. */
export const keepDescription = async (
  trx: Trx,
  { kind, storefront }: Shelf,
  { productId, iconSource, ...described }: ProductDescription,
  now: number,
  dueAt: number,
): Promise<void> => {
  const told = { described: JSON.stringify(described), as_of: now, asked_at: now, due_at: dueAt }
  await trx
    .insertInto('product_metadata')
    .values({ kind, storefront, product: productId, ...told, icon_source: iconSource, icon_due_at: now, ...noIcon })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'storefront', 'product']).doUpdateSet(({ ref, eb }) => ({
        ...told,
        icon_source: iconSource,
        // Another picture is fetched at once; one that was refused or did not answer has its own time.
        icon_due_at: eb
          .case()
          .when(ref('product_metadata.icon_source'), 'is not distinct from', iconSource)
          .then(ref('product_metadata.icon_due_at'))
          .else(now)
          .end(),
      })),
    )
    .execute()
}

const noIcon = { icon_key: null, icon_from: null, icon_refused: null }

/** The store was asked and told nothing; what it told before stays. */
export const keepSilence = async (trx: Trx, { kind, storefront }: Shelf, product: string, now: number, dueAt: number): Promise<void> => {
  const asked = { asked_at: now, due_at: dueAt }
  await trx
    .insertInto('product_metadata')
    .values({ kind, storefront, product, described: null, as_of: null, ...asked, icon_source: null, icon_due_at: now, ...noIcon })
    .onConflict((conflict) => conflict.columns(['kind', 'storefront', 'product']).doUpdateSet(asked))
    .execute()
}

/** The picture at `source` is the one that is shown now. */
export const keepIconOf = async (trx: Trx, shelf: Shelf, product: string, source: string, key: string): Promise<void> => {
  const row = trx.selectFrom('product_metadata').select('icon_key').where('kind', '=', shelf.kind)
  const before = await row.where('storefront', '=', shelf.storefront).where('product', '=', product).executeTakeFirst()
  await updateOf(trx, shelf, product).set({ icon_key: key, icon_from: source, icon_refused: null }).execute()
  if (before?.icon_key !== undefined && before.icon_key !== null && before.icon_key !== key) await forgetUnusedIcon(trx, before.icon_key)
}

/** The picture could not be had; one that was there before stays. */
export const keepIconRefusal = async (trx: Trx, shelf: Shelf, product: string, why: string, dueAt: number): Promise<void> => {
  await updateOf(trx, shelf, product).set({ icon_refused: why, icon_due_at: dueAt }).execute()
}

const updateOf = (trx: Trx, { kind, storefront }: Shelf, product: string) =>
  trx.updateTable('product_metadata').where('kind', '=', kind).where('storefront', '=', storefront).where('product', '=', product)

/** The product as the store describes it; what the list of licenses tells stays. */
export const describedProduct = (product: Product, kept: KeptMetadata | undefined): Product => {
  const { described, asOf } = kept ?? {}
  if (kept === undefined || described === undefined || asOf === null || asOf === undefined) return product
  const { price, storefront, kind, name, publisher, deviceFamilies, bundleId, version } = described
  return {
    id: product.id,
    name,
    publisher,
    kind: kind ?? product.kind,
    platforms: product.platforms,
    deviceFamilies,
    bundleId,
    version,
    price: price === null ? null : { ...price, storefront, asOf: isoTime(asOf) },
    iconUrl: kept.iconKey === null ? null : iconPath(kept.iconKey),
  }
}
