/**
 * The contract every store fulfils. A store is known to the rest of the server by this page alone: its own words
 * (adamId, eventId, …) stay in its folder.
 *
 * Nothing here retries a write. A read may be tried again inside the connection, bounded, under the store's own rules
 * of pace; an answer that does not hold together is thrown away whole.
 */
import type { Capabilities, ConnectorKind, Location, StoreName } from '../../shared/connector.ts'
import type { LicenseType, ProductKind } from '../../shared/license.ts'
import type { Result } from '../../shared/result.ts'
import type { Clock, Chance } from '../../shared/clock.ts'
import type { PrincipalKind } from '../../shared/ids.ts'
import type { Secret } from '../secret.ts'

/** What came out of an uploaded credential without asking the store. `sealed` is what is kept, and all that is kept. */
export interface CredentialRead {
  readonly secret: Secret
  readonly expiresAt: string | null
  readonly organization: string
}

/** Each way in which a credential can be wrong has a reason of its own and a text that says what to do. */
export interface CredentialMalformed {
  readonly is: 'credential-malformed'
  readonly reason: string
  readonly text: string
}

/** The store's word on who we are there. `owner` is null while no management service has claimed the Location. */
export interface LocationIdentity {
  readonly location: Location
  readonly expiresAt: string | null
  readonly owner: { readonly id: string; readonly name: string; readonly metadata: string } | null
}

export type StoreFailure =
  | { readonly is: 'credential-expired'; readonly text: string }
  | { readonly is: 'credential-invalid'; readonly text: string }
  | { readonly is: 'read-only-token'; readonly text: string }
  | { readonly is: 'foreign-owner'; readonly owner: { readonly id: string; readonly name: string; readonly metadata: string } }
  /** The store asks for a pause of this length; nothing was done. */
  | { readonly is: 'store-busy'; readonly retryAfterMs: number }
  | { readonly is: 'store-unreachable'; readonly text: string }
  /** The store said no to this very request, whole; nothing was done. */
  | { readonly is: 'store-refused'; readonly code: string; readonly text: string }
  | { readonly is: 'store-answer-unreadable'; readonly text: string }
  | { readonly is: 'store-changed-meanwhile' }

/** A license as read: the store's own numbers, untouched. `total` null with `unlimited` = no limit. */
export interface LicenseRead {
  readonly productId: string
  readonly pricing: string | null
  readonly kind: ProductKind
  readonly platforms: readonly string[]
  readonly licenseTypes: readonly LicenseType[]
  readonly assignable: boolean
  readonly revocable: boolean
  readonly total: number | null
  readonly inUse: number
  readonly available: number | null
  readonly retired: number | null
  readonly unlimited: boolean
}

/** Who holds a seat, in the store's words: `key` is the user name or serial number, normalised. */
export interface HolderKey {
  readonly kind: PrincipalKind
  readonly key: string
}
export interface SeatRead {
  readonly productId: string
  readonly pricing: string | null
  readonly holder: HolderKey
}

/** Takes a walk's pages as they come. `begin` is called at the start and again when the walk starts over: forget what came before. */
export interface SeatSink {
  begin(full: boolean): void
  page(seats: readonly SeatRead[], totalPages: number | null): void
}

export interface SeatsRead {
  /** Opaque; give it to the next `readSeats` for an increment. Null: only full walks. */
  readonly cursor: string | null
  /** An increment proves additions only; a full walk proves absences too. */
  readonly full: boolean
}

export interface ProductDescription {
  readonly productId: string
  readonly name: string
  readonly publisher: string
  readonly kind: ProductKind | null
  readonly iconUrl: string | null
}

export interface WriteRequest {
  readonly action: 'associate' | 'disassociate'
  readonly productId: string
  readonly pricing: string | null
  readonly holders: readonly HolderKey[]
}

export interface WriteLimits {
  readonly mostUsers: number
  readonly mostDevices: number
}

/**
 * What sending a write came to. `outcome-unknown`: the call may have reached the store (cut connection, time-out,
 * 5xx); it is a question to be answered by reading, never a reason to send again.
 */
export type WriteFailure = StoreFailure | { readonly is: 'over-limit' } | { readonly is: 'outcome-unknown'; readonly text: string }

export interface TargetFailure {
  /** Null: the store did not say which targets; read them. */
  readonly holders: readonly HolderKey[] | null
  readonly code: string
  readonly text: string
  readonly retryable: boolean
}

export type OrderStatus =
  | { readonly is: 'pending' }
  /** Every target succeeded. */
  | { readonly is: 'done' }
  /** Some or all failed; targets not named may have been served or not when `complete` is false: read them. */
  | { readonly is: 'failed'; readonly failures: readonly TargetFailure[]; readonly complete: boolean }
  /** The store knows the reference no more: read the targets. */
  | { readonly is: 'gone' }

/** One live link to one Location. Not shared between Locations; one writer per Location. */
export interface StoreConnection {
  identify(): Promise<Result<LocationIdentity, StoreFailure>>
  /** Writes our name on the Location and reads it back: `foreign-owner` when another name stands there afterwards. */
  claim(): Promise<Result<LocationIdentity, StoreFailure>>
  readLicenses(): Promise<Result<readonly LicenseRead[], StoreFailure>>
  /** One license's counts, after a write. Undefined: the store lists it no more. */
  readLicense(productId: string, pricing: string | null): Promise<Result<LicenseRead | undefined, StoreFailure>>
  readSeats(cursor: string | null, sink: SeatSink): Promise<Result<SeatsRead, StoreFailure>>
  /** Every seat of one license: to settle disagreeing counts and open questions. */
  readSeatsOf(productId: string, pricing: string | null): Promise<Result<readonly SeatRead[], StoreFailure>>
  /** Names and icons; ids the store tells nothing about are left out. Never needed for counts. */
  describe(productIds: readonly string[], country: string): Promise<Result<readonly ProductDescription[], StoreFailure>>
  /** The store's present limits for one write; re-read by age and after every `over-limit`. */
  limits(): Promise<Result<WriteLimits, StoreFailure>>
  /** Checks the owner, then sends. The reference is the store's word that it was accepted, nothing more. */
  write(request: WriteRequest): Promise<Result<{ readonly reference: string }, WriteFailure>>
  orderStatus(reference: string): Promise<Result<OrderStatus, StoreFailure>>
}

export interface ConnectionDeps {
  readonly clock: Clock
  readonly chance: Chance
  /** The network. Never follows a redirect with a credential attached. */
  readonly fetch: typeof globalThis.fetch
  /** Told when an answer names another holder of the Location than the one before it: ours or somebody else. */
  readonly onOwner?: (owner: NonNullable<LocationIdentity['owner']>) => void
}

/** How we sign a Location: `id` is made once for each Location and kept for ever. */
export interface OwnerMark {
  readonly id: string
  readonly name: string
  readonly metadata: string
}

export interface Store {
  readonly kind: ConnectorKind
  readonly store: StoreName
  readonly capabilities: Capabilities
  /** Parses an uploaded credential (the `credential` member of `POST /connectors`). Nothing is asked of the store. */
  readCredential(input: unknown, now: number): Result<CredentialRead, CredentialMalformed>
  /** `seenUId` and the like are not trusted from outside: identify() tells. */
  connect(deps: ConnectionDeps, secret: Secret, owner: OwnerMark): StoreConnection
}
