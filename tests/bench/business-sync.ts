/**
 * How long a full sync of a large tenant's Store for Business takes, against a bare loop of the same requests in the same
 * run: 5,000 products, 100,000 seats of 10,000 people. Three processes: the store, the server, the loop. Run by itself.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { BUSINESS_PATH } from '../../server/sandbox/microsoft/business.ts'
import { isConnectionCut } from '../../server/sandbox/microsoft/door.ts'
import { createMicrosoftSandbox } from '../../server/sandbox/microsoft/microsoft-sandbox.ts'
import { serveStore } from '../../server/sandbox/serve-store.ts'
import { systemChance, systemClock } from '../../server/system-clock.ts'
import type { Sync } from '../../shared/sync.ts'
import type { BareLoop } from './bare-loop.ts'

const products = 5_000
const seatsOfEach = 20
const people = 10_000
const tenantId = '11111111-2222-4333-8444-555555555555'
const clientId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
const clientSecret = 'bench~Client.Secret_8Q-value'
const apiKey = 'qm-bench-key-0123456789-0123456789-0123456789'
const root = join(import.meta.dirname, '..', '..')

interface StoreReady {
  readonly url: string
}

const serveTenant = async (): Promise<void> => {
  const { world, business, fetch } = createMicrosoftSandbox({ clock: systemClock, chance: systemChance })
  const app = { clientId, name: 'Bench', secrets: [{ value: clientSecret, expiresAt: Infinity }], roles: new Set<string>() }
  world.tenants.set(tenantId, {
    id: tenantId,
    name: 'Large',
    domain: 'large.example',
    country: 'GB',
    apps: new Map([[clientId, { ...app, isManagementTool: true, isBlocked: false }]]),
  })
  for (let n = 0; n < products; n += 1)
    business.own(tenantId, `9B${String(n).padStart(10, '0')}`, {
      capacity: 30,
      heldBy: Array.from({ length: seatsOfEach }, (_, seat) => `person${(n * seatsOfEach + seat) % people}@large.example`),
    })
  const { url } = await serveStore(fetch, { port: 0, isConnectionCut })
  let asked: readonly string[] = []
  process.on('message', () => {
    asked = world.log.all().flatMap(({ path, endpoint }) => (endpoint.startsWith('business-') ? [path] : []))
    process.send?.({ paths: asked, bearer: [...world.accessTokens.keys()].at(-1) })
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ url } satisfies StoreReady)
}

const said = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T))
    child.once('exit', (code) => reject(new Error(`a process of the bench ended with ${String(code)}`)))
  })

const ticksPerSecond = 100
/** Spent by the thread that does the work, in user and system mode, from its start. */
const cpuMs = (child: ChildProcess): number => {
  const [, fields = ''] = readFileSync(`/proc/${String(child.pid)}/task/${String(child.pid)}/stat`, 'utf8').split(') ')
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number)
  return ((user + system) * 1000) / ticksPerSecond
}

const measure = async (): Promise<void> => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'quartermaster-bench-business-'))
  const store = fork(import.meta.filename, ['store'])
  const { url } = await said<StoreReady>(store)
  const server = spawn(process.execPath, [join(root, 'server', 'main.ts')], {
    cwd: root,
    env: {
      ...process.env,
      QM_PORT: '0',
      QM_DATA_DIR: dataDirectory,
      QM_API_KEY: apiKey,
      QM_OWNER_EMAIL: 'ines@eastmere.example',
      QM_OWNER_PASSWORD: 'a long enough password for a bench',
      QM_MICROSOFT_STORE_URL: `${url}${BUSINESS_PATH}`,
      QM_MICROSOFT_LOGIN_URL: url,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let output = ''
      server.stdout.on('data', (data: Buffer) => {
        output += data.toString()
        const found = /is at (https?:\/\/\S+)/.exec(output)?.[1]
        if (found !== undefined) resolve(found)
      })
      server.once('exit', (code) => reject(new Error(`the server ended with ${String(code)}`)))
    })
    const cpuBefore = cpuMs(server)
    const answer = await fetch(`${address}/api/v1/connectors`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'microsoft-store-business', name: 'Large', credential: { tenantId, clientId, clientSecret } }),
    })
    if (!answer.ok) throw new Error(await answer.text())
    const { lastSync } = (await answer.json()) as { readonly lastSync: Sync }
    const file = new Sqlite(join(dataDirectory, 'quartermaster.sqlite'), { readonly: true })
    const read = file.prepare<[string], { readonly state: string; readonly body: string }>('select state, body from syncs where id = ?')
    let syncMs = 0
    let syncCpuMs = 0
    while (syncMs === 0) {
      const row = read.get(lastSync.id)
      if (row?.state === 'failed') throw new Error(`the sync failed: ${row.body}`)
      if (row?.state === 'succeeded') {
        syncMs = Date.now() - Date.parse(lastSync.startedAt)
        syncCpuMs = cpuMs(server) - cpuBefore
      } else await new Promise((resolve) => void setTimeout(resolve, 10))
    }
    file.close()
    store.send('asked')
    const { paths, bearer } = await said<{ readonly paths: readonly string[]; readonly bearer: string }>(store)
    server.removeAllListeners('exit')
    server.kill('SIGTERM')
    // The log keeps the last 5,000 requests: those before are made up for by the same number of the same sort.
    const own = paths.filter((path) => path.includes('/Inventory'))
    const lacking = products - own.filter((path) => path.includes('/Seats')).length
    const pages = (2 * products) / 100 - own.filter((path) => path.includes('/Inventory?')).length
    const inventory = Array.from({ length: Math.max(0, pages) }, () => `${BUSINESS_PATH}/Inventory?maxResults=100`)
    const seats = Array.from(
      { length: Math.max(0, lacking) },
      (_, n) => `${BUSINESS_PATH}/Inventory/9B${String(n).padStart(10, '0')}/0016/Seats?maxResults=100`,
    )
    const requests = [...inventory, ...own, ...seats]
    const bareMs: number[] = []
    const bareCpuMs: number[] = []
    for (let round = 0; round < 2; round += 1) {
      const loop = fork(join(import.meta.dirname, 'bare-loop.ts'))
      loop.send({ origin: url, bearer, paths: requests } satisfies BareLoop)
      const [ms, cpu] = await said<readonly [number, number]>(loop)
      bareMs.push(ms)
      bareCpuMs.push(cpu)
      loop.removeAllListeners('exit')
      loop.disconnect()
    }
    const mean = bareMs.reduce((sum, ms) => sum + ms, 0) / bareMs.length
    const figures = {
      requests: requests.length,
      syncMs,
      bareMs: bareMs.map(Math.round),
      ratio: Number((syncMs / mean).toFixed(2)),
      cpuMs: { sync: syncCpuMs, bare: bareCpuMs.map(Math.round) },
    }
    process.stdout.write(`${JSON.stringify(figures)}\n`)
  } finally {
    server.removeAllListeners('exit')
    server.kill('SIGTERM')
    store.removeAllListeners('exit')
    store.disconnect()
    rmSync(dataDirectory, { recursive: true, force: true })
  }
}

await (process.argv[2] === 'store' ? serveTenant() : measure())
