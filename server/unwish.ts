/** What the plan must say so that nobody asks for certain seats again: for acts that take seats back by hand. */
import type { DirectoryIndex } from './directory/directory.ts'
import type { FactReader } from './facts.ts'
import { groupsIn } from './weighing.ts'
import { wishesKey } from '../shared/facts.ts'
import { principalIdOf, targetOf, type LicenseId, type PrincipalKind, type TargetKey } from '../shared/ids.ts'
import type { PlanIntent } from '../shared/plan.ts'
import { ordinalsOf } from '../shared/touching.ts'

/**
 * The assignment of that very person or device is removed; one who is asked for as a member of a group is excluded. One
 * for whom nobody asks needs nothing.
 */
export const unwish = async (
  deps: { readonly facts: FactReader; readonly directory: DirectoryIndex },
  license: LicenseId,
  ordinals: readonly number[],
): Promise<readonly PlanIntent[]> => {
  const { facts, directory } = deps
  const wishes = await facts.rows(wishesKey(license))
  await directory.prepare(groupsIn(wishes))
  const revByKey = new Map(wishes.map(({ key, wish }) => [key, wish.rev]))
  const membersByKey = new Map(wishes.map(({ key }) => [key, new Set(ordinalsOf(key, directory))]))
  const intents: PlanIntent[] = []
  for (const ordinal of ordinals) {
    const kind: PrincipalKind = directory.principal(ordinal)?.kind ?? 'device'
    const own = principalIdOf(kind, ordinal) as string as TargetKey
    const touching = wishes.filter(({ key, wish }) => wish.mode !== 'removed' && membersByKey.get(key)?.has(ordinal) === true)
    if (!touching.some(({ wish }) => wish.mode === 'include' && wish.intent !== 'uninstall')) continue
    if (touching.some(({ wish }) => wish.mode === 'exclude')) continue
    const baseRev = revByKey.get(own) ?? 0
    const byGroup = touching.some(({ key }) => targetOf(key).kind !== 'user' && targetOf(key).kind !== 'device')
    const wish = byGroup
      ? ({ mode: 'exclude', intent: 'required', licenseType: kind, rev: baseRev + 1 } as const)
      : ({ mode: 'removed', seats: 'release', rev: baseRev + 1 } as const)
    intents.push({ part: 'wish', target: own, wish, baseRev, confirmed: false })
  }
  return intents
}
