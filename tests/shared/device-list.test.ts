import { expect, test } from 'vitest'
import { deviceListSource, deviceStanding, isListSource, namesPrincipals, standingWarning } from '../../shared/device-list.ts'
import type { ConnectorId } from '../../shared/ids.ts'

const read = { devices: { asOf: '2026-11-24T09:00:00.000Z', count: 3, error: null } }
const unread = { devices: { asOf: null, count: null, error: null } }
const none = { devices: null }

test('the source of a list names its connector', () => {
  const source = deviceListSource({ id: 'c1' as ConnectorId, store: 'apple' })
  expect([source, isListSource(source), namesPrincipals(source)]).toEqual(['apple-devices:c1', true, true])
})

test.each([
  ['apple:c1', false, false],
  ['google:c1', false, false],
  ['csv', false, true],
  ['hand', false, true],
])('the source %s is a list: %s, and names whom it knows: %s', (source, isList, names) => {
  expect([isListSource(source), namesPrincipals(source)]).toEqual([isList, names])
})

test.each([
  ['that has left', { sources: [], left: '2026-11-01T00:00:00.000Z' }, [read], 'left'],
  ['that a list names', { sources: ['csv', 'apple-devices:c1'], left: null }, [read], 'listed'],
  ['that a list was to name and did not yet', { sources: ['csv'], left: null }, [unread, none], 'unknown'],
  ['without any list', { sources: ['csv'], left: null }, [], 'unknown'],
  ['that the list does not name', { sources: ['csv'], left: null }, [none, read], 'not-listed'],
  ['whom only its seat names', { sources: ['apple:c1'], left: null }, [read], 'not-listed'],
])('a device %s', (_what, device, connectors, standing) => {
  expect(deviceStanding(device, connectors)).toBe(standing)
})

test('only what may be a mistake is worth a warning', () => {
  expect((['listed', 'unknown', 'not-listed', 'left'] as const).map((standing) => standingWarning(standing)?.code)).toEqual([
    undefined,
    undefined,
    'device-not-listed',
    'device-left',
  ])
})
