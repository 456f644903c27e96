/**
 * Takes what a source says of people into the directory: who each record is (shared/joining.ts), and what all that is said
 * of a person comes to. Weighing reads and writes nothing, inside an act or beside all acts; keeping writes, inside an act.
 *
 * For every source alike: a file, SCIM, a directory that is read. A source that stops naming somebody says so with
 * `nameNoMore`; whom no source names any more has left, with what they still hold.
 */
import type { Db } from '../database/schema.ts'
import type { FactReader } from '../facts.ts'
import type { Writing } from '../journal.ts'
import { isoTime } from '../../shared/clock.ts'
import { namesPrincipals } from '../../shared/device-list.ts'
import { ordinalOf, type PrincipalId } from '../../shared/ids.ts'
import {
  joinOf,
  normalAccount,
  normalMail,
  ownedFields,
  standingOf,
  type JoinedBy,
  type SourceFields,
  type SourceRecord,
} from '../../shared/joining.ts'
import { isUser, normalUserName, type User } from '../../shared/principal.ts'
import { bareUser, giveOrdinals, type DirectoryIndex } from './directory.ts'
import { principalReader, recordPrincipals } from './principal-record.ts'
import { keepRecords, ordinalsBy, recordName, recordsByKey, recordsOf } from './source-records.ts'

/** One person as a source tells it. */
export interface Told {
  /** The source's own key, which stays when the user name changes. A file has none but the user name without regard to case. */
  readonly key: string
  /** What the source does not say is left out; empty counts as not said. */
  readonly fields: SourceFields & { readonly userName: string }
  /** An id that a client gave, by which the same source finds a record again that it had stopped naming. */
  readonly externalId?: string | null
}

export interface FieldChange {
  readonly field: string
  /** Empty: there was none. */
  readonly before: string
  readonly after: string
}

/** One person after what was told. `id` null: somebody new. */
export interface TakenIn {
  readonly told: Told
  readonly id: PrincipalId | null
  readonly joinedBy: JoinedBy
  /** Somebody new, somebody changed, or all was known. */
  readonly is: 'created' | 'changed' | 'unchanged'
  readonly changes: readonly FieldChange[]
}

export interface TakingIn {
  /** In the order in which they were told. */
  readonly taken: readonly TakenIn[]
  readonly counts: { readonly created: number; readonly changed: number; readonly unchanged: number }
  /** What `keepTakenIn` goes by. */
  readonly plan: readonly Planned[]
}

interface Planned {
  readonly told: Told
  readonly ordinal: number | undefined
  readonly record: SourceRecord
  /** All records of the person, with this one; of somebody new this one alone. */
  readonly records: readonly SourceRecord[]
  readonly before: User | undefined
}

/** `facts` and `db` of the journal outside an act, of the writing inside one. */
export interface TakingInReader {
  readonly facts: FactReader
  readonly db: Db
}

/** What is told at once, of which what is weighed may be a part: an address that stands in it twice joins nobody. */
export interface Batch {
  readonly sharedMails: ReadonlySet<string>
  readonly sharedAccounts: ReadonlySet<string>
  /** Whoever of the batch is somebody by name is named by it, whichever of two records stands first. */
  readonly named: ReadonlySet<number>
}

/** Built record by record, for what is too many to be built at once. `add` gives who it is by name, if anybody. */
export const createBatch = (
  directory: Pick<DirectoryIndex, 'ordinalOfKey' | 'personOf'>,
): { readonly batch: Batch; readonly add: (told: Told) => number | undefined } => {
  const mails = createShared()
  const accounts = createShared()
  const named = new Set<number>()
  return {
    batch: { sharedMails: mails.shared, sharedAccounts: accounts.shared, named },
    add: ({ fields }) => {
      mails.add(normalMail(fields.email ?? ''))
      accounts.add(normalAccount(fields.managedAppleAccount ?? ''))
      const account = directory.ordinalOfKey('user', fields.userName)
      const ordinal = account === undefined ? undefined : directory.personOf(account)
      if (ordinal !== undefined) named.add(ordinal)
      return ordinal
    },
  }
}

/** Which values came more than once. */
const createShared = () => {
  const seen = new Set<string>()
  const shared = new Set<string>()
  return {
    shared: shared as ReadonlySet<string>,
    add: (value: string): void => {
      if (value === '') return
      if (seen.has(value)) shared.add(value)
      seen.add(value)
    },
  }
}

