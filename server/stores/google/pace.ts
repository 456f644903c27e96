/**
 * How fast Google is asked over one connection: ten requests at a time, and one pause for all of them when Google asks for
 * it. What a person waits for goes before what a sync reads. Source: docs/stores/managed-google-play.md, "Pace".
 */
import type { Chance, Clock } from '../../../shared/clock.ts'

export interface GooglePace {
  /** Waits for a turn, which `done` ends. Gives 0 when it has come, or how long the pause still lasts when that is more than `mostWaitMs`; then there is no turn. */
  turn(urgent: boolean, mostWaitMs: number): Promise<number>
  done(): void
  /** Google could not serve a request. Every request now pauses; gives for how long. */
  backOff(retryAfterMs: number | undefined): number
  recovered(): void
}

const mostAtOnce = 10
const firstPauseMs = 2000
const longestOwnPauseMs = 64_000
/** What we let Google ask for. A longer or a wrong date would stop the connector unseen. */
const longestPauseMs = 60 * 60_000

interface Waiting {
  readonly until: number
  readonly go: (leftMs: number) => void
}

export const createGooglePace = ({ clock, chance }: { readonly clock: Clock; readonly chance: Chance }): GooglePace => {
  const urgent: Waiting[] = []
  const patient: Waiting[] = []
  let active = 0
  let pausedUntil = 0
  let troubles = 0
  let cancelTimer: (() => void) | undefined

  /** Never more than the longest pause, also after the clock was set back. */
  const pauseLeftMs = (): number => {
    pausedUntil = Math.min(pausedUntil, clock.now() + longestPauseMs)
    return Math.max(0, pausedUntil - clock.now())
  }

  const pump = (): void => {
    const leftMs = pauseLeftMs()
    if (leftMs > 0) {
      for (const lane of [urgent, patient])
        for (const waiting of lane.splice(0))
          if (pausedUntil > waiting.until) waiting.go(leftMs)
          else lane.push(waiting)
      cancelTimer?.()
      cancelTimer = urgent.length + patient.length === 0 ? undefined : clock.after(leftMs, pump)
      return
    }
    while (active < mostAtOnce) {
      const next = urgent.shift() ?? patient.shift()
      if (next === undefined) return
      active += 1
      next.go(0)
    }
  }

  return {
    turn: (isUrgent, mostWaitMs) =>
      new Promise((go) => {
        ;(isUrgent ? urgent : patient).push({ until: clock.now() + mostWaitMs, go })
        pump()
      }),
    done: () => {
      active -= 1
      pump()
    },
    backOff: (retryAfterMs) => {
      const own = Math.min(longestOwnPauseMs, firstPauseMs * 2 ** Math.min(troubles, 10))
      troubles += 1
      // Half is always waited, the rest by chance: many connectors that were refused together do not come back together.
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
  }
}
