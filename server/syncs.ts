/**
 * Syncs: one run that reads a store. Pages are read under the store's own rules; a read that does not hold together is
 * thrown away whole and the old data stays with its age. What was read is compared with the facts held, and only the
 * differences are recorded, in one act that the sync's own record closes: a failed sync leaves no half.
 *
 * A sync takes nothing from anyone. A seat that nobody wished for is found; an empty or shrunken answer is read twice.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import { knowPrincipals, type DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import type { Orders } from './orders.ts'
import { readSeatsSurely, suspiciousShare } from './seat-reading.ts'
import type { HolderKey, LicenseRead, LocationIdentity, SeatRead, StoreConnection, StoreFailure } from './stores/store.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { columnsFact, columnsOfSeats, licenseIdOf, licensesKey, ordersKey, rowsFact, seatsKey } from '../shared/facts.ts'
import { parseSyncId, type ConnectorId, type LicenseId, type PrincipalKind } from '../shared/ids.ts'
import { emptyTally, licenseKeyOf, type License, type Product, type Seat } from '../shared/license.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Sync, SyncPhase, SyncProgress, SyncTrigger } from '../shared/sync.ts'

export interface Syncs {
  /** Starts a sync, or gives the one that is running. Undefined: no such connector. */
  request(connector: ConnectorId, trigger: SyncTrigger, full: boolean): Promise<Sync | undefined>
  find(id: string): Promise<Sync | undefined>
  /** The latest first. `before`: what comes after this one in the list. */
  list(filter: {
    readonly connector?: ConnectorId
    readonly before?: { readonly startedAt: number; readonly id: string }
    readonly limit: number
  }): Promise<readonly Sync[]>
  /** Reads one license's counts (and, where they disagree with the seats, its seats) after an order. */
  refreshLicense(connector: ConnectorId, license: LicenseId): void
  onProgress(listener: (sync: Sync) => void): () => void
  /** Syncs by the schedule of each connector; takes up what is due. */
  start(): Promise<void>
  stop(): Promise<void>
  idle(): Promise<void>
}

export interface SyncsDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Connectors
  readonly connections: Connections
  readonly directory: DirectoryIndex
  readonly orders: Pick<Orders, 'settledLately'>
  readonly clock: Clock
  readonly chance: Chance
  readonly onTrouble: (cause: unknown) => void
}

/** Increments prove additions only: a full walk proves absences, at least this often. */
const fullWalkEveryMs = 24 * 60 * 60_000
/** Licenses whose seats are read one by one when counts and seats disagree; more than that is a full walk. */
const mostSingleReads = 20
const productsPerCall = 50
const retryAfterFailureMs = 5 * 60_000
const retryAfterStorageMs = 30_000
const namesAfterMs = 24 * 60 * 60_000
/** Progress is told at most this often. */
const progressEveryMs = 200

interface Running {
  sync: Sync
  done: Promise<void>
}

/** Holders of one license as read: ordinals of those we know, keys of those we do not. */
interface ReadHolders {
  readonly known: number[]
  readonly unknown: HolderKey[]
}

