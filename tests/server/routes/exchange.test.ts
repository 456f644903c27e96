/** The exchange's door, over a real port: who is let in, how many, and who is cut off when. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLog } from '../../../server/log.ts'
import { mostSocketsOfSession } from '../../../server/routes/exchange.ts'
import { serve, type Serving } from '../../../server/serve.ts'
import { readSettings } from '../../../server/settings.ts'
import { systemChance, systemClock } from '../../../server/system-clock.ts'
import type { DeviceId } from '../../../shared/ids.ts'
import { decodeServerFrame, encodeClientFrame, mostFrameBytes, protocol, type ServerFrame } from '../../../shared/protocol.ts'

const key = 'a-key-of-at-least-32-characters-0002'
let serving: Serving
let dataDir: string
let address: string

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'quartermaster-exchange-'))
  const settings = readSettings({
    QM_PORT: '0',
    QM_DATA_DIR: dataDir,
    QM_API_KEY: key,
    QM_OWNER_EMAIL: 'ana@school.example',
    QM_OWNER_PASSWORD: 'a long enough password',
  })
  if (!settings.ok) throw new Error(settings.error.text)
  serving = await serve({
    settings: settings.value,
    clock: systemClock,
    chance: systemChance,
    fetch: () => Promise.reject(new TypeError('no network here')),
    log: createLog({ clock: systemClock, level: 'silent' }),
    version: '0.0.0-test',
    consoleDirectory: null,
    memoryBytes: () => 1,
    passwordCost: { memoryKib: 64, passes: 1 },
  })
  address = `http://127.0.0.1:${serving.port}`
})
afterEach(async () => {
  await serving.close()
  rmSync(dataDir, { recursive: true, force: true })
})

interface Line {
  readonly socket: WebSocket
  readonly frames: ServerFrame[]
  readonly closed: Promise<number>
}

/** Rejects with the status when the handshake is refused. */
const connect = (headers: Readonly<Record<string, string>>): Promise<Line> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${address.replace('http', 'ws')}/sync`, { headers: { ...headers } })
    const frames: ServerFrame[] = []
    socket.on('message', (data: Buffer) => {
      const frame = decodeServerFrame(new Uint8Array(data))
      if (frame !== undefined) frames.push(frame)
    })
    const closed = new Promise<number>((tell) => socket.on('close', (code) => tell(code)))
    socket.on('open', () => resolve({ socket, frames, closed }))
    socket.on('unexpected-response', (_, response) => reject(new Error(String(response.statusCode))))
    socket.on('error', reject)
  })

const byKey = { authorization: `Bearer ${key}` }
const hello = encodeClientFrame({ is: 'hello', protocol, build: 'test', device: 'device-0001' as DeviceId })

const signIn = async (): Promise<string> => {
  const answer = await fetch(`${address}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: address },
    body: JSON.stringify({ email: 'ana@school.example', password: 'a long enough password' }),
  })
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
}

test('nobody is let in without a session or a key, nor from another site’s page', async () => {
  const cookie = await signIn()
  await expect(connect({})).rejects.toThrow('401')
  await expect(connect({ authorization: 'Bearer made-up' })).rejects.toThrow('401')
  await expect(connect({ cookie, origin: 'https://evil.example' })).rejects.toThrow('403')
  await expect(connect({ cookie })).rejects.toThrow('403')
  const { key: directoryKey } = (await (
    await fetch(`${address}/api/v1/api-keys`, {
      method: 'POST',
      headers: { ...byKey, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'scim', role: 'directory' }),
    })
  ).json()) as { key: string }
  await expect(connect({ authorization: `Bearer ${directoryKey}` })).rejects.toThrow('403')
  const line = await connect({ cookie, origin: address })
  line.socket.send(hello)
  await expect.poll(() => line.frames[0]).toMatchObject({ is: 'welcome', protocol, admin: { name: 'ana', role: 'owner' } })
})

test('a session that is ended is told so and cut off within two seconds', async () => {
  const cookie = await signIn()
  const line = await connect({ cookie, origin: address })
  line.socket.send(hello)
  await expect.poll(() => line.frames.length).toBe(1)
  const before = performance.now()
  await fetch(`${address}/api/v1/sign-out`, { method: 'POST', headers: { cookie, origin: address } })
  expect(await line.closed).toBe(4401)
  expect(performance.now() - before).toBeLessThan(2_000)
  expect(line.frames.at(-1)).toMatchObject({ is: 'bye', code: 'signed-out' })
})

test('text and frames beyond the limit close the connection, and so does what can not be read', async () => {
  const text = await connect(byKey)
  text.socket.send('hello')
  expect(await text.closed).toBe(1003)
  const large = await connect(byKey)
  large.socket.send(new Uint8Array(mostFrameBytes + 1))
  expect(await large.closed).toBe(1009)
  const garbage = await connect(byKey)
  garbage.socket.send(new Uint8Array([99, 1, 2]))
  await garbage.closed
  expect(garbage.frames.at(-1)).toMatchObject({ is: 'bye', code: 'unreadable' })
})

test('one session has so many sockets and no more, and gets one back when one is closed', async () => {
  const lines: Line[] = []
  for (let at = 0; at < mostSocketsOfSession; at += 1) lines.push(await connect(byKey))
  await expect(connect(byKey)).rejects.toThrow('429')
  lines[0]?.socket.close()
  await lines[0]?.closed
  await expect.poll(() => connect(byKey).then(() => 'in', String)).toBe('in')
})
