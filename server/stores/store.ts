/**
 * The contract every store fulfils. A store is known to the rest of the server by this page alone: its own words
 * (adamId, eventId, …) stay in its folder.
 *
 * Nothing here retries a write. A read may be tried again inside the connection, bounded, under the store's own rules
 * of pace; an answer that does not hold together is thrown away whole.
 */
import type { Capabilities, ConnectorKind, ConnectorSettings, Location, StoreName } from '../../shared/connector.ts'
import type { Imported } from '../../shared/imported.ts'
import type { LicenseType, ProductKind } from '../../shared/license.ts'
import type { Result } from '../../shared/result.ts'
import type { Clock, Chance } from '../../shared/clock.ts'
import type { PrincipalKind } from '../../shared/ids.ts'
import type { OrderAction } from '../../shared/order.ts'
import type { RegistrationState } from '../../shared/registration.ts'
import type { RenewalCounts, SubscriptionStatus } from '../../shared/subscription.ts'
import type { Secret } from '../secret.ts'

/** What came out of an uploaded credential without asking the store. `sealed` is what is kept, and all that is kept. */
export interface CredentialRead {
  readonly secret: Secret
  readonly expiresAt: string | null
  readonly organization: string
  /** What was uploaded now; of what was not, the part that is held stays. */
  readonly given: { readonly token: boolean; readonly devices: boolean }
  /** Access to the organisation's device list is part of what is kept. */
  readonly hasDevices: boolean
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
  /** The store said no to this very request, whole; nothing was done. `ofSome`: because of some of its targets, which it does not name. */
  | { readonly is: 'store-refused'; readonly code: string; readonly text: string; readonly ofSome?: true }
  | { readonly is: 'store-answer-unreadable'; readonly text: string }
  | { readonly is: 'store-changed-meanwhile' }
  /** The vendor no longer serves this Location, since that day (`YYYY-MM-DD`). What was read before is kept. */
  | { readonly is: 'store-retired'; readonly since: string; readonly text: string }

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
  /** Null: the store does not say; the seats that are known are counted. */
  readonly inUse: number | null
  readonly available: number | null
  readonly retired: number | null
  readonly unlimited: boolean
  /** The store names it as one that the Location has no more. */
  readonly gone?: true
  /** What a person ought to know of it, such as why nobody new can have it. Absent: nothing. */
  readonly remark?: string
  /** Names of the collections in which the organisation's own store front shows it. Absent: it has none, or does not say. */
  readonly collections?: readonly string[]
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

/** One record of a person as the store holds it; a person can have several, at most one of them not retired. */
export interface PersonRead {
  readonly key: string
  readonly state: RegistrationState
  readonly email: string
}
export interface PeopleSink {
  begin(full: boolean): void
  page(people: readonly PersonRead[], totalPages: number | null): void
}

/** A store that keeps a list of people: only who is on it takes a user seat. */
export interface StorePeople {
  /** As `readSeats`: an increment where there is a cursor, and it proves retirements too. */
  read(cursor: string | null, sink: PeopleSink): Promise<Result<SeatsRead, StoreFailure>>
  /** Every record of these people, retired ones too. Who is not there has none. */
  find(keys: readonly string[]): Promise<Result<readonly PersonRead[], StoreFailure>>
  /** Where a person accepts the invitation. Undefined: there is none to accept. The address lets whoever has it join: it is not kept. */
  invitationUrl(key: string): Promise<Result<string | undefined, StoreFailure>>
}

/** A device as the store's list names it. */
export interface DeviceRead {
  /** Normalised. */
  readonly serialNumber: string
  /** Empty where the store does not say. */
  readonly model: string
  /** In the words of the directory (`iPadOS`), or the store's own. */
  readonly platform: string
  /** When the organisation gave it away, ISO 8601; null: it has it, or the store does not say. */
  readonly releasedAt: string | null
}

/** The organisation's device list at the store. It is only read. */
export interface StoreDevices {
  /** Whether the list may be read at all. */
  check(): Promise<Result<undefined, StoreFailure>>
  /** The whole list, a page at a time, in no promised order. What came before a failure proves nothing. */
  read(onPage: (devices: readonly DeviceRead[]) => void): Promise<Result<undefined, StoreFailure>>
  /** One device, also when the list names it no more. Undefined: the store knows of none. */
  find(serialNumber: string): Promise<Result<DeviceRead | undefined, StoreFailure>>
}

// ---- What another management service holds ----

type Unstamped<T> = T extends unknown ? Omit<T, 'asOf'> : never
export type ImportRead = Unstamped<Imported>

export interface ImportsRead {
  readonly rows: readonly ImportRead[]
  /** Kinds that could not be read, and why: what is held of them stays. */
  readonly missing: readonly { readonly kind: Imported['kind']; readonly failure: StoreFailure }[]
}

/** It is only read. */
export interface StoreImports {
  /** Undefined: there is no such service. */
  read(): Promise<Result<ImportsRead | undefined, StoreFailure>>
}

// ---- A directory ----

/** A person as a directory tells them. Of a change only what is said has changed; empty: there is none. `key` is the directory's own id, which stays. */
export type DirectoryUserTold =
  | {
      readonly is: 'told'
      readonly key: string
      readonly fields: {
        readonly userName?: string
        readonly displayName?: string
        readonly email?: string
        readonly department?: string
        readonly active?: boolean
      }
      /** Of a source behind it, by which a person is found again who was made anew. */
      readonly externalId?: string
    }
  | { readonly is: 'gone'; readonly key: string }

/** Keys of people, or of groups directly nested. A group can be told in several parts. */
export interface MembersTold {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}
export type DirectoryGroupTold =
  | {
      readonly is: 'told'
      readonly key: string
      readonly name?: string
      readonly members: MembersTold
      readonly groups: MembersTold
    }
  | { readonly is: 'gone'; readonly key: string }

/** `begin` is called at the start and again when the reading starts over: forget what came before. */
export interface DirectorySink<Told> {
  begin(whole: boolean): void
  page(told: readonly Told[]): void
}

export interface DirectoryRead {
  /** Opaque; the next reading with it tells what has changed since. Null: there are only whole ones. */
  readonly cursor: string | null
  /** A whole reading proves absences too. Of changes the same one may come twice, in any order. */
  readonly whole: boolean
}

/** A store that keeps the organisation's directory. It is only read. */
export interface StoreDirectory {
  readUsers(cursor: string | null, sink: DirectorySink<DirectoryUserTold>): Promise<Result<DirectoryRead, StoreFailure>>
  readGroups(cursor: string | null, sink: DirectorySink<DirectoryGroupTold>): Promise<Result<DirectoryRead, StoreFailure>>
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
  readonly bundleId: string | null
  /** As people call them: iPhone, iPad, Mac, … */
  readonly deviceFamilies: readonly string[]
  readonly version: string | null
  readonly price: { readonly amount: number; readonly currency: string | null; readonly formatted: string } | null
  /** The storefront that answered, upper case: not always the one that was asked. Empty: it did not say. */
  readonly storefront: string
  /** Where the store keeps the picture; never shown to a browser. */
  readonly iconSource: string | null
}

export interface ProductKey {
  readonly productId: string
  readonly pricing: string | null
}

/** A person as the store is told about them. */
export interface PersonToRegister {
  /** The user name, normalised. */
  readonly key: string
  readonly email: string
  /** With an account of the organisation's own the person needs no invitation. Empty: none. */
  readonly managedAccount: string
}

/** Every product to every holder; or people of the Location. */
export type WriteRequest =
  | {
      readonly action: 'associate' | 'disassociate'
      readonly products: readonly ProductKey[]
      readonly holders: readonly HolderKey[]
    }
  | { readonly action: 'register-user' | 'update-user'; readonly people: readonly PersonToRegister[] }
  | { readonly action: 'retire-user'; readonly keys: readonly string[] }
  /** All that the store can take back from them. */
  | { readonly action: 'revoke'; readonly holders: readonly HolderKey[] }
  | {
      readonly action: 'assign-subscription'
      readonly subscriptionId: string
      readonly renewing: boolean
      readonly keys: readonly string[]
    }
  | {
      readonly action: 'remove-subscription'
      readonly subscriptionId: string
      readonly deferred: boolean
      readonly keys: readonly string[]
    }

/** The most of each that one call takes. */
export interface WriteLimits {
  readonly mostProducts: number
  readonly mostUsers: number
  readonly mostDevices: number
  readonly mostUsersRevoked: number
  readonly mostDevicesRevoked: number
  readonly mostPeople: number
  readonly mostSubscribers: number
}

/**
 * What sending a write came to. `outcome-unknown`: the call may have reached the store (cut connection, time-out,
 * 5xx); it is a question to be answered by reading, never a reason to send again.
 */
export interface OutcomeUnknown {
  readonly is: 'outcome-unknown'
  readonly text: string
}
export type WriteFailure = StoreFailure | { readonly is: 'over-limit' } | OutcomeUnknown

export interface TargetFailure {
  /** Null: the store did not say which targets; read them. */
  readonly holders: readonly HolderKey[] | null
  /** Null: the store did not say which products of the call; with a single one it is that. */
  readonly products: readonly ProductKey[] | null
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

/** The store's word that a write was accepted. */
export interface Accepted {
  /** What `orderStatus` is asked with; made by the connection where the store has none. */
  readonly reference: string
  /** A store that does the work within the call says at once what came of it. Absent: ask `orderStatus`. */
  readonly settled?: Extract<OrderStatus, { readonly is: 'done' | 'failed' }>
}

// ---- Notices ----

/** Where the store is to send its notices, and the secret that it sends with each. */
export interface NoticeTarget {
  readonly url: string
  readonly secret: Secret
}

/** `unreachable`: the store tried the address and got no answer. `not-ours`: another service holds the Location, or nobody. */
export type Listening = 'listening' | 'silent' | 'unreachable' | 'not-ours'

/** One part of what became of one call, ours or somebody else's. It proves nothing about the other parts. */
export interface OrderNews {
  readonly is: 'order-news'
  readonly subject: 'seats' | 'people' | 'subscriptions'
  /** As `write` gave it, when the call was ours. */
  readonly reference: string | null
  /** Null: an act that we have no word for. */
  readonly action: OrderAction | null
  readonly outcome: 'success' | 'failure'
  /** How many targets of the call this part tells of. */
  readonly parts: number
  readonly products: readonly ProductKey[]
  readonly holders: readonly HolderKey[]
  /** As far as the notice says. */
  readonly failures: readonly TargetFailure[]
}

/** What a notice says. It may be lost, come twice or late: it is a reason to look, never what is looked for. */
export type NoticeNews =
  | { readonly is: 'test' }
  | OrderNews
  /** `delta` is not applied: the next read is the truth. Null: not told. */
  | { readonly is: 'count-changed'; readonly product: ProductKey; readonly delta: number | null }
  /** Which licenses, it does not say. */
  | { readonly is: 'licenses-changed' }
  /** No keys: it does not say whom. */
  | { readonly is: 'people-changed'; readonly keys: readonly string[] }
  | { readonly is: 'subscriptions-changed' }
  | { readonly is: 'unknown' }

export interface Notice {
  /** The store's own: the same notice can come more than once. Null: it has none. */
  readonly id: string | null
  /** The key of the Location that it is about. Null: it does not say. */
  readonly location: string | null
  /** The store's word for its kind. */
  readonly kind: string
  readonly news: NoticeNews
}

/** A store that hands out its notices when it is asked. What is handed out and not acknowledged comes again. */
export interface StoreNotices {
  /** What waits now; nothing is waited for. `body`: as `readNotice` reads it. */
  pull(): Promise<
    Result<
      {
        readonly notices: readonly { readonly notice: Notice; readonly body: string }[]
        acknowledge(): Promise<Result<undefined, StoreFailure>>
      },
      StoreFailure
    >
  >
}

/** One subscription as read. Empty names: the store tells none. */
export interface SubscriptionRead {
  readonly subscriptionId: string
  readonly parentId: string
  readonly name: string
  readonly status: SubscriptionStatus
  /** `YYYY-MM-DD` */
  readonly periodEndsOn: string | null
  readonly total: RenewalCounts
  readonly assigned: RenewalCounts
  readonly available: RenewalCounts
}

export interface SubscriptionsRead {
  readonly subscriptions: readonly SubscriptionRead[]
  /** Null: the store did not say. */
  readonly enabled: boolean | null
}

/** A store that sells subscriptions to a Location. */
export interface StoreSubscriptions {
  /** All of them, and whether the Location may have any. Undefined: there is nothing of the kind for this Location. */
  read(): Promise<Result<SubscriptionsRead | undefined, StoreFailure>>
  /** Everybody who has this one now. */
  readSubscribers(subscriptionId: string): Promise<Result<readonly { readonly key: string; readonly renewing: boolean }[], StoreFailure>>
  /** User names of those who manage it at the store. */
  readAdmins(subscriptionId: string): Promise<Result<readonly string[], StoreFailure>>
  /** Lets managers buy subscriptions for the Location. It may be for good. Checks the owner first; gives whether they are on now. */
  enable(): Promise<Result<boolean, StoreFailure | OutcomeUnknown>>
  /** Only while none are owned, and maybe never. */
  disable(): Promise<Result<boolean, StoreFailure | OutcomeUnknown>>
}

/** One live link to one Location. Not shared between Locations; one writer per Location. */
export interface StoreConnection {
  identify(): Promise<Result<LocationIdentity, StoreFailure>>
  /** Writes our name on the Location and reads it back: `foreign-owner` when another name stands there afterwards. */
  claim(): Promise<Result<LocationIdentity, StoreFailure>>
  readLicenses(): Promise<Result<readonly LicenseRead[], StoreFailure>>
  /** The store goes on naming what is gone, so that a list without anything proves nothing. Absent: what is gone is not named. */
  readonly namesWhatIsGone?: true
  /** One license's counts, after a write. Undefined: the store lists it no more. */
  readLicense(productId: string, pricing: string | null): Promise<Result<LicenseRead | undefined, StoreFailure>>
  readSeats(cursor: string | null, sink: SeatSink): Promise<Result<SeatsRead, StoreFailure>>
  /** Every seat of one license: to settle disagreeing counts and open questions. */
  readSeatsOf(productId: string, pricing: string | null): Promise<Result<readonly SeatRead[], StoreFailure>>
  /** Every seat of one holder: before all of them are taken back, and to see whether they were. */
  readSeatsOfHolder(holder: HolderKey): Promise<Result<readonly SeatRead[], StoreFailure>>
  /** Undefined: the store keeps no list of people. */
  readonly people: StorePeople | undefined
  /** Undefined: the store sells none. */
  readonly subscriptions: StoreSubscriptions | undefined
  /** Undefined: no access to the organisation's device list is set up, or the store has none. */
  readonly devices: StoreDevices | undefined
  /** Absent: the store hands out none. */
  readonly notices?: StoreNotices
  /** Absent: the store keeps no directory. */
  readonly directory?: StoreDirectory | undefined
  /** Absent: the store knows of no other management service. */
  readonly imports?: StoreImports | undefined
  /** Names, prices, where icons are; ids the store tells nothing about are left out. Never needed for counts. */
  describe(productIds: readonly string[], country: string): Promise<Result<readonly ProductDescription[], StoreFailure>>
  /** The store's present limits for one write; re-read by age and after every `over-limit`. */
  limits(): Promise<Result<WriteLimits, StoreFailure>>
  /** Checks the owner, then sends. */
  write(request: WriteRequest): Promise<Result<Accepted, WriteFailure>>
  /** `products` are those of the call, in case the answer names none. */
  orderStatus(reference: string, products: readonly ProductKey[]): Promise<Result<OrderStatus, StoreFailure>>
  /**
   * Has notices of every known kind sent to this target, or with null to none. Only where the Location is ours; asks
   * first, and changes nothing where all is as wanted. The store may call the address before it answers.
   */
  listen(target: NoticeTarget | null): Promise<Result<Listening, StoreFailure>>
}

export interface ConnectionDeps {
  readonly clock: Clock
  readonly chance: Chance
  /** The network. Never follows a redirect with a credential attached. */
  readonly fetch: typeof globalThis.fetch
  /** The connector's settings as they are now. Absent: a credential is only tried out. */
  readonly settings?: () => Promise<ConnectorSettings | undefined>
  /** Told when an answer names another holder of the Location than the one before it: ours or somebody else. */
  readonly onOwner?: (owner: NonNullable<LocationIdentity['owner']>) => void
}

/** How we sign a Location: `id` is made once for each Location and kept for ever. */
export interface OwnerMark {
  readonly id: string
  readonly name: string
  readonly metadata: string
}

/** A store at which an organisation is bound on a page of the vendor's. */
export interface StoreBinding {
  /** Where an administrator agrees; `key`: as uploaded. Nothing is bound yet. `ticket` completes it, and is a secret. */
  begin(
    deps: Omit<ConnectionDeps, 'onOwner'>,
    key: unknown,
    asked: { readonly callbackUrl: string; readonly adminEmail: string | null },
  ): Promise<Result<{ readonly url: string; readonly ticket: Secret }, CredentialMalformed | StoreFailure>>
  /**
   * With what the vendor added to the callback's address. To be called once: a vendor binds once. Gives what `readCredential`
   * reads, as JSON.
   */
  complete(
    deps: Omit<ConnectionDeps, 'onOwner'>,
    ticket: Secret,
    answer: URLSearchParams,
  ): Promise<Result<{ readonly name: string; readonly credential: Secret }, StoreFailure | OutcomeUnknown>>
}

export interface Store {
  readonly kind: ConnectorKind
  readonly store: StoreName
  readonly capabilities: Capabilities
  /**
   * Parses an uploaded credential (the `credential` member of `POST /connectors`). Nothing is asked of the store. With
   * what is `held` already, parts that are left out stay.
   */
  readCredential(input: unknown, now: number, held?: Secret): Result<CredentialRead, CredentialMalformed>
  /** `seenUId` and the like are not trusted from outside: identify() tells. */
  connect(deps: ConnectionDeps, secret: Secret, owner: OwnerMark): StoreConnection
  /** Absent: an organisation is bound elsewhere. */
  readonly binding?: StoreBinding
  /** Its connections have `notices`. */
  readonly handsOutNotices?: true
  /** A notice's body, parsed from JSON. Undefined: it is none. A store that neither sends nor hands out any has none. */
  readNotice(body: unknown): Notice | undefined
}
