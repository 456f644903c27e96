import { describe, expect, test } from 'vitest'
import { createWorld, locationId } from '../world/world.ts'

const associates = (world: Awaited<ReturnType<typeof createWorld>>): number =>
  world.store.control.requests().filter(({ method, path }) => method === 'POST' && path.endsWith('/associate')).length

describe('the line to the store is cut while an order is on it', () => {
  test.each(['before', 'after'] as const)('%s the store had it: the outcome is read, never sent blindly again', async (when) => {
    await using world = await createWorld({ seed: 1 })
    const { ana, store } = world
    let cuts = 0
    store.line.fault = ({ path }) => (path.endsWith('/associate') && (cuts += 1) === 1 ? { is: 'cut', when } : undefined)
    await ana.assign('Keynote', 'iPad-1')
    await world.pass(20_000)
    expect(await ana.sees('Keynote', 'iPad-1')).toMatchObject(
      when === 'after' ? { state: 'placed' } : { state: 'pending', because: 'order-open' },
    )
    if (when === 'before') expect((await world.orders('Keynote'))[0]).toMatchObject({ state: 'sent', unknown: true })
    expect(associates(world)).toBe(when === 'after' ? 1 : 0)
    await world.settle()
    expect(store.holders('Keynote')).toEqual(['iPad-1'])
    expect(associates(world)).toBe(1)
  })

  test('an order without an answer counts as taken: its seat is not promised to another', async () => {
    await using world = await createWorld({ seed: 2 })
    const { ana, ben, store } = world
    store.owns('Keynote', { seats: 1 })
    await world.syncNow()
    store.line.fault = ({ path }) => (path.endsWith('/associate') ? { is: 'silent', when: 'after' } : undefined)
    await ana.assign('Keynote', 'iPad-1')
    await world.pass(5_000)
    await ben.assign('Keynote', 'iPad-2')
    await world.pass(10_000)
    expect(await ben.sees('Keynote', 'iPad-2')).toEqual({ state: 'waiting', because: 'no-seat-left' })
    await world.pass(5 * 60_000)
    expect(store.holders('Keynote')).toEqual(['iPad-1'])
    expect(associates(world)).toBe(1)
  })
})

test('partly failed: those who were served are placed, the others are told why, and what may pass is asked for again', async () => {
  await using world = await createWorld({ seed: 3 })
  const { ana, store } = world
  store.control.faults.arm({ fault: { is: 'targets-fail', errorNumber: 9609, keys: ['IPAD-2'] }, endpoint: 'associate', times: 1 })
  await ana.assign('Keynote', 'Tablets')
  await world.settle()
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-3'])
  expect(await ana.sees('Keynote', 'iPad-2')).toMatchObject({ state: 'refused' })
  expect((await world.orders('Keynote'))[0]).toMatchObject({ state: 'partly-done', done: 2 })
  store.control.faults.arm({ fault: { is: 'targets-fail', errorNumber: 9603, keys: ['IPAD-5'] }, endpoint: 'associate', times: 1 })
  await ana.assign('Keynote', 'iPad-5')
  await world.pass(5 * 60_000)
  await world.settle()
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-3', 'iPad-5'])
})

test('an expired token: the wish waits with the reason on every screen, and a new token serves it', async () => {
  await using world = await createWorld({ seed: 4 })
  const { ana, ben, store } = world
  store.control.expireToken(locationId)
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  await world.syncNow()
  await world.settle()
  expect(await ben.sees('Keynote', 'iPad-1')).toEqual({ state: 'waiting', because: 'credential-expired' })
  const { house } = world.mustServer()
  const { id } = await world.connector()
  const renewed = await world.schedule.run(house.connectors.renew(ana.actor, id, { contentToken: store.control.newToken(locationId) }))
  expect(renewed).toMatchObject({ ok: true })
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(await ben.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
})

test('somebody else holds the location: nothing is given or taken until it is ours again', async () => {
  await using world = await createWorld({ seed: 5 })
  const { ana, store } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  store.control.setOwner(locationId, { id: 'another', name: 'Other Manager', metadata: 'mdm.example' })
  await ana.assign('Keynote', 'iPad-2')
  await ana.remove('Keynote', 'iPad-1')
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(await ana.sees('Keynote', 'iPad-2')).toEqual({ state: 'waiting', because: 'foreign-owner' })
  expect(await world.connector()).toMatchObject({ foreignOwner: { name: 'Other Manager' }, credential: { state: 'foreign' } })
  const { id } = await world.connector()
  await world.schedule.run(world.mustServer().house.connectors.claim(ana.actor, id, true))
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-2'])
})

test('a store that asks to wait is left alone, and served afterwards', async () => {
  await using world = await createWorld({ seed: 6 })
  const { ana, store } = world
  store.control.faults.arm({ fault: { is: 'rate-limited', retryAfter: '90' }, endpoint: 'associate', times: 1 })
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(60_000)
  expect(store.holders('Keynote')).toEqual([])
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})

test('a list that lags behind an event takes no seat back from anyone', async () => {
  await using world = await createWorld({ seed: 7 })
  const { ana, store } = world
  store.control.setSwitches({ listLagMs: { assets: 60_000, assignments: 60_000, users: 60_000 } })
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(10_000)
  await world.syncNow(true)
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
  await world.settle()
  await world.pass(10 * 60_000)
  await world.syncNow(true)
  await world.settle()
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
  expect(await world.license('Keynote')).toMatchObject({ tally: { assigned: 1, found: 0 } })
  expect(associates(world)).toBe(1)
})

test('limits that can not be read ask nothing and spoil nothing: the order leaves once they can', async () => {
  await using world = await createWorld({ seed: 8 })
  const { ana, store } = world
  store.owns('Keynote', { seats: 8 })
  await world.syncNow()
  store.control.setSwitches({ eventLatencyMs: 20_000 })
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(5_000)
  store.control.faults.arm({ fault: { is: 'empty-body' }, endpoint: 'service-config', times: 3 })
  await world.pass(5 * 60_000)
  await ana.assign('Keynote', 'iPad-2')
  await ana.assign('Pages', 'iPad-2')
  const before = world.schedule.events()
  await world.pass(60_000)
  expect(world.schedule.events() - before).toBeLessThan(200)
  await world.settle()
  expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-2'])
  expect(store.holders('Pages')).toEqual(['iPad-2'])
})

test('an empty list is not taken for a seat that was given back', async () => {
  await using world = await createWorld({ seed: 9 })
  const { ana, store } = world
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  // The release never reaches the store, and the list that is to tell what became of it comes empty.
  store.line.fault = ({ path }) => (path.endsWith('/disassociate') ? { is: 'cut', when: 'before' } : undefined)
  store.control.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'assignments', times: 1 })
  await ana.remove('Keynote', 'iPad-1')
  await world.pass(60_000)
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'pending', because: 'order-open' })
  store.line.fault = () => undefined
  await world.settle()
  expect(store.holders('Keynote')).toEqual([])
})

