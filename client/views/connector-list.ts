/** Connectors and their tokens, worst first. */
import type { Connector, ConnectorStatus, CredentialState, StatusReason } from '../../shared/connector.ts'
import type { SyncPhase } from '../../shared/sync.ts'

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
  /** Undefined: never synced. */
  readonly syncAgeMs: number | undefined
  readonly running: RunningSync | undefined
  readonly licenses: number
  /** Seats owned where the store counts them, and seats in use. */
  readonly total: number
  readonly inUse: number
  readonly waiting: number
}
