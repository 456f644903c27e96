/**
 * Takes a CSV file into the directory: all rows or none, unless told otherwise. A file adds and changes; it removes
 * nobody, since a file that is cut short must not make people leave.
 */
import { appendAudit } from '../audit.ts'
import type { Journal, Writing } from '../journal.ts'
import type { Actor } from '../../shared/admin.ts'
import { randomId, type Chance, type Clock } from '../../shared/clock.ts'
import { columnsOfMembers, membersKey, principalsKey, rowsFact } from '../../shared/facts.ts'
import { ordinalOf, parseGroupId, type GroupId, type PrincipalKind } from '../../shared/ids.ts'
import { isUser, type Device, type Group, type Principal, type User } from '../../shared/principal.ts'
import { ok, type Result } from '../../shared/result.ts'
import {
  readDirectoryCsv,
  type CsvRefused,
  type DeviceRow,
  type DirectoryCsv,
  type GroupRow,
  type ImportKind,
  type MembershipRow,
  type RowError,
  type UserRow,
} from './csv.ts'
import { bareDevice, bareUser, knowPrincipals, membersFact, normalKey, type DirectoryIndex } from './directory.ts'

export interface Imported {
  readonly read: number
  readonly created: number
  readonly changed: number
  readonly unchanged: number
  readonly errors: readonly RowError[]
}

export interface ImportOptions {
  /** Says what would happen, and keeps nothing. */
  readonly dryRun: boolean
  /** Takes the good rows although others are wrong. */
  readonly partial: boolean
}

export interface ImportDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
  readonly chance: Chance
}

export const csvSource = 'csv'

/** `refused`: rows are wrong, and so nothing was kept. */
export const importDirectory = async (
  deps: ImportDeps,
  actor: Pick<Actor, 'id' | 'name'>,
  kind: ImportKind,
  text: string,
  options: ImportOptions,
): Promise<Result<{ readonly is: 'kept' | 'refused' | 'tried'; readonly imported: Imported }, CsvRefused>> => {
  const csv = readDirectoryCsv(kind, text)
  if (!csv.ok) return csv
  return ok(
    await deps.journal.write(async (write) => {
      const weighed = await weigh(deps, write, csv.value)
      const errors = [...csv.value.errors, ...weighed.errors].sort((a, b) => a.row - b.row)
      const imported: Imported = { read: csv.value.read, ...weighed.counts, errors }
      if (options.dryRun) return { is: 'tried' as const, imported }
      if (errors.length > 0 && !options.partial)
        return { is: 'refused' as const, imported: { ...imported, created: 0, changed: 0, unchanged: 0 } }
      await weighed.keep()
      await appendAudit(write.trx, {
        at: deps.clock.now(),
        actor,
        action: 'directory.imported',
        object: `directory:${kind}`,
        detail: { read: imported.read, created: imported.created, changed: imported.changed, errors: errors.length },
        origin: 'api',
      })
      return { is: 'kept' as const, imported }
    }),
  )
}

/** What the rows come to against the directory as it is: nothing is written before `keep`. */
interface Weighed {
  readonly counts: { readonly created: number; readonly changed: number; readonly unchanged: number }
  readonly errors: readonly RowError[]
  readonly keep: () => Promise<void>
}

const weigh = (deps: ImportDeps, write: Writing, csv: DirectoryCsv): Promise<Weighed> => {
  switch (csv.kind) {
    case 'users':
      return weighUsers(deps, write, csv.rows)
    case 'devices':
      return weighDevices(deps, write, csv.rows)
    case 'groups':
      return weighGroups(deps, write, csv.rows)
    case 'memberships':
      return weighMemberships(deps, write, csv.rows)
  }
}

const withSource = (sources: readonly string[]): readonly string[] => (sources.includes(csvSource) ? sources : [...sources, csvSource])
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

const weighUsers = (deps: ImportDeps, write: Writing, rows: readonly UserRow[]): Promise<Weighed> =>
  weighPrincipals(
    deps,
    write,
    'user',
    rows,
    (row) => row.userName,
    (row, held): User => {
      const before = held !== undefined && isUser(held) ? held : bareUser(0, row.userName, csvSource)
      return {
        ...before,
        displayName: row.displayName,
        email: row.email,
        department: row.department,
        active: row.active,
        managedAppleAccount: row.managedAppleAccount,
        sources: withSource(before.sources),
        left: null,
      }
    },
  )

const weighDevices = async (deps: ImportDeps, write: Writing, rows: readonly DeviceRow[]): Promise<Weighed> => {
  const errors: RowError[] = []
  const known = rows.filter(({ row, ownerUserName }) => {
    if (ownerUserName === '' || deps.directory.ordinalOfKey('user', ownerUserName) !== undefined) return true
    errors.push({ row, field: 'ownerUserName', text: `No person with the user name ${ownerUserName} is known. Import people first.` })
    return false
  })
  const weighed = await weighPrincipals(
    deps,
    write,
    'device',
    known,
    (row) => row.serialNumber,
    (row, held): Device => {
      const before = held !== undefined && !isUser(held) ? held : bareDevice(0, normalKey('device', row.serialNumber), csvSource)
      const owner = row.ownerUserName === '' ? undefined : deps.directory.ordinalOfKey('user', row.ownerUserName)
      return {
        ...before,
        name: row.name,
        platform: row.platform,
        model: row.model,
        ownerId: owner === undefined ? null : bareUser(owner, '', csvSource).id,
        sources: withSource(before.sources),
        left: null,
      }
    },
  )
  return { ...weighed, errors: [...errors, ...weighed.errors] }
}

