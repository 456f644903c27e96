/**
 * What a sync records: only the differences between what was read and the facts held, in one act that the sync's own
 * record closes. A sync that fails before or in it leaves no half.
 */
import type { Connectors } from './connectors.ts'
import { insertMany } from './database/many.ts'
import { knowPrincipals, type DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { licenseAfter } from './license-after-read.ts'
import { findLicense } from './licenses.ts'
import type { Orders } from './orders.ts'
import type { LicenseRead } from './stores/store.ts'
import { distinctOrdinals, seatDifference } from './seat-difference.ts'
import type { ReadSeats } from './seat-collection.ts'
import { keepCursor, readCursor } from './sync-cursor.ts'
import { keepSync } from './sync-history.ts'
import type { Walk } from './sync-reading.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { columnsFact, licenseIdOf, licensesKey, noOrdinals, ordersKey, rowsFact, seatsKey } from '../shared/facts.ts'
import type { ConnectorId, LicenseId, PrincipalKind } from '../shared/ids.ts'
import { licenseKeyOf, type License } from '../shared/license.ts'
import type { Sync } from '../shared/sync.ts'

/** All that one sync read. */
export interface SyncRead {
  readonly licenses: readonly LicenseRead[]
  readonly walk: Walk
}

export interface SyncRecord {
  /**
   * One act: licenses, seats, holders that nobody named before, the cursor, the connector, the sync's record. Tells the
   * finished sync once it is on disk. A connector that was let go meanwhile: nothing is kept, and nothing told.
   */
  recordDifferences(sync: Sync, connector: Connector, read: SyncRead, onFinished: (finished: Sync) => void): Promise<Sync['changed']>
  /** The seats of one license that was read whole. */
  recordSeatsOfLicense(license: License, seats: ReadSeats): Promise<void>
}

export interface SyncRecordDeps {
  readonly journal: Journal
  readonly connectors: Connectors
  readonly directory: DirectoryIndex
  readonly orders: Pick<Orders, 'settledLately'>
  readonly clock: Clock
}

export const createSyncRecord = (deps: SyncRecordDeps): SyncRecord => {
  const { journal, connectors, directory, orders, clock } = deps

  const recordDifferences: SyncRecord['recordDifferences'] = async (sync, connector, read, onFinished) => {
    const { id: connectorId } = connector
    const { walk } = read
    return await journal.write(async (write) => {
      // The connector was let go while its store was being read: nothing of it is kept.
      if (!(await write.rows('connectors')).some((row) => row.id === connectorId)) return { licenses: 0, seats: 0, users: 0 }
      const at = clock.now()
      const readAt = isoTime(at)
      const idByKey = await licenseIds(write, connectorId, read.licenses, walk)
      const licenses = await recordLicenses(write, connector, idByKey, read, readAt)
      const people = await knowHolders(write, sourceOf(connector.store, connectorId), walk.seats)
      const ordered = await orderedByLicense(write, connectorId)
      let seats = 0
      for (const [key, id] of idByKey) {
        const places = walk.seats.placesByLicense.get(key)
        if (places === undefined && !walk.full) continue
        seats += await recordSeats(write, id, people, places ?? noOrdinals, ordered.get(id) ?? nobody, walk.full, at)
      }
      const fullAt = walk.full ? at : ((await readCursor(write.trx, connectorId))?.fullAt ?? 0)
      await keepCursor(write, connectorId, walk.cursor, fullAt)
      const changed = { licenses, seats, users: people.made }
      const finished: Sync = {
        ...sync,
        state: 'succeeded',
        // A version that the store no longer took makes a full walk of an increment.
        full: sync.full || walk.full,
        finishedAt: readAt,
        changed,
        progress: { phase: 'done', done: 0, total: null },
      }
      await keepSync(write, finished)
      await connectors.update(write, connectorId, (current) => ({
        ...current,
        lastSync: finished,
        lastGoodSyncAt: readAt,
        nextSyncAt: isoTime(at + current.settings.syncIntervalMinutes * 60_000),
      }))
      write.told(() => onFinished(finished))
      return changed
    })
  }

  const recordSeatsOfLicense: SyncRecord['recordSeatsOfLicense'] = async (license, seats) => {
    await journal.write(async (write) => {
      const people = await knowHolders(write, sourceOf(license.store, license.connectorId), seats)
      const places = seats.placesByLicense.get(licenseKeyOf(license.product.id, license.pricing)) ?? noOrdinals
      const ordered = await orderedByLicense(write, license.connectorId)
      await recordSeats(write, license.id, people, places, ordered.get(license.id) ?? nobody, true, clock.now())
    })
  }

  const knowHolders = async (write: Writing, source: string, { holders }: ReadSeats): Promise<KnownHolders> => {
    const { ordinalOf, made } = await knowPrincipals(write, directory, source, holders)
    const ordinals = Uint32Array.from(holders, ({ kind, key }) => ordinalOf(kind, key))
    const isUser = new Uint8Array(ordinals.reduce((most, ordinal) => Math.max(most, ordinal), 0) + 1)
    holders.forEach(({ kind }, place) => {
      if (kind === 'user') isUser[ordinals[place] ?? 0] = 1
    })
    return { ordinals, kindOf: (ordinal) => (isUser[ordinal] === 1 ? 'user' : 'device'), made }
  }

  /** The seats of one license as read, against those held. Gives how many changed. */
  const recordSeats = async (
    write: Writing,
    id: LicenseId,
    people: KnownHolders,
    places: Uint32Array,
    ordered: ReadonlySet<number>,
    full: boolean,
    at: number,
  ): Promise<number> => {
    const difference = seatDifference(await write.columns(seatsKey(id)), {
      ordinals: distinctOrdinals(places.map((place) => people.ordinals[place] ?? 0)),
      kindOf: people.kindOf,
      full,
      at,
      lately: orders.settledLately(id),
      ordered,
    })
    if (difference === undefined) return 0
    await write.record(columnsFact(seatsKey(id), difference.put, difference.remove))
    return difference.put.ordinals.length + difference.remove.length
  }

  return { recordDifferences, recordSeatsOfLicense }
}

interface KnownHolders {
  /** By their places in what was read. */
  readonly ordinals: Uint32Array
  readonly kindOf: (ordinal: number) => PrincipalKind
  readonly made: number
}

const nobody: ReadonlySet<number> = new Set()

/** Who is to get a seat by an order that has left. A planned one has not: a seat that is there before it is somebody else's. */
const orderedByLicense = async (write: Writing, connectorId: ConnectorId): Promise<ReadonlyMap<LicenseId, ReadonlySet<number>>> => {
  const open = await write.trx
    .selectFrom('orders')
    .select('license')
    .distinct()
    .where('connector', '=', connectorId)
    .where('action', '=', 'associate')
    .where('state', 'in', ['sent', 'pending'])
    .execute()
  const ordered = new Map<LicenseId, ReadonlySet<number>>()
  for (const { license } of open) {
    const id = license as LicenseId
    const rows = await write.rows(ordersKey(id))
    ordered.set(
      id,
      new Set(rows.filter(({ action, state }) => action === 'associate' && state !== 'planned').flatMap((order) => order.open)),
    )
  }
  return ordered
}

/** How many licenses changed. One that was read again as it was gets its new age, and does not count. */
const recordLicenses = async (
  write: Writing,
  connector: Connector,
  idByKey: ReadonlyMap<string, LicenseId>,
  { licenses: reads, walk }: SyncRead,
  readAt: string,
): Promise<number> => {
  const readByKey = new Map(reads.map((read) => [licenseKeyOf(read.productId, read.pricing), read]))
  const putByChunk = new Map<`licenses/${number}`, License[]>()
  let changed = 0
  for (const [key, id] of idByKey) {
    const held = await findLicense(write, id)
    const read = readByKey.get(key)
    const seats = read?.inUse === null ? await seatsAfter(write, id, key, walk) : undefined
    const license = licenseAfter(held, id, connector, read, key, readAt, seats)
    if (held !== undefined && JSON.stringify({ ...held, readAt, asOf: readAt }) === JSON.stringify({ ...license, readAt, asOf: readAt })) {
      if (read === undefined) continue
    } else changed += 1
    const chunk = licensesKey(id)
    const rows = putByChunk.get(chunk) ?? []
    rows.push(license)
    putByChunk.set(chunk, rows)
  }
  for (const [chunk, rows] of putByChunk) await write.record(rowsFact(chunk, rows))
  return changed
}

/** Those that a full walk found; after an increment those that are held. */
const seatsAfter = async (write: Writing, id: LicenseId, key: string, walk: Walk): Promise<number> =>
  walk.full ? new Set(walk.seats.placesByLicense.get(key)).size : (await write.columns(seatsKey(id))).ordinals.length

/** Ids of all licenses ever known of this connector, by `licenseKeyOf`; what is read for the first time gets one. */
const licenseIds = async (
  write: Writing,
  connectorId: ConnectorId,
  reads: readonly LicenseRead[],
  walk: Walk,
): Promise<ReadonlyMap<string, LicenseId>> => {
  const known = await write.trx
    .selectFrom('license_keys')
    .select(['product', 'pricing', 'ordinal'])
    .where('connector', '=', connectorId)
    .execute()
  const idByKey = new Map(known.map(({ product, pricing, ordinal }) => [`${product}/${pricing}`, licenseIdOf(ordinal)]))
  const fresh = new Set<string>()
  // What was gone before it was ever seen here is none of ours.
  for (const read of reads) if (read.gone !== true) fresh.add(licenseKeyOf(read.productId, read.pricing))
  for (const key of walk.seats.placesByLicense.keys()) fresh.add(key)
  for (const key of idByKey.keys()) fresh.delete(key)
  if (fresh.size === 0) return idByKey
  const first = await write.nextNumbers('license', fresh.size)
  const made = [...fresh].map((key, place) => {
    const at = key.indexOf('/')
    return { connector: connectorId, product: key.slice(0, at), pricing: key.slice(at + 1), ordinal: first + place }
  })
  await insertMany(write.trx, 'license_keys', made)
  for (const row of made) idByKey.set(`${row.product}/${row.pricing}`, licenseIdOf(row.ordinal))
  return idByKey
}

const sourceOf = (store: Connector['store'], connectorId: ConnectorId): string => `${store}:${connectorId}`
