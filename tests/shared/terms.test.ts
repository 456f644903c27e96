/** Priority, dates, reservations and claims, as reconcile weighs them. */
import { describe, expect, test } from 'vitest'
import type { Because } from '../../shared/assignment.ts'
import { columnsOfMembers } from '../../shared/facts.ts'
import { reconcile, type ReconcileInput } from '../../shared/reconcile.ts'
import { nextTurnOf } from '../../shared/touching.ts'
import {
  aClaim,
  aLicense,
  anOrder,
  directoryOf,
  exclude,
  hoursFromNoon,
  include,
  noon,
  removed,
  seatsOf,
  weighing,
  wishFor,
  withTheseTerms,
} from './weighing.ts'

const required = (terms: Parameters<typeof withTheseTerms>[1]) => withTheseTerms(include(), terms)
const said = (input: ReconcileInput): Readonly<Record<number, string>> =>
  Object.fromEntries(reconcile(input).verdicts.map(({ ordinal, state, because }) => [ordinal, `${state}: ${because.code}`]))
const waiting = (input: ReconcileInput): readonly (readonly [number, Because['code'], number])[] =>
  reconcile(input).verdicts.flatMap(({ ordinal, because }) =>
    'position' in because ? [[ordinal, because.code, because.position] as const] : [],
  )
const seats = (total: number, held = 0) => aLicense({ total, available: total - held, inUse: held })

describe('priority', () => {
  test('comes before who was first, and the waiting list says so', () => {
    const input = weighing({
      license: seats(1),
      wishes: [
        wishFor('d1', include(), 1),
        wishFor('d2', include(), 2),
        wishFor('d3', required({ priority: 3 }), 3),
        wishFor('d4', required({ priority: -1 }), 0),
      ],
    })
    expect(reconcile(input).steps.associate).toEqual([3])
    expect(waiting(input)).toEqual([
      [1, 'no-seat-left', 1],
      [2, 'no-seat-left', 2],
      [4, 'no-seat-left', 3],
    ])
  })
  test('takes no seat from whom one was asked for already', () => {
    const input = weighing({
      license: seats(1),
      wishes: [wishFor('d1', include(), 1), wishFor('d2', required({ priority: 9 }), 2)],
      orders: [anOrder('o1', { state: 'sent', open: [1] })],
    })
    expect(said(input)).toEqual({ 1: 'pending: order-open', 2: 'waiting: no-seat-left' })
  })
  test('of two assignments that name one person the higher one counts', () => {
    const directory = directoryOf([{ ordinal: 1 }, { ordinal: 2 }], { one: [2] })
    const wishes = [wishFor('d1', include(), 1), wishFor('d2', include(), 5), wishFor('gone', required({ priority: 1 }), 6)]
    expect(reconcile(weighing({ license: seats(1), wishes, directory })).steps.associate).toEqual([2])
  })
})

