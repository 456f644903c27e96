import { describe, expect, test } from 'vitest'
import { reconcile, type ReconcileInput } from '../../shared/reconcile.ts'
import {
  aFailure,
  aLicense,
  aLocationOrder,
  anOrder,
  atStore,
  directoryOf,
  exclude,
  include,
  removed,
  seatsOf,
  weighing,
  wishFor,
} from './weighing.ts'

const verdictOf = (input: ReconcileInput, ordinal: number) => {
  const found = reconcile(input).verdicts.find((verdict) => verdict.ordinal === ordinal)
  return found === undefined ? undefined : { state: found.state, because: found.because.code }
}
const stepsOf = (input: ReconcileInput) => reconcile(input).steps

describe('a wish for a seat', () => {
  test('a free seat is asked of the store', () => {
    const input = weighing({ wishes: [wishFor('d1')] })
    expect(stepsOf(input).associate).toEqual([1])
    expect(verdictOf(input, 1)).toEqual({ state: 'pending', because: 'order-to-come' })
  })

  test('nobody is asked for without a wish', () => {
    expect(stepsOf(weighing({ seats: seatsOf([], [1, 2]) }))).toEqual({
      register: [],
      associate: [],
      disassociate: [],
      keepAsFound: [],
      drop: [],
      settled: [],
      settledClaims: [],
    })
  })

  test('a seat that an assignment placed is not asked for again', () => {
    const input = weighing({ wishes: [wishFor('d1')], seats: seatsOf([1]) })
    expect(stepsOf(input).associate).toEqual([])
    expect(verdictOf(input, 1)).toEqual({ state: 'placed', because: 'has-seat' })
  })

  test('a seat that was there before counts as placed and stays found', () => {
    const input = weighing({ wishes: [wishFor('d1')], seats: seatsOf([], [1]) })
    expect(stepsOf(input)).toMatchObject({ associate: [], keepAsFound: [] })
    expect(verdictOf(input, 1)).toEqual({ state: 'placed', because: 'had-seat-already' })
  })

  test('what is on its way is not asked for twice', () => {
    const input = weighing({ wishes: [wishFor('d1')], orders: [anOrder('o1', { open: [1] })] })
    expect(stepsOf(input).associate).toEqual([])
    expect(verdictOf(input, 1)).toEqual({ state: 'pending', because: 'order-open' })
  })

  test('a group, all devices and all users reach each of theirs once', () => {
    const directory = directoryOf([{ ordinal: 1 }, { ordinal: 2 }, { ordinal: 3, kind: 'user' }], { tablets: [1, 2] })
    const input = weighing({
      directory,
      wishes: [
        wishFor('gtablets', include(), 1),
        wishFor('all-devices', include(), 2),
        wishFor('all-users', include('required', 'user'), 3),
      ],
    })
    expect(stepsOf(input).associate).toEqual([1, 2, 3])
    expect(reconcile(input).tally.desired).toBe(3)
  })

  test('a group that is not known reaches nobody', () => {
    expect(reconcile(weighing({ wishes: [wishFor('gnobody')] })).verdicts).toEqual([])
  })

  test('available asks for nothing, and tells of a seat that is there', () => {
    expect(stepsOf(weighing({ wishes: [wishFor('d1', include('available'))] })).associate).toEqual([])
    expect(verdictOf(weighing({ wishes: [wishFor('d1', include('available'))] }), 1)).toEqual({ state: 'released', because: 'may-claim' })
    expect(verdictOf(weighing({ wishes: [wishFor('d1', include('available'))], seats: seatsOf([1]) }), 1)).toEqual({
      state: 'placed',
      because: 'has-seat',
    })
  })
})

