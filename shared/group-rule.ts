/**
 * Rule-made groups: who is in follows from what is known of each. One list of conditions, all or any of which must hold.
 * The server alone fills them; a browser sees their members as it sees those of any group.
 */
import type { PrincipalKind } from './ids.ts'

export const userFields = ['userName', 'displayName', 'email', 'department', 'source'] as const
export const deviceFields = ['serialNumber', 'name', 'platform', 'model', 'source', 'owner', 'ownerDepartment'] as const
export type RuleField = (typeof userFields)[number] | (typeof deviceFields)[number]

export const ruleTests = ['is', 'is-not', 'begins', 'ends', 'contains'] as const
export type RuleTest = (typeof ruleTests)[number]

export interface RuleCondition {
  readonly field: RuleField
  readonly test: RuleTest
  /** Compared without regard to case or outer blanks. `owner` is a user name; empty: nobody. */
  readonly value: string
}

export interface GroupRule {
  readonly match: 'all' | 'any'
  /** Never empty: a rule without conditions would take everybody in by accident. */
  readonly conditions: readonly RuleCondition[]
}

export const mostConditions = 20
export const mostConditionCharacters = 256

export const fieldsOf = (kind: PrincipalKind): readonly RuleField[] => (kind === 'user' ? userFields : deviceFields)

/** What is wrong with a rule: which condition, from 0, or the rule as a whole; and which part of it. */
export type RuleFault =
  | { readonly is: 'no-conditions' }
  | { readonly is: 'too-many-conditions' }
  | { readonly is: 'field-of-other-kind'; readonly at: number; readonly field: RuleField }
  | { readonly is: 'value-too-long'; readonly at: number }
  /** Every text begins with nothing, ends with it and contains it. */
  | { readonly is: 'value-empty'; readonly at: number }

export const ruleFaultOf = (kind: PrincipalKind, { conditions }: GroupRule): RuleFault | undefined => {
  if (conditions.length === 0) return { is: 'no-conditions' }
  if (conditions.length > mostConditions) return { is: 'too-many-conditions' }
  const fields: ReadonlySet<RuleField> = new Set(fieldsOf(kind))
  for (const [at, { field, test, value }] of conditions.entries()) {
    if (!fields.has(field)) return { is: 'field-of-other-kind', at, field }
    if (value.length > mostConditionCharacters) return { is: 'value-too-long', at }
    if (value.trim() === '' && test !== 'is' && test !== 'is-not') return { is: 'value-empty', at }
  }
  return undefined
}

export const ruleFaultInWords = (fault: RuleFault): string => {
  switch (fault.is) {
    case 'no-conditions':
      return 'A rule needs at least one condition: without any, everybody would be in.'
    case 'too-many-conditions':
      return `A rule has at most ${mostConditions} conditions.`
    case 'field-of-other-kind':
      return `Condition ${fault.at + 1} asks for ${fieldWords[fault.field].toLowerCase()}, which is not known of members of this kind.`
    case 'value-too-long':
      return `The text of condition ${fault.at + 1} is longer than ${mostConditionCharacters} characters.`
    case 'value-empty':
      return `Condition ${fault.at + 1} has no text to compare with, so everybody would be in.`
  }
}

export const fieldWords: Readonly<Record<RuleField, string>> = {
  userName: 'User name',
  displayName: 'Display name',
  email: 'Mail address',
  department: 'Department',
  source: 'Source',
  serialNumber: 'Serial number',
  name: 'Name',
  platform: 'Platform',
  model: 'Model',
  owner: 'Owner',
  ownerDepartment: 'Department of the owner',
}

export const testWords: Readonly<Record<RuleTest, string>> = {
  is: 'is',
  'is-not': 'is not',
  begins: 'begins with',
  ends: 'ends with',
  contains: 'contains',
}

/** `Department is “Nursing” and mail address ends with “@ward.example”.` */
export const ruleInWords = ({ match, conditions }: GroupRule): string => {
  const parts = conditions.map(({ field, test, value }, at) => {
    const word = at === 0 ? fieldWords[field] : fieldWords[field].toLowerCase()
    return `${word} ${testWords[test]} ${value.trim() === '' ? 'empty' : `“${value.trim()}”`}`
  })
  return `${parts.join(match === 'all' ? ' and ' : ' or ')}.`
}
