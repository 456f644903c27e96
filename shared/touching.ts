/**
 * Whom the wishes for a license touch, and what they make of each: one look at every (wish, principal) pair, in the order
 * of ordinals, so that a thousand assignments of groups cost no more than their members.
 */
import { termsOf, type PlacedWish } from './assignment.ts'
import { yieldsToOwner, type SidedIntent } from './conflicts.ts'
import { indexOfOrdinal } from './facts.ts'
import { targetOf, type GroupId, type PrincipalKind, type TargetKey } from './ids.ts'

/** The directory as far as targets need it. */
export interface Members {
  /** Everybody in the group, through nested groups too; ascending. Undefined for a group that is not known. */
  members(group: GroupId): Uint32Array | undefined
  /** Everybody who has not left, ascending. */
  all(kind: PrincipalKind): Uint32Array
  /** The person whose device it is. */
  ownerOf(device: number): number | undefined
}

export const ordinalsOf = (key: TargetKey, directory: Members): Uint32Array | readonly number[] => {
  const target = targetOf(key)
  switch (target.kind) {
    case 'user':
    case 'device':
      return [Number(target.id.slice(1))]
    case 'group':
      return directory.members(target.id) ?? []
    case 'all-users':
      return directory.all('user')
    case 'all-devices':
      return directory.all('device')
  }
}

/** What a wish asks for now. */
type Asks = 'require' | 'offer' | 'uninstall' | 'exclude' | 'remove' | 'end' | 'await'

export interface ActingWish {
  readonly placed: PlacedWish
  readonly asks: Asks
  readonly priority: number
  /** Its place among the wishes, from 0: the higher priority first, then who came first; those of one edit share it. */
  readonly rank: number
}

const asksNow = ({ wish }: PlacedWish, now: number): Asks => {
  if (wish.mode === 'removed') return 'remove'
  const { startsAt, endsAt } = termsOf(wish)
  if (endsAt !== null && Date.parse(endsAt) <= now) return 'end'
  if (startsAt !== null && Date.parse(startsAt) > now) return 'await'
  if (wish.mode === 'exclude') return 'exclude'
  switch (wish.intent) {
    case 'required':
      return 'require'
    case 'available':
      return 'offer'
    case 'uninstall':
      return 'uninstall'
  }
}

/** The next instant at which one of the wishes begins or ends. Undefined: none does. */
export const nextTurnOf = (wishes: readonly PlacedWish[], now: number): number | undefined => {
  let next: number | undefined
  for (const { wish } of wishes) {
    const { startsAt, endsAt } = termsOf(wish)
    for (const iso of [startsAt, endsAt]) {
      const at = iso === null ? NaN : Date.parse(iso)
      if (at > now && (next === undefined || at < next)) next = at
    }
  }
  return next
}

/** In the order of serving. */
export const actingWishes = (wishes: readonly PlacedWish[], now: number): readonly ActingWish[] => {
  const ordered = wishes
    .map((placed) => ({ placed, asks: asksNow(placed, now), priority: termsOf(placed.wish).priority }))
    .sort((a, b) => b.priority - a.priority || a.placed.taken - b.placed.taken || (a.placed.key < b.placed.key ? -1 : 1))
  let rank = -1
  let before: { readonly priority: number; readonly taken: number } | undefined
  return ordered.map((wish): ActingWish => {
    if (before?.priority !== wish.priority || before.taken !== wish.placed.taken) rank += 1
    before = { priority: wish.priority, taken: wish.placed.taken }
    return { ...wish, rank }
  })
}

/**
 * Everybody whom a wish touches, in columns and ascending by ordinal, as seats are: there can be millions. `deciding` and
 * `removed` are places in the list of wishes.
 */
export interface Touches {
  readonly ordinals: Uint32Array
  /** The wish that decides. */
  readonly deciding: Uint32Array
  /** One more than the place of the last removal, since the latest word counts; 0: no removal. Absent: there is none at all. */
  readonly removed: Uint32Array | undefined
  /** Devices whose uninstall waits, since the app is required for the person they belong to. */
  readonly yielding: ReadonlySet<number>
}

const strength: Record<Asks, number> = { exclude: 0, require: 1, uninstall: 2, offer: 3, remove: 4, end: 4, await: 5 }

/** Of two that touch one principal, by their places. Excluded beats all; required beats uninstall; uninstall beats an offer. Source: conflicts.ts. */
const decidingOf = (wishes: readonly ActingWish[], a: number, b: number): number => {
  const [one, other] = [wishes[a] as ActingWish, wishes[b] as ActingWish]
  const difference = strength[one.asks] - strength[other.asks]
  if (difference !== 0) return difference < 0 ? a : b
  // The first in the order of serving stands; of what takes away the last word.
  if (strength[one.asks] === strength.remove && one.placed.taken !== other.placed.taken)
    return one.placed.taken > other.placed.taken ? a : b
  return strength[one.asks] === strength.remove ? Math.max(a, b) : Math.min(a, b)
}

const laterRemoval = (wishes: readonly ActingWish[], a: number, b: number): number => {
  if (a === 0 || b === 0) return Math.max(a, b)
  const [one, other] = [(wishes[a - 1] as ActingWish).placed.taken, (wishes[b - 1] as ActingWish).placed.taken]
  return one === other ? Math.max(a, b) : one > other ? a : b
}

type Run = Pick<Touches, 'ordinals' | 'deciding' | 'removed'>

