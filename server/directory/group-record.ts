/** How a group is written down: its record, its members as a column, and the groups nested in it. */
import type { Writing } from '../journal.ts'
import { randomId, type Chance } from '../../shared/clock.ts'
import { columnsOfMembers, membersKey, parseChunkKey, rowsFact, wishesKey } from '../../shared/facts.ts'
import { nestingOf, type GroupNesting } from '../../shared/groups.ts'
import { parseGroupId, parseLicenseId, targetOf, type GroupId, type LicenseId, type PrincipalKind } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'
import { membersFact } from './directory.ts'

export const normalGroupName = (name: string): string => name.trim().toLowerCase()

export const newGroup = (chance: Chance, name: string, kind: PrincipalKind, source: string): Group => {
  const id = parseGroupId(randomId(chance))
  if (id === undefined) throw new Error('directory: made an id that is none')
  return { id, name, kind, memberCount: 0, sources: [source] }
}

/** Sorted, and absent when there are none: the same nesting is the same bytes. */
export const withGroups = (group: Group, nested: Iterable<GroupId>): Group => {
  const { groups: _, ...bare } = group
  const ids = [...new Set(nested)].sort()
  return ids.length === 0 ? bare : { ...bare, groups: ids }
}

/** The members alone, as a column. Gives the record with their number, which the caller writes. */
export const recordColumn = async (write: Writing, group: Group, wanted: Iterable<number>): Promise<Group> => {
  const after = columnsOfMembers(wanted)
  const change = membersFact(group.id, await write.columns(membersKey(group.id)), after)
  if (change !== undefined) await write.record(change)
  return { ...group, memberCount: after.ordinals.length }
}

/** The members and their number, which stands in the group's own record; the record is written with them. */
export const recordMembers = async (write: Writing, group: Group, wanted: Iterable<number>): Promise<Group> => {
  const counted = await recordColumn(write, group, wanted)
  await recordGroups(write, [counted])
  return counted
}

/** Those that differ from what is held, in one fact: each fact writes the whole chunk of groups anew. */
export const recordGroups = async (write: Writing, groups: readonly Group[]): Promise<void> => {
  const held = new Map((await write.rows('groups')).map((group) => [group.id, group]))
  const put = groups.filter((group) => JSON.stringify(held.get(group.id)) !== JSON.stringify(group))
  if (put.length > 0) await write.record(rowsFact('groups', put))
}

/** The groups go, and out of every group in which they were nested. Gives those others. */
export const recordRemovals = async (write: Writing, gone: readonly Group[]): Promise<readonly Group[]> => {
  if (gone.length === 0) return []
  const ids = new Set(gone.map(({ id }) => id))
  const around = (await write.rows('groups')).filter(({ id, groups }) => !ids.has(id) && groups?.some((each) => ids.has(each)) === true)
  for (const group of gone) await recordColumn(write, group, [])
  const without = around.map((group) =>
    withGroups(
      group,
      (group.groups ?? []).filter((id) => !ids.has(id)),
    ),
  )
  await write.record(rowsFact('groups', without, [...ids]))
  return around
}

/**
 * Licenses with an assignment that stands, or whose seats are still to be given back, by the group that it names. Reads
 * all wishes: once for each act.
 */
export const licensesByGroup = async (write: Writing): Promise<ReadonlyMap<GroupId, readonly LicenseId[]>> => {
  const keys = await write.trx.selectFrom('chunks').select('key').where('key', 'like', 'wishes/%').execute()
  const found = new Map<GroupId, LicenseId[]>()
  for (const { key } of keys) {
    const license = parseChunkKey(key) === undefined ? undefined : parseLicenseId(key.slice('wishes/'.length))
    if (license === undefined) continue
    for (const placed of await write.rows(wishesKey(license))) {
      const target = targetOf(placed.key)
      if (target.kind !== 'group') continue
      const licenses = found.get(target.id)
      if (licenses === undefined) found.set(target.id, [license])
      else licenses.push(license)
    }
  }
  return found
}

/** Those whose assignments name the group or one in which it is nested: without it, they would reach others. */
export const licensesAround = (
  group: GroupId,
  nesting: GroupNesting,
  byGroup: ReadonlyMap<GroupId, readonly LicenseId[]>,
): readonly LicenseId[] => [...new Set(nesting.around(group).flatMap((id) => byGroup.get(id) ?? []))]

export const licensesFor = async (write: Writing, group: GroupId): Promise<readonly LicenseId[]> =>
  licensesAround(group, nestingOf(await write.rows('groups')), await licensesByGroup(write))
