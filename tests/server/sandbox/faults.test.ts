import { describe, expect, test } from 'vitest'
import { device, itemsOf, openDesk } from './apple-desk.ts'

const APP = '900000011'
const assets = [{ adamId: APP, pricingParam: 'STDQ' }]
const write = { assets, serialNumbers: ['A', 'B', 'C', 'D'] }

const furnished = () => {
  const desk = openDesk()
  desk.control.own(desk.uId, APP, { total: 10 })
  return desk
}

describe('the line', () => {
  test('cut after the store accepted: the caller hears nothing and the seats are taken all the same', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate', times: 1 })
    await expect(desk.post('/assets/associate', write)).rejects.toThrow(TypeError)
    await desk.pass(1000)
    expect(desk.control.counts(desk.uId, APP)).toMatchObject({ assigned: 4 })
    expect(desk.control.requests()[0]).toMatchObject({ endpoint: 'associate', status: 0, faults: ['connection-cut'] })
    expect((await desk.post('/assets/associate', write)).status).toBe(200)
  })

  test('cut before the store looked: nothing happened', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, times: 1 })
    await expect(desk.post('/assets/associate', write)).rejects.toThrow('fetch failed')
    await desk.pass(1000)
    expect(desk.control.counts(desk.uId, APP)).toMatchObject({ assigned: 0 })
  })

  test('an HTML page with 502 in place of an answer, with and without the work done behind it', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'bad-gateway', when: 'before' }, endpoint: 'assets', times: 1 })
    desk.control.faults.arm({ fault: { is: 'bad-gateway', when: 'after' }, endpoint: 'associate', times: 1 })
    const page = await desk.get('/assets')
    expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html'])
    expect((await desk.post('/assets/associate', write)).status).toBe(502)
    await desk.pass(1000)
    expect(desk.control.counts(desk.uId, APP)).toMatchObject({ assigned: 4 })
  })

  test('a slow answer takes as long as it takes', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'slow', ms: 5000 }, times: 1 })
    let answered = false
    const answer = desk.get('/assets', { close: true }).then(() => (answered = true))
    await desk.pass(4000)
    expect(answered).toBe(false)
    await desk.pass(1000)
    await answer
    expect(answered).toBe(true)
  })

  test('empty, cut short and sent elsewhere', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'empty-body' }, times: 1 })
    expect(await desk.get('/assets')).toMatchObject({ status: 200, text: '' })
    desk.control.faults.arm({ fault: { is: 'truncated-body' }, times: 1 })
    const half = await desk.get('/assets')
    expect(half.status).toBe(200)
    expect(() => JSON.parse(half.text)).toThrow(SyntaxError)
    desk.control.faults.arm({ fault: { is: 'redirect', to: 'https://elsewhere.example/' }, times: 1 })
    const moved = await desk.get('/assets')
    expect([moved.status, moved.headers.get('location')]).toEqual([307, 'https://elsewhere.example/'])
  })
})

describe('refusals', () => {
  test.each([undefined, '120', 'Wed, 21 Oct 2026 07:28:00 GMT', 'soon'])('429 and 503 with Retry-After "%s"', async (retryAfter) => {
    const desk = furnished()
    const given = retryAfter === undefined ? {} : { retryAfter }
    desk.control.faults.arm({ fault: { is: 'rate-limited', ...given }, times: 1 })
    const limited = await desk.get('/assets')
    expect([limited.status, limited.body['errorNumber'], limited.headers.get('retry-after')]).toEqual([429, 9646, retryAfter ?? null])
    desk.control.faults.arm({ fault: { is: 'unavailable', ...given }, times: 1 })
    const away = await desk.get('/assets')
    expect([away.status, away.body['errorNumber'], away.headers.get('retry-after')]).toEqual([503, 9729, retryAfter ?? null])
  })

  test('error bodies can come with 200, all of them or none', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'apple-error', errorNumber: 9603 } })
    expect((await desk.get('/assets')).status).toBe(500)
    desk.control.setSwitches({ errorBodiesWith200: 'all' })
    expect(await desk.get('/assets')).toMatchObject({ status: 200, body: { errorNumber: 9603 } })
    desk.control.faults.clear()
    desk.control.setSwitches({ errorBodiesWith200: 'never' })
    expect(await desk.get('/assets', { token: 'bm9ib2R5' })).toMatchObject({ status: 401, body: { errorNumber: 9622 } })
  })
})

