import { describe, expect, test } from 'vitest'
import { device, itemsOf, openDesk, user } from './apple-desk.ts'

const APP = '900000011'
const BOOK = '900000777'

const serials = (count: number) => Array.from({ length: count }, (_, at) => `C02ZZ${String(at).padStart(4, '0')}`)

const withSeats = (count: number, options: Parameters<typeof openDesk>[0] = {}) => {
  const desk = openDesk(options)
  desk.control.own(desk.uId, APP, { total: 100, retired: 1, heldBy: serials(count).map(device) })
  return desk
}

describe('pages', () => {
  test('seven assignments come on three pages, each once, and the last page names no next one', async () => {
    const { walk } = withSeats(7)
    const { pages, items } = await walk('/assignments', 'assignments')
    expect(pages.map((page) => [page['currentPageIndex'], page['nextPageIndex'], page['size'], page['totalPages']])).toEqual([
      [0, 1, 3, 3],
      [1, 2, 3, 3],
      [2, undefined, 1, 3],
    ])
    expect('nextPageIndex' in (pages[2] ?? {})).toBe(false)
    expect(items.map((item) => item['serialNumber'])).toEqual(serials(7))
    expect(new Set(pages.map((page) => page['versionId'])).size).toBe(1)
  })

  test('a page beyond the last is 9650, and so is one that went away while the walk was on', async () => {
    const desk = withSeats(7)
    expect((await desk.get('/assignments?pageIndex=3')).body['errorNumber']).toBe(9650)
    expect((await desk.get('/assignments?pageIndex=2')).status).toBe(200)
    desk.control.freeOutside(desk.uId, APP, [device('C02ZZ0000')])
    const gone = await desk.get('/assignments?pageIndex=2')
    expect([gone.status, gone.body['errorNumber']]).toEqual([400, 9650])
  })

  test('an empty list has one page without items', async () => {
    const { walk } = openDesk()
    const { pages } = await walk('/assets', 'assets')
    expect(pages).toHaveLength(1)
    expect(pages[0]).toMatchObject({ assets: [], size: 0 })
  })

  test.each(['-1', 'x', '1.5', ''])('a page index of "%s" is an invalid argument', async (index) => {
    expect((await withSeats(7).get(`/assignments?pageIndex=${index}`)).body['errorNumber']).toBe(9602)
  })
})

describe('assets', () => {
  test('counts add up, and members without a value are left out', async () => {
    const desk = withSeats(7)
    const { items } = await desk.walk('/assets', 'assets')
    expect(items).toEqual([
      {
        adamId: APP,
        pricingParam: 'STDQ',
        productType: 'App',
        totalCount: 100,
        assignedCount: 7,
        availableCount: 92,
        retiredCount: 1,
        deviceAssignable: true,
        revocable: true,
        supportedPlatforms: ['iOS'],
      },
    ])
  })

  test('a switch makes the counts disagree', async () => {
    const desk = withSeats(7, { switches: { countsDisagree: true } })
    const [item] = (await desk.walk('/assets', 'assets')).items
    expect(item).toMatchObject({ totalCount: 100, assignedCount: 7, availableCount: 93, retiredCount: 1 })
  })

  test('an unlimited app looks like a number, is told apart on demand and left out on demand', async () => {
    const desk = withSeats(1)
    desk.control.own(desk.uId, '900000099', { total: 'unlimited', heldBy: [device('A')] })
    const plain = await desk.get('/assets')
    expect(itemsOf(plain.body['assets'])[1]).toMatchObject({ totalCount: 2_147_483_647, assignedCount: 1, availableCount: 2_147_483_646 })
    const apart = await desk.get('/assets?unlimited=true')
    expect(itemsOf(apart.body['assets'])).toHaveLength(1)
    expect(itemsOf(apart.body['unlimitedAssets'])[0]).toMatchObject({ adamId: '900000099', assignedCount: 1 })
    expect(itemsOf(apart.body['unlimitedAssets'])[0]).not.toHaveProperty('totalCount')
    expect(itemsOf((await desk.get('/assets?unlimited=false')).body['assets'])).toHaveLength(1)
  })

  test('each filter keeps what it says', async () => {
    const desk = withSeats(7)
    desk.control.own(desk.uId, BOOK, { total: 5, productType: 'Book' })
    desk.control.own(desk.uId, BOOK, { total: 9, productType: 'Book', pricingParam: 'PLUS' })
    const totals = async (query: string) => (await desk.walk(`/assets?${query}`, 'assets')).items.map((item) => item['totalCount'])
    expect(await totals('adamId=900000777')).toEqual([5, 9])
    expect(await totals('pricingParam=PLUS')).toEqual([9])
    expect(await totals('productType=App')).toEqual([100])
    expect(await totals('revocable=false')).toEqual([5, 9])
    expect(await totals('deviceAssignable=true')).toEqual([100])
    expect(await totals('minAssignedCount=1')).toEqual([100])
    expect(await totals('maxAvailableCount=5')).toEqual([5])
    expect(await totals('adamId=1')).toEqual([])
    expect((await desk.get('/assets?productType=Song')).body['errorNumber']).toBe(9602)
  })

  test('what is no longer owned leaves the list, or stays with zeros when the switch says so', async () => {
    const desk = withSeats(0)
    desk.control.setTotal(desk.uId, APP, 0)
    expect((await desk.walk('/assets', 'assets')).items).toHaveLength(0)
    desk.control.setSwitches({ goneAssets: 'stay-with-zeros' })
    expect((await desk.walk('/assets', 'assets')).items).toHaveLength(1)
  })
})

