import { describe, expect, test } from 'vitest'
import { rowsFact } from '../../shared/facts.ts'
import type { Principal } from '../../shared/principal.ts'
import { handsOf, lastOrder } from '../world/hands.ts'
import { createWorld, type World } from '../world/world.ts'

const hourMs = 60 * 60_000
const change = async (world: World, name: string, to: Partial<Pick<Principal, 'left' | 'active'>>): Promise<void> => {
  await world.mustServer().house.journal.write(async (write) => {
    const row = (await write.rows('principals/0')).find(({ id }) => id === String(world.targetOf(name)))
    if (row !== undefined) await write.record(rowsFact('principals/0', [{ ...row, ...to } as Principal]))
  })
}
const asked = (world: World): number => world.store.control.requests().filter(({ path }) => path.endsWith('/disassociate')).length

const withFound = async (...names: readonly string[]) => {
  const world = await createWorld()
  for (const name of names) world.store.gives('Keynote', name)
  await world.syncNow()
  return world
}

describe('a reclaim with a grace period', () => {
  test('is planned and shown, leaves when it is due and not before, also after a restart', async () => {
    await using world = await withFound('iPad-4', 'iPad-5')
    const { store } = world
    await handsOf(world).reclaim('Keynote', ['iPad-4', 'iPad-5'], 6)
    const planned = await lastOrder(world, 'Keynote', 'disassociate')
    expect(planned).toMatchObject({ state: 'planned', cause: 'reclaim', total: 2 })
    expect(Date.parse(planned.notBefore ?? '') - Date.parse(planned.createdAt)).toBe(6 * hourMs)
    await world.pass(3 * hourMs)
    await world.restartServer()
    await world.pass(2 * hourMs)
    expect(asked(world)).toBe(0)
    expect(store.holders('Keynote')).toHaveLength(2)
    await world.pass(2 * hourMs)
    expect(store.holders('Keynote')).toEqual([])
    expect(asked(world)).toBe(1)
    expect(await lastOrder(world, 'Keynote', 'disassociate')).toMatchObject({ state: 'done', done: 2 })
  })

  test('can be cancelled until then, and retried after all', async () => {
    await using world = await withFound('iPad-4')
    const { store } = world
    const { orders } = world.mustServer().house
    await handsOf(world).reclaim('Keynote', ['iPad-4'], 1)
    const { id } = await lastOrder(world, 'Keynote', 'disassociate')
    expect(await orders.cancel(id, 'Ana')).toBe('done')
    await world.pass(3 * hourMs)
    expect(store.holders('Keynote')).toEqual(['iPad-4'])
    expect(await orders.find(id)).toMatchObject({ state: 'cancelled', failures: [{ code: 'cancelled' }] })
    expect(await orders.retry(id)).toBe('done')
    await world.settle()
    expect(store.holders('Keynote')).toEqual([])
  })

  test('takes nothing from who came back by then, nor from who is assigned it by then, and says why', async () => {
    await using world = await withFound('iPad-4', 'iPad-5', 'iPad-6')
    const { ana, store } = world
    await change(world, 'iPad-4', { left: '2026-11-20T00:00:00.000Z' })
    await handsOf(world).reclaim('Keynote', ['iPad-4', 'iPad-5', 'iPad-6'], 4)
    await world.pass(hourMs)
    await change(world, 'iPad-4', { left: null })
    await ana.assign('Keynote', 'iPad-5')
    await world.pass(hourMs)
    // Meanwhile nothing is being taken: the assignment has its seat.
    expect(await ana.sees('Keynote', 'iPad-5')).toEqual({ state: 'placed', because: 'had-seat-already' })
    await world.pass(3 * hourMs)
    expect(store.holders('Keynote').toSorted()).toEqual(['iPad-4', 'iPad-5'])
    const over = await lastOrder(world, 'Keynote', 'disassociate')
    expect(over).toMatchObject({ state: 'partly-done', done: 1 })
    expect(over.failures.map(({ ordinal, code }) => `${world.nameOfOrdinal(ordinal)} ${code}`).toSorted()).toEqual([
      'iPad-4 came-back',
      'iPad-5 wished-for',
    ])
  })

  test('in which everybody came back never asks the store', async () => {
    await using world = await withFound('iPad-4')
    await change(world, 'iPad-4', { active: false })
    await handsOf(world).reclaim('Keynote', ['iPad-4'], 1)
    await change(world, 'iPad-4', { active: true })
    await world.pass(3 * hourMs)
    expect(asked(world)).toBe(0)
    expect(await lastOrder(world, 'Keynote', 'disassociate')).toMatchObject({
      state: 'cancelled',
      open: [],
      failures: [{ code: 'came-back' }],
    })
  })

  test('is refused for who is there and assigned it, and names them', async () => {
    await using world = await withFound('iPad-4')
    await world.ana.assign('Keynote', 'iPad-4')
    await world.settle()
    const ordinal = Number(world.targetOf('iPad-4').slice(1))
    expect(await handsOf(world).reclaim('Keynote', ['iPad-4'], 1)).toEqual({ ok: false, error: { is: 'asked-for', ordinals: [ordinal] } })
    expect(await world.orders('Keynote')).toEqual([])
  })

  test('gives way to one at once', async () => {
    await using world = await withFound('iPad-4')
    await handsOf(world).reclaim('Keynote', ['iPad-4'], 3)
    await handsOf(world).reclaim('Keynote', ['iPad-4'])
    await world.settle()
    expect(world.store.holders('Keynote')).toEqual([])
    await world.pass(4 * hourMs)
    expect(asked(world)).toBe(1)
  })

  test('holds up nothing else, and a clock that is set back far stalls nothing', async () => {
    await using world = await withFound('iPad-4')
    const { ana, store } = world
    await handsOf(world).reclaim('Keynote', ['iPad-4'], 24)
    await ana.assign('Keynote', 'iPad-1')
    await world.settle(5 * 60_000).catch(() => undefined)
    expect(store.holders('Keynote').toSorted()).toEqual(['iPad-1', 'iPad-4'])
    // As if it had been planned while the clock was years ahead.
    const { id } = await lastOrder(world, 'Keynote', 'disassociate')
    const { journal, connectors } = world.mustServer().house
    const far = '2031-01-01T00:00:00.000Z'
    await journal.write(async (write) => {
      const order = (await write.rows(`orders/${world.licenseOf('Keynote')}`)).find((row) => row.id === id)
      if (order !== undefined) await write.record(rowsFact(`orders/${world.licenseOf('Keynote')}`, [{ ...order, notBefore: far }]))
      await write.trx
        .updateTable('orders')
        .set({ not_before: Date.parse(far) })
        .where('id', '=', id)
        .execute()
      const [connector] = await connectors.list()
      if (connector !== undefined) await write.record(rowsFact('connectors', [connector]))
    })
    await world.pass(60_000)
    expect(store.holders('Keynote')).toEqual(['iPad-1'])
  })
})
