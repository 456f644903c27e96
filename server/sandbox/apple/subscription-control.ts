import { runOutside } from './events.ts'
import type { LocationState, OwnedSubscription, RenewalCount, SubscriptionSeat, Target } from './state.ts'
import { assignedOf, availableUnits, subscriptionChanged } from './subscriptions.ts'
import { subscriptionPairOf } from './tasks.ts'
import type { AppleWorld } from './world.ts'

export interface NewSubscription {
  readonly parentAdamId: number
  readonly total: RenewalCount
  readonly name?: string
  readonly status?: OwnedSubscription['status']
  /** `YYYY-MM-DD`. */
  readonly periodEndsOn?: string | null
  /** In use from the start. */
  readonly heldBy?: readonly Subscriber[]
}

export interface SubscriptionSummary {
  readonly adamId: number
  readonly parentAdamId: number
  readonly name: string | null
  readonly status: OwnedSubscription['status']
  readonly periodEndsOn: string | null
  readonly total: RenewalCount
  readonly assigned: RenewalCount
  readonly available: RenewalCount
}

export type Subscriber = SubscriptionSeat

export interface SubscriptionRefusal {
  readonly target: Target
  readonly errorNumber: number
}

/** What happens to subscriptions outside the protocol. */
export interface SubscriptionControl {
  subscriptionsEnabled(location: string): boolean
  setSubscriptionsEnabled(location: string, enabled: boolean): void
  /** A purchase, or a change of one: counts, status, period. Only where subscriptions are enabled. */
  ownSubscription(location: string, adamId: number, owned: NewSubscription): void
  subscriptions(location: string): readonly SubscriptionSummary[]
  subscribers(location: string, adamId: number): readonly Subscriber[]
  subscribeOutside(location: string, adamId: number, clientUserIds: readonly string[], renewing?: boolean): readonly SubscriptionRefusal[]
  unsubscribeOutside(location: string, adamId: number, clientUserIds: readonly string[], deferred?: boolean): readonly SubscriptionRefusal[]
  /** These people have it through a group, whoever had it so before. */
  subscribeByGroup(location: string, adamId: number, clientUserIds: readonly string[]): void
}

export const createSubscriptionControl = (world: AppleWorld, mustGet: (uId: string) => LocationState): SubscriptionControl => {
  const mustGetOwned = (uId: string, adamId: number): OwnedSubscription => {
    const owned = mustGet(uId).subscriptions.owned.get(adamId)
    if (owned === undefined) throw new Error(`sandbox: location ${uId} does not own subscription ${adamId}`)
    return owned
  }

  const outside = (
    type: 'ASSOCIATE' | 'DISASSOCIATE',
    uId: string,
    adamId: number,
    clientUserIds: readonly string[],
    terms: { readonly renewing: boolean; readonly deferred: boolean },
  ): readonly SubscriptionRefusal[] => {
    mustGetOwned(uId, adamId)
    const targets = clientUserIds.map((clientUserId) => ({ kind: 'user' as const, clientUserId }))
    const subscription = { adamIds: [adamId], ...terms }
    const event = runOutside(world, mustGet(uId), { type, assets: [], targets, users: [], subscription })
    return event.failures.flatMap(({ task, errorNumber }) => {
      const pair = subscriptionPairOf(event, task)
      return pair === undefined ? [] : [{ target: { kind: 'user', clientUserId: pair.clientUserId }, errorNumber }]
    })
  }

  return {
    subscriptionsEnabled: (uId) => mustGet(uId).subscriptions.enabled,
    setSubscriptionsEnabled(uId, enabled) {
      mustGet(uId).subscriptions.enabled = enabled
    },
    ownSubscription(uId, adamId, { parentAdamId, total, name, status, periodEndsOn, heldBy = [] }) {
      const location = mustGet(uId)
      if (!location.subscriptions.enabled) throw new Error(`sandbox: subscriptions are not enabled at ${uId}, so nobody can buy any`)
      const known = location.subscriptions.owned.get(adamId)
      const owned: OwnedSubscription = {
        adamId,
        parentAdamId,
        name: name ?? known?.name ?? null,
        status: status ?? known?.status ?? 'ACTIVE',
        periodEndsOn: periodEndsOn === undefined ? (known?.periodEndsOn ?? null) : periodEndsOn,
        total: { ...total },
        seats: known?.seats ?? new Map(),
        admins: known?.admins ?? [],
        heldByGroup: known?.heldByGroup ?? [],
      }
      for (const held of heldBy) owned.seats.set(held.clientUserId, held)
      location.subscriptions.owned.set(adamId, owned)
      subscriptionChanged(world, location, owned)
    },
    subscriptions: (uId) =>
      Array.from(mustGet(uId).subscriptions.owned.values(), (owned) => ({
        adamId: owned.adamId,
        parentAdamId: owned.parentAdamId,
        name: owned.name,
        status: owned.status,
        periodEndsOn: owned.periodEndsOn,
        total: owned.total,
        assigned: assignedOf(world, owned),
        available: availableUnits(owned),
      })),
    subscribers: (uId, adamId) => [...mustGetOwned(uId, adamId).seats.values()],
    subscribeOutside: (uId, adamId, people, renewing = true) => outside('ASSOCIATE', uId, adamId, people, { renewing, deferred: false }),
    unsubscribeOutside: (uId, adamId, people, deferred = false) =>
      outside('DISASSOCIATE', uId, adamId, people, { renewing: false, deferred }),
    subscribeByGroup(uId, adamId, people) {
      mustGetOwned(uId, adamId).heldByGroup = people
    },
  }
}
