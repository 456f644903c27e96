import { expect, test } from 'vitest'
import { createProjectBudget } from '../../../../../server/stores/google/management/budget.ts'
import { drivenClock } from '../../apple/apple-link.ts'

test('3,000 requests of three connectors never come to more than 1,000 in any 100 seconds, and each has its part', async () => {
  const clock = drivenClock()
  const budget = createProjectBudget(clock)
  const gone: { readonly at: number; readonly by: number }[] = []
  const shares = [0, 1, 2].map((by) => ({ by, turn: budget.share() }))
  await clock.run(
    Promise.all(
      shares.flatMap(({ by, turn }) => Array.from({ length: 1000 }, () => turn(false).then(() => void gone.push({ at: clock.now(), by })))),
    ),
  )
  expect(gone).toHaveLength(3000)
  for (const [n, { at }] of gone.entries()) expect((gone[n + 1000]?.at ?? Infinity) - at).toBeGreaterThan(100_000 - 200)
  const early = gone.slice(0, 600)
  expect([0, 1, 2].map((by) => early.filter((each) => each.by === by).length).every((count) => count > 150)).toBe(true)
})

test('what a person waits for goes before what was asked for earlier', async () => {
  const clock = drivenClock()
  const turn = createProjectBudget(clock).share()
  const order: string[] = []
  const patient = Array.from({ length: 300 }, () => turn(false).then(() => void order.push('sync')))
  await clock.run(Promise.all([...patient, turn(true).then(() => void order.push('person'))]))
  expect(order.indexOf('person')).toBeLessThanOrEqual(100)
})
