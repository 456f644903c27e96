/** The whole product beside the sandbox's Google: the store over real HTTP, the clock moved by hand. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite, type OpenDatabase } from '../../../../server/database/database.ts'
import { createLog } from '../../../../server/log.ts'
import type { KeyFile } from '../../../../server/sandbox/google/accounts.ts'
import type { GoogleControl } from '../../../../server/sandbox/google/control.ts'
import { startGoogle } from '../../../../server/sandbox/google/start.ts'
import type { GoogleSwitches } from '../../../../server/sandbox/google/switches.ts'
import { compose, type Composed } from '../../../../server/serve.ts'
import { readSettings } from '../../../../server/settings.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { storeClock, type Answer, type StoreClock } from '../apple/cases/apple-house.ts'

const apiKey = 'owner-key-of-the-tests-0123456789abcdef'

export interface GoogleHouse extends AsyncDisposable {
  readonly clock: StoreClock
  readonly store: GoogleControl
  readonly storeUrl: string
  composed(): Composed
  /** How often a method was asked. */
  asked(method: string): number
  ask(method: string, path: string, body?: unknown): Promise<Answer>
  items(path: string): Promise<readonly Answer['body'][]>
  connect(name: string, enterpriseId: string, keyFile: KeyFile): Promise<string>
  sync(connector: string): Promise<Answer['body']>
  /** The status with the codes of its reasons. */
  status(connector: string): Promise<readonly string[]>
  license(productId: string): Promise<Answer['body']>
  seats(license: string): Promise<readonly string[]>
  verdicts(license: string): Promise<readonly string[]>
  addPeople(...names: readonly string[]): Promise<void>
  assign(license: string, name: string): Promise<Answer>
  settle(ms?: number): Promise<void>
  restart(how?: 'in-order' | 'killed'): Promise<void>
  /** Lines of the log that tell of trouble. */
  readonly troubles: readonly string[]
  /** Every byte that stands in the data directory now. */
  readonly dataDir: string
}

