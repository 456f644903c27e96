import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { faultKinds } from './faults.ts'
import { inWords, simulateMany } from './pool.ts'
import { simulate } from './simulate.ts'

const workers = Math.max(2, Math.min(availableParallelism(), 8))

const broken = (results: Awaited<ReturnType<typeof simulateMany>>): readonly string[] =>
  results.filter((result) => result.broken !== undefined).map(inWords)

test('a thousand courses of trouble: nothing is lost, nothing is given twice, and everything comes to rest', async () => {
  const results = await simulateMany({ from: 1, count: 1000, workers, options: {}, untilBroken: false })
  expect(results).toHaveLength(1000)
  expect(broken(results)).toEqual([])
  const faults = results.reduce((sum, result) => sum + result.faults, 0)
  const edits = results.reduce((sum, result) => sum + result.edits, 0)
  // The swarm has to bite: some 45 incidents and 25 edits in each course.
  expect(faults).toBeGreaterThan(35_000)
  expect(edits).toBeGreaterThan(15_000)
})

test('each kind of trouble alone, and none at all', async () => {
  for (const only of [...faultKinds, 'none'] as const) {
    const results = await simulateMany({ from: 5001, count: 4, workers, options: { only, steps: 50 }, untilBroken: false })
    expect(results).toHaveLength(4)
    expect(broken(results)).toEqual([])
  }
})

describe('the same seed', () => {
  test('gives the same course, byte for byte', async () => {
    for (const seed of [3, 14, 159]) {
      const [one, other] = [await simulate(seed), await simulate(seed)]
      expect(other.digest).toBe(one.digest)
      expect(other.acts).toEqual(one.acts)
    }
    expect((await simulate(3)).digest).not.toBe((await simulate(4)).digest)
  })
})
