/** The sandbox's device API, asked as a client that knows nothing of it but the papers. */
import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseSnapshot } from '../../../server/sandbox/apple/snapshot.ts'
import { isItem, itemsOf, openDesk, START } from './apple-desk.ts'
import type { Switches } from '../../../server/sandbox/apple/switches.ts'

const AUDIENCE = 'https://account.apple.com/auth/oauth2/v2/token'

const openDeviceDesk = (switches: Partial<Switches> = {}) => {
  const { sandbox, control, clock } = openDesk({ switches })
  const key = control.addDeviceAccount('Eastmere')
  let jti = 0
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const assertion = (
    claims: object = {},
    header: object = {},
    by: KeyObject = createPrivateKey(key.privateKey),
    dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363',
  ): string => {
    const iat = Math.floor(clock.now() / 1000)
    const head = part({ alg: 'ES256', kid: key.keyId, ...header })
    const body = part({ iss: key.clientId, sub: key.clientId, aud: AUDIENCE, iat, exp: iat + 300, jti: String((jti += 1)), ...claims })
    return `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), { key: by, dsaEncoding }).toString('base64url')}`
  }
  const formOf = (clientAssertion: string, changes: Record<string, string> = {}): string =>
    new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: key.clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: clientAssertion,
      scope: 'business.api',
      ...changes,
    }).toString()
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await sandbox.fetch(new Request(`https://apple.example${path}`, init))
    const text = await response.text()
    const parsed: unknown = text === '' ? {} : JSON.parse(text)
    return { status: response.status, headers: response.headers, body: isItem(parsed) ? parsed : {} }
  }
  const grant = (form: string) =>
    send('/auth/oauth2/token', { method: 'POST', body: form, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  const signIn = async (): Promise<string> => String((await grant(formOf(assertion()))).body['access_token'])
  const get = async (path: string, token: string) => send(`/v1${path}`, { headers: { authorization: `Bearer ${token}` } })
  const why = () => control.requests().findLast(({ endpoint }) => endpoint === 'device-token')?.body?.['why']
  return { sandbox, control, clock, key, assertion, formOf, send, grant, signIn, get, why }
}

test('an assertion that is right in all its parts gets an access token for its scope and time', async () => {
  const desk = openDeviceDesk({ deviceTokenSeconds: 60 })
  const { status, body } = await desk.grant(desk.formOf(desk.assertion()))
  expect([status, body]).toEqual([200, { access_token: expect.any(String), token_type: 'Bearer', expires_in: 60, scope: 'business.api' }])
  const token = String(body['access_token'])
  expect((await desk.get('/orgDevices', token)).status).toBe(200)
  desk.clock.pass(60_000)
  expect((await desk.get('/orgDevices', token)).status).toBe(401)
})

const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
type Desk = ReturnType<typeof openDeviceDesk>
test.each<[string, (desk: Desk) => string, string, string]>([
  ['another key', (desk) => desk.formOf(desk.assertion({}, {}, stranger)), 'invalid_client', 'the signature does not fit the key'],
  [
    'a signature in DER',
    (desk) => desk.formOf(desk.assertion({}, {}, createPrivateKey(desk.key.privateKey), 'der')),
    'invalid_client',
    'the signature does not fit the key',
  ],
  ['another kid', (desk) => desk.formOf(desk.assertion({}, { kid: 'other' })), 'invalid_client', 'kid is another one'],
  ['another algorithm', (desk) => desk.formOf(desk.assertion({}, { alg: 'none' })), 'invalid_client', 'alg is not ES256'],
  [
    'the audience of the address itself',
    (desk) => desk.formOf(desk.assertion({ aud: 'https://account.apple.com/auth/oauth2/token' })),
    'invalid_client',
    'aud is another one',
  ],
  ['another issuer', (desk) => desk.formOf(desk.assertion({ iss: 'x' })), 'invalid_client', 'iss is not the client id'],
  ['another subject', (desk) => desk.formOf(desk.assertion({ sub: 'x' })), 'invalid_client', 'sub is not the client id'],
  ['a past end', (desk) => desk.formOf(desk.assertion({ exp: START / 1000 })), 'invalid_client', 'it is not valid now'],
  [
    'a life of a year',
    (desk) => desk.formOf(desk.assertion({ exp: START / 1000 + 365 * 86_400 })),
    'invalid_client',
    'it is valid for longer than 180 days',
  ],
  ['no id', (desk) => desk.formOf(desk.assertion({ jti: '' })), 'invalid_client', 'jti is missing or was used before'],
  ['an unknown client', (desk) => desk.formOf(desk.assertion(), { client_id: 'BUSINESSAPI.x' }), 'invalid_client', 'no such client id'],
  ['the scope of the schools', (desk) => desk.formOf(desk.assertion(), { scope: 'school.api' }), 'invalid_scope', 'scope'],
  ['another grant', (desk) => desk.formOf(desk.assertion(), { grant_type: 'password' }), 'unsupported_grant_type', 'grant_type'],
])('an assertion with %s is refused with its code, and the reason is in the log alone', async (_what, made, error, why) => {
  const desk = openDeviceDesk()
  const { status, body } = await desk.grant(made(desk))
  expect([status, body, desk.why()]).toEqual([400, { error }, why])
})

test('an assertion is good once, and only in the body of a form', async () => {
  const desk = openDeviceDesk()
  const form = desk.formOf(desk.assertion())
  expect((await desk.grant(form)).status).toBe(200)
  expect((await desk.grant(form)).body).toEqual({ error: 'invalid_client' })
  const inQuery = await desk.send(`/auth/oauth2/token?${desk.formOf(desk.assertion())}`, { method: 'POST' })
  expect([inQuery.status, inQuery.body]).toEqual([400, { error: 'invalid_request' }])
})

test.each([
  ['checked', true, 200],
  ['checked', false, 200],
  ['required', true, 200],
  ['required', false, 400],
  ['refused', true, 400],
  ['refused', false, 200],
] as const)('where the kid is %s, sending one (%s) gives %d', async (deviceKid, sends, status) => {
  const desk = openDeviceDesk({ deviceKid })
  expect((await desk.grant(desk.formOf(desk.assertion({}, sends ? {} : { kid: undefined })))).status).toBe(status)
})

test('the list is paged by the limit asked for, to its end, each device once', async () => {
  const desk = openDeviceDesk()
  for (let n = 1; n <= 7; n += 1) desk.control.addDevice('Eastmere', { serialNumber: `C0${n}`, productFamily: 'Mac' })
  const token = await desk.signIn()
  const serials: unknown[] = []
  let path: string | undefined = '/orgDevices?limit=3&fields%5BorgDevices%5D=serialNumber,productFamily'
  let pages = 0
  for (; path !== undefined; pages += 1) {
    const { body } = await desk.get(path, token)
    for (const item of itemsOf(body['data'])) {
      expect(item['attributes']).toEqual({ serialNumber: item['id'], productFamily: 'Mac' })
      serials.push(item['id'])
    }
    const next: unknown = isItem(body['links']) ? body['links']['next'] : undefined
    const paging = isItem(body['meta']) && isItem(body['meta']['paging']) ? body['meta']['paging'] : {}
    expect(typeof next).toBe(typeof paging['nextCursor'])
    path = typeof next === 'string' ? new URL(next).pathname.slice('/v1'.length) + new URL(next).search : undefined
  }
  expect([pages, serials]).toEqual([3, ['C01', 'C02', 'C03', 'C04', 'C05', 'C06', 'C07']])
})

test.each(['/orgDevices?limit=0', '/orgDevices?limit=1001', '/orgDevices?cursor=x', '/orgDevices?fields[orgDevices]=colour'])(
  '%s is refused as a parameter that is none',
  async (path) => {
    const desk = openDeviceDesk()
    const { status, body } = await desk.get(path, await desk.signIn())
    expect([status, itemsOf(body['errors'])[0]]).toEqual([400, expect.objectContaining({ status: '400', code: 'PARAMETER_ERROR.INVALID' })])
  },
)

test.each(['left-out', 'listed'] as const)(
  'a released device is %s, and asked for by itself it tells its date',
  async (releasedDevices) => {
    const desk = openDeviceDesk({ releasedDevices })
    desk.control.addDevice('Eastmere', { serialNumber: 'C01' })
    desk.control.releaseDevice('Eastmere', 'C01')
    const token = await desk.signIn()
    expect(itemsOf((await desk.get('/orgDevices', token)).body['data'])).toHaveLength(releasedDevices === 'listed' ? 1 : 0)
    expect((await desk.get('/orgDevices/C01', token)).body['data']).toMatchObject({
      attributes: { status: 'UNASSIGNED', releasedFromOrgDateTime: new Date(START).toISOString() },
    })
    expect((await desk.get('/orgDevices/C02', token)).status).toBe(404)
  },
)

test('services and the devices of one are listed', async () => {
  const desk = openDeviceDesk()
  desk.control.addDevice('Eastmere', { serialNumber: 'C01' })
  const token = await desk.signIn()
  const server = itemsOf((await desk.get('/mdmServers', token)).body['data'])[0]
  expect(server).toMatchObject({ type: 'mdmServers', attributes: { serverType: 'MDM' } })
  const devices = await desk.get(`/mdmServers/${String(server?.['id'])}/relationships/devices`, token)
  expect(devices.body['data']).toEqual([{ type: 'orgDevices', id: 'C01' }])
  expect((await desk.get('/mdmServers/other/relationships/devices', token)).status).toBe(404)
})

test('a role without rights gets 403, a withdrawn key 401, and nothing can be written', async () => {
  const desk = openDeviceDesk()
  const token = await desk.signIn()
  const written = await desk.send('/v1/orgDevices', { method: 'POST', body: '{}', headers: { authorization: `Bearer ${token}` } })
  expect(written.status).toBe(405)
  desk.control.setDeviceRole('Eastmere', 'no-rights')
  expect((await desk.get('/orgDevices', token)).status).toBe(403)
  desk.control.revokeDeviceKeys('Eastmere')
  expect((await desk.get('/orgDevices', token)).status).toBe(401)
  expect((await desk.grant(desk.formOf(desk.assertion()))).body).toEqual({ error: 'invalid_client' })
})

test('organisations are part of the snapshot, and one without them is read too', () => {
  const { control } = openDeviceDesk()
  control.addDevice('Eastmere', { serialNumber: 'C01' })
  const snapshot = control.snapshot()
  const other = openDesk().control
  expect(other.restore(JSON.parse(JSON.stringify(snapshot)))).toEqual({ ok: true, value: undefined })
  expect(other.snapshot()).toEqual(snapshot)
  const { organisations: _, ...earlier } = snapshot
  expect(parseSnapshot(earlier)).toMatchObject({ ok: true, value: { organisations: [] } })
})

test('the control page shows the organisation, gives its key and releases a device', async () => {
  const desk = openDeviceDesk()
  const { sandbox, control, key } = desk
  control.addDevice('Eastmere', { serialNumber: 'C01<b>' })
  const page = async (path: string) => (await sandbox.fetch(new Request(`https://apple.example${path}`))).text()
  expect(await page('/control')).toContain('/control/organisations/Eastmere')
  expect(await page('/control/organisations/Eastmere')).toContain('C01&lt;b&gt;')
  expect(await page('/control/organisations/Eastmere/key')).toBe(key.privateKey)
  const form = new URLSearchParams({ act: 'release-device', organisation: 'Eastmere', serialNumber: 'C01<b>', back: '/control' })
  const released = await sandbox.fetch(
    new Request('https://apple.example/control/act', {
      method: 'POST',
      body: form.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }),
  )
  expect([released.status, control.organisations()]).toEqual([303, [expect.objectContaining({ listed: 0, released: 1 })]])
})
