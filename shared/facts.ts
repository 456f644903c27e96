/**
 * Facts: what the stores and the directory were seen to hold, what was asked of them, and the wishes as the server took
 * them. The server alone writes them, each with the next number of one gap-free sequence (`seq`).
 *
 * Facts are kept folded: a **chunk** is a key and the bytes that all its facts have led to. Server and browser fold
 * with the same functions, so equal bytes mean agreement. A device catches up by fetching the chunks that changed since
 * the seq it knows, then follows the changes as they come; nothing is ever replayed from the beginning.
 *
 * There are two shapes of chunk:
 * - rows: JSON, records in the order of their ids. `connectors`, `licenses/<n>`, `principals/<n>`, `groups`,
 *   `wishes/<license>`, `claims/<license>`, `orders/<license>`, and of a Location `registrations/<connector>/<n>`,
 *   `location-orders/<connector>`, `subscriptions/<connector>`, `imports/<connector>`.
 * - columns: one entry for each principal, in the order of ordinals, as typed arrays (9 bytes a seat, 4 a member): a
 *   million seats are 9 MB, where a row each took minutes to store. `seats/<license>`, `members/<group>`.
 */
import type { PlacedWish } from './assignment.ts'
import type { Claim } from './claim.ts'
import type { Connector } from './connector.ts'
import {
  parseConnectorId,
  parseGroupId,
  parseLicenseId,
  parsePrincipalId,
  type ConnectorId,
  type GroupId,
  type LicenseId,
  type PrincipalId,
} from './ids.ts'
import type { Imported } from './imported.ts'
import { laterInProduct, type License, type Seat } from './license.ts'
import type { LicenseOrder, LocationOrder } from './order.ts'
import { isUser, type Device, type Group, type Principal, type User } from './principal.ts'
import type { Registration } from './registration.ts'
import type { Subscription } from './subscription.ts'

// ---- Keys ----

/** Licenses and principals are spread over chunks by their number, so that one change rewrites little. */
export const licensesPerChunk = 64
export const principalsPerChunk = 1024

export type RegistrationsKey = `registrations/${ConnectorId}/${number}`
export type OrdersKey = `orders/${LicenseId}` | `location-orders/${ConnectorId}`
export type RowsKey =
  | 'connectors'
  | 'groups'
  | `licenses/${number}`
  | `principals/${number}`
  | `wishes/${LicenseId}`
  | `claims/${LicenseId}`
  | `orders/${LicenseId}`
  | `location-orders/${ConnectorId}`
  | `subscriptions/${ConnectorId}`
  | `imports/${ConnectorId}`
  | RegistrationsKey
export type ColumnsKey = `seats/${LicenseId}` | `members/${GroupId}`
export type ChunkKey = RowsKey | ColumnsKey

/** A license's id is `l` and its number. */
export const licenseIdOf = (n: number): LicenseId => `l${n}` as LicenseId
export const licensesKey = (license: LicenseId): `licenses/${number}` =>
  `licenses/${Math.floor(Number(license.slice(1)) / licensesPerChunk)}`
export const principalsKey = (ordinal: number): `principals/${number}` => `principals/${Math.floor(ordinal / principalsPerChunk)}`
export const seatsKey = (license: LicenseId): `seats/${LicenseId}` => `seats/${license}`
export const membersKey = (group: GroupId): `members/${GroupId}` => `members/${group}`
export const wishesKey = (license: LicenseId): `wishes/${LicenseId}` => `wishes/${license}`
export const claimsKey = (license: LicenseId): `claims/${LicenseId}` => `claims/${license}`
export const ordersKey = (license: LicenseId): `orders/${LicenseId}` => `orders/${license}`
export const locationOrdersKey = (connector: ConnectorId): `location-orders/${ConnectorId}` => `location-orders/${connector}`
export const subscriptionsKey = (connector: ConnectorId): `subscriptions/${ConnectorId}` => `subscriptions/${connector}`
export const importsKey = (connector: ConnectorId): `imports/${ConnectorId}` => `imports/${connector}`
/** Registrations lie beside the principals of the same numbers. */
export const registrationsKey = (connector: ConnectorId, ordinal: number): RegistrationsKey =>
  `registrations/${connector}/${Math.floor(ordinal / principalsPerChunk)}`

