/** What a read of one license's seats changes in the seats that are held. */
import { noOrdinals, seatFlags, type Columns } from '../shared/facts.ts'
import type { PrincipalKind } from '../shared/ids.ts'

export interface SeatsAsRead {
  /** Ascending, each once. */
  readonly ordinals: Uint32Array
  readonly kindOf: (ordinal: number) => PrincipalKind
  /** An increment proves additions only. */
  readonly full: boolean
  readonly at: number
  /** Settled by an order lately: the list may be older than its event. What was given stays, what was taken stays gone. */
  readonly lately: ReadonlyMap<number, 'given' | 'taken'>
  /** On their way by an order that has left: a seat that shows is the order's. */
  readonly ordered: ReadonlySet<number>
}

export interface SeatDifference {
  readonly put: Columns
  readonly remove: Uint32Array
}

/** Undefined: nothing. */
export const seatDifference = (held: Columns, read: SeatsAsRead): SeatDifference | undefined => {
  const { ordinals, lately } = read
  const fresh = new Uint32Array(ordinals.length)
  const gone: number[] = []
  let freshCount = 0
  let at = 0
  const heldUpTo = (end: number): void => {
    for (; at < held.ordinals.length && (held.ordinals[at] as number) < end; at += 1) {
      const ordinal = held.ordinals[at] as number
      if (read.full && lately.get(ordinal) !== 'given') gone.push(ordinal)
    }
  }
  for (let index = 0; index < ordinals.length; index += 1) {
    const ordinal = ordinals[index] as number
    heldUpTo(ordinal)
    if (held.ordinals[at] === ordinal) at += 1
    else if (lately.get(ordinal) !== 'taken') {
      fresh[freshCount] = ordinal
      freshCount += 1
    }
  }
  heldUpTo(Infinity)
  if (freshCount === 0 && gone.length === 0) return undefined
  const put = fresh.slice(0, freshCount)
  const flags = new Uint8Array(freshCount)
  for (let index = 0; index < freshCount; index += 1) {
    const ordinal = put[index] as number
    flags[index] = seatFlags({ licenseType: read.kindOf(ordinal), origin: read.ordered.has(ordinal) ? 'assignment' : 'found' })
  }
  return {
    put: { ordinals: put, sinceS: new Uint32Array(freshCount).fill(Math.floor(read.at / 1000)), flags },
    remove: gone.length === 0 ? noOrdinals : Uint32Array.from(gone),
  }
}

/** Ascending, each once. Sorts its argument in place. */
export const distinctOrdinals = (ordinals: Uint32Array): Uint32Array => {
  ordinals.sort()
  let length = 0
  for (let index = 0; index < ordinals.length; index += 1) {
    const ordinal = ordinals[index] as number
    if (length > 0 && ordinals[length - 1] === ordinal) continue
    ordinals[length] = ordinal
    length += 1
  }
  return ordinals.subarray(0, length)
}
