/** Why one person or device has a seat of one license, or has none: the path to the verdict in words, from the facts on this device. */
import { fullTime } from '../parts/times.ts'
import { explainer, pathsIn, type Explanation, type Step } from '../../shared/explain.ts'
import { answerInWords, stepInWords, type StepNames } from '../../shared/explain-words.ts'
import { indexOfOrdinal, membersKey } from '../../shared/facts.ts'
import { nestingOf } from '../../shared/groups.ts'
import { ordinalOf, principalKindOf, targetOf, type LicenseId, type PrincipalId } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import type { Reconciled } from '../../shared/reconcile.ts'
import type { DirectoryReader, PrincipalName } from '../directory.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import type { Foretelling, LicenseState } from '../foretelling.ts'

export interface ExplanationLine {
  readonly step: Step
  readonly text: string
}

export interface ExplanationPage {
  readonly license: License
  readonly principal: PrincipalName
  readonly explanation: Explanation
  /** "Ana Ruiz has no seat of Keynote. …" */
  readonly answer: string
  readonly lines: readonly ExplanationLine[]
  /** Decided by an edit that the server has not taken. */
  readonly foretold: boolean
}

interface Looked {
  readonly facts: Facts
  readonly directory: DirectoryReader
  readonly foretelling: Foretelling
  now(): number
}

/** Undefined inside: there is no such license, or nobody of this id. */
export const explanationPage = (sources: Looked, licenseId: LicenseId, id: PrincipalId): ChunkRead<ExplanationPage | undefined> => {
  const { facts, directory, foretelling, now } = sources
  const read = foretelling.state(licenseId, now())
  const people = directory.people()
  const groups = facts.rows('groups')
  if (read.is === 'loading' || people.is === 'loading' || groups.is === 'loading') return { is: 'loading' }
  const state = read.value
  if (state === undefined) return { is: 'ready', value: undefined }
  const found = people.value.find(id)
  const explain = explainerOf(sources, state)
  if (explain.is === 'loading') return explain
  const explanation = explain.value(ordinalOf(id))
  if (found === undefined && explanation.verdict === undefined && !explanation.has) return { is: 'ready', value: undefined }
  const principal = people.value.nameOf(ordinalOf(id), principalKindOf(id))
  const names: StepNames = {
    product: state.license.product.name,
    target: (key) => directory.nameOfTarget(key).name,
    group: (group) => groups.value.find((row) => row.id === group)?.name ?? 'a group that is no longer known',
    principal: (ordinal) => people.value.nameOf(ordinal, principalKindOf(id)).name,
    when: (iso) => fullTime(iso, now()),
  }
  return {
    is: 'ready',
    value: {
      license: state.license,
      principal,
      explanation,
      answer: answerInWords(explanation, names),
      lines: explanation.steps.map((step) => ({ step, text: stepInWords(step, names) })),
      foretold: explanation.verdict !== undefined && state.standing.get(explanation.verdict.key)?.unsent === true,
    },
  }
}

type Explain = ReturnType<typeof explainer>
/** Made once for each state: it looks through all verdicts. */
const explainers = new WeakMap<Reconciled, Explain>()

const explainerOf = ({ facts }: Looked, state: LicenseState): ChunkRead<Explain> => {
  const held = explainers.get(state.reconciled)
  if (held !== undefined) return { is: 'ready', value: held }
  const groups = facts.rows('groups')
  if (groups.is === 'loading') return groups
  const nesting = nestingOf(groups.value)
  const ownByGroup = new Map<string, Uint32Array>()
  let loading = false
  for (const { key } of state.wishes) {
    const target = targetOf(key)
    const within = target.kind === 'group' ? nesting.within(target.id) : []
    // Of a group that holds no other everybody is an own member.
    if (within.length < 2) continue
    for (const group of within) {
      const columns = facts.columns(membersKey(group))
      if (columns.is === 'loading') loading = true
      else ownByGroup.set(group, columns.value.ordinals)
    }
  }
  if (loading) return { is: 'loading' }
  const made = explainer(
    state.input,
    state.reconciled,
    pathsIn(nesting, (group, ordinal) => {
      const own = ownByGroup.get(group)
      return own === undefined || indexOfOrdinal(own, ordinal) >= 0
    }),
  )
  explainers.set(state.reconciled, made)
  return { is: 'ready', value: made }
}
