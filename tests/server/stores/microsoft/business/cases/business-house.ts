/**
 * The whole product beside the sandbox's Store for Business: the store over real HTTP, the clock moved by hand. Time
 * passes only while nothing is under way.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { openSqlite, type OpenDatabase } from '../../../../../../server/database/database.ts'
import { createLog } from '../../../../../../server/log.ts'
import type { BusinessControl } from '../../../../../../server/sandbox/microsoft/business-control.ts'
import { BUSINESS_PATH } from '../../../../../../server/sandbox/microsoft/business.ts'
import type { BusinessSwitches } from '../../../../../../server/sandbox/microsoft/business-switches.ts'
import { isConnectionCut } from '../../../../../../server/sandbox/microsoft/door.ts'
import { createMicrosoftSandbox } from '../../../../../../server/sandbox/microsoft/microsoft-sandbox.ts'
import type { AppRegistration } from '../../../../../../server/sandbox/microsoft/tenant-state.ts'
import type { MicrosoftWorld } from '../../../../../../server/sandbox/microsoft/world.ts'
import { serveStore } from '../../../../../../server/sandbox/serve-store.ts'
import { compose, type Composed } from '../../../../../../server/serve.ts'
import { readSettings } from '../../../../../../server/settings.ts'
import { seededChance } from '../../../../../world/hand-clock.ts'
import { DAY, storeClock, type Answer, type Leaving, type StoreClock } from '../../../apple/cases/apple-house.ts'
import { CLIENT, SECRET, TENANT } from '../../microsoft-link.ts'

export { DAY, HOUR, MINUTE, START } from '../../../apple/cases/apple-house.ts'
export { CLIENT, SECRET, TENANT } from '../../microsoft-link.ts'
// A hundred products and more, on a machine that others use too.
vi.setConfig({ testTimeout: 30_000 })

export const apiKey = 'owner-key-of-the-tests-0123456789abcdef'
export const credential = { tenantId: TENANT, clientId: CLIENT, clientSecret: SECRET }

/** A SKU sold once, and one that is free. */
export const notes = '9NBLGGH4R2R6'
export const reader = '9WZDNCRFJ3PT'
export const online = 'online 0016'

export interface BusinessHouse extends AsyncDisposable {
  readonly clock: StoreClock
  readonly store: BusinessControl
  readonly world: MicrosoftWorld
  readonly app: AppRegistration
  /** Called with every request before it leaves: things happen meanwhile. Throw to have the line cut. */
  onLeave: (leaving: Leaving) => void
  /** Requests that the store saw at this operation, such as `business-seats`. */
  asked(operation: string): number
  ask(method: string, path: string, body?: unknown): Promise<Answer>
  /** A call of the identity provider. */
  scim(method: string, path: string, body: unknown): Promise<Answer>
  /** Connects the tenant and lets its first sync end. */
  connect(settings?: Readonly<Record<string, unknown>>): Promise<string>
  sync(connector: string, full?: boolean): Promise<Answer['body']>
  connector(id: string): Promise<Answer['body']>
  /** The reasons' codes beside the status, worst first. */
  status(id: string): Promise<readonly string[]>
  license(productId: string, pricing?: string): Promise<Answer['body']>
  licenses(): Promise<readonly Answer['body'][]>
  seats(license: string): Promise<readonly string[]>
  orders(license: string): Promise<readonly Answer['body'][]>
  verdicts(license: string): Promise<readonly string[]>
  addPeople(...names: readonly string[]): Promise<void>
  idOf(name: string): Promise<string>
  assign(license: string, name: string): Promise<Answer>
  settle(ms?: number): Promise<void>
  restart(): Promise<void>
  readonly log: readonly string[]
  readonly dataDir: string
}

