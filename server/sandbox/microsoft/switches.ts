/**
 * How this Microsoft behaves where the real one is not pinned down. A name with a mark in its help text is a guess:
 * [pin] nobody outside could find out and we chose it, [seen] clients report it, [doc-conflict] the papers disagree.
 */
export interface Switches {
  readonly tokenSeconds: number
  readonly retryAfterOnThrottle: 'seconds' | 'date' | 'none'
  readonly enforceThrottle: boolean
  readonly userPageSize: number
  readonly memberPageSize: number
  readonly intunePageSize: number
  readonly deltaPageSize: number
  readonly batchOrder: 'as-given' | 'reversed'
  readonly intuneLicense: 'active' | 'none'
  readonly deltaReplay: boolean
  readonly deltaPartial: 'changed-members' | 'whole'
  readonly removedLicense: 'refused' | 'accepted'
  readonly vppSync: 'completes' | 'stays-in-progress' | 'fails'
  readonly vppSyncMs: number
  readonly errorMember: 'innerError' | 'innererror'
  readonly extraMembers: boolean
}

export const DEFAULT_SWITCHES: Switches = {
  tokenSeconds: 3599,
  retryAfterOnThrottle: 'seconds',
  enforceThrottle: true,
  userPageSize: 100,
  memberPageSize: 100,
  intunePageSize: 50,
  deltaPageSize: 200,
  batchOrder: 'as-given',
  intuneLicense: 'active',
  deltaReplay: false,
  deltaPartial: 'changed-members',
  removedLicense: 'refused',
  vppSync: 'completes',
  vppSyncMs: 60_000,
  errorMember: 'innerError',
  extraMembers: false,
}

export const SWITCH_HELP: Readonly<Record<keyof Switches, string>> = {
  tokenSeconds: 'Seconds for which an access token is good. Microsoft: 60 to 90 minutes.',
  retryAfterOnThrottle: 'Retry-After on 429: seconds, an HTTP date [seen], or none, as some services do.',
  enforceThrottle: 'More than the documented resource units in 10 seconds get 429.',
  userPageSize: 'Users or groups on one page where no $top is asked for. Microsoft: 100.',
  memberPageSize: 'Members on one page where no $top is asked for [seen].',
  intunePageSize: 'Items on one page of an Intune list: the service decides [pin].',
  deltaPageSize: 'Items, members counted, on one page of a delta: the service decides [pin].',
  batchOrder: 'Answers inside a batch come in the order of their requests, or reversed: any order is documented.',
  intuneLicense: 'The tenant has Intune, or its addresses answer 400 and say that it has not [seen].',
  deltaReplay: 'A delta tells the first item of every page once more on the next page, as replays do.',
  deltaPartial: 'An updated object carries its id and what has changed, or all that was asked for.',
  removedLicense: 'Removing a license that is not there is refused with 400 [seen], or accepted [pin].',
  vppSync: 'Asking a token to sync its licenses: it completes, stays in progress, or fails.',
  vppSyncMs: 'Milliseconds that such a sync takes. Minutes, in reports [seen].',
  errorMember: 'The inner member of an error: innerError, or innererror as some services spell it.',
  extraMembers: 'Every object carries members nobody has documented.',
}
