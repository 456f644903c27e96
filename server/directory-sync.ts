/**
 * The part of a sync that takes in the directory which a store keeps: its people, its groups, who is in them. Its failure
 * never touches the counts: it is told beside them, and the directory stays as it was.
 *
 * By what has changed where the store can tell, and whole at least once a week. Groups are read before people, so that
 * whoever a group names is among the people read after it. A whole reading that names much fewer than before is read
 * twice; one that names nobody takes nobody out.
 */
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import { takeInGroups, type SourceGroup } from './directory/group-taking-in.ts'
import { directorySourceOf } from './directory/directory-letting-go.ts'
import { keysNamedBy, recordsByKey } from './directory/source-records.ts'
import { nameNoMore, takeIn, type Told } from './directory/taking-in.ts'
import { foldGroups, foldUsers, type GroupFolded, type UserFolded } from './directory/told-fold.ts'
import type { Journal, Writing } from './journal.ts'
import { isBelieved, isShrunken } from './seat-reading.ts'
import { failureInWords } from './store-failure.ts'
import type {
  DirectoryGroupTold,
  DirectoryRead,
  DirectorySink,
  DirectoryUserTold,
  StoreConnection,
  StoreDirectory,
  StoreFailure,
} from './stores/store.ts'
import { keepCursor, readCursor } from './sync-cursor.ts'
import type { OnPages } from './sync-reading.ts'
import { isoTime, type Chance, type Clock } from '../shared/clock.ts'
import type { Connector, PartRecord } from '../shared/connector.ts'
import type { ConnectorId } from '../shared/ids.ts'
import { normalUserName } from '../shared/principal.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface DirectorySync {
  /** `full`: everything is read anew. A store without a directory is left alone. */
  read(connection: Pick<StoreConnection, 'directory'>, connector: Connector, full: boolean, onPages: OnPages): Promise<void>
}

export interface DirectorySyncDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Pick<Connectors, 'update'>
  readonly directory: DirectoryIndex
  readonly clock: Clock
  readonly chance: Chance
}

/** Changes are sound; this is for what was never told. */
const wholeEveryMs = 7 * 24 * 60 * 60_000
/** Of one act: others wait no longer than for this many. */
const peoplePerAct = 500
const groupsPerAct = 200

type PartError = NonNullable<PartRecord['error']>

/** What one list came to: `entries` by the store's own keys. */
interface ListRead<Entry> {
  readonly whole: boolean
  readonly cursor: string | null
  readonly entries: ReadonlyMap<string, Entry>
}

interface Cursors {
  readonly users: string | null
  readonly groups: string | null
}

const cursorsIn = (text: string): Cursors => {
  const value: unknown = JSON.parse(text)
  const part = (name: string): string | null => {
    const cursor: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
    return typeof cursor === 'string' ? cursor : null
  }
  return { users: part('users'), groups: part('groups') }
}

