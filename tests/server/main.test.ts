/** The product as a process: what it prints, what it answers, how it ends. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'

const started: ChildProcess[] = []
const directories: string[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

const dataDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'quartermaster-main-'))
  directories.push(directory)
  return directory
}

interface Started {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly errors: () => string
  readonly exit: Promise<number | null>
  readonly firstLine: Promise<string>
}

const start = (environment: Readonly<Record<string, string>>): Started => {
  const child = spawn(process.execPath, ['server/main.ts'], {
    env: { PATH: process.env['PATH'], QM_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  const lines: string[] = []
  let rest = ''
  let errors = ''
  let tellFirst: (line: string) => void = () => undefined
  const firstLine = new Promise<string>((resolve) => (tellFirst = resolve))
  child.stdout.on('data', (data: Buffer) => {
    rest += data.toString()
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      lines.push(rest.slice(0, at))
      rest = rest.slice(at + 1)
    }
    if (lines[0] !== undefined) tellFirst(lines[0])
  })
  child.stderr.on('data', (data: Buffer) => void (errors += data.toString()))
  const exit = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  void exit.then(() => tellFirst('it ended'))
  return { child, lines, errors: () => errors, exit, firstLine }
}

test('the first line holds the address, a set-up link follows while nobody can sign in, and SIGTERM ends it with 0', async () => {
  const server = start({ QM_DATA_DIR: dataDirectory() })
  const first = await server.firstLine
  const address = /http:\/\/localhost:\d+$/.exec(first)?.[0]
  expect([first, server.errors()]).toEqual([`Quartermaster is at ${address}`, expect.stringContaining('master key')])
  const ready = await fetch(`${address}/readyz`)
  expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', reasons: [] }])
  await expect.poll(() => server.lines[1]).toContain(`${address}/sign-in?setup=`)
  expect((await fetch(`${address}/healthz`)).status).toBe(200)
  expect((await fetch(`${address}/api/v1/licenses`)).status).toBe(401)
  const metrics = await (await fetch(`${address}/metrics`)).text()
  expect(metrics).toContain('quartermaster_journal_trouble_seconds 0')

  // The link makes the owner, once.
  const token = server.lines[1]?.split('setup=')[1]
  const setUp = () =>
    fetch(`${address}/api/v1/set-up`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: address ?? '' },
      body: JSON.stringify({ token, email: 'ana@school.example', name: 'Ana', password: 'a long enough password' }),
    })
  expect((await setUp()).status).toBe(200)
  expect((await setUp()).status).toBe(410)
  server.child.kill('SIGTERM')
  expect(await server.exit).toBe(0)
})

test('an owner and a key from the environment need no link, and a browser that is connected is told of the stop', async () => {
  const key = 'a-key-of-at-least-32-characters-0001'
  const server = start({
    QM_DATA_DIR: dataDirectory(),
    QM_OWNER_EMAIL: 'ana@school.example',
    QM_OWNER_PASSWORD: 'a long enough password',
    QM_API_KEY: key,
  })
  const address = (await server.firstLine).split(' ').at(-1) ?? ''
  const me = await fetch(`${address}/api/v1/me`, { headers: { authorization: `Bearer ${key}` } })
  expect(await me.json()).toMatchObject({ kind: 'api-key', role: 'owner' })
  expect(server.lines).toHaveLength(1)
  const socket = new WebSocket(`${address.replace('http', 'ws')}/sync`, { headers: { authorization: `Bearer ${key}` } })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const said: Buffer[] = []
  socket.on('message', (data: Buffer) => void said.push(data))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  server.child.kill('SIGINT')
  await closed
  expect(Buffer.concat(said).toString()).toContain('The server is stopping.')
  expect(await server.exit).toBe(0)
})

test('a setting that can not be used, and a port in use, end the start with one line that says what to do', async () => {
  const wrong = start({ QM_DATA_DIR: dataDirectory(), QM_SYNC_INTERVAL_MINUTES: 'often' })
  expect(await wrong.exit).toBe(1)
  expect(wrong.errors().trim().split('\n')).toEqual([
    expect.stringMatching(/^QM_SYNC_INTERVAL_MINUTES is "often"; expected is a whole number/),
  ])

  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', () => resolve()))
  const address = holder.address()
  const port = String(address !== null && typeof address === 'object' ? address.port : 0)
  const second = start({ QM_DATA_DIR: dataDirectory(), QM_PORT: port })
  expect(await second.exit).toBe(1)
  expect(second.errors()).toBe(`Port ${port} on 127.0.0.1 is in use. Stop what uses it, or choose another with QM_PORT.\n`)
  holder.close()
})
