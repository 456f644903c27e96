/** Whether a principal is in a rule-made group. */
import type { GroupRule, RuleField, RuleTest } from './group-rule.ts'
import { isUser, type Principal, type User } from './principal.ts'

const plain = (text: string): string => text.trim().toLowerCase()

/** What rules ask of one principal, ready to be compared: read once for any number of rules. */
export interface RuleValues {
  readonly left: boolean
  of(field: RuleField): readonly string[]
}

/** `owner` is the person a device belongs to. */
export const ruleValuesOf = (principal: Principal, owner: User | undefined): RuleValues => {
  const read: Partial<Record<RuleField, readonly string[]>> = {}
  return {
    left: principal.left !== null,
    of: (field) => (read[field] ??= valuesOf(field, principal, owner).map(plain)),
  }
}

/** A rule made ready for many principals. Who has left is in no rule-made group. */
export const ruleTester = (rule: GroupRule): ((values: RuleValues) => boolean) => {
  const tests = rule.conditions.map(({ field, test, value }) => {
    const holds = conditionTests[test]
    const wanted = plain(value)
    return (values: RuleValues): boolean => holds(values.of(field), wanted)
  })
  return rule.match === 'all'
    ? (values) => !values.left && tests.length > 0 && tests.every((holds) => holds(values))
    : (values) => !values.left && tests.some((holds) => holds(values))
}

export const meetsRule = (rule: GroupRule, principal: Principal, owner: User | undefined): boolean =>
  ruleTester(rule)(ruleValuesOf(principal, owner))

/** Whether somebody else's record, the owner's, has a say in who is in. */
export const asksForOwner = (rule: GroupRule): boolean =>
  rule.conditions.some(({ field }) => field === 'owner' || field === 'ownerDepartment')

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
      return owner === undefined ? [''] : [owner.userName, ...(owner.otherNames ?? [])]
    case 'ownerDepartment':
      return [owner?.department ?? '']
    default:
      return []
  }
}

const conditionTests: Readonly<Record<RuleTest, (values: readonly string[], wanted: string) => boolean>> = {
  is: (values, wanted) => values.includes(wanted),
  'is-not': (values, wanted) => values.length > 0 && !values.includes(wanted),
  begins: (values, wanted) => values.some((each) => each.startsWith(wanted)),
  ends: (values, wanted) => values.some((each) => each.endsWith(wanted)),
  contains: (values, wanted) => values.some((each) => each.includes(wanted)),
}
