/** The device API, asked over real HTTP. Case numbers are those of docs/stores/apple-apps-and-books.md, section 8. */
import { expect, test } from 'vitest'
import type { Switches } from '../../../../server/sandbox/apple/switches.ts'
import { createAppleStore } from '../../../../server/stores/apple/store.ts'
import type { DeviceRead, StoreDevices } from '../../../../server/stores/store.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { APP, drivenClock, failureIn, mark, mustBeOk, openSandboxLink, START, tokenFile } from './apple-link.ts'
import { canonical } from './made-keys.ts'

const organisation = 'Eastmere'

const openDevices = async (count: number, switches: Partial<Switches> = {}, withKeyId = true) => {
  const link = await openSandboxLink({ devicePageSize: 3, ...switches })
  const key = link.control.addDeviceAccount(organisation)
  for (let n = 1; n <= count; n += 1)
    link.control.addDevice(organisation, {
      serialNumber: `C02ZZ0${String(n).padStart(4, '0')}`,
      productFamily: 'Mac',
      deviceModel: 'MacBook Pro',
    })
  const { keyId, ...bare } = key
  const connection = link.connect(link.control.tokenFileFor(link.uId), withKeyId ? { ...bare, keyId } : { ...bare, keyId: '' })
  if (connection.devices === undefined) throw new Error('no devices')
  const { devices } = connection
  const asked = (endpoint: string) => link.control.requests().filter((request) => request.endpoint === endpoint)
  return { link, control: link.control, key, connection, devices, asked, [Symbol.asyncDispose]: () => link[Symbol.asyncDispose]() }
}

const readAll = async (devices: StoreDevices) => {
  const read: DeviceRead[] = []
  const result = await devices.read((page) => void read.push(...page))
  return { result, read, serials: read.map(({ serialNumber }) => serialNumber) }
}

test('without an account of the device API there is no device list', async () => {
  await using link = await openSandboxLink()
  expect(link.connection.devices).toBeUndefined()
})

test('the whole list is read page by page, each device once, with one access token and no more fields than are kept', async () => {
  await using desk = await openDevices(7)
  const { result, read, serials } = await readAll(desk.devices)
  expect(result).toEqual({ ok: true, value: undefined })
  expect(serials).toEqual(['C02ZZ00001', 'C02ZZ00002', 'C02ZZ00003', 'C02ZZ00004', 'C02ZZ00005', 'C02ZZ00006', 'C02ZZ00007'])
  expect(read[0]).toEqual({ serialNumber: 'C02ZZ00001', model: 'MacBook Pro', platform: 'macOS', releasedAt: null })
  expect([desk.asked('device-token').length, desk.asked('org-devices').length]).toEqual([1, 3])
  const query = new URL(`http://x${desk.asked('org-devices')[0]?.path ?? ''}`).searchParams
  expect([query.get('limit'), query.get('fields[orgDevices]')]).toEqual([
    '1000',
    'serialNumber,productFamily,productType,deviceModel,releasedFromOrgDateTime',
  ])
})

test('devices are only read: nothing but the sign-in is ever posted', async () => {
  await using desk = await openDevices(4)
  await desk.devices.check()
  await readAll(desk.devices)
  await desk.devices.find('C02ZZ00001')
  const posted = desk.control.requests().filter(({ method }) => method !== 'GET')
  expect(new Set(posted.map(({ endpoint }) => endpoint))).toEqual(new Set(['device-token']))
})

test('case 49: a wrong key ID is invalid_client, and the advice is to leave it out', async () => {
  await using desk = await openDevices(1, { deviceKid: 'refused' })
  for (const refused of [await desk.devices.check(), (await readAll(desk.devices)).result]) {
    expect(failureIn(refused)).toMatchObject({ is: 'store-refused', code: 'invalid-client' })
    expect(JSON.stringify(refused)).toMatch(/key ID left out/)
  }
  expect(desk.asked('org-devices')).toHaveLength(0)
})

