import { describe, expect, test } from 'vitest'
import { seatAt, seatsKey } from '../../shared/facts.ts'
import { handsOf, lastOrder } from '../world/hands.ts'
import { createWorld, type World } from '../world/world.ts'

const origins = async (world: World, product: string): Promise<readonly string[]> => {
  const columns = await world.mustServer().house.journal.columns(seatsKey(world.licenseOf(product)))
  return Array.from(columns.ordinals, (ordinal, at) => `${world.nameOfOrdinal(ordinal)} ${seatAt(columns, at).origin}`).toSorted()
}
const find = async (world: World, id: string) => await world.mustServer().house.orders.find(id as never)

describe('a reclaim is undone', () => {
  test('found seats are given to the same devices again, stay found, and are never taken or given twice', async () => {
    await using world = await createWorld()
    const { store } = world
    for (const device of ['iPad-4', 'iPad-5']) store.gives('Keynote', device)
    await world.syncNow()
    const hands = handsOf(world)
    expect(await hands.reclaim('Keynote', ['iPad-4', 'iPad-5'])).toMatchObject({ ok: true })
    await world.settle()
    expect(store.holders('Keynote')).toEqual([])
    const reclaimed = await lastOrder(world, 'Keynote', 'disassociate')
    expect((await hands.tell(reclaimed)).told).toMatchObject({ is: 'some', act: 'give-back', of: 2, can: 2, waiting: 0, blocked: [] })
    const undone = await hands.undo(reclaimed)
    expect(undone).toMatchObject({ ok: true, value: { orders: [{ action: 'associate', cause: 'undo', undoes: reclaimed.id, total: 2 }] } })
    await world.settle()
    await world.syncNow(true)
    await world.settle()
    expect(store.holders('Keynote').toSorted()).toEqual(['iPad-4', 'iPad-5'])
    expect(await origins(world, 'Keynote')).toEqual(['iPad-4 found', 'iPad-5 found'])
    const back = await lastOrder(world, 'Keynote', 'associate')
    expect(await find(world, reclaimed.id)).toMatchObject({ undoneBy: [back.id] })
    expect(await find(world, back.id)).toMatchObject({ undoes: reclaimed.id, state: 'done' })
    expect(store.control.requests().filter(({ path }) => path.endsWith('/associate'))).toHaveLength(1)
    // And the undoing is undone.
    expect((await hands.tell(back)).told).toMatchObject({ is: 'some', act: 'take-back', can: 2 })
    expect(await hands.undo(back)).toMatchObject({ ok: true })
    await world.settle()
    expect(store.holders('Keynote')).toEqual([])
  })

  test('who was assigned it is assigned it again, and who was excluded for it is not any more', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.owns('Keynote', { seats: 8 })
    await world.syncNow()
    await ana.assign('Keynote', 'Tablets')
    await ana.assign('Keynote', 'iPad-5', { note: 'The loaner' })
    await world.settle()
    const hands = handsOf(world)
    await hands.reclaim('Keynote', ['iPad-1', 'iPad-5'])
    await world.settle()
    expect(store.holders('Keynote').toSorted()).toEqual(['iPad-2', 'iPad-3'])
    expect((await ana.wishes('Keynote')).map(({ wish }) => wish.mode).toSorted()).toEqual(['exclude', 'include'])
    const reclaimed = await lastOrder(world, 'Keynote', 'disassociate')
    const told = await hands.tell(reclaimed)
    expect(told.told).toMatchObject({ is: 'some', of: 2, can: 2 })
    expect(told.assignments.map(({ becomes }) => becomes)).toEqual(['set-back', 'set-back'])
    expect(await hands.undo(reclaimed)).toMatchObject({ ok: true })
    await world.settle()
    expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-2', 'iPad-3', 'iPad-5'])
    expect((await ana.wishes('Keynote')).map(({ wish }) => wish.mode).toSorted()).toEqual(['include', 'include'])
    // Their seats are of their assignments, and go with them.
    expect(await origins(world, 'Keynote')).toEqual(['iPad-1 assignment', 'iPad-2 assignment', 'iPad-3 assignment', 'iPad-5 assignment'])
    expect(store.control.requests().filter(({ path }) => path.endsWith('/disassociate')).length).toBe(1)
  })

  test('as far as seats are free, and says how many and why not the rest', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    for (const device of ['iPad-4', 'iPad-5']) store.gives('Pages', device)
    await world.syncNow()
    const hands = handsOf(world)
    await hands.reclaim('Pages', ['iPad-4', 'iPad-5'])
    await world.settle()
    const reclaimed = await lastOrder(world, 'Pages', 'disassociate')
    await ana.assign('Pages', 'iPad-1')
    await ana.assign('Pages', 'iPad-2')
    await world.settle()
    expect((await hands.tell(reclaimed)).told).toMatchObject({
      is: 'some',
      of: 2,
      can: 1,
      blocked: [{ code: 'no-seat-free', count: 1 }],
    })
    expect(await hands.undo(reclaimed)).toMatchObject({ ok: true, value: { orders: [{ total: 1 }] } })
    await world.settle()
    expect(store.holders('Pages')).toHaveLength(3)
    expect(await world.license('Pages')).toMatchObject({ tally: { waiting: 0, refused: 0 } })
  })

  test('twice at the same moment it is done once', async () => {
    await using world = await createWorld()
    const { store } = world
    store.gives('Keynote', 'iPad-4')
    await world.syncNow()
    const hands = handsOf(world)
    await hands.reclaim('Keynote', ['iPad-4'])
    await world.settle()
    const reclaimed = await lastOrder(world, 'Keynote', 'disassociate')
    const both = await hands.undoTwice(reclaimed)
    expect(both.map(({ ok }) => ok).toSorted()).toEqual([false, true])
    await world.settle()
    expect(store.holders('Keynote')).toEqual(['iPad-4'])
    expect(store.control.requests().filter(({ path }) => path.endsWith('/associate'))).toHaveLength(1)
    expect(await hands.undo(reclaimed)).toMatchObject({ ok: false, error: { is: 'nothing-to-undo', code: 'undone-already' } })
  })

  test.each(['before-intent', 'after-intent', 'after-call', 'after-record'])(
    'the server dies at %s: the seat is given once, and nothing takes it',
    async (moment) => {
      await using world = await createWorld({ seed: 7 })
      const { store } = world
      store.gives('Keynote', 'iPad-4')
      await world.syncNow()
      await handsOf(world).reclaim('Keynote', ['iPad-4'])
      await world.settle()
      const reclaimed = await lastOrder(world, 'Keynote', 'disassociate')
      let died = 0
      world.crashesAt = (name) => name === moment && (died += 1) === 1
      expect(await handsOf(world).undo(reclaimed)).toMatchObject({ ok: true })
      await world.pass(10_000)
      expect(world.server()).toBeUndefined()
      await world.restartServer()
      await world.settle()
      expect(store.holders('Keynote')).toEqual(['iPad-4'])
      expect(await origins(world, 'Keynote')).toEqual(['iPad-4 found'])
      expect(store.control.requests().filter(({ path }) => path.endsWith('/associate'))).toHaveLength(1)
    },
  )

  test('while its order waits to leave, its seat is nobody else’s', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.owns('Keynote', { seats: 1 })
    store.gives('Keynote', 'iPad-4')
    await world.syncNow()
    const hands = handsOf(world)
    await hands.reclaim('Keynote', ['iPad-4'])
    await world.settle()
    const reclaimed = await lastOrder(world, 'Keynote', 'disassociate')
    store.line.fault = ({ path }) => (path.endsWith('/associate') ? { is: 'refused' } : undefined)
    await hands.undo(reclaimed)
    await ana.assign('Keynote', 'iPad-1')
    await world.pass(20_000)
    expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'waiting', because: 'no-seat-left' })
    store.line.fault = () => undefined
    await world.settle()
    expect(store.holders('Keynote')).toEqual(['iPad-4'])
  })

  test('an exclusion that somebody made since holds the seat back', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.gives('Keynote', 'iPad-4')
    await world.syncNow()
    const hands = handsOf(world)
    await hands.reclaim('Keynote', ['iPad-4'])
    await world.settle()
    const reclaimed = await lastOrder(world, 'Keynote', 'disassociate')
    await ana.exclude('Keynote', 'iPad-4')
    await world.settle()
    expect((await hands.tell(reclaimed)).told).toMatchObject({ can: 0, blocked: [{ code: 'held-back', count: 1 }] })
    expect(await hands.undo(reclaimed)).toMatchObject({ ok: false, error: { is: 'nobody' } })
    expect(store.holders('Keynote')).toEqual([])
  })
})

