/**
 * The whole product beside the sandbox's Apple: the store over real HTTP, the clock moved by hand. Time passes only
 * while nothing is under way, so a wait of a day takes no time and no answer comes too late by itself.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite, type OpenDatabase } from '../../../../../server/database/database.ts'
import { drawIcon } from '../../../../../server/icon-drawing.ts'
import { createLog } from '../../../../../server/log.ts'
import type { AppleControl } from '../../../../../server/sandbox/apple/control.ts'
import type { AppleSnapshot } from '../../../../../server/sandbox/apple/snapshot.ts'
import type { Target } from '../../../../../server/sandbox/apple/state.ts'
import type { Switches } from '../../../../../server/sandbox/apple/switches.ts'
import { startSandbox } from '../../../../../server/sandbox/sandbox.ts'
import { compose, type Composed } from '../../../../../server/serve.ts'
import { readSettings } from '../../../../../server/settings.ts'
import type { Clock } from '../../../../../shared/clock.ts'
import { seededChance } from '../../../../world/hand-clock.ts'

export const START = Date.UTC(2026, 10, 24, 9)
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
const apiKey = 'owner-key-of-the-tests-0123456789abcdef'

export interface Answer {
  readonly status: number
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any
}

/** One request of the server on its way to the store. */
export interface Leaving {
  readonly method: string
  /** Without `/mdm/v2`; with its query. */
  readonly path: string
}

export interface StoreClock extends Clock {
  /** Lets time pass, as far as `ms`, and what is due be done; what is under way comes to its end first. */
  pass(ms: number): Promise<void>
  /** Lets time pass until the promise settles. */
  run<T>(promise: Promise<T>): Promise<T>
  /** Somebody sets the clock; what is waited for stays as far off as it was. */
  jump(ms: number): void
  readonly fetch: typeof globalThis.fetch
  /** Time stands still until it is done. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Pending requests that are not waited for: nobody answers them. */
  stalled: number
}

/** Rounds of the event loop after which whatever has its answer has gone on. */
const quietRounds = 8

export const storeClock = (onLeave: (leaving: Leaving) => void): StoreClock => {
  let now = START
  let made = 0
  let inFlight = 0
  const due = new Map<number, { at: number; readonly act: () => void }>()

  const counted: typeof globalThis.fetch = async (input, init) => {
    inFlight += 1
    try {
      const url = new URL(input instanceof Request ? input.url : input)
      onLeave({ method: init?.method ?? 'GET', path: url.pathname.replace('/mdm/v2', '') + url.search })
      const response = await fetch(input, init)
      // Read to its end here, so that nobody waits for half of it while time passes.
      const body = await response.arrayBuffer()
      return new Response([101, 204, 205, 304].includes(response.status) ? null : body, {
        status: response.status,
        headers: response.headers,
      })
    } finally {
      inFlight -= 1
    }
  }
  const quiet = async (isOver: () => boolean): Promise<void> => {
    for (let rounds = 0; rounds < quietRounds && !isOver(); rounds += 1) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      if (inFlight > clock.stalled) rounds = 0
    }
  }
  const takeNext = (until: number): boolean => {
    let next: readonly [number, { readonly at: number; readonly act: () => void }] | undefined
    for (const entry of due) if (entry[1].at <= until && (next === undefined || entry[1].at < next[1].at)) next = entry
    if (next === undefined) return false
    due.delete(next[0])
    now = Math.max(now, next[1].at)
    next[1].act()
    return true
  }

  const clock: StoreClock = {
    stalled: 0,
    fetch: counted,
    during: async (work) => {
      inFlight += 1
      try {
        return await work()
      } finally {
        inFlight -= 1
      }
    },
    now: () => now,
    after: (ms, act) => {
      const id = ++made
      due.set(id, { at: now + Math.max(0, ms), act })
      return () => void due.delete(id)
    },
    jump: (ms) => {
      now += ms
      for (const entry of due.values()) entry.at += ms
    },
    pass: async (ms) => {
      const end = now + ms
      await quiet(() => false)
      while (takeNext(end)) await quiet(() => false)
      now = Math.max(now, end)
    },
    run: async (promise) => {
      let isOver = false
      void promise.then(
        () => (isOver = true),
        () => (isOver = true),
      )
      while (!isOver) {
        await quiet(() => isOver)
        if (!isOver) takeNext(Number.POSITIVE_INFINITY)
      }
      return await promise
    },
  }
  return clock
}

