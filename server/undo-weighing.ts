/** What undoing an order means for one license: in the plan, and for each seat. Pure but for the directory it is given. */
import type { OrderFound } from './order-rows.ts'
import { sameWish, termsOf, unsent, type PlacedWish, type Wish } from '../shared/assignment.ts'
import { indexOfOrdinal } from '../shared/facts.ts'
import { principalIdOf, targetKeyOf, targetOf, type LicenseId, type TargetKey } from '../shared/ids.ts'
import type { LicenseOrder, Order } from '../shared/order.ts'
import type { PlanIntent } from '../shared/plan.ts'
import { reconcile, type ReconcileInput } from '../shared/reconcile.ts'
import { ordinalsOf, type Members } from '../shared/touching.ts'
import type { Obstacle, UndoTarget } from '../shared/undo.ts'

export interface SeatsUndo {
  readonly license: LicenseId
  readonly intents: readonly PlanIntent[]
  readonly targets: readonly UndoTarget[]
  readonly alsoTaken: number
}

export interface Targets {
  readonly targets: readonly UndoTarget[]
  /** Those for whom a wish does it: its order is planned as reconcile would plan it. */
  readonly byWish: readonly number[]
  /** Those whom no wish names. */
  readonly byHand: readonly number[]
}

// ---- The plan ----

/**
 * The assignments that asked for these seats are removed. One whose day is still to come asked for none, and an offer asks
 * for none itself: it would be taken from everybody for one person's seat.
 */
export const intentsOf = (
  order: Order,
  standing: readonly PlacedWish[],
  ordinals: readonly number[],
  directory: Members,
  now: number,
): readonly PlanIntent[] => {
  if (order.cause !== 'plan') return []
  const wanted = new Set(ordinals)
  return standing
    .filter(
      ({ key, wish }) =>
        wish.mode === 'include' && wish.intent === 'required' && hasBegun(wish, now) && some(ordinalsOf(key, directory), wanted),
    )
    .map(({ key, wish }) => intent(key, { mode: 'removed', seats: 'release', rev: wish.rev + 1 }, wish.rev))
}

const hasBegun = (wish: Wish, now: number): boolean => {
  const { startsAt } = termsOf(wish)
  return startsAt === null || Date.parse(startsAt) <= now
}

const some = (ordinals: Iterable<number>, wanted: ReadonlySet<number>): boolean => {
  for (const ordinal of ordinals) if (wanted.has(ordinal)) return true
  return false
}

/** What was changed in the plan for the order's sake is set back, where nobody has changed it since. */
export const restoring = (
  license: LicenseId,
  standing: readonly PlacedWish[],
  { plan = [] }: OrderFound,
  ordinals: readonly number[],
): readonly PlanIntent[] => {
  const wanted = new Set(ordinals)
  const wishByKey = new Map(standing.map(({ key, wish }) => [key, wish]))
  return plan.flatMap(({ license: of, target, before, after }): readonly PlanIntent[] => {
    const about = targetOf(target)
    if (of !== license || (about.kind !== 'user' && about.kind !== 'device') || !wanted.has(Number(about.id.slice(1)))) return []
    const now = wishByKey.get(target)
    // A removal whose work was done is gone from the wishes.
    if (now === undefined ? after.mode !== 'removed' : !sameWish(now, after)) return []
    const rev = now?.rev ?? 0
    return before === null || before.mode === 'removed'
      ? now === undefined
        ? []
        : [intent(target, { mode: 'removed', seats: 'keep', rev: rev + 1 }, rev)]
      : [intent(target, { ...before, rev: rev + 1 }, rev)]
  })
}

const intent = (target: TargetKey, wish: Wish, baseRev: number): PlanIntent => ({ part: 'wish', target, wish, baseRev, confirmed: false })

/** The wishes as they would stand. */
export const wishesAfter = (standing: readonly PlacedWish[], intents: readonly PlanIntent[]): readonly PlacedWish[] => {
  const byKey = new Map(standing.map((placed) => [placed.key, placed]))
  for (const change of intents)
    if (change.part === 'wish')
      byKey.set(change.target, {
        ...(byKey.get(change.target) ?? { key: change.target, note: '', by: '', at: '' }),
        wish: change.wish,
        taken: unsent,
      })
  return [...byKey.values()]
}

// ---- The seats ----

const under = (orders: readonly LicenseOrder[], action: LicenseOrder['action']): ReadonlySet<number> =>
  new Set(orders.filter((order) => order.action === action).flatMap(({ open }) => open))

/**
 * Seats to give again. Whether one is free for somebody whom no wish names is reconcile's to say: it weighs them as if
 * each were wished for, after all who are.
 */
