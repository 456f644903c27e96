/** A license as it stands once its store was read: the store's numbers are the store's, our own notes on it stay. */
import type { LicenseRead } from './stores/store.ts'
import type { Connector } from '../shared/connector.ts'
import type { LicenseId } from '../shared/ids.ts'
import { emptyTally, isOwnIconUrl, type License, type Product } from '../shared/license.ts'

/** `key` is the license's store key (`licenseKeyOf`). One that the store does not list any more keeps its last counts, with their age. */
export const licenseAfter = (
  held: License | undefined,
  id: LicenseId,
  connector: Connector,
  read: LicenseRead | undefined,
  key: string,
  readAt: string,
  /** Seats that are known of it, for a store that does not say how many are in use. */
  seats = held?.inUse ?? 0,
): License => {
  const at = key.indexOf('/')
  const productId = key.slice(0, at)
  const pricing = key.slice(at + 1) || null
  const product: Product = {
    id: productId,
    name: held?.product.name ?? productId,
    publisher: held?.product.publisher ?? '',
    // What the look-up told (a custom app) is finer than what the list of products says (an app).
    kind: held !== undefined && held.product.kind === 'custom-app' ? held.product.kind : (read?.kind ?? held?.product.kind ?? 'app'),
    platforms: read?.platforms ?? held?.product.platforms ?? [],
    deviceFamilies: held?.product.deviceFamilies ?? [],
    bundleId: held?.product.bundleId ?? null,
    version: held?.product.version ?? null,
    price: held?.product.price ?? null,
    // An earlier release kept the store's own address here; a browser must not load from it.
    iconUrl: held !== undefined && isOwnIconUrl(held.product.iconUrl) ? held.product.iconUrl : null,
  }
  const kept = { id, connectorId: connector.id, store: connector.store, product, pricing }
  const own = { lowThreshold: held?.lowThreshold ?? null, note: held?.note ?? '', tally: held?.tally ?? emptyTally }
  if (read === undefined || read.gone === true)
    return {
      ...kept,
      licenseTypes: held?.licenseTypes ?? [],
      revocable: held?.revocable ?? false,
      total: held?.total ?? null,
      inUse: held?.inUse ?? 0,
      available: held?.available ?? null,
      retired: held?.retired ?? null,
      unlimited: held?.unlimited ?? false,
      asOf: held?.asOf ?? readAt,
      readAt: held?.readAt ?? readAt,
      countSource: held?.countSource ?? 'live',
      assignable: false,
      gone: true,
      ...own,
    }
  return {
    ...kept,
    licenseTypes: read.licenseTypes,
    revocable: read.revocable && connector.capabilities.revoke,
    total: read.total,
    inUse: read.inUse ?? seats,
    available: read.available,
    retired: read.retired,
    unlimited: read.unlimited,
    asOf: readAt,
    readAt,
    countSource: connector.capabilities.counts,
    assignable: read.assignable && connector.capabilities.assign,
    gone: false,
    ...(read.remark === undefined ? {} : { remark: read.remark }),
    ...(read.collections === undefined ? {} : { collections: read.collections }),
    ...own,
  }
}
