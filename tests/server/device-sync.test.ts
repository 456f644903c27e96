/** The organisation's device list and the directory, through the whole house. Case numbers are those of docs/stores/apple-apps-and-books.md, section 8. */
import { expect, test } from 'vitest'
import { keynote, openSchool } from './routes/desk.ts'

const organisation = 'Berlin'
const DAY = 24 * 60 * 60_000

interface Device {
  readonly id: string
  readonly serialNumber: string
  readonly name: string
  readonly platform: string
  readonly model: string
  readonly sources: readonly string[]
  readonly left: string | null
  readonly warning: { readonly code: string; readonly text: string } | null
}

/** The school of the desk: C02A to C02D are known by a file. Its organisation owns those in the list. */
const openListed = async (serials: readonly string[] = ['C02A', 'C02B', 'NEW1'], options: Parameters<typeof openSchool>[0] = {}) => {
  const school = await openSchool(options)
  const key = school.store.addDeviceAccount(organisation)
  for (const serialNumber of serials) school.store.addDevice(organisation, { serialNumber, productFamily: 'iPad', deviceModel: 'iPad Air' })
  const source = `apple-devices:${school.connectorId}`
  const renew = (credential: object) => school.ask('PUT', `connectors/${school.connectorId}/credential`, { body: credential })
  const part = async () => (await school.get(`connectors/${school.connectorId}`)).body.devices
  const sync = async (full = false): Promise<void> => {
    await school.post(`connectors/${school.connectorId}/sync`, { full })
    await school.settle(90_000)
  }
  const devices = async (query = 'left=any'): Promise<ReadonlyMap<string, Device>> =>
    new Map(
      ((await school.get(`devices?limit=500&${query}`)).body.items as readonly Device[]).map((device) => [device.serialNumber, device]),
    )
  const asked = (endpoint: string) => school.store.requests().filter((request) => request.endpoint === endpoint).length
  return { ...school, key, source, renew, part, sync, devices, asked }
}

const openRead = async (...given: Parameters<typeof openListed>) => {
  const school = await openListed(...given)
  const renewed = await school.renew({ devices: school.key })
  if (renewed.status !== 200) throw new Error(renewed.text)
  await school.settle(90_000)
  return school
}

test('without an account nothing is asked; once there is one, the list is read by itself and told with its time', async () => {
  const school = await openListed()
  await using _ = school
  await school.sync(true)
  expect([await school.part(), school.asked('device-token')]).toEqual([null, 0])
  const renewed = await school.renew({ devices: school.key })
  expect([renewed.status, renewed.body.devices, renewed.body.credential.state]).toEqual([
    200,
    { asOf: null, count: null, error: null },
    'valid',
  ])
  await school.settle(90_000)
  expect(await school.part()).toEqual({ asOf: expect.stringMatching(/^2026-11-24T09:/), count: 3, error: null })
})

test('a device that the list and a file name is one device; what nobody named before becomes known', async () => {
  const school = await openRead(['c02a', ' C02B', 'NEW1'])
  await using _ = school
  const devices = await school.devices()
  expect([...devices.keys()].sort()).toEqual(['C02A', 'C02B', 'C02C', 'C02D', 'NEW1'])
  expect(devices.get('C02A')).toMatchObject({
    name: 'iPad 1',
    platform: 'iPadOS',
    model: 'iPad',
    sources: ['csv', school.source],
    left: null,
  })
  expect(devices.get('NEW1')).toMatchObject({ name: '', platform: 'iPadOS', model: 'iPad Air', sources: [school.source], left: null })
  expect(devices.get('C02C')).toMatchObject({ sources: ['csv'] })
})

test('a read that finds nothing new changes nothing, and the daily one comes by itself', async () => {
  const school = await openRead()
  await using _ = school
  const before = await school.devices()
  const reads = school.asked('org-devices')
  await school.settle(5 * 60 * 60_000)
  expect(school.asked('org-devices')).toBe(reads)
  const changes: string[] = []
  school.composed.house.journal.onFacts((facts) => changes.push(...facts.map(({ key }) => key)))
  await school.sync(true)
  expect(school.asked('org-devices')).toBe(reads + 1)
  expect(changes.filter((key) => key.startsWith('principals/'))).toEqual([])
  expect(await school.devices()).toEqual(before)
  school.clock.pass(DAY)
  await school.settle(90_000)
  expect(Date.parse((await school.part()).asOf)).toBeGreaterThan(Date.UTC(2026, 10, 25, 9))
}, 20_000)

