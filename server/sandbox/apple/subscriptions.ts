import { activeUser } from './state.ts'
import type { LocationState, OwnedSubscription, RenewalCount, SubscriptionSeat, SubscriptionWrite } from './state.ts'
import type { TaskOutcome } from './seats.ts'
import type { AppleWorld } from './world.ts'

/*
 * Auto-renewable subscriptions. What is published of them is short: the addresses, the members of the requests, cursors,
 * the error numbers, that entries with zeros are normal. How the two kinds of units are spent, what a period's end does
 * and how a deferred removal shows is [inferred] from the counts of the notices.
 */

type Kind = keyof RenewalCount

const split = (seats: readonly SubscriptionSeat[], isRenewing: (seat: SubscriptionSeat) => boolean): RenewalCount => {
  const renewing = seats.filter(isRenewing).length
  return { renewing, expiring: seats.length - renewing }
}

/**
 * Who leaves at the period's end is counted as expiring, on a unit that renews: Apple's own sample has 80 + 20 assigned,
 * 15 + 5 available, 100 + 20 in all, so the two kinds add up together and not each by itself.
 */
export const shownAsRenewing = (world: AppleWorld, seat: SubscriptionSeat): boolean =>
  seat.renewing && !(seat.leaving && world.switches.deferredRemovals === 'shown-as-expiring')

export const assignedOf = (world: AppleWorld, owned: OwnedSubscription): RenewalCount =>
  split([...owned.seats.values()], (seat) => shownAsRenewing(world, seat))

export const availableUnits = (owned: OwnedSubscription): RenewalCount => {
  const used = split([...owned.seats.values()], (seat) => seat.renewing)
  return {
    renewing: Math.max(0, owned.total.renewing - used.renewing),
    expiring: Math.max(0, owned.total.expiring - used.expiring),
  }
}

const kindOf = (renewing: boolean): Kind => (renewing ? 'renewing' : 'expiring')

/** To be called with every change: cursors given out before may end by it, and the counts are told. */
export const subscriptionChanged = (world: AppleWorld, location: LocationState, owned: OwnedSubscription): void => {
  location.subscriptions.version += 1
  world.notices.subscriptionCountChanged(location, {
    parentAdamId: owned.parentAdamId,
    adamId: owned.adamId,
    counts: { available: availableUnits(owned), total: { ...owned.total } },
  })
}

// ---- The end of a period ----

const DAY_MS = 86_400_000

/** A month later, or the last day of that month. */
const nextPeriodEnd = (day: string): string => {
  const date = new Date(`${day}T00:00:00Z`)
  const wanted = date.getUTCDate()
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1))
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  first.setUTCDate(Math.min(wanted, last))
  return first.toISOString().slice(0, 10)
}

const endPeriod = (world: AppleWorld, location: LocationState, owned: OwnedSubscription, day: string): void => {
  for (const [key, seat] of owned.seats) if (!seat.renewing || seat.leaving) owned.seats.delete(key)
  owned.total = { renewing: owned.total.renewing, expiring: 0 }
  owned.periodEndsOn = owned.total.renewing > 0 ? nextPeriodEnd(day) : null
  if (owned.periodEndsOn === null) owned.status = 'INACTIVE'
  subscriptionChanged(world, location, owned)
}

/** Ends every period whose last day is over, UTC. A paused subscription stands still. */
export const settlePeriods = (world: AppleWorld): void => {
  const now = world.clock.now()
  for (const location of world.state.locations.values()) {
    for (const owned of location.subscriptions.owned.values()) {
      while (owned.status === 'ACTIVE' && owned.periodEndsOn !== null && Date.parse(owned.periodEndsOn) + DAY_MS <= now)
        endPeriod(world, location, owned, owned.periodEndsOn)
    }
  }
}

// ---- Seats ----

/** One person, one subscription, when the event comes to it. Stock is looked at here. */
export const runSubscriptionTask = (
  world: AppleWorld,
  location: LocationState,
  write: SubscriptionWrite,
  type: 'ASSOCIATE' | 'DISASSOCIATE',
  adamId: number,
  clientUserId: string,
): TaskOutcome => {
  const owned = location.subscriptions.owned.get(adamId)
  if (owned === undefined) return 9813
  const held = owned.seats.get(clientUserId)
  if (type === 'DISASSOCIATE') {
    if (held === undefined) return world.switches.repeatedWrite === 'success' ? 0 : 9815
    if (write.deferred) owned.seats.set(clientUserId, { ...held, leaving: true })
    else owned.seats.delete(clientUserId)
    subscriptionChanged(world, location, owned)
    return 0
  }
  if (activeUser(location, clientUserId) === undefined) return 9814
  if (held?.renewing === write.renewing && !held.leaving) return world.switches.repeatedWrite === 'success' ? 0 : 9616
  // [inferred] Under other terms the person takes a unit of the other kind, and gives back the one held.
  if (held?.renewing !== write.renewing && availableUnits(owned)[kindOf(write.renewing)] < 1) return 9709
  owned.seats.set(clientUserId, { clientUserId, renewing: write.renewing, leaving: false })
  subscriptionChanged(world, location, owned)
  return 0
}

/** A retired person keeps none [inferred]. */
export const leaveSubscriptions = (world: AppleWorld, location: LocationState, clientUserId: string): void => {
  for (const owned of location.subscriptions.owned.values()) {
    if (owned.seats.delete(clientUserId)) subscriptionChanged(world, location, owned)
  }
}
