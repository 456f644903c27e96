import { describe, expect, test } from 'vitest'
import { createWorld, locationId } from '../world/world.ts'

const posts = (world: Awaited<ReturnType<typeof createWorld>>) =>
  world.store.control.requests().filter(({ method, path }) => method === 'POST' && /associate/.test(path))

describe('an order', () => {
  test('goes from planned to done, with the store’s reference, and its seat is a fact at once', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.control.setSwitches({ eventLatencyMs: 10_000 })
    await ana.assign('Keynote', 'iPad-1')
    await world.pass(1_000)
    const [pending] = await world.orders('Keynote')
    expect(pending).toMatchObject({ state: 'pending', unknown: false, open: [Number(world.targetOf('iPad-1').slice(1))], by: 'Ana' })
    expect(pending?.storeReference).not.toBeNull()
    await world.settle()
    expect(await world.orders('Keynote')).toMatchObject([{ state: 'done', done: 1, open: [], failures: [] }])
    expect(await world.license('Keynote')).toMatchObject({ inUse: 1, available: 2 })
  })

  test('is cut to what the store takes in one call', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.owns('Keynote', { seats: 8 })
    store.control.setLimits({ maxSerialNumbers: 2, maxClientUserIds: 2 })
    await world.syncNow()
    for (const device of ['iPad-4', 'iPad-5']) await ana.assign('Keynote', device)
    await ana.assign('Keynote', 'Tablets')
    await world.settle()
    expect(store.holders('Keynote')).toHaveLength(5)
    expect(store.control.events(locationId).every(({ requested }) => requested <= 2)).toBe(true)
  })

  test('that the store finds too large is planned anew in smaller ones', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    await ana.assign('Pages', 'iPad-1')
    await world.settle()
    // The limits shrink after they were read.
    store.control.setLimits({ maxSerialNumbers: 1, maxClientUserIds: 1 })
    await ana.assign('Keynote', 'Tablets')
    await world.settle()
    expect(store.holders('Keynote')).toHaveLength(3)
  })

  test('that is planned can be taken back, one that has left can not', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    const { orders } = world.mustServer().house
    store.line.fault = ({ path }) => (path.endsWith('/associate') ? { is: 'refused' } : undefined)
    await ana.assign('Keynote', 'iPad-1')
    await world.pass(2_000)
    const [planned] = await world.orders('Keynote')
    if (planned === undefined) throw new Error('no order')
    expect(planned.state).toBe('planned')
    expect(await orders.cancel(planned.id, 'Ana')).toBe('done')
    expect(await orders.find(planned.id)).toMatchObject({ state: 'cancelled' })
    store.line.fault = () => undefined
    store.control.setSwitches({ eventLatencyMs: 60_000 })
    await ana.assign('Keynote', 'iPad-2')
    await world.pass(40_000)
    const sent = (await world.orders('Keynote')).find(({ open }) => open.length > 0)
    if (sent === undefined) throw new Error('no order left')
    expect(await orders.cancel(sent.id, 'Ana')).toBe('already-sent')
    await world.settle()
    expect(store.holders('Keynote')).toEqual(['iPad-2'])
  })

  test('that failed for good is asked for again when somebody says so', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.control.faults.arm({ fault: { is: 'tasks-fail', errorNumber: 9602, every: 1 }, endpoint: 'associate', times: 1 })
    await ana.assign('Keynote', 'iPad-1')
    await world.settle()
    expect(await ana.sees('Keynote', 'iPad-1')).toEqual({ state: 'refused', because: 'store-refused' })
    const [failed] = await world.orders('Keynote')
    if (failed === undefined) throw new Error('no order')
    const { orders } = world.mustServer().house
    expect(await orders.retry(failed.id)).toBe('done')
    expect(await orders.retry(failed.id)).toBe('nothing-failed')
    await world.settle()
    expect(store.holders('Keynote')).toEqual(['iPad-1'])
  })

  test('of which the store tells half is settled by reading', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.control.faults.arm({ fault: { is: 'event-falls-short', by: 1 }, endpoint: 'associate', times: 1 })
    await ana.assign('Keynote', 'Tablets')
    await world.pass(10_000)
    expect(store.holders('Keynote')).toHaveLength(2)
    await world.settle()
    expect(store.holders('Keynote')).toHaveLength(3)
    expect(await world.license('Keynote')).toMatchObject({ tally: { placed: 3, pending: 0, refused: 0 } })
  })
})

test('one line for each connector: a second write leaves only when the first has its answer', async () => {
  await using world = await createWorld()
  const { ana, store } = world
  let open = 0
  let most = 0
  store.line.onLeave = ({ path }) => {
    if (!path.endsWith('associate')) return
    open += 1
    most = Math.max(most, open)
    world.schedule.after(35, () => void (open -= 1))
  }
  await ana.assign('Keynote', 'iPad-1')
  await ana.assign('Pages', 'iPad-2')
  await ana.assign('Numbers', 'iPad-3')
  await world.settle()
  expect(most).toBe(1)
  expect(posts(world)).toHaveLength(3)
})

test('what is wished for the same devices within a moment leaves in one call, and each license keeps an order of its own', async () => {
  await using world = await createWorld()
  const { ana, store } = world
  for (const product of ['Keynote', 'Pages', 'Numbers']) await ana.assign(product, 'Tablets')
  await world.settle()
  expect(posts(world)).toHaveLength(1)
  for (const product of ['Keynote', 'Pages', 'Numbers']) expect(store.holders(product)).toHaveLength(3)
  const orders = (await Promise.all(['Keynote', 'Pages', 'Numbers'].map((product) => world.orders(product)))).flat()
  expect(orders.map(({ state, done }) => `${state} ${done}`)).toEqual(['done 3', 'done 3', 'done 3'])
  expect(new Set(orders.map(({ storeReference }) => storeReference)).size).toBe(1)
})