describe('aim', () => {
  test('a fault strikes where, whom and how often it was told to, and after those it lets pass', async () => {
    const desk = furnished()
    const other = desk.control.addLocation({ name: 'Eastmere Clinic' })
    const id = desk.control.faults.arm({
      fault: { is: 'apple-error', errorNumber: 9603 },
      endpoint: 'assets',
      location: desk.uId,
      times: 2,
      skip: 1,
    })
    const statuses: number[] = []
    for (let n = 0; n < 5; n += 1) {
      statuses.push((await desk.get('/assets')).status)
      expect((await desk.get('/users')).status).toBe(200)
      expect((await desk.get('/assets', { token: other.tokenFile })).status).toBe(200)
    }
    expect(statuses).toEqual([200, 500, 500, 200, 200])
    expect(desk.control.faults.list().some((armed) => armed.id === id)).toBe(false)
  })

  test('a fault without an end strikes until it is cleared', async () => {
    const desk = furnished()
    const id = desk.control.faults.arm({ fault: { is: 'apple-error', errorNumber: 9603 } })
    for (let n = 0; n < 3; n += 1) expect((await desk.get('/assets')).status).toBe(500)
    desk.control.faults.clear(id)
    expect((await desk.get('/assets')).status).toBe(200)
  })
})

describe('lists that lie', () => {
  const four = () => {
    const desk = furnished()
    desk.control.assignOutside(desk.uId, APP, ['A', 'B', 'C', 'D'].map(device))
    return desk
  }

  test('a well-formed list with nothing in it', async () => {
    const desk = four()
    desk.control.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'assets', times: 1 })
    expect((await desk.get('/assets')).body).toMatchObject({ assets: [], size: 0, totalPages: 1 })
    expect(itemsOf((await desk.get('/assets')).body['assets'])).toHaveLength(1)
  })

  test('the set that shrinks between two pages, the page that names itself as the next, the empty page with a next', async () => {
    const desk = four()
    desk.control.faults.arm({ fault: { is: 'page-out-of-range' } })
    expect((await desk.get('/assignments')).status).toBe(200)
    expect((await desk.get('/assignments?pageIndex=1')).body['errorNumber']).toBe(9650)
    desk.control.faults.clear()
    desk.control.faults.arm({ fault: { is: 'page-loop' } })
    expect((await desk.get('/assignments?pageIndex=1')).body['nextPageIndex']).toBe(1)
    desk.control.faults.clear()
    desk.control.faults.arm({ fault: { is: 'empty-page' } })
    expect((await desk.get('/assignments?pageIndex=1')).body).toMatchObject({ assignments: [], size: 0, nextPageIndex: 2 })
  })

  test('a page of another version', async () => {
    const desk = four()
    const { versionId } = (await desk.get('/assignments')).body
    desk.control.faults.arm({ fault: { is: 'page-moved' }, times: 1 })
    expect((await desk.get('/assignments?pageIndex=1')).body['versionId']).not.toBe(versionId)
    expect((await desk.get('/assignments?pageIndex=1')).body['versionId']).toBe(versionId)
  })
})

