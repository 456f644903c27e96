/** A Connector: the configured link to one Location of a store, what is known of its credential, and its status. */
import { credentialWords } from './credential-words.ts'
import type { ConnectorId } from './ids.ts'
import type { Sync } from './sync.ts'

export const connectorKinds = [
  'apple-apps-books',
  'google-play-emm',
  'google-android-management',
  'microsoft-store-business',
  'microsoft-graph',
  'ledger',
] as const
export type ConnectorKind = (typeof connectorKinds)[number]
export type StoreName = 'apple' | 'google' | 'microsoft' | 'other'

/** Where our organisation buys: Apple's uId, Google's enterprise, Microsoft's tenant. `key` is unique and never changes. */
export interface Location {
  readonly key: string
  readonly name: string
  /** ISO 3166 alpha-2, upper case. */
  readonly country: string
  readonly organization: string
  /** Apple: which of its two portals the Location is kept in; absent where the store did not say. */
  readonly portal?: 'business' | 'school'
}

export type CredentialState = 'valid' | 'expiring' | 'expired' | 'invalid' | 'foreign' | 'duplicate' | 'none' | 'unknown'

/** What is known of the credential; its secret never leaves the server. Times are ISO 8601, UTC. */
export interface CredentialRecord {
  readonly state: CredentialState
  readonly expiresAt: string | null
  readonly checkedAt: string | null
}

/** Another device management service that holds the Location, as it calls itself. */
export interface ForeignOwner {
  readonly id: string
  readonly name: string
  readonly metadata: string
  readonly noticedAt: string
  /** Since when nobody holds the Location: it is ours again only when an administrator says so. Null: it is held. */
  readonly leftAt: string | null
}

export interface ConnectorSettings {
  readonly syncIntervalMinutes: number
  readonly releaseLeavers: 'off' | 'after-days'
  readonly leaverDays: number
  /** Apple: claim an unclaimed Location by itself. */
  readonly autoClaim: boolean
  /** Apple: invite people by mail. */
  readonly userInvitations: boolean
  /** Microsoft's Store for Business: give and take several seats in one call where the store takes that. Absent: one by one. */
  readonly bulk?: 'auto' | 'off'
  /** Microsoft's Store for Business: in which languages names of products are asked for, the first one first. Absent: English. */
  readonly languages?: readonly string[]
  /** Android Management: packages that are given beside those that a policy names. Absent: none. */
  readonly packages?: readonly string[]
  /** Android Management: the policy from which a device begins that follows none. Absent or empty: such a device is given nothing. */
  readonly defaultPolicy?: string
}

/** What a connector can do at best; a license tells its own with `assignable` and `countSource`. */
export interface Capabilities {
  readonly counts: 'live' | 'kept' | 'imported'
  readonly assign: boolean
  readonly revoke: boolean
  readonly deviceLicenses: boolean
  readonly userLicenses: boolean
  readonly books: boolean
  readonly push: boolean
  /** `YYYY-MM-DD` since when the vendor no longer serves it. */
  readonly retired: string | null
}

/** The store no longer serves this Location: what was read last is kept with its age, and nothing can be given or taken. */
export interface Retirement {
  /** ISO 8601: when it first answered so. */
  readonly noticedAt: string
  /** In the store's own words: what was answered, and what to do. */
  readonly text: string
}

/** What is left of a connector once its store no longer serves the Location. `since`: `YYYY-MM-DD`. */
export const retiredCapabilities = (capabilities: Capabilities, since: string): Capabilities => ({
  ...capabilities,
  counts: 'kept',
  assign: false,
  revoke: false,
  push: false,
  retired: since,
})

/** What a sync reads beside licenses and seats; its failure leaves the counts alone. */
export interface PartRecord {
  /** When it was last read whole; null: never. */
  readonly asOf: string | null
  /** How many of them the store named. */
  readonly count: number | null
  readonly error: { readonly code: string; readonly text: string } | null
}

/** How the store tells us about changes: by notices to our address, or not at all, and then we ask. */
export type NoticesState =
  /** Our address is not one that the store could reach, or the Location is not ours to set it. */
  | { readonly state: 'polling' }
  | { readonly state: 'subscribed'; readonly since: string; readonly lastAt: string | null }
  /** The store tried our address and got no answer; everything works by asking. */
  | { readonly state: 'unreachable'; readonly since: string; readonly text: string }

/** A notice came with the right secret and of another Location: somebody else knows the secret. It was not followed. */
export interface NoticeAlarm {
  readonly at: string
  /** The Location that it named, as it named it. */
  readonly location: string
}
export type Notices = NoticesState & { readonly alarm?: NoticeAlarm }

