/** One license, as the License screen shows it. */
import { becauseInWords, type PlacedWish, type Verdict, type VerdictState } from '../../shared/assignment.ts'
import { seatAt } from '../../shared/facts.ts'
import { docOfLicense, type LicenseId } from '../../shared/ids.ts'
import type { Seat } from '../../shared/license.ts'
import { noTally, type WishTally } from '../../shared/tallies.ts'
import type { DirectoryReader, PrincipalName, TargetName } from '../directory.ts'
import type { ChunkRead } from '../facts.ts'
import type { Foretelling } from '../foretelling.ts'
import type { OutboxRow } from '../local-db.ts'
import { licenseRow, type LicenseRow } from './license-list.ts'
import { orderRow, type OrderRow } from './order-row.ts'
import { windowOf, type Window } from './window.ts'

export type { PrincipalName, TargetName } from '../directory.ts'
export type { OrderRow } from './order-row.ts'
export type { Window } from './window.ts'

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

export interface LicensePage {
  readonly row: LicenseRow
  /** Why nothing can be asked of the store now, in words. */
  readonly writingBlocked: string | undefined
  /** Wishes that stand, then removals that are under way. */
  readonly wishes: readonly WishRow[]
  readonly holders: Window<HolderRow>
  /** In the order of serving. */
  readonly waiting: Window<VerdictRow>
  /** Asked for from a day that is still to come: they wait for no seat. */
  readonly later: Window<VerdictRow>
  readonly refused: Window<VerdictRow>
  readonly pending: Window<VerdictRow>
  /** Newest first. */
  readonly orders: readonly OrderRow[]
  /** This device's refused edits of it. */
  readonly refusedEdits: readonly number[]
}

/** Undefined: there is no such license in the facts at hand. */
export const licensePage = (
  id: LicenseId,
  foretelling: Foretelling,
  directory: DirectoryReader,
  rows: readonly OutboxRow[],
  now: number,
  /** How many orders left with each reference of the store. */
  company: ReadonlyMap<string, number> = new Map(),
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
  const beginsLater = ({ because }: Verdict): boolean => because.code === 'starts-later'
  const withState = (wanted: VerdictState): Window<VerdictRow> =>
    windowOf(
      reconciled.verdicts.filter((verdict) => verdict.state === wanted && !beginsLater(verdict)),
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
      later: windowOf(reconciled.verdicts.filter(beginsLater), verdictRow),
      refused: withState('refused'),
      pending: withState('pending'),
      orders: [...state.orders]
        .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
        .map((order) => orderRow(order, nameOf, company)),
      refusedEdits: rows.filter((row) => row.doc === doc && row.state === 'refused').map(({ id: row }) => row),
    },
  }
}
