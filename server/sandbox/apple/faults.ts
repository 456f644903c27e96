/** Trouble that is armed for the next requests. Unlike a switch it is an incident, not a way of the store. */
export type Fault =
  /** The line drops: before the store has looked at the request, or after it has done everything but answer. */
  | { readonly is: 'connection-cut'; readonly when: 'before' | 'after' }
  /** An edge server's HTML page with 502, the store behind it untouched or already done. */
  | { readonly is: 'bad-gateway'; readonly when: 'before' | 'after' }
  | { readonly is: 'slow'; readonly ms: number }
  /** 429 with 9646. `retryAfter` is sent as it stands: seconds, an HTTP date or rubbish. */
  | { readonly is: 'rate-limited'; readonly retryAfter?: string }
  /** 503 with 9729. */
  | { readonly is: 'unavailable'; readonly retryAfter?: string }
  | { readonly is: 'apple-error'; readonly errorNumber: number }
  | { readonly is: 'empty-body' }
  | { readonly is: 'truncated-body' }
  | { readonly is: 'redirect'; readonly to: string }
  /** A list answers well-formed and empty. */
  | { readonly is: 'empty-list' }
  /** A page after the first is answered with 9650, as when the set shrinks between two pages. */
  | { readonly is: 'page-out-of-range' }
  /** `nextPageIndex` is the page's own. */
  | { readonly is: 'page-loop' }
  /** A page without items that still names a next one. */
  | { readonly is: 'empty-page' }
  /** Every second page of a list is empty and names a next one; nothing is lost. */
  | { readonly is: 'empty-pages-between' }
  /** `versionId` as after one more write. */
  | { readonly is: 'page-moved' }
  /** `totalPages` says this many, whatever there is. */
  | { readonly is: 'total-pages'; readonly pages: number }
  /** Every item of a page carries these members instead of its own, and lacks those of `without`. */
  | { readonly is: 'odd-items'; readonly members: Readonly<Record<string, unknown>>; readonly without: readonly string[] }
  | { readonly is: 'event-stays-pending' }
  | { readonly is: 'tasks-fail'; readonly errorNumber: number; readonly every: number }
  | { readonly is: 'targets-fail'; readonly errorNumber: number; readonly keys: readonly string[] }
  /** COMPLETE, but `by` tasks were neither done nor named. */
  | { readonly is: 'event-falls-short'; readonly by: number }
  | { readonly is: 'failures-without-info' }
  /** COMPLETE, and failures beside it. */
  | { readonly is: 'complete-with-failures' }
  /** COMPLETE with every task counted as done, and nothing was done. Whether Apple ever does that is [unknown]. */
  | { readonly is: 'event-without-effect' }
  /** COMPLETE, and each device's seat went to, or came from, another serial number: its own and an X. The form is a guess [unknown]; that a serial number that does not exist gets a seat and COMPLETE was seen. */
  | { readonly is: 'event-serves-another' }
  /** Every task is done and the event stays PENDING for ever [unknown]. */
  | { readonly is: 'event-never-ends' }
  | { readonly is: 'notification-lost' }
  | { readonly is: 'notification-doubled' }
  /** It leaves so much later; those behind it overtake it. */
  | { readonly is: 'notification-delayed'; readonly ms: number }
  /** Its content comes once more, under an id of its own. */
  | { readonly is: 'notification-retold' }

export type Endpoint =
  | 'service-config'
  | 'client-config'
  | 'assets'
  | 'assignments'
  | 'users'
  | 'create-users'
  | 'update-users'
  | 'retire-users'
  | 'associate'
  | 'disassociate'
  | 'revoke'
  | 'status'
  | 'subscriptions'
  | 'subscription-assignments'
  | 'subscription-admins'
  | 'associate-subscriptions'
  | 'disassociate-subscriptions'
  | 'change-subscription-admins'
  | 'switch-subscriptions'
  | 'lookup'
  | 'public-lookup'
  | 'artwork'
  | 'notification'
  | 'device-token'
  | 'org-devices'
  | 'org-device'
  | 'mdm-servers'

export const LIST_ENDPOINTS: readonly Endpoint[] = ['assets', 'assignments', 'users']
export const EVENT_ENDPOINTS: readonly Endpoint[] = [
  'create-users',
  'update-users',
  'retire-users',
  'associate',
  'disassociate',
  'revoke',
  'associate-subscriptions',
  'disassociate-subscriptions',
]

const SUBSCRIPTION_ENDPOINTS: ReadonlySet<Endpoint> = new Set([
  'subscriptions',
  'subscription-assignments',
  'subscription-admins',
  'associate-subscriptions',
  'disassociate-subscriptions',
  'change-subscription-admins',
  'switch-subscriptions',
])
export const isSubscriptionEndpoint = (endpoint: Endpoint): boolean => SUBSCRIPTION_ENDPOINTS.has(endpoint)

export interface ArmedFault {
  readonly fault: Fault
  /** Absent = any endpoint the fault makes sense at. */
  readonly endpoint?: Endpoint
  /** uId; absent = any location. */
  readonly location?: string
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
  take(endpoint: Endpoint, location: string | undefined): readonly Fault[]
}

const LIST_FAULTS = new Set<Fault['is']>([
  'empty-list',
  'page-out-of-range',
  'page-loop',
  'empty-page',
  'page-moved',
  'empty-pages-between',
  'total-pages',
  'odd-items',
])
const EVENT_FAULTS = new Set<Fault['is']>([
  'event-stays-pending',
  'tasks-fail',
  'targets-fail',
  'event-falls-short',
  'failures-without-info',
  'complete-with-failures',
  'event-without-effect',
  'event-serves-another',
  'event-never-ends',
])
const NOTIFICATION_FAULTS = new Set<Fault['is']>([
  'notification-lost',
  'notification-doubled',
  'notification-delayed',
  'notification-retold',
])

const makesSenseAt = (fault: Fault, endpoint: Endpoint): boolean => {
  if (NOTIFICATION_FAULTS.has(fault.is)) return endpoint === 'notification'
  if (endpoint === 'notification') return false
  if (LIST_FAULTS.has(fault.is)) return LIST_ENDPOINTS.includes(endpoint)
  if (EVENT_FAULTS.has(fault.is)) return EVENT_ENDPOINTS.includes(endpoint)
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
    take(endpoint, location) {
      const striking: Fault[] = []
      for (const [id, entry] of armed) {
        const { fault, endpoint: at, location: of, times, skip = 0 } = entry.fault
        if (at === undefined ? !makesSenseAt(fault, endpoint) : at !== endpoint) continue
        if (of !== undefined && of !== location) continue
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
