/** Cases of docs/stores/microsoft-store-for-business.md, section 6, through the whole product: the token, the line, and a store that is gone. */
import { describe, expect, test } from 'vitest'
import {
  CLIENT,
  DAY,
  HOUR,
  MINUTE,
  SECRET,
  TENANT,
  credential,
  found,
  notes,
  openContoso,
  openHouse,
  user,
  users,
} from './business-house.ts'

describe('case 1: a token whose figures are texts', () => {
  test('case 1: it is asked for once, and renewed before it ends', async () => {
    await using house = await openContoso({ heldBy: users(2) })
    const after = house.asked('token')
    await house.sync(house.id)
    expect(house.asked('token')).toBe(after)
    // 3599 seconds as a text: five minutes before its end a new one is asked for.
    await house.clock.pass(56 * MINUTE)
    await house.sync(house.id)
    expect(house.asked('token')).toBe(after + 1)
    expect(house.world.log.all().filter(({ status }) => status === 401)).toEqual([])
  })
})

describe('case 2: the token ends midway', () => {
  test('case 2: on the third page: it is renewed once, and nothing is there twice', async () => {
    await using house = await openContoso({ heldBy: users(350), capacity: 500 })
    const tokens = house.asked('token')
    house.world.faults.arm({ fault: { is: 'token-refused' }, endpoint: 'business-seats', skip: 2, times: 1 })
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded', changed: { seats: 0, users: 0 } })
    expect(house.asked('token')).toBe(tokens + 1)
    expect(await house.seats(house.licenseId)).toEqual(found(...users(350)))
  })
})

describe('case 3: the secret has expired', () => {
  test('case 3: cause and day are named, it is not asked all day, and the data stays', async () => {
    await using house = await openContoso({ heldBy: users(2) })
    for (const secret of house.app.secrets) secret.expiresAt = house.clock.now()
    await house.clock.pass(2 * HOUR)
    expect(await house.status(house.id)).toContain('credential-expired')
    const { lastSync } = await house.connector(house.id)
    expect(lastSync.error).toMatchObject({ code: 'credential-expired', text: expect.stringMatching(/AADSTS7000222.*2026-11-24/) })
    const tokens = house.asked('token')
    await house.clock.pass(12 * HOUR)
    expect(house.asked('token') - tokens).toBeLessThanOrEqual(1)
    expect(await house.seats(house.licenseId)).toHaveLength(2)
    house.app.secrets = [{ value: 'another~Client.Secret_8Q', expiresAt: house.clock.now() + DAY }]
    const renewed = await house.ask('PUT', `connectors/${house.id}/credential`, { clientSecret: 'another~Client.Secret_8Q' })
    expect(renewed.status).toBe(200)
    await house.settle(MINUTE)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })
})

describe('case 4: the app is not activated in the store', () => {
  test('case 4: it can sign in, and says what is to be done in the portal', async () => {
    await using house = await openHouse()
    house.app.isManagementTool = false
    const refused = await house.ask('POST', 'connectors', { kind: 'microsoft-store-business', name: 'Contoso', credential })
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'credential-refused', detail: expect.stringMatching(/Activate the app as a management tool/) },
    })
    house.app.isManagementTool = true
    const id = await house.connect()
    house.app.isManagementTool = false
    expect(await house.sync(id)).toMatchObject({
      state: 'failed',
      error: { code: 'credential-invalid', text: expect.stringContaining('Add management tool') },
    })
  })
})

