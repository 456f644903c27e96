/** The Hono app: what happens to every request, in order, and the one door for what nobody expected. */
import { Hono, type Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { randomId, type Chance, type Clock } from '../shared/clock.ts'
import { limitBody } from './body-limit.ts'
import { isStorageTrouble } from './database/trouble.ts'
import type { Db } from './database/schema.ts'
import { createIdempotency } from './idempotency.ts'
import { StorageTrouble } from './journal.ts'
import type { Log } from './log.ts'
import { createOriginCheck } from './origin.ts'
import { createPeerAddress } from './peer-address.ts'
import { answerProblem } from './problem.ts'
import { api, type RouteModule, type Web, type WebEnv } from './routes/web.ts'
import { isScimPath } from './scim/refusal.ts'
import type { Sealer } from './seal.ts'
import { securityHeaders } from './security-headers.ts'
import type { Settings } from './settings.ts'
import type { StaticFiles } from './static.ts'
import type { WhoAsks } from './who-asks.ts'

export interface AppDeps {
  readonly db: Db
  readonly clock: Clock
  readonly chance: Chance
  readonly log: Log
  readonly settings: Pick<Settings, 'publicUrl' | 'isPublic' | 'trustedProxies'>
  readonly sealer: Sealer
  readonly whoAsks: WhoAsks
  /** Each puts its own routes on; the order decides nothing. */
  readonly routes: readonly RouteModule[]
  /** The console; none while developing it with its own server. */
  readonly files?: StaticFiles
  /** The other end of the connection. By default what Node's server says. */
  readonly peerOf?: (c: Context) => string | undefined
}

const MOST_BODY_BYTES = 1024 * 1024
const MOST_IMPORT_BYTES = 20 * 1024 * 1024
/** Okta sends all members of a group at once. */
const MOST_SCIM_BYTES = 8 * 1024 * 1024
const takesCsv = (path: string): boolean =>
  path === `${api}/directory/import` || (path.startsWith(`${api}/connectors/`) && path.endsWith('/ledger/import'))

/** What a visitor may ask without being signed in, below `/api/v1`. */
const openPaths: ReadonlySet<string> = new Set([`${api}/sign-in`, `${api}/set-up`, `${api}/openapi.json`])
/** Below these no page of the console is ever answered. */
const machinePaths = /^\/(api|sync|healthz|readyz|metrics|hooks|scim|icons|self-service\/.*)(\/|$)/

const peerOfNode = (c: Context): string | undefined => {
  const env = c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined
  return env?.incoming?.socket?.remoteAddress
}

export const createApp = (deps: AppDeps): Web => {
  const { clock, chance, log, settings, whoAsks } = deps
  const web: Web = new Hono<WebEnv>()
  const peerAddress = createPeerAddress(settings.trustedProxies)
  const isOurOrigin = createOriginCheck(settings.publicUrl)
  const peerOf = deps.peerOf ?? peerOfNode
  const ours = log.child({ part: 'http' })

  // 1. A number and a line in the log for each request.
  web.use(async (c, next) => {
    const begun = clock.now()
    c.set('requestId', randomId(chance))
    c.set('address', peerAddress(peerOf(c), c.req.header('x-forwarded-for')))
    await next()
    c.header('X-Request-Id', c.get('requestId'))
    ours.info(
      {
        id: c.get('requestId'),
        method: c.req.method,
        path: c.req.path,
        status: c.res.status,
        ms: clock.now() - begun,
        actor: c.get('signedIn')?.actor.id,
      },
      'request',
    )
  })
  web.use(securityHeaders(settings))

  // PostgreSQL knows no text with a NUL in it, and nothing here is named by one.
  web.use(async (c, next) =>
    /%00/.test(c.req.url)
      ? answerProblem(c, { status: 400, code: 'request-malformed', detail: 'The address holds a NUL character. Leave it out.' })
      : next(),
  )

  // 2. Changes and sockets only from our own pages, and only so large.
  web.use(async (c, next) => {
    const origin = c.req.header('origin')
    const isUpgrade = c.req.header('upgrade') !== undefined
    const changes = isUpgrade || (c.req.method !== 'GET' && c.req.method !== 'HEAD' && c.req.method !== 'OPTIONS')
    // A browser names the page's origin on every such request; a script with a key has none.
    const mustName = c.req.header('cookie') !== undefined && c.req.header('authorization') === undefined
    // A store's notice comes from no page, and its secret is no cookie that a page could make a browser send.
    if (c.req.path.startsWith('/hooks/')) return next()
    if (changes && (origin !== undefined || mustName) && !isOurOrigin(origin, c.req.header('host')))
      return answerProblem(c, {
        status: 403,
        code: 'origin-refused',
        detail: `A change may come only from the console at ${settings.publicUrl}. Open it there; for scripts, use an API key instead of a cookie.`,
      })
    return next()
  })
  const tooLarge = (mostBytes: number) =>
    limitBody(mostBytes, (c) =>
      answerProblem(c, {
        status: 413,
        code: 'too-large',
        detail: `At most ${mostBytes / 1024 / 1024} MiB are read here. Send less at once.`,
        extra: { mostBytes },
      }),
    )
  const small = tooLarge(MOST_BODY_BYTES)
  const large = tooLarge(MOST_IMPORT_BYTES)
  const forScim = tooLarge(MOST_SCIM_BYTES)
  web.use((c, next) => (takesCsv(c.req.path) ? large : isScimPath(c.req.path) ? forScim : small)(c, next))

  // 3. Who asks. Nothing below /api/v1 is open unless it is listed.
  web.use(`${api}/*`, async (c, next) => {
    const signedIn = await whoAsks.actorOf(c.req.raw.headers)
    c.set('signedIn', signedIn)
    if (signedIn === undefined && !openPaths.has(c.req.path))
      return answerProblem(c, {
        status: 401,
        code: 'not-signed-in',
        detail: 'Sign in, or send an API key that holds as Authorization: Bearer.',
        headers: { 'WWW-Authenticate': 'Bearer' },
      })
    c.header('Cache-Control', 'no-store')
    return next()
  })

  // 4. A form of another site can send text, but no JSON.
  web.use(`${api}/*`, async (c, next) => {
    const sends = c.req.raw.body !== null && c.req.header('content-length') !== '0'
    if (sends && !takesCsv(c.req.path) && !/^application\/json *(;|$)/i.test(c.req.header('content-type') ?? ''))
      return answerProblem(c, { status: 415, code: 'json-expected', detail: 'Send the body as JSON, with Content-Type: application/json.' })
    return next()
  })
  const idempotency = createIdempotency(deps)
  // A sign-in is never answered from memory: its answer is a session of one's own.
  web.use(`${api}/*`, (c, next) => (openPaths.has(c.req.path) ? next() : idempotency(c, next)))

  for (const put of deps.routes) put(web)

  // 5. What no route took.
  web.get('/sync', (c) =>
    answerProblem(c, {
      status: 426,
      code: 'upgrade-expected',
      detail: 'The exchange speaks WebSocket. Open the console, or connect with one.',
      headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
    }),
  )
  web.notFound(async (c) => {
    const file = machinePaths.test(c.req.path) ? undefined : await deps.files?.answer(c)
    return (
      file ??
      answerProblem(c, { status: 404, code: 'not-found', detail: 'There is nothing at this address. The paths are listed at /api/docs.' })
    )
  })
  web.onError((error, c) => {
    if (error instanceof HTTPException) return answerHttpException(error, c)
    const isTrouble = error instanceof StorageTrouble || isStorageTrouble(error)
    ours.error(
      { id: c.get('requestId'), method: c.req.method, path: c.req.path, err: error },
      isTrouble ? 'the database is in trouble' : 'unexpected',
    )
    if (isTrouble)
      return answerProblem(c, {
        status: 503,
        code: 'storage-unavailable',
        detail:
          'The server can not write to its database now. Nothing was changed. Try again shortly; if it stays so, look for a full disk.',
        headers: { 'Retry-After': '5' },
      })
    return answerProblem(c, {
      status: 500,
      code: 'unexpected',
      detail: `Something broke on the server, and nothing was changed by this request. Its number in the log is ${c.get('requestId')}.`,
    })
  })
  return web
}

/** Hono's own refusals, of which only a body that is no JSON is left here. */
const answerHttpException = (error: HTTPException, c: Context): Response => {
  if (error.status === 400)
    return answerProblem(c, { status: 400, code: 'request-malformed', detail: 'The body is not JSON that can be read.' })
  return answerProblem(c, {
    status: error.status,
    code: 'refused',
    detail: 'The request can not be answered in this form.',
  })
}
