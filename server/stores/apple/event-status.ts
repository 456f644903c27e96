/** What became of an event, from its status alone. Source: docs/stores/apple-apps-and-books.md, 2.9. */
import type { HolderKey, OrderStatus, TargetFailure } from '../store.ts'
import { isAsAsked, targetFailureOf, type MessageOf } from './failures.ts'
import { distinctHolders, holderName } from './holder.ts'
import type { EventFailure, EventStatus } from './wire.ts'

const holdersNamedBy = ({ clientUserIds, serialNumbers }: EventFailure): readonly HolderKey[] =>
  distinctHolders([
    ...clientUserIds.map((key): HolderKey => ({ kind: 'user', key })),
    ...serialNumbers.map((key): HolderKey => ({ kind: 'device', key })),
  ])

/**
 * FAILED says that at least one task failed, not that nothing happened. A status that is not known reads as pending.
 *
 * `done` only when the numbers prove it: COMPLETE with everything completed, or the rest of them named as being as asked
 * already (9616, 9619). `complete` only when every failure names its targets and completed and named add up to what was
 * asked; otherwise the truth is in the seats. An order is one product times its targets, so a target is one task.
 */
export const orderStatusOf = (event: EventStatus, messageOf: MessageOf): OrderStatus => {
  if (event.status !== 'COMPLETE' && event.status !== 'FAILED') return { is: 'pending' }
  const named = new Set<string>()
  let allNamed = true
  const failures: TargetFailure[] = []
  for (const failure of event.failures) {
    const holders = holdersNamedBy(failure)
    for (const holder of holders) named.add(holderName(holder))
    if (holders.length === 0) allNamed = false
    if (!isAsAsked(failure.errorNumber))
      failures.push({ holders: holders.length === 0 ? null : holders, ...targetFailureOf(failure.errorNumber, messageOf) })
  }
  const { requested, completed } = event
  const addsUp = requested !== undefined && completed !== undefined && completed + named.size === requested
  const complete = allNamed && addsUp
  // FAILED without a single failure contradicts itself.
  const proven = complete && failures.length === 0 && (event.status === 'COMPLETE' || event.failures.length > 0)
  return proven ? { is: 'done' } : { is: 'failed', failures, complete: complete && failures.length > 0 }
}
