/**
 * Who has left and still holds seats. Nothing is taken from them by itself: an administrator reclaims, license by
 * license, with this list before them.
 */
import type { Columns } from './facts.ts'
import { ordinalOf, type LicenseId } from './ids.ts'
import type { License } from './license.ts'
import type { Principal } from './principal.ts'

export interface HeldSeat {
  readonly licenseId: LicenseId
  /** False: the store never takes it back (a book), so it stays with who has it. */
  readonly revocable: boolean
  /** When it was first seen here, seconds since 1970. */
  readonly sinceS: number
}

export interface Reclaimable {
  readonly principal: Principal
  /** In the order of the licenses given, none twice; never empty. */
  readonly seats: readonly HeldSeat[]
}

/** Those who left the longest time ago first. One look at each seat, whatever their number. */
export const reclaimable = (
  principals: Iterable<Principal>,
  held: Iterable<{ readonly license: Pick<License, 'id' | 'revocable'>; readonly seats: Pick<Columns, 'ordinals' | 'sinceS'> }>,
): readonly Reclaimable[] => {
  const seatsByOrdinal = new Map<number, HeldSeat[]>()
  const leavers: Principal[] = []
  for (const principal of principals) {
    if (principal.left === null) continue
    leavers.push(principal)
    seatsByOrdinal.set(ordinalOf(principal.id), [])
  }
  if (leavers.length === 0) return []
  for (const { license, seats } of held)
    for (let at = 0; at < seats.ordinals.length; at += 1)
      seatsByOrdinal
        .get(seats.ordinals[at] ?? 0)
        ?.push({ licenseId: license.id, revocable: license.revocable, sinceS: seats.sinceS[at] ?? 0 })
  return leavers
    .map((principal) => ({ principal, seats: seatsByOrdinal.get(ordinalOf(principal.id)) ?? [] }))
    .filter(({ seats }) => seats.length > 0)
    .sort((a, b) => compareTimes(a.principal.left, b.principal.left) || ordinalOf(a.principal.id) - ordinalOf(b.principal.id))
}

const compareTimes = (a: string | null, b: string | null): number => ((a ?? '') < (b ?? '') ? -1 : (a ?? '') > (b ?? '') ? 1 : 0)
