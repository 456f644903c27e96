/**
 * People, devices and groups on this device: naming them, choosing a target, and the directory that reconcile asks.
 *
 * 50,000 principals stay in their chunks of 1,024, each decoded once; a change decodes one chunk anew. What is searched
 * is one lower-case line for each principal, made when someone first searches.
 */
import { membersKey, principalsKey, principalsPerChunk, type Columns } from '../shared/facts.ts'
import { nestingOf, unionOf, type GroupNesting } from '../shared/groups.ts'
import {
  principalIdOf,
  principalKindOf,
  ordinalOf,
  targetOf,
  type GroupId,
  type PrincipalId,
  type PrincipalKind,
  type Target,
  type TargetKey,
} from '../shared/ids.ts'
import { displayNameOf, isUser, joinsByOf, storeKeyOf, type Group, type Principal } from '../shared/principal.ts'
import type { Directory } from '../shared/reconcile.ts'
import type { ChunkRead, Facts } from './facts.ts'
import { groupDetail } from './views/group-words.ts'

export interface TargetFound {
  readonly key: TargetKey
  readonly kind: 'user' | 'device' | 'group' | 'all-users' | 'all-devices'
  readonly name: string
  readonly detail: string
}

/** A target in words. `known` is false for a person, device or group that is not (or no longer) in the directory. */
export interface TargetName {
  readonly key: TargetKey
  readonly target: Target
  /** "Grade 7 tablets", "Ana Ruiz", "NS-IPAD-0412", "All devices". */
  readonly name: string
  /** "Group, 38 devices", "ana.ruiz@north.example", "DMPXK0". */
  readonly detail: string
  readonly known: boolean
}

export interface PrincipalName {
  readonly id: PrincipalId
  readonly ordinal: number
  readonly name: string
  /** User name or serial number. */
  readonly storeKey: string
  readonly principal: Principal | undefined
}

export interface People {
  find(id: PrincipalId): Principal | undefined
  /** Whoever has this ordinal. */
  at(ordinal: number): Principal | undefined
  nameOf(ordinal: number, kind: PrincipalKind): PrincipalName
  all(kind: PrincipalKind): Uint32Array
  search(text: string, most: number): readonly TargetFound[]
  readonly count: number
}

/** One chunk of principals, decoded. */
interface Part {
  readonly rows: readonly Principal[]
  readonly byPlace: readonly (Principal | undefined)[]
  lines: readonly string[] | undefined
}

export interface DirectoryReader {
  groups(): ChunkRead<readonly Group[]>
  people(): ChunkRead<People>
  /** For reconcile: the members of these groups have to be in memory as well. `of` is what it was made from, part by part. */
  forWishes(keys: Iterable<TargetKey>): ChunkRead<{ readonly directory: Directory; readonly of: readonly unknown[] }>
  nameOfTarget(key: TargetKey): TargetName
  load(): Promise<void>
}

const kindOf = (principal: Principal): PrincipalKind => principalKindOf(principal.id)

