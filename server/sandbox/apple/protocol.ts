import { Hono } from 'hono'
import { sleep } from '../../../shared/clock.ts'
import { err, ok } from '../../../shared/result.ts'
import type { Result } from '../../../shared/result.ts'
import { NOTIFICATION_TYPES, clientConfigBody, writeClientConfig } from './client-config.ts'
import { appleError, messageOf, publishedErrors, statusOf } from './errors.ts'
import type { AppleError } from './errors.ts'
import { acceptEvent, settleEvents, statusBody } from './events.ts'
import type { EventRequest } from './events.ts'
import { isSubscriptionEndpoint } from './faults.ts'
import type { Endpoint, Fault } from './faults.ts'
import { INVITATION_PATH } from './invitation-page.ts'
import { listAssets, listAssignments, listUsers } from './lists.ts'
import { shapeOf } from './request-log.ts'
import type { LoggedRequest, RequestLog } from './request-log.ts'
import { limitOf } from './state.ts'
import type { LocationState, TokenRecord } from './state.ts'
import { appleTime } from './made-ids.ts'
import {
  changeAdmins,
  listOfEndpoint,
  listSubscriptionFamily,
  readSubscriptionWrite,
  switchSubscriptions,
} from './subscription-requests.ts'
import type { AppleWorld } from './world.ts'
import { readAssetWrite, readRevoke, readUserWrite } from './writes.ts'

export const BASE_PATH = '/mdm/v2'
export const LOOKUP_PATH = '/WebObjects/MZStorePlatform.woa/wa/lookup'

type Method = 'GET' | 'POST'

const ROUTES: Readonly<Record<string, { readonly endpoint: Endpoint; readonly methods: readonly Method[]; readonly named?: string }>> = {
  '/service/config': { endpoint: 'service-config', methods: ['GET'] },
  '/client/config': { endpoint: 'client-config', methods: ['GET', 'POST'], named: 'clientConfig' },
  '/assets': { endpoint: 'assets', methods: ['GET'], named: 'getAssets' },
  '/assignments': { endpoint: 'assignments', methods: ['GET'], named: 'getAssignments' },
  '/users': { endpoint: 'users', methods: ['GET'], named: 'getUsers' },
  '/users/create': { endpoint: 'create-users', methods: ['POST'], named: 'createUsers' },
  '/users/update': { endpoint: 'update-users', methods: ['POST'], named: 'updateUsers' },
  '/users/retire': { endpoint: 'retire-users', methods: ['POST'], named: 'retireUsers' },
  '/assets/associate': { endpoint: 'associate', methods: ['POST'], named: 'associateAssets' },
  '/assets/disassociate': { endpoint: 'disassociate', methods: ['POST'], named: 'disassociateAssets' },
  '/assets/revoke': { endpoint: 'revoke', methods: ['POST'], named: 'revokeAssets' },
  '/subscriptions': { endpoint: 'subscriptions', methods: ['GET'] },
  '/subscriptions/assignments': { endpoint: 'subscription-assignments', methods: ['GET'] },
  '/subscriptions/admins': { endpoint: 'subscription-admins', methods: ['GET'] },
  '/subscriptions/associate': { endpoint: 'associate-subscriptions', methods: ['POST'] },
  '/subscriptions/disassociate': { endpoint: 'disassociate-subscriptions', methods: ['POST'] },
  '/subscriptions/admins/add': { endpoint: 'change-subscription-admins', methods: ['POST'] },
  '/subscriptions/admins/remove': { endpoint: 'change-subscription-admins', methods: ['POST'] },
  '/subscriptions/enable': { endpoint: 'switch-subscriptions', methods: ['POST'] },
  '/subscriptions/disable': { endpoint: 'switch-subscriptions', methods: ['POST'] },
  '/status': { endpoint: 'status', methods: ['GET'], named: 'eventStatus' },
}

/** How a dropped connection looks to whoever called `fetch`; over a real socket the server turns it into a reset. */
export const connectionCut = (): TypeError => new TypeError('fetch failed', { cause: new Error('other side closed') })
export const isConnectionCut = (error: unknown): boolean => error instanceof TypeError && error.message === 'fetch failed'

