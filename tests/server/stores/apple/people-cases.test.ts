/** People and all that they hold, through the whole product: cases 21 and 31 to 34 of docs/stores/apple-apps-and-books.md, section 8. */
import { describe, expect, test } from 'vitest'
import { book, device, HOUR, keynote, openHouse, pages, user, type Answer, type AppleHouse } from './cases/apple-house.ts'

const novel = '900000078'
const apps = [keynote, pages, '409183694', '409201541', '408981434']

/** A location with five apps and two books, and three people in the directory: ana has a managed account, ben a mail address, cem neither. */
const openSchool = async (options: Parameters<typeof openHouse>[0] = {}) => {
  const house = await openHouse(options)
  const { uId, tokenFile } = house.store.addLocation({
    name: 'Berlin',
    uId: '2049025000431439',
    country: 'DE',
    managedDomain: 'school.example',
  })
  for (const adamId of apps) house.store.own(uId, adamId, { total: 5 })
  for (const adamId of [book, novel])
    house.store.own(uId, adamId, { total: 5, productType: 'Book', deviceAssignable: false, revocable: false })
  const add = async (userName: string, members: object): Promise<string> => {
    const added = await house.post('users', { userName, ...members })
    if (added.status !== 201) throw new Error(JSON.stringify(added.body))
    return String(added.body.id)
  }
  const ana = await add('ana', { displayName: 'Ana', managedAppleAccount: 'ana@school.example' })
  const ben = await add('ben', { displayName: 'Ben', email: 'ben@mail.example' })
  const cem = await add('cem', { displayName: 'Cem' })
  await house.addDevices('C02A')
  const connect = async (): Promise<string> => house.connect('Berlin', tokenFile)
  return { house, uId, connect, ana, ben, cem }
}

const listed = async (house: AppleHouse, connector: string, query = ''): Promise<readonly string[]> => {
  const { body } = await house.get(`connectors/${connector}/registrations${query}`)
  return body.items.map(
    (row: Answer['body']) => `${row.principal.key}: ${row.state}${row.closedRecords === 0 ? '' : `, ${row.closedRecords} closed`}`,
  )
}
const records = (house: AppleHouse, uId: string, clientUserId: string) =>
  house.store
    .users(uId)
    .filter((one) => one.clientUserId === clientUserId)
    .map(({ status }) => status)
const register = (house: AppleHouse, connector: string, principals: readonly string[]) =>
  house.post(`connectors/${connector}/registrations`, { principals })
const retire = (house: AppleHouse, connector: string, principals: readonly string[]) =>
  house.post(`connectors/${connector}/registrations/retire`, { principals, confirm: true })
const outcome = async (house: AppleHouse, asked: Answer): Promise<Answer['body']> => {
  if (asked.status !== 202) throw new Error(JSON.stringify(asked.body))
  await house.settle(2 * 60_000)
  return (await house.get(`orders/${asked.body.order.id}`)).body
}

describe('case 21: several records of one person', () => {
  test('case 21: two retired ones and an associated one are one person, who is associated', async () => {
    const { house, uId, connect } = await openSchool()
    await using _ = house
    for (const account of ['one@mail.example', 'two@mail.example', 'three@mail.example']) {
      if (records(house, uId, 'ben').length > 0) house.store.retireUser(uId, 'ben')
      house.store.registerUser(uId, { clientUserId: 'ben' })
      house.store.acceptInvitation(uId, 'ben', account)
    }
    expect(records(house, uId, 'ben')).toEqual(['Retired', 'Retired', 'Associated'])
    const connector = await connect()
    expect(await listed(house, connector)).toEqual(['ben: associated, 2 closed'])
    expect((await house.connector(connector)).people).toMatchObject({ count: 1, error: null })
    // Nobody was made of the records that are closed.
    expect((await house.get('users')).body.items).toHaveLength(3)
  })

  test.each([
    ['the records swap', 'swaps', ['Associated', 'Retired']],
    ['the fresh record supersedes the old one', 'supersedes', ['Deleted', 'Associated']],
  ] as const)('case 21: who comes back with the old account is one active person, when %s', async (_what, returningAccount, after) => {
    const { house, uId, connect, ben } = await openSchool({ switches: { returningAccount, inviteCodes: 'kept' } })
    await using _ = house
    house.store.registerUser(uId, { clientUserId: 'ben' })
    house.store.acceptInvitation(uId, 'ben', 'ben@mail.example')
    house.store.retireUser(uId, 'ben')
    house.store.registerUser(uId, { clientUserId: 'ben' })
    const connector = await connect()
    expect(await listed(house, connector)).toEqual(['ben: registered, 1 closed'])
    house.store.acceptInvitation(uId, 'ben', 'ben@mail.example')
    expect(records(house, uId, 'ben')).toEqual(after)
    expect(await house.sync(connector)).toMatchObject({ state: 'succeeded', full: false })
    expect(await listed(house, connector)).toEqual(['ben: associated, 1 closed'])
    // A code that stays on a record opens nothing any more.
    expect((await house.get(`connectors/${connector}/registrations/${ben}/invitation`)).body.code).toBe('no-invitation')
  })
})