const weighPrincipals = async <Row>(
  deps: ImportDeps,
  write: Writing,
  kind: PrincipalKind,
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  after: (row: Row, held: Principal | undefined) => Principal,
): Promise<Weighed> => {
  const read = principalReader(write)
  const fresh: Row[] = []
  const changed: Principal[] = []
  let unchanged = 0
  for (const row of rows) {
    const ordinal = deps.directory.ordinalOfKey(kind, keyOf(row))
    const held = ordinal === undefined ? undefined : await read(ordinal)
    if (held === undefined) {
      fresh.push(row)
      continue
    }
    const next = after(row, held)
    if (same(held, next)) unchanged += 1
    else changed.push(next)
  }
  return {
    counts: { created: fresh.length, changed: changed.length, unchanged },
    errors: [],
    keep: async () => {
      const people = await knowPrincipals(
        write,
        deps.directory,
        csvSource,
        fresh.map((row) => ({ kind, key: keyOf(row) })),
      )
      const made = fresh.map((row): Principal => {
        const ordinal = people.ordinalOf(kind, keyOf(row))
        return { ...after(row, undefined), id: (kind === 'user' ? bareUser : bareDevice)(ordinal, '', csvSource).id }
      })
      await recordPrincipals(write, [...changed, ...made])
    },
  }
}

/** Reads each chunk once. */
export const principalReader = (write: Writing): ((ordinal: number) => Promise<Principal | undefined>) => {
  const chunks = new Map<string, ReadonlyMap<number, Principal>>()
  return async (ordinal) => {
    const key = principalsKey(ordinal)
    let chunk = chunks.get(key)
    if (chunk === undefined) {
      chunk = new Map((await write.rows(key)).map((row) => [ordinalOf(row.id), row]))
      chunks.set(key, chunk)
    }
    return chunk.get(ordinal)
  }
}

export const recordPrincipals = async (write: Writing, principals: readonly Principal[]): Promise<void> => {
  const byChunk = new Map<`principals/${number}`, Principal[]>()
  for (const principal of principals) {
    const key = principalsKey(ordinalOf(principal.id))
    const rows = byChunk.get(key) ?? []
    rows.push(principal)
    byChunk.set(key, rows)
  }
  for (const [key, rows] of byChunk) await write.record(rowsFact(key, rows))
}

export const normalGroupName = (name: string): string => name.trim().toLowerCase()

export const newGroup = (chance: Chance, name: string, kind: PrincipalKind, source: string): Group => {
  const id = parseGroupId(randomId(chance))
  if (id === undefined) throw new Error('directory: made an id that is none')
  return { id, name, kind, memberCount: 0, sources: [source] }
}

const weighGroups = async (deps: ImportDeps, write: Writing, rows: readonly GroupRow[]): Promise<Weighed> => {
  const held = new Map((await write.rows('groups')).map((group) => [normalGroupName(group.name), group]))
  const errors: RowError[] = []
  const put: Group[] = []
  const counts = { created: 0, changed: 0, unchanged: 0 }
  for (const { row, name, kind } of rows) {
    const before = held.get(normalGroupName(name))
    if (before === undefined) {
      counts.created += 1
      put.push(newGroup(deps.chance, name, kind, csvSource))
    } else if (before.kind !== kind)
      errors.push({ row, field: 'kind', text: `${before.name} is a group of ${before.kind}s already. Give the new group another name.` })
    else {
      const next = { ...before, name, sources: withSource(before.sources) }
      if (same(before, next)) counts.unchanged += 1
      else {
        counts.changed += 1
        put.push(next)
      }
    }
  }
  return {
    counts,
    errors,
    keep: async () => {
      if (put.length > 0) await write.record(rowsFact('groups', put))
    },
  }
}

const weighMemberships = async (deps: ImportDeps, write: Writing, rows: readonly MembershipRow[]): Promise<Weighed> => {
  const groups = new Map((await write.rows('groups')).map((group) => [normalGroupName(group.name), group]))
  const errors: RowError[] = []
  const wantedByGroup = new Map<GroupId, Set<number>>()
  const counts = { created: 0, changed: 0, unchanged: 0 }
  for (const { row, group: name, member } of rows) {
    const group = groups.get(normalGroupName(name))
    if (group === undefined) {
      errors.push({ row, field: 'group', text: `No group is called ${name}. Import groups first.` })
      continue
    }
    const ordinal = deps.directory.ordinalOfKey(group.kind, member)
    if (ordinal === undefined) {
      const what = group.kind === 'user' ? 'No person with the user name' : 'No device with the serial number'
      errors.push({ row, field: 'member', text: `${what} ${member} is known. Import ${group.kind}s first.` })
      continue
    }
    let wanted = wantedByGroup.get(group.id)
    if (wanted === undefined) {
      wanted = new Set((await write.columns(membersKey(group.id))).ordinals)
      wantedByGroup.set(group.id, wanted)
    }
    if (wanted.has(ordinal)) counts.unchanged += 1
    else {
      wanted.add(ordinal)
      counts.created += 1
    }
  }
  return {
    counts,
    errors,
    keep: async () => {
      for (const group of groups.values()) {
        const wanted = wantedByGroup.get(group.id)
        if (wanted !== undefined) await recordMembers(write, { ...group, sources: withSource(group.sources) }, wanted)
      }
    },
  }
}

/** The members and their number, which stands in the group's own record. */
export const recordMembers = async (write: Writing, group: Group, wanted: Iterable<number>): Promise<Group> => {
  const after = columnsOfMembers(wanted)
  const change = membersFact(group.id, await write.columns(membersKey(group.id)), after)
  if (change !== undefined) await write.record(change)
  const counted: Group = { ...group, memberCount: after.ordinals.length }
  const held = (await write.rows('groups')).find(({ id }) => id === group.id)
  if (!same(held, counted)) await write.record(rowsFact('groups', [counted]))
  return counted
}
