/** The device API: an organisation's devices, read only, in the JSON:API style. Source: docs/stores/apple-apps-and-books.md, 6.3. */
import { Hono } from 'hono'
import { sleep } from '../../../shared/clock.ts'
import { createTokenDesk, findAccount, TOKEN_PATH } from './device-auth.ts'
import type { FoundAccount } from './device-auth.ts'
import type { DeviceOrganisation, DeviceServer, OrgDevice } from './device-state.ts'
import type { Endpoint, Fault } from './faults.ts'
import { uuid } from './made-ids.ts'
import { connectionCut } from './protocol.ts'
import { shapeOf } from './request-log.ts'
import type { LoggedRequest, RequestLog } from './request-log.ts'
import type { AppleWorld } from './world.ts'

export { TOKEN_PATH } from './device-auth.ts'
export const DEVICES_PATH = '/v1'

const MOST_PER_PAGE = 1000
const USUAL_PER_PAGE = 100
const FIELDS = [
  'serialNumber',
  'productFamily',
  'productType',
  'deviceModel',
  'status',
  'addedToOrgDateTime',
  'updatedDateTime',
  'releasedFromOrgDateTime',
]

const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' } as const
const time = (ms: number): string => new Date(ms).toISOString()

const json = (body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { ...JSON_TYPE, ...headers } })

const htmlPage = (status: number, title: string): Response =>
  new Response(`<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`, {
    status,
    headers: { 'content-type': 'text/html' },
  })

const TITLES: Readonly<Record<number, readonly [code: string, title: string]>> = {
  400: ['PARAMETER_ERROR.INVALID', 'A parameter has an invalid value'],
  401: ['NOT_AUTHORIZED', 'Authentication credentials are missing or invalid.'],
  403: ['FORBIDDEN', 'The API key in use does not allow this request'],
  404: ['NOT_FOUND', 'The specified resource does not exist'],
  405: ['METHOD_NOT_ALLOWED', 'The request method is not valid for the resource path.'],
  429: ['RATE_LIMIT_EXCEEDED', 'The request rate limit has been reached.'],
  500: ['UNEXPECTED_ERROR', 'An unexpected error occurred.'],
  503: ['SERVICE_UNAVAILABLE', 'The service is not available.'],
}

const problem = (world: AppleWorld, status: number, retryAfter?: string): Response => {
  const [code, title] = TITLES[status] ?? ['UNEXPECTED_ERROR', 'An unexpected error occurred.']
  const errors = [{ id: uuid(world.chance), status: String(status), code, title, detail: title }]
  return json({ errors }, status, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
}

const struckBefore = (world: AppleWorld, faults: readonly Fault[]): Response | undefined => {
  for (const fault of faults) {
    if (fault.is === 'connection-cut' && fault.when === 'before') throw connectionCut()
    if (fault.is === 'bad-gateway' && fault.when === 'before') return htmlPage(502, '502 Bad Gateway')
    if (fault.is === 'rate-limited') return problem(world, 429, fault.retryAfter)
    if (fault.is === 'unavailable') return problem(world, 503, fault.retryAfter)
    if (fault.is === 'apple-error') return problem(world, 500)
    if (fault.is === 'empty-body') return new Response('', { status: 200, headers: JSON_TYPE })
    if (fault.is === 'redirect') return new Response(null, { status: 307, headers: { location: fault.to } })
  }
  return undefined
}

const struckAfter = async (answer: Response, faults: readonly Fault[]): Promise<Response> => {
  for (const fault of faults) {
    if (fault.is === 'connection-cut' && fault.when === 'after') throw connectionCut()
    if (fault.is === 'bad-gateway' && fault.when === 'after') return htmlPage(502, '502 Bad Gateway')
    if (fault.is === 'truncated-body') {
      const text = await answer.text()
      return new Response(text.slice(0, Math.floor(text.length / 2)), { status: answer.status, headers: answer.headers })
    }
  }
  return answer
}

/** The cursor names the last item of the page before, so that an item that leaves meanwhile moves no other. */
const cursorAfter = (id: string): string => Buffer.from(JSON.stringify(['after', id])).toString('base64url')
const idInCursor = (cursor: string | null): string | undefined => {
  if (cursor === null) return ''
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(read) && read[0] === 'after' && typeof read[1] === 'string' ? read[1] : undefined
  } catch {
    return undefined
  }
}

