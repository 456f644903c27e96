import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { plantedBugs } from './planted-bugs.ts'
import { simulateMany } from './pool.ts'

const workers = Math.max(2, Math.min(availableParallelism(), 8))

test.each(plantedBugs.map((plant) => [plant.name, plant] as const))('found within a thousand seeds: %s', async (_, plant) => {
  const results = await simulateMany({ from: 1, count: 1000, workers, options: {}, plant, untilBroken: true })
  expect(results.filter(({ broken }) => broken !== undefined).length).toBeGreaterThan(0)
})
