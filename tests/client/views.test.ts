import { expect, test } from 'vitest'
import { connectorList } from '../../client/views/connector-list.ts'
import { arrangeLicenses, licenseList, licenseRow, type LicenseRow } from '../../client/views/license-list.ts'
import { licensePage } from '../../client/views/license-page.ts'
import { exportedOutbox, outboxList } from '../../client/views/outbox-list.ts'
import { overviewOf } from '../../client/views/overview.ts'
import { emptyTally } from '../../shared/license.ts'
import { ordersKey, rowsFact } from '../../shared/facts.ts'
import type { Order } from '../../shared/order.ts'
import type { ConnectorId } from '../../shared/ids.ts'
import { connector, createDesk, furnish, license, putLicense, putSeats, target, type Desk, type Tab } from './desk.ts'

const give = { mode: 'include', intent: 'required', licenseType: 'device' } as const

const sitDown = async () => {
  const desk = createDesk()
  const furniture = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  return { desk, tab, ...furniture }
}
const list = async (desk: Desk, tab: Tab): Promise<readonly LicenseRow[]> => {
  for (let round = 0; round < 5; round += 1) {
    const read = licenseList(tab.console.facts, tab.foretelling, tab.console.outbox(), desk.clock.now())
    await desk.settle()
    if (read.is === 'ready' && round > 2) return read.value
  }
  throw new Error('still loading')
}

test("the list shows the server's count, and a foretold one for a license with unsent edits", async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  putLicense(desk.server, license(3, 'Numbers', { tally: { ...emptyTally, desired: 4, waiting: 4 } }))
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [tablets], ...give })
  await tab.foretelling.load(keynote, desk.clock.now())
  const rows = await list(desk, tab)
  const byName = new Map(rows.map((row) => [row.license.product.name, row]))
  expect(byName.get('Numbers')).toMatchObject({ foretold: false, unsent: 0, bar: { short: 4 }, stale: false, countsAgree: true })
  expect(byName.get('Keynote')).toMatchObject({
    foretold: true,
    unsent: 1,
    tally: { desired: 3, pending: 2, waiting: 1 },
    bar: { short: 1 },
  })
  tab.console.close()
})

test('the list is filtered by text, location and shortage, and sorted by what waits, then by what is free', () => {
  const north = connector()
  const rows = [
    license(1, 'Keynote', { tally: { ...emptyTally, waiting: 2 } }),
    license(2, 'Pages', { available: 5 }),
    license(3, 'Numbers', { available: 1 }),
    license(4, 'Maps', { unlimited: true, total: null, available: null, connectorId: 'c2' as ConnectorId, store: 'google' }),
  ].map((row) => licenseRow(row, row.connectorId === north.id ? north : undefined, undefined, 0, Date.parse('2026-11-26T09:00:00Z')))
  const names = (found: readonly LicenseRow[]) => found.map((row) => row.license.product.name)
  expect(names(arrangeLicenses(rows, {}))).toEqual(['Keynote', 'Numbers', 'Pages', 'Maps'])
  expect(names(arrangeLicenses(rows, { sort: 'name' }))).toEqual(['Keynote', 'Maps', 'Numbers', 'Pages'])
  expect(names(arrangeLicenses(rows, { sort: 'available', descending: true }))).toEqual(['Maps', 'Keynote', 'Pages', 'Numbers'])
  expect(names(arrangeLicenses(rows, { text: 'NORTH', short: false }))).toHaveLength(3)
  expect(names(arrangeLicenses(rows, { short: true }))).toEqual(['Keynote'])
  expect(names(arrangeLicenses(rows, { stores: ['google'] }))).toEqual(['Maps'])
  expect(rows[0]?.stale).toBe(true)
})

test('2,000 licenses are filtered and sorted within a frame or two', () => {
  const rows = Array.from({ length: 2000 }, (_, n) =>
    licenseRow(license(n, `App ${(n * 7919) % 2000}`), connector(), undefined, 0, Date.parse('2026-11-24T09:00:00Z')),
  )
  const begun = performance.now()
  expect(arrangeLicenses(rows, { text: 'app 1', sort: 'name' })).toHaveLength(1111)
  expect(performance.now() - begun).toBeLessThan(100)
})

