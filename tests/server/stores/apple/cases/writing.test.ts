/** Cases 23 to 31 of docs/stores/apple-apps-and-books.md, section 8, through the whole product: giving and taking seats. */
import { describe, expect, test } from 'vitest'
import {
  book,
  DAY,
  device,
  devices,
  keynote,
  MINUTE,
  openBerlin,
  openHouse,
  serials,
  user,
  type AppleHouse,
  type Berlin,
} from './apple-house.ts'

const app = (n: number): string => String(900_000_100 + n)
const calls = (house: AppleHouse, endpoint: 'associate' | 'disassociate') =>
  house.store.requests().filter((request) => request.endpoint === endpoint)
const sizesOf = (house: AppleHouse, endpoint: 'associate' | 'disassociate') =>
  calls(house, endpoint)
    .filter(({ errorNumber }) => errorNumber === null)
    .map(({ body }) => [body?.['assets'], body?.['serialNumbers'] ?? 0, body?.['clientUserIds'] ?? 0])
const openOrders = async (house: AppleHouse) => (await house.orders()).filter(({ state }) => ['planned', 'sent', 'pending'].includes(state))
const unassign = (house: AppleHouse, license: string, target: string) => house.ask('DELETE', `assignments/${license}~${target}`)

/** A house with so many products, each with seats enough, all synced. */
const withProducts = async (house: Berlin, count: number, total = 50): Promise<readonly string[]> => {
  for (let n = 0; n < count; n += 1) house.store.own(house.uId, app(n), { total })
  await house.sync(house.id, true)
  const licenses = await house.licenses(house.id)
  return Array.from({ length: count }, (_, n) => String(licenses.find(({ product }) => product.id === app(n))?.id))
}

describe('case 23: what is larger than one call may be', () => {
  test('case 23: 26 products for 1001 devices and 1000 people leave in as few calls as the limits make necessary', async () => {
    await using house = await openHouse({ switches: { pageSize: 5000, enforceRateLimit: false } })
    const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin' })
    for (let n = 0; n < 26; n += 1) house.store.own(uId, app(n), { total: 2500 })
    const people = Array.from({ length: 1000 }, (_, n) => `pupil${n}`)
    for (const clientUserId of people) house.store.registerUser(uId, { clientUserId })
    await house.addDevices(...serials(1001))
    await house.addPeople(...people)
    const id = await house.connect('Berlin', tokenFile)
    const licenses = await house.licenses(id)
    expect(licenses).toHaveLength(26)
    for (const license of licenses)
      for (const [kind, licenseType] of [
        ['all-devices', 'device'],
        ['all-users', 'user'],
      ])
        expect((await house.post('assignments', { licenseId: license.id, target: { kind }, licenseType })).status).toBe(201)
    await house.settle(10 * MINUTE)
    for (const { product } of licenses) expect(house.store.counts(uId, product.id).assigned).toBe(2001)
    const sizes = sizesOf(house, 'associate')
    for (const [assets, devicesNamed, peopleNamed] of sizes) {
      expect(assets).toBeLessThanOrEqual(25)
      expect(devicesNamed).toBeLessThanOrEqual(1000)
      expect(peopleNamed).toBeLessThanOrEqual(1000)
    }
    // 26 products are two calls' worth, and so are 1001 devices: four calls at least.
    expect(sizes.length).toBeGreaterThanOrEqual(4)
    expect(sizes.length).toBeLessThanOrEqual(6)
    expect(calls(house, 'associate').filter(({ errorNumber }) => errorNumber !== null)).toEqual([])
    expect(await openOrders(house)).toEqual([])
  }, 60_000)

  test.each([
    ['products', { maxAssets: 10 }, 9700, 0],
    ['devices', { maxSerialNumbers: 10 }, 9702, 1],
    ['people', { maxClientUserIds: 10 }, 9701, 2],
  ])(
    'case 23: the limit of %s drops to 10 between reading and sending: it is read again and cut anew',
    async (_what, limits, errorNumber, at) => {
      await using house = await openBerlin({ switches: { pageSize: 500 } })
      const people = Array.from({ length: 14 }, (_, n) => `pupil${n}`)
      for (const clientUserId of people) house.store.registerUser(house.uId, { clientUserId })
      await house.addDevices(...serials(14))
      await house.addPeople(...people)
      const licenses = await withProducts(house, 14)
      await house.assign(licenses[0] ?? '', 'devices', serials(1)[0] ?? '')
      await house.settle()
      // They were read a moment ago, and hold no longer.
      house.store.setLimits(limits)
      house.store.clearRequests()
      for (const licenseId of licenses)
        for (const [kind, licenseType] of [
          ['all-devices', 'device'],
          ['all-users', 'user'],
        ])
          await house.post('assignments', { licenseId, target: { kind }, licenseType })
      await house.settle(5 * MINUTE)
      expect(house.store.requests().some((request) => request.errorNumber === errorNumber)).toBe(true)
      expect(house.store.requests().some(({ endpoint }) => endpoint === 'service-config')).toBe(true)
      for (let n = 0; n < 14; n += 1) expect(house.store.counts(house.uId, app(n)).assigned).toBe(28)
      expect(sizesOf(house, 'associate').every((sizes) => Number(sizes[at]) <= 10)).toBe(true)
      expect(await openOrders(house)).toEqual([])
      // Nobody has to know of it.
      expect((await house.orders()).flatMap(({ failures }) => failures)).toEqual([])
    },
  )
})