export const parseChunkKey = (text: string): ChunkKey | undefined => {
  if (text === 'connectors' || text === 'groups') return text
  const at = text.indexOf('/')
  if (at < 0) return undefined
  const rest = text.slice(at + 1)
  switch (text.slice(0, at)) {
    case 'licenses':
    case 'principals':
      return /^(0|[1-9][0-9]{0,6})$/.test(rest) ? (text as ChunkKey) : undefined
    case 'wishes':
    case 'claims':
    case 'orders':
    case 'seats':
      return parseLicenseId(rest) === undefined ? undefined : (text as ChunkKey)
    case 'members':
      return parseGroupId(rest) === undefined ? undefined : (text as ChunkKey)
    case 'location-orders':
    case 'subscriptions':
    case 'imports':
      return parseConnectorId(rest) === undefined ? undefined : (text as ChunkKey)
    case 'registrations': {
      const [connector, block, ...more] = rest.split('/')
      return more.length === 0 && parseConnectorId(connector) !== undefined && /^(0|[1-9][0-9]{0,6})$/.test(block ?? '')
        ? (text as ChunkKey)
        : undefined
    }
    default:
      return undefined
  }
}

export const isColumnsKey = (key: ChunkKey): key is ColumnsKey => key.startsWith('seats/') || key.startsWith('members/')

/** The record that a rows chunk holds. */
export type RowOf<K extends RowsKey> = K extends 'connectors'
  ? Connector
  : K extends 'groups'
    ? Group
    : K extends `licenses/${number}`
      ? License
      : K extends `principals/${number}`
        ? Principal
        : K extends `wishes/${LicenseId}`
          ? PlacedWish
          : K extends `claims/${LicenseId}`
            ? Claim
            : K extends RegistrationsKey
              ? Registration
              : K extends `location-orders/${ConnectorId}`
                ? LocationOrder
                : K extends `subscriptions/${ConnectorId}`
                  ? Subscription
                  : K extends `imports/${ConnectorId}`
                    ? Imported
                    : LicenseOrder

// ---- Facts ----

/** One change of one chunk: records put (whole) and ids removed, or columns put and ordinals removed. */
export type Fact =
  | { readonly chunk: RowsKey; readonly put: readonly RowOf<RowsKey>[]; readonly remove: readonly string[] }
  | { readonly chunk: ColumnsKey; readonly put: Columns; readonly remove: Uint32Array }

export const rowsFact = <K extends RowsKey>(chunk: K, put: readonly RowOf<K>[], remove: readonly string[] = []): Fact => ({
  chunk,
  put,
  remove,
})
export const columnsFact = (chunk: ColumnsKey, put: Columns, remove: Uint32Array = noOrdinals): Fact => ({ chunk, put, remove })

// ---- Columns ----

/** Entries in ascending order of ordinals, each once. Members carry zeros in the other two columns, which are not stored. */
export interface Columns {
  readonly ordinals: Uint32Array
  readonly sinceS: Uint32Array
  readonly flags: Uint8Array
}

export const noOrdinals = new Uint32Array(0)
export const noColumns: Columns = { ordinals: noOrdinals, sinceS: new Uint32Array(0), flags: new Uint8Array(0) }

const USER_SEAT = 1
const BY_ASSIGNMENT = 2

export const seatFlags = (seat: Pick<Seat, 'licenseType' | 'origin'>): number =>
  (seat.licenseType === 'user' ? USER_SEAT : 0) | (seat.origin === 'assignment' ? BY_ASSIGNMENT : 0)

export const seatAt = (columns: Columns, index: number): Seat => {
  const flags = columns.flags[index] ?? 0
  return {
    ordinal: columns.ordinals[index] ?? 0,
    licenseType: (flags & USER_SEAT) !== 0 ? 'user' : 'device',
    origin: (flags & BY_ASSIGNMENT) !== 0 ? 'assignment' : 'found',
    sinceS: columns.sinceS[index] ?? 0,
  }
}
export const isByAssignment = (columns: Columns, index: number): boolean => ((columns.flags[index] ?? 0) & BY_ASSIGNMENT) !== 0

