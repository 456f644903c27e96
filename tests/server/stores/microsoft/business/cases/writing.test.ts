/** Cases of docs/stores/microsoft-store-for-business.md, section 6, through the whole product: seats given and taken. */
import { describe, expect, test } from 'vitest'
import { found, HOUR, MINUTE, notes, openContoso, TENANT, user, users } from './business-house.ts'

const assignments = (...names: readonly string[]): readonly string[] => names.map((name) => `${name}: assignment`).toSorted()

describe('case 15: two hands on the last seat', () => {
  test.each(['409', '400'] as const)(
    'case 15: refused with %s: one has it, the other waits in line, and the counts are read anew',
    async (noSeatLeft) => {
      await using house = await openContoso({ capacity: 3, heldBy: users(2), switches: { noSeatLeft } })
      house.store.addUsers(TENANT, ...users(4))
      await house.addPeople(user(4))
      // Another tool takes it while our own call is on its way.
      house.onLeave = ({ method }) => {
        if (method === 'POST') house.store.assignOutside(TENANT, notes, user(3))
      }
      await house.assign(house.licenseId, user(4))
      await house.settle(MINUTE)
      expect(house.asked('business-assign')).toBe(1)
      expect((await house.orders(house.licenseId)).map(({ state, failures }) => [state, failures[0]?.code])).toEqual([
        ['failed', 'no-seat-left'],
      ])
      expect(await house.license(notes)).toMatchObject({ total: 3, inUse: 3, available: 0, waiting: 1 })
      expect(await house.verdicts(house.licenseId)).toEqual([`${user(4)}: waiting, no-seat-left`])
      // It is served when a seat returns.
      house.onLeave = () => undefined
      house.store.reclaimOutside(TENANT, notes, user(1))
      await house.settle(HOUR)
      expect(await house.verdicts(house.licenseId)).toEqual([`${user(4)}: placed, has-seat`])
    },
  )
})

describe('case 16: no answer to a call', () => {
  test('case 16: the seat was given: it is read back, and no second call is made', async () => {
    await using house = await openContoso({ heldBy: users(2) })
    house.store.addUsers(TENANT, user(3))
    await house.addPeople(user(3))
    house.world.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'business-assign', times: 1 })
    await house.assign(house.licenseId, user(3))
    await house.settle()
    expect(house.asked('business-assign')).toBe(1)
    expect(house.asked('business-seat')).toBe(1)
    expect(await house.verdicts(house.licenseId)).toEqual([`${user(3)}: placed, has-seat`])
    expect(await house.seats(house.licenseId)).toEqual([...found(...users(2)), ...assignments(user(3))].toSorted())
  })

  test('case 16: the seat was not given: it stays a question until nothing can be on its way any more, and is asked for again', async () => {
    await using house = await openContoso({ heldBy: users(2) })
    house.store.addUsers(TENANT, user(3))
    await house.addPeople(user(3))
    house.world.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, endpoint: 'business-assign', times: 1 })
    await house.assign(house.licenseId, user(3))
    await house.settle(MINUTE)
    expect(house.asked('business-assign')).toBe(1)
    expect((await house.orders(house.licenseId)).map(({ state, unknown }) => [state, unknown])).toEqual([['sent', true]])
    await house.settle(8 * MINUTE)
    expect(house.asked('business-assign')).toBe(2)
    expect(await house.verdicts(house.licenseId)).toEqual([`${user(3)}: placed, has-seat`])
  })

  test.each(['after', 'before'] as const)('case 16: HTML with 502 %s the work was done ends in one seat', async (when) => {
    await using house = await openContoso({ heldBy: users(2) })
    house.store.addUsers(TENANT, user(3))
    await house.addPeople(user(3))
    house.world.faults.arm({ fault: { is: 'bad-gateway', when }, endpoint: 'business-assign', times: 1 })
    await house.assign(house.licenseId, user(3))
    await house.settle(10 * MINUTE)
    expect(house.asked('business-assign')).toBe(when === 'after' ? 1 : 2)
    expect(house.store.holders(TENANT, notes)).toEqual(users(3))
  })

  test('case 16: a seat that was taken back without a word is not taken twice', async () => {
    await using house = await openContoso({ heldBy: users(2) })
    house.world.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'business-reclaim', times: 1 })
    expect((await house.ask('POST', `licenses/${house.licenseId}/reclaim`, { principals: [await house.idOf(user(1))] })).status).toBe(202)
    await house.settle(MINUTE)
    expect(house.asked('business-reclaim')).toBe(1)
    expect(await house.seats(house.licenseId)).toEqual(found(user(2)))
  })

  test('case 16: the server is stopped while the call is on its way: after the start the seat is found', async () => {
    await using house = await openContoso({ heldBy: users(2) })
    house.store.addUsers(TENANT, user(3))
    await house.addPeople(user(3))
    house.world.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'business-assign', times: 1 })
    house.world.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, endpoint: 'business-seat' })
    await house.assign(house.licenseId, user(3))
    await house.settle(500)
    await house.restart()
    house.world.faults.clear()
    await house.settle(MINUTE)
    expect(house.asked('business-assign')).toBe(1)
    expect(await house.verdicts(house.licenseId)).toEqual([`${user(3)}: placed, has-seat`])
  })
})

