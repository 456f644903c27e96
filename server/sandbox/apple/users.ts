import { seatsOfRecord } from './seats.ts'
import type { TaskOutcome } from './seats.ts'
import { activeUser, seatKey } from './state.ts'
import type { LocationState, UserInput, UserRecord } from './state.ts'
import { idHashOf, randomHex } from './made-ids.ts'
import type { AppleWorld } from './world.ts'

const replace = (location: LocationState, user: UserRecord, changes: Partial<UserRecord>): void => {
  const records = location.users.get(user.clientUserId) ?? []
  const at = records.indexOf(user)
  records[at] = { ...user, ...changes, version: location.versions.users }
}

/** The number with which a Managed Apple Account is refused, or 0. */
const accountRefused = (location: LocationState, clientUserId: string, managedAppleId: string): TaskOutcome => {
  if (!managedAppleId.toLowerCase().endsWith(`@${location.managedDomain}`)) return 9635
  const idHash = idHashOf(managedAppleId)
  for (const records of location.users.values()) {
    if (records.some((user) => user.status === 'Associated' && user.idHash === idHash && user.clientUserId !== clientUserId)) return 9641
  }
  return 0
}

/** A person becomes known. One who was retired and never associated gets the old record back; else there is a new one [inferred]. */
export const createUser = (world: AppleWorld, location: LocationState, input: UserInput): TaskOutcome => {
  if (activeUser(location, input.clientUserId) !== undefined) return 9716
  if (input.managedAppleId !== undefined) {
    const refused = accountRefused(location, input.clientUserId, input.managedAppleId)
    if (refused !== 0) return refused
  }
  world.views.moveOn(location, ['users'])
  const linked =
    input.managedAppleId === undefined
      ? { status: 'Registered' as const, inviteCode: randomHex(world.chance, 16) }
      : { status: 'Associated' as const, managedAppleId: input.managedAppleId, idHash: idHashOf(input.managedAppleId) }
  const email = input.email === undefined ? {} : { email: input.email }
  const records = location.users.get(input.clientUserId) ?? []
  location.users.set(input.clientUserId, records)
  const former = records.find((user) => user.status === 'Retired' && user.idHash === undefined)
  if (former !== undefined) {
    replace(location, former, { ...linked, ...email })
    return 0
  }
  location.nextRecord += 1
  records.push({ record: location.nextRecord, clientUserId: input.clientUserId, ...email, ...linked, version: location.versions.users })
  return 0
}

export const updateUser = (world: AppleWorld, location: LocationState, input: UserInput): TaskOutcome => {
  const user = activeUser(location, input.clientUserId)
  if (user === undefined) return 9609
  if (input.managedAppleId !== undefined) {
    const refused = accountRefused(location, input.clientUserId, input.managedAppleId)
    if (refused !== 0) return refused
  }
  world.views.moveOn(location, ['users'])
  replace(location, user, {
    ...(input.email === undefined ? {} : { email: input.email }),
    ...(input.managedAppleId === undefined
      ? {}
      : { status: 'Associated' as const, managedAppleId: input.managedAppleId, idHash: idHashOf(input.managedAppleId) }),
  })
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
  world.views.moveOn(location, ['users'])
  replace(location, user, { status: 'Retired' })
  return 0
}

/**
 * A person accepts the invitation with an Apple Account of their own.
 *
 * Whoever comes back with the account of an earlier record swaps: the fresh record turns Retired, the old one Associated,
 * and what the fresh one held goes over to it.
 */
export const acceptInvitation = (world: AppleWorld, location: LocationState, clientUserId: string, account: string): TaskOutcome => {
  const fresh = activeUser(location, clientUserId)
  if (fresh === undefined) return 9609
  const idHash = idHashOf(account)
  const former = location.users.get(clientUserId)?.find((user) => user.status === 'Retired' && user.idHash === idHash)
  world.views.moveOn(location, ['users'])
  if (former === undefined) {
    replace(location, fresh, { status: 'Associated', idHash })
    return 0
  }
  for (const { asset, seat } of seatsOfRecord(location, clientUserId, fresh.record)) {
    world.views.moveOn(location, ['assets', 'assignments'])
    asset.seats.delete(seatKey(seat))
    const moved = { clientUserId, record: former.record, version: location.versions.assignments }
    asset.seats.set(seatKey(moved), moved)
  }
  replace(location, fresh, { status: 'Retired' })
  replace(location, former, { status: 'Associated' })
  return 0
}