export const createDirectory = (facts: Facts): DirectoryReader => {
  const parts = new WeakMap<readonly unknown[], Part>()
  let held: { readonly of: readonly (readonly Principal[])[]; readonly people: People } | undefined

  const partOf = (rows: readonly Principal[]): Part => {
    const known = parts.get(rows)
    if (known !== undefined) return known
    const byPlace: (Principal | undefined)[] = []
    for (const row of rows) byPlace[ordinalOf(row.id) % principalsPerChunk] = row
    const part: Part = { rows, byPlace, lines: undefined }
    parts.set(rows, part)
    return part
  }

  const people = (): ChunkRead<People> => {
    const run = facts.run('principals/')
    if (run.is === 'loading') return run
    const chunks: (readonly Principal[])[] = []
    const numbers: number[] = []
    for (const key of run.value) {
      const rows = facts.rows(key)
      if (rows.is === 'loading') return rows
      chunks.push(rows.value)
      numbers.push(Number(key.slice('principals/'.length)))
    }
    if (held !== undefined && held.of.length === chunks.length && held.of.every((rows, at) => rows === chunks[at]))
      return { is: 'ready', value: held.people }
    held = { of: chunks, people: peopleOf(new Map(numbers.map((number, at) => [number, partOf(chunks[at] ?? [])]))) }
    return { is: 'ready', value: held.people }
  }

  const groups = (): ChunkRead<readonly Group[]> => facts.rows('groups')
  let nested: { readonly of: readonly Group[]; readonly nesting: GroupNesting } | undefined
  const nestingOfRows = (rows: readonly Group[]): GroupNesting => {
    if (nested?.of !== rows) nested = { of: rows, nesting: nestingOf(rows) }
    return nested.nesting
  }

  const nameOfTarget = (key: TargetKey): TargetName => {
    const target = targetOf(key)
    switch (target.kind) {
      case 'all-users':
        return { key, target, name: 'All people', detail: 'Everyone in the directory', known: true }
      case 'all-devices':
        return { key, target, name: 'All devices', detail: 'Every device in the directory', known: true }
      case 'group': {
        const read = groups()
        const group = read.is === 'ready' ? read.value.find(({ id }) => id === target.id) : undefined
        return group === undefined
          ? { key, target, name: target.id, detail: read.is === 'ready' ? 'Group, no longer in the directory' : 'Group', known: false }
          : { key, target, name: group.name, detail: groupDetail(group), known: true }
      }
      case 'user':
      case 'device': {
        // One chunk is enough for one name.
        const read = facts.rows(principalsKey(ordinalOf(target.id)))
        const principal = read.is === 'ready' ? read.value.find(({ id }) => id === target.id) : undefined
        return principal === undefined
          ? { key, target, name: target.id, detail: read.is === 'ready' ? 'No longer in the directory' : '', known: false }
          : { key, target, name: displayNameOf(principal), detail: storeKeyOf(principal), known: true }
      }
    }
  }

  return {
    groups,
    people,
    nameOfTarget,
    load: async () => void (await Promise.all([facts.loadRun('principals/'), facts.load(['groups'])])),
    forWishes: (keys) => {
      const read = people()
      if (read.is === 'loading') return read
      const known = groups()
      if (known.is === 'loading') return known
      const nesting = nestingOfRows(known.value)
      const of: unknown[] = [read.value, nesting]
      const members = new Map<GroupId, Uint32Array>()
      let loading = false
      for (const key of keys) {
        const target = targetOf(key)
        if (target.kind !== 'group' || nesting.find(target.id) === undefined) continue
        const own: Columns[] = []
        for (const group of nesting.within(target.id)) {
          const columns: ChunkRead<Columns> = facts.columns(membersKey(group))
          if (columns.is === 'loading') loading = true
          else own.push(columns.value)
        }
        of.push(...own)
        if (!loading) members.set(target.id, unionOf(own.map(({ ordinals }) => ordinals)))
      }
      if (loading) return { is: 'loading' }
      return { is: 'ready', value: { directory: directoryOf(read.value, members), of } }
    },
  }
}

const directoryOf = (people: People, members: ReadonlyMap<GroupId, Uint32Array>): Directory => ({
  principal: (ordinal) => {
    const found = people.at(ordinal)
    return found === undefined
      ? undefined
      : { kind: kindOf(found), active: found.active, left: found.left !== null, joinsBy: joinsByOf(found) }
  },
  members: (group) => members.get(group),
  all: (kind) => people.all(kind),
  ownerOf: (device) => {
    const found = people.at(device)
    return found === undefined || isUser(found) || found.ownerId === null ? undefined : ordinalOf(found.ownerId)
  },
})

