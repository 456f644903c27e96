import { expect, test } from 'vitest'
import { createWorld } from '../world/world.ts'

test('removed with release, the seat goes back to the pool and the assignment leaves the list', async () => {
  await using world = await createWorld({ seed: 1 })
  const { ana, ben, store } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  await ben.remove('Keynote', 'iPad-1', 'release')
  expect(await ben.sees('Keynote', 'iPad-1')).toEqual({ state: 'pending', because: 'release-to-come' })
  await world.settle()
  expect(store.holders('Keynote')).toEqual([])
  expect(await ana.wishes('Keynote')).toEqual([])
  expect(await world.license('Keynote')).toMatchObject({ inUse: 0, available: 3 })
})

test('removed with keep, the seat stays and is found from now on', async () => {
  await using world = await createWorld({ seed: 2 })
  const { ana, store } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  await ana.remove('Keynote', 'iPad-1', 'keep')
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(await world.license('Keynote')).toMatchObject({ tally: { assigned: 0, found: 1 } })
  expect(await ana.wishes('Keynote')).toEqual([])
})

test('removed and given again, it is placed again', async () => {
  await using world = await createWorld({ seed: 3 })
  const { ana, ben, store } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  await ana.remove('Keynote', 'iPad-1')
  await world.settle()
  expect(await ben.assign('Keynote', 'iPad-1')).toMatchObject({ ok: true })
  await world.settle()
  expect(ben.refused()).toEqual([])
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})

test('taken back before the order left, nothing is asked of the store', async () => {
  await using world = await createWorld({ seed: 4 })
  const { ana, store } = world
  ana.goOffline()
  await ana.assign('Keynote', 'iPad-1')
  await ana.remove('Keynote', 'iPad-1')
  ana.goOnline()
  await world.settle()
  expect(store.holders('Keynote')).toEqual([])
  expect(await ana.wishes('Keynote')).toEqual([])
})

test('found seats are left alone: by assigning over them, by excluding and by removing', async () => {
  await using world = await createWorld({ seed: 5 })
  const { ana, store } = world
  store.gives('Keynote', 'iPad-1')
  store.gives('Keynote', 'iPad-2')
  await world.syncNow()
  await ana.assign('Keynote', 'iPad-1')
  await ana.exclude('Keynote', 'iPad-2')
  await world.settle()
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'had-seat-already' })
  expect(await ana.sees('Keynote', 'iPad-2')).toEqual({ state: 'excluded', because: 'excluded' })
  await ana.remove('Keynote', 'iPad-1')
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1', 'iPad-2'])
})

test('a group’s assignment reaches its members, and its removal gives their seats back', async () => {
  await using world = await createWorld({ seed: 6 })
  const { ana, store } = world
  await ana.assign('Keynote', 'Tablets')
  await world.settle()
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-2', 'iPad-3'])
  await ana.exclude('Keynote', 'iPad-2')
  await world.settle()
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-3'])
  await ana.remove('Keynote', 'Tablets')
  await world.settle()
  expect(store.holders('Keynote')).toEqual([])
})

test('a person gets a user license, and one who is not registered is refused with what to do', async () => {
  await using world = await createWorld({ seed: 7 })
  const { ana, store } = world
  await ana.assign('Keynote', 'ada')
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['ada'])
  store.control.retireUser('7700000000000001', 'bob')
  await ana.assign('Pages', 'bob')
  await world.settle()
  expect(await ana.sees('Pages', 'bob')).toEqual({ state: 'refused', because: 'user-not-registered' })
})

test('a seat that somebody else gave while our order had not left yet is found, and is not taken away', async () => {
  await using world = await createWorld({ seed: 8 })
  const { ana, store } = world
  store.line.fault = ({ path }) => (path.endsWith('/associate') ? { is: 'refused' } : undefined)
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(5_000)
  expect(await world.orders('Keynote')).toMatchObject([{ state: 'planned', open: [Number(world.targetOf('iPad-1').slice(1))] }])
  store.gives('Keynote', 'iPad-1')
  await world.syncNow()
  store.line.fault = () => undefined
  await world.settle()
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'had-seat-already' })
  await ana.remove('Keynote', 'iPad-1')
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})
