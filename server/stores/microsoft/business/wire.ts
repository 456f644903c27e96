/**
 * What the Store for Business answers, read at the door. The vendor's tables write some members with a capital and the
 * same structure elsewhere without: each is read either way. What is not known of an enumeration is kept as `other`.
 * Source: docs/stores/microsoft-store-for-business.md, section 3.
 */
import { normalUserName } from '../../../../shared/principal.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'

/** Which part of an answer is not as it must be. */
export interface Unreadable {
  readonly where: string
}
export type Parse<T> = (json: unknown) => Result<T, Unreadable>

const unreadable = (where: string): Result<never, Unreadable> => err({ where })

export const memberOf = (json: unknown, name: string): unknown => {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const lower: unknown = Reflect.get(json, name)
  return lower === undefined ? Reflect.get(json, `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`) : lower
}

const textOf = (json: unknown, name: string, most: number): string | undefined => {
  const value = memberOf(json, name)
  return typeof value === 'string' && value !== '' ? value.slice(0, most) : undefined
}

const countOf = (json: unknown, name: string): number | undefined => {
  const value = memberOf(json, name)
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** A list that is missing or null is empty where it may be. */
const listOf = (json: unknown, name: string): readonly unknown[] | undefined => {
  const value = memberOf(json, name)
  return Array.isArray(value) ? value : undefined
}

const oneOf = <const Word extends string>(json: unknown, name: string, words: readonly Word[]): Word | 'other' | undefined => {
  const value = memberOf(json, name)
  return typeof value !== 'string' ? undefined : (words.find((word) => word === value.toLowerCase()) ?? 'other')
}

export interface ProductSku {
  readonly productId: string
  /** Four digits as a rule, leading zeros kept. */
  readonly skuId: string
}

/** Both go into paths and into the names of our own licenses. */
const PART = /^[^/\s]{1,100}$/

const productSkuOf = (json: unknown): ProductSku | undefined => {
  const key = memberOf(json, 'productKey')
  const productId = textOf(key, 'productId', 200)
  const skuId = textOf(key, 'skuId', 200)
  return productId !== undefined && skuId !== undefined && PART.test(productId) && PART.test(skuId) ? { productId, skuId } : undefined
}

export interface InventoryEntry extends ProductSku {
  readonly licenseType: 'online' | 'offline' | 'other'
  readonly policy: 'open' | 'restricted' | 'other'
  readonly status: 'active' | 'removed' | 'other'
  readonly capacity: number
  readonly available: number
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Undefined: this is the last one. */
  readonly continuationToken: string | undefined
}

const continuationOf = (json: unknown): Result<string | undefined, Unreadable> => {
  const token = memberOf(json, 'continuationToken')
  if (token === undefined || token === null || token === '') return ok(undefined)
  return typeof token === 'string' && token.length <= 16_384 ? ok(token) : unreadable('continuationToken')
}

const pageOf = <Item>(json: unknown, member: string, read: (item: unknown) => Result<Item, Unreadable>): Result<Page<Item>, Unreadable> => {
  const list = listOf(json, member)
  if (list === undefined) return unreadable(member)
  const continuation = continuationOf(json)
  if (!continuation.ok) return continuation
  const items: Item[] = []
  for (const one of list) {
    const item = read(one)
    if (!item.ok) return item
    items.push(item.value)
  }
  return ok({ items, continuationToken: continuation.value })
}

const entryOf = (json: unknown): Result<InventoryEntry, Unreadable> => {
  const key = productSkuOf(json)
  if (key === undefined) return unreadable('productKey')
  const capacity = countOf(json, 'seatCapacity')
  if (capacity === undefined) return unreadable('seatCapacity')
  const available = countOf(json, 'availableSeats')
  if (available === undefined) return unreadable('availableSeats')
  const licenseType = oneOf(json, 'licenseType', ['online', 'offline'])
  if (licenseType === undefined) return unreadable('licenseType')
  return ok({
    ...key,
    capacity,
    available,
    licenseType,
    policy: oneOf(json, 'distributionPolicy', ['open', 'restricted']) ?? 'other',
    status: oneOf(json, 'status', ['active', 'removed']) ?? 'other',
  })
}

export const parseInventoryPage: Parse<Page<InventoryEntry>> = (json) => pageOf(json, 'inventoryEntries', entryOf)

export interface SeatDetails extends ProductSku {
  /** The user principal name, normalised. */
  readonly user: string
  /** A state that is not known counts as held: the seat is in the list. */
  readonly state: 'active' | 'revoked' | 'other'
}

const seatOf = (json: unknown): Result<SeatDetails, Unreadable> => {
  const key = productSkuOf(json)
  if (key === undefined) return unreadable('productKey')
  const user = textOf(json, 'assignedTo', 500)
  if (user === undefined) return unreadable('assignedTo')
  return ok({ ...key, user: normalUserName(user), state: oneOf(json, 'state', ['active', 'revoked']) ?? 'other' })
}

export const parseSeat: Parse<SeatDetails> = seatOf
export const parseSeatsPage: Parse<Page<SeatDetails>> = (json) => pageOf(json, 'seats', seatOf)

export interface BulkResult {
  readonly seats: readonly SeatDetails[]
  /** By normal user name: the store's own words, shortened. */
  readonly failed: ReadonlyMap<string, string>
}

export const parseBulk: Parse<BulkResult> = (json) => {
  const details = listOf(json, 'seatDetails')
  const failures = listOf(json, 'failedSeatOperations')
  if (details === undefined || failures === undefined) return unreadable(details === undefined ? 'seatDetails' : 'failedSeatOperations')
  const seats: SeatDetails[] = []
  for (const one of details) {
    const seat = seatOf(one)
    if (!seat.ok) return seat
    seats.push(seat.value)
  }
  const failed = new Map<string, string>()
  for (const one of failures) {
    const user = textOf(one, 'userName', 500)
    if (user === undefined) return unreadable('userName')
    failed.set(normalUserName(user), textOf(one, 'failureReason', 200) ?? '')
  }
  return ok({ seats, failed })
}

export interface ProductDetails {
  readonly packageFamilyName: string | null
  readonly languages: readonly string[]
  /** Such as `Windows.Desktop`. */
  readonly platforms: readonly string[]
}

export const parseProduct: Parse<ProductDetails> = (json) => {
  if (productSkuOf(json) === undefined) return unreadable('productKey')
  return ok({
    packageFamilyName: textOf(json, 'packageFamilyName', 300) ?? null,
    languages: (listOf(json, 'supportedLanguages') ?? []).filter((one): one is string => typeof one === 'string').slice(0, 200),
    platforms: (listOf(json, 'supportedPlatforms') ?? []).flatMap((one) => textOf(one, 'platformName', 100) ?? []).slice(0, 20),
  })
}

export interface LocalizedDetails {
  /** The language that was served, lower case: not always the one that was asked for. */
  readonly language: string
  readonly name: string
  readonly publisher: string
  readonly logo: string | null
}

export const parseLocalized: Parse<LocalizedDetails> = (json) => {
  const name = textOf(json, 'displayName', 500)
  if (name === undefined) return unreadable('displayName')
  const images = listOf(json, 'images') ?? []
  const logo = images.find((one) => textOf(one, 'purpose', 100)?.toLowerCase() === 'logo') ?? images[0]
  return ok({
    language: (textOf(json, 'language', 40) ?? '').toLowerCase(),
    name,
    publisher: textOf(memberOf(json, 'publisher'), 'publisherName', 500) ?? '',
    logo: textOf(logo, 'location', 2000) ?? null,
  })
}

/** What a refusal says, as far as it says it. The form is not documented: the status decides, and this is only shown. */
export const reasonIn = (json: unknown): { readonly reason: string; readonly item: string; readonly parameter: string } => {
  const data = memberOf(json, 'data')
  const reason = textOf(data, 'reason', 200) ?? textOf(json, 'reason', 200) ?? textOf(json, 'message', 200)
  const details = textOf(data, 'details', 200) ?? textOf(json, 'details', 200)
  return {
    reason: [reason, details].filter((text) => text !== undefined).join(': '),
    item: textOf(data, 'itemType', 60) ?? textOf(json, 'itemType', 60) ?? '',
    parameter: textOf(data, 'parameterName', 60) ?? textOf(json, 'parameterName', 60) ?? '',
  }
}
