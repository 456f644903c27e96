import { seatsOfRecord } from './seats.ts'
import type { TaskOutcome } from './seats.ts'
import { leaveSubscriptions } from './subscriptions.ts'
import { activeUser, seatKey } from './state.ts'
import type { LocationState, UserInput, UserRecord } from './state.ts'
import { idHashOf, randomHex } from './made-ids.ts'
import type { AppleWorld } from './world.ts'

const replace = (location: LocationState, user: UserRecord, changes: Partial<UserRecord>): void => {
  const records = location.users.get(user.clientUserId) ?? []
  const at = records.indexOf(user)
  records[at] = { ...user, ...changes, version: location.versions.users }
}

/** An account belongs to one user at a time. Gives the number with which it is refused, or 0. */
const linkedElsewhere = (location: LocationState, clientUserId: string, idHash: string): TaskOutcome => {
  for (const records of location.users.values()) {
    if (records.some((user) => user.status === 'Associated' && user.idHash === idHash && user.clientUserId !== clientUserId)) return 9641
  }
  return 0
}

const managedAccountRefused = (location: LocationState, clientUserId: string, managedAppleId: string): TaskOutcome =>
  managedAppleId.toLowerCase().endsWith(`@${location.managedDomain}`)
    ? linkedElsewhere(location, clientUserId, idHashOf(managedAppleId))
    : 9635

const moveSeats = (world: AppleWorld, location: LocationState, from: UserRecord, to: UserRecord): void => {
  for (const { asset, seat } of seatsOfRecord(location, from.clientUserId, from.record)) {
    world.views.moveOn(location, ['assets', 'assignments'])
    asset.seats.delete(seatKey(seat))
    const moved = { clientUserId: to.clientUserId, record: to.record, version: location.versions.assignments }
    asset.seats.set(seatKey(moved), moved)
  }
}

/**
 * An Apple Account is linked to the active record. Whoever comes back with the account of an earlier record swaps: the
 * fresh record turns Retired, the old one Associated, and what the fresh one held goes over to it. The switch lets the
 * fresh one take the place of the old one instead, which is then Deleted.
 */
const link = (
  world: AppleWorld,
  location: LocationState,
  clientUserId: string,
  account: Partial<UserRecord> & { idHash: string },
): void => {
  const fresh = activeUser(location, clientUserId)
  if (fresh === undefined) return
  const former = location.users.get(clientUserId)?.find((user) => user.status === 'Retired' && user.idHash === account.idHash)
  if (former === undefined) {
    replace(location, fresh, { status: 'Associated', ...account })
    return
  }
  if (world.switches.returningAccount === 'supersedes') {
    moveSeats(world, location, former, fresh)
    replace(location, former, { status: 'Deleted' })
    replace(location, fresh, { status: 'Associated', ...account })
    return
  }
  moveSeats(world, location, fresh, former)
  replace(location, fresh, { status: 'Retired' })
  replace(location, former, { status: 'Associated', ...(fresh.email === undefined ? {} : { email: fresh.email }), ...account })
}

const managed = (managedAppleId: string) => ({ managedAppleId, idHash: idHashOf(managedAppleId) })

/** A person becomes known. One who was retired and never associated gets the old record back; else there is a new one [inferred]. */
export const createUser = (world: AppleWorld, location: LocationState, input: UserInput): TaskOutcome => {
  const { clientUserId, managedAppleId } = input
  if (activeUser(location, clientUserId) !== undefined) return 9716
  if (managedAppleId !== undefined) {
    const refused = managedAccountRefused(location, clientUserId, managedAppleId)
    if (refused !== 0) return refused
  }
  world.views.moveOn(location, ['users'])
  const known = {
    status: 'Registered' as const,
    ...(input.email === undefined ? {} : { email: input.email }),
    ...(managedAppleId === undefined ? { inviteCode: randomHex(world.chance, 16) } : {}),
  }
  const records = location.users.get(clientUserId) ?? []
  location.users.set(clientUserId, records)
  const former = records.find((user) => user.status === 'Retired' && user.idHash === undefined)
  if (former !== undefined) replace(location, former, known)
  else {
    location.nextRecord += 1
    records.push({ record: location.nextRecord, clientUserId, ...known, version: location.versions.users })
  }
  if (managedAppleId !== undefined) link(world, location, clientUserId, managed(managedAppleId))
  return 0
}

export const updateUser = (world: AppleWorld, location: LocationState, input: UserInput): TaskOutcome => {
  const { clientUserId, email, managedAppleId } = input
  const user = activeUser(location, clientUserId)
  if (user === undefined) return 9609
  if (managedAppleId !== undefined) {
    const refused = managedAccountRefused(location, clientUserId, managedAppleId)
    if (refused !== 0) return refused
  }
  world.views.moveOn(location, ['users'])
  if (email !== undefined) replace(location, user, { email })
  if (managedAppleId !== undefined) link(world, location, clientUserId, managed(managedAppleId))
  return 0
}

/** Frees what is revocable; what is not stays with the retired record, counted as assigned. */
export const retireUser = (world: AppleWorld, location: LocationState, clientUserId: string): TaskOutcome => {
  const user = activeUser(location, clientUserId)
  if (user === undefined) {
    if (!location.users.has(clientUserId)) return 9609
    return world.switches.repeatedWrite === 'success' ? 0 : 9618
  }
  for (const { asset, seat } of seatsOfRecord(location, clientUserId, user.record)) {
    if (!asset.revocable) continue
    world.views.moveOn(location, ['assets', 'assignments'])
    asset.seats.delete(seatKey(seat))
  }
  leaveSubscriptions(world, location, clientUserId)
  world.views.moveOn(location, ['users'])
  replace(location, user, { status: 'Retired' })
  return 0
}

/** A person accepts the invitation with an Apple Account of their own. */
export const acceptInvitation = (world: AppleWorld, location: LocationState, clientUserId: string, account: string): TaskOutcome => {
  if (activeUser(location, clientUserId) === undefined) return 9609
  const idHash = idHashOf(account)
  const refused = linkedElsewhere(location, clientUserId, idHash)
  if (refused !== 0) return refused
  world.views.moveOn(location, ['users'])
  link(world, location, clientUserId, { idHash })
  return 0
}