describe('case 31: already as it is asked for, with people', () => {
  test.each(['success', 'v1-errors'] as const)(
    'case 31: one who is retired already is retired, when the store answers with %s',
    async (repeatedWrite) => {
      const { house, uId, connect, ben } = await openSchool({ switches: { repeatedWrite } })
      await using _ = house
      house.store.registerUser(uId, { clientUserId: 'ben' })
      const connector = await connect()
      // Behind our back, and before the next sync.
      house.store.retireUser(uId, 'ben')
      expect(await outcome(house, await retire(house, connector, [ben]))).toMatchObject({ state: 'done', done: 1, failures: [] })
      expect(await listed(house, connector)).toEqual(['ben: retired'])
    },
  )
})

describe('case 32: taking everything back', () => {
  const furnished = async () => {
    const school = await openSchool()
    const { house, uId } = school
    house.store.registerUser(uId, { clientUserId: 'ben' })
    for (const adamId of [keynote, pages]) house.store.assignOutside(uId, adamId, [device('C02A')])
    house.store.assignOutside(uId, keynote, [user('ben')])
    house.store.assignOutside(uId, book, [user('ben')])
    const connector = await school.connect()
    return { ...school, connector, tablet: await house.idOf('devices', 'C02A') }
  }

  test('case 32: the preview names what would go and what stays, as the store has it at that moment', async () => {
    const { house, uId, connector, tablet, ben } = await furnished()
    await using _ = house
    // Given since the last sync.
    house.store.assignOutside(uId, '409183694', [device('C02A')])
    const preview = await house.post(`connectors/${connector}/revoke/preview`, { principals: [tablet, ben] })
    expect(preview).toMatchObject({ status: 200, body: { returns: 4, stays: 1, assignments: 0 } })
    const [ofTablet, ofBen] = preview.body.holdings
    expect(ofTablet.returns.map((seat: Answer['body']) => seat.product.id).toSorted()).toEqual([keynote, pages, '409183694'].toSorted())
    expect([ofBen.returns, ofBen.stays].map((seats) => seats.map((seat: Answer['body']) => seat.product.id))).toEqual([[keynote], [book]])
    expect(house.asked('POST', '/assets/revoke')).toBe(0)
  })

  test('case 32: apps come back, the book stays, and the audit log keeps what went', async () => {
    const { house, uId, connector, tablet, ben } = await furnished()
    await using _ = house
    expect(await house.post(`connectors/${connector}/revoke`, { principals: [tablet, ben] })).toMatchObject({
      status: 409,
      body: { code: 'confirmation-required' },
    })
    const asked = await house.post(`connectors/${connector}/revoke`, { principals: [tablet, ben], confirm: true })
    expect(asked.body).toMatchObject({ returns: 3, stays: 1, order: { action: 'revoke', licenseId: null, total: 2 } })
    expect(await outcome(house, asked)).toMatchObject({ state: 'done', done: 2, failures: [] })
    expect(house.asked('POST', '/assets/revoke')).toBe(1)
    expect(house.store.holders(uId, keynote)).toEqual([])
    expect(house.store.holders(uId, pages)).toEqual([])
    expect(house.store.holders(uId, book)).toEqual([user('ben')])
    for (const [adamId, holders] of [
      [keynote, []],
      [pages, []],
      [book, ['ben: found']],
    ] as const)
      expect(await house.seats((await house.license(connector, adamId)).id)).toEqual(holders)
    const [kept] = await house.audit('seats.revoke-asked')
    expect(kept.detail.held).toEqual([
      {
        principal: tablet,
        goes: expect.arrayContaining([
          { productId: keynote, pricing: 'STDQ' },
          { productId: pages, pricing: 'STDQ' },
        ]),
        stays: [],
      },
      { principal: ben, goes: [{ productId: keynote, pricing: 'STDQ' }], stays: [{ productId: book, pricing: 'STDQ' }] },
    ])
    // With nothing but a book there is nothing to take.
    expect(await house.post(`connectors/${connector}/revoke`, { principals: [ben], confirm: true })).toMatchObject({
      status: 409,
      body: { code: 'nothing-to-take' },
    })
  })

  test('case 32: what an assignment placed is not given again: the assignment ends with the seat', async () => {
    const { house, uId, connector, tablet } = await furnished()
    await using _ = house
    const license = await house.license(connector, '408981434')
    await house.assign(license.id, 'devices', 'C02A')
    await house.settle()
    expect(house.store.holders(uId, '408981434')).toEqual([device('C02A')])
    expect((await house.post(`connectors/${connector}/revoke/preview`, { principals: [tablet] })).body.assignments).toBe(1)
    await outcome(house, await house.post(`connectors/${connector}/revoke`, { principals: [tablet], confirm: true }))
    await house.settle(HOUR)
    expect(house.store.holders(uId, '408981434')).toEqual([])
    expect((await house.get(`assignments?license=${license.id}`)).body.items).toEqual([])
  })
})

