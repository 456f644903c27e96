/** Trouble that is armed for the next requests. */
export type GoogleFault =
  /** An answer in the form of Google's errors. `retryAfter` is sent as it stands. */
  | { readonly is: 'error'; readonly status: number; readonly reason: string; readonly message?: string; readonly retryAfter?: string }
  /** The line drops: before Google has looked at the request, or after it has done everything but answer. */
  | { readonly is: 'connection-cut'; readonly when: 'before' | 'after' }
  /** A proxy's HTML page with 502. */
  | { readonly is: 'bad-gateway'; readonly when: 'before' | 'after' }
  /** 503 in Google's form, the work done or not. */
  | { readonly is: 'unavailable'; readonly when: 'before' | 'after'; readonly retryAfter?: string }
  | { readonly is: 'truncated-body' }
  | { readonly is: 'empty-body' }
  /** Gzip, without a length. */
  | { readonly is: 'gzip' }
  | { readonly is: 'redirect'; readonly to: string }
  /** A page of a list comes with an item of the page before, and a total that is too high. */
  | { readonly is: 'page-repeats' }
  /** These members are put into the answer, whatever it is. */
  | { readonly is: 'odd-members'; readonly members: Readonly<Record<string, unknown>> }

export interface ArmedGoogleFault {
  readonly fault: GoogleFault
  /** The id of a method (`grouplicenses.list`), `token`, or absent: any method. */
  readonly method?: string
  /** How many requests it strikes; absent: until it is cleared. */
  readonly times?: number
  /** Lets this many pass first. */
  readonly skip?: number
}

export interface GoogleFaults {
  arm(armed: ArmedGoogleFault): number
  clear(id?: number): void
  list(): readonly (ArmedGoogleFault & { readonly id: number; readonly struck: number })[]
  take(method: string): readonly GoogleFault[]
}

export const createGoogleFaults = (): GoogleFaults => {
  const armed = new Map<number, { readonly fault: ArmedGoogleFault; seen: number; struck: number }>()
  let lastId = 0
  return {
    arm: (fault) => {
      lastId += 1
      armed.set(lastId, { fault, seen: 0, struck: 0 })
      return lastId
    },
    clear: (id) => (id === undefined ? armed.clear() : void armed.delete(id)),
    list: () => [...armed].map(([id, { fault, struck }]) => ({ ...fault, id, struck })),
    take: (method) => {
      const striking: GoogleFault[] = []
      for (const [id, entry] of armed) {
        const { method: at, times, skip = 0, fault } = entry.fault
        if (at === undefined ? method === 'token' : at !== method) continue
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
