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
import { createDeviceSync } from './device-sync.ts'
import { createDirectorySync } from './directory-sync.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import { createImportSync } from './import-sync.ts'
import type { Journal } from './journal.ts'
import { createLicenseRefresh } from './license-refresh.ts'
import { licensesOfConnector } from './licenses.ts'
import type { Orders } from './orders.ts'
import { createPeopleSync } from './people-sync.ts'
import type { ProductMetadata } from './product-metadata.ts'
import { failureInWords } from './store-failure.ts'
import type { LicenseRead, StoreConnection, StoreFailure } from './stores/store.ts'
import type { SubscriptionSync } from './subscription-sync.ts'
import { forgetCursor, readCursor } from './sync-cursor.ts'
import { findSync, keepSync, listSyncs, unendedSyncs, type SyncFilter } from './sync-history.ts'
import { createSyncReading } from './sync-reading.ts'
import { createSyncRecord } from './sync-record.ts'
import { createSyncSchedule } from './sync-schedule.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { seatsKey } from '../shared/facts.ts'
import { parseSyncId, type ConnectorId, type LicenseId } from '../shared/ids.ts'
import { licenseKeyOf, type License } from '../shared/license.ts'
import type { Sync, SyncPhase, SyncProgress, SyncTrigger } from '../shared/sync.ts'

export interface Syncs {
  /** Starts a sync, or gives the one that is running. Undefined: no such connector. */
  request(connector: ConnectorId, trigger: SyncTrigger, full: boolean): Promise<Sync | undefined>
  find(id: string): Promise<Sync | undefined>
  /** The latest first. */
  list(filter: SyncFilter): Promise<readonly Sync[]>
  /** Reads one license's counts, and its seats where the two disagree or `seats` says so. After an order, or because of a notice. */
  refreshLicense(connector: ConnectorId, license: LicenseId, seats?: boolean): void
  /** Reads what the store says of these people, after an order about them. */
  refreshPeople(connector: ConnectorId, ordinals: readonly number[]): void
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
  readonly metadata: Pick<ProductMetadata, 'refresh'>
  readonly subscriptions: Pick<SubscriptionSync, 'read'>
  readonly clock: Clock
  readonly chance: Chance
  /** Where a named moment is passed; a simulation stops the process there. */
  readonly crashpoint?: (name: string) => void
  readonly onTrouble: (cause: unknown) => void
}

/** Increments prove additions only: a full walk proves absences, at least this often. */
const fullWalkEveryMs = 24 * 60 * 60_000
/** Licenses whose seats are read one by one when counts and seats disagree; more than that is a full walk. */
const mostSingleReads = 20
const retryAfterFailureMs = 5 * 60_000
/** A store that has been failing for long is tried again at a fraction of that time, and never less often than by the schedule. */
const retryShareOfOutage = 0.25
const retryAfterStorageMs = 30_000
/** A credential that the store refused twice is not asked about all day: a new one has to be uploaded, and that starts a sync. */
const retryAfterCredentialRefusedMs = 24 * 60 * 60_000
/** A store that the vendor has retired is asked this often whether it answers again. */
const retryAfterRetiredMs = 24 * 60 * 60_000
/** Progress is told at most this often. */
const progressEveryMs = 200

interface Running {
  sync: Sync
  done: Promise<void>
  /** The code with which the sync before this one failed. */
  readonly failedBefore: string | undefined
  /** Somebody asked for a full sync while this one, which is none, was running. */
  fullAfterwards: boolean
}

/** Why nothing of what this credential reads may be kept under this connector: every count would be there twice, or be another Location's. */
const notOfThisConnector = ({ name, credential, movedTo }: Connector): { readonly code: string; readonly text: string } | undefined => {
  if (movedTo !== undefined)
    return {
      code: 'moved-to-ledger',
      text: `What ${name} held was moved to the ledger ${movedTo.name} and is counted there. Nothing was read.`,
    }
  return credential.state === 'duplicate'
    ? {
        code: 'credential-duplicate',
        text: `The location of ${name} is connected already, by another connector. Its licenses are counted there. Remove one of the two.`,
      }
    : credential.state === 'invalid'
      ? {
          code: 'credential-invalid',
          text: `The token of ${name} leads to another location than before. Nothing was read. Upload the token of this location again.`,
        }
      : undefined
}