export const createSyncs = (deps: SyncsDeps): Syncs => {
  const { db, journal, connectors, connections, directory, clock } = deps
  const runningByConnector = new Map<ConnectorId, Running>()
  const progressListeners = new Set<(sync: Sync) => void>()
  const timers = new Map<ConnectorId, () => void>()
  const refreshing = new Map<LicenseId, Promise<void>>()
  const refreshAgain = new Set<LicenseId>()
  /** Products whose names the store did not tell, and when we asked. */
  const askedNames = new Map<string, number>()
  let stopped = false

  const keepSync = async (write: Writing, sync: Sync): Promise<void> => {
    const body = JSON.stringify(sync)
    await write.trx
      .insertInto('syncs')
      .values({
        id: sync.id,
        connector: sync.connectorId,
        state: sync.state,
        trigger_name: sync.trigger,
        full_walk: sync.full ? 1 : 0,
        started_at: Date.parse(sync.startedAt),
        finished_at: sync.finishedAt === null ? null : Date.parse(sync.finishedAt),
        body,
      })
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet({ state: sync.state, finished_at: sync.finishedAt === null ? null : Date.parse(sync.finishedAt), body }),
      )
      .execute()
  }

  const request: Syncs['request'] = async (connectorId, trigger, full) => {
    const running = runningByConnector.get(connectorId)
    if (running !== undefined) return running.sync
    const connector = await connectors.find(connectorId)
    if (connector === undefined || stopped) return undefined
    const already = runningByConnector.get(connectorId)
    if (already !== undefined) return already.sync
    const id = parseSyncId(randomId(deps.chance))
    if (id === undefined) throw new Error('syncs: made an id that is none')
    const sync: Sync = {
      id,
      connectorId,
      state: 'running',
      trigger,
      full,
      startedAt: isoTime(clock.now()),
      finishedAt: null,
      progress: { phase: 'waiting', done: 0, total: null },
      changed: { licenses: 0, seats: 0, users: 0 },
      error: null,
    }
    const entry: Running = { sync, done: Promise.resolve() }
    runningByConnector.set(connectorId, entry)
    // What could not even be recorded as failed has no next time of its own.
    let leastWaitMs = 0
    entry.done = run(entry, connector)
      .catch(async (cause: unknown) => {
        deps.onTrouble(cause)
        await fail(entry, {
          code: 'internal',
          text: 'Something went wrong here while syncing. The old data is kept. It is tried again by itself.',
        }).catch((again: unknown) => {
          leastWaitMs = retryAfterStorageMs
          deps.onTrouble(again)
        })
      })
      .finally(() => {
        runningByConnector.delete(connectorId)
        plan(connectorId, leastWaitMs).catch(deps.onTrouble)
      })
    return sync
  }

  let lastTold = 0
  const tell = (entry: Running, progress: SyncProgress): void => {
    const phaseChanged = entry.sync.progress.phase !== progress.phase
    entry.sync = { ...entry.sync, progress }
    if (!phaseChanged && clock.now() - lastTold < progressEveryMs) return
    lastTold = clock.now()
    for (const listener of progressListeners) listener(entry.sync)
  }
  const phase = (entry: Running, name: SyncPhase, done = 0, total: number | null = null): void => tell(entry, { phase: name, done, total })

  /** 1. Who are we? 2. Products and counts. 3. Seats. 4. Record the differences. 5. Names, which never hold up the counts. */
  const run = async (entry: Running, connector: Connector): Promise<void> => {
    const { id: connectorId } = connector
    await journal.write(async (write) => {
      await keepSync(write, entry.sync)
      await connectors.update(write, connectorId, (current) => ({ ...current, lastSync: entry.sync }))
    })
    phase(entry, 'connecting')
    const connection = await connections.of(connectorId, connector.kind)
    if (connection === undefined)
      return await fail(entry, { code: 'no-credential', text: 'There is no token for this connector. Upload one and sync again.' })

    const identity = await identifyAndClaim(connection, connector)
    if (!identity.ok) return await failBy(entry, identity.error)
    await journal.write((write) => connectors.noteIdentity(write, connectorId, identity.value))

    phase(entry, 'products')
    const held = await licensesOf(connectorId)
    const licenses = await readLicensesTwiceIfShrunken(connection, held)
    if (!licenses.ok) return await failBy(entry, licenses.error)

    const stored = await readCursor(connectorId)
    const full = entry.sync.full || stored === undefined || clock.now() - stored.fullAt >= fullWalkEveryMs
    entry.sync = { ...entry.sync, full }
    phase(entry, 'seats')
    const walk = await readSeatsTwiceIfShrunken(entry, connection, full ? null : stored.cursor, held)
    if (!walk.ok) return await failBy(entry, walk.error)

    phase(entry, 'recording')
    const changed = await record(entry, connector, identity.value, licenses.value, walk.value)
    entry.sync = { ...entry.sync, changed }
    await settleDisagreements(connection, connectorId, licenses.value)

    phase(entry, 'names')
    await describeProducts(connection, connectorId, identity.value.location.country)
    phase(entry, 'done')
  }

  const identifyAndClaim = async (connection: StoreConnection, connector: Connector): Promise<Result<LocationIdentity, StoreFailure>> => {
    const identity = await connection.identify()
    if (!identity.ok || identity.value.owner !== null || !connector.settings.autoClaim) return identity
    const claimed = await connection.claim()
    // A read-only token can't claim; it can read, which is what a sync does.
    return claimed.ok ? claimed : claimed.error.is === 'read-only-token' ? identity : claimed
  }

  const licensesOf = async (connectorId: ConnectorId): Promise<readonly License[]> => {
    const found: License[] = []
    for (const key of await journal.store.keys('licenses/'))
      for (const license of await journal.rows(key as `licenses/${number}`)) if (license.connectorId === connectorId) found.push(license)
    return found
  }

  const readLicensesTwiceIfShrunken = async (
    connection: StoreConnection,
    held: readonly License[],
  ): Promise<Result<readonly LicenseRead[], StoreFailure>> => {
    const first = await connection.readLicenses()
    const known = held.filter(({ gone }) => !gone).length
    if (!first.ok || first.value.length >= known * suspiciousShare) return first
    const second = await connection.readLicenses()
    if (!second.ok) return second
    return second.value.length === first.value.length ? second : err({ is: 'store-changed-meanwhile' })
  }

  interface Walk {
    readonly full: boolean
    readonly cursor: string | null
    readonly holdersByLicense: ReadonlyMap<string, ReadHolders>
    readonly seats: number
  }

  const readSeatsTwiceIfShrunken = async (
    entry: Running,
    connection: StoreConnection,
    cursor: string | null,
    held: readonly License[],
  ): Promise<Result<Walk, StoreFailure>> => {
    const first = await walkSeats(entry, connection, cursor)
    if (!first.ok || !first.value.full) return first
    let known = 0
    for (const { id } of held) known += (await journal.columns(seatsKey(id))).ordinals.length
    if (first.value.seats >= known * suspiciousShare) return first
    const second = await walkSeats(entry, connection, null)
    if (!second.ok) return second
    return second.value.seats === first.value.seats ? second : err({ is: 'store-changed-meanwhile' })
  }

  const walkSeats = async (entry: Running, connection: StoreConnection, cursor: string | null): Promise<Result<Walk, StoreFailure>> => {
    const holdersByLicense = new Map<string, ReadHolders>()
    let seats = 0
    let pages = 0
    const read = await connection.readSeats(cursor, {
      begin: () => {
        holdersByLicense.clear()
        seats = 0
        pages = 0
      },
      page: (page, totalPages) => {
        for (const seat of page) addHolder(holdersByLicense, seat, directory)
        seats += page.length
        pages += 1
        phase(entry, 'seats', pages, totalPages)
      },
    })
    return read.ok ? ok({ full: read.value.full, cursor: read.value.cursor, holdersByLicense, seats }) : read
  }

  /** One act: licenses, seats, holders that nobody named before, the cursor, the connector, the sync's record. */
  const record = async (
    entry: Running,
    connector: Connector,
    identity: LocationIdentity,
    reads: readonly LicenseRead[],
    walk: Walk,
  ): Promise<Sync['changed']> => {
    const { id: connectorId } = connector
    const source = `${connector.store}:${connectorId}`
    return await journal.write(async (write) => {
      // The connector was let go while its store was being read: nothing of it is kept.
      if (!(await write.rows('connectors')).some((row) => row.id === connectorId)) return { licenses: 0, seats: 0, users: 0 }
      const at = clock.now()
      const readAt = isoTime(at)
      // 4a. Licenses.
      const idByKey = await licenseIds(write, connectorId, reads, walk)
      const readByKey = new Map(reads.map((read) => [licenseKeyOf(read.productId, read.pricing), read]))
      const putByChunk = new Map<`licenses/${number}`, License[]>()
      let licenses = 0
      for (const [key, id] of idByKey) {
        const held = (await write.rows(licensesKey(id))).find((row) => row.id === id)
        const read = readByKey.get(key)
        const license = licenseAfter(held, id, connector, read, key, readAt)
        if (
          held !== undefined &&
          JSON.stringify({ ...held, readAt, asOf: readAt }) === JSON.stringify({ ...license, readAt, asOf: readAt })
        ) {
          if (read === undefined) continue
        } else licenses += 1
        const chunk = licensesKey(id)
        const rows = putByChunk.get(chunk) ?? []
        rows.push(license)
        putByChunk.set(chunk, rows)
      }
      for (const [chunk, rows] of putByChunk) await write.record(rowsFact(chunk, rows))
      // 4b. Holders that only the store knows.
      const people = await knowPrincipals(
        write,
        directory,
        source,
        [...walk.holdersByLicense.values()].flatMap(({ unknown }) => unknown),
      )
      // 4c. Seats.
      let seats = 0
      for (const [key, id] of idByKey) {
        const holders = walk.holdersByLicense.get(key)
        if (holders === undefined && !walk.full) continue
        const ordinals = [...(holders?.known ?? []), ...(holders?.unknown ?? []).map((holder) => people.ordinalOf(holder.kind, holder.key))]
        seats += await recordSeats(write, id, ordinals, walk.full, at)
      }
      // 4d. Where to go on, and that it went well.
      const changed = { licenses, seats, users: people.made }
      const finished: Sync = {
        ...entry.sync,
        state: 'succeeded',
        finishedAt: readAt,
        changed,
        progress: { phase: 'done', done: 0, total: null },
      }
      const fullAt = walk.full ? at : ((await readCursor(connectorId, write))?.fullAt ?? 0)
      await write.trx
        .insertInto('store_cursors')
        .values({ connector: connectorId, name: 'seats', value: JSON.stringify({ cursor: walk.cursor, fullAt }) })
        .onConflict((conflict) =>
          conflict.columns(['connector', 'name']).doUpdateSet({ value: JSON.stringify({ cursor: walk.cursor, fullAt }) }),
        )
        .execute()
      await keepSync(write, finished)
      await connectors.noteIdentity(write, connectorId, identity)
      await connectors.update(write, connectorId, (current) => ({
        ...current,
        lastSync: finished,
        lastGoodSyncAt: readAt,
        nextSyncAt: isoTime(at + current.settings.syncIntervalMinutes * 60_000),
      }))
      write.told(() => {
        entry.sync = finished
      })
      return changed
    })
  }

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

  /**
   * The seats of one license as read, against those held. Just after an order the store's list may be older than its
   * event: what an order gave stays, what an order took stays gone, until the lag is over.
   */
  const recordSeats = async (write: Writing, id: LicenseId, ordinals: readonly number[], full: boolean, at: number): Promise<number> => {
    const held = await write.columns(seatsKey(id))
    const lately = deps.orders.settledLately(id)
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

  const kindOf = async (write: Writing, ordinal: number): Promise<PrincipalKind> =>
    (await write.trx.selectFrom('principal_keys').select('kind').where('ordinal', '=', ordinal).executeTakeFirst())?.kind === 'user'
      ? 'user'
      : 'device'

  const readCursor = async (
    connectorId: ConnectorId,
    write?: Writing,
  ): Promise<{ readonly cursor: string | null; readonly fullAt: number } | undefined> => {
    const row = await (write?.trx ?? db)
      .selectFrom('store_cursors')
      .select('value')
      .where('connector', '=', connectorId)
      .where('name', '=', 'seats')
      .executeTakeFirst()
    if (row === undefined) return undefined
    const value: unknown = JSON.parse(row.value)
    const cursor = typeof value === 'object' && value !== null ? Reflect.get(value, 'cursor') : undefined
    const fullAt = typeof value === 'object' && value !== null ? Reflect.get(value, 'fullAt') : undefined
    return typeof cursor === 'string' && typeof fullAt === 'number' ? { cursor, fullAt } : undefined
  }

  /** After an increment the store's count and the seats we know can differ: somebody else took a seat away. Those licenses are read whole. */
  const settleDisagreements = async (
    connection: StoreConnection,
    connectorId: ConnectorId,
    reads: readonly LicenseRead[],
  ): Promise<void> => {
    const inUseByKey = new Map(reads.map((read) => [licenseKeyOf(read.productId, read.pricing), read.inUse]))
    const differing: License[] = []
    for (const license of await licensesOf(connectorId)) {
      const inUse = inUseByKey.get(licenseKeyOf(license.product.id, license.pricing))
      if (inUse !== undefined && (await journal.columns(seatsKey(license.id))).ordinals.length !== inUse) differing.push(license)
    }
    if (differing.length > mostSingleReads) {
      await journal.write((write) => write.trx.deleteFrom('store_cursors').where('connector', '=', connectorId).execute())
      return
    }
    for (const license of differing) await readSeatsOfLicense(connection, license)
  }

  const readSeatsOfLicense = async (connection: StoreConnection, license: License): Promise<void> => {
    const held = (await journal.columns(seatsKey(license.id))).ordinals.length
    const seats = await readSeatsSurely(connection, license.product.id, license.pricing, held)
    if (!seats.ok) return
    const holders = new Map<string, ReadHolders>()
    for (const seat of seats.value) addHolder(holders, seat, directory)
    const { known, unknown } = holders.get(licenseKeyOf(license.product.id, license.pricing)) ?? { known: [], unknown: [] }
    await journal.write(async (write) => {
      const people = await knowPrincipals(write, directory, `${license.store}:${license.connectorId}`, unknown)
      await recordSeats(
        write,
        license.id,
        [...known, ...unknown.map((holder) => people.ordinalOf(holder.kind, holder.key))],
        true,
        clock.now(),
      )
    })
  }

  /** Names and icons of products that have none yet. What the store does not tell is asked again a day later. */
  const describeProducts = async (connection: StoreConnection, connectorId: ConnectorId, country: string): Promise<void> => {
    const nameless = (await licensesOf(connectorId)).filter(
      ({ product }) => product.name === product.id && clock.now() - (askedNames.get(product.id) ?? -namesAfterMs) >= namesAfterMs,
    )
    const ids = [...new Set(nameless.map(({ product }) => product.id))]
    for (let from = 0; from < ids.length && !stopped; from += productsPerCall) {
      const some = ids.slice(from, from + productsPerCall)
      const described = await connection.describe(some, country)
      if (!described.ok) return
      for (const id of some) askedNames.set(id, clock.now())
      const byProduct = new Map(described.value.map((description) => [description.productId, description]))
      if (byProduct.size === 0) continue
      await journal.write(async (write) => {
        for (const key of new Set(nameless.map(({ id }) => licensesKey(id)))) {
          const put: License[] = []
          for (const license of await write.rows(key)) {
            const description = byProduct.get(license.product.id)
            if (description === undefined || license.connectorId !== connectorId) continue
            const product: Product = {
              ...license.product,
              name: description.name,
              publisher: description.publisher,
              kind: description.kind ?? license.product.kind,
              iconUrl: description.iconUrl,
            }
            put.push({ ...license, product })
          }
          if (put.length > 0) await write.record(rowsFact(key, put))
        }
      })
    }
  }

  const failBy = async (entry: Running, failure: StoreFailure): Promise<void> => {
    await journal.write((write) => connectors.noteFailure(write, entry.sync.connectorId, failure))
    await fail(
      entry,
      { code: failure.is === 'store-refused' ? failure.code : failure.is, text: failureInWords(failure) },
      failure.is === 'store-busy' ? failure.retryAfterMs : retryAfterFailureMs,
    )
  }

  const fail = async (
    entry: Running,
    error: { readonly code: string; readonly text: string },
    againAfterMs = retryAfterFailureMs,
  ): Promise<void> => {
    const at = clock.now()
    const failed: Sync = { ...entry.sync, state: 'failed', finishedAt: isoTime(at), error }
    entry.sync = failed
    await journal.write(async (write) => {
      await keepSync(write, failed)
      await connectors.update(write, failed.connectorId, (current) => ({
        ...current,
        lastSync: failed,
        nextSyncAt: isoTime(at + Math.min(againAfterMs, current.settings.syncIntervalMinutes * 60_000)),
      }))
    })
    phase(entry, 'done')
  }

  // ---- After an order ----

  const refresh = async (connectorId: ConnectorId, id: LicenseId): Promise<void> => {
    const connector = await connectors.find(connectorId)
    const license = (await journal.rows(licensesKey(id))).find((row) => row.id === id)
    const connection = connector === undefined ? undefined : await connections.of(connectorId, connector.kind)
    if (license === undefined || connection === undefined || connector === undefined) return
    const read = await connection.readLicense(license.product.id, license.pricing)
    if (!read.ok || read.value === undefined) return
    const counts = read.value
    await journal.write(async (write) => {
      const current = (await write.rows(licensesKey(id))).find((row) => row.id === id)
      if (current !== undefined)
        await write.record(
          rowsFact(licensesKey(id), [
            licenseAfter(current, id, connector, counts, licenseKeyOf(counts.productId, counts.pricing), isoTime(clock.now())),
          ]),
        )
    })
  }

  // ---- Schedule ----

  const plan = async (connectorId: ConnectorId, leastWaitMs = 0): Promise<void> => {
    timers.get(connectorId)?.()
    timers.delete(connectorId)
    if (stopped) return
    const connector = await connectors.find(connectorId)
    if (connector === undefined || connector.capabilities.counts !== 'live' || connector.credential.state === 'none') return
    const dueInMs = Math.max(leastWaitMs, connector.nextSyncAt === null ? 0 : Date.parse(connector.nextSyncAt) - clock.now())
    timers.set(
      connectorId,
      clock.after(dueInMs, () => {
        timers.delete(connectorId)
        void request(connectorId, 'schedule', false).catch(deps.onTrouble)
      }),
    )
  }

  const stopFacts = journal.onFacts((facts) => {
    for (const { key, fact } of facts) {
      if (key !== 'connectors') continue
      // A new connector or a new interval: look at the clock again. A running sync plans the next one when it ends.
      for (const row of fact.put as readonly Connector[]) if (!runningByConnector.has(row.id)) void plan(row.id).catch(deps.onTrouble)
    }
  })

  let cancelPlanAll = (): void => undefined
  const planAll = async (): Promise<void> => {
    for (const { id } of await connectors.list()) if (!runningByConnector.has(id)) await plan(id)
  }
  /** A commit that was reported as failed may be on the disk: a connector may be there of which the schedule has not heard. */
  const stopForget = journal.onForget(() => {
    cancelPlanAll()
    cancelPlanAll = clock.after(retryAfterStorageMs, () => void planAll().catch(deps.onTrouble))
  })

  return {
    request,
    find: async (id) => {
      for (const { sync } of runningByConnector.values()) if (sync.id === id) return sync
      const row = await db.selectFrom('syncs').select('body').where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : readSync(row.body)
    },
    list: async ({ connector, before, limit }) => {
      let query = db.selectFrom('syncs').select(['body', 'id']).orderBy('started_at', 'desc').orderBy('id').limit(limit)
      if (connector !== undefined) query = query.where('connector', '=', connector)
      if (before !== undefined)
        query = query.where((row) =>
          row.or([
            row('started_at', '<', before.startedAt),
            row.and([row('started_at', '=', before.startedAt), row('id', '>', before.id)]),
          ]),
        )
      const live = new Map([...runningByConnector.values()].map(({ sync }) => [sync.id as string, sync]))
      return (await query.execute()).map(({ body, id }) => live.get(id) ?? readSync(body))
    },
    refreshLicense: (connectorId, license) => {
      if (stopped) return
      if (refreshing.has(license)) {
        refreshAgain.add(license)
        return
      }
      refreshing.set(
        license,
        refresh(connectorId, license)
          .catch(deps.onTrouble)
          .finally(() => {
            refreshing.delete(license)
            if (refreshAgain.delete(license) && !stopped)
              void Promise.resolve().then(() => refresh(connectorId, license).catch(deps.onTrouble))
          }),
      )
    },
    onProgress: (listener) => {
      progressListeners.add(listener)
      return () => void progressListeners.delete(listener)
    },
    start: async () => {
      // A sync that a stop cut off has no end of its own.
      const cut = await db.selectFrom('syncs').select('body').where('state', 'in', ['running', 'queued']).execute()
      for (const { body } of cut) {
        const sync = readSync(body)
        await journal.write(async (write) => {
          const failed: Sync = {
            ...sync,
            state: 'failed',
            finishedAt: isoTime(clock.now()),
            error: { code: 'interrupted', text: 'The server stopped while syncing. The old data is kept. It is tried again by itself.' },
          }
          await keepSync(write, failed)
          await connectors.update(write, sync.connectorId, (current) =>
            current.lastSync?.id === sync.id ? { ...current, lastSync: failed, nextSyncAt: isoTime(clock.now()) } : current,
          )
        })
      }
      await planAll()
    },
    stop: async () => {
      stopped = true
      stopFacts()
      stopForget()
      cancelPlanAll()
      for (const cancel of timers.values()) cancel()
      await Promise.all([...runningByConnector.values()].map(({ done }) => done))
      await Promise.all(refreshing.values())
    },
    idle: async () => {
      while (runningByConnector.size > 0 || refreshing.size > 0)
        await Promise.all([...[...runningByConnector.values()].map(({ done }) => done), ...refreshing.values()])
    },
  }
}

