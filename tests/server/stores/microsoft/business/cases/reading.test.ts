/** Cases of docs/stores/microsoft-store-for-business.md, section 6, through the whole product: what is read, and what is made of it. */
import { describe, expect, test } from 'vitest'
import { UNLIMITED } from '../../../../../../server/sandbox/microsoft/business-state.ts'
import { DAY, HOUR, MINUTE, found, notes, online, openContoso, reader, START, TENANT, user, users, type Contoso } from './business-house.ts'

/** Once, when the server asks for this: before the store answers. */
const whenAsked = (house: Contoso, wanted: (path: string) => boolean, act: () => void): void => {
  let done = false
  house.onLeave = ({ path }) => {
    if (done || !wanted(path)) return
    done = true
    act()
  }
}
const isLaterPage = (path: string): boolean => path.startsWith('/Inventory?') && path.includes('continuationToken')
/** A tenant with so many products beside the notes, each with one seat in use. */
const withProducts =
  (count: number) =>
  (house: Pick<Contoso, 'store'>): void => {
    for (let n = 0; n < count; n += 1) house.store.own(TENANT, `9P${String(n).padStart(10, '0')}`, { capacity: 5, heldBy: [user(n)] })
  }

describe('case 5: an empty page with a token', () => {
  test('case 5: an empty page that names a next one is no end', async () => {
    await using house = await openContoso({ switches: { inventoryPageMost: 100 }, before: withProducts(150), heldBy: users(120) })
    house.world.faults.arm({ fault: { is: 'empty-page' }, endpoint: 'business-inventory', times: 1 })
    house.world.faults.arm({ fault: { is: 'empty-page' }, endpoint: 'business-seats', times: 1 })
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded', changed: { licenses: 0, seats: 0 } })
    expect(await house.licenses()).toHaveLength(151)
    expect(await house.seats(house.licenseId)).toEqual(found(...users(120)))
  })
})

describe('case 6: pages that lead to no end', () => {
  test.each(['business-inventory', 'business-seats'] as const)('case 6: %s: it is given up, and the old data stays', async (endpoint) => {
    await using house = await openContoso({ heldBy: users(120), before: withProducts(3) })
    const before = house.world.log.all().length
    house.world.faults.arm({ fault: { is: 'page-loop' }, endpoint })
    expect(await house.sync(house.id, true)).toMatchObject({
      state: 'failed',
      error: { code: 'store-answer-unreadable', text: expect.stringContaining('lead to no end') },
    })
    expect(house.world.log.all().length - before).toBeLessThan(15)
    expect(await house.seats(house.licenseId)).toHaveLength(120)
    expect(await house.license(notes)).toMatchObject({ total: 120, gone: false })
  })
})

describe('case 7: a mark for the next page that the store no longer takes', () => {
  test('case 7: the list is begun anew once, and nothing is there twice', async () => {
    await using house = await openContoso({ heldBy: users(250), capacity: 400 })
    house.world.faults.arm({ fault: { is: 'continuation-refused' }, endpoint: 'business-seats', skip: 1, times: 1 })
    const before = house.asked('business-seats')
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded', changed: { licenses: 0, seats: 0 } })
    // A page, the refusal, and three pages from the beginning.
    expect(house.asked('business-seats') - before).toBe(5)
    expect(await house.seats(house.licenseId)).toEqual(found(...users(250)))
  })

  test('case 7: a second time: the sync fails, says so, and the old data stays', async () => {
    await using house = await openContoso({ heldBy: users(250), capacity: 400 })
    house.world.faults.arm({ fault: { is: 'continuation-refused' }, endpoint: 'business-seats' })
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'failed', error: { code: 'http-400' } })
    expect(await house.seats(house.licenseId)).toHaveLength(250)
  })
})