/** Sorts and keeps the last of equal ordinals. */
export const columnsOfSeats = (seats: readonly Seat[]): Columns => {
  const byOrdinal = new Map<number, Seat>()
  for (const seat of seats) byOrdinal.set(seat.ordinal, seat)
  const sorted = [...byOrdinal.values()].sort((a, b) => a.ordinal - b.ordinal)
  return {
    ordinals: Uint32Array.from(sorted, (seat) => seat.ordinal),
    sinceS: Uint32Array.from(sorted, (seat) => seat.sinceS),
    flags: Uint8Array.from(sorted, seatFlags),
  }
}

export const columnsOfMembers = (ordinals: Iterable<number>): Columns => {
  const sorted = Uint32Array.from(new Set(ordinals)).sort()
  return { ordinals: sorted, sinceS: new Uint32Array(sorted.length), flags: new Uint8Array(sorted.length) }
}

/** The index of an ordinal, or -1. */
export const indexOfOrdinal = (ordinals: Uint32Array, ordinal: number): number => {
  let low = 0
  let high = ordinals.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = ordinals[middle] as number
    if (found === ordinal) return middle
    if (found < ordinal) low = middle + 1
    else high = middle - 1
  }
  return -1
}

const SEATS_FORM = 1
const MEMBERS_FORM = 2
const HEAD_BYTES = 8

export const columnsBytes = (key: ColumnsKey, columns: Columns): Uint8Array<ArrayBuffer> => {
  const count = columns.ordinals.length
  const seats = key.startsWith('seats/')
  const bytes = new Uint8Array(HEAD_BYTES + count * (seats ? 9 : 4))
  const view = new DataView(bytes.buffer)
  view.setUint8(0, seats ? SEATS_FORM : MEMBERS_FORM)
  view.setUint32(4, count, true)
  bytes.set(littleEndian(columns.ordinals), HEAD_BYTES)
  if (seats) {
    bytes.set(littleEndian(columns.sinceS), HEAD_BYTES + count * 4)
    bytes.set(columns.flags, HEAD_BYTES + count * 8)
  }
  return bytes
}

/** Throws on bytes that are not what the key promises: the caller keeps the chunk aside and fetches it anew. */
export const readColumns = (key: ColumnsKey, bytes: Uint8Array | undefined): Columns => {
  if (bytes === undefined || bytes.length === 0) return noColumns
  const seats = key.startsWith('seats/')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD_BYTES || view.getUint8(0) !== (seats ? SEATS_FORM : MEMBERS_FORM))
    throw new Error(`facts: ${key} is not in the form of its kind`)
  const count = view.getUint32(4, true)
  if (bytes.length !== HEAD_BYTES + count * (seats ? 9 : 4))
    throw new Error(`facts: ${key} promises ${count} entries and has ${bytes.length} bytes`)
  const ordinals = wordsAt(bytes, HEAD_BYTES, count)
  if (!seats) return { ordinals, sinceS: new Uint32Array(count), flags: new Uint8Array(count) }
  return { ordinals, sinceS: wordsAt(bytes, HEAD_BYTES + count * 4, count), flags: Uint8Array.from(bytes.subarray(HEAD_BYTES + count * 8)) }
}

const hostIsLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1
const littleEndian = (words: Uint32Array): Uint8Array => {
  if (hostIsLittleEndian) return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  const bytes = new Uint8Array(words.length * 4)
  const view = new DataView(bytes.buffer)
  words.forEach((word, at) => view.setUint32(at * 4, word, true))
  return bytes
}
const wordsAt = (bytes: Uint8Array, from: number, count: number): Uint32Array => {
  if (hostIsLittleEndian) {
    // Copied by hand: where the bytes are a Node Buffer, its slice() shares the memory of the whole pool.
    const words = new Uint32Array(count)
    new Uint8Array(words.buffer).set(bytes.subarray(from, from + count * 4))
    return words
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, count * 4)
  return Uint32Array.from({ length: count }, (_, at) => view.getUint32(at * 4, true))
}

