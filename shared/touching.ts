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

/** What the wishes make of one principal: the wish that decides, and the one to remove that touches it. */
export interface Touch {
  readonly ordinal: number
  readonly deciding: ActingWish
  /** The last removal: the latest word counts. */
  readonly removed: ActingWish | undefined
  /** Its uninstall waits, since the app is required for the person whose device it is. */
  readonly yields: boolean
}

const strength: Record<Asks, number> = { exclude: 0, require: 1, uninstall: 2, offer: 3, remove: 4, end: 4, await: 5 }

/** Of two that touch one principal. Excluded beats all; required beats uninstall; uninstall beats an offer. Source: conflicts.ts. */
const decides = (held: ActingWish, other: ActingWish): ActingWish => {
  const difference = strength[other.asks] - strength[held.asks]
  if (difference !== 0) return difference < 0 ? other : held
  // Wishes are walked in the order of serving: the first of a sort stands, of what takes away the last.
  return strength[held.asks] === strength.remove ? (other.placed.taken >= held.placed.taken ? other : held) : held
}

/** Everybody whom a wish touches, ascending by ordinal. `wishes` in the order of serving. */
export const touchedBy = (wishes: readonly ActingWish[], directory: Members): readonly Touch[] => {
  const touches: Touch[] = []
  let uninstalledDevices = false
  walkPairs(wishes, directory, (ordinal, deciding, removed) => {
    if (deciding.asks === 'uninstall') uninstalledDevices = true
    touches.push({ ordinal, deciding, removed, yields: false })
  })
  return uninstalledDevices ? withOwners(touches, directory) : touches
}

const walkPairs = (
  wishes: readonly ActingWish[],
  directory: Members,
  give: (ordinal: number, deciding: ActingWish, removed: ActingWish | undefined) => void,
): void => {
  const columns = wishes.map(({ placed }) => ordinalsOf(placed.key, directory))
  const [only] = wishes
  if (only !== undefined && wishes.length === 1) {
    for (const ordinal of columns[0] ?? []) give(ordinal, only, only.asks === 'remove' ? only : undefined)
    return
  }
  let length = 0
  for (const column of columns) length += column.length
  // One number for each pair: sorted, they stand by ordinal and then in the order of serving.
  const pairs = new Float64Array(length)
  let filled = 0
  for (let at = 0; at < columns.length; at += 1)
    for (const ordinal of columns[at] ?? []) {
      pairs[filled] = ordinal * wishes.length + at
      filled += 1
    }
  pairs.sort()
  let pair = 0
  while (pair < length) {
    const ordinal = Math.floor((pairs[pair] as number) / wishes.length)
    const first = ordinal * wishes.length
    let deciding: ActingWish | undefined
    let removed: ActingWish | undefined
    for (; pair < length && (pairs[pair] as number) < first + wishes.length; pair += 1) {
      const wish = wishes[(pairs[pair] as number) - first] as ActingWish
      deciding = deciding === undefined ? wish : decides(deciding, wish)
      if (wish.asks === 'remove' && (removed === undefined || wish.placed.taken >= removed.placed.taken)) removed = wish
    }
    if (deciding !== undefined) give(ordinal, deciding, removed)
  }
}

const intentOf = (asks: Asks): SidedIntent | undefined =>
  asks === 'require' ? 'user-required' : asks === 'offer' ? 'user-available' : asks === 'uninstall' ? 'user-uninstall' : undefined

/** An uninstall that names somebody's device, where the person is named too. */
const withOwners = (touches: readonly Touch[], directory: Members): readonly Touch[] => {
  const ordinals = Uint32Array.from(touches, ({ ordinal }) => ordinal)
  return touches.map((touch) => {
    if (touch.deciding.asks !== 'uninstall') return touch
    const owner = directory.ownerOf(touch.ordinal)
    const at = owner === undefined ? -1 : indexOfOrdinal(ordinals, owner)
    const intent = intentOf(touches[at]?.deciding.asks ?? 'await')
    return intent !== undefined && yieldsToOwner('device-uninstall', [intent]) ? { ...touch, yields: true } : touch
  })
}
