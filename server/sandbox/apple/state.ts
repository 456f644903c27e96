import type { DeviceOrganisation } from './device-state.ts'

/** Everything the sandbox's Apple knows. Only the files of this folder change it, and only through seats.ts, users.ts and control.ts. */
export type PricingParam = 'STDQ' | 'PLUS'
export type ListName = 'assets' | 'assignments' | 'users'
export type UserStatus = 'Registered' | 'Associated' | 'Retired' | 'Deleted'
export type EventType = 'ASSOCIATE' | 'DISASSOCIATE' | 'REVOKE' | 'CREATE' | 'UPDATE' | 'RETIRE'

/** Apple shows free assets with this total (the largest int32). */
export const UNLIMITED = 2_147_483_647

export interface MdmInfo {
  readonly id: string
  readonly name: string
  readonly metadata: string
}

export interface TokenRecord {
  /** The inner `token` of the file; what the file holds around it is not compared. */
  readonly secret: string
  expiresAt: number
  revoked: boolean
  privilege: 'manage' | 'read-only'
}

/** One unit in use. A user's seat names the user record, since one clientUserId may have several records over time. */
export interface Seat {
  readonly serialNumber?: string
  readonly clientUserId?: string
  readonly record?: number
  readonly version: number
}

export interface Asset {
  readonly adamId: string
  readonly pricingParam: PricingParam
  productType: string
  total: number
  retired: number
  deviceAssignable: boolean
  revocable: boolean
  supportedPlatforms: readonly string[]
  unlimited: boolean
  readonly seats: Map<string, Seat>
}

export interface UserRecord {
  readonly record: number
  readonly clientUserId: string
  email?: string
  status: UserStatus
  inviteCode?: string
  idHash?: string
  managedAppleId?: string
  version: number
}

export interface AssetRef {
  readonly adamId: string
  readonly pricingParam: PricingParam
}

export interface UserInput {
  readonly clientUserId: string
  readonly email?: string
  readonly managedAppleId?: string
}

export type Target = { readonly kind: 'device'; readonly serialNumber: string } | { readonly kind: 'user'; readonly clientUserId: string }

/** Which subscriptions a write is about: whole numbers, unlike adamIds anywhere else. */
export interface SubscriptionWrite {
  readonly adamIds: readonly number[]
  /** Associate: of the units that renew, or of those that run out. */
  readonly renewing: boolean
  /** Disassociate: at the period's end, or at once. */
  readonly deferred: boolean
}

/** Units that renew at the period's end, and units that run out then. */
export interface RenewalCount {
  readonly renewing: number
  readonly expiring: number
}

export interface SubscriptionSeat {
  readonly clientUserId: string
  readonly renewing: boolean
  /** Goes at the period's end. */
  readonly leaving: boolean
}

export interface OwnedSubscription {
  readonly adamId: number
  readonly parentAdamId: number
  name: string | null
  status: 'ACTIVE' | 'INACTIVE' | 'PAUSED'
  /** `YYYY-MM-DD`, its last day. */
  periodEndsOn: string | null
  total: RenewalCount
  readonly seats: Map<string, SubscriptionSeat>
  admins: readonly string[]
  /** They have it through a group, which an association of their own is refused for. */
  heldByGroup: readonly string[]
}

export interface SubscriptionsState {
  /** Managers may buy subscriptions into the location. */
  enabled: boolean
  /** Moves on with every change. */
  version: number
  readonly owned: Map<number, OwnedSubscription>
}

/** What one event still has to do and has done. Tasks are the cross product of assets and targets, asset by asset. */
export interface AppleEvent {
  readonly id: string
  readonly type: EventType
  readonly acceptedAt: number
  /** The first task is done this long after acceptance, each further one `taskMs` later. */
  readonly latencyMs: number
  readonly taskMs: number
  readonly assets: readonly AssetRef[]
  readonly targets: readonly Target[]
  readonly users: readonly UserInput[]
  /** Then there are no assets, and the targets are users. */
  readonly subscription?: SubscriptionWrite
  /** Revoke only: what was found at acceptance. */
  readonly pairs: readonly { readonly asset: AssetRef; readonly target: Target }[]
  /** Held events run only when the control object says so. */
  held: boolean
  next: number
  completed: number
  readonly failures: TaskFailure[]
  readonly done: number[]
  finishedAt: number | null
  readonly tampering: EventTampering
}

