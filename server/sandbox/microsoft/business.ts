/**
 * The Store for Business, played from a state of its own: nothing in it is more helpful than the vendor's documents say.
 * It refuses every path, method, parameter and member of a body that it does not know.
 * Source: docs/stores/microsoft-store-for-business.md, section 3.
 */
import { Hono } from 'hono'
import { err, ok, type Result } from '../../../shared/result.ts'
import {
  conflict,
  entryBody,
  invalidParameter,
  itemNotFound,
  localizedBody,
  offlineLicenseBody,
  packageBody,
  productBody,
  seatBody,
  written,
  type BusinessRefusal,
  type Json,
} from './business-answers.ts'
import { MOST_SEATS_ON_A_PAGE, pageOf, type PageRequest } from './business-lists.ts'
import {
  findEntries,
  freeSeats,
  listedEntries,
  type BusinessProduct,
  type BusinessSeat,
  type BusinessState,
  type BusinessTenant,
  type InventoryEntry,
} from './business-state.ts'
import type { BusinessSwitches } from './business-switches.ts'
import { holderOf, htmlPage, JSON_TYPE, served, type ErrorAnswer } from './door.ts'
import type { Fault, StoreForBusinessEndpoint } from './faults.ts'
import type { LoggedRequest } from './request-log.ts'
import { STORE_AUDIENCE } from './tenant-state.ts'
import type { MicrosoftWorld } from './world.ts'

export const BUSINESS_PATH = '/V1'

/** What the rules of this store are handed. */
export interface BusinessWorld {
  readonly world: MicrosoftWorld
  state: BusinessState
  switches: BusinessSwitches
}

type Answered = Result<Json, BusinessRefusal>

interface Asked {
  readonly method: string
  readonly query: URLSearchParams
  /** Undefined: none was sent. */
  readonly body: string | undefined
  readonly tenantId: string
  readonly tenant: BusinessTenant
  readonly faults: readonly Fault[]
  readonly now: number
}

interface Operation {
  readonly endpoint: StoreForBusinessEndpoint
  readonly method: string
  readonly parameters: readonly string[]
  readonly takesBody?: true
  readonly answer: (business: BusinessWorld, asked: Asked) => Answered
}

const ISO_WITH_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,7})?(Z|[+-]\d{2}:\d{2})$/
const list = ['continuationToken', 'maxResults'] as const

const pageRequest = (
  { switches }: BusinessWorld,
  { query, faults, now }: Asked,
  name: string,
  member: PageRequest['member'],
  mostOnAPage: number,
): PageRequest => ({ query, faults, now, switches, list: name, member, mostOnAPage })

// ---- Inventory and products ----

const inventory = (business: BusinessWorld, asked: Asked): Answered => {
  const { switches } = business
  const types = asked.query.getAll('licenseTypes').map((type) => type.toLowerCase())
  if (types.some((type) => type !== 'online' && type !== 'offline'))
    return err(invalidParameter('licenseTypes', 'must be online or offline'))
  const since = asked.query.get('modifiedSince')
  const sinceMs = since === null ? undefined : ISO_WITH_OFFSET.test(since) ? Date.parse(since) : Number.NaN
  if (sinceMs !== undefined && Number.isNaN(sinceMs))
    return err(invalidParameter('modifiedSince', 'must be a date and time with an offset'))
  const entries = listedEntries(asked.tenant).filter(
    ({ licenseType, lastModified }) =>
      // A kind that nobody documented is in no filter.
      (types.length === 0 || types.includes(licenseType.toLowerCase()) || !['Online', 'Offline'].includes(licenseType)) &&
      (sinceMs === undefined || lastModified + switches.clockSkewMs > sinceMs),
  )
  const name = `inventory/${types.join()}/${since ?? ''}`
  return pageOf(
    pageRequest(business, asked, name, 'inventoryEntries', switches.inventoryPageMost),
    entries.map((entry) => entryBody(switches, entry)),
  )
}

