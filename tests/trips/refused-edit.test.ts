import { expect, test } from 'vitest'
import { createWorld } from '../world/world.ts'

test('a reader’s edit is not even queued', async () => {
  await using world = await createWorld({ seed: 1 })
  const rita = await world.addAdmin('Rita', 'reader')
  await world.settle()
  expect(await rita.assign('Keynote', 'iPad-1')).toMatchObject({ ok: false, error: { is: 'not-permitted' } })
  expect(rita.unsent()).toEqual([])
})

test('an administrator who was made a reader while away is told aloud, and nobody sees the refused edit', async () => {
  await using world = await createWorld({ seed: 2 })
  const { ana, ben, store } = world
  ben.goOffline()
  await ben.assign('Keynote', 'iPad-1')
  ben.actor = { ...ben.actor, role: 'reader' }
  ben.goOnline()
  await world.settle()
  expect(ben.refused()).toMatchObject([{ code: 'not-permitted', words: 'Give Keynote to IPAD-1, required' }])
  expect(ben.refused()[0]?.text).toContain('Nothing changed')
  expect(await ben.sees('Keynote', 'iPad-1')).toBeUndefined()
  expect(await ana.wishes('Keynote')).toEqual([])
  expect(store.holders('Keynote')).toEqual([])
})

test('a refused edit blocks nothing that follows it', async () => {
  await using world = await createWorld({ seed: 3 })
  const { ana, ben, store } = world
  await ana.assign('Keynote', 'iPad-1', { intent: 'available' })
  await world.settle()
  store.line.fault = () => ({ is: 'refused' })
  ben.goOffline()
  await ben.assign('Keynote', 'iPad-1', { intent: 'required' })
  await ben.assign('Keynote', 'iPad-2')
  await ben.assign('Keynote', 'iPad-3', { note: 'after the refused one' })
  await ana.exclude('Keynote', 'iPad-1')
  await world.settle()
  ben.goOnline()
  store.line.fault = () => undefined
  await world.settle()
  expect(ben.unsent()).toEqual([])
  expect(ben.refused()).toHaveLength(1)
  await world.pass(5 * 60_000)
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-2', 'iPad-3'])
  // And what is made on top of it goes on, also after it was forgotten.
  const [row] = ben.console().outbox()
  await ben.edits().discard(row?.id ?? 0)
  await ben.note('Keynote', 'iPad-2', 'later')
  await world.settle()
  expect(ben.unsent()).toEqual([])
  expect(ben.refused()).toEqual([])
  expect((await ana.wishes('Keynote')).find(({ key }) => key === world.targetOf('iPad-2'))?.note).toBe('later')
})
