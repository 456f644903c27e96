/**
 * Why somebody has a seat of a License, or has none: the path from the wishes that touch them to the verdict, step by step
 * in the order in which they were weighed. The same on both sides, from what reconcile itself was given.
 */
import { termsOf, type PlacedWish, type Verdict } from './assignment.ts'
import type { Claim } from './claim.ts'
import { isoTime } from './clock.ts'
import { conflictRows, type ConflictResult, type SidedIntent } from './conflicts.ts'
import { indexOfOrdinal, seatAt } from './facts.ts'
import type { GroupNesting } from './groups.ts'
import { ordinalOf, targetOf, type GroupId, type PrincipalKind, type TargetKey } from './ids.ts'
import type { Seat } from './license.ts'
import type { LicenseOrder, LocationOrder, OrderFailure } from './order.ts'
import type { Reconciled, ReconcileInput, WritingBlocked } from './reconcile.ts'
import type { RegistrationState } from './registration.ts'
import { freeSeats } from './serving.ts'
import { actingWishes, ordinalsOf, type ActingWish } from './touching.ts'

/** How a wish touches somebody. `path`: from the group that is named to the one whose own member they are. */
export type Through = { readonly is: 'named' } | { readonly is: 'everybody' } | { readonly is: 'group'; readonly path: readonly GroupId[] }

/** Why a wish that touches somebody does not decide. */
export type YieldsTo =
  | 'exclusion'
  | 'requirement'
  | 'uninstall'
  /** It holds beside the one that decides, which asks for more. */
  | 'beside'
  | 'priority'
  | 'order'
  /** Removed, ended or not begun, where another one stands. */
  | 'standing'

export type Step =
  | {
      readonly code: 'assignment'
      readonly placed: PlacedWish
      readonly asks: ActingWish['asks']
      readonly through: Through
      /** Undefined: it decides. */
      readonly yields: YieldsTo | undefined
    }
  | { readonly code: 'no-assignment' }
  /** A device's own wishes beside those for the person whose it is. */
  | { readonly code: 'owner'; readonly owner: number; readonly placed: PlacedWish }
  /** `row`: from 1, as in docs/rules.md. */
  | { readonly code: 'conflict'; readonly row: number; readonly result: ConflictResult }
  | { readonly code: 'claim'; readonly claim: Claim }
  | { readonly code: 'license-type'; readonly type: PrincipalKind; readonly fits: boolean }
  | { readonly code: 'directory'; readonly is: 'unknown' | 'left' | 'inactive' }
  | { readonly code: 'seat'; readonly seat: Seat }
  | { readonly code: 'no-seat'; readonly asOf: string }
  | { readonly code: 'order'; readonly order: LicenseOrder | LocationOrder }
  | { readonly code: 'failure'; readonly order: LicenseOrder | LocationOrder; readonly failure: OrderFailure }
  | { readonly code: 'registration'; readonly state: RegistrationState | 'none' }
  | { readonly code: 'blocked'; readonly by: WritingBlocked }
  /** `free`: null where the store sets no limit. `heldFor`: the targets for whom free seats are held. */
  | { readonly code: 'free-seats'; readonly free: number | null; readonly asOf: string; readonly heldFor: readonly TargetKey[] }
  /** `ahead`: the last few of those who are served before. */
  | { readonly code: 'queue'; readonly position: number; readonly ahead: readonly number[] }
  | { readonly code: 'verdict'; readonly verdict: Verdict | undefined }

export interface Explanation {
  readonly ordinal: number
  /** Undefined: no wish asks anything of them. */
  readonly verdict: Verdict | undefined
  readonly steps: readonly Step[]
  /** They hold a seat now, whoever gave it. */
  readonly has: boolean
  /** ISO 8601, UTC: since when they hold the seat, or since when it was asked for them; null: it never was. */
  readonly since: string | null
  /** By whose act; null: nobody's here. */
  readonly by: string | null
}

/** The groups between the one that is named and somebody in it, both ends included. Undefined: they are not in it. */
export type PathOf = (group: GroupId, ordinal: number) => readonly GroupId[] | undefined

/** The shortest way; of equals the first by the order in which groups are nested. Rings are walked once. */
export const pathsIn =
  (nesting: GroupNesting, isOwnMember: (group: GroupId, ordinal: number) => boolean): PathOf =>
  (group, ordinal) => {
    const kind = nesting.find(group)?.kind
    const cameFrom = new Map<GroupId, GroupId | undefined>([[group, undefined]])
    for (const id of cameFrom.keys()) {
      const found = nesting.find(id)
      if (found === undefined || found.kind !== kind) continue
      if (isOwnMember(id, ordinal)) {
        const path: GroupId[] = []
        for (let at: GroupId | undefined = id; at !== undefined; at = cameFrom.get(at)) path.unshift(at)
        return path
      }
      for (const child of found.groups ?? []) if (!cameFrom.has(child)) cameFrom.set(child, id)
    }
    return undefined
  }

