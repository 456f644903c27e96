import { describe, expect, test } from 'vitest'
import { createWorld } from '../world/world.ts'

/** Every mutating request that the store has seen. */
const writes = (world: Awaited<ReturnType<typeof createWorld>>): readonly string[] =>
  world.store.control
    .requests()
    .filter(({ method, path }) => method === 'POST' && /associate/.test(path))
    .map(({ path }) => path.slice(path.lastIndexOf('/') + 1))

describe('the server dies between an order’s intent and its record', () => {
  test.each(['before-intent', 'after-intent', 'after-call', 'after-record'])('%s: after the restart it is settled once', async (moment) => {
    await using world = await createWorld({ seed: 1 })
    const { ana, ben, store } = world
    let died = 0
    world.crashesAt = (name) => name === moment && (died += 1) === 1
    await ana.assign('Keynote', 'iPad-1')
    await world.pass(10_000)
    expect(died).toBe(1)
    expect(world.server()).toBeUndefined()
    await world.restartServer()
    await world.settle()
    expect(store.holders('Keynote')).toEqual(['iPad-1'])
    expect(await ben.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
    expect(writes(world)).toEqual(['associate'])
    expect(await world.license('Keynote')).toMatchObject({ inUse: 1, available: 2, tally: { assigned: 1, found: 0 } })
  })

  test.each(['after-intent', 'after-call'])('%s, while giving back: it is settled once', async (moment) => {
    await using world = await createWorld({ seed: 2 })
    const { ana, store } = world
    await ana.assign('Keynote', 'iPad-1')
    await world.settle()
    let died = 0
    world.crashesAt = (name) => name === moment && (died += 1) === 1
    await ana.remove('Keynote', 'iPad-1')
    await world.pass(10_000)
    expect(world.server()).toBeUndefined()
    await world.restartServer()
    await world.settle()
    expect(store.holders('Keynote')).toEqual([])
    expect(await ana.wishes('Keynote')).toEqual([])
  })

  test('at every moment in turn, and each time again: one seat, one holder', async () => {
    await using world = await createWorld({ seed: 3 })
    const { ana, store } = world
    const moments = ['before-intent', 'after-intent', 'after-call', 'after-record']
    let next = 0
    world.crashesAt = (name) => name === moments[next] && ((next += 1), true)
    await ana.assign('Keynote', 'iPad-1')
    for (let rounds = 0; rounds < 40; rounds += 1) {
      await world.pass(30_000)
      if (world.server() === undefined) await world.restartServer()
    }
    await world.settle()
    expect(store.holders('Keynote')).toEqual(['iPad-1'])
  })
})

test('an edit whose answer was lost in the crash is answered alike and has effect once', async () => {
  await using world = await createWorld({ seed: 4 })
  const { ana } = world
  let commits = 0
  // The commit that takes the edit is on the disk, and its author never hears of it.
  world.disk.fault = (sql) => (sql === 'commit' && (commits += 1) === 1 ? 'dies-after' : undefined)
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(3_000)
  expect(world.server()).toBeUndefined()
  expect(ana.unsent()).toHaveLength(1)
  await world.restartServer()
  await world.settle()
  expect(ana.unsent()).toEqual([])
  const { db } = world.mustServer()
  expect(await db.selectFrom('audit').select('n').where('action', '=', 'assignment.changed').execute()).toHaveLength(1)
})

test('a full disk stops acknowledging, says so, and recovers without a restart', async () => {
  await using world = await createWorld({ seed: 5 })
  const { ana, store } = world
  world.disk.fault = (sql) => (sql === 'commit' ? 'full' : undefined)
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(30_000)
  expect(ana.unsent()).toHaveLength(1)
  expect(world.mustServer().house.journal.trouble()).toMatchObject({ text: expect.stringContaining('FULL') as string })
  const said = new Set<string>()
  ana.console().onChange(() => {
    const connection = ana.console().connection()
    if (connection.is === 'offline' && connection.why !== null) said.add(connection.why)
  })
  await world.pass(60_000)
  expect([...said]).toEqual(['The server can not keep changes now. Your edits stay on this device and are sent again.'])
  world.disk.fault = () => undefined
  await world.settle()
  expect(ana.unsent()).toEqual([])
  expect(world.mustServer().house.journal.trouble()).toBeUndefined()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})

test('a commit that took effect and was reported as failed is acknowledged once, when it is asked for again', async () => {
  await using world = await createWorld({ seed: 6 })
  const { ana, store } = world
  let commits = 0
  world.disk.fault = (sql) => (sql === 'commit' && (commits += 1) === 1 ? 'reported-failed' : undefined)
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  expect(ana.unsent()).toEqual([])
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  const { db } = world.mustServer()
  expect(await db.selectFrom('edits').select('n').execute()).toHaveLength(1)
})

test('what was reported as failed and is there nevertheless reaches every console, and is acted on at once', async () => {
  await using world = await createWorld({ seed: 7 })
  const { ana, ben, store } = world
  let commits = 0
  world.disk.fault = (sql) => (sql === 'commit' && (commits += 1) === 1 ? 'reported-failed' : undefined)
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(20_000)
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  for (const admin of [ana, ben]) expect(await admin.wishes('Keynote')).toHaveLength(1)
  expect(await ben.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
})

test.each([2, 3, 4, 5, 6])('the same of the commit %i after it', async (which) => {
  await using world = await createWorld({ seed: 8 })
  const { ana, ben, store } = world
  let commits = 0
  world.disk.fault = (sql) => (sql === 'commit' && (commits += 1) === which ? 'reported-failed' : undefined)
  await ana.assign('Keynote', 'iPad-1')
  // An order whose leaving was reported as failed is a question, and is asked again only when the store's lists prove that it never left.
  await world.pass(8 * 60_000)
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(await ben.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
})
