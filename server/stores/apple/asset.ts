/** Apple's asset, as a license that was read. Source: docs/stores/apple-apps-and-books.md, 2.5 and 5. */
import type { LicenseType } from '../../../shared/license.ts'
import type { LicenseRead } from '../store.ts'
import type { Asset } from './wire.ts'

/** The largest int32: free products without a limit carry it as their total. */
export const unlimitedTotal = 2_147_483_647
/** What Apple takes a missing `pricingParam` for. */
export const standardPricing = 'STDQ'

const device: readonly LicenseType[] = ['device', 'user']
const userOnly: readonly LicenseType[] = ['user']

/**
 * Counts as told, also when they disagree or are negative. What Apple left out is taken for the careful side: a product
 * whose type is unknown is shown and not assignable, one not said to be revocable counts as given for good, one not
 * said to go to devices goes to people only. Custom apps look like any app here; the look-up tells them apart.
 */
export const licenseOf = (asset: Asset): LicenseRead => {
  const isBook = asset.productType === 'Book'
  const unlimited = asset.unlimited === true || asset.totalCount === unlimitedTotal
  const told = { total: asset.totalCount ?? null, available: asset.availableCount ?? null, retired: asset.retiredCount ?? null }
  return {
    productId: asset.adamId,
    pricing: asset.pricingParam ?? standardPricing,
    kind: isBook ? 'book' : 'app',
    platforms: asset.supportedPlatforms,
    licenseTypes: !isBook && asset.deviceAssignable === true ? device : userOnly,
    assignable: isBook || asset.productType === 'App',
    revocable: !isBook && asset.revocable === true,
    total: unlimited ? null : told.total,
    inUse: asset.assignedCount ?? inUseByTheOthers(told),
    available: unlimited ? null : told.available,
    retired: told.retired,
    unlimited,
  }
}

const inUseByTheOthers = (told: {
  readonly total: number | null
  readonly available: number | null
  readonly retired: number | null
}): number =>
  told.total === null || told.available === null || told.total === unlimitedTotal
    ? 0
    : Math.max(0, told.total - told.available - (told.retired ?? 0))
