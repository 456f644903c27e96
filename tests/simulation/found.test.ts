import { expect, test } from 'vitest'
import { inWords } from './pool.ts'
import { simulate } from './simulate.ts'

/** Seeds that broke once, with what was the matter. The rule itself has a test of its own, in tests/trips or tests/shared. */
test.each([
  [16, 'facts of a commit that was reported as failed were told to nobody'],
  [29, 'a seat that was seen before its order was settled got a second order'],
  [73, 'a cancelled order kept its line awake without a rest'],
  [127, 'a wish to take was taken back, and its order took the seat all the same'],
  [285, 'a seat that somebody else gave counted as ours while our order had not left'],
  [830, 'one empty list was taken for a seat that was given back'],
] as const)(
  'seed %i: %s',
  async (seed) => {
    const result = await simulate(seed)
    expect(result.broken === undefined ? undefined : inWords(result)).toBeUndefined()
  },
  30_000,
)
