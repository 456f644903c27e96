/** Cases 44 to 48 and 50 of docs/stores/apple-apps-and-books.md, section 8, through the whole product: what goes wrong on the way. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../../../server/sandbox/apple/faults.ts'
import { DAY, device, devices, HOUR, keynote, MINUTE, openBerlin, openHouse, serials, START, type Berlin } from './apple-house.ts'

const requestsOf = (house: Berlin, uId: string): number => house.store.requests().filter(({ location }) => location === uId).length
const associates = (house: Berlin): number => house.asked('POST', '/assets/associate')

describe('case 44: the store asks for a pause', () => {
  test.each([
    ['429 with Retry-After', { is: 'rate-limited', retryAfter: '120' } as const, 120_000, '2 minutes'],
    ['503 with Retry-After: 120', { is: 'unavailable', retryAfter: '120' } as const, 120_000, '2 minutes'],
    [
      '503 with an HTTP date',
      { is: 'unavailable', retryAfter: new Date(START + 20 * MINUTE).toUTCString() } as const,
      undefined,
      'minutes',
    ],
    ['503 with Retry-After: 86400, of which an hour is believed', { is: 'unavailable', retryAfter: '86400' } as const, HOUR, '60 minutes'],
  ])('case 44: %s: the whole location is left alone so long, and no other', async (_what, fault: Fault, pauseMs, words) => {
    await using house = await openBerlin({ heldBy: devices(4) })
    const hamburg = house.store.addLocation({ name: 'Hamburg' })
    house.store.own(hamburg.uId, keynote, { total: 5 })
    const other = await house.connect('Hamburg', hamburg.tokenFile)
    const theirs = await house.license(other, keynote)
    await house.addDevices('C02A', 'C02B')

    house.store.faults.arm({ fault, endpoint: 'assets', location: house.uId, times: 1 })
    const sync = await house.sync(house.id)
    expect(sync).toMatchObject({ state: 'failed', error: { code: 'store-busy', text: expect.stringContaining(words) } })
    expect(sync.error.text).toMatch(/^The store asks us to wait .* The old data is kept\. It is tried again by itself\.$/)
    expect(await house.status(house.id)).toEqual(['warning', 'sync-failed'])
    const until = pauseMs === undefined ? START + 20 * MINUTE : house.clock.now() + pauseMs
    house.store.clearRequests()
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.assign(theirs.id, 'devices', 'C02B')
    expect((await house.sync(house.id)).error.code).toBe('store-busy')
    expect((await house.sync(other)).state).toBe('succeeded')
    await house.settle(until - house.clock.now() - 1000)
    expect(requestsOf(house, house.uId)).toBe(0)
    expect(house.store.holders(hamburg.uId, keynote)).toEqual([device('C02B')])
    // It comes back by itself.
    await house.settle(10 * MINUTE)
    expect(await house.status(house.id)).toEqual(['healthy'])
    expect(house.store.holders(house.uId, keynote)).toEqual([...devices(4), device('C02A')])
    expect(associates(house)).toBe(2)
  })

  test.each([
    ['429 without Retry-After', { is: 'rate-limited' } as const],
    ['503 with rubbish in Retry-After', { is: 'unavailable', retryAfter: 'soon' } as const],
  ])('case 44: %s: pauses of our own that grow, and no more than a few tries', async (_what, fault: Fault) => {
    await using house = await openBerlin({ heldBy: devices(4) })
    house.store.faults.arm({ fault, endpoint: 'assets', times: 3 })
    house.store.clearRequests()
    expect((await house.sync(house.id)).state).toBe('succeeded')
    const at = house.store.requests().flatMap((request) => (request.endpoint === 'assets' ? [request.at] : []))
    const pauses = at.slice(1, 4).map((ms, n) => ms - (at[n] ?? 0))
    expect(pauses.every((ms, n) => ms >= 500 * 2 ** n && ms <= 1200 * 2 ** n)).toBe(true)
    // For ever: bounded, visible, and the old data stays.
    house.store.faults.arm({ fault, endpoint: 'assets' })
    house.store.clearRequests()
    expect((await house.sync(house.id)).state).toBe('failed')
    expect(house.store.requests().length).toBeLessThan(10)
    expect(await house.status(house.id)).toEqual(['warning', 'sync-failed'])
    expect(await house.license(house.id, keynote)).toMatchObject({ total: 10, inUse: 4 })
  })

  test('case 44: a write that is told to come later leaves then, once', async () => {
    await using house = await openBerlin()
    await house.addDevices('C02A')
    house.store.faults.arm({ fault: { is: 'rate-limited', retryAfter: '300' }, endpoint: 'associate', times: 1 })
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(4 * MINUTE)
    expect(house.store.holders(house.uId, keynote)).toEqual([])
    expect(associates(house)).toBe(1)
    await house.settle(5 * MINUTE)
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment'])
    expect(associates(house)).toBe(2)
  })
})

describe('case 45: answers that are none', () => {
  test.each([
    ['500 with 9603, five times in a row', { is: 'apple-error', errorNumber: 9603 } as const, 5],
    ['an HTML page with 502', { is: 'bad-gateway', when: 'before' } as const, 3],
    ['an empty 200', { is: 'empty-body' } as const, 3],
    ['200 with half a body', { is: 'truncated-body' } as const, 3],
    ['a cut line', { is: 'connection-cut', when: 'before' } as const, 3],
  ])('case 45: %s, then fine: the sync is good and nothing is lost', async (_what, fault: Fault, times) => {
    await using house = await openBerlin({ heldBy: devices(7) })
    for (const endpoint of ['assets', 'assignments', 'client-config'] as const) {
      house.store.faults.arm({ fault, endpoint, times })
      expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded', changed: { licenses: 0, seats: 0 } })
    }
    expect(await house.seats(house.licenseId)).toHaveLength(7)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test.each([
    ['500 with 9603', { is: 'apple-error', errorNumber: 9603 } as const, 'store-unreachable'],
    ['an HTML page with 502', { is: 'bad-gateway', when: 'before' } as const, 'store-unreachable'],
    ['an empty 200', { is: 'empty-body' } as const, 'store-answer-unreadable'],
    ['200 with half a body', { is: 'truncated-body' } as const, 'store-answer-unreadable'],
  ])('case 45: %s for ever: the old data is kept with its age, and the reason is told', async (_what, fault: Fault, code) => {
    await using house = await openBerlin({ heldBy: devices(7) })
    const before = await house.license(house.id, keynote)
    house.store.faults.arm({ fault, endpoint: 'assignments' })
    expect(await house.sync(house.id, true)).toMatchObject({
      state: 'failed',
      error: { code, text: expect.stringContaining('old data is kept') },
    })
    expect((await house.license(house.id, keynote)).asOf).toBe(before.asOf)
    expect(await house.seats(house.licenseId)).toHaveLength(7)
    expect(await house.status(house.id)).toEqual(['warning', 'sync-failed'])
  })

  test('case 45: 307 to another host: nobody follows it, and the token goes nowhere', async () => {
    const strangers: unknown[] = []
    const stranger = createServer((request, response) => {
      strangers.push(request.headers)
      response.end('{}')
    })
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    const to = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/mdm/v2/assets`
    await using house = await openBerlin({ heldBy: devices(2) })
    await house.addDevices('C02A')
    house.store.faults.arm({ fault: { is: 'redirect', to }, endpoint: 'assets', times: 1 })
    house.store.faults.arm({ fault: { is: 'redirect', to }, endpoint: 'associate', times: 1 })
    const sync = await house.sync(house.id)
    expect(sync.error).toMatchObject({
      code: 'store-unreachable',
      text: expect.stringContaining('It was not followed, so the token went nowhere else'),
    })
    // A write that was sent elsewhere may have been done: that is read first, and then it is asked for again.
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(20 * MINUTE)
    expect(await house.seats(house.licenseId)).toContain('C02A: assignment')
    expect(strangers).toEqual([])
    await new Promise((resolve) => stranger.close(resolve))
  })

  test.each([
    ['an HTML page with 502', { is: 'bad-gateway', when: 'after' } as const],
    ['500 with 9603, nothing done', { is: 'apple-error', errorNumber: 9603 } as const],
    ['an empty 200, nothing done', { is: 'empty-body' } as const],
    ['half a body', { is: 'truncated-body' } as const],
  ])('case 45: a write answered by %s is given once', async (_what, fault: Fault) => {
    await using house = await openBerlin()
    await house.addDevices('C02A')
    house.store.faults.arm({ fault, endpoint: 'associate', times: 1 })
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(20 * MINUTE)
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment'])
    expect(house.store.counts(house.uId, keynote)).toMatchObject({ assigned: 1 })
  })
})

describe('case 46: the server’s clock goes wrong', () => {
  test.each([
    ['a day ahead', DAY],
    ['a day behind', -DAY],
  ])('case 46: %s: syncs go on, and do not storm', async (_what, ms) => {
    await using house = await openBerlin({ heldBy: devices(2) })
    house.skew(ms)
    house.store.clearRequests()
    house.store.assignOutside(house.uId, keynote, [device('NEW1')])
    await house.settle(2 * HOUR)
    expect(await house.seats(house.licenseId)).toContain('NEW1: found')
    expect(house.store.requests().length).toBeLessThan(40)
    // And when it is set right again.
    house.skew(0)
    house.store.clearRequests()
    house.store.assignOutside(house.uId, keynote, [device('NEW2')])
    await house.settle(2 * HOUR)
    expect(await house.seats(house.licenseId)).toContain('NEW2: found')
    expect(house.store.requests().length).toBeLessThan(40)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test.each([
    ['a day ahead', DAY],
    ['a day behind', -DAY],
  ])('case 46: %s, and the server begins anew: the next sync is not a day away', async (_what, ms) => {
    await using house = await openBerlin({ heldBy: devices(2) })
    house.skew(ms)
    await house.sync(house.id)
    house.skew(0)
    await house.restart()
    house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0001')])
    await house.settle(2 * HOUR)
    expect(await house.seats(house.licenseId)).toEqual(['C02ZZ0AA0002: found'])
  })

  test('case 46: a full walk that seems to lie ahead is not waited for', async () => {
    await using house = await openBerlin({ heldBy: devices(3), switches: { removedAssignments: 'not-reported' } })
    house.skew(3 * DAY)
    await house.sync(house.id, true)
    house.skew(0)
    house.store.setSwitches({ listLagMs: { assets: 5 * DAY, assignments: 0, users: 0 } })
    house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0001')])
    expect((await house.sync(house.id)).full).toBe(true)
    expect(await house.seats(house.licenseId)).toHaveLength(2)
  })

  test('case 46: a token that only seems to have ended is good again once the clock is right', async () => {
    await using house = await openHouse()
    const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin', tokenExpiresAt: START + 12 * HOUR })
    house.store.own(uId, keynote, { total: 3 })
    const id = await house.connect('Berlin', tokenFile)
    house.skew(DAY)
    await house.sync(id)
    expect(await house.status(id)).toEqual(['unhealthy', 'credential-expired'])
    house.skew(0)
    expect(await house.status(id)).toEqual(['warning', 'credential-expires-soon'])
  })

  test.each([
    ['ahead', DAY],
    ['behind', -DAY],
  ])('case 46: an order on its way is followed to its end, with the clock a day %s', async (_what, ms) => {
    await using house = await openBerlin()
    await house.addDevices('C02A')
    house.store.setSwitches({ holdEvents: true })
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(MINUTE)
    house.skew(ms)
    house.store.finishEvents()
    house.store.clearRequests()
    await house.settle(10 * MINUTE)
    expect(await house.verdicts(house.licenseId)).toEqual(['C02A: placed, has-seat'])
    expect(associates(house)).toBe(0)
    expect(house.store.requests().length).toBeLessThan(30)
  })

  test.each([
    ['ahead', DAY],
    ['behind', -DAY],
  ])('case 46: a pause that the store asked for ends within the hour, with the clock a day %s', async (_what, ms) => {
    await using house = await openBerlin()
    house.store.faults.arm({ fault: { is: 'unavailable', retryAfter: '600' }, endpoint: 'assets', times: 1 })
    await house.sync(house.id)
    house.skew(ms)
    await house.settle(80 * MINUTE)
    expect((await house.connector(house.id)).lastSync.state).toBe('succeeded')
  })
})

describe('case 47: the server stops in the middle of things', () => {
  test.each(['killed', 'in-order'] as const)(
    'case 47: three orders open and two of which nobody knows, %s: all are taken up, none is sent blindly',
    async (how) => {
      await using house = await openBerlin()
      const products = Array.from({ length: 5 }, (_, n) => String(900_000_100 + n))
      for (const product of products) house.store.own(house.uId, product, { total: 3 })
      await house.sync(house.id, true)
      const names = serials(5)
      await house.addDevices(...names)
      house.store.setSwitches({ holdEvents: true })
      // The fourth is accepted and its answer lost, the fifth never arrives.
      house.store.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate', skip: 3, times: 1 })
      house.store.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, endpoint: 'associate', skip: 4, times: 1 })
      for (const [n, product] of products.entries()) {
        const { id } = await house.license(house.id, product)
        await house.assign(id, 'devices', names[n] ?? '')
        await house.settle(500)
      }
      expect(associates(house)).toBe(5)
      const open = (await house.orders()).map(({ state, unknown }) => `${state} ${unknown}`).toSorted()
      expect(open).toEqual(['pending false', 'pending false', 'pending false', 'sent true', 'sent true'])

      await house.restart(how)
      house.store.setSwitches({ holdEvents: false })
      house.store.finishEvents()
      await house.settle(30_000)
      // Until the lists have proven that the fifth never arrived, it is not asked for again.
      expect(associates(house)).toBe(5)
      await house.settle(20 * MINUTE)
      for (const [n, product] of products.entries()) {
        expect(house.store.holders(house.uId, product)).toEqual([device(names[n] ?? '')])
        const { id } = await house.license(house.id, product)
        expect(await house.seats(id)).toEqual([`${names[n]}: assignment`])
      }
      expect(associates(house)).toBe(6)
      expect((await house.orders()).filter(({ state }) => ['planned', 'sent', 'pending'].includes(state))).toEqual([])
    },
  )
})

describe('case 48: last week’s backup is restored', () => {
  test.each([
    ['whose version the store takes no more', true],
    ['whose version is still taken', false],
  ])('case 48: %s: everything is read anew, and what came since is shown as found', async (_what, isForgotten) => {
    await using house = await openBerlin({ heldBy: devices(3), switches: { eventRetentionMs: DAY } })
    await house.addDevices('C02A', 'C02B')
    house.store.setSwitches({ holdEvents: true })
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(MINUTE)
    // An order is on its way when the backup is made.
    await house.backup()
    house.store.setSwitches({ holdEvents: false })
    house.store.finishEvents()
    await house.settle(MINUTE)
    await house.assign(house.licenseId, 'devices', 'C02B')
    await house.settle(MINUTE)
    house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0001')])
    house.store.assignOutside(house.uId, keynote, [device('NEW1')])
    await house.settle(MINUTE)
    expect(associates(house)).toBe(2)
    house.clock.jump(7 * DAY)
    if (isForgotten) house.store.forgetVersions(house.uId)

    await house.restoreBackup()
    await house.settle(20 * MINUTE)
    expect(house.store.requests().some(({ errorNumber }) => errorNumber === 9708)).toBe(true)
    expect((await house.get('syncs')).body.items[0]).toMatchObject({ state: 'succeeded' })
    expect(
      (await house.get('syncs')).body.items.some(
        (sync: { full: boolean; startedAt: string }) => sync.full && Date.parse(sync.startedAt) > START + 7 * DAY,
      ),
    ).toBe(true)
    // The wish for C02B is not in the backup, so its seat is found, like whatever others did; C02A's order came to its end.
    expect(await house.seats(house.licenseId)).toEqual([
      'C02A: assignment',
      'C02B: found',
      'C02ZZ0AA0002: found',
      'C02ZZ0AA0003: found',
      'NEW1: found',
    ])
    expect(associates(house)).toBe(2)
    expect(house.asked('POST', '/assets/disassociate')).toBe(0)
    expect((await house.orders()).filter(({ state }) => ['planned', 'sent', 'pending'].includes(state))).toEqual([])
    // Our mark is the database's own: the location is still ours.
    expect(await house.status(house.id)).toEqual(['healthy'])
    expect(house.asked('POST', '/client/config')).toBe(1)
  })
})

test('case 50: one location fails for days, nine are healthy: each has its own state, and nothing stops for all', async () => {
  await using house = await openHouse({ syncIntervalMinutes: 12 * 60 })
  const places = Array.from({ length: 10 }, (_, n) => house.store.addLocation({ name: `School ${n}`, uId: `77000000000000${10 + n}` }))
  const ids: string[] = []
  for (const [n, { uId, tokenFile }] of places.entries()) {
    house.store.own(uId, keynote, { total: 5 })
    ids.push(await house.connect(`School ${n}`, tokenFile))
  }
  const [sick = '', ...healthy] = ids
  const sickPlace = places[0]?.uId ?? ''
  house.store.faults.arm({ fault: { is: 'bad-gateway', when: 'before' }, location: sickPlace })
  await house.addDevices(...serials(10))
  house.store.clearRequests()
  for (const [n, id] of ids.entries()) await house.assign((await house.license(id, keynote)).id, 'devices', serials(10)[n] ?? '')
  await house.settle(HOUR)
  for (const [n, { uId }] of places.entries())
    expect(house.store.holders(uId, keynote)).toEqual(n === 0 ? [] : [device(serials(10)[n] ?? '')])
  await house.sync(sick)
  expect(await house.status(sick)).toEqual(['warning', 'sync-failed'])

  await house.settle(3 * DAY)
  expect((await house.status(sick)).toSorted()).toEqual(['sync-failed', 'sync-too-old', 'unhealthy'])
  for (const id of healthy) {
    const connector = await house.connector(id)
    expect(connector).toMatchObject({ status: 'healthy', reasons: [], lastSync: { state: 'succeeded' } })
    expect(house.clock.now() - Date.parse(connector.lastGoodSyncAt)).toBeLessThanOrEqual(13 * HOUR)
  }
  const { items } = (await house.get('status')).body
  expect(items.map(({ status }: { status: string }) => status)).toEqual(['unhealthy', ...Array(9).fill('healthy')])
  expect(items[0].id).toBe(sick)
  // Tried again all the time, and less and less often.
  const toSick = house.store.requests().filter(({ location }) => location === sickPlace)
  expect(toSick.length).toBeGreaterThan(30)
  expect(toSick.length).toBeLessThan(2000)
  expect(toSick.filter(({ at }) => at > house.clock.now() - DAY).length).toBeLessThan(500)

  // It is well again, and so are its wishes, without anybody's help.
  house.store.faults.clear()
  await house.settle(13 * HOUR)
  expect(await house.status(sick)).toEqual(['healthy'])
  expect(house.store.holders(sickPlace, keynote)).toEqual([device(serials(10)[0] ?? '')])
}, 60_000)
