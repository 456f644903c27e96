import type { Chance, Clock } from '../../../../shared/clock.ts'
import { digitsOf, hexOf, type Accounts } from '../accounts.ts'
import { notFound } from '../errors.ts'
import type { GoogleFaults } from '../faults.ts'
import type { ManagementState } from '../management/enterprises.ts'
import type { GoogleSwitches } from '../switches.ts'

export type Json = Readonly<Record<string, unknown>>

export interface GroupLicense {
  readonly acquisitionKind: 'free' | 'bulkPurchase'
  /** Null: unlimited. */
  purchased: number | null
  approval: 'approved' | 'unapproved'
  permissions: 'currentApproved' | 'needsReapproval' | 'allCurrentAndFutureApproved'
}

export type EntitlementReason = 'free' | 'groupLicense' | 'userPurchase'

export interface Install {
  versionCode: number
  installedAt: number
  /** Null: nobody asked for its removal. */
  goneAt: number | null
}

export interface PlayDevice {
  /** As `devices.get` answers it, without `androidId`. */
  members: Json
  accountState: 'enabled' | 'disabled'
  reportUploads: number[]
  readonly installs: Record<string, Install>
  readonly configurations: Record<string, Json>
}

export interface PlayUser {
  readonly id: string
  accountIdentifier: string | null
  readonly accountType: 'userAccount' | 'deviceAccount'
  managementType: 'emmManaged' | 'googleManaged'
  primaryEmail: string | null
  displayName: string | null
  productSet: Json
  readonly entitlements: Record<string, EntitlementReason>
  readonly devices: Record<string, PlayDevice>
  readonly configurations: Record<string, Json>
}

export interface WebApp {
  title: string
  startUrl: string
  displayMode: string
  icons: readonly unknown[]
  versionCode: number
  publishedAt: number
}

export interface StorePage {
  members: Json
  readonly clusters: Record<string, Json>
}

export interface PlayEnterprise {
  readonly id: string
  readonly name: string
  kind: 'play-accounts' | 'managed-domain'
  readonly administrators: readonly string[]
  primaryDomain: string | null
  /** The service account that acts inside it; null until setAccount. */
  account: string | null
  /** The account that getServiceAccount made. */
  ownAccount: string | null
  status: 'bound' | 'unenrolled' | 'deleted'
  /** As `products.get` answers them, without `productId`. */
  readonly products: Record<string, Json>
  readonly licenses: Record<string, GroupLicense>
  readonly users: Record<string, PlayUser>
  readonly webApps: Record<string, WebApp>
  layout: Json
  readonly pages: Record<string, StorePage>
}

export interface Signup {
  readonly completionToken: string
  readonly callbackUrl: string
  readonly vendor: string
  readonly adminEmail: string | null
  /** Given when the administrator has gone through the page; used up once. */
  enterpriseToken: string | null
  organization: string
  isUsed: boolean
}

export interface QueuedNotification {
  readonly members: Json
  readonly enterpriseId: string
  /** Handed out, and back in the queue at this time unless acknowledged. */
  hiddenUntil: number
  set: string | null
}

export interface PlayState {
  readonly enterprises: Record<string, PlayEnterprise>
  readonly signups: Record<string, Signup>
  notifications: QueuedNotification[]
  /** Web tokens, each good for one session. */
  readonly webTokens: Record<string, { readonly enterprise: string; readonly parent: string; used: boolean }>
}

export const emptyPlayState = (): PlayState => ({ enterprises: {}, signups: {}, notifications: [], webTokens: {} })

/** What everybody who plays a part of Google's needs. */
export interface GoogleWorld {
  readonly clock: Clock
  readonly chance: Chance
  switches: GoogleSwitches
  readonly faults: GoogleFaults
  readonly accounts: Accounts
  play: PlayState
  management: ManagementState
  /** Long polls that wait for the next notification. */
  readonly waiting: Set<() => void>
}

export const newEnterprise = (
  chance: Chance,
  made: { readonly id?: string; readonly name: string; readonly kind: PlayEnterprise['kind'] },
): PlayEnterprise => ({
  id: made.id ?? `${made.kind === 'play-accounts' ? 'LC' : 'C0'}${hexOf(chance, 4)}`,
  name: made.name,
  kind: made.kind,
  administrators: [],
  primaryDomain: null,
  account: null,
  ownAccount: null,
  status: 'bound',
  products: {},
  licenses: {},
  users: {},
  webApps: {},
  layout: {},
  pages: {},
})

export const newUser = (chance: Chance, given: Partial<PlayUser>): PlayUser => ({
  id: digitsOf(chance, 18).replace(/^0/, '1'),
  accountIdentifier: null,
  accountType: 'userAccount',
  managementType: 'emmManaged',
  primaryEmail: null,
  displayName: null,
  productSet: {},
  entitlements: {},
  devices: {},
  configurations: {},
  ...given,
})

export const mustUser = (enterprise: PlayEnterprise, id: string): PlayUser => {
  const user = Object.hasOwn(enterprise.users, id) ? enterprise.users[id] : undefined
  if (user === undefined) throw notFound('user')
  return user
}

export const provisioned = (enterprise: PlayEnterprise, productId: string): number =>
  Object.values(enterprise.users).filter(({ entitlements }) => {
    const reason = entitlements[productId]
    return reason === 'free' || reason === 'groupLicense'
  }).length

export const userAnswer = (user: PlayUser): Json => ({
  id: user.id,
  ...(user.accountIdentifier === null ? {} : { accountIdentifier: user.accountIdentifier }),
  accountType: user.accountType,
  managementType: user.managementType,
  ...(user.primaryEmail === null ? {} : { primaryEmail: user.primaryEmail }),
  ...(user.displayName === null ? {} : { displayName: user.displayName }),
})

/** Lists that are empty come without their array. */
export const listAnswer = (name: string, items: readonly unknown[], more: Json = {}): Json => ({
  ...(items.length === 0 ? {} : { [name]: items }),
  ...more,
})
