/** This device's edits: refused, unsent, saved. */
import type { LicenseId } from '../../shared/ids.ts'
import type { OutboxRow, SavedEdit } from '../local-db.ts'

/** What will come of an unsent edit by the facts at hand; promised by nobody until the server has answered. */
export interface Foretold {
  /** "40 get a seat, 28 wait: no seat left". "No seats move" when nothing does. */
  readonly text: string
  readonly placed: number
  readonly waiting: number
  readonly refused: number
  /** ISO 8601: when the counts were read. */
  readonly asOf: string | undefined
}

export interface UnsentEdit {
  readonly row: OutboxRow
  readonly license: LicenseId
  /** Undefined while the license's chunks are being read. */
  readonly foretold: Foretold | undefined
  /** Sent on this connection, the answer is on its way. */
  readonly sent: boolean
}

export interface RefusedEdit {
  readonly row: OutboxRow
  readonly license: LicenseId
  /** What happened, what it means, what to do: the server's own words. */
  readonly text: string
}

export interface OutboxList {
  /** Newest first. */
  readonly refused: readonly RefusedEdit[]
  readonly unsent: readonly UnsentEdit[]
  readonly saved: readonly SavedEdit[]
}