export const createSyncs = (deps: SyncsDeps): Syncs => {
  const { db, journal, connectors, connections, clock, onTrouble } = deps
  const reading = createSyncReading({ facts: journal })
  const record = createSyncRecord(deps)
  const people = createPeopleSync(deps)
  const devices = createDeviceSync(deps)
  const directorySync = createDirectorySync(deps)
  const importSync = createImportSync(deps)
  const refreshes = createLicenseRefresh({ ...deps, reading, record })
  const runningByConnector = new Map<ConnectorId, Running>()
  const refreshingPeople = new Set<Promise<void>>()
  const progressListeners = new Set<(sync: Sync) => void>()
  let stopped = false

  /** A sync that already walks everything serves who asks for that; after another one it is done anew. */
  const join = (running: Running, full: boolean): Sync => {
    if (full && !running.sync.full) running.fullAfterwards = true
    return running.sync
  }

  const request: Syncs['request'] = async (connectorId, trigger, full) => {
    const running = runningByConnector.get(connectorId)
    if (running !== undefined) return join(running, full)
    const connector = await connectors.find(connectorId)
    if (connector === undefined || stopped) return undefined
    const already = runningByConnector.get(connectorId)
    if (already !== undefined) return join(already, full)
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
    const failedBefore = connector.lastSync?.error?.code
    const entry: Running = { sync, done: Promise.resolve(), failedBefore, fullAfterwards: false }
    runningByConnector.set(connectorId, entry)
    // What could not even be recorded as failed has no next time of its own.
    let leastWaitMs = 0
    entry.done = run(entry, connector)
      .catch(async (cause: unknown) => {
        onTrouble(cause)
        await fail(entry, {
          code: 'internal',
          text: 'Something went wrong here while syncing. The old data is kept. It is tried again by itself.',
        }).catch((again: unknown) => {
          leastWaitMs = retryAfterStorageMs
          onTrouble(again)
        })
      })
      .finally(() => {
        runningByConnector.delete(connectorId)
        if (entry.fullAfterwards && leastWaitMs === 0) request(connectorId, trigger, true).catch(onTrouble)
        else schedule.plan(connectorId, leastWaitMs).catch(onTrouble)
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

  /** 1. Who are we? 2. A directory that the store keeps, whose failure holds up nothing. 3. Products and counts. 4. Seats. 5. Record the differences. 6. What is read beside them, and never holds up the counts: people, subscriptions, devices. Names follow by themselves. */
  const run = async (entry: Running, connector: Connector): Promise<void> => {
    const { id: connectorId } = connector
    const isAskedFull = entry.sync.full
    await journal.write(async (write) => {
      await keepSync(write, entry.sync)
      await connectors.update(write, connectorId, (current) => ({ ...current, lastSync: entry.sync }))
    })
    phase(entry, 'connecting')
    const connection = await connections.of(connectorId, connector.kind)
    if (connection === undefined)
      return await fail(entry, { code: 'no-credential', text: 'There is no token for this connector. Upload one and sync again.' })

    const identified = await reading.identifyAndClaim(connection, connector)
    if (!identified.ok) return await failBy(entry, identified.error)
    const { identity, readOnly } = identified.value
    const noted = await journal.write(async (write) => {
      await connectors.noteIdentity(write, connectorId, identity)
      return await connectors.update(write, connectorId, (current) => ({ ...current, readOnly: current.readOnly || readOnly }))
    })
    const current = noted ?? connector
    const obstacle = noted === undefined ? undefined : notOfThisConnector(noted)
    if (obstacle !== undefined) return await fail(entry, obstacle)

    // Before the seats: whoever was renamed meanwhile is known by the new name when a seat names it.
    if (connection.directory !== undefined) {
      phase(entry, 'people')
      await directorySync.read(connection, current, isAskedFull, (pages, totalPages) => phase(entry, 'people', pages, totalPages))
    }

    phase(entry, 'products')
    const held = await licensesOfConnector(journal, connectorId)
    const isAskedWhole = entry.sync.full && (entry.sync.trigger === 'admin' || entry.sync.trigger === 'api')
    const licenses = await reading.readLicensesTwiceIfShrunken(connection, held, isAskedWhole)
    if (!licenses.ok) return await failBy(entry, licenses.error)

    const stored = await readCursor(db, connectorId)
    const fullAgoMs = stored === undefined ? fullWalkEveryMs : clock.now() - stored.fullAt
    // A walk made later than now was made under another clock: its age is not known.
    const full = entry.sync.full || stored === undefined || fullAgoMs >= fullWalkEveryMs || fullAgoMs < 0
    entry.sync = { ...entry.sync, full }
    phase(entry, 'seats')
    const walk = await reading.readSeatsTwiceIfShrunken(connection, full ? null : stored.cursor, held, (pages, totalPages) =>
      phase(entry, 'seats', pages, totalPages),
    )
    if (!walk.ok) return await failBy(entry, walk.error)

    phase(entry, 'recording')
    const read = { licenses: licenses.value, walk: walk.value }
    deps.crashpoint?.('after-reading')
    const changed = await record.recordDifferences(entry.sync, current, read, (finished) => {
      entry.sync = finished
    })
    entry.sync = { ...entry.sync, changed }
    deps.crashpoint?.('after-recording')
    await settleDisagreements(connection, connectorId, licenses.value)

    phase(entry, 'people')
    await people.read(connection, connector, entry.sync.full, (pages, totalPages) => phase(entry, 'people', pages, totalPages))
    phase(entry, 'subscriptions')
    await deps.subscriptions.read(connection, connector, entry.sync.full)

    await importSync.read(connection, connector)
    deps.metadata.refresh(connectorId)
    // The last: it may ask for devices one by one.
    phase(entry, 'devices')
    await devices.read(connection, connector, entry.sync.full, (read) => phase(entry, 'devices', read))
    phase(entry, 'done')
  }

  /** After an increment the store's count and the seats we know can differ: somebody else took a seat away. Those licenses are read whole. */
  const settleDisagreements = async (
    connection: StoreConnection,
    connectorId: ConnectorId,
    reads: readonly LicenseRead[],
  ): Promise<void> => {
    const inUseByKey = new Map(
      reads.filter(({ gone }) => gone !== true).map((read) => [licenseKeyOf(read.productId, read.pricing), read.inUse]),
    )
    const differing: License[] = []
    for (const license of await licensesOfConnector(journal, connectorId)) {
      const inUse = inUseByKey.get(licenseKeyOf(license.product.id, license.pricing))
      if (inUse !== undefined && inUse !== null && (await journal.columns(seatsKey(license.id))).ordinals.length !== inUse)
        differing.push(license)
    }
    if (differing.length > mostSingleReads) {
      await journal.write((write) => forgetCursor(write, connectorId))
      return
    }
    for (const license of differing) {
      const seats = await reading.readSeatsOfLicense(connection, license)
      if (seats.ok) await record.recordSeatsOfLicense(license, seats.value)
    }
  }

  const failBy = async (entry: Running, failure: StoreFailure): Promise<void> => {
    await journal.write((write) => connectors.noteFailure(write, entry.sync.connectorId, failure))
    const code = failure.is === 'store-refused' ? failure.code : failure.is
    const isOfCredential = failure.is === 'credential-expired' || failure.is === 'credential-invalid'
    await fail(
      entry,
      { code, text: failureInWords(failure) },
      failure.is === 'store-busy'
        ? failure.retryAfterMs
        : failure.is === 'store-retired'
          ? retryAfterRetiredMs
          : isOfCredential && entry.failedBefore === code
            ? retryAfterCredentialRefusedMs
            : retryAfterFailureMs,
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
        nextSyncAt: isoTime(
          at +
            (againAfterMs === retryAfterCredentialRefusedMs || error.code === 'store-retired'
              ? againAfterMs
              : Math.min(
                  Math.max(againAfterMs, (at - Date.parse(current.lastGoodSyncAt ?? current.createdAt)) * retryShareOfOutage),
                  current.settings.syncIntervalMinutes * 60_000,
                )),
        ),
      }))
    })
    phase(entry, 'done')
  }

  /** A sync that a stop cut off has no end of its own. */
  const endCutOff = async (sync: Sync): Promise<void> => {
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

  const schedule = createSyncSchedule({
    journal,
    connectors,
    clock,
    isRunning: (connectorId) => runningByConnector.has(connectorId),
    sync: async (connectorId) => await request(connectorId, 'schedule', false),
    onTrouble,
  })

  const refreshPeople = async (connectorId: ConnectorId, ordinals: readonly number[]): Promise<void> => {
    const connector = await connectors.find(connectorId)
    const connection = connector === undefined ? undefined : await connections.of(connectorId, connector.kind)
    if (connector !== undefined && connection !== undefined) await people.readSome(connection, connector, ordinals)
  }

  /** What runs now and is to be waited for before a stop. */
  const running = (): readonly Promise<void>[] => [
    ...[...runningByConnector.values()].map(({ done }) => done),
    ...refreshes.running(),
    ...refreshingPeople,
  ]

  return {
    request,
    find: async (id) => {
      for (const { sync } of runningByConnector.values()) if (sync.id === id) return sync
      return await findSync(db, id)
    },
    list: async (filter) => {
      const live = new Map([...runningByConnector.values()].map(({ sync }) => [sync.id, sync]))
      return (await listSyncs(db, filter)).map((sync) => live.get(sync.id) ?? sync)
    },
    refreshLicense: refreshes.request,
    refreshPeople: (connectorId, ordinals) => {
      if (stopped) return
      const reading = refreshPeople(connectorId, ordinals)
        .catch(onTrouble)
        .finally(() => refreshingPeople.delete(reading))
      refreshingPeople.add(reading)
    },
    onProgress: (listener) => {
      progressListeners.add(listener)
      return () => void progressListeners.delete(listener)
    },
    start: async () => {
      for (const sync of await unendedSyncs(db)) await endCutOff(sync)
      await schedule.planAll()
    },
    stop: async () => {
      stopped = true
      schedule.stop()
      refreshes.stop()
      await Promise.all(running())
    },
    idle: async () => {
      for (let busy = running(); busy.length > 0; busy = running()) await Promise.all(busy)
    },
  }
}
