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
  /** Requests a second of one tenant; null: any number. */
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

/** Trouble that is armed for the next requests. Unlike a switch it is an incident, not a way of the store. */
export type BusinessFault =
  | { readonly is: 'connection-cut'; readonly when: 'before' | 'after' }
  /** A proxy's HTML page with 502, the store behind it untouched or already done. */
  | { readonly is: 'bad-gateway'; readonly when: 'before' | 'after' }
  /** A captive proxy: its own page, with 200. */
  | { readonly is: 'html-200' }
  /** `retryAfter` is sent as it stands: seconds, an HTTP date or rubbish. */
  | { readonly is: 'throttled'; readonly retryAfter?: string }
  | { readonly is: 'unavailable'; readonly retryAfter?: string }
  | { readonly is: 'unauthorized' }
  | { readonly is: 'forbidden' }
  | { readonly is: 'truncated-body' }
  | { readonly is: 'redirect'; readonly to: string }
  /** The list answers well-formed and empty. */
  | { readonly is: 'empty-list' }
  /** A page without items that names a next one; nothing is lost. */
  | { readonly is: 'empty-page' }
  /** The page names the token that it was asked with. */
  | { readonly is: 'token-loop' }
  /** 400 for a continuation token. */
  | { readonly is: 'token-expired' }
  /** The last of a bulk call is in neither list of the answer, and the order is another. */
  | { readonly is: 'bulk-mixed' }
  /** What was asked is answered as done, and was not. */
  | { readonly is: 'without-effect' }

export const BUSINESS_FAULT_NAMES = [
  'connection-cut',
  'bad-gateway',
  'html-200',
  'throttled',
  'unavailable',
  'unauthorized',
  'forbidden',
  'truncated-body',
  'redirect',
  'empty-list',
  'empty-page',
  'token-loop',
  'token-expired',
  'bulk-mixed',
  'without-effect',
] as const satisfies readonly BusinessFault['is'][]

export const businessOperations = [
  'inventory',
  'product',
  'localized',
  'offline-license',
  'packages',
  'package',
  'seats',
  'seat',
  'assign',
  'reclaim',
  'bulk',
  'user-seats',
] as const
export type BusinessOperation = (typeof businessOperations)[number]
const lists: readonly BusinessOperation[] = ['inventory', 'seats', 'user-seats']

export interface ArmedBusinessFault {
  readonly fault: BusinessFault
  /** Absent: any that the fault makes sense at. */
  readonly operation?: BusinessOperation
  /** How many requests it strikes; absent: until it is cleared. */
  readonly times?: number
  /** Lets this many matching requests pass first. */
  readonly skip?: number
}

export interface BusinessFaults {
  /** Gives an id for `clear`. */
  arm(armed: ArmedBusinessFault): number
  clear(id?: number): void
  list(): readonly (ArmedBusinessFault & { readonly id: number; readonly struck: number })[]
  /** Counts this request against every fault that matches it, and gives those that strike. `isLater`: it goes on with a list. */
  take(operation: BusinessOperation, isLater: boolean): readonly BusinessFault[]
}

const makesSenseAt = (fault: BusinessFault, operation: BusinessOperation, isLater: boolean): boolean => {
  switch (fault.is) {
    case 'empty-list':
    case 'empty-page':
      return lists.includes(operation)
    case 'token-loop':
    case 'token-expired':
      return lists.includes(operation) && isLater
    case 'bulk-mixed':
      return operation === 'bulk'
    case 'without-effect':
      return operation === 'assign' || operation === 'reclaim'
    default:
      return true
  }
}

export const createBusinessFaults = (): BusinessFaults => {
  const armed = new Map<number, { readonly fault: ArmedBusinessFault; seen: number; struck: number }>()
  let lastId = 0
  return {
    arm(fault) {
      lastId += 1
      armed.set(lastId, { fault, seen: 0, struck: 0 })
      return lastId
    },
    clear(id) {
      if (id === undefined) armed.clear()
      else armed.delete(id)
    },
    list: () => [...armed].map(([id, { fault, struck }]) => ({ ...fault, id, struck })),
    take(operation, isLater) {
      const striking: BusinessFault[] = []
      for (const [id, entry] of armed) {
        const { fault, operation: at, times, skip = 0 } = entry.fault
        if ((at !== undefined && at !== operation) || !makesSenseAt(fault, operation, isLater)) continue
        entry.seen += 1
        if (entry.seen <= skip) continue
        entry.struck += 1
        striking.push(fault)
        if (times !== undefined && entry.struck >= times) armed.delete(id)
      }
      return striking
    },
  }
}
