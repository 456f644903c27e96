import { err, ok } from '../../../shared/result.ts'
import type { Result } from '../../../shared/result.ts'
import { appleError } from './errors.ts'
import type { AppleError } from './errors.ts'
import type { EventRequest } from './events.ts'
import type { Endpoint, Fault } from './faults.ts'
import { oddly } from './lists.ts'
import { activeUser, limitOf } from './state.ts'
import type { LocationState, OwnedSubscription } from './state.ts'
import { assignedOf, availableUnits, shownAsRenewing } from './subscriptions.ts'
import type { AppleWorld } from './world.ts'

/* The requests of the subscription family: whole numbers for ids, cursors for pages, null for mdmInfo. */

// ---- Lists ----

const malformed = err(appleError(9602))

/** Ids are whole numbers here, unlike anywhere else. */
const readId = (text: string | null): Result<number | undefined, AppleError> => {
  if (text === null) return ok(undefined)
  return /^\d{1,15}$/.test(text) ? ok(Number(text)) : err(appleError(9813))
}

type ListOf = 'subscriptions' | 'assignments' | 'admins'

export const listOfEndpoint = (endpoint: Endpoint): ListOf | undefined => {
  if (endpoint === 'subscriptions') return 'subscriptions'
  if (endpoint === 'subscription-assignments') return 'assignments'
  return endpoint === 'subscription-admins' ? 'admins' : undefined
}

/** `turn` tells two cursors of one place apart. */
interface Place {
  readonly at: number
  readonly turn: number
}

const cursorOf = (list: ListOf, version: number, { at, turn }: Place): string =>
  Buffer.from(`${list}/${version}/${at}/${turn}`, 'utf8').toString('base64url')

const readCursor = (world: AppleWorld, location: LocationState, list: ListOf, text: string | null): Result<Place, AppleError> => {
  if (text === null) return ok({ at: 0, turn: 0 })
  const told = /^(\w+)\/(\d{1,15})\/(\d{1,9})\/(\d{1,9})$/.exec(Buffer.from(text, 'base64url').toString('utf8'))
  if (told?.[1] !== list) return err(appleError(9812))
  const isOld = Number(told[2]) !== location.subscriptions.version
  if (isOld && world.switches.cursorsAfterChange === 'invalid') return err(appleError(9812))
  return ok({ at: Number(told[3]), turn: Number(told[4]) })
}

export const listSubscriptionFamily = (
  world: AppleWorld,
  location: LocationState,
  list: ListOf,
  query: URLSearchParams,
  faults: readonly Fault[],
): Result<Record<string, unknown>, AppleError> => {
  const id = readId(query.get('adamId'))
  if (!id.ok) return id
  const parent = readId(query.get('parentAdamId'))
  if (!parent.ok) return parent
  const has = (is: Fault['is']): boolean => faults.some((fault) => fault.is === is)
  const from = readCursor(world, location, list, query.get('cursor'))
  if (!from.ok) return from
  const { at, turn } = from.value
  if (query.get('cursor') !== null && (has('page-out-of-range') || has('page-moved'))) return err(appleError(9812))
  const owned = [...location.subscriptions.owned.values()].filter(
    (one) => (id.value === undefined || one.adamId === id.value) && (parent.value === undefined || one.parentAdamId === parent.value),
  )
  const rows = has('empty-list') ? [] : owned.flatMap((one) => rowsOf(world, list, one, query.get('clientUserId')))
  const { pageSize } = world.switches
  const end = at + pageSize
  const shown = has('empty-page') ? [] : rows.slice(at, end)
  const next = has('page-loop')
    ? { at, turn }
    : has('empty-page')
      ? { at, turn: turn + 1 }
      : end < rows.length
        ? { at: end, turn }
        : undefined
  const tellsManagement = list === 'subscriptions' && world.switches.subscriptionManagement === 'always'
  return ok({
    ...oddly({ [list]: shown }, faults),
    ...(next === undefined ? {} : { nextCursor: cursorOf(list, location.subscriptions.version, next) }),
    ...(tellsManagement ? managementBody(location) : {}),
  })
}

const rowsOf = (world: AppleWorld, list: ListOf, owned: OwnedSubscription, clientUserId: string | null): Record<string, unknown>[] => {
  const { adamId, parentAdamId } = owned
  switch (list) {
    case 'subscriptions':
      return [
        {
          parentAdamId,
          adamId,
          ...(world.switches.subscriptionNames === 'told' && owned.name !== null ? { name: owned.name } : {}),
          status: owned.status,
          ...(owned.periodEndsOn === null ? {} : { periodEndDate: owned.periodEndsOn }),
          counts: { assigned: assignedOf(world, owned), available: availableUnits(owned), total: { ...owned.total } },
        },
      ]
    case 'assignments':
      return [...owned.seats.values()]
        .filter((seat) => clientUserId === null || seat.clientUserId === clientUserId)
        .map((seat) => ({ adamId, clientUserId: seat.clientUserId, renewing: shownAsRenewing(world, seat) }))
    case 'admins':
      return owned.admins
        .filter((admin) => clientUserId === null || admin === clientUserId)
        .map((admin) => ({ adamId, clientUserId: admin }))
  }
}

// ---- Writes ----