export const targetsToGive = (input: ReconcileInput, ordinals: readonly number[], rule: (ordinal: number) => boolean): Targets => {
  const { seats, directory } = input
  const coming = under(input.orders, 'associate')
  const going = new Set([...under(input.orders, 'disassociate'), ...leavingIn(input)])
  const { verdicts, steps } = reconcile(input)
  const verdictBy = new Map(verdicts.map((verdict) => [verdict.ordinal, verdict]))
  const planned = new Set(steps.associate)
  const obstacles = new Map<number, UndoTarget['obstacle']>()
  const byWish: number[] = []
  const unwished: number[] = []
  for (const ordinal of ordinals) {
    const verdict = verdictBy.get(ordinal)
    if (directory.principal(ordinal) === undefined) obstacles.set(ordinal, 'principal-unknown')
    else if (coming.has(ordinal) || going.has(ordinal)) obstacles.set(ordinal, 'on-its-way')
    else if (indexOfOrdinal(seats.ordinals, ordinal) >= 0) obstacles.set(ordinal, 'has-seat')
    else if (rule(ordinal)) obstacles.set(ordinal, 'leaver-rule')
    else if (verdict?.because.code === 'excluded') obstacles.set(ordinal, 'held-back')
    else if (verdict?.state === 'waiting' && verdict.because.code !== 'starts-later') obstacles.set(ordinal, 'waits')
    else if (planned.has(ordinal)) byWish.push(ordinal)
    else if (verdict?.state === 'pending') obstacles.set(ordinal, 'waits')
    else unwished.push(ordinal)
  }
  const byHand: number[] = []
  if (unwished.length > 0) {
    const probed = probe(input, unwished)
    for (const ordinal of unwished) {
      const obstacle = probed(ordinal)
      if (obstacle === undefined) byHand.push(ordinal)
      else obstacles.set(ordinal, obstacle)
    }
  }
  return { targets: told(ordinals, input, obstacles), byWish, byHand }
}

/** What would become of each if it were wished for, last of all, and whether it has left or not: it had the seat before. */
const probe = (input: ReconcileInput, ordinals: readonly number[]): ((ordinal: number) => Obstacle | undefined) => {
  const asked = new Set(ordinals)
  const { directory } = input
  const wishes = ordinals.map((ordinal): PlacedWish => {
    const kind = directory.principal(ordinal)?.kind ?? 'device'
    return {
      key: targetKeyOf({ kind, id: principalIdOf(kind, ordinal) }),
      wish: { mode: 'include', intent: 'required', licenseType: kind, rev: 1 },
      note: '',
      by: '',
      at: '',
      taken: unsent,
    }
  })
  const { verdicts, steps } = reconcile({
    ...input,
    wishes: [...input.wishes, ...wishes],
    // A refusal of long ago does not stand in the way of asking once more.
    orders: input.orders.map((order) => (order.failures.length === 0 ? order : { ...order, failures: [] })),
    directory: {
      ...directory,
      principal: (ordinal) => {
        const state = directory.principal(ordinal)
        return state !== undefined && asked.has(ordinal) ? { ...state, left: false, active: true } : state
      },
    },
  })
  const served = new Set(steps.associate)
  const verdictBy = new Map(verdicts.map((verdict) => [verdict.ordinal, verdict]))
  return (ordinal) => {
    if (served.has(ordinal)) return undefined
    const verdict = verdictBy.get(ordinal)
    switch (verdict?.because.code) {
      case 'user-not-registered':
      case 'user-retired':
      case 'registration-refused':
      case 'registration-to-come':
      case 'registration-open':
        return 'not-registered'
      case 'excluded':
        return 'held-back'
      case 'license-gone':
      case 'license-not-assignable':
        return 'license-gone'
      default:
        return 'no-seat-free'
    }
  }
}

/** Seats to take back, once no assignment of the order's stands any more. */
export const targetsToTake = (input: ReconcileInput, ordinals: readonly number[]): Targets & { readonly alsoTaken: number } => {
  const { seats } = input
  const { verdicts, steps } = reconcile(input)
  const verdictBy = new Map(verdicts.map((verdict) => [verdict.ordinal, verdict]))
  const releasing = under(input.orders, 'disassociate')
  const leaving = leavingIn(input)
  const obstacles = new Map<number, UndoTarget['obstacle']>()
  const byHand: number[] = []
  for (const ordinal of ordinals) {
    const verdict = verdictBy.get(ordinal)
    if (indexOfOrdinal(seats.ordinals, ordinal) < 0) obstacles.set(ordinal, 'no-seat')
    else if (leaving.has(ordinal)) obstacles.set(ordinal, 'on-its-way')
    else if (verdict?.state === 'placed') obstacles.set(ordinal, 'asked-for')
    else if (!releasing.has(ordinal)) byHand.push(ordinal)
  }
  const own = new Set(ordinals)
  const alsoTaken = steps.disassociate.filter((ordinal) => !own.has(ordinal)).length
  return { targets: told(ordinals, input, obstacles), byWish: [], byHand, alsoTaken }
}

const leavingIn = ({ locationOrders }: ReconcileInput): ReadonlySet<number> =>
  new Set(locationOrders.filter(({ action }) => action === 'retire-user' || action === 'revoke').flatMap(({ open }) => open))

const told = (
  ordinals: readonly number[],
  { license }: ReconcileInput,
  obstacles: ReadonlyMap<number, UndoTarget['obstacle']>,
): readonly UndoTarget[] => ordinals.map((ordinal) => ({ ordinal, licenseId: license.id, obstacle: obstacles.get(ordinal) }))
