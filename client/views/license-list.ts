/** The list of licenses, as the Licenses screen shows it. */
import type { Connector } from '../../shared/connector.ts'
import type { LicenseId } from '../../shared/ids.ts'
import type { License, LowLevel, Tally } from '../../shared/license.ts'

/** What the seat bar draws, in seats; `short` hangs over its end. Free is null where there is no limit or the store does not count. */
export interface SeatBar {
  readonly total: number | null
  readonly assigned: number
  readonly found: number
  readonly free: number | null
  readonly retired: number
  readonly short: number
}

export interface LicenseRow {
  readonly id: LicenseId
  readonly license: License
  /** Undefined while the connectors are not read. */
  readonly connector: Connector | undefined
  /** By reconcile over the facts and this device's unsent edits when there are any, else the server's own. */
  readonly tally: Tally
  /** The tally is foretold here, and promised by nobody. */
  readonly foretold: boolean
  /** This device's edits of it that the server has not taken. */
  readonly unsent: number
  readonly bar: SeatBar
  readonly low: LowLevel
  /** Age of the counts. */
  readonly ageMs: number
  /** Older than a day: the figure turns amber. */
  readonly stale: boolean
  /** False: the store's own numbers contradict each other. Undefined: nothing to compare. */
  readonly countsAgree: boolean | undefined
}
