/** Ledgers as their tables hold them. `db` is the database, or the transaction of an act. */
import { ledgerKinds, ledgerLicenseTypes, type KeptLot, type LedgerLot, type LedgerProduct } from '../../../shared/ledger.ts'
import type { LedgerLotsTable, LedgerProductsTable, Db } from '../../database/schema.ts'
import type { HolderKey, LicenseRead, SeatRead } from '../store.ts'
import { seatsOwnedOn } from '../../../shared/ledger.ts'

export interface KeptProduct extends LedgerProduct {
  readonly id: string
}
/** A product with its lots, in the order in which they were put down, and how many seats of it are taken. */
export interface KeptLicense {
  readonly product: KeptProduct
  readonly lots: readonly KeptLot[]
  readonly inUse: number
}

const typesIn = (text: string): LedgerProduct['licenseTypes'] => {
  const told: unknown = JSON.parse(text)
  return ledgerLicenseTypes.filter((type) => Array.isArray(told) && told.includes(type))
}

const productOf = (row: LedgerProductsTable): KeptProduct => ({
  id: row.id,
  name: row.name,
  publisher: row.publisher,
  kind: ledgerKinds.find((kind) => kind === row.kind) ?? 'app',
  licenseTypes: typesIn(row.license_types),
  revocable: row.revocable === 1,
  unlimited: row.unlimited === 1,
  note: row.note,
})

export const productRow = (product: LedgerProduct): Omit<LedgerProductsTable, 'ledger' | 'id' | 'moved_from'> => ({
  name: product.name,
  publisher: product.publisher,
  kind: product.kind,
  license_types: JSON.stringify(product.licenseTypes),
  revocable: product.revocable ? 1 : 0,
  unlimited: product.unlimited ? 1 : 0,
  note: product.note,
})

const lotOf = (row: LedgerLotsTable): KeptLot => ({
  id: row.id,
  seats: row.seats,
  price: row.price_minor === null || row.currency === null ? null : { minor: row.price_minor, currency: row.currency },
  supplier: row.supplier,
  orderNumber: row.order_number,
  boughtOn: row.bought_on,
  validFrom: row.valid_from,
  validUntil: row.valid_until,
  note: row.note,
})

export const lotRow = (lot: LedgerLot): Omit<LedgerLotsTable, 'ledger' | 'product' | 'id' | 'made_at'> => ({
  seats: lot.seats,
  price_minor: lot.price?.minor ?? null,
  currency: lot.price?.currency ?? null,
  supplier: lot.supplier,
  order_number: lot.orderNumber,
  bought_on: lot.boughtOn,
  valid_from: lot.validFrom,
  valid_until: lot.validUntil,
  note: lot.note,
})

/** All of a ledger, or one of it; in the order of their ids. */
export const readLicensesOf = async (db: Db, ledger: string, product?: string): Promise<readonly KeptLicense[]> => {
  let products = db.selectFrom('ledger_products').selectAll().where('ledger', '=', ledger)
  let lots = db.selectFrom('ledger_lots').selectAll().where('ledger', '=', ledger)
  let seats = db
    .selectFrom('ledger_seats')
    .select(({ fn }) => ['product', fn.countAll<number>().as('taken')])
    .where('ledger', '=', ledger)
  if (product !== undefined) {
    products = products.where('id', '=', product)
    lots = lots.where('product', '=', product)
    seats = seats.where('product', '=', product)
  }
  const lotsByProduct = new Map<string, KeptLot[]>()
  for (const row of await lots.orderBy('made_at').orderBy('id').execute()) {
    const held = lotsByProduct.get(row.product)
    if (held === undefined) lotsByProduct.set(row.product, [lotOf(row)])
    else held.push(lotOf(row))
  }
  const takenByProduct = new Map((await seats.groupBy('product').execute()).map((row) => [row.product, Number(row.taken)]))
  return (await products.orderBy('id').execute()).map((row) => ({
    product: productOf(row),
    lots: lotsByProduct.get(row.id) ?? [],
    inUse: takenByProduct.get(row.id) ?? 0,
  }))
}

/** Of a license whose lots have ended more can be in use than is owned: `available` is below zero then. */
export const licenseReadOf = ({ product, lots, inUse }: KeptLicense, day: string): LicenseRead => {
  const total = product.unlimited ? null : seatsOwnedOn(lots, day)
  return {
    productId: product.id,
    pricing: null,
    kind: product.kind,
    platforms: [],
    licenseTypes: product.licenseTypes,
    assignable: true,
    revocable: product.revocable,
    total,
    inUse,
    available: total === null ? null : total - inUse,
    retired: null,
    unlimited: product.unlimited,
    ...(total !== null && total < inUse ? { remark: deficitInWords(inUse - total) } : {}),
  }
}

const deficitInWords = (more: number): string =>
  `${more === 1 ? '1 seat more is' : `${more} seats more are`} in use than the purchase lots that hold today. Nothing is taken from anyone by itself: buy more and put it down as a lot, or reclaim seats.`

const holderKind = (kind: string): HolderKey['kind'] => (kind === 'device' ? 'device' : 'user')

/** After `from`, in the order of products and holders. */
export const readSeatRows = async (db: Db, ledger: string, from: SeatRead | undefined, limit: number): Promise<readonly SeatRead[]> => {
  let query = db.selectFrom('ledger_seats').select(['product', 'kind', 'key']).where('ledger', '=', ledger)
  if (from !== undefined) {
    const { productId, holder } = from
    query = query.where(({ and, or, eb }) =>
      or([
        eb('product', '>', productId),
        and([eb('product', '=', productId), eb('kind', '>', holder.kind)]),
        and([eb('product', '=', productId), eb('kind', '=', holder.kind), eb('key', '>', holder.key)]),
      ]),
    )
  }
  const rows = await query.orderBy('product').orderBy('kind').orderBy('key').limit(limit).execute()
  return rows.map(seatOf)
}

export const seatOf = ({ product, kind, key }: { readonly product: string; readonly kind: string; readonly key: string }): SeatRead => ({
  productId: product,
  pricing: null,
  holder: { kind: holderKind(kind), key },
})

export const forgetLedger = async (db: Db, ledger: string): Promise<void> => {
  await db.deleteFrom('ledger_products').where('ledger', '=', ledger).execute()
  await db.deleteFrom('ledger_lots').where('ledger', '=', ledger).execute()
  await db.deleteFrom('ledger_seats').where('ledger', '=', ledger).execute()
}
