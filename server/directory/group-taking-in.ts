/**
 * Groups that a directory brings: taken in by the source's own ids, with what it named of each kept beside
 * (`source_groups`), so that a source takes out of a group only those whom it named itself.
 *
 * A group that a file or a hand made, of the same name and kind, is that very group; who is in stays. One that another
 * source keeps, or a rule makes, is not touched: the new one gets a name of its own. A ring of groups is kept as the
 * source has it, and survived (shared/groups.ts).
 */
import type { Writing } from '../journal.ts'
import type { Chance } from '../../shared/clock.ts'
import { namesPrincipals } from '../../shared/device-list.ts'
import { columnsBytes, columnsOfMembers, membersKey, noOrdinals, readColumns } from '../../shared/facts.ts'
import { nestingOf } from '../../shared/groups.ts'
import { parseGroupId, type GroupId, type PrincipalKind } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'
import { handSource, owningSources } from './by-hand.ts'
import {
  licensesAround,
  licensesByGroup,
  newGroup,
  normalGroupName,
  recordColumn,
  recordGroups,
  recordRemovals,
  withGroups,
} from './group-record.ts'
import { same } from './weighed.ts'

/** All that the source names, or what changed since it was read last. */
export type Named<T> =
  | { readonly is: 'whole'; readonly all: Iterable<T> }
  | { readonly is: 'changed'; readonly added: Iterable<T>; readonly removed: Iterable<T> }

export interface SourceGroup {
  /** The source's own id; stays when the group is renamed. At most 255 characters. */
  readonly key: string
  readonly name: string
  readonly kind: PrincipalKind
  /** Direct members by ordinal; those of the other kind are passed over by whoever counts them. */
  readonly members: Named<number>
  /** Keys of groups directly nested in it. One that comes later is nested when it comes. */
  readonly groups: Named<string>
}

export interface GroupBatch {
  readonly groups: readonly SourceGroup[]
  /** Keys that the source names no more. */
  readonly gone: readonly string[]
  /** A whole reading: every group of this source that is not among `groups` is gone. */
  readonly isWhole: boolean
}

export interface GroupsTakenIn {
  readonly made: readonly Group[]
  readonly changed: readonly Group[]
  readonly removed: readonly Group[]
  /** The source names them no more; assignments do, so they stay with their members, as groups kept by hand. */
  readonly kept: readonly Group[]
  /** Another group has their name: they are called `<name> (2)` here. */
  readonly renamed: readonly { readonly group: Group; readonly asked: string }[]
}

/**
 * `source` is one that names principals, such as `graph:<connector>`. Part of the caller's act; records differences alone.
 * 5,000 groups with a million memberships take some 3 s, in which nobody else writes: a directory of that size is brought
 * some hundred groups at a time, and those that a whole reading did not name at the end, as `gone`.
 */
