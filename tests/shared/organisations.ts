/** Generated organisations, for laws that hold for whatever wishes and facts come together. */
import fc from 'fast-check'
import { columnsOfSeats } from '../../shared/facts.ts'
import type { LicenseOrder, LocationOrder } from '../../shared/order.ts'
import type { ReconcileInput } from '../../shared/reconcile.ts'
import {
  aClaim,
  aFailure,
  aLicense,
  aLocationOrder,
  anOrder,
  atStore,
  directoryOf,
  exclude,
  hoursFromNoon,
  include,
  noon,
  removed,
  wishFor,
  withTheseTerms,
} from './weighing.ts'

export const DEVICES = [1, 2, 3, 4, 5, 6, 7, 8] as const
export const USERS = [31, 32] as const

const wish = fc.oneof(
  { weight: 5, arbitrary: fc.constant(include('required')) },
  fc.constant(include('available')),
  fc.constant(include('uninstall')),
  fc.constant(exclude()),
  fc.constant(removed('release')),
  fc.constant(removed('keep')),
)
const terms = fc.record({
  priority: fc.constantFrom(0, 0, 0, -1, 2),
  startsAt: fc.constantFrom(null, null, null, hoursFromNoon(-2), hoursFromNoon(2)),
  endsAt: fc.constantFrom(null, null, null, null, hoursFromNoon(-1), hoursFromNoon(3)),
  reservation: fc.constantFrom(null, null, null, { seats: 2, unused: 'lent' as const }, { seats: 2, unused: 'held' as const }),
})
const targets = [
  ...DEVICES.map((n) => `d${n}`),
  ...USERS.map((n) => `u${n}`),
  'gone',
  'gtwo',
  'gthree',
  'gpeople',
  'gnobody',
  'all-devices',
]

const wishes = fc
  .uniqueArray(fc.record({ key: fc.constantFrom(...targets), wish, terms, taken: fc.integer({ min: 1, max: 20 }) }), {
    selector: ({ key }) => key,
    maxLength: 7,
  })
  .map((list) => list.map(({ key, wish: wanted, terms: given, taken }) => wishFor(key, withTheseTerms(wanted, given), taken)))

const directory = fc
  .record({
    odd: fc.array(fc.constantFrom<'left' | 'inactive' | 'fine'>('left', 'inactive', 'fine', 'fine', 'fine'), {
      minLength: 10,
      maxLength: 10,
    }),
    one: fc.subarray([...DEVICES]),
    two: fc.subarray([...DEVICES]),
    three: fc.subarray([...DEVICES], { maxLength: 2 }),
    people: fc.subarray([...USERS]),
    // One in another, a chain, a ring, and one that lies in itself.
    nested: fc.constantFrom<Readonly<Record<string, readonly string[]>>>(
      {},
      {},
      { one: ['three'] },
      { one: ['two'], two: ['three'] },
      { one: ['two'], two: ['three'], three: ['one'] },
      { two: ['two', 'nobody'] },
    ),
  })
  .map(({ odd, one, two, three, people: some, nested }) =>
    directoryOf(
      [...DEVICES, ...USERS].map((ordinal, at) => ({
        ordinal,
        kind: ordinal > 30 ? ('user' as const) : ('device' as const),
        left: odd[at] === 'left',
        active: odd[at] !== 'inactive',
        // Three of the devices belong to one of the people.
        ...(ordinal <= 3 ? { owner: 31 } : {}),
        joinsBy: ordinal === 31 ? ('account' as const) : ('mail' as const),
      })),
      { one, two, three, people: some },
      nested,
    ),
  )

/** Each principal: no seat, one by assignment, or one that was found; and nothing, or one thing, under way with the store. */
const standing = fc
  .array(
    fc.record({
      seat: fc.constantFrom<'none' | 'assigned' | 'found'>('none', 'none', 'assigned', 'found'),
      early: fc.boolean(),
      order: fc.constantFrom<'none' | 'planned' | 'sent' | 'failed' | 'passing'>(
        'none',
        'none',
        'none',
        'planned',
        'sent',
        'failed',
        'passing',
      ),
    }),
    { minLength: 10, maxLength: 10 },
  )
  .map((each) => {
    const seats = [...DEVICES, ...USERS].flatMap((ordinal, at) => {
      const seat = each[at]?.seat ?? 'none'
      return seat === 'none'
        ? []
        : [
            {
              ordinal,
              licenseType: ordinal > 30 ? ('user' as const) : ('device' as const),
              origin: seat === 'assigned' ? ('assignment' as const) : ('found' as const),
              sinceS: 1,
            },
          ]
    })
    const held = new Set(seats.map(({ ordinal }) => ordinal))
    const orders = [...DEVICES, ...USERS].flatMap((ordinal, at): LicenseOrder[] => {
      const order = each[at]?.order ?? 'none'
      // A seat may be seen before the order that gave it is settled.
      const action = held.has(ordinal) && each[at]?.early !== true ? ('disassociate' as const) : ('associate' as const)
      switch (order) {
        case 'none':
          return []
        case 'planned':
        case 'sent':
          return [anOrder(`o${ordinal}`, { action, state: order, open: [ordinal], unknown: order === 'sent' })]
        case 'failed':
        case 'passing':
          return [
            anOrder(`o${ordinal}`, {
              action,
              state: 'failed',
              failures: [aFailure(ordinal, { atSeq: 10 + at, retryable: order === 'passing' })],
            }),
          ]
      }
    })
    return { seats: columnsOfSeats(seats), orders }
  })

