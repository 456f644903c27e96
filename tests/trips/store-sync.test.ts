import { expect, test } from 'vitest'
import { createWorld } from '../world/world.ts'

test('what was bought and given at the store is seen on every console after a sync', async () => {
  await using world = await createWorld({ seed: 1 })
  const { ana, ben, store } = world
  store.owns('Keynote', { seats: 12 })
  store.gives('Keynote', 'iPad-5')
  await world.syncNow()
  await world.settle()
  expect(await world.license('Keynote')).toMatchObject({ total: 12, inUse: 1, available: 11, tally: { found: 1, assigned: 0 } })
  for (const admin of [ana, ben]) expect(admin.console().meta()?.seq).toBe(world.mustServer().house.journal.seq())
})

test('a second request joins the sync that runs', async () => {
  await using world = await createWorld({ seed: 2 })
  const { syncs } = world.mustServer().house
  const { id } = await world.connector()
  const [one, other] = [await syncs.request(id, 'admin', false), await syncs.request(id, 'admin', true)]
  expect(other?.id).toBe(one?.id)
  await world.settle()
})

test('a sync that fails leaves the old data with its age, and says so', async () => {
  await using world = await createWorld({ seed: 3 })
  const { store } = world
  const before = await world.license('Keynote')
  const { lastGoodSyncAt } = await world.connector()
  store.owns('Keynote', { seats: 9 })
  store.line.fault = () => ({ is: 'bad-gateway', when: 'before' })
  await world.syncNow()
  expect(await world.license('Keynote')).toEqual(before)
  expect(await world.connector()).toMatchObject({ lastGoodSyncAt, lastSync: { state: 'failed' } })
  // And by itself it is tried again.
  store.line.fault = () => undefined
  await world.pass(20 * 60_000)
  expect(await world.license('Keynote')).toMatchObject({ total: 9 })
})

test('a sync that a crash cut off ends as interrupted, and the next one follows', async () => {
  await using world = await createWorld({ seed: 4 })
  const { syncs } = world.mustServer().house
  const { id } = await world.connector()
  const sync = await syncs.request(id, 'admin', true)
  await world.pass(60)
  world.crashServer()
  await world.restartServer()
  const found = await world.mustServer().house.syncs.find(sync?.id ?? '')
  expect(found).toMatchObject({ state: 'failed', error: { code: 'interrupted' } })
  await world.pass(60_000)
  expect(await world.connector()).toMatchObject({ lastSync: { state: 'succeeded' } })
})

test('an empty or shrunken answer takes nothing from anyone', async () => {
  await using world = await createWorld({ seed: 5 })
  const { ana, store } = world
  store.owns('Keynote', { seats: 8 })
  for (const device of ['iPad-1', 'iPad-2', 'iPad-3', 'iPad-4', 'iPad-5', 'iPad-6']) store.gives('Keynote', device)
  await ana.assign('Keynote', 'iPad-7')
  await world.syncNow()
  await world.settle()
  const before = await world.license('Keynote')
  expect(before).toMatchObject({ inUse: 7, gone: false })
  store.control.faults.arm({ fault: { is: 'empty-list' }, times: 1 })
  await world.syncNow(true)
  await world.settle()
  store.control.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'assignments', times: 1 })
  await world.syncNow(true)
  await world.settle()
  expect(store.holders('Keynote')).toHaveLength(7)
  expect(await world.license('Keynote')).toMatchObject({ total: 8, gone: false, tally: { assigned: 1, found: 6 } })
  expect(await ana.sees('Keynote', 'iPad-7')).toEqual({ state: 'placed', because: 'has-seat' })
  expect(store.control.requests().filter(({ method, path }) => method === 'POST' && path.includes('disassociate'))).toEqual([])
})

test('a seat freed at the store promotes the next one on the waiting list by itself', async () => {
  await using world = await createWorld({ seed: 6 })
  const { ana, ben, store } = world
  store.owns('Pages', { seats: 1 })
  store.gives('Pages', 'iPad-8')
  await world.syncNow()
  await ana.assign('Pages', 'iPad-1')
  await world.settle()
  expect(await ben.sees('Pages', 'iPad-1')).toEqual({ state: 'waiting', because: 'no-seat-left' })
  store.takes('Pages', 'iPad-8')
  // Nobody does anything: the schedule's next sync finds it.
  await world.pass(20 * 60_000)
  await world.settle()
  expect(store.holders('Pages')).toEqual(['iPad-1'])
  expect(await ben.sees('Pages', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
})

test('a bought seat serves the waiting list in its order', async () => {
  await using world = await createWorld({ seed: 7 })
  const { ana, store } = world
  store.owns('Pages', { seats: 0 })
  await world.syncNow()
  await ana.assign('Pages', 'iPad-2')
  await world.settle()
  await ana.assign('Pages', 'iPad-1')
  await world.settle()
  store.owns('Pages', { seats: 1 })
  await world.syncNow()
  await world.settle()
  expect(store.holders('Pages')).toEqual(['iPad-2'])
  store.owns('Pages', { seats: 2 })
  await world.syncNow()
  await world.settle()
  expect(store.holders('Pages')).toEqual(['iPad-2', 'iPad-1'])
})