describe('case 17: several at once, and not all of them', () => {
  const openWithBulk = async (bulk: 'json-body' | '400' | '404' | '405' | '415' = 'json-body', setting: 'auto' | 'off' = 'auto') => {
    const house = await openContoso({ capacity: 20, switches: { bulk }, settings: { bulk: setting } })
    const names = users(6)
    house.store.addUsers(TENANT, ...names.filter((name) => name !== user(2)))
    await house.addPeople(...names)
    return Object.assign(house, { names })
  }
  const assignAll = async (house: Awaited<ReturnType<typeof openWithBulk>>): Promise<void> => {
    const group = await house.ask('POST', 'groups', { name: 'All', kind: 'user' })
    const members = await Promise.all(house.names.map((name) => house.idOf(name)))
    expect((await house.ask('PUT', `groups/${group.body.id}/members`, { members })).status).toBeLessThan(300)
    const target = { kind: 'group', id: group.body.id }
    const assigned = await house.ask('POST', 'assignments', {
      licenseId: house.licenseId,
      target,
      mode: 'include',
      intent: 'required',
      licenseType: 'user',
    })
    expect(assigned.status).toBe(201)
    await house.settle(MINUTE)
  }
  const served = users(6)
    .filter((name) => name !== user(2))
    .map((name) => `${name}: placed, has-seat`)

  test('case 17: some failed, one is in neither list, the order is another: each has an outcome of their own', async () => {
    await using house = await openWithBulk()
    house.world.faults.arm({ fault: { is: 'bulk-mixed' }, times: 1 })
    await assignAll(house)
    expect(house.asked('business-bulk')).toBe(1)
    expect(house.asked('business-assign')).toBe(0)
    // Who was not named is read.
    expect(house.asked('business-seat')).toBe(1)
    expect(await house.verdicts(house.licenseId)).toEqual([...served, `${user(2)}: refused, store-refused`].toSorted())
    const [order] = await house.orders(house.licenseId)
    expect(order).toMatchObject({ state: 'partly-done', total: 6, done: 5, failures: [{ code: 'user-unknown', retryable: false }] })
  })

  test.each(['400', '404', '405', '415'] as const)('case 17: refused with %s: they are asked for one by one', async (bulk) => {
    await using house = await openWithBulk(bulk)
    await assignAll(house)
    expect(house.asked('business-bulk')).toBe(1)
    expect(house.asked('business-assign')).toBe(6)
    expect(await house.verdicts(house.licenseId)).toEqual([...served, `${user(2)}: refused, store-refused`].toSorted())
  })

  test('case 17: as long as nobody has turned it on, the store is never asked for several at once', async () => {
    await using house = await openWithBulk('json-body', 'off')
    await assignAll(house)
    expect(house.asked('business-bulk')).toBe(0)
    expect(house.asked('business-assign')).toBe(6)
  })

  test('case 17: no answer to it: what became of each is read, and nothing is sent twice', async () => {
    await using house = await openWithBulk()
    house.world.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'business-bulk', times: 1 })
    await assignAll(house)
    await house.settle(10 * MINUTE)
    expect(await house.verdicts(house.licenseId)).toEqual([...served, `${user(2)}: refused, store-refused`].toSorted())
    expect(house.store.holders(TENANT, notes)).toHaveLength(5)
    // The one who is not known was asked for once more, alone or not; nobody else was.
    expect(house.asked('business-bulk') + house.asked('business-assign')).toBe(2)
  })

  test('case 17: more people than one call takes', async () => {
    await using house = await openContoso({ capacity: 100, settings: { bulk: 'auto' } })
    const names = users(60)
    house.store.addUsers(TENANT, ...names)
    await house.addPeople(...names)
    await assignAll(Object.assign(house, { names }))
    expect(house.asked('business-bulk')).toBe(3)
    expect(house.store.holders(TENANT, notes)).toHaveLength(60)
    expect(await house.license(notes)).toMatchObject({ inUse: 60, available: 40 })
  })

  test('case 17: one by one, throttled midway: who was served is served, the others follow after the pause', async () => {
    await using house = await openWithBulk('json-body', 'off')
    house.world.faults.arm({ fault: { is: 'throttled', retryAfter: '40' }, endpoint: 'business-assign', skip: 3, times: 1 })
    await assignAll(house)
    await house.settle(3 * MINUTE)
    expect(await house.verdicts(house.licenseId)).toEqual([...served, `${user(2)}: refused, store-refused`].toSorted())
    expect(house.store.holders(TENANT, notes)).toHaveLength(5)
  })
})