describe('an order that an assignment asked for is undone', () => {
  test('the assignment goes as an edit would take it, and its seats come back', async () => {
    await using world = await createWorld()
    const { ana, ben, store } = world
    await ana.assign('Keynote', 'Tablets')
    await world.settle()
    const given = await lastOrder(world, 'Keynote', 'associate')
    const hands = handsOf(world)
    const told = await hands.tell(given)
    expect(told.told).toMatchObject({ is: 'some', act: 'remove-assignments', of: 3, can: 3 })
    expect(told).toMatchObject({ assignments: [{ target: world.targetOf('Tablets'), becomes: 'removed' }], alsoTaken: 0 })
    const undone = await hands.undo(given)
    expect(undone).toMatchObject({ ok: true })
    await world.settle()
    expect(store.holders('Keynote')).toEqual([])
    expect(await ben.wishes('Keynote')).toEqual([])
    const taken = await lastOrder(world, 'Keynote', 'disassociate')
    expect(await find(world, given.id)).toMatchObject({ undoneBy: [taken.id] })
    expect(taken).toMatchObject({ undoes: given.id, done: 3 })
    expect(store.control.requests().filter(({ path }) => path.endsWith('/disassociate'))).toHaveLength(1)
  })

  test('and the preview tells of seats that the same assignment placed by other orders', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.owns('Keynote', { seats: 2 })
    await world.syncNow()
    await ana.assign('Keynote', 'Tablets')
    await world.settle()
    const first = await lastOrder(world, 'Keynote', 'associate')
    store.owns('Keynote', { seats: 3 })
    await world.syncNow()
    await world.settle()
    expect(store.holders('Keynote')).toHaveLength(3)
    expect(await handsOf(world).tell(first)).toMatchObject({ told: { of: 2, can: 2 }, alsoTaken: 1 })
  })
})