export const batchOf = (directory: Pick<DirectoryIndex, 'ordinalOfKey' | 'personOf'>, all: Iterable<Told>): Batch => {
  const { batch, add } = createBatch(directory)
  for (const told of all) add(told)
  return batch
}

export const readerIn = (write: Writing): TakingInReader => ({ facts: write, db: write.trx })

/**
 * What the records come to against the directory as it is. Each key and each user name at most once in `told`. Up to a
 * thousand at a time keep the database free for others.
 */
export const weighTakingIn = async (
  { facts, db }: TakingInReader,
  directory: DirectoryIndex,
  source: string,
  told: readonly Told[],
  now: number,
  batch: Batch = batchOf(directory, told),
): Promise<TakingIn> => {
  const known = await recordsByKey(
    db,
    source,
    told.map(({ key }) => key),
  )
  const strangers = told.filter(({ key }) => !known.has(key))
  const joined = await joinAll(db, directory, source, strangers, batch)
  const ordinals = new Set<number>()
  for (const { ordinal } of known.values()) ordinals.add(ordinal)
  for (const { ordinal } of joined.values()) ordinals.add(ordinal)
  const records = new Map(await recordsOf(db, [...ordinals]))
  const find = userReader(facts)
  // Of two records in one batch that are one person the second is weighed with the first.
  const users = new Map<number, User>()

  const taken: TakenIn[] = []
  const plan: Planned[] = []
  const counts = { created: 0, changed: 0, unchanged: 0 }
  for (const one of told) {
    const before = known.get(one.key)
    const join = joined.get(one.key)
    const ordinal = before?.ordinal ?? join?.ordinal
    const record: SourceRecord = {
      source,
      key: one.key,
      ordinal: ordinal ?? 0,
      fields: said(one.fields),
      externalId: one.externalId ?? before?.externalId ?? null,
      joinedBy: before?.joinedBy ?? join?.by ?? 'first',
      since: before?.since ?? now,
      toldAt: now,
      goneAt: null,
    }
    const held = ordinal === undefined ? undefined : (users.get(ordinal) ?? (await find(ordinal)))
    if (ordinal === undefined || held === undefined) {
      const fresh = personAfter(undefined, [record])
      taken.push({ told: one, id: null, joinedBy: record.joinedBy, is: 'created', changes: changesOf(undefined, fresh) })
      plan.push({ told: one, ordinal, record, records: [record], before: undefined })
      counts.created += 1
      continue
    }
    const all = withRecord(records.get(ordinal) ?? impliedRecords(held), record)
    const after = personAfter(held, all)
    const changes = changesOf(held, after)
    const isSame = changes.length === 0 && before !== undefined && before.goneAt === null && isSameWord(before, record)
    counts[isSame ? 'unchanged' : 'changed'] += 1
    taken.push({ told: one, id: held.id, joinedBy: record.joinedBy, is: isSame ? 'unchanged' : 'changed', changes })
    if (isSame) continue
    records.set(ordinal, all)
    users.set(ordinal, after)
    plan.push({ told: one, ordinal, record, records: all, before: held })
  }
  return { taken, counts, plan }
}

/** Writes what was weighed in this very act, or in parts of it. Gives the people by the source's key. */
export const keepTakenIn = async (
  write: Writing,
  directory: DirectoryIndex,
  source: string,
  { plan }: Pick<TakingIn, 'plan'>,
): Promise<ReadonlyMap<string, User>> => {
  const fresh = plan.filter(({ ordinal }) => ordinal === undefined)
  const given = await giveOrdinals(
    write,
    directory,
    fresh.map(({ told }) => ({ kind: 'user', key: told.fields.userName })),
  )
  const users = new Map<number, User>()
  const byKey = new Map<string, User>()
  const kept = new Map<string, SourceRecord>()
  for (const { told, ordinal: known, records, before } of plan) {
    const ordinal = known ?? given.ordinalOf('user', told.fields.userName)
    const own = records.map((record) => ({ ...record, ordinal }))
    const held = users.get(ordinal) ?? before ?? bareUser(ordinal, told.fields.userName.trim(), source)
    const user = personAfter(held, own)
    users.set(ordinal, user)
    byKey.set(told.key, user)
    for (const record of own) kept.set(recordName(record), record)
  }
  await keepRecords(write.trx, [...kept.values()])
  await recordPrincipals(write, users.values())
  return byKey
}

