import { expect, test } from 'vitest'
import { createServerActs } from '../../client/server-acts.ts'
import { daysInWords, daysUntil, renewalsInWords, subscriptionsPage } from '../../client/views/subscriptions.ts'
import { locationOrdersKey, rowsFact, subscriptionsKey } from '../../shared/facts.ts'
import { parseConnectorId, parseOrderId, parsePrincipalId } from '../../shared/ids.ts'
import type { LocationOrder } from '../../shared/order.ts'
import type { Subscription } from '../../shared/subscription.ts'
import { connector, createDesk } from './desk.ts'

const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('not to be had')
  return value
}
const c1 = must(parseConnectorId('c1'))
const NOON = new Date(2026, 10, 24, 12).getTime()

const subscription = (id: string, changes: Partial<Subscription> = {}): Subscription => ({
  id,
  connectorId: c1,
  parentId: '361285480',
  name: '',
  parentName: 'Keynote',
  status: 'active',
  periodEndsOn: '2026-12-06',
  total: { renewing: 100, expiring: 20 },
  assigned: { renewing: 80, expiring: 20 },
  available: { renewing: 15, expiring: 5 },
  asOf: '2026-11-24T08:00:00.000Z',
  ...changes,
})

const order: LocationOrder = {
  id: must(parseOrderId('o1')),
  connectorId: c1,
  licenseId: null,
  action: 'assign-subscription',
  cause: 'hand',
  subscription: { id: '101', renewing: true, deferred: false },
  state: 'pending',
  total: 2,
  done: 0,
  open: [1, 2],
  failures: [],
  unknown: false,
  storeReference: 'e1',
  createdAt: '2026-11-24T08:00:00.000Z',
  sentAt: '2026-11-24T08:00:00.000Z',
  finishedAt: null,
  by: 'Ines',
}

const read = async (rows: readonly Subscription[], orders: readonly LocationOrder[] = []) => {
  const desk = createDesk()
  desk.server.record(rowsFact('connectors', [connector({ subscriptions: { asOf: null, count: rows.length, error: null, enabled: true } })]))
  desk.server.record(rowsFact(subscriptionsKey(c1), rows))
  desk.server.record(rowsFact(locationOrdersKey(c1), orders))
  const tab = desk.openTab()
  await desk.settle()
  for (let round = 0; round < 5; round += 1) {
    const page = subscriptionsPage(tab.console.facts, c1, NOON)
    await desk.settle()
    if (page.is === 'ready' && page.value !== undefined && round > 2) {
      tab.console.close()
      return page.value
    }
  }
  throw new Error('still loading')
}

test('those that end first come first, with the days that are left and who loses it then', async () => {
  const page = await read([
    subscription('101', { periodEndsOn: '2027-01-04' }),
    subscription('102', { name: 'Yearly' }),
    subscription('103', { periodEndsOn: null, assigned: { renewing: 1, expiring: 0 } }),
  ])
  expect(page.rows.map(({ title, name, of, ends, endFor, health }) => [title, name, of, ends?.words, endFor, health])).toEqual([
    ['Yearly', 'Yearly', 'Keynote, no. 102', 'in 12 days', 20, 'warning'],
    ['Keynote, subscription 101', 'Keynote', 'Subscription 101', 'in 41 days', 20, 'healthy'],
    ['Keynote, subscription 103', 'Keynote', 'Subscription 103', undefined, 0, 'healthy'],
  ])
})

test('a state in which nothing can be given says why, also one that nobody knows', async () => {
  const page = await read([
    subscription('101', { status: 'paused' }),
    subscription('102', { status: 'unknown' }),
    subscription('103', { status: 'inactive' }),
    subscription('104'),
  ])
  expect(page.rows.map(({ notGivable }) => notGivable?.split(' ').slice(2, 6).join(' '))).toEqual([
    '101 is paused at',
    '102 is in a',
    '103 is over: nothing',
    undefined,
  ])
})

test('what is under way is shown at the subscription that it is about', async () => {
  const page = await read(
    [subscription('101'), subscription('102')],
    [order, { ...order, id: must(parseOrderId('o2')), open: [], state: 'done' }],
  )
  expect(page.rows.map(({ underWay }) => underWay.length)).toEqual([1, 0])
})

test('days are those of the calendar on the wall', () => {
  const late = new Date(2026, 10, 24, 23, 59).getTime()
  const early = new Date(2026, 10, 24, 0, 1).getTime()
  for (const now of [late, early]) {
    expect(daysInWords(daysUntil('2026-11-24', now))).toBe('today')
    expect(daysInWords(daysUntil('2026-11-25', now))).toBe('tomorrow')
    expect(daysInWords(daysUntil('2027-11-24', now))).toBe('in 365 days')
    expect(daysInWords(daysUntil('2026-11-23', now))).toBe('1 day ago')
  }
  expect(renewalsInWords({ renewing: 1200, expiring: 3 })).toBe('1\u202f200 renewing and 3 expiring')
})

test('what would happen comes back as a preview, and only an answer that was confirmed as an order', async () => {
  const asked: unknown[] = []
  const acts = createServerActs(async (_path, init) => {
    const body: unknown = JSON.parse(String(init.body))
    asked.push(body)
    const confirmed = typeof body === 'object' && body !== null && Reflect.get(body, 'confirm') === true
    return new Response(
      JSON.stringify(
        confirmed
          ? { order: { total: 1 }, notAsked: [{ id: 'u2', code: 'retired', text: 'is retired' }] }
          : {
              code: 'confirmation-required',
              detail: 'One person would lose it.',
              preview: { people: [{ id: 'u1', name: 'Ada' }], notAsked: [], takesEffect: 'period-end', on: '2026-12-06', undoable: 'sure' },
            },
      ),
      { status: confirmed ? 202 : 409, headers: { 'content-type': confirmed ? 'application/json' : 'application/problem+json' } },
    )
  })
  const principals = [must(parsePrincipalId('u1'))]
  const first = await acts.subscriptions.remove(c1, '101', { principals, deferred: true, confirm: false })
  // A word that nobody knows promises nothing.
  expect(first).toEqual({
    ok: true,
    value: {
      is: 'preview',
      preview: {
        people: [{ id: 'u1', name: 'Ada' }],
        leftOut: [],
        takesEffect: 'period-end',
        on: '2026-12-06',
        undoable: 'maybe-not',
        available: null,
      },
    },
  })
  const second = await acts.subscriptions.remove(c1, '101', { principals, deferred: true, confirm: true })
  expect(second).toEqual({ ok: true, value: { is: 'asked', total: 1, leftOut: [{ id: 'u2', text: 'is retired' }] } })
  expect(asked).toHaveLength(2)
})
