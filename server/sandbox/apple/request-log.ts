import type { Endpoint, Fault } from './faults.ts'

/** One request as the store saw it. Secrets and bodies stay out; of a body only its shape is told. */
export interface LoggedRequest {
  readonly n: number
  readonly at: number
  readonly method: string
  readonly path: string
  readonly endpoint: Endpoint | 'unknown'
  location: string | null
  body: Readonly<Record<string, unknown>> | null
  /** 0 = the connection was cut. */
  status: number
  errorNumber: number | null
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
      const entry: LoggedRequest = { n, at, method, path, endpoint, location: null, body: null, status: 0, errorNumber: null, faults: [] }
      entries.push(entry)
      if (entries.length > MOST_KEPT) entries.shift()
      return entry
    },
    all: () => entries,
    clear: () => void entries.splice(0),
  }
}

/** Numbers instead of lists, names of members instead of their content; mdmInfo's id is no secret and worth seeing. */
export const shapeOf = (body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const shape: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value)) shape[name] = value.length
    else if (name === 'mdmInfo' && typeof value === 'object' && value !== null && 'id' in value) shape[name] = value.id
    else shape[name] = '…'
  }
  return shape
}
