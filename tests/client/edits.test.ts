import { expect, test } from 'vitest'
import { docOfLicense, type AdminId } from '../../shared/ids.ts'
import { createDesk, furnish, target, type Desk } from './desk.ts'
import { wishesAt } from './wire-server.ts'

const give = { mode: 'include', intent: 'required', licenseType: 'device' } as const
const toPeople = { ...give, licenseType: 'user' } as const

const sitDown = async () => {
  const desk = createDesk()
  const furniture = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  return { desk, tab, ...furniture }
}
const queued = (desk: Desk): number => desk.store.kept.outbox.size + desk.store.kept.saved.size

test('a book given to devices is refused before it is queued, in the words of the server', async () => {
  const { desk, tab, book, tablets } = await sitDown()
  const refused = await tab.edits.assign({ license: book, targets: [tablets], ...give })
  expect(refused).toEqual({
    ok: false,
    error: {
      is: 'not-device-assignable',
      text: 'Algebra goes to people only. Nothing changed. Choose a person or a group of people instead.',
      target: tablets,
    },
  })
  expect(queued(desk)).toBe(0)
})

test('a book asks for a confirmation, and is given once it is confirmed', async () => {
  const { desk, tab, book } = await sitDown()
  const unsure = await tab.edits.assign({ license: book, targets: [target('u5')], ...toPeople })
  expect(unsure).toMatchObject({ ok: false, error: { is: 'confirmation-required' } })
  expect(queued(desk)).toBe(0)
  const sure = await tab.edits.assign({ license: book, targets: [target('u5')], ...toPeople, confirmed: true })
  expect(sure).toMatchObject({ ok: true, value: { words: 'Give Algebra to Ana Ruiz, required' } })
})

test('a reader changes nothing, and reads why', async () => {
  const { desk, tab, keynote } = await sitDown()
  await tab.console.signedIn({ id: 'rea' as AdminId, name: 'Rea', role: 'reader' })
  const refused = await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  expect(refused).toMatchObject({ ok: false, error: { is: 'not-permitted', text: expect.stringContaining('Your role is reader') } })
  expect(queued(desk)).toBe(0)
})

test('the license type has to fit the target, and the target has to be known', async () => {
  const { desk, tab, keynote } = await sitDown()
  expect(await tab.edits.assign({ license: keynote, targets: [target('u5')], ...give })).toMatchObject({
    ok: false,
    error: { is: 'license-type-mismatch' },
  })
  expect(await tab.edits.assign({ license: keynote, targets: [target('d77')], ...give })).toMatchObject({
    ok: false,
    error: { is: 'target-unknown' },
  })
  expect(await tab.edits.assign({ license: keynote, targets: [target('gnobody')], ...give })).toMatchObject({
    ok: false,
    error: { is: 'target-unknown' },
  })
  expect(queued(desk)).toBe(0)
})

test('on a device that has fetched nothing yet an act says so', async () => {
  const desk = createDesk()
  desk.server.online = false
  const tab = desk.openTab()
  await desk.settle()
  await tab.console.signedIn(desk.server.admin)
  const refused = await tab.edits.assign({ license: 'l1' as never, targets: [target('d1')], ...give })
  expect(refused).toMatchObject({ ok: false, error: { is: 'facts-missing' } })
})

test('what stands already is not queued a second time, and one target that never can refuses the whole act', async () => {
  const { desk, tab, keynote, book } = await sitDown()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  expect(await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })).toMatchObject({
    ok: false,
    error: { is: 'nothing-to-do' },
  })
  const mixed = await tab.edits.assign({ license: book, targets: [target('u5'), target('d1')], ...toPeople, confirmed: true })
  expect(mixed).toMatchObject({ ok: false, error: { is: 'not-device-assignable', target: 'd1' } })
  await desk.settle()
  expect(queued(desk)).toBe(1)
})