describe('versions', () => {
  test('every write changes the version of what it touched, also a write by somebody else', async () => {
    const desk = withSeats(2)
    const version = async (list: string) => (await desk.get(`/${list}`)).body['versionId']
    const before = [await version('assets'), await version('assignments'), await version('users')]
    expect(new Set(before).size).toBe(3)
    expect([await version('assets'), await version('assignments'), await version('users')]).toEqual(before)

    desk.control.assignOutside(desk.uId, APP, [device('Z')])
    const seated = [await version('assets'), await version('assignments'), await version('users')]
    expect(seated.map((one, at) => one === before[at])).toEqual([false, false, true])

    desk.control.setTotal(desk.uId, APP, 101)
    expect(await version('assets')).not.toBe(seated[0])
    expect(await version('assignments')).toBe(seated[1])

    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    expect(await version('users')).not.toBe(seated[2])
  })

  test('an increment tells what was added and says nothing of what was removed', async () => {
    const desk = withSeats(4)
    const since = String((await desk.get('/assignments')).body['versionId'])
    const empty = await desk.get(`/assignments?sinceVersionId=${since}`)
    expect(empty.body).toMatchObject({ assignments: [], versionId: since })

    desk.control.assignOutside(desk.uId, APP, serials(8).map(device))
    desk.control.freeOutside(desk.uId, APP, [device('C02ZZ0000')])
    const { pages, items } = await desk.walk(`/assignments?sinceVersionId=${since}`, 'assignments')
    expect(pages).toHaveLength(2)
    expect(items.map((item) => item['serialNumber'])).toEqual(['C02ZZ0004', 'C02ZZ0005', 'C02ZZ0006', 'C02ZZ0007'])
    expect(pages[0]?.['versionId']).not.toBe(since)
  })

  test('a retired user is in the increment of users', async () => {
    const desk = openDesk()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    desk.control.registerUser(desk.uId, { clientUserId: 'bo' })
    const since = String((await desk.get('/users')).body['versionId'])
    desk.control.retireUser(desk.uId, 'ada')
    expect(itemsOf((await desk.get(`/users?sinceVersionId=${since}`)).body['users'])).toMatchObject([
      { clientUserId: 'ada', status: 'Retired' },
    ])
  })

  test('a version of another list, of nowhere or from before the store forgot is 9721', async () => {
    const desk = withSeats(1)
    const since = String((await desk.get('/assignments')).body['versionId'])
    const number = async (list: string, id: string) => (await desk.get(`/${list}?sinceVersionId=${id}`)).body['errorNumber']
    expect(await number('users', since)).toBe(9721)
    expect(await number('assignments', '00000000-33aa-11f1-8c55-0242ac120002')).toBe(9721)
    expect(await number('assignments', 'yesterday')).toBe(9721)
    expect(await number('assignments', since)).toBeUndefined()
    desk.control.forgetVersions(desk.uId)
    expect(await number('assignments', since)).toBe(9721)
  })

  test('an asset list knows no increments: the parameter is ignored', async () => {
    const desk = withSeats(1)
    expect(itemsOf((await desk.get('/assets?sinceVersionId=x')).body['assets'])).toHaveLength(1)
  })
})

describe('a list that lags', () => {
  test('assets show the old counts for a while after the event is complete, assignments already the new', async () => {
    const desk = withSeats(2, { switches: { listLagMs: { assets: 180_000, assignments: 0, users: 0 } } })
    const before = (await desk.get('/assets')).body
    await desk.settle('/assets/associate', { assets: [{ adamId: APP, pricingParam: 'STDQ' }], serialNumbers: ['Z'] })
    expect((await desk.get('/assets')).body).toEqual(before)
    expect((await desk.walk('/assignments', 'assignments')).items).toHaveLength(3)
    await desk.pass(180_000)
    const after = (await desk.get('/assets')).body
    expect(itemsOf(after['assets'])[0]).toMatchObject({ assignedCount: 3 })
    expect(after['versionId']).not.toBe(before['versionId'])
  })

  test('two writes become visible one after the other', async () => {
    const desk = withSeats(0, { switches: { listLagMs: { assets: 0, assignments: 60_000, users: 0 } } })
    await desk.pass(61_000)
    desk.control.assignOutside(desk.uId, APP, [device('A')])
    await desk.pass(30_000)
    desk.control.assignOutside(desk.uId, APP, [device('B')])
    const seen = async () => (await desk.walk('/assignments', 'assignments')).items.map((item) => item['serialNumber'])
    expect(await seen()).toEqual([])
    await desk.pass(31_000)
    expect(await seen()).toEqual(['A'])
    await desk.pass(30_000)
    expect(await seen()).toEqual(['A', 'B'])
  })
})

