import { expect, test } from 'vitest'
import { activityOf, ordersInFacts, withHistory, type ActivityQuery, type ActivitySource } from '../../client/views/activity.ts'
import { connectorList } from '../../client/views/connector-list.ts'
import { companyOf, orderRow } from '../../client/views/order-row.ts'
import type { DirectoryReader } from '../../client/directory.ts'
import { locationOrdersKey, ordersKey, rowsFact } from '../../shared/facts.ts'
import { principalIdOf, type ConnectorId, type LicenseId, type OrderId } from '../../shared/ids.ts'
import type { LicenseOrder, LocationOrder, OrderFailure } from '../../shared/order.ts'
import type { Sync } from '../../shared/sync.ts'
import { connector, createDesk, furnish, license } from './desk.ts'

const north = 'c1' as ConnectorId
const l1 = 'l1' as LicenseId

const order = (id: string, changes: Partial<LicenseOrder> = {}): LicenseOrder => ({
  id: id as OrderId,
  connectorId: north,
  licenseId: l1,
  action: 'associate',
  cause: 'plan',
  state: 'done',
  total: 4,
  done: 4,
  open: [],
  failures: [],
  unknown: false,
  storeReference: null,
  createdAt: '2026-11-24T08:00:00.000Z',
  sentAt: null,
  finishedAt: null,
  by: 'Ana',
  ...changes,
})
const atLocation = (id: string, changes: Partial<LocationOrder> = {}): LocationOrder => ({
  ...order(id),
  licenseId: null,
  action: 'register-user',
  cause: 'hand',
  subscription: null,
  ...changes,
})
const failure = (ordinal: number, text: string, retryable = false, code = '9609'): OrderFailure => ({
  ordinal,
  code,
  text,
  retryable,
  atSeq: 1,
})
const sync = (id: string, changes: Partial<Sync> = {}): Sync => ({
  id: id as Sync['id'],
  connectorId: north,
  state: 'succeeded',
  trigger: 'schedule',
  full: false,
  startedAt: '2026-11-24T07:00:00.000Z',
  finishedAt: '2026-11-24T07:00:20.000Z',
  progress: { phase: 'done', done: 0, total: null },
  changed: { licenses: 0, seats: 0, users: 0 },
  error: null,
  ...changes,
})

const now = Date.parse('2026-11-24T09:00:00Z')
const nobody: Pick<DirectoryReader, 'people'> = { people: () => ({ is: 'loading' }) }
const source = (changes: Partial<ActivitySource>): ActivitySource => ({
  orders: [],
  syncs: [],
  connectors: connectorList([connector()], [], new Map(), now),
  licenses: [license(1, 'Keynote')],
  ...changes,
})
const everything: ActivityQuery = { state: 'all', kind: 'all' }
const keysOf = (of: ActivitySource, query: ActivityQuery): readonly string[] =>
  activityOf(of, nobody, query)
    .rows.slice(0, 100)
    .map(({ key }) => key)

const named = (ordinal: number) => ({
  id: principalIdOf('device', ordinal),
  ordinal,
  name: `iPad-${ordinal}`,
  storeKey: `DMP${ordinal}`,
  principal: undefined,
})

test('what is under way stands first, then the newest, orders and syncs together', () => {
  const of = source({
    orders: [
      order('old', { createdAt: '2026-11-24T06:00:00.000Z' }),
      order('open', { state: 'pending', open: [3], done: 3, createdAt: '2026-11-20T06:00:00.000Z' }),
      atLocation('people'),
    ],
    syncs: [sync('s1')],
  })
  expect(keysOf(of, everything)).toEqual(['oopen', 'opeople', 'ss1', 'oold'])
})

test('an order that waits for its day is counted by itself: nothing of it is under way yet', () => {
  const of = source({
    orders: [
      order('kept', { state: 'planned', total: 9, open: [1, 2, 3, 4, 5, 6, 7, 8, 9], notBefore: '2026-12-01T09:00:00.000Z' }),
      order('going', { state: 'pending', total: 4, done: 1, open: [1, 2, 3] }),
    ],
  })
  expect(activityOf(of, nobody, everything)).toMatchObject({ open: 2, keptBack: 1, done: 1, total: 4 })
})

test('what somebody cancelled before it left is told as cancelled, and is no failure that asks for attention', () => {
  const of = source({
    orders: [
      order('gone', { state: 'cancelled', done: 0, failures: [failure(1, 'Ana cancelled it', false, 'cancelled')] }),
      order('bad', { state: 'failed', done: 0, failures: [failure(1, 'x')] }),
    ],
  })
  expect(activityOf(of, nobody, everything).failed).toBe(1)
  expect(keysOf(of, { ...everything, state: 'failed' })).toEqual(['obad'])
  expect(
    activityOf(of, nobody, everything)
      .rows.slice(0, 9)
      .map((row) => row.is === 'order' && row.row.state)
      .toSorted(),
  ).toEqual(['Cancelled', 'Failed'])
})

