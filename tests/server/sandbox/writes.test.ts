import { describe, expect, test } from 'vitest'
import { device, openDesk, user } from './apple-desk.ts'

const APP = '900000011'
const OTHER_APP = '900000012'
const BOOK = '900000777'

const stdq = (...ids: string[]) => ids.map((adamId) => ({ adamId, pricingParam: 'STDQ' }))
const serials = (count: number) => Array.from({ length: count }, (_, at) => `C02ZZ${String(at).padStart(4, '0')}`)

const furnished = (options: Parameters<typeof openDesk>[0] = {}) => {
  const desk = openDesk(options)
  desk.control.own(desk.uId, APP, { total: 40 })
  desk.control.own(desk.uId, OTHER_APP, { total: 40 })
  desk.control.own(desk.uId, BOOK, { total: 30, productType: 'Book', pricingParam: 'PLUS' })
  return desk
}

describe('what a write does', () => {
  test('an event id means accepted: until the latency is over nobody holds anything', async () => {
    const desk = furnished()
    const accepted = await desk.post('/assets/associate', { assets: stdq(APP), serialNumbers: ['C02ZZ0001'] })
    expect(accepted.status).toBe(200)
    expect(accepted.body['uId']).toBe(desk.uId)
    expect(desk.control.holders(desk.uId, APP)).toEqual([])
    const eventId = String(accepted.body['eventId'])
    expect((await desk.get(`/status?eventId=${eventId}`)).body).toMatchObject({ eventStatus: 'PENDING', numRequested: 1, numCompleted: 0 })
    await desk.pass(400)
    expect((await desk.get(`/status?eventId=${eventId}`)).body).toMatchObject({ eventStatus: 'COMPLETE', numRequested: 1, numCompleted: 1 })
    expect(desk.control.holders(desk.uId, APP)).toEqual([device('C02ZZ0001')])
  })

  test('two assets and eight targets, one of them unknown: 14 of 16 done and one failure entry', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    const status = await desk.settle('/assets/associate', {
      assets: stdq(APP, OTHER_APP),
      clientUserIds: ['ada', 'nobody'],
      serialNumbers: serials(6),
    })
    expect(status).toMatchObject({ eventStatus: 'FAILED', eventType: 'ASSOCIATE', numRequested: 16, numCompleted: 14 })
    expect(status['failures']).toEqual([
      {
        errorNumber: 9609,
        errorMessage: expect.any(String),
        errorInfo: { assets: stdq(APP, OTHER_APP), clientUserIds: ['nobody'] },
      },
    ])
    expect(desk.control.counts(desk.uId, APP)).toEqual({ total: 40, assigned: 7, available: 33, retired: 0 })
  })

  test('stock is taken task by task: the first get the last seats, the rest fail with 9709', async () => {
    const desk = furnished()
    desk.control.setTotal(desk.uId, APP, 2)
    const status = await desk.settle('/assets/associate', { assets: stdq(APP), serialNumbers: ['A', 'B', 'C', 'D'] })
    expect(status).toMatchObject({ eventStatus: 'FAILED', numRequested: 4, numCompleted: 2 })
    expect(status['failures']).toEqual([
      { errorNumber: 9709, errorMessage: expect.any(String), errorInfo: { assets: stdq(APP), serialNumbers: ['C', 'D'] } },
    ])
    expect(desk.control.holders(desk.uId, APP)).toEqual([device('A'), device('B')])
  })

  test('two requests for the last seat are both accepted, and one of them is disappointed later', async () => {
    const desk = furnished()
    desk.control.setTotal(desk.uId, APP, 1)
    const first = await desk.post('/assets/associate', { assets: stdq(APP), serialNumbers: ['A'] })
    const second = await desk.post('/assets/associate', { assets: stdq(APP), serialNumbers: ['B'] })
    expect([first.status, second.status]).toEqual([200, 200])
    await desk.pass(1000)
    expect((await desk.get(`/status?eventId=${String(first.body['eventId'])}`)).body['eventStatus']).toBe('COMPLETE')
    expect((await desk.get(`/status?eventId=${String(second.body['eventId'])}`)).body['eventStatus']).toBe('FAILED')
    expect(desk.control.counts(desk.uId, APP)).toMatchObject({ assigned: 1, available: 0 })
  })

  test('a retired seat is not stock', async () => {
    const desk = furnished()
    desk.control.setTotal(desk.uId, APP, 2)
    desk.control.setRetired(desk.uId, APP, 1)
    expect(await desk.settle('/assets/associate', { assets: stdq(APP), serialNumbers: ['A', 'B'] })).toMatchObject({ numCompleted: 1 })
  })

  test('a refund below what is in use leaves no seat free and takes none back', async () => {
    const desk = furnished()
    desk.control.assignOutside(desk.uId, APP, [device('A'), device('B')])
    desk.control.setTotal(desk.uId, APP, 1)
    expect(desk.control.counts(desk.uId, APP)).toEqual({ total: 1, assigned: 2, available: 0, retired: 0 })
  })

  test('an unlimited app never runs out', async () => {
    const desk = furnished()
    desk.control.own(desk.uId, '900000099', { total: 'unlimited' })
    expect(await desk.settle('/assets/associate', { assets: stdq('900000099'), serialNumbers: serials(50) })).toMatchObject({
      eventStatus: 'COMPLETE',
      numCompleted: 50,
    })
  })

  test('the edition counts: an asset owned as PLUS alone has no standard license', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    const wrong = await desk.settle('/assets/associate', { assets: stdq(BOOK), clientUserIds: ['ada'] })
    expect(wrong).toMatchObject({ eventStatus: 'FAILED', failures: [{ errorNumber: 9709 }] })
    const right = await desk.settle('/assets/associate', { assets: [{ adamId: BOOK, pricingParam: 'PLUS' }], clientUserIds: ['ada'] })
    expect(right).toMatchObject({ eventStatus: 'COMPLETE' })
  })

  test('assigning again and freeing what is free: success, or the numbers of v1 when the switch says so', async () => {
    const desk = furnished()
    const body = { assets: stdq(APP), serialNumbers: ['A'] }
    await desk.settle('/assets/associate', body)
    expect(await desk.settle('/assets/associate', body)).toMatchObject({ eventStatus: 'COMPLETE' })
    desk.control.setSwitches({ repeatedWrite: 'v1-errors' })
    expect(await desk.settle('/assets/associate', body)).toMatchObject({ failures: [{ errorNumber: 9616 }] })
    await desk.settle('/assets/disassociate', body)
    expect(await desk.settle('/assets/disassociate', body)).toMatchObject({ failures: [{ errorNumber: 9619 }] })
    expect(desk.control.counts(desk.uId, APP)).toMatchObject({ assigned: 0 })
  })

  test('a revoke takes back every revocable asset and leaves the book without a word', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    desk.control.assignOutside(desk.uId, APP, [user('ada'), device('A')])
    desk.control.assignOutside(desk.uId, OTHER_APP, [user('ada')])
    desk.control.assignOutside(desk.uId, BOOK, [user('ada')], 'PLUS')
    expect(await desk.settle('/assets/revoke', { clientUserIds: ['ada'] })).toMatchObject({
      eventStatus: 'COMPLETE',
      eventType: 'REVOKE',
      numRequested: 2,
      numCompleted: 2,
    })
    expect(desk.control.holders(desk.uId, APP)).toEqual([device('A')])
    expect(desk.control.holders(desk.uId, BOOK, 'PLUS')).toEqual([user('ada')])
  })
})