describe('filters on assignments and users', () => {
  test('by product, person and serial, with and without those who left', async () => {
    const desk = withSeats(1)
    desk.control.own(desk.uId, BOOK, { total: 5, productType: 'Book' })
    desk.control.registerUser(desk.uId, { clientUserId: 'ada', managedAppleId: 'ada@school.example' })
    desk.control.registerUser(desk.uId, { clientUserId: 'bo', email: 'bo@school.example' })
    desk.control.assignOutside(desk.uId, APP, [user('ada'), user('bo')])
    desk.control.assignOutside(desk.uId, BOOK, [user('ada')])
    desk.control.retireUser(desk.uId, 'ada')
    const keys = async (query: string) =>
      (await desk.walk(`/assignments?${query}`, 'assignments')).items.map((item) => item['clientUserId'] ?? item['serialNumber'])
    expect(await keys('')).toEqual(['C02ZZ0000', 'bo', 'ada'])
    expect(await keys('excludeInactiveUsers=true')).toEqual(['C02ZZ0000', 'bo'])
    expect(await keys(`adamId=${BOOK}`)).toEqual(['ada'])
    expect(await keys('serialNumber=C02ZZ0000')).toEqual(['C02ZZ0000'])
    expect(await keys('clientUserId=bo')).toEqual(['bo'])
    const { items } = await desk.walk('/assignments?includeUserState=true', 'assignments')
    expect(items[1]).toEqual({ adamId: APP, pricingParam: 'STDQ', clientUserId: 'bo', userStatus: 'Registered' })
    expect(items[2]).toMatchObject({ clientUserId: 'ada', userStatus: 'Retired', idHash: expect.any(String) })
    // The book of the retired user stays counted.
    expect(desk.control.counts(desk.uId, BOOK)).toMatchObject({ assigned: 1, available: 4 })

    const users = async (query: string) => itemsOf((await desk.get(`/users?${query}`)).body['users']).map((item) => item['clientUserId'])
    expect(await users('')).toEqual(['ada', 'bo'])
    expect(await users('activeOnly=true')).toEqual(['bo'])
    expect(await users('retiredOnly=true')).toEqual(['ada'])
    expect(await users('clientUserId=bo')).toEqual(['bo'])
    expect(await users('includeRetired=0')).toEqual(['ada', 'bo'])
  })
})

describe('ways that the papers leave open', () => {
  test('mdmInfo is in every answer, or in that of client/config alone', async () => {
    const desk = withSeats(1)
    const owner = { id: 'a', name: 'b', metadata: 'c' }
    desk.control.setOwner(desk.uId, owner)
    expect((await desk.get('/assets')).body['mdmInfo']).toEqual(owner)
    desk.control.setSwitches({ mdmInfoIn: 'client-config' })
    expect((await desk.get('/assets')).body['mdmInfo']).toBeUndefined()
    expect((await desk.get('/client/config')).body['mdmInfo']).toEqual(owner)
  })

  test('a removed assignment is absent from the increment; or the version does not tell of it either', async () => {
    const desk = withSeats(3)
    const version = async (): Promise<unknown> => (await desk.get('/assignments')).body['versionId']
    const first = await version()
    desk.control.freeOutside(desk.uId, APP, [device('C02ZZ0001')])
    expect(await version()).not.toBe(first)
    expect((await desk.get(`/assignments?sinceVersionId=${String(first)}`)).body).toMatchObject({ assignments: [] })
    desk.control.setSwitches({ removedAssignments: 'not-reported' })
    const second = await version()
    desk.control.freeOutside(desk.uId, APP, [device('C02ZZ0002')])
    expect(await version()).toBe(second)
    desk.control.assignOutside(desk.uId, APP, [device('C02ZZ0009')])
    expect(await version()).not.toBe(second)
  })

  test('includeRetired is ignored, or leaves retired users out', async () => {
    const desk = withSeats(1)
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    desk.control.retireUser(desk.uId, 'ada')
    const seen = async () => itemsOf((await desk.get('/users?includeRetired=0')).body['users'])
    expect(await seen()).toHaveLength(1)
    desk.control.setSwitches({ includeRetired: 'honoured' })
    expect(await seen()).toHaveLength(0)
  })

  test('items that are odd, and a number of pages that can not be', async () => {
    const desk = withSeats(1)
    desk.control.faults.arm({
      fault: { is: 'odd-items', members: { productType: 'Bundle', adamId: 900000011 }, without: ['deviceAssignable'] },
      endpoint: 'assets',
      times: 1,
    })
    desk.control.faults.arm({ fault: { is: 'total-pages', pages: 1_000_000 }, endpoint: 'assets', times: 1 })
    const { body } = await desk.get('/assets')
    expect(body['totalPages']).toBe(1_000_000)
    expect(itemsOf(body['assets'])[0]).toMatchObject({ productType: 'Bundle', adamId: 900000011, revocable: true })
    expect(itemsOf(body['assets'])[0]).not.toHaveProperty('deviceAssignable')
  })
})
