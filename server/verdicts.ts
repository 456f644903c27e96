/** Verdicts and what led to them: the same reconcile that acts, asked for an explanation. Nothing here is kept. */
import type { DirectoryIndex } from './directory/directory.ts'
import type { FactReader } from './facts.ts'
import type { NamedPrincipal, PrincipalNames } from './principals.ts'
import { groupsIn, weighLicense } from './weighing.ts'
import type { Because, PlacedWish, Verdict, VerdictState } from '../shared/assignment.ts'
import { becauseInWords } from '../shared/assignment.ts'
import { explainer, pathsIn, type Explanation, type PathOf, type Step } from '../shared/explain.ts'
import { stepInWords, type StepNames } from '../shared/explain-words.ts'
import { indexOfOrdinal, membersKey, wishesKey } from '../shared/facts.ts'
import { nestingOf } from '../shared/groups.ts'
import { assignmentIdOf, targetOf, type AssignmentId, type GroupId, type TargetKey } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import { displayNameOf } from '../shared/principal.ts'
import { reconcile, type Reconciled, type ReconcileInput } from '../shared/reconcile.ts'

export interface ExplainDeps {
  readonly facts: FactReader
  readonly directory: DirectoryIndex
  readonly now: number
}

/** What reconcile weighs for this license now; with `wishes` given, for those instead of the ones that stand. */
export const reconcileInputOf = async (
  { facts, directory, now }: ExplainDeps,
  license: License,
  wishes?: readonly PlacedWish[],
): Promise<ReconcileInput> => {
  await directory.prepare(groupsIn(wishes ?? (await facts.rows(wishesKey(license.id)))))
  const registrations = await directory.registrationsAt(license.connectorId)
  return await weighLicense(facts, license, { directory, registrations }, now, wishes)
}

/** One step on the way to a verdict, in the order in which they were weighed. Its codes are those of shared/explain.ts. */
export interface PathStep {
  readonly code: Step['code']
  readonly text: string
  readonly assignmentId?: AssignmentId
  /** Of an assignment: it is the one that decided. */
  readonly decides?: boolean
  readonly orderId?: string
}

export interface Explained {
  readonly principal: NamedPrincipal
  readonly state: VerdictState
  readonly because: Because & { readonly text: string }
  readonly path: readonly PathStep[]
}

export interface LicenseExplanation {
  readonly input: ReconcileInput
  readonly reconciled: Reconciled
  /** Paths are made for these alone: they are many, and a page shows few. */
  explain(verdicts: readonly Verdict[]): Promise<readonly Explained[]>
}

export const explain = async (deps: ExplainDeps, names: PrincipalNames, license: License): Promise<LicenseExplanation> => {
  const input = await reconcileInputOf(deps, license)
  const reconciled = reconcile(input)
  return {
    input,
    reconciled,
    explain: async (verdicts) => {
      const explainOne = explainer(input, reconciled, await nestingPaths(deps.facts, input))
      const explanations = verdicts.map(({ ordinal }) => explainOne(ordinal))
      const words = await stepNames(deps.facts, names, license, explanations)
      const explained: Explained[] = []
      for (const [at, { steps }] of explanations.entries()) {
        const verdict = verdicts[at] as Verdict
        explained.push({
          principal: await names.of(verdict.ordinal),
          state: verdict.state,
          because: { ...verdict.because, text: becauseInWords(verdict.because) },
          path: steps.map((step) => pathStep(step, license, words)),
        })
      }
      return explained
    },
  }
}

/** With their place in the order of serving, from 1. */
export const verdictInOrder = (verdicts: readonly Verdict[]): readonly { readonly verdict: Verdict; readonly at: number }[] =>
  verdicts.map((verdict, at) => ({ verdict, at: at + 1 }))

const pathStep = (step: Step, license: License, names: StepNames): PathStep => ({
  code: step.code,
  text: stepInWords(step, names),
  ...(step.code === 'assignment'
    ? { assignmentId: assignmentIdOf(license.id, step.placed.key), decides: step.yields === undefined }
    : step.code === 'order' || step.code === 'failure'
      ? { orderId: step.order.id }
      : {}),
})

/** Through which nested groups somebody is in a group that a wish names. Columns are read only where groups nest. */
const nestingPaths = async (facts: FactReader, { wishes }: ReconcileInput): Promise<PathOf> => {
  const nesting = nestingOf(await facts.rows('groups'))
  const ownByGroup = new Map<GroupId, Uint32Array>()
  for (const named of groupsIn(wishes)) {
    const within = nesting.within(named)
    if (within.length > 1)
      for (const group of within) if (!ownByGroup.has(group)) ownByGroup.set(group, (await facts.columns(membersKey(group))).ordinals)
  }
  return pathsIn(nesting, (group, ordinal) => {
    const own = ownByGroup.get(group)
    return own === undefined || indexOfOrdinal(own, ordinal) >= 0
  })
}

const stepNames = async (
  facts: FactReader,
  names: PrincipalNames,
  license: License,
  explanations: readonly Explanation[],
): Promise<StepNames> => {
  const steps = explanations.flatMap((one) => one.steps)
  const keys = steps.flatMap((step) =>
    step.code === 'assignment' || step.code === 'owner' ? [step.placed.key] : step.code === 'free-seats' ? step.heldFor : [],
  )
  const nameByKey = await targetNames(facts, names, [...new Set(keys)])
  const nameByOrdinal = new Map<number, string>()
  for (const step of steps)
    for (const ordinal of step.code === 'queue' ? step.ahead : step.code === 'owner' ? [step.owner] : []) {
      const found = nameByOrdinal.has(ordinal) ? undefined : await names.find(ordinal)
      if (found !== undefined) nameByOrdinal.set(ordinal, displayNameOf(found))
    }
  const groupName = new Map((await facts.rows('groups')).map(({ id, name }) => [id, name]))
  return {
    product: license.product.name,
    target: (key) => nameByKey.get(key) ?? key,
    group: (id) => groupName.get(id) ?? 'a group that is no longer known',
    principal: (ordinal) => nameByOrdinal.get(ordinal) ?? String(ordinal),
    when: (iso) => iso,
  }
}

/** What people call the targets of assignments. */
export const targetNames = async (
  facts: FactReader,
  names: PrincipalNames,
  keys: readonly TargetKey[],
): Promise<ReadonlyMap<TargetKey, string>> => {
  const groups = new Map((await facts.rows('groups')).map((group) => [group.id, group.name]))
  const nameByKey = new Map<TargetKey, string>()
  for (const key of keys) {
    const target = targetOf(key)
    switch (target.kind) {
      case 'all-users':
        nameByKey.set(key, 'All people')
        break
      case 'all-devices':
        nameByKey.set(key, 'All devices')
        break
      case 'group':
        nameByKey.set(key, groups.get(target.id) ?? 'A group that is no longer known')
        break
      case 'user':
      case 'device': {
        const ordinal = Number(target.id.slice(1))
        nameByKey.set(key, (await names.find(ordinal)) === undefined ? target.id : (await names.of(ordinal)).name)
      }
    }
  }
  return nameByKey
}