const mustFindProduct = ({ state }: BusinessWorld, productId: string, skuId: string): Result<BusinessProduct, BusinessRefusal> => {
  const product = state.products.get(`${productId}/${skuId}`)
  return product === undefined ? err(itemNotFound('Product/SKU', productId, skuId)) : ok(product)
}

const product =
  (productId: string, skuId: string): Operation['answer'] =>
  (business) => {
    const found = mustFindProduct(business, productId, skuId)
    return found.ok ? ok(productBody(business.switches, found.value)) : found
  }

const localized =
  (productId: string, skuId: string, language: string): Operation['answer'] =>
  (business) => {
    if (!/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(language)) return err(invalidParameter('language', 'must be like en-us'))
    const found = mustFindProduct(business, productId, skuId)
    if (!found.ok) return found
    const body = localizedBody(business.switches, found.value, language)
    return body === undefined ? err(itemNotFound('Product/SKU', productId, skuId, language)) : ok(body)
  }

const offlineLicense =
  (productId: string, skuId: string, contentId: string): Operation['answer'] =>
  (business, { tenant, tenantId }) => {
    const found = mustFindProduct(business, productId, skuId)
    if (!found.ok) return found
    const entries = findEntries(tenant, productId, skuId)
    if (entries.length === 0) return err(conflict('Not owned'))
    if (entries.every(({ licenseType }) => licenseType === 'Online')) return err(conflict('Not offline'))
    if (!found.value.packages.some((one) => one.contentId === contentId))
      return err(itemNotFound('Product/SKU', productId, skuId, contentId))
    return ok(offlineLicenseBody(tenantId, found.value, contentId))
  }

const packages =
  (productId: string, skuId: string, packageId?: string): Operation['answer'] =>
  (business, { tenant, now }) => {
    const found = mustFindProduct(business, productId, skuId)
    if (!found.ok) return found
    if (findEntries(tenant, productId, skuId).length === 0) return err(conflict('Not owned'))
    const bodies = found.value.packages.map((one) => packageBody(business.switches, found.value, one, now))
    if (packageId === undefined) return ok({ packageSetId: `${productId}-${skuId}`, productPackages: bodies })
    const one = bodies.find((body) => body['packageId'] === packageId)
    return one === undefined ? err(itemNotFound('Product/SKU', productId, skuId, packageId)) : ok(one)
  }

// ---- Seats ----

const mustFindOnline = (tenant: BusinessTenant, productId: string, skuId: string): Result<InventoryEntry, BusinessRefusal> => {
  const entries = findEntries(tenant, productId, skuId).filter(({ status }) => status === 'Active')
  const online = entries.find(({ licenseType }) => licenseType === 'Online')
  if (online !== undefined) return ok(online)
  return entries.length === 0 ? err(itemNotFound('Inventory', productId, skuId)) : err(conflict('Not online'))
}

const seatsOf =
  (productId: string, skuId: string): Operation['answer'] =>
  (business, asked) => {
    const entry = mustFindOnline(asked.tenant, productId, skuId)
    if (!entry.ok) return entry
    return pageOf(
      pageRequest(business, asked, `seats/${productId}/${skuId}`, 'seats', MOST_SEATS_ON_A_PAGE),
      [...entry.value.seats.values()].map((seat) => seatBody(entry.value, seat)),
    )
  }

const noSeatLeft = ({ switches }: BusinessWorld): BusinessRefusal =>
  switches.noSeatLeft === '409' ? conflict('No seats available') : invalidParameter('username', 'No seats available')

/** Takes a seat, or finds that this user has one. Stock is looked at here and nowhere earlier. */
export const takeBusinessSeat = (
  business: BusinessWorld,
  tenant: BusinessTenant,
  entry: InventoryEntry,
  username: string,
  now: number,
): Result<BusinessSeat, BusinessRefusal> => {
  const known = tenant.users.get(username.toLowerCase())
  if (known === undefined) return err(itemNotFound('User', username))
  const held = entry.seats.get(known.toLowerCase())
  if (held !== undefined) return ok(held)
  if (entry.policy === 'Restricted' && freeSeats(entry) < 1) return err(noSeatLeft(business))
  const seat: BusinessSeat = { assignedTo: known, assignedAt: now }
  entry.seats.set(known.toLowerCase(), seat)
  entry.lastModified = now
  return ok(seat)
}