export interface AppleHouse extends AsyncDisposable {
  readonly clock: StoreClock
  /** The server's clock goes wrong by so much, and the store's does not. What is waited for stays as far off as it was. */
  skew(ms: number): void
  readonly store: AppleControl
  readonly storeUrl: string
  composed(): Composed
  /** Called with every request before it leaves: things happen meanwhile. Throw to have the line cut. */
  onLeave: (leaving: Leaving) => void
  /** Requests that the store saw, such as `asked('POST', '/assets/associate')`. */
  asked(method: string, path: string): number

  ask(method: string, path: string, body?: unknown): Promise<Answer>
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
  /** Connects a location with a token file and lets its first sync end. Gives the connector's id. */
  connect(name: string, tokenFile: string, settings?: Readonly<Record<string, unknown>>): Promise<string>
  renew(connector: string, tokenFile: string): Promise<Answer>
  /** Syncs to the end and gives the sync as it ended. */
  sync(connector: string, full?: boolean): Promise<Answer['body']>

  // What an administrator sees.
  connector(id: string): Promise<Answer['body']>
  /** The reasons' codes beside the status, worst first. */
  status(id: string): Promise<readonly string[]>
  license(connector: string, productId: string, pricing?: string): Promise<Answer['body']>
  licenses(connector?: string): Promise<readonly Answer['body'][]>
  /** The names of those who hold a seat, with where it came from. */
  seats(license: string): Promise<readonly string[]>
  orders(license?: string): Promise<readonly Answer['body'][]>
  /** `C02A: waiting, no-seat-left`, in the order of the keys. */
  verdicts(license: string): Promise<readonly string[]>
  audit(action: string): Promise<readonly Answer['body'][]>
  /** Devices of the directory, by serial number. */
  addDevices(...serials: readonly string[]): Promise<void>
  addPeople(...names: readonly string[]): Promise<void>
  idOf(list: 'devices' | 'users' | 'groups', key: string): Promise<string>
  assign(license: string, list: 'devices' | 'users', key: string): Promise<Answer>

  /** Lets work and time pass. */
  settle(ms?: number): Promise<void>
  /** The process ends without a word, or in order, and begins again. */
  restart(how?: 'in-order' | 'killed'): Promise<void>
  /** The data directory as it is now, to be gone back to with `restoreBackup`. */
  backup(): Promise<void>
  restoreBackup(): Promise<void>
  readonly troubles: readonly string[]
}

