import { expect, test } from 'vitest'
import { createSeatCollection } from '../../server/seat-collection.ts'
import type { SeatRead } from '../../server/stores/store.ts'

const seat = (productId: string, key: string, pricing = 'STDQ', kind: 'user' | 'device' = 'device'): SeatRead => ({
  productId,
  pricing,
  holder: { kind, key },
})

const holdersByLicense = (collection: ReturnType<typeof createSeatCollection>): Record<string, readonly string[]> => {
  const { holders, placesByLicense } = collection.seats()
  return Object.fromEntries(
    [...placesByLicense].map(([license, places]) => [
      license,
      Array.from(places, (place) => `${holders[place]?.kind} ${holders[place]?.key}`),
    ]),
  )
}

test('each license has its holders, however its pages are mixed', () => {
  const collection = createSeatCollection()
  collection.add([seat('1', 'A'), seat('1', 'B'), seat('2', 'A')])
  collection.add([seat('1', 'A', 'PLUS'), seat('2', 'A', 'STDQ', 'user'), seat('1', 'C')])
  expect(holdersByLicense(collection)).toEqual({
    '1/STDQ': ['device A', 'device B', 'device C'],
    '2/STDQ': ['device A', 'user A'],
    '1/PLUS': ['device A'],
  })
  expect(collection.seats().holders).toHaveLength(4)
  expect(collection.seats().count).toBe(6)
})

test('a license with very many seats loses none', () => {
  const collection = createSeatCollection()
  for (let page = 0; page < 100; page += 1) collection.add(Array.from({ length: 100 }, (_, at) => seat('1', `S${page * 100 + at}`)))
  const { holders, placesByLicense } = collection.seats()
  expect(holders).toHaveLength(10_000)
  expect([...(placesByLicense.get('1/STDQ') ?? [])]).toEqual(Array.from({ length: 10_000 }, (_, at) => at))
})

test('a read that begins anew forgets what came before', () => {
  const collection = createSeatCollection()
  collection.add([seat('1', 'A')])
  collection.clear()
  collection.add([seat('2', 'B')])
  expect(holdersByLicense(collection)).toEqual({ '2/STDQ': ['device B'] })
  expect(collection.seats().count).toBe(1)
})