export const reclaimBusinessSeat = (entry: InventoryEntry, username: string, now: number): Result<BusinessSeat, BusinessRefusal> => {
  const seat = entry.seats.get(username.toLowerCase())
  if (seat === undefined) return err(itemNotFound('Seat', entry.productId, entry.skuId, username))
  entry.seats.delete(username.toLowerCase())
  entry.lastModified = now
  return ok(seat)
}

const seat =
  (productId: string, skuId: string, username: string, act: 'read' | 'assign' | 'reclaim'): Operation['answer'] =>
  (business, asked) => {
    const { tenant, now, faults } = asked
    const found = mustFindOnline(tenant, productId, skuId)
    if (!found.ok) return found
    const entry = found.value
    if (faults.some(({ is }) => is === 'without-effect'))
      return ok(seatBody(entry, { assignedTo: username, assignedAt: now }, act === 'reclaim' ? 'Revoked' : 'Active'))
    if (act === 'assign') {
      const taken = takeBusinessSeat(business, tenant, entry, username, now)
      return taken.ok ? ok(seatBody(entry, taken.value)) : taken
    }
    if (act === 'reclaim') {
      const given = reclaimBusinessSeat(entry, username, now)
      return given.ok ? ok(seatBody(entry, given.value, 'Revoked')) : given
    }
    const held = entry.seats.get(username.toLowerCase())
    return held === undefined ? err(itemNotFound('Seat', productId, skuId, username)) : ok(seatBody(entry, held))
  }

interface BulkBody {
  readonly usernames: readonly string[]
  readonly action: 'assign' | 'reclaim'
}

const readBulk = ({ switches }: BusinessWorld, text: string | undefined): Result<BulkBody, BusinessRefusal> => {
  let body: unknown
  try {
    body = JSON.parse(text ?? '')
  } catch {
    return err(invalidParameter('body', 'must be JSON'))
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return err(invalidParameter('body', 'must be an object'))
  const odd = Object.keys(body).find((name) => name !== 'usernames' && name !== 'seatAction')
  if (odd !== undefined) return err(invalidParameter(odd, 'not known'))
  const usernames: unknown = Reflect.get(body, 'usernames')
  const action: unknown = Reflect.get(body, 'seatAction')
  if (action !== 'Assign' && action !== 'Reclaim') return err(invalidParameter('seatAction', 'must be Assign or Reclaim'))
  if (!Array.isArray(usernames) || usernames.length === 0 || !usernames.every((name) => typeof name === 'string' && name !== ''))
    return err(invalidParameter('usernames', 'must name at least one user'))
  if (usernames.length > switches.bulkMost) return err(invalidParameter('usernames', `at most ${switches.bulkMost}`))
  return ok({ usernames: usernames as readonly string[], action: action === 'Assign' ? 'assign' : 'reclaim' })
}

const reasonOf = ({ body }: BusinessRefusal): string => {
  const data: unknown = body['data']
  const itemType: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, 'itemType') : undefined
  return typeof itemType === 'string' ? `${itemType}NotFound` : String(body['message'])
}