/** `isOne`: only asked one by one does Apple tell when a device was released. */
const resourceOf = (world: AppleWorld, url: URL, device: OrgDevice, isOne: boolean): Record<string, unknown> => {
  const wanted = url.searchParams.get('fields[orgDevices]')?.split(',')
  const released = isOne || world.switches.releasedDevices === 'listed' ? { releasedFromOrgDateTime: null } : {}
  const attributes: Record<string, unknown> = {
    serialNumber: device.serialNumber,
    addedToOrgDateTime: time(device.addedAt),
    updatedDateTime: time(device.updatedAt),
    deviceModel: device.deviceModel,
    productFamily: device.productFamily,
    productType: device.productType,
    status: device.server === null ? 'UNASSIGNED' : 'ASSIGNED',
    ...released,
    ...(device.releasedAt === null || !('releasedFromOrgDateTime' in released) ? {} : { releasedFromOrgDateTime: time(device.releasedAt) }),
  }
  const self = `${url.origin}${DEVICES_PATH}/orgDevices/${device.serialNumber}`
  return {
    type: 'orgDevices',
    id: device.serialNumber,
    attributes:
      wanted === undefined ? attributes : Object.fromEntries(Object.entries(attributes).filter(([name]) => wanted.includes(name))),
    relationships: { assignedServer: { links: { self: `${self}/relationships/assignedServer`, related: `${self}/assignedServer` } } },
    links: { self },
  }
}

const serverResource = (url: URL, { id, name, createdAt }: DeviceServer): Record<string, unknown> => ({
  type: 'mdmServers',
  id,
  attributes: { serverName: name, serverType: 'MDM', createdDateTime: time(createdAt), updatedDateTime: time(createdAt) },
  relationships: { devices: { links: { self: `${url.origin}${DEVICES_PATH}/mdmServers/${id}/relationships/devices` } } },
})

/** One page of what has an id, in the order of ids. Undefined: a parameter is none. */
const pageOf = <Item>(
  world: AppleWorld,
  url: URL,
  items: ReadonlyMap<string, Item>,
  view: (item: Item, id: string) => Record<string, unknown>,
  faults: readonly Fault[],
): Record<string, unknown> | undefined => {
  const asked = url.searchParams.get('limit')
  const limit = asked === null ? USUAL_PER_PAGE : /^\d{1,4}$/.test(asked) ? Number(asked) : 0
  const after = idInCursor(url.searchParams.get('cursor'))
  if (limit < 1 || limit > MOST_PER_PAGE || after === undefined) return undefined
  const size = Math.min(limit, world.switches.devicePageSize)
  const rest = [...items.keys()].filter((id) => id > after).sort()
  const isStruck = (name: Fault['is']): boolean => faults.some(({ is }) => is === name)
  const ids = isStruck('empty-list') || isStruck('empty-page') ? [] : rest.slice(0, size)
  const last = rest[Math.min(size, rest.length) - 1]
  const isEnd = isStruck('empty-list') || rest.length <= size || last === undefined
  const next = isStruck('page-loop') ? (url.searchParams.get('cursor') ?? cursorAfter('')) : isEnd ? undefined : cursorAfter(last)
  const to = new URL(url.href)
  if (next !== undefined) to.searchParams.set('cursor', next)
  return {
    data: ids.flatMap((id) => {
      const item = items.get(id)
      return item === undefined ? [] : [view(item, id)]
    }),
    links: { self: url.href, ...(next === undefined ? {} : { next: to.href }) },
    meta: { paging: { limit: size, ...(next === undefined ? {} : { nextCursor: next }) } },
  }
}

const listed = (world: AppleWorld, { devices }: DeviceOrganisation): ReadonlyMap<string, OrgDevice> =>
  world.switches.releasedDevices === 'listed' ? devices : new Map([...devices].filter(([, { releasedAt }]) => releasedAt === null))