test('case 49: where the key ID is left out and wanted, the advice is to enter it', async () => {
  await using desk = await openDevices(1, { deviceKid: 'required' }, false)
  const refused = failureIn(await desk.devices.check())
  expect(refused).toMatchObject({ is: 'store-refused', code: 'invalid-client', text: expect.stringContaining('enter the one') })
})

test('case 49: an account that is accepted only without a key ID works without one', async () => {
  await using desk = await openDevices(2, { deviceKid: 'refused' }, false)
  expect((await readAll(desk.devices)).serials).toHaveLength(2)
})

test('case 49: an access token that runs out in the middle of the walk is asked for once more, and the walk goes on', async () => {
  await using desk = await openDevices(9)
  let pages = 0
  const read: string[] = []
  const result = await desk.devices.read((page) => {
    read.push(...page.map(({ serialNumber }) => serialNumber))
    pages += 1
    if (pages === 2) desk.control.expireAccessTokens()
  })
  expect([result.ok, read.length, desk.asked('device-token').length]).toEqual([true, 9, 2])
  expect(desk.asked('org-devices').map(({ status }) => status)).toEqual([200, 200, 401, 200])
})

test('case 49: a token that is never accepted is asked for once more and no oftener', async () => {
  await using desk = await openDevices(1, { deviceTokenSeconds: 0 })
  expect(failureIn((await readAll(desk.devices)).result)).toMatchObject({ is: 'store-refused', code: 'devices-unauthorized' })
  expect([desk.asked('device-token').length, desk.asked('org-devices').length]).toEqual([2, 2])
})

test('a token is used until a minute before its end, and a new one is made without a refusal', async () => {
  await using desk = await openDevices(1, { deviceTokenSeconds: 3600 })
  await readAll(desk.devices)
  desk.link.clock.jump(3500_000)
  await readAll(desk.devices)
  expect(desk.asked('device-token')).toHaveLength(1)
  desk.link.clock.jump(50_000)
  await readAll(desk.devices)
  expect(desk.asked('device-token')).toHaveLength(2)
  expect(desk.asked('org-devices').every(({ status }) => status === 200)).toBe(true)
})

test('case 49: a role without rights is told as that, and what to do', async () => {
  await using desk = await openDevices(1)
  desk.control.setDeviceRole(organisation, 'no-rights')
  expect(failureIn((await readAll(desk.devices)).result)).toMatchObject({
    is: 'store-refused',
    code: 'devices-forbidden',
    text: expect.stringContaining('right to view devices'),
  })
  expect(desk.asked('org-devices')).toHaveLength(1)
})

test('case 49: cursors that lead in a circle end the read as one that does not hold together', async () => {
  await using desk = await openDevices(9)
  desk.control.faults.arm({ fault: { is: 'page-loop' }, endpoint: 'org-devices' })
  expect(failureIn((await readAll(desk.devices)).result)).toMatchObject({
    is: 'store-answer-unreadable',
    text: expect.stringContaining('no end'),
  })
  expect(desk.asked('org-devices').length).toBeLessThan(5)
})

test('pages without a device that still name a next one are bounded, and one of them is no end', async () => {
  await using desk = await openDevices(9)
  desk.control.faults.arm({ fault: { is: 'empty-page' }, endpoint: 'org-devices', times: 1, skip: 1 })
  expect((await readAll(desk.devices)).serials).toHaveLength(6)
  expect(desk.asked('org-devices')).toHaveLength(3)
})

test('case 49: a device that was released is not listed any more, and asked for by itself it tells when', async () => {
  await using desk = await openDevices(2)
  desk.control.releaseDevice(organisation, 'C02ZZ00001')
  expect((await readAll(desk.devices)).serials).toEqual(['C02ZZ00002'])
  const released = mustBeOk(await desk.devices.find('C02ZZ00001'))
  expect(Date.parse(released?.releasedAt ?? '')).toBeGreaterThanOrEqual(START)
  expect(mustBeOk(await desk.devices.find('UNHEARDOF'))).toBeUndefined()
})

