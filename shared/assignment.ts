/** Assignments: an administrator's wishes, and reconcile's verdicts on them. */
import type { PrincipalKind, TargetKey } from './ids.ts'
import type { License, LicenseType } from './license.ts'

export const intents = ['required', 'available', 'uninstall'] as const
export type Intent = (typeof intents)[number]
export type Mode = 'include' | 'exclude'
/** What becomes of the seats that an assignment placed when it is removed: given back, or kept as found. */
export type SeatsAfter = 'release' | 'keep'

/**
 * Seats set apart for the people or devices of one target. `lent`: others may have them while they are not needed, and
 * nobody is asked to give one back; who is of the target is served first when a seat returns. `held`: nobody else gets them.
 */
export interface Reservation {
  readonly seats: number
  readonly unused: 'lent' | 'held'
}

/** What an assignment may say beside whom and what. */
export interface WishTerms {
  /** From -9 to 9, 0 as usual: the higher one is served first. */
  readonly priority: number
  /** ISO 8601, UTC. Before it the wish asks for nothing; null: at once. */
  readonly startsAt: string | null
  /** From it on the seats that assignments placed are given back; null: without an end. */
  readonly endsAt: string | null
  readonly reservation: Reservation | null
}

export const usualTerms: WishTerms = { priority: 0, startsAt: null, endsAt: null, reservation: null }
export const mostPriority = 9
export const mostReservedSeats = 1_000_000

/**
 * One wish for one target, changed as a whole. `rev` grows by one with each change its author knew of, so that the
 * server sees when two people wrote without knowing of each other. A removed wish stays as a wish to remove: in a Y.Map
 * a set wins over a delete.
 */
export type Wish =
  | {
      readonly mode: Mode
      readonly intent: Intent
      readonly licenseType: LicenseType
      readonly rev: number
      /** Absent: all as usual. */
      readonly terms?: WishTerms
    }
  | { readonly mode: 'removed'; readonly seats: SeatsAfter; readonly rev: number }

/** `taken` of a wish that the server has not yet acknowledged: it comes after every wish that it has. */
export const unsent = Number.MAX_SAFE_INTEGER

/** A wish as the server took it. */
export interface PlacedWish {
  readonly key: TargetKey
  readonly wish: Wish
  readonly note: string
  /** The name of who wished it last, stamped by the server. */
  readonly by: string
  /** ISO 8601, UTC, by the server's clock. */
  readonly at: string
  /** The server's order of the change: who comes first is served first. `unsent` on a device that is ahead of the server. */
  readonly taken: number
}

export const termsOf = (wish: Wish): WishTerms => (wish.mode === 'removed' ? usualTerms : (wish.terms ?? usualTerms))

/** The part of a wish that says its terms; nothing where all is as usual. */
export const withTerms = (terms: WishTerms): { readonly terms?: WishTerms } =>
  terms.priority === 0 && terms.startsAt === null && terms.endsAt === null && terms.reservation === null ? {} : { terms }

const sameTerms = (a: WishTerms, b: WishTerms): boolean =>
  a.priority === b.priority &&
  a.startsAt === b.startsAt &&
  a.endsAt === b.endsAt &&
  a.reservation?.seats === b.reservation?.seats &&
  a.reservation?.unused === b.reservation?.unused

/** The same but for its terms: it keeps its place in the order of serving. */
export const asksTheSame = (a: Wish, b: Wish): boolean =>
  a.mode === 'removed'
    ? b.mode === 'removed' && a.seats === b.seats
    : b.mode !== 'removed' && a.mode === b.mode && a.intent === b.intent && a.licenseType === b.licenseType

export const sameWish = (a: Wish, b: Wish): boolean => asksTheSame(a, b) && sameTerms(termsOf(a), termsOf(b))

/** Asks for seats; the others hold back or take away. */
export const gives = (wish: { readonly mode: Wish['mode']; readonly intent?: Intent }): boolean =>
  wish.mode === 'include' && wish.intent !== 'uninstall'

/**
 * Two wishes for one target, the second made without knowledge of the first: the later arrival stands, except that
 * taking away or holding back beats a stale wish to give, since giving can be asked for again and a book can't be taken back.
 */
export const staleWishStands = (standing: Wish, stale: Wish): boolean => sameWish(standing, stale) || !(gives(stale) && !gives(standing))

