import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { Answer } from '../../server/workspace.ts'
import type { Actor } from '../../shared/admin.ts'
import { docOfLicense, parseDeviceId, type DeviceId } from '../../shared/ids.ts'
import { planMap, writeIntents, type PlanIntent } from '../../shared/plan.ts'
import { damage, give } from '../simulation/gate-fuzz.ts'
import { must } from '../shared/weighing.ts'
import { seededChance } from '../world/hand-clock.ts'
import { createWorld, type World } from '../world/world.ts'

/** A browser that says whatever it is told to, honest or not. */
const browser = (world: World, name: string, actor: Actor, clientId: number) => {
  const device: DeviceId = must(parseDeviceId(`device-of-${name}`))
  const doc = docOfLicense(world.licenseOf('Keynote'))
  const { workspace } = world.mustServer().house
  let n = 0
  const push = (
    update: Uint8Array,
    intents: readonly PlanIntent[],
    given: { readonly n?: number; readonly sum?: Uint8Array; readonly epoch?: number } = {},
  ): Promise<Answer> =>
    workspace.take(actor, {
      device,
      n: given.n ?? (n += 1),
      doc,
      epoch: given.epoch ?? 1,
      words: 'an edit',
      intents,
      update,
      sum: given.sum ?? createHash('sha256').update(update).digest(),
    })
  return {
    push,
    made: async (intents: readonly PlanIntent[], as = clientId): Promise<Uint8Array> => {
      const replica = new Y.Doc()
      Y.applyUpdate(replica, (await workspace.open(doc, 0, new Uint8Array(0))).update)
      replica.clientID = as
      return writeIntents(replica, intents, 'edit')
    },
    state: async (): Promise<Y.Doc> => {
      const replica = new Y.Doc()
      Y.applyUpdate(replica, (await workspace.open(doc, 0, new Uint8Array(0))).update)
      return replica
    },
  }
}

describe('an edit', () => {
  test('is acknowledged once, and again with the same words', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    const update = await ana.made([give('d1')])
    const first = await ana.push(update, [give('d1')])
    expect(first).toMatchObject({ is: 'ack' })
    expect(await ana.push(update, [give('d1')], { n: 1 })).toEqual(first)
    expect([...planMap(await ana.state()).keys()]).toEqual(['d1'])
  })
  test('under a number that was used for another one is told so', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    await ana.push(await ana.made([give('d1')]), [give('d1')])
    expect(await ana.push(await ana.made([give('d2')]), [give('d2')], { n: 1 })).toMatchObject({ is: 'nack', code: 'number-taken' })
  })
  test('that leaves a number out is asked for what is missing', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    expect(await ana.push(await ana.made([give('d1')]), [give('d1')], { n: 3 })).toEqual({ is: 'resend', from: 1 })
  })
  test('of another epoch is reset', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    expect(await ana.push(await ana.made([give('d1')]), [give('d1')], { epoch: 9 })).toEqual({ is: 'reset', epoch: 1, why: 'epoch' })
  })
  test('of a reader is refused, and its number is used up', async () => {
    await using world = await createWorld()
    const rita = browser(world, 'rita', { ...world.ben.actor, role: 'reader' }, 72)
    expect(await rita.push(await rita.made([give('d1')]), [give('d1')])).toMatchObject({ is: 'nack', code: 'not-permitted' })
    expect(await rita.push(await rita.made([give('d2')]), [give('d2')])).toMatchObject({ is: 'nack', code: 'not-permitted' })
    expect([...planMap(await rita.state()).keys()]).toEqual([])
  })
  test('is taken whole or not at all', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    const intents = [give('d1'), give('d9999')]
    expect(await ana.push(await ana.made(intents), intents)).toMatchObject({ is: 'nack', code: 'target-unknown' })
    expect(planMap(await ana.state()).get('d1')).toBeUndefined()
  })
})

