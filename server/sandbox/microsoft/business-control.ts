/** What happens in the Store for Business outside its protocol: purchases of old, other administrators and tools, and what is left of it. */
import * as v from 'valibot'
import { err, ok, type Result } from '../../../shared/result.ts'
import { isUnlimited } from './business-answers.ts'
import { reclaimBusinessSeat, takeBusinessSeat, type BusinessWorld } from './business.ts'
import {
  emptyBusinessState,
  entryKey,
  listedEntries,
  UNLIMITED,
  type BusinessLicenseType,
  type BusinessPackage,
  type BusinessTenant,
  type EntryStatus,
  type InventoryEntry,
  type LocalizedText,
} from './business-state.ts'
import type { BusinessSwitches } from './business-switches.ts'

export interface BusinessOwned {
  readonly skuId?: string
  readonly licenseType?: BusinessLicenseType
  readonly capacity: number | 'unlimited'
  /** Who has a seat from the start; they become known to the tenant. */
  readonly heldBy?: readonly string[]
  /** What the store tells of it; absent leaves operations 2 to 6 without an answer. */
  readonly product?: {
    readonly name: string
    readonly publisher?: string
    readonly texts?: Readonly<Record<string, LocalizedText>>
    readonly packageFamilyName?: string
    readonly category?: string
    readonly platforms?: readonly string[]
    readonly packages?: readonly BusinessPackage[]
  }
}

export interface BusinessEntrySummary {
  readonly productId: string
  readonly skuId: string
  readonly licenseType: BusinessLicenseType
  readonly name: string | null
  readonly capacity: number | null
  readonly inUse: number
  readonly status: EntryStatus
}

/** Tenants are named by their id, products by theirs with SKU 0016 online unless said otherwise. What does not exist throws. */
export interface BusinessControl {
  addUsers(tenantId: string, ...names: readonly string[]): void
  /** From now on the directory writes this user's name so; seats that were given stay under the old one [pin]. */
  renameUser(tenantId: string, from: string, to: string): void
  own(tenantId: string, productId: string, owned: BusinessOwned): void
  /** The app was "refunded" in the portal: it stays in the list, as removed. */
  remove(tenantId: string, productId: string, skuId?: string, licenseType?: BusinessLicenseType): void
  /** Gone from the list without a word. */
  forget(tenantId: string, productId: string, skuId?: string, licenseType?: BusinessLicenseType): void
  setCapacity(tenantId: string, productId: string, capacity: number, skuId?: string): void
  /** Undefined: done. Otherwise the status of the refusal. */
  assignOutside(tenantId: string, productId: string, username: string, skuId?: string): number | undefined
  reclaimOutside(tenantId: string, productId: string, username: string, skuId?: string): number | undefined
  /** A seat of which the store does not know when it was given: it says the year one. */
  assignUndated(tenantId: string, productId: string, username: string, skuId?: string): void
  entries(tenantId: string): readonly BusinessEntrySummary[]
  /** User names as they were assigned, in the order of giving. */
  holders(tenantId: string, productId: string, skuId?: string): readonly string[]
  switches(): BusinessSwitches
  setSwitches(changes: Partial<BusinessSwitches>): void
  snapshot(): BusinessSnapshot
  restore(given: unknown): Result<void, { readonly is: 'snapshot-malformed'; readonly where: string }>
}

/** 0001-01-01T00:00:00Z */
const YEAR_ONE = -62_135_596_800_000

export const usualSku = '0016'

