/** At most so many tries of one key in a window that slides. Kept in memory: a restart forgets, and forgives. */
import type { Clock } from '../shared/clock.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface Limit {
  /**
   * Counts a try before it is made, so that many at once are counted too. The value gives it back, after a success.
   * Fails with the time until the next try is free.
   */
  take(key: string): Result<() => void, { readonly retryAfterMs: number }>
}

/** Memory stays bounded under tries from ever new keys: the ones quiet for longest are forgotten. */
const MOST_KEYS = 50_000

export const createLimit = (clock: Clock, rule: { readonly most: number; readonly windowMs: number }): Limit => {
  /** Times of tries, oldest first; keys in the order of their last try. */
  const triesByKey = new Map<string, readonly number[]>()

  return {
    take: (key) => {
      const now = clock.now()
      const tries = (triesByKey.get(key) ?? []).filter((at) => at > now - rule.windowMs)
      const oldest = tries[0]
      if (tries.length >= rule.most && oldest !== undefined) return err({ retryAfterMs: oldest + rule.windowMs - now })
      triesByKey.delete(key)
      triesByKey.set(key, [...tries, now])
      for (const quiet of triesByKey.keys()) {
        if (triesByKey.size <= MOST_KEYS) break
        triesByKey.delete(quiet)
      }
      return ok(() => {
        const left = triesByKey.get(key)
        const index = left?.lastIndexOf(now) ?? -1
        if (left === undefined || index < 0) return
        if (left.length === 1) triesByKey.delete(key)
        else triesByKey.set(key, left.toSpliced(index, 1))
      })
    },
  }
}