test('a device that stays in the list after its release is told with its date', async () => {
  await using desk = await openDevices(1, { releasedDevices: 'listed' })
  desk.control.releaseDevice(organisation, 'C02ZZ00001')
  expect((await readAll(desk.devices)).read).toMatchObject([{ serialNumber: 'C02ZZ00001', releasedAt: expect.stringMatching(/Z$/) }])
})

test('case 35: a serial number is the same in lower case and with spaces, and one that no list knows, or that was released, can be given a seat', async () => {
  await using desk = await openDevices(1)
  desk.control.addDevice(organisation, { serialNumber: ' c02 zz0 0008 ' })
  desk.control.addDevice(organisation, { serialNumber: 'C02ZZ00009' })
  desk.control.releaseDevice(organisation, 'C02ZZ00009')
  expect((await readAll(desk.devices)).serials).toEqual(['C02ZZ00008', 'C02ZZ00001'])
  desk.control.own(desk.link.uId, APP, { total: 5 })
  mustBeOk(await desk.connection.claim())
  const keys = [' c02zz 00001 ', 'unheardof', 'C02ZZ00009']
  mustBeOk(
    await desk.connection.write({
      action: 'associate',
      products: [{ productId: APP, pricing: 'STDQ' }],
      holders: keys.map((key) => ({ kind: 'device', key })),
    }),
  )
  desk.control.finishEvents()
  expect(desk.control.holders(desk.link.uId, APP)).toEqual(
    ['C02ZZ00001', 'UNHEARDOF', 'C02ZZ00009'].map((serialNumber) => ({ kind: 'device', serialNumber })),
  )
})

test.each([
  ['429 with a time to wait', { is: 'rate-limited', retryAfter: '120' } as const, 120_000],
  ['503 with a date', { is: 'unavailable', retryAfter: new Date(START + 90_000).toUTCString() } as const, 90_000],
  ['a day to wait, of which an hour is believed', { is: 'rate-limited', retryAfter: '86400' } as const, 3_600_000],
])('%s pauses the device list, and the licenses go on', async (_what, fault, ms) => {
  await using desk = await openDevices(1)
  desk.control.faults.arm({ fault, endpoint: 'org-devices', times: 1 })
  expect(failureIn((await readAll(desk.devices)).result)).toEqual({ is: 'store-busy', retryAfterMs: expect.closeTo(ms, -4) })
  const asked = desk.asked('org-devices').length
  expect(failureIn((await readAll(desk.devices)).result)).toMatchObject({ is: 'store-busy' })
  expect(desk.asked('org-devices')).toHaveLength(asked)
  expect((await desk.connection.identify()).ok).toBe(true)
  desk.link.clock.jump(ms)
  expect((await readAll(desk.devices)).result.ok).toBe(true)
})

test.each([
  ['429 without a word', { is: 'rate-limited' } as const, 5],
  ['an internal error', { is: 'apple-error', errorNumber: 500 } as const, 5],
  ['an HTML page', { is: 'bad-gateway', when: 'before' } as const, 5],
  ['an empty answer', { is: 'empty-body' } as const, 3],
  ['half an answer', { is: 'truncated-body' } as const, 3],
  ['a cut connection', { is: 'connection-cut', when: 'after' } as const, 3],
])('a read of the list that met %s goes on once it passes', async (_what, fault, times) => {
  for (const endpoint of ['device-token', 'org-devices'] as const) {
    await using desk = await openDevices(4)
    desk.control.faults.arm({ fault, endpoint, times })
    expect((await readAll(desk.devices)).serials).toHaveLength(4)
  }
})

test.each([
  ['an HTML page', { is: 'bad-gateway', when: 'before' } as const, 'store-unreachable'],
  ['half an answer', { is: 'truncated-body' } as const, 'store-answer-unreadable'],
  ['a cut connection', { is: 'connection-cut', when: 'before' } as const, 'store-unreachable'],
  ['another host', { is: 'redirect', to: 'http://127.0.0.1:1/v1/orgDevices' } as const, 'store-unreachable'],
])('%s that stays ends the read, bounded', async (_what, fault, is) => {
  await using desk = await openDevices(4)
  desk.control.faults.arm({ fault, endpoint: 'org-devices' })
  expect(failureIn((await readAll(desk.devices)).result)).toMatchObject({ is })
  expect(desk.asked('org-devices').length).toBeLessThan(8)
})

