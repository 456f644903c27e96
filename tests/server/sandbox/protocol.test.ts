import { describe, expect, test } from 'vitest'
import { device, itemsOf, openDesk } from './apple-desk.ts'

const APP = '900000011'
const assets = [{ adamId: APP, pricingParam: 'STDQ' }]

const furnished = (options: Parameters<typeof openDesk>[0] = {}) => {
  const desk = openDesk(options)
  desk.control.own(desk.uId, APP, { total: 10 })
  return desk
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
const innerOf = (tokenFile: string): string => String(JSON.parse(Buffer.from(tokenFile, 'base64').toString('utf8')).token)

describe('who may come in', () => {
  test('no header and a header that is none are 9722, what is well formed and unknown is 9622 with status 200', async () => {
    const desk = furnished()
    const none = await desk.get('/assets', { token: null })
    expect([none.status, none.body['errorNumber']]).toEqual([401, 9722])
    const basic = await desk.get('/assets', { token: null, headers: { authorization: 'Basic x' } })
    expect([basic.status, basic.body['errorNumber']]).toEqual([401, 9722])
    const unknown = await desk.get('/assets', { token: encoded({ token: 'x', expDate: '2027-01-01T00:00:00+0000', orgName: 'x' }) })
    expect([unknown.status, unknown.body['errorNumber']]).toEqual([200, 9622])
    expect(unknown.body).not.toHaveProperty('assets')
  })

  test('the inner token alone is refused, the same file with its members in another order is not', async () => {
    const desk = furnished()
    const inner = innerOf(desk.control.tokenFileFor(desk.uId))
    expect((await desk.get('/assets', { token: inner })).body['errorNumber']).toBe(9622)
    expect((await desk.get('/assets', { token: encoded({ orgName: 'other', token: inner }) })).status).toBe(200)
  })

  test('an expired token is 9621, a revoked one 9625, and a new file of the same location works again', async () => {
    const desk = furnished()
    desk.control.expireToken(desk.uId)
    const expired = await desk.get('/assets')
    expect([expired.status, expired.body['errorNumber']]).toEqual([401, 9621])
    desk.control.revokeToken(desk.uId)
    const revoked = await desk.get('/assets')
    expect([revoked.status, revoked.body['errorNumber']]).toEqual([401, 9625])
    const renewed = await desk.get('/client/config', { token: desk.control.newToken(desk.uId) })
    expect([renewed.status, renewed.body['uId']]).toEqual([200, desk.uId])
  })

  test('a token runs out in the middle of a walk', async () => {
    const desk = furnished({ switches: { pageSize: 1 } })
    desk.control.own(desk.uId, '900000012', { total: 1 })
    desk.control.expireToken(desk.uId, desk.clock.now() + 150)
    expect((await desk.get('/assets')).status).toBe(200)
    expect((await desk.get('/assets?pageIndex=1')).body['errorNumber']).toBe(9621)
  })

  test('a read-only token reads all three lists and writes nothing', async () => {
    const desk = furnished()
    desk.control.setPrivilege(desk.uId, 'read-only')
    for (const list of ['assets', 'assignments', 'users']) expect((await desk.get(`/${list}`)).status).toBe(200)
    const write = await desk.post('/assets/associate', { assets, serialNumbers: ['A'] })
    expect([write.status, write.body['errorNumber']]).toEqual([403, 9637])
    expect((await desk.post('/client/config', {})).body['errorNumber']).toBe(9637)
  })

  test('service/config answers anybody', async () => {
    const answer = await furnished().get('/service/config', { token: null })
    expect(answer.status).toBe(200)
    expect(answer.body['limits']).toMatchObject({ maxAssets: 25, maxSerialNumbers: 1000, maxRequestPerSecond: 15 })
    expect(answer.body['urls']).toMatchObject({ getAssets: 'https://vpp.example/mdm/v2/assets' })
    expect(itemsOf(answer.body['errorCodes']).some((error) => error['errorNumber'] === 9650)).toBe(true)
  })
})

describe('the order of complaints', () => {
  test('who you are comes before the method, the method before the content type, the content type before the body', async () => {
    const desk = furnished()
    const number = async (options: Parameters<typeof desk.post>[2]) => {
      const { status, body } = await desk.post('/assets/associate', {}, options)
      return [status, body['errorNumber']]
    }
    expect(await number({ token: null, method: 'PUT', rawBody: '{', headers: { 'content-type': 'text/plain' } })).toEqual([401, 9722])
    expect(await number({ method: 'PUT', rawBody: '{', headers: { 'content-type': 'text/plain' } })).toEqual([405, 9726])
    expect(await number({ rawBody: '{', headers: { 'content-type': 'text/plain' } })).toEqual([415, 9727])
    expect(await number({ rawBody: '{' })).toEqual([400, 9602])
    expect(await number({ rawBody: '[]' })).toEqual([400, 9602])
    expect(await number({ rawBody: '{}' })).toEqual([400, 9718])
  })

  test('a POST to a list and a path nobody knows', async () => {
    const desk = furnished()
    expect((await desk.post('/assets', {})).body['errorNumber']).toBe(9726)
    expect((await desk.get('/licenses')).status).toBe(404)
  })
})

describe('the envelope', () => {
  test('every answer names the location and the token end, and its owner once there is one', async () => {
    const desk = furnished()
    const bare = (await desk.get('/assets')).body
    expect(bare).toMatchObject({ uId: desk.uId, tokenExpirationDate: '2027-10-15T08:00:00+0000' })
    expect('mdmInfo' in bare).toBe(false)
    const owner = { id: 'fleetline-1', name: 'Fleetline', metadata: 'fleetline.example' }
    desk.control.setOwner(desk.uId, owner)
    const paths = ['/assets', '/assignments', '/users', '/client/config']
    for (const path of paths) expect((await desk.get(path)).body['mdmInfo']).toEqual(owner)
    expect((await desk.post('/assets/associate', { assets, serialNumbers: ['A'] })).body['mdmInfo']).toEqual(owner)
    desk.control.setOwner(desk.uId, null)
    desk.control.setSwitches({ unsetMdmInfo: 'null' })
    expect((await desk.get('/assets')).body['mdmInfo']).toBeNull()
  })

  test('the token end is told always, near its end only, or never', async () => {
    const desk = furnished()
    desk.control.setSwitches({ tokenExpirationDate: 'last-15-days' })
    expect((await desk.get('/assets')).body).not.toHaveProperty('tokenExpirationDate')
    expect((await desk.get('/client/config')).body).toHaveProperty('tokenExpirationDate')
    desk.control.expireToken(desk.uId, desk.clock.now() + 14 * 86_400_000)
    expect((await desk.get('/assets')).body).toHaveProperty('tokenExpirationDate')
    desk.control.setSwitches({ tokenExpirationDate: 'never' })
    expect((await desk.get('/client/config')).body).not.toHaveProperty('tokenExpirationDate')
  })

  test('undocumented members can stand everywhere', async () => {
    const desk = furnished({ switches: { extraMembers: true } })
    const { body } = await desk.get('/assets')
    expect(body).toHaveProperty('zzUndocumented')
    expect(itemsOf(body['assets'])[0]).toHaveProperty('zzUndocumented')
  })
})

describe('pace', () => {
  test('the sixteenth request of one second is 9646 with 429, another location is not held up', async () => {
    const desk = furnished()
    const other = desk.control.addLocation({ name: 'Eastmere Clinic' })
    const close = { close: true }
    const first = await Promise.all(Array.from({ length: 15 }, () => desk.get('/assets', close)))
    expect(first.every(({ status }) => status === 200)).toBe(true)
    const over = await desk.get('/assets', close)
    expect([over.status, over.body['errorNumber'], over.headers.get('retry-after')]).toEqual([429, 9646, null])
    expect((await desk.get('/assets', { close: true, token: other.tokenFile })).status).toBe(200)
    await desk.pass(1000)
    expect((await desk.get('/assets', close)).status).toBe(200)
  })

  test('a second token of the location does not make it faster, and Retry-After can be switched on', async () => {
    const desk = furnished({ switches: { rateLimitRetryAfterSeconds: 7 } })
    desk.control.setLimits({ maxRequestPerSecond: 2 })
    const second = desk.control.newToken(desk.uId)
    await desk.get('/assets', { close: true })
    await desk.get('/assets', { close: true, token: second })
    const over = await desk.get('/assets', { close: true, token: second })
    expect([over.status, over.headers.get('retry-after')]).toEqual([429, '7'])
  })

  test('a limit that service/config leaves out is kept all the same', async () => {
    const desk = furnished()
    desk.control.setLimits({ maxRequestPerSecond: null })
    expect((await desk.get('/service/config')).body['limits']).not.toHaveProperty('maxRequestPerSecond')
    await desk.pass(1000)
    for (let n = 0; n < 15; n += 1) await desk.get('/assets', { close: true })
    expect((await desk.get('/assets', { close: true })).status).toBe(429)
  })
})

describe('events', () => {
  test('an id nobody gave is 9708, and so is one too old when ids are kept for a day', async () => {
    const desk = furnished({ switches: { eventRetentionMs: 86_400_000 } })
    const unknown = await desk.get('/status?eventId=5d6a7c1e-0000-4000-8000-00000000a001')
    expect([unknown.status, unknown.body['errorNumber']]).toEqual([400, 9708])
    const { body } = await desk.post('/assets/associate', { assets, serialNumbers: ['A'] })
    await desk.pass(1000)
    const path = `/status?eventId=${String(body['eventId'])}`
    expect((await desk.get(path)).body['eventStatus']).toBe('COMPLETE')
    await desk.pass(86_400_000)
    expect((await desk.get(path)).body['errorNumber']).toBe(9708)
  })

  test('a slow event is done task by task, and its count grows meanwhile', async () => {
    const desk = furnished({ switches: { eventTaskMs: 1000 } })
    const { body } = await desk.post('/assets/associate', { assets, serialNumbers: ['A', 'B', 'C'] })
    await desk.pass(1500)
    const path = `/status?eventId=${String(body['eventId'])}`
    expect((await desk.get(path)).body).toMatchObject({ eventStatus: 'PENDING', numRequested: 3, numCompleted: 2 })
    expect(desk.control.counts(desk.uId, APP)).toMatchObject({ assigned: 2 })
    await desk.pass(1000)
    expect((await desk.get(path)).body).toMatchObject({ eventStatus: 'COMPLETE', numCompleted: 3 })
  })

  test('held events wait until they are let go', async () => {
    const desk = furnished({ switches: { holdEvents: true } })
    const { body } = await desk.post('/assets/associate', { assets, serialNumbers: ['A'] })
    await desk.pass(3_600_000)
    const path = `/status?eventId=${String(body['eventId'])}`
    expect((await desk.get(path)).body['eventStatus']).toBe('PENDING')
    expect(desk.control.finishEvents()).toBe(1)
    expect((await desk.get(path)).body['eventStatus']).toBe('COMPLETE')
  })

  test('who wins the last seat is a matter of order, and the order can be shuffled', async () => {
    const winners = new Set<string>()
    const desk = furnished({ switches: { taskOrder: 'shuffled' } })
    for (let n = 0; n < 12; n += 1) {
      const adamId = `91000000${n}`
      desk.control.own(desk.uId, adamId, { total: 1 })
      await desk.settle('/assets/associate', { assets: [{ adamId }], serialNumbers: ['A', 'B', 'C'] })
      const [holder] = desk.control.holders(desk.uId, adamId)
      if (holder?.kind === 'device') winners.add(holder.serialNumber)
    }
    expect(winners.size).toBeGreaterThan(1)
  })
})

describe('the same world twice', () => {
  test('the same clock, seed and requests give the same bytes', async () => {
    const run = async (): Promise<string> => {
      const desk = furnished()
      const texts: string[] = []
      texts.push((await desk.post('/assets/associate', { assets, serialNumbers: ['A'] })).text)
      texts.push((await desk.post('/users/create', { users: [{ clientUserId: 'ada' }] })).text)
      await desk.pass(1000)
      for (const list of ['assets', 'assignments', 'users', 'client/config']) texts.push((await desk.get(`/${list}`)).text)
      return texts.join('\n')
    }
    expect(await run()).toBe(await run())
  })

  test('a snapshot carries everything over, an event that was still open among it', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    desk.control.assignOutside(desk.uId, APP, [device('A')])
    const { body } = await desk.post('/assets/associate', { assets, clientUserIds: ['ada'] })
    const saved: unknown = JSON.parse(JSON.stringify(desk.control.snapshot()))

    const later = openDesk()
    expect(later.control.restore(saved)).toEqual({ ok: true, value: undefined })
    const token = desk.control.tokenFileFor(desk.uId)
    await later.pass(1000)
    const status = await later.get(`/status?eventId=${String(body['eventId'])}`, { token })
    expect(status.body).toMatchObject({ eventStatus: 'COMPLETE', numCompleted: 1 })
    expect(later.control.counts(desk.uId, APP)).toMatchObject({ assigned: 2 })
  })

  test('a snapshot that is none is refused and changes nothing', () => {
    const desk = furnished()
    expect(desk.control.restore({ is: 'apple-sandbox', format: 1, limits: {}, catalogue: [], locations: [{}] }).ok).toBe(false)
    expect(desk.control.locations()).toHaveLength(1)
  })

  test('the request log tells what was asked and never the token', async () => {
    const desk = furnished()
    await desk.post('/assets/associate', { assets, serialNumbers: ['A', 'B'] })
    const secret = 'notify-secret-1234'
    await desk.post('/client/config', { notificationUrl: 'https://a.example/x', notificationAuthToken: secret })
    const log = desk.control.requests()
    expect(log[0]).toMatchObject({ endpoint: 'associate', location: desk.uId, body: { assets: 1, serialNumbers: 2 }, status: 200 })
    const text = JSON.stringify(log)
    expect(text).not.toContain(secret)
    expect(text).not.toContain(desk.control.tokenFileFor(desk.uId))
    expect(text).not.toContain(innerOf(desk.control.tokenFileFor(desk.uId)))
  })
})
