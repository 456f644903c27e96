/** The whole product without a port, beside the sandbox's Apple, moved by hand. */
import { compose, type Composed } from '../../../server/serve.ts'
import { openSqlite, type OpenDatabase } from '../../../server/database/database.ts'
import { createLog } from '../../../server/log.ts'
import { createAppleSandbox } from '../../../server/sandbox/apple/apple-sandbox.ts'
import type { AppleControl } from '../../../server/sandbox/apple/control.ts'
import { DEVICES_PATH, TOKEN_PATH } from '../../../server/sandbox/apple/device-api.ts'
import { BASE_PATH, LOOKUP_PATH } from '../../../server/sandbox/apple/protocol.ts'
import { readSettings, type Settings } from '../../../server/settings.ts'
import type { Role } from '../../../shared/admin.ts'
import { handClock, seededChance, type HandClock } from '../../world/hand-clock.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const apiKey = 'owner-key-of-the-tests-0123456789abcdef'
const storeHost = 'https://store.example'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body, as JSON. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any
}

export interface Desk {
  readonly composed: Composed
  readonly database: OpenDatabase
  readonly clock: HandClock
  readonly store: AppleControl
  /** What the server logged, line by line. */
  readonly logged: string[]
  readonly dataDir: string
  /** False: no store answers. */
  setReachable(reachable: boolean): void
  /** Asks as the owner's key unless told otherwise. `as: null` asks as nobody. */
  ask(
    method: string,
    path: string,
    options?: {
      readonly body?: unknown
      readonly csv?: string
      readonly as?: string | null
      readonly headers?: Readonly<Record<string, string>>
    },
  ): Promise<Answer>
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
  keyFor(role: Role): Promise<string>
  /** Lets work and time pass until nothing is under way. */
  settle(ms?: number): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Waits until nothing runs, or until what runs waits for the clock. */
const quiet = async (composed: Composed, mostTurns: number): Promise<void> => {
  let isIdle = false
  void composed.idle().then(() => void (isIdle = true))
  for (let turn = 0; turn < mostTurns && !isIdle; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve))
}