describe('case 33: retired, registered again, and back with the old account', () => {
  test('case 33: five apps come back and two books stay, and at every step the list and the counts agree with the store', async () => {
    const { house, uId, connect, ben } = await openSchool()
    await using _ = house
    house.store.registerUser(uId, { clientUserId: 'ben', email: 'ben@mail.example' })
    house.store.acceptInvitation(uId, 'ben', 'ben@icloud.example')
    for (const adamId of [...apps, book, novel]) house.store.assignOutside(uId, adamId, [user('ben')])
    const connector = await connect()
    const agrees = async () => {
      for (const adamId of [...apps, book, novel]) {
        const { inUse, available, total } = await house.license(connector, adamId)
        const { assigned } = house.store.counts(uId, adamId)
        expect([adamId, inUse, available, total]).toEqual([adamId, assigned, 5 - assigned, 5])
        expect((await house.seats((await house.license(connector, adamId)).id)).length).toBe(assigned)
      }
    }
    await agrees()

    // 1. What would become of it is told first.
    const preview = await house.post(`connectors/${connector}/registrations/retire/preview`, { principals: [ben] })
    expect(preview.body).toMatchObject({ returns: 5, stays: 2, wished: 0 })
    expect(await house.post(`connectors/${connector}/registrations/retire`, { principals: [ben] })).toMatchObject({
      status: 409,
      body: { code: 'confirmation-required' },
    })

    // 2. Retired: the apps are back, the books stay and stay counted.
    expect(await outcome(house, await retire(house, connector, [ben]))).toMatchObject({ state: 'done', action: 'retire-user' })
    expect(await listed(house, connector)).toEqual(['ben: retired'])
    expect(house.store.counts(uId, keynote)).toMatchObject({ assigned: 0 })
    expect(house.store.counts(uId, book)).toMatchObject({ assigned: 1 })
    await house.sync(connector, true)
    await agrees()

    // 3. Registered again: a new record beside the old one, with an invitation.
    expect(await outcome(house, await register(house, connector, [ben]))).toMatchObject({ state: 'done', action: 'register-user' })
    expect(records(house, uId, 'ben')).toEqual(['Retired', 'Registered'])
    await house.sync(connector)
    expect(await listed(house, connector)).toEqual(['ben: registered, 1 closed'])
    await agrees()

    // 4. Back with the old account: the records swap, and the books are of use again.
    house.store.acceptInvitation(uId, 'ben', 'ben@icloud.example')
    expect(records(house, uId, 'ben')).toEqual(['Associated', 'Retired'])
    await house.sync(connector)
    expect(await listed(house, connector)).toEqual(['ben: associated, 1 closed'])
    expect(house.store.holders(uId, book)).toEqual([user('ben')])
    await agrees()
  })

  test('case 33: an assignment waits for a retired person, and is served when they are registered again', async () => {
    const { house, uId, connect, ben } = await openSchool()
    await using _ = house
    house.store.registerUser(uId, { clientUserId: 'ben', email: 'ben@mail.example' })
    const connector = await connect()
    const license = await house.license(connector, keynote)
    await house.assign(license.id, 'users', 'ben')
    await house.settle()
    expect(await house.verdicts(license.id)).toEqual(['ben: placed, has-seat'])
    expect((await house.post(`connectors/${connector}/registrations/retire/preview`, { principals: [ben] })).body).toMatchObject({
      returns: 1,
      wished: 1,
    })
    await outcome(house, await retire(house, connector, [ben]))
    expect(await house.verdicts(license.id)).toEqual(['ben: refused, user-retired'])
    expect(house.store.holders(uId, keynote)).toEqual([])
    await outcome(house, await register(house, connector, [ben]))
    await house.settle()
    expect(await house.verdicts(license.id)).toEqual(['ben: placed, has-seat'])
    expect(house.store.holders(uId, keynote)).toEqual([user('ben')])
  })
})