test('a license page tells who waits and why, who holds a seat, and marks what is not sent', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  putSeats(desk.server, keynote, [4])
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('d4')], ...give })
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [tablets], ...give })
  await tab.foretelling.load(keynote, desk.clock.now())
  const read = licensePage(keynote, tab.foretelling, tab.directory, tab.console.outbox(), desk.clock.now())
  if (read.is === 'loading' || read.value === undefined) throw new Error('still loading')
  const page = read.value
  expect(page.wishes.map(({ target: { name }, unsent, tally }) => [name, unsent, tally.placed, tally.pending, tally.waiting])).toEqual([
    ['DMP4', false, 1, 0, 0],
    ['Grade 7 tablets', true, 0, 1, 2],
  ])
  expect(page.holders.length).toBe(1)
  expect(page.holders.slice(0, 10)[0]).toMatchObject({ principal: { name: 'DMP4' }, verdict: { state: 'placed' } })
  expect(page.waiting.slice(0, 10).map(({ principal, because, foretold, by }) => [principal.name, because, foretold, by.name])).toEqual([
    ['iPad-2', 'No seat left. Place 1 on the waiting list, served by itself when a seat returns', true, 'Grade 7 tablets'],
    ['DMP3', 'No seat left. Place 2 on the waiting list, served by itself when a seat returns', true, 'Grade 7 tablets'],
  ])
  const missing = licensePage('l99' as never, tab.foretelling, tab.directory, [], desk.clock.now())
  await desk.settle()
  expect(missing.is === 'ready' ? missing.value : 'loading').toBe('loading')
  expect(await tab.foretelling.load('l99' as never, desk.clock.now())).toBeUndefined()
  tab.console.close()
})

test('an order tells what was asked and how far it got', async () => {
  const { desk, tab, keynote } = await sitDown()
  const order: Order = {
    id: 'o1' as never,
    connectorId: 'c1' as ConnectorId,
    licenseId: keynote,
    action: 'associate',
    cause: 'plan',
    state: 'partly-done',
    total: 2,
    done: 1,
    open: [],
    failures: [{ ordinal: 2, code: 'x', text: 'The store does not know this serial number.', retryable: false, atSeq: 1 }],
    unknown: false,
    storeReference: null,
    createdAt: '2026-11-24T08:00:00.000Z',
    sentAt: null,
    finishedAt: null,
    by: 'Ana',
  }
  desk.server.record(rowsFact(ordersKey(keynote), [order]))
  await desk.settle()
  await tab.foretelling.load(keynote, desk.clock.now())
  const read = licensePage(keynote, tab.foretelling, tab.directory, [], desk.clock.now())
  expect(read.is === 'ready' && read.value?.orders).toMatchObject([
    {
      words: 'Give 2 seats',
      state: 'Partly done: 1 of 2',
      failed: 1,
      failures: [{ targets: [{ name: 'iPad-2' }], reason: 'The store does not know this serial number.' }],
    },
  ])
  tab.console.close()
})

test('the outbox foretells each edit, and says what the server refused and why', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  desk.server.judge = () => ({ is: 'refuse', code: 'superseded', text: 'Ben excluded this target while you were away.' })
  await tab.edits.assign({ license: keynote, targets: [target('d4')], ...give })
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [tablets], ...give })
  await tab.edits.assign({ license: keynote, targets: [target('d3')], ...give, mode: 'exclude' })
  await tab.foretelling.load(keynote, desk.clock.now())
  const found = outboxList(tab.console.outbox(), tab.console.saved(), tab.foretelling, tab.console.isSent, desk.clock.now())
  expect(found.refused.map(({ text }) => text)).toEqual(['Ben excluded this target while you were away.'])
  expect(found.unsent.map(({ row, foretold }) => [row.words, foretold?.text])).toEqual([
    ['Exclude DMP3 from Keynote', 'No seats move'],
    ['Give Keynote to Grade 7 tablets, required', '2 get a seat'],
  ])
  const file: unknown = JSON.parse(exportedOutbox(tab.console.outbox(), desk.clock.now()))
  expect(file).toMatchObject({
    form: 1,
    edits: [{ state: 'refused' }, { state: 'waiting' }, { words: 'Exclude DMP3 from Keynote', by: 'Ana' }],
  })
  tab.console.close()
})