/** `columns` without the removed ordinals, with the put ones in place: one pass over both. */
export const foldColumns = (columns: Columns, put: Columns, remove: Uint32Array): Columns => {
  const removed = new Set(remove)
  const ordinals = new Uint32Array(columns.ordinals.length + put.ordinals.length)
  const sinceS = new Uint32Array(ordinals.length)
  const flags = new Uint8Array(ordinals.length)
  let length = 0
  let old = 0
  let fresh = 0
  const take = (from: Columns, index: number): void => {
    ordinals[length] = from.ordinals[index] as number
    sinceS[length] = from.sinceS[index] as number
    flags[length] = from.flags[index] as number
    length += 1
  }
  while (old < columns.ordinals.length || fresh < put.ordinals.length) {
    const oldOrdinal = columns.ordinals[old] ?? Infinity
    const freshOrdinal = put.ordinals[fresh] ?? Infinity
    if (freshOrdinal <= oldOrdinal) {
      take(put, fresh)
      fresh += 1
      if (freshOrdinal === oldOrdinal) old += 1
    } else {
      if (!removed.has(oldOrdinal)) take(columns, old)
      old += 1
    }
  }
  return { ordinals: ordinals.slice(0, length), sinceS: sinceS.slice(0, length), flags: flags.slice(0, length) }
}

// ---- Rows ----

const idOfRow = (key: RowsKey, row: RowOf<RowsKey>): string =>
  key.startsWith('wishes/') ? (row as PlacedWish).key : (row as { readonly id: string }).id

/** Principals are most of the rows: they are stored without field names, which halves them. */
const packPrincipal = (row: Principal): readonly unknown[] =>
  isUser(row)
    ? [
        row.id,
        row.userName,
        row.displayName,
        row.email,
        row.department,
        row.active ? 1 : 0,
        row.managedAppleAccount,
        row.sources,
        row.left,
        ...(row.otherNames === undefined && row.sameAs === undefined ? [] : [row.otherNames ?? []]),
        ...(row.sameAs === undefined ? [] : [row.sameAs]),
      ]
    : [row.id, row.serialNumber, row.name, row.platform, row.model, row.active ? 1 : 0, row.ownerId, row.sources, row.left]

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [])

