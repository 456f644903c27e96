/** Who is in a group, with those of nested groups and the way that leads to them. */
import type { FactReader } from '../facts.ts'
import { indexOfOrdinal, membersKey } from '../../shared/facts.ts'
import { nestingOf, unionOf, type GroupNesting } from '../../shared/groups.ts'
import type { GroupId } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'

/** With the members of nested groups, each once; null where to count them takes too long for a list. */
export interface CountedGroup extends Group {
  readonly transitiveMemberCount: number | null
}

export interface MembersOfGroup {
  /** Ascending. */
  readonly ordinals: Uint32Array
  /** The nested groups that lead to a member, from the outermost; empty for one of the group's own. A shortest way. */
  pathTo(ordinal: number): readonly Group[]
}

export interface GroupReading {
  counted(group: Group): Promise<CountedGroup>
  /** For a page of a list: as far as the counts take little work. */
  countedCheaply(groups: readonly Group[]): Promise<readonly CountedGroup[]>
  members(group: Group, transitive: boolean): Promise<MembersOfGroup>
}

/** For a whole page: nested groups read, and their members together. */
const mostGroupsPerPage = 500
const mostMembersPerPage = 500_000

/** Reads the nesting once: make one for each answer. */
export const createGroupReading = (facts: FactReader): GroupReading => {
  let read: Promise<GroupNesting> | undefined
  const nesting = (): Promise<GroupNesting> => (read ??= facts.rows('groups').then(nestingOf))
  const ordinalsOf = async (id: GroupId): Promise<Uint32Array> => (await facts.columns(membersKey(id))).ordinals
  const unionWithin = async (ids: readonly GroupId[]): Promise<Uint32Array> => {
    const columns: Uint32Array[] = []
    for (const id of ids) columns.push(await ordinalsOf(id))
    return unionOf(columns)
  }
  const counted = async (group: Group): Promise<CountedGroup> => ({
    ...group,
    transitiveMemberCount: group.groups === undefined ? group.memberCount : (await unionWithin((await nesting()).within(group.id))).length,
  })

  return {
    counted,
    countedCheaply: async (groups) => {
      let groupsLeft = mostGroupsPerPage
      let membersLeft = mostMembersPerPage
      const result: CountedGroup[] = []
      for (const group of groups) {
        if (group.groups === undefined) {
          result.push({ ...group, transitiveMemberCount: group.memberCount })
          continue
        }
        const { within, find } = await nesting()
        const ids = groupsLeft > 0 ? within(group.id) : []
        const members = ids.reduce((sum, id) => sum + (find(id)?.memberCount ?? 0), 0)
        const isCheap = ids.length > 0 && ids.length <= groupsLeft && members <= membersLeft
        if (isCheap) {
          groupsLeft -= ids.length
          membersLeft -= members
        }
        result.push(isCheap ? await counted(group) : { ...group, transitiveMemberCount: null })
      }
      return result
    },
    members: async (group, transitive) => {
      if (!transitive || group.groups === undefined) return { ordinals: await ordinalsOf(group.id), pathTo: () => [] }
      const { find, within } = await nesting()
      // `within` goes outwards level by level, so the first group that holds a member is one of the nearest.
      const ids = within(group.id)
      const cameFrom = new Map<GroupId, GroupId>()
      for (const id of ids)
        for (const inner of find(id)?.groups ?? []) if (inner !== group.id && !cameFrom.has(inner)) cameFrom.set(inner, id)
      const columns = new Map<GroupId, Uint32Array>()
      for (const id of ids) columns.set(id, await ordinalsOf(id))
      return {
        ordinals: unionOf([...columns.values()]),
        pathTo: (ordinal) => {
          const holder = ids.find((id) => indexOfOrdinal(columns.get(id) ?? new Uint32Array(), ordinal) >= 0)
          const path: Group[] = []
          for (let at = holder; at !== undefined && at !== group.id; at = cameFrom.get(at)) {
            const each = find(at)
            if (each !== undefined) path.unshift(each)
          }
          return path
        },
      }
    },
  }
}
