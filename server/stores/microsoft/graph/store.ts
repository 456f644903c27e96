/**
 * Microsoft Graph as a Store: a tenant's Microsoft 365 subscriptions, its directory, and what its Intune holds.
 * Source: docs/stores/microsoft-graph.md; the sections are named where they are followed.
 */
import type { Capabilities } from '../../../../shared/connector.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Secret } from '../../../secret.ts'
import type { ConnectionDeps, LocationIdentity, OwnerMark, ProductDescription, Store, StoreConnection, StoreFailure } from '../../store.ts'
import { openMicrosoftCredential, readMicrosoftCredential } from '../account.ts'
import { createGraphClient } from './client.ts'
import { createGraphDirectory } from './directory.ts'
import { failureOf, purposes } from './failures.ts'
import { createIntune } from './intune.ts'
import { createLicensing, limits } from './licensing.ts'
import { nameOfSku } from './sku-names.ts'
import { parseOrganization, parseSkus } from './wire.ts'

export interface GraphAddresses {
  /** The root, without a version. */
  readonly graphUrl: string
  /** The root of the login authority, without a tenant. */
  readonly loginUrl: string
}

const capabilities: Capabilities = {
  counts: 'live',
  assign: true,
  revoke: true,
  deviceLicenses: false,
  userLicenses: true,
  books: false,
  push: false,
  retired: null,
}

export const createGraphStore = (addresses: GraphAddresses): Store => ({
  kind: 'microsoft-graph',
  store: 'microsoft',
  capabilities,
  readCredential: readMicrosoftCredential,
  // It is asked, and tells nothing by itself.
  readNotice: () => undefined,
  connect: (deps, secret, mark) => connect(deps, addresses, secret, mark),
})

const connect = (deps: ConnectionDeps, addresses: GraphAddresses, secret: Secret, mark: OwnerMark): StoreConnection => {
  const { clock, chance, fetch } = deps
  const account = openMicrosoftCredential(secret)
  const client = createGraphClient({ clock, chance, fetch, ...addresses, account })
  const licensing = createLicensing({ client, chance })

  /** Several apps may work for one tenant at once, and none holds it: what is asked of us is ours. */
  const identify = async (): Promise<Result<LocationIdentity, StoreFailure>> => {
    const tenant = await client.get('/organization?$select=id,displayName,countryLetterCode', parseOrganization)
    if (!tenant.ok) return err(failureOf(tenant.error, purposes.organization))
    const key = tenant.value?.id ?? account.tenantId
    const name = tenant.value?.displayName || key
    return ok({
      location: { key, name, country: tenant.value?.countryLetterCode ?? '', organization: name },
      expiresAt: null,
      owner: { ...mark },
    })
  }

  const describe = async (productIds: readonly string[]): Promise<Result<readonly ProductDescription[], StoreFailure>> => {
    const wanted = new Set(productIds)
    const skus = await client.get(
      '/subscribedSkus?$select=skuId,skuPartNumber,appliesTo,capabilityStatus,consumedUnits,prepaidUnits',
      parseSkus,
    )
    if (!skus.ok) return err(failureOf(skus.error, purposes.skus))
    return ok(
      skus.value
        .filter(({ skuId }) => wanted.has(skuId))
        .map(({ skuId, skuPartNumber }) => ({
          productId: skuId,
          name: skuPartNumber === '' ? skuId : nameOfSku(skuPartNumber),
          publisher: 'Microsoft',
          kind: 'sku',
          bundleId: null,
          deviceFamilies: [],
          version: null,
          price: null,
          storefront: '',
          iconSource: null,
        })),
    )
  }

  return {
    identify,
    claim: identify,
    readLicenses: licensing.readLicenses,
    readLicense: async (productId) => {
      const all = await licensing.readLicenses()
      return all.ok ? ok(all.value.find((read) => read.productId === productId)) : all
    },
    readSeats: (_cursor, sink) => licensing.readSeats(sink),
    readSeatsOf: (productId) => licensing.readSeatsOf(productId),
    readSeatsOfHolder: licensing.readSeatsOfHolder,
    people: undefined,
    subscriptions: undefined,
    devices: undefined,
    directory: createGraphDirectory(client),
    imports: createIntune(client),
    describe,
    limits: async () => ok(limits),
    write: licensing.write,
    // The work is done within the call: of an earlier process's call only reading tells.
    orderStatus: async () => ok({ is: 'gone' }),
    listen: async () => ok('silent'),
  }
}
