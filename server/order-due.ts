/**
 * What is looked at once more before an order leaves that somebody asked for by hand, or a rule: between asking and
 * leaving there may be a month.
 */
import type { OrderFound } from './order-rows.ts'
import type { Verdict } from '../shared/assignment.ts'
import { indexOfOrdinal } from '../shared/facts.ts'
import type { LicenseOrder, OrderFailure } from '../shared/order.ts'
import type { ReconcileInput } from '../shared/reconcile.ts'

/** A target that is not to be asked for. No code: there is nothing to say about it. */
export type Unasked = Omit<OrderFailure, 'atSeq'>

export const silently = { code: '', text: '', retryable: false } as const

/** `verdicts` as if the order were not there, where it was kept back. */
export const askedByHand = (
  order: LicenseOrder,
  { seats, directory }: Pick<ReconcileInput, 'seats' | 'directory'>,
  verdicts: readonly Verdict[],
  { gone = [] }: OrderFound,
): readonly Unasked[] => {
  if (order.action === 'associate')
    // Somebody else gave it meanwhile: asking again would change nothing, and the seat is not ours to call given.
    return order.open
      .filter((ordinal) => indexOfOrdinal(seats.ordinals, ordinal) >= 0)
      .map((ordinal) => ({ ordinal, code: 'has-seat', text: 'Has a seat already. Nothing was asked of the store.', retryable: false }))
  // Asked for and sent in one breath: what stands in the way was judged a moment ago.
  if (order.notBefore === undefined && order.cause !== 'leaver-policy') return []
  const wanted = new Set(verdicts.filter(({ state }) => state === 'placed').map(({ ordinal }) => ordinal))
  const wasGone = new Set(gone)
  return order.open.flatMap((ordinal): readonly Unasked[] => {
    const principal = directory.principal(ordinal)
    const isGone = principal === undefined || principal.left || !principal.active
    if (indexOfOrdinal(seats.ordinals, ordinal) < 0)
      return [
        { ordinal, code: 'no-seat', text: 'The seat had come back before the day. Nothing was asked of the store.', retryable: false },
      ]
    if (!isGone && wasGone.has(ordinal))
      return [
        {
          ordinal,
          code: 'came-back',
          text: 'Came back before the day, and keeps the seat. Retry the order to take it all the same.',
          retryable: false,
        },
      ]
    if (!isGone && wanted.has(ordinal))
      return [
        {
          ordinal,
          code: 'wished-for',
          text: 'An assignment asks for this seat by now, and it stays. Remove the assignment to give it back.',
          retryable: false,
        },
      ]
    return []
  })
}
