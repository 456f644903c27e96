import { expect, test } from 'vitest'
import { connectorList, type ConnectorRow } from '../../client/views/connector-list.ts'
import { namesakesOf, noticesTold, partRows, partsInWords, phaseSteps, placeInWords } from '../../client/views/connector-page.ts'
import type { Connector, Location } from '../../shared/connector.ts'
import type { ConnectorId } from '../../shared/ids.ts'
import { connector } from './desk.ts'

const now = Date.parse('2026-11-24T09:00:00Z')
const schools = (changes: Partial<Location>): Location => ({
  key: '7700000000000123',
  name: 'Eastmere Schools',
  country: 'US',
  organization: 'Eastmere Schools',
  portal: 'school',
  ...changes,
})
const rowOf = (given: Connector): ConnectorRow => {
  const [row] = connectorList([given], [], new Map(), now)
  if (row === undefined) throw new Error('no row')
  return row
}
const part = { asOf: '2026-11-24T08:30:00.000Z', count: 3, error: null }

test('two locations of one name are told apart by organisation, country, portal and the end of their number', () => {
  const here = connector({ location: schools({}) })
  const there = connector({
    id: 'c2' as ConnectorId,
    location: schools({ key: '7700000000000789', country: 'CA', organization: 'Exchange campus', portal: 'business' }),
  })
  expect(placeInWords(here)).toBe('United States, School Manager, …0123')
  expect(placeInWords(there)).toBe('Exchange campus, Canada, Business Manager, …0789')
  expect(namesakesOf(here, [here, there]).map(({ id }) => id)).toEqual(['c2'])
  expect(namesakesOf(here, [here, connector({ id: 'c3' as ConnectorId })])).toEqual([])
  expect(placeInWords(connector({ location: null }))).toBe('Location not known yet')
})

test('each part that is read has its count, its time and its failure in words', () => {
  const rows = partRows(
    rowOf(
      connector({
        people: { ...part, count: 391 },
        devices: { ...part, error: { code: 'store-refused', text: 'Apple refused the key of the device list.' } },
        subscriptions: { asOf: null, count: null, error: null, enabled: false },
      }),
    ),
  )
  expect(rows.map(({ key, health, state }) => [key, health, state])).toEqual([
    ['licenses', 'healthy', 'Read'],
    ['people', 'healthy', 'Read'],
    ['devices', 'warning', 'The last try failed'],
    ['subscriptions', 'off', 'Not turned on'],
  ])
  expect(rows[1]?.what).toBe('391 people')
  expect(rows[2]?.text).toMatch(/^Apple refused the key of the device list\. What was read before stays/)
})

test('a list of devices that is not set up says so, and one that fails leaves the counts alone', () => {
  const [, devices] = partRows(rowOf(connector()))
  expect(devices).toMatchObject({ key: 'devices', state: 'Not set up', asOf: null })
  const neverRead = partRows(rowOf(connector({ devices: { asOf: null, count: null, error: { code: 'x', text: 'No answer.' } } })))
  expect(neverRead[1]?.text).toBe('No answer. Counts and seats are not touched by this.')
})

test('whether the store tells of changes or is asked is told with the reason', () => {
  const capabilities = { ...connector().capabilities, push: true }
  expect(noticesTold(connector())).toBeUndefined()
  expect(noticesTold(connector({ capabilities }))).toMatchObject({ state: 'By asking only', health: 'off' })
  expect(
    noticesTold(connector({ capabilities, notices: { state: 'subscribed', since: '2026-11-01T00:00:00.000Z', lastAt: null } })),
  ).toMatchObject({ state: 'Notices come', health: 'healthy' })
  const unreachable = noticesTold(
    connector({ capabilities, notices: { state: 'unreachable', since: '2026-11-01T00:00:00.000Z', text: 'Our address did not answer.' } }),
  )
  expect(unreachable).toMatchObject({ health: 'warning' })
  expect(unreachable?.text).toContain('Our address did not answer.')
})

test('the list tells the parts in a line each, and leaves out what is empty', () => {
  const capabilities = { ...connector().capabilities, push: true }
  expect(
    partsInWords(
      rowOf(
        connector({ capabilities, people: part, subscriptions: { ...part, count: 0, enabled: true }, devices: { ...part, asOf: null } }),
      ),
    ),
  ).toEqual(['By asking only', '3 people', 'Devices: not read yet'])
})

test('a sync goes through the phases that its connector has, in order', () => {
  const running = { phase: 'people', done: 1, total: 2, words: 'Reading who is registered, 1 of 2' } as const
  const steps = phaseSteps(connector({ people: part }), running)
  expect(steps.map(({ phase, is }) => [phase, is])).toEqual([
    ['connecting', 'done'],
    ['products', 'done'],
    ['seats', 'done'],
    ['recording', 'done'],
    ['people', 'now'],
  ])
  expect(phaseSteps(connector(), { ...running, phase: 'waiting' }).every(({ is }) => is === 'to-come')).toBe(true)
})

test('a token is called to mind from 60 days before its end', () => {
  const ending = (days: number) =>
    rowOf(connector({ credential: { state: 'valid', checkedAt: null, expiresAt: new Date(now + days * 86_400_000).toISOString() } }))
      .reminder
  expect(ending(61)).toBeUndefined()
  expect(ending(59)?.days).toBe(60)
  expect(ending(14)?.days).toBe(15)
})