const HTML = { 'content-type': 'text/html' } as const
const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' } as const

const htmlPage = (status: number, title: string): Response =>
  new Response(`<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`, { status, headers: HTML })

/** Members that nobody documented, on every object, so that a strict reader shows itself. */
const withExtras = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withExtras)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, member]) => [name, withExtras(member)] as const)
  return { ...Object.fromEntries(entries), zzUndocumented: 'extra', zzUndocumentedList: [{ zz: 1 }] }
}

const jsonAnswer = (world: AppleWorld, body: unknown, status: number, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(world.switches.extraMembers ? withExtras(body) : body), { status, headers: { ...JSON_TYPE, ...headers } })

const errorAnswer = (world: AppleWorld, entry: LoggedRequest, error: AppleError, retryAfter?: string): Response => {
  const { errorNumber, errorInfo } = error
  entry.errorNumber = errorNumber
  const { errorBodiesWith200: mode } = world.switches
  const status = mode === 'all' || (mode === 'only-9622' && errorNumber === 9622) ? 200 : statusOf(errorNumber)
  const body = { errorNumber, errorMessage: messageOf(errorNumber), ...(errorInfo === undefined ? {} : { errorInfo }) }
  return jsonAnswer(world, body, status, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
}

interface Holder {
  readonly location: LocationState
  readonly token: TokenRecord
}

/** The bearer is the whole file; only the inner token is looked up, whatever stands around it [inferred]. */
export const holderOfToken = (world: AppleWorld, outer: string): Holder | undefined => {
  let secret: unknown
  try {
    const inner: unknown = JSON.parse(Buffer.from(outer, 'base64').toString('utf8'))
    if (typeof inner === 'object' && inner !== null && 'token' in inner) secret = inner.token
  } catch {
    return undefined
  }
  for (const location of world.state.locations.values()) {
    const token = location.tokens.find((candidate) => candidate.secret === secret)
    if (token !== undefined) return { location, token }
  }
  return undefined
}

const bearerOf = (request: Request): string | undefined => /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1]

const authenticate = (world: AppleWorld, bearer: string | undefined): Result<Holder, AppleError> => {
  if (bearer === undefined) return err(appleError(9722))
  const holder = holderOfToken(world, bearer)
  if (holder === undefined) return err(appleError(9622))
  if (holder.token.revoked) return err(appleError(9625))
  return holder.token.expiresAt <= world.clock.now() ? err(appleError(9621)) : ok(holder)
}

const FIFTEEN_DAYS_MS = 15 * 86_400_000

const envelope = (world: AppleWorld, { location, token }: Holder, endpoint: Endpoint): Record<string, unknown> => {
  const mode = world.switches.tokenExpirationDate
  const shown = mode === 'always' || (mode === 'last-15-days' && token.expiresAt - world.clock.now() <= FIFTEEN_DAYS_MS)
  // [doc-conflict] Published answers of the subscription family have null in it, whoever holds the location.
  const isOfSubscriptions = isSubscriptionEndpoint(endpoint)
  const unset = isOfSubscriptions || world.switches.unsetMdmInfo === 'null' ? { mdmInfo: null } : {}
  return {
    uId: location.uId,
    ...(shown ? { tokenExpirationDate: appleTime(token.expiresAt) } : {}),
    ...(world.switches.mdmInfoIn === 'client-config' && endpoint !== 'client-config'
      ? {}
      : location.mdmInfo === null || isOfSubscriptions
        ? unset
        : { mdmInfo: location.mdmInfo }),
  }
}

