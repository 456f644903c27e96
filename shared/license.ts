/** Product, License and its counts, Seat. */
import type { StoreName } from './connector.ts'
import type { ConnectorId, LicenseId } from './ids.ts'

export type ProductKind = 'app' | 'book' | 'custom-app' | 'private-app' | 'web-app' | 'sku'
export type LicenseType = 'device' | 'user'

/**
 * What a store asks for one unit. `currency` (ISO 4217) is null where the store tells only the written form. `storefront`
 * (ISO 3166 alpha-2, upper case) is the one that answered, which is not always the Location's own; empty: it did not say.
 */
export interface Price {
  readonly amount: number
  readonly currency: string | null
  readonly formatted: string
  readonly storefront: string
  readonly asOf: string
}

/**
 * `id` is the store's own (adamId, product id, SKU id); the name is the id until the store's look-up has answered.
 * `platforms` are those of the license; `deviceFamilies` (iPhone, iPad, Mac, …) come from the look-up and are finer.
 * `iconUrl` is a path of our own server, never an address of the store's.
 */
export interface Product {
  readonly id: string
  readonly name: string
  readonly publisher: string
  readonly kind: ProductKind
  readonly platforms: readonly string[]
  readonly deviceFamilies: readonly string[]
  readonly bundleId: string | null
  readonly version: string | null
  readonly price: Price | null
  readonly iconUrl: string | null
}

/** What rows of an earlier release do not have. */
export const laterInProduct: Pick<Product, 'deviceFamilies' | 'bundleId' | 'version' | 'price'> = {
  deviceFamilies: [],
  bundleId: null,
  version: null,
  price: null,
}

export const iconPath = (key: string): string => `/icons/${key}.webp`
/** The smaller drawing of the same icon. */
export const smallIconUrl = (iconUrl: string): string => iconUrl.replace(/\.webp$/, '-64.webp')
export const isOwnIconUrl = (url: string | null): boolean => url === null || url.startsWith('/icons/')

/** How the assignments of one License stand, by reconcile's own count. */
export interface Tally {
  /** Seats the assignments ask for. */
  readonly desired: number
  readonly placed: number
  readonly pending: number
  readonly waiting: number
  readonly refused: number
  /** Seats in use that an assignment placed. */
  readonly assigned: number
  /** Seats in use that no assignment placed. */
  readonly found: number
  /** Those of them whose holder an assignment asks a seat for: it was there already, and stays when the assignment goes. */
  readonly adopted: number
}

export const emptyTally: Tally = { desired: 0, placed: 0, pending: 0, waiting: 0, refused: 0, assigned: 0, found: 0, adopted: 0 }

/**
 * What a Location owns of a Product under one pricing. `total` and `available` are null with `unlimited: true` when
 * there is no limit, null with `unlimited: false` when the store does not count. `asOf` is the store's own time when
 * it gives one, else `readAt`, when we read it. Counts are the store's, kept as told even when they disagree.
 */
export interface License {
  readonly id: LicenseId
  readonly connectorId: ConnectorId
  readonly store: StoreName
  readonly product: Product
  readonly pricing: string | null
  readonly licenseTypes: readonly LicenseType[]
  readonly revocable: boolean
  readonly total: number | null
  readonly inUse: number
  readonly available: number | null
  readonly retired: number | null
  readonly unlimited: boolean
  readonly asOf: string
  readonly readAt: string
  readonly countSource: 'live' | 'kept' | 'imported'
  readonly assignable: boolean
  /** The store no longer lists it; the last counts are kept with their age. */
  readonly gone: boolean
  readonly lowThreshold: number | null
  readonly note: string
  /** What the store said of it that a person ought to know, such as why nobody new can have it. Absent: nothing. */
  readonly remark?: string
  /** Names of the collections in which the organisation's own store front shows it. */
  readonly collections?: readonly string[]
  readonly tally: Tally
}

/** The store's numbers agree when total = available + in use + retired. Undefined when there is nothing to compare. */
export const countsAgree = (license: License): boolean | undefined =>
  license.unlimited || license.total === null || license.available === null
    ? undefined
    : license.total === license.available + license.inUse + (license.retired ?? 0)

export type LowLevel = 'none' | 'low' | 'urgent' | 'empty'
/** Warn at 20 % free, urgent at 10 %, and at 0; a threshold of the license's own, in seats, replaces the 20 %. */
export const lowLevel = (license: License): LowLevel => {
  if (license.unlimited || license.total === null || license.available === null || license.total === 0) return 'none'
  if (license.available <= 0) return 'empty'
  const share = license.available / license.total
  if (share <= 0.1) return 'urgent'
  return license.lowThreshold !== null ? (license.available <= license.lowThreshold ? 'low' : 'none') : share <= 0.2 ? 'low' : 'none'
}

/** Seats wanted beyond what the store has left. */
export const shortage = (license: License): number => license.tally.waiting

/** One unit in use, as the store tells it. `origin` says whether an assignment of ours placed it. */
export interface Seat {
  readonly ordinal: number
  readonly licenseType: LicenseType
  readonly origin: 'assignment' | 'found'
  /** Seconds since 1970, when we first saw it. */
  readonly sinceS: number
}

/** Licenses of one connector are told apart by product and pricing: the same book exists as STDQ and as PLUS. */
export const licenseKeyOf = (productId: string, pricing: string | null): string => `${productId}/${pricing ?? ''}`