describe('seats run out', () => {
  const two = aLicense({ total: 2, available: 2 })
  const three = [wishFor('d3', include(), 5), wishFor('d1', include(), 7), wishFor('d2', include(), 6)]

  test('the wish taken first is served first, the last one waits with its place', () => {
    const input = weighing({ license: two, wishes: three })
    expect(stepsOf(input).associate).toEqual([3, 2])
    expect(reconcile(input).verdicts.at(-1)).toMatchObject({ ordinal: 1, state: 'waiting', because: { code: 'no-seat-left', position: 1 } })
  })

  test('within one wish the lower number is served first', () => {
    const directory = directoryOf([{ ordinal: 9 }, { ordinal: 4 }, { ordinal: 7 }], { tablets: [4, 7, 9] })
    expect(stepsOf(weighing({ license: two, directory, wishes: [wishFor('gtablets')] })).associate).toEqual([4, 7])
  })

  test('with enough seats nobody waits', () => {
    expect(reconcile(weighing({ wishes: three })).tally).toMatchObject({ pending: 3, waiting: 0 })
  })

  test('without a limit nobody waits', () => {
    const license = aLicense({ total: null, available: null, unlimited: true })
    expect(reconcile(weighing({ license, wishes: three })).tally).toMatchObject({ pending: 3, waiting: 0 })
  })

  test('seats on their way count as taken', () => {
    const input = weighing({ license: two, wishes: [...three, wishFor('d4', include(), 1)], orders: [anOrder('o1', { open: [4] })] })
    expect(stepsOf(input).associate).toEqual([3])
  })

  test('a seat that an order confirmed counts although the store’s count lags behind', () => {
    const input = weighing({ license: aLicense({ total: 2, available: 1, inUse: 1 }), seats: seatsOf([4, 5]), wishes: three })
    expect(stepsOf(input).associate).toEqual([])
  })

  test('a seat that somebody took unseen counts by the store’s own number', () => {
    const input = weighing({ license: aLicense({ total: 2, available: 0, inUse: 2 }), wishes: three })
    expect(stepsOf(input).associate).toEqual([])
  })

  test('retired seats are not given', () => {
    const input = weighing({ license: aLicense({ total: 2, available: 2, retired: 1 }), wishes: three })
    expect(stepsOf(input).associate).toEqual([3])
  })
})

describe('nothing can be written to the store', () => {
  test.each(['foreign-owner', 'credential-expired', 'credential-invalid', 'read-only-token', 'not-connected'] as const)(
    '%s: the wish waits with this reason',
    (cause) => {
      const input = weighing({ writingBlocked: cause, wishes: [wishFor('d1')] })
      expect(stepsOf(input).associate).toEqual([])
      expect(verdictOf(input, 1)).toEqual({ state: 'waiting', because: cause })
    },
  )

  test('what is planned and not sent is dropped and waits; what was sent stays asked', () => {
    const input = weighing({
      writingBlocked: 'credential-expired',
      wishes: [wishFor('d1'), wishFor('d2')],
      orders: [anOrder('o1', { open: [1], state: 'planned' }), anOrder('o2', { open: [2], state: 'pending' })],
    })
    expect(stepsOf(input).drop).toEqual([1])
    expect(verdictOf(input, 1)).toEqual({ state: 'waiting', because: 'credential-expired' })
    expect(verdictOf(input, 2)).toEqual({ state: 'pending', because: 'order-open' })
  })

  test('nothing is taken either', () => {
    const input = weighing({ writingBlocked: 'foreign-owner', seats: seatsOf([1]), wishes: [wishFor('d1', removed())] })
    expect(stepsOf(input)).toMatchObject({ disassociate: [], settled: [] })
  })
})

