import { expect, test } from 'vitest'
import { licenseList } from '../../client/views/license-list.ts'
import { foretoldOf } from '../../client/views/outbox-list.ts'
import { seatsKey } from '../../shared/facts.ts'
import { docOfLicense } from '../../shared/ids.ts'
import { noteIn, wishIn } from '../../shared/plan.ts'
import { createDesk, furnish, license, putLicense, putSeats, target } from './desk.ts'
import { wishesAt } from './wire-server.ts'

const give = { mode: 'include', intent: 'required', licenseType: 'device' } as const

test('an assignment made offline is on the disk at once, survives a reload, and reaches the server when the network is back', async () => {
  const desk = createDesk()
  const { keynote, tablets } = furnish(desk.server)
  const first = desk.openTab()
  await desk.settle()
  expect(first.console.connection()).toEqual({ is: 'online' })

  desk.server.online = false
  await desk.settle()
  const kept = await first.edits.assign({ license: keynote, targets: [tablets], ...give })
  expect(kept).toMatchObject({ ok: true, value: { words: 'Give Keynote to Grade 7 tablets, required' } })
  expect(desk.store.kept.outbox.size).toBe(1)
  first.handle.crash()
  first.console.close()

  const second = desk.openTab()
  await desk.settle()
  expect(second.console.outbox()).toMatchObject([{ n: 1, state: 'waiting', by: { name: 'Ana' } }])
  const foretold = await second.foretelling.load(keynote, desk.clock.now())
  expect(foretoldOf(second.console.outbox()[0]?.intents ?? [], foretold).text).toBe('2 get a seat, 1 waits: no seat left')

  desk.server.online = true
  await desk.pass(40_000)
  expect(desk.server.taken).toMatchObject([{ n: 1, words: 'Give Keynote to Grade 7 tablets, required' }])
  expect(second.console.outbox()).toEqual([])
  expect(second.console.saved()).toMatchObject([{ n: 1 }])
  expect(wishesAt(desk.server, docOfLicense(keynote))).toMatchObject([{ key: 'gtablets', wish: { mode: 'include', rev: 1 } }])
  second.console.close()
})

test('what a second edit builds on a first one is known to the server by its revision, also when both wait', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give, note: 'for the fair' })
  await tab.edits.changeAssignment({ license: keynote, targets: [target('d1')], ...give, intent: 'available' })
  expect(tab.console.outbox().map(({ intents }) => intents[0])).toMatchObject([
    { baseRev: 0, wish: { rev: 1 } },
    { baseRev: 1, wish: { rev: 2 } },
  ])
  desk.server.online = true
  await desk.pass(40_000)
  const doc = desk.server.doc(docOfLicense(keynote))
  expect(wishIn(doc, target('d1'))).toMatchObject({ intent: 'available', rev: 2 })
  expect(noteIn(doc, target('d1'))).toBe('for the fair')
  tab.console.close()
})

test('a refused edit stays with its reason and blocks nothing that follows', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  desk.server.judge = (push) =>
    push.words.includes('iPad-1') ? { is: 'refuse', code: 'superseded', text: 'Ben excluded this target.' } : { is: 'take' }
  const tab = desk.openTab()
  await desk.settle()
  for (const key of ['d1', 'd2', 'd1', 'd3'])
    await tab.edits.assign({ license: keynote, targets: [target(key)], ...give, licenseType: 'device' })
  await desk.settle()
  const refused = tab.console.outbox()
  expect(refused).toMatchObject([{ n: 1, state: 'refused', refusal: { code: 'superseded', text: 'Ben excluded this target.' } }])
  expect(desk.server.taken.map(({ n }) => n)).toEqual([2, 3])
  expect(wishesAt(desk.server, docOfLicense(keynote)).map(({ key }) => key)).toEqual(['d2', 'd3'])

  desk.server.judge = () => ({ is: 'take' })
  const again = await tab.edits.editAgain(refused[0]?.id ?? 0)
  await desk.settle()
  expect(again.ok).toBe(true)
  expect(tab.console.outbox()).toEqual([])
  expect(wishesAt(desk.server, docOfLicense(keynote)).map(({ key }) => key)).toEqual(['d1', 'd2', 'd3'])
  tab.console.close()
})

