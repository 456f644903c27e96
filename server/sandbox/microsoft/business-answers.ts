/** The bodies of the Store for Business, member by member. Source: docs/stores/microsoft-store-for-business.md, section 3. */
import {
  freeSeats,
  UNLIMITED,
  type BusinessPackage,
  type BusinessProduct,
  type BusinessSeat,
  type InventoryEntry,
} from './business-state.ts'
import type { BusinessSwitches } from './business-switches.ts'

export type Json = Readonly<Record<string, unknown>>

export interface BusinessRefusal {
  readonly status: number
  readonly body: Json
}

export const invalidParameter = (parameterName: string, details: string): BusinessRefusal => ({
  status: 400,
  body: { code: 'InvalidParameter', message: parameterName, data: { parameterName, reason: 'Invalid parameter', details } },
})
export const itemNotFound = (itemType: 'Inventory' | 'User' | 'Seat' | 'Product/SKU', ...values: readonly string[]): BusinessRefusal => ({
  status: 404,
  body: { code: 'NotFound', message: `${itemType} not found`, data: { itemType, values } },
})
export const conflict = (reason: string): BusinessRefusal => ({
  status: 409,
  body: { code: 'Conflict', message: reason, data: { reason } },
})

/** ISO 8601 with seven digits of a second, as the store writes times. */
export const storeTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '0000Z')

const optional = (switches: BusinessSwitches, members: Json): Json => {
  const given = Object.entries(members).filter(([, value]) => value !== undefined)
  return switches.optionalMembers === 'absent'
    ? Object.fromEntries(given)
    : Object.fromEntries(Object.entries(members).map(([name, value]) => [name, value ?? null]))
}

const keyOf = ({ productId, skuId }: { readonly productId: string; readonly skuId: string }): Json => ({ productId, skuId })

export const entryBody = (switches: BusinessSwitches, entry: InventoryEntry): Json => ({
  productKey: keyOf(entry),
  seatCapacity: entry.capacity,
  availableSeats: entry.policy === 'Open' && switches.openAvailable === 'unchanged' ? entry.capacity : freeSeats(entry),
  lastModified: storeTime(entry.lastModified + switches.clockSkewMs),
  licenseType: entry.licenseType,
  distributionPolicy: entry.policy,
  status: entry.status,
})

export const seatBody = (entry: InventoryEntry, seat: BusinessSeat, state: 'Active' | 'Revoked' = 'Active'): Json => ({
  assignedTo: seat.assignedTo,
  dateAssigned: storeTime(seat.assignedAt),
  state,
  productKey: keyOf(entry),
})

const version = (major: number): Json => ({ major, minor: 0, build: 10_240, revision: 0 })
const platformBody = (platformName: string): Json => ({ platformName, minVersion: version(10), maxTestedVersion: version(10) })

export const productBody = (switches: BusinessSwitches, product: BusinessProduct): Json => ({
  productKey: keyOf(product),
  productType: product.productType,
  supportedLanguages: [...product.texts.keys()],
  alternateIds: [
    { type: 'LegacyWindowStoreProductId', value: `00000000-0000-0000-0000-${product.productId.padStart(12, '0').slice(-12)}` },
  ],
  supportedPlatforms: product.platforms.map(platformBody),
  ...optional(switches, { publisherId: undefined, category: product.category, packageFamilyName: product.packageFamilyName }),
})

/** The language that is served may be another one than was asked for, and is named. */
export const localizedBody = (switches: BusinessSwitches, product: BusinessProduct, asked: string): Json | undefined => {
  const language = product.texts.has(asked.toLowerCase()) ? asked.toLowerCase() : [...product.texts.keys()][0]
  const text = language === undefined ? undefined : product.texts.get(language)
  if (language === undefined || text === undefined) return undefined
  return {
    language,
    displayName: text.displayName,
    images: [
      {
        location: `https://store-images.example/${product.productId}/logo.png`,
        purpose: 'logo',
        height: '300',
        width: '300',
        backgroundColor: '#1B4B8A',
        fileSize: 18_230,
      },
    ],
    ...optional(switches, {
      description: text.description,
      publisher: text.publisherName === undefined ? undefined : { publisherName: text.publisherName },
    }),
  }
}

/** Addresses of packages end after a while: `at` is in them. */
export const packageBody = (switches: BusinessSwitches, product: BusinessProduct, one: BusinessPackage, at: number): Json => ({
  frameworkDependencyPackages: [],
  packageId: one.packageId,
  contentId: one.contentId,
  location: { url: `https://dl.example/${one.packageId}?expires=${Math.floor(at / 1000) + 3600}` },
  packageFullName: one.packageFullName,
  packageIdentityName: one.packageFullName.split('_')[0] ?? one.packageFullName,
  architectures: one.architectures,
  packageFormat: one.packageFormat,
  platforms: product.platforms.map(platformBody),
  fileSize: one.fileSize,
  ...optional(switches, { packageRank: undefined }),
})

export const offlineLicenseBody = (tenant: string, product: BusinessProduct, contentId: string): Json => ({
  productKey: keyOf(product),
  licenseBlob: Buffer.from(`license of ${product.productId} for ${tenant}`).toString('base64'),
  licenseInstanceId: `${product.productId}-${product.skuId}`,
  requestorId: tenant,
  contentId,
})

const capital = (name: string): string => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`

/** As the switches have the store write it: members with a capital, and members that nobody documented. */
export const written = (switches: BusinessSwitches, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((item) => written(switches, item))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => [
    switches.casing === 'pascal' ? capital(name) : name,
    written(switches, member),
  ])
  return { ...Object.fromEntries(members), ...(switches.oddMembers ? { '@odata.type': '#unknown', zzUndocumented: [{ zz: 1 }] } : {}) }
}

export const isUnlimited = (entry: Pick<InventoryEntry, 'policy' | 'capacity'>): boolean =>
  entry.policy === 'Open' || entry.capacity >= UNLIMITED
