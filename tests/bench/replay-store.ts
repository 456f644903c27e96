/**
 * A store of full size for the bench, as a process of its own: the sandbox, whose list pages are asked of it once and then
 * served from memory, byte for byte. So the store's own work is next to nothing and what is measured is the reading side.
 * The limit of 15 requests a second is lifted for whoever asks.
 *
 * Told over IPC: `{tenant}` begins; it answers `{url, tokenFile}`. `asked` gives the list pages asked for since the last time.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createAppleSandbox } from '../../server/sandbox/apple/apple-sandbox.ts'
import { BASE_PATH } from '../../server/sandbox/apple/protocol.ts'
import type { Target } from '../../server/sandbox/apple/state.ts'
import { systemChance, systemClock } from '../../server/system-clock.ts'
import { fullSize } from './large-tenant.ts'

export interface StoreReady {
  readonly url: string
  readonly tokenFile: string
}

const pageSize = 1000
const location = '7700000000000001'
const requestsPerSecond = 1_000_000

const sandbox = createAppleSandbox({
  clock: systemClock,
  chance: systemChance,
  switches: { pageSize, enforceRateLimit: false },
})
const { control } = sandbox

/** Every product has its seats at other people, spread evenly over all; every eleventh is a book, which only people hold. */
const furnish = (owner: string): string => {
  const { licenses, principals, seats } = fullSize
  const { tokenFile } = control.addLocation({ uId: location, name: 'Full size', country: 'DE' })
  control.setLimits({ maxRequestPerSecond: requestsPerSecond })
  control.setOwner(location, { id: owner, name: 'Quartermaster', metadata: 'bench' })
  const users = principals / 2
  const userAt = (n: number): Target => ({ kind: 'user', clientUserId: `person${String(n).padStart(6, '0')}@eastmere.example` })
  const deviceAt = (n: number): Target => ({ kind: 'device', serialNumber: `C02Z${String(n).padStart(6, '0')}` })
  for (let n = 0; n < users; n += 1) {
    const target = userAt(n)
    if (target.kind === 'user') control.registerUser(location, { clientUserId: target.clientUserId })
  }
  const perLicense = seats / licenses
  for (let n = 1; n <= licenses; n += 1) {
    const isBook = n % 11 === 0
    const among = isBook ? users : principals
    const step = Math.floor(among / perLicense)
    const heldBy = Array.from({ length: perLicense }, (_, at) => {
      const one = (at * step + n) % among
      return one < users ? userAt(one) : deviceAt(one)
    })
    const available = n % 7 === 0 ? 0 : (n * 37) % 200
    control.own(location, String(900_000_000 + n), { total: perLicense + available, productType: isBook ? 'Book' : 'App', heldBy })
  }
  return tokenFile
}

/** Answers to the lists by address, as the sandbox gave them. */
const recorded = new Map<string, Buffer>()
let asked: string[] = []
const isList = (path: string): boolean => /^\/mdm\/v2\/(assets|assignments|users)(\?|$)/.test(path)

const pass = async (request: IncomingMessage, url: string, body: Buffer): Promise<{ readonly status: number; readonly bytes: Buffer }> => {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers))
    if (typeof value === 'string' && name !== 'host' && name !== 'connection' && name !== 'content-length') headers.set(name, value)
  const answer = await sandbox.fetch(
    new Request(url, { method: request.method ?? 'GET', headers, ...(body.length === 0 ? {} : { body: new Uint8Array(body) }) }),
  )
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
}

const answer = async (request: IncomingMessage, response: ServerResponse, origin: string): Promise<void> => {
  const path = request.url ?? '/'
  const list = request.method === 'GET' && isList(path)
  if (list) asked.push(path)
  const held = list ? recorded.get(path) : undefined
  const body: Buffer[] = []
  for await (const part of request) body.push(part as Buffer)
  const { status, bytes } = held === undefined ? await pass(request, origin + path, Buffer.concat(body)) : { status: 200, bytes: held }
  // A write changes what the lists say.
  if (request.method === 'POST') recorded.clear()
  else if (list && status === 200) recorded.set(path, bytes)
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', 'content-length': bytes.length })
  response.end(bytes)
}

/** Every page once, so that the measured ones come from memory. */
const record = async (origin: string, bearer: string): Promise<void> => {
  for (const list of ['assets', 'assignments', 'users'])
    for (let next: number | undefined = 0; next !== undefined;) {
      const path: string = `${BASE_PATH}/${list}${next === 0 ? '' : `?pageIndex=${next}`}`
      const page = await sandbox.fetch(new Request(origin + path, { headers: { authorization: `Bearer ${bearer}` } }))
      const bytes = Buffer.from(await page.arrayBuffer())
      recorded.set(path, bytes)
      const told: unknown = JSON.parse(bytes.toString())
      const index: unknown = typeof told === 'object' && told !== null ? Reflect.get(told, 'nextPageIndex') : undefined
      next = typeof index === 'number' ? index : undefined
    }
}

const begin = async (tenant: string): Promise<void> => {
  const tokenFile = furnish(tenant)
  const server = createServer((request, response) => {
    answer(request, response, origin).catch((cause: unknown) => {
      process.stderr.write(`${String(cause)}\n`)
      response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  await record(origin, tokenFile)
  process.send?.({ url: origin, tokenFile } satisfies StoreReady)
}

process.on('message', (message: unknown) => {
  if (message === 'asked') {
    process.send?.(asked)
    asked = []
  } else if (typeof message === 'string') void begin(message)
})
process.on('disconnect', () => process.exit(0))
