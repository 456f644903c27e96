/** The form of Graph's answers: an object, a page of a list, an error. */
import { isoTime } from '../../../shared/clock.ts'
import { uuid } from './made-ids.ts'
import type { MicrosoftWorld } from './world.ts'

/** What one request comes to, whether it came by itself or inside a batch. `body` undefined: none. */
export interface GraphAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export const good = (body: unknown, status = 200): GraphAnswer => ({ status, headers: {}, body })
export const done: GraphAnswer = { status: 204, headers: {}, body: undefined }

const codes: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'InvalidAuthenticationToken',
  403: 'Authorization_RequestDenied',
  404: 'Request_ResourceNotFound',
  405: 'Request_BadRequest',
  410: 'resyncRequired',
  424: 'FailedDependency',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
}
const messages: Readonly<Record<number, string>> = {
  401: 'Access token has expired or is not yet valid.',
  403: 'Insufficient privileges to complete the operation.',
  404: 'Resource does not exist or one of its queried reference-property objects are not present.',
  410: 'Resync required. Resync with an empty token.',
  429: 'Too many requests.',
  503: 'The service is temporarily unavailable.',
}

export const failed = (
  world: MicrosoftWorld,
  status: number,
  {
    code = codes[status] ?? 'generalException',
    message = messages[status] ?? 'The request was refused.',
    headers = {},
  }: {
    readonly code?: string | undefined
    readonly message?: string | undefined
    readonly headers?: Readonly<Record<string, string>>
  } = {},
): GraphAnswer => ({
  status,
  headers,
  body: {
    error: {
      code,
      message,
      [world.switches.errorMember]: {
        date: isoTime(world.clock.now()).slice(0, 19),
        'request-id': uuid(world.chance),
        'client-request-id': uuid(world.chance),
      },
    },
  },
})

/** Members that nobody documented, on every object, so that a strict reader shows itself. */
export const withExtras = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withExtras)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, one]) => [name, withExtras(one)] as const)
  return { ...Object.fromEntries(entries), zzUndocumented: 'extra', zzUndocumentedList: [{ zz: 1 }] }
}

/** Opaque to whoever gets it. */
export const tokenOf = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
export const inToken = (token: string | null): unknown => {
  if (token === null) return undefined
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