export const openHouse = async (switches: Partial<BusinessSwitches> = {}): Promise<BusinessHouse> => {
  let onLeave: (leaving: Leaving) => void = () => undefined
  const clock = storeClock((leaving) => onLeave({ ...leaving, path: leaving.path.replace(BUSINESS_PATH, '') }))
  const sandbox = createMicrosoftSandbox({ clock, chance: seededChance(5), businessSwitches: switches })
  const app: AppRegistration = {
    clientId: CLIENT,
    name: 'Quartermaster',
    secrets: [{ value: SECRET, expiresAt: clock.now() + 365 * DAY }],
    roles: new Set(),
    isManagementTool: true,
    isBlocked: false,
  }
  const { world, business } = sandbox
  world.tenants.set(TENANT, {
    id: TENANT,
    name: 'Contoso School',
    domain: 'contoso.example',
    country: 'GB',
    apps: new Map([[CLIENT, app]]),
  })
  const served = await serveStore(sandbox.fetch, { port: 0, isConnectionCut })
  const root = mkdtempSync(join(tmpdir(), 'quartermaster-business-'))
  const file = join(root, 'data', 'quartermaster.sqlite')
  const read = readSettings({
    QM_DATA_DIR: join(root, 'data'),
    QM_API_KEY: apiKey,
    QM_MICROSOFT_STORE_URL: `${served.url}${BUSINESS_PATH}`,
    QM_MICROSOFT_LOGIN_URL: served.url,
  })
  if (!read.ok) throw new Error(read.error.text)
  const settings = read.value
  const chance = seededChance(11)
  const log: string[] = []
  mkdirSync(join(root, 'data'), { recursive: true })

  const start = async (): Promise<{ readonly composed: Composed; readonly database: OpenDatabase }> => {
    const database = await openSqlite(file)
    const composed = await compose(
      {
        settings,
        chance,
        clock,
        fetch: clock.fetch,
        log: createLog({ clock, level: 'debug', destination: { write: (line) => void log.push(line) } }),
        version: '0.0.0-test',
        consoleDirectory: null,
        memoryBytes: () => 1,
        passwordCost: { memoryKib: 64, passes: 1 },
      },
      database,
    )
    await composed.start()
    return { composed, database }
  }
  let running = await start()
  const stop = async (): Promise<void> => {
    await clock.run(running.composed.stop())
    await running.database.close()
  }
  const ask: BusinessHouse['ask'] = async (method, path, body) => {
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

  const house: BusinessHouse = {
    clock,
    store: business,
    world,
    app,
    get onLeave() {
      return onLeave
    },
    set onLeave(listener) {
      onLeave = listener
    },
    asked: (operation) => world.log.all().filter(({ endpoint }) => endpoint === operation).length,
    ask,
    scim: async (method, path, body) => {
      const response = await clock.run(
        Promise.resolve(
          running.composed.web.request(`/scim/v2/${path}`, {
            method,
            headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/scim+json' },
            body: JSON.stringify(body),
          }),
        ),
      )
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    },
    connect: async (given) => {
      const added = await ask('POST', 'connectors', {
        kind: 'microsoft-store-business',
        name: 'Contoso',
        credential,
        ...(given === undefined ? {} : { settings: given }),
      })
      if (added.status !== 201) throw new Error(JSON.stringify(added.body))
      await house.settle()
      return String(added.body.id)
    },
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
    license: async (productId, pricing = online) => {
      const found = (await house.licenses()).find((row) => row.product.id === productId && row.pricing === pricing)
      if (found === undefined) throw new Error(`no license of ${productId} ${pricing}`)
      return found
    },
    licenses: () => items('licenses'),
    seats: async (license) =>
      (await items(`licenses/${license}/seats`)).map(({ principal, origin }) => `${principal.key}: ${origin}`).toSorted(),
    orders: (license) => items(`orders?license=${license}`),
    verdicts: async (license) =>
      (await items(`licenses/${license}/verdicts`))
        .map(({ principal, state, because }) => `${principal.key}: ${state}, ${because.code}`)
        .toSorted(),
    addPeople: async (...names) => {
      const response = await running.composed.web.request('/api/v1/directory/import?kind=users', {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'text/csv' },
        body: `userName,displayName,email,department,active,managedAppleAccount\n${names.map((name) => `${name},${name},,Maths,true,\n`).join('')}`,
      })
      if (response.status !== 200) throw new Error(await response.text())
    },
    idOf: async (name) => {
      const found = (await items('users')).find(({ userName }) => userName === name)
      if (found === undefined) throw new Error(`${name} is not among the users`)
      return String(found.id)
    },
    assign: async (license, name) =>
      await ask('POST', 'assignments', {
        licenseId: license,
        target: { kind: 'user', id: await house.idOf(name) },
        mode: 'include',
        intent: 'required',
        licenseType: 'user',
      }),
    settle: (ms = 10_000) => clock.pass(ms),
    restart: async () => {
      await stop()
      running = await start()
    },
    log,
    dataDir: join(root, 'data'),
    [Symbol.asyncDispose]: async () => {
      clock.stalled = 0
      await stop()
      await served.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
  return house
}

export const user = (n: number): string => `u${String(n).padStart(3, '0')}@contoso.example`
export const users = (count: number, from = 1): readonly string[] => Array.from({ length: count }, (_, n) => user(n + from))
export const found = (...names: readonly string[]): readonly string[] => names.map((name) => `${name}: found`).toSorted()

/** A house with one connected tenant that owns ten seats of Field Notes, or as many as are held. */
export const openContoso = async (
  options: {
    readonly switches?: Partial<BusinessSwitches>
    readonly capacity?: number
    readonly heldBy?: readonly string[]
    readonly settings?: Readonly<Record<string, unknown>>
    /** Before the first sync. */
    readonly before?: (house: BusinessHouse) => void
  } = {},
) => {
  const house = await openHouse(options.switches)
  house.store.own(TENANT, notes, {
    capacity: options.capacity ?? Math.max(10, options.heldBy?.length ?? 0),
    heldBy: options.heldBy ?? [],
    product: { name: 'Field Notes Pro', publisher: 'Fabrikam', packageFamilyName: 'Fabrikam.FieldNotes_8wekyb3d8bbwe' },
  })
  options.before?.(house)
  const id = await house.connect(options.settings)
  const { id: license } = await house.license(notes)
  return Object.assign(house, { id, licenseId: String(license) })
}
export type Contoso = Awaited<ReturnType<typeof openContoso>>
