import fc from 'fast-check'
import { expect, test } from 'vitest'
import { principalIdOf, type LicenseId } from '../../shared/ids.ts'
import type { Device } from '../../shared/principal.ts'
import { reclaimable } from '../../shared/reclaimable.ts'

const device = (ordinal: number, left: string | null): Device => ({
  id: principalIdOf('device', ordinal),
  serialNumber: `S${ordinal}`,
  name: '',
  platform: '',
  model: '',
  ownerId: null,
  active: true,
  sources: [],
  left,
})
const held = (id: string, ordinals: readonly number[], revocable = true) => ({
  license: { id: id as LicenseId, revocable },
  seats: { ordinals: Uint32Array.from(ordinals), sinceS: Uint32Array.from(ordinals, (ordinal) => ordinal * 10) },
})
const day = (n: number): string => `2026-11-${String(n).padStart(2, '0')}T00:00:00.000Z`

test('who has left and holds seats is there with all of them, who left first at the top', () => {
  const found = reclaimable(
    [device(1, day(9)), device(2, null), device(3, day(3)), device(4, day(1))],
    [held('l1', [1, 2, 3]), held('l2', [2, 3], false)],
  )
  expect(found).toEqual([
    {
      principal: device(3, day(3)),
      seats: [
        { licenseId: 'l1', revocable: true, sinceS: 30 },
        { licenseId: 'l2', revocable: false, sinceS: 30 },
      ],
    },
    { principal: device(1, day(9)), seats: [{ licenseId: 'l1', revocable: true, sinceS: 10 }] },
  ])
})

test('who has not left is never there, whatever they hold', () => {
  expect(reclaimable([device(1, null)], [held('l1', [1])])).toEqual([])
})

test('each seat of each leaver is there once, and no other', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ ordinal: fc.integer({ min: 1, max: 30 }), left: fc.boolean() }), { selector: ({ ordinal }) => ordinal }),
      fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 40 })), { maxLength: 5 }),
      (people, seats) => {
        const found = reclaimable(
          people.map(({ ordinal, left }) => device(ordinal, left ? day((ordinal % 28) + 1) : null)),
          seats.map((ordinals, at) => held(`l${at}`, ordinals)),
        )
        const pairs = found.flatMap(({ principal, seats: own }) => own.map(({ licenseId }) => `${principal.id} ${licenseId}`)).sort()
        const expected = people
          .filter(({ left }) => left)
          .flatMap(({ ordinal }) => seats.flatMap((ordinals, at) => (ordinals.includes(ordinal) ? [`d${ordinal} l${at}`] : [])))
          .sort()
        expect(pairs).toEqual(expected)
        const times = found.map(({ principal }) => principal.left ?? '')
        expect(times).toEqual([...times].sort())
      },
    ),
  )
})
