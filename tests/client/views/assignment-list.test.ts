import { expect, test } from 'vitest'
import {
  arrangeAssignments,
  createAssignmentList,
  createTallies,
  withWaiting,
  type AssignmentQuery,
  type AssignmentRow,
} from '../../../client/views/assignment-list.ts'
import { usualTerms } from '../../../shared/assignment.ts'
import { createDesk, furnish, license, putLicense, target, type Desk, type Tab } from '../desk.ts'

const give = { mode: 'include', intent: 'required', licenseType: 'device' } as const
const all: AssignmentQuery = { text: '', asks: 'any', kind: 'any', dates: 'any', sort: 'license', turned: false }

const sitDown = async () => {
  const desk = createDesk()
  const furniture = furnish(desk.server)
  const pages = putLicense(desk.server, license(3, 'Pages'))
  const tab = desk.openTab()
  await desk.settle()
  await tab.edits.assign({ license: furniture.keynote, targets: [furniture.tablets], ...give })
  await tab.edits.assign({
    license: pages,
    targets: [target('d4')],
    ...give,
    intent: 'available',
    terms: { ...usualTerms, startsAt: new Date(desk.clock.now() + 86_400_000).toISOString() },
  })
  await tab.edits.assign({ license: pages, targets: [target('d1')], ...give, mode: 'exclude' })
  await desk.settle()
  return { desk, tab, pages, ...furniture }
}
const listed = async (desk: Desk, tab: Tab) => {
  const sources = { facts: tab.console.facts, directory: tab.directory, foretelling: tab.foretelling, now: () => desk.clock.now() }
  const list = createAssignmentList()
  const tallies = createTallies()
  for (let round = 0; round < 20; round += 1) {
    const read = list(sources)
    if (read.is === 'ready') for (const row of read.value) tallies(sources, row)
    await desk.settle()
  }
  const read = list(sources)
  if (read.is === 'loading') throw new Error('still loading')
  return { rows: read.value, again: () => list(sources), tallyOf: (row: AssignmentRow) => tallies(sources, row) }
}
const named = (rows: readonly AssignmentRow[]) => rows.map((row) => `${row.license.product.name}: ${row.target.name}`)

test('all assignments of all licenses, and those that are being removed no more', async () => {
  const { desk, tab, pages } = await sitDown()
  const { rows } = await listed(desk, tab)
  expect(named(arrangeAssignments(rows, all, desk.clock.now()))).toEqual(['Keynote: Grade 7 tablets', 'Pages: DMP4', 'Pages: iPad-1'])
  desk.server.online = false
  await desk.settle()
  await tab.edits.removeAssignment(pages, [target('d1')], 'release')
  expect(named((await listed(desk, tab)).rows)).not.toContain('Pages: iPad-1')
  tab.console.close()
})

test('they are filtered by what they ask, whom, when, and by any name; and sorted', async () => {
  const { desk, tab } = await sitDown()
  const { rows } = await listed(desk, tab)
  const found = (query: Partial<AssignmentQuery>) => named(arrangeAssignments(rows, { ...all, ...query }, desk.clock.now()))
  expect(found({ asks: 'exclude' })).toEqual(['Pages: iPad-1'])
  expect(found({ asks: 'available' })).toEqual(['Pages: DMP4'])
  expect(found({ kind: 'group' })).toEqual(['Keynote: Grade 7 tablets'])
  expect(found({ dates: 'begins' })).toEqual(['Pages: DMP4'])
  expect(found({ dates: 'ends' })).toEqual([])
  expect(found({ text: 'grade' })).toEqual(['Keynote: Grade 7 tablets'])
  expect(found({ text: 'PAGES', sort: 'target', turned: true })).toEqual(['Pages: iPad-1', 'Pages: DMP4'])
  expect(found({ sort: 'begins' })[0]).toBe('Pages: DMP4')
  tab.console.close()
})

test('each says how it stands; who waits is found; and what has not changed is not made anew', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  desk.server.online = false
  await desk.settle()
  await tab.edits.changeAssignment({ license: keynote, targets: [tablets], ...give, terms: { ...usualTerms, priority: 1 } })
  const { rows, again, tallyOf } = await listed(desk, tab)
  const [first] = rows
  if (first === undefined) throw new Error('no rows')
  expect(first.unsent).toBe(true)
  expect(tallyOf(first)).toEqual({ placed: 0, pending: 2, waiting: 1, refused: 0 })
  expect(named(withWaiting(rows, tallyOf))).toEqual(['Keynote: Grade 7 tablets'])
  expect(again()).toEqual({ is: 'ready', value: rows })
  const kept = again()
  expect(kept.is === 'ready' && kept.value).toBe(rows)
  tab.console.close()
})
