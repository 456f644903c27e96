import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { cellInWords, cells, crashPoints, runCell } from './crash-matrix.ts'
import { runMatrix } from './matrix-pool.ts'
import { storeFaults } from './store-faults.ts'

const workers = Math.max(2, Math.min(availableParallelism(), 8))

test('the server dies at every named moment, with every kind of trouble at the store: no seat is given twice, beyond what is owned, or for nobody', async () => {
  const runs = await runMatrix({ from: 1, seeds: 1, workers })
  expect(runs).toHaveLength(cells.length)
  expect(runs.filter(({ broken }) => broken !== undefined).map(cellInWords)).toEqual([])
  // A cell that does not bite proves nothing: each moment is reached, and each fault strikes, nearly always.
  for (const point of crashPoints.filter((one) => one !== 'none')) {
    const died = runs.filter((run) => run.point === point && run.died > 0).length
    expect([point, died > storeFaults.length / 2]).toEqual([point, true])
  }
  for (const fault of storeFaults.filter((one) => one !== 'none')) {
    const struck = runs.filter((run) => run.fault === fault && run.struck > 0).length
    expect([fault, struck > crashPoints.length / 2]).toEqual([fault, true])
  }
}, 300_000)

/** Courses that broke once, with what was the matter. The rule itself has a test of its own, in tests/trips. */
const found = [
  { point: 'after-call', fault: 'never-completes', seed: 7073, why: 'an event without an end was waited for without an end' },
  { point: 'after-reading', fault: 'forbidden', seed: 2182, why: 'a renewed token was marked read-only by a sync that began before it' },
  { point: 'after-intent', fault: 'lists-lag', seed: 4605, why: 'a list that was older than a seat was taken for its release' },
] as const

test.each(found)('$point, $fault, seed $seed: $why', async ({ point, fault, seed }) => {
  const run = await runCell({ point, fault }, seed)
  expect(run.broken === undefined ? undefined : cellInWords(run)).toBeUndefined()
})

test('the same cell and seed give the same course', async () => {
  const cell = { point: 'after-call', fault: 'partly-done' } as const
  const [one, other] = [await runCell(cell, 7), await runCell(cell, 7)]
  expect(other).toEqual(one)
})