describe('case 34: registering', () => {
  test('case 34: with a managed account a person is associated at once, with a mail address there is an invitation, with neither nothing is asked', async () => {
    const { house, uId, connect, ana, ben, cem } = await openSchool()
    await using _ = house
    const connector = await connect()
    expect(await listed(house, connector, '?state=none')).toEqual(['ana: none', 'ben: none', 'cem: none'])
    const asked = await register(house, connector, [ana, ben, cem, 'u999', 'nonsense'])
    expect(asked.body.notAsked.map(({ id, code }: Answer['body']) => [id, code])).toEqual([
      [cem, 'nothing-to-join-by'],
      ['u999', 'not-found'],
      ['nonsense', 'not-found'],
    ])
    expect(await outcome(house, asked)).toMatchObject({ state: 'done', total: 2, done: 2, by: expect.any(String) })
    expect(house.asked('POST', '/users/create')).toBe(1)
    expect(house.store.users(uId)).toMatchObject([
      { clientUserId: 'ana', status: 'Associated' },
      { clientUserId: 'ben', status: 'Registered', email: 'ben@mail.example' },
    ])
    // What the order led to is read at once, not at the next sync.
    expect(await listed(house, connector)).toEqual(['ana: associated', 'ben: registered'])
    expect(await listed(house, connector, '?state=associated')).toEqual(['ana: associated'])
    expect(await listed(house, connector, '?q=BEN')).toEqual(['ben: registered'])
    expect(await register(house, connector, [ana, cem])).toMatchObject({ status: 422, body: { code: 'nobody-to-ask' } })

    // The invitation's link, as the store has it, accepted on its page.
    const { url } = (await house.get(`connectors/${connector}/registrations/${ben}/invitation`)).body
    const { inviteCode } = house.store.users(uId).find(({ clientUserId }) => clientUserId === 'ben') ?? {}
    expect(new URL(url).searchParams.get('inviteCode')).toBe(inviteCode)
    expect((await fetch(url)).status).toBe(200)
    house.store.acceptInvitation(uId, 'ben', 'ben@icloud.example')
    await house.sync(connector)
    expect(await listed(house, connector)).toEqual(['ana: associated', 'ben: associated'])
    for (const person of [ana, ben])
      expect(await house.get(`connectors/${connector}/registrations/${person}/invitation`)).toMatchObject({
        status: 409,
        body: { code: 'no-invitation' },
      })
    expect(await house.audit('invitation.shown')).toHaveLength(1)
  })

  test('case 34: an account of another organisation, and one that is linked already, are told for the very person', async () => {
    const { house, uId, connect, ana, ben, cem } = await openSchool()
    await using _ = house
    const connector = await connect()
    await house.ask('PATCH', `users/${ben}`, { managedAppleAccount: 'ben@elsewhere.example' })
    await house.ask('PATCH', `users/${cem}`, { managedAppleAccount: 'ana@school.example' })
    const order = await outcome(house, await register(house, connector, [ana, ben, cem]))
    expect(order).toMatchObject({ state: 'partly-done', done: 1 })
    expect(order.failures.map(({ principal, code }: Answer['body']) => [principal.key, code])).toEqual([
      ['ben', '9635'],
      ['cem', '9641'],
    ])
    expect(order.failures[0].text).toContain('belongs to another organisation')
    expect(await listed(house, connector)).toEqual(['ana: associated'])
    expect(house.store.users(uId)).toHaveLength(1)
  })

  test('case 34: one who is registered there already is taken for registered, and nothing is doubled', async () => {
    const { house, uId, connect, ben } = await openSchool()
    await using _ = house
    const connector = await connect()
    // By somebody else, after our last look.
    house.store.registerUser(uId, { clientUserId: 'ben', email: 'other@mail.example' })
    expect(await outcome(house, await register(house, connector, [ben]))).toMatchObject({ state: 'done', failures: [] })
    expect(records(house, uId, 'ben')).toEqual(['Registered'])
    expect(await listed(house, connector)).toEqual(['ben: registered'])
    // The mail address there is not ours; telling it makes it so.
    expect((await house.get(`connectors/${connector}/registrations/${ben}`)).body.email).toBe('other@mail.example')
    const told = await house.ask('PATCH', `connectors/${connector}/registrations/${ben}`, { email: 'ben@new.example' })
    expect(await outcome(house, told)).toMatchObject({ state: 'done', action: 'update-user' })
    expect(house.store.users(uId)).toMatchObject([{ email: 'ben@new.example' }])
    expect((await house.get(`connectors/${connector}/registrations/${ben}`)).body.email).toBe('ben@new.example')
    expect((await house.get(`users/${ben}`)).body.email).toBe('ben@new.example')
  })

  test('case 34: who is assigned a license is registered first, by an account always, by an invitation where the connector invites', async () => {
    const { house, uId, connect } = await openSchool()
    await using _ = house
    const connector = await connect()
    const license = await house.license(connector, keynote)
    for (const name of ['ana', 'ben', 'cem']) await house.assign(license.id, 'users', name)
    await house.settle(2 * 60_000)
    expect(await house.verdicts(license.id)).toEqual([
      'ana: placed, has-seat',
      'ben: refused, user-not-registered',
      'cem: refused, user-not-registered',
    ])
    await house.ask('PATCH', `connectors/${connector}`, { settings: { userInvitations: true } })
    await house.settle(2 * 60_000)
    expect(await house.verdicts(license.id)).toEqual([
      'ana: placed, has-seat',
      'ben: placed, has-seat',
      'cem: refused, user-not-registered',
    ])
    expect(house.store.users(uId)).toMatchObject([
      { clientUserId: 'ana', status: 'Associated' },
      { clientUserId: 'ben', status: 'Registered' },
    ])
  })

  test('case 34: many people go in as few calls as the limit allows', async () => {
    const { house, uId, connect } = await openSchool({ switches: { pageSize: 500 } })
    await using _ = house
    await house.addPeople(...Array.from({ length: 230 }, (_, n) => `pupil${n}`))
    const connector = await connect()
    const { items } = (await house.get(`connectors/${connector}/registrations?state=none&q=pupil&limit=500`)).body
    expect(items).toHaveLength(230)
    const asked = await register(
      house,
      connector,
      items.map(({ principal }: Answer['body']) => principal.id),
    )
    expect(asked.body.order.total).toBe(230)
    await house.settle(3 * 60_000)
    expect(house.asked('POST', '/users/create')).toBe(3)
    expect(house.store.users(uId)).toHaveLength(230)
    expect((await house.connector(connector)).people).toMatchObject({ count: 230 })
    const orders = await house.orders()
    expect(orders.every(({ state }) => state === 'done')).toBe(true)
    expect(orders.reduce((sum, { done }) => sum + done, 0)).toBe(230)
  })

  test('case 34: a person whom the store writes in another way is asked for in its way', async () => {
    const { house, uId, connect, ana } = await openSchool()
    await using _ = house
    house.store.registerUser(uId, { clientUserId: 'Ana', email: 'ana@mail.example' })
    const connector = await connect()
    expect(await listed(house, connector)).toEqual(['ana: registered'])
    expect((await house.get('users')).body.items).toHaveLength(3)
    const license = await house.license(connector, keynote)
    await house.assign(license.id, 'users', 'ana')
    await house.settle(2 * 60_000)
    expect(house.store.holders(uId, keynote)).toEqual([user('Ana')])
    expect(await house.verdicts(license.id)).toEqual(['ana: placed, has-seat'])
    expect((await house.get(`connectors/${connector}/registrations/${ana}/invitation`)).status).toBe(200)
    expect((await house.post(`connectors/${connector}/revoke/preview`, { principals: [ana] })).body).toMatchObject({ returns: 1 })
    expect(await outcome(house, await retire(house, connector, [ana]))).toMatchObject({ state: 'done' })
    expect(await outcome(house, await register(house, connector, [ana]))).toMatchObject({ state: 'done' })
    expect(new Set(house.store.users(uId).map(({ clientUserId }) => clientUserId))).toEqual(new Set(['Ana']))
  })

  test('case 34: people whom only the store knows become known, those it has retired do not', async () => {
    const { house, uId, connect } = await openSchool()
    await using _ = house
    house.store.registerUser(uId, { clientUserId: 'dora', email: 'dora@mail.example' })
    house.store.registerUser(uId, { clientUserId: 'emil' })
    house.store.retireUser(uId, 'emil')
    const connector = await connect()
    expect(await listed(house, connector)).toEqual(['dora: registered'])
    expect((await house.get('users?q=dora')).body.items).toMatchObject([{ userName: 'dora', sources: [`apple:${connector}`] }])
    expect((await house.get('users?q=emil')).body.items).toEqual([])
  })
})
