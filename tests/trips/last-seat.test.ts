import { expect, test } from 'vitest'
import { createWorld } from '../world/world.ts'

test('two admins offline both give away the last seat: the first taken is placed, the other is told why, and is served when a seat returns', async () => {
  await using world = await createWorld({ seed: 7 })
  const { ana, ben, store } = world
  store.owns('Keynote', { seats: 1 })
  await world.syncNow()
  await world.settle()

  ana.goOffline()
  ben.goOffline()
  await ana.assign('Keynote', 'iPad-1')
  await ben.assign('Keynote', 'iPad-2')
  // Each foretells a seat: neither knows of the other.
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'pending', because: 'order-to-come' })
  expect(await ben.sees('Keynote', 'iPad-2')).toEqual({ state: 'pending', because: 'order-to-come' })
  ben.goOnline()
  await world.settle()
  ana.goOnline()
  await world.settle()

  expect(store.holders('Keynote')).toEqual(['iPad-2'])
  for (const admin of [ana, ben]) {
    expect(await admin.sees('Keynote', 'iPad-2')).toEqual({ state: 'placed', because: 'has-seat' })
    expect(await admin.sees('Keynote', 'iPad-1')).toEqual({ state: 'waiting', because: 'no-seat-left' })
    expect(admin.unsent()).toEqual([])
    expect(admin.refused()).toEqual([])
  }

  store.takes('Keynote', 'iPad-2')
  await ben.remove('Keynote', 'iPad-2')
  await world.syncNow(true)
  await world.settle()
  await world.syncNow()
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
  expect(world.troubles).toEqual([])
})

test('whoever asks first is served first, also when the second one is nearer to the server', async () => {
  await using world = await createWorld({ seed: 8 })
  const { ana, ben, store } = world
  store.owns('Pages', { seats: 2 })
  await world.syncNow()
  ana.line.latencyMs = () => 400
  await ana.assign('Pages', 'iPad-3')
  await world.pass(2_000)
  await ben.assign('Pages', 'iPad-2')
  await ben.assign('Pages', 'iPad-1')
  await world.settle()
  expect(store.holders('Pages').toSorted()).toEqual(['iPad-2', 'iPad-3'])
  expect(await ana.sees('Pages', 'iPad-1')).toEqual({ state: 'waiting', because: 'no-seat-left' })
})
