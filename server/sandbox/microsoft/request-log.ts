import type { Endpoint, Fault } from './faults.ts'

/** One request as the store saw it. Secrets stay out; of a form or body only what the endpoint chooses to tell. */
export interface LoggedRequest {
  readonly n: number
  readonly at: number
  readonly method: string
  readonly path: string
  readonly endpoint: Endpoint | 'unknown'
  tenantId: string | null
  told: Readonly<Record<string, unknown>> | null
  /** 0 = the connection was cut. */
  status: number
  faults: readonly Fault['is'][]
}

export interface RequestLog {
  open(at: number, method: string, path: string, endpoint: LoggedRequest['endpoint']): LoggedRequest
  all(): readonly LoggedRequest[]
  clear(): void
}

const MOST_KEPT = 5_000

export const createRequestLog = (): RequestLog => {
  const entries: LoggedRequest[] = []
  let n = 0
  return {
    open(at, method, path, endpoint) {
      n += 1
      const entry: LoggedRequest = { n, at, method, path, endpoint, tenantId: null, told: null, status: 0, faults: [] }
      entries.push(entry)
      if (entries.length > MOST_KEPT) entries.shift()
      return entry
    },
    all: () => entries,
    clear: () => void entries.splice(0),
  }
}
