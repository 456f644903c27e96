/** Cases 12 to 20 of docs/stores/apple-apps-and-books.md, section 8, through the whole product: what is read, and what is made of it. */
import { describe, expect, test } from 'vitest'
import { countsAgree } from '../../../../../shared/license.ts'
import {
  book,
  DAY,
  device,
  devices,
  HOUR,
  keynote,
  MINUTE,
  openBerlin,
  openHouse,
  pages,
  serials,
  user,
  type Berlin,
} from './apple-house.ts'

const found = (...names: readonly string[]): readonly string[] => names.map((name) => `${name}: found`).toSorted()
const walks = (house: Berlin): number => house.asked('GET', '/assignments')
/** Once, when the server asks for this: before the store answers. */
const whenAsked = (house: Berlin, wanted: string, act: () => void): void => {
  let done = false
  house.onLeave = ({ path }) => {
    if (done || path !== wanted) return
    done = true
    act()
  }
}

describe('case 12: the list shrinks while it is read', () => {
  test('case 12: from four pages to three, and page 3 is out of range: it is read again and nobody is troubled', async () => {
    await using house = await openBerlin({ heldBy: devices(10) })
    whenAsked(house, '/assignments?pageIndex=3', () => void house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0002')]))
    const sync = await house.sync(house.id, true)
    expect(house.store.requests().filter(({ errorNumber }) => errorNumber === 9650)).toHaveLength(1)
    expect(sync).toMatchObject({ state: 'succeeded', error: null })
    expect(await house.status(house.id)).toEqual(['healthy'])
    expect(await house.seats(house.licenseId)).toEqual(found(...serials(10).filter((serial) => serial !== 'C02ZZ0AA0002')))
  })

  test('case 12: for ever: it is given up after a bounded number of walks, the old data stays, and the next sync is right', async () => {
    await using house = await openBerlin({ heldBy: devices(10) })
    house.store.faults.arm({ fault: { is: 'page-out-of-range' }, endpoint: 'assignments' })
    const before = walks(house)
    const sync = await house.sync(house.id, true)
    expect(walks(house) - before).toBeLessThanOrEqual(8)
    expect(sync).toMatchObject({
      state: 'failed',
      error: { code: 'store-changed-meanwhile', text: expect.stringContaining('The old data is kept') },
    })
    expect(await house.seats(house.licenseId)).toHaveLength(10)
    house.store.faults.clear()
    await house.settle(6 * MINUTE)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })
})

describe('case 13: the list grows while it is read', () => {
  test('case 13: one seat came twice, another was skipped: in the end each is there once', async () => {
    await using house = await openBerlin({ heldBy: devices(7) })
    // The seat of the first page goes, so the others move up by one and the fourth is skipped; a new one makes the version another.
    whenAsked(house, '/assignments?pageIndex=1', () => {
      house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0001')])
      house.store.assignOutside(house.uId, keynote, [device('NEW1')])
    })
    expect((await house.sync(house.id, true)).state).toBe('succeeded')
    expect(await house.seats(house.licenseId)).toEqual(found(...serials(6, 2), 'NEW1'))
    expect(await house.license(house.id, keynote)).toMatchObject({ inUse: 7 })
  })

  test('case 13: a list too long to hold still is finished by an increment; nothing is there twice, and the next walk has the last word', async () => {
    await using house = await openHouse({ switches: { pageSize: 1 } })
    const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin' })
    house.store.own(uId, keynote, { total: 100, heldBy: devices(60) })
    let moved = false
    house.onLeave = ({ path }) => {
      if (moved || path !== '/assignments?pageIndex=30') return
      moved = true
      house.store.freeOutside(uId, keynote, [device('C02ZZ0AA0005')])
      house.store.assignOutside(uId, keynote, [device('NEW1')])
    }
    const id = await house.connect('Berlin', tokenFile)
    await house.settle(2 * MINUTE)
    expect(moved).toBe(true)
    expect(house.store.requests().some(({ path }) => path.includes('sinceVersionId'))).toBe(true)
    const { id: license } = await house.license(id, keynote)
    const seats = await house.seats(license)
    expect(new Set(seats).size).toBe(seats.length)
    expect(seats).toContain('NEW1: found')
    // A list that moved proves no absence, so the next sync of the schedule walks it again.
    await house.settle(HOUR)
    expect(await house.seats(license)).toEqual(found(...serials(60).filter((serial) => serial !== 'C02ZZ0AA0005'), 'NEW1'))
    expect(await house.status(id)).toEqual(['healthy'])
  })
})

describe('case 14: pages that lead astray', () => {
  test('case 14: an empty page that names a next one is not the end', async () => {
    await using house = await openBerlin({ heldBy: devices(8) })
    house.store.assignOutside(house.uId, keynote, [device('NEW1')])
    house.store.faults.arm({ fault: { is: 'empty-pages-between' } })
    expect((await house.sync(house.id, true)).state).toBe('succeeded')
    expect(await house.seats(house.licenseId)).toEqual(found(...serials(8), 'NEW1'))
    expect(house.store.requests().some(({ path }) => path === '/mdm/v2/assignments?pageIndex=4')).toBe(true)
  })

  test.each(['assets', 'assignments'] as const)(
    'case 14: a page of %s that names itself as the next is no loop for us',
    async (endpoint) => {
      await using house = await openBerlin({ heldBy: devices(8) })
      house.store.faults.arm({ fault: { is: 'page-loop' }, endpoint })
      const before = house.store.requests().length
      const sync = await house.sync(house.id, true)
      expect(sync).toMatchObject({
        state: 'failed',
        error: { code: 'store-answer-unreadable', text: expect.stringContaining('lead to no end') },
      })
      expect(house.store.requests().length - before).toBeLessThan(20)
      expect(await house.seats(house.licenseId)).toHaveLength(8)
      expect(await house.status(house.id)).toEqual(['warning', 'sync-failed'])
    },
  )

  test('case 14: a million pages are no measure of progress, and none of them is waited for', async () => {
    await using house = await openBerlin({ heldBy: devices(8) })
    const totals = new Set<number | null>()
    house.composed().house.syncs.onProgress(({ progress }) => void totals.add(progress.total))
    house.store.faults.arm({ fault: { is: 'total-pages', pages: 1_000_000 } })
    const before = walks(house)
    expect((await house.sync(house.id, true)).state).toBe('succeeded')
    expect(walks(house) - before).toBe(3)
    expect([...totals].every((total) => total === null || total < 100)).toBe(true)
  })
})

describe('case 15: an increment', () => {
  test('case 15: with nothing in it says that all is up to date', async () => {
    await using house = await openBerlin({ heldBy: devices(8) })
    const before = walks(house)
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', full: false, changed: { licenses: 0, seats: 0, users: 0 } })
    expect(walks(house) - before).toBe(1)
    expect(house.store.requests().findLast(({ endpoint }) => endpoint === 'assignments')?.path).toContain('sinceVersionId=')
    expect(await house.seats(house.licenseId)).toHaveLength(8)
  })

  test('case 15: of two pages is merged into what is known', async () => {
    await using house = await openBerlin({ heldBy: devices(4) })
    house.store.assignOutside(house.uId, keynote, devices(5, 5))
    const before = walks(house)
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', full: false, changed: { seats: 5 } })
    expect(walks(house) - before).toBe(2)
    expect(await house.seats(house.licenseId)).toEqual(found(...serials(9)))
  })

  test('case 15: since a version that the store takes no more becomes a full walk', async () => {
    await using house = await openBerlin({ heldBy: devices(4) })
    house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0001')])
    house.store.assignOutside(house.uId, keynote, [device('NEW1')])
    house.store.forgetVersions(house.uId)
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', full: true })
    expect(house.store.requests().filter(({ errorNumber }) => errorNumber === 9721)).not.toEqual([])
    expect(await house.seats(house.licenseId)).toEqual(found(...serials(3, 2), 'NEW1'))
    expect(await house.status(house.id)).toEqual(['healthy'])
  })
})

describe('case 16: a seat that somebody else took away, of which no increment tells', () => {
  test.each(['absent', 'not-reported'] as const)('case 16: is found by the count at the next sync (%s)', async (removedAssignments) => {
    await using house = await openBerlin({ heldBy: devices(4), switches: { removedAssignments } })
    house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0002')])
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', full: false })
    expect(await house.seats(house.licenseId)).toEqual(found(...['0001', '0003', '0004'].map((end) => `C02ZZ0AA${end}`)))
    expect(await house.license(house.id, keynote)).toMatchObject({ inUse: 3, available: 7 })
  })

  test('case 16: is found too when another seat came in its place and the count is as before', async () => {
    await using house = await openBerlin({ heldBy: devices(4) })
    house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0002')])
    house.store.assignOutside(house.uId, keynote, [device('NEW1')])
    await house.sync(house.id)
    expect(await house.seats(house.licenseId)).toEqual(found('C02ZZ0AA0001', 'C02ZZ0AA0003', 'C02ZZ0AA0004', 'NEW1'))
  })

  test('case 16: is found within a day even where the counts hide it', async () => {
    await using house = await openBerlin({ heldBy: devices(4), switches: { removedAssignments: 'not-reported' } })
    house.store.setSwitches({ listLagMs: { assets: 30 * HOUR, assignments: 0, users: 0 } })
    house.store.freeOutside(house.uId, keynote, [device('C02ZZ0AA0002')])
    await house.sync(house.id)
    expect(await house.seats(house.licenseId)).toHaveLength(4)
    await house.settle(DAY)
    await house.settle(2 * HOUR)
    expect(await house.seats(house.licenseId)).toHaveLength(3)
  })

  test('case 16: a wish of ours for it is served again, and nobody else loses anything', async () => {
    await using house = await openBerlin({ heldBy: devices(2) })
    await house.addDevices('C02A')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(10 * MINUTE)
    house.store.freeOutside(house.uId, keynote, [device('C02A')])
    await house.sync(house.id)
    await house.settle(10 * MINUTE)
    expect(house.store.holders(house.uId, keynote)).toEqual([...devices(2), device('C02A')])
    expect(house.asked('POST', '/assets/disassociate')).toBe(0)
  })
})

describe('case 17: counts that lag behind what was done', () => {
  test.each([
    ['the counts', { assets: 3 * MINUTE, assignments: 0, users: 0 }],
    ['the seats', { assets: 0, assignments: 3 * MINUTE, users: 0 }],
    ['both', { assets: 3 * MINUTE, assignments: 3 * MINUTE, users: 0 }],
  ])('case 17: %s for three minutes: no alarm, no second order, nothing taken back', async (_what, listLagMs) => {
    await using house = await openBerlin({ heldBy: devices(2) })
    await house.addDevices('C02A')
    house.store.setSwitches({ listLagMs })
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(30_000)
    const mine = async () => (await house.verdicts(house.licenseId)).find((line) => line.startsWith('C02A'))
    for (const full of [false, true]) {
      expect((await house.sync(house.id, full)).state).toBe('succeeded')
      expect(await mine()).toBe('C02A: placed, has-seat')
      expect(await house.seats(house.licenseId)).toContain('C02A: assignment')
      expect(await house.status(house.id)).toEqual(['healthy'])
    }
    await house.settle(10 * MINUTE)
    await house.sync(house.id, true)
    expect(await house.license(house.id, keynote)).toMatchObject({ inUse: 3, available: 7 })
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment', ...found(...serials(2))])
    expect(house.asked('POST', '/assets/associate')).toBe(1)
    expect(house.asked('POST', '/assets/disassociate')).toBe(0)
  })
})

describe('case 18: counts that can not be', () => {
  test('case 18: that do not add up are shown as told, with a hint, and give no seat twice', async () => {
    await using house = await openBerlin({ heldBy: devices(9), switches: { countsDisagree: true } })
    const license = await house.license(house.id, keynote)
    expect(license).toMatchObject({ total: 10, inUse: 9, available: 2, retired: 0 })
    expect(countsAgree(license)).toBe(false)
    await house.addDevices('C02A', 'C02B')
    for (const serial of ['C02A', 'C02B']) await house.assign(house.licenseId, 'devices', serial)
    await house.settle(10 * MINUTE)
    expect(house.store.counts(house.uId, keynote)).toMatchObject({ assigned: 10, available: 0 })
    expect((await house.verdicts(house.licenseId)).filter((line) => line.includes('no-seat-left'))).toHaveLength(1)
  })

  test('case 18: below zero are shown so, and nothing is given', async () => {
    await using house = await openBerlin({ heldBy: devices(4) })
    house.store.setTotal(house.uId, keynote, 2)
    house.store.faults.arm({ fault: { is: 'odd-items', members: { availableCount: -2 }, without: [] }, endpoint: 'assets' })
    await house.sync(house.id)
    expect(await house.license(house.id, keynote)).toMatchObject({ total: 2, inUse: 4, available: -2 })
    expect(await house.status(house.id)).toEqual(['healthy'])
    await house.addDevices('C02A')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(10 * MINUTE)
    expect((await house.verdicts(house.licenseId)).find((line) => line.startsWith('C02A'))).toBe('C02A: waiting, no-seat-left')
    expect(house.asked('POST', '/assets/associate')).toBe(0)
  })

  test.each([
    ['with nothing else', {}],
    ['with unlimited: true', { unlimited: true }],
    ['without, but with unlimited: true', { unlimited: true, totalCount: null, availableCount: null }],
  ])('case 18: the largest number there is, %s, is no number: there is no limit', async (_what, members) => {
    await using house = await openBerlin()
    house.store.own(house.uId, pages, { total: 'unlimited', heldBy: devices(3) })
    if (Object.keys(members).length > 0) {
      // Only the product without a limit is told so.
      house.store.setTotal(house.uId, keynote, 0)
      house.store.faults.arm({ fault: { is: 'odd-items', members, without: [] }, endpoint: 'assets' })
    }
    await house.sync(house.id, true)
    const license = await house.license(house.id, pages)
    expect(license).toMatchObject({ unlimited: true, total: null, available: null, inUse: 3 })
    // What has no limit takes no part in any sum.
    const text = JSON.stringify([await house.licenses(), (await house.get('status')).body])
    expect(text).not.toContain('2147483')
    await house.addDevices('C02A')
    await house.assign(license.id, 'devices', 'C02A')
    await house.settle()
    expect(await house.seats(license.id)).toContain('C02A: assignment')
  })
})

describe('case 19: what nobody has heard of', () => {
  test.each(['Subscription', 'Bundle'])('case 19: a %s is kept, shown and not assignable until it is known', async (productType) => {
    await using house = await openBerlin()
    house.store.own(house.uId, pages, { total: 7, productType, supportedPlatforms: ['fridgeOS', 'iOS'] })
    await house.sync(house.id)
    const license = await house.license(house.id, pages)
    expect(license).toMatchObject({ total: 7, available: 7, assignable: false, product: { platforms: ['fridgeOS', 'iOS'] } })
    await house.addDevices('C02A')
    await house.assign(license.id, 'devices', 'C02A')
    await house.settle(10 * MINUTE)
    expect(house.asked('POST', '/assets/associate')).toBe(0)
    expect(await house.status(house.id)).toEqual(['healthy'])
    // The store says one day that it is an app after all.
    house.store.own(house.uId, pages, { total: 7, productType: 'App' })
    await house.sync(house.id)
    expect((await house.license(house.id, pages)).assignable).toBe(true)
  })

  test('case 19: a product that is not said to go to devices goes to people only, and members that nobody knows do no harm', async () => {
    await using house = await openBerlin({ switches: { extraMembers: true } })
    house.store.faults.arm({ fault: { is: 'odd-items', members: {}, without: ['deviceAssignable'] }, endpoint: 'assets' })
    await house.sync(house.id, true)
    expect(await house.license(house.id, keynote)).toMatchObject({ licenseTypes: ['user'], assignable: true, total: 10 })
    await house.addDevices('C02A')
    expect(await house.assign(house.licenseId, 'devices', 'C02A')).toMatchObject({ status: 422, body: { code: 'not-device-assignable' } })
    house.store.faults.clear()
    await house.sync(house.id, true)
    expect((await house.license(house.id, keynote)).licenseTypes).toEqual(['device', 'user'])
  })

  test('case 19: an adamId that is a number is the same product as its text', async () => {
    await using house = await openBerlin({ heldBy: devices(2) })
    const before = await house.license(house.id, keynote)
    for (const endpoint of ['assets', 'assignments'] as const)
      house.store.faults.arm({ fault: { is: 'odd-items', members: { adamId: Number(keynote) }, without: [] }, endpoint })
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded', changed: { licenses: 0, seats: 0 } })
    expect(await house.licenses()).toHaveLength(1)
    expect(await house.license(house.id, keynote)).toMatchObject({ id: before.id, total: 10, inUse: 2 })
  })
})

describe('case 20: what looks alike', () => {
  test('case 20: one book as STDQ and as PLUS is two licenses with seats of their own', async () => {
    await using house = await openBerlin()
    house.store.registerUser(house.uId, { clientUserId: 'ada' })
    house.store.own(house.uId, book, { total: 5, productType: 'Book' })
    house.store.own(house.uId, book, { total: 9, productType: 'Book', pricingParam: 'PLUS', heldBy: [user('ada')] })
    await house.sync(house.id, true)
    const [standard, plus] = [await house.license(house.id, book, 'STDQ'), await house.license(house.id, book, 'PLUS')]
    expect([standard.total, standard.inUse, plus.total, plus.inUse]).toEqual([5, 0, 9, 1])
    expect(standard.id).not.toBe(plus.id)
    expect([await house.seats(standard.id), await house.seats(plus.id)]).toEqual([[], ['ada: found']])
  })

  test('case 20: one app in two locations of one name is two licenses, and their connectors are told apart everywhere', async () => {
    await using house = await openBerlin({ heldBy: devices(2) })
    const school = house.store.addLocation({ name: 'Berlin', uId: '7700000000009999', platform: 'volumestore', country: 'DE' })
    house.store.own(school.uId, keynote, { total: 4, heldBy: devices(1) })
    const id = await house.connect('Berlin', school.tokenFile)
    const [one, two] = [await house.connector(house.id), await house.connector(id)]
    expect([one.name, two.name]).toEqual(['Berlin', 'Berlin (…9999)'])
    expect([one.location.key, two.location.key]).toEqual([house.uId, school.uId])
    const [mine, theirs] = [await house.license(house.id, keynote), await house.license(id, keynote)]
    expect([mine.total, mine.inUse, theirs.total, theirs.inUse]).toEqual([10, 2, 4, 1])

    await house.addDevices('C02A')
    await house.assign(theirs.id, 'devices', 'C02A')
    await house.settle()
    expect(house.store.holders(school.uId, keynote)).toContainEqual(device('C02A'))
    expect(house.store.holders(house.uId, keynote)).toEqual(devices(2))
    // Renaming cannot make them equal again.
    expect((await house.ask('PATCH', `connectors/${id}`, { name: 'BERLIN' })).body.name).toBe('BERLIN (…9999)')
    // What goes wrong at one is told with its own name.
    house.store.revokeToken(school.uId)
    await house.sync(id)
    expect((await house.connector(id)).reasons[0].text).toContain('The store no longer accepts the token for BERLIN (…9999)')
    expect(await house.status(house.id)).toEqual(['healthy'])
    // Apple renames a location: it stays what it was.
    house.store.renameLocation(house.uId, 'Berlin Mitte')
    await house.sync(house.id)
    expect(await house.connector(house.id)).toMatchObject({ name: 'Berlin', location: { key: house.uId, name: 'Berlin Mitte' } })
  })
})