test('case 49: a device that was released has left at its time, keeps its seat, and is shown as one whose seat can be reclaimed', async () => {
  const school = await openRead()
  await using _ = school
  school.store.assignOutside(school.uId, keynote, [
    { kind: 'device', serialNumber: 'NEW1' },
    { kind: 'device', serialNumber: 'C02A' },
  ])
  await school.sync()
  expect((await school.devices('left=true&holding=true')).size).toBe(0)
  school.store.releaseDevice(organisation, 'NEW1')
  school.store.releaseDevice(organisation, 'C02B')
  const releasedAt = new Date(school.clock.now()).toISOString()
  school.clock.pass(60_000)
  await school.sync(true)
  expect(await school.part()).toMatchObject({ count: 1, error: null })
  const reclaimable = await school.devices('left=true&holding=true')
  expect([...reclaimable.values()]).toMatchObject([
    { serialNumber: 'NEW1', left: releasedAt, sources: [], warning: { code: 'device-left' } },
  ])
  // A file still names the other: it is there, with a word about the list.
  expect((await school.devices()).get('C02B')).toMatchObject({ left: null, sources: ['csv'], warning: { code: 'device-not-listed' } })
  const license = await school.idOf('licenses', keynote)
  expect((await school.get(`licenses/${license}/seats`)).body.items).toHaveLength(2)
  expect(school.store.holders(school.uId, keynote)).toHaveLength(2)
  // The administrator reclaims it.
  const reclaimed = await school.post(`licenses/${license}/reclaim`, { principals: [[...reclaimable.values()][0]?.id] })
  expect(reclaimed.status).toBe(202)
  await school.settle(120_000)
  expect(school.store.holders(school.uId, keynote)).toEqual([{ kind: 'device', serialNumber: 'C02A' }])
  expect((await school.devices('left=true&holding=true')).size).toBe(0)
}, 20_000)

test('a device that comes back is the same one, and has not left', async () => {
  const school = await openRead()
  await using _ = school
  const id = (await school.devices()).get('NEW1')?.id
  school.store.releaseDevice(organisation, 'NEW1')
  await school.sync(true)
  expect((await school.devices()).get('NEW1')?.left).not.toBeNull()
  school.store.addDevice(organisation, { serialNumber: 'NEW1' })
  await school.sync(true)
  expect((await school.devices()).get('NEW1')).toMatchObject({ id, left: null, sources: [school.source], warning: null })
})

test('a holder whom only the licenses name is asked for: one that was released has left, one never listed stays as it is', async () => {
  const school = await openListed()
  await using _ = school
  school.store.addDevice(organisation, { serialNumber: 'GONE', releasedAt: Date.UTC(2026, 9, 1) })
  school.store.assignOutside(school.uId, keynote, [
    { kind: 'device', serialNumber: 'GONE' },
    { kind: 'device', serialNumber: 'BYOD' },
    { kind: 'device', serialNumber: 'NEW1' },
  ])
  await school.sync()
  const before = await school.devices()
  await school.renew({ devices: school.key })
  await school.settle(90_000)
  const devices = await school.devices()
  expect(devices.get('GONE')).toMatchObject({ id: before.get('GONE')?.id, platform: 'iPadOS', left: '2026-10-01T00:00:00.000Z' })
  expect(devices.get('BYOD')).toMatchObject({ left: null, warning: { code: 'device-not-listed' } })
  expect(devices.get('NEW1')).toMatchObject({
    id: before.get('NEW1')?.id,
    sources: [`apple:${school.connectorId}`, school.source],
    warning: null,
  })
  expect([...(await school.devices('left=true&holding=true')).keys()]).toEqual(['GONE'])
  const single = school.asked('org-device')
  await school.sync(true)
  expect(school.asked('org-device')).toBe(single)
})

test('a list that stays in the answer with its date of release means the same', async () => {
  const school = await openRead()
  await using _ = school
  school.store.setSwitches({ releasedDevices: 'listed' })
  school.store.releaseDevice(organisation, 'NEW1')
  await school.sync(true)
  expect((await school.devices()).get('NEW1')?.left).not.toBeNull()
  expect(await school.part()).toMatchObject({ count: 2 })
})

const many = Array.from({ length: 20 }, (_, n) => `M${String(n).padStart(3, '0')}`)

test('an empty list that comes once is read again, and nobody leaves', async () => {
  const school = await openRead(many)
  await using _ = school
  school.store.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'org-devices', times: 1 })
  await school.sync(true)
  expect(await school.part()).toMatchObject({ error: { code: 'store-changed-meanwhile' }, count: 20 })
  expect((await school.devices('left=true')).size).toBe(0)
  await school.sync()
  expect(await school.part()).toMatchObject({ error: null, count: 20 })
})