test('case 24: half of the devices fail by name: exactly those are shown with the reason, and a retry asks for them alone', async () => {
  await using house = await openBerlin()
  const names = serials(6)
  const unlucky = [names[0], names[2], names[4]].map(String)
  await house.addDevices(...names)
  house.store.faults.arm({ fault: { is: 'targets-fail', errorNumber: 9602, keys: unlucky }, endpoint: 'associate', times: 1 })
  await house.post('assignments', { licenseId: house.licenseId, target: { kind: 'all-devices' }, licenseType: 'device' })
  await house.settle(5 * MINUTE)
  const [order] = await house.orders(house.licenseId)
  expect(order).toMatchObject({ state: 'partly-done', total: 6, done: 3 })
  expect(order.failures.map(({ principal }: { principal: { key: string } }) => principal.key).toSorted()).toEqual(unlucky)
  for (const failure of order.failures)
    expect(failure).toMatchObject({
      code: '9602',
      text: expect.stringContaining('Check that the serial number or the user name is right'),
      retryable: false,
    })
  expect(await house.verdicts(house.licenseId)).toEqual(
    names.map((name) => `${name}: ${unlucky.includes(name) ? 'refused, store-refused' : 'placed, has-seat'}`),
  )
  expect(calls(house, 'associate')).toHaveLength(1)

  expect((await house.post(`orders/${order.id}/retry`)).status).toBe(202)
  await house.settle(5 * MINUTE)
  expect(sizesOf(house, 'associate')).toEqual([
    [1, 6, 0],
    [1, 3, 0],
  ])
  expect((await house.verdicts(house.licenseId)).every((line) => line.endsWith('placed, has-seat'))).toBe(true)
  expect((await house.post(`orders/${order.id}/retry`)).status).toBe(409)
})

describe('case 25: an event that tells half, or contradicts itself', () => {
  test.each([
    ['a failure without names', [{ is: 'tasks-fail', errorNumber: 9602, every: 3 }, { is: 'failures-without-info' }] as const],
    ['COMPLETE with fewer done than asked', [{ is: 'event-falls-short', by: 1 }] as const],
    ['COMPLETE with failures', [{ is: 'tasks-fail', errorNumber: 9602, every: 3 }, { is: 'complete-with-failures' }] as const],
    [
      'COMPLETE with failures that name nobody',
      [{ is: 'tasks-fail', errorNumber: 9602, every: 3 }, { is: 'complete-with-failures' }, { is: 'failures-without-info' }] as const,
    ],
  ])('case 25: %s: what the list of seats holds is the truth', async (_what, faults) => {
    await using house = await openBerlin()
    const names = serials(3)
    await house.addDevices(...names)
    for (const fault of faults) house.store.faults.arm({ fault, endpoint: 'associate', times: 1 })
    await house.post('assignments', { licenseId: house.licenseId, target: { kind: 'all-devices' }, licenseType: 'device' })
    await house.settle(30_000)
    // Two were served, and are shown so; the third is not, whatever the event says.
    expect(house.store.holders(house.uId, keynote)).toHaveLength(2)
    const verdicts = await house.verdicts(house.licenseId)
    expect(verdicts.filter((line) => line.endsWith('placed, has-seat'))).toHaveLength(2)
    const [order] = (await house.orders(house.licenseId)).toReversed()
    expect(order).toMatchObject({ state: 'partly-done', done: 2, failures: [{ principal: { key: names[2] } }] })
    // What may pass is asked for again, what may not waits for somebody to say so.
    await house.settle(10 * MINUTE)
    if (order.failures[0].retryable !== true) await house.post(`orders/${order.id}/retry`)
    await house.settle(10 * MINUTE)
    expect(house.store.holders(house.uId, keynote)).toEqual(names.map(device))
    expect(await house.seats(house.licenseId)).toEqual(names.map((name) => `${name}: assignment`))
    expect(await openOrders(house)).toEqual([])
  })
})

