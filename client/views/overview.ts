/** What needs attention, worst first. */
import type { ConnectorId, LicenseId } from '../../shared/ids.ts'
import type { ConnectorRow } from './connector-list.ts'
import type { LicenseRow } from './license-list.ts'

export type AttentionLevel = 'urgent' | 'warning' | 'notice'

/** One trouble: what happened, what it means for licenses, and where to act. */
export interface Attention {
  readonly key: string
  readonly level: AttentionLevel
  readonly title: string
  readonly text: string
  readonly leadsTo:
    | { readonly is: 'connector'; readonly id: ConnectorId }
    | { readonly is: 'license'; readonly id: LicenseId }
    | { readonly is: 'outbox' }
    | { readonly is: 'connectors' }
}

export interface Overview {
  readonly attention: readonly Attention[]
  readonly connectors: readonly ConnectorRow[]
  /** Shortest first. */
  readonly short: readonly LicenseRow[]
  readonly owned: number
  readonly inUse: number
  readonly available: number
  readonly waiting: number
  readonly licenses: number
}
