/**
 * Who is served first: seats reserved for a target, then the priority of the wish, then the order in which the server took
 * the wish or the claim, then the ordinal. The same everywhere, so that everybody foretells the same waiting list.
 */
import { termsOf } from './assignment.ts'
import type { Claim } from './claim.ts'
import { indexOfOrdinal, type Columns } from './facts.ts'
import type { License } from './license.ts'
import { ordinalsOf, type ActingWish, type Members, type Touches } from './touching.ts'

/**
 * Seats that may still be asked for. Two counts, the smaller one holds: what the store said was available, less what is
 * on its way; and what is owned, less every seat we know of and what is on its way. The second one keeps the promise
 * when the store's count lags behind an order it has confirmed.
 */
export const freeSeats = (license: License, seats: Columns, associating: ReadonlyMap<number, unknown>): number => {
  if (license.unlimited || (license.total === null && license.available === null)) return Infinity
  let open = 0
  for (const ordinal of associating.keys()) if (indexOfOrdinal(seats.ordinals, ordinal) < 0) open += 1
  const byStore = (license.available ?? Infinity) - associating.size
  const byUs = (license.total ?? Infinity) - (license.retired ?? 0) - seats.ordinals.length - open
  return Math.max(0, Math.min(byStore, byUs))
}

/** Those who are to have a seat: their places among the touched, ascending, and the claims of those who have it by one. */
export interface Wanted {
  readonly required: Uint32Array
  readonly claimByPlace: ReadonlyMap<number, Claim>
}

/** The places in the order of serving. */
export const inServingOrder = (
  wishes: readonly ActingWish[],
  { deciding, ordinals }: Touches,
  { required, claimByPlace }: Wanted,
): Uint32Array => {
  const wishAt = (place: number): ActingWish => wishes[deciding[place] as number] as ActingWish
  // They ascend by ordinal already: it is enough to part them by the rank of the wish.
  const next = new Uint32Array((wishes.at(-1)?.rank ?? 0) + 2)
  const countAt = (rank: number, more: number): void => void (next[rank] = (next[rank] as number) + more)
  for (const place of required) countAt(wishAt(place).rank + 1, 1)
  for (let rank = 1; rank < next.length; rank += 1) countAt(rank, next[rank - 1] as number)
  const ordered = new Uint32Array(required.length)
  for (const place of required) {
    const { rank } = wishAt(place)
    ordered[next[rank] as number] = place
    countAt(rank, 1)
  }
  if (claimByPlace.size === 0) return ordered
  const takenOf = (place: number): number => claimByPlace.get(place)?.taken ?? wishAt(place).placed.taken
  return Uint32Array.from([...ordered, ...claimByPlace.keys()]).sort(
    (a, b) => wishAt(b).priority - wishAt(a).priority || takenOf(a) - takenOf(b) || (ordinals[a] as number) - (ordinals[b] as number),
  )
}

/** Whom reserved seats serve before others, and how many are held back from everybody else. */
export interface Reserved {
  readonly first: ReadonlySet<number>
  readonly heldBack: number
}

const nobody: Reserved = { first: new Set(), heldBack: 0 }

/**
 * `holders`: who has a seat or gets one for certain; `contending`: those who can be served and are not, in the order of
 * serving. A seat that somebody of the target has
 * already fills the reservation, whoever gave it. Somebody of two targets fills the reservation that is served first.
 */
export const reservedFor = (
  wishes: readonly ActingWish[],
  directory: Members,
  holders: () => Iterable<number>,
  contending: () => readonly number[],
): Reserved => {
  const reserving = wishes.flatMap(({ placed, asks }) => {
    const { reservation } = termsOf(placed.wish)
    return reservation !== null && (asks === 'require' || asks === 'offer')
      ? [{ reservation, members: new Set(ordinalsOf(placed.key, directory)), left: reservation.seats }]
      : []
  })
  if (reserving.length === 0) return nobody
  const fill = (ordinal: number): boolean => {
    const into = reserving.find(({ members, left }) => left > 0 && members.has(ordinal))
    if (into !== undefined) into.left -= 1
    return into !== undefined
  }
  for (const ordinal of holders()) fill(ordinal)
  const first = new Set<number>()
  for (const ordinal of contending()) if (fill(ordinal)) first.add(ordinal)
  let heldBack = 0
  for (const { reservation, left } of reserving) if (reservation.unused === 'held') heldBack += left
  return { first, heldBack }
}
