/** A license, its wishes and its facts, written down in a few words: for tests of `reconcile`. */
import { usualTerms, type Intent, type PlacedWish, type SeatsAfter, type Wish, type WishTerms } from '../../shared/assignment.ts'
import type { Claim } from '../../shared/claim.ts'
import { columnsOfSeats, licenseIdOf, type Columns } from '../../shared/facts.ts'
import {
  parseConnectorId,
  parseGroupId,
  parseOrderId,
  parseTargetKey,
  principalIdOf,
  type GroupId,
  type PrincipalKind,
  type TargetKey,
} from '../../shared/ids.ts'
import { nestingOf, unionOf } from '../../shared/groups.ts'
import { emptyTally, laterInProduct, type License } from '../../shared/license.ts'
import type { LicenseOrder, LocationOrder, OrderFailure } from '../../shared/order.ts'
import type { Directory, JoinsBy, PrincipalState, ReconcileInput, StorePeople } from '../../shared/reconcile.ts'
import type { RegistrationState } from '../../shared/registration.ts'

export const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('a test named something that can not be')
  return value
}
export const keyOf = (text: string): TargetKey => must(parseTargetKey(text))
export const groupOf = (text: string): GroupId => must(parseGroupId(text))

export const aLicense = (given: Partial<License> = {}): License => ({
  id: licenseIdOf(1),
  connectorId: must(parseConnectorId('berlin')),
  store: 'apple',
  product: { id: '361285480', name: 'Keynote', publisher: 'Apple', kind: 'app', platforms: ['iOS'], iconUrl: null, ...laterInProduct },
  pricing: 'STDQ',
  licenseTypes: ['device', 'user'],
  revocable: true,
  total: 10,
  inUse: 0,
  available: 10,
  retired: 0,
  unlimited: false,
  asOf: '2026-11-24T09:00:00.000Z',
  readAt: '2026-11-24T09:00:00.000Z',
  countSource: 'live',
  assignable: true,
  gone: false,
  lowThreshold: null,
  note: '',
  tally: emptyTally,
  ...given,
})

export const include = (intent: Intent = 'required', licenseType: 'device' | 'user' = 'device', rev = 1): Wish => ({
  mode: 'include',
  intent,
  licenseType,
  rev,
})
export const exclude = (rev = 1): Wish => ({ mode: 'exclude', intent: 'required', licenseType: 'device', rev })
export const removed = (seats: SeatsAfter = 'release', rev = 2): Wish => ({ mode: 'removed', seats, rev })

export const wishFor = (key: string, wish: Wish = include(), taken = 1): PlacedWish => ({
  key: keyOf(key),
  wish,
  note: '',
  by: 'Ana',
  at: '2026-11-24T09:00:00.000Z',
  taken,
})

export const seatsOf = (byAssignment: readonly number[], found: readonly number[] = []): Columns =>
  columnsOfSeats([
    ...byAssignment.map((ordinal) => ({ ordinal, licenseType: 'device' as const, origin: 'assignment' as const, sinceS: 1 })),
    ...found.map((ordinal) => ({ ordinal, licenseType: 'device' as const, origin: 'found' as const, sinceS: 1 })),
  ])

export const anOrder = (id: string, given: Partial<LicenseOrder> = {}): LicenseOrder => ({
  id: must(parseOrderId(id)),
  connectorId: must(parseConnectorId('berlin')),
  licenseId: licenseIdOf(1),
  action: 'associate',
  cause: 'plan',
  state: 'sent',
  total: given.open?.length ?? 0,
  done: 0,
  open: [],
  failures: [],
  unknown: false,
  storeReference: null,
  createdAt: '2026-11-24T09:00:00.000Z',
  sentAt: null,
  finishedAt: null,
  by: 'Ana',
  ...given,
})

