/**
 * How long a full sync of a large enterprise of managed Google Play takes, against a bare loop of the same requests in the same
 * run: 5,000 products, 100,000 seats of 10,000 people. Three processes: the store, the server, the loop. Run by itself.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { KeyFile } from '../../server/sandbox/google/accounts.ts'
import { startGoogle } from '../../server/sandbox/google/start.ts'
import { parseServiceAccountKey } from '../../server/stores/google/service-account.ts'
import { createGoogleSignIn, playScope } from '../../server/stores/google/sign-in.ts'
import { systemChance, systemClock } from '../../server/system-clock.ts'
import type { Sync } from '../../shared/sync.ts'
import type { BareLoop } from './bare-loop.ts'

const products = 5_000
const seatsOfEach = 20
const people = 10_000
const apiKey = 'qm-bench-key-0123456789-0123456789-0123456789'
const root = join(import.meta.dirname, '..', '..')

interface StoreReady {
  readonly url: string
  readonly tokenUrl: string
  readonly enterpriseId: string
  readonly keyFile: KeyFile
}

const serveEnterprise = async (): Promise<void> => {
  const { url, tokenUrl, control } = await startGoogle({ clock: systemClock, chance: systemChance, port: 0 })
  const { enterpriseId, keyFile } = control.addEnterprise({ name: 'Large' })
  const ids = Array.from({ length: people }, (_, n) => control.addUser(enterpriseId, { accountIdentifier: `person${n}@large.example` }).id)
  for (let n = 0; n < products; n += 1) {
    const productId = `app:com.large.n${n}`
    control.addLicense(enterpriseId, productId, { purchased: 30 })
    for (let seat = 0; seat < seatsOfEach; seat += 1) control.entitle(enterpriseId, ids[(n * seatsOfEach + seat) % people] ?? '', productId)
  }
  process.on('message', () => {
    process.send?.(control.requests().flatMap(({ path, method, verb }) => (method !== 'token' && verb === 'GET' ? [path] : [])))
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ url, tokenUrl, enterpriseId, keyFile } satisfies StoreReady)
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
  const dataDirectory = mkdtempSync(join(tmpdir(), 'quartermaster-bench-play-'))
  const store = fork(import.meta.filename, ['store'])
  const { url, tokenUrl, enterpriseId, keyFile } = await said<StoreReady>(store)
  const server = spawn(process.execPath, [join(root, 'server', 'main.ts')], {
    cwd: root,
    env: {
      ...process.env,
      QM_PORT: '0',
      QM_DATA_DIR: dataDirectory,
      QM_API_KEY: apiKey,
      QM_OWNER_EMAIL: 'ines@eastmere.example',
      QM_OWNER_PASSWORD: 'a long enough password for a bench',
      QM_GOOGLE_PLAY_URL: url,
      QM_GOOGLE_TOKEN_URL: tokenUrl,
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
      body: JSON.stringify({ kind: 'google-play-emm', name: 'Large', credential: { serviceAccountKey: keyFile, enterpriseId } }),
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
    const requests = await said<readonly string[]>(store)
    server.removeAllListeners('exit')
    server.kill('SIGTERM')
    const key = parseServiceAccountKey(keyFile)
    if (!key.ok) throw new Error(key.error.reason)
    const signIn = createGoogleSignIn({ clock: systemClock, chance: systemChance, fetch, tokenUrl, key: key.value, scope: playScope })
    const bearer = await signIn.token()
    if (!bearer.ok) throw new Error(bearer.error.is)
    const bareMs: number[] = []
    const bareCpuMs: number[] = []
    for (let round = 0; round < 2; round += 1) {
      const loop = fork(join(import.meta.dirname, 'bare-loop.ts'))
      loop.send({ origin: url, bearer: bearer.value, paths: requests } satisfies BareLoop)
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

await (process.argv[2] === 'store' ? serveEnterprise() : measure())
