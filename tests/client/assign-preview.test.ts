import { expect, test } from 'vitest'
import { previewSums, splitByFit } from '../../client/views/assign-preview.ts'
import { licenseRow } from '../../client/views/license-list.ts'
import { foretoldOf, type Foretold } from '../../client/views/outbox-list.ts'
import type { License } from '../../shared/license.ts'
import { createDesk, furnish, license } from './desk.ts'

const now = Date.parse('2026-11-24T09:00:00Z')
const row = (n: number, name: string, changes: Partial<License> = {}) => licenseRow(license(n, name, changes), undefined, undefined, 0, now)
const app = row(1, 'Keynote')
const book = row(2, 'Algebra 1', { licenseTypes: ['user'], revocable: false })
const gone = row(3, 'Old app', { gone: true })
const fixed = row(4, 'Web clip', { assignable: false })
const names = (rows: readonly { readonly license: License }[]): readonly string[] => rows.map(({ license: { product } }) => product.name)

test('a product that the targets can never get is left out, with the reason, before anything is kept', () => {
  const split = splitByFit([app, book, gone, fixed], 'device', 'include', 'required')
  expect(names(split.taking)).toEqual(['Keynote'])
  expect(split.leftOut.map(({ row: left, because }) => [left.license.product.name, because])).toEqual([
    ['Algebra 1', 'goes to people only'],
    ['Old app', 'is no longer listed by the store'],
    ['Web clip', 'can not be assigned from here'],
  ])
  expect(split.forGood).toEqual([])
})

test('a book among them is asked about twice when it is given, and left out when it is to be taken back', () => {
  expect(names(splitByFit([app, book], 'user', 'include', 'required').forGood)).toEqual(['Algebra 1'])
  expect(splitByFit([app, book], 'user', 'exclude', 'required').forGood).toEqual([])
  expect(splitByFit([app, book], 'user', 'include', 'uninstall').leftOut.map(({ because }) => because)).toEqual(['is never taken back'])
})

test('the sums run over every product, with what is given for good and what is still being worked out', () => {
  const foretold = (changes: Partial<Foretold>): Foretold => ({
    text: '',
    placed: 0,
    gains: 0,
    has: 0,
    returns: 0,
    waitsFirst: [],
    waiting: 0,
    refused: 0,
    asOf: undefined,
    ...changes,
  })
  expect(
    previewSums([
      { row: app, foretold: foretold({ gains: 8, waiting: 22 }) },
      { row: book, foretold: foretold({ gains: 5, has: 2, refused: 1 }) },
      { row: gone, foretold: undefined },
    ]),
  ).toEqual({ gains: 13, has: 2, waits: 22, refused: 1, returns: 0, forGood: 5, open: 1 })
})

test('what is foretold names the first who would wait, in the order of serving', async () => {
  const desk = createDesk()
  const { keynote, tablets } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [tablets], mode: 'include', intent: 'required', licenseType: 'device' })
  const state = await tab.foretelling.load(keynote, desk.clock.now())
  const [edit] = tab.console.outbox()
  if (edit === undefined) throw new Error('nothing was kept')
  const told = foretoldOf(edit.intents, state)
  expect(told).toMatchObject({ gains: 2, waiting: 1, refused: 0, has: 0 })
  expect(told.waitsFirst).toHaveLength(1)
  tab.console.close()
})