export const aLocationOrder = (id: string, given: Partial<LocationOrder> = {}): LocationOrder => ({
  id: must(parseOrderId(id)),
  connectorId: must(parseConnectorId('berlin')),
  licenseId: null,
  action: 'register-user',
  cause: 'plan',
  subscription: null,
  state: 'sent',
  total: given.open?.length ?? 0,
  done: 0,
  open: [],
  failures: [],
  unknown: false,
  storeReference: null,
  createdAt: '2026-11-24T09:00:00.000Z',
  sentAt: null,
  finishedAt: null,
  by: 'Ana',
  ...given,
})

/** A store's list of people, by ordinal. */
export const atStore = (states: Readonly<Record<number, RegistrationState>>, invites = false): StorePeople => ({
  stateOf: (ordinal) => states[ordinal],
  invites,
})

export const aFailure = (ordinal: number, given: Partial<OrderFailure> = {}): OrderFailure => ({
  ordinal,
  code: '9602',
  text: 'The store refused it.',
  retryable: false,
  atSeq: 100,
  ...given,
})

export interface Somebody {
  readonly ordinal: number
  readonly kind?: PrincipalKind
  readonly active?: boolean
  readonly left?: boolean
  readonly joinsBy?: JoinsBy
  /** Of a device: whose it is. */
  readonly owner?: number
}

/** `nested`: which groups lie directly in which, rings too. */
export const directoryOf = (
  people: readonly Somebody[],
  groups: Readonly<Record<string, readonly number[]>> = {},
  nested: Readonly<Record<string, readonly string[]>> = {},
): Directory => {
  const states = new Map<number, PrincipalState>(
    people.map(({ ordinal, kind = 'device', active = true, left = false, joinsBy = 'nothing' }) => [
      ordinal,
      { kind, active, left, joinsBy },
    ]),
  )
  const ownerByDevice = new Map(people.map(({ ordinal, owner }) => [ordinal, owner]))
  const nesting = nestingOf(
    Object.keys(groups).map((id) => ({
      id: groupOf(id),
      name: id,
      kind: 'device',
      memberCount: groups[id]?.length ?? 0,
      sources: [],
      groups: (nested[id] ?? []).map(groupOf),
    })),
  )
  return {
    ownerOf: (device) => ownerByDevice.get(device),
    principal: (ordinal) => states.get(ordinal),
    members: (group) =>
      nesting.find(group) === undefined ? undefined : unionOf(nesting.within(group).map((each) => Uint32Array.from(groups[each] ?? []))),
    all: (kind) => Uint32Array.from([...states].filter(([, state]) => state.kind === kind && !state.left).map(([ordinal]) => ordinal)),
  }
}

/** Devices 1 to 20, users 31 to 40. */
export const everybody = directoryOf([
  ...Array.from({ length: 20 }, (_, at) => ({ ordinal: at + 1 })),
  ...Array.from({ length: 10 }, (_, at) => ({ ordinal: at + 31, kind: 'user' as const })),
])

export const aClaim = (ordinal: number, taken = 5, wants: Claim['wants'] = 'seat'): Claim => ({
  id: principalIdOf(ordinal > 30 ? 'user' : 'device', ordinal),
  wants,
  taken,
  at: '2026-11-24T09:00:00.000Z',
  by: 'Ana',
})

/** The clock of these tests: 24 November 2026, noon. */
export const noon = Date.parse('2026-11-24T12:00:00.000Z')
export const hoursFromNoon = (hours: number): string => new Date(noon + hours * 3_600_000).toISOString()

export const withTheseTerms = (wish: Wish, given: Partial<WishTerms>): Wish =>
  wish.mode === 'removed' ? wish : { ...wish, terms: { ...usualTerms, ...given } }

export const weighing = (given: Partial<ReconcileInput> = {}): ReconcileInput => ({
  now: noon,
  claims: [],
  license: aLicense(),
  writingBlocked: undefined,
  wishes: [],
  seats: seatsOf([]),
  orders: [],
  locationOrders: [],
  people: undefined,
  directory: everybody,
  ...given,
})