/** For one after the other of a license's people: what is the same for all of them is looked at once. */
export const explainer = (input: ReconcileInput, reconciled: Reconciled, pathOf: PathOf): ((ordinal: number) => Explanation) => {
  const acting = actingWishes(input.wishes, input.now)
  const verdictByOrdinal = new Map(reconciled.verdicts.map((verdict) => [verdict.ordinal, verdict]))
  const claimByOrdinal = new Map(input.claims.map((claim) => [ordinalOf(claim.id), claim]))
  let queue: readonly number[] | undefined
  const waiting = (): readonly number[] =>
    (queue ??= reconciled.verdicts.filter(({ because }) => 'position' in because).map(({ ordinal }) => ordinal))
  return (ordinal) => {
    const verdict = verdictByOrdinal.get(ordinal)
    const claim = claimByOrdinal.get(ordinal)
    const touching = touchingOf(input, acting, ordinal, pathOf)
    const at = indexOfOrdinal(input.seats.ordinals, ordinal)
    const seat = at < 0 ? undefined : seatAt(input.seats, at)
    const steps: Step[] = [
      ...touching.steps,
      ...(claim === undefined ? [] : [{ code: 'claim' as const, claim }]),
      ...standingSteps(input, ordinal, verdict),
      seat === undefined ? { code: 'no-seat', asOf: input.license.asOf } : { code: 'seat', seat },
      ...askedSteps(input, ordinal),
      ...queueSteps(input, verdict, waiting),
      { code: 'verdict', verdict },
    ]
    const deciding = touching.deciding?.placed
    const byClaim = touching.deciding?.asks === 'offer' && claim !== undefined
    const asked = byClaim ? claim : deciding
    return {
      ordinal,
      verdict,
      steps,
      has: seat !== undefined,
      since: seat === undefined ? (asked?.at ?? null) : isoTime(seat.sinceS * 1000),
      by: seat?.origin === 'found' ? null : (asked?.by ?? null),
    }
  }
}

/** 1. The wishes that touch this principal, in the order of serving, and which one decides. */
const touchingOf = (
  { directory }: ReconcileInput,
  acting: readonly ActingWish[],
  ordinal: number,
  pathOf: PathOf,
): { readonly steps: readonly Step[]; readonly deciding: ActingWish | undefined } => {
  const owner = directory.ownerOf(ordinal)
  const naming = (one: number): readonly ActingWish[] => acting.filter(({ placed }) => isIn(ordinalsOf(placed.key, directory), one))
  const ofThem = naming(ordinal)
  const deciding = decidingOf(ofThem)
  if (deciding === undefined) return { steps: [{ code: 'no-assignment' }], deciding }
  const steps: Step[] = ofThem.map(({ placed, asks }) => ({
    code: 'assignment',
    placed,
    asks,
    through: throughOf(placed.key, ordinal, pathOf),
    yields: placed.key === deciding.placed.key ? undefined : yieldsTo({ placed, asks }, deciding),
  }))
  const ownerDecides = owner === undefined ? undefined : decidingOf(naming(owner))
  if (owner !== undefined && ownerDecides !== undefined) steps.push({ code: 'owner', owner, placed: ownerDecides.placed })
  const kind = directory.principal(ordinal)?.kind ?? 'device'
  const sides = [...ofThem.map(({ asks }) => sided(asks, kind)), ...(ownerDecides === undefined ? [] : [sided(ownerDecides.asks, 'user')])]
  const present = new Set(sides.filter((side) => side !== undefined))
  const row = deciding.asks === 'exclude' ? -1 : conflictRows.findIndex(({ a, b }) => isSame(new Set([...a, ...b]), present))
  const found = conflictRows[row]
  if (found !== undefined) steps.push({ code: 'conflict', row: row + 1, result: found.result })
  return { steps, deciding }
}

const isIn = (ordinals: Uint32Array | readonly number[], ordinal: number): boolean =>
  ordinals instanceof Uint32Array ? indexOfOrdinal(ordinals, ordinal) >= 0 : ordinals.includes(ordinal)

/** The strongest first. Source: conflicts.ts. */
const byStrength: readonly (readonly ActingWish['asks'][])[] = [
  ['exclude'],
  ['require'],
  ['uninstall'],
  ['offer'],
  ['remove', 'end'],
  ['await'],
]

/** Of those that touch one principal, in the order of serving: the first of the strongest sort; of what takes away the last word. */
const decidingOf = (touching: readonly ActingWish[]): ActingWish | undefined => {
  for (const sort of byStrength) {
    const found = touching.filter(({ asks }) => sort.includes(asks))
    if (found.length > 0) return sort.includes('remove') ? found.reduce((a, b) => (b.placed.taken >= a.placed.taken ? b : a)) : found[0]
  }
  return undefined
}

