/**
 * The part of a sync that reads the people registered at a store. Its failure never touches the counts: it is told beside
 * them, and the last list stays with its age.
 *
 * An increment says whom to look at, and of those who are known already every record is read; a full walk, at least once
 * a day, says who is gone. A person whom the directory does not know becomes known with the store as the source, as the
 * holder of a seat does; one whom the store has retired does not, since an assignment to everybody would bring them back.
 */
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import { knowPrincipals, type DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { findRegistration, foldPeople, readRegistrations, recordRegistrations, storeKeyAt, type PersonAtStore } from './registrations.ts'
import { suspiciousShare } from './seat-reading.ts'
import { failureInWords } from './store-failure.ts'
import type { PersonRead, StoreConnection, StoreFailure, StorePeople } from './stores/store.ts'
import { keepCursor, readCursor } from './sync-cursor.ts'
import type { OnPages } from './sync-reading.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { Connector, PartRecord } from '../shared/connector.ts'
import type { ConnectorId } from '../shared/ids.ts'
import { isUser } from '../shared/principal.ts'
import type { RegistrationState } from '../shared/registration.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface PeopleSync {
  /** `full`: a walk through the whole list, whatever was read before. A store without such a list is left alone. */
  read(connection: StoreConnection, connector: Connector, full: boolean, onPages: OnPages): Promise<void>
  /** What the store says of these people now, after an order about them. One that can't be read now tells of them at the next sync. */
  readSome(connection: StoreConnection, connector: Connector, ordinals: readonly number[]): Promise<void>
}

export interface PeopleSyncDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Pick<Connectors, 'update'>
  readonly directory: DirectoryIndex
  readonly clock: Clock
}

/** An increment proves what changed and nothing else; absences are proved by a full walk, at least this often. */
const fullWalkEveryMs = 24 * 60 * 60_000
/** When an increment names more known people than this, the whole list is cheaper. */
const mostLookedAt = 50
/** The store's lists may lag behind an event this long (reference 5.4). */
const lagMs = 5 * 60_000

/** What a walk read: `full` proves who is not there, `cursor` is where the next increment begins. By normal user name. */
interface PeopleRead {
  readonly full: boolean
  readonly cursor: string | null
  readonly people: ReadonlyMap<string, PersonAtStore>
}