test('a much smaller list is believed when it comes twice', async () => {
  const school = await openRead(many)
  await using _ = school
  for (const serial of many.slice(0, 10)) school.store.releaseDevice(organisation, serial)
  const reads = school.asked('org-devices')
  await school.sync(true)
  expect(school.asked('org-devices')).toBe(reads + 2)
  expect([...(await school.devices('left=true')).keys()]).toEqual(many.slice(0, 10))
})

test('a device that the list passes over and that Apple still has, has not left', async () => {
  const school = await openRead(many)
  await using _ = school
  school.store.setSwitches({ devicePageSize: 10 })
  // The second page is cut out of the walk, twice alike.
  school.store.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'org-devices', times: 1, skip: 1 })
  school.store.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'org-devices', times: 1, skip: 3 })
  await school.sync(true)
  expect((await school.devices('left=true')).size).toBe(0)
  expect(await school.part()).toMatchObject({ count: 20, error: null })
})

test.each([
  ['cursors in a circle', { is: 'page-loop' } as const, 'store-answer-unreadable'],
  ['half an answer', { is: 'truncated-body' } as const, 'store-answer-unreadable'],
  ['trouble at Apple', { is: 'apple-error', errorNumber: 500 } as const, 'store-unreachable'],
  ['a pause of an hour', { is: 'rate-limited', retryAfter: '3600' } as const, 'store-busy'],
])(
  'a list that can not be read for %s leaves every device as it was, and the counts go on',
  async (_what, fault, code) => {
    const school = await openRead(many)
    await using _ = school
    const before = await school.devices()
    const { asOf } = await school.part()
    school.store.releaseDevice(organisation, many[0] ?? '')
    school.store.faults.arm({ fault, endpoint: 'org-devices' })
    school.store.setTotal(school.uId, keynote, 9)
    await school.sync(true)
    await school.settle((60 * 60_000) / 4)
    const connector = (await school.get(`connectors/${school.connectorId}`)).body
    expect(connector).toMatchObject({ lastSync: { state: 'succeeded' }, credential: { state: 'valid' } })
    expect(connector.devices).toEqual({ asOf, count: 20, error: { code, text: expect.any(String) } })
    expect(await school.devices()).toEqual(before)
    expect((await school.get('licenses')).body.items.map(({ total }: { total: number }) => total).sort()).toEqual([2, 9])
  },
  30_000,
)

test('case 49: a role without rights, and a key that was withdrawn, are told beside the counts and mended by a new key', async () => {
  const school = await openRead()
  await using _ = school
  school.store.setDeviceRole(organisation, 'no-rights')
  await school.sync(true)
  expect((await school.part()).error).toMatchObject({ code: 'devices-forbidden' })
  school.store.revokeDeviceKeys(organisation)
  await school.sync(true)
  expect((await school.part()).error).toMatchObject({ code: 'invalid-client' })
  expect((await school.devices('left=true')).size).toBe(0)
  const renewed = await school.renew({ devices: school.store.addDeviceAccount(organisation) })
  expect(renewed.body.devices).toEqual({ asOf: null, count: null, error: null })
  await school.settle(90_000)
  expect(await school.part()).toMatchObject({ count: 3, error: null })
})

test.each<[string, (school: Awaited<ReturnType<typeof openListed>>) => object, number, string]>([
  ['a key ID that Apple does not want', ({ key, store }) => (store.setSwitches({ deviceKid: 'refused' }), key), 422, 'key ID left out'],
  ['a role without rights', ({ key, store }) => (store.setDeviceRole(organisation, 'no-rights'), key), 422, 'right to view devices'],
  [
    'a key of another account',
    ({ key, store }) => ({ ...key, privateKey: store.addDeviceAccount('Other').privateKey }),
    422,
    'invalid_client',
  ],
  ['a key that is none', ({ key }) => ({ ...key, privateKey: 'x' }), 400, 'private key'],
])('an account with %s is refused when it is given, and nothing is kept', async (_what, devices, status, text) => {
  const school = await openListed()
  await using _ = school
  const refused = await school.renew({ devices: devices(school) })
  expect([refused.status, refused.body.code]).toEqual([status, status === 400 ? 'credential-malformed' : 'credential-refused'])
  expect(refused.body.detail).toContain(text)
  expect(refused.text).not.toContain(school.key.privateKey.slice(40, 60))
  expect(await school.part()).toBeNull()
})

