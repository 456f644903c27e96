/** Group licenses, with what else the enterprise may use, as licenses. Source: docs/stores/managed-google-play.md, "Licenses". */
import type { ProductKind } from '../../../../shared/license.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { LicenseRead, ProductDescription } from '../../store.ts'
import type { GoogleFailure } from '../client.ts'
import type { PlayApi } from './api.ts'
import { needsReapproval, unapproved } from './failures.ts'
import type { GroupLicense, PlayProduct, PlayWebApp } from './wire.ts'

const webAppPrefix = 'app:com.google.enterprise.webapp.'
const isWebApp = (productId: string): boolean => productId.startsWith(webAppPrefix)
const packageOf = (productId: string): string => productId.replace(/^app:/, '')

export const kindOf = (productId: string, product: PlayProduct | undefined): ProductKind => {
  if (isWebApp(productId)) return 'web-app'
  return product?.distributionChannel?.startsWith('private') === true ? 'private-app' : 'app'
}

const isFree = (pricing: string | undefined): boolean => pricing === 'free' || pricing === 'freeWithInAppPurchase'

/** Google named no counts: they are told by the single license. */
const isWithoutCounts = ({ acquisitionKind, numProvisioned }: GroupLicense): boolean =>
  acquisitionKind === undefined && numProvisioned === undefined

const goneFromStore =
  'The app is no longer offered in the store. Licenses that were bought stay, and it can still be given where Google allows it.'

export const licenseOf = (license: GroupLicense, product: PlayProduct | undefined): LicenseRead => {
  const { productId, acquisitionKind, numPurchased, numProvisioned = 0, approval, permissions } = license
  // Absent is no limit for what was free, and not told for what was bought: never 0.
  const unlimited = acquisitionKind === 'free' && numPurchased === undefined
  const total = numPurchased ?? null
  const remark =
    approval === 'unapproved'
      ? unapproved.text
      : permissions === 'needsReapproval'
        ? needsReapproval.text
        : product?.productPricing === 'unknown'
          ? goneFromStore
          : null
  return {
    productId,
    pricing: null,
    kind: kindOf(productId, product),
    platforms: ['Android'],
    licenseTypes: ['user'],
    assignable: approval !== 'unapproved' && permissions !== 'needsReapproval',
    revocable: true,
    total,
    inUse: numProvisioned,
    // Below 0 after a refund: more are in use than are owned.
    available: total === null ? null : total - numProvisioned,
    retired: null,
    unlimited,
    ...(remark === null ? {} : { remark }),
  }
}

/** What may be given without a group license: approved free apps and web apps. It gets one with the first entitlement. */
const unlicensed = (productId: string, product: PlayProduct | undefined, assignable: boolean): LicenseRead => ({
  ...licenseOf(
    { productId, acquisitionKind: 'free', numPurchased: undefined, numProvisioned: 0, approval: undefined, permissions: undefined },
    product,
  ),
  assignable,
})

const mostRestarts = 3
const mostPages = 1000

/** Every approved product once. A page token that is refused begins the list anew; nothing of a half list is given. */
export const readProducts = async (api: PlayApi): Promise<Result<ReadonlyMap<string, PlayProduct>, GoogleFailure>> => {
  let failure: GoogleFailure = {
    is: 'unreadable',
    text: "The pages of Google's list of products lead to no end. The old data is kept with its age. It is tried again by itself.",
  }
  for (let restarts = 0; restarts <= mostRestarts; restarts += 1) {
    const byId = new Map<string, PlayProduct>()
    const seenTokens = new Set<string>()
    let token: string | undefined
    for (let pages = 0; pages < mostPages; pages += 1) {
      const page = await api.products(token)
      if (!page.ok) {
        if (page.error.is !== 'refused' || page.error.status !== 400 || token === undefined) return page
        failure = page.error
        break
      }
      for (const product of page.value.product) byId.set(product.productId, product)
      token = page.value.tokenPagination?.nextPageToken
      if (token === undefined || token === '') return ok(byId)
      // A token that came before would be a loop.
      if (seenTokens.size === seenTokens.add(token).size) break
    }
  }
  return err(failure)
}

export interface LicensesAsRead {
  readonly licenses: readonly LicenseRead[]
  readonly products: ReadonlyMap<string, PlayProduct>
}

/**
 * 1. The group licenses; counts that were left out are asked for one by one. 2. Approved products and web apps: names, kinds,
 * and what has no group license yet. Step 2 may fail alone: then the counts are read without it.
 */
export const readLicenses = async (api: PlayApi, listed: readonly GroupLicense[]): Promise<Result<LicensesAsRead, GoogleFailure>> => {
  const byId = new Map<string, GroupLicense>()
  const whole = await Promise.all(listed.map((license) => (isWithoutCounts(license) ? api.groupLicense(license.productId) : ok(license))))
  for (const license of whole) {
    if (!license.ok) return license
    byId.set(license.value.productId, license.value)
  }
  const products = await readProducts(api)
  const webApps = await api.webApps()
  const known: ReadonlyMap<string, PlayProduct> = products.ok ? products.value : new Map()
  const licenses = [...byId.values()].map((license) => licenseOf(license, known.get(license.productId)))
  for (const [productId, product] of known)
    if (!byId.has(productId) && isFree(product.productPricing)) licenses.push(unlicensed(productId, product, true))
  for (const app of webApps.ok ? webApps.value.webApp : [])
    if (!byId.has(app.webAppId) && !known.has(app.webAppId)) licenses.push(unlicensed(app.webAppId, undefined, app.isPublished !== false))
  return ok({ licenses, products: new Map([...known, ...namesOf(webApps.ok ? webApps.value.webApp : [], known)]) })
}

const namesOf = (webApps: readonly PlayWebApp[], known: ReadonlyMap<string, PlayProduct>): readonly (readonly [string, PlayProduct])[] =>
  webApps
    .filter(({ webAppId }) => !known.has(webAppId))
    .map(({ webAppId, title }) => [
      webAppId,
      {
        productId: webAppId,
        title,
        authorName: undefined,
        iconUrl: undefined,
        distributionChannel: undefined,
        productPricing: 'free',
        appVersion: [],
      },
    ])

export const descriptionOf = (product: PlayProduct): ProductDescription => ({
  productId: product.productId,
  name: product.title ?? packageOf(product.productId),
  publisher: product.authorName ?? '',
  kind: kindOf(product.productId, product),
  bundleId: packageOf(product.productId),
  deviceFamilies: ['Android'],
  version: product.appVersion.find(({ isProduction }) => isProduction === true)?.versionString ?? null,
  price: null,
  storefront: '',
  iconSource: product.iconUrl?.startsWith('https://') === true ? product.iconUrl : null,
})