describe('what nobody can do, not even in the portal', () => {
  test('take a book back', () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    expect(desk.control.assignOutside(desk.uId, BOOK, [user('ada')], 'PLUS')).toEqual([])
    expect(desk.control.freeOutside(desk.uId, BOOK, [user('ada')], 'PLUS')).toEqual([{ target: user('ada'), errorNumber: 9706 }])
    expect(desk.control.counts(desk.uId, BOOK, 'PLUS')).toMatchObject({ assigned: 1 })
  })

  test('give a book to a device, or anything to somebody unknown', () => {
    const desk = furnished()
    expect(desk.control.assignOutside(desk.uId, BOOK, [device('A')], 'PLUS')).toEqual([{ target: device('A'), errorNumber: 9707 }])
    expect(desk.control.assignOutside(desk.uId, APP, [user('no'), device('A')])).toEqual([{ target: user('no'), errorNumber: 9609 }])
    expect(desk.control.holders(desk.uId, APP)).toEqual([device('A')])
  })
})

describe('what a write is refused for, before anything happens', () => {
  const cases: readonly (readonly [name: string, path: string, body: unknown, status: number, errorNumber: number])[] = [
    ['no assets', '/assets/associate', { serialNumbers: ['A'] }, 400, 9718],
    ['no targets', '/assets/associate', { assets: stdq(APP), serialNumbers: [] }, 400, 9719],
    ['too many assets', '/assets/associate', { assets: stdq(...serials(26)), serialNumbers: ['A'] }, 400, 9700],
    ['too many users', '/assets/associate', { assets: stdq(APP), clientUserIds: serials(1001) }, 400, 9701],
    ['too many serials', '/assets/associate', { assets: stdq(APP), serialNumbers: serials(1001) }, 400, 9702],
    ['an asset twice', '/assets/associate', { assets: stdq(APP, APP), serialNumbers: ['A'] }, 400, 9703],
    ['an asset twice, once by default', '/assets/associate', { assets: [...stdq(APP), { adamId: APP }], serialNumbers: ['A'] }, 400, 9703],
    ['a user twice', '/assets/associate', { assets: stdq(APP), clientUserIds: ['a', 'a'] }, 400, 9704],
    ['a serial twice', '/assets/associate', { assets: stdq(APP), serialNumbers: ['A', 'A'] }, 400, 9705],
    [
      'a book taken back',
      '/assets/disassociate',
      { assets: [...stdq(APP), { adamId: BOOK, pricingParam: 'PLUS' }], clientUserIds: ['ada'] },
      400,
      9706,
    ],
    [
      'a book for a device',
      '/assets/associate',
      { assets: [...stdq(APP), { adamId: BOOK, pricingParam: 'PLUS' }], serialNumbers: ['A'] },
      400,
      9707,
    ],
    ['assets that are no list', '/assets/associate', { assets: APP, serialNumbers: ['A'] }, 400, 9602],
    ['an adamId as a number', '/assets/associate', { assets: [{ adamId: 900000011 }], serialNumbers: ['A'] }, 400, 9602],
    ['an edition nobody knows', '/assets/associate', { assets: [{ adamId: APP, pricingParam: 'GOLD' }], serialNumbers: ['A'] }, 400, 9602],
    ['a revoke without targets', '/assets/revoke', {}, 400, 9719],
    ['a revoke of too many users', '/assets/revoke', { clientUserIds: serials(101) }, 400, 9701],
    ['a revoke of too many serials', '/assets/revoke', { serialNumbers: serials(101) }, 400, 9702],
    ['no users', '/users/create', { users: [] }, 400, 9720],
    ['too many users at once', '/users/create', { users: serials(101).map((clientUserId) => ({ clientUserId })) }, 400, 9714],
    ['a user twice at once', '/users/create', { users: [{ clientUserId: 'a' }, { clientUserId: 'a' }] }, 400, 9715],
    ['an address that is none', '/users/create', { users: [{ clientUserId: 'a', email: 'nobody' }] }, 400, 9717],
    ['an mdmInfo without metadata', '/client/config', { mdmInfo: { id: 'x', name: 'y', metdata: 'z' } }, 400, 9723],
    ['an mdmInfo with too long an id', '/client/config', { mdmInfo: { id: 'x'.repeat(101), name: 'y', metadata: 'z' } }, 400, 9724],
    ['an mdmInfo with too long a name', '/client/config', { mdmInfo: { id: 'x', name: 'y'.repeat(101), metadata: 'z' } }, 400, 9725],
    ['an mdmInfo with too long metadata', '/client/config', { mdmInfo: { id: 'x', name: 'y', metadata: 'z'.repeat(256) } }, 400, 9713],
    ['an address without a secret', '/client/config', { notificationUrl: 'https://a.example/x' }, 400, 9710],
    ['a secret without an address', '/client/config', { notificationAuthToken: 's' }, 400, 9710],
    ['too long a secret', '/client/config', { notificationUrl: 'https://a.example/x', notificationAuthToken: 's'.repeat(513) }, 400, 9711],
    ['a plain http address', '/client/config', { notificationUrl: 'http://a.example/x', notificationAuthToken: 's' }, 400, 9712],
    ['an address with a query', '/client/config', { notificationUrl: 'https://a.example/x?y=1', notificationAuthToken: 's' }, 400, 9712],
  ]

  test.each(cases)('%s', async (_name, path, body, status, errorNumber) => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    const answer = await desk.post(path, body)
    expect([answer.status, answer.body['errorNumber']]).toEqual([status, errorNumber])
    await desk.pass(1000)
    expect(desk.control.owned(desk.uId).map(({ assigned }) => assigned)).toEqual([0, 0, 0])
    expect(desk.control.users(desk.uId)).toHaveLength(1)
    expect((await desk.get('/client/config')).body['mdmInfo']).toBeUndefined()
  })

  test('exactly the published limits are accepted', async () => {
    const desk = furnished()
    const body = { assets: stdq(...serials(25)), clientUserIds: serials(1000), serialNumbers: serials(1000) }
    expect((await desk.post('/assets/associate', body)).status).toBe(200)
  })

  test('limits are checked before duplicates, and duplicates before what the assets are', async () => {
    const desk = furnished()
    const book = { adamId: BOOK, pricingParam: 'PLUS' }
    const tooMany = await desk.post('/assets/associate', { assets: [book], serialNumbers: [...serials(1000), 'C02ZZ0000'] })
    expect(tooMany.body['errorNumber']).toBe(9702)
    const twice = await desk.post('/assets/associate', { assets: [book], serialNumbers: ['A', 'A'] })
    expect(twice.body['errorNumber']).toBe(9705)
  })

  test('limits that drop are kept from then on, and service/config tells them', async () => {
    const desk = furnished()
    desk.control.setLimits({ maxSerialNumbers: 10 })
    expect((await desk.post('/assets/associate', { assets: stdq(APP), serialNumbers: serials(11) })).body['errorNumber']).toBe(9702)
    expect((await desk.get('/service/config')).body['limits']).toMatchObject({ maxSerialNumbers: 10 })
  })
})
