/**
 * The Microsoft Store for Business (and for Education), as a Store: its vendor has retired it, and where it still answers
 * it is read and written. Source: docs/stores/microsoft-store-for-business.md; the sections are named where they are followed.
 */
import type { Capabilities } from '../../../../shared/connector.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Secret } from '../../../secret.ts'
import type {
  ConnectionDeps,
  LocationIdentity,
  OwnerMark,
  ProductDescription,
  ProductKey,
  SeatSink,
  Store,
  StoreConnection,
  StoreFailure,
  WriteLimits,
} from '../../store.ts'
import { openMicrosoftCredential, readMicrosoftCredential } from '../account.ts'
import { createSignIn } from '../sign-in.ts'
import { createBusinessClient } from './client.ts'
import { failureOf, retiredSince, type RequestFailure } from './failures.ts'
import { licenseOf, onlineSkuOf, pricingOf, productPath, seatOf, seatsPath, userSeatsPath } from './seats.ts'
import { pageSize, walkAll } from './walk.ts'
import {
  parseInventoryPage,
  parseLocalized,
  parseProduct,
  parseSeatsPage,
  type InventoryEntry,
  type LocalizedDetails,
  type ProductSku,
  type SeatDetails,
} from './wire.ts'
import { createBusinessWrites, mostUsersInACall, mostUsersRevoked } from './writes.ts'

export interface BusinessAddresses {
  /** Up to and including `/V1`. */
  readonly storeUrl: string
  /** The root of the login authority, without a tenant. */
  readonly loginUrl: string
}

/** The audience of its tokens: an identifier, nothing is served there. */
const audience = { version: 1, resource: 'https://onestore.microsoft.com' } as const
const usualLanguages = ['en-us']
/** Whose seats are read at the same time: each license is a call of its own, and no limit is documented. */
const licensesAtOnce = 4
const mostLanguages = 2

const capabilities: Capabilities = {
  counts: 'live',
  assign: true,
  revoke: true,
  deviceLicenses: false,
  userLicenses: true,
  books: false,
  push: false,
  retired: retiredSince,
}

export const createBusinessStore = (addresses: BusinessAddresses): Store => ({
  kind: 'microsoft-store-business',
  store: 'microsoft',
  capabilities,
  readCredential: readMicrosoftCredential,
  readNotice: () => undefined,
  connect: (deps, secret, owner) => connect(deps, addresses, secret, owner),
})

const limits: WriteLimits = {
  mostProducts: 1,
  mostUsers: mostUsersInACall,
  mostDevices: 0,
  mostUsersRevoked,
  mostDevicesRevoked: 0,
  mostPeople: 0,
  mostSubscribers: 0,
}

const deviceFamilyByPlatform: Readonly<Record<string, string>> = {
  'windows.desktop': 'Windows PC',
  'windows.mobile': 'Windows phone',
  'windows.team': 'Surface Hub',
  'windows.holographic': 'HoloLens',
  'windows.universal': 'Windows',
}