/** All of them are tried; who failed is named. The answer is 200 whatever came of them. */
const bulk =
  (productId: string, skuId: string): Operation['answer'] =>
  (business, asked) => {
    const { switches } = business
    if (switches.bulk !== 'json-body')
      return err({ status: Number(switches.bulk), body: { code: 'NotSupported', message: 'Not supported' } })
    const { tenant, now, faults } = asked
    const found = mustFindOnline(tenant, productId, skuId)
    if (!found.ok) return found
    const read = readBulk(business, asked.body)
    if (!read.ok) return read
    const entry = found.value
    const seatDetails: Json[] = []
    const failedSeatOperations: Json[] = []
    const done: { readonly place: number; readonly failed: boolean }[] = []
    read.value.usernames.forEach((username, place) => {
      const outcome =
        read.value.action === 'assign'
          ? takeBusinessSeat(business, tenant, entry, username, now)
          : reclaimBusinessSeat(entry, username, now)
      done.push({ place, failed: !outcome.ok })
      if (outcome.ok) seatDetails.push(seatBody(entry, outcome.value, read.value.action === 'assign' ? 'Active' : 'Revoked'))
      else failedSeatOperations.push({ failureReason: reasonOf(outcome.error), productKey: { productId, skuId }, userName: username })
    })
    if (!faults.some(({ is }) => is === 'bulk-mixed')) return ok({ seatDetails, failedSeatOperations })
    const last = done.at(-1)
    if (last?.failed === true) failedSeatOperations.pop()
    else seatDetails.pop()
    return ok({ seatDetails: seatDetails.reverse(), failedSeatOperations: failedSeatOperations.reverse() })
  }

const seatsOfUser =
  (username: string): Operation['answer'] =>
  (business, asked) => {
    const { tenant } = asked
    const known = tenant.users.get(username.toLowerCase())
    if (known === undefined) return err(itemNotFound('User', username))
    const held = listedEntries(tenant).flatMap((entry) => {
      const one = entry.seats.get(known.toLowerCase())
      return one === undefined || entry.status !== 'Active' ? [] : [seatBody(entry, one)]
    })
    return pageOf(pageRequest(business, asked, `user/${known.toLowerCase()}`, 'seats', MOST_SEATS_ON_A_PAGE), held)
  }

// ---- The door ----

