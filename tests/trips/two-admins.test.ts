import { expect, test } from 'vitest'
import { createWorld } from '../world/world.ts'

test('two edits of one assignment made apart: the later arrival wins on both screens', async () => {
  await using world = await createWorld({ seed: 1 })
  const { ana, ben } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  ana.goOffline()
  ben.goOffline()
  await ana.assign('Keynote', 'iPad-1', { intent: 'available' })
  await ben.note('Keynote', 'iPad-1', 'Ben was here')
  await ben.assign('Keynote', 'iPad-2')
  ben.goOnline()
  await world.settle()
  ana.goOnline()
  await world.settle()
  const seen = await ana.wishes('Keynote')
  expect(seen.find(({ key }) => key === world.targetOf('iPad-1'))).toMatchObject({ wish: { intent: 'available' }, note: 'Ben was here' })
  expect(await ben.wishes('Keynote')).toEqual(seen)
  expect(ana.refused()).toEqual([])
})

test('a removal beats a stale wish to give, and the screen names who removed it', async () => {
  await using world = await createWorld({ seed: 2 })
  const { ana, ben, store } = world
  await ana.assign('Keynote', 'iPad-1', { intent: 'available' })
  await world.settle()
  ben.goOffline()
  await ben.assign('Keynote', 'iPad-1', { intent: 'required' })
  await ana.exclude('Keynote', 'iPad-1')
  await world.settle()
  ben.goOnline()
  await world.settle()
  expect(ben.refused()).toMatchObject([{ code: 'superseded', words: 'Give Keynote to IPAD-1, required' }])
  expect(ben.refused()[0]?.text).toContain('Ana')
  expect(store.holders('Keynote')).toEqual([])
  expect(await ben.sees('Keynote', 'iPad-1')).toEqual({ state: 'excluded', because: 'excluded' })
  // Asked for again, now that he knows: it stands.
  const [row] = ben.console().outbox()
  expect(await ben.edits().editAgain(row?.id ?? 0)).toMatchObject({ ok: true })
  await world.settle()
  expect(ben.refused()).toEqual([])
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})

test('a removal that has long been settled still beats a stale wish to give', async () => {
  await using world = await createWorld({ seed: 5 })
  const { ana, ben, store } = world
  await ana.assign('Keynote', 'iPad-1', { intent: 'available' })
  await world.settle()
  ben.goOffline()
  await ben.assign('Keynote', 'iPad-1', { intent: 'required' })
  await ana.remove('Keynote', 'iPad-1')
  await world.settle()
  expect(await ana.wishes('Keynote')).toEqual([])
  ben.goOnline()
  await world.settle()
  expect(ben.refused()).toMatchObject([{ code: 'superseded', words: 'Give Keynote to IPAD-1, required' }])
  expect(ben.refused()[0]?.text).toContain('Ana')
  expect(store.holders('Keynote')).toEqual([])
  expect(await ben.wishes('Keynote')).toEqual([])
  const [row] = ben.console().outbox()
  await ben.edits().editAgain(row?.id ?? 0)
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})

test('the same wish from both is no conflict and asks the store once', async () => {
  await using world = await createWorld({ seed: 3 })
  const { ana, ben, store } = world
  ana.goOffline()
  ben.goOffline()
  await ana.assign('Keynote', 'iPad-1')
  await ben.assign('Keynote', 'iPad-1')
  ana.goOnline()
  ben.goOnline()
  await world.settle()
  expect([...ana.refused(), ...ben.refused()]).toEqual([])
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(store.control.requests().filter(({ path }) => path.endsWith('/associate'))).toHaveLength(1)
})

test('two who give and take the same seats while both are online end with one picture', async () => {
  await using world = await createWorld({ seed: 4 })
  const { ana, ben, store } = world
  for (let round = 0; round < 10; round += 1) {
    await ana.assign('Pages', `iPad-${(round % 3) + 1}`)
    await ben.remove('Pages', `iPad-${((round + 1) % 3) + 1}`)
    await world.pass(300 * round)
  }
  await world.settle()
  await world.pass(10 * 60_000)
  await world.settle()
  expect(await ana.wishes('Pages')).toEqual(await ben.wishes('Pages'))
  const wished = (await ana.wishes('Pages'))
    .filter(({ wish }) => wish.mode === 'include')
    .map(({ key }) => world.nameOfOrdinal(Number(key.slice(1))))
  expect(store.holders('Pages').toSorted()).toEqual(wished.toSorted())
})