export type VerdictState = 'placed' | 'pending' | 'waiting' | 'refused' | 'excluded' | 'released'

/** Why a verdict is what it is. `position` counts from 1 in the order of serving. */
export type Because =
  | { readonly code: 'has-seat' }
  | { readonly code: 'had-seat-already' }
  /** An uninstall that yields to what is required for the person whose device it is. */
  | { readonly code: 'kept-for-owner' }
  /** Offered, and not taken. */
  | { readonly code: 'may-claim' }
  | { readonly code: 'starts-later'; readonly startsAt: string }
  | { readonly code: 'ended'; readonly endedAt: string }
  | { readonly code: 'order-to-come' }
  | { readonly code: 'order-open'; readonly orderId: string }
  | { readonly code: 'seat-being-released'; readonly orderId: string }
  | { readonly code: 'no-seat-left'; readonly position: number }
  /** Seats are free, and held for whom they are reserved. */
  | { readonly code: 'seats-reserved'; readonly position: number }
  | { readonly code: 'foreign-owner'; readonly position: number }
  | { readonly code: 'credential-expired'; readonly position: number }
  | { readonly code: 'credential-invalid'; readonly position: number }
  | { readonly code: 'read-only-token'; readonly position: number }
  | { readonly code: 'not-connected'; readonly position: number }
  | { readonly code: 'not-device-assignable' }
  | { readonly code: 'not-user-assignable' }
  | { readonly code: 'license-not-assignable' }
  | { readonly code: 'store-retired' }
  | { readonly code: 'license-gone' }
  | { readonly code: 'principal-left' }
  | { readonly code: 'principal-inactive' }
  | { readonly code: 'principal-unknown' }
  | { readonly code: 'registration-to-come' }
  | { readonly code: 'registration-open'; readonly orderId: string }
  | { readonly code: 'registration-refused'; readonly storeCode: string; readonly text: string }
  | { readonly code: 'user-retired' }
  | { readonly code: 'user-not-registered'; readonly text: string }
  | { readonly code: 'store-refused'; readonly storeCode: string; readonly text: string }
  | { readonly code: 'excluded' }
  | { readonly code: 'release-to-come' }
  | { readonly code: 'release-refused'; readonly storeCode: string; readonly text: string }
  | { readonly code: 'irrevocable' }

export interface Verdict {
  readonly ordinal: number
  readonly state: VerdictState
  readonly because: Because
  /** The wish that decided. */
  readonly key: TargetKey
}

/** The reason in words for a person. What is being done by itself, and what a person can do. */
export const becauseInWords = (because: Because): string => {
  switch (because.code) {
    case 'has-seat':
      return 'Has a seat'
    case 'had-seat-already':
      return 'Had a seat already, before this assignment'
    case 'kept-for-owner':
      return 'Required for the person whose device it is, so the uninstall waits'
    case 'may-claim':
      return 'Offered. A seat is taken when the person asks for it'
    case 'starts-later':
      return `Begins on ${dayInWords(because.startsAt)}`
    case 'ended':
      return `Ended on ${dayInWords(because.endedAt)}`
    case 'order-to-come':
      return 'A seat is free and will be asked of the store'
    case 'order-open':
      return 'Asked of the store, not yet answered'
    case 'seat-being-released':
      return 'The seat is being given back first'
    case 'no-seat-left':
      return `No seat left. Place ${because.position} on the waiting list, served by itself when a seat returns`
    case 'seats-reserved':
      return `The seats that are left are held for others. Place ${because.position} on the waiting list, served by itself when one is free for everybody`
    case 'foreign-owner':
      return 'The location is held by another device management service. Take it over, or remove it there'
    case 'credential-expired':
      return 'The token has expired. Renew it in the store and upload it here'
    case 'credential-invalid':
      return 'The store no longer accepts the token. Download a new one and upload it here'
    case 'read-only-token':
      return 'The token may only read. Download one with an account that may assign licenses'
    case 'not-connected':
      return 'The store has not been reached with this token yet'
    case 'not-device-assignable':
      return 'This product goes to people only, not to devices'
    case 'not-user-assignable':
      return 'This product goes to devices only, not to people'
    case 'license-not-assignable':
      return 'This product can not be assigned from here'
    case 'store-retired':
      return 'The vendor has retired this store and it no longer answers: nothing can be given or taken here. The connector tells since when'
    case 'license-gone':
      return 'The store no longer lists this license'
    case 'principal-left':
      return 'Left the organisation'
    case 'principal-inactive':
      return 'Not active'
    case 'principal-unknown':
      return 'Not in the directory'
    case 'registration-to-come':
      return 'A seat is free. The person will be registered at the store first'
    case 'registration-open':
      return 'A seat is kept. The person is being registered at the store first'
    case 'user-retired':
      return 'Retired at the store. Register the person again under People, then it goes on by itself'
    case 'registration-refused':
    case 'user-not-registered':
    case 'store-refused':
    case 'release-refused':
      return because.text
    case 'excluded':
      return 'Excluded by an assignment'
    case 'release-to-come':
      return 'The seat will be given back to the pool'
    case 'irrevocable':
      return 'The store does not take this product back'
  }
}

