import { expect, test } from 'vitest'
import { callScenarios, countCalls } from '../bench/fewest-calls.ts'

/** The largest is in the bench alone. */
const scenarios = callScenarios.filter(({ products, devices, isOpen }) => products * devices < 100_000 && isOpen !== true)

test.each(scenarios)(
  '$name: as few calls as the limits allow, none above one, and every seat given',
  async (scenario) => {
    const { calls, least, aboveLimit, given, asked } = await countCalls(scenario)
    expect(calls).toBeLessThanOrEqual(least * 1.05)
    expect(calls).toBeGreaterThanOrEqual(least)
    expect(aboveLimit).toBe(0)
    expect(given).toBe(asked)
  },
  60_000,
)
