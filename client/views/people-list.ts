/**
 * Everybody and every device on this device's facts, as the People screen lists them: how they stand at each Location,
 * what they hold, and from whom seats can come back. 100,000 of them are filtered in one pass over plain arrays; rows are
 * made for the part that is looked at.
 */
import type { Connector } from '../../shared/connector.ts'
import type { Columns } from '../../shared/facts.ts'
import { ordinalOf, parseConnectorId, type PrincipalId, type PrincipalKind } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import { displayNameOf, isUser, type Device, type Principal, type User } from '../../shared/principal.ts'
import type { Registration, RegistrationState } from '../../shared/registration.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import {
  arrange,
  states,
  type Arranged,
  type PeopleQuery,
  type Roll,
  type SeatSums,
  type StandingState,
  type StatesByPlace,
} from './people-query.ts'

export interface Standing {
  readonly connector: Connector
  readonly state: StandingState
}

/** Who has left and holds seats. */
export interface ToGain {
  /** ISO 8601. */
  readonly since: string
  readonly seats: number
  /** Given for good: they stay. */
  readonly forGood: number
}

interface RowCommon {
  readonly id: PrincipalId
  readonly ordinal: number
  readonly name: string
  /** Seats held, at all Locations. */
  readonly seats: number
  /** Undefined: has not left, or holds nothing. */
  readonly toGain: ToGain | undefined
}
export interface PersonRow extends RowCommon {
  readonly kind: 'user'
  readonly user: User
  /** One for each Location that keeps a list of people. */
  readonly standings: readonly Standing[]
}
export interface DeviceRow extends RowCommon {
  readonly kind: 'device'
  readonly device: Device
  readonly owner: Principal | undefined
}

export type ArrangedPeople = Arranged<PersonRow | DeviceRow>

export interface PeopleBook {
  readonly users: number
  readonly devices: number
  /** Locations that keep a list of people. */
  readonly places: readonly Connector[]
  /** As devices name theirs, each once, by name. */
  readonly platforms: readonly string[]
  /** Leavers with seats that can come back, and how many those are. */
  readonly toGain: { readonly users: number; readonly devices: number; readonly seats: number }
  find(id: PrincipalId): PersonRow | DeviceRow | undefined
  arrange(query: PeopleQuery): ArrangedPeople
}

const codes: Record<RegistrationState, number> = { registered: 1, associated: 2, retired: 3 }

const same = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((part, at) => part === b[at])

/** The value stays until one of the parts it was made from is another. */
const keeping = <T>(): ((of: readonly unknown[], make: () => T) => T) => {
  let held: { readonly of: readonly unknown[]; readonly value: T } | undefined
  return (of, make) => {
    if (held === undefined || !same(held.of, of)) held = { of, value: make() }
    return held.value
  }
}

/** Gives the same value while nothing of it has changed, and what it gave last while a changed part is being read. */
export const createPeopleList = (): ((facts: Facts) => ChunkRead<PeopleBook>) => {
  const rolls = keeping<Roll>()
  const standing = keeping<StatesByPlace>()
  const sums = keeping<SeatSums>()
  const books = keeping<ChunkRead<PeopleBook>>()
  let last: ChunkRead<PeopleBook> = { is: 'loading' }

  return (facts) => {
    // Begun anew: what was shown may have been somebody else's.
    if (facts.run('principals/').is === 'loading') last = { is: 'loading' }
    const connectors = facts.rows('connectors')
    const principals = rowsOfRun<Principal>(facts, 'principals/')
    const registrations = rowsOfRun<Registration>(facts, 'registrations/')
    const licenses = rowsOfRun<License>(facts, 'licenses/')
    const seats = columnsOfSeats(facts)
    if (
      connectors.is === 'loading' ||
      principals === 'loading' ||
      registrations === 'loading' ||
      licenses === 'loading' ||
      seats === 'loading'
    )
      return last
    const places = connectors.value.filter(({ people }) => people !== null)
    const roll = rolls(
      principals.map(({ rows }) => rows),
      () => rollOf(principals.flatMap(({ rows }) => rows)),
    )
    const states = standing([roll.most, ...registrations.map(({ rows }) => rows), ...places.map(({ id }) => id)], () =>
      statesOf(roll.most, registrations, places),
    )
    const revocable = new Map(licenses.flatMap(({ rows }) => rows).map(({ id, revocable: is }) => [`seats/${id}`, is]))
    const sum = sums([roll.most, ...seats.flatMap(({ key, columns }) => [columns, revocable.get(key)])], () =>
      sumsOf(roll.most, seats, revocable),
    )
    last = books([roll, states, sum, ...places], () => ({ is: 'ready', value: bookOf(roll, places, states, sum) }))
    return last
  }
}

type RunOfRows = 'principals/' | 'registrations/' | 'licenses/'