describe('case 26: an event that stays open', () => {
  const polls = (house: AppleHouse): readonly number[] =>
    house.store.requests().flatMap(({ endpoint, at }) => (endpoint === 'status' ? [at] : []))
  const areSpaced = (at: readonly number[]): boolean => at.slice(2).every((ms, n) => ms - (at[n + 1] ?? 0) >= 30_000)

  test('case 26: eleven minutes PENDING with its work done: it is settled by reading, and COMPLETE changes nothing more', async () => {
    await using house = await openBerlin({ switches: { statusLagMs: 11 * MINUTE } })
    await house.addDevices('C02A')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(9 * MINUTE)
    expect(await house.orders()).toMatchObject([{ state: 'pending', done: 0 }])
    await house.settle(MINUTE + 45_000)
    expect(await house.orders()).toMatchObject([{ state: 'done', done: 1 }])
    const asked = polls(house)
    expect(areSpaced(asked)).toBe(true)
    expect(asked.length).toBeLessThanOrEqual(23)
    await house.settle(30 * MINUTE)
    expect(polls(house)).toHaveLength(asked.length)
    expect(calls(house, 'associate')).toHaveLength(1)
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment'])
  })

  test('case 26: eleven minutes PENDING with nothing done: it is waited for, not sent again', async () => {
    await using house = await openBerlin({ switches: { holdEvents: true } })
    await house.addDevices('C02A')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(11 * MINUTE)
    expect(await house.orders()).toMatchObject([{ state: 'pending', done: 0 }])
    house.store.finishEvents()
    await house.settle(2 * MINUTE)
    expect(await house.orders()).toMatchObject([{ state: 'done', done: 1 }])
    expect(areSpaced(polls(house))).toBe(true)
    expect(calls(house, 'associate')).toHaveLength(1)
  })

  test.each([
    ['done', false],
    ['not done', true],
  ])('case 26: an event that the store has forgotten by the next day is settled by what it left (%s)', async (_what, isLost) => {
    await using house = await openBerlin({ switches: { holdEvents: true, eventRetentionMs: 60_000 } })
    await house.addDevices('C02A')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(MINUTE)
    house.store.setSwitches({ holdEvents: false })
    house.store.finishEvents()
    if (isLost) house.store.freeOutside(house.uId, keynote, [device('C02A')])
    house.clock.jump(DAY)
    await house.settle(2 * MINUTE)
    expect(house.store.requests().filter(({ errorNumber }) => errorNumber === 9708)).toHaveLength(1)
    await house.settle(30 * MINUTE)
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment'])
    expect(calls(house, 'associate')).toHaveLength(isLost ? 2 : 1)
    expect(await openOrders(house)).toEqual([])
  })
})

describe('case 27: the line is cut after the store accepted', () => {
  test.each([
    ['accepted and done', 'after', 1],
    ['never arrived', 'before', 2],
  ] as const)('case 27: %s: it is a question, answered by reading', async (_what, when, sent) => {
    await using house = await openBerlin()
    await house.addDevices('C02A', 'C02B')
    house.store.faults.arm({ fault: { is: 'connection-cut', when }, endpoint: 'associate', times: 1 })
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(1_200)
    expect(await house.orders()).toMatchObject([{ state: 'sent', unknown: true, storeReference: null }])
    // Its seat counts as taken meanwhile.
    house.store.setTotal(house.uId, keynote, 1)
    await house.settle(3 * MINUTE)
    expect(calls(house, 'associate')).toHaveLength(1)
    await house.settle(15 * MINUTE)
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment'])
    expect(calls(house, 'associate')).toHaveLength(sent)
    expect(await openOrders(house)).toEqual([])
    expect(await house.license(house.id, keynote)).toMatchObject({ inUse: 1 })
  })

  test('case 27: while a seat is being taken back: the same', async () => {
    await using house = await openBerlin()
    await house.addDevices('C02A')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle()
    house.store.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'disassociate', times: 1 })
    await unassign(house, house.licenseId, await house.idOf('devices', 'C02A'))
    await house.settle(15 * MINUTE)
    expect(house.store.holders(house.uId, keynote)).toEqual([])
    expect(calls(house, 'disassociate')).toHaveLength(1)
    expect((await house.get(`assignments?license=${house.licenseId}`)).body.items).toEqual([])
    expect(await house.seats(house.licenseId)).toEqual([])
  })
})