export const takeInGroups = async (
  deps: { readonly chance: Chance },
  write: Writing,
  source: string,
  batch: GroupBatch,
): Promise<GroupsTakenIn> => {
  const rowByKey = new Map((await readSourceRows(write, source)).map((row) => [row.key, row]))
  const before = new Map((await write.rows('groups')).map((group) => [group.id, group]))
  const after = new Map<GroupId, Group>()
  const made: GroupId[] = []
  const renamed: { readonly id: GroupId; readonly asked: string }[] = []
  /** A key that now stands for a group of the other kind stands for another group. */
  const replaced: SourceRow[] = []

  const knownAs = (each: SourceGroup): Group | undefined => {
    const row = rowByKey.get(each.key)
    const held = row === undefined ? undefined : before.get(row.id)
    return held?.kind === each.kind ? held : undefined
  }
  // Groups that exchange their names are not in each other's way.
  const names = createNames(before.values(), new Set(batch.groups.flatMap((each) => knownAs(each)?.id ?? [])))

  // 1. Each group with its name and its members.
  for (const each of batch.groups) {
    const row = rowByKey.get(each.key)
    const known = knownAs(each)
    if (row !== undefined && known === undefined && before.has(row.id)) replaced.push(row)
    const sameName = names.find(each.name)
    const held = known ?? (sameName === undefined ? undefined : joinable(after.get(sameName) ?? before.get(sameName), each.kind))
    const group = held ?? newGroup(deps.chance, each.name, each.kind, source)
    if (held === undefined) made.push(group.id)
    const name = names.give(group.id, each.name.trim())
    if (name !== each.name.trim()) renamed.push({ id: group.id, asked: each.name.trim() })
    const namedBefore = known === undefined ? noOrdinals : await readNamed(write, source, each.key)
    const named = applied(new Set(namedBefore), each.members)
    const dropped = new Set(namedBefore.filter((ordinal) => !named.has(ordinal)))
    if (dropped.size > 0) for (const ordinal of await namedByOthers(write, source, each.key, group.id)) dropped.delete(ordinal)
    const kept = (await write.columns(membersKey(group.id))).ordinals.filter((ordinal) => !dropped.has(ordinal))
    const sources = group.sources.includes(source) ? group.sources : [...group.sources, source]
    after.set(group.id, await recordColumn(write, { ...group, name, sources }, [...kept, ...named]))
    const fresh: SourceRow = {
      key: each.key,
      id: group.id,
      groups: [...applied(new Set(known === undefined ? [] : (row?.groups ?? [])), each.groups)].sort(),
    }
    rowByKey.set(each.key, fresh)
    const isAsBefore =
      known !== undefined &&
      same(row?.groups, fresh.groups) &&
      named.size === namedBefore.length &&
      namedBefore.every((ordinal) => named.has(ordinal))
    if (!isAsBefore) await keepRow(write, source, fresh, named)
  }

  // 2. Nesting needs all of them; also of groups that named one of these before it came.
  const fresh = new Set(batch.groups.map(({ key }) => key))
  const idsOfSource = new Set(Array.from(rowByKey.values(), ({ id }) => id))
  for (const row of rowByKey.values()) {
    if (!fresh.has(row.key) && !row.groups.some((key) => fresh.has(key))) continue
    const group = after.get(row.id) ?? before.get(row.id)
    if (group === undefined) continue
    const byOthers = (group.groups ?? []).filter((id) => !idsOfSource.has(id))
    after.set(row.id, withGroups(group, [...byOthers, ...row.groups.flatMap((key) => rowByKey.get(key)?.id ?? [])]))
  }
  await recordGroups(write, [...after.values()])

  // 3. Those that the source names no more.
  const goneKeys = (batch.isWhole ? [...rowByKey.keys()] : batch.gone).filter((key) => !fresh.has(key))
  const gone = goneKeys.flatMap((key) => rowByKey.get(key) ?? [])
  for (const key of goneKeys) await write.trx.deleteFrom('source_groups').where('source', '=', source).where('key', '=', key).execute()
  const left = await letGo(write, source, [...gone, ...replaced])

  const asWritten = (id: GroupId): Group => after.get(id) ?? mustHave(before, id)
  return {
    made: made.map(asWritten),
    changed: [...after.values()].filter(({ id }) => before.has(id) && JSON.stringify(before.get(id)) !== JSON.stringify(after.get(id))),
    renamed: renamed.map(({ id, asked }) => ({ group: asWritten(id), asked })),
    ...left,
  }
}

/** A source that is disconnected takes nobody out: its groups stay as they are, as groups kept by hand. */
export const keepGroupsByHand = async (write: Writing, source: string): Promise<void> => {
  const groups = (await write.rows('groups')).filter(({ sources }) => sources.includes(source))
  await recordGroups(
    write,
    groups.map((group) => withoutSource(group, source)),
  )
  await write.trx.deleteFrom('source_groups').where('source', '=', source).execute()
}

// ---- What the source named ----

interface SourceRow {
  readonly key: string
  readonly id: GroupId
  readonly groups: readonly string[]
}

const readSourceRows = async (write: Writing, source: string): Promise<readonly SourceRow[]> => {
  const rows = await write.trx.selectFrom('source_groups').select(['key', 'group_id', 'groups']).where('source', '=', source).execute()
  return rows.map(({ key, group_id, groups }) => ({ key, id: mustBeGroupId(group_id), groups: keysIn(groups) }))
}

const keysIn = (text: string): readonly string[] => {
  const keys: unknown = JSON.parse(text)
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : []
}

const mustBeGroupId = (text: string): GroupId => {
  const id = parseGroupId(text)
  if (id === undefined) throw new Error(`groups: ${text} is kept as a group's id and is none`)
  return id
}

const ordinalsIn = (id: string, bytes: Uint8Array): Uint32Array => readColumns(membersKey(mustBeGroupId(id)), bytes).ordinals