test('a token renewed alone keeps the account, the account renewed alone keeps the token, and null takes the account away', async () => {
  const school = await openRead()
  await using _ = school
  expect((await school.renew({ contentToken: school.store.newToken(school.uId) })).body.devices).toMatchObject({ count: 3 })
  await school.sync(true)
  expect(await school.part()).toMatchObject({ count: 3, error: null })
  const gone = await school.renew({ devices: null })
  expect([gone.status, gone.body.devices, gone.body.credential.state]).toEqual([200, null, 'valid'])
  // That says nothing of any device: they stay, and can be changed by hand from now on.
  const devices = await school.devices()
  expect(devices.get('NEW1')).toMatchObject({ left: null, sources: ['hand'] })
  expect(devices.get('C02A')).toMatchObject({ left: null, sources: ['csv'] })
  const reads = school.asked('org-devices')
  await school.sync(true)
  expect(school.asked('org-devices')).toBe(reads)
  const { items } = (await school.get('audit?limit=500')).body
  expect(items.map(({ action }: { action: string }) => action)).toEqual(
    expect.arrayContaining(['credential.renewed', 'device-list.access-set', 'device-list.access-removed']),
  )
})

test('two people who renew a part each at the same moment both have their way', async () => {
  const school = await openListed()
  await using _ = school
  const answers = await Promise.all([
    school.renew({ devices: school.key }),
    school.renew({ contentToken: school.store.newToken(school.uId) }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  await school.settle(90_000)
  expect(await school.part()).toMatchObject({ count: 3, error: null })
})

test('a connector is added with its account at once, and lets its devices go with it', async () => {
  const school = await openListed()
  await using _ = school
  const { uId, tokenFile } = school.store.addLocation({ name: 'Munich' })
  expect(uId).toMatch(/^\d+$/)
  const added = await school.post('connectors', {
    kind: 'apple-apps-books',
    name: 'Munich',
    credential: { contentToken: tokenFile, devices: school.key },
  })
  expect([added.status, added.body.devices]).toEqual([201, { asOf: null, count: null, error: null }])
  await school.settle(90_000)
  expect((await school.devices()).get('NEW1')?.sources).toEqual([`apple-devices:${added.body.id}`])
  expect((await school.ask('DELETE', `connectors/${added.body.id}`)).status).toBe(204)
  expect((await school.devices()).get('NEW1')).toMatchObject({ sources: ['hand'], left: null })
})

test('with Apple out of reach the account is kept and tried again', async () => {
  const school = await openListed()
  await using _ = school
  school.store.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, endpoint: 'device-token' })
  expect((await school.renew({ devices: school.key })).status).toBe(200)
  await school.settle(90_000)
  expect((await school.part()).error).toMatchObject({ code: 'store-unreachable' })
  school.store.faults.clear()
  await school.sync()
  expect(await school.part()).toMatchObject({ count: 3, error: null })
})

test('a device of the list can be named by hand and is taken out by no hand', async () => {
  const school = await openRead()
  await using _ = school
  const id = (await school.devices()).get('NEW1')?.id ?? ''
  expect((await school.ask('PATCH', `devices/${id}`, { body: { name: 'Cart 7', model: 'iPad of the cart' } })).status).toBe(200)
  expect((await school.ask('DELETE', `devices/${id}`)).body).toMatchObject({ status: 409, code: 'owned-by-source' })
  await school.sync(true)
  expect((await school.devices()).get('NEW1')).toMatchObject({
    name: 'Cart 7',
    model: 'iPad of the cart',
    sources: [school.source, 'hand'],
  })
})

test('case 35: a device that no list names is assigned with a word of warning, however its serial number is written', async () => {
  const school = await openRead()
  await using _ = school
  const added = await school.post('devices', { serialNumber: ' un heard of ' })
  expect([added.status, added.body.serialNumber, added.body.warning.code]).toEqual([201, 'UNHEARDOF', 'device-not-listed'])
  const assign = async (serial: string) =>
    await school.post('assignments', {
      licenseId: await school.idOf('licenses', keynote),
      target: { kind: 'device', id: (await school.devices()).get(serial)?.id },
    })
  expect((await assign('UNHEARDOF')).body.warnings).toMatchObject([{ code: 'device-not-listed' }])
  expect((await assign('NEW1')).body.warnings).toEqual([])
  // Released, and still named by a file.
  school.store.releaseDevice(organisation, 'C02B')
  await school.sync(true)
  expect((await assign('C02B')).body.warnings).toMatchObject([{ code: 'device-not-listed' }])
  await school.settle(120_000)
  expect(school.store.holders(school.uId, keynote)).toEqual(
    expect.arrayContaining(['UNHEARDOF', 'NEW1', 'C02B'].map((serialNumber) => ({ kind: 'device', serialNumber }))),
  )
}, 20_000)