describe('case 20: throttled in three ways', () => {
  test.each([
    ['seconds', () => '7', 7_000],
    ['a date', (now: number) => new Date(now + 9_000).toUTCString(), 9_000],
    ['nothing', () => undefined, 500],
    ['rubbish', () => 'soon', 500],
  ] as const)('case 20: Retry-After says %s: it waits rightly and goes on', async (_, headerAt, leastMs) => {
    await using house = await openContoso({ heldBy: users(120), capacity: 200 })
    const retryAfter = headerAt(house.clock.now())
    house.world.faults.arm({
      fault: { is: 'throttled', ...(retryAfter === undefined ? {} : { retryAfter }) },
      endpoint: 'business-seats',
      skip: 1,
      times: 1,
    })
    const began = house.clock.now()
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded' })
    expect(house.clock.now() - began).toBeGreaterThanOrEqual(leastMs)
    expect(house.clock.now() - began).toBeLessThan(leastMs + 5_000)
    expect(await house.seats(house.licenseId)).toHaveLength(120)
  })

  test('case 20: an hour is not sat out: the sync ends, says when, and comes back by itself', async () => {
    await using house = await openContoso({ heldBy: users(3) })
    house.world.faults.arm({ fault: { is: 'throttled', retryAfter: '2400' }, times: 1 })
    expect(await house.sync(house.id)).toMatchObject({ state: 'failed', error: { code: 'store-busy' } })
    const asked = house.asked('business-inventory')
    await house.settle(30 * MINUTE)
    expect(house.asked('business-inventory')).toBe(asked)
    await house.settle(11 * MINUTE)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test('case 20: a tenant that allows few requests is read to its end', async () => {
    await using house = await openContoso({ heldBy: users(120), capacity: 200, switches: { requestsPerSecond: 2 } })
    house.store.setSwitches({ requestsPerSecond: 1 })
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded' })
    expect(house.world.log.all().some(({ status }) => status === 429)).toBe(true)
  })
})

describe('case 21: HTML instead of an answer', () => {
  test.each([
    ['502 of a proxy', { is: 'bad-gateway', when: 'before' } as const, 'store-unreachable'],
    ['200 of a captive proxy', { is: 'captive-page' } as const, 'store-answer-unreadable'],
    ['a body cut short', { is: 'truncated-body' } as const, 'store-answer-unreadable'],
    ['an empty body', { is: 'empty-body' } as const, 'store-answer-unreadable'],
  ])('case 21: %s: once it is passed over, for ever it is said, and nothing is imported', async (_, fault, code) => {
    await using house = await openContoso({ heldBy: users(3) })
    house.world.faults.arm({ fault, endpoint: 'business-inventory', times: 1 })
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', changed: { licenses: 0, seats: 0 } })
    house.world.faults.arm({ fault, endpoint: 'business-inventory' })
    expect(await house.sync(house.id)).toMatchObject({ state: 'failed', error: { code } })
    expect(await house.seats(house.licenseId)).toHaveLength(3)
    expect(await house.license(notes)).toMatchObject({ gone: false, total: 10 })
  })

  test('case 21: a redirect is not followed, and no token goes there', async () => {
    await using house = await openContoso({ heldBy: users(3) })
    const elsewhere: string[] = []
    house.world.faults.arm({ fault: { is: 'redirect', to: 'https://elsewhere.example/V1/Inventory' }, endpoint: 'business-inventory' })
    house.onLeave = ({ path }) => void elsewhere.push(path)
    expect(await house.sync(house.id)).toMatchObject({ state: 'failed', error: { text: expect.stringContaining('not followed') } })
    expect(elsewhere).toHaveLength(1)
  })
})

describe('case 22: the service is gone', () => {
  const goneBy = {
    'gone-410': /status 410/,
    'gone-404': /status 404/,
  } as const
  test.each(Object.entries(goneBy))('case 22: %s: the connector is kept as it was, and says since when', async (service, words) => {
    await using house = await openContoso({ heldBy: users(3) })
    await house.addPeople(...users(4))
    house.store.addUsers(TENANT, user(4))
    await house.assign(house.licenseId, user(4))
    await house.settle(HOUR)
    const before = await house.license(notes)
    house.store.setSwitches({ service: service as 'gone-410' })
    expect(await house.sync(house.id)).toMatchObject({
      state: 'failed',
      error: { code: 'store-retired', text: expect.stringMatching(words) },
    })

    const connector = await house.connector(house.id)
    expect(connector).toMatchObject({
      status: 'unhealthy',
      capabilities: { counts: 'kept', assign: false, revoke: false, retired: '2023-03-31' },
    })
    expect(connector.reasons).toEqual([
      { code: 'store-retired', text: expect.stringMatching(/announced for 31 March 2023.*Noticed on 24 November 2026/s) },
    ])
    // Counts and seats as they were, with their age.
    expect(await house.license(notes)).toEqual({
      ...before,
      countSource: 'kept',
      assignable: false,
      remark: expect.stringContaining('no longer answers'),
    })
    expect(await house.seats(house.licenseId)).toEqual([...found(...users(3)), `${user(4)}: assignment`].toSorted())

    // Nothing is promised, and nothing is asked of the store.
    house.store.addUsers(TENANT, user(5))
    await house.addPeople(user(5))
    expect((await house.assign(house.licenseId, user(5))).status).toBe(201)
    await house.settle(MINUTE)
    expect(await house.verdicts(house.licenseId)).toContain(`${user(5)}: refused, store-retired`)
    expect(await house.license(notes)).toMatchObject({ waiting: 0 })
    const reclaim = await house.ask('POST', `licenses/${house.licenseId}/reclaim`, { principals: [await house.idOf(user(1))] })
    expect(reclaim).toMatchObject({ status: 409, body: { code: 'store-retired', detail: expect.stringContaining('retired this store') } })
    expect(house.asked('business-assign')).toBe(1)
    expect(house.asked('business-reclaim')).toBe(0)

    // It is asked once a day, and where it answers again all goes on.
    const asked = house.world.log.all().length
    await house.settle(20 * HOUR)
    expect(house.world.log.all().length).toBe(asked)
    house.store.setSwitches({ service: 'live' })
    await house.settle(5 * HOUR)
    expect(await house.status(house.id)).toEqual(['healthy'])
    expect(await house.verdicts(house.licenseId)).toContain(`${user(5)}: placed, has-seat`)
    expect(await house.license(notes)).toMatchObject({ countSource: 'live', assignable: true, inUse: 5 })
  })

  test('case 22: no such name, while signing in works', async () => {
    await using house = await openContoso({ heldBy: users(3) })
    house.onLeave = ({ path }) => {
      if (!path.includes('oauth2'))
        throw new TypeError('fetch failed', { cause: Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }) })
    }
    expect(await house.sync(house.id)).toMatchObject({ state: 'failed', error: { code: 'store-retired' } })
    expect(await house.seats(house.licenseId)).toHaveLength(3)
  })

  test('case 22: no name is found at all: that is our own network, and no sign that the store is gone', async () => {
    await using house = await openContoso({ heldBy: users(3) })
    house.onLeave = () => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }) })
    }
    expect(await house.sync(house.id)).toMatchObject({ state: 'failed', error: { code: 'store-unreachable' } })
    expect((await house.connector(house.id)).capabilities).toMatchObject({ counts: 'live', assign: true })
  })

  test('case 22: a tenant whose store is gone already is not connected, and hears why', async () => {
    await using house = await openHouse({ service: 'gone-410' })
    const refused = await house.ask('POST', 'connectors', { kind: 'microsoft-store-business', name: 'Contoso', credential })
    expect(refused).toMatchObject({ status: 422, body: { code: 'store-retired', detail: expect.stringContaining('31 March 2023') } })
    expect((await house.ask('GET', 'connectors')).body.items).toEqual([])
  })

  test('case 22: it goes while a seat is being given: the wish is refused with the reason, and the seats stay', async () => {
    await using house = await openContoso({ heldBy: users(3) })
    await house.addPeople(user(7))
    house.store.addUsers(TENANT, user(7))
    house.onLeave = ({ method }) => {
      if (method === 'POST') house.store.setSwitches({ service: 'gone-410' })
    }
    await house.assign(house.licenseId, user(7))
    await house.settle(MINUTE)
    expect(await house.verdicts(house.licenseId)).toEqual([`${user(7)}: refused, store-retired`])
    expect(await house.seats(house.licenseId)).toHaveLength(3)
    expect(await house.status(house.id)).toEqual(['unhealthy', 'store-retired'])
  })

  test('case 22: the state survives a restart, and the connector can be let go with its seats left where they are', async () => {
    await using house = await openContoso({ heldBy: users(3) })
    house.store.setSwitches({ service: 'gone-410' })
    await house.sync(house.id)
    await house.restart()
    expect(await house.status(house.id)).toEqual(['unhealthy', 'store-retired'])
    expect(await house.ask('DELETE', `connectors/${house.id}?release=all`)).toMatchObject({ status: 409, body: { code: 'store-retired' } })
    expect((await house.ask('DELETE', `connectors/${house.id}?release=keep`)).status).toBe(204)
  })
})

test('the three parts of the credential are asked for one by one, and no answer shows the secret', async () => {
  await using house = await openHouse()
  const reasons = []
  for (const given of [
    {},
    { ...credential, tenantId: 'contoso.com' },
    { ...credential, clientSecret: CLIENT },
    { ...credential, clientId: TENANT },
  ]) {
    const answer = await house.ask('POST', 'connectors', { kind: 'microsoft-store-business', name: 'Contoso', credential: given })
    expect(answer.status).toBe(400)
    expect(JSON.stringify(answer.body)).not.toContain(SECRET)
    reasons.push(answer.body.reason)
  }
  expect(reasons).toEqual(['tenant-id-missing', 'tenant-id', 'client-secret-id', 'client-id-is-tenant-id'])
})
