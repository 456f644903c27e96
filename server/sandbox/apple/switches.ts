import type { ListName } from './state.ts'

/**
 * How this Apple behaves where the real one is not pinned down. A name with a mark in its help text is a guess:
 * [unknown] nobody could find out, [inferred] it follows from other facts, [seen] clients report it, [doc-conflict] the papers disagree.
 */
export interface Switches {
  readonly pageSize: number
  readonly eventLatencyMs: number
  readonly eventTaskMs: number
  readonly holdEvents: boolean
  readonly enforceRateLimit: boolean
  readonly rateLimitRetryAfterSeconds: number | null
  readonly errorBodiesWith200: 'never' | 'only-9622' | 'all'
  readonly tokenExpirationDate: 'always' | 'last-15-days' | 'never'
  readonly unsetMdmInfo: 'absent' | 'null'
  readonly mdmInfoIn: 'every-answer' | 'client-config'
  readonly removedAssignments: 'absent' | 'not-reported'
  readonly includeRetired: 'ignored' | 'honoured'
  readonly returningAccount: 'swaps' | 'supersedes'
  readonly inviteCodes: 'while-registered' | 'kept'
  readonly repeatedWrite: 'success' | 'v1-errors'
  readonly unknownSerials: 'accepted' | 'refused'
  /** Serials that count as known while `unknownSerials` is `refused`. */
  readonly knownSerials: readonly string[]
  readonly statusLagMs: number
  readonly listLagMs: Readonly<Record<ListName, number>>
  readonly extraMembers: boolean
  readonly countsDisagree: boolean
  readonly goneAssets: 'vanish' | 'stay-with-zeros'
  readonly failureGrouping: 'by-error' | 'by-error-and-asset'
  readonly taskOrder: 'as-given' | 'shuffled'
  readonly syncErrorInfo: boolean
  readonly eventRetentionMs: number | null
  readonly httpNotices: 'refused' | 'on-this-machine'
  readonly subscriptionService: 'offered' | 'not-found' | 'no-longer-offered'
  readonly subscriptionsEnabled: 'while-none-owned' | 'for-good'
  readonly subscriptionManagement: 'on-change' | 'always'
  readonly subscriptionNames: 'not-told' | 'told'
  readonly subscriptionsForInvited: 'accepted' | 'refused'
  readonly deferredRemovals: 'shown-as-expiring' | 'not-shown'
  readonly cursorsAfterChange: 'invalid' | 'go-on'
  readonly tooManySubscriptions: '9816' | '9805'
  readonly devicePageSize: number
  readonly deviceTokenSeconds: number
  readonly deviceKid: 'checked' | 'required' | 'refused'
  readonly releasedDevices: 'left-out' | 'listed'
  readonly artwork: 'template' | 'list' | 'none'
  /** What lies at an artwork's address. */
  readonly artworkFile: 'picture' | 'svg' | 'html' | 'truncated' | 'bomb' | 'large' | 'redirect'
  /** adamIds that neither look-up tells. */
  readonly lookupHides: readonly string[]
  readonly lookupStorefront: 'as-asked' | 'always-us'
  readonly lookupCurrency: 'not-told' | 'told'
  readonly lookupOffers: 'told' | 'absent'
  readonly lookupIds: 'text' | 'number'
}

export const DEFAULT_SWITCHES: Switches = {
  pageSize: 500,
  eventLatencyMs: 400,
  eventTaskMs: 0,
  holdEvents: false,
  enforceRateLimit: true,
  rateLimitRetryAfterSeconds: null,
  errorBodiesWith200: 'only-9622',
  tokenExpirationDate: 'always',
  unsetMdmInfo: 'absent',
  mdmInfoIn: 'every-answer',
  removedAssignments: 'absent',
  includeRetired: 'ignored',
  returningAccount: 'swaps',
  inviteCodes: 'while-registered',
  repeatedWrite: 'success',
  unknownSerials: 'accepted',
  knownSerials: [],
  statusLagMs: 0,
  listLagMs: { assets: 0, assignments: 0, users: 0 },
  extraMembers: false,
  countsDisagree: false,
  goneAssets: 'vanish',
  failureGrouping: 'by-error',
  taskOrder: 'as-given',
  syncErrorInfo: false,
  eventRetentionMs: null,
  httpNotices: 'refused',
  subscriptionService: 'offered',
  subscriptionsEnabled: 'while-none-owned',
  subscriptionManagement: 'on-change',
  subscriptionNames: 'not-told',
  subscriptionsForInvited: 'accepted',
  deferredRemovals: 'shown-as-expiring',
  cursorsAfterChange: 'invalid',
  tooManySubscriptions: '9816',
  devicePageSize: 1000,
  deviceTokenSeconds: 3600,
  deviceKid: 'checked',
  releasedDevices: 'left-out',
  artwork: 'template',
  artworkFile: 'picture',
  lookupHides: [],
  lookupStorefront: 'as-asked',
  lookupCurrency: 'not-told',
  lookupOffers: 'told',
  lookupIds: 'text',
}

