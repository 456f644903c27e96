/** One license's counts, read anew after an order. A license that is asked for while it is being read is read once more. */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Journal } from './journal.ts'
import { licenseAfter } from './license-after-read.ts'
import { findLicense } from './licenses.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import { licensesKey, rowsFact } from '../shared/facts.ts'
import type { ConnectorId, LicenseId } from '../shared/ids.ts'
import { licenseKeyOf } from '../shared/license.ts'

export interface LicenseRefresh {
  request(connector: ConnectorId, license: LicenseId): void
  /** What is being read now. */
  running(): Iterable<Promise<void>>
  isIdle(): boolean
  stop(): void
}

export interface LicenseRefreshDeps {
  readonly journal: Journal
  readonly connectors: Connectors
  readonly connections: Connections
  readonly clock: Clock
  readonly onTrouble: (cause: unknown) => void
}

export const createLicenseRefresh = (deps: LicenseRefreshDeps): LicenseRefresh => {
  const { journal, connectors, connections, clock } = deps
  const refreshing = new Map<LicenseId, Promise<void>>()
  const refreshAgain = new Set<LicenseId>()
  let stopped = false

  const request: LicenseRefresh['request'] = (connectorId, license) => {
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
  }

  const refresh = async (connectorId: ConnectorId, id: LicenseId): Promise<void> => {
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
  }

  return {
    request,
    running: () => refreshing.values(),
    isIdle: () => refreshing.size === 0,
    stop: () => {
      stopped = true
    },
  }
}