export const openGoogleHouse = async (
  switches: Partial<GoogleSwitches> = {},
  publicUrl = 'https://licenses.eastmere.example',
): Promise<GoogleHouse> => {
  const clock = storeClock(() => undefined)
  const google = await startGoogle({ clock, chance: seededChance(5), port: 0, switches })
  const root = mkdtempSync(join(tmpdir(), 'quartermaster-google-'))
  const dataDir = join(root, 'data')
  const chance = seededChance(11)
  const read = readSettings({
    QM_DATA_DIR: dataDir,
    QM_API_KEY: apiKey,
    QM_PUBLIC_URL: publicUrl,
    QM_GOOGLE_PLAY_URL: google.url,
    QM_GOOGLE_MANAGEMENT_URL: google.url,
    QM_GOOGLE_TOKEN_URL: google.tokenUrl,
  })
  if (!read.ok) throw new Error(read.error.text)
  const settings = read.value
  const troubles: string[] = []
  const start = async (): Promise<{
    readonly composed: Composed
    readonly database: OpenDatabase
    readonly life: { isAlive: boolean }
  }> => {
    const database = await openSqlite(join(dataDir, 'quartermaster.sqlite'))
    const life = { isAlive: true }
    const never = new Promise<never>(() => undefined)
    const composed = await compose(
      {
        settings,
        chance,
        clock: { now: clock.now, after: (ms, act) => clock.after(ms, () => void (life.isAlive && act())) },
        fetch: async (input, init) => {
          if (!life.isAlive) return await never
          const response = await clock.fetch(input, init)
          return life.isAlive ? response : await never
        },
        log: createLog({ clock, level: 'error', destination: { write: (line) => void troubles.push(line) } }),
        version: '0.0.0-test',
        consoleDirectory: null,
        memoryBytes: () => 1,
        passwordCost: { memoryKib: 64, passes: 1 },
      },
      database,
    )
    await composed.start()
    return { composed, database, life }
  }
  mkdirSync(dataDir, { recursive: true })
  let running = await start()
  const stop = async (): Promise<void> => {
    await clock.run(running.composed.stop())
    await running.database.close()
  }
  const request = async (path: string, init: RequestInit): Promise<Response> =>
    await clock.run(
      Promise.resolve(running.composed.web.request(path, { ...init, headers: { authorization: `Bearer ${apiKey}`, ...init.headers } })),
    )

  const house: GoogleHouse = {
    clock,
    store: google.control,
    storeUrl: google.url,
    composed: () => running.composed,
    asked: (method) => google.control.requests().filter((each) => each.method === method).length,
    ask: async (method, path, body) => {
      const response = await request(`/api/v1/${path}`, {
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    },
    items: async (path) => {
      const { status, body } = await house.ask('GET', `${path}${path.includes('?') ? '&' : '?'}limit=500`)
      if (status !== 200) throw new Error(`${path}: ${JSON.stringify(body)}`)
      return body.items
    },
    connect: async (name, enterpriseId, serviceAccountKey) => {
      const added = await house.ask('POST', 'connectors', {
        kind: 'google-play-emm',
        name,
        credential: { serviceAccountKey, enterpriseId },
      })
      if (added.status !== 201) throw new Error(JSON.stringify(added.body))
      await house.settle()
      return String(added.body.id)
    },
    sync: async (connector) => {
      const asked = await house.ask('POST', `connectors/${connector}/sync`, { full: true })
      if (asked.status !== 202) throw new Error(JSON.stringify(asked.body))
      await clock.run(running.composed.house.syncs.idle())
      await house.settle()
      return (await house.ask('GET', `syncs/${asked.body.id}`)).body
    },
    status: async (connector) => {
      const { status, reasons } = (await house.ask('GET', `connectors/${connector}`)).body
      return [status, ...reasons.map(({ code }: { code: string }) => code)]
    },
    license: async (productId) => {
      const found = (await house.items('licenses')).find((row) => row.product.id === productId)
      if (found === undefined) throw new Error(`no license of ${productId}`)
      return found
    },
    seats: async (license) =>
      (await house.items(`licenses/${license}/seats`)).map(({ principal, origin }) => `${principal.key}: ${origin}`).toSorted(),
    verdicts: async (license) =>
      (await house.items(`licenses/${license}/verdicts`))
        .map(({ principal, state, because }) => `${principal.key}: ${state}, ${because.code}`)
        .toSorted(),
    addPeople: async (...names) => {
      const response = await request('/api/v1/directory/import?kind=users', {
        method: 'POST',
        headers: { 'content-type': 'text/csv' },
        body: `userName,displayName,email,department,active,managedAppleAccount\n${names.map((name) => `${name},${name},${name}@school.example,Maths,true,\n`).join('')}`,
      })
      if (response.status !== 200) throw new Error(await response.text())
    },
    assign: async (licenseId, name) => {
      const found = (await house.items('users')).find(({ userName }) => userName === name)
      return await house.ask('POST', 'assignments', {
        licenseId,
        target: { kind: 'user', id: found?.id },
        mode: 'include',
        intent: 'required',
        licenseType: 'user',
      })
    },
    settle: (ms = 10_000) => clock.pass(ms),
    restart: async (how = 'in-order') => {
      if (how === 'in-order') await stop()
      else {
        running.life.isAlive = false
        await running.database.close()
      }
      running = await start()
    },
    troubles,
    dataDir,
    [Symbol.asyncDispose]: async () => {
      clock.stalled = 0
      await stop()
      await google.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
  return house
}

/** A house with one enterprise connected, which has five licenses of Math Lab. */
export const openEastmere = async (switches: Partial<GoogleSwitches> = {}) => {
  const house = await openGoogleHouse(switches)
  const { enterpriseId, keyFile } = house.store.addEnterprise({ name: 'Eastmere Schools' })
  house.store.addLicense(enterpriseId, mathLab, { purchased: 5, product: { title: 'Math Lab', authorName: 'Example Labs' } })
  const id = await house.connect('Eastmere', enterpriseId, keyFile)
  const { id: licenseId } = await house.license(mathLab)
  return Object.assign(house, { enterpriseId, keyFile, id, licenseId: String(licenseId) })
}

export const mathLab = 'app:com.example.mathlab'
export const DAY = 24 * 60 * 60_000
