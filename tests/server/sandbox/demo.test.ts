/** The demo as a process: what is there when it says its address, and that a second run goes on where the first one ended. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const key = 'a-key-of-at-least-32-characters-0003'
const directory = mkdtempSync(join(tmpdir(), 'quartermaster-demo-'))
const started: ChildProcess[] = []
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

const startDemo = async () => {
  const child = spawn(process.execPath, ['server/sandbox/demo.ts'], {
    env: { PATH: process.env['PATH'], QM_PORT: '0', QM_API_KEY: key, QM_DEMO_DIR: directory },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString()
      if (said.split('\n').length > 5) resolve()
    })
    child.on('exit', (code) => reject(new Error(`the demo ended with ${code}`)))
  })
  const lines = said.split('\n')
  const address = /http:\/\/localhost:\d+$/.exec(lines[0] ?? '')?.[0] ?? ''
  const get = async (path: string) =>
    (await (await fetch(`${address}/api/v1/${path}`, { headers: { authorization: `Bearer ${key}` } })).json()) as {
      readonly items: readonly Readonly<Record<string, never>>[]
    }
  return {
    lines,
    address,
    get,
    stop: () => {
      const ended = new Promise((resolve) => child.on('exit', resolve))
      child.kill('SIGTERM')
      return ended
    },
  }
}

test('the demo begins with a synced school, keeps it, and goes on where it was left', { timeout: 60_000 }, async () => {
  const first = await startDemo()
  const password = / with the password (\S+)$/.exec(first.lines[1] ?? '')?.[1]
  expect(first.lines[0]).toBe(`Quartermaster is at ${first.address}`)
  expect(first.lines[1]).toBe(`Sign in as admin@eastmere.example with the password ${password}`)
  expect(first.lines[2]).toMatch(/^The store is at http:\/\/127\.0\.0\.1:\d+\/control: /)

  const licenses = (await first.get('licenses?limit=500')).items as unknown as readonly {
    readonly id: string
    readonly product: { readonly id: string; readonly name: string }
    readonly total: number | null
  }[]
  expect(licenses.length).toBeGreaterThan(100)
  expect(licenses.every(({ product }) => product.name !== product.id)).toBe(true)
  expect((await first.get('connectors')).items).toMatchObject([
    { kind: 'google-android-management', lastSync: { state: 'succeeded' } },
    { lastSync: { state: 'succeeded' } },
    {},
    {},
    { kind: 'google-play-emm', lastSync: { state: 'succeeded' } },
    { kind: 'microsoft-graph', lastSync: { state: 'succeeded' } },
    { kind: 'microsoft-store-business', lastSync: { state: 'succeeded' } },
  ])
  // Those of the tenant's directory follow its counts.
  for (let looks = 0; looks < 100 && (await first.get('groups')).items.length < 30; looks += 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
  expect((await first.get('groups')).items).toHaveLength(30)
  expect((await first.get('assignments?limit=500')).items.length).toBeGreaterThan(20)
  // Devices that were released and still hold seats come with the device list, which follows the counts.
  for (let looks = 0; looks < 100 && (await first.get('devices?left=true&holding=true')).items.length < 10; looks += 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
  expect((await first.get('devices?left=true&holding=true&limit=500')).items.length).toBeGreaterThan(10)
  expect((await first.get('connectors')).items).toMatchObject([
    { name: 'Android devices, Eastmere', devices: { error: null, count: 33 } },
    { name: 'Eastmere Clinic', devices: { error: null } },
    { name: 'Eastmere Schools', devices: { error: null } },
    { devices: null },
    { name: 'Google Play, Eastmere', devices: null },
    { name: 'Microsoft 365, Eastmere College', devices: null, directory: { error: null, count: 121 } },
    { name: 'Store for Business, Eastmere College', devices: null },
  ])
  const signedIn = await fetch(`${first.address}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: first.address },
    body: JSON.stringify({ email: 'admin@eastmere.example', password }),
  })
  expect(signedIn.status).toBe(200)
  const control = await fetch(/http:\S+control/.exec(first.lines[2] ?? '')?.[0] ?? '')
  expect(control.status).toBe(200)
  expect(await first.stop()).toBe(0)

  const second = await startDemo()
  expect(second.lines[1]).toBe(first.lines[1])
  const kept = (await second.get('licenses?limit=500')).items as unknown as typeof licenses
  expect(kept.map(({ id, total }) => [id, total])).toEqual(licenses.map(({ id, total }) => [id, total]))
  const connectors = (await second.get('connectors')).items as unknown as readonly { readonly id: string }[]
  // Each store knows its tokens and secrets again.
  for (const { id } of connectors) {
    const tested = await fetch(`${second.address}/api/v1/connectors/${id}/test`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
    })
    expect(await tested.json()).toEqual({ ok: true, reasons: [] })
  }
  expect(await second.stop()).toBe(0)
})
