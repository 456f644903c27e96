/** Groups in words: how many are in one, and who keeps it. */
import { counted } from '../parts/figures.ts'
import type { Group } from '../../shared/principal.ts'

/** "38 devices", "38 devices, and 2 groups", "2 groups". Those of nested groups are not among the first. */
export const groupCounted = ({ kind, memberCount, groups = [] }: Pick<Group, 'kind' | 'memberCount' | 'groups'>): string => {
  const own = kind === 'user' ? counted(memberCount, 'person', 'people') : counted(memberCount, 'device', 'devices')
  if (groups.length === 0) return own
  const nested = counted(groups.length, 'group', 'groups')
  return memberCount === 0 ? nested : `${own}, and ${nested}`
}

/** "Group, 38 devices", "Group by rule, 38 devices". */
export const groupDetail = (group: Group): string => `${group.rule === undefined ? 'Group' : 'Group by rule'}, ${groupCounted(group)}`