const throughOf = (key: TargetKey, ordinal: number, pathOf: PathOf): Through => {
  const target = targetOf(key)
  switch (target.kind) {
    case 'user':
    case 'device':
      return { is: 'named' }
    case 'all-users':
    case 'all-devices':
      return { is: 'everybody' }
    case 'group':
      return { is: 'group', path: pathOf(target.id, ordinal) ?? [target.id] }
  }
}

const yieldsTo = ({ placed, asks }: Pick<ActingWish, 'placed' | 'asks'>, deciding: Pick<ActingWish, 'placed' | 'asks'>): YieldsTo => {
  if (asks === deciding.asks) return termsOf(placed.wish).priority === termsOf(deciding.placed.wish).priority ? 'order' : 'priority'
  switch (deciding.asks) {
    case 'exclude':
      return 'exclusion'
    case 'require':
      return asks === 'offer' ? 'beside' : asks === 'uninstall' ? 'requirement' : 'standing'
    case 'uninstall':
      return asks === 'offer' ? 'uninstall' : 'standing'
    case 'offer':
    case 'remove':
    case 'end':
    case 'await':
      return 'standing'
  }
}

const sided = (asks: ActingWish['asks'], kind: PrincipalKind): SidedIntent | undefined => {
  switch (asks) {
    case 'require':
      return `${kind}-required`
    case 'uninstall':
      return `${kind}-uninstall`
    case 'offer':
      return kind === 'user' ? 'user-available' : undefined
    case 'exclude':
    case 'remove':
    case 'end':
    case 'await':
      return undefined
  }
}
const isSame = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean => a.size === b.size && [...a].every((one) => b.has(one))

/** 2. Whether they could have one at all. */
const standingSteps = ({ directory, license, people }: ReconcileInput, ordinal: number, verdict: Verdict | undefined): readonly Step[] => {
  const principal = directory.principal(ordinal)
  if (principal === undefined) return [{ code: 'directory', is: 'unknown' }]
  const steps: Step[] = []
  if (principal.left) steps.push({ code: 'directory', is: 'left' })
  else if (!principal.active) steps.push({ code: 'directory', is: 'inactive' })
  const fits = license.licenseTypes.includes(principal.kind)
  if (verdict !== undefined || !fits) steps.push({ code: 'license-type', type: principal.kind, fits })
  if (people !== undefined && principal.kind === 'user' && verdict !== undefined)
    steps.push({ code: 'registration', state: people.stateOf(ordinal) ?? 'none' })
  return steps
}

/** 3. What was asked of the store for them, and what it said. */
const askedSteps = ({ orders, locationOrders }: ReconcileInput, ordinal: number): readonly Step[] => {
  const steps: Step[] = []
  const failures: { readonly code: 'failure'; readonly order: LicenseOrder | LocationOrder; readonly failure: OrderFailure }[] = []
  for (const order of [...orders, ...locationOrders]) {
    if (order.open.includes(ordinal)) steps.push({ code: 'order', order })
    for (const failure of order.failures) if (failure.ordinal === ordinal) failures.push({ code: 'failure', order, failure })
  }
  return [...steps, ...failures.sort((a, b) => a.failure.atSeq - b.failure.atSeq)]
}

/** 4. What is left, where that is the question, and who comes before. */
const queueSteps = (input: ReconcileInput, verdict: Verdict | undefined, waiting: () => readonly number[]): readonly Step[] => {
  if (verdict === undefined) return []
  const { license, seats, orders, writingBlocked } = input
  const { because } = verdict
  const steps: Step[] = []
  if (verdict.state === 'waiting' && because.code === writingBlocked) steps.push({ code: 'blocked', by: writingBlocked })
  if ('position' in because || because.code === 'order-to-come' || because.code === 'registration-to-come') {
    const coming = new Map(
      orders
        .filter(({ action, state }) => action === 'associate' && state !== 'planned')
        .flatMap(({ open }) => open.map((one) => [one, true] as const)),
    )
    const free = freeSeats(license, seats, coming)
    const heldFor =
      because.code !== 'seats-reserved'
        ? []
        : input.wishes.filter(({ wish }) => termsOf(wish).reservation?.unused === 'held').map(({ key }) => key)
    steps.push({ code: 'free-seats', free: Number.isFinite(free) ? free : null, asOf: license.asOf, heldFor })
  }
  if ('position' in because) {
    const { position } = because
    steps.push({ code: 'queue', position, ahead: waiting().slice(Math.max(0, position - 1 - mostAhead), position - 1) })
  }
  return steps
}

/** Of those who are served before. */
const mostAhead = 3
