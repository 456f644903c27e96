/** How many of those whom the wishes for a license touch stand how: in all, and by the wish that decides. */
import type { Because, VerdictState } from './assignment.ts'
import { isByAssignment, type Columns } from './facts.ts'
import type { TargetKey } from './ids.ts'
import type { Tally } from './license.ts'
import type { ActingWish } from './touching.ts'

export interface WishTally {
  readonly placed: number
  readonly pending: number
  readonly waiting: number
  readonly refused: number
}

export interface Counts extends Record<keyof WishTally, number> {
  adopted: number
  /** At the place of the wish that decides. */
  readonly byWish: Record<keyof WishTally, number>[]
}
/** To begin with. */
export const noTally: WishTally = { placed: 0, pending: 0, waiting: 0, refused: 0 }

/** Who is to have no seat, or none yet, is not counted. */
export const countIn = (counts: Counts, wish: number, state: VerdictState, { code }: Because): void => {
  if (state === 'excluded' || state === 'released' || code === 'starts-later') return
  if (code === 'had-seat-already') counts.adopted += 1
  const tally = (counts.byWish[wish] ??= { ...noTally })
  tally[state] += 1
  counts[state] += 1
}

export const talliesOf = (
  wishes: readonly ActingWish[],
  seats: Columns,
  desired: number,
  counts: Counts,
): { readonly tally: Tally; readonly tallyByKey: ReadonlyMap<TargetKey, WishTally> } => {
  const { placed, pending, waiting, refused, adopted, byWish } = counts
  const tallyByKey = new Map<TargetKey, WishTally>()
  byWish.forEach((tally, wish) => void tallyByKey.set((wishes[wish] as ActingWish).placed.key, tally))
  let assigned = 0
  for (let at = 0; at < seats.ordinals.length; at += 1) if (isByAssignment(seats, at)) assigned += 1
  return { tally: { desired, placed, pending, waiting, refused, assigned, found: seats.ordinals.length - assigned, adopted }, tallyByKey }
}
