/** What every request to any of the services passes: the log, armed trouble, and whose token it carries. */
import { sleep } from '../../../shared/clock.ts'
import type { Endpoint, Fault } from './faults.ts'
import type { LoggedRequest } from './request-log.ts'
import type { AppRegistration, Tenant } from './tenant-state.ts'
import type { MicrosoftWorld } from './world.ts'

/** How a dropped connection looks to whoever called `fetch`; over a real socket the server turns it into a reset. */
export const connectionCut = (): TypeError => new TypeError('fetch failed', { cause: new Error('other side closed') })
export const isConnectionCut = (error: unknown): boolean => error instanceof TypeError && error.message === 'fetch failed'

export const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' } as const

export const htmlPage = (status: number, title: string): Response =>
  new Response(`<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`, {
    status,
    headers: { 'content-type': 'text/html' },
  })

/** An error in the form of the service that was asked. */
export type ErrorAnswer = (status: number, headers: Readonly<Record<string, string>>, code?: string, message?: string) => Response

const retryHeader = (retryAfter: string | undefined): Readonly<Record<string, string>> =>
  retryAfter === undefined ? {} : { 'retry-after': retryAfter }

const struckBefore = (faults: readonly Fault[], errorAnswer: ErrorAnswer): Response | undefined => {
  for (const fault of faults) {
    if (fault.is === 'connection-cut' && fault.when === 'before') throw connectionCut()
    if (fault.is === 'bad-gateway' && fault.when === 'before') return htmlPage(502, '502 Bad Gateway')
    if (fault.is === 'captive-page') return htmlPage(200, 'Sign in to this network')
    if (fault.is === 'throttled') return errorAnswer(429, retryHeader(fault.retryAfter))
    if (fault.is === 'unavailable') return errorAnswer(503, retryHeader(fault.retryAfter))
    if (fault.is === 'service-error') return errorAnswer(fault.status, {}, fault.code, fault.message)
    if (fault.is === 'empty-body') return new Response('', { status: 200, headers: JSON_TYPE })
    if (fault.is === 'redirect') return new Response(null, { status: 307, headers: { location: fault.to } })
    if (fault.is === 'token-refused') return errorAnswer(401, { 'www-authenticate': 'Bearer error="invalid_token"' })
  }
  return undefined
}

const struckAfter = async (answer: Response, faults: readonly Fault[]): Promise<Response> => {
  for (const fault of faults) {
    if (fault.is === 'connection-cut' && fault.when === 'after') throw connectionCut()
    if (fault.is === 'bad-gateway' && fault.when === 'after') return htmlPage(502, '502 Bad Gateway')
    if (fault.is === 'truncated-body') {
      const text = await answer.text()
      return new Response(text.slice(0, Math.floor(text.length / 2)), { status: answer.status, headers: answer.headers })
    }
  }
  return answer
}

/** 1. The log. 2. Armed trouble. 3. The answer. */
export const served = async (
  world: MicrosoftWorld,
  request: Request,
  endpoint: Endpoint | 'unknown',
  tenantId: string | undefined,
  errorAnswer: ErrorAnswer,
  answer: (entry: LoggedRequest, faults: readonly Fault[]) => Promise<Response> | Response,
): Promise<Response> => {
  const url = new URL(request.url)
  const entry = world.log.open(world.clock.now(), request.method, url.pathname + url.search, endpoint)
  entry.tenantId = tenantId ?? null
  const faults = endpoint === 'unknown' ? [] : world.faults.take(endpoint, tenantId)
  entry.faults = faults.map(({ is }) => is)
  for (const fault of faults) if (fault.is === 'slow') await sleep(world.clock, fault.ms)
  const full = struckBefore(faults, errorAnswer) ?? (await struckAfter(await answer(entry, faults), faults))
  entry.status = full.status
  return full
}

export interface TokenHolder {
  readonly tenant: Tenant
  readonly app: AppRegistration
}

/** Whose token the request carries, when it is for this service and still good. */
export const holderOf = (world: MicrosoftWorld, request: Request, audience: string): TokenHolder | undefined => {
  const bearer = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1]
  const token = bearer === undefined ? undefined : world.accessTokens.get(bearer)
  if (token === undefined || token.audience !== audience || token.expiresAt <= world.clock.now()) return undefined
  const tenant = world.tenants.get(token.tenantId)
  const app = tenant?.apps.get(token.clientId)
  return tenant === undefined || app === undefined ? undefined : { tenant, app }
}
