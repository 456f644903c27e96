import { describe, expect, test } from 'vitest'
import { device, isItem, itemsOf, openDesk } from './apple-desk.ts'
import type { Item } from './apple-desk.ts'

const APP = '900000011'
const URL_ = 'https://licenses.example/hooks/apple/1'
const SECRET = 'n0t-a-real-secret'

interface Received {
  readonly url: string
  readonly authorization: string | null
  readonly body: Item
}

const withReceiver = () => {
  const received: Received[] = []
  const answers = { status: 200 }
  const desk = openDesk({
    fetch: async (request) => {
      const body: unknown = await request.json()
      received.push({ url: request.url, authorization: request.headers.get('authorization'), body: isItem(body) ? body : {} })
      if (answers.status === 0) throw new TypeError('fetch failed')
      return new Response(null, { status: answers.status })
    },
  })
  desk.control.own(desk.uId, APP, { total: 1000 })
  const subscribe = (types: readonly string[]) =>
    desk.post('/client/config', { notificationUrl: URL_, notificationAuthToken: SECRET, notificationTypes: types })
  const ofType = (type: string) => received.filter(({ body }) => body['notificationType'] === type)
  return { desk, received, answers, subscribe, ofType }
}

const inner = ({ body }: Received): Item => (isItem(body['notification']) ? body['notification'] : {})

describe('the address', () => {
  test('is asked before it is accepted, with the new secret', async () => {
    const { desk, received, subscribe } = withReceiver()
    const answer = await subscribe(['ASSET_COUNT'])
    expect(received).toEqual([
      {
        url: URL_,
        authorization: `Bearer ${SECRET}`,
        body: { notification: {}, notificationId: expect.any(String), notificationType: 'TEST_NOTIFICATION', uId: desk.uId },
      },
    ])
    expect(answer.body).toMatchObject({
      notificationUrl: URL_,
      notificationAuthToken: SECRET,
      subscribedNotificationTypes: ['ASSET_COUNT'],
    })
  })

  test.each([500, 404, 302, 0])('that answers %s makes the whole POST fail with 9728, mdmInfo included', async (status) => {
    const { desk, answers } = withReceiver()
    answers.status = status
    const mdmInfo = { id: 'x', name: 'y', metadata: 'z' }
    const refused = await desk.post('/client/config', { mdmInfo, notificationUrl: URL_, notificationAuthToken: SECRET })
    expect([refused.status, refused.body['errorNumber']]).toEqual([400, 9728])
    const config = (await desk.get('/client/config')).body
    expect(config).not.toHaveProperty('notificationUrl')
    expect(config).not.toHaveProperty('mdmInfo')
  })

  test('of http is refused, on this machine too, unless a switch deviates from Apple there', async () => {
    const { desk } = withReceiver()
    const post = (notificationUrl: string) => desk.post('/client/config', { notificationUrl, notificationAuthToken: SECRET })
    expect((await post('http://127.0.0.1:8787/hooks/apple/1')).body['errorNumber']).toBe(9712)
    desk.control.setSwitches({ httpNotices: 'on-this-machine' })
    expect((await post('http://127.0.0.1:8787/hooks/apple/1')).status).toBe(200)
    expect((await post('http://licenses.example/hooks/apple/1')).body['errorNumber']).toBe(9712)
  })

  test('a store that can reach nobody still takes mdmInfo alone', async () => {
    const desk = openDesk()
    const mdmInfo = { id: 'x', name: 'y', metadata: 'z' }
    const refused = await desk.post('/client/config', { notificationUrl: URL_, notificationAuthToken: SECRET })
    expect(refused.body['errorNumber']).toBe(9728)
    expect((await desk.post('/client/config', { mdmInfo })).body['mdmInfo']).toEqual(mdmInfo)
  })
})

