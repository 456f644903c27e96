/**
 * One license read anew, after an order or because of a notice: its counts, and its seats where the two disagree or its
 * holders are what changed. A license that is asked for while it is being read is read once more.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Journal } from './journal.ts'
import { licenseAfter } from './license-after-read.ts'
import { findLicense } from './licenses.ts'
import type { Orders } from './orders.ts'
import type { StoreConnection } from './stores/store.ts'
import type { SyncReading } from './sync-reading.ts'
import type { SyncRecord } from './sync-record.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import { licensesKey, ordersKey, rowsFact, seatsKey } from '../shared/facts.ts'
import type { ConnectorId, LicenseId } from '../shared/ids.ts'
import { licenseKeyOf, type License } from '../shared/license.ts'
import { isOpen } from '../shared/order.ts'

export interface LicenseRefresh {
  /** `seats`: its holders too, also where the counts agree. */
  request(connector: ConnectorId, license: LicenseId, seats?: boolean): void
  /** What is being read now. */
  running(): Iterable<Promise<void>>
  stop(): void
}

export interface LicenseRefreshDeps {
  readonly journal: Journal
  readonly connectors: Connectors
  readonly connections: Connections
  readonly orders: Pick<Orders, 'settledLately'>
  readonly reading: Pick<SyncReading, 'readSeatsOfLicense'>
  readonly record: Pick<SyncRecord, 'recordSeatsOfLicense'>
  readonly clock: Clock
  readonly onTrouble: (cause: unknown) => void
}

export const createLicenseRefresh = (deps: LicenseRefreshDeps): LicenseRefresh => {
  const { journal, connectors, connections, orders, clock } = deps
  const refreshing = new Map<LicenseId, Promise<void>>()
  const again = new Map<LicenseId, boolean>()
  let stopped = false

  const request: LicenseRefresh['request'] = (connectorId, license, seats = false) => {
    if (stopped) return
    if (refreshing.has(license)) {
      again.set(license, seats || again.get(license) === true)
      return
    }
    refreshing.set(
      license,
      refresh(connectorId, license, seats)
        .catch(deps.onTrouble)
        .finally(() => {
          refreshing.delete(license)
          const next = again.get(license)
          again.delete(license)
          if (next !== undefined) request(connectorId, license, next)
        }),
    )
  }

  const refresh = async (connectorId: ConnectorId, id: LicenseId, seats: boolean): Promise<void> => {
    const connector = await connectors.find(connectorId)
    const license = await findLicense(journal, id)
    const connection = connector === undefined ? undefined : await connections.of(connectorId, connector.kind)
    if (license === undefined || connection === undefined || connector === undefined) return
    const read = await connection.readLicense(license.product.id, license.pricing)
    if (!read.ok || read.value === undefined) return
    const counts = read.value
    await journal.write(async (write) => {
      const current = await findLicense(write, id)
      if (current !== undefined)
        await write.record(
          rowsFact(licensesKey(id), [
            licenseAfter(current, id, connector, counts, licenseKeyOf(counts.productId, counts.pricing), isoTime(clock.now())),
          ]),
        )
    })
    if (seats || (await isUnexplained(id, counts.inUse))) await readSeats(connection, license)
  }

  /** Counts and seats that differ while no order of ours is the reason: somebody else gave or took a seat. */
  const isUnexplained = async (id: LicenseId, inUse: number | null): Promise<boolean> => {
    if (inUse === null || (await journal.columns(seatsKey(id))).ordinals.length === inUse) return false
    if (orders.settledLately(id).size > 0) return false
    return !(await journal.rows(ordersKey(id))).some((order) => order.state !== 'planned' && isOpen(order))
  }

  const readSeats = async (connection: StoreConnection, license: License): Promise<void> => {
    const holders = await deps.reading.readSeatsOfLicense(connection, license)
    if (holders.ok) await deps.record.recordSeatsOfLicense(license, holders.value)
  }

  return {
    request,
    running: () => refreshing.values(),
    stop: () => {
      stopped = true
    },
  }
}