export const createDirectorySync = (deps: DirectorySyncDeps): DirectorySync => {
  const { db, journal, connectors, directory, clock, chance } = deps

  const read: DirectorySync['read'] = async ({ directory: store }, connector, full, onPages) => {
    if (store === undefined) return
    const source = directorySourceOf(connector.id)
    const stored = await readCursor(db, connector.id, 'directory')
    const ageMs = stored === undefined ? wholeEveryMs : clock.now() - stored.fullAt
    const isDue = full || stored === undefined || ageMs >= wholeEveryMs || ageMs < 0
    const before: Cursors = isDue ? { users: null, groups: null } : cursorsIn(stored.cursor)

    const groupKeys = await groupIdsByKey(source)
    const groups = await readSurely(listOf(store, 'groups', onPages), before.groups, groupKeys.size, 'groups')
    const known = await keysNamedBy(db, source)
    const users = await readSurely(listOf(store, 'users', onPages), before.users, known.length, 'people')
    if (!users.ok) return await noteError(connector.id, users.error)

    const told = await toldOf(source, users.value)
    const gone = goneOf(users.value, known)
    for (let from = 0; from < told.all.length; from += peoplePerAct)
      await actOf(connector.id, (write) => takeIn(write, directory, source, told.all.slice(from, from + peoplePerAct), clock.now()))
    for (let from = 0; from < gone.length; from += peoplePerAct)
      await actOf(connector.id, (write) => nameNoMore(write, source, gone.slice(from, from + peoplePerAct), clock.now()))

    const taken = groups.ok ? await takeGroups(connector.id, source, groups.value, groupKeys) : { isLacking: false }
    const cursors: Cursors = {
      users: told.isLacking ? null : users.value.cursor,
      groups: !groups.ok ? before.groups : taken.isLacking ? null : groups.value.cursor,
    }
    const isWhole = users.value.whole && groups.ok && groups.value.whole
    const count = (await keysNamedBy(db, source)).length
    await actOf(connector.id, async (write) => {
      await keepCursor(write, connector.id, JSON.stringify(cursors), isWhole ? clock.now() : (stored?.fullAt ?? 0), 'directory')
      await notePart(write, connector.id, {
        count,
        error: groups.ok ? null : groups.error,
        ...(groups.ok ? { asOf: isoTime(clock.now()) } : {}),
      })
    })
  }

  // ---- Reading ----

  type ReadList<Entry> = (cursor: string | null) => Promise<Result<ListRead<Entry>, StoreFailure>>

  const collected = async <One, Entry>(
    start: (sink: DirectorySink<One>) => Promise<Result<DirectoryRead, StoreFailure>>,
    fold: (entries: Map<string, Entry>, one: One) => void,
    onPages: OnPages,
  ): Promise<Result<ListRead<Entry>, StoreFailure>> => {
    const entries = new Map<string, Entry>()
    let pages = 0
    const result = await start({
      begin: () => {
        entries.clear()
        pages = 0
      },
      page: (told) => {
        for (const one of told) fold(entries, one)
        pages += 1
        onPages(pages, null)
      },
    })
    return result.ok ? ok({ ...result.value, entries }) : result
  }

  function listOf(store: StoreDirectory, name: 'users', onPages: OnPages): ReadList<UserFolded>
  function listOf(store: StoreDirectory, name: 'groups', onPages: OnPages): ReadList<GroupFolded>
  function listOf(store: StoreDirectory, name: 'users' | 'groups', onPages: OnPages): ReadList<UserFolded | GroupFolded> {
    return (cursor) =>
      name === 'users'
        ? collected<DirectoryUserTold, UserFolded>((sink) => store.readUsers(cursor, sink), foldUsers, onPages)
        : collected<DirectoryGroupTold, GroupFolded>((sink) => store.readGroups(cursor, sink), foldGroups, onPages)
  }

  const present = <Entry extends { readonly is: string }>({ entries }: ListRead<Entry>): number => {
    let count = 0
    for (const { is } of entries.values()) if (is === 'told') count += 1
    return count
  }

  const readSurely = async <Entry extends { readonly is: string }>(
    readList: ReadList<Entry>,
    cursor: string | null,
    known: number,
    what: 'people' | 'groups',
  ): Promise<Result<ListRead<Entry>, PartError>> => {
    const first = await readList(cursor)
    if (!first.ok) return err(errorOf(first.error))
    if (!first.value.whole || !isShrunken(present(first.value), known)) return first
    const second = await readList(null)
    if (!second.ok) return err(errorOf(second.error))
    const [once, twice] = [present(first.value), present(second.value)]
    if (!isBelieved(once, twice, known)) return err(errorOf({ is: 'store-changed-meanwhile' }))
    return twice === 0 ? err(emptied(what, known)) : second
  }

  // ---- People ----

  /** A change is of what this source said before. Somebody new of whom not even the name was told is left for a whole reading. */
  const toldOf = async (
    source: string,
    { entries }: ListRead<UserFolded>,
  ): Promise<{ readonly all: readonly Told[]; readonly isLacking: boolean }> => {
    const records = await recordsByKey(db, source, [...entries.keys()])
    const byName = new Map<string, Told>()
    let isLacking = false
    for (const [key, entry] of entries) {
      if (entry.is === 'gone') continue
      const fields = { ...records.get(key)?.fields, ...entry.fields }
      const { userName } = fields
      if (userName === undefined || userName.trim() === '') {
        isLacking = true
        continue
      }
      byName.set(normalUserName(userName), {
        key,
        fields: { ...fields, userName },
        ...(entry.externalId === undefined ? {} : { externalId: entry.externalId }),
      })
    }
    return { all: [...byName.values()], isLacking }
  }

  const goneOf = ({ entries, whole }: ListRead<UserFolded>, known: readonly string[]): readonly string[] => {
    const named = known.filter((key) => entries.get(key)?.is === 'gone')
    return whole ? [...named, ...known.filter((key) => !entries.has(key))] : named
  }

  // ---- Groups ----

  const groupIdsByKey = async (source: string): Promise<ReadonlyMap<string, string>> => {
    const rows = await db.selectFrom('source_groups').select(['key', 'group_id']).where('source', '=', source).execute()
    return new Map(rows.map(({ key, group_id }) => [key, group_id]))
  }

  const takeGroups = async (
    connectorId: ConnectorId,
    source: string,
    { entries, whole }: ListRead<GroupFolded>,
    groupIds: ReadonlyMap<string, string>,
  ): Promise<{ readonly isLacking: boolean }> => {
    const members = new Set<string>()
    for (const entry of entries.values())
      if (entry.is === 'told') for (const key of [...entry.members.added, ...entry.members.removed]) members.add(key)
    const ordinals = new Map<string, number>()
    for (const [key, { ordinal }] of await recordsByKey(db, source, [...members])) ordinals.set(key, directory.personOf(ordinal))
    const nameById = new Map((await journal.rows('groups')).map(({ id, name }) => [id as string, name]))
    const ordinalsOf = (keys: Iterable<string>): readonly number[] => [...keys].flatMap((key) => ordinals.get(key) ?? [])

    const groups: SourceGroup[] = []
    let isLacking = false
    for (const [key, entry] of entries) {
      if (entry.is === 'gone') continue
      const name = entry.name || nameById.get(groupIds.get(key) ?? '')
      if (name === undefined) {
        isLacking = true
        continue
      }
      const { members: people, groups: nested } = entry
      groups.push({
        key,
        name,
        kind: 'user',
        members: whole
          ? { is: 'whole', all: ordinalsOf(people.added) }
          : { is: 'changed', added: ordinalsOf(people.added), removed: ordinalsOf(people.removed) },
        groups: whole ? { is: 'whole', all: nested.added } : { is: 'changed', added: nested.added, removed: nested.removed },
      })
    }
    for (let from = 0; from < groups.length; from += groupsPerAct)
      await actOf(connectorId, (write) =>
        takeInGroups({ chance }, write, source, { groups: groups.slice(from, from + groupsPerAct), gone: [], isWhole: false }),
      )
    const gone = [...groupIds.keys()].filter((key) => (whole && !entries.has(key)) || entries.get(key)?.is === 'gone')
    if (gone.length > 0) await actOf(connectorId, (write) => takeInGroups({ chance }, write, source, { groups: [], gone, isWhole: false }))
    return { isLacking }
  }

  // ---- Acts ----

  /** Of a connector that was let go while its directory was being read nothing is kept. */
  const actOf = (connectorId: ConnectorId, act: (write: Writing) => Promise<unknown>): Promise<void> =>
    journal.write(async (write) => {
      if ((await write.rows('connectors')).some(({ id }) => id === connectorId)) await act(write)
    })

  const notePart = (write: Writing, connectorId: ConnectorId, part: Partial<PartRecord>): Promise<unknown> =>
    connectors.update(write, connectorId, (current) => ({
      ...current,
      directory: { ...(current.directory ?? { asOf: null, count: null, error: null }), ...part },
    }))

  const noteError = (connectorId: ConnectorId, error: PartError): Promise<void> =>
    actOf(connectorId, (write) => notePart(write, connectorId, { error }))

  return { read }
}

const errorOf = (failure: StoreFailure): PartError => ({
  code: failure.is === 'store-refused' ? failure.code : failure.is,
  text: failureInWords(failure),
})

const emptied = (what: 'people' | 'groups', known: number): PartError => ({
  code: 'directory-emptied',
  text: `The directory named no ${what} at all, twice, where ${known} were known. That is held back: nobody was taken out. Check what the app may read; if the directory really is empty, remove this connector.`,
})