describe('case 28: the last license', () => {
  test('case 28: two administrators give it away at the same moment: one wins, the other waits with the reason, and nothing falls below zero', async () => {
    await using house = await openBerlin({ heldBy: devices(9) })
    await house.addDevices('C02A', 'C02B')
    await Promise.all([house.assign(house.licenseId, 'devices', 'C02A'), house.assign(house.licenseId, 'devices', 'C02B')])
    await house.settle(5 * MINUTE)
    const verdicts = (await house.verdicts(house.licenseId)).filter((line) => /^C02[AB]:/.test(line))
    expect(verdicts.map((line) => line.slice(6)).toSorted()).toEqual(['placed, has-seat', 'waiting, no-seat-left'])
    await house.sync(house.id)
    expect(await house.license(house.id, keynote)).toMatchObject({ inUse: 10, available: 0, waiting: 1 })
    expect(sizesOf(house, 'associate')).toEqual([[1, 1, 0]])
  })

  test('case 28: somebody outside is faster: 9709 is told as what it is, and a seat that returns serves the wish', async () => {
    await using house = await openBerlin({ heldBy: devices(9) })
    await house.addDevices('C02A')
    house.onLeave = ({ path }) => {
      if (path === '/assets/associate') house.store.assignOutside(house.uId, keynote, [device('FASTER')])
    }
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(5 * MINUTE)
    const mine = async () => (await house.verdicts(house.licenseId)).find((line) => line.startsWith('C02A'))
    expect(await mine()).toBe('C02A: waiting, no-seat-left')
    const [order] = await house.orders(house.licenseId)
    expect(order).toMatchObject({
      state: 'failed',
      failures: [
        { code: 'no-seat-left', text: expect.stringContaining('Apple had no license left. It waits and is served when a seat returns.') },
      ],
    })
    expect(await house.license(house.id, keynote)).toMatchObject({ available: 0 })
    house.onLeave = () => undefined
    house.store.freeOutside(house.uId, keynote, [device('FASTER')])
    await house.sync(house.id)
    await house.settle(15 * MINUTE)
    expect(await mine()).toBe('C02A: placed, has-seat')
  })
})

test('case 29: one product among ten that does not come back: the whole call is refused, it is found out and named, the other nine come back', async () => {
  await using house = await openBerlin()
  await house.addDevices('C02A')
  const licenses = await withProducts(house, 10)
  for (const license of licenses) await house.assign(license, 'devices', 'C02A')
  await house.settle(MINUTE)
  expect(sizesOf(house, 'associate')).toEqual([[10, 1, 0]])
  house.store.setFlags(house.uId, app(3), { revocable: false })
  const target = await house.idOf('devices', 'C02A')
  for (const license of licenses) expect((await unassign(house, license, target)).status).toBe(204)
  await house.settle(5 * MINUTE)
  const refused = calls(house, 'disassociate').filter(({ errorNumber }) => errorNumber === 9706)
  expect(refused.length).toBeGreaterThanOrEqual(1)
  expect(refused[0]?.body).toMatchObject({ assets: 10 })
  for (let n = 0; n < 10; n += 1) expect(house.store.counts(house.uId, app(n)).assigned).toBe(n === 3 ? 1 : 0)
  const failed = (await house.orders()).filter(({ failures }) => failures.length > 0)
  expect(failed).toHaveLength(1)
  expect(failed[0]).toMatchObject({
    licenseId: licenses[3],
    action: 'disassociate',
    failures: [{ code: '9706', text: expect.stringContaining('Apple does not take this product back'), principal: { key: 'C02A' } }],
  })
  expect(await openOrders(house)).toEqual([])
  // It is not asked for again and again.
  const asked = calls(house, 'disassociate').length
  await house.settle(60 * MINUTE)
  expect(calls(house, 'disassociate')).toHaveLength(asked)
})

