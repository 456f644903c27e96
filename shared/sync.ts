/** A Sync: one run that reads a store. Between browser and server we say exchange. */
import type { ConnectorId, SyncId } from './ids.ts'

export type SyncTrigger = 'schedule' | 'admin' | 'push' | 'api'
/** In the order in which a sync goes through them. Names and pictures come afterwards, by themselves. */
export const syncPhases = ['waiting', 'connecting', 'products', 'seats', 'recording', 'people', 'subscriptions', 'devices', 'done'] as const
export type SyncPhase = (typeof syncPhases)[number]

export interface SyncProgress {
  readonly phase: SyncPhase
  readonly done: number
  readonly total: number | null
}

export interface Sync {
  readonly id: SyncId
  readonly connectorId: ConnectorId
  readonly state: 'queued' | 'running' | 'succeeded' | 'failed'
  readonly trigger: SyncTrigger
  readonly full: boolean
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly progress: SyncProgress
  readonly changed: { readonly licenses: number; readonly seats: number; readonly users: number }
  readonly error: { readonly code: string; readonly text: string } | null
}