describe('a wish that can not be served', () => {
  test.each([
    ['principal-unknown', weighing({ wishes: [wishFor('d99')] }), 99],
    ['principal-left', weighing({ wishes: [wishFor('d1')], directory: directoryOf([{ ordinal: 1, left: true }]) }), 1],
    ['principal-inactive', weighing({ wishes: [wishFor('d1')], directory: directoryOf([{ ordinal: 1, active: false }]) }), 1],
    ['not-device-assignable', weighing({ wishes: [wishFor('d1')], license: aLicense({ licenseTypes: ['user'] }) }), 1],
    [
      'not-user-assignable',
      weighing({ wishes: [wishFor('u31', include('required', 'user'))], license: aLicense({ licenseTypes: ['device'] }) }),
      31,
    ],
    ['license-gone', weighing({ wishes: [wishFor('d1')], license: aLicense({ gone: true }) }), 1],
    ['license-not-assignable', weighing({ wishes: [wishFor('d1')], license: aLicense({ assignable: false }) }), 1],
  ] as const)('%s', (because, input, ordinal) => {
    expect(stepsOf(input).associate).toEqual([])
    expect(verdictOf(input, ordinal)).toEqual({ state: 'refused', because })
  })

  test('it takes no seat from the next', () => {
    const input = weighing({
      license: aLicense({ total: 1, available: 1 }),
      wishes: [wishFor('d99', include(), 1), wishFor('d1', include(), 2)],
    })
    expect(stepsOf(input).associate).toEqual([1])
  })

  test('somebody who left and has a seat keeps it', () => {
    const input = weighing({ wishes: [wishFor('d1')], seats: seatsOf([1]), directory: directoryOf([{ ordinal: 1, left: true }]) })
    expect(verdictOf(input, 1)).toEqual({ state: 'placed', because: 'has-seat' })
  })
})

describe('what the store refused', () => {
  const refused = (given: Parameters<typeof aFailure>[1] = {}, taken = 1): ReconcileInput =>
    weighing({ wishes: [wishFor('d1', include(), taken)], orders: [anOrder('o1', { state: 'failed', failures: [aFailure(1, given)] })] })

  test('is refused with the store’s words', () => {
    expect(verdictOf(refused(), 1)).toEqual({ state: 'refused', because: 'store-refused' })
    expect(stepsOf(refused()).associate).toEqual([])
  })
  test('a person who is not registered is told apart', () => {
    expect(verdictOf(refused({ code: 'user-not-registered' }), 1)).toEqual({ state: 'refused', because: 'user-not-registered' })
  })
  test('is asked for again when it may pass', () => {
    expect(stepsOf(refused({ retryable: true })).associate).toEqual([1])
  })
  test('is asked for again when someone wishes anew', () => {
    expect(stepsOf(refused({}, 101)).associate).toEqual([1])
  })
  test('of several answers the last one counts', () => {
    const orders = [
      anOrder('o1', { state: 'failed', failures: [aFailure(1, { atSeq: 50, retryable: true })] }),
      anOrder('o2', { state: 'failed', failures: [aFailure(1, { atSeq: 60 })] }),
    ]
    for (const order of [orders, orders.toReversed()])
      expect(verdictOf(weighing({ wishes: [wishFor('d1')], orders: order }), 1)).toEqual({ state: 'refused', because: 'store-refused' })
  })
})

describe('excluding', () => {
  test('beats every wish, and takes back what an assignment placed', () => {
    const input = weighing({ wishes: [wishFor('d1', exclude(), 9), wishFor('all-devices', include(), 1)], seats: seatsOf([1]) })
    expect(stepsOf(input).disassociate).toEqual([1])
    expect(stepsOf(input).associate).not.toContain(1)
  })
  test('leaves a found seat alone', () => {
    const input = weighing({ wishes: [wishFor('d1', exclude())], seats: seatsOf([], [1]) })
    expect(stepsOf(input).disassociate).toEqual([])
    expect(verdictOf(input, 1)).toEqual({ state: 'excluded', because: 'excluded' })
  })
  test('with nothing there says so', () => {
    expect(verdictOf(weighing({ wishes: [wishFor('d1', exclude())] }), 1)).toEqual({ state: 'excluded', because: 'excluded' })
  })
})

describe('uninstalling', () => {
  test('takes a seat, also a found one', () => {
    expect(stepsOf(weighing({ wishes: [wishFor('d1', include('uninstall'))], seats: seatsOf([], [1]) })).disassociate).toEqual([1])
    expect(stepsOf(weighing({ wishes: [wishFor('d1', include('uninstall'))], seats: seatsOf([1]) })).disassociate).toEqual([1])
  })
  test('is beaten by required and beats available', () => {
    const seats = seatsOf([1])
    expect(
      stepsOf(weighing({ seats, wishes: [wishFor('d1', include('uninstall')), wishFor('all-devices', include('required'))] })).disassociate,
    ).toEqual([])
    expect(
      stepsOf(weighing({ seats, wishes: [wishFor('d1', include('uninstall')), wishFor('all-devices', include('available'))] }))
        .disassociate,
    ).toEqual([1])
  })
  test('has nothing to take where no seat is', () => {
    expect(verdictOf(weighing({ wishes: [wishFor('d1', include('uninstall'))] }), 1)).toMatchObject({ state: 'released' })
  })
})