export const openDesk = async (
  options: {
    readonly environment?: Readonly<Record<string, string>>
    readonly databaseFile?: boolean
    /** Another database than SQLite in memory. */
    readonly open?: () => Promise<OpenDatabase>
  } = {},
): Promise<Desk> => {
  const clock = handClock()
  const chance = seededChance(11)
  const dataDir = mkdtempSync(join(tmpdir(), 'quartermaster-desk-'))
  const sandbox = createAppleSandbox({
    clock,
    chance: seededChance(5),
    // Notices come in where `QM_NOTICE_URL` names an address; whichever it is, it is this server's.
    fetch: async (request) => await composed.web.fetch(request),
  })
  let isReachable = true
  const logged: string[] = []
  const read = readSettings({
    QM_DATA_DIR: dataDir,
    QM_API_KEY: apiKey,
    QM_APPLE_APPS_BOOKS_URL: `${storeHost}${BASE_PATH}`,
    QM_APPLE_METADATA_URL: `${storeHost}${LOOKUP_PATH}`,
    QM_APPLE_DEVICES_URL: `${storeHost}${DEVICES_PATH}`,
    QM_APPLE_AUTH_URL: `${storeHost}${TOKEN_PATH}`,
    ...options.environment,
  })
  if (!read.ok) throw new Error(read.error.text)
  const settings: Settings = read.value
  const database = await (
    options.open ?? (() => openSqlite(options.databaseFile === true ? join(dataDir, 'quartermaster.sqlite') : ':memory:'))
  )()
  const composed = await compose(
    {
      settings,
      clock,
      chance,
      fetch: async (input, init) => {
        if (!isReachable) throw new TypeError('fetch failed')
        return await sandbox.fetch(new Request(input, init))
      },
      log: createLog({ clock, level: 'debug', destination: { write: (line) => void logged.push(line) } }),
      version: '0.0.0-test',
      consoleDirectory: null,
      memoryBytes: () => 1,
      passwordCost: { memoryKib: 64, passes: 1 },
    },
    database,
  )
  await composed.start()
  // A database of its own process answers later than one in this one.
  const mostTurns = options.open === undefined ? 40 : 20_000

  const ask: Desk['ask'] = async (method, path, { body, csv, as = apiKey, headers = {} } = {}) => {
    let response: Response | undefined
    const asked = Promise.resolve(
      composed.web.request(path.startsWith('/') ? path : `/api/v1/${path}`, {
        method,
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(csv === undefined ? {} : { 'content-type': 'text/csv' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(csv === undefined ? {} : { body: csv }),
      }),
    ).then((answer) => (response = answer))
    // A store that asks for a pause is waited for by the clock.
    for (let turn = 1; response === undefined; turn += 1) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      if (turn % (mostTurns + 10) === 0) clock.pass(100)
    }
    response = await asked
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      get body() {
        return JSON.parse(text)
      },
    }
  }
  let isClosed = false
  const close = async (): Promise<void> => {
    if (isClosed) return
    isClosed = true
    let isStopped = false
    const stopped = composed.stop().finally(() => void (isStopped = true))
    // A read that is tried again after a pause waits for the clock.
    while (!isStopped) {
      for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve))
      clock.pass(1_000)
    }
    await stopped
    await database.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return {
    composed,
    database,
    clock,
    store: sandbox.control,
    logged,
    dataDir,
    setReachable: (reachable) => void (isReachable = reachable),
    ask,
    get: (path) => ask('GET', path),
    post: (path, body = {}) => ask('POST', path, { body }),
    keyFor: async (role) => (await ask('POST', 'api-keys', { body: { name: `a ${role}`, role } })).body.key,
    settle: async (ms = 60_000) => {
      // Work may wait for the clock, and the clock's timers begin work: small steps let both go on together.
      for (let passed = 0; passed < ms; passed += 500) {
        await quiet(composed, mostTurns)
        clock.pass(500)
      }
      await quiet(composed, mostTurns)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

export const keynote = '361285480'
export const book = '900000077'

/** A location with three seats of an app and two of a book, connected and synced, and a small directory. */
export const openSchool = async (options: Parameters<typeof openDesk>[0] = {}) => {
  const desk = await openDesk(options)
  const { uId, tokenFile } = desk.store.addLocation({ name: 'Berlin', uId: '2049025000431439', country: 'DE' })
  desk.store.own(uId, keynote, {
    total: 3,
    product: { name: 'Keynote', publisher: 'Apple', kind: 'iosSoftware', genres: ['Productivity'], price: 0 },
  })
  desk.store.own(uId, book, {
    total: 2,
    productType: 'Book',
    deviceAssignable: false,
    revocable: false,
    product: { name: 'Moby Dick', publisher: 'Harper', kind: 'epubBook', genres: ['Fiction'], price: 5 },
  })
  for (const name of ['ana', 'ben']) desk.store.registerUser(uId, { clientUserId: name, email: `${name}@school.example` })
  const csv = async (kind: string, text: string): Promise<void> => {
    const answer = await desk.ask('POST', `directory/import?kind=${kind}`, { csv: text })
    if (answer.status !== 200) throw new Error(answer.text)
  }
  await csv(
    'users',
    'userName,displayName,email,department,active,managedAppleAccount\nana,Ana Maier,ana@school.example,Maths,true,\nben,Ben Oduya,ben@school.example,Arts,true,\n',
  )
  await csv(
    'devices',
    'serialNumber,name,platform,model,ownerUserName\nC02A,iPad 1,iPadOS,iPad,ana\nC02B,iPad 2,iPadOS,iPad,\nC02C,iPad 3,iPadOS,iPad,\nC02D,iPad 4,iPadOS,iPad,\n',
  )
  await csv('groups', 'name,kind\nTablets,device\nTeachers,user\n')
  await csv('memberships', 'group,member\nTablets,C02A\nTablets,C02B\nTablets,C02C\nTablets,C02D\nTeachers,ana\nTeachers,ben\n')
  const connected = await desk.post('connectors', { kind: 'apple-apps-books', name: 'Berlin', credential: { contentToken: tokenFile } })
  if (connected.status !== 201) throw new Error(connected.text)
  await desk.settle(3_000)
  const idOf = async (list: string, key: string): Promise<string> => {
    const { items } = (await desk.get(`${list}?limit=500`)).body
    const found = items.find((item: Record<string, unknown>) =>
      [item['name'], item['userName'], item['serialNumber'], (item['product'] as { id?: string } | undefined)?.id].includes(key),
    )
    if (found === undefined) throw new Error(`${key} is not among ${list}`)
    return String(found.id)
  }
  return { ...desk, uId, tokenFile, connectorId: String(connected.body.id), idOf }
}
export type School = Awaited<ReturnType<typeof openSchool>>