describe('a hostile update', () => {
  test('under another’s client id changes nothing of theirs', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    const eve = browser(world, 'eve', world.ben.actor, 72)
    await ana.push(await ana.made([give('d1')]), [give('d1')])
    const stolen = await eve.made([give('d2')], 71)
    expect(await eve.push(stolen, [give('d2')])).toEqual({ is: 'reset', epoch: 1, why: 'client-id-taken' })
    expect(await ana.push(await ana.made([give('d3')]), [give('d3')])).toMatchObject({ is: 'ack' })
    expect([...planMap(await ana.state()).keys()].toSorted()).toEqual(['d1', 'd3'])
  })
  test('that silences another device for ever is refused, and that device goes on', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    const eve = browser(world, 'eve', world.ben.actor, 72)
    await ana.push(await ana.made([give('d1')]), [give('d1')])
    // One client, one struct of emptiness, a thousand million long, under Ana's id at her next clock.
    const silence = Uint8Array.of(1, 1, 71, 1, 0, 0x80, 0x94, 0xeb, 0xdc, 0x03, 0)
    expect(await eve.push(silence, [give('d2')])).toMatchObject({ is: 'reset' })
    expect(await ana.push(await ana.made([give('d2')]), [give('d2')])).toMatchObject({ is: 'ack' })
  })
  test('that deletes what others wished beside what it says is set back', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    const eve = browser(world, 'eve', world.ben.actor, 72)
    await ana.push(await ana.made([give('d1')]), [give('d1')])
    const replica = await eve.state()
    replica.clientID = 72
    let update = new Uint8Array(0)
    replica.once('update', (bytes: Uint8Array) => void (update = Uint8Array.from(bytes)))
    replica.transact(() => {
      planMap(replica).set('d2', ['include', 'required', 'device', 1])
      planMap(replica).delete('d1')
    })
    expect(await eve.push(update, [give('d2')])).toMatchObject({ is: 'nack', code: 'malformed' })
    expect([...planMap(await ana.state()).keys()]).toEqual(['d1'])
  })
  test('with another sum than its bytes is refused', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    expect(await ana.push(await ana.made([give('d1')]), [give('d1')], { sum: new Uint8Array(32) })).toMatchObject({
      is: 'reset',
      why: 'malformed',
    })
  })
  test('of 2,000 damaged ones none throws, none moves another’s clock, and honest edits go on', async () => {
    await using world = await createWorld()
    const ana = browser(world, 'ana', world.ana.actor, 71)
    const eve = browser(world, 'eve', world.ben.actor, 72)
    await ana.push(await ana.made([give('d1'), give('d2')]), [give('d1'), give('d2')])
    const chance = seededChance(5)
    const honest = await eve.made([give('d3'), give('d1', 2)])
    for (let run = 0; run < 2000; run += 1) {
      const answer = await eve.push(damage(chance, honest), [give('d3'), give('d1', 2)], { n: 1 })
      if (answer.is === 'ack' || answer.is === 'nack') break
    }
    const state = await ana.state()
    expect(Y.getState(state.store, 71)).toBe(2)
    expect(state.store.pendingStructs).toBeNull()
    expect(await ana.push(await ana.made([give('d4')]), [give('d4')])).toMatchObject({ is: 'ack' })
  }, 30_000)
})

test('a document that has grown is folded, and reads the same after a restart', async () => {
  await using world = await createWorld()
  const ana = browser(world, 'ana', world.ana.actor, 71)
  for (let rev = 1; rev <= 520; rev += 1) await ana.push(await ana.made([give('d1', rev)]), [give('d1', rev)])
  const before = planMap(await ana.state()).toJSON()
  expect(before).toEqual({ d1: ['include', 'required', 'device', 520] })
  await world.restartServer()
  expect(planMap(await browser(world, 'ana', world.ana.actor, 71).state()).toJSON()).toEqual(before)
}, 30_000)
