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

export const licenseOf = (license: GroupLicense, { products, collections }: Catalogue): LicenseRead => {
  const { productId, acquisitionKind, numPurchased, numProvisioned = 0, approval, permissions } = license
  // Absent is no limit for what was free, and not told for what was bought: never 0.
  const unlimited = acquisitionKind === 'free' && numPurchased === undefined
  const total = numPurchased ?? null
  const product = products.get(productId)
  const inCollections = collections.get(productId)
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
    ...(inCollections === undefined ? {} : { collections: inCollections }),
  }
}

/** What may be given without a group license: approved free apps and web apps. It gets one with the first entitlement. */
const unlicensed = (productId: string, catalogue: Catalogue): LicenseRead => ({
  ...licenseOf(
    {
      productId,
      acquisitionKind: 'free',
      numPurchased: undefined,
      numProvisioned: 0,
      approval: undefined,
      permissions: undefined,
    },
    catalogue,
  ),
  assignable: catalogue.products.get(productId)?.productPricing !== notPublished,
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

/** What is known of an enterprise's apps beside their counts. */
export interface Catalogue {
  readonly products: ReadonlyMap<string, PlayProduct>
  /** In which collections of the organisation's own store front each product stands. */
  readonly collections: ReadonlyMap<string, readonly string[]>
}

export const noCatalogue: Catalogue = { products: new Map(), collections: new Map() }

const nameIn = (names: readonly { readonly locale?: string | undefined; readonly text?: string | undefined }[]): string =>
  (names.find(({ locale }) => locale?.startsWith('en') === true) ?? names[0])?.text?.trim() ?? ''

/** Pages and their collections, in the order in which they stand there. */
const readCollections = async (api: PlayApi): Promise<Result<ReadonlyMap<string, readonly string[]>, GoogleFailure>> => {
  const pages = await api.pages()
  if (!pages.ok) return pages
  const byProduct = new Map<string, string[]>()
  for (const { id } of pages.value.page) {
    const clusters = await api.clusters(id)
    if (!clusters.ok) return clusters
    for (const { name, productId } of clusters.value.cluster.toSorted((one, other) => (one.orderInPage < other.orderInPage ? -1 : 1))) {
      const called = nameIn(name)
      if (called === '') continue
      for (const product of productId) {
        const names = byProduct.get(product) ?? []
        if (!names.includes(called)) names.push(called)
        byProduct.set(product, names)
      }
    }
  }
  return ok(byProduct)
}

/** Approved products, web apps and collections. Each may fail alone: then what was known of it before stays. */
export const readCatalogue = async (api: PlayApi, before: Catalogue): Promise<Catalogue> => {
  const products = await readProducts(api)
  const webApps = await api.webApps()
  const collections = await readCollections(api)
  const told = products.ok ? products.value : new Map([...before.products].filter(([id]) => !isWebApp(id)))
  const apps = webApps.ok
    ? webApps.value.webApp.map((app): [string, PlayProduct] => [app.webAppId, productOf(app)])
    : [...before.products].filter(([id]) => isWebApp(id))
  return { products: new Map([...apps, ...told]), collections: collections.ok ? collections.value : before.collections }
}

const productOf = ({ webAppId, title, isPublished }: PlayWebApp): PlayProduct => ({
  productId: webAppId,
  title,
  authorName: undefined,
  iconUrl: undefined,
  distributionChannel: undefined,
  productPricing: isPublished === false ? notPublished : 'free',
  appVersion: [],
})
/** Google makes a web app known some minutes before it can be given. */
const notPublished = 'notPublished'

/** The group licenses; counts that were left out are asked for one by one. */
export const readGroupLicenses = async (
  api: PlayApi,
  listed: readonly GroupLicense[],
): Promise<Result<ReadonlyMap<string, GroupLicense>, GoogleFailure>> => {
  const byId = new Map<string, GroupLicense>()
  const whole = await Promise.all(listed.map((license) => (isWithoutCounts(license) ? api.groupLicense(license.productId) : ok(license))))
  for (const license of whole) {
    if (!license.ok) return license
    byId.set(license.value.productId, license.value)
  }
  return ok(byId)
}

export const licensesOf = (groupLicenses: ReadonlyMap<string, GroupLicense>, catalogue: Catalogue): readonly LicenseRead[] => [
  ...[...groupLicenses.values()].map((license) => licenseOf(license, catalogue)),
  ...[...catalogue.products.values()].flatMap((product) =>
    !groupLicenses.has(product.productId) && (isFree(product.productPricing) || product.productPricing === notPublished)
      ? [unlicensed(product.productId, catalogue)]
      : [],
  ),
]

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