describe('dates', () => {
  test('before it begins an assignment asks for nothing, and says when it will', () => {
    const input = weighing({ wishes: [wishFor('d1', required({ startsAt: hoursFromNoon(1) }))] })
    expect(said(input)).toEqual({ 1: 'waiting: starts-later' })
    expect(reconcile(input).tally).toMatchObject({ desired: 0, waiting: 0 })
    expect(reconcile({ ...input, now: noon + 3_600_000 }).steps.associate).toEqual([1])
  })
  test('what begins later takes no seat away that is there already', () => {
    expect(said(weighing({ wishes: [wishFor('d1', required({ startsAt: hoursFromNoon(1) }))], seats: seatsOf([1]) }))).toEqual({
      1: 'placed: has-seat',
    })
  })
  test('at its end an assignment gives its seats back, and leaves found ones alone', () => {
    const wishes = [wishFor('d1', required({ endsAt: hoursFromNoon(0) })), wishFor('d2', required({ endsAt: hoursFromNoon(0) }))]
    const input = weighing({ wishes, seats: seatsOf([1], [2]) })
    expect(reconcile(input).steps.disassociate).toEqual([1])
    expect(said(input)).toEqual({ 1: 'pending: release-to-come', 2: 'released: ended' })
    expect(reconcile({ ...input, now: noon - 1 }).steps.disassociate).toEqual([])
  })
  test('an assignment that goes on holds the seat of one that ended', () => {
    const directory = directoryOf([{ ordinal: 1 }], { one: [1] })
    const wishes = [wishFor('d1', required({ endsAt: hoursFromNoon(-1) }), 1), wishFor('gone', include(), 2)]
    expect(said(weighing({ wishes, directory, seats: seatsOf([1]) }))).toEqual({ 1: 'placed: has-seat' })
  })
  test('an exclusion can end too', () => {
    const directory = directoryOf([{ ordinal: 1 }], { one: [1] })
    const wishes = [wishFor('gone'), wishFor('d1', withTheseTerms(exclude(), { endsAt: hoursFromNoon(1) }), 2)]
    expect(said(weighing({ wishes, directory }))).toEqual({ 1: 'excluded: excluded' })
    expect(reconcile(weighing({ wishes, directory, now: noon + 3_600_000 })).steps.associate).toEqual([1])
  })
  test('the next turn is the first of all beginnings and ends to come', () => {
    const wishes = [
      wishFor('d1', required({ startsAt: hoursFromNoon(-1), endsAt: hoursFromNoon(5) })),
      wishFor('d2', required({ startsAt: hoursFromNoon(2) })),
      wishFor('d3', removed()),
    ]
    expect(nextTurnOf(wishes, noon)).toBe(noon + 2 * 3_600_000)
    expect(nextTurnOf(wishes, noon + 2 * 3_600_000)).toBe(noon + 5 * 3_600_000)
    expect(nextTurnOf(wishes, noon + 5 * 3_600_000)).toBeUndefined()
  })
})

describe('reserved seats', () => {
  const directory = directoryOf(
    Array.from({ length: 10 }, (_, at) => ({ ordinal: at + 1 })),
    { teachers: [8, 9, 10] },
  )
  const everybody = wishFor('all-devices', include(), 1)
  const teachers = (unused: 'lent' | 'held', seatsReserved = 2) =>
    wishFor('gteachers', required({ reservation: { seats: seatsReserved, unused } }), 5)

  test('serve their own first, as far as the reservation goes', () => {
    const input = weighing({ license: seats(3), wishes: [everybody, teachers('lent')], directory })
    expect(reconcile(input).steps.associate).toEqual([8, 9, 1])
    // All are asked for by the first assignment already: the reservation decides for two, the rest stand in line.
    expect(waiting(input)[0]).toEqual([2, 'no-seat-left', 1])
  })
  test('are lent while nobody of the target needs them', () => {
    const wishes = [
      wishFor('d1', include(), 1),
      wishFor('d2', include(), 2),
      wishFor('gnobody', required({ reservation: { seats: 2, unused: 'lent' } }), 3),
    ]
    expect(reconcile(weighing({ license: seats(2), wishes, directory })).steps.associate).toEqual([1, 2])
  })
  test('nobody gives a lent seat back: who comes later is first on the waiting list', () => {
    const input = weighing({ license: seats(2, 2), wishes: [everybody, teachers('lent')], directory, seats: seatsOf([1, 2]) })
    expect(reconcile(input).steps.disassociate).toEqual([])
    expect(waiting(input).slice(0, 3)).toEqual([
      [8, 'no-seat-left', 1],
      [9, 'no-seat-left', 2],
      [3, 'no-seat-left', 3],
    ])
  })
  test('are held where it says so, and the others are told', () => {
    const offered = wishFor('gteachers', withTheseTerms(include('available'), { reservation: { seats: 2, unused: 'held' } }), 5)
    const wishes = [...[1, 2, 3].map((n) => wishFor(`d${n}`, include(), n)), offered]
    const input = weighing({ license: seats(4), wishes, directory })
    expect(reconcile(input).steps.associate).toEqual([1, 2])
    expect(waiting(input)).toEqual([[3, 'seats-reserved', 1]])
    expect(reconcile({ ...input, claims: [aClaim(9)] }).steps.associate).toEqual([9, 1, 2])
  })
  test('a seat that somebody of the target has already fills the reservation', () => {
    const input = weighing({ license: seats(3, 1), wishes: [everybody, teachers('held')], directory, seats: seatsOf([], [10]) })
    expect(reconcile(input).steps.associate).toEqual([8, 1])
  })
  test('who can not be served fills no reservation', () => {
    const gone = directoryOf([{ ordinal: 1 }, { ordinal: 8, active: false }, { ordinal: 9 }], { teachers: [8, 9] })
    const input = weighing({ license: seats(1), wishes: [wishFor('d1', include(), 1), teachers('held', 1)], directory: gone })
    expect(said(input)).toEqual({ 1: 'waiting: no-seat-left', 8: 'refused: principal-inactive', 9: 'pending: order-to-come' })
  })
})

