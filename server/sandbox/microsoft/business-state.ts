/** Everything the sandbox's Store for Business knows. Only the files named `business-…` change it. */
export type BusinessLicenseType = 'Online' | 'Offline'
export type DistributionPolicy = 'Open' | 'Restricted'
export type EntryStatus = 'Active' | 'Removed'

/** The store shows what has no limit with this capacity (the largest int32). */
export const UNLIMITED = 2_147_483_647

export interface BusinessSeat {
  /** As it was assigned; compared without regard to case. */
  readonly assignedTo: string
  readonly assignedAt: number
}

export interface InventoryEntry {
  readonly productId: string
  /** Four digits, leading zeros kept. */
  readonly skuId: string
  readonly licenseType: BusinessLicenseType
  policy: DistributionPolicy
  status: EntryStatus
  capacity: number
  lastModified: number
  /** By lower-case user principal name. */
  readonly seats: Map<string, BusinessSeat>
}

export interface LocalizedText {
  readonly displayName: string
  readonly description?: string
  readonly publisherName?: string
}

export interface BusinessPackage {
  readonly packageId: string
  readonly contentId: string
  readonly packageFullName: string
  readonly architectures: readonly string[]
  readonly packageFormat: string
  readonly fileSize: number
}

/** What the store tells of a product beside its counts. */
export interface BusinessProduct {
  readonly productId: string
  readonly skuId: string
  readonly productType: string
  readonly category?: string
  readonly packageFamilyName?: string
  /** Platform names such as `Windows.Desktop`. */
  readonly platforms: readonly string[]
  /** By language, lower case; the first one is served where the one asked for is missing. */
  readonly texts: ReadonlyMap<string, LocalizedText>
  readonly packages: readonly BusinessPackage[]
}

/** What one tenant owns in this store, and whom it knows. */
export interface BusinessTenant {
  /** By `productId/skuId/licenseType`. */
  readonly entries: Map<string, InventoryEntry>
  /** By lower-case user principal name: as the tenant's directory writes it. */
  readonly users: Map<string, string>
}

export interface BusinessState {
  /** By the tenant's id. */
  readonly tenants: Map<string, BusinessTenant>
  /** By `productId/skuId`. */
  readonly products: Map<string, BusinessProduct>
}

export const emptyBusinessState = (): BusinessState => ({ tenants: new Map(), products: new Map() })

export const entryKey = (entry: { readonly productId: string; readonly skuId: string; readonly licenseType: string }): string =>
  `${entry.productId}/${entry.skuId}/${entry.licenseType}`

/** In the order in which they are listed. */
export const listedEntries = (tenant: BusinessTenant): readonly InventoryEntry[] =>
  [...tenant.entries.values()].sort((a, b) => (entryKey(a) < entryKey(b) ? -1 : 1))

/** One key can be owned in both kinds; seats exist at the online one. */
export const findEntries = (tenant: BusinessTenant, productId: string, skuId: string): readonly InventoryEntry[] =>
  (['Online', 'Offline'] as const).flatMap((licenseType) => tenant.entries.get(entryKey({ productId, skuId, licenseType })) ?? [])

export const freeSeats = (entry: InventoryEntry): number => Math.max(0, entry.capacity - entry.seats.size)