test('removing says what becomes of the seats, and leaves alone what is not assigned', async () => {
  const { desk, tab, keynote } = await sitDown()
  await tab.edits.assign({ license: keynote, targets: [target('d1'), target('d2')], ...give })
  await desk.settle()
  const removed = await tab.edits.removeAssignment(keynote, [target('d1'), target('d3')], 'release')
  expect(removed).toMatchObject({ ok: true, value: { words: 'Remove Keynote from iPad-1 and give its seats back' } })
  await desk.settle()
  expect(wishesAt(desk.server, docOfLicense(keynote)).map(({ key, wish }) => [key, wish.mode])).toEqual([
    ['d1', 'removed'],
    ['d2', 'include'],
  ])
  expect(await tab.edits.removeAssignment(keynote, [target('d3')], 'keep')).toMatchObject({ ok: false, error: { is: 'nothing-to-do' } })
})

test('an act on 1,200 people is three edits, and each is one row', async () => {
  const { desk, tab, keynote } = await sitDown()
  desk.server.online = false
  await desk.settle()
  const { putPrincipals, device } = await import('./desk.ts')
  desk.server.online = true
  putPrincipals(
    desk.server,
    Array.from({ length: 1200 }, (_, at) => device(at + 100, `S${at}`)),
  )
  await desk.pass(40_000)
  const kept = await tab.edits.assign({
    license: keynote,
    targets: Array.from({ length: 1200 }, (_, at) => target(`d${at + 100}`)),
    ...give,
  })
  expect(kept).toMatchObject({ ok: true, value: { words: 'Give Keynote to S0 and 1199 more, required' } })
  expect(kept.ok && kept.value.ids).toHaveLength(3)
  await desk.settle()
  await desk.settle()
  expect(desk.server.taken).toHaveLength(3)
  expect(wishesAt(desk.server, docOfLicense(keynote))).toHaveLength(1200)
})

test('a note is written, changed and cleared beside the wish', async () => {
  const { desk, tab, keynote } = await sitDown()
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give, note: 'for the fair' })
  const cleared = await tab.edits.setNote(keynote, target('d1'), '')
  expect(cleared).toMatchObject({ ok: true, value: { words: 'Clear the note on Keynote for iPad-1' } })
  expect(await tab.edits.setNote(keynote, target('d1'), 'x'.repeat(501))).toMatchObject({ ok: false, error: { is: 'note-too-long' } })
  await desk.settle()
  expect(wishesAt(desk.server, docOfLicense(keynote))).toMatchObject([{ key: 'd1', note: '' }])
})

test('an edit is taken back: a new one is removed, a changed one is set to what stood before', async () => {
  const { desk, tab, keynote } = await sitDown()
  const made = await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  const changed = await tab.edits.changeAssignment({ license: keynote, targets: [target('d1')], ...give, intent: 'available' })
  await desk.settle()
  if (!made.ok || !changed.ok) throw new Error('not kept')
  const back = await tab.edits.undo(changed.value.ids[0] ?? 0)
  expect(back).toMatchObject({ ok: true, value: { words: 'Take back: Give Keynote to iPad-1, available' } })
  await desk.settle()
  expect(wishesAt(desk.server, docOfLicense(keynote))).toMatchObject([{ wish: { mode: 'include', intent: 'required' } }])
  await tab.edits.undo(made.value.ids[0] ?? 0)
  await desk.settle()
  expect(wishesAt(desk.server, docOfLicense(keynote))).toMatchObject([{ wish: { mode: 'removed', seats: 'release' } }])
  expect(await tab.edits.undo(made.value.ids[0] ?? 0)).toMatchObject({ ok: false, error: { is: 'nothing-to-do' } })
})

test('a refused edit is discarded by hand, an unsent one is not', async () => {
  const { desk, tab, keynote } = await sitDown()
  desk.server.judge = () => ({ is: 'refuse', code: 'superseded', text: 'no' })
  await tab.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  for (const { id } of tab.console.outbox()) await tab.edits.discard(id)
  expect(tab.console.outbox()).toMatchObject([{ state: 'waiting', words: 'Give Keynote to iPad-2, required' }])
})
