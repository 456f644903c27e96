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