test('an edit refused on top of another one does not hold up the document: the next edit of it is taken without a reset', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.judge = () => ({ is: 'refuse', code: 'target-unknown', text: 'gone' })
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  await tab.edits.discard(tab.console.outbox()[0]?.id ?? 0)
  desk.server.judge = () => ({ is: 'take' })
  desk.server.received.length = 0
  await tab.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  await desk.settle()
  expect(tab.console.outbox()).toEqual([])
  expect(desk.server.received.filter(({ is }) => is === 'push')).toHaveLength(1)
  tab.console.close()
})

test('a document whose history was begun anew is taken anew, and edits are made anew under their old numbers', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const doc = docOfLicense(keynote)
  const tab = desk.openTab()
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  await tab.edits.assign({ license: keynote, targets: [target('d3')], ...give })
  desk.server.newEpoch(doc)
  desk.server.online = true
  await desk.pass(40_000)
  expect(tab.console.outbox()).toEqual([])
  expect(desk.server.taken.map(({ n }) => n)).toEqual([1, 2, 3])
  expect(desk.store.kept.docs.get(doc)?.epoch).toBe(2)
  tab.console.close()
})

test('an edit that the server can never read is set aside after some tries, and the next ones close up', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  desk.server.judge = (push) => (push.words.includes('iPad-1') ? { is: 'reset' } : { is: 'take' })
  const tab = desk.openTab()
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await tab.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  await desk.settle()
  await desk.settle()
  expect(tab.console.outbox()).toMatchObject([{ state: 'refused', refusal: { code: 'malformed' } }])
  expect(desk.server.taken).toMatchObject([{ n: 1, words: 'Give Keynote to iPad-2, required' }])
  tab.console.close()
})

test('an answer that got lost is asked for again, and the edit takes effect once', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.lets = (frame) => frame.is !== 'ack'
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  expect(tab.console.outbox()).toHaveLength(1)
  desk.server.lets = () => true
  // Nobody answers the next ping: the connection is half open, and is begun anew.
  await desk.pass(60_000)
  expect(tab.console.connection()).toEqual({ is: 'online' })
  expect(tab.console.outbox()).toEqual([])
  expect(desk.server.taken).toHaveLength(1)
  tab.console.close()
})

test('a copied profile finds its number used, takes a new name and sends what waits under it', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  const copied = desk.openTab(undefined, desk.store.copy())
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  await copied.edits.assign({ license: keynote, targets: [target('d3')], ...give })
  await copied.edits.assign({ license: keynote, targets: [target('d4')], ...give })
  const name = tab.console.meta()?.device
  desk.server.online = true
  tab.console.tryNow()
  await desk.settle()
  await desk.pass(40_000)
  expect(tab.console.outbox()).toEqual([])
  expect(copied.console.outbox()).toEqual([])
  const names = [tab.console.meta()?.device, copied.console.meta()?.device]
  expect(names).toContain(name)
  expect(new Set(names).size).toBe(2)
  expect([tab, copied].map(({ console }) => console.meta()?.notice?.is)).toContain('profile-was-copied')
  expect(wishesAt(desk.server, docOfLicense(keynote)).map(({ key }) => key)).toEqual(['d1', 'd2', 'd3', 'd4'])
  tab.console.close()
  copied.console.close()
})

test('a server set back to a backup gets again what this browser still holds, and the person is told', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  const restore = desk.server.backUp()
  await tab.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  await tab.edits.assign({ license: keynote, targets: [target('d3')], ...give })
  await desk.settle()
  expect(tab.console.outbox()).toEqual([])
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d4')], ...give })
  restore()
  desk.server.online = true
  await desk.pass(40_000)
  expect(tab.console.outbox()).toEqual([])
  expect(wishesAt(desk.server, docOfLicense(keynote)).map(({ key }) => key)).toEqual(['d1', 'd2', 'd3', 'd4'])
  expect(tab.console.meta()?.notice).toMatchObject({ is: 'server-was-restored', sentAgain: 2, lost: 0 })
  tab.console.close()
})

test('a browser whose store was set back goes on with numbers that the server has not seen', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  const old = desk.store.copy()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await tab.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  await desk.settle()
  tab.console.close()
  const back = desk.openTab(undefined, old)
  await desk.settle()
  expect(back.console.meta()?.notice).toMatchObject({ is: 'store-was-lost' })
  await back.edits.assign({ license: keynote, targets: [target('d3')], ...give })
  await desk.settle()
  expect(desk.server.taken.map(({ n }) => n)).toEqual([1, 2, 3])
  expect(back.console.outbox()).toEqual([])
  back.console.close()
})

