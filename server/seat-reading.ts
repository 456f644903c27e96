/** Reading one license's seats when something hangs on what is not among them. */
import type { SeatRead, StoreConnection, StoreFailure } from './stores/store.ts'
import { err, type Result } from '../shared/result.ts'

/** A smaller answer than this share of what is held is read twice before it is believed. */
export const suspiciousShare = 0.9

/**
 * Every seat of one license. `known` seats are held here: an answer that is much shorter counts only when a second one is
 * as long, since an empty or cut list would give seats away that are still in use. Fails with `store-changed-meanwhile`
 * when the two differ.
 */
export const readSeatsSurely = async (
  connection: StoreConnection,
  productId: string,
  pricing: string | null,
  known: number,
): Promise<Result<readonly SeatRead[], StoreFailure>> => {
  const first = await connection.readSeatsOf(productId, pricing)
  if (!first.ok || first.value.length >= known * suspiciousShare) return first
  const second = await connection.readSeatsOf(productId, pricing)
  if (!second.ok) return second
  return second.value.length === first.value.length ? second : err({ is: 'store-changed-meanwhile' })
}