/** The sorts of principals to which some of these wishes give seats. */
export const kindsGiven = (
  wishes: Iterable<{ readonly key: TargetKey; readonly wish: { readonly mode: Wish['mode']; readonly intent?: Intent } }>,
  kindOf: (key: TargetKey) => PrincipalKind | undefined,
): ReadonlySet<PrincipalKind> => {
  const kinds = new Set<PrincipalKind>()
  for (const { key, wish } of wishes) {
    const kind = gives(wish) ? kindOf(key) : undefined
    if (kind !== undefined) kinds.add(kind)
  }
  return kinds
}

/** "1 December 2026, 08:00 UTC": the same words on every machine. */
const dayInWords = (iso: string): string =>
  `${new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: 'UTC' }).format(new Date(iso)).replace(' at ', ', ')} UTC`

/** Why a wish can never stand for this license and this sort of target; undefined when it can. Asked before an edit is kept, and again at the server's door. */
export type WishRefused =
  | 'not-device-assignable'
  | 'not-user-assignable'
  | 'license-type-mismatch'
  | 'confirmation-required'
  | 'mixed-exclusion'
  | 'terms-impossible'

/** `included`: the sorts of targets to which other wishes of this license give seats. */
export const wishRefused = (
  license: License,
  target: PrincipalKind,
  wish: Wish,
  confirmed: boolean,
  included: ReadonlySet<PrincipalKind>,
): WishRefused | undefined => {
  if (wish.mode === 'removed') return undefined
  const { startsAt, endsAt, reservation } = termsOf(wish)
  if (startsAt !== null && endsAt !== null && endsAt <= startsAt) return 'terms-impossible'
  if (reservation !== null && !gives(wish)) return 'terms-impossible'
  // No store and no device management looks through a device to its owner, or the other way round: everybody would get it.
  if (wish.mode === 'exclude' && included.size > 0 && !included.has(target)) return 'mixed-exclusion'
  if (!gives(wish)) return undefined
  if (target === 'device' && !license.licenseTypes.includes('device')) return 'not-device-assignable'
  if (target === 'user' && !license.licenseTypes.includes('user')) return 'not-user-assignable'
  if (wish.licenseType !== target) return 'license-type-mismatch'
  return !license.revocable && !confirmed ? 'confirmation-required' : undefined
}

export const wishRefusedInWords = (refused: WishRefused, product: string): string => {
  switch (refused) {
    case 'not-device-assignable':
      return `${product} goes to people only. Nothing changed. Choose a person or a group of people instead.`
    case 'not-user-assignable':
      return `${product} goes to devices only. Nothing changed. Choose a device or a group of devices instead.`
    case 'license-type-mismatch':
      return 'A device takes a device license, a person a user license. Nothing changed. Choose the license type that fits the target.'
    case 'mixed-exclusion':
      return 'People are not excluded from devices, nor devices from people: a seat goes to the one that is named, whoever owns it. Nothing changed. Exclude a group of the same sort as the one that is included.'
    case 'terms-impossible':
      return 'The end must come after the beginning, and seats are reserved only where they are given. Nothing changed. Choose other dates, or take the reservation away.'
    case 'confirmation-required':
      return `${product} can't be taken back once it is given. Nothing changed. Confirm that it is given for good.`
  }
}
