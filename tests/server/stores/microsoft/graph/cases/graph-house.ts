/** The whole product beside the sandbox's Graph: the store over real HTTP, the clock moved by hand. Time passes only while nothing is under way. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite, type OpenDatabase } from '../../../../../../server/database/database.ts'
import { createLog } from '../../../../../../server/log.ts'
import { BUSINESS_PATH } from '../../../../../../server/sandbox/microsoft/business.ts'
import { isConnectionCut } from '../../../../../../server/sandbox/microsoft/door.ts'
import { createGraphControl, type GraphControl } from '../../../../../../server/sandbox/microsoft/graph-control.ts'
import { createMicrosoftSandbox } from '../../../../../../server/sandbox/microsoft/microsoft-sandbox.ts'
import type { Switches } from '../../../../../../server/sandbox/microsoft/switches.ts'
import type { AppRegistration } from '../../../../../../server/sandbox/microsoft/tenant-state.ts'
import type { MicrosoftWorld } from '../../../../../../server/sandbox/microsoft/world.ts'
import { serveStore } from '../../../../../../server/sandbox/serve-store.ts'
import { compose, type Composed } from '../../../../../../server/serve.ts'
import { readSettings } from '../../../../../../server/settings.ts'
import type { Clock } from '../../../../../../shared/clock.ts'
import { seededChance } from '../../../../../world/hand-clock.ts'
import { DAY, storeClock, type Answer, type StoreClock } from '../../../apple/cases/apple-house.ts'
import { CLIENT, SECRET, TENANT } from '../../microsoft-link.ts'
import { allRoles } from '../graph-link.ts'

const apiKey = 'owner-key-of-the-tests-0123456789abcdef'
export const credential = { tenantId: TENANT, clientId: CLIENT, clientSecret: SECRET }

export interface GraphHouse extends AsyncDisposable {
  readonly clock: StoreClock
  readonly control: GraphControl
  readonly world: MicrosoftWorld
  readonly app: AppRegistration
  /** The server's clock goes wrong by so much, and the store's does not. */
  skew(ms: number): void
  asked(endpoint: string): number
  ask(method: string, path: string, body?: unknown): Promise<Answer>
  /** Connects the tenant and lets its first sync end. Gives the connector's id. */
  connect(): Promise<string>
  sync(connector: string, full?: boolean): Promise<Answer['body']>
  /** Every row of a list. */
  items(path: string): Promise<readonly Answer['body'][]>
  /** The license of a SKU. */
  license(skuId: string): Promise<Answer['body']>
  /** `name: origin` */
  seats(license: string): Promise<readonly string[]>
  /** `name: state, code` */
  verdicts(license: string): Promise<readonly string[]>
  user(name: string): Promise<Answer['body']>
  group(name: string): Promise<Answer['body']>
  /** User names in a group, those of nested groups too. */
  members(name: string): Promise<readonly string[]>
  assign(license: string, target: { readonly kind: string; readonly id: string | null }): Promise<Answer>
  settle(ms?: number): Promise<void>
  restart(): Promise<void>
  readonly log: readonly string[]
  readonly dataDir: string
}

export const openHouse = async (switches: Partial<Switches> = {}): Promise<GraphHouse> => {
  const clock = storeClock(() => undefined)
  let skewMs = 0
  const skewed: Clock = { now: () => clock.now() + skewMs, after: clock.after }
  const sandbox = createMicrosoftSandbox({ clock, chance: seededChance(5), switches })
  const app: AppRegistration = {
    clientId: CLIENT,
    name: 'Quartermaster',
    secrets: [{ value: SECRET, expiresAt: clock.now() + 365 * DAY }],
    roles: new Set(allRoles),
    isManagementTool: false,
    isBlocked: false,
  }
  const { world, graph } = sandbox
  world.tenants.set(TENANT, {
    id: TENANT,
    name: 'Contoso School',
    domain: 'contoso.example',
    country: 'GB',
    apps: new Map([[CLIENT, app]]),
  })
  const served = await serveStore(sandbox.fetch, { port: 0, isConnectionCut })
  const root = mkdtempSync(join(tmpdir(), 'quartermaster-graph-'))
  const read = readSettings({
    QM_DATA_DIR: join(root, 'data'),
    QM_API_KEY: apiKey,
    QM_MICROSOFT_GRAPH_URL: served.url,
    QM_MICROSOFT_STORE_URL: `${served.url}${BUSINESS_PATH}`,
    QM_MICROSOFT_LOGIN_URL: served.url,
  })
  if (!read.ok) throw new Error(read.error.text)
  const settings = read.value
  const chance = seededChance(11)
  const log: string[] = []
  mkdirSync(join(root, 'data'), { recursive: true })

  const start = async (): Promise<{ readonly composed: Composed; readonly database: OpenDatabase }> => {
    const database = await openSqlite(join(root, 'data', 'quartermaster.sqlite'))
    const composed = await compose(
      {
        settings,
        chance,
        clock: skewed,
        fetch: clock.fetch,
        log: createLog({ clock: skewed, level: 'debug', destination: { write: (line) => void log.push(line) } }),
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
  const ask: GraphHouse['ask'] = async (method, path, body) => {
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
  const items: GraphHouse['items'] = async (path) => {
    const all: Answer['body'][] = []
    for (let next: string | null = ''; next !== null;) {
      const { status, body } = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}limit=500${next === '' ? '' : `&cursor=${next}`}`)
      if (status !== 200) throw new Error(`${path}: ${JSON.stringify(body)}`)
      all.push(...body.items)
      next = body.next
    }
    return all
  }
  const mustFind = async (path: string, what: string, isWanted: (row: Answer['body']) => boolean): Promise<Answer['body']> => {
    const found = (await items(path)).find(isWanted)
    if (found === undefined) throw new Error(`${what} is not among the ${path}`)
    return found
  }

  const house: GraphHouse = {
    clock,
    control: createGraphControl(world, graph.stateOf(TENANT)),
    world,
    app,
    skew: (ms) => void (skewMs = ms),
    asked: (endpoint) => world.log.all().filter((entry) => entry.endpoint === endpoint).length,
    ask,
    connect: async () => {
      const added = await ask('POST', 'connectors', { kind: 'microsoft-graph', name: 'Contoso', credential })
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
    items,
    license: (skuId) => mustFind('licenses', skuId, ({ product }) => product.id === skuId),
    seats: async (license) =>
      (await items(`licenses/${license}/seats`)).map(({ principal, origin }) => `${principal.key}: ${origin}`).toSorted(),
    verdicts: async (license) =>
      (await items(`licenses/${license}/verdicts`))
        .map(({ principal, state, because }) => `${principal.key}: ${state}, ${because.code}`)
        .toSorted(),
    user: (name) => mustFind('users', name, ({ userName }) => userName === name),
    group: (name) => mustFind('groups', name, (row) => row.name === name),
    members: async (name) => {
      const { id } = await house.group(name)
      return (await items(`groups/${id}/members?transitive=true`)).map(({ userName, key }) => String(userName ?? key)).toSorted()
    },
    assign: async (license, target) =>
      await ask('POST', 'assignments', { licenseId: license, target, mode: 'include', intent: 'required', licenseType: 'user' }),
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

export const partOf = async (house: GraphHouse, id: string): Promise<Answer['body']> => (await house.ask('GET', `connectors/${id}`)).body