describe('removing an assignment', () => {
  test('gives its seat back, and is settled once that is done', () => {
    const open = weighing({ wishes: [wishFor('d1', removed())], seats: seatsOf([1]) })
    expect(stepsOf(open)).toMatchObject({ disassociate: [1], settled: [] })
    expect(verdictOf(open, 1)).toEqual({ state: 'pending', because: 'release-to-come' })
    const done = weighing({ wishes: [wishFor('d1', removed())] })
    expect(stepsOf(done)).toMatchObject({ disassociate: [], settled: ['d1'] })
  })
  test('with keep leaves the seat, found from now on', () => {
    const input = weighing({ wishes: [wishFor('d1', removed('keep'))], seats: seatsOf([1]) })
    expect(stepsOf(input)).toMatchObject({ disassociate: [], keepAsFound: [1], settled: ['d1'] })
  })
  test('never takes a seat that was found', () => {
    const input = weighing({ wishes: [wishFor('d1', removed())], seats: seatsOf([], [1]) })
    expect(stepsOf(input)).toMatchObject({ disassociate: [], settled: ['d1'] })
  })
  test('leaves alone whom another assignment still names', () => {
    const input = weighing({ wishes: [wishFor('d1', removed()), wishFor('all-devices')], seats: seatsOf([1]) })
    expect(stepsOf(input)).toMatchObject({ disassociate: [], settled: ['d1'] })
    expect(verdictOf(input, 1)).toMatchObject({ state: 'placed' })
  })
  test('waits for a seat that is on its way, to give it back then', () => {
    const input = weighing({ wishes: [wishFor('d1', removed())], orders: [anOrder('o1', { open: [1] })] })
    expect(stepsOf(input)).toMatchObject({ drop: [], settled: [] })
  })
  test('of a seat that was seen before its order was settled waits for the order', () => {
    const input = weighing({ wishes: [wishFor('d1', removed())], seats: seatsOf([1]), orders: [anOrder('o1', { open: [1] })] })
    expect(stepsOf(input)).toMatchObject({ disassociate: [], settled: [] })
    expect(verdictOf(input, 1)).toEqual({ state: 'pending', because: 'order-open' })
  })
  test('drops what was planned and not sent', () => {
    const input = weighing({ wishes: [wishFor('d1', removed())], orders: [anOrder('o1', { open: [1], state: 'planned' })] })
    expect(stepsOf(input).drop).toEqual([1])
  })
  test('is not asked for twice while the store is at it', () => {
    const input = weighing({
      wishes: [wishFor('d1', removed())],
      seats: seatsOf([1]),
      orders: [anOrder('o1', { action: 'disassociate', open: [1] })],
    })
    expect(stepsOf(input)).toMatchObject({ disassociate: [], settled: [] })
    expect(verdictOf(input, 1)).toEqual({ state: 'pending', because: 'order-open' })
  })
  test('tells when the store does not take it back', () => {
    const refused = weighing({
      wishes: [wishFor('d1', removed())],
      seats: seatsOf([1]),
      orders: [anOrder('o1', { action: 'disassociate', state: 'failed', failures: [aFailure(1)] })],
    })
    expect(verdictOf(refused, 1)).toEqual({ state: 'refused', because: 'release-refused' })
    expect(stepsOf(refused).disassociate).toEqual([])
  })
  test('of a product that can not be taken back keeps the seat as found', () => {
    const input = weighing({ license: aLicense({ revocable: false }), wishes: [wishFor('d1', removed())], seats: seatsOf([1]) })
    expect(stepsOf(input)).toMatchObject({ disassociate: [], keepAsFound: [1] })
    expect(verdictOf(input, 1)).toEqual({ state: 'refused', because: 'irrevocable' })
  })
})