/** `wishes` in the order of serving. */
export const touchedBy = (wishes: readonly ActingWish[], directory: Members): Touches => {
  const touched = mergeAll(wishes, runsOf(wishes, directory))
  return { ...touched, yielding: yieldingIn(wishes, touched, directory) }
}

/** One for each wish that names many, one for all those that name one person or device. */
const runsOf = (wishes: readonly ActingWish[], directory: Members): Run[] => {
  const removes = wishes.some(({ asks }) => asks === 'remove')
  const runOf = (ordinals: Uint32Array, deciding: Uint32Array): Run => ({
    ordinals,
    deciding,
    removed: removes ? deciding.map((at) => (wishes[at]?.asks === 'remove' ? at + 1 : 0)) : undefined,
  })
  const runs: Run[] = []
  const single: { readonly ordinal: number; readonly at: number }[] = []
  wishes.forEach(({ placed }, at) => {
    const ordinals = ordinalsOf(placed.key, directory)
    if (ordinals instanceof Uint32Array) {
      if (ordinals.length > 0) runs.push(runOf(ordinals, new Uint32Array(ordinals.length).fill(at)))
    } else for (const ordinal of ordinals) single.push({ ordinal, at })
  })
  if (single.length > 0) {
    single.sort((a, b) => a.ordinal - b.ordinal)
    runs.push(
      runOf(
        Uint32Array.from(single, ({ ordinal }) => ordinal),
        Uint32Array.from(single, ({ at }) => at),
      ),
    )
  }
  return runs
}

/** The shortest two first, so that each principal is moved few times. */
const mergeAll = (wishes: readonly ActingWish[], runs: Run[]): Run => {
  let left = runs.sort((a, b) => a.ordinals.length - b.ordinals.length)
  while (left.length > 1) {
    const next: Run[] = []
    for (let at = 0; at < left.length; at += 2) {
      const [a, b] = [left[at] as Run, left[at + 1]]
      next.push(b === undefined ? a : mergeTwo(wishes, a, b))
    }
    left = next
  }
  return left[0] ?? { ordinals: new Uint32Array(0), deciding: new Uint32Array(0), removed: undefined }
}

const mergeTwo = (wishes: readonly ActingWish[], a: Run, b: Run): Run => {
  const most = a.ordinals.length + b.ordinals.length
  const ordinals = new Uint32Array(most)
  const deciding = new Uint32Array(most)
  const removed = a.removed === undefined || b.removed === undefined ? undefined : new Uint32Array(most)
  let length = 0
  let inA = 0
  let inB = 0
  while (inA < a.ordinals.length || inB < b.ordinals.length) {
    const ordinalA = inA < a.ordinals.length ? (a.ordinals[inA] as number) : Infinity
    const ordinalB = inB < b.ordinals.length ? (b.ordinals[inB] as number) : Infinity
    const fromA = ordinalA <= ordinalB
    const fromB = ordinalB <= ordinalA
    const wishA = fromA ? (a.deciding[inA] as number) : 0
    const wishB = fromB ? (b.deciding[inB] as number) : 0
    ordinals[length] = fromA ? ordinalA : ordinalB
    deciding[length] = !fromB ? wishA : !fromA ? wishB : decidingOf(wishes, wishA, wishB)
    if (removed !== undefined)
      removed[length] = laterRemoval(wishes, fromA ? (a.removed?.[inA] ?? 0) : 0, fromB ? (b.removed?.[inB] ?? 0) : 0)
    if (fromA) inA += 1
    if (fromB) inB += 1
    length += 1
  }
  return { ordinals: ordinals.subarray(0, length), deciding: deciding.subarray(0, length), removed: removed?.subarray(0, length) }
}

const intentOf = (asks: Asks | undefined): SidedIntent | undefined =>
  asks === 'require' ? 'user-required' : asks === 'offer' ? 'user-available' : asks === 'uninstall' ? 'user-uninstall' : undefined

/** Where an uninstall names somebody's device, and the person is named too. */
const yieldingIn = (wishes: readonly ActingWish[], { ordinals, deciding }: Run, directory: Members): ReadonlySet<number> => {
  const yielding = new Set<number>()
  if (!wishes.some(({ asks }) => asks === 'uninstall')) return yielding
  for (let at = 0; at < ordinals.length; at += 1) {
    if (wishes[deciding[at] as number]?.asks !== 'uninstall') continue
    const owner = directory.ownerOf(ordinals[at] as number)
    const ownerAt = owner === undefined ? -1 : indexOfOrdinal(ordinals, owner)
    const intent = ownerAt < 0 ? undefined : intentOf(wishes[deciding[ownerAt] as number]?.asks)
    if (intent !== undefined && yieldsToOwner('device-uninstall', [intent])) yielding.add(ordinals[at] as number)
  }
  return yielding
}

/** What the wishes make of one principal. */
export interface Touch {
  readonly ordinal: number
  readonly deciding: ActingWish
  /** The last removal. */
  readonly removed: ActingWish | undefined
  readonly yields: boolean
}

/** Undefined: no wish touches this one. */
export const touchOn = (wishes: readonly ActingWish[], touches: Touches, ordinal: number): Touch | undefined => {
  const place = indexOfOrdinal(touches.ordinals, ordinal)
  const deciding = place < 0 ? undefined : wishes[touches.deciding[place] as number]
  return deciding === undefined
    ? undefined
    : { ordinal, deciding, removed: wishes[(touches.removed?.[place] ?? 0) - 1], yields: touches.yielding.has(ordinal) }
}
