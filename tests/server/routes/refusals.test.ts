/** Every refusal has a code of its own, says what to do, and keeps nothing. */
import { expect, test } from 'vitest'
import { book, keynote, openDesk, openSchool } from './desk.ts'

const apple = (contentToken: unknown, name = 'Hamburg') => ({ kind: 'apple-apps-books', name, credential: { contentToken } })

test('a token file that can not be read is 400 credential-malformed, and nothing is kept', async () => {
  await using desk = await openDesk()
  for (const contentToken of ['no token', '', 42, Buffer.from('{"orgName":"x"}').toString('base64')]) {
    const answer = await desk.post('connectors', apple(contentToken))
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body).toMatchObject({ status: 400, code: 'credential-malformed' })
    expect(answer.body.detail.length).toBeGreaterThan(20)
  }
  expect((await desk.get('connectors')).body.items).toEqual([])
})

test('a token that the store refuses is 422 credential-refused, and nothing is kept', async () => {
  await using desk = await openDesk()
  const { uId, tokenFile } = desk.store.addLocation({ name: 'Hamburg' })
  desk.store.revokeToken(uId)
  expect((await desk.post('connectors', apple(tokenFile))).body).toMatchObject({ status: 422, code: 'credential-refused' })
  expect((await desk.get('connectors')).body.items).toEqual([])
})

test('a store out of reach keeps the connector with the credential unknown, and finds out by itself later', async () => {
  await using desk = await openDesk()
  const { tokenFile } = desk.store.addLocation({ name: 'Hamburg' })
  desk.setReachable(false)
  const added = await desk.post('connectors', apple(tokenFile))
  expect(added.status).toBe(201)
  expect(added.body).toMatchObject({ credential: { state: 'unknown' }, location: null })
  await desk.settle(120_000)
  expect((await desk.get(`connectors/${added.body.id}`)).body).toMatchObject({
    status: 'unhealthy',
    lastSync: { state: 'failed', error: { code: 'store-unreachable' } },
  })
  desk.setReachable(true)
  await desk.settle(600_000)
  expect((await desk.get(`connectors/${added.body.id}`)).body).toMatchObject({
    status: 'healthy',
    credential: { state: 'valid' },
    location: { name: 'Hamburg' },
  })
})

test('a location is connected once: the second time names the connector that holds it', async () => {
  await using school = await openSchool()
  const again = await school.post('connectors', apple(school.store.newToken(school.uId)))
  expect(again.body).toMatchObject({ status: 409, code: 'location-already-connected', connectorId: school.connectorId })
  expect((await school.get('connectors')).body.items).toHaveLength(1)
})

test('a renewal with the token of another location is 409 and changes nothing; with a newer one it holds', async () => {
  await using school = await openSchool()
  const other = school.store.addLocation({ name: 'Hamburg' })
  const put = (contentToken: string) => school.ask('PUT', `connectors/${school.connectorId}/credential`, { body: { contentToken } })
  expect((await put(other.tokenFile)).body).toMatchObject({ status: 409, code: 'credential-of-another-location' })
  expect((await put('broken')).body).toMatchObject({ status: 400, code: 'credential-malformed' })
  const before = (await school.get(`connectors/${school.connectorId}`)).body
  const expiresAt = school.clock.now() + 300 * 86_400_000
  const renewed = await put(school.store.newToken(school.uId, { expiresAt }))
  expect(renewed.status).toBe(200)
  expect(Date.parse(renewed.body.credential.expiresAt)).toBe(Math.floor(expiresAt / 1000) * 1000)
  expect(renewed.body.location).toEqual(before.location)
})

test('a test asks the store and tells what is wrong; a foreign owner is told, and a claim takes the location over', async () => {
  await using school = await openSchool()
  const test_ = async () => (await school.post(`connectors/${school.connectorId}/test`)).body
  expect(await test_()).toEqual({ ok: true, reasons: [] })
  school.store.setOwner(school.uId, { id: 'other', name: 'Other MDM', metadata: 'mdm.example' })
  expect(await test_()).toMatchObject({ ok: false, reasons: [{ code: 'foreign-owner' }] })
  await school.post(`connectors/${school.connectorId}/sync`)
  await school.settle(3_000)
  expect((await school.get('status')).body.items[0]).toMatchObject({
    status: 'unhealthy',
    credential: { state: 'foreign' },
    foreignOwner: { name: 'Other MDM' },
    reasons: [{ code: 'foreign-owner' }],
  })
  expect((await school.post(`connectors/${school.connectorId}/claim`, { confirm: false })).body).toMatchObject({
    status: 409,
    code: 'confirmation-required',
    detail: expect.stringContaining('Other MDM holds this location'),
    owner: { name: 'Other MDM', metadata: 'mdm.example' },
  })
  expect((await school.post(`connectors/${school.connectorId}/claim`, { confirm: true })).body).toMatchObject({
    credential: { state: 'valid' },
    status: 'healthy',
  })
  school.store.revokeToken(school.uId)
  expect(await test_()).toMatchObject({ ok: false, reasons: [{ code: 'credential-invalid' }] })
})

