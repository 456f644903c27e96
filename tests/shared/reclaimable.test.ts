import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { columnsOfSeats } from '../../shared/facts.ts'
import { principalIdOf, type ConnectorId, type LicenseId, type PrincipalId } from '../../shared/ids.ts'
import type { Device, User } from '../../shared/principal.ts'
import { duplicatesOf, namedByAssignments, reclaimable, type ReclaimReason, type Reclaimable } from '../../shared/reclaimable.ts'
import { directoryOf, exclude, include, removed, wishFor } from './weighing.ts'

const device = (ordinal: number, given: Partial<Device> = {}): Device => ({
  id: principalIdOf('device', ordinal),
  serialNumber: `SERIAL${ordinal}`,
  name: '',
  platform: '',
  model: '',
  ownerId: null,
  active: true,
  sources: ['csv'],
  left: null,
  ...given,
})
const user = (ordinal: number, given: Partial<User> = {}): User => ({
  id: principalIdOf('user', ordinal),
  userName: `user${ordinal}`,
  displayName: '',
  email: '',
  department: '',
  active: true,
  managedAppleAccount: '',
  sources: ['csv'],
  left: null,
  ...given,
})
interface Held {
  readonly byAssignment?: readonly number[]
  readonly found?: readonly number[]
  readonly asked?: readonly number[]
  readonly revocable?: boolean
}
const held = (id: string, { byAssignment = [], found = [], asked = byAssignment, revocable = true }: Held) => ({
  license: { id: id as LicenseId, connectorId: 'berlin' as ConnectorId, revocable },
  seats: columnsOfSeats([
    ...byAssignment.map((ordinal) => ({ ordinal, licenseType: 'device' as const, origin: 'assignment' as const, sinceS: ordinal * 10 })),
    ...found.map((ordinal) => ({ ordinal, licenseType: 'device' as const, origin: 'found' as const, sinceS: ordinal * 10 })),
  ]),
  isAskedFor: (ordinal: number) => asked.includes(ordinal),
})
const day = (n: number): string => `2026-11-${String(n).padStart(2, '0')}T00:00:00.000Z`
const told = (rows: readonly Reclaimable[]): readonly string[] =>
  rows.map(
    ({ principal, licenseId, reasons }) =>
      `${principal.id} ${licenseId} ${reasons.map(({ code, other }) => code + (other ?? '')).join(' ')}`,
  )
const noList = [{ devices: null }]
const aList = [{ devices: { asOf: day(1), count: 3, error: null } }]

describe('a seat could come back', () => {
  test('from whoever has left, from who is not active, and from a device that was released', () => {
    const rows = reclaimable([user(1, { left: day(3) }), user(2, { active: false }), device(3, { left: day(4) }), user(4)], noList, [
      held('l1', { byAssignment: [1, 2, 3, 4] }),
    ])
    expect(told(rows)).toEqual(['u1 l1 left', 'u2 l1 inactive', 'd3 l1 released'])
    expect(rows[0]).toMatchObject({ sinceS: 10, revocable: true, askedFor: true })
  })

  test('from a device that the device list does not name, once there is a list', () => {
    const devices = [device(1), device(2, { sources: ['csv', 'apple-devices:berlin'] })]
    const seats = [held('l1', { byAssignment: [1, 2] })]
    expect(told(reclaimable(devices, aList, seats))).toEqual(['d1 l1 not-listed'])
    expect(reclaimable(devices, noList, seats)).toEqual([])
  })

  test('where no assignment asks for it, and not where one does, found or not', () => {
    const rows = reclaimable([device(1), device(2), device(3)], noList, [held('l1', { byAssignment: [3], found: [1, 2], asked: [2, 3] })])
    expect(told(rows)).toEqual(['d1 l1 found'])
  })

  test('from a device whose owner has a seat of the same license as a person', () => {
    const owned = device(3, { ownerId: principalIdOf('user', 1) })
    const people = [user(1), user(2), owned, device(4, { ownerId: principalIdOf('user', 2) })]
    expect(told(reclaimable(people, noList, [held('l1', { byAssignment: [1, 3, 4] }), held('l2', { byAssignment: [3] })]))).toEqual([
      'd3 l1 second-seatu1',
    ])
  })

  test('for several reasons at once, each told in one row', () => {
    const people = [user(1), device(2, { left: day(2), ownerId: principalIdOf('user', 1) })]
    expect(told(reclaimable(people, noList, [held('l1', { found: [2], byAssignment: [1] })]))).toEqual([
      'd2 l1 released second-seatu1 found',
    ])
  })

  test('and a book is told as one that stays', () => {
    expect(reclaimable([user(1, { left: day(1) })], noList, [held('l1', { byAssignment: [1], revocable: false })])).toMatchObject([
      { revocable: false },
    ])
  })

  test('and only for the reasons that are asked for', () => {
    const seats = [held('l1', { found: [1] })]
    const only = (...reasons: readonly ReclaimReason[]) => told(reclaimable([user(1, { left: day(1) })], noList, seats, new Set(reasons)))
    expect(only('left')).toEqual(['u1 l1 left'])
    expect(only('found')).toEqual(['u1 l1 found'])
    expect(only('inactive')).toEqual([])
  })

  test('of another account of the same person, which is no leaver', () => {
    const other = { ...user(1, { left: day(1) }), sameAs: principalIdOf('user', 2) }
    expect(told(reclaimable([other, user(2)], noList, [held('l1', { byAssignment: [1] })]))).toEqual(['u1 l1 duplicateu2'])
  })
})

