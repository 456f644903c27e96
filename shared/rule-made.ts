/** Whether a principal is in a rule-made group. */
import type { GroupRule, RuleCondition, RuleField } from './group-rule.ts'
import { isUser, type Principal, type User } from './principal.ts'

const plain = (text: string): string => text.trim().toLowerCase()

/** Who has left is in no rule-made group. `owner` is the person a device belongs to. */
export const meetsRule = (rule: GroupRule, principal: Principal, owner: User | undefined): boolean => {
  if (principal.left !== null) return false
  const meets = (condition: RuleCondition): boolean => meetsCondition(condition, valuesOf(condition.field, principal, owner))
  return rule.match === 'all' ? rule.conditions.every(meets) : rule.conditions.some(meets)
}

const valuesOf = (field: RuleField, principal: Principal, owner: User | undefined): readonly string[] => {
  if (field === 'source') return principal.sources
  if (isUser(principal)) {
    switch (field) {
      case 'userName':
        return [principal.userName, ...(principal.otherNames ?? [])]
      case 'displayName':
      case 'email':
      case 'department':
        return [principal[field]]
      default:
        return []
    }
  }
  switch (field) {
    case 'serialNumber':
    case 'name':
    case 'platform':
    case 'model':
      return [principal[field]]
    case 'owner':
      return [owner?.userName ?? '']
    case 'ownerDepartment':
      return [owner?.department ?? '']
    default:
      return []
  }
}

const meetsCondition = ({ test, value }: RuleCondition, values: readonly string[]): boolean => {
  const wanted = plain(value)
  switch (test) {
    case 'is':
      return values.some((each) => plain(each) === wanted)
    case 'is-not':
      return values.length > 0 && values.every((each) => plain(each) !== wanted)
    case 'begins':
      return values.some((each) => plain(each).startsWith(wanted))
    case 'ends':
      return values.some((each) => plain(each).endsWith(wanted))
    case 'contains':
      return values.some((each) => plain(each).includes(wanted))
  }
}