describe('events that go wrong', () => {
  test('half of the tasks fail and the failure names them', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'tasks-fail', errorNumber: 9709, every: 2 }, times: 1 })
    expect(await desk.settle('/assets/associate', write)).toMatchObject({
      eventStatus: 'FAILED',
      numCompleted: 2,
      failures: [{ errorNumber: 9709, errorInfo: { serialNumbers: ['B', 'D'] } }],
    })
    expect(desk.control.holders(desk.uId, APP)).toEqual([device('A'), device('C')])
  })

  test('a failure without information, a target that always fails', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'targets-fail', errorNumber: 9603, keys: ['B'] }, times: 1 })
    desk.control.faults.arm({ fault: { is: 'failures-without-info' }, times: 1 })
    const status = await desk.settle('/assets/associate', write)
    expect(status['failures']).toEqual([{ errorNumber: 9603, errorMessage: expect.any(String) }])
    expect(desk.control.holders(desk.uId, APP)).toHaveLength(3)
  })

  test('COMPLETE with fewer done than asked', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'event-falls-short', by: 1 }, times: 1 })
    const status = await desk.settle('/assets/associate', write)
    expect(status).toMatchObject({ eventStatus: 'COMPLETE', numRequested: 4, numCompleted: 3 })
    expect(status).not.toHaveProperty('failures')
    expect(desk.control.holders(desk.uId, APP)).toHaveLength(3)
  })

  test('COMPLETE with everything counted as done, and nothing done', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'event-without-effect' }, times: 1 })
    expect(await desk.settle('/assets/associate', write)).toMatchObject({ eventStatus: 'COMPLETE', numRequested: 4, numCompleted: 4 })
    expect(desk.control.holders(desk.uId, APP)).toEqual([])
  })

  test('COMPLETE, and the seats went to other serial numbers', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'event-serves-another' }, times: 1 })
    expect(await desk.settle('/assets/associate', write)).toMatchObject({ eventStatus: 'COMPLETE', numCompleted: 4 })
    expect(desk.control.holders(desk.uId, APP)).toEqual(['AX', 'BX', 'CX', 'DX'].map(device))
  })

  test('everything done, and PENDING for ever', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'event-never-ends' }, times: 1 })
    expect(await desk.settle('/assets/associate', write)).toMatchObject({ eventStatus: 'PENDING', numCompleted: 4 })
    expect(desk.control.holders(desk.uId, APP)).toHaveLength(4)
    await desk.pass(24 * 60 * 60_000)
    expect(desk.control.events(desk.uId)).toMatchObject([{ completed: 4, finishedAt: null }])
  })

  test('one event that stays pending does not hold up the next', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'event-stays-pending' }, times: 1 })
    expect((await desk.settle('/assets/associate', write))['eventStatus']).toBe('PENDING')
    expect((await desk.settle('/assets/associate', { assets, serialNumbers: ['E'] }))['eventStatus']).toBe('COMPLETE')
    await desk.pass(660_000)
    expect(desk.control.holders(desk.uId, APP)).toEqual([device('E')])
    desk.control.finishEvents()
    expect(desk.control.holders(desk.uId, APP)).toHaveLength(5)
  })

  test('failures are put together by error, or by error and asset when the switch says so', async () => {
    const desk = furnished()
    const both = { assets: [...assets, { adamId: '900000012', pricingParam: 'STDQ' }], clientUserIds: ['nobody'] }
    desk.control.own(desk.uId, '900000012', { total: 10 })
    expect((await desk.settle('/assets/associate', both))['failures']).toHaveLength(1)
    desk.control.setSwitches({ failureGrouping: 'by-error-and-asset' })
    expect((await desk.settle('/assets/associate', both))['failures']).toHaveLength(2)
  })

  test('serial numbers nobody knows are accepted, or fail inside the event when the switch says so', async () => {
    const desk = furnished()
    expect((await desk.settle('/assets/associate', { assets, serialNumbers: ['UNKNOWN'] }))['eventStatus']).toBe('COMPLETE')
    desk.control.setSwitches({ unknownSerials: 'refused', knownSerials: ['A'] })
    expect(await desk.settle('/assets/associate', { assets, serialNumbers: ['A', 'B'] })).toMatchObject({
      eventStatus: 'FAILED',
      numCompleted: 1,
      failures: [{ errorNumber: 9602, errorInfo: { serialNumbers: ['B'] } }],
    })
  })
})

describe('an event that contradicts itself', () => {
  test('says COMPLETE and names failures', async () => {
    const desk = furnished()
    desk.control.faults.arm({ fault: { is: 'tasks-fail', errorNumber: 9602, every: 2 }, endpoint: 'associate', times: 1 })
    desk.control.faults.arm({ fault: { is: 'complete-with-failures' }, endpoint: 'associate', times: 1 })
    expect(await desk.settle('/assets/associate', write)).toMatchObject({
      eventStatus: 'COMPLETE',
      numRequested: 4,
      numCompleted: 2,
      failures: [{ errorNumber: 9602 }],
    })
  })

  test('says PENDING after all of it is done, for as long as the switch says', async () => {
    const desk = furnished()
    desk.control.setSwitches({ statusLagMs: 60_000 })
    expect(await desk.settle('/assets/associate', write)).toMatchObject({ eventStatus: 'PENDING', numCompleted: 4 })
    const [event] = desk.control.events(desk.uId)
    await desk.pass(60_000)
    expect((await desk.get(`/status?eventId=${event?.id}`)).body).toMatchObject({ eventStatus: 'COMPLETE' })
  })

  test('the publisher changes what may be done with a product', async () => {
    const desk = furnished()
    desk.control.setFlags(desk.uId, APP, { deviceAssignable: false })
    expect((await desk.post('/assets/associate', write)).body['errorNumber']).toBe(9707)
    desk.control.setFlags(desk.uId, APP, { revocable: false })
    expect((await desk.post('/assets/disassociate', write)).body['errorNumber']).toBe(9706)
  })
})