// ---- What it never asks, and where ----

const playing = (answer: (url: URL, init: RequestInit | undefined) => Response | undefined, clientId = 'BUSINESSAPI.1', addresses = {}) => {
  const clock = drivenClock()
  const urls: string[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(String(input instanceof Request ? input.url : input))
    urls.push(`${init?.method ?? 'GET'} ${url.origin}${url.pathname}`)
    return answer(url, init) ?? Response.json(url.pathname.endsWith('/token') ? { access_token: 'canary-access-token' } : { data: [] })
  }
  const store = createAppleStore({
    appsBooksUrl: 'https://store.example/mdm/v2',
    metadataUrl: 'https://store.example/lookup',
    ...addresses,
  })
  const read = store.readCredential({ contentToken: tokenFile(), devices: { clientId, keyId: 'k', privateKey: canonical } }, clock.now())
  if (!read.ok) throw new Error(read.error.reason)
  const { devices } = store.connect({ clock, chance: seededChance(3), fetch }, read.value.secret, mark)
  if (devices === undefined) throw new Error('no devices')
  return {
    urls,
    check: () => clock.run(devices.check()),
    read: () => clock.run(readAll(devices)),
    find: (serial: string) => clock.run(devices.find(serial)),
  }
}

test.each([
  ['BUSINESSAPI.1', {}, 'https://api-business.apple.com'],
  ['SCHOOLAPI.1', {}, 'https://api-school.apple.com'],
  ['SCHOOLAPI.1', { devicesUrl: 'https://api-business.apple.com/v1' }, 'https://api-school.apple.com'],
  ['SCHOOLAPI.1', { devicesUrl: 'https://proxy.example/v1' }, 'https://proxy.example'],
])('the account %s with the setting %j asks at %s', async (clientId, addresses, origin) => {
  const played = playing(() => undefined, clientId, addresses)
  expect((await played.check()).ok).toBe(true)
  expect(played.urls).toEqual(['POST https://account.apple.com/auth/oauth2/token', `GET ${origin}/v1/orgDevices`])
})

test("the address of a next page is not followed: only its cursor is taken, to Apple's own address", async () => {
  const played = playing((url) =>
    url.pathname.endsWith('/orgDevices') && !url.searchParams.has('cursor')
      ? Response.json({ data: [{ id: 'A1' }], links: { next: 'https://elsewhere.example/v1/orgDevices?cursor=two' } })
      : undefined,
  )
  expect((await played.read()).serials).toEqual(['A1'])
  expect(new Set(played.urls.slice(1))).toEqual(new Set(['GET https://api-business.apple.com/v1/orgDevices']))
})

test.each([
  ['no list', { links: {} }],
  ['a list that is none', { data: {} }],
  ['an entry without a serial number', { data: [{ id: 'A1' }, { attributes: {} }] }],
  ['an entry that is none', { data: [{ id: 'A1' }, 7] }],
  ['a next page without a cursor', { data: [{ id: 'A1' }], links: { next: 'https://api-business.apple.com/v1/orgDevices' } }],
  ['a cursor that is a number', { data: [{ id: 'A1' }], meta: { paging: { nextCursor: 7 } } }],
])('%s is no empty list and no end: the answer is unreadable', async (_what, body) => {
  const played = playing((url) => (url.pathname.endsWith('/orgDevices') ? Response.json(body) : undefined))
  expect(failureIn((await played.read()).result)).toMatchObject({ is: 'store-answer-unreadable' })
})

