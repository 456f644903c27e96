import { expect, test } from 'vitest'
import { columnsOfMembers, membersKey, rowsFact } from '../../shared/facts.ts'
import { membersFact } from '../../server/directory/directory.ts'
import { groupOf } from '../shared/weighing.ts'
import { createWorld } from '../world/world.ts'

test('a license is weighed again when the members of a group change', async () => {
  await using world = await createWorld()
  const { ana, store } = world
  store.owns('Keynote', { seats: 8 })
  await world.syncNow()
  await ana.assign('Keynote', 'Tablets')
  await world.settle()
  const { journal } = world.mustServer().house
  const group = groupOf('tablets')
  const ordinal = (name: string): number => Number(world.targetOf(name).slice(1))
  await journal.write(async (write) => {
    const before = await write.columns(membersKey(group))
    const fact = membersFact(group, before, columnsOfMembers([ordinal('iPad-1'), ordinal('iPad-5')]))
    if (fact !== undefined) await write.record(fact)
  })
  await world.settle()
  // Who came gets a seat; who left keeps it: the absence of a wish releases nothing.
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-2', 'iPad-3', 'iPad-5'])
  expect(await world.license('Keynote')).toMatchObject({ tally: { assigned: 2, found: 2 } })
})

test('a license is weighed again when somebody leaves the organisation', async () => {
  await using world = await createWorld()
  const { ana, store } = world
  store.owns('Pages', { seats: 1 })
  store.gives('Pages', 'iPad-8')
  await world.syncNow()
  await ana.assign('Pages', 'iPad-1')
  await world.settle()
  expect(await ana.sees('Pages', 'iPad-1')).toEqual({ state: 'waiting', because: 'no-seat-left' })
  await world.mustServer().house.journal.write(async (write) => {
    const device = (await write.rows('principals/0')).find(({ id }) => id === String(world.targetOf('iPad-1')))
    if (device !== undefined) await write.record(rowsFact('principals/0', [{ ...device, left: '2026-11-24T09:00:00.000Z' }]))
  })
  await world.settle()
  expect(await ana.sees('Pages', 'iPad-1')).toEqual({ state: 'refused', because: 'principal-left' })
})

test('what may pass is asked for again at growing distances, and not all the time', async () => {
  await using world = await createWorld()
  const { ana, store } = world
  store.control.faults.arm({ fault: { is: 'tasks-fail', errorNumber: 9603, every: 1 }, endpoint: 'associate' })
  const asked: number[] = []
  store.line.onLeave = ({ path }) => {
    if (path.endsWith('/associate')) asked.push(world.schedule.now())
  }
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(60 * 60_000)
  expect(asked.length).toBeGreaterThan(3)
  expect(asked.length).toBeLessThan(20)
  const distances = asked.slice(1).map((at, index) => at - (asked[index] ?? 0))
  expect(distances[0]).toBeGreaterThanOrEqual(30_000)
  expect(distances.at(-1)).toBeGreaterThan((distances[0] ?? 0) * 4)
  store.control.faults.clear()
  await world.pass(2 * 60 * 60_000)
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})

test('the tally follows what was placed, in one step with it', async () => {
  await using world = await createWorld()
  const { ana } = world
  await ana.assign('Keynote', 'Tablets')
  await world.pass(500)
  expect(await world.license('Keynote')).toMatchObject({ tally: { desired: 3, pending: 3, placed: 0 } })
  await world.settle()
  expect(await world.license('Keynote')).toMatchObject({ tally: { desired: 3, pending: 0, placed: 3, assigned: 3 } })
})
