import { activeUser, assetKey, availableOf, isActive, seatKey } from './state.ts'
import type { Asset, AssetRef, LocationState, Seat, Target } from './state.ts'
import type { AppleWorld } from './world.ts'

/** 0 = done; otherwise Apple's error number for this one pair. */
export type TaskOutcome = number

const holderOf = (location: LocationState, target: Target): Omit<Seat, 'version'> | undefined => {
  if (target.kind === 'device') return { serialNumber: target.serialNumber }
  const user = activeUser(location, target.clientUserId)
  return user === undefined ? undefined : { clientUserId: user.clientUserId, record: user.record }
}

/** Takes one unit for one target. Stock is looked at here and nowhere earlier. */
export const takeSeat = (world: AppleWorld, location: LocationState, ref: AssetRef, target: Target): TaskOutcome => {
  const asset = location.assets.get(assetKey(ref))
  // [inferred] An asset the location does not own has no license left.
  if (asset === undefined) return 9709
  const holder = holderOf(location, target)
  if (holder === undefined) return 9609
  if (target.kind === 'device') {
    if (!asset.deviceAssignable) return 9707
    if (world.switches.unknownSerials === 'refused' && !world.switches.knownSerials.includes(target.serialNumber)) return 9602
  }
  const key = seatKey(holder)
  if (asset.seats.has(key)) return world.switches.repeatedWrite === 'success' ? 0 : 9616
  if (!asset.unlimited && availableOf(asset) < 1) return 9709
  world.views.moveOn(location, ['assets', 'assignments'])
  asset.seats.set(key, { ...holder, version: location.versions.assignments })
  return 0
}

/** Gives one unit back. */
export const giveBackSeat = (world: AppleWorld, location: LocationState, ref: AssetRef, target: Target): TaskOutcome => {
  const holder = holderOf(location, target)
  if (holder === undefined) return 9609
  const asset = location.assets.get(assetKey(ref))
  const key = seatKey(holder)
  if (asset === undefined || !asset.seats.has(key)) return world.switches.repeatedWrite === 'success' ? 0 : 9619
  if (!asset.revocable) return 9706
  world.views.moveOn(location, ['assets', 'assignments'])
  asset.seats.delete(key)
  return 0
}

/** Every seat one user record holds, with its asset. */
export const seatsOfRecord = (location: LocationState, clientUserId: string, record: number): readonly { asset: Asset; seat: Seat }[] => {
  const found: { asset: Asset; seat: Seat }[] = []
  for (const asset of location.assets.values()) {
    const seat = asset.seats.get(seatKey({ clientUserId, record }))
    if (seat !== undefined) found.push({ asset, seat })
  }
  return found
}

/** What a revoke of these targets would take back: everything revocable, and nothing else. */
export const revocablePairs = (location: LocationState, targets: readonly Target[]): { asset: AssetRef; target: Target }[] => {
  const pairs: { asset: AssetRef; target: Target }[] = []
  for (const target of targets) {
    const holder = holderOf(location, target)
    if (holder === undefined) continue
    const key = seatKey(holder)
    for (const asset of location.assets.values()) {
      if (asset.revocable && asset.seats.has(key)) pairs.push({ asset: { adamId: asset.adamId, pricingParam: asset.pricingParam }, target })
    }
  }
  return pairs
}

/** The state an assignment's holder is in, as `includeUserState` shows it. */
export const holderRecord = (location: LocationState, seat: Seat) =>
  seat.clientUserId === undefined ? undefined : location.users.get(seat.clientUserId)?.find(({ record }) => record === seat.record)

export const isHeldByInactive = (location: LocationState, seat: Seat): boolean => {
  if (seat.clientUserId === undefined) return false
  const user = holderRecord(location, seat)
  return user === undefined || !isActive(user)
}
