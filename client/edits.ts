/** All that an administrator can do without a network. One act = one edit = one row of the outbox (a bulk act of more than 500 targets is several). */
import type { Intent, Mode, SeatsAfter, WishRefused } from '../shared/assignment.ts'
import type { LicenseId, TargetKey } from '../shared/ids.ts'
import type { LicenseType } from '../shared/license.ts'
import type { Result } from '../shared/result.ts'
import type { LocalFailure } from './local-db.ts'

export interface AssignRequest {
  readonly license: LicenseId
  readonly targets: readonly TargetKey[]
  readonly mode: Mode
  readonly intent: Intent
  readonly licenseType: LicenseType
  readonly note?: string
  /** The person was told that the product can't be taken back, and said yes. */
  readonly confirmed?: boolean
}

/** Why an act was not even queued; nothing changed. `text` is for the person. */
export type ActRefused =
  | { readonly is: WishRefused; readonly text: string; readonly target: TargetKey }
  | {
      readonly is:
        'not-permitted' | 'license-unknown' | 'target-unknown' | 'nothing-to-do' | 'note-too-long' | 'edit-unknown' | 'facts-missing'
      readonly text: string
    }
  | { readonly is: 'not-saved'; readonly failure: LocalFailure; readonly text: string }

export interface Kept {
  /** Ids of the outbox rows, on this device's disk. */
  readonly ids: readonly number[]
  /** "Give Keynote to Grade 7 tablets, required". */
  readonly words: string
}

export interface Edits {
  assign(request: AssignRequest): Promise<Result<Kept, ActRefused>>
  /** Changes wishes that stand; targets without one are left out. */
  changeAssignment(request: AssignRequest): Promise<Result<Kept, ActRefused>>
  removeAssignment(license: LicenseId, targets: readonly TargetKey[], seats: SeatsAfter): Promise<Result<Kept, ActRefused>>
  setNote(license: LicenseId, target: TargetKey, note: string): Promise<Result<Kept, ActRefused>>
  /** A new edit that sets back what the edit changed, as far as this device remembers it. */
  undo(id: number): Promise<Result<Kept, ActRefused>>
  /** A refused edit, made again on what stands now; the refused one goes. */
  editAgain(id: number): Promise<Result<Kept, ActRefused>>
  /** Forgets a refused edit. */
  discard(id: number): Promise<Result<void, ActRefused>>
}
