/**
 * The one reactive file: what every screen reads. Each reading here may be made inside a component or `$derived`, and is
 * made again when what it rests on has changed. Screens change things through `workspace.edits` (kept on this device,
 * with or without a network) and `workspace.acts` (need the server), and hold only their own form's state.
 */
import type { LicenseId, TargetKey } from '../shared/ids.ts'
import type { Verdict } from '../shared/assignment.ts'
import type { PrincipalId } from '../shared/ids.ts'
import type { Group } from '../shared/principal.ts'
import type { UpdateState } from './app-update.ts'
import type { ConnectionStatus } from './connection.ts'
import type { TargetFound } from './directory.ts'
import type { AssignRequest, Edits } from './edits.ts'
import type { DeviceNotice, KnownAdmin, LocalFailure } from './local-db.ts'
import type { SessionState } from './session.ts'
import type { ConnectorRow } from './views/connector-list.ts'
import type { LicenseRow } from './views/license-list.ts'
import type { LicensePage, TargetName } from './views/license-page.ts'
import type { Foretold, OutboxList } from './views/outbox-list.ts'
import type { Overview } from './views/overview.ts'

/** Loading and not found are told apart: "not found" is said only of facts that are whole. */
export type Reading<T> = { readonly is: 'loading' } | { readonly is: 'ready'; readonly value: T } | { readonly is: 'not-found' }

/** What the connection badge shows. */
export interface Badge {
  /** "Online", "Offline", "Syncing". */
  readonly word: 'Online' | 'Offline' | 'Syncing'
  readonly unsent: number
  readonly refused: number
  /** "Offline, 6 unsent", "Online, all saved". */
  readonly text: string
}

/** How far the facts on this device are to be believed. */
export type FactsState =
  /** Nothing was ever fetched here. */
  | { readonly is: 'none' }
  /** The first fetch, or one after a change of server, has not come to its end. */
  | { readonly is: 'filling'; readonly done: number; readonly total: number }
  /** `heardAt`: when they were last known to be the newest (by the server's clock); null while following live. */
  | { readonly is: 'whole'; readonly heardAt: number | null }

export interface Workspace {
  // ---- Who and how ----
  readonly session: SessionState
  readonly admin: KnownAdmin | undefined
  /** The role allows changes of the plan; the server asks again. */
  readonly mayEdit: boolean
  readonly connection: ConnectionStatus
  readonly badge: Badge
  readonly facts: FactsState
  /** Moves every 30 s, for ages. Milliseconds since 1970. */
  readonly now: number
  readonly update: UpdateState
  /** Something a person must know about this browser's store. */
  readonly notice: DeviceNotice | undefined
  /** This browser's store can't keep anything now. */
  readonly storeTrouble: { readonly failure: LocalFailure; readonly text: string } | undefined
  /** Another tab holds the connection. */
  readonly follows: boolean

  // ---- What screens show ----
  readonly overview: Reading<Overview>
  /** In no promised order: screens arrange it with `arrangeLicenses`. */
  readonly licenses: Reading<readonly LicenseRow[]>
  license(id: LicenseId): Reading<LicensePage>
  /** Worst first. */
  readonly connectors: Reading<readonly ConnectorRow[]>
  readonly outbox: OutboxList
  readonly groups: Reading<readonly Group[]>
  /** At most `most` (50 unless told), best first: groups, then people and devices whose name, user name or serial number begins with or holds the text. */
  search(text: string, most?: number): Reading<readonly TargetFound[]>
  target(key: TargetKey): TargetName
  /** What would come of an assignment, before it is made. */
  foretell(request: AssignRequest): Reading<Foretold>
  /** How a license stands for one person or device. */
  verdict(license: LicenseId, principal: PrincipalId): Reading<Verdict | undefined>

  // ---- What screens do ----
  readonly edits: Edits
  tryNow(): void
  dismissNotice(): Promise<void>
  /** The outbox as a file's text, for someone who wants to carry it elsewhere. */
  exportOutbox(): string
  /** Screens report a form that would lose its content: an update waits for it. Gives the way to report it closed. */
  formOpen(): () => void
  applyUpdate(): void
}