export interface Connector {
  readonly id: ConnectorId
  readonly kind: ConnectorKind
  readonly store: StoreName
  readonly name: string
  readonly location: Location | null
  readonly credential: CredentialRecord
  readonly settings: ConnectorSettings
  /** Its store's best, or less: what the store has turned off for this Location. */
  readonly capabilities: Capabilities
  /** Absent: the store answers. */
  readonly retirement?: Retirement
  /** A ledger counts now what it held; the store is not asked any more. Absent: it counts itself. */
  readonly movedTo?: { readonly connectorId: ConnectorId; readonly name: string; readonly at: string }
  readonly foreignOwner: ForeignOwner | null
  /** The store refuses writes with this credential (a read-only token); reading goes on. */
  readonly readOnly: boolean
  readonly notices: Notices
  /** People registered at the store; null where the store keeps no list of them. */
  readonly people: PartRecord | null
  /** The organisation's devices as the store lists them; null while no access to that list is set up. */
  readonly devices: PartRecord | null
  /** The directory that the store keeps, by its people. Absent: it keeps none, or it was never read. */
  readonly directory?: PartRecord
  /** What another device management service holds, by its apps. Absent: there is none to be read. */
  readonly imported?: PartRecord
  /** Null where the store sells none, or this Location has none; `enabled` null: the store did not say. */
  readonly subscriptions: (PartRecord & { readonly enabled: boolean | null }) | null
  readonly lastSync: Sync | null
  readonly lastGoodSyncAt: string | null
  readonly nextSyncAt: string | null
  readonly scopeTags: readonly string[]
  readonly createdAt: string
}

export type ConnectorStatus = 'healthy' | 'warning' | 'unhealthy' | 'not-enabled'
export interface StatusReason {
  readonly code: string
  readonly text: string
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A credential's own state turns `expiring` this long before its end; the connector's status warns later. */
export const expiringFromMs = 30 * DAY_MS
export const warnExpiryMs = 7 * DAY_MS
export const warnSyncAgeMs = 24 * HOUR_MS
export const unhealthySyncAgeMs = 72 * HOUR_MS
const alarmShownMs = 7 * DAY_MS

/** Days before the end at which a credential's end is called to mind; the status itself warns later. */
export const reminderDays = [60, 30, 15, 7, 1] as const
export interface ExpiryReminder {
  readonly days: (typeof reminderDays)[number]
  readonly text: string
}

/** The last reminder that is due. Undefined: the end is further off or not known, or the credential is of no use any more and the status says so. */
export const expiryReminder = (connector: Connector, now: number): ExpiryReminder | undefined => {
  const { expiresAt } = connector.credential
  const state = credentialStateAt(connector.credential, now)
  if (expiresAt === null || state === 'expired' || state === 'invalid' || state === 'none' || state === 'duplicate') return undefined
  const leftMs = Date.parse(expiresAt) - now
  const days = reminderDays.findLast((each) => leftMs <= each * DAY_MS)
  if (days === undefined || leftMs <= 0) return undefined
  const left = Math.ceil(leftMs / DAY_MS)
  const words = credentialWords[connector.kind]
  return {
    days,
    text: `The ${words.credential} for ${connector.name} ends on ${day(expiresAt)}, in ${left} ${left === 1 ? 'day' : 'days'}. ${
      connector.store === 'apple'
        ? 'Download a new one in the store and upload it here before then'
        : `${words.renew.slice(0, -1)} before then`
    }: seats and assignments stay as they are.`,
  }
}

/** `valid`, `expiring` or `expired` by the clock; what the store has told wins, until it accepts the credential again. */
export const credentialStateAt = (credential: CredentialRecord, now: number): CredentialState => {
  if (credential.state !== 'valid' && credential.state !== 'expiring') return credential.state
  if (credential.expiresAt === null) return credential.state
  const left = Date.parse(credential.expiresAt) - now
  if (left <= 0) return 'expired'
  return left <= expiringFromMs ? 'expiring' : 'valid'
}

const day = (iso: string): string =>
  new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(iso))

const foreignReason = (place: string, owner: ForeignOwner | null): StatusReason => {
  const name = ownerName(owner)
  return {
    code: 'foreign-owner',
    text:
      owner === null || owner.leftAt === null
        ? `${place} is held by ${name}${owner === null ? '' : `, noticed on ${day(owner.noticedAt)}`}. Reading goes on; nothing is given or taken until you take it over or remove it there.`
        : `${place} was held by ${name} until ${day(owner.leftAt)}; nobody holds it now. Reading goes on; nothing is given or taken until you take it over.`,
  }
}