const isFieldsKnown = (url: URL): boolean =>
  (url.searchParams.get('fields[orgDevices]') ?? '').split(',').every((name) => name === '' || FIELDS.includes(name))

const endpointOf = (path: string): Endpoint | 'unknown' => {
  if (path === '/orgDevices') return 'org-devices'
  if (/^\/orgDevices\/[^/]+$/.test(path)) return 'org-device'
  return path === '/mdmServers' || /^\/mdmServers\/[^/]+\/relationships\/devices$/.test(path) ? 'mdm-servers' : 'unknown'
}

const answerTo = (world: AppleWorld, url: URL, path: string, organisation: DeviceOrganisation, faults: readonly Fault[]): Response => {
  const [, kind = '', id = ''] = path.split('/').map(decodeURIComponent)
  const page = (body: Record<string, unknown> | undefined): Response => (body === undefined ? problem(world, 400) : json(body))
  if (kind === 'orgDevices' && !isFieldsKnown(url)) return problem(world, 400)
  switch (endpointOf(path)) {
    case 'org-devices':
      return page(pageOf(world, url, listed(world, organisation), (device) => resourceOf(world, url, device, false), faults))
    case 'org-device': {
      const device = organisation.devices.get(id)
      return device === undefined ? problem(world, 404) : json({ data: resourceOf(world, url, device, true), links: { self: url.href } })
    }
    case 'mdm-servers': {
      if (id === '') return page(pageOf(world, url, organisation.servers, (server) => serverResource(url, server), faults))
      if (!organisation.servers.has(id)) return problem(world, 404)
      const assigned = new Map([...listed(world, organisation)].filter(([, { server }]) => server === id))
      return page(pageOf(world, url, assigned, (_, serial) => ({ type: 'orgDevices', id: serial }), faults))
    }
    default:
      return problem(world, 404)
  }
}

/** Whose access token it is; undefined when it is nobody's, or has run out. */
const holderOf = (world: AppleWorld, request: Request): FoundAccount | undefined => {
  const token = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1]
  const access = token === undefined ? undefined : world.accessTokens.get(token)
  if (access === undefined || access.expiresAt <= world.clock.now()) return undefined
  const found = findAccount(world, access.clientId)
  return found === undefined || found.account.revoked ? undefined : found
}

export const createDeviceApi = (world: AppleWorld, log: RequestLog): Hono => {
  const grant = createTokenDesk(world)
  const app = new Hono()

  /** 1. The log. 2. Armed trouble. 3. The answer. */
  const served = async (
    request: Request,
    endpoint: Endpoint | 'unknown',
    answer: (entry: LoggedRequest, faults: readonly Fault[]) => Promise<Response> | Response,
  ): Promise<Response> => {
    const url = new URL(request.url)
    const entry = log.open(world.clock.now(), request.method, url.pathname + url.search, endpoint)
    const faults = endpoint === 'unknown' ? [] : world.faults.take(endpoint, undefined)
    entry.faults = faults.map(({ is }) => is)
    for (const fault of faults) if (fault.is === 'slow') await sleep(world.clock, fault.ms)
    const full = struckBefore(world, faults) ?? (await struckAfter(await answer(entry, faults), faults))
    entry.status = full.status
    return full
  }

  app.all(TOKEN_PATH, (c) =>
    served(c.req.raw, 'device-token', async (entry) => {
      if (c.req.method !== 'POST') return problem(world, 405)
      if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
        return json({ error: 'invalid_request' }, 400)
      const form = new URLSearchParams(await c.req.text())
      const { status, body, why } = grant(form)
      entry.body = { ...shapeOf(Object.fromEntries(form)), why }
      return json(body, status)
    }),
  )

  app.all(`${DEVICES_PATH}/*`, (c) => {
    const url = new URL(c.req.url)
    const path = url.pathname.slice(DEVICES_PATH.length)
    return served(c.req.raw, endpointOf(path), (_, faults) => {
      const holder = holderOf(world, c.req.raw)
      if (holder === undefined) return problem(world, 401)
      if (holder.account.role === 'no-rights') return problem(world, 403)
      if (c.req.method !== 'GET') return problem(world, 405)
      return answerTo(world, url, path, holder.organisation, faults)
    })
  })
  return app
}
