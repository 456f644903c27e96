/** One license, as the License screen shows it. */
import type { PlacedWish, Verdict } from '../../shared/assignment.ts'
import type { PrincipalId, Target, TargetKey } from '../../shared/ids.ts'
import type { Seat } from '../../shared/license.ts'
import type { Order } from '../../shared/order.ts'
import type { Principal } from '../../shared/principal.ts'
import type { WishTally } from '../../shared/reconcile.ts'
import type { LicenseRow } from './license-list.ts'

/** Rows made only for the part that is looked at: a license can have 100,000 holders. */
export interface Window<T> {
  readonly length: number
  /** From `from` up to `to`, which is left out. */
  slice(from: number, to: number): readonly T[]
}

/** A target in words. `known` is false for a person, device or group that is not (or no longer) in the directory. */
export interface TargetName {
  readonly key: TargetKey
  readonly target: Target
  /** "Grade 7 tablets", "Ana Ruiz", "NS-IPAD-0412", "All devices". */
  readonly name: string
  /** "Group, 38 devices", "ana.ruiz@north.example", "DMPXK0". */
  readonly detail: string
  readonly known: boolean
}

export interface WishRow {
  readonly placed: PlacedWish
  readonly target: TargetName
  readonly tally: WishTally
  /** This device's edit of it that the server has not taken: shown with the mark for "said, not yet answered". */
  readonly unsent: boolean
}

export interface PrincipalName {
  readonly id: PrincipalId
  readonly ordinal: number
  readonly name: string
  /** User name or serial number. */
  readonly storeKey: string
  readonly principal: Principal | undefined
}

export interface VerdictRow {
  readonly verdict: Verdict
  readonly principal: PrincipalName
  /** The wish that decided, in words. */
  readonly by: TargetName
  readonly because: string
  /** Decided by an edit that the server has not taken: foretold, and promised by nobody. */
  readonly foretold: boolean
}

export interface HolderRow {
  readonly seat: Seat
  readonly principal: PrincipalName
  /** Undefined: no wish touches this holder, the seat was found. */
  readonly verdict: Verdict | undefined
}

export interface OrderRow {
  readonly order: Order
  /** "Give 6 seats", "Take back 1 seat". */
  readonly words: string
  /** "Partly done: 3 of 5". */
  readonly state: string
  readonly failures: readonly { readonly principal: PrincipalName; readonly text: string }[]
}

export interface LicensePage {
  readonly row: LicenseRow
  /** Why nothing can be asked of the store now, in words. */
  readonly writingBlocked: string | undefined
  /** Wishes that stand, then removals that are under way. */
  readonly wishes: readonly WishRow[]
  readonly holders: Window<HolderRow>
  /** In the order of serving. */
  readonly waiting: Window<VerdictRow>
  readonly refused: Window<VerdictRow>
  readonly pending: Window<VerdictRow>
  /** Newest first. */
  readonly orders: readonly OrderRow[]
  /** This device's refused edits of it. */
  readonly refusedEdits: readonly number[]
}