describe('a wish to take that was taken back before it left', () => {
  const planned = [anOrder('o1', { action: 'disassociate', state: 'planned', open: [1] })]
  test('leaves the seat, found or assigned', () => {
    expect(stepsOf(weighing({ seats: seatsOf([], [1]), orders: planned })).drop).toEqual([1])
    const wanted = weighing({ wishes: [wishFor('d1')], seats: seatsOf([1]), orders: planned })
    expect(stepsOf(wanted).drop).toEqual([1])
    expect(verdictOf(wanted, 1)).toEqual({ state: 'placed', because: 'has-seat' })
  })
  test('that still stands goes on', () => {
    const input = weighing({ wishes: [wishFor('d1', include('uninstall'))], seats: seatsOf([], [1]), orders: planned })
    expect(stepsOf(input)).toMatchObject({ drop: [], disassociate: [] })
  })
  test('of an administrator who reclaimed this very seat goes on, whatever is wished', () => {
    const reclaimed = [anOrder('o1', { action: 'disassociate', cause: 'reclaim', state: 'planned', open: [1] })]
    expect(stepsOf(weighing({ seats: seatsOf([], [1]), orders: reclaimed })).drop).toEqual([])
    const wanted = weighing({ wishes: [wishFor('d1')], seats: seatsOf([1]), orders: reclaimed })
    expect(verdictOf(wanted, 1)).toEqual({ state: 'pending', because: 'seat-being-released' })
  })
  test('that has left is not called back', () => {
    const sent = [anOrder('o1', { action: 'disassociate', state: 'sent', open: [1] })]
    expect(stepsOf(weighing({ seats: seatsOf([], [1]), orders: sent })).drop).toEqual([])
  })
})

describe('no wish any more', () => {
  test('a seat that an assignment placed is kept, and found from now on', () => {
    const directory = directoryOf([{ ordinal: 1 }, { ordinal: 2 }], { tablets: [2] })
    const input = weighing({ directory, wishes: [wishFor('gtablets')], seats: seatsOf([1, 2]) })
    expect(stepsOf(input)).toMatchObject({ disassociate: [], keepAsFound: [1] })
  })
  test('what was planned and not sent is dropped', () => {
    expect(stepsOf(weighing({ orders: [anOrder('o1', { open: [1], state: 'planned' })] })).drop).toEqual([1])
  })
  test('what was sent is left to its end', () => {
    expect(stepsOf(weighing({ orders: [anOrder('o1', { open: [1], state: 'sent' })] })).drop).toEqual([])
  })
})

test('a seat that is being given back is asked for again only afterwards', () => {
  const input = weighing({ wishes: [wishFor('d1')], seats: seatsOf([1]), orders: [anOrder('o1', { action: 'disassociate', open: [1] })] })
  expect(stepsOf(input).associate).toEqual([])
  expect(verdictOf(input, 1)).toEqual({ state: 'pending', because: 'seat-being-released' })
})

test('what is planned is never more than what is owned, when seats were refunded meanwhile', () => {
  const input = weighing({
    license: aLicense({ total: 1, available: 1 }),
    wishes: [wishFor('d1', include(), 1), wishFor('d2', include(), 2)],
    orders: [anOrder('o1', { open: [1, 2], state: 'planned' })],
  })
  expect(stepsOf(input).drop).toEqual([2])
  expect(verdictOf(input, 2)).toEqual({ state: 'waiting', because: 'no-seat-left' })
})

test('the tally counts seats and wishes apart', () => {
  const input = weighing({
    license: aLicense({ total: 3, available: 1, inUse: 2 }),
    wishes: [wishFor('d1'), wishFor('d2'), wishFor('d3')],
    seats: seatsOf([1], [9]),
  })
  expect(reconcile(input).tally).toEqual({ desired: 3, placed: 1, pending: 1, waiting: 1, refused: 0, assigned: 1, found: 1, adopted: 0 })
  const asked = reconcile({ ...input, wishes: [...input.wishes, wishFor('d9')] }).tally
  expect([asked.found, asked.adopted]).toEqual([1, 1])
})

