/** One group: who is in it and by which way, what is nested in it and around it, and which assignments name it. */
import { indexOfOrdinal, membersKey, wishesKey } from '../../shared/facts.ts'
import { unionOf, type GroupNesting } from '../../shared/groups.ts'
import { parseLicenseId, principalIdOf, targetKeyOf, type GroupId, type LicenseId, type TargetKey } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import type { Group, Principal } from '../../shared/principal.ts'
import { displayNameOf, isUser, storeKeyOf } from '../../shared/principal.ts'
import type { Wish } from '../../shared/assignment.ts'
import type { WishTally } from '../../shared/tallies.ts'
import type { DirectoryReader, People, PrincipalName } from '../directory.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import type { Foretelling } from '../foretelling.ts'
import { nestingIn } from './group-nesting.ts'

export interface MemberRow {
  readonly principal: PrincipalName
  /** The nested groups that lead to them, from the outermost; empty for a member of the group's own. */
  readonly through: readonly Group[]
}

/** One line of the tree of nested groups. */
export interface TreeRow {
  readonly group: Group
  /** From 1 for a group directly in this one. */
  readonly depth: number
  /** Why its own nested groups are not drawn here. */
  readonly cut: 'ring' | 'above' | undefined
}

export interface GroupMembers {
  readonly length: number
  /** Of the group's own. */
  readonly own: number
  slice(from: number, to: number): readonly MemberRow[]
}

/** An assignment that names the group, or one in which it is nested. */
export interface NamedBy {
  readonly license: License
  readonly key: TargetKey
  readonly wish: Exclude<Wish, { readonly mode: 'removed' }>
  /** The group that it names, when that is another one. */
  readonly through: Group | undefined
}

export interface GroupPage {
  readonly group: Group
  readonly tree: readonly TreeRow[]
  /** Those in which it is nested, directly and through others. */
  readonly around: readonly { readonly group: Group; readonly direct: boolean }[]
  readonly namedBy: readonly NamedBy[]
}

interface Looked {
  readonly facts: Facts
  readonly directory: DirectoryReader
}

class Loading extends Error {}
const ready = <T>(read: ChunkRead<T>): T => {
  if (read.is === 'loading') throw new Loading()
  return read.value
}
const reading = <T>(make: () => T): ChunkRead<T> => {
  try {
    return { is: 'ready', value: make() }
  } catch (thrown) {
    if (thrown instanceof Loading) return { is: 'loading' }
    throw thrown
  }
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
const byName = (a: Group, b: Group): number => collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1)

/** Undefined: the facts at hand have no such group. */
export const groupPage = (looked: Looked, id: GroupId): ChunkRead<GroupPage | undefined> =>
  reading(() => {
    const { facts } = looked
    const groups = ready(facts.rows('groups'))
    const nesting = nestingIn(groups)
    const group = nesting.find(id)
    if (group === undefined) return undefined
    const around = nesting.around(id).flatMap((outer) => (outer === id ? [] : (nesting.find(outer) ?? [])))
    return {
      group,
      tree: treeOf(nesting, group),
      around: around
        .map((outer) => ({ group: outer, direct: outer.groups?.includes(id) === true }))
        .sort((a, b) => Number(b.direct) - Number(a.direct) || byName(a.group, b.group)),
      namedBy: namedByOf(facts, [group, ...around]),
    }
  })

/** Each group is opened once: where it stands again, in a ring or beside, the line says so. So the tree is never longer than the nestings. */
const treeOf = (nesting: GroupNesting, root: Group): readonly TreeRow[] => {
  const rows: TreeRow[] = []
  const opened = new Set([root.id])
  const walk = (group: Group, depth: number, path: ReadonlySet<GroupId>): void => {
    const nested = (group.groups ?? [])
      .flatMap((id) => nesting.find(id) ?? [])
      .filter(({ kind }) => kind === group.kind)
      .sort(byName)
    for (const inner of nested) {
      const cut = path.has(inner.id) ? 'ring' : opened.has(inner.id) && (inner.groups?.length ?? 0) > 0 ? 'above' : undefined
      rows.push({ group: inner, depth, cut })
      if (cut !== undefined) continue
      opened.add(inner.id)
      walk(inner, depth + 1, new Set([...path, inner.id]))
    }
  }
  walk(root, 1, new Set([root.id]))
  return rows
}