const rowsOfRun = <T>(facts: Facts, prefix: RunOfRows): readonly { readonly key: string; readonly rows: readonly T[] }[] | 'loading' => {
  const run = facts.run(prefix)
  if (run.is === 'loading') return run.is
  const found: { readonly key: string; readonly rows: readonly T[] }[] = []
  for (const key of run.value) {
    const read: ChunkRead<readonly unknown[]> = facts.rows(key)
    if (read.is === 'loading') return read.is
    found.push({ key, rows: read.value as readonly T[] })
  }
  return found
}

const columnsOfSeats = (facts: Facts): readonly { readonly key: string; readonly columns: Columns }[] | 'loading' => {
  const run = facts.run('seats/')
  if (run.is === 'loading') return run.is
  const found: { readonly key: string; readonly columns: Columns }[] = []
  for (const key of run.value) {
    const read = facts.columns(key)
    if (read.is === 'loading') return read.is
    found.push({ key, columns: read.value })
  }
  return found
}

const rollOf = (principals: readonly Principal[]): Roll => {
  const byOrdinal: (Principal | undefined)[] = []
  const users: User[] = []
  const devices: Device[] = []
  let most = 0
  for (const row of principals) {
    const ordinal = ordinalOf(row.id)
    byOrdinal[ordinal] = row
    most = Math.max(most, ordinal)
    if (isUser(row)) users.push(row)
    else devices.push(row)
  }
  const ordinals = { user: ordinalsOf(users), device: ordinalsOf(devices) }
  return { users, devices, ordinals, most, byOrdinal, held: new Map() }
}

const ordinalsOf = (rows: readonly Principal[]): Uint32Array => Uint32Array.from(rows, ({ id }) => ordinalOf(id))

const statesOf = (
  most: number,
  registrations: readonly { readonly key: string; readonly rows: readonly Registration[] }[],
  places: readonly Connector[],
): StatesByPlace => {
  const byPlace = new Map(places.map(({ id }) => [id, new Uint8Array(most + 1)]))
  for (const { key, rows } of registrations) {
    const place = parseConnectorId(key.split('/')[1])
    const column = place === undefined ? undefined : byPlace.get(place)
    if (column !== undefined) for (const { id, state } of rows) column[ordinalOf(id)] = codes[state]
  }
  return byPlace
}

const sumsOf = (
  most: number,
  seats: readonly { readonly key: string; readonly columns: Columns }[],
  revocable: ReadonlyMap<string, boolean>,
): SeatSums => {
  const sums = { held: new Uint32Array(most + 1), revocable: new Uint32Array(most + 1) }
  for (const { key, columns } of seats) {
    const returns = revocable.get(key)
    // Seats of a license that is not told of yet belong to nobody's sum.
    if (returns === undefined) continue
    for (const ordinal of columns.ordinals) {
      if (ordinal > most) continue
      sums.held[ordinal] = (sums.held[ordinal] ?? 0) + 1
      if (returns) sums.revocable[ordinal] = (sums.revocable[ordinal] ?? 0) + 1
    }
  }
  return sums
}

const bookOf = (roll: Roll, places: readonly Connector[], byPlace: StatesByPlace, sums: SeatSums): PeopleBook => {
  const rowOf = (row: Principal): PersonRow | DeviceRow => {
    const ordinal = ordinalOf(row.id)
    const seats = sums.held[ordinal] ?? 0
    const returns = sums.revocable[ordinal] ?? 0
    const common: RowCommon = {
      id: row.id,
      ordinal,
      name: displayNameOf(row),
      seats,
      toGain: row.left === null || seats === 0 ? undefined : { since: row.left, seats: returns, forGood: seats - returns },
    }
    return isUser(row)
      ? {
          ...common,
          kind: 'user',
          user: row,
          standings: places.map((connector) => ({ connector, state: states[byPlace.get(connector.id)?.[ordinal] ?? 0] ?? 'none' })),
        }
      : {
          ...common,
          kind: 'device',
          device: row,
          owner: row.ownerId === null ? undefined : roll.byOrdinal[ordinalOf(row.ownerId)],
        }
  }
  /** How many can come back of each leaver who holds some. */
  const gainOf = (rows: readonly Principal[]): readonly number[] =>
    rows.flatMap(({ id, left }) => (left === null ? [] : (sums.revocable[ordinalOf(id)] ?? 0))).filter((returns) => returns > 0)
  const users = gainOf(roll.users)
  const devices = gainOf(roll.devices)
  return {
    users: roll.users.length,
    devices: roll.devices.length,
    places,
    platforms: [...new Set(roll.devices.flatMap(({ platform }) => (platform === '' ? [] : [platform])))].sort(),
    toGain: { users: users.length, devices: devices.length, seats: [...users, ...devices].reduce((sum, one) => sum + one, 0) },
    find: (id) => {
      const found = roll.byOrdinal[ordinalOf(id)]
      return found?.id === id ? rowOf(found) : undefined
    },
    arrange: (query) => arrange(roll, places, byPlace, sums, query, rowOf),
  }
}

/** What a kind of principal is called, in a count. */
export const kindInWords = (kind: PrincipalKind, count: number): string =>
  kind === 'user' ? (count === 1 ? 'person' : 'people') : count === 1 ? 'device' : 'devices'
