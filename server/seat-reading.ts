/** Reading one license's seats when something hangs on what is not among them. */
import type { SeatRead, StoreConnection, StoreFailure } from './stores/store.ts'
import { err, type Result } from '../shared/result.ts'

/** A smaller answer than this share of what is held is read twice before it is believed. */
export const suspiciousShare = 0.9

export const isShrunken = (read: number, known: number): boolean => read < known * suspiciousShare
/** After a first answer that was shrunken: the second counts when it is not, or when it says the same. */
export const isBelieved = (first: number, second: number, known: number): boolean => !isShrunken(second, known) || second === first

/**
 * Every seat of one license. `known` seats are held here: an answer that is much shorter counts only when a second one is
 * as long, since an empty or cut list would give seats away that are still in use. A second one that is not short is the
 * answer. Fails with `store-changed-meanwhile` when two short ones differ.
 */
export const readSeatsSurely = async (
  connection: StoreConnection,
  productId: string,
  pricing: string | null,
  known: number,
): Promise<Result<readonly SeatRead[], StoreFailure>> => {
  const first = await connection.readSeatsOf(productId, pricing)
  if (!first.ok || !isShrunken(first.value.length, known)) return first
  const second = await connection.readSeatsOf(productId, pricing)
  if (!second.ok) return second
  return isBelieved(first.value.length, second.value.length, known) ? second : err({ is: 'store-changed-meanwhile' })
}
