/**
 * Time that moves from one event to the next. An act runs, everything that follows from it at that instant runs to its
 * end, and only then comes the next event: so one seed gives one course of things.
 */
import type { Clock } from '../../shared/clock.ts'

/** Somebody whose timers and answers end with them: a server process, a tab. */
export interface Life {
  alive: boolean
}

export interface Schedule {
  now(): number
  /** A clock whose timers die with their owner. */
  clockOf(life: Life): Clock
  after(ms: number, act: () => void): () => void
  /** Tells that something happened in this turn: whoever waits for rest waits on. */
  stir(): void
  /** Runs what is at rest only when nothing more follows at this instant. */
  rest(): Promise<void>
  /** The next event that is due by `until`. False: there is none. */
  step(until: number): Promise<boolean>
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  /** Steps until the promise answers. Throws when nothing moves any more, or after `mostMs`. */
  run<T>(promise: Promise<T>, mostMs?: number): Promise<T>
  /** Called after every event, at rest. */
  afterEach: () => void
  events(): number
}

interface Event {
  readonly at: number
  readonly order: number
  readonly act: () => void
  live: boolean
}

/** Turns of the event loop without anything happening until an instant is at rest: a body is read in one turn, a stream in two. */
const quietTurns = 3
/** A full sync takes some hundred. */
const mostTurns = 50_000

export const createSchedule = (start: number): Schedule => {
  let now = start
  let order = 0
  let stirred = 0
  let done = 0
  const heap: Event[] = []

  const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
  const push = (event: Event): void => {
    heap.push(event)
    for (let at = heap.length - 1; at > 0;) {
      const above = (at - 1) >> 1
      const [child, parent] = [heap[at], heap[above]]
      if (child === undefined || parent === undefined || !before(child, parent)) break
      heap[at] = parent
      heap[above] = child
      at = above
    }
  }
  const pop = (): Event | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    heap[0] = last
    for (let at = 0; ;) {
      let least = at
      for (const below of [at * 2 + 1, at * 2 + 2]) {
        const [child, smallest] = [heap[below], heap[least]]
        if (child !== undefined && smallest !== undefined && before(child, smallest)) least = below
      }
      if (least === at) return first
      const [one, other] = [heap[at], heap[least]]
      if (one === undefined || other === undefined) return first
      heap[at] = other
      heap[least] = one
      at = least
    }
  }

  const after = (ms: number, act: () => void): (() => void) => {
    stirred += 1
    const event: Event = { at: now + Math.max(0, ms), order: (order += 1), act, live: true }
    push(event)
    return () => void (event.live = false)
  }

  const rest = async (): Promise<void> => {
    for (let [quiet, turns] = [0, 0]; quiet < quietTurns; turns += 1) {
      if (turns > mostTurns) throw new Error('world: this instant does not end')
      const seen = stirred
      await new Promise<void>((resolve) => void setImmediate(resolve))
      quiet = stirred === seen ? quiet + 1 : 0
    }
  }

  const schedule: Schedule = {
    now: () => now,
    after,
    clockOf: (life) => ({
      now: () => now,
      after: (ms, act) => (life.alive ? after(ms, () => (life.alive ? act() : undefined)) : () => undefined),
    }),
    stir: () => void (stirred += 1),
    rest,
    step: async (until) => {
      for (;;) {
        const next = heap[0]
        if (next === undefined || next.at > until) return false
        pop()
        if (!next.live) continue
        now = next.at
        done += 1
        next.act()
        await rest()
        schedule.afterEach()
        return true
      }
    },
    pass: async (ms) => {
      const end = now + ms
      await rest()
      while (await schedule.step(end));
      now = end
    },
    run: async (promise, mostMs = 60 * 60_000) => {
      let settled = false
      const finished = promise.finally(() => void (settled = true))
      finished.catch(() => undefined)
      const end = now + mostMs
      await rest()
      while (!settled) if (!(await schedule.step(end))) throw new Error('world: what was waited for never came')
      return await finished
    },
    afterEach: () => undefined,
    events: () => done,
  }
  return schedule
}