export interface TaskFailure {
  readonly task: number
  readonly errorNumber: number
}

/** What armed faults do to this event. */
export interface EventTampering {
  readonly failEvery?: { readonly every: number; readonly errorNumber: number }
  readonly failTargets?: { readonly keys: readonly string[]; readonly errorNumber: number }
  readonly fallShortBy?: number
  readonly bareFailures?: boolean
  readonly saysComplete?: boolean
  readonly withoutEffect?: boolean
  readonly servesAnother?: boolean
  readonly neverEnds?: boolean
}

export interface LocationState {
  readonly uId: string
  name: string
  readonly organisation: string
  readonly country: string
  readonly platform: 'enterprisestore' | 'volumestore'
  /** Managed Apple Accounts of this domain belong to the organisation. */
  readonly managedDomain: string
  readonly tokens: TokenRecord[]
  mdmInfo: MdmInfo | null
  notificationUrl: string | null
  notificationAuthToken: string | null
  notificationTypes: readonly string[]
  readonly versions: Record<ListName, number>
  /** `sinceVersionId` below this is answered with 9721. */
  readonly versionFloors: Record<ListName, number>
  readonly assets: Map<string, Asset>
  readonly users: Map<string, UserRecord[]>
  readonly events: Map<string, AppleEvent>
  readonly subscriptions: SubscriptionsState
  nextRecord: number
}

/** What the shop knows of an adamId; the license API itself never tells names. */
export interface Product {
  readonly adamId: string
  readonly name: string
  readonly publisher: string
  readonly kind: 'iosSoftware' | 'desktopApp' | 'epubBook'
  readonly bundleId?: string
  readonly deviceFamilies?: readonly string[]
  readonly genres: readonly string[]
  readonly price: number
  /** Storefronts that sell it; absent = all. */
  readonly storefronts?: readonly string[]
  /** Custom apps are visible only to these locations, and only with their token. */
  readonly customFor?: readonly string[]
}

export interface AppleState {
  readonly locations: Map<string, LocationState>
  readonly catalogue: Map<string, Product>
  readonly limits: Map<string, number>
  /** By name. Their devices are told by the device API. */
  readonly organisations: Map<string, DeviceOrganisation>
}

export const assetKey = (asset: { readonly adamId: string; readonly pricingParam: string }): string =>
  `${asset.adamId}/${asset.pricingParam}`

/** A device by its serial, a user by the record that holds. Serials are compared as given: Apple's own folding of case is [unknown]. */
export const seatKey = (seat: { readonly serialNumber?: string; readonly clientUserId?: string; readonly record?: number }): string =>
  seat.serialNumber === undefined ? `u:${seat.record}:${seat.clientUserId}` : `d:${seat.serialNumber}`

export const targetKey = (target: Target): string => (target.kind === 'device' ? target.serialNumber : target.clientUserId)

export const availableOf = (asset: Asset): number => Math.max(0, asset.total - asset.retired - asset.seats.size)

export const isActive = (user: UserRecord): boolean => user.status === 'Registered' || user.status === 'Associated'

export const activeUser = (location: LocationState, clientUserId: string): UserRecord | undefined =>
  location.users.get(clientUserId)?.find(isActive)

/** The published values of August 2026. */
export const PUBLISHED_LIMITS: Readonly<Record<string, number>> = {
  maxAssets: 25,
  maxUsers: 100,
  maxClientUserIds: 1000,
  maxSerialNumbers: 1000,
  maxRevokeClientUserIds: 100,
  maxRevokeSerialNumbers: 100,
  maxRequestPerSecond: 15,
  maxNotificationLength: 512,
  maxMdmIdLength: 100,
  maxMdmNameLength: 100,
  maxMdmMetadataLength: 255,
  maxSubscriptions: 25,
  maxSubscriptionClientUserIds: 1000,
}

/** A limit that service/config leaves out is still kept, at its published value. */
export const limitOf = (state: AppleState, key: string): number => state.limits.get(key) ?? PUBLISHED_LIMITS[key] ?? Number.MAX_SAFE_INTEGER

export const emptyState = (): AppleState => ({
  locations: new Map(),
  catalogue: new Map(),
  limits: new Map(Object.entries(PUBLISHED_LIMITS)),
  organisations: new Map(),
})