/** Each of the two people at the store: no list, not on it, on it, or retired; and nothing, or one thing, under way with them. */
const people = fc
  .record({
    kept: fc.boolean(),
    invites: fc.boolean(),
    states: fc.tuple(...USERS.map(() => fc.constantFrom(undefined, 'registered' as const, 'associated' as const, 'retired' as const))),
    under: fc.tuple(...USERS.map(() => fc.constantFrom('nothing', 'registering', 'refused', 'passing', 'revoking', 'retiring'))),
    /** One device from which everything is being taken. */
    lost: fc.constantFrom(undefined, undefined, ...DEVICES),
  })
  .map(({ kept, invites, states, under, lost }) => {
    const known = Object.fromEntries(USERS.flatMap((ordinal, at) => (states[at] === undefined ? [] : [[ordinal, states[at]]])))
    const orders = USERS.flatMap((ordinal, at): LocationOrder[] => {
      switch (under[at]) {
        case 'registering':
          return [aLocationOrder(`r${ordinal}`, { open: [ordinal] })]
        case 'refused':
        case 'passing':
          return [
            aLocationOrder(`r${ordinal}`, {
              state: 'failed',
              failures: [aFailure(ordinal, { atSeq: 10, retryable: under[at] === 'passing' })],
            }),
          ]
        case 'revoking':
          return [aLocationOrder(`t${ordinal}`, { action: 'revoke', cause: 'hand', open: [ordinal] })]
        case 'retiring':
          return [aLocationOrder(`t${ordinal}`, { action: 'retire-user', cause: 'hand', state: 'planned', open: [ordinal] })]
        default:
          return []
      }
    })
    if (lost !== undefined) orders.push(aLocationOrder(`t${lost}`, { action: 'revoke', cause: 'hand', state: 'planned', open: [lost] }))
    return { people: kept ? atStore(known, invites) : undefined, orders }
  })

const claims = fc
  .uniqueArray(
    fc.record({
      ordinal: fc.constantFrom(...DEVICES, ...USERS),
      taken: fc.integer({ min: 1, max: 20 }),
      wants: fc.constantFrom<'seat' | 'return'>('seat', 'seat', 'return'),
    }),
    { selector: ({ ordinal }) => ordinal, maxLength: 5 },
  )
  .map((list) => list.map(({ ordinal, taken, wants }) => aClaim(ordinal, taken, wants)))

export const organisation: fc.Arbitrary<ReconcileInput> = fc
  .record({
    wishes,
    claims,
    directory,
    standing,
    people,
    spare: fc.integer({ min: -2, max: 6 }),
    lag: fc.integer({ min: -1, max: 2 }),
    retired: fc.integer({ min: 0, max: 1 }),
    revocable: fc.boolean(),
    unlimited: fc.boolean(),
    blocked: fc.constantFrom(undefined, undefined, undefined, 'credential-expired' as const),
    types: fc.constantFrom<readonly ('device' | 'user')[]>(['device', 'user'], ['device'], ['user']),
  })
  .map((given) => {
    const inUse = given.standing.seats.ordinals.length
    const total = Math.max(0, inUse + given.spare + given.retired)
    const license = aLicense({
      total: given.unlimited ? null : total,
      available: given.unlimited ? null : Math.max(0, given.spare + given.lag),
      retired: given.retired,
      inUse,
      unlimited: given.unlimited,
      revocable: given.revocable,
      licenseTypes: given.types,
    })
    return {
      now: noon,
      license,
      writingBlocked: given.blocked,
      wishes: given.wishes,
      claims: given.claims,
      seats: given.standing.seats,
      orders: given.standing.orders,
      locationOrders: given.people.orders,
      people: given.people.people,
      directory: given.directory,
    }
  })
