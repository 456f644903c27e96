/** A clock that moves only by hand, and chance from a seed. */
import type { Chance, Clock } from '../../shared/clock.ts'

export interface HandClock extends Clock {
  /** Lets time pass; what was due meanwhile is done, in its order. */
  pass(ms: number): void
}

export const handClock = (start = Date.UTC(2026, 10, 24, 9)): HandClock => {
  let now = start
  let made = 0
  const due = new Map<number, { readonly at: number; readonly act: () => void }>()
  return {
    now: () => now,
    after: (ms, act) => {
      const id = ++made
      due.set(id, { at: now + Math.max(0, ms), act })
      return () => void due.delete(id)
    },
    pass: (ms) => {
      const end = now + ms
      for (;;) {
        let next: readonly [number, { readonly at: number; readonly act: () => void }] | undefined
        for (const entry of due) if (entry[1].at <= end && (next === undefined || entry[1].at < next[1].at)) next = entry
        if (next === undefined) break
        due.delete(next[0])
        now = next[1].at
        next[1].act()
      }
      now = end
    },
  }
}

/** Mulberry32: 32 bits of state, the same run for the same seed. */
export const seededChance = (seed: number): Chance => {
  let state = seed >>> 0
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    fraction: () => word() / 2 ** 32,
    bytes: (count) => Uint8Array.from({ length: count }, () => word() >>> 24),
  }
}