test('everything that was taken from somebody is given back, license by license, from what was written down', async () => {
  await using world = await createWorld()
  const { ana, store } = world
  store.gives('Keynote', 'iPad-4')
  await world.syncNow()
  await ana.assign('Pages', 'iPad-4')
  await world.settle()
  const hands = handsOf(world)
  expect(await hands.revoke(['iPad-4'])).toMatchObject({ ok: true })
  await world.settle()
  expect([...store.holders('Keynote'), ...store.holders('Pages')]).toEqual([])
  const { id } = await world.connector()
  const [revoked] = await world.mustServer().house.journal.rows(`location-orders/${id}`)
  if (revoked === undefined) throw new Error('no order took it')
  expect((await hands.tell(revoked)).told).toMatchObject({ is: 'some', act: 'give-back', of: 2, can: 2 })
  const undone = await hands.undo(revoked)
  expect(undone.ok && undone.value.orders).toHaveLength(2)
  await world.settle()
  expect(store.holders('Keynote')).toEqual(['iPad-4'])
  expect(store.holders('Pages')).toEqual(['iPad-4'])
  expect(store.holders('Numbers')).toEqual([])
  expect(await ana.sees('Pages', 'iPad-4')).toEqual({ state: 'placed', because: 'has-seat' })
  expect(await origins(world, 'Keynote')).toEqual(['iPad-4 found'])
})
