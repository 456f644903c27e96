/** The sandbox's Store for Business keeps to the vendor's documents: docs/stores/microsoft-store-for-business.md, section 3. */
import { describe, expect, test } from 'vitest'
import { createMicrosoftSandbox } from '../../../server/sandbox/microsoft/microsoft-sandbox.ts'
import type { BusinessSwitches } from '../../../server/sandbox/microsoft/business-switches.ts'
import { handClock, seededChance } from '../../world/hand-clock.ts'
import { CLIENT, SECRET, TENANT } from '../stores/microsoft/microsoft-link.ts'

const START = Date.UTC(2026, 10, 24, 9)
const HOUR = 3_600_000
const host = 'http://microsoft.test'

const openDesk = async (businessSwitches: Partial<BusinessSwitches> = {}) => {
  const clock = handClock(START)
  const sandbox = createMicrosoftSandbox({ clock, chance: seededChance(3), businessSwitches })
  const app = {
    clientId: CLIENT,
    name: 'Quartermaster',
    secrets: [{ value: SECRET, expiresAt: START + 365 * 24 * HOUR }],
    roles: new Set<string>(),
    isManagementTool: true,
    isBlocked: false,
  }
  sandbox.world.tenants.set(TENANT, {
    id: TENANT,
    name: 'Contoso',
    domain: 'contoso.example',
    country: 'GB',
    apps: new Map([[CLIENT, app]]),
  })
  const { business } = sandbox
  const offline = {
    packageId: 'p1',
    contentId: 'c1',
    packageFullName: 'Fabrikam.Kiosk_1.0_x64',
    architectures: ['x64'],
    packageFormat: 'Appx',
    fileSize: 10,
  }
  business.own(TENANT, 'NOTES', { capacity: 3, heldBy: ['Ada@contoso.example'], product: { name: 'Notes', publisher: 'Fabrikam' } })
  business.own(TENANT, 'READER', { capacity: 'unlimited', skuId: '0010', product: { name: 'Reader' } })
  business.own(TENANT, 'KIOSK', { capacity: 9, licenseType: 'Offline', product: { name: 'Kiosk', packages: [offline] } })
  business.addUsers(TENANT, 'ben@contoso.example', 'cem@contoso.example', 'dan@contoso.example')

  const token = async (audience = 'https://onestore.microsoft.com'): Promise<string> => {
    const answer = await sandbox.fetch(
      new Request(`${host}/${TENANT}/oauth2/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: CLIENT, client_secret: SECRET, resource: audience }),
      }),
    )
    const body: unknown = await answer.json()
    return String(Reflect.get(body as object, 'access_token'))
  }
  const bearer = await token()
  const ask = async (method: string, path: string, options: { readonly body?: unknown; readonly as?: string } = {}) => {
    const answer = await sandbox.fetch(
      new Request(`${host}/V1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${options.as ?? bearer}`,
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      }),
    )
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  return { clock, sandbox, business, app, token, ask }
}
const seats = '/Inventory/NOTES/0016/Seats'

describe('what it refuses', () => {
  test.each([
    ['a path that is none', 'GET', '/Licenses', 404],
    ['half a path', 'GET', '/Inventory/NOTES/0016', 404],
    ['a path that goes on', 'GET', `${seats}/ben@contoso.example/more`, 404],
    ['a method that is none', 'PUT', seats, 405],
    ['a method of another operation', 'DELETE', seats, 405],
    ['an offline license by GET', 'GET', '/Products/KIOSK/0016/OfflineLicense/c1', 405],
    ['a parameter that is none', 'GET', '/Inventory?top=5', 400],
    ['a parameter twice', 'GET', '/Inventory?maxResults=5&maxResults=6', 400],
    ['a parameter of another operation', 'GET', `${seats}?modifiedSince=2026-11-01T00:00:00Z`, 400],
    ['a page of 101 seats', 'GET', `${seats}?maxResults=101`, 400],
    ['a page of nothing', 'GET', `${seats}?maxResults=0`, 400],
    ['a kind of license that is none', 'GET', '/Inventory?licenseTypes=leased', 400],
    ['a date without an offset', 'GET', '/Inventory?modifiedSince=2026-11-01T00:00:00', 400],
    ['a token that it never gave', 'GET', '/Inventory?continuationToken=abc', 400],
    ['a language that is none', 'GET', '/Products/NOTES/0016/LocalizedDetails/english_', 400],
    ['a product that it does not know', 'GET', '/Products/NOTHING/0016', 404],
    ['a SKU that it does not know', 'GET', '/Products/NOTES/9999', 404],
    ['seats of an offline license', 'GET', '/Inventory/KIOSK/0016/Seats', 409],
    ['seats of what is not owned', 'GET', '/Inventory/NOTHING/0016/Seats', 404],
    ['a seat that is not there', 'GET', `${seats}/ben@contoso.example`, 404],
    ['a user whom the tenant does not know', 'POST', `${seats}/nobody@contoso.example`, 404],
    ['a user’s seats likewise', 'GET', '/Users/nobody@contoso.example/Seats', 404],
    ['the offline license of an online app', 'POST', '/Products/NOTES/0016/OfflineLicense/c1', 409],
  ])('%s', async (_, method, path, status) => {
    const desk = await openDesk()
    expect((await desk.ask(method, path)).status).toBe(status)
  })

  test('a body where none is taken, and a bulk body with a member that nobody knows', async () => {
    const desk = await openDesk()
    expect((await desk.ask('POST', `${seats}/ben@contoso.example`, { body: { note: 'x' } })).status).toBe(400)
    const bulk = (body: unknown) => desk.ask('POST', seats, { body })
    expect((await bulk({ usernames: ['ben@contoso.example'], seatAction: 'Assign', note: 'x' })).status).toBe(400)
    expect((await bulk({ usernames: [], seatAction: 'Assign' })).status).toBe(400)
    expect((await bulk({ usernames: ['ben@contoso.example'], seatAction: 'Give' })).status).toBe(400)
    expect((await bulk({ usernames: Array.from({ length: 26 }, (_, n) => `u${n}@x`), seatAction: 'Assign' })).status).toBe(400)
    expect(desk.business.holders(TENANT, 'NOTES')).toEqual(['Ada@contoso.example'])
  })

  test('no token, one for another service, one that has run out, and a tool that is not activated', async () => {
    const desk = await openDesk()
    expect((await desk.ask('GET', '/Inventory', { as: 'nothing' })).status).toBe(401)
    expect((await desk.ask('GET', '/Inventory', { as: await desk.token('https://graph.microsoft.com') })).status).toBe(401)
    desk.app.isManagementTool = false
    expect((await desk.ask('GET', '/Inventory')).status).toBe(403)
    desk.app.isManagementTool = true
    expect((await desk.ask('GET', '/Inventory')).status).toBe(200)
    desk.clock.pass(2 * HOUR)
    expect((await desk.ask('GET', '/Inventory')).status).toBe(401)
  })
})

describe('seats', () => {
  test('given and taken: the arithmetic holds, case is no matter, and a second reclaim finds no seat', async () => {
    const desk = await openDesk()
    const counts = async () => {
      const { body } = await desk.ask('GET', '/Inventory?licenseTypes=online')
      const [entry] = body.inventoryEntries
      return [entry.seatCapacity, entry.availableSeats]
    }
    expect(await counts()).toEqual([3, 2])
    expect(await desk.ask('POST', `${seats}/BEN%40contoso.example`)).toMatchObject({
      status: 200,
      body: { assignedTo: 'ben@contoso.example', state: 'Active', productKey: { productId: 'NOTES', skuId: '0016' } },
    })
    expect((await desk.ask('POST', `${seats}/ben%40contoso.example`)).status).toBe(200)
    expect(await counts()).toEqual([3, 1])
    expect((await desk.ask('POST', `${seats}/cem%40contoso.example`)).status).toBe(200)
    expect(await desk.ask('POST', `${seats}/dan%40contoso.example`)).toMatchObject({
      status: 409,
      body: { data: { reason: 'No seats available' } },
    })
    expect(await counts()).toEqual([3, 0])
    expect(await desk.ask('DELETE', `${seats}/ADA%40contoso.example`)).toMatchObject({ status: 200, body: { state: 'Revoked' } })
    expect(await desk.ask('DELETE', `${seats}/ada%40contoso.example`)).toMatchObject({ status: 404, body: { data: { itemType: 'Seat' } } })
    expect(await counts()).toEqual([3, 1])
    expect((await desk.ask('GET', '/Users/cem%40contoso.example/Seats')).body.seats).toHaveLength(1)
  })

  test('what has no limit keeps its count, or counts down where the switch says so', async () => {
    const desk = await openDesk()
    const left = async () =>
      (await desk.ask('GET', '/Inventory')).body.inventoryEntries.find(
        (one: { productKey: { productId: string } }) => one.productKey.productId === 'READER',
      ).availableSeats
    await desk.ask('POST', '/Inventory/READER/0010/Seats/ben@contoso.example')
    expect(await left()).toBe(2_147_483_647)
    desk.business.setSwitches({ openAvailable: 'counted' })
    expect(await left()).toBe(2_147_483_646)
  })

  test('several at once: each is in one of the two lists, and the answer is 200', async () => {
    const desk = await openDesk()
    const { status, body } = await desk.ask('POST', seats, {
      body: {
        usernames: ['ben@contoso.example', 'nobody@contoso.example', 'cem@contoso.example', 'dan@contoso.example'],
        seatAction: 'Assign',
      },
    })
    expect(status).toBe(200)
    expect(body.seatDetails.map(({ assignedTo }: { assignedTo: string }) => assignedTo)).toEqual([
      'ben@contoso.example',
      'cem@contoso.example',
    ])
    expect(body.failedSeatOperations).toMatchObject([
      { userName: 'nobody@contoso.example', failureReason: 'UserNotFound' },
      { userName: 'dan@contoso.example', failureReason: 'No seats available' },
    ])
  })
})

describe('lists', () => {
  test('25 on a page unless asked, and a mark as long as there is more', async () => {
    const desk = await openDesk()
    for (let n = 0; n < 60; n += 1) desk.business.own(TENANT, `P${String(n).padStart(3, '0')}`, { capacity: 1 })
    const first = await desk.ask('GET', '/Inventory')
    expect(first.body.inventoryEntries).toHaveLength(25)
    const names = new Set<string>()
    let pages = 0
    for (let token: string | undefined = ''; token !== undefined; pages += 1) {
      const { body } = await desk.ask('GET', `/Inventory${token === '' ? '' : `?continuationToken=${encodeURIComponent(token)}`}`)
      for (const { productKey } of body.inventoryEntries) names.add(productKey.productId)
      token = body.continuationToken
    }
    expect([pages, names.size]).toEqual([3, 63])
    const other = await desk.ask('GET', `${seats}?continuationToken=${encodeURIComponent(first.body.continuationToken)}`)
    expect(other.status).toBe(400)
  })

  test('marks end where the switch gives them a life', async () => {
    const desk = await openDesk({ continuationLifeMs: 60_000 })
    const { body } = await desk.ask('GET', '/Inventory?maxResults=1')
    const next = `/Inventory?maxResults=1&continuationToken=${encodeURIComponent(body.continuationToken)}`
    expect((await desk.ask('GET', next)).status).toBe(200)
    desk.clock.pass(61_000)
    expect((await desk.ask('GET', next)).body.data).toMatchObject({ parameterName: 'continuationToken', details: 'expired' })
  })

  test('what changed since, what was removed, and each kind by itself', async () => {
    const desk = await openDesk()
    desk.clock.pass(60_000)
    desk.business.remove(TENANT, 'NOTES')
    const since = encodeURIComponent('2026-11-24T09:00:30.0000000+00:00')
    expect((await desk.ask('GET', `/Inventory?modifiedSince=${since}`)).body.inventoryEntries).toMatchObject([
      { productKey: { productId: 'NOTES' }, status: 'Removed' },
    ])
    expect((await desk.ask('GET', '/Inventory?licenseTypes=offline')).body.inventoryEntries).toHaveLength(1)
    expect((await desk.ask('GET', '/Inventory?licenseTypes=online&licenseTypes=offline')).body.inventoryEntries).toHaveLength(3)
  })
})

test('products, languages and packages', async () => {
  const desk = await openDesk()
  expect((await desk.ask('GET', '/Products/NOTES/0016')).body).toMatchObject({ productType: 'Application', supportedLanguages: ['en-us'] })
  expect((await desk.ask('GET', '/Products/NOTES/0016/LocalizedDetails/fr-fr')).body).toMatchObject({
    language: 'en-us',
    displayName: 'Notes',
  })
  const { body } = await desk.ask('GET', '/Products/KIOSK/0016/Packages')
  expect(body.productPackages).toMatchObject([{ packageId: 'p1', architectures: ['x64'] }])
  expect((await desk.ask('GET', '/Products/KIOSK/0016/Packages/p1')).status).toBe(200)
  expect((await desk.ask('GET', '/Products/KIOSK/0016/Packages/p2')).status).toBe(404)
  expect((await desk.ask('POST', '/Products/KIOSK/0016/OfflineLicense/c1')).body).toMatchObject({ contentId: 'c1', requestorId: TENANT })
  desk.business.forget(TENANT, 'KIOSK', '0016', 'Offline')
  expect((await desk.ask('GET', '/Products/KIOSK/0016/Packages')).body.data.reason).toBe('Not owned')
})

test.each(['gone-410', 'gone-404'] as const)('a service that is gone (%s) says the same to everybody', async (service) => {
  const desk = await openDesk({ service })
  const status = Number(service.slice(-3))
  for (const path of ['/Inventory', seats, '/Nothing']) expect((await desk.ask('GET', path, { as: 'nobody' })).status).toBe(status)
})

test('its state can be kept and taken up again', async () => {
  const desk = await openDesk()
  const kept: unknown = JSON.parse(JSON.stringify(desk.business.snapshot()))
  const other = await openDesk()
  other.business.forget(TENANT, 'NOTES')
  expect(other.business.restore(kept).ok).toBe(true)
  expect(other.business.entries(TENANT)).toEqual(desk.business.entries(TENANT))
  expect(other.business.restore({ tenants: [{ id: TENANT, users: [], entries: [{}] }], products: [] }).ok).toBe(false)
  expect(other.business.entries(TENANT)).toHaveLength(3)
})

describe('the control page', () => {
  const post = (desk: Awaited<ReturnType<typeof openDesk>>, body: unknown, headers: Record<string, string> = {}) =>
    desk.sandbox.fetch(
      new Request(`${host}/control/business/act`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    )
  test('it shows what there is, gives and takes, and turns switches', async () => {
    const desk = await openDesk()
    expect(await (await desk.sandbox.fetch(new Request(`${host}/control/business`))).text()).toContain('Notes')
    expect((await post(desk, { act: 'assign', tenant: TENANT, product: 'NOTES', user: 'ben@contoso.example' })).status).toBe(200)
    expect(desk.business.holders(TENANT, 'NOTES')).toHaveLength(2)
    expect((await post(desk, { act: 'switch', name: 'service', value: 'gone-410' })).status).toBe(200)
    expect((await desk.ask('GET', '/Inventory')).status).toBe(410)
    expect((await post(desk, { act: 'switch', name: 'requestsPerSecond', value: '' })).status).toBe(200)
  })
  test.each([
    [{ act: 'burn', tenant: TENANT }],
    [{ act: 'assign', tenant: TENANT, product: 'NOTHING', user: 'ben@contoso.example' }],
    [{ act: 'assign', tenant: TENANT, product: 'NOTES', user: 'ben@contoso.example', note: 'x' }],
    [{ act: 'switch', name: 'service', value: 'tired' }],
    [{ act: 'switch', name: 'bulkMost', value: '' }],
    [{ act: 'set-capacity', tenant: TENANT, product: 'NOTES', capacity: '-1' }],
  ])('it refuses %j', async (body) => {
    const desk = await openDesk()
    expect((await post(desk, body)).status).toBe(400)
  })
  test('another site’s page moves nothing', async () => {
    const desk = await openDesk()
    const act = { act: 'assign', tenant: TENANT, product: 'NOTES', user: 'ben@contoso.example' }
    expect((await post(desk, act, { origin: 'https://elsewhere.example' })).status).toBe(403)
    expect(desk.business.holders(TENANT, 'NOTES')).toHaveLength(1)
  })
})
