/** What would come of giving several licenses to the same targets, over all of them, before anything is kept. */
import { unsent, usualTerms, withTerms, type Intent, type Mode, type PlacedWish } from '../../shared/assignment.ts'
import { isoTime } from '../../shared/clock.ts'
import type { LicenseType } from '../../shared/license.ts'
import type { AssignRequest } from '../edits.ts'
import type { LicenseRow } from './license-list.ts'
import type { Foretold } from './outbox-list.ts'
import { sum } from './connector-list.ts'

export interface LeftOut {
  readonly row: LicenseRow
  /** "goes to people only". */
  readonly because: string
}

export interface Split {
  /** Those that the wish fits. */
  readonly taking: readonly LicenseRow[]
  /** Those that it can never fit, told before anything is kept. */
  readonly leftOut: readonly LeftOut[]
  /** Of those that take it: what is given can not be taken back. */
  readonly forGood: readonly LicenseRow[]
}

const noun: Record<LicenseType, string> = { device: 'devices', user: 'people' }

export const isGivingWish = (mode: Mode, intent: Intent): boolean => mode === 'include' && intent !== 'uninstall'

export const splitByFit = (rows: readonly LicenseRow[], licenseType: LicenseType, mode: Mode, intent: Intent): Split => {
  const gives = isGivingWish(mode, intent)
  const leftOut: LeftOut[] = []
  const taking: LicenseRow[] = []
  for (const row of rows) {
    const { license } = row
    const because = !license.licenseTypes.includes(licenseType)
      ? `goes to ${noun[licenseType === 'device' ? 'user' : 'device']} only`
      : license.gone
        ? 'is no longer listed by the store'
        : !license.assignable
          ? 'can not be assigned from here'
          : mode === 'include' && intent === 'uninstall' && !license.revocable
            ? 'is never taken back'
            : undefined
    if (because === undefined) taking.push(row)
    else leftOut.push({ row, because })
  }
  return { taking, leftOut, forGood: gives ? taking.filter(({ license }) => !license.revocable) : [] }
}

export interface PreviewSums {
  /** Seats newly given. */
  readonly gains: number
  /** They have one already. */
  readonly has: number
  readonly waits: number
  readonly refused: number
  /** Seats that go back. */
  readonly returns: number
  /** Seats that are given for good. */
  readonly forGood: number
  /** Some are still being worked out. */
  readonly open: number
}

/** Sums over what was worked out so far. */
export const previewSums = (rows: readonly { readonly row: LicenseRow; readonly foretold: Foretold | undefined }[]): PreviewSums => ({
  gains: sum(rows, ({ foretold }) => foretold?.gains ?? 0),
  has: sum(rows, ({ foretold }) => foretold?.has ?? 0),
  waits: sum(rows, ({ foretold }) => foretold?.waiting ?? 0),
  refused: sum(rows, ({ foretold }) => foretold?.refused ?? 0),
  returns: sum(rows, ({ foretold }) => foretold?.returns ?? 0),
  forGood: sum(rows, ({ row, foretold }) => (row.license.revocable ? 0 : (foretold?.gains ?? 0))),
  open: rows.filter(({ foretold }) => foretold === undefined).length,
})

/** The wishes that a request would make, last in the order of serving. */
export const wantedWishes = (request: AssignRequest, by: string, now: number): readonly PlacedWish[] => {
  const { targets, mode, intent, licenseType, terms = usualTerms } = request
  return targets.map((key, at) => ({
    key,
    wish: { mode, intent, licenseType, rev: 1, ...withTerms(terms) },
    note: '',
    by,
    at: isoTime(now),
    taken: unsent - targets.length + at,
  }))
}
