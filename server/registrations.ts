/** Who is registered at a Location: what the store's records of a person come to, and how that is kept. */
import type { FactReader } from './facts.ts'
import type { Writing } from './journal.ts'
import { createPrincipalNames } from './principals.ts'
import type { PersonRead } from './stores/store.ts'
import { isoTime } from '../shared/clock.ts'
import { parseChunkKey, registrationsKey, rowsFact, type RegistrationsKey } from '../shared/facts.ts'
import { ordinalOf, principalIdOf, type ConnectorId } from '../shared/ids.ts'
import { isUser, normalUserName, type User } from '../shared/principal.ts'
import type { Registration, RegistrationState } from '../shared/registration.ts'

/** One person, of whom the store may hold several records. `key` is the user name as the store writes it. */
export interface PersonAtStore {
  readonly key: string
  readonly state: RegistrationState
  readonly email: string
  readonly closedRecords: number
}

const rank: Record<RegistrationState, number> = { associated: 2, registered: 1, retired: 0 }

/**
 * Each person once, by normal user name. The record that stands is the one that is not retired; a store has at most one,
 * and of two the associated one is taken. The others are closed. Give all records of a person at once.
 */
export const foldPeople = (records: Iterable<PersonRead>): ReadonlyMap<string, PersonAtStore> => {
  const people = new Map<string, PersonAtStore>()
  for (const { key, state, email } of records) {
    const name = normalUserName(key)
    const before = people.get(name)
    if (before === undefined) people.set(name, { key, state, email, closedRecords: 0 })
    else {
      const stands = rank[state] > rank[before.state] ? { key, state, email } : before
      people.set(name, { ...stands, closedRecords: before.closedRecords + 1 })
    }
  }
  return people
}

export const findRegistration = async (facts: FactReader, connector: ConnectorId, ordinal: number): Promise<Registration | undefined> =>
  (await facts.rows(registrationsKey(connector, ordinal))).find(({ id }) => ordinalOf(id) === ordinal)

/**
 * What the store knows this person by: its own writing of the user name, once it has told one. Microsoft's stores know
 * people by the user principal name: of the names that a person has it is the latest one with an `@`.
 */
export const storeKeyAt = async (facts: FactReader, connector: ConnectorId, person: User): Promise<string> => {
  const told = (await findRegistration(facts, connector, ordinalOf(person.id)))?.storeKey
  if (told !== undefined) return told
  const store = (await facts.rows('connectors')).find(({ id }) => id === connector)?.store
  const names = [person.userName, ...(person.otherNames ?? [])]
  return (store === 'microsoft' ? names.findLast((name) => name.includes('@')) : undefined) ?? person.userName
}

export const readRegistrations = async (
  facts: FactReader & { readonly store: { keys(prefix: string): Promise<readonly string[]> } },
  connector: ConnectorId,
): Promise<readonly Registration[]> => await rowsOfAll(facts, await facts.store.keys(`registrations/${connector}/`))

/** As `readRegistrations`, inside an act. */
const registrationsIn = async (write: Writing, connector: ConnectorId): Promise<readonly Registration[]> => {
  const prefix = `registrations/${connector}/`
  const chunks = await write.trx.selectFrom('chunks').select('key').where('key', 'like', `${prefix}%`).execute()
  return await rowsOfAll(
    write,
    chunks.map(({ key }) => key),
  )
}

const rowsOfAll = async (facts: FactReader, keys: readonly string[]): Promise<readonly Registration[]> => {
  const all: Registration[] = []
  for (const key of keys) if (parseChunkKey(key) !== undefined) all.push(...(await facts.rows(key as RegistrationsKey)))
  return all
}

const addTo = <K, T>(listByKey: Map<K, T[]>, key: K, item: T): void => {
  const list = listByKey.get(key)
  if (list === undefined) listByKey.set(key, [item])
  else list.push(item)
}

export interface PeopleFound {
  /** By ordinal. */
  readonly people: ReadonlyMap<number, PersonAtStore>
  /** `gone`: the list was read whole, and whoever is not among them is on it no more. */
  readonly others: 'kept' | 'gone'
  /** Whether this word of the list (undefined: not on it) may be older than what an order did: what is held then stays. */
  readonly isOutdated: (ordinal: number, state: RegistrationState | undefined) => boolean
}

/**
 * Records only what differs. Gives how many differ, how many people are on the list now (not retired), and whether
 * something was left as it is because the list may be outdated.
 */
export const recordRegistrations = async (
  write: Writing,
  connector: ConnectorId,
  found: PeopleFound,
  at: number,
): Promise<{ readonly changed: number; readonly count: number; readonly left: boolean }> => {
  const heldByOrdinal = new Map((await registrationsIn(write, connector)).map((row) => [ordinalOf(row.id), row]))
  const putByChunk = new Map<RegistrationsKey, Registration[]>()
  const removeByChunk = new Map<RegistrationsKey, string[]>()
  let changed = 0
  let count = 0
  let left = false
  const names = createPrincipalNames(write)
  for (const [ordinal, { key: storeKey, state, email, closedRecords }] of found.people) {
    const held = heldByOrdinal.get(ordinal)
    if (held?.state !== state && found.isOutdated(ordinal, state)) {
      left = true
      continue
    }
    const person = await names.find(ordinal)
    const row: Registration = {
      id: principalIdOf('user', ordinal),
      state,
      email,
      ...(person !== undefined && isUser(person) && person.userName !== storeKey ? { storeKey } : {}),
      closedRecords,
      since: held?.state === state ? held.since : isoTime(at),
    }
    if (held !== undefined && isSame(held, row)) continue
    const key = registrationsKey(connector, ordinal)
    addTo(putByChunk, key, row)
    heldByOrdinal.set(ordinal, row)
    changed += 1
  }
  for (const [ordinal, { id, state }] of heldByOrdinal) {
    if (found.others === 'gone' && !found.people.has(ordinal)) {
      if (found.isOutdated(ordinal, undefined)) left = true
      else {
        addTo(removeByChunk, registrationsKey(connector, ordinal), id)
        changed += 1
        continue
      }
    }
    if (state !== 'retired') count += 1
  }
  for (const key of new Set([...putByChunk.keys(), ...removeByChunk.keys()]))
    await write.record(rowsFact(key, putByChunk.get(key) ?? [], removeByChunk.get(key) ?? []))
  return { changed, count, left }
}

const isSame = (a: Registration, b: Registration): boolean =>
  a.state === b.state && a.email === b.email && a.storeKey === b.storeKey && a.closedRecords === b.closedRecords

/** They go with their connector. */
export const forgetRegistrations = async (write: Writing, connector: ConnectorId): Promise<void> => {
  const idsByChunk = new Map<RegistrationsKey, string[]>()
  for (const { id } of await registrationsIn(write, connector)) addTo(idsByChunk, registrationsKey(connector, ordinalOf(id)), id)
  for (const [key, ids] of idsByChunk) await write.record(rowsFact(key, [], ids))
}