/** Weighs and keeps in one act: for the few. */
export const takeIn = async (
  write: Writing,
  directory: DirectoryIndex,
  source: string,
  told: readonly Told[],
  now: number,
  batch?: Batch,
): Promise<TakingIn & { readonly users: ReadonlyMap<string, User> }> => {
  const weighed = await weighTakingIn(readerIn(write), directory, source, told, now, batch)
  return { ...weighed, users: await keepTakenIn(write, directory, source, weighed) }
}

/**
 * The source names these no more, by its own keys; a key that is unknown is passed over. Their fields fall to the next
 * source that says something, and whom none names has left: the fields stay as they were, and so does what they hold.
 */
export const nameNoMore = async (
  write: Writing,
  source: string,
  keys: readonly string[],
  now: number,
): Promise<{ readonly gone: readonly User[]; readonly left: readonly User[] }> => {
  const gone = [...(await recordsByKey(write.trx, source, keys)).values()].filter(({ goneAt }) => goneAt === null)
  const byOrdinal = new Map(await recordsOf(write.trx, [...new Set(gone.map(({ ordinal }) => ordinal))]))
  const find = userReader(write)
  const users = new Map<number, User>()
  const kept: SourceRecord[] = []
  for (const record of gone) {
    const held = users.get(record.ordinal) ?? (await find(record.ordinal))
    if (held === undefined) continue
    const ended: SourceRecord = { ...record, goneAt: now }
    const all = withRecord(byOrdinal.get(record.ordinal) ?? impliedRecords(held), ended)
    byOrdinal.set(record.ordinal, all)
    kept.push(ended)
    users.set(record.ordinal, personAfter(held, all, now))
  }
  await keepRecords(write.trx, kept)
  await recordPrincipals(write, users.values())
  const after = [...users.values()]
  return { gone: after, left: after.filter(({ left }) => left !== null) }
}

// ---- One person ----

/** Records of people that were written before there were any: their sources are taken at the word of the row. */
export const impliedRecords = (user: User): readonly SourceRecord[] =>
  user.sources.filter(namesPrincipals).map((source) => ({
    source,
    key: normalUserName(user.userName),
    ordinal: ordinalOf(user.id),
    fields: said(user),
    externalId: null,
    joinedBy: 'user-name',
    since: 0,
    toldAt: 0,
    goneAt: null,
  }))

export const withRecord = (records: readonly SourceRecord[], record: SourceRecord): readonly SourceRecord[] => [
  ...records.filter((other) => other.source !== record.source || other.key !== record.key),
  record,
]

/** `now`: when one that nobody names any more has left. */
export const personAfter = (held: User | undefined, records: readonly SourceRecord[], now = 0): User => {
  const before = held ?? bareUser(0, records[0]?.fields.userName ?? '', records[0]?.source ?? '')
  const present = records.filter(({ goneAt }) => goneAt === null)
  const naming = [...new Set(present.map(({ source }) => source))]
  const kept = before.sources.filter((source) => !namesPrincipals(source) || naming.includes(source))
  const sources = [...kept, ...naming.filter((source) => !kept.includes(source))]
  const names = [before.userName, ...(before.otherNames ?? [])]
  const isKnown = new Set(names.map(normalUserName))
  const more: string[] = []
  for (const { fields } of present) {
    const name = (fields.userName ?? '').trim()
    if (name === '' || isKnown.has(normalUserName(name))) continue
    isKnown.add(normalUserName(name))
    more.push(name)
  }
  const otherNames = [...(before.otherNames ?? []), ...more]
  const hasLeft = !sources.some(namesPrincipals)
  return {
    ...before,
    ...(hasLeft ? {} : standingOf(present).fields),
    sources,
    left: hasLeft ? (before.left ?? isoTime(now)) : null,
    ...(otherNames.length === 0 ? {} : { otherNames }),
  }
}

/** Without what is empty. */
export const said = ({ userName, displayName, email, department, active, managedAppleAccount }: SourceFields): SourceFields => ({
  ...(userName === undefined ? {} : { userName: userName.trim() }),
  ...(displayName === undefined || displayName === '' ? {} : { displayName }),
  ...(email === undefined || email === '' ? {} : { email }),
  ...(department === undefined || department === '' ? {} : { department }),
  ...(active === undefined ? {} : { active }),
  ...(managedAppleAccount === undefined || managedAppleAccount === '' ? {} : { managedAppleAccount }),
})

