/**
 * How long a full sync of a full-size Location takes, against a bare loop of the same requests in the same run, and how
 * much memory the server needs for it. Three processes: the store, the server, the loop.
 */
import { spawn, fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { openDatabase } from '../../server/database/database.ts'
import type { Sync } from '../../shared/sync.ts'
import type { BareLoop } from './bare-loop.ts'
import type { StoreReady } from './replay-store.ts'

export interface FullSyncFigures {
  /** Of the first sync into an empty database, in milliseconds. */
  readonly fullMs: number
  /** Of a full walk over what is known already. */
  readonly againMs: number
  /** Of an increment that brings nothing. */
  readonly incrementMs: number
  /** The bare loop, before and after. */
  readonly bareMs: readonly number[]
  /** Time of the working thread on a processor for the first sync and for a bare loop: neighbours' load moves it least. */
  readonly cpuMs: { readonly full: number; readonly bare: readonly number[] }
  readonly requests: number
  /** The server's, from its start to the end of each. */
  readonly peakMB: { readonly atStart: number; readonly full: number; readonly again: number }
}

const root = join(import.meta.dirname, '..', '..')
const apiKey = 'qm-bench-key-0123456789-0123456789-0123456789'
const tenant = 'bench-tenant-of-full-size'

const said = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T))
    child.once('exit', (code) => reject(new Error(`a process of the bench ended with ${String(code)}`)))
  })

const startServer = async (dataDirectory: string, store: StoreReady, nodeArguments: readonly string[]) => {
  const child = spawn(process.execPath, [...nodeArguments, join(root, 'server', 'main.ts')], {
    cwd: root,
    env: {
      ...process.env,
      QM_PORT: '0',
      QM_DATA_DIR: dataDirectory,
      QM_API_KEY: apiKey,
      QM_OWNER_EMAIL: 'ines@eastmere.example',
      QM_OWNER_PASSWORD: 'a long enough password for a bench',
      QM_APPLE_APPS_BOOKS_URL: `${store.url}/mdm/v2`,
      // Names are no part of what is measured, and the shop answers nobody here.
      QM_APPLE_METADATA_URL: 'http://127.0.0.1:9/lookup',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const address = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
      const found = /is at (https?:\/\/\S+)/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`the server ended with ${String(code)}`)))
  })
  return { child, address }
}

const peakMB = (child: ChildProcess): number =>
  Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(child.pid)}/status`, 'utf8'))?.[1] ?? 0) / 1024)

const ticksPerSecond = 100
/** Spent by the thread that does the work, in user and system mode, from its start. */
const cpuMs = (child: ChildProcess): number => {
  const [, fields = ''] = readFileSync(`/proc/${String(child.pid)}/task/${String(child.pid)}/stat`, 'utf8').split(') ')
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number)
  return ((user + system) * 1000) / ticksPerSecond
}

/** `nodeArguments`: for the server, such as those of a profile. */
export const measureFullSync = async (nodeArguments: readonly string[] = []): Promise<FullSyncFigures> => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'quartermaster-bench-sync-'))
  const database = await openDatabase({ dataDir: dataDirectory, databaseUrl: null })
  // The store's pages name who holds the Location: they are made before the server begins, so its name is too.
  await database.db.insertInto('meta').values({ name: 'tenant', value: tenant }).execute()
  await database.close()
  const store = fork(join(import.meta.dirname, 'replay-store.ts'), { execArgv: ['--max-old-space-size=4096'] })
  let server: ChildProcess | undefined
  try {
    store.send(tenant)
    const ready = await said<StoreReady>(store)
    const { child, address } = await startServer(dataDirectory, ready, nodeArguments)
    server = child
    const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
      const response = await fetch(`${address}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', connection: 'close' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (!response.ok) throw new Error(`${method} ${path} gave ${response.status}: ${await response.text()}`)
      return (await response.json()) as T
    }
    const asked = async (): Promise<readonly string[]> => {
      store.send('asked')
      return await said<readonly string[]>(store)
    }
    const bareLoop = async (paths: readonly string[]): Promise<readonly [ms: number, cpuMs: number]> => {
      const loop = fork(join(import.meta.dirname, 'bare-loop.ts'))
      loop.send({ origin: ready.url, bearer: ready.tokenFile, paths } satisfies BareLoop)
      const told = await said<readonly [number, number]>(loop)
      loop.removeAllListeners('exit')
      loop.disconnect()
      return told
    }
    /** From its start until it is on disk as done. Looked up in the file, so that nobody else keeps the server busy. */
    const ended = async (sync: Sync): Promise<number> => {
      const file = new Sqlite(join(dataDirectory, 'quartermaster.sqlite'), { readonly: true })
      const read = file.prepare<[string], { readonly state: string; readonly body: string }>('select state, body from syncs where id = ?')
      for (;;) {
        const row = read.get(sync.id)
        if (row?.state === 'failed') throw new Error(`the sync failed: ${row.body}`)
        if (row?.state === 'succeeded') {
          file.close()
          return Date.now() - Date.parse(sync.startedAt)
        }
        await new Promise((resolve) => void setTimeout(resolve, 10))
      }
    }
    /** A sync still looks for names once its counts are recorded; a new one would join it. */
    const syncAgain = async (connector: string, full: boolean, before: Sync): Promise<Sync> => {
      for (;;) {
        const sync = await ask<Sync>('POST', `/connectors/${connector}/sync`, { full })
        if (sync.id !== before.id) return sync
        await new Promise((resolve) => void setTimeout(resolve, 100))
      }
    }

    const atStart = peakMB(child)
    const cpuAtStart = cpuMs(child)
    const connector = await ask<{ readonly id: string; readonly lastSync: Sync }>('POST', '/connectors', {
      kind: 'apple-apps-books',
      name: 'Full size',
      credential: { contentToken: ready.tokenFile },
    })
    const first = connector.lastSync
    const fullMs = await ended(first)
    const cpuFull = cpuMs(child) - cpuAtStart
    const full = peakMB(child)
    const paths = await asked()
    const bare = [await bareLoop(paths)]
    const increment = await syncAgain(connector.id, false, first)
    const incrementMs = await ended(increment)
    const again = await syncAgain(connector.id, true, increment)
    const againMs = await ended(again)
    const peakAgain = peakMB(child)
    bare.push(await bareLoop(paths))
    return {
      fullMs,
      againMs,
      incrementMs,
      bareMs: bare.map(([ms]) => ms),
      cpuMs: { full: cpuFull, bare: bare.map(([, cpu]) => cpu) },
      requests: paths.length,
      peakMB: { atStart, full, again: peakAgain },
    }
  } finally {
    for (const child of [server, store]) {
      if (child === undefined || child.exitCode !== null) continue
      child.removeAllListeners('exit')
      child.kill('SIGTERM')
      await new Promise((resolve) => child.once('exit', resolve))
    }
    rmSync(dataDirectory, { recursive: true, force: true })
  }
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(`${JSON.stringify(await measureFullSync(process.argv.slice(2)), null, 2)}\n`)
