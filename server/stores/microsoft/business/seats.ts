/** Paths of the Store for Business, and how its inventory and seats become ours. */
import type { ProductKey, LicenseRead, SeatRead } from '../../store.ts'
import type { InventoryEntry, ProductSku, SeatDetails } from './wire.ts'

/** The largest int32 is how the store shows what has no limit. */
const unlimitedCapacity = 2_147_483_647

/** One product can be owned online and offline, under the same SKU: the kind is part of the license's name. */
export const pricingOf = ({ licenseType, skuId }: Pick<InventoryEntry, 'licenseType' | 'skuId'>): string => `${licenseType} ${skuId}`

/** Undefined: none of our own. Only online licenses have seats. */
export const onlineSkuOf = ({ productId, pricing }: ProductKey): ProductSku | undefined => {
  const skuId = /^online (\S+)$/.exec(pricing ?? '')?.[1]
  return skuId === undefined ? undefined : { productId, skuId }
}

export const productPath = ({ productId, skuId }: ProductSku): string =>
  `/Products/${encodeURIComponent(productId)}/${encodeURIComponent(skuId)}`
export const seatsPath = ({ productId, skuId }: ProductSku): string =>
  `/Inventory/${encodeURIComponent(productId)}/${encodeURIComponent(skuId)}/Seats`
/** Guests have `#EXT#` in their names, and some an apostrophe. */
const nameInPath = (user: string): string => encodeURIComponent(user).replaceAll("'", '%27')
export const seatPath = (sku: ProductSku, user: string): string => `${seatsPath(sku)}/${nameInPath(user)}`
export const userSeatsPath = (user: string): string => `/Users/${nameInPath(user)}/Seats`

const isUnlimited = ({ policy, capacity }: InventoryEntry): boolean => policy === 'open' || capacity >= unlimitedCapacity

const offlineRemark =
  'An offline license: the store keeps no seats of it. It is given to devices with its package, outside the store, so who has it can not be told.'
const otherRemark = 'A kind of license that this version does not know. It is shown as the store tells it, and nothing is given of it.'

/**
 * Of what has no limit the store does not say reliably how much is in use: the seats that are known are counted.
 * An offline license has no seats: its package is given to devices, outside the store. What the store says of a kind
 * that is not known is shown, and nothing is given of it.
 */
export const licenseOf = (entry: InventoryEntry): LicenseRead => {
  const unlimited = isUnlimited(entry)
  const isOnline = entry.licenseType === 'online'
  return {
    productId: entry.productId,
    pricing: pricingOf(entry),
    kind: 'app',
    platforms: ['Windows'],
    licenseTypes: isOnline ? ['user'] : ['device'],
    assignable: isOnline && entry.status !== 'other',
    revocable: isOnline,
    total: unlimited ? null : entry.capacity,
    inUse: unlimited ? (isOnline ? null : 0) : Math.max(0, entry.capacity - entry.available),
    available: unlimited ? null : entry.available,
    retired: null,
    unlimited,
    ...(isOnline ? {} : { remark: entry.licenseType === 'offline' ? offlineRemark : otherRemark }),
    ...(entry.status === 'removed' ? { gone: true } : {}),
  }
}

export const seatOf = (seat: SeatDetails): SeatRead => ({
  productId: seat.productId,
  pricing: pricingOf({ licenseType: 'online', skuId: seat.skuId }),
  holder: { kind: 'user', key: seat.user },
})