/** What another service calls itself; some say nothing of themselves. */
export const ownerName = (owner: Pick<ForeignOwner, 'id' | 'name' | 'metadata'> | null): string =>
  owner === null ? 'another device management service' : owner.name || owner.metadata || owner.id

/** Two Locations in one text: names that are equal are told apart by the end of their keys. */
export const locationsApart = (one: Location, other: Location): readonly [string, string] =>
  one.name.trim().toLowerCase() === other.name.trim().toLowerCase()
    ? [nameWithKey(one.name, one.key, other.key), nameWithKey(other.name, other.key, one.key)]
    : [one.name, other.name]

const fewestDigits = 4
/** The name and as much of the end of its key as it takes to differ from the other. */
export const nameWithKey = (name: string, key: string, other = ''): string => {
  let digits = fewestDigits
  while (digits < key.length && key !== other && key.slice(-digits) === other.slice(-digits)) digits += 1
  return `${name.trim()} (…${key.slice(-digits)})`
}

/**
 * The status and every reason for it, worst first. Never stored: it follows from the record and the time.
 * Edges: a sync warns when older than 24 h and is unhealthy from 72 h on; an expiry warns at 7 days and is unhealthy at 0.
 * Source: Intune's tenant status page (rules 1.1), edges by our own choice (rules 2).
 */
export const connectorStatus = (
  connector: Connector,
  now: number,
): { readonly status: ConnectorStatus; readonly reasons: readonly StatusReason[] } => {
  if (connector.movedTo !== undefined)
    return {
      status: 'not-enabled',
      reasons: [
        {
          code: 'moved-to-ledger',
          text: `What ${connector.name} held was moved to the ledger ${connector.movedTo.name} on ${day(connector.movedTo.at)} and is counted there. The store is not asked any more. This connector can be removed.`,
        },
      ],
    }
  const { credential, vendor, renew, lost, mayMore } = credentialWords[connector.kind]
  const isApple = connector.store === 'apple'
  if (connector.credential.state === 'none' && !needsNoCredential(connector))
    return {
      status: 'not-enabled',
      reasons: [
        {
          code: 'no-credential',
          text: `${connector.name} has no ${credential} yet. ${isApple ? 'Upload the token file from the store to begin.' : renew}`,
        },
      ],
    }
  const worst: StatusReason[] = []
  const warn: StatusReason[] = []
  // The connector's own name: names of Locations need not differ.
  const place = connector.name
  switch (credentialStateAt(connector.credential, now)) {
    case 'expired':
      worst.push({
        code: 'credential-expired',
        text: `The ${credential} for ${place} expired on ${day(connector.credential.expiresAt ?? '')}. Seats stay as they are, nothing can be given or taken. ${isApple ? 'Renew it in the store and upload it here.' : renew}`,
      })
      break
    case 'invalid':
      worst.push({
        code: 'credential-invalid',
        text: `${isApple ? 'The store' : vendor} no longer accepts the ${credential} for ${place}: ${lost}`,
      })
      break
    case 'foreign':
      worst.push(foreignReason(place, connector.foreignOwner))
      break
    case 'duplicate':
      worst.push({ code: 'credential-duplicate', text: `Two ${credential}s are connected for ${place}. Remove one of them.` })
      break
    case 'valid':
    case 'expiring':
      if (connector.credential.expiresAt !== null && Date.parse(connector.credential.expiresAt) - now <= warnExpiryMs)
        warn.push({
          code: 'credential-expires-soon',
          text: `The ${credential} for ${place} expires on ${day(connector.credential.expiresAt)}. ${isApple ? 'Renew it in the store and upload it here' : renew.slice(0, -1)} before then.`,
        })
      break
    case 'unknown':
      warn.push({
        code: 'credential-unchecked',
        text: `The store has not yet been reached to check the ${credential} for ${place}. It is tried again at the next sync.`,
      })
      break
    case 'none':
      break
  }
  if (connector.readOnly)
    warn.push({
      code: 'read-only-token',
      text: `The ${credential} for ${place} may only read. Counts are kept up to date, but seats can't be given or taken. ${mayMore}`,
    })
  const alarm = connector.notices.alarm
  if (alarm !== undefined && now - Date.parse(alarm.at) < alarmShownMs)
    warn.push({
      code: 'notice-of-another-location',
      text: `On ${day(alarm.at)} a notice with the secret of ${place} told of another location (${alarm.location}). It was kept and not followed, and nothing was changed by it. Whoever holds a token for ${place} can read that secret: see who does. Choosing Test gives the notices a new one.`,
    })
  if (connector.retirement !== undefined)
    worst.push({
      code: 'store-retired',
      text: `${connector.retirement.text} Noticed on ${day(connector.retirement.noticedAt)}. ${
        connector.lastGoodSyncAt === null
          ? 'Nothing had been read before.'
          : `Counts and seats are those of ${day(connector.lastGoodSyncAt)}, and are kept as they were.`
      } Nothing can be given or taken through ${connector.name}. It is asked once a day whether it answers again.`,
    })
  else if (connector.lastSync?.state === 'failed' && connector.lastSync.error !== null)
    warn.push({ code: 'sync-failed', text: `The last sync failed. ${connector.lastSync.error.text}` })
  if (connector.capabilities.counts === 'live') {
    if (connector.lastGoodSyncAt === null)
      worst.push({ code: 'never-synced', text: `${connector.name} was never synced. Choose Sync now.` })
    else {
      const ageMs = now - Date.parse(connector.lastGoodSyncAt)
      const text = `The last good sync was on ${day(connector.lastGoodSyncAt)}. Counts may be out of date.`
      if (ageMs >= unhealthySyncAgeMs) worst.push({ code: 'sync-too-old', text })
      else if (ageMs > warnSyncAgeMs) warn.push({ code: 'sync-old', text })
    }
  }
  const status = worst.length > 0 ? 'unhealthy' : warn.length > 0 ? 'warning' : 'healthy'
  return { status, reasons: [...worst, ...warn] }
}

