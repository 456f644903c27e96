/** The app as a browser or a script meets it, without a port: with an owner, on a database that is empty otherwise. */
import type { Log } from '../../server/log.ts'
import { createLog } from '../../server/log.ts'
import { openAccess, type Access } from '../../server/access.ts'
import { createApp } from '../../server/app.ts'
import { openSqlite, type OpenDatabase } from '../../server/database/database.ts'
import { adminRoutes } from '../../server/routes/admins.ts'
import { apiKeyRoutes } from '../../server/routes/api-keys.ts'
import { auditRoutes } from '../../server/routes/audit.ts'
import { healthRoutes } from '../../server/routes/health.ts'
import { meRoutes } from '../../server/routes/me.ts'
import { signInRoutes } from '../../server/routes/sign-in.ts'
import type { RouteModule, Web } from '../../server/routes/web.ts'
import { createSealer, type Sealer } from '../../server/seal.ts'
import { Secret } from '../../server/secret.ts'
import type { StaticFiles } from '../../server/static.ts'
import { handClock, seededChance, type HandClock } from './hand-clock.ts'

export const ownerEmail = 'ana@example.org'
export const ownerPassword = 'a long enough secret'
export const ownerKey = 'key-of-the-environment-0123456789'
const home = 'http://localhost:8787'

export interface TestWeb {
  readonly web: Web
  readonly access: Access
  readonly world: OpenDatabase
  readonly clock: HandClock
  readonly sealer: Sealer
  readonly log: Log
  /** What the log holds so far. */
  logged(): string
  /** As a script with a key. */
  asKey(key?: string): Caller
  /** As a page of ours, signed in as the owner unless told otherwise. */
  asBrowser(email?: string, password?: string): Promise<Caller>
  readonly asNobody: Caller
  [Symbol.asyncDispose](): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** As JSON; outside data, looked into by expectations alone. */
  readonly json: Record<string, unknown>
}
export type Caller = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

export const createTestWeb = async (
  given: {
    readonly open?: () => Promise<OpenDatabase>
    readonly publicUrl?: string
    readonly trustedProxies?: readonly string[]
    readonly owner?: boolean
    readonly routes?: readonly RouteModule[]
    readonly files?: StaticFiles
    readonly seed?: number
  } = {},
): Promise<TestWeb> => {
  const world = await (given.open ?? (() => openSqlite(':memory:')))()
  const clock = handClock()
  const chance = seededChance(given.seed ?? 11)
  const publicUrl = given.publicUrl ?? home
  const isPublic = publicUrl.startsWith('https:')
  const owner = given.owner === false ? null : { email: ownerEmail, password: Secret.of(ownerPassword) }
  const settings = {
    publicUrl,
    isPublic,
    trustedProxies: given.trustedProxies ?? ['127.0.0.0/8', '::1'],
    owner,
    apiKey: Secret.of(ownerKey),
  }
  const access = await openAccess({ db: world.db, clock, chance, settings, passwordCost: { memoryKib: 8, passes: 1 } })
  const sealer = createSealer(chance.bytes(32), chance)
  const lines: string[] = []
  const log = createLog({ clock, destination: { write: (line: string) => void lines.push(line) } })
  const web = createApp({
    db: world.db,
    clock,
    chance,
    log,
    settings,
    sealer,
    whoAsks: access.whoAsks,
    ...(given.files === undefined ? {} : { files: given.files }),
    // Node's server is not there: a header stands for the peer's address.
    peerOf: (c) => c.req.header('x-test-peer') ?? '127.0.0.1',
    routes: [
      signInRoutes({ admins: access.admins, isPublic }),
      meRoutes({ clock, admins: access.admins }),
      adminRoutes({ admins: access.admins, publicUrl }),
      apiKeyRoutes({ apiKeys: access.apiKeys }),
      auditRoutes({ db: world.db }),
      healthRoutes({ db: world.db, dialect: world.dialect }),
      ...(given.routes ?? []),
    ],
  })

  const caller =
    (own: Record<string, string>): Caller =>
    async (method, path, body, headers) => {
      const raw = typeof body === 'string' || body === undefined
      const response = await web.request(`${publicUrl}${path}`, {
        method,
        headers: {
          host: new URL(publicUrl).host,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...own,
          ...headers,
        },
        ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
      }
    }
  const asNobody = caller({})

  return {
    web,
    access,
    world,
    clock,
    sealer,
    log,
    logged: () => lines.join(''),
    asKey: (key = ownerKey) => caller({ authorization: `Bearer ${key}` }),
    asNobody,
    asBrowser: async (email = ownerEmail, password = ownerPassword) => {
      const answer = await caller({ origin: publicUrl })('POST', '/api/v1/sign-in', { email, password })
      if (answer.status !== 200) throw new Error(`sign-in of ${email} answered ${answer.status}: ${answer.text}`)
      return caller({ origin: publicUrl, cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '' })
    },
    [Symbol.asyncDispose]: () => world.close(),
  }
}
