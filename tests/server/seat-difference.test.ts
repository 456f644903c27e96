import { describe, expect, test } from 'vitest'
import { distinctOrdinals, seatDifference, type SeatsAsRead } from '../../server/seat-difference.ts'
import { columnsOfSeats, noColumns, seatAt, type Columns } from '../../shared/facts.ts'

const at = Date.UTC(2026, 10, 24)
const read = (ordinals: readonly number[], rest: Partial<SeatsAsRead> = {}): SeatsAsRead => ({
  ordinals: Uint32Array.from(ordinals),
  kindOf: () => 'device',
  full: true,
  at,
  lately: new Map(),
  ordered: new Set(),
  ...rest,
})
const held = (...ordinals: readonly number[]): Columns =>
  columnsOfSeats(ordinals.map((ordinal) => ({ ordinal, licenseType: 'device', origin: 'found', sinceS: 1 })))

describe('what a read changes in the seats that are held', () => {
  test('nothing, when they are the same', () => {
    expect(seatDifference(held(1, 5, 9), read([1, 5, 9]))).toBeUndefined()
    expect(seatDifference(noColumns, read([]))).toBeUndefined()
  })

  test('those that are new come, those that are gone go', () => {
    const difference = seatDifference(held(1, 5, 9), read([0, 5, 7, 11]))
    expect([...(difference?.put.ordinals ?? [])]).toEqual([0, 7, 11])
    expect([...(difference?.remove ?? [])]).toEqual([1, 9])
  })

  test('an increment takes nothing away', () => {
    expect(seatDifference(held(1, 5), read([5, 6], { full: false }))).toMatchObject({ remove: new Uint32Array(0) })
    expect(seatDifference(held(1, 5), read([], { full: false }))).toBeUndefined()
  })

  test('what an order gave lately stays, and what it took lately stays gone', () => {
    const lately = new Map([
      [1, 'given'],
      [7, 'taken'],
    ] as const)
    expect(seatDifference(held(1), read([7], { lately }))).toBeUndefined()
  })

  test('a seat that an open order asked for is by assignment, another is found', () => {
    const difference = seatDifference(
      noColumns,
      read([3, 4], { ordered: new Set([4]), kindOf: (ordinal) => (ordinal === 3 ? 'user' : 'device') }),
    )
    if (difference === undefined) throw new Error('nothing changed')
    expect([0, 1].map((index) => seatAt(difference.put, index))).toEqual([
      { ordinal: 3, licenseType: 'user', origin: 'found', sinceS: at / 1000 },
      { ordinal: 4, licenseType: 'device', origin: 'assignment', sinceS: at / 1000 },
    ])
  })
})

test('holders that came on two pages, or under two spellings, count once', () => {
  expect([...distinctOrdinals(Uint32Array.from([9, 2, 9, 4, 2]))]).toEqual([2, 4, 9])
  expect([...distinctOrdinals(new Uint32Array(0))]).toEqual([])
})
