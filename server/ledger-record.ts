/** How a ledger's licenses stand in the facts, written in the very act that changes them. */
import type { Writing } from './journal.ts'
import { licenseAfter } from './license-after-read.ts'
import { findLicense } from './licenses.ts'
import { licenseReadOf, type KeptLicense } from './stores/ledger/rows.ts'
import { isoTime } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { licenseIdOf, licensesKey, rowsFact } from '../shared/facts.ts'
import type { ConnectorId, LicenseId } from '../shared/ids.ts'
import { dayOf } from '../shared/ledger.ts'
import { licenseKeyOf, type License } from '../shared/license.ts'

/** Ids of these products' licenses; what has none yet gets one. */
export const licenseIdsOf = async (
  write: Writing,
  connector: ConnectorId,
  products: readonly string[],
): Promise<ReadonlyMap<string, LicenseId>> => {
  const known = await write.trx.selectFrom('license_keys').select(['product', 'ordinal']).where('connector', '=', connector).execute()
  const idByProduct = new Map(known.map(({ product, ordinal }) => [product, licenseIdOf(ordinal)]))
  const fresh = products.filter((product) => !idByProduct.has(product))
  if (fresh.length === 0) return idByProduct
  const first = await write.nextNumbers('license', fresh.length)
  for (const [place, product] of fresh.entries()) {
    await write.trx
      .insertInto('license_keys')
      .values({ connector, product, pricing: '', ordinal: first + place })
      .execute()
    idByProduct.set(product, licenseIdOf(first + place))
  }
  return idByProduct
}

/** Counts and names as they are now. Gives the licenses as recorded, in the order given. */
export const recordLedgerLicenses = async (
  write: Writing,
  connector: Connector,
  kept: readonly KeptLicense[],
  now: number,
): Promise<readonly License[]> => {
  const idByProduct = await licenseIdsOf(
    write,
    connector.id,
    kept.map(({ product }) => product.id),
  )
  const recorded: License[] = []
  const putByChunk = new Map<`licenses/${number}`, License[]>()
  for (const one of kept) {
    const id = idByProduct.get(one.product.id)
    if (id === undefined) throw new Error(`ledger: ${one.product.id} has no license`)
    const read = licenseReadOf(one, dayOf(now))
    const after = licenseAfter(await findLicense(write, id), id, connector, read, licenseKeyOf(one.product.id, null), isoTime(now))
    const { name, publisher, kind } = one.product
    const license: License = { ...after, product: { ...after.product, name, publisher, kind } }
    recorded.push(license)
    const chunk = licensesKey(id)
    const put = putByChunk.get(chunk)
    if (put === undefined) putByChunk.set(chunk, [license])
    else put.push(license)
  }
  for (const [chunk, put] of putByChunk) await write.record(rowsFact(chunk, put))
  return recorded
}
