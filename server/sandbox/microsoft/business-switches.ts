/** Ways of the store that nobody documented, each a switch; the first value is the one that is pinned. */
export interface BusinessSwitches {
  /** The service was retired: what it answers now is not known. */
  readonly service: 'live' | 'gone-410' | 'gone-404'
  /** The vendor's tables write some members with a capital. */
  readonly casing: 'camel' | 'pascal'
  readonly optionalMembers: 'absent' | 'null'
  /** Where the parameters of the bulk call go is not documented; a number is the status with which it is refused. */
  readonly bulk: 'json-body' | '400' | '404' | '405' | '415'
  readonly bulkMost: number
  /** `availableSeats` of what has no limit: as the capacity, or less the seats in use, as in the vendor's own sample. */
  readonly openAvailable: 'unchanged' | 'counted'
  /** "No seat left" is not among the listed errors. */
  readonly noSeatLeft: '409' | '400'
  /** The envelope of errors is not documented. */
  readonly errorBodies: 'pinned' | 'empty' | 'html'
  /** Null: tokens of the lists never end. */
  readonly continuationLifeMs: number | null
  /** The largest page of the inventory; seats are pinned to 100 by the vendor. */
  readonly inventoryPageMost: number
  /** Requests of one tenant within a second before it is 429; null: any number. No limit is documented. */
  readonly requestsPerSecond: number | null
  /** The store's clock is off by so much. */
  readonly clockSkewMs: number
  /** Members and values that nobody documented, so that a strict reader shows itself. */
  readonly oddMembers: boolean
}

export const DEFAULT_BUSINESS_SWITCHES: BusinessSwitches = {
  service: 'live',
  casing: 'camel',
  optionalMembers: 'absent',
  bulk: 'json-body',
  bulkMost: 25,
  openAvailable: 'unchanged',
  noSeatLeft: '409',
  errorBodies: 'pinned',
  continuationLifeMs: null,
  inventoryPageMost: 100,
  requestsPerSecond: null,
  clockSkewMs: 0,
  oddMembers: false,
}

export const BUSINESS_SWITCH_OPTIONS: { readonly [Name in keyof BusinessSwitches]?: readonly string[] } = {
  service: ['live', 'gone-410', 'gone-404'],
  casing: ['camel', 'pascal'],
  optionalMembers: ['absent', 'null'],
  bulk: ['json-body', '400', '404', '405', '415'],
  openAvailable: ['unchanged', 'counted'],
  noSeatLeft: ['409', '400'],
  errorBodies: ['pinned', 'empty', 'html'],
  oddMembers: ['false', 'true'],
}

export const BUSINESS_SWITCH_HELP: Readonly<Record<keyof BusinessSwitches, string>> = {
  service: 'The retired service answers, or says 410 or 404 to everything [pin].',
  casing: 'Members in lower case [pin], or with a capital as in the vendor’s tables [doc-conflict].',
  optionalMembers: 'What is not known is absent, or null [pin].',
  bulk: 'The bulk call takes a JSON body [pin], or is refused with this status: its form is not documented.',
  bulkMost: 'Users in one bulk call [pin]; more are 400.',
  openAvailable: 'Available seats of what has no limit: unchanged [pin], or counted down as in the vendor’s sample [doc-conflict].',
  noSeatLeft: 'The status when no seat is left [pin].',
  errorBodies: 'Errors carry the pinned envelope [pin], nothing, or HTML.',
  continuationLifeMs: 'Milliseconds for which a continuation token is good; empty: for ever [pin].',
  inventoryPageMost: 'The largest page of the inventory [pin].',
  requestsPerSecond: 'Requests of a tenant within a second before 429; empty: any number [pin].',
  clockSkewMs: 'The store’s clock is off by so many milliseconds.',
  oddMembers: 'Objects carry members that nobody has documented.',
}
