/**
 * The product on a port of its own and the sandbox's Apple on another: requests go out and notices come in over real
 * HTTP, while the clock is moved by hand. Between the two stands what a firewall or a proxy would do to a notice.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { createLog } from '../../../../server/log.ts'
import type { AppleControl } from '../../../../server/sandbox/apple/control.ts'
import type { Switches } from '../../../../server/sandbox/apple/switches.ts'
import { startSandbox } from '../../../../server/sandbox/sandbox.ts'
import { serve, type Serving } from '../../../../server/serve.ts'
import { readSettings } from '../../../../server/settings.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { keynote, storeClock, type StoreClock } from './cases/apple-house.ts'

// Hours pass over real HTTP, and a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 })

const apiKey = 'owner-key-of-the-tests-0123456789abcdef'
/** Of real time. Whatever does not wait for the store is answered well before. */
const slowAfterMs = 100
export const home = 'https://licenses.eastmere.example'
export const uId = '2049025000431439'

export interface Answer {
  readonly status: number
  readonly text: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any
}

/** One notice on its way to us, with the answer that it got. */
export interface Delivery {
  readonly url: string
  readonly bearer: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any
  readonly status: number | 'no-answer'
}

export interface Town extends AsyncDisposable {
  readonly clock: StoreClock
  readonly store: AppleControl
  /** Up to and including `/mdm/v2`. */
  readonly storeUrl: string
  readonly deliveries: readonly Delivery[]
  readonly troubles: readonly string[]
  /** Whether Apple's requests get through to us. */
  setReachable(reachable: boolean): void
  /** Called with each notice before it is passed on to us. */
  onNotice: (delivery: Pick<Delivery, 'url' | 'bearer' | 'body'>) => Promise<void>
  /** Answers of Apple to requests of this path are held until the function that it gives is called. */
  hold(method: string, path: string): () => void
  /** Requests that Apple saw, such as `asked('GET', '/status')`. */
  asked(method: string, path: string): number
  readonly port: () => number

  ask(method: string, path: string, body?: unknown): Promise<Answer>
  /** Posts to the address of notices as anybody could. */
  knock(
    body: string,
    options?: { readonly bearer?: string | null; readonly connector?: string; readonly headers?: Record<string, string> },
  ): Promise<Answer>
  /** A notice that is well made and right, but not of Apple's making. */
  notice(type: string, notification: unknown, members?: Record<string, unknown>): string
  /** The secret and the address as Apple knows them. */
  target(): { readonly url: string; readonly bearer: string }
  readonly connectorId: string
  connector(): Promise<Answer['body']>
  license(productId?: string): Promise<Answer['body']>
  seats(productId?: string): Promise<readonly string[]>
  orders(): Promise<readonly Answer['body'][]>
  audit(action: string): Promise<readonly Answer['body'][]>
  syncs(): Promise<readonly Answer['body'][]>
  /** What became of the notices that are kept: `ASSET_COUNT: done`. */
  kept(): Promise<readonly string[]>
  /** As they stand in the database. */
  rows(): Promise<readonly object[]>
  addDevices(...serials: readonly string[]): Promise<void>
  /** All devices of the directory get the license. */
  assignToAll(productId?: string): Promise<void>
  settle(ms?: number): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
}

