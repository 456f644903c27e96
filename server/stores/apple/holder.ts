/** Who holds a seat, between Apple's words and ours. Source: docs/stores/apple-apps-and-books.md, 2.6. */
import { normalSerialNumber } from '../../../shared/principal.ts'
import type { HolderKey, SeatRead } from '../store.ts'
import { standardPricing } from './asset.ts'
import type { Assignment } from './wire.ts'

/** Serial numbers in upper case without white space; user names as Apple has them, since they are its key. */
export const holderOf = (kind: HolderKey['kind'], key: string): HolderKey | undefined => {
  const normal = kind === 'device' ? normalSerialNumber(key) : key.trim()
  return normal === '' ? undefined : { kind, key: normal }
}

export const holderName = ({ kind, key }: HolderKey): string => `${kind}/${key}`

/** Each holder once, in the order given; what is empty is left out. */
export const distinctHolders = (holders: readonly HolderKey[]): readonly HolderKey[] => {
  const byName = new Map<string, HolderKey>()
  for (const { kind, key } of holders) {
    const holder = holderOf(kind, key)
    if (holder !== undefined && !byName.has(holderName(holder))) byName.set(holderName(holder), holder)
  }
  return [...byName.values()]
}

/** In the same order, without those that have no holder of ours. */
export const seatsOf = (assignments: readonly Assignment[]): readonly SeatRead[] => {
  const seats: SeatRead[] = []
  for (const assignment of assignments) {
    const seat = seatOf(assignment)
    if (seat !== undefined) seats.push(seat)
  }
  return seats
}

/** Undefined for a seat that is held by neither a device nor a user: a sort of holder that we have no word for. Its unit is in the license's counts. */
const seatOf = (assignment: Assignment): SeatRead | undefined => {
  const { adamId, serialNumber, clientUserId } = assignment
  const holder = holderOf('device', serialNumber ?? '') ?? holderOf('user', clientUserId ?? '')
  return holder === undefined ? undefined : { productId: adamId, pricing: assignment.pricingParam ?? standardPricing, holder }
}

/** The two lists of a write. Apple refuses a holder that is named twice. */
export const targetsOf = (
  holders: readonly HolderKey[],
): { readonly clientUserIds: readonly string[]; readonly serialNumbers: readonly string[] } => {
  const distinct = distinctHolders(holders)
  return {
    clientUserIds: distinct.filter(({ kind }) => kind === 'user').map(({ key }) => key),
    serialNumbers: distinct.filter(({ kind }) => kind === 'device').map(({ key }) => key),
  }
}
