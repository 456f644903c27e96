/** What a wanted set of assignments would come to, by the same reconcile that acts. Nothing is kept. */
import type { PlacedWish } from '../shared/assignment.ts'
import { kindsGiven, unsent, wishRefused } from '../shared/assignment.ts'
import { kindOfTarget, type GroupId, type PrincipalKind, type TargetKey } from '../shared/ids.ts'
import { reconcile, type ReconcileInput, type Reconciled } from '../shared/reconcile.ts'
import { ordinalsOf } from '../shared/touching.ts'
import type { WantedWish } from './assignments.ts'
import { reconcileInputOf, type ExplainDeps } from './verdicts.ts'
import { groupsIn } from './weighing.ts'
import type { License } from '../shared/license.ts'

export interface WantedAssignment {
  readonly key: TargetKey
  readonly wish: WantedWish
}

export interface Conflict {
  readonly key: TargetKey
  readonly ordinal: number | null
  readonly code: string
}

/** Ordinals, in the order of serving. */
export interface Preview {
  /** Would get a seat. */
  readonly gain: readonly number[]
  /** Would give a seat back. */
  readonly lose: readonly number[]
  /** Would wait, since no seat is left or none can be asked for. */
  readonly short: readonly number[]
  /** Of those who gain: could never give it back. */
  readonly irreversible: readonly number[]
  /** Assignments that can't stand, people whom two assignments want different things for, and people who can't be served. */
  readonly conflicts: readonly Conflict[]
}

/** `wanted` is the whole set: what stands now and is not in it counts as removed, its seats given back. */
export const preview = async (deps: ExplainDeps, license: License, wanted: readonly WantedAssignment[]): Promise<Preview> => {
  const now = await reconcileInputOf(deps, license)
  const standing = new Map(now.wishes.map((placed) => [placed.key, placed]))
  const wantedKeys = new Set(wanted.map(({ key }) => key))
  const wishes: PlacedWish[] = wanted.map(({ key, wish }, at) => {
    const placed = standing.get(key)
    const rev = (placed?.wish.rev ?? 0) + 1
    // One that stands keeps its place in the order of serving.
    return { key, wish: { ...wish, rev }, note: '', by: '', at: '', taken: placed?.taken ?? unsent - wanted.length + at }
  })
  for (const placed of now.wishes)
    if (!wantedKeys.has(placed.key))
      wishes.push(
        placed.wish.mode === 'removed' ? placed : { ...placed, wish: { mode: 'removed', seats: 'release', rev: placed.wish.rev + 1 } },
      )
  await deps.directory.prepare(groupsIn(wishes))
  const groupKinds = new Map((await deps.facts.rows('groups')).map((group) => [group.id, group.kind]))
  const before = reconcile(now)
  const afterInput: ReconcileInput = { ...now, wishes }
  const after = reconcile(afterInput)

  const gain = [...after.steps.associate, ...after.steps.register]
  const lose = after.steps.disassociate
  const short = after.verdicts
    .filter(({ state, because }) => state === 'waiting' && because.code !== 'starts-later')
    .map(({ ordinal }) => ordinal)
  return {
    gain,
    lose,
    short,
    irreversible: license.revocable ? [] : gain,
    conflicts: [...impossibleWishes(license, wanted, groupKinds), ...atOdds(afterInput, before, after)],
  }
}

const impossibleWishes = (
  license: License,
  wanted: readonly WantedAssignment[],
  groupKinds: ReadonlyMap<GroupId, PrincipalKind>,
): readonly Conflict[] =>
  wanted.flatMap(({ key, wish }) => {
    const kind = kindOfTarget(key, groupKinds)
    if (kind === undefined) return [{ key, ordinal: null, code: 'target-unknown' }]
    const included = kindsGiven(wanted, (target) => kindOfTarget(target, groupKinds))
    const code = wishRefused(license, kind, { ...wish, rev: 1 }, true, included)
    return code === undefined ? [] : [{ key, ordinal: null, code }]
  })

/** People touched by assignments of both minds, and people who are refused now and were not before. */
const atOdds = (input: ReconcileInput, before: Reconciled, after: Reconciled): readonly Conflict[] => {
  const gives = new Set<number>()
  const takes = new Set<number>()
  for (const { key, wish } of input.wishes) {
    if (wish.mode === 'removed') continue
    const side = wish.mode === 'include' && wish.intent !== 'uninstall' ? gives : takes
    for (const ordinal of ordinalsOf(key, input.directory)) side.add(ordinal)
  }
  const refusedBefore = new Set(before.verdicts.filter(({ state }) => state === 'refused').map(({ ordinal }) => ordinal))
  return after.verdicts.flatMap(({ ordinal, key, state, because }) => {
    if (gives.has(ordinal) && takes.has(ordinal)) return [{ key, ordinal, code: 'included-and-excluded' }]
    return state === 'refused' && !refusedBefore.has(ordinal) ? [{ key, ordinal, code: because.code }] : []
  })
}
