/** Trouble that is armed for the next requests. Unlike a switch it is an incident, not a way of the store. */
export type Fault =
  /** The line drops: before the store has looked at the request, or after it has done everything but answer. */
  | { readonly is: 'connection-cut'; readonly when: 'before' | 'after' }
  /** A gateway's HTML page with 502, the store behind it untouched or already done. */
  | { readonly is: 'bad-gateway'; readonly when: 'before' | 'after' }
  /** A proxy's own page: HTML with 200. */
  | { readonly is: 'captive-page' }
  | { readonly is: 'slow'; readonly ms: number }
  /** `retryAfter` is sent as it stands: seconds, an HTTP date or rubbish; absent: none is sent. */
  | { readonly is: 'throttled'; readonly retryAfter?: string }
  | { readonly is: 'unavailable'; readonly retryAfter?: string }
  | { readonly is: 'service-error'; readonly status: number; readonly code?: string; readonly message?: string }
  | { readonly is: 'empty-body' }
  | { readonly is: 'truncated-body' }
  | { readonly is: 'redirect'; readonly to: string }
  /** The token is refused as if it had run out. */
  | { readonly is: 'token-refused' }
  /** The sign-in says no with this AADSTS number. */
  | { readonly is: 'sign-in-refused'; readonly code: number }
  /** A list answers well-formed and empty, and names no next page. */
  | { readonly is: 'empty-list' }
  /** A page without items that still names a next one; nothing is lost. */
  | { readonly is: 'empty-page' }
  /** The next page is the page's own. */
  | { readonly is: 'page-loop' }
  /** The next page lies on this host. */
  | { readonly is: 'foreign-next-link'; readonly origin: string }
  /** Every item of a list carries these members instead of its own, and lacks those of `without`. */
  | { readonly is: 'odd-items'; readonly members: Readonly<Record<string, unknown>>; readonly without: readonly string[] }
  /** Graph delta: 410 with a Location, as after a move of the directory; or the token has run out (`syncStateNotFound`). */
  | { readonly is: 'delta-gone' }
  | { readonly is: 'delta-expired' }
  /** Graph `$batch`: every n-th request inside is throttled, with or without a Retry-After of its own. */
  | { readonly is: 'batch-part-throttled'; readonly every: number; readonly retryAfter?: string }
  /** Graph `$batch`: the answer of every n-th request inside is left out, its work done. */
  | { readonly is: 'batch-part-lost'; readonly every: number }
  | StoreForBusinessFault

/** Those of the Store for Business alone. */
export type StoreForBusinessFault =
  /** 400 for a continuation token that was given a moment ago. */
  | { readonly is: 'continuation-refused' }
  /** The last of a bulk call is in neither list of its answer, its work done; and the order is another. */
  | { readonly is: 'bulk-mixed' }
  /** A seat is told as given or taken, and nothing was done. */
  | { readonly is: 'without-effect' }

export type Endpoint = 'token' | GraphEndpoint | StoreForBusinessEndpoint

export type GraphEndpoint =
  | 'graph-organization'
  | 'graph-users'
  | 'graph-user'
  | 'graph-users-delta'
  | 'graph-groups'
  | 'graph-group'
  | 'graph-groups-delta'
  | 'graph-members'
  | 'graph-skus'
  | 'graph-license-details'
  | 'graph-assign-license'
  | 'graph-batch'
  | 'graph-vpp-tokens'
  | 'graph-sync-licenses'
  | 'graph-mobile-apps'
  | 'graph-mobile-app'
  | 'graph-assignments'
  | 'graph-managed-play'
  | 'graph-managed-devices'

export type StoreForBusinessEndpoint = `business-${string}`

export interface ArmedFault {
  readonly fault: Fault
  /** Absent = any endpoint but the sign-in, and of lists any list. */
  readonly endpoint?: Endpoint
  /** Absent = any tenant. */
  readonly tenantId?: string
  /** How many requests it strikes; absent = until it is cleared. */
  readonly times?: number
  /** Lets this many matching requests pass first. */
  readonly skip?: number
}

export interface Faults {
  /** Gives an id for `clear`. */
  arm(armed: ArmedFault): number
  /** All of them, or one. */
  clear(id?: number): void
  list(): readonly (ArmedFault & { readonly id: number; readonly struck: number })[]
  /** Counts this request against every fault that matches it, and gives those that strike. */
  take(endpoint: Endpoint, tenantId: string | undefined): readonly Fault[]
}

const DELTA_FAULTS = new Set<Fault['is']>(['delta-gone', 'delta-expired'])
const BUSINESS_LISTS = new Set<Endpoint>(['business-inventory', 'business-seats', 'business-user-seats'])
const BATCH_FAULTS = new Set<Fault['is']>(['batch-part-throttled', 'batch-part-lost'])

const makesSenseAt = (fault: Fault, endpoint: Endpoint): boolean => {
  if (fault.is === 'sign-in-refused') return endpoint === 'token'
  if (endpoint === 'token') return false
  if (fault.is === 'continuation-refused') return BUSINESS_LISTS.has(endpoint)
  if (fault.is === 'bulk-mixed') return endpoint === 'business-bulk'
  if (fault.is === 'without-effect') return endpoint === 'business-assign' || endpoint === 'business-reclaim'
  if (DELTA_FAULTS.has(fault.is)) return endpoint === 'graph-users-delta' || endpoint === 'graph-groups-delta'
  if (BATCH_FAULTS.has(fault.is)) return endpoint === 'graph-batch'
  return true
}

export const createFaults = (): Faults => {
  const armed = new Map<number, { readonly fault: ArmedFault; seen: number; struck: number }>()
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
    take(endpoint, tenantId) {
      const striking: Fault[] = []
      for (const [id, entry] of armed) {
        const { fault, endpoint: at, tenantId: of, times, skip = 0 } = entry.fault
        if (at === undefined ? !makesSenseAt(fault, endpoint) : at !== endpoint) continue
        if (of !== undefined && of !== tenantId) continue
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