/** The operations at one path; empty: the path is none. */
const operationsAt = (parts: readonly string[]): readonly Operation[] => {
  const [head, first = '', second = '', third, fourth, ...more] = parts
  if (more.length > 0) return []
  const get = (endpoint: StoreForBusinessEndpoint, answer: Operation['answer'], parameters: readonly string[] = []): Operation => ({
    endpoint,
    method: 'GET',
    parameters,
    answer,
  })
  if (head === 'Inventory') {
    if (parts.length === 1) return [get('business-inventory', inventory, [...list, 'modifiedSince', 'licenseTypes'])]
    if (third !== 'Seats' || first === '' || second === '') return []
    if (fourth === undefined)
      return [
        get('business-seats', seatsOf(first, second), list),
        { endpoint: 'business-bulk', method: 'POST', parameters: [], takesBody: true, answer: bulk(first, second) },
      ]
    return [
      get('business-seat', seat(first, second, fourth, 'read')),
      { endpoint: 'business-assign', method: 'POST', parameters: [], answer: seat(first, second, fourth, 'assign') },
      { endpoint: 'business-reclaim', method: 'DELETE', parameters: [], answer: seat(first, second, fourth, 'reclaim') },
    ]
  }
  if (head === 'Users') return parts.length === 3 && second === 'Seats' ? [get('business-user-seats', seatsOfUser(first), list)] : []
  if (head !== 'Products' || first === '' || second === '') return []
  if (third === undefined) return [get('business-product', product(first, second))]
  if (third === 'LocalizedDetails' && fourth !== undefined) return [get('business-localized', localized(first, second, fourth))]
  if (third === 'OfflineLicense' && fourth !== undefined)
    return [{ endpoint: 'business-offline-license', method: 'POST', parameters: [], answer: offlineLicense(first, second, fourth) }]
  if (third === 'Packages') return [get(fourth === undefined ? 'business-packages' : 'business-package', packages(first, second, fourth))]
  return []
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The requests of the last second, tenant by tenant. */
const createThrottle = (business: BusinessWorld) => {
  const recent = new Map<string, number[]>()
  return (tenantId: string): boolean => {
    const most = business.switches.requestsPerSecond
    if (most === null) return true
    const now = business.world.clock.now()
    const times = (recent.get(tenantId) ?? []).filter((at) => at > now - 1000)
    recent.set(tenantId, times)
    if (times.length >= most) return false
    times.push(now)
    return true
  }
}

export const createBusiness = (business: BusinessWorld): Hono => {
  const { world } = business
  const mayRequest = createThrottle(business)
  const app = new Hono()

  const withDate = (headers: Readonly<Record<string, string>>): Record<string, string> => ({
    ...headers,
    date: new Date(world.clock.now() + business.switches.clockSkewMs).toUTCString(),
  })
  const refusal = ({ status, body }: BusinessRefusal, headers: Readonly<Record<string, string>> = {}): Response => {
    const mode = business.switches.errorBodies
    if (mode === 'html')
      return new Response(htmlPage(status, `${status}`).body, { status, headers: withDate({ 'content-type': 'text/html', ...headers }) })
    const text = mode === 'empty' ? '' : JSON.stringify(written(business.switches, body))
    return new Response(text, { status, headers: withDate({ ...JSON_TYPE, ...headers }) })
  }
  const errorAnswer: ErrorAnswer = (status, headers, code = 'Error', message = '') => refusal({ status, body: { code, message } }, headers)

  const judged = async (
    request: Request,
    operation: Operation | undefined,
    allowed: string,
    entry: LoggedRequest,
    faults: readonly Fault[],
  ) => {
    const { service } = business.switches
    if (service !== 'live')
      return refusal({ status: service === 'gone-410' ? 410 : 404, body: { code: 'Gone', message: 'The service was retired' } })
    const holder = holderOf(world, request, STORE_AUDIENCE)
    if (holder === undefined)
      return refusal({ status: 401, body: { code: 'Unauthorized', message: '' } }, { 'www-authenticate': 'Bearer error="invalid_token"' })
    entry.tenantId = holder.tenant.id
    if (!holder.app.isManagementTool) return refusal({ status: 403, body: { code: 'Forbidden', message: 'The tool is not activated' } })
    if (!mayRequest(holder.tenant.id))
      return refusal({ status: 429, body: { code: 'TooManyRequests', message: '' } }, { 'retry-after': '1' })
    if (allowed === '') return refusal({ status: 404, body: { code: 'NotFound', message: 'No such path' } })
    if (operation === undefined) return refusal({ status: 405, body: { code: 'MethodNotAllowed', message: '' } }, { allow: allowed })
    const { searchParams } = new URL(request.url)
    for (const name of searchParams.keys())
      if (!operation.parameters.includes(name) || (name !== 'licenseTypes' && searchParams.getAll(name).length > 1))
        return refusal(invalidParameter(name, 'not known here'))
    const body = request.method === 'GET' ? '' : await request.text()
    if (body !== '' && operation.takesBody !== true) return refusal(invalidParameter('body', 'not taken here'))
    if (operation.takesBody === true && !/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
      return refusal({ status: 415, body: { code: 'UnsupportedMediaType', message: '' } })
    const tenant = business.state.tenants.get(holder.tenant.id) ?? { entries: new Map(), users: new Map() }
    const answer = operation.answer(business, {
      method: request.method,
      query: searchParams,
      body: body === '' ? undefined : body,
      tenantId: holder.tenant.id,
      tenant,
      faults,
      now: world.clock.now(),
    })
    if (!answer.ok) return refusal(answer.error)
    return new Response(JSON.stringify(written(business.switches, answer.value)), { status: 200, headers: withDate(JSON_TYPE) })
  }

  app.all(`${BUSINESS_PATH}/*`, async (c) => {
    const request = c.req.raw
    const parts = new URL(request.url).pathname
      .slice(BUSINESS_PATH.length + 1)
      .split('/')
      .map(decoded)
    const operations = operationsAt(parts)
    const operation = operations.find(({ method }) => method === request.method)
    const tenantId = holderOf(world, request, STORE_AUDIENCE)?.tenant.id
    return await served(world, request, operation?.endpoint ?? 'unknown', tenantId, errorAnswer, (entry, faults) =>
      judged(request, operation, operations.map(({ method }) => method).join(', '), entry, faults),
    )
  })
  return app
}