describe('what is told', () => {
  test('150 devices make two notices of at most 100, with one event id', async () => {
    const { desk, subscribe, ofType } = withReceiver()
    await subscribe(['ASSET_MANAGEMENT'])
    const serialNumbers = Array.from({ length: 150 }, (_, at) => `S${at}`)
    const accepted = await desk.post('/assets/associate', { assets: [{ adamId: APP, pricingParam: 'STDQ' }], serialNumbers })
    // Nobody asks for the status: the store wakes up by itself.
    await desk.pass(500)
    await desk.pass(1)
    const notices = ofType('ASSET_MANAGEMENT').map(inner)
    expect(notices.map(({ assignments }) => itemsOf(assignments).length)).toEqual([100, 50])
    for (const notice of notices) expect(notice).toMatchObject({ eventId: accepted.body['eventId'], type: 'ASSOCIATE', result: 'SUCCESS' })
    expect(itemsOf(notices[0]?.['assignments'])[0]).toEqual({ adamId: APP, pricingParam: 'STDQ', serialNumber: 'S0' })
  })

  test('what failed comes with one error and its pairs', async () => {
    const { desk, subscribe, ofType } = withReceiver()
    await subscribe(['ASSET_MANAGEMENT'])
    await desk.post('/assets/associate', { assets: [{ adamId: APP }], serialNumbers: ['A'], clientUserIds: ['nobody'] })
    await desk.pass(500)
    await desk.pass(1)
    const failed = ofType('ASSET_MANAGEMENT')
      .map(inner)
      .find(({ result }) => result === 'FAILURE')
    expect(failed).toMatchObject({ error: { errorNumber: 9609 }, assignments: [{ adamId: APP, clientUserId: 'nobody' }] })
    expect(failed).not.toHaveProperty('failures')
  })

  test('a purchase is told as a difference, and what somebody else assigned under an event id of theirs', async () => {
    const { desk, subscribe, ofType } = withReceiver()
    await subscribe(['ASSET_COUNT', 'ASSET_MANAGEMENT'])
    desk.control.setTotal(desk.uId, APP, 988)
    desk.control.assignOutside(desk.uId, APP, [device('Z')])
    await desk.pass(1)
    await desk.pass(1)
    expect(ofType('ASSET_COUNT').map(inner)).toEqual([{ adamId: APP, pricingParam: 'STDQ', countDelta: -12 }])
    expect(ofType('ASSET_MANAGEMENT').map(inner)).toMatchObject([{ type: 'ASSOCIATE', assignments: [{ serialNumber: 'Z' }] }])
  })

  test('users: what was made known, and who accepted', async () => {
    const { desk, subscribe, ofType } = withReceiver()
    await subscribe(['USER_MANAGEMENT', 'USER_ASSOCIATED'])
    await desk.post('/users/create', { users: [{ clientUserId: 'ada' }] })
    await desk.pass(500)
    desk.control.acceptInvitation(desk.uId, 'ada', 'ada@icloud.example')
    await desk.pass(1)
    await desk.pass(1)
    expect(ofType('USER_MANAGEMENT').map(inner)).toMatchObject([{ type: 'CREATE', result: 'SUCCESS', users: [{ clientUserId: 'ada' }] }])
    expect(ofType('USER_ASSOCIATED').map(inner)).toMatchObject([{ associatedUsers: [{ clientUserId: 'ada', status: 'Associated' }] }])
  })

  test('only the subscribed types are sent, and an empty list ends it', async () => {
    const { desk, subscribe, ofType } = withReceiver()
    await subscribe(['ASSET_COUNT'])
    desk.control.assignOutside(desk.uId, APP, [device('Z')])
    await desk.post('/client/config', { notificationTypes: [] })
    desk.control.setTotal(desk.uId, APP, 5)
    await desk.pass(10)
    expect([...ofType('ASSET_MANAGEMENT'), ...ofType('ASSET_COUNT')]).toEqual([])
  })
})

describe('delivery', () => {
  test('is tried three times within five minutes and then given up, under one id', async () => {
    const { desk, subscribe, answers, ofType } = withReceiver()
    await subscribe(['ASSET_COUNT'])
    answers.status = 503
    desk.control.setTotal(desk.uId, APP, 5)
    for (let minute = 0; minute < 20; minute += 1) await desk.pass(60_000)
    const tries = ofType('ASSET_COUNT')
    expect(tries).toHaveLength(3)
    expect(new Set(tries.map(({ body }) => body['notificationId'])).size).toBe(1)
    expect(desk.control.notices()).toMatchObject([{ attempts: 3, delivered: false }])
  })

  test('a second try that is answered is the last', async () => {
    const { desk, subscribe, answers, ofType } = withReceiver()
    await subscribe(['ASSET_COUNT'])
    answers.status = 500
    desk.control.setTotal(desk.uId, APP, 5)
    await desk.pass(1)
    await desk.pass(1)
    answers.status = 204
    for (let minute = 0; minute < 10; minute += 1) await desk.pass(60_000)
    expect(ofType('ASSET_COUNT')).toHaveLength(2)
    expect(desk.control.notices()).toMatchObject([{ delivered: true }])
  })

  test('one can come late, behind those sent after it, and one again under an id of its own', async () => {
    const { desk, subscribe, ofType } = withReceiver()
    await subscribe(['ASSET_COUNT'])
    desk.control.faults.arm({ fault: { is: 'notification-delayed', ms: 5_000 }, times: 1 })
    desk.control.setTotal(desk.uId, APP, 5)
    desk.control.faults.arm({ fault: { is: 'notification-retold' }, times: 1 })
    desk.control.setTotal(desk.uId, APP, 9)
    await desk.pass(1)
    await desk.pass(6_000)
    await desk.pass(1)
    expect(ofType('ASSET_COUNT').map(inner)).toMatchObject([{ countDelta: 4 }, { countDelta: 4 }, { countDelta: -995 }])
    expect(new Set(ofType('ASSET_COUNT').map(({ body }) => body['notificationId'])).size).toBe(3)
  })

  test('one can be lost and one can come twice', async () => {
    const { desk, subscribe, ofType } = withReceiver()
    await subscribe(['ASSET_COUNT'])
    desk.control.faults.arm({ fault: { is: 'notification-lost' }, times: 1 })
    desk.control.setTotal(desk.uId, APP, 5)
    desk.control.faults.arm({ fault: { is: 'notification-doubled' }, times: 1 })
    desk.control.setTotal(desk.uId, APP, 9)
    await desk.pass(1)
    await desk.pass(1)
    expect(ofType('ASSET_COUNT').map(inner)).toMatchObject([{ countDelta: 4 }, { countDelta: 4 }])
  })
})
