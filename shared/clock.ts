/** Time and chance come in as arguments, so that the whole system can run inside a seeded simulation. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls `act` once after `ms`; the returned function takes it back. */
  after(ms: number, act: () => void): () => void
}

export interface Chance {
  /** 0 ≤ n < 1. */
  fraction(): number
  /** `count` random bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer>
}

export const sleep = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))

export const isoTime = (ms: number): string => new Date(ms).toISOString()

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
/** 20 characters of base 32, 100 bits: short enough to read, long enough never to meet again. */
export const randomId = (chance: Chance): string => {
  let text = ''
  for (const byte of chance.bytes(20)) text += ALPHABET[byte & 31]
  return text
}
