/** The app behind Node's own server: what `app.request` can't show. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { serve, upgradeWebSocket, type ServerType } from '@hono/node-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { openAccess } from '../../server/access.ts'
import { createApp } from '../../server/app.ts'
import { openSqlite, type OpenDatabase } from '../../server/database/database.ts'
import { createLog } from '../../server/log.ts'
import { meRoutes } from '../../server/routes/me.ts'
import { signInRoutes } from '../../server/routes/sign-in.ts'
import type { RouteModule } from '../../server/routes/web.ts'
import { createSealer } from '../../server/seal.ts'
import { Secret } from '../../server/secret.ts'
import { handClock, seededChance } from '../world/hand-clock.ts'

let world: OpenDatabase
let server: ServerType
let home: string
let port: number

/** Stands for the exchange. */
const socketRoute: RouteModule = (web) => {
  web.get(
    '/sync',
    upgradeWebSocket(() => ({ onOpen: (_, socket) => socket.send('hello') })),
  )
}

beforeAll(async () => {
  world = await openSqlite(':memory:')
  const [clock, chance] = [handClock(), seededChance(9)]
  const settings = {
    publicUrl: 'http://localhost:0',
    isPublic: false,
    trustedProxies: ['127.0.0.1'],
    owner: { email: 'ana@example.org', password: Secret.of('a long enough secret') },
    apiKey: null,
  }
  const access = await openAccess({ db: world.db, clock, chance, settings, passwordCost: { memoryKib: 8, passes: 1 } })
  const web = createApp({
    db: world.db,
    clock,
    chance,
    settings,
    log: createLog({ clock, level: 'silent' }),
    sealer: createSealer(chance.bytes(32), chance),
    whoAsks: access.whoAsks,
    routes: [signInRoutes({ admins: access.admins, isPublic: false }), meRoutes({ clock, admins: access.admins }), socketRoute],
  })
  // As in server/serve.ts: Node's own Request stays what it is.
  server = serve({
    fetch: web.fetch,
    port: 0,
    hostname: '127.0.0.1',
    overrideGlobalObjects: false,
    websocket: { server: new WebSocketServer({ noServer: true }) },
  })
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  home = `http://127.0.0.1:${port}`
})
afterAll(async () => {
  server.close()
  await once(server, 'close')
  await world.close()
})

const signIn = (headers: Record<string, string> = {}) =>
  fetch(`${home}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ email: 'ana@example.org', password: 'a long enough secret' }),
  })

test('a page loaded from this very host signs in and asks on, with all the headers', async () => {
  const answer = await signIn({ origin: home })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-security-policy')).toContain(`default-src 'none'`)
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const me = await fetch(`${home}/api/v1/me`, { headers: { cookie } })
  expect(await me.json()).toMatchObject({ email: 'ana@example.org' })
})

test('the address of a visitor is the socket’s, or what a trusted proxy says', async () => {
  await signIn()
  await signIn({ 'x-forwarded-for': '203.0.113.8' })
  const rows = await world.db.selectFrom('audit').select('origin').orderBy('n', 'desc').limit(2).execute()
  expect(rows.map((row) => row.origin)).toEqual(['203.0.113.8', '127.0.0.1'])
})

test('a body without a length is measured while it comes', async () => {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  socket.on('data', (bytes) => void (heard += bytes.toString()))
  socket.write(
    `POST /api/v1/sign-in HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
  )
  const piece = 'a'.repeat(64 * 1024)
  // The server may close before all is sent.
  socket.on('error', () => undefined)
  for (let n = 0; n < 17; n++) socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`)
  socket.write('0\r\n\r\n')
  await once(socket, 'close')
  expect(heard).toMatch(/^HTTP\/1\.1 413 /)
  expect(heard).toContain('too-large')
})

test('a body in pieces is read whole, and a request without a body needs no length', async () => {
  const pieces = new Blob([JSON.stringify({ email: 'ana@example.org', password: 'a long enough secret' })]).stream()
  const answer = await fetch(`${home}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: pieces,
    duplex: 'half',
  } as RequestInit)
  expect(answer.status).toBe(200)
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  // As a browser sends it: neither body nor length.
  const gone = await fetch(`${home}/api/v1/nothing-here`, { method: 'DELETE', headers: { cookie, origin: home } })
  expect(gone.status).toBe(404)
})

/** What the socket hears first, or the status that refused it. */
const open = (headers: Record<string, string>): Promise<string | number> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/sync`, { headers })
    socket.on('message', (data) => {
      resolve(String(data))
      socket.terminate()
    })
    socket.on('unexpected-response', (_, response) => {
      resolve(response.statusCode ?? 0)
      socket.terminate()
    })
    socket.on('error', reject)
  })

test('an upgrade from our page comes through, one from another site does not', async () => {
  expect(await open({ origin: home, cookie: 'qm=x' })).toBe('hello')
  expect(await open({ authorization: 'Bearer x' })).toBe('hello')
  for (const origin of ['https://evil.example.org', 'null', `${home}.evil.example.org`]) expect(await open({ origin }), origin).toBe(403)
  expect(await open({ cookie: 'qm=x' })).toBe(403)
})

test('a plain GET where a WebSocket is expected says so', async () => {
  expect((await fetch(`${home}/sync`)).status).toBe(426)
})
