/** Who would be in a rule-made group, by what this device knows: the same judgement as the server's. */
import type { GroupRule } from '../../shared/group-rule.ts'
import { principalKindOf, type PrincipalKind } from '../../shared/ids.ts'
import { displayNameOf, isUser, type Principal, type User } from '../../shared/principal.ts'
import { asksForOwner, ruleTester, ruleValuesOf } from '../../shared/rule-made.ts'
import type { DirectoryReader } from '../directory.ts'
import type { ChunkRead, Facts } from '../facts.ts'

export interface RuleMatch {
  readonly count: number
  /** The first few by the order in which they became known. */
  readonly some: readonly string[]
}

const mostNamed = 3

/** 100,000 principals take some 40 ms. */
export const ruleMatch = (
  { facts, directory }: { readonly facts: Facts; readonly directory: DirectoryReader },
  kind: PrincipalKind,
  rule: GroupRule,
): ChunkRead<RuleMatch> => {
  const run = facts.run('principals/')
  if (run.is === 'loading') return run
  const people = directory.people()
  if (people.is === 'loading') return people
  const holds = ruleTester(rule)
  const owners = asksForOwner(rule)
  const ownerOf = (principal: Principal): User | undefined => {
    if (!owners || isUser(principal) || principal.ownerId === null) return undefined
    const owner = people.value.find(principal.ownerId)
    return owner !== undefined && isUser(owner) ? owner : undefined
  }
  let count = 0
  const some: string[] = []
  for (const key of run.value) {
    const rows = facts.rows(key)
    if (rows.is === 'loading') return rows
    for (const principal of rows.value) {
      if (principalKindOf(principal.id) !== kind || !holds(ruleValuesOf(principal, ownerOf(principal)))) continue
      count += 1
      if (some.length < mostNamed) some.push(displayNameOf(principal))
    }
  }
  return { is: 'ready', value: { count, some } }
}
