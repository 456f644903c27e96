import { describe, expect, test } from 'vitest'
import { createWorld, locationId } from '../world/world.ts'

describe('a sync', () => {
  test('runs by the schedule of its connector', async () => {
    await using world = await createWorld()
    const { lastGoodSyncAt } = await world.connector()
    await world.pass(16 * 60_000)
    expect(Date.parse((await world.connector()).lastGoodSyncAt ?? '')).toBeGreaterThan(Date.parse(lastGoodSyncAt ?? ''))
  })

  test('that finds nothing new changes nothing', async () => {
    await using world = await createWorld()
    await world.syncNow(true)
    const license = await world.license('Keynote')
    await world.syncNow(true)
    expect({ ...(await world.license('Keynote')), asOf: '', readAt: '' }).toEqual({ ...license, asOf: '', readAt: '' })
    expect((await world.connector()).lastSync).toMatchObject({ state: 'succeeded', changed: { licenses: 0, seats: 0, users: 0 } })
  })

  test('makes a principal of a holder that nobody named before', async () => {
    await using world = await createWorld()
    world.store.control.assignOutside(locationId, '361285480', [{ kind: 'device', serialNumber: 'UNHEARDOF' }])
    await world.syncNow()
    const { directory } = world.mustServer().house
    const ordinal = directory.ordinalOfKey('device', 'unheardof')
    expect(ordinal).toBeGreaterThan(0)
    expect(await directory.find(ordinal ?? 0)).toMatchObject({
      serialNumber: 'UNHEARDOF',
      sources: [`apple:${(await world.connector()).id}`],
    })
    expect(await world.license('Keynote')).toMatchObject({ tally: { found: 1 } })
  })

  test('of a license that the store no longer lists keeps its last counts, gives nothing more, and comes back', async () => {
    await using world = await createWorld()
    const { ana, store } = world
    store.control.setTotal(locationId, '361309726', 0)
    await world.syncNow()
    await world.settle()
    const listed = await world.license('Pages')
    expect(listed).toMatchObject({ gone: true, assignable: false, total: 3 })
    await ana.assign('Pages', 'iPad-1')
    await world.settle()
    expect(await ana.sees('Pages', 'iPad-1')).toEqual({ state: 'refused', because: 'license-gone' })
    store.control.setTotal(locationId, '361309726', 2)
    await world.syncNow()
    await world.settle()
    expect(await world.license('Pages')).toMatchObject({ gone: false, total: 2 })
    expect(store.holders('Pages')).toEqual(['iPad-1'])
  })

  test('whose pages belong to different moments is read again', async () => {
    await using world = await createWorld()
    const { store } = world
    for (const device of ['iPad-1', 'iPad-2', 'iPad-3']) store.gives('Keynote', device)
    store.control.setSwitches({ pageSize: 1 })
    store.control.faults.arm({ fault: { is: 'page-moved' }, endpoint: 'assignments', times: 1, skip: 1 })
    await world.syncNow(true)
    await world.settle()
    expect((await world.connector()).lastSync?.state).toBe('succeeded')
    expect(await world.license('Keynote')).toMatchObject({ inUse: 3, tally: { found: 3 } })
  })

  test('tells how far it is', async () => {
    await using world = await createWorld()
    const phases = new Set<string>()
    world.mustServer().house.syncs.onProgress(({ progress }) => void phases.add(progress.phase))
    await world.syncNow(true)
    await world.settle()
    for (const phase of ['connecting', 'products', 'seats', 'recording', 'done']) expect(phases).toContain(phase)
  })

  test('that can not even be recorded is tried again after a pause', async () => {
    await using world = await createWorld()
    world.disk.fault = (sql) => (sql === 'commit' ? 'full' : undefined)
    const before = world.schedule.events()
    await world.pass(30 * 60_000)
    expect(world.schedule.events() - before).toBeLessThan(5_000)
    world.disk.fault = () => undefined
    await world.pass(20 * 60_000)
    expect((await world.connector()).lastSync?.state).toBe('succeeded')
  })
})