/** What strikes before the store looks at the request. */
const struckBefore = (world: AppleWorld, entry: LoggedRequest, faults: readonly Fault[]): Response | undefined => {
  for (const fault of faults) {
    if (fault.is === 'connection-cut' && fault.when === 'before') throw connectionCut()
    if (fault.is === 'bad-gateway' && fault.when === 'before') return htmlPage(502, '502 Bad Gateway')
    if (fault.is === 'rate-limited') return errorAnswer(world, entry, appleError(9646), fault.retryAfter)
    if (fault.is === 'unavailable') return errorAnswer(world, entry, appleError(9729), fault.retryAfter)
    if (fault.is === 'apple-error') return errorAnswer(world, entry, appleError(fault.errorNumber))
    if (fault.is === 'empty-body') return new Response('', { status: 200, headers: JSON_TYPE })
    if (fault.is === 'redirect') return new Response(null, { status: 307, headers: { location: fault.to } })
  }
  return undefined
}

/** What strikes when all is done and only the answer is left. */
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

const serviceConfigBody = (world: AppleWorld, origin: string): Record<string, unknown> => ({
  limits: Object.fromEntries(world.state.limits),
  notificationTypes: NOTIFICATION_TYPES.slice(0, 4),
  urls: {
    ...Object.fromEntries(
      Object.entries(ROUTES).flatMap(([path, { named }]) => (named === undefined ? [] : [[named, `${origin}${BASE_PATH}${path}`]])),
    ),
    contentMetadataLookup: `${origin}${LOOKUP_PATH}`,
    invitationEmail: `${origin}${INVITATION_PATH}?inviteCode=%25inviteCode%25&mt=8`,
  },
  errorCodes: publishedErrors(),
})

/** The requests of the last second, location by location. */
const createRateLimit = (world: AppleWorld) => {
  const recent = new Map<string, number[]>()
  return (location: LocationState): boolean => {
    if (!world.switches.enforceRateLimit) return true
    const now = world.clock.now()
    const times = (recent.get(location.uId) ?? []).filter((at) => at > now - 1000)
    recent.set(location.uId, times)
    if (times.length >= limitOf(world.state, 'maxRequestPerSecond')) return false
    times.push(now)
    return true
  }
}

const readBody = async (request: Request, mayBeEmpty: boolean): Promise<Result<Record<string, unknown>, AppleError>> => {
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? '')) return err(appleError(9727))
  try {
    const text = await request.text()
    if (mayBeEmpty && text === '') return ok({})
    const body: unknown = JSON.parse(text)
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return err(appleError(9602))
    return ok({ ...body })
  } catch {
    return err(appleError(9602))
  }
}

const eventRequest = (
  world: AppleWorld,
  location: LocationState,
  endpoint: Endpoint,
  body: Record<string, unknown>,
): Result<EventRequest, AppleError> => {
  if (endpoint === 'associate') return readAssetWrite(world, location, 'ASSOCIATE', body)
  if (endpoint === 'disassociate') return readAssetWrite(world, location, 'DISASSOCIATE', body)
  if (endpoint === 'revoke') return readRevoke(world, body)
  if (endpoint === 'associate-subscriptions') return readSubscriptionWrite(world, location, 'ASSOCIATE', body)
  if (endpoint === 'disassociate-subscriptions') return readSubscriptionWrite(world, location, 'DISASSOCIATE', body)
  const type = endpoint === 'create-users' ? 'CREATE' : endpoint === 'update-users' ? 'UPDATE' : 'RETIRE'
  return readUserWrite(world, type, body)
}

const readEndpoint = async (
  world: AppleWorld,
  holder: Holder,
  endpoint: Endpoint,
  query: URLSearchParams,
  faults: readonly Fault[],
): Promise<Result<Record<string, unknown>, AppleError>> => {
  const { location, token } = holder
  if (endpoint === 'assets') return listAssets(world, location, query, faults)
  if (endpoint === 'assignments') return listAssignments(world, location, query, faults)
  if (endpoint === 'users') return listUsers(world, location, query, faults)
  const list = listOfEndpoint(endpoint)
  if (list !== undefined) return listSubscriptionFamily(world, location, list, query, faults)
  if (endpoint === 'client-config') return ok(clientConfigBody(location, token.expiresAt, world.switches.tokenExpirationDate !== 'never'))
  const event = location.events.get(query.get('eventId') ?? '')
  const { eventRetentionMs: kept } = world.switches
  const isGone = event?.finishedAt !== null && event !== undefined && kept !== null && event.finishedAt + kept <= world.clock.now()
  return event === undefined || isGone ? err(appleError(9708)) : ok(statusBody(world, event))
}

