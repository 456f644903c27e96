import { expect, test } from 'vitest'
import { createWorld } from '../world/world.ts'

test('a browser profile that was copied takes a name of its own, and no edit of either is lost', async () => {
  await using world = await createWorld({ seed: 1 })
  const { ana, ben, store } = world
  store.owns('Keynote', { seats: 8 })
  await world.syncNow()
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  ana.goOffline()
  ben.goOffline()
  ben.actor = ana.actor
  await ben.takeProfileOf(ana)
  await ana.assign('Keynote', 'iPad-2')
  await ben.assign('Keynote', 'iPad-3')
  await ben.assign('Keynote', 'iPad-4')
  ana.goOnline()
  await world.settle()
  ben.goOnline()
  await world.settle()
  expect(ana.unsent()).toEqual([])
  expect(ben.unsent()).toEqual([])
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-2', 'iPad-3', 'iPad-4'])
  expect(ben.console().meta()?.device).not.toBe(ana.console().meta()?.device)
  expect([ana, ben].map((admin) => admin.console().meta()?.notice?.is)).toContain('profile-was-copied')
})

test('a server that was restored from a backup gets again what it had acknowledged and lost', async () => {
  await using world = await createWorld({ seed: 2 })
  const { ana, ben, store } = world
  store.owns('Keynote', { seats: 8 })
  await world.syncNow()
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  const backup = world.disk.copy()
  await ana.assign('Keynote', 'iPad-2')
  await ben.assign('Keynote', 'iPad-3')
  await world.settle()
  world.crashServer()
  world.disk.restore(backup)
  await world.restartServer()
  await world.settle()
  await world.syncNow(true)
  await world.settle()
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-2', 'iPad-3'])
  expect(ana.console().meta()?.notice).toMatchObject({ is: 'server-was-restored', sentAgain: 1, lost: 0 })
  expect(await ana.wishes('Keynote')).toEqual(await ben.wishes('Keynote'))
  expect(await ana.wishes('Keynote')).toHaveLength(3)
})

test('an update that was damaged on its way is made anew under its old number', async () => {
  await using world = await createWorld({ seed: 3 })
  const { ana, store } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  ana.goOffline()
  await ana.assign('Keynote', 'iPad-2')
  await ana.assign('Keynote', 'iPad-3')
  // The disk of the browser lost bytes of the first waiting edit.
  const [row] = [...ana.store.kept.outbox.values()]
  if (row === undefined) throw new Error('no edit waits')
  ana.store.kept.outbox.set(row.id, { ...row, update: row.update.slice(0, 5) })
  await ana.reload()
  ana.goOnline()
  await world.settle()
  expect(ana.unsent()).toEqual([])
  expect(ana.refused()).toEqual([])
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-2', 'iPad-3'])
})

test('a browser that lost its store begins anew, and says so when the server knows more of it', async () => {
  await using world = await createWorld({ seed: 4 })
  const { ana } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  const early = ana.store.copy()
  await ana.assign('Keynote', 'iPad-2')
  await ana.assign('Keynote', 'iPad-3')
  await world.settle()
  // The profile is set back to what it was in the morning.
  ana.killBrowser()
  Object.assign(ana.store.kept, { meta: early.kept.meta })
  for (const map of ['outbox', 'saved', 'docs', 'chunks'] as const) {
    const kept: Map<unknown, unknown> = ana.store.kept[map]
    kept.clear()
    for (const [key, value] of early.kept[map]) kept.set(key, value)
  }
  await ana.openBrowser()
  await world.settle()
  expect(ana.console().meta()?.notice?.is).toBe('store-was-lost')
  await ana.assign('Pages', 'iPad-1')
  await world.settle()
  expect(ana.unsent()).toEqual([])
  expect(await ana.sees('Pages', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
})

test('a connection that went silent is found and replaced, and the old session ends', async () => {
  await using world = await createWorld({ seed: 5 })
  const { ana, store } = world
  ana.line.goSilent()
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(2 * 60_000)
  expect(ana.unsent()).toEqual([])
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  await world.pass(3 * 60_000)
  expect(world.mustServer().house.exchange.sessions()).toBe(2)
})

test('the same seed gives the same course of things', async () => {
  const course = async (): Promise<readonly unknown[]> => {
    await using world = await createWorld({ seed: 11 })
    const frames: string[] = []
    for (const admin of world.admins)
      admin.line.onFrame = ({ from, bytes }) =>
        void frames.push(`${world.schedule.now()} ${admin.name} ${from} ${Buffer.from(bytes).toString('base64')}`)
    await world.ana.assign('Keynote', 'Tablets')
    await world.ben.remove('Keynote', 'Tablets')
    await world.pass(500)
    world.crashServer()
    await world.restartServer()
    await world.ben.assign('Keynote', 'iPad-2')
    await world.settle()
    return [...frames, world.schedule.events(), world.store.holders('Keynote')]
  }
  const once = await course()
  expect(once.length).toBeGreaterThan(10)
  expect(await course()).toEqual(once)
})
