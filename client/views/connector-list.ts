/** Connectors and their tokens, worst first. */
import { figure } from '../parts/figures.ts'
import {
  byWorstStatus,
  connectorStatus,
  credentialStateAt,
  expiryReminder,
  type Connector,
  type ConnectorStatus,
  type CredentialState,
  type ExpiryReminder,
  type StatusReason,
} from '../../shared/connector.ts'
import type { ConnectorId } from '../../shared/ids.ts'
import type { SyncPhase } from '../../shared/sync.ts'
import type { ProgressFrame } from '../exchange.ts'
import type { LicenseRow } from './license-list.ts'

export interface RunningSync {
  readonly phase: SyncPhase
  readonly done: number
  readonly total: number | null
  /** "Reading seats, 1,200 of 4,000". */
  readonly words: string
}

export interface ConnectorRow {
  readonly connector: Connector
  readonly status: ConnectorStatus
  /** Worst first; empty only when healthy. */
  readonly reasons: readonly StatusReason[]
  readonly credential: CredentialState
  /** That its end comes near, and what to do; undefined while it is far, and once the status says so. */
  readonly reminder: ExpiryReminder | undefined
  /** Undefined: never synced. */
  readonly syncAgeMs: number | undefined
  readonly running: RunningSync | undefined
  readonly licenses: number
  /** Seats owned where the store counts them, and those of them in use. */
  readonly total: number
  readonly inUseOfTotal: number
  /** All seats in use, those of products without a limit too. */
  readonly inUse: number
  readonly waiting: number
  /** Seats in use beyond what is owned, as after a refund. */
  readonly deficit: number
}

/** Worst first, as the status page orders them. */
export const connectorList = (
  connectors: readonly Connector[],
  licenses: readonly LicenseRow[],
  progress: ReadonlyMap<string, ProgressFrame>,
  now: number,
): readonly ConnectorRow[] => {
  const licensesByConnector = new Map<ConnectorId, LicenseRow[]>()
  for (const row of licenses) {
    const list = licensesByConnector.get(row.license.connectorId)
    if (list === undefined) licensesByConnector.set(row.license.connectorId, [row])
    else list.push(row)
  }
  return [...connectors].sort(byWorstStatus(now)).map((connector) => {
    const own = licensesByConnector.get(connector.id) ?? []
    const frame = progress.get(connector.id)
    return {
      connector,
      ...connectorStatus(connector, now),
      credential: credentialStateAt(connector.credential, now),
      reminder: expiryReminder(connector, now),
      syncAgeMs: connector.lastGoodSyncAt === null ? undefined : Math.max(0, now - Date.parse(connector.lastGoodSyncAt)),
      running: frame === undefined ? undefined : runningOf(frame),
      licenses: own.length,
      total: sum(own, ({ license }) => license.total ?? 0),
      inUseOfTotal: sum(own, ({ license }) => (license.total === null ? 0 : license.inUse)),
      inUse: sum(own, ({ license }) => license.inUse),
      deficit: sum(own, ({ license }) => (license.total === null ? 0 : Math.max(0, license.inUse - license.total))),
      waiting: sum(own, ({ bar }) => bar.short),
    }
  })
}

export const sum = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((total, item) => total + of(item), 0)

const phaseWords: Record<SyncPhase, string> = {
  waiting: 'Waiting for its turn',
  connecting: 'Asking the store',
  products: 'Reading licenses',
  seats: 'Reading seats',
  recording: 'Keeping what differs',
  people: 'Reading who is registered',
  devices: 'Reading the list of devices',
  subscriptions: 'Reading subscriptions',
  done: 'Done',
}

const runningOf = ({ phase, done, total }: ProgressFrame): RunningSync => ({
  phase,
  done,
  total,
  words:
    total === null
      ? done > 0
        ? `${phaseWords[phase]}, ${figure(done)} so far`
        : phaseWords[phase]
      : `${phaseWords[phase]}, ${figure(done)} of ${figure(total)}`,
})