/**
 * How changes at the store are heard of, and what to do to hear of them sooner. Null where the store sends no notices.
 * It is no part of the status: without notices everything works, later.
 */
export const noticesInWords = (connector: Connector): string | null => {
  const { notices, settings } = connector
  if (!connector.capabilities.push) return null
  const asked = `The store is asked every ${settings.syncIntervalMinutes === 1 ? 'minute' : `${settings.syncIntervalMinutes} minutes`} instead.`
  switch (notices.state) {
    case 'subscribed':
      return `The store tells this server of changes as they happen, since ${day(notices.since)}. ${
        notices.lastAt === null ? 'No notice has come yet.' : `The last notice came on ${day(notices.lastAt)}.`
      } A notice that is lost is made up for by asking.`
    case 'unreachable':
      return `${notices.text} ${asked} Changes made elsewhere show up later; everything else works. It is tried again once a day; Test tries at once.`
    case 'polling':
      if (connector.foreignOwner !== null)
        return `No notices come until you take the location over${
          connector.foreignOwner.leftAt === null ? ` from ${ownerName(connector.foreignOwner)}` : ''
        }. ${asked}`
      if (connector.readOnly) return `This token may only read, and so can't set up notices. ${asked}`
      if (connector.location === null || connector.lastGoodSyncAt === null) return `Notices are set up with the first sync. ${asked}`
      return `The store sends no notices of changes, since this server has no address that the store can reach. ${asked} To hear of changes at once, give the server an https address that is open to the store, in QM_PUBLIC_URL or QM_NOTICE_URL.`
  }
}

const rank: Record<ConnectorStatus, number> = { unhealthy: 0, warning: 1, healthy: 2, 'not-enabled': 3 }
/** Worst first, not enabled last; within one status by name. */
export const byWorstStatus =
  (now: number) =>
  (a: Connector, b: Connector): number =>
    rank[connectorStatus(a, now).status] - rank[connectorStatus(b, now).status] || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1)

/** What is counted here has no store to sign in to. */
export const needsNoCredential = ({ kind }: Pick<Connector, 'kind'>): boolean => kind === 'ledger'

/** Why nothing may be written to the store through this connector now; undefined when writing is allowed. */
export const writingBlockedBy = (
  connector: Connector,
  now: number,
): 'store-retired' | 'foreign-owner' | 'credential-expired' | 'credential-invalid' | 'read-only-token' | 'not-connected' | undefined => {
  if (connector.retirement !== undefined || connector.movedTo !== undefined) return 'store-retired'
  if (needsNoCredential(connector)) return undefined
  switch (credentialStateAt(connector.credential, now)) {
    case 'expired':
      return 'credential-expired'
    case 'invalid':
      return 'credential-invalid'
    case 'foreign':
    case 'duplicate':
      return 'foreign-owner'
    case 'none':
    case 'unknown':
      return 'not-connected'
    case 'valid':
    case 'expiring':
      return connector.foreignOwner !== null ? 'foreign-owner' : connector.readOnly ? 'read-only-token' : undefined
  }
}