describe('a claim', () => {
  const offered = wishFor('all-users', include('available', 'user'), 1)
  test('takes a seat of what is offered, in the order of claims', () => {
    const input = weighing({ license: seats(1), wishes: [offered], claims: [aClaim(32, 9), aClaim(33, 8)] })
    expect(reconcile(input).steps.associate).toEqual([33])
    expect(waiting(input)).toEqual([[32, 'no-seat-left', 1]])
    expect(reconcile(input).tally).toMatchObject({ desired: 2, waiting: 1 })
    expect(said(input)[31]).toBe('released: may-claim')
  })
  test('stands in one line with requirements', () => {
    const wishes = [offered, wishFor('d1', include(), 4), wishFor('d2', include(), 6)]
    expect(reconcile(weighing({ license: seats(2), wishes, claims: [aClaim(31, 5)] })).steps.associate).toEqual([1, 31])
  })
  test('is offered to nobody who could not take it', () => {
    const directory = directoryOf(
      [
        { ordinal: 31, kind: 'user', left: true },
        { ordinal: 32, kind: 'user', active: false },
        { ordinal: 33, kind: 'user' },
      ],
      { all: [31, 32, 33] },
    )
    expect(said(weighing({ wishes: [wishFor('gall', include('available', 'user'), 1)], directory }))).toEqual({
      31: 'released: principal-left',
      32: 'released: principal-inactive',
      33: 'released: may-claim',
    })
  })
  test('that is given back releases the seat, and goes when it is gone', () => {
    const input = weighing({ wishes: [offered], claims: [aClaim(31, 9, 'return')], seats: seatsOf([31]) })
    expect(reconcile(input).steps).toMatchObject({ disassociate: [31], settledClaims: [] })
    expect(reconcile({ ...input, seats: seatsOf([]) }).steps.settledClaims).toHaveLength(1)
  })
  test('for what is not offered any more ends, and the seat is found from then on', () => {
    const input = weighing({ wishes: [], claims: [aClaim(31)], seats: seatsOf([31]) })
    expect(reconcile(input).steps).toMatchObject({ disassociate: [], keepAsFound: [31] })
    expect(reconcile(input).steps.settledClaims).toHaveLength(1)
  })
  test('rests while the seat is required anyway, and lives on', () => {
    const input = weighing({ wishes: [offered, wishFor('u31', include('required', 'user'), 2)], claims: [aClaim(31)] })
    expect(reconcile(input).steps).toMatchObject({ associate: [31], settledClaims: [] })
  })
})

test('members of a target are weighed once, however many assignments name them', () => {
  const members = [...columnsOfMembers(Array.from({ length: 20 }, (_, at) => at + 1)).ordinals]
  const directory = directoryOf(
    members.map((ordinal) => ({ ordinal })),
    { one: members, two: members.slice(5), three: members.slice(10) },
  )
  const wishes = ['gone', 'gtwo', 'gthree', 'all-devices', 'd7'].map((key, at) => wishFor(key, include(), 9 - at))
  const { verdicts } = reconcile(weighing({ license: seats(100), wishes, directory }))
  expect(verdicts.map(({ ordinal }) => ordinal).toSorted((a, b) => a - b)).toEqual(members)
})