test('an event that never ends is waited for an hour, in which its seat is nobody else’s; then it is asked for again', async () => {
  await using world = await createWorld({ seed: 10 })
  const { ana, ben, store } = world
  store.owns('Keynote', { seats: 1 })
  await world.syncNow()
  store.control.faults.arm({ fault: { is: 'event-stays-pending' }, endpoint: 'associate', times: 1 })
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(10_000)
  await ben.assign('Keynote', 'iPad-2')
  await world.pass(50 * 60_000)
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'pending', because: 'order-open' })
  expect(await ben.sees('Keynote', 'iPad-2')).toEqual({ state: 'waiting', because: 'no-seat-left' })
  expect(associates(world)).toBe(1)
  await world.pass(20 * 60_000)
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'placed', because: 'has-seat' })
  expect(associates(world)).toBe(2)
  // Its end comes after all: it finds what it would have done.
  store.control.finishEvents()
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})

test('a token that may write again is believed, though a sync with the one before it is still running', async () => {
  await using world = await createWorld({ seed: 11 })
  const { ana, store } = world
  store.control.setPrivilege(locationId, 'read-only')
  await ana.assign('Keynote', 'iPad-1')
  await world.settle()
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'waiting', because: 'read-only-token' })
  const { house } = world.mustServer()
  const { id } = await world.connector()
  const fresh = store.control.newToken(locationId)
  // The sync hears late who it is, and the renewal comes in between.
  let asked = 0
  store.line.fault = ({ path }) => (path.endsWith('/client/config') && (asked += 1) === 1 ? { is: 'slow', ms: 5_000 } : undefined)
  await world.schedule.run(house.syncs.request(id, 'admin', true))
  expect(await world.schedule.run(house.connectors.renew(ana.actor, id, { contentToken: fresh }))).toMatchObject({ ok: true })
  await world.settle()
  expect(await world.connector()).toMatchObject({ readOnly: false })
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})

test('a list that is older than a seat is no proof that the seat was given back', async () => {
  await using world = await createWorld({ seed: 12 })
  const { ana, store } = world
  store.control.setSwitches({ listLagMs: { assets: 240_000, assignments: 240_000, users: 240_000 } })
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(10_000)
  expect(await ana.sees('Keynote', 'iPad-1')).toMatchObject({ state: 'placed' })
  // The release never reaches the store, and the list that is to tell what became of it does not show the seat yet.
  store.line.fault = ({ path }) => (path.endsWith('/disassociate') ? { is: 'cut', when: 'before' } : undefined)
  await ana.remove('Keynote', 'iPad-1')
  await world.pass(60_000)
  expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'pending', because: 'order-open' })
  store.line.fault = () => undefined
  await world.settle()
  await world.pass(10 * 60_000)
  await world.syncNow(true)
  await world.settle()
  expect(store.holders('Keynote')).toEqual([])
  expect(await ana.wishes('Keynote')).toEqual([])
})

test('a token that was renewed while a call with the one before it was on its way is not blamed for that call', async () => {
  await using world = await createWorld({ seed: 12 })
  const { ana, store } = world
  const { house } = world.mustServer()
  const { id } = await world.connector()
  store.control.setPrivilege(locationId, 'read-only')
  const fresh = store.control.newToken(locationId)
  let calls = 0
  store.line.fault = ({ path }) => (path.endsWith('/assets/associate') && (calls += 1) === 1 ? { is: 'slow', ms: 4_000 } : undefined)
  await ana.assign('Keynote', 'iPad-1')
  await world.pass(1_000)
  expect(await world.schedule.run(house.connectors.renew(ana.actor, id, { contentToken: fresh }))).toMatchObject({ ok: true })
  await world.pass(20_000)
  expect(await world.connector()).toMatchObject({ readOnly: false })
  expect(store.holders('Keynote')).toEqual(['iPad-1'])
})