export const openTown = async (
  options: {
    readonly switches?: Partial<Switches>
    readonly environment?: Readonly<Record<string, string>>
    readonly reachable?: boolean
    readonly owned?: number
    readonly heldBy?: Parameters<AppleControl['own']>[2]['heldBy']
    /** Before the location is connected. */
    readonly before?: (store: AppleControl) => void
  } = {},
): Promise<Town> => {
  const clock = storeClock(() => undefined)
  const root = mkdtempSync(join(tmpdir(), 'quartermaster-notices-'))
  const deliveries: Delivery[] = []
  const troubles: string[] = []
  const held: { readonly method: string; readonly path: string; readonly until: Promise<void> }[] = []
  let isReachable = options.reachable ?? true
  let serving: Serving | undefined
  let port = 0

  const sandbox = await startSandbox({
    clock,
    chance: seededChance(5),
    port: 0,
    switches: { pageSize: 500, ...options.switches },
    fetch: async (request) => {
      const body: unknown = await request.clone().json()
      const bearer = (request.headers.get('authorization') ?? '').replace('Bearer ', '')
      const delivery = { url: request.url, bearer, body }
      await town.onNotice(delivery)
      // Somebody else's receiver, which always answers.
      if (!request.url.startsWith(home)) return new Response(null, { status: 200 })
      if (!isReachable || serving === undefined) {
        deliveries.push({ ...delivery, status: 'no-answer' })
        throw new TypeError('fetch failed')
      }
      const response = await clock.fetch(request.url.replace(home, `http://127.0.0.1:${port}`), {
        method: 'POST',
        headers: request.headers,
        body: await request.text(),
      })
      deliveries.push({ ...delivery, status: response.status })
      return response
    },
  })
  const read = readSettings({
    QM_PORT: '0',
    QM_DATA_DIR: root,
    QM_API_KEY: apiKey,
    QM_PUBLIC_URL: home,
    QM_APPLE_APPS_BOOKS_URL: sandbox.appsAndBooksUrl,
    QM_APPLE_METADATA_URL: sandbox.metadataUrl,
    QM_ICON_HOSTS: 'none',
    ...options.environment,
  })
  if (!read.ok) throw new Error(read.error.text)

  const start = async (): Promise<void> => {
    serving = await serve({
      settings: read.value,
      clock,
      chance: seededChance(11),
      fetch: async (input, init) => {
        const response = await clock.fetch(input, init)
        const { pathname } = new URL(input instanceof Request ? input.url : input)
        for (const { method, path, until } of held) if ((init?.method ?? 'GET') === method && pathname === `/mdm/v2${path}`) await until
        return response
      },
      log: createLog({ clock, level: 'error', destination: { write: (line) => void troubles.push(line) } }),
      version: '0.0.0-test',
      consoleDirectory: null,
      memoryBytes: () => 1,
      passwordCost: { memoryKib: 64, passes: 1 },
    })
    port = serving.port
  }
  const stop = async (): Promise<void> => {
    const closing = serving
    serving = undefined
    if (closing !== undefined) await clock.run(closing.close())
  }
  const send = async (method: string, url: string, headers: Record<string, string>, body?: string): Promise<Answer> => {
    const asked = clock.fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
    const response = await Promise.race([asked, new Promise<undefined>((resolve) => void setTimeout(resolve, slowAfterMs))])
    // An answer that itself waits for the clock would hold it up.
    if (response === undefined) clock.stalled += 1
    const answer = response ?? (await clock.run(asked).finally(() => void (clock.stalled -= 1)))
    const text = await answer.text()
    return { status: answer.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined }
  }
  const ask: Town['ask'] = (method, path, body) =>
    send(
      method,
      `http://127.0.0.1:${port}/api/v1/${path}`,
      { authorization: `Bearer ${apiKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body === undefined ? undefined : JSON.stringify(body),
    )
  const items = async (path: string): Promise<readonly Answer['body'][]> => {
    const all: Answer['body'][] = []
    for (let next: string | null = ''; next !== null;) {
      const { status, body, text } = await ask(
        'GET',
        `${path}${path.includes('?') ? '&' : '?'}limit=500${next === '' ? '' : `&cursor=${next}`}`,
      )
      if (status !== 200) throw new Error(`${path}: ${text}`)
      all.push(...body.items)
      next = body.next
    }
    return all
  }
  const importCsv = async (kind: string, text: string): Promise<void> => {
    const answer = await send(
      'POST',
      `http://127.0.0.1:${port}/api/v1/directory/import?kind=${kind}`,
      { authorization: `Bearer ${apiKey}`, 'content-type': 'text/csv' },
      text,
    )
    if (answer.status !== 200) throw new Error(answer.text)
  }
  let connectorId = ''
  let forged = 0

  const town: Town = {
    clock,
    store: sandbox.control,
    storeUrl: sandbox.appsAndBooksUrl,
    deliveries,
    troubles,
    setReachable: (reachable) => void (isReachable = reachable),
    onNotice: async () => undefined,
    hold: (method, path) => {
      let release = (): void => undefined
      const until = new Promise<void>((resolve) => void (release = resolve))
      const entry = { method, path, until }
      held.push(entry)
      return () => {
        held.splice(held.indexOf(entry), 1)
        release()
      }
    },
    asked: (method, path) =>
      sandbox.control.requests().filter((request) => request.method === method && request.path.split('?')[0] === `/mdm/v2${path}`).length,
    port: () => port,
    ask,
    knock: (body, { bearer = town.target().bearer, connector = connectorId, headers = {} } = {}) =>
      send(
        'POST',
        `http://127.0.0.1:${port}/hooks/apple/${connector}`,
        { 'content-type': 'application/json', ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
        body,
      ),
    notice: (notificationType, notification, members = {}) =>
      JSON.stringify({ notification, notificationId: `made-up-${(forged += 1)}`, notificationType, uId, ...members }),
    target: () => {
      const last = deliveries.at(-1)
      if (last === undefined) throw new Error('town: Apple never told its target')
      return { url: last.url, bearer: last.bearer }
    },
    get connectorId() {
      return connectorId
    },
    connector: async () => (await ask('GET', `connectors/${connectorId}`)).body,
    license: async (productId = keynote) => (await items('licenses')).find((row) => row.product.id === productId),
    seats: async (productId = keynote) => {
      const { id } = await town.license(productId)
      return (await items(`licenses/${id}/seats`)).map(({ principal, origin }) => `${principal.key}: ${origin}`).toSorted()
    },
    orders: () => items('orders'),
    audit: (action) => items(`audit?action=${action}`),
    syncs: () => items('syncs'),
    kept: async () => {
      if (serving === undefined) throw new Error('town: the server is down')
      const { journal } = serving.house
      const rows = await journal.write((write) => write.trx.selectFrom('notices').select(['kind', 'state']).orderBy('n').execute())
      return rows.map(({ kind, state }) => `${kind}: ${state}`)
    },
    rows: async () => {
      if (serving === undefined) throw new Error('town: the server is down')
      return await serving.house.journal.write((write) => write.trx.selectFrom('notices').selectAll().execute())
    },
    addDevices: async (...serials) => {
      await importCsv(
        'devices',
        `serialNumber,name,platform,model,ownerUserName\n${serials.map((serial) => `${serial},iPad ${serial},iPadOS,iPad,\n`).join('')}`,
      )
      await importCsv('groups', 'name,kind\nTablets,device\n')
      await importCsv('memberships', `group,member\n${serials.map((serial) => `Tablets,${serial}\n`).join('')}`)
    },
    assignToAll: async (productId = keynote) => {
      const group = (await items('groups')).find(({ name }) => name === 'Tablets')
      const answer = await ask('POST', 'assignments', {
        licenseId: (await town.license(productId)).id,
        target: { kind: 'group', id: group.id },
        mode: 'include',
        intent: 'required',
        licenseType: 'device',
      })
      if (answer.status !== 201) throw new Error(answer.text)
    },
    settle: (ms = 1_000) => clock.pass(ms),
    stop,
    start,
    [Symbol.asyncDispose]: async () => {
      clock.stalled = 0
      await stop()
      await sandbox.close()
      rmSync(root, { recursive: true, force: true })
    },
  }

  await start()
  const { tokenFile } = sandbox.control.addLocation({ name: 'Berlin', uId, organisation: 'Eastmere', country: 'DE' })
  sandbox.control.own(uId, keynote, {
    total: options.owned ?? 10,
    product: { name: 'Keynote', publisher: 'Apple', kind: 'iosSoftware', genres: ['Productivity'], price: 0 },
    heldBy: options.heldBy ?? [],
  })
  options.before?.(sandbox.control)
  const added = await ask('POST', 'connectors', { kind: 'apple-apps-books', name: 'Berlin', credential: { contentToken: tokenFile } })
  if (added.status !== 201) throw new Error(added.text)
  connectorId = String(added.body.id)
  await town.settle(10_000)
  return town
}