const isSameWord = (a: SourceRecord, b: SourceRecord): boolean =>
  a.externalId === b.externalId && JSON.stringify(said(a.fields)) === JSON.stringify(said(b.fields))

export const changesOf = (before: User | undefined, after: User): readonly FieldChange[] => {
  const changes: FieldChange[] = before === undefined ? [{ field: 'userName', before: '', after: after.userName }] : []
  for (const field of ownedFields)
    if (before === undefined ? after[field] !== '' : before[field] !== after[field])
      changes.push({ field, before: before === undefined ? '' : String(before[field]), after: String(after[field]) })
  const line = (names: readonly string[] | undefined): string => (names ?? []).join(', ')
  if (line(before?.otherNames) !== line(after.otherNames))
    changes.push({ field: 'otherNames', before: line(before?.otherNames), after: line(after.otherNames) })
  if (before !== undefined && line(before.sources) !== line(after.sources))
    changes.push({ field: 'sources', before: line(before.sources), after: line(after.sources) })
  if (before !== undefined && before.left !== after.left)
    changes.push({ field: 'left', before: before.left ?? '', after: after.left ?? '' })
  return changes
}

// ---- Reading ----

const joinAll = async (
  db: Db,
  directory: DirectoryIndex,
  source: string,
  strangers: readonly Told[],
  batch: Batch,
): Promise<ReadonlyMap<string, { readonly ordinal: number; readonly by: JoinedBy }>> => {
  if (strangers.length === 0) return new Map()
  const names = strangers.map(({ fields }) => normalUserName(fields.userName))
  const accounts = strangers.map(({ fields }) => normalAccount(fields.managedAppleAccount ?? '')).filter((text) => text !== '')
  const mails = strangers.map(({ fields }) => normalMail(fields.email ?? '')).filter((text) => text !== '')
  const externalIds = strangers.flatMap(({ externalId }) => (externalId === null || externalId === undefined ? [] : [externalId]))
  // The index follows the commits: of an act before this one in the same transaction only the table knows.
  const unheard = names.filter((name) => directory.ordinalOfKey('user', name) === undefined)
  const byName = await ordinalsBy(db, 'name_key', unheard)
  const byAccount = await ordinalsBy(db, 'account_key', accounts)
  const byMail = await ordinalsBy(db, 'mail_key', mails)
  const byExternalId = await ordinalsBy(db, 'external_id', externalIds, source)
  const person = (ordinal: number): number => directory.personOf(ordinal)
  const candidates = new Set([...byAccount.values(), ...byMail.values(), ...byExternalId.values()].flat().map(person))
  const named = new Set<number>(batch.named)
  for (const [ordinal, records] of await recordsOf(db, [...candidates]))
    if (records.some((record) => record.source === source && record.goneAt === null)) named.add(ordinal)
  const found = new Map<string, { readonly ordinal: number; readonly by: JoinedBy }>()
  for (const { key, fields, externalId } of strangers) {
    const name = normalUserName(fields.userName)
    const known = directory.ordinalOfKey('user', name)
    const account = normalAccount(fields.managedAppleAccount ?? '')
    const mail = normalMail(fields.email ?? '')
    const join = joinOf({
      ofExternalId: (byExternalId.get(externalId ?? '') ?? []).map(person),
      ofUserName: (known === undefined ? (byName.get(name) ?? []) : [known]).map(person),
      ofManagedAccount: (byAccount.get(account) ?? []).map(person),
      ofMail: (byMail.get(mail) ?? []).map(person),
      isAccountShared: batch.sharedAccounts.has(account),
      isMailShared: batch.sharedMails.has(mail),
      isNamedBySource: (ordinal) => named.has(ordinal),
    })
    if (join === undefined) continue
    named.add(join.ordinal)
    found.set(key, join)
  }
  return found
}

const userReader = (facts: FactReader): ((ordinal: number) => Promise<User | undefined>) => {
  const read = principalReader(facts)
  return async (ordinal) => {
    const found = await read(ordinal)
    return found !== undefined && isUser(found) ? found : undefined
  }
}