const unpackPrincipal = (row: unknown): Principal => {
  if (!Array.isArray(row)) throw new Error('facts: a principal is not a list')
  const id = parsePrincipalId(row[0])
  if (id === undefined) throw new Error('facts: a principal without an id')
  const left = typeof row[8] === 'string' ? row[8] : null
  if (id.startsWith('u')) {
    const otherNames = texts(row[9])
    const sameAs = parsePrincipalId(row[10])
    const user: User = {
      id,
      userName: text(row[1]),
      displayName: text(row[2]),
      email: text(row[3]),
      department: text(row[4]),
      active: row[5] === 1,
      managedAppleAccount: text(row[6]),
      sources: texts(row[7]),
      left,
      ...(otherNames.length > 0 ? { otherNames } : {}),
      ...(sameAs === undefined ? {} : { sameAs }),
    }
    return user
  }
  const device: Device = {
    id,
    serialNumber: text(row[1]),
    name: text(row[2]),
    platform: text(row[3]),
    model: text(row[4]),
    active: row[5] === 1,
    ownerId: parsePrincipalId(row[6]) ?? (null as PrincipalId | null),
    sources: texts(row[7]),
    left,
  }
  return device
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

const packRow = (key: RowsKey, row: RowOf<RowsKey>): unknown => (key.startsWith('principals/') ? packPrincipal(row as Principal) : row)

const laterInConnector: Pick<Connector, 'notices' | 'people' | 'devices' | 'subscriptions'> = {
  notices: { state: 'polling' },
  people: null,
  devices: null,
  subscriptions: null,
}

/** A row as the server wrote it. Only its id is checked: the server is the one writer, and its door has parsed what came from outside. */
const unpackRow = <K extends RowsKey>(key: K, row: unknown): RowOf<K> => {
  if (key.startsWith('principals/')) return unpackPrincipal(row) as RowOf<K>
  if (typeof row !== 'object' || row === null || typeof Reflect.get(row, key.startsWith('wishes/') ? 'key' : 'id') !== 'string')
    throw new Error(`facts: a row of ${key} has no id`)
  // Written by an earlier release: what came later has its first value.
  // The order of members is part of the bytes: what is whole stays as it is.
  if (key === 'connectors') {
    if ('notices' in row) return row as RowOf<K>
    const { foreignOwner } = row as Connector
    return Object.assign({}, row, laterInConnector, {
      foreignOwner: foreignOwner === null ? null : { ...foreignOwner, leftAt: null },
    }) as RowOf<K>
  }
  if (key.startsWith('licenses/')) {
    const product: object = (row as License).product
    return ('price' in product ? row : Object.assign({}, row, { product: { ...product, ...laterInProduct } })) as RowOf<K>
  }
  return row as RowOf<K>
}

export const rowsBytes = <K extends RowsKey>(key: K, rows: readonly RowOf<K>[]): Uint8Array<ArrayBuffer> =>
  encoder.encode(JSON.stringify(rows.map((row) => packRow(key, row))))

/** Throws on bytes that are not rows: the caller keeps the chunk aside and fetches it anew. */
export const readRows = <K extends RowsKey>(key: K, bytes: Uint8Array | undefined): readonly RowOf<K>[] => {
  if (bytes === undefined || bytes.length === 0) return []
  const rows: unknown = JSON.parse(decoder.decode(bytes))
  if (!Array.isArray(rows)) throw new Error(`facts: ${key} is not a list`)
  return rows.map((row) => unpackRow(key, row))
}

const byId = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export const foldRows = <K extends RowsKey>(
  key: K,
  rows: readonly RowOf<K>[],
  put: readonly RowOf<K>[],
  remove: readonly string[],
): readonly RowOf<K>[] => {
  const rowById = new Map(rows.map((row) => [idOfRow(key, row), row]))
  for (const id of remove) rowById.delete(id)
  for (const row of put) rowById.set(idOfRow(key, row), row)
  return [...rowById.entries()].sort(([a], [b]) => byId(a, b)).map(([, row]) => row)
}

// ---- Folding and the wire ----

/** The chunk after the fact. Folding the same fact twice changes nothing. */
export const foldFact = (bytes: Uint8Array | undefined, fact: Fact): Uint8Array<ArrayBuffer> =>
  isColumnsFact(fact)
    ? columnsBytes(fact.chunk, foldColumns(readColumns(fact.chunk, bytes), fact.put, fact.remove))
    : rowsBytes(fact.chunk, foldRows(fact.chunk, readRows(fact.chunk, bytes), fact.put, fact.remove))

export const isColumnsFact = (fact: Fact): fact is Extract<Fact, { readonly chunk: ColumnsKey }> => isColumnsKey(fact.chunk)

/** A fact as it travels: columns as `[removed count][removed…][put]`, rows as JSON. */
export const factBytes = (fact: Fact): Uint8Array<ArrayBuffer> => {
  if (!isColumnsFact(fact))
    return encoder.encode(JSON.stringify({ put: fact.put.map((row) => packRow(fact.chunk, row)), remove: fact.remove }))
  const put = columnsBytes(fact.chunk, fact.put)
  const bytes = new Uint8Array(4 + fact.remove.length * 4 + put.length)
  new DataView(bytes.buffer).setUint32(0, fact.remove.length, true)
  bytes.set(littleEndian(fact.remove), 4)
  bytes.set(put, 4 + fact.remove.length * 4)
  return bytes
}

/** Throws on bytes that are not a fact of this chunk. */
export const readFact = (chunk: ChunkKey, bytes: Uint8Array): Fact => {
  if (isColumnsKey(chunk)) {
    if (bytes.length < 4) throw new Error(`facts: a change of ${chunk} is cut short`)
    const removed = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
    if (4 + removed * 4 > bytes.length) throw new Error(`facts: a change of ${chunk} is cut short`)
    return { chunk, remove: wordsAt(bytes, 4, removed), put: readColumns(chunk, bytes.subarray(4 + removed * 4)) }
  }
  const change: unknown = JSON.parse(decoder.decode(bytes))
  if (typeof change !== 'object' || change === null) throw new Error(`facts: a change of ${chunk} is not an object`)
  const put: unknown = Reflect.get(change, 'put')
  return { chunk, put: Array.isArray(put) ? put.map((row) => unpackRow(chunk, row)) : [], remove: texts(Reflect.get(change, 'remove')) }
}
