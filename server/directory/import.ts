/**
 * Takes a CSV file into the directory: all rows or none, unless told otherwise. A file adds and changes; it removes
 * nobody, since a file that is cut short must not make people leave.
 */
import { appendAudit } from '../audit.ts'
import type { Journal, Writing } from '../journal.ts'
import type { Actor } from '../../shared/admin.ts'
import type { Chance, Clock } from '../../shared/clock.ts'
import { principalsKey, rowsFact } from '../../shared/facts.ts'
import { ordinalOf, type PrincipalKind } from '../../shared/ids.ts'
import { isUser, type Device, type Principal, type User } from '../../shared/principal.ts'
import { ok, type Result } from '../../shared/result.ts'
import {
  readDirectoryCsv,
  type CsvRefused,
  type DeviceRow,
  type DirectoryCsv,
  type ImportKind,
  type RowError,
  type UserRow,
} from './csv.ts'
import { bareDevice, bareUser, knowPrincipals, normalKey, type DirectoryIndex } from './directory.ts'
import { weighGroups, weighMemberships } from './group-import.ts'
import { csvSource, same, withCsv, type Weighed } from './weighed.ts'

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
        sources: withCsv(before.sources),
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
        sources: withCsv(before.sources),
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
