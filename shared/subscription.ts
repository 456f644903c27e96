/**
 * Auto-renewable subscriptions of an app, bought for people (Apple, 2026). Their seats run out at the end of a period
 * unless they renew, so every number is told twice.
 */
import type { ConnectorId } from './ids.ts'

export const subscriptionStatuses = ['active', 'inactive', 'paused', 'unknown'] as const
export type SubscriptionStatus = (typeof subscriptionStatuses)[number]

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

/** What people call it: its own name, or the app's with the number that tells two of one app apart. */
export const subscriptionTitle = ({ id, name, parentId, parentName }: Subscription): string =>
  name !== '' ? name : `${parentName !== '' ? parentName : `App ${parentId}`}, subscription ${id}`

export const subscriptionStatusInWords: Record<SubscriptionStatus, string> = {
  active: 'Active',
  inactive: 'Inactive',
  paused: 'Paused',
  unknown: 'In a state we do not know',
}

/** Why nobody can be given one now; of one that is active there is nothing to say. */
export const whyNotGivenInWords = (subscription: Subscription): string => {
  const title = subscriptionTitle(subscription)
  switch (subscription.status) {
    case 'active':
      return `${title} can be given.`
    case 'inactive':
      return `${title} is over: nothing of it renews. Buy it again in the store, then sync.`
    case 'paused':
      return `${title} is paused at the store, which gives it to nobody meanwhile. See to its payment there, then sync.`
    case 'unknown':
      return `${title} is in a state that this version does not know, so nobody is given it. Look at it in the store.`
  }
}