describe('case 30: a book', () => {
  const withBook = async (house: Berlin) => {
    house.store.registerUser(house.uId, { clientUserId: 'ada' })
    house.store.own(house.uId, book, { total: 5, productType: 'Book' })
    await house.addDevices('C02A')
    await house.addPeople('ada')
    await house.sync(house.id, true)
    return await house.license(house.id, book)
  }

  test('case 30: for a device is refused before anything is sent', async () => {
    await using house = await openBerlin()
    const license = await withBook(house)
    expect(license).toMatchObject({ licenseTypes: ['user'], revocable: false, product: { kind: 'book' } })
    expect(await house.assign(license.id, 'devices', 'C02A')).toMatchObject({ status: 422, body: { code: 'not-device-assignable' } })
    await house.settle(MINUTE)
    expect(calls(house, 'associate')).toEqual([])
  })

  test('case 30: what is sent to a device all the same, since the publisher changed it meanwhile, is told with the reason', async () => {
    await using house = await openBerlin()
    await house.addDevices('C02A')
    house.store.setFlags(house.uId, keynote, { deviceAssignable: false })
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(5 * MINUTE)
    expect(calls(house, 'associate').map(({ errorNumber }) => errorNumber)).toContain(9707)
    const [order] = await house.orders()
    expect(order).toMatchObject({
      state: 'failed',
      failures: [{ code: '9707', text: expect.stringContaining('Assign it to people instead') }],
    })
    // The license was read again at once, and says so by itself from now on.
    expect(await house.verdicts(house.licenseId)).toEqual(['C02A: refused, not-device-assignable'])
  })

  test('case 30: for a person is confirmed first as final, given once, and does not come back', async () => {
    await using house = await openBerlin()
    const license = await withBook(house)
    const asked = await house.assign(license.id, 'users', 'ada')
    expect(asked).toMatchObject({ status: 409, body: { code: 'confirmation-required' } })
    expect(asked.body.detail).toMatch(/for good|final|never|not come back|can't be taken back|irrevocabl/i)
    expect(calls(house, 'associate')).toEqual([])
    const target = { kind: 'user', id: await house.idOf('users', 'ada') }
    expect(
      (await house.post('assignments', { licenseId: license.id, target, licenseType: 'user', confirmIrreversible: true })).status,
    ).toBe(201)
    await house.settle(MINUTE)
    expect(house.store.holders(house.uId, book)).toEqual([user('ada')])
    await unassign(house, license.id, target.id)
    await house.settle(10 * MINUTE)
    expect(house.store.holders(house.uId, book)).toEqual([user('ada')])
    expect(calls(house, 'disassociate')).toEqual([])
    expect(await house.license(house.id, book)).toMatchObject({ inUse: 1 })
  })
})

describe('case 31: what is already as asked', () => {
  test.each(['success', 'v1-errors'] as const)(
    'case 31: assigned already, not assigned: both are done and nobody is told of an error (%s)',
    async (repeatedWrite) => {
      await using house = await openBerlin({ switches: { repeatedWrite } })
      await house.addDevices('C02A', 'C02B')
      // Somebody gave it just before we do.
      house.onLeave = ({ path }) => {
        if (path === '/assets/associate') house.store.assignOutside(house.uId, keynote, [device('C02A')])
        if (path === '/assets/disassociate') house.store.freeOutside(house.uId, keynote, [device('C02A')])
      }
      await house.assign(house.licenseId, 'devices', 'C02A')
      await house.assign(house.licenseId, 'devices', 'C02B')
      await house.settle(5 * MINUTE)
      expect(await house.verdicts(house.licenseId)).toEqual(['C02A: placed, has-seat', 'C02B: placed, has-seat'])
      // Wished within a moment by the same person: one order for both.
      expect((await house.orders()).map(({ state, done, failures }) => [state, done, failures])).toEqual([['done', 2, []]])
      expect(house.store.counts(house.uId, keynote)).toMatchObject({ assigned: 2 })
      await unassign(house, house.licenseId, await house.idOf('devices', 'C02A'))
      await house.settle(5 * MINUTE)
      expect((await house.orders())[0]).toMatchObject({ action: 'disassociate', state: 'done', failures: [] })
      expect(await house.seats(house.licenseId)).toEqual(['C02B: assignment'])
      expect(await openOrders(house)).toEqual([])
      await house.sync(house.id)
      expect(await house.license(house.id, keynote)).toMatchObject({ inUse: 1, available: 9 })
    },
  )
})