const readNamed = async (write: Writing, source: string, key: string): Promise<Uint32Array> => {
  const row = await write.trx
    .selectFrom('source_groups')
    .select(['group_id', 'members'])
    .where('source', '=', source)
    .where('key', '=', key)
    .executeTakeFirst()
  return row === undefined ? noOrdinals : ordinalsIn(row.group_id, row.members)
}

const keepRow = async (write: Writing, source: string, { key, id, groups }: SourceRow, members: ReadonlySet<number>): Promise<void> => {
  const rest = { group_id: id, members: columnsBytes(membersKey(id), columnsOfMembers(members)), groups: JSON.stringify(groups) }
  await write.trx
    .insertInto('source_groups')
    .values({ source, key, ...rest })
    .onConflict((conflict) => conflict.columns(['source', 'key']).doUpdateSet(rest))
    .execute()
}

const applied = <T>(held: Set<T>, named: Named<T>): ReadonlySet<T> => {
  if (named.is === 'whole') return new Set(named.all)
  for (const each of named.removed) held.delete(each)
  for (const each of named.added) held.add(each)
  return held
}

/** What other sources, or other groups of this one, name of a group that they share. */
const namedByOthers = async (write: Writing, source: string, key: string, id: GroupId): Promise<ReadonlySet<number>> => {
  const rows = await write.trx
    .selectFrom('source_groups')
    .select(['group_id', 'members'])
    .where('group_id', '=', id)
    .where((where) => where.or([where('source', '!=', source), where('key', '!=', key)]))
    .execute()
  return new Set(rows.flatMap(({ group_id, members }) => [...ordinalsIn(group_id, members)]))
}

// ---- Names, and letting go ----

/** One that a file or a hand made. */
const joinable = (group: Group | undefined, kind: PrincipalKind): Group | undefined =>
  group !== undefined && group.kind === kind && group.rule === undefined && owningSources(group.sources).length === 0 ? group : undefined

const createNames = (groups: Iterable<Group>, except: ReadonlySet<GroupId>) => {
  const idByName = new Map<string, GroupId>()
  for (const { id, name } of groups) if (!except.has(id)) idByName.set(normalGroupName(name), id)
  const isFree = (id: GroupId, name: string): boolean => {
    const held = idByName.get(normalGroupName(name))
    return held === undefined || held === id
  }
  return {
    find: (name: string): GroupId | undefined => idByName.get(normalGroupName(name)),
    /** The name itself, or the first of `<name> (2)`, `<name> (3)`, … that no other group has. */
    give: (id: GroupId, asked: string): string => {
      let name = asked
      for (let n = 2; !isFree(id, name); n += 1) name = `${asked} (${n})`
      idByName.set(normalGroupName(name), id)
      return name
    },
  }
}

const withoutSource = (group: Group, source: string): Group => {
  const sources = group.sources.filter((each) => each !== source)
  return { ...group, sources: sources.some(namesPrincipals) ? sources : [...sources, handSource] }
}

/** One that another source names goes on without this one. One that assignments name stays: emptied, it would exclude nobody. */
const letGo = async (write: Writing, source: string, rows: readonly SourceRow[]): Promise<Pick<GroupsTakenIn, 'removed' | 'kept'>> => {
  if (rows.length === 0) return { removed: [], kept: [] }
  const groups = await write.rows('groups')
  const held = new Map(groups.map((group) => [group.id, group]))
  const nesting = nestingOf(groups)
  const byGroup = await licensesByGroup(write)
  const put: Group[] = []
  const removed: Group[] = []
  const kept: Group[] = []
  for (const { id } of rows) {
    const group = held.get(id)
    if (group === undefined || !group.sources.includes(source)) continue
    const after = withoutSource(group, source)
    const isNamed = group.sources.some((each) => each !== source && namesPrincipals(each))
    if (!isNamed && licensesAround(id, nesting, byGroup).length === 0) {
      removed.push(group)
      continue
    }
    put.push(after)
    if (!isNamed) kept.push(after)
  }
  await recordGroups(write, put)
  await recordRemovals(write, removed)
  return { removed, kept }
}

const mustHave = (groups: ReadonlyMap<GroupId, Group>, id: GroupId): Group => {
  const group = groups.get(id)
  if (group === undefined) throw new Error(`groups: ${id} was taken in and is not there`)
  return group
}
