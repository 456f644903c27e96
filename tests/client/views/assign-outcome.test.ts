import { expect, test } from 'vitest'
import { assignOutcome, type AssignOutcome } from '../../../client/views/assign-outcome.ts'
import { wantedWishes } from '../../../client/views/assign-preview.ts'
import type { AssignRequest } from '../../../client/edits.ts'
import { columnsFact, columnsOfMembers, columnsOfSeats, membersKey, principalsKey, rowsFact, seatsKey } from '../../../shared/facts.ts'
import { usualTerms, type WishTerms } from '../../../shared/assignment.ts'
import type { LicenseId, TargetKey } from '../../../shared/ids.ts'
import type { Principal } from '../../../shared/principal.ts'
import { createDesk, device, furnish, group, license, putLicense, putSeats, target, type Desk, type Tab } from '../desk.ts'

const give = { mode: 'include', intent: 'required', licenseType: 'device' } as const

const sitDown = async () => {
  const desk = createDesk()
  const furniture = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  return { desk, tab, ...furniture }
}

const looked = async (desk: Desk, tab: Tab, request: AssignRequest): Promise<AssignOutcome> => {
  const sources = { directory: tab.directory, foretelling: tab.foretelling, now: () => desk.clock.now() }
  for (let round = 0; round < 20; round += 1) {
    const read = assignOutcome(sources, request, wantedWishes(request, 'Ana', desk.clock.now()))
    if (read.is === 'ready' && read.value !== undefined) return read.value
    await desk.settle()
  }
  throw new Error('still loading')
}
const said = ({ lists }: AssignOutcome) =>
  lists.map(({ title, people }) => [
    title,
    people.slice(0, 5).map(({ principal, detail }) => `${principal.name}${detail === '' ? '' : `: ${detail}`}`),
  ])
const request = (id: LicenseId, targets: readonly TargetKey[], changes: Partial<AssignRequest> = {}): AssignRequest => ({
  license: id,
  targets,
  ...give,
  ...changes,
})

test('who gets a seat and who waits is told by name, with the place and the reason', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  expect(said(await looked(desk, tab, request(keynote, [tablets])))).toEqual([
    ['1 waits', ['DMP3: Place 1. No seat left']],
    ['2 get a seat', ['iPad-1', 'iPad-2']],
  ])
  tab.console.close()
})

test('a higher priority sets others back, and they are told of first', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign(request(keynote, [tablets]))
  await desk.settle()
  const terms: WishTerms = { ...usualTerms, priority: 5 }
  expect(said(await looked(desk, tab, request(keynote, [target('d4')], { terms })))).toEqual([
    ['1 waits, who would get one as it stands now', ['iPad-2: Place 1']],
    ['1 gets a seat', ['DMP4']],
  ])
  tab.console.close()
})

test('an exclusion tells whose seats go back and who is both included and excluded, or that it has no effect', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  putSeats(desk.server, keynote, [1])
  await desk.settle()
  await tab.edits.assign(request(keynote, [tablets]))
  await desk.settle()
  const outcome = await looked(desk, tab, request(keynote, [target('d1')], { mode: 'exclude' }))
  expect(said(outcome)[0]).toEqual(['1 gives a seat back', ['iPad-1']])
  expect(said(outcome).at(-1)).toEqual(['1 is both included and excluded: the exclusion counts', ['iPad-1']])
  expect(outcome.warnings).toEqual([])
  expect((await looked(desk, tab, request(keynote, [target('d4')], { mode: 'exclude' }))).warnings).toEqual([
    'This exclusion has no effect now: none of those it names is given this license by an assignment.',
  ])
  tab.console.close()
})

test('people are not excluded from devices: refused before anything is kept', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  await tab.edits.assign(request(keynote, [tablets]))
  await desk.settle()
  const { refused } = await looked(desk, tab, request(keynote, [target('u5')], { mode: 'exclude', licenseType: 'user' }))
  expect(refused).toEqual([expect.stringMatching(/^People are not excluded from devices/)])
  tab.console.close()
})

test('what is offered gives nobody a seat; what begins later asks for none; what is given for good is said', async () => {
  const { desk, tab, keynote, book, tablets } = await sitDown()
  expect(said(await looked(desk, tab, request(keynote, [tablets], { intent: 'available' })))[0]?.[0]).toBe('3 may take a seat')
  const terms: WishTerms = { ...usualTerms, startsAt: '2027-03-01T08:00:00.000Z' }
  expect(said(await looked(desk, tab, request(keynote, [tablets], { terms })))).toEqual([
    ['3 are asked for later', ['iPad-1', 'iPad-2', 'DMP3'].map((name) => `${name}: Begins on 1 March 2027, 08:00 UTC`)],
  ])
  expect((await looked(desk, tab, request(book, [target('u5')], { licenseType: 'user' }))).warnings).toEqual([
    '1 seat can not be taken back once given.',
  ])
  tab.console.close()
})

test('50,000 devices are previewed, each in their list', async () => {
  const { desk, tab } = await sitDown()
  const count = 50_000
  const rows = Array.from({ length: count }, (_, at) => device(at + 1000, `S${at}`))
  const byChunk = new Map<ReturnType<typeof principalsKey>, Principal[]>()
  rows.forEach((row, at) => {
    const key = principalsKey(at + 1000)
    const some = byChunk.get(key) ?? []
    some.push(row)
    byChunk.set(key, some)
  })
  for (const [key, some] of byChunk) desk.server.record(rowsFact(key, some))
  const big = putLicense(desk.server, license(9, 'Big', { total: 30_000, available: 20_000, inUse: 10_000 }))
  desk.server.record(rowsFact('groups', [{ id: group('all'), name: 'All of them', kind: 'device', memberCount: count, sources: ['csv'] }]))
  desk.server.record(columnsFact(membersKey(group('all')), columnsOfMembers(rows.map((_, at) => at + 1000))))
  desk.server.record(
    columnsFact(
      seatsKey(big),
      columnsOfSeats(
        rows.slice(0, 10_000).map((_, at) => ({ ordinal: at + 1000, licenseType: 'device', origin: 'assignment', sinceS: 1 })),
      ),
    ),
  )
  await desk.settle()
  const outcome = await looked(desk, tab, request(big, [target('gall')]))
  expect(outcome.lists.map(({ title }) => title)).toEqual(
    ['20,000 wait', '20,000 get a seat', '10,000 have a seat already'].map((text) => expect.stringMatching(text.replace(',', '.'))),
  )
  // Reckoned anew, since another priority was chosen: the same people stand the same.
  const again = await looked(desk, tab, request(big, [target('gall')], { terms: { ...usualTerms, priority: 3 } }))
  expect(again.lists.map(({ title }) => title)).toEqual(outcome.lists.map(({ title }) => title))
  tab.console.close()
})