const peopleOf = (partByNumber: ReadonlyMap<number, Part>): People => {
  let users: Uint32Array | undefined
  let devices: Uint32Array | undefined
  let count = 0
  for (const { rows } of partByNumber.values()) count += rows.length

  const at = (ordinal: number): Principal | undefined =>
    partByNumber.get(Math.floor(ordinal / principalsPerChunk))?.byPlace[ordinal % principalsPerChunk]

  const allOf = (kind: PrincipalKind): Uint32Array => {
    const ordinals: number[] = []
    for (const { rows } of partByNumber.values())
      for (const row of rows) if (row.left === null && kindOf(row) === kind) ordinals.push(ordinalOf(row.id))
    return Uint32Array.from(ordinals).sort()
  }

  return {
    count,
    at,
    find: (id) => {
      const found = at(ordinalOf(id))
      return found?.id === id ? found : undefined
    },
    nameOf: (ordinal, kind) => {
      const principal = at(ordinal)
      const id = principal?.id ?? principalIdOf(kind, ordinal)
      return principal === undefined
        ? { id, ordinal, name: id, storeKey: '', principal: undefined }
        : { id, ordinal, name: displayNameOf(principal), storeKey: storeKeyOf(principal), principal }
    },
    all: (kind) => (kind === 'user' ? (users ??= allOf('user')) : (devices ??= allOf('device'))),
    search: (text, most) => searchIn(partByNumber, text, most),
  }
}

/** Those that begin with the text before those that hold it; who has left is not offered. */
const searchIn = (partByNumber: ReadonlyMap<number, Part>, text: string, most: number): readonly TargetFound[] => {
  const wanted = text.trim().toLowerCase()
  const first: Principal[] = []
  const second: Principal[] = []
  for (const part of partByNumber.values()) {
    part.lines ??= part.rows.map(lineOf)
    for (let at = 0; at < part.rows.length; at += 1) {
      const row = part.rows[at]
      if (row === undefined || row.left !== null) continue
      const place = wanted === '' ? 0 : (part.lines[at] ?? '').indexOf(`\n${wanted}`)
      if (place >= 0) first.push(row)
      else if (second.length < most && (part.lines[at] ?? '').includes(wanted)) second.push(row)
      if (first.length >= most) return first.map(foundOf)
    }
  }
  return [...first, ...second].slice(0, most).map(foundOf)
}

/** Each field on a line of its own, so that "begins with" is one look. */
const lineOf = (row: Principal): string =>
  (isUser(row)
    ? `\n${row.displayName}\n${row.userName}\n${row.email}\n${row.department}`
    : `\n${row.name}\n${row.serialNumber}\n${row.model}`
  ).toLowerCase()

const foundOf = (row: Principal): TargetFound => ({
  key: row.id as string as TargetKey,
  kind: kindOf(row),
  name: displayNameOf(row),
  detail: storeKeyOf(row),
})

/** Groups by name, then the two that stand for everybody, then people and devices. */
export const searchTargets = (groups: readonly Group[], people: People | undefined, text: string, most: number): readonly TargetFound[] => {
  const wanted = text.trim().toLowerCase()
  const named = (name: string): boolean => name.toLowerCase().includes(wanted)
  const found: TargetFound[] = groups
    .filter(({ name }) => named(name))
    .sort(
      (a, b) =>
        Number(b.name.toLowerCase().startsWith(wanted)) - Number(a.name.toLowerCase().startsWith(wanted)) || a.name.localeCompare(b.name),
    )
    .map((group) => ({ key: `g${group.id}` as TargetKey, kind: 'group', name: group.name, detail: groupDetail(group) }))
  if (named('All people'))
    found.push({ key: 'all-users' as TargetKey, kind: 'all-users', name: 'All people', detail: 'Everyone in the directory' })
  if (named('All devices'))
    found.push({ key: 'all-devices' as TargetKey, kind: 'all-devices', name: 'All devices', detail: 'Every device in the directory' })
  const left = most - found.length
  return left <= 0 || people === undefined ? found.slice(0, most) : [...found, ...people.search(wanted, left)]
}