export const createPeopleSync = (deps: PeopleSyncDeps): PeopleSync => {
  const { db, journal, connectors, directory, clock } = deps

  const read: PeopleSync['read'] = async (connection, connector, full, onPages) => {
    const { people } = connection
    if (people === undefined) return
    const stored = await readCursor(db, connector.id, 'people')
    const isDue = full || stored === undefined || clock.now() - stored.fullAt >= fullWalkEveryMs
    const first = await (isDue ? readAll(people, connector.id, onPages) : readChanges(people, connector.id, stored.cursor, onPages))
    if (!first.ok) return await noteFailure(connector.id, first.error)
    await recordWalk(connector, first.value)
    // A long list that changed under its walk: what changed meanwhile is in the increment since its first page.
    if (!isDue || first.value.full || first.value.cursor === null) return
    const changes = await readChanges(people, connector.id, first.value.cursor, onPages)
    if (!changes.ok) return await noteFailure(connector.id, changes.error)
    await recordWalk(connector, changes.value)
  }

  const readSome: PeopleSync['readSome'] = async (connection, connector, ordinals) => {
    const principals = await Promise.all(ordinals.map((ordinal) => directory.find(ordinal)))
    const persons = principals.filter((principal) => principal !== undefined).filter(isUser)
    if (connection.people === undefined || persons.length === 0) return
    const keys = await Promise.all(persons.map((person) => storeKeyAt(journal, connector.id, person)))
    const records = await connection.people.find(keys)
    if (!records.ok) return
    await journal.write(async (write) => {
      const recorded = await record(write, connector, foldPeople(records.value), 'kept')
      if (recorded !== undefined)
        await connectors.update(write, connector.id, (current) =>
          current.people === null ? current : { ...current, people: { ...current.people, count: recorded.count } },
        )
    })
  }

  const walk = async (
    people: StorePeople,
    cursor: string | null,
    onPages: OnPages,
  ): Promise<Result<{ readonly full: boolean; readonly cursor: string | null; readonly records: readonly PersonRead[] }, StoreFailure>> => {
    let records: PersonRead[] = []
    let pages = 0
    const walked = await people.read(cursor, {
      begin: () => {
        records = []
        pages = 0
      },
      page: (page, totalPages) => {
        records.push(...page)
        pages += 1
        onPages(pages, totalPages)
      },
    })
    return walked.ok ? ok({ ...walked.value, records }) : walked
  }

  /** An answer that is much shorter than what is held is read twice, and believed when both agree. */
  const readAll = async (people: StorePeople, connectorId: ConnectorId, onPages: OnPages): Promise<Result<PeopleRead, StoreFailure>> => {
    const first = await walk(people, null, onPages)
    if (!first.ok) return first
    const found = foldPeople(first.value.records)
    const held = (await readRegistrations(journal, connectorId)).length
    if (!first.value.full || found.size >= held * suspiciousShare) return ok({ ...first.value, people: found })
    const second = await walk(people, null, onPages)
    if (!second.ok) return second
    const again = foldPeople(second.value.records)
    return again.size === found.size ? ok({ ...second.value, people: again }) : err({ is: 'store-changed-meanwhile' })
  }

  /** Of one who is held already an increment shows the records that changed; which one stands is told by all of them. */
  const readChanges = async (
    people: StorePeople,
    connectorId: ConnectorId,
    cursor: string,
    onPages: OnPages,
  ): Promise<Result<PeopleRead, StoreFailure>> => {
    const changes = await walk(people, cursor, onPages)
    if (!changes.ok) return changes
    if (changes.value.full) return await readAll(people, connectorId, onPages)
    const found = new Map(foldPeople(changes.value.records))
    const known: string[] = []
    for (const { key } of found.values()) {
      const ordinal = directory.ordinalOfKey('user', key)
      if (ordinal !== undefined && (await findRegistration(journal, connectorId, ordinal)) !== undefined) known.push(key)
    }
    if (known.length > mostLookedAt) return await readAll(people, connectorId, onPages)
    if (known.length === 0) return ok({ ...changes.value, people: found })
    const records = await people.find(known)
    if (!records.ok) return records
    for (const [name, person] of foldPeople(records.value)) found.set(name, person)
    return ok({ ...changes.value, people: found })
  }

  /** One act: people nobody named before, who is registered and how, the cursor, the connector. */
  const recordWalk = (connector: Connector, { full, cursor, people }: PeopleRead): Promise<void> =>
    journal.write(async (write) => {
      const recorded = await record(write, connector, people, full ? 'gone' : 'kept')
      if (recorded === undefined) return
      const at = clock.now()
      // What was left as it is is told again by an increment since the same mark.
      if (!recorded.left) {
        const before = await readCursor(write.trx, connector.id, 'people')
        await keepCursor(write, connector.id, cursor, full ? at : (before?.fullAt ?? 0), 'people')
      }
      await notePart(write, connector.id, { asOf: isoTime(at), count: recorded.count, error: null })
    })

  /** Undefined: the connector was let go while its store was being read, and nothing of it is kept. */
  const record = async (
    write: Writing,
    connector: Connector,
    people: ReadonlyMap<string, PersonAtStore>,
    others: 'kept' | 'gone',
  ): Promise<{ readonly count: number; readonly left: boolean } | undefined> => {
    if (!(await write.rows('connectors')).some(({ id }) => id === connector.id)) return undefined
    const at = clock.now()
    const present = [...people.values()].filter(({ state }) => state !== 'retired')
    const { ordinalOf } = await knowPrincipals(
      write,
      directory,
      `${connector.store}:${connector.id}`,
      present.map(({ key }) => ({ kind: 'user', key })),
    )
    const byOrdinal = new Map<number, PersonAtStore>()
    for (const person of people.values()) {
      const ordinal = person.state === 'retired' ? directory.ordinalOfKey('user', person.key) : ordinalOf('user', person.key)
      if (ordinal !== undefined) byOrdinal.set(ordinal, person)
    }
    const lately = await settledLately(write, connector.id, at)
    const isOutdated = (ordinal: number, state: RegistrationState | undefined): boolean => {
      const done = lately.get(ordinal)
      return done !== undefined && (done === 'joined') !== (state === 'registered' || state === 'associated')
    }
    return await recordRegistrations(write, connector.id, { people: byOrdinal, others, isOutdated }, at)
  }

  /** What orders have done lately: a list read in this time may be older than their event. */
  const settledLately = async (
    write: Writing,
    connectorId: ConnectorId,
    now: number,
  ): Promise<ReadonlyMap<number, 'joined' | 'retired'>> => {
    const rows = await write.trx
      .selectFrom('order_targets')
      .innerJoin('orders', 'orders.id', 'order_targets.order_id')
      .select(['orders.action', 'order_targets.ordinal'])
      .where('orders.connector', '=', connectorId)
      .where('orders.action', 'in', ['register-user', 'retire-user'])
      .where('order_targets.state', '=', 'done')
      .where((row) => row.or([row('orders.finished_at', 'is', null), row('orders.finished_at', '>', now - lagMs)]))
      .orderBy('orders.created_at')
      .execute()
    return new Map(rows.map(({ ordinal, action }) => [ordinal, action === 'register-user' ? 'joined' : 'retired']))
  }

  const notePart = (write: Writing, connectorId: ConnectorId, part: Partial<PartRecord>): Promise<unknown> =>
    connectors.update(write, connectorId, (current) => ({
      ...current,
      people: { ...(current.people ?? { asOf: null, count: null, error: null }), ...part },
    }))

  const noteFailure = async (connectorId: ConnectorId, failure: StoreFailure): Promise<void> => {
    const code = failure.is === 'store-refused' ? failure.code : failure.is
    await journal.write((write) => notePart(write, connectorId, { error: { code, text: failureInWords(failure) } }))
  }

  return { read, readSome }
}