describe('case 19: guests, and signs in names', () => {
  test.each(['jo_fabrikam.example#EXT#@contoso.example', "o'brien@contoso.example", 'a+b%c/d@contoso.example'])(
    'case 19: %s gets a seat and gives it back',
    async (name) => {
      await using house = await openContoso({ heldBy: users(1) })
      house.store.addUsers(TENANT, name)
      await house.addPeople(name)
      await house.assign(house.licenseId, name)
      await house.settle()
      expect(house.store.holders(TENANT, notes)).toEqual([user(1), name])
      await house.sync(house.id, true)
      expect(await house.seats(house.licenseId)).toEqual([...found(user(1)), ...assignments(name)].toSorted())
      expect(
        (await house.ask('POST', `licenses/${house.licenseId}/reclaim`, { principals: [await house.idOf(name)] })).status,
      ).toBeLessThan(300)
      await house.settle(MINUTE)
      expect(house.store.holders(TENANT, notes)).toEqual([user(1)])
      const paths = house.world.log.all().filter(({ endpoint }) => endpoint === 'business-assign')
      expect(paths[0]?.path).not.toMatch(/[#'@+]/)
    },
  )
})

test('who leaves gives back all that they have here, one seat after another', async () => {
  await using house = await openContoso({
    heldBy: users(3),
    before: ({ store }) => {
      for (let n = 0; n < 120; n += 1) store.own(TENANT, `9P${String(n).padStart(10, '0')}`, { capacity: 5, heldBy: [user(1)] })
    },
  })
  const id = await house.idOf(user(1))
  const revoked = await house.ask('POST', `connectors/${house.id}/revoke`, { principals: [id], confirm: true })
  expect([revoked.status, JSON.stringify(revoked.body)]).toEqual([202, expect.anything()])
  await house.settle(10 * MINUTE)
  expect(house.store.entries(TENANT).reduce((sum, { inUse }) => sum + inUse, 0)).toBe(2)
  expect(house.asked('business-reclaim')).toBe(121)
})

test('an answer that lies is found out by the next sync', async () => {
  await using house = await openContoso({ heldBy: users(2) })
  house.store.addUsers(TENANT, user(3))
  await house.addPeople(user(3))
  house.world.faults.arm({ fault: { is: 'without-effect' }, endpoint: 'business-assign', times: 1 })
  await house.assign(house.licenseId, user(3))
  await house.settle(MINUTE)
  expect(await house.verdicts(house.licenseId)).toEqual([`${user(3)}: placed, has-seat`])
  await house.settle(2 * HOUR)
  expect(house.store.holders(TENANT, notes)).toEqual(users(3))
  expect(house.asked('business-assign')).toBe(2)
})
