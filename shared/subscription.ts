/**
 * Auto-renewable subscriptions of an app, bought for people (Apple, 2026). Their seats run out at the end of a period
 * unless they renew, so every number is told twice.
 */
import type { ConnectorId } from './ids.ts'

export type SubscriptionStatus = 'active' | 'inactive' | 'paused' | 'unknown'

export interface RenewalCounts {
  /** Seats that renew at the end of the period. */
  readonly renewing: number
  /** Seats that run out then. */
  readonly expiring: number
}

/** `id` is the subscription's own number at the store, unique in one Location; `parentId` that of the app it belongs to. */
export interface Subscription {
  readonly id: string
  readonly connectorId: ConnectorId
  readonly parentId: string
  readonly name: string
  readonly parentName: string
  readonly status: SubscriptionStatus
  /** `YYYY-MM-DD`, the last day of the present period; null: the store tells none. */
  readonly periodEndsOn: string | null
  readonly total: RenewalCounts
  readonly assigned: RenewalCounts
  readonly available: RenewalCounts
  /** ISO 8601, when we read it. */
  readonly asOf: string
}
