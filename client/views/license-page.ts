/** One license, as the License screen shows it. */
import { becauseInWords, type PlacedWish, type Verdict, type VerdictState } from '../../shared/assignment.ts'
import { seatAt } from '../../shared/facts.ts'
import { docOfLicense, type LicenseId } from '../../shared/ids.ts'
import type { Seat } from '../../shared/license.ts'
import type { Order } from '../../shared/order.ts'
import type { WishTally } from '../../shared/reconcile.ts'
import type { DirectoryReader, PrincipalName, TargetName } from '../directory.ts'
import type { ChunkRead } from '../facts.ts'
import type { Foretelling } from '../foretelling.ts'
import type { OutboxRow } from '../local-db.ts'
import { licenseRow, type LicenseRow } from './license-list.ts'
import { counted, seatsCounted } from './words.ts'

export type { PrincipalName, TargetName } from '../directory.ts'

/** Rows made only for the part that is looked at: a license can have 100,000 holders. */
export interface Window<T> {
  readonly length: number
  /** From `from` up to `to`, which is left out. */
  slice(from: number, to: number): readonly T[]
}

export interface WishRow {
  readonly placed: PlacedWish
  readonly target: TargetName
  readonly tally: WishTally
  /** This device's edit of it that the server has not taken: shown with the mark for "said, not yet answered". */
  readonly unsent: boolean
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

const noTally: WishTally = { placed: 0, pending: 0, waiting: 0, refused: 0 }

/** Undefined: there is no such license in the facts at hand. */
export const licensePage = (
  id: LicenseId,
  foretelling: Foretelling,
  directory: DirectoryReader,
  rows: readonly OutboxRow[],
  now: number,
): ChunkRead<LicensePage | undefined> => {
  const read = foretelling.state(id, now)
  if (read.is === 'loading') return read
  const people = directory.people()
  if (people.is === 'loading') return people
  const state = read.value
  if (state === undefined) return { is: 'ready', value: undefined }
  const { license, reconciled, standing } = state
  const doc = docOfLicense(id)
  const unsentEdits = rows.filter((row) => row.doc === doc && row.state === 'waiting').length
  const nameOf = (ordinal: number): PrincipalName => people.value.nameOf(ordinal, license.licenseTypes[0] ?? 'device')

  const wishes = [...standing.values()]
    .map(({ placed, unsent }): WishRow => ({
      placed,
      target: directory.nameOfTarget(placed.key),
      tally: reconciled.tallyByKey.get(placed.key) ?? noTally,
      unsent,
    }))
    .sort((a, b) => Number(a.placed.wish.mode === 'removed') - Number(b.placed.wish.mode === 'removed') || a.placed.taken - b.placed.taken)

  const verdictRow = (verdict: Verdict): VerdictRow => ({
    verdict,
    principal: nameOf(verdict.ordinal),
    by: directory.nameOfTarget(verdict.key),
    because: becauseInWords(verdict.because),
    foretold: standing.get(verdict.key)?.unsent === true,
  })
  const withState = (wanted: VerdictState): Window<VerdictRow> =>
    windowOf(
      reconciled.verdicts.filter(({ state: given }) => given === wanted),
      verdictRow,
    )

  return {
    is: 'ready',
    value: {
      row: licenseRow(license, state.connector, state.pending > 0 ? reconciled.tally : undefined, unsentEdits, now),
      writingBlocked: state.writingBlocked === undefined ? undefined : becauseInWords({ code: state.writingBlocked, position: 0 }),
      wishes,
      holders: {
        length: state.seats.ordinals.length,
        slice: (from, to) => {
          const holders: HolderRow[] = []
          for (let at = Math.max(0, from); at < Math.min(to, state.seats.ordinals.length); at += 1) {
            const seat = seatAt(state.seats, at)
            holders.push({
              seat,
              principal: people.value.nameOf(seat.ordinal, seat.licenseType),
              verdict: state.verdictByOrdinal.get(seat.ordinal),
            })
          }
          return holders
        },
      },
      waiting: withState('waiting'),
      refused: withState('refused'),
      pending: withState('pending'),
      orders: [...state.orders]
        .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
        .map((order) => ({
          order,
          words: orderInWords(order),
          state: orderStateInWords(order),
          failures: order.failures.map(({ ordinal, text }) => ({ principal: nameOf(ordinal), text })),
        })),
      refusedEdits: rows.filter((row) => row.doc === doc && row.state === 'refused').map(({ id: row }) => row),
    },
  }
}

export const windowOf = <T, R>(items: readonly T[], make: (item: T) => R): Window<R> => ({
  length: items.length,
  slice: (from, to) => items.slice(Math.max(0, from), to).map(make),
})

export const orderInWords = (order: Order): string => {
  switch (order.action) {
    case 'associate':
      return `Give ${seatsCounted(order.total)}`
    case 'disassociate':
      return `Take back ${seatsCounted(order.total)}`
    case 'revoke':
      return `Revoke all seats of ${counted(order.total, 'person or device', 'people or devices')}`
    case 'register-user':
      return `Register ${counted(order.total, 'person', 'people')} at the store`
    case 'retire-user':
      return `Retire ${counted(order.total, 'person', 'people')} at the store`
  }
}

export const orderStateInWords = (order: Order): string => {
  if (order.unknown) return 'It is not known whether the store has it. It is found by reading, not by sending again'
  switch (order.state) {
    case 'planned':
      return 'Not sent yet'
    case 'sent':
    case 'pending':
      return order.done > 0 ? `${order.done} of ${order.total} answered` : 'The store has not answered yet'
    case 'done':
      return 'Done'
    case 'partly-done':
      return `Partly done: ${order.done} of ${order.total}`
    case 'failed':
      return 'Failed'
    case 'cancelled':
      return 'Not needed any more'
  }
}
