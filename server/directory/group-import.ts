/** The groups and memberships of a file, weighed against the directory. A file adds; it takes nobody out of a group. */
import type { Writing } from '../journal.ts'
import type { Chance } from '../../shared/clock.ts'
import { membersKey, rowsFact } from '../../shared/facts.ts'
import type { GroupId } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'
import type { GroupRow, MembershipRow, RowError } from './csv.ts'
import type { DirectoryIndex } from './directory.ts'
import { newGroup, normalGroupName, recordColumn, recordGroups, withGroups } from './group-record.ts'
import { csvSource, same, withCsv, type RowChange, type Weighed } from './weighed.ts'

const kindWords = { user: 'people', device: 'devices' } as const

export const weighGroups = async (deps: { readonly chance: Chance }, write: Writing, rows: readonly GroupRow[]): Promise<Weighed> => {
  const held = new Map((await write.rows('groups')).map((group) => [normalGroupName(group.name), group]))
  const errors: RowError[] = []
  const changes: RowChange[] = []
  const put: Group[] = []
  const counts = { created: 0, changed: 0, unchanged: 0 }
  for (const { row, name, kind } of rows) {
    const before = held.get(normalGroupName(name))
    if (before === undefined) {
      counts.created += 1
      put.push(newGroup(deps.chance, name, kind, csvSource))
      const fields = [
        { field: 'name', before: '', after: name },
        { field: 'kind', before: '', after: kind },
      ]
      changes.push({ row, id: null, name, is: 'created', joinedBy: null, fields })
    } else if (before.kind !== kind)
      errors.push({
        row,
        field: 'kind',
        text: `${before.name} is a group of ${kindWords[before.kind]} already. Give the new group another name.`,
      })
    else {
      const next = { ...before, name, sources: withCsv(before.sources) }
      if (same(before, next)) counts.unchanged += 1
      else {
        counts.changed += 1
        put.push(next)
        const fields = [
          { field: 'name', before: before.name, after: name },
          { field: 'sources', before: before.sources.join(', '), after: next.sources.join(', ') },
        ].filter((field) => field.before !== field.after)
        changes.push({ row, id: before.id, name, is: 'changed', joinedBy: null, fields })
      }
    }
  }
  return {
    counts,
    errors,
    changes,
    keep: async () => {
      if (put.length > 0) await write.record(rowsFact('groups', put))
    },
  }
}

/** What a group is to hold once the rows so far are taken over. */
interface Wanted {
  readonly group: Group
  readonly ordinals: Set<number>
  readonly groups: Set<GroupId>
}

/**
 * `member` is a user name or serial number, or the name of a group of the same kind. One that could be either is a fault
 * of its row, since nobody could tell afterwards which was meant.
 */
export const weighMemberships = async (
  deps: { readonly directory: DirectoryIndex },
  write: Writing,
  rows: readonly MembershipRow[],
): Promise<Weighed> => {
  const all = await write.rows('groups')
  const groupByName = new Map(all.map((group) => [normalGroupName(group.name), group]))
  const groupById = new Map(all.map((group) => [group.id, group]))
  const wantedById = new Map<GroupId, Wanted>()
  const errors: RowError[] = []
  const changes: RowChange[] = []
  const counts = { created: 0, changed: 0, unchanged: 0 }

  const nestedIn = (id: GroupId): Iterable<GroupId> => wantedById.get(id)?.groups ?? groupById.get(id)?.groups ?? []
  const isWithin = (inner: GroupId, outer: GroupId): boolean => {
    const seen = new Set([outer])
    for (const id of seen) {
      if (id === inner) return true
      for (const each of nestedIn(id)) seen.add(each)
    }
    return false
  }
  const wantedFor = async (group: Group): Promise<Wanted> => {
    const held = wantedById.get(group.id)
    if (held !== undefined) return held
    const wanted = {
      group,
      ordinals: new Set((await write.columns(membersKey(group.id))).ordinals),
      groups: new Set(group.groups ?? []),
    }
    wantedById.set(group.id, wanted)
    return wanted
  }
  const add = <T>(set: Set<T>, each: T, { row, member }: MembershipRow, { id, name }: Group): void => {
    if (set.has(each)) counts.unchanged += 1
    else {
      set.add(each)
      counts.created += 1
      changes.push({ row, id, name, is: 'created', joinedBy: null, fields: [{ field: 'member', before: '', after: member }] })
    }
  }
  /** A file means the person; an account of theirs that is in the group already stays the one that is in it. */
  const meant = ({ kind }: Group, held: ReadonlySet<number>, ordinal: number): number =>
    kind === 'device' || held.has(ordinal) ? ordinal : deps.directory.personOf(ordinal)

  for (const one of rows) {
    const { row, group: name, member } = one
    const fault = (field: 'group' | 'member', text: string): void => void errors.push({ row, field, text })
    const group = groupByName.get(normalGroupName(name))
    if (group === undefined) {
      fault('group', `No group is called ${name}. Import groups first.`)
      continue
    }
    if (group.rule !== undefined) {
      fault('group', `Who is in ${group.name} follows from its rule. Change the rule, or choose another group.`)
      continue
    }
    const ordinal = deps.directory.ordinalOfKey(group.kind, member)
    const nested = groupByName.get(normalGroupName(member))
    if (ordinal !== undefined && nested !== undefined)
      fault(
        'member',
        `${member} is a ${group.kind === 'user' ? 'person' : 'device'} and a group as well, and it can’t be told which is meant. Rename the group.`,
      )
    else if (ordinal !== undefined) {
      const { ordinals } = await wantedFor(group)
      add(ordinals, meant(group, ordinals, ordinal), one, group)
    } else if (nested === undefined) {
      const what = group.kind === 'user' ? 'No person with the user name' : 'No device with the serial number'
      fault('member', `${what} ${member} is known, and no group of this name. Import ${group.kind}s first.`)
    } else if (nested.kind !== group.kind)
      fault(
        'member',
        `${nested.name} is a group of ${kindWords[nested.kind]}, and ${group.name} one of ${kindWords[group.kind]}. Nothing can be in both.`,
      )
    else if (isWithin(group.id, nested.id))
      fault(
        'member',
        nested.id === group.id
          ? `${group.name} can’t be a member of itself.`
          : `${group.name} is in ${nested.name} already, directly or through others. A group can’t contain itself.`,
      )
    else add((await wantedFor(group)).groups, nested.id, one, group)
  }
  return {
    counts,
    errors,
    changes,
    keep: async () => {
      const counted: Group[] = []
      for (const { group, ordinals, groups } of wantedById.values())
        counted.push(await recordColumn(write, withGroups({ ...group, sources: withCsv(group.sources) }, groups), ordinals))
      await recordGroups(write, counted)
    },
  }
}