describe('people at a store that keeps a list of them', () => {
  const mailed = directoryOf([
    { ordinal: 31, kind: 'user', joinsBy: 'mail' },
    { ordinal: 32, kind: 'user', joinsBy: 'account' },
    { ordinal: 33, kind: 'user', joinsBy: 'nothing' },
  ])
  const userWish = (key: string, taken = 1) => wishFor(key, include('required', 'user'), taken)
  const three = [userWish('u31', 1), userWish('u32', 2), userWish('u33', 3)]

  test('who has a managed account is registered by itself first, and a seat is kept meanwhile', () => {
    const input = weighing({
      directory: mailed,
      people: atStore({}),
      wishes: [userWish('u32')],
      license: aLicense({ total: 1, available: 1 }),
    })
    expect(stepsOf(input)).toMatchObject({ register: [32], associate: [] })
    expect(verdictOf(input, 32)).toMatchObject({ state: 'pending', because: 'registration-to-come' })
    const later = {
      ...input,
      wishes: [...input.wishes, wishFor('d1', include(), 9)],
      directory: directoryOf([{ ordinal: 1 }, { ordinal: 32, kind: 'user', joinsBy: 'account' }]),
    }
    expect(verdictOf(later, 1)).toMatchObject({ state: 'waiting', because: 'no-seat-left' })
  })

  test('an invitation is sent by itself only where the connector may invite', () => {
    const input = weighing({ directory: mailed, people: atStore({}), wishes: three })
    expect(stepsOf(input).register).toEqual([32])
    expect(verdictOf(input, 31)).toMatchObject({ state: 'refused', because: 'user-not-registered' })
    expect(verdictOf(input, 33)).toMatchObject({ state: 'refused', because: 'user-not-registered' })
    expect(stepsOf({ ...input, people: atStore({}, true) }).register).toEqual([31, 32])
  })

  test('a person who is being registered waits for it, and gets the seat afterwards', () => {
    const input = weighing({
      directory: mailed,
      people: atStore({}),
      wishes: [userWish('u32')],
      locationOrders: [aLocationOrder('r1', { open: [32] })],
    })
    expect(verdictOf(input, 32)).toMatchObject({ state: 'pending', because: 'registration-open' })
    expect(stepsOf(input)).toMatchObject({ register: [], associate: [] })
    expect(stepsOf({ ...input, locationOrders: [], people: atStore({ 32: 'registered' }) })).toMatchObject({
      register: [],
      associate: [32],
    })
  })

  test('who was retired is not registered again by a wish', () => {
    const input = weighing({ directory: mailed, people: atStore({ 32: 'retired' }), wishes: [userWish('u32')] })
    expect(verdictOf(input, 32)).toMatchObject({ state: 'refused', because: 'user-retired' })
    expect(stepsOf(input).register).toEqual([])
  })

  test('a registration that the store refused stays refused until the wish is made anew', () => {
    const refused = aLocationOrder('r1', {
      state: 'failed',
      failures: [aFailure(32, { code: '9635', text: 'Another organisation.', atSeq: 5 })],
    })
    const input = weighing({ directory: mailed, people: atStore({}), wishes: [userWish('u32', 1)], locationOrders: [refused] })
    expect(verdictOf(input, 32)).toMatchObject({ state: 'refused', because: 'registration-refused' })
    expect(stepsOf({ ...input, wishes: [userWish('u32', 6)] }).register).toEqual([32])
  })

  test('while everything is being taken from a device, nothing is asked for it, and what had not left is dropped', () => {
    const input = weighing({
      wishes: [wishFor('d1')],
      orders: [anOrder('o1', { state: 'planned', open: [1] })],
      locationOrders: [aLocationOrder('t1', { action: 'revoke', cause: 'hand', state: 'planned', open: [1] })],
    })
    expect(verdictOf(input, 1)).toMatchObject({ state: 'pending', because: 'seat-being-released' })
    expect(stepsOf(input)).toMatchObject({ associate: [], drop: [1] })
  })
})