export const openHouse = async (
  options: {
    readonly switches?: Partial<Switches>
    readonly syncIntervalMinutes?: number
    readonly state?: AppleSnapshot
  } = {},
): Promise<AppleHouse> => {
  let onLeave: (leaving: Leaving) => void = () => undefined
  const clock = storeClock((leaving) => onLeave(leaving))
  const sandbox = await startSandbox({
    clock,
    chance: seededChance(5),
    port: 0,
    switches: { pageSize: 3, ...options.switches },
    ...(options.state === undefined ? {} : { state: options.state }),
  })
  const root = mkdtempSync(join(tmpdir(), 'quartermaster-case-'))
  const dataDir = join(root, 'data')
  const file = join(dataDir, 'quartermaster.sqlite')
  const chance = seededChance(11)
  const read = readSettings({
    QM_DATA_DIR: dataDir,
    QM_API_KEY: apiKey,
    QM_APPLE_APPS_BOOKS_URL: sandbox.appsAndBooksUrl,
    QM_APPLE_METADATA_URL: sandbox.metadataUrl,
    QM_SYNC_INTERVAL_MINUTES: String(options.syncIntervalMinutes ?? 60),
  })
  if (!read.ok) throw new Error(read.error.text)
  const settings = read.value
  const troubles: string[] = []
  let skewMs = 0

  /** One process: after its end nothing of it has effect any more. */
  interface Running {
    readonly composed: Composed
    readonly database: OpenDatabase
    isAlive: boolean
  }
  const start = async (): Promise<Running> => {
    const database = await openSqlite(file)
    const life = { isAlive: true }
    const never = new Promise<never>(() => undefined)
    const composed = await compose(
      {
        settings,
        chance,
        clock: {
          now: () => clock.now() + skewMs,
          after: (ms, act) => clock.after(ms, () => void (life.isAlive && act())),
        },
        fetch: async (input, init) => {
          if (!life.isAlive) return await never
          const response = await clock.fetch(input, init)
          return life.isAlive ? response : await never
        },
        log: createLog({
          clock,
          level: 'error',
          destination: { write: (line) => void troubles.push(line) },
        }),
        drawIcon: (picture) => clock.during(() => drawIcon(picture)),
        version: '0.0.0-test',
        consoleDirectory: null,
        memoryBytes: () => 1,
        passwordCost: { memoryKib: 64, passes: 1 },
      },
      database,
    )
    await composed.start()
    return {
      composed,
      database,
      get isAlive() {
        return life.isAlive
      },
      set isAlive(alive) {
        life.isAlive = alive
      },
    }
  }
  mkdirSync(dataDir, { recursive: true })
  let running = await start()

  const stop = async (): Promise<void> => {
    await clock.run(running.composed.stop())
    await running.database.close()
  }
  const ask: AppleHouse['ask'] = async (method, path, body) => {
    const response = await clock.run(
      Promise.resolve(
        running.composed.web.request(`/api/v1/${path}`, {
          method,
          headers: { authorization: `Bearer ${apiKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      ),
    )
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  const items = async (path: string): Promise<readonly Answer['body'][]> => {
    const all: Answer['body'][] = []
    for (let next: string | null = ''; next !== null;) {
      const { status, body } = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}limit=500${next === '' ? '' : `&cursor=${next}`}`)
      if (status !== 200) throw new Error(`${path}: ${JSON.stringify(body)}`)
      all.push(...body.items)
      next = body.next
    }
    return all
  }
  const importCsv = async (kind: string, text: string): Promise<void> => {
    const response = await running.composed.web.request(`/api/v1/directory/import?kind=${kind}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'text/csv' },
      body: text,
    })
    if (response.status !== 200) throw new Error(await response.text())
  }

  const house: AppleHouse = {
    clock,
    skew: (ms) => void (skewMs = ms),
    store: sandbox.control,
    storeUrl: sandbox.url,
    composed: () => running.composed,
    get onLeave() {
      return onLeave
    },
    set onLeave(listener) {
      onLeave = listener
    },
    asked: (method, path) =>
      sandbox.control.requests().filter((request) => request.method === method && request.path.split('?')[0] === `/mdm/v2${path}`).length,
    ask,
    get: (path) => ask('GET', path),
    post: (path, body = {}) => ask('POST', path, body),
    connect: async (name, tokenFile, given) => {
      const added = await ask('POST', 'connectors', {
        kind: 'apple-apps-books',
        name,
        credential: { contentToken: tokenFile },
        ...(given === undefined ? {} : { settings: given }),
      })
      if (added.status !== 201) throw new Error(JSON.stringify(added.body))
      await house.settle()
      return String(added.body.id)
    },
    renew: (connector, tokenFile) => ask('PUT', `connectors/${connector}/credential`, { contentToken: tokenFile }),
    sync: async (connector, full = false) => {
      const asked = await ask('POST', `connectors/${connector}/sync`, { full })
      if (asked.status !== 202) throw new Error(JSON.stringify(asked.body))
      await clock.run(running.composed.house.syncs.idle())
      return (await ask('GET', `syncs/${asked.body.id}`)).body
    },
    connector: async (id) => (await ask('GET', `connectors/${id}`)).body,
    status: async (id) => {
      const { status, reasons } = (await ask('GET', `connectors/${id}`)).body
      return [status, ...reasons.map(({ code }: { code: string }) => code)]
    },
    license: async (connector, productId, pricing = 'STDQ') => {
      const found = (await house.licenses(connector)).find((row) => row.product.id === productId && row.pricing === pricing)
      if (found === undefined) throw new Error(`no license of ${productId} ${pricing}`)
      return found
    },
    licenses: (connector) => items(connector === undefined ? 'licenses' : `licenses?connector=${connector}`),
    seats: async (license) =>
      (await items(`licenses/${license}/seats`)).map(({ principal, origin }) => `${principal.key}: ${origin}`).toSorted(),
    orders: (license) => items(license === undefined ? 'orders' : `orders?license=${license}`),
    verdicts: async (license) =>
      (await items(`licenses/${license}/verdicts`))
        .map(({ principal, state, because }) => `${principal.key}: ${state}, ${because.code}`)
        .toSorted(),
    audit: (action) => items(`audit?action=${action}`),
    addDevices: (...serials) =>
      importCsv(
        'devices',
        `serialNumber,name,platform,model,ownerUserName\n${serials.map((serial) => `${serial},iPad ${serial},iPadOS,iPad,\n`).join('')}`,
      ),
    addPeople: (...names) =>
      importCsv(
        'users',
        `userName,displayName,email,department,active,managedAppleAccount\n${names.map((name) => `${name},${name},${name}@school.example,Maths,true,\n`).join('')}`,
      ),
    idOf: async (list, key) => {
      const found = (await items(list)).find((item) => [item.name, item.userName, item.serialNumber].includes(key))
      if (found === undefined) throw new Error(`${key} is not among ${list}`)
      return String(found.id)
    },
    assign: async (license, list, key) =>
      await ask('POST', 'assignments', {
        licenseId: license,
        target: { kind: list === 'devices' ? 'device' : 'user', id: await house.idOf(list, key) },
        mode: 'include',
        intent: 'required',
        licenseType: list === 'devices' ? 'device' : 'user',
      }),
    settle: (ms = 10_000) => clock.pass(ms),
    restart: async (how = 'in-order') => {
      if (how === 'in-order') await stop()
      else {
        running.isAlive = false
        await running.database.close()
      }
      running = await start()
    },
    backup: async () => {
      rmSync(join(root, 'backup'), { recursive: true, force: true })
      await stop()
      cpSync(dataDir, join(root, 'backup'), { recursive: true })
      running = await start()
    },
    restoreBackup: async () => {
      await stop()
      rmSync(dataDir, { recursive: true, force: true })
      cpSync(join(root, 'backup'), dataDir, { recursive: true })
      running = await start()
    },
    troubles,
    [Symbol.asyncDispose]: async () => {
      clock.stalled = 0
      await stop()
      await sandbox.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
  return house
}

// ---- Words for the tests ----

export const device = (serialNumber: string): Target => ({ kind: 'device', serialNumber })
export const user = (clientUserId: string): Target => ({ kind: 'user', clientUserId })
export const serials = (count: number, from = 1): readonly string[] =>
  Array.from({ length: count }, (_, n) => `C02ZZ0AA${String(n + from).padStart(4, '0')}`)
export const devices = (count: number, from = 1): readonly Target[] => serials(count, from).map(device)

export const keynote = '361285480'
export const pages = '361309726'
export const book = '900000077'

/** A house with one connected location that owns ten seats of Keynote. */
export const openBerlin = async (options: Parameters<typeof openHouse>[0] & { readonly heldBy?: readonly Target[] } = {}) => {
  const house = await openHouse(options)
  const { uId, tokenFile } = house.store.addLocation({
    name: 'Berlin',
    uId: '2049025000431439',
    organisation: 'Eastmere',
    country: 'DE',
  })
  house.store.own(uId, keynote, {
    total: 10,
    heldBy: options.heldBy ?? [],
    product: { name: 'Keynote', publisher: 'Apple', kind: 'iosSoftware', genres: [], price: 0 },
  })
  const id = await house.connect('Berlin', tokenFile)
  const { id: license } = await house.license(id, keynote)
  return Object.assign(house, { uId, tokenFile, id, licenseId: String(license) })
}
export type Berlin = Awaited<ReturnType<typeof openBerlin>>
