/**
 * How fast one Location may be asked: a token bucket at half of what its store allows, since another management service
 * may use the other half, and one pause for the whole Location when the store asks for it.
 * Source: docs/stores/apple-apps-and-books.md, 2.14.
 */
import { sleep, type Chance, type Clock } from '../../shared/clock.ts'

export interface Pace {
  /** Waits for this Location's turn. Gives 0 when it has come, or how long the pause still lasts when that is more than `mostWaitMs`. */
  turn(mostWaitMs: number): Promise<number>
  /** The store could not serve a request. Every request of the Location now pauses; gives for how long. */
  backOff(retryAfterMs: number | undefined): number
  /** The store served a request: the next trouble begins with a short pause again. */
  recovered(): void
  setRate(requestsPerSecond: number): void
}

/** Allowed requests a second while the store has not said; Apple's older answers leave it out. */
export const defaultRequestsPerSecond = 10
const ourShare = 0.5
/** Requests that may follow each other at once, in seconds of our share: with it, no second holds more than three quarters of what is allowed. */
const burstS = 0.5
const firstPauseMs = 1000
const longestOwnPauseMs = 300_000
/** What we let a store ask for. A longer or a wrong date would stop the Location unseen. */
export const longestPauseMs = 60 * 60_000

export const createPace = ({
  clock,
  chance,
  requestsPerSecond = defaultRequestsPerSecond,
}: {
  readonly clock: Clock
  readonly chance: Chance
  /** What the store allows until `setRate` says otherwise. */
  readonly requestsPerSecond?: number
}): Pace => {
  let perSecond = requestsPerSecond * ourShare
  const most = (): number => Math.max(1, perSecond * burstS)
  let tokens = most()
  let filledAt = clock.now()
  let pausedUntil = 0
  let troubles = 0

  /** Takes one token, on credit when there is none, and gives the wait until it is earned: so turns come in the order of asking. */
  const takeToken = (): number => {
    const now = clock.now()
    // A clock that was set back earns nothing; one that jumped ahead fills the bucket once.
    tokens = Math.min(most(), tokens + (Math.max(0, now - filledAt) * perSecond) / 1000) - 1
    filledAt = now
    return tokens >= 0 ? 0 : Math.ceil((-tokens * 1000) / perSecond)
  }

  /** Never more than the longest pause, also after the clock was set back. */
  const pauseLeftMs = (): number => {
    pausedUntil = Math.min(pausedUntil, clock.now() + longestPauseMs)
    return Math.max(0, pausedUntil - clock.now())
  }

  return {
    turn: async (mostWaitMs) => {
      const waitMs = takeToken()
      if (waitMs > 0) await sleep(clock, waitMs)
      // A pause may begin, or grow, while this one waits.
      for (let waited = 0; ;) {
        const leftMs = pauseLeftMs()
        if (leftMs === 0) return 0
        if (waited + leftMs > mostWaitMs) return leftMs
        await sleep(clock, leftMs)
        waited += leftMs
      }
    },
    backOff: (retryAfterMs) => {
      const own = Math.min(longestOwnPauseMs, firstPauseMs * 2 ** Math.min(troubles, 10))
      troubles += 1
      // The jitter takes up to half away; what the store asked for is never cut short.
      const pauseMs =
        retryAfterMs !== undefined && retryAfterMs > 0
          ? Math.min(retryAfterMs, longestPauseMs)
          : Math.ceil(own * (0.5 + chance.fraction() / 2))
      pausedUntil = Math.max(clock.now() + pauseLeftMs(), clock.now() + pauseMs)
      return pauseMs
    },
    recovered: () => {
      troubles = 0
    },
    setRate: (requestsPerSecond) => {
      perSecond = Math.max(1, requestsPerSecond * ourShare)
      tokens = Math.min(tokens, most())
    },
  }
}

/** Seconds or an HTTP date, in milliseconds; undefined for nothing and for what is neither. Not yet cut to the longest pause. */
export const parseRetryAfter = (headers: Headers, now: number): number | undefined => {
  const header = headers.get('retry-after')?.trim()
  if (header === undefined || header === '') return undefined
  if (/^\d{1,12}(\.\d+)?$/.test(header)) return Number(header) * 1000
  // Only the form of an HTTP date: the language would read a date into almost anything.
  if (!/^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/.test(header)) return undefined
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