const addHolder = (holdersByLicense: Map<string, ReadHolders>, seat: SeatRead, directory: DirectoryIndex): void => {
  const key = licenseKeyOf(seat.productId, seat.pricing)
  let holders = holdersByLicense.get(key)
  if (holders === undefined) holdersByLicense.set(key, (holders = { known: [], unknown: [] }))
  const ordinal = directory.ordinalOfKey(seat.holder.kind, seat.holder.key)
  if (ordinal === undefined) holders.unknown.push(seat.holder)
  else holders.known.push(ordinal)
}

/** The license after a read. One that the store does not list any more keeps its last counts, with their age. */
const licenseAfter = (
  held: License | undefined,
  id: LicenseId,
  connector: Connector,
  read: LicenseRead | undefined,
  key: string,
  readAt: string,
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
    iconUrl: held?.product.iconUrl ?? null,
  }
  const kept = { id, connectorId: connector.id, store: connector.store, product, pricing }
  const own = { lowThreshold: held?.lowThreshold ?? null, note: held?.note ?? '', tally: held?.tally ?? emptyTally }
  if (read === undefined)
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
    revocable: read.revocable,
    total: read.total,
    inUse: read.inUse,
    available: read.available,
    retired: read.retired,
    unlimited: read.unlimited,
    asOf: readAt,
    readAt,
    countSource: 'live',
    assignable: read.assignable,
    gone: false,
    ...own,
  }
}

/** Written by ourselves, read back whole. */
const readSync = (body: string): Sync => JSON.parse(body) as Sync

export const failureInWords = (failure: StoreFailure): string => {
  switch (failure.is) {
    case 'credential-expired':
    case 'credential-invalid':
    case 'read-only-token':
    case 'store-unreachable':
    case 'store-refused':
    case 'store-answer-unreadable':
      return failure.text
    case 'foreign-owner':
      return `The location is held by ${failure.owner.name}. Take it over here, or remove it there.`
    case 'store-busy':
      return `The store asks us to wait ${Math.ceil(failure.retryAfterMs / 60_000)} minutes. The old data is kept. It is tried again by itself.`
    case 'store-changed-meanwhile':
      return 'The data at the store kept changing while it was read. The old data is kept. It is tried again by itself.'
  }
}
