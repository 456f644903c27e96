/**
 * What stands before every method of a Google API: path and verb, faults, the access token and its scope, the quota, the
 * parameters and the body. The plays come after it.
 */
import { gzipSync } from 'node:zlib'
import type { ServiceAccount } from './accounts.ts'
import { errorAnswer, noSuchPath, Refused, refused, type GoogleError } from './errors.ts'
import type { GoogleFault } from './faults.ts'
import { createDoor, type Call, type Method, type MethodTable } from './methods.ts'
import type { GoogleWorld, Json } from './play/state.ts'
import type { GoogleRequestLog } from './request-log.ts'

export class ConnectionCut extends Error {}

export interface GoogleApi {
  readonly table: MethodTable
  readonly scope: string
  /** Its failures come without the list of errors. */
  readonly withoutErrorsList?: true
  /** A refusal before parameters are looked at: the method was turned off. */
  readonly turnedOff?: (method: Method) => GoogleError | undefined
  readonly play: (account: ServiceAccount, call: Call, origin: string) => Promise<Json | undefined>
}

export interface GoogleDoor {
  answer(request: Request): Promise<Response>
}

const MINUTE_MS = 60_000

export const createGoogleDoor = (world: GoogleWorld, log: GoogleRequestLog, api: GoogleApi): GoogleDoor => {
  const door = createDoor(api.table)
  const countByProject = new Map<string, { minute: number; count: number }>()

  const signedIn = (request: Request): ServiceAccount => {
    const bearer = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1]
    const token = bearer === undefined ? undefined : world.accounts.tokens.get(bearer)
    const account = token === undefined ? undefined : world.accounts.accounts.get(token.email)
    if (token === undefined || account === undefined || token.expiresAt <= world.clock.now() || account.disabled)
      throw new Refused(401, bearer === undefined ? 'required' : 'authError', 'Invalid Credentials')
    if (!token.scopes.includes(api.scope))
      throw new Refused(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.')
    if (account.scopes !== null && !account.scopes.includes(api.scope))
      throw new Refused(403, 'accessNotConfigured', `The API has not been used in project ${account.project} before or it is disabled.`)
    return account
  }

  const countQuota = ({ project }: ServiceAccount): GoogleError | undefined => {
    const { queriesPerMinute, quotaAnswer, quotaRetryAfter } = world.switches
    const minute = Math.floor(world.clock.now() / MINUTE_MS)
    const held = countByProject.get(project)
    const count = held?.minute === minute ? held.count + 1 : 1
    countByProject.set(project, { minute, count })
    if (queriesPerMinute === null || count <= queriesPerMinute) return undefined
    const [status, reason] = quotaAnswer === '429' ? ([429, 'rateLimitExceeded'] as const) : ([403, quotaAnswer.slice(4)] as const)
    return { status, reason, message: 'Quota exceeded.', ...(quotaRetryAfter === null ? {} : { retryAfter: quotaRetryAfter }) }
  }

  const empty = (): Response =>
    world.switches.emptyAnswers === '204'
      ? new Response(null, { status: 204 })
      : new Response(world.switches.emptyAnswers === '200-empty' ? '' : '{}', { headers: { 'Content-Type': 'application/json' } })

  const good = (method: Method, json: Json | undefined): Response => {
    if (json === undefined) return empty()
    door.checkAnswer(method, json)
    return Response.json(world.switches.extraMembers ? later(json) : json)
  }

  const failed = (error: GoogleError): Response => errorAnswer(error, api.withoutErrorsList === undefined && world.switches.errorsList)

  return {
    answer: async (request) => {
      const url = new URL(request.url)
      const matched = door.match(request.method, url.pathname)
      const bodyText = await request.text()
      log.note({ method: matched?.method.id ?? null, verb: request.method, path: url.pathname + url.search, bodyBytes: bodyText.length })
      if (matched === undefined) return noSuchPath(url.pathname)
      const faults = world.faults.take(matched.method.id)
      const struck = before(faults)
      if (struck !== undefined) return struck
      let answer: Response
      try {
        const account = signedIn(request)
        const stopped = countQuota(account) ?? api.turnedOff?.(matched.method)
        if (stopped !== undefined) return failed(stopped)
        const call = door.read(matched, url, bodyText)
        answer = good(matched.method, await api.play(account, call, url.origin))
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        return failed(error.error)
      }
      return await after(faults, answer)
    },
  }
}

/** A member and a word that no description knows. */
const later = (json: Json): Json => ({ ...json, laterMember: { laterWord: 'LATER' } })

const badGateway = (): Response =>
  new Response('<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>', {
    status: 502,
    headers: { 'Content-Type': 'text/html' },
  })

/** What strikes before Google has looked at the request. */
export const before = (faults: readonly GoogleFault[]): Response | undefined => {
  for (const fault of faults) {
    if (fault.is === 'connection-cut' && fault.when === 'before') throw new ConnectionCut('before')
    if (fault.is === 'bad-gateway' && fault.when === 'before') return badGateway()
    if (fault.is === 'unavailable' && fault.when === 'before') return unavailable(fault.retryAfter)
    if (fault.is === 'redirect') return new Response(null, { status: 302, headers: { Location: fault.to } })
    if (fault.is === 'error')
      return errorAnswer({
        ...refused(fault.status, fault.reason, fault.message ?? fault.reason),
        ...(fault.retryAfter === undefined ? {} : { retryAfter: fault.retryAfter }),
      })
  }
  return undefined
}

const unavailable = (retryAfter: string | undefined): Response =>
  errorAnswer({ ...refused(503, 'backendError', 'Backend Error'), ...(retryAfter === undefined ? {} : { retryAfter }) })

/** What strikes once the work is done. */
export const after = async (faults: readonly GoogleFault[], answer: Response): Promise<Response> => {
  let told = answer
  for (const fault of faults) {
    if (fault.is === 'connection-cut') throw new ConnectionCut('after')
    if (fault.is === 'bad-gateway') return badGateway()
    if (fault.is === 'unavailable') return unavailable(fault.retryAfter)
    if (fault.is === 'empty-body') return new Response('', { status: 200 })
    if (fault.is === 'truncated-body') {
      const text = await told.text()
      return new Response(text.slice(0, Math.max(1, text.length - 2)), { status: 200, headers: { 'Content-Type': 'application/json' } })
    }
    if (fault.is === 'gzip') {
      const packed = gzipSync(await told.text())
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => {
          controller.enqueue(new Uint8Array(packed))
          controller.close()
        },
      })
      return new Response(stream, { status: told.status, headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' } })
    }
    if (fault.is === 'odd-members') told = Response.json({ ...objectIn(await told.json()), ...fault.members })
    if (fault.is === 'page-repeats') told = Response.json(repeated(objectIn(await told.json())))
  }
  return told
}

const objectIn = (json: unknown): Json => (typeof json === 'object' && json !== null ? { ...json } : {})

/** The first item once more at the end, and a total that counts what is not there. */
const repeated = (json: Json): Json =>
  Object.fromEntries(
    Object.entries(json).map(([name, value]) =>
      Array.isArray(value)
        ? [name, [...value, value[0]]]
        : name === 'pageInfo'
          ? [name, { ...objectIn(value), totalResults: 9999 }]
          : [name, value],
    ),
  )
