/**
 * Nested groups: whose members count as members of which. A group that holds itself, directly or through others, is
 * walked once; a nested group that is not known, or holds the other kind, adds nobody.
 */
import type { GroupId } from './ids.ts'
import type { Group } from './principal.ts'

/** The groups as they are nested. Made anew when their records change. */
export interface GroupNesting {
  find(id: GroupId): Group | undefined
  /** The group itself and all that are nested in it, at any depth; empty for one that is not known. */
  within(id: GroupId): readonly GroupId[]
  /** The group itself and all in which it is nested, at any depth. */
  around(id: GroupId): readonly GroupId[]
}

export const nestingOf = (groups: readonly Group[]): GroupNesting => {
  const groupById = new Map(groups.map((group) => [group.id, group]))
  const parentsById = new Map<GroupId, GroupId[]>()
  for (const { id, kind, groups: nested } of groups)
    for (const child of nested ?? []) {
      if (groupById.get(child)?.kind !== kind) continue
      const parents = parentsById.get(child)
      if (parents === undefined) parentsById.set(child, [id])
      else parents.push(id)
    }
  const childrenOf = (id: GroupId): readonly GroupId[] => {
    const group = groupById.get(id)
    return group?.groups === undefined ? none : group.groups.filter((child) => groupById.get(child)?.kind === group.kind)
  }
  return {
    find: (id) => groupById.get(id),
    within: (id) => (groupById.has(id) ? walk(id, childrenOf) : none),
    around: (id) => walk(id, (each) => parentsById.get(each) ?? none),
  }
}

const none: readonly GroupId[] = []

const walk = (from: GroupId, next: (id: GroupId) => readonly GroupId[]): readonly GroupId[] => {
  const first = next(from)
  if (first.length === 0) return [from]
  const seen = new Set([from])
  // A set is walked in the order of insertion, also over what is added meanwhile.
  for (const id of seen) for (const each of id === from ? first : next(id)) seen.add(each)
  return [...seen]
}

/** Each of them once, ascending. One column is given back as it is. */
export const unionOf = (columns: readonly Uint32Array[]): Uint32Array => {
  const filled = columns.filter((column) => column.length > 0)
  if (filled.length <= 1) return filled[0] ?? new Uint32Array(0)
  let length = 0
  for (const column of filled) length += column.length
  const all = new Uint32Array(length)
  let at = 0
  for (const column of filled) {
    all.set(column, at)
    at += column.length
  }
  all.sort()
  let kept = 0
  for (let index = 0; index < length; index += 1) {
    const ordinal = all[index] as number
    if (index === 0 || ordinal !== all[kept - 1]) {
      all[kept] = ordinal
      kept += 1
    }
  }
  return all.slice(0, kept)
}