export const createBusinessControl = (business: BusinessWorld): BusinessControl => {
  const now = (): number => business.world.clock.now()
  const tenantOf = (tenantId: string): BusinessTenant => {
    const known = business.state.tenants.get(tenantId)
    if (known !== undefined) return known
    if (!business.world.tenants.has(tenantId)) throw new Error(`sandbox: no tenant ${tenantId}`)
    const made: BusinessTenant = { entries: new Map(), users: new Map() }
    business.state.tenants.set(tenantId, made)
    return made
  }
  const mustFind = (tenantId: string, productId: string, skuId: string, licenseType: BusinessLicenseType = 'Online'): InventoryEntry => {
    const entry = tenantOf(tenantId).entries.get(entryKey({ productId, skuId, licenseType }))
    if (entry === undefined) throw new Error(`sandbox: the tenant does not own ${productId}/${skuId} ${licenseType}`)
    return entry
  }
  const addUsers: BusinessControl['addUsers'] = (tenantId, ...names) => {
    for (const name of names) tenantOf(tenantId).users.set(name.toLowerCase(), name)
  }

  return {
    addUsers,
    renameUser: (tenantId, from, to) => {
      const { users } = tenantOf(tenantId)
      if (!users.delete(from.toLowerCase())) throw new Error(`sandbox: no user ${from}`)
      users.set(to.toLowerCase(), to)
    },
    own: (tenantId, productId, owned) => {
      const { skuId = usualSku, licenseType = 'Online', capacity, heldBy = [], product } = owned
      const entry: InventoryEntry = {
        productId,
        skuId,
        licenseType,
        policy: capacity === 'unlimited' ? 'Open' : 'Restricted',
        status: 'Active',
        capacity: capacity === 'unlimited' ? UNLIMITED : capacity,
        lastModified: now(),
        seats: new Map(),
      }
      const tenant = tenantOf(tenantId)
      tenant.entries.set(entryKey(entry), entry)
      addUsers(tenantId, ...heldBy)
      for (const name of heldBy) takeBusinessSeat(business, tenant, entry, name, now())
      if (product === undefined) return
      const { name, publisher, texts, platforms = ['Windows.Universal'], packages = [], packageFamilyName, category } = product
      business.state.products.set(`${productId}/${skuId}`, {
        productId,
        skuId,
        productType: 'Application',
        ...(category === undefined ? {} : { category }),
        ...(packageFamilyName === undefined ? {} : { packageFamilyName }),
        platforms,
        texts: new Map(
          Object.entries(texts ?? { 'en-us': { displayName: name, ...(publisher === undefined ? {} : { publisherName: publisher }) } }),
        ),
        packages,
      })
    },
    remove: (tenantId, productId, skuId = usualSku, licenseType) => {
      const entry = mustFind(tenantId, productId, skuId, licenseType)
      entry.status = 'Removed'
      entry.seats.clear()
      entry.lastModified = now()
    },
    forget: (tenantId, productId, skuId = usualSku, licenseType) => {
      tenantOf(tenantId).entries.delete(entryKey(mustFind(tenantId, productId, skuId, licenseType)))
    },
    setCapacity: (tenantId, productId, capacity, skuId = usualSku) => {
      const entry = mustFind(tenantId, productId, skuId)
      entry.capacity = capacity
      entry.lastModified = now()
    },
    assignOutside: (tenantId, productId, username, skuId = usualSku) => {
      const taken = takeBusinessSeat(business, tenantOf(tenantId), mustFind(tenantId, productId, skuId), username, now())
      return taken.ok ? undefined : taken.error.status
    },
    reclaimOutside: (tenantId, productId, username, skuId = usualSku) => {
      const given = reclaimBusinessSeat(mustFind(tenantId, productId, skuId), username, now())
      return given.ok ? undefined : given.error.status
    },
    assignUndated: (tenantId, productId, username, skuId = usualSku) => {
      addUsers(tenantId, username)
      mustFind(tenantId, productId, skuId).seats.set(username.toLowerCase(), { assignedTo: username, assignedAt: YEAR_ONE })
    },
    entries: (tenantId) =>
      listedEntries(tenantOf(tenantId)).map((entry) => ({
        productId: entry.productId,
        skuId: entry.skuId,
        licenseType: entry.licenseType,
        name: [...(business.state.products.get(`${entry.productId}/${entry.skuId}`)?.texts.values() ?? [])][0]?.displayName ?? null,
        capacity: isUnlimited(entry) ? null : entry.capacity,
        inUse: entry.seats.size,
        status: entry.status,
      })),
    holders: (tenantId, productId, skuId = usualSku) =>
      [...mustFind(tenantId, productId, skuId).seats.values()].map(({ assignedTo }) => assignedTo),
    switches: () => business.switches,
    setSwitches: (changes) => {
      business.switches = { ...business.switches, ...changes }
    },
    snapshot: () => ({
      tenants: [...business.state.tenants].map(([id, { entries, users }]) => ({
        id,
        users: [...users.values()],
        entries: [...entries.values()].map(({ seats, ...entry }) => ({ ...entry, seats: [...seats.values()] })),
      })),
      products: [...business.state.products.values()].map(({ texts, platforms, packages, ...product }) => ({
        ...product,
        platforms: [...platforms],
        packages: packages.map((one) => ({ ...one, architectures: [...one.architectures] })),
        texts: Object.fromEntries(texts),
      })),
    }),
    restore: (given) => {
      const parsed = v.safeParse(snapshotSchema, given)
      if (!parsed.success) return err({ is: 'snapshot-malformed', where: v.getDotPath(parsed.issues[0]) ?? 'the whole' })
      const state = emptyBusinessState()
      for (const { id, users, entries } of parsed.output.tenants)
        state.tenants.set(id, {
          users: new Map(users.map((name) => [name.toLowerCase(), name])),
          entries: new Map(
            entries.map(({ seats, ...entry }) => [
              entryKey(entry),
              { ...entry, seats: new Map(seats.map((seat) => [seat.assignedTo.toLowerCase(), seat])) },
            ]),
          ),
        })
      for (const { texts, category, packageFamilyName, ...product } of parsed.output.products)
        state.products.set(`${product.productId}/${product.skuId}`, {
          ...product,
          ...(category === undefined ? {} : { category }),
          ...(packageFamilyName === undefined ? {} : { packageFamilyName }),
          texts: new Map(
            Object.entries(texts).map(([language, { displayName, description, publisherName }]) => [
              language,
              {
                displayName,
                ...(description === undefined ? {} : { description }),
                ...(publisherName === undefined ? {} : { publisherName }),
              },
            ]),
          ),
        })
      business.state = state
      return ok(undefined)
    },
  }
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const snapshotSchema = v.object({
  tenants: v.array(
    v.object({
      id: v.string(),
      users: v.array(v.string()),
      entries: v.array(
        v.object({
          productId: v.string(),
          skuId: v.string(),
          licenseType: v.picklist(['Online', 'Offline']),
          policy: v.picklist(['Open', 'Restricted']),
          status: v.picklist(['Active', 'Removed']),
          capacity: count,
          lastModified: count,
          seats: v.array(v.object({ assignedTo: v.string(), assignedAt: v.number() })),
        }),
      ),
    }),
  ),
  products: v.array(
    v.object({
      productId: v.string(),
      skuId: v.string(),
      productType: v.string(),
      category: v.optional(v.string()),
      packageFamilyName: v.optional(v.string()),
      platforms: v.array(v.string()),
      texts: v.record(
        v.string(),
        v.object({ displayName: v.string(), description: v.optional(v.string()), publisherName: v.optional(v.string()) }),
      ),
      packages: v.array(
        v.object({
          packageId: v.string(),
          contentId: v.string(),
          packageFullName: v.string(),
          architectures: v.array(v.string()),
          packageFormat: v.string(),
          fileSize: count,
        }),
      ),
    }),
  ),
})
export type BusinessSnapshot = v.InferOutput<typeof snapshotSchema>