const connect = (deps: ConnectionDeps, addresses: BusinessAddresses, secret: Secret, mark: OwnerMark): StoreConnection => {
  const { clock, chance, fetch } = deps
  const account = openMicrosoftCredential(secret)
  const signIn = createSignIn({ clock, chance, fetch, loginUrl: addresses.loginUrl, account, audience })
  const client = createBusinessClient({ clock, chance, fetch, baseUrl: addresses.storeUrl, signIn })
  /** SKUs of each product as last read: the look-up needs one. */
  const skuByProduct = new Map<string, string>()

  const told = <T>(result: Result<T, RequestFailure>): Result<T, StoreFailure> => (result.ok ? result : err(failureOf(result.error)))

  // ---- Reading ----

  const inventoryPage = (continuationToken: string | undefined, maxResults: string) =>
    client.get(
      '/Inventory',
      [
        ['licenseTypes', 'online'],
        ['licenseTypes', 'offline'],
        ['maxResults', maxResults],
        ['continuationToken', continuationToken],
      ],
      parseInventoryPage,
      { retiredBy404: true },
    )

  const entryName = (entry: InventoryEntry): string => `${entry.productId}/${pricingOf(entry)}`

  const readInventory = async (): Promise<Result<readonly InventoryEntry[], RequestFailure>> => {
    const entries = await walkAll((token) => inventoryPage(token, pageSize), entryName)
    if (entries.ok)
      for (const { productId, skuId, status } of entries.value)
        if (status !== 'removed' || !skuByProduct.has(productId)) skuByProduct.set(productId, skuId)
    return entries
  }

  const isHeld = ({ state }: SeatDetails): boolean => state !== 'revoked'
  /** A license that went meanwhile, or turned out to be an offline one, has no seats. */
  const hasNoSeats = (failure: RequestFailure): boolean =>
    failure.is === 'refused' && (failure.status === 404 || (failure.status === 409 && /not online/i.test(failure.reason)))

  const readSeatsOfSku = async (sku: ProductSku): Promise<Result<readonly SeatDetails[], RequestFailure>> => {
    const seats = await walkAll(
      (token) =>
        client.get(
          seatsPath(sku),
          [
            ['maxResults', pageSize],
            ['continuationToken', token],
          ],
          parseSeatsPage,
        ),
      ({ user }) => user,
    )
    if (!seats.ok) return hasNoSeats(seats.error) ? ok([]) : seats
    // The license that was asked for, whatever the item names.
    return ok(seats.value.filter(isHeld).map((seat) => ({ ...seat, ...sku })))
  }

  const readSeatsOfUser = async (user: string): Promise<Result<readonly SeatDetails[], RequestFailure>> => {
    const seats = await walkAll(
      (token) =>
        client.get(
          userSeatsPath(user),
          [
            ['maxResults', pageSize],
            ['continuationToken', token],
          ],
          parseSeatsPage,
        ),
      ({ productId, skuId }) => `${productId}/${skuId}`,
    )
    // Whom the tenant does not know holds nothing.
    if (!seats.ok) return seats.error.is === 'refused' && seats.error.status === 404 ? ok([]) : seats
    return ok(seats.value.filter(isHeld))
  }

  /** Seats are not told by what changed, and when an entry counts as changed is not documented: always a full walk. */
  const readSeats = async (sink: SeatSink): Promise<Result<{ readonly cursor: null; readonly full: true }, StoreFailure>> => {
    sink.begin(true)
    const entries = await readInventory()
    if (!entries.ok) return told(entries)
    const withSeats = entries.value.filter(({ licenseType, status }) => licenseType === 'online' && status !== 'removed')
    let next = 0
    let failure: RequestFailure | undefined
    /** Takes one license after another, until none is left or one could not be read. */
    const readOn = async (): Promise<void> => {
      for (let entry = withSeats[next]; entry !== undefined && failure === undefined; entry = withSeats[next]) {
        next += 1
        const seats = await readSeatsOfSku(entry)
        if (seats.ok) sink.page(seats.value.map(seatOf), null)
        else failure ??= seats.error
      }
    }
    await Promise.all(Array.from({ length: licensesAtOnce }, readOn))
    return failure === undefined ? ok({ cursor: null, full: true }) : err(failureOf(failure))
  }

  /** The sign-in proves the tenant and the app; one line of the inventory that the app was let in. */
  const identify = async (): Promise<Result<LocationIdentity, StoreFailure>> => {
    const page = await inventoryPage(undefined, '1')
    if (!page.ok) return told(page)
    const location = { key: account.tenantId, name: `Tenant ${account.tenantId}`, country: '', organization: '' }
    // Several tools may work at once, and none of them holds the tenant.
    return ok({ location, expiresAt: null, owner: mark })
  }

  // ---- Names ----

  const languages = async (): Promise<readonly string[]> => {
    const wanted = (await deps.settings?.())?.languages ?? []
    return wanted.length === 0 ? usualLanguages : wanted.slice(0, mostLanguages)
  }

  const readText = async (sku: ProductSku, asked: readonly string[]): Promise<Result<LocalizedDetails | undefined, RequestFailure>> => {
    let fallback: LocalizedDetails | undefined
    for (const language of asked) {
      const text = await client.get(`${productPath(sku)}/LocalizedDetails/${encodeURIComponent(language)}`, [], parseLocalized)
      if (text.ok) {
        if (text.value.language === language.toLowerCase()) return text
        fallback ??= text.value
      } else if (text.error.is !== 'refused') return text
    }
    return ok(fallback)
  }

  /** Undefined: the store tells nothing of it. */
  const describeOne = async (
    sku: ProductSku,
    asked: readonly string[],
  ): Promise<Result<ProductDescription | undefined, RequestFailure>> => {
    const text = await readText(sku, asked)
    if (!text.ok) return text
    if (text.value === undefined) return ok(undefined)
    const details = await client.get(productPath(sku), [], parseProduct)
    if (!details.ok && details.error.is !== 'refused') return details
    const { language, name, publisher, logo } = text.value
    const isAsked = language === '' || asked.some((one) => one.toLowerCase() === language)
    return ok({
      productId: sku.productId,
      // The store had it in another language only.
      name: isAsked ? name : `${name} (${language})`,
      publisher,
      kind: null,
      bundleId: details.ok ? details.value.packageFamilyName : null,
      deviceFamilies: details.ok
        ? [...new Set(details.value.platforms.map((platform) => deviceFamilyByPlatform[platform.toLowerCase()] ?? platform))]
        : [],
      version: null,
      price: null,
      storefront: '',
      iconSource: logo,
    })
  }

  const describe: StoreConnection['describe'] = async (productIds) => {
    if (productIds.some((id) => !skuByProduct.has(id))) {
      const entries = await readInventory()
      if (!entries.ok) return told(entries)
    }
    const asked = await languages()
    const described: ProductDescription[] = []
    for (const productId of productIds) {
      const skuId = skuByProduct.get(productId)
      const one = skuId === undefined ? ok(undefined) : await describeOne({ productId, skuId }, asked)
      if (!one.ok) return told(one)
      if (one.value !== undefined) described.push(one.value)
    }
    return ok(described)
  }

  const writes = createBusinessWrites({
    client,
    triesBulk: async () => (await deps.settings?.())?.bulk === 'auto',
    seatsOfUser: readSeatsOfUser,
  })

  const isOf =
    (productId: string, pricing: string | null) =>
    (entry: InventoryEntry): boolean =>
      entry.productId === productId && pricingOf(entry) === pricing
  const readSeatsOf = async (key: ProductKey): Promise<Result<readonly SeatDetails[], RequestFailure>> => {
    const sku = onlineSkuOf(key)
    return sku === undefined ? ok([]) : await readSeatsOfSku(sku)
  }

  return {
    identify,
    // Nobody holds a tenant here, so there is nothing to take over.
    claim: identify,
    namesWhatIsGone: true,
    readLicenses: async () => {
      const entries = await readInventory()
      return entries.ok ? ok(entries.value.map(licenseOf)) : told(entries)
    },
    readLicense: async (productId, pricing) => {
      const entries = await readInventory()
      if (!entries.ok) return told(entries)
      const entry = entries.value.find(isOf(productId, pricing))
      return ok(entry === undefined || entry.status === 'removed' ? undefined : licenseOf(entry))
    },
    readSeats: async (_cursor, sink) => await readSeats(sink),
    readSeatsOf: async (productId, pricing) => {
      const seats = await readSeatsOf({ productId, pricing })
      return seats.ok ? ok(seats.value.map(seatOf)) : told(seats)
    },
    readSeatsOfHolder: async (holder) => {
      if (holder.kind !== 'user') return ok([])
      const seats = await readSeatsOfUser(holder.key)
      return seats.ok ? ok(seats.value.map(seatOf)) : told(seats)
    },
    people: undefined,
    subscriptions: undefined,
    devices: undefined,
    describe,
    limits: async () => ok(limits),
    write: writes.write,
    // Every write is settled within its call.
    orderStatus: async () => ok({ is: 'gone' }),
    listen: async () => ok('silent'),
  }
}