test('connectors come worst first, with what a running sync is doing', () => {
  const now = Date.parse('2026-11-24T09:00:00Z')
  const sick = connector({ id: 'c2' as ConnectorId, name: 'Clinic', lastGoodSyncAt: '2026-11-20T09:00:00Z' })
  const rows = connectorList(
    [connector(), sick],
    [
      licenseRow(license(1, 'Keynote', { total: 8, inUse: 3 }), connector(), undefined, 0, now),
      // Seats of a product without a limit are in use, and of no total.
      licenseRow(license(2, 'Free', { total: null, available: null, unlimited: true, inUse: 90 }), connector(), undefined, 0, now),
    ],
    new Map([['c1', { is: 'progress', sync: 's', connector: 'c1', phase: 'seats', done: 1200, total: 4000 }]]),
    now,
  )
  expect(rows.map(({ connector: { name }, status }) => [name, status])).toEqual([
    ['Clinic', 'unhealthy'],
    ['North schools', 'healthy'],
  ])
  expect(rows[1]).toMatchObject({
    running: { words: 'Reading seats, 1\u202f200 of 4\u202f000' },
    licenses: 2,
    total: 8,
    inUseOfTotal: 3,
    inUse: 93,
  })
})

test('the overview lists what needs attention, worst first, and what to do', () => {
  const now = Date.parse('2026-11-24T09:00:00Z')
  const rows = [
    license(1, 'Keynote', { tally: { ...emptyTally, waiting: 3 }, available: 0 }),
    license(2, 'Pages', { total: 100, available: 9 }),
    license(3, 'Numbers', { total: 100, available: 80 }),
  ].map((row) => licenseRow(row, connector(), undefined, 0, now))
  const sick = connectorList([connector({ lastGoodSyncAt: '2026-11-20T09:00:00Z' })], rows, new Map(), now)
  const overview = overviewOf(sick, rows, [])
  expect(overview.attention.map(({ level, title }) => [level, title])).toEqual([
    ['urgent', 'North schools'],
    ['urgent', 'Keynote is short of 3 seats'],
    ['warning', 'Pages runs low'],
  ])
  expect(overview).toMatchObject({ waiting: 3, licenses: 3, owned: 210, available: 89 })
  expect(overview.short.map(({ id }) => id)).toEqual(['l1'])
})

test('an end that comes near and orders that did not serve all are called to mind', () => {
  const now = Date.parse('2026-11-24T09:00:00Z')
  const ending = connector({ credential: { state: 'valid', checkedAt: null, expiresAt: '2027-01-10T00:00:00.000Z' } })
  const failed: Order = {
    id: 'o1' as never,
    connectorId: 'c1' as ConnectorId,
    licenseId: 'l1' as never,
    action: 'associate',
    cause: 'plan',
    state: 'partly-done',
    total: 3,
    done: 1,
    open: [],
    failures: [2, 3].map((ordinal) => ({ ordinal, code: 'x', text: 'The store does not know it.', retryable: false, atSeq: 1 })),
    unknown: false,
    storeReference: null,
    createdAt: '2026-11-24T08:00:00.000Z',
    sentAt: null,
    finishedAt: null,
    by: 'Ana',
  }
  const { attention } = overviewOf(connectorList([ending], [], new Map(), now), [], [], [failed])
  expect(attention.map(({ level, title, text }) => [level, title, text.split('.')[0]])).toEqual([
    ['warning', '1 order did not serve all', '2 people or devices were not served'],
    ['notice', 'The token for North schools ends in time', 'The token for North schools ends on 10 January 2027, in 47 days'],
  ])
})