const namedByOf = (facts: Facts, groups: readonly Group[]): readonly NamedBy[] => {
  const groupByKey = new Map(groups.map((group) => [targetKeyOf({ kind: 'group', id: group.id }), group]))
  const own = groups[0]
  const licenseById = new Map<LicenseId, License>()
  for (const key of ready(facts.run('licenses/'))) for (const license of ready(facts.rows(key))) licenseById.set(license.id, license)
  const found: NamedBy[] = []
  for (const key of ready(facts.run('wishes/'))) {
    const id = parseLicenseId(key.slice('wishes/'.length))
    const license = id === undefined ? undefined : licenseById.get(id)
    if (id === undefined || license === undefined) continue
    for (const placed of ready(facts.rows(wishesKey(id)))) {
      const group = groupByKey.get(placed.key)
      if (group === undefined || placed.wish.mode === 'removed') continue
      found.push({ license, key: placed.key, wish: placed.wish, through: group === own ? undefined : group })
    }
  }
  return found.sort(
    (a, b) =>
      Number(a.through !== undefined) - Number(b.through !== undefined) ||
      collator.compare(a.license.product.name, b.license.product.name) ||
      (a.license.id < b.license.id ? -1 : 1),
  )
}

/** What came of one assignment: asked for the rows that are looked at, since each judges a whole license. */
export const tallyOf = (foretelling: Foretelling, { license, key }: NamedBy, now: number): ChunkRead<WishTally | undefined> =>
  reading(() => ready(foretelling.state(license.id, now))?.reconciled.tallyByKey.get(key))

/** Own members first where nothing is looked for; found by name, user name, serial number, mail address or department. */
export const groupMembers = (
  { facts, directory }: Looked,
  group: Group,
  { text, transitive }: { readonly text: string; readonly transitive: boolean },
): ChunkRead<GroupMembers> =>
  reading(() => {
    const people = ready(directory.people())
    const nesting = nestingIn(ready(facts.rows('groups')))
    const within = transitive ? nesting.within(group.id) : [group.id]
    const columnById = new Map<GroupId, Uint32Array>()
    // All are asked for before the first that is missing is waited for.
    const reads = within.map((id) => ({ id, read: facts.columns(membersKey(id)) }))
    for (const { id, read } of reads) columnById.set(id, ready(read).ordinals)
    const own = columnById.get(group.id) ?? new Uint32Array()
    const all = within.length === 1 ? own : unionOf([...columnById.values()])
    const wanted = text.trim().toLowerCase()
    const ordinals = wanted === '' ? all : all.filter((ordinal) => fits(people, group, ordinal, wanted))
    const cameFrom = new Map<GroupId, GroupId>()
    for (const id of within)
      for (const inner of nesting.find(id)?.groups ?? []) if (inner !== group.id && !cameFrom.has(inner)) cameFrom.set(inner, id)
    const throughOf = (ordinal: number): readonly Group[] => {
      const holder = within.find((id) => indexOfOrdinal(columnById.get(id) ?? new Uint32Array(), ordinal) >= 0)
      const path: Group[] = []
      for (let at = holder; at !== undefined && at !== group.id; at = cameFrom.get(at)) {
        const each = nesting.find(at)
        if (each !== undefined) path.unshift(each)
      }
      return path
    }
    return {
      length: ordinals.length,
      own: own.length,
      slice: (from, to) =>
        Array.from(ordinals.subarray(Math.max(0, from), to), (ordinal) => ({
          principal: people.nameOf(ordinal, group.kind),
          through: throughOf(ordinal),
        })),
    }
  })

const fits = (people: People, { kind }: Group, ordinal: number, wanted: string): boolean => {
  const principal = people.find(principalIdOf(kind, ordinal))
  return principal !== undefined && textsOf(principal).some((text) => text.toLowerCase().includes(wanted))
}

const textsOf = (principal: Principal): readonly string[] => [
  displayNameOf(principal),
  storeKeyOf(principal),
  ...(isUser(principal) ? [principal.email, principal.department] : [principal.model, principal.platform]),
]