test('members that nobody documented, nulls and missing ones are taken as they come', async () => {
  const body = {
    data: [
      {
        id: 'a 1',
        type: 'orgDevices',
        zz: 1,
        attributes: { serialNumber: 'a 1', productFamily: 'Robot', deviceModel: null, productType: 'Robot1,1' },
      },
      { id: 'B2', attributes: null },
      { attributes: { serialNumber: 'C3', productFamily: 7, releasedFromOrgDateTime: 'soon' } },
    ],
    links: { next: null },
    meta: null,
  }
  const played = playing((url) => (url.pathname.endsWith('/orgDevices') ? Response.json(body) : undefined))
  expect((await played.read()).read).toEqual([
    { serialNumber: 'A1', model: 'Robot1,1', platform: 'Robot', releasedAt: null },
    { serialNumber: 'B2', model: '', platform: '', releasedAt: null },
    { serialNumber: 'C3', model: '', platform: '', releasedAt: null },
  ])
})

test.each([
  [400, { error: 'invalid_scope' }, 'devices-sign-in', 'invalid_scope, status 400'],
  [401, { error: 'invalid_client' }, 'invalid-client', 'invalid_client'],
  [400, '<html>', 'devices-sign-in', 'status 400'],
  [400, { error: 'a text with words of its own' }, 'devices-sign-in', '(status 400)'],
])('a sign-in refused with %d %j is told as %s', async (status, body, code, text) => {
  const played = playing((url) => (url.pathname.endsWith('/token') ? new Response(JSON.stringify(body), { status }) : undefined))
  expect(failureIn(await played.check())).toMatchObject({ is: 'store-refused', code, text: expect.stringContaining(text) })
})

test('a refusal of the list names its code, and not the words around it', async () => {
  const played = playing((url) =>
    url.pathname.endsWith('/orgDevices')
      ? Response.json({ errors: [{ code: 'PARAMETER_ERROR.INVALID', detail: 'canary-access-token' }] }, { status: 400 })
      : undefined,
  )
  const refused = failureIn(await played.check())
  expect(refused).toMatchObject({ is: 'store-refused', code: 'devices-refused', text: expect.stringContaining('PARAMETER_ERROR.INVALID') })
  expect(JSON.stringify(refused)).not.toContain('canary')
})

test('a list that does not know the date of release is asked without it, from then on', async () => {
  const asked: (string | null)[] = []
  const played = playing((url) => {
    if (!url.pathname.endsWith('/orgDevices')) return undefined
    asked.push(url.searchParams.get('fields[orgDevices]'))
    return asked.at(-1)?.includes('released') === true
      ? Response.json({ errors: [{ code: 'PARAMETER_ERROR.INVALID' }] }, { status: 400 })
      : Response.json({ data: [{ id: 'A1' }] })
  })
  expect((await played.read()).serials).toEqual(['A1'])
  expect((await played.read()).serials).toEqual(['A1'])
  expect(asked.map((names) => names?.includes('released'))).toEqual([true, false, false])
})

test('a serial number with signs in it stays one part of the path', async () => {
  const played = playing(() => undefined)
  await played.find('../x?y')
  expect(played.urls.at(-1)).toBe('GET https://api-business.apple.com/v1/orgDevices/..%2Fx%3Fy')
})

test('an answer that repeats our own words does not carry the access token, the statement or the key into a failure', async () => {
  const sent: string[] = []
  for (const status of [200, 400, 401, 403, 404, 409, 500]) {
    for (const at of ['/token', '/orgDevices']) {
      const played = playing((url, init) => {
        if (!url.pathname.endsWith(at)) return undefined
        const echo = `${String(init?.body ?? '')} ${new Headers(init?.headers).get('authorization') ?? ''}`
        sent.push(...new URLSearchParams(String(init?.body ?? '')).getAll('client_assertion'))
        return Response.json({ error: echo, errors: [{ code: echo, detail: echo }], data: echo, access_token: 7 }, { status })
      })
      const shown = JSON.stringify([await played.check(), (await played.read()).result, await played.find('A1')])
      for (const secret of ['canary-access-token', ...sent, ...canonical.split('\n').slice(1, -2)]) expect(shown).not.toContain(secret)
      expect(shown).toContain('"ok":false')
    }
  }
  expect(sent.length).toBeGreaterThan(5)
})
