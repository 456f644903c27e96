/** One license read by itself, in the world of the simulation: its counts, and its seats when they are worth reading. */
import { describe, expect, test } from 'vitest'
import { createWorld, products, type World } from '../world/world.ts'

const seatReads = (world: World): number =>
  world.store.control.requests().filter(({ path }) => path.includes('/assignments') && path.includes(products.Keynote)).length

const refresh = async (world: World, seats?: boolean): Promise<void> => {
  const { id } = await world.connector()
  world.mustServer().house.syncs.refreshLicense(id, world.licenseOf('Keynote'), seats)
  await world.pass(10_000)
}
const heldHere = async (world: World): Promise<readonly string[]> => {
  const { ordinals } = await world.mustServer().house.journal.columns(`seats/${world.licenseOf('Keynote')}`)
  return [...ordinals].map((ordinal) => world.nameOfOrdinal(ordinal)).toSorted()
}

describe('one license read by itself', () => {
  test('whose counts agree with its seats is not read further', async () => {
    await using world = await createWorld()
    world.store.control.clearRequests()
    await refresh(world)
    expect(seatReads(world)).toBe(0)
  })

  test('whose counts do not agree shows who took a seat, and who gave one back', async () => {
    await using world = await createWorld()
    world.store.gives('Keynote', 'iPad-1')
    await refresh(world)
    expect(await heldHere(world)).toEqual(['iPad-1'])
    world.store.takes('Keynote', 'iPad-1')
    await refresh(world)
    expect(await heldHere(world)).toEqual([])
    expect(await world.license('Keynote')).toMatchObject({ inUse: 0, available: 3 })
  })

  test('in which one seat changed hands is seen when its seats are asked for', async () => {
    await using world = await createWorld()
    world.store.gives('Keynote', 'iPad-1')
    await refresh(world)
    world.store.takes('Keynote', 'iPad-1')
    world.store.gives('Keynote', 'iPad-2')
    await refresh(world)
    expect(await heldHere(world)).toEqual(['iPad-1'])
    await refresh(world, true)
    expect(await heldHere(world)).toEqual(['iPad-2'])
  })

  test('is left to its orders while they explain the difference', async () => {
    await using world = await createWorld()
    world.store.control.setSwitches({ listLagMs: { assets: 180_000, assignments: 0, users: 0 } })
    await world.addAdmin('Ana', 'administrator')
    await world.ana.assign('Keynote', 'iPad-1')
    await world.settle()
    world.store.control.clearRequests()
    await refresh(world)
    expect((await world.license('Keynote')).inUse).toBe(0)
    expect(seatReads(world)).toBe(0)
    expect(await heldHere(world)).toEqual(['iPad-1'])
  })

  test('asked for many times while it is read is read once more', async () => {
    await using world = await createWorld()
    world.store.control.clearRequests()
    const { id } = await world.connector()
    for (let n = 0; n < 20; n += 1) world.mustServer().house.syncs.refreshLicense(id, world.licenseOf('Keynote'))
    await world.pass(10_000)
    const reads = world.store.control.requests().filter(({ path }) => path.includes('/assets') && path.includes(products.Keynote)).length
    expect(reads).toBe(2)
  })
})
