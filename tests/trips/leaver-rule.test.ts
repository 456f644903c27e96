import { expect, test } from 'vitest'
import { rowsFact } from '../../shared/facts.ts'
import type { Principal } from '../../shared/principal.ts'
import { handsOf, lastOrder } from '../world/hands.ts'
import { createWorld, type World } from '../world/world.ts'

const hourMs = 60 * 60_000
const dayMs = 24 * hourMs
const leaverDays = 14
const change = async (world: World, name: string, to: Partial<Pick<Principal, 'left' | 'active'>>): Promise<void> => {
  await world.mustServer().house.journal.write(async (write) => {
    const row = (await write.rows('principals/0')).find(({ id }) => id === String(world.targetOf(name)))
    if (row !== undefined) await write.record(rowsFact('principals/0', [{ ...row, ...to } as Principal]))
  })
}
/** So long ago that the day of the rule is two hours off. */
const leave = (world: World, name: string): Promise<void> =>
  change(world, name, { left: new Date(world.schedule.now() - leaverDays * dayMs + 2 * hourMs).toISOString() })
const rule = async (world: World, releaseLeavers: 'off' | 'after-days'): Promise<void> => {
  await world.mustServer().house.journal.write(async (write) => {
    const [connector] = await write.rows('connectors')
    if (connector !== undefined)
      await write.record(rowsFact('connectors', [{ ...connector, settings: { ...connector.settings, releaseLeavers, leaverDays } }]))
  })
}

test('while the rule is off, who has left keeps what they hold', async () => {
  await using world = await createWorld()
  world.store.gives('Keynote', 'iPad-4')
  await world.syncNow()
  await leave(world, 'iPad-4')
  await world.pass(6 * hourMs)
  expect(world.store.holders('Keynote')).toEqual(['iPad-4'])
})

test('chosen, it gives back what leavers hold on the day and not before: found seats and assigned ones', async () => {
  await using world = await createWorld()
  const { ana, store } = world
  store.gives('Keynote', 'iPad-4')
  await world.syncNow()
  await ana.assign('Pages', 'Tablets')
  await world.settle()
  await rule(world, 'after-days')
  await leave(world, 'iPad-4')
  await leave(world, 'iPad-1')
  await change(world, 'iPad-2', { active: false })
  await world.pass(hourMs)
  expect(store.holders('Keynote')).toEqual(['iPad-4'])
  expect(store.holders('Pages')).toHaveLength(3)
  await world.pass(hourMs + 60_000)
  expect(store.holders('Keynote')).toEqual([])
  // Who is not active may come back: the directory does not tell since when.
  expect(store.holders('Pages').toSorted()).toEqual(['iPad-2', 'iPad-3'])
  const order = await lastOrder(world, 'Pages', 'disassociate')
  expect(order).toMatchObject({ cause: 'leaver-policy', by: 'Quartermaster', done: 1, state: 'done' })
  await world.pass(3 * hourMs)
  expect((await world.orders('Pages')).filter(({ action }) => action === 'disassociate')).toHaveLength(1)
  const rows = await world.mustServer().db.selectFrom('audit').select('action').where('action', '=', 'seats.leaver-rule-asked').execute()
  expect(rows).toHaveLength(2)
})

test('who comes back before the day keeps everything', async () => {
  await using world = await createWorld()
  world.store.gives('Keynote', 'iPad-4')
  await world.syncNow()
  await rule(world, 'after-days')
  await leave(world, 'iPad-4')
  await world.pass(hourMs)
  await change(world, 'iPad-4', { left: null })
  await world.pass(5 * hourMs)
  expect(world.store.holders('Keynote')).toEqual(['iPad-4'])
})

test('who comes back while the order can not leave keeps everything too, and the order says so', async () => {
  await using world = await createWorld()
  const { store } = world
  store.gives('Keynote', 'iPad-4')
  await world.syncNow()
  await rule(world, 'after-days')
  await leave(world, 'iPad-4')
  await world.pass(2 * hourMs - 60_000)
  store.line.fault = ({ path }) => (path.endsWith('/disassociate') ? { is: 'refused' } : undefined)
  await world.pass(hourMs)
  expect(await lastOrder(world, 'Keynote', 'disassociate')).toMatchObject({ state: 'planned' })
  await change(world, 'iPad-4', { left: null })
  store.line.fault = () => undefined
  await world.pass(hourMs)
  expect(store.holders('Keynote')).toEqual(['iPad-4'])
  expect(await lastOrder(world, 'Keynote', 'disassociate')).toMatchObject({ state: 'cancelled', failures: [{ code: 'came-back' }] })
})

test('what an administrator cancelled is not taken again by the rule', async () => {
  await using world = await createWorld()
  const { store } = world
  store.gives('Keynote', 'iPad-4')
  await world.syncNow()
  await rule(world, 'after-days')
  await leave(world, 'iPad-4')
  await world.pass(2 * hourMs - 60_000)
  store.line.fault = ({ path }) => (path.endsWith('/disassociate') ? { is: 'refused' } : undefined)
  await world.pass(10 * 60_000)
  const planned = await lastOrder(world, 'Keynote', 'disassociate')
  expect(await world.mustServer().house.orders.cancel(planned.id, 'Ana')).toBe('done')
  store.line.fault = () => undefined
  await world.pass(4 * hourMs)
  expect(store.holders('Keynote')).toEqual(['iPad-4'])
})

test('what the rule took is given back when the rule is off, and not while it would take it again', async () => {
  await using world = await createWorld()
  const { store } = world
  store.gives('Keynote', 'iPad-4')
  await world.syncNow()
  await rule(world, 'after-days')
  await leave(world, 'iPad-4')
  await world.pass(3 * hourMs)
  expect(store.holders('Keynote')).toEqual([])
  const taken = await lastOrder(world, 'Keynote', 'disassociate')
  expect((await handsOf(world).tell(taken)).told).toMatchObject({ can: 0, blocked: [{ code: 'leaver-rule' }] })
  await rule(world, 'off')
  expect(await handsOf(world).undo(taken)).toMatchObject({ ok: true })
  await world.settle()
  await world.pass(3 * hourMs)
  expect(store.holders('Keynote')).toEqual(['iPad-4'])
})

test('a crash in the midst of it takes nothing twice', async () => {
  await using world = await createWorld()
  const { store } = world
  store.gives('Keynote', 'iPad-4')
  await world.syncNow()
  await rule(world, 'after-days')
  await leave(world, 'iPad-4')
  let died = 0
  world.crashesAt = (name) => name === 'after-call' && (died += 1) === 1
  await world.pass(3 * hourMs)
  expect(world.server()).toBeUndefined()
  await world.restartServer()
  await world.settle()
  await world.pass(2 * hourMs)
  expect(store.holders('Keynote')).toEqual([])
  expect(store.control.requests().filter(({ path }) => path.endsWith('/disassociate'))).toHaveLength(1)
})
