/**
 * What a sync records: only the differences between what was read and the facts held, in one act that the sync's own
 * record closes. A sync that fails before or in it leaves no half.
 */
import type { Connectors } from './connectors.ts'
import { knowPrincipals, type DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { licenseAfter } from './license-after-read.ts'
import { findLicense } from './licenses.ts'
import type { Orders } from './orders.ts'
import type { LicenseRead, LocationIdentity } from './stores/store.ts'
import { keepCursor, readCursor } from './sync-cursor.ts'
import { keepSync } from './sync-history.ts'
import type { ReadHolders, Walk } from './sync-reading.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { columnsFact, columnsOfSeats, licenseIdOf, licensesKey, ordersKey, rowsFact, seatsKey } from '../shared/facts.ts'
import type { ConnectorId, LicenseId, PrincipalKind } from '../shared/ids.ts'
import { licenseKeyOf, type License, type Seat } from '../shared/license.ts'
import type { Sync } from '../shared/sync.ts'

/** All that one sync read. */
export interface SyncRead {
  readonly identity: LocationIdentity
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
  recordSeatsOfLicense(license: License, holders: ReadHolders): Promise<void>
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
    const { identity, walk } = read
    return await journal.write(async (write) => {
      // The connector was let go while its store was being read: nothing of it is kept.
      if (!(await write.rows('connectors')).some((row) => row.id === connectorId)) return { licenses: 0, seats: 0, users: 0 }
      const at = clock.now()
      const readAt = isoTime(at)
      const idByKey = await licenseIds(write, connectorId, read.licenses, walk)
      const licenses = await recordLicenses(write, connector, idByKey, read.licenses, readAt)
      const people = await knowPrincipals(
        write,
        directory,
        sourceOf(connector.store, connectorId),
        [...walk.holdersByLicense.values()].flatMap(({ unknown }) => unknown),
      )
      let seats = 0
      for (const [key, id] of idByKey) {
        const holders = walk.holdersByLicense.get(key)
        if (holders === undefined && !walk.full) continue
        seats += await recordSeats(write, id, ordinalsOf(holders ?? { known: [], unknown: [] }, people), walk.full, at)
      }
      const fullAt = walk.full ? at : ((await readCursor(write.trx, connectorId))?.fullAt ?? 0)
      await keepCursor(write, connectorId, walk.cursor, fullAt)
      const changed = { licenses, seats, users: people.made }
      const finished: Sync = {
        ...sync,
        state: 'succeeded',
        finishedAt: readAt,
        changed,
        progress: { phase: 'done', done: 0, total: null },
      }
      await keepSync(write, finished)
      await connectors.noteIdentity(write, connectorId, identity)
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

  const recordSeatsOfLicense: SyncRecord['recordSeatsOfLicense'] = async (license, holders) => {
    await journal.write(async (write) => {
      const people = await knowPrincipals(write, directory, sourceOf(license.store, license.connectorId), holders.unknown)
      await recordSeats(write, license.id, ordinalsOf(holders, people), true, clock.now())
    })
  }

  /**
   * The seats of one license as read, against those held. Just after an order the store's list may be older than its
   * event: what an order gave stays, what an order took stays gone, until the lag is over.
   */
  const recordSeats = async (write: Writing, id: LicenseId, ordinals: readonly number[], full: boolean, at: number): Promise<number> => {
    const held = await write.columns(seatsKey(id))
    const lately = orders.settledLately(id)
    // A planned order has not left: a seat that is there before it is somebody else's.
    const open = new Set(
      (await write.rows(ordersKey(id)))
        .filter(({ action, state }) => action === 'associate' && state !== 'planned')
        .flatMap((order) => order.open),
    )
    const read = new Set(ordinals)
    const heldOrdinals = new Set(held.ordinals)
    const put: Seat[] = []
    for (const ordinal of read) {
      if (heldOrdinals.has(ordinal) || lately.get(ordinal) === 'taken') continue
      const kind: PrincipalKind = directory.principal(ordinal)?.kind ?? (await kindOf(write, ordinal))
      put.push({ ordinal, licenseType: kind, origin: open.has(ordinal) ? 'assignment' : 'found', sinceS: Math.floor(at / 1000) })
    }
    const remove = full ? held.ordinals.filter((ordinal) => !read.has(ordinal) && lately.get(ordinal) !== 'given') : new Uint32Array(0)
    if (put.length === 0 && remove.length === 0) return 0
    await write.record(columnsFact(seatsKey(id), columnsOfSeats(put), remove))
    return put.length + remove.length
  }

  return { recordDifferences, recordSeatsOfLicense }
}

/** How many licenses changed. One that was read again as it was gets its new age, and does not count. */
const recordLicenses = async (
  write: Writing,
  connector: Connector,
  idByKey: ReadonlyMap<string, LicenseId>,
  reads: readonly LicenseRead[],
  readAt: string,
): Promise<number> => {
  const readByKey = new Map(reads.map((read) => [licenseKeyOf(read.productId, read.pricing), read]))
  const putByChunk = new Map<`licenses/${number}`, License[]>()
  let changed = 0
  for (const [key, id] of idByKey) {
    const held = await findLicense(write, id)
    const read = readByKey.get(key)
    const license = licenseAfter(held, id, connector, read, key, readAt)
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
  for (const read of reads) fresh.add(licenseKeyOf(read.productId, read.pricing))
  for (const key of walk.holdersByLicense.keys()) fresh.add(key)
  for (const key of idByKey.keys()) fresh.delete(key)
  if (fresh.size === 0) return idByKey
  let ordinal = await write.nextNumbers('license', fresh.size)
  for (const key of fresh) {
    const at = key.indexOf('/')
    await write.trx
      .insertInto('license_keys')
      .values({ connector: connectorId, product: key.slice(0, at), pricing: key.slice(at + 1), ordinal })
      .execute()
    idByKey.set(key, licenseIdOf(ordinal))
    ordinal += 1
  }
  return idByKey
}

const sourceOf = (store: Connector['store'], connectorId: ConnectorId): string => `${store}:${connectorId}`

const ordinalsOf = (
  { known, unknown }: ReadHolders,
  people: { readonly ordinalOf: (kind: PrincipalKind, key: string) => number },
): readonly number[] => [...known, ...unknown.map((holder) => people.ordinalOf(holder.kind, holder.key))]

const kindOf = async (write: Writing, ordinal: number): Promise<PrincipalKind> =>
  (await write.trx.selectFrom('principal_keys').select('kind').where('ordinal', '=', ordinal).executeTakeFirst())?.kind === 'user'
    ? 'user'
    : 'device'