describe('case 8: pages that shift', () => {
  test('case 8: a license that came between two pages moves one to the next page, where it counts once', async () => {
    await using house = await openContoso({ before: withProducts(120) })
    whenAsked(house, isLaterPage, () => house.store.own(TENANT, '9A0000000001', { capacity: 3 }))
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded' })
    expect(await house.licenses()).toHaveLength(121)
    await house.sync(house.id)
    expect(await house.licenses()).toHaveLength(122)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test('case 8: a seat given back between two pages hides another: the counts tell, and the license is read anew', async () => {
    await using house = await openContoso({ heldBy: users(150), capacity: 200 })
    whenAsked(
      house,
      (path) => path.includes('/Seats?') && path.includes('continuationToken'),
      () => void house.store.reclaimOutside(TENANT, notes, user(1)),
    )
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded' })
    await house.sync(house.id)
    expect(await house.seats(house.licenseId)).toEqual(found(...users(149, 2)))
  })
})

describe('case 9: members with a capital', () => {
  test('case 9: they are read as those without', async () => {
    await using house = await openContoso({
      switches: { casing: 'pascal', optionalMembers: 'null' },
      heldBy: users(120),
      before: withProducts(110),
    })
    expect(await house.licenses()).toHaveLength(111)
    expect(await house.license(notes)).toMatchObject({
      total: 120,
      inUse: 120,
      product: { name: 'Field Notes Pro', publisher: 'Fabrikam', bundleId: 'Fabrikam.FieldNotes_8wekyb3d8bbwe' },
    })
    await house.addPeople('ada@contoso.example')
    house.store.addUsers(TENANT, 'ada@contoso.example')
    house.store.setCapacity(TENANT, notes, 200)
    await house.sync(house.id)
    await house.assign(house.licenseId, 'ada@contoso.example')
    await house.settle()
    expect(await house.verdicts(house.licenseId)).toEqual(['ada@contoso.example: placed, has-seat'])
  })
})

describe('case 10: what was removed goes on being listed', () => {
  test('case 10: the license is closed, and its last counts are kept with their age', async () => {
    await using house = await openContoso({ heldBy: users(2), before: withProducts(1) })
    await house.settle(HOUR)
    house.store.remove(TENANT, notes)
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded' })
    expect(await house.license(notes)).toMatchObject({ gone: true, assignable: false, total: 10, inUse: 2 })
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test('case 10: all at once is believed, since each is named; and what was gone before is none of ours', async () => {
    await using house = await openContoso({
      before: (house) => {
        withProducts(1)(house)
        house.store.own(TENANT, '9OLD00000001', { capacity: 4 })
        house.store.remove(TENANT, '9OLD00000001')
      },
    })
    expect(await house.licenses()).toHaveLength(2)
    house.store.remove(TENANT, notes)
    house.store.remove(TENANT, '9P0000000000')
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded' })
    expect((await house.licenses()).map(({ gone }) => gone)).toEqual([true, true])
  })
})

describe('case 11: what has no limit', () => {
  test.each(['unchanged', 'counted'] as const)(
    'case 11: available seats %s: no limit, and the seats are counted',
    async (openAvailable) => {
      await using house = await openContoso({
        switches: { openAvailable },
        before: ({ store }) => store.own(TENANT, reader, { capacity: 'unlimited', skuId: '0010', heldBy: users(37) }),
      })
      expect(await house.license(reader, 'online 0010')).toMatchObject({ unlimited: true, total: null, available: null, inUse: 37 })
      expect((await house.sync(house.id)).changed).toEqual({ licenses: 0, seats: 0, users: 0 })
      house.store.setCapacity(TENANT, notes, UNLIMITED)
      await house.sync(house.id)
      expect(await house.license(notes)).toMatchObject({ unlimited: true, total: null })
    },
  )

  test('case 11: more people than seats were bought for get one', async () => {
    await using house = await openContoso({
      before: ({ store }) => store.own(TENANT, reader, { capacity: 'unlimited', skuId: '0010' }),
    })
    const { id } = await house.license(reader, 'online 0010')
    await house.addPeople(...users(30))
    house.store.addUsers(TENANT, ...users(30))
    for (const name of users(30)) await house.assign(id, name)
    await house.settle(MINUTE)
    expect(await house.license(reader, 'online 0010')).toMatchObject({ inUse: 30, desired: 30, waiting: 0 })
  })
})

describe('case 12: seats of an offline license', () => {
  test('case 12: the store is not asked for them, they are given to nobody here, and the sync is good', async () => {
    await using house = await openContoso({
      before: ({ store }) => store.own(TENANT, reader, { capacity: 50, licenseType: 'Offline' }),
    })
    expect(await house.license(reader, 'offline 0016')).toMatchObject({
      assignable: false,
      revocable: false,
      total: 50,
      available: 50,
      inUse: 0,
    })
    expect(house.world.log.all().filter(({ status }) => status === 409)).toEqual([])
    expect(house.world.log.all().filter(({ path }) => path.includes(`${reader}/0016/Seats`))).toEqual([])
  })

  test('case 12: one that turns into an offline license under the walk is no failure of the sync', async () => {
    await using house = await openContoso({ heldBy: users(2) })
    whenAsked(
      house,
      (path) => path.includes('/Seats'),
      () => {
        house.store.forget(TENANT, notes)
        house.store.own(TENANT, notes, { capacity: 10, licenseType: 'Offline' })
      },
    )
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded' })
    expect(house.world.log.all().some(({ status }) => status === 409)).toBe(true)
  })
})

describe('case 13: one product, online and offline', () => {
  test('case 13: two licenses with counts of their own, also under one SKU', async () => {
    await using house = await openContoso({
      heldBy: users(4),
      before: ({ store }) => store.own(TENANT, notes, { capacity: 50, licenseType: 'Offline' }),
    })
    expect(await house.licenses()).toHaveLength(2)
    expect(await house.license(notes, online)).toMatchObject({ total: 10, inUse: 4, assignable: true })
    expect(await house.license(notes, 'offline 0016')).toMatchObject({ total: 50, inUse: 0, assignable: false })
  })
})

describe('case 14: another language than was asked for', () => {
  const german = { name: 'x', texts: { 'de-de': { displayName: 'Feldnotizen', publisherName: 'Fabrikam' } } }
  test('case 14: the name says in which language it came', async () => {
    await using house = await openContoso({ before: ({ store }) => store.own(TENANT, reader, { capacity: 5, product: german }) })
    expect(await house.license(reader)).toMatchObject({ product: { name: 'Feldnotizen (de-de)' } })
  })

  test('case 14: the first of two languages that the store has is taken, and bears no mark', async () => {
    await using house = await openContoso({
      settings: { languages: ['fr-fr', 'de-de'] },
      before: ({ store }) => store.own(TENANT, reader, { capacity: 5, product: german }),
    })
    expect(await house.license(reader)).toMatchObject({ product: { name: 'Feldnotizen' } })
  })
})

describe('case 18: a user was renamed', () => {
  test('case 18: the seat under the old name stays the same person’s', async () => {
    await using house = await openContoso({ heldBy: ['mary.smith@contoso.example'] })
    const made = await house.scim('POST', 'Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'mary.smith@contoso.example',
      active: true,
    })
    expect(made.status).toBe(201)
    const id = String(made.body.id)
    const renamed = await house.scim('PATCH', `Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'userName', value: 'mary.jones@contoso.example' }],
    })
    expect(renamed.status).toBe(200)
    house.store.renameUser(TENANT, 'mary.smith@contoso.example', 'mary.jones@contoso.example')
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded', changed: { seats: 0, users: 0 } })
    expect(await house.seats(house.licenseId)).toEqual(['mary.smith@contoso.example: found'])
    // The store lists the seat under the new name: the same person again, and nobody has left.
    house.store.forget(TENANT, notes)
    house.store.own(TENANT, notes, { capacity: 10, heldBy: ['mary.jones@contoso.example'] })
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded', changed: { seats: 0, users: 0 } })
    expect(await house.ask('GET', `users/${id}`)).toMatchObject({ body: { left: null } })
    // Taken and given under the name that the tenant knows now.
    expect((await house.ask('POST', `licenses/${house.licenseId}/reclaim`, { principals: [id] })).status).toBeLessThan(300)
    await house.settle(MINUTE)
    expect(house.store.holders(TENANT, notes)).toEqual([])
    house.world.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'business-assign', times: 1 })
    house.world.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, endpoint: 'business-seat', times: 5 })
    await house.assign(house.licenseId, 'mary.smith@contoso.example')
    await house.settle(10 * MINUTE)
    expect(house.store.holders(TENANT, notes)).toEqual(['mary.jones@contoso.example'])
    expect(await house.verdicts(house.licenseId)).toEqual(['mary.smith@contoso.example: placed, has-seat'])
    expect(house.asked('business-assign')).toBe(1)
  })
})

describe('case 23: suddenly nothing', () => {
  test('case 23: an empty list where licenses were is not believed; all stays, and an administrator is asked', async () => {
    await using house = await openContoso({ heldBy: users(3), before: withProducts(20) })
    const before = JSON.stringify(await house.licenses())
    house.world.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'business-inventory' })
    expect(await house.sync(house.id)).toMatchObject({
      state: 'failed',
      error: { code: 'store-answer-unreadable', text: expect.stringContaining('where 21 licenses were') },
    })
    expect(JSON.stringify(await house.licenses())).toBe(before)
    expect(await house.seats(house.licenseId)).toHaveLength(3)
    expect(await house.status(house.id)).toContain('sync-failed')
    // Somebody who has looked says that it is so.
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded' })
    expect((await house.licenses()).every(({ gone }) => gone)).toBe(true)
  })

  test('case 23: once only: the second look has the answer', async () => {
    await using house = await openContoso({ heldBy: users(3), before: withProducts(20) })
    house.world.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'business-inventory', times: 1, skip: 1 })
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', changed: { licenses: 0 } })
  })
})

describe('case 25: words that nobody knows', () => {
  test('case 25: members that are not documented are left alone', async () => {
    await using house = await openContoso({ switches: { oddMembers: true }, heldBy: users(30) })
    expect(await house.seats(house.licenseId)).toHaveLength(30)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test('case 25: a kind of license that is not known is shown with its counts, and nothing is given of it', async () => {
    await using house = await openContoso({
      before: ({ store }) => store.own(TENANT, reader, { capacity: 7, licenseType: 'Leased' as never }),
    })
    expect(await house.license(reader, 'other 0016')).toMatchObject({ total: 7, available: 7, assignable: false })
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded' })
  })
})

describe('case 26: the year one', () => {
  test('case 26: a seat given in the year one is a seat, seen when it was seen first', async () => {
    await using house = await openContoso({ heldBy: [] })
    house.store.assignUndated(TENANT, notes, user(1))
    expect(await house.sync(house.id, true)).toMatchObject({ state: 'succeeded' })
    const { body } = await house.ask('GET', `licenses/${house.licenseId}/seats`)
    expect(body.items).toHaveLength(1)
    expect(Date.parse(body.items[0].since)).toBeGreaterThanOrEqual(START)
  })
})

describe('case 39: two clocks', () => {
  test.each([8 * MINUTE, -8 * MINUTE])('case 39: the store’s clock is off by %i ms: nothing is missed', async (clockSkewMs) => {
    await using house = await openContoso({ switches: { clockSkewMs }, heldBy: users(2) })
    await house.settle(5 * MINUTE)
    house.store.assignOutside(TENANT, notes, user(1))
    house.store.addUsers(TENANT, user(9))
    house.store.assignOutside(TENANT, notes, user(9))
    house.store.own(TENANT, reader, { capacity: 3 })
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', changed: { licenses: 2, seats: 1 } })
    expect(await house.seats(house.licenseId)).toEqual(found(user(1), user(2), user(9)))
    await house.settle(DAY)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })
})

describe('case 44: large figures and long texts', () => {
  test('case 44: they are kept as they come', async () => {
    const name = '笔记 📓 ملاحظات'
    await using house = await openContoso({
      before: ({ store }) =>
        store.own(TENANT, reader, {
          capacity: 9_007_199_254,
          product: { name, texts: { 'en-us': { displayName: name, description: 'x'.repeat(10_000), publisherName: 'Čapek & Söhne' } } },
        }),
    })
    expect(await house.license(reader)).toMatchObject({ product: { name, publisher: 'Čapek & Söhne' } })
    house.store.setCapacity(TENANT, notes, 2_147_483_646)
    await house.sync(house.id)
    expect(await house.license(notes)).toMatchObject({ total: 2_147_483_646, available: 2_147_483_646, unlimited: false })
  })

  test.each([1.5, -1, Number.MAX_SAFE_INTEGER + 2])(
    'case 44: a count of %s is none: the sync says so, and the old data stays',
    async (capacity) => {
      await using house = await openContoso({ heldBy: users(2) })
      house.store.setCapacity(TENANT, notes, capacity)
      expect(await house.sync(house.id)).toMatchObject({ state: 'failed', error: { code: 'store-answer-unreadable' } })
      expect(await house.license(notes)).toMatchObject({ total: 10, inUse: 2 })
    },
  )
})