/** Apple's license API: authentication, method, content type, JSON, then what the endpoint itself asks. */
export const createProtocol = (world: AppleWorld, log: RequestLog): Hono => {
  const mayRequest = createRateLimit(world)

  const answer = async (request: Request, entry: LoggedRequest, faults: readonly Fault[]): Promise<Response> => {
    const url = new URL(request.url)
    const path = url.pathname.slice(BASE_PATH.length)
    const route = ROUTES[path]
    if (route === undefined) return htmlPage(404, '404 Not Found')
    const method = route.methods.find((known) => known === request.method)
    if (route.endpoint === 'service-config') {
      return method === undefined
        ? errorAnswer(world, entry, appleError(9726))
        : jsonAnswer(world, serviceConfigBody(world, url.origin), 200)
    }
    const holder = authenticate(world, bearerOf(request))
    if (!holder.ok) return errorAnswer(world, entry, holder.error)
    if (!mayRequest(holder.value.location)) {
      const seconds = world.switches.rateLimitRetryAfterSeconds
      return errorAnswer(world, entry, appleError(9646), seconds === null ? undefined : String(seconds))
    }
    if (isSubscriptionEndpoint(route.endpoint) && world.switches.subscriptionService !== 'offered') {
      if (world.switches.subscriptionService === 'not-found') return htmlPage(404, '404 Not Found')
      return errorAnswer(world, entry, appleError(9634))
    }
    if (method === undefined) return errorAnswer(world, entry, appleError(9726))
    const { location, token } = holder.value
    let body: Result<Record<string, unknown>, AppleError>
    if (method === 'GET') body = await readEndpoint(world, holder.value, route.endpoint, url.searchParams, faults)
    else {
      // [inferred] A token that may only read gets v1's number for it.
      if (token.privilege === 'read-only') return errorAnswer(world, entry, appleError(9637))
      const given = await readBody(request, route.endpoint === 'switch-subscriptions')
      if (!given.ok) return errorAnswer(world, entry, given.error)
      entry.body = shapeOf(given.value)
      if (route.endpoint === 'client-config') {
        const written = await writeClientConfig(world, location, given.value)
        body = written.ok ? ok(clientConfigBody(location, token.expiresAt, world.switches.tokenExpirationDate !== 'never')) : written
      } else if (route.endpoint === 'switch-subscriptions') body = switchSubscriptions(world, location, path.endsWith('/enable'))
      else if (route.endpoint === 'change-subscription-admins')
        body = changeAdmins(world, location, path.endsWith('/add') ? 'add' : 'remove', given.value)
      else {
        const wanted = eventRequest(world, location, route.endpoint, given.value)
        body = wanted.ok ? ok({ eventId: acceptEvent(world, location, wanted.value, faults).id }) : wanted
      }
    }
    return body.ok
      ? jsonAnswer(world, { ...body.value, ...envelope(world, holder.value, route.endpoint) }, 200)
      : errorAnswer(world, entry, body.error)
  }

  const app = new Hono()
  app.all(`${BASE_PATH}/*`, async (c) => {
    const url = new URL(c.req.url)
    settleEvents(world)
    const endpoint = ROUTES[url.pathname.slice(BASE_PATH.length)]?.endpoint ?? 'unknown'
    const entry = log.open(world.clock.now(), c.req.method, url.pathname + url.search, endpoint)
    const bearer = bearerOf(c.req.raw)
    const uId = bearer === undefined ? undefined : holderOfToken(world, bearer)?.location.uId
    entry.location = uId ?? null
    const faults = endpoint === 'unknown' ? [] : world.faults.take(endpoint, uId)
    entry.faults = faults.map(({ is }) => is)
    for (const fault of faults) if (fault.is === 'slow') await sleep(world.clock, fault.ms)
    const early = struckBefore(world, entry, faults)
    const full = early ?? (await struckAfter(await answer(c.req.raw, entry, faults), faults))
    entry.status = full.status
    return full
  })
  return app
}
