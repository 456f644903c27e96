/** What became of an event, from its status alone. Source: docs/stores/apple-apps-and-books.md, 2.9. */
import type { HolderKey, OrderStatus, ProductKey, TargetFailure } from '../store.ts'
import { standardPricing } from './asset.ts'
import { isAsAsked, targetFailureOf, type MessageOf } from './failures.ts'
import { distinctHolders, holderName } from './holder.ts'
import type { EventFailure, EventStatus } from './wire.ts'

const holdersNamedBy = ({ clientUserIds, serialNumbers }: EventFailure): readonly HolderKey[] =>
  distinctHolders([
    ...clientUserIds.map((key): HolderKey => ({ kind: 'user', key })),
    ...serialNumbers.map((key): HolderKey => ({ kind: 'device', key })),
  ])

const productName = ({ productId, pricing }: ProductKey): string => `${productId}/${pricing ?? standardPricing}`

/** The products of the call that a failure is about. With one product it is that one, whatever is named. Null: not told. */
const productsNamedBy = ({ assets }: EventFailure, products: readonly ProductKey[]): readonly ProductKey[] | null => {
  if (products.length <= 1) return products
  const named = new Set(assets.map(({ adamId, pricingParam }) => productName({ productId: adamId, pricing: pricingParam ?? null })))
  const some = products.filter((product) => named.has(productName(product)))
  return some.length === 0 ? null : some
}

/**
 * FAILED says that at least one task failed, not that nothing happened. A status that is not known reads as pending.
 * `products` are those of the call; none where it was about people.
 *
 * `done` only when the numbers prove it: COMPLETE with everything completed, or the rest of them named as being as asked
 * already (9616, 9619). `complete` only when every failure names its targets and products, and completed and named add up
 * to what was asked: a failure that puts several products and targets together may name more than failed, and then the
 * sum is too large. Otherwise the truth is in the seats.
 */
export const orderStatusOf = (event: EventStatus, products: readonly ProductKey[], messageOf: MessageOf): OrderStatus => {
  if (event.status !== 'COMPLETE' && event.status !== 'FAILED') return { is: 'pending' }
  const named = new Set<string>()
  let allNamed = true
  const failures: TargetFailure[] = []
  for (const failure of event.failures) {
    const holders = holdersNamedBy(failure)
    const about = productsNamedBy(failure, products)
    if (holders.length === 0 || about === null) allNamed = false
    for (const holder of holders)
      for (const product of about !== null && about.length > 0 ? about.map(productName) : [''])
        named.add(`${product} ${holderName(holder)}`)
    if (!isAsAsked(failure.errorNumber))
      failures.push({
        holders: holders.length === 0 ? null : holders,
        products: about === null || about.length === 0 ? null : about,
        ...targetFailureOf(failure.errorNumber, messageOf),
      })
  }
  const { requested, completed } = event
  const addsUp = requested !== undefined && completed !== undefined && completed + named.size === requested
  const complete = allNamed && addsUp
  // FAILED without a single failure contradicts itself.
  const proven = complete && failures.length === 0 && (event.status === 'COMPLETE' || event.failures.length > 0)
  return proven ? { is: 'done' } : { is: 'failed', failures, complete: complete && failures.length > 0 }
}