test('an assignment that can never stand has its code: a book for a device, an irrevocable one unconfirmed, nobody known', async () => {
  await using school = await openSchool()
  const books = await school.idOf('licenses', book)
  const app = await school.idOf('licenses', keynote)
  const device = await school.idOf('devices', 'C02A')
  const ana = await school.idOf('users', 'ana')
  const code = async (body: unknown) => {
    const answer = await school.post('assignments', body)
    return [answer.status, answer.body.code]
  }
  expect(await code({ licenseId: books, target: { kind: 'device', id: device }, licenseType: 'device' })).toEqual([
    422,
    'not-device-assignable',
  ])
  expect(await code({ licenseId: books, target: { kind: 'user', id: ana } })).toEqual([409, 'confirmation-required'])
  expect(await code({ licenseId: app, target: { kind: 'device', id: device }, licenseType: 'user' })).toEqual([
    422,
    'license-type-mismatch',
  ])
  expect(await code({ licenseId: app, target: { kind: 'device', id: ana } })).toEqual([404, 'target-unknown'])
  expect(await code({ licenseId: app, target: { kind: 'group', id: 'nosuchgroup' } })).toEqual([404, 'target-unknown'])
  expect(await code({ licenseId: 'l999', target: { kind: 'user', id: ana } })).toEqual([404, 'license-unknown'])
  expect(await code({ licenseId: app, target: { kind: 'planet', id: ana } })).toEqual([400, 'request-malformed'])
  expect((await school.get('assignments')).body.items).toEqual([])
  expect(await code({ licenseId: books, target: { kind: 'user', id: ana }, confirmIrreversible: true })).toEqual([201, undefined])
  await school.settle()
  expect(school.store.holders(school.uId, book)).toEqual([{ kind: 'user', clientUserId: 'ana' }])
})

test('a change on condition of an older state is 412 with how it stands now', async () => {
  await using school = await openSchool()
  const app = await school.idOf('licenses', keynote)
  const id = await school.idOf('devices', 'C02A')
  const added = await school.post('assignments', { licenseId: app, target: { kind: 'device', id } })
  const etag = added.headers.get('etag') ?? ''
  const path = `assignments/${added.body.id}`
  const first = await school.ask('PATCH', path, { body: { note: 'first' }, headers: { 'if-match': etag } })
  expect(first.body).toMatchObject({ note: 'first' })
  const second = await school.ask('PATCH', path, { body: { intent: 'uninstall' }, headers: { 'if-match': etag } })
  expect(second.body).toMatchObject({ status: 412, code: 'changed-meanwhile', current: { note: 'first', intent: 'required' } })
  expect((await school.ask('DELETE', path, { headers: { 'if-match': etag } })).status).toBe(412)
  const third = await school.ask('PATCH', path, {
    body: { intent: 'uninstall' },
    headers: { 'if-match': second.headers.get('etag') ?? '' },
  })
  expect(third.body).toMatchObject({ note: 'first', intent: 'uninstall' })

  const connector = await school.get(`connectors/${school.connectorId}`)
  const named = await school.ask('PATCH', `connectors/${school.connectorId}`, {
    body: { name: 'Berlin schools', settings: { syncIntervalMinutes: 30 } },
    headers: { 'if-match': connector.headers.get('etag') ?? '' },
  })
  expect(named.body).toMatchObject({ name: 'Berlin schools', settings: { syncIntervalMinutes: 30, autoClaim: true } })
  // A shorter interval holds from now on, and not only after the next sync.
  expect(Date.parse(named.body.nextSyncAt) - school.clock.now()).toBeLessThanOrEqual(30 * 60_000)
  const stale = await school.ask('PATCH', `connectors/${school.connectorId}`, {
    body: { name: 'Other' },
    headers: { 'if-match': connector.headers.get('etag') ?? '' },
  })
  expect(stale.body).toMatchObject({ status: 412, current: { name: 'Berlin schools' } })
})

test('what is not there is 404, what is not understood 400 with its field', async () => {
  await using desk = await openDesk()
  for (const path of ['connectors/x', 'licenses/l1', 'assignments/l1~u1', 'orders/x', 'syncs/x', 'users/u1', 'devices/d1', 'groups/x'])
    expect([path, (await desk.get(path)).body.code]).toEqual([path, 'not-found'])
  const answer = await desk.post('connectors', { kind: 'apple-apps-books' })
  expect(answer.body).toMatchObject({ status: 400, code: 'request-malformed' })
  expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual(['name', 'credential'])
  for (const path of ['licenses?limit=0', 'licenses?sort=colour', 'orders?state=lost', 'licenses?cursor=garbage', 'syncs?cursor=bm9uZQ'])
    expect([path, (await desk.get(path)).status]).toEqual([path, 400])
  const strange = await desk.post('connectors', { kind: 'another-store', name: 'x', credential: {} })
  expect(strange.body).toMatchObject({ status: 400, errors: [{ field: 'kind' }] })
})

test('a POST that is sent again with its key gets the same answer and does nothing twice', async () => {
  await using school = await openSchool()
  const app = await school.idOf('licenses', keynote)
  const body = { licenseId: app, target: { kind: 'device', id: await school.idOf('devices', 'C02A') } }
  const send = (sent: unknown) => school.ask('POST', 'assignments', { body: sent, headers: { 'idempotency-key': 'once' } })
  const first = await send(body)
  const again = await send(body)
  expect([again.status, again.text]).toEqual([first.status, first.text])
  expect((await send({ ...body, note: 'other' })).body).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
})
