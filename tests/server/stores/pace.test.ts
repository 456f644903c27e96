import { expect, test } from 'vitest'
import { createPace, parseRetryAfter } from '../../../server/stores/pace.ts'
import type { Chance } from '../../../shared/clock.ts'
import { handClock } from '../../world/hand-clock.ts'

const chanceOf = (fraction: number): Chance => ({ fraction: () => fraction, bytes: (count) => new Uint8Array(count) })
const round = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('no second holds more than three quarters of what Apple allows, and in the long run it is half', async () => {
  const clock = handClock()
  const pace = createPace({ clock, chance: chanceOf(0) })
  pace.setRate(16)
  const at: number[] = []
  for (let n = 0; n < 100; n += 1) void pace.turn(0).then(() => at.push(clock.now()))
  const start = clock.now()
  for (let ms = 0; ms < 20_000; ms += 25) {
    await round()
    clock.pass(25)
  }
  await round()
  expect(at).toHaveLength(100)
  for (const first of at) expect(at.filter((ms) => ms >= first && ms < first + 1000).length).toBeLessThanOrEqual(12)
  const seconds = ((at.at(-1) ?? 0) - start) / 1000
  expect(100 / seconds).toBeGreaterThan(7)
  expect(100 / seconds).toBeLessThan(8.6)
})

test('pauses without a word from Apple double up to five minutes, with jitter, and begin anew after a success', () => {
  const pausesAt = (fraction: number): readonly number[] => {
    const pace = createPace({ clock: handClock(), chance: chanceOf(fraction) })
    return Array.from({ length: 11 }, () => pace.backOff(undefined))
  }
  expect(pausesAt(0).map((ms) => ms / 500)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  for (const [at, ms] of pausesAt(0.999).entries()) expect(ms).toBeGreaterThan((pausesAt(0)[at] ?? 0) * 1.9)
  const pace = createPace({ clock: handClock(), chance: chanceOf(0) })
  pace.backOff(undefined)
  pace.backOff(undefined)
  pace.recovered()
  expect(pace.backOff(undefined)).toBe(500)
})

test('what Apple asks for is kept whole, up to an hour, and nobody asks before', async () => {
  const clock = handClock()
  const pace = createPace({ clock, chance: chanceOf(0) })
  expect(pace.backOff(120_000)).toBe(120_000)
  expect(await pace.turn(30_000)).toBe(120_000)
  // A shorter pause does not shorten a longer one.
  pace.backOff(1000)
  expect(await pace.turn(30_000)).toBe(120_000)
  clock.pass(119_999)
  expect(await pace.turn(0)).toBe(1)
  clock.pass(1)
  expect(await pace.turn(0)).toBe(0)
  expect(pace.backOff(86_400_000)).toBe(3_600_000)
  // "Now" is no pace: the own pause holds.
  expect(pace.backOff(0)).toBeGreaterThanOrEqual(500)
})

test('case 46: a clock that is set back a day neither stalls a pause nor the turns', async () => {
  let now = Date.UTC(2026, 10, 24)
  const waits: number[] = []
  const clock = {
    now: () => now,
    after: (ms: number, act: () => void) => {
      waits.push(ms)
      now += ms
      act()
      return () => undefined
    },
  }
  const pace = createPace({ clock, chance: chanceOf(0) })
  for (let n = 0; n < 3; n += 1) await pace.turn(0)
  now -= 86_400_000
  waits.length = 0
  for (let n = 0; n < 10; n += 1) expect(await pace.turn(0)).toBe(0)
  expect(Math.max(...waits)).toBeLessThan(2000)
  pace.backOff(120_000)
  now -= 86_400_000
  expect(await pace.turn(0)).toBeLessThanOrEqual(3_600_000)
  now += 30 * 86_400_000
  waits.length = 0
  // A jump ahead fills the bucket once: no storm.
  for (let n = 0; n < 6; n += 1) await pace.turn(0)
  expect(waits.filter((ms) => ms > 0).length).toBeGreaterThanOrEqual(3)
})

test.each([
  ['seconds', '120', 120_000],
  ['a fraction', '1.5', 1500],
  ['a date', 'Tue, 24 Nov 2026 09:02:00 GMT', 120_000],
  ['a date gone by', 'Tue, 24 Nov 2026 08:00:00 GMT', 0],
  ['rubbish', 'soon', undefined],
  ['a negative number', '-5', undefined],
  ['a number with a word', '5 minutes', undefined],
  ['nothing', '', undefined],
])('Retry-After as %s', (_what, header, ms) => {
  expect(parseRetryAfter(new Headers({ 'retry-after': header }), Date.UTC(2026, 10, 24, 9))).toBe(ms)
})

test('no Retry-After at all', () => {
  expect(parseRetryAfter(new Headers(), 0)).toBeUndefined()
})
