/** Verdicts and what led to them: the same reconcile that acts, asked for an explanation. Nothing here is kept. */
import type { DirectoryIndex } from './directory/directory.ts'
import type { FactReader } from './facts.ts'
import type { NamedPrincipal, PrincipalNames } from './principals.ts'
import { groupsIn, weighLicense } from './weighing.ts'
import type { Because, PlacedWish, Verdict, VerdictState } from '../shared/assignment.ts'
import { becauseInWords } from '../shared/assignment.ts'
import { indexOfOrdinal, seatAt, wishesKey } from '../shared/facts.ts'
import { assignmentIdOf, targetOf, type AssignmentId, type TargetKey } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import { reconcile, type Reconciled, type ReconcileInput } from '../shared/reconcile.ts'
import { freeSeats } from '../shared/serving.ts'
import { ordinalsOf } from '../shared/touching.ts'
import { isoTime } from '../shared/clock.ts'

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

/** One step on the way to a verdict, in the order in which they were weighed. */
export interface PathStep {
  readonly code: 'assignment' | 'seat' | 'no-seat' | 'order' | 'failure' | 'free-seats' | 'verdict'
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

export interface Explanation {
  readonly input: ReconcileInput
  readonly reconciled: Reconciled
  /** Paths are made for these alone: they are many, and a page shows few. */
  explain(verdicts: readonly Verdict[]): Promise<readonly Explained[]>
}

export const explain = async (deps: ExplainDeps, names: PrincipalNames, license: License): Promise<Explanation> => {
  const input = await reconcileInputOf(deps, license)
  const reconciled = reconcile(input)
  return {
    input,
    reconciled,
    explain: async (verdicts) => {
      const membersByKey = new Map(input.wishes.map(({ key }) => [key, new Set(ordinalsOf(key, input.directory))]))
      const nameByKey = await targetNames(
        deps.facts,
        names,
        input.wishes.map(({ key }) => key),
      )
      const explained: Explained[] = []
      for (const verdict of verdicts)
        explained.push({
          principal: await names.of(verdict.ordinal),
          state: verdict.state,
          because: { ...verdict.because, text: becauseInWords(verdict.because) },
          path: pathTo(input, verdict, membersByKey, nameByKey),
        })
      return explained
    },
  }
}

/** With their place in the order of serving, from 1. */
export const verdictInOrder = (verdicts: readonly Verdict[]): readonly { readonly verdict: Verdict; readonly at: number }[] =>
  verdicts.map((verdict, at) => ({ verdict, at: at + 1 }))

const pathTo = (
  input: ReconcileInput,
  verdict: Verdict,
  membersByKey: ReadonlyMap<TargetKey, ReadonlySet<number>>,
  nameByKey: ReadonlyMap<TargetKey, string>,
): readonly PathStep[] => {
  const { license, seats, orders } = input
  const path: PathStep[] = []
  // 1. The assignments that touch this principal, the first taken first.
  for (const placed of [...input.wishes].sort((a, b) => a.taken - b.taken)) {
    if (membersByKey.get(placed.key)?.has(verdict.ordinal) !== true) continue
    path.push({
      code: 'assignment',
      text: `${nameByKey.get(placed.key) ?? placed.key}: ${wishInWords(placed)}, by ${placed.by} at ${placed.at}`,
      assignmentId: assignmentIdOf(license.id, placed.key),
      decides: placed.key === verdict.key,
    })
  }
  // 2. The seat that is there.
  const at = indexOfOrdinal(seats.ordinals, verdict.ordinal)
  if (at < 0) path.push({ code: 'no-seat', text: `Holds no seat of ${license.product.name}, as of ${license.asOf}` })
  else {
    const seat = seatAt(seats, at)
    path.push({
      code: 'seat',
      text: `Holds a seat since ${isoTime(seat.sinceS * 1000)}, ${seat.origin === 'assignment' ? 'placed by an assignment' : 'found at the store'}`,
    })
  }
  // 3. What was asked of the store, and what it said.
  for (const order of orders) {
    if (order.open.includes(verdict.ordinal))
      path.push({ code: 'order', text: `Order ${order.id} (${order.action}) is ${order.state}`, orderId: order.id })
    for (const failure of order.failures)
      if (failure.ordinal === verdict.ordinal) path.push({ code: 'failure', text: failure.text, orderId: order.id })
  }
  // 4. What is left, where that is the question.
  if (verdict.state === 'waiting' || verdict.because.code === 'order-to-come') {
    const coming = new Map(orders.filter(({ action }) => action === 'associate').flatMap(({ open }) => open.map((one) => [one, true])))
    const free = freeSeats(license, seats, coming)
    path.push({
      code: 'free-seats',
      text: Number.isFinite(free) ? `${free} seats are free to be asked for, as of ${license.asOf}` : 'The store sets no limit',
    })
  }
  path.push({ code: 'verdict', text: becauseInWords(verdict.because) })
  return path
}

const wishInWords = ({ wish }: PlacedWish): string => {
  switch (wish.mode) {
    case 'removed':
      return `removed, seats ${wish.seats === 'keep' ? 'kept as found' : 'to be given back'}`
    case 'exclude':
      return 'excluded'
    case 'include':
      return `${wish.intent}, by ${wish.licenseType}`
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