test('how far the open orders got is told as done of total, over what the filter leaves', () => {
  const of = source({
    orders: [
      order('a', { state: 'pending', total: 100, done: 40, open: Array.from({ length: 60 }, (_, n) => n) }),
      order('b', { state: 'planned', total: 20, done: 0, open: Array.from({ length: 20 }, (_, n) => n), licenseId: 'l2' as LicenseId }),
      order('c', { state: 'partly-done', done: 3, failures: [failure(1, 'x')] }),
    ],
  })
  expect(activityOf(of, nobody, everything)).toMatchObject({ open: 2, failed: 1, done: 40, total: 120 })
  expect(activityOf(of, nobody, { ...everything, licenses: [l1] })).toMatchObject({ open: 1, failed: 1, done: 40, total: 100 })
  expect(keysOf(of, { ...everything, state: 'failed' })).toEqual(['oc'])
  expect(keysOf(of, { ...everything, state: 'open' })).toEqual(['oa', 'ob'])
})

test('seats, people and syncs are told apart, and so are connectors', () => {
  const of = source({
    orders: [order('seats'), atLocation('people'), order('south', { connectorId: 'c2' as ConnectorId })],
    syncs: [sync('s1', { state: 'failed', error: { code: 'store-unreachable', text: 'Apple did not answer.' } })],
  })
  expect(keysOf(of, { ...everything, kind: 'people' })).toEqual(['opeople'])
  expect(keysOf(of, { ...everything, kind: 'syncs' })).toEqual(['ss1'])
  expect(keysOf(of, { ...everything, kind: 'orders', connector: north })).toEqual(['oseats'])
  expect(keysOf(of, { ...everything, state: 'failed' })).toEqual(['ss1'])
})

test('an order and a sync that the server lists are shown once, as the facts have them', () => {
  const live = order('a', { state: 'pending', open: [1] })
  expect(withHistory([live], [order('a'), order('b')]).map(({ id, state }) => [id, state])).toEqual([
    ['a', 'pending'],
    ['b', 'done'],
  ])
})

test('those who were not served stand under their reason, with what to do', () => {
  const text = 'This person is not registered with Apple for this location. Register the person there, then try again.'
  const row = orderRow(
    order('a', {
      state: 'partly-done',
      total: 9,
      done: 5,
      failures: [failure(1, text), failure(2, 'Apple had no license left.', true, 'no-seat-left'), failure(3, text), failure(4, text)],
    }),
    named,
    new Map(),
  )
  expect(row.state).toBe('Partly done: 5 of 9')
  expect(row.failures.map(({ reason, advice, passes, targets }) => [reason, advice, passes, targets.map(({ name }) => name)])).toEqual([
    [
      'This person is not registered with Apple for this location.',
      'Register the person there, then try again.',
      false,
      ['iPad-1', 'iPad-3', 'iPad-4'],
    ],
    ['Apple had no license left.', '', true, ['iPad-2']],
  ])
})

test('an order whose outcome is unknown says that it is being read and that nothing is sent twice', () => {
  const row = orderRow(order('a', { state: 'sent', unknown: true, open: [1, 2], done: 0, total: 2 }), named, new Map())
  expect(row.state).toBe('Asked, not yet known')
  expect(row.meaning).toMatch(/being read from the store; nothing is sent twice/)
})

test('orders that left in one call know of one another', () => {
  const three = ['a', 'b', 'c'].map((id) => order(id, { storeReference: 'event-1' }))
  const alone = order('d', { storeReference: 'event-2' })
  const company = companyOf([...three, alone, order('e')])
  expect([...three, alone, order('e')].map((one) => orderRow(one, named, company).together)).toEqual([2, 2, 2, 0, 0])
})

test('orders of every license and of every location are read from this device, and follow what comes', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  desk.server.record(rowsFact(ordersKey(keynote), [order('a', { licenseId: keynote })]))
  await desk.settle()
  const read = async () => {
    for (let round = 0; round < 4; round += 1) {
      ordersInFacts(tab.console.facts)
      await desk.settle()
    }
    const found = ordersInFacts(tab.console.facts)
    return found.is === 'ready' ? found.value.map(({ id }) => id) : 'loading'
  }
  expect(await read()).toEqual(['a'])
  desk.server.record(rowsFact(locationOrdersKey(north), [atLocation('p')]))
  await desk.settle()
  expect(await read()).toEqual(['a', 'p'])
  tab.console.close()
})
