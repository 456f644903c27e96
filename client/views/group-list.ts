/** Groups as the list shows them. 5,000 are filtered in a few milliseconds; rows are drawn for the part that is looked at. */
import { ruleInWords } from '../../shared/group-rule.ts'
import type { PrincipalKind } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'

export interface GroupQuery {
  readonly text: string
  readonly of?: PrincipalKind
  readonly how?: 'rule' | 'hand' | 'source'
  readonly sort: 'name' | 'members'
  readonly turned: boolean
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** A rule, the hand or a file, or a directory that keeps it. */
export const howKept = ({ rule, sources }: Pick<Group, 'rule' | 'sources'>): 'rule' | 'hand' | 'source' =>
  rule !== undefined ? 'rule' : sources.every((source) => source === 'hand' || source === 'csv') ? 'hand' : 'source'

export const arrangeGroups = (groups: readonly Group[], { text, of, how, sort, turned }: GroupQuery): readonly Group[] => {
  const wanted = text.trim().toLowerCase()
  const found = groups.filter(
    (group) =>
      (of === undefined || group.kind === of) &&
      (how === undefined || howKept(group) === how) &&
      (wanted === '' ||
        group.name.toLowerCase().includes(wanted) ||
        (group.rule !== undefined && ruleInWords(group.rule).toLowerCase().includes(wanted))),
  )
  const byName = (a: Group, b: Group): number => collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1)
  const byMembers = (a: Group, b: Group): number =>
    b.memberCount - a.memberCount || (b.groups?.length ?? 0) - (a.groups?.length ?? 0) || byName(a, b)
  found.sort(sort === 'members' ? byMembers : byName)
  return turned ? found.reverse() : found
}
