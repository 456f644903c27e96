import { expect, test } from 'vitest'
import { createWorld } from '../world/world.ts'

test('an assignment made without a network is kept, survives two reloads and a killed browser, and is placed later', async () => {
  await using world = await createWorld({ seed: 1 })
  const { ana, ben, store } = world
  ana.goOffline()
  await world.pass(1_000)
  const kept = await ana.assign('Keynote', 'iPad-1', { note: 'for the lab' })
  expect(kept).toMatchObject({ ok: true, value: { words: 'Give Keynote to IPAD-1, required' } })
  expect(ana.unsent()).toHaveLength(1)
  expect(store.holders('Keynote')).toEqual([])

  await ana.reload()
  await ana.reload()
  await world.pass(5 * 60_000)
  ana.killBrowser()
  await world.pass(60_000)
  await ana.openBrowser()
  expect(ana.unsent()).toEqual(['Give Keynote to IPAD-1, required'])
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'pending', because: 'order-to-come' })

  ana.goOnline()
  await world.settle()
  expect(ana.unsent()).toEqual([])
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(await ben.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
  expect(await ben.wishes('Keynote')).toMatchObject([{ key: world.targetOf('iPad-1'), note: 'for the lab', by: 'Ana' }])
})

test('a console opened without a network shows what it knew, with its edits on top', async () => {
  await using world = await createWorld({ seed: 2 })
  const { ana } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  ana.killBrowser()
  ana.goOffline()
  await ana.openBrowser()
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
  await ana.remove('Keynote', 'iPad-1')
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'pending', because: 'release-to-come' })
  expect(ana.console().connection().is).not.toBe('online')
})

test('what can never be is refused at once, and queues nothing', async () => {
  await using world = await createWorld({ seed: 3 })
  const { ana } = world
  ana.goOffline()
  expect(await ana.assign('Keynote', 'd999')).toMatchObject({ ok: false, error: { is: 'target-unknown' } })
  expect(ana.unsent()).toEqual([])
})

test('an edit that this device can not keep is not shown as saved', async () => {
  await using world = await createWorld({ seed: 4 })
  const { ana, store } = world
  ana.goOffline()
  ana.store.fault = (stores) => (stores.includes('outbox') ? { when: 'before', failure: { is: 'no-room' } } : undefined)
  expect(await ana.assign('Keynote', 'iPad-1')).toMatchObject({ ok: false, error: { is: 'not-saved', failure: { is: 'no-room' } } })
  expect(ana.unsent()).toEqual([])
  ana.store.fault = () => undefined
  expect(await ana.assign('Keynote', 'iPad-2')).toMatchObject({ ok: true })
  ana.goOnline()
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-2'])
})

test('forty edits made offline arrive in their order, each once', async () => {
  await using world = await createWorld({ seed: 5 })
  const { ana, store } = world
  store.owns('Keynote', { seats: 8 })
  await world.syncNow()
  ana.goOffline()
  for (let round = 0; round < 20; round += 1) {
    const device = `iPad-${(round % 8) + 1}`
    await ana.assign('Keynote', device)
    await ana.remove('Keynote', device)
  }
  await ana.assign('Keynote', 'iPad-4')
  expect(ana.unsent()).toHaveLength(41)
  ana.goOnline()
  await world.settle()
  expect(ana.unsent()).toEqual([])
  expect(ana.refused()).toEqual([])
  expect(store.holders('Keynote')).toEqual(['iPad-4'])
})