test('each seat is there once, for whatever reasons, and no seat that has none', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ ordinal: fc.integer({ min: 1, max: 30 }), left: fc.boolean(), active: fc.boolean() }), {
        selector: ({ ordinal }) => ordinal,
      }),
      fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 40 })), { maxLength: 5 }),
      (people, seats) => {
        const rows = reclaimable(
          people.map(({ ordinal, left, active }) => device(ordinal, { left: left ? day((ordinal % 28) + 1) : null, active })),
          noList,
          seats.map((ordinals, at) => held(`l${at}`, { byAssignment: ordinals })),
        )
        const expected = people
          .filter(({ left, active }) => left || !active)
          .flatMap(({ ordinal }) => seats.flatMap((ordinals, at) => (ordinals.includes(ordinal) ? [`d${ordinal} l${at}`] : [])))
          .sort()
        expect(rows.map(({ principal, licenseId }) => `${principal.id} ${licenseId}`).sort()).toEqual(expected)
      },
    ),
  )
})

describe('two records seem to be of one device', () => {
  const same = (...devices: readonly Device[]): ReadonlyMap<PrincipalId, PrincipalId> => duplicatesOf(devices)

  test('when the serial number was typed or scanned differently', () => {
    expect([...same(device(1, { serialNumber: 'C02-ABC 123DEF' }), device(2, { serialNumber: 'C02ABC123DEF' }))]).toEqual([['d1', 'd2']])
    expect([...same(device(1, { serialNumber: 'C02ABC123DEF' }), device(2, { serialNumber: 'SC02ABC123DEF' }))]).toEqual([['d1', 'd2']])
    // An S of its own, in a number of another length.
    expect(same(device(1, { serialNumber: 'S1234' }), device(2, { serialNumber: '1234' })).size).toBe(0)
  })

  test('when the same owner’s device of the same name and model came again', () => {
    const one = { ownerId: principalIdOf('user', 9), name: 'Ada’s iPad', model: 'iPad Air' }
    expect([...same(device(1, one), device(2, { ...one, name: 'ada’s ipad ' }))]).toEqual([['d1', 'd2']])
    expect(same(device(1, one), device(2, { ...one, model: 'iPad Pro' })).size).toBe(0)
    expect(same(device(1, { ...one, ownerId: null }), device(2, { ...one, ownerId: null })).size).toBe(0)
    expect(same(device(1, { ...one, name: '' }), device(2, { ...one, name: '' })).size).toBe(0)
  })

  test('and the one that is in use is kept, of several the last', () => {
    const serials = ['C0-1', 'C01', 'C 0 1'].map((serialNumber, at) => device(at + 1, { serialNumber }))
    expect([...duplicatesOf(serials)]).toEqual([
      ['d1', 'd3'],
      ['d2', 'd3'],
    ])
    const last = device(3, { serialNumber: 'C 0 1', left: day(1) })
    expect([...duplicatesOf([...serials.slice(0, 2), last])]).toEqual([
      ['d1', 'd2'],
      ['d3', 'd2'],
    ])
  })
})

test('an assignment names whom it gives to, and neither exclusions nor removals name anybody', () => {
  const directory = directoryOf(
    [1, 2, 3, 4, 5].map((ordinal) => ({ ordinal })),
    { tablets: [1, 2] },
  )
  const named = namedByAssignments(
    [wishFor('gtablets', include('available')), wishFor('d3'), wishFor('d4', exclude()), wishFor('d5', removed())],
    directory,
  )
  expect([...named].sort()).toEqual([1, 2, 3])
})