test('another server throws the facts away, and sends nothing that was made for the first one', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  tab.console.close()
  const other = createDesk(2)
  putLicense(other.server, license(1, 'Numbers'))
  other.server.tenant = 'tenant-2'
  const moved = other.openTab(undefined, desk.store)
  await other.settle()
  expect(moved.console.outbox()).toMatchObject([{ state: 'refused', refusal: { code: 'other-server' } }])
  expect(other.server.taken).toEqual([])
  const read = moved.console.facts.run('licenses/')
  await other.settle()
  expect(read.is).toBe('loading')
  const list = licenseList(moved.console.facts, moved.foretelling, moved.console.outbox(), other.clock.now())
  await other.settle()
  void list
  const again = licenseList(moved.console.facts, moved.foretelling, moved.console.outbox(), other.clock.now())
  expect(again.is === 'ready' && again.value.map((row) => row.license.product.name)).toEqual(['Numbers'])
  moved.console.close()
})

test("somebody else's unsent edits are not sent as one's own: they wait for their author", async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  const ana = desk.server.admin
  desk.server.admin = { id: 'ben' as typeof ana.id, name: 'Ben', role: 'administrator' }
  await tab.console.signedIn(desk.server.admin)
  await tab.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  desk.server.online = true
  await desk.pass(40_000)
  expect(desk.server.taken).toMatchObject([{ n: 1, words: 'Give Keynote to iPad-2, required' }])
  expect(tab.console.outbox()).toMatchObject([{ by: { name: 'Ana' }, state: 'refused', refusal: { code: 'other-admin' } }])

  desk.server.online = false
  await desk.settle()
  desk.server.admin = ana
  desk.server.online = true
  await desk.pass(40_000)
  expect(desk.server.taken.map(({ n }) => n)).toEqual([1, 2])
  expect(tab.console.outbox()).toEqual([])
  tab.console.close()
})

test('when this device can not keep an edit nothing is shown as saved, and the next one is kept once there is room', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.store.fault = () => ({ when: 'before', failure: { is: 'no-room' } })
  const refused = await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  expect(refused).toMatchObject({ ok: false, error: { is: 'not-saved', failure: { is: 'no-room' } } })
  expect(tab.console.outbox()).toEqual([])
  expect(tab.console.storeTrouble()).toEqual({ is: 'no-room' })
  desk.store.fault = () => undefined
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  expect(desk.server.taken).toHaveLength(1)
  expect(tab.console.storeTrouble()).toBeUndefined()
  tab.console.close()
})

test('facts that could not be kept are fetched again', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  let faults = 3
  desk.store.fault = () => ((faults -= 1) >= 0 ? { when: 'before', failure: { is: 'no-room' } } : undefined)
  putSeats(desk.server, keynote, [1, 2])
  await desk.pass(40_000)
  expect(desk.store.kept.chunks.get(seatsKey(keynote))?.bytes).toEqual(desk.server.chunk(seatsKey(keynote)))
  tab.console.close()
})

test('when the system says that the network is gone the badge says so at once, and comes back by itself', async () => {
  const desk = createDesk()
  furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  tab.console.networkGone()
  expect(tab.console.connection()).toMatchObject({ is: 'offline', since: desk.clock.now() })
  await desk.pass(2000)
  expect(tab.console.connection()).toEqual({ is: 'online' })
  tab.console.close()
})

test('a session that has ended keeps everything here and tries no more, until someone signs in', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.say({ is: 'bye', code: 'signed-out', text: 'You are signed out.' })
  await desk.pass(120_000)
  expect(tab.console.connection()).toEqual({ is: 'signed-out' })
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  expect(tab.console.outbox()).toHaveLength(1)
  tab.console.tryNow()
  await desk.settle()
  expect(tab.console.connection()).toEqual({ is: 'online' })
  expect(desk.server.taken).toHaveLength(1)
  tab.console.close()
})

test('leaving the console removes the facts and keeps what was not sent', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await tab.console.forgetFacts()
  expect(desk.store.kept.chunks.size).toBe(0)
  expect(desk.store.kept.meta).toMatchObject({ admin: null, seq: 0 })
  expect(desk.store.kept.outbox.size).toBe(1)
  desk.server.online = true
  await desk.pass(40_000)
  expect(desk.server.taken).toHaveLength(1)
  expect(desk.store.kept.chunks.size).toBe(desk.server.chunkKeys.length)
  tab.console.close()
})