const readIds = (value: unknown): Result<readonly number[], AppleError> => {
  if (!Array.isArray(value)) return value === undefined || value === null ? ok([]) : malformed
  const ids: number[] = []
  for (const item of value) {
    // [inferred] Text in the place of a number is refused, as its examples have numbers alone.
    if (typeof item !== 'number' || !Number.isSafeInteger(item)) return err(appleError(9813))
    ids.push(item)
  }
  return ok(ids)
}

const readPeople = (value: unknown): Result<readonly string[], AppleError> => {
  if (!Array.isArray(value)) return value === undefined || value === null ? ok([]) : malformed
  const people: string[] = []
  for (const item of value) {
    if (typeof item !== 'string' || item === '') return malformed
    people.push(item)
  }
  return ok(people)
}

interface Named {
  readonly owned: readonly OwnedSubscription[]
  readonly people: readonly string[]
}

/** Required, limits, duplicates, ids, people: the order is [inferred]. */
const readNamed = (world: AppleWorld, location: LocationState, body: Record<string, unknown>): Result<Named, AppleError> => {
  // There is no way to name a device.
  if (body['serialNumbers'] !== undefined) return err(appleError(9811))
  const ids = readIds(body['adamIds'])
  if (!ids.ok) return ids
  const people = readPeople(body['clientUserIds'])
  if (!people.ok) return people
  if (ids.value.length === 0) return err(appleError(9813))
  if (people.value.length === 0) return err(appleError(9719))
  if (ids.value.length > limitOf(world.state, 'maxSubscriptions')) return err(appleError(Number(world.switches.tooManySubscriptions)))
  if (people.value.length > limitOf(world.state, 'maxSubscriptionClientUserIds')) return err(appleError(9701))
  if (new Set(ids.value).size < ids.value.length) return err(appleError(9703))
  if (new Set(people.value).size < people.value.length) return err(appleError(9704))
  const owned: OwnedSubscription[] = []
  for (const id of ids.value) {
    const one = location.subscriptions.owned.get(id)
    if (one === undefined) return err(appleError(9813))
    owned.push(one)
  }
  return ok({ owned, people: people.value })
}

const refusedFor = (world: AppleWorld, errorNumber: number, people: readonly string[]): Result<never, AppleError> =>
  err(appleError(errorNumber, world.switches.syncErrorInfo ? { clientUserIds: people } : undefined))

/** Associate and disassociate. One wrong person refuses the whole request. */
export const readSubscriptionWrite = (
  world: AppleWorld,
  location: LocationState,
  type: 'ASSOCIATE' | 'DISASSOCIATE',
  body: Record<string, unknown>,
): Result<EventRequest, AppleError> => {
  const flag = body[type === 'ASSOCIATE' ? 'renewing' : 'deferred']
  if (flag !== undefined && flag !== null && typeof flag !== 'boolean') return malformed
  const named = readNamed(world, location, body)
  if (!named.ok) return named
  const { owned, people } = named.value
  const unknown = people.filter((person) => {
    const user = activeUser(location, person)
    return user === undefined || (world.switches.subscriptionsForInvited === 'refused' && user.status !== 'Associated')
  })
  if (unknown.length > 0) return refusedFor(world, 9814, unknown)
  if (type === 'DISASSOCIATE') {
    const without = people.filter((person) => owned.some((one) => !one.seats.has(person)))
    if (without.length > 0) return refusedFor(world, 9815, without)
  } else {
    if (owned.some(({ status }) => status !== 'ACTIVE')) return err(appleError(9811))
    const byGroup = people.filter((person) => owned.some((one) => one.heldByGroup.includes(person)))
    if (byGroup.length > 0) return refusedFor(world, 9817, byGroup)
  }
  return ok({
    type,
    assets: [],
    targets: people.map((clientUserId) => ({ kind: 'user', clientUserId })),
    users: [],
    subscription: {
      adamIds: owned.map(({ adamId }) => adamId),
      renewing: type === 'ASSOCIATE' && flag !== false,
      deferred: type === 'DISASSOCIATE' && flag === true,
    },
  })
}

/** `admins/add` and `admins/remove`: done at once, without an event. */
export const changeAdmins = (
  world: AppleWorld,
  location: LocationState,
  change: 'add' | 'remove',
  body: Record<string, unknown>,
): Result<Record<string, unknown>, AppleError> => {
  const named = readNamed(world, location, body)
  if (!named.ok) return named
  const { owned, people } = named.value
  const unknown = people.filter((person) => activeUser(location, person) === undefined)
  if (unknown.length > 0) return refusedFor(world, 9814, unknown)
  for (const one of owned) {
    const others = one.admins.filter((admin) => !people.includes(admin))
    one.admins = change === 'add' ? [...others, ...people] : others
    location.subscriptions.version += 1
  }
  return ok({})
}

// ---- On and off ----

/** The form of the value is [unknown]. */
const managementBody = (location: LocationState): Record<string, unknown> => ({
  subscriptionManagement: location.subscriptions.enabled ? 'ENABLED' : 'DISABLED',
})

export const switchSubscriptions = (
  world: AppleWorld,
  location: LocationState,
  enabled: boolean,
): Result<Record<string, unknown>, AppleError> => {
  const { subscriptions } = location
  if (!enabled && subscriptions.enabled) {
    // [inferred] The number for "enabled for good" is not published.
    if (world.switches.subscriptionsEnabled === 'for-good') return err(appleError(9602))
    if (subscriptions.owned.size > 0) return err(appleError(9818))
  }
  subscriptions.enabled = enabled
  return ok(managementBody(location))
}