export const SWITCH_HELP: Readonly<Record<keyof Switches, string>> = {
  pageSize: 'Items on one page of a list. Apple decides and shows several hundred in its examples.',
  eventLatencyMs: 'Milliseconds from accepting a write to its first task. Apple: notices within 5 minutes.',
  eventTaskMs: 'Milliseconds from one task of an event to its next; 0 does them all at once.',
  holdEvents: 'Events stay PENDING until they are let go on this page.',
  enforceRateLimit: 'More than maxRequestPerSecond requests of one location get 429 with 9646.',
  rateLimitRetryAfterSeconds: 'Retry-After on that 429; empty sends none [unknown].',
  errorBodiesWith200: 'Error bodies with HTTP 200: never, for 9622 alone [seen], or for all [seen].',
  tokenExpirationDate: 'In answers always [seen], in the last 15 days only [doc-conflict], or never.',
  unsetMdmInfo: 'While nobody owns the location, mdmInfo is absent or null [doc-conflict].',
  mdmInfoIn: 'Once set, mdmInfo is in every answer, or in that of client/config alone, as published examples have it [doc-conflict].',
  removedAssignments:
    'A removed assignment is absent from the increment, whose version has moved on; or not reported: the version is that of the newest assignment still there [unknown].',
  includeRetired: 'includeRetired=0 on users, of which an older guide speaks, is ignored or leaves retired users out [doc-conflict].',
  returningAccount:
    'Who comes back with the Apple Account of an earlier record: the fresh record turns Retired and the earlier one Associated again, or the earlier one turns Deleted and the fresh one has all that it held [inferred].',
  inviteCodes: 'Invitation codes are told while a user is Registered, or in later states too [seen].',
  repeatedWrite: 'Assigning what is assigned, freeing what is free: success, or 9616, 9619 and 9618 inside the event [unknown].',
  unknownSerials: 'A serial number the organisation does not own is accepted or fails with 9602 [unknown].',
  knownSerials: 'Serial numbers that count as known when unknown ones are refused.',
  statusLagMs: 'Milliseconds for which the status of an event says PENDING after all of it is done [inferred].',
  listLagMs: 'Milliseconds for which a list still shows what was before a write [inferred].',
  extraMembers: 'Every object carries members nobody has documented.',
  countsDisagree: 'Counts do not add up: total is not available + assigned + retired [inferred].',
  goneAssets: 'Assets no longer owned leave the list or stay with zeros [unknown].',
  failureGrouping: 'Failures of an event are put together by error, or by error and asset [unknown].',
  taskOrder: 'Which tasks come first, and so who gets the last seat: as given, or shuffled [unknown].',
  syncErrorInfo: 'Refusals 9703 to 9707 name what they are about [unknown].',
  devicePageSize: 'Items on one page of the device list at most, whatever limit is asked for.',
  deviceTokenSeconds: 'Seconds for which an access token of the device API is good.',
  deviceKid: 'The kid of a client assertion: checked where it is sent, required, or any refused [seen].',
  releasedDevices: 'A released device leaves the device list, or stays in it with its date [unknown].',
  subscriptionService: 'The subscription addresses are there, answer 404, or answer 9634 [unknown].',
  subscriptionsEnabled:
    'Subscriptions can be turned off again while none are owned, as the guide says, or never, as the page of the call says [doc-conflict].',
  subscriptionManagement:
    'Whether subscriptions are on is told in answers to turning them on or off alone, or in their list too [unknown].',
  subscriptionNames: 'The list of subscriptions tells a name, or numbers alone [unknown].',
  subscriptionsForInvited: 'Who has not accepted the invitation yet can be given a subscription, or is refused with 9814 [unknown].',
  deferredRemovals: 'Who keeps a subscription until the end of its period is shown as expiring, or as before [unknown].',
  cursorsAfterChange: 'After a change a cursor is refused with 9812, or goes on in the changed list [unknown].',
  tooManySubscriptions: 'The number of the refusal: 9816, or 9805 as an older text has it [doc-conflict].',
  httpNotices:
    'An http address for notifications is refused with 9712, or taken where it is on this machine. The latter is a deviation, to try notifications out: Apple takes https alone.',
  eventRetentionMs: 'Milliseconds after its end for which an event can be asked for; empty = for ever [unknown].',
  artwork: 'Artwork in the look-up: a template, a list of sized pictures [doc-conflict], or none.',
  artworkFile: 'What lies at an artwork’s address: a picture, or what no server should draw [inferred].',
  lookupHides: 'Products that the look-ups leave out: not visible, not existing or not authorised, which is never told.',
  lookupStorefront: 'A storefront that the look-up does not serve silently answers as the US; always-us does so for every one [inferred].',
  lookupCurrency: 'Offers of the look-up name their currency [unknown].',
  lookupOffers: 'The look-up tells offers with prices and versions, or none.',
  lookupIds: 'The id inside an entry of the look-up is text or a number [seen].',
}
