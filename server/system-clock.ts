/** The machine's time and chance. Only composition roots import this. */
import { randomBytes } from 'node:crypto'
import type { Chance, Clock } from '../shared/clock.ts'

/** Node's timers count 31 bits: a longer wait would end at once. */
const LONGEST_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, Math.min(Math.max(ms, 0), LONGEST_MS))
    return () => clearTimeout(timer)
  },
}

const bytes = (count: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(count))

export const systemChance: Chance = {
  bytes,
  // 53 bits, as many as a fraction can hold.
  fraction: () => Number(new DataView(bytes(8).buffer).getBigUint64(0) >> 11n) / 2 ** 53,
}
