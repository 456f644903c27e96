import type { Result } from '../../../shared/result.ts'
import type { DeviceControl } from './device-control.ts'
import type { Faults } from './faults.ts'
import type { SentNotice } from './notices.ts'
import type { LoggedRequest } from './request-log.ts'
import type { AppleSnapshot, SnapshotMalformed } from './snapshot.ts'
import type { SubscriptionControl } from './subscription-control.ts'
import type { EventType, MdmInfo, PricingParam, Product, Target, UserInput, UserRecord } from './state.ts'
import type { Switches } from './switches.ts'

export interface NewLocation {
  readonly name: string
  /** Digits. Absent = made from chance. */
  readonly uId?: string
  readonly organisation?: string
  readonly country?: string
  readonly platform?: 'enterprisestore' | 'volumestore'
  readonly managedDomain?: string
  /** Milliseconds since 1970. Absent = a year from now. */
  readonly tokenExpiresAt?: number
  readonly privilege?: 'manage' | 'read-only'
}

export interface Owned {
  readonly total: number | 'unlimited'
  readonly pricingParam?: PricingParam
  readonly productType?: string
  readonly retired?: number
  readonly deviceAssignable?: boolean
  readonly revocable?: boolean
  readonly supportedPlatforms?: readonly string[]
  /** In use from the start. Users must be registered already. */
  readonly heldBy?: readonly Target[]
  /** What the shop tells of it; absent leaves the shop without an answer for this id. */
  readonly product?: Omit<Product, 'adamId'>
}

/** `total` null = unlimited. */
export interface Counts {
  readonly total: number | null
  readonly assigned: number
  readonly available: number | null
  readonly retired: number
}

export interface Refusal {
  readonly target: Target
  readonly errorNumber: number
}

export interface LocationSummary {
  readonly uId: string
  readonly name: string
  readonly country: string
  readonly platform: 'enterprisestore' | 'volumestore'
  readonly mdmInfo: MdmInfo | null
  readonly notificationUrl: string | null
  readonly tokens: readonly { readonly expiresAt: number; readonly revoked: boolean; readonly privilege: 'manage' | 'read-only' }[]
  readonly assets: number
  readonly seats: number
  readonly users: number
  readonly openEvents: number
}

export interface OwnedSummary extends Counts {
  readonly adamId: string
  readonly pricingParam: PricingParam
  readonly productType: string
  readonly name: string | null
  readonly deviceAssignable: boolean
  readonly revocable: boolean
}

export interface EventSummary {
  readonly id: string
  readonly type: EventType
  readonly acceptedAt: number
  readonly requested: number
  readonly completed: number
  readonly failed: number
  readonly held: boolean
  readonly finishedAt: number | null
}

/**
 * What happens outside the protocol: purchases, other administrators, other MDMs, trouble. Locations are named by uId, products by
 * adamId with STDQ unless said otherwise. A location or asset that does not exist is the caller's mistake and throws.
 */
export interface AppleControl extends DeviceControl, SubscriptionControl {
  addLocation(input: NewLocation): { readonly uId: string; readonly tokenFile: string }
  locations(): readonly LocationSummary[]
  renameLocation(location: string, name: string): void
  /** The text of the `.vpptoken` file of the newest token. */
  tokenFileFor(location: string): string
  /** One more token, as downloaded by another administrator. Earlier ones stay as they are. */
  newToken(location: string, options?: { readonly expiresAt?: number; readonly privilege?: 'manage' | 'read-only' }): string
  /** Revokes all tokens of the location: 9625. */
  revokeToken(location: string): void
  /** All tokens of the location end now, or at the given time: 9621. */
  expireToken(location: string, at?: number): void
  setPrivilege(location: string, privilege: 'manage' | 'read-only'): void
  /** Somebody else's claim, or null for a location nobody holds. */
  setOwner(location: string, owner: MdmInfo | null): void

  addProduct(product: Product): void
  own(location: string, adamId: string, owned: Owned): void
  owned(location: string): readonly OwnedSummary[]
  /** A purchase, refund or transfer. May go below what is in use. */
  setTotal(location: string, adamId: string, total: number, pricingParam?: PricingParam): void
  setRetired(location: string, adamId: string, retired: number, pricingParam?: PricingParam): void
  /** The publisher changes what may be done with it; who holds it keeps it. */
  setFlags(
    location: string,
    adamId: string,
    flags: { readonly deviceAssignable?: boolean; readonly revocable?: boolean },
    pricingParam?: PricingParam,
  ): void
  counts(location: string, adamId: string, pricingParam?: PricingParam): Counts
  /** In the order in which they got it. */
  holders(location: string, adamId: string, pricingParam?: PricingParam): readonly Target[]
  assignOutside(location: string, adamId: string, targets: readonly Target[], pricingParam?: PricingParam): readonly Refusal[]
  freeOutside(location: string, adamId: string, targets: readonly Target[], pricingParam?: PricingParam): readonly Refusal[]

  /** 0, or the number with which it was refused. */
  registerUser(location: string, user: UserInput): number
  retireUser(location: string, clientUserId: string): number
  /** The person follows the invitation with this Apple Account. */
  acceptInvitation(location: string, clientUserId: string, account: string): number
  users(location: string): readonly Readonly<UserRecord>[]

  events(location: string): readonly EventSummary[]
  /** Does every open event now, held or not yet due. Gives how many. */
  finishEvents(): number
  requests(): readonly LoggedRequest[]
  clearRequests(): void
  notices(): readonly SentNotice[]
  /** From now on every `sinceVersionId` given so far is answered with 9721. */
  forgetVersions(location: string): void

  readonly faults: Faults
  switches(): Switches
  setSwitches(changes: Partial<Switches>): void
  /** `null` leaves a limit out of service/config; it is kept at its published value all the same. */
  setLimits(changes: Readonly<Record<string, number | null>>): void

  snapshot(): AppleSnapshot
  restore(given: unknown): Result<void, SnapshotMalformed>
}
