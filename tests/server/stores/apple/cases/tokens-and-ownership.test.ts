/** Cases 1 to 11 of docs/stores/apple-apps-and-books.md, section 8, through the whole product: what an administrator does and sees. */
import { describe, expect, test } from 'vitest'
import { DAY, device, devices, HOUR, keynote, MINUTE, openBerlin, openHouse, START, type AppleHouse } from './apple-house.ts'

const other = { id: 'another-mdm', name: 'Other Manager', metadata: 'mdm.example' }
const decoded = (tokenFile: string): { token: string; expDate: string; orgName: string } =>
  JSON.parse(Buffer.from(tokenFile, 'base64').toString('utf8'))
const encoded = (members: unknown): string => Buffer.from(JSON.stringify(members)).toString('base64')
const upload = (house: AppleHouse, contentToken: string, name = 'Berlin') =>
  house.post('connectors', { kind: 'apple-apps-books', name, credential: { contentToken } })

describe('case 1: a token file', () => {
  test.each([
    ['with a newline at its end', (file: string) => `${file}\n`],
    ['with spaces in and around it', (file: string) => `  ${file.slice(0, 30)} \r\n ${file.slice(30)} `],
    ['whose end is told with +02:00', (file: string) => encoded({ ...decoded(file), expDate: '2027-05-02T11:14:55+02:00' })],
  ])('case 1: %s connects its location', async (_what, form) => {
    await using house = await openHouse({ switches: { tokenExpirationDate: 'never' } })
    const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin', tokenExpiresAt: Date.UTC(2027, 4, 2, 9, 14, 55) })
    const added = await upload(house, form(tokenFile))
    expect(added).toMatchObject({
      status: 201,
      body: { location: { key: uId, name: 'Berlin' }, credential: { state: 'valid', expiresAt: '2027-05-02T09:14:55.000Z' } },
    })
    expect(await house.audit('connector.added')).toHaveLength(1)
  })

  test.each([
    ['that is not base64', (_file: string) => 'this is no token!', 'not-base64', 'holds characters that no token has'],
    [
      'that is base64 of something else',
      (_file: string) => Buffer.from('hello').toString('base64'),
      'not-json',
      'what it holds is no token',
    ],
    ['without a token in it', (file: string) => encoded({ ...decoded(file), token: undefined }), 'token-missing', 'holds no token'],
    [
      'whose end is past',
      (file: string) => encoded({ ...decoded(file), expDate: '2026-05-02T09:14:55+0000' }),
      'expired',
      'expired on 2 May 2026',
    ],
  ])('case 1: %s is told so, and nothing is kept', async (_what, form, reason, words) => {
    await using house = await openHouse()
    const { tokenFile } = house.store.addLocation({ name: 'Berlin' })
    const refused = await upload(house, form(tokenFile))
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'credential-malformed', reason, detail: expect.stringContaining(words), errors: [{ field: 'credential' }] },
    })
    expect((await house.get('connectors')).body.items).toEqual([])
    expect(await house.audit('connector.added')).toEqual([])
    // The store was not even asked.
    expect(house.store.requests()).toEqual([])
    // The same file, whole, is taken afterwards.
    expect((await upload(house, tokenFile)).status).toBe(201)
  })

  test('case 1: a renewal with a file that can not be read leaves the good token where it is', async () => {
    await using house = await openBerlin()
    const before = await house.connector(house.id)
    expect(await house.renew(house.id, 'broken')).toMatchObject({ status: 400, body: { code: 'credential-malformed' } })
    expect((await house.connector(house.id)).credential).toEqual(before.credential)
    expect((await house.sync(house.id)).state).toBe('succeeded')
  })
})

test('case 2: a token that runs out in the middle of a walk keeps the old data, says so, and is not asked about again and again', async () => {
  await using house = await openBerlin({ heldBy: devices(8) })
  const seats = await house.seats(house.licenseId)
  const before = await house.license(house.id, keynote)
  house.store.assignOutside(house.uId, keynote, [device('NEW1')])
  house.onLeave = ({ path }) => {
    if (path === '/assignments?pageIndex=2') house.store.expireToken(house.uId)
  }
  const sync = await house.sync(house.id, true)
  expect(sync).toMatchObject({
    state: 'failed',
    error: { code: 'credential-expired', text: expect.stringContaining('The token has expired') },
  })
  expect(await house.seats(house.licenseId)).toEqual(seats)
  const { total, inUse, available, asOf } = before
  expect(await house.license(house.id, keynote)).toMatchObject({ total, inUse, available, asOf })
  expect(await house.status(house.id)).toEqual(['unhealthy', 'credential-expired', 'sync-failed'])
  const [reason] = (await house.connector(house.id)).reasons
  expect(reason.text).toMatch(
    /^The token for Berlin expired on 24 November 2026\. Seats stay as they are, .* Renew it in the store and upload it here\.$/,
  )
  house.store.clearRequests()
  await house.settle(12 * HOUR)
  expect(house.store.requests().length).toBeLessThanOrEqual(3)
})

test('case 3: an error in the body of a good answer is an error, and never zero products', async () => {
  await using house = await openBerlin({ heldBy: devices(4) })
  house.store.faults.arm({ fault: { is: 'apple-error', errorNumber: 9622 }, endpoint: 'assets' })
  const sync = await house.sync(house.id, true)
  expect(house.store.requests().findLast(({ endpoint }) => endpoint === 'assets')).toMatchObject({ status: 200, errorNumber: 9622 })
  expect(sync).toMatchObject({ state: 'failed', error: { code: 'credential-invalid' } })
  expect(await house.license(house.id, keynote)).toMatchObject({ total: 10, inUse: 4, gone: false })
  expect(await house.seats(house.licenseId)).toHaveLength(4)
  expect(await house.status(house.id)).toEqual(['unhealthy', 'credential-invalid', 'sync-failed'])
  expect(house.asked('POST', '/assets/disassociate')).toBe(0)
})

describe('case 4', () => {
  test('case 4: a colleague’s newer token kills ours: wishes wait, reading stops, and the new file goes on where it stood', async () => {
    await using house = await openBerlin()
    await house.addDevices('C02A', 'C02B')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle()
    const seats = await house.seats(house.licenseId)
    const orders = await house.orders()
    expect(seats).toEqual(['C02A: assignment'])

    house.store.revokeToken(house.uId)
    const fresh = house.store.newToken(house.uId)
    expect(await house.sync(house.id)).toMatchObject({ state: 'failed', error: { code: 'credential-invalid' } })
    expect((await house.assign(house.licenseId, 'devices', 'C02B')).status).toBe(201)
    await house.settle(HOUR)
    expect(await house.verdicts(house.licenseId)).toEqual(['C02A: placed, has-seat', 'C02B: waiting, credential-invalid'])
    expect((await house.connector(house.id)).reasons[0].text).toContain('the password of the account that made it has changed')
    house.store.clearRequests()
    await house.settle(6 * HOUR)
    expect(house.store.requests().length).toBeLessThanOrEqual(2)

    const renewed = await house.renew(house.id, fresh)
    expect(renewed).toMatchObject({ status: 200, body: { id: house.id, credential: { state: 'valid' } } })
    await house.settle()
    expect(await house.status(house.id)).toEqual(['healthy'])
    // After a gap nobody knows what happened meanwhile: everything is read.
    expect((await house.get('syncs')).body.items[0]).toMatchObject({ state: 'succeeded', full: true })
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment', 'C02B: assignment'])
    expect((await house.get('connectors')).body.items).toHaveLength(1)
    expect(await house.licenses()).toHaveLength(1)
    expect(await house.license(house.id, keynote)).toMatchObject({ id: house.licenseId, total: 10, inUse: 2 })
    expect(await house.orders()).toEqual(expect.arrayContaining([...orders]))
    expect(await house.audit('credential.renewed')).toHaveLength(1)
  })

  test('case 4: the very file that is kept already renews nothing', async () => {
    await using house = await openBerlin()
    expect(await house.renew(house.id, `${house.tokenFile}\n`)).toMatchObject({ status: 200, body: { credential: { state: 'valid' } } })
    expect(await house.audit('credential.renewed')).toEqual([])
    expect((await house.get('connectors')).body.items).toHaveLength(1)
  })
})

describe('case 5: a file of another location', () => {
  test('case 5: a renewal with it is refused with both names, and changes nothing', async () => {
    await using house = await openBerlin()
    const hamburg = house.store.addLocation({ name: 'Hamburg' })
    const before = await house.connector(house.id)
    const refused = await house.renew(house.id, hamburg.tokenFile)
    expect(refused).toMatchObject({ status: 409, body: { code: 'credential-of-another-location' } })
    expect(refused.body.detail).toBe(
      'This token is for Hamburg, and the connector is for Berlin. Nothing was changed. Upload it at the connector of Hamburg, or add one.',
    )
    expect(await house.connector(house.id)).toEqual(before)
    expect((await house.sync(house.id)).state).toBe('succeeded')
  })

  test('case 5: equal names are told apart by the ends of their numbers', async () => {
    await using house = await openBerlin()
    const twin = house.store.addLocation({ name: 'Berlin', uId: '7700000000771439' })
    const { detail } = (await house.renew(house.id, twin.tokenFile)).body
    expect(detail).toContain('This token is for Berlin (…71439), and the connector is for Berlin (…31439).')
  })

  test('case 5: with the store out of reach nobody can tell whose file it is, and the good token stays', async () => {
    await using house = await openBerlin()
    const hamburg = house.store.addLocation({ name: 'Hamburg' })
    house.onLeave = () => {
      throw new TypeError('fetch failed')
    }
    const refused = await house.renew(house.id, hamburg.tokenFile)
    expect(refused).toMatchObject({
      status: 503,
      body: { code: 'store-out-of-reach', detail: expect.stringContaining('Nothing was changed') },
    })
    house.onLeave = () => undefined
    await house.settle(10 * MINUTE)
    expect((await house.sync(house.id)).state).toBe('succeeded')
    expect((await house.connector(house.id)).location.name).toBe('Berlin')
  })
})

test('case 5: a kept token that leads to another location one day is not trusted with the seats of this one', async () => {
  await using house = await openBerlin({ heldBy: devices(3) })
  const seats = await house.seats(house.licenseId)
  const moved: unknown = JSON.parse(JSON.stringify(house.store.snapshot()).replaceAll(house.uId, '7700000000000666'))
  expect(house.store.restore(moved).ok).toBe(true)
  house.store.freeOutside('7700000000000666', keynote, devices(2))
  const sync = await house.sync(house.id, true)
  expect(sync).toMatchObject({
    state: 'failed',
    error: { code: 'credential-invalid', text: expect.stringContaining('leads to another location') },
  })
  expect(await house.seats(house.licenseId)).toEqual(seats)
  expect((await house.connector(house.id)).location.key).toBe(house.uId)
  await house.addDevices('C02A')
  await house.assign(house.licenseId, 'devices', 'C02A')
  await house.settle(HOUR)
  expect(house.asked('POST', '/assets/associate')).toBe(0)
})

describe('case 6: one location, uploaded twice at the same moment', () => {
  test('case 6: one wins, the other is shown the first, and every count is there once', async () => {
    await using house = await openHouse()
    const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin' })
    house.store.own(uId, keynote, { total: 10, heldBy: devices(2) })
    // Two administrators with tokens of their own, and one of them twice.
    const answers = await Promise.all([
      upload(house, tokenFile, 'Ana’s'),
      upload(house, house.store.newToken(uId), 'Ben’s'),
      upload(house, tokenFile, 'Ana’s again'),
    ])
    await house.settle()
    const won = answers.filter(({ status }) => status === 201)
    const lost = answers.filter(({ status }) => status === 409)
    expect([won.length, lost.length]).toEqual([1, 2])
    for (const { body } of lost)
      expect(body).toMatchObject({
        code: 'location-already-connected',
        connectorId: won[0]?.body.id,
        detail: expect.stringContaining(won[0]?.body.name),
      })
    expect((await house.get('connectors')).body.items).toHaveLength(1)
    expect((await house.licenses()).map(({ total, inUse }) => [total, inUse])).toEqual([[10, 2]])
    expect(await house.audit('connector.added')).toHaveLength(1)
  })

  test('case 6: while the store is out of reach the same file is one connector, and another file of the location is found out', async () => {
    await using house = await openHouse()
    const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin' })
    house.store.own(uId, keynote, { total: 10 })
    house.onLeave = () => {
      throw new TypeError('fetch failed')
    }
    const first = await upload(house, tokenFile)
    expect(first).toMatchObject({ status: 201, body: { credential: { state: 'unknown' } } })
    expect(await upload(house, ` ${tokenFile}`)).toMatchObject({ status: 409, body: { connectorId: first.body.id } })
    const second = await upload(house, house.store.newToken(uId))
    expect(second.status).toBe(201)
    // Equal names would be one and the same in every text.
    expect(second.body.name).toMatch(/^Berlin \(….{4}\)$/)
    house.onLeave = () => undefined
    await house.settle(15 * MINUTE)
    const states = await Promise.all([first, second].map(async ({ body }) => (await house.connector(body.id)).credential.state))
    expect(states.toSorted()).toEqual(['duplicate', 'valid'])
    const double = states[0] === 'duplicate' ? first.body.id : second.body.id
    expect((await house.status(double)).slice(0, 2)).toEqual(['unhealthy', 'credential-duplicate'])
    expect((await house.connector(double)).reasons[0].text).toMatch(/^Two tokens are connected/)
    expect((await house.licenses()).map(({ total }) => total)).toEqual([10])
    // One is let go: the other has the location from then on.
    expect(
      (await house.ask('DELETE', `connectors/${states[0] === 'duplicate' ? second.body.id : first.body.id}?release=keep`)).status,
    ).toBe(204)
    await house.sync(double)
    expect(await house.status(double)).toEqual(['healthy'])
    expect((await house.licenses()).map(({ total }) => total)).toEqual([10])
  })
})

describe('case 7: a location that nobody holds', () => {
  test('case 7: is claimed with our name once, and not again', async () => {
    await using house = await openBerlin()
    const [location] = house.store.locations()
    expect(location?.mdmInfo).toMatchObject({ name: 'Quartermaster', metadata: expect.stringContaining('localhost') })
    expect(house.asked('POST', '/client/config')).toBe(1)
    await house.sync(house.id, true)
    expect(house.asked('POST', '/client/config')).toBe(1)
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test('case 7: whose claim somebody else wins is read and never written to', async () => {
    await using house = await openHouse()
    const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin' })
    house.store.own(uId, keynote, { total: 10, heldBy: devices(2) })
    let claimed = false
    house.onLeave = ({ method, path }) => {
      if (method === 'POST' && path === '/client/config') claimed = true
      // Between our writing and our looking again.
      else if (claimed && path === '/client/config') house.store.setOwner(uId, other)
    }
    const id = await house.connect('Berlin', tokenFile)
    expect(claimed).toBe(true)
    expect(await house.status(id)).toEqual(['unhealthy', 'foreign-owner'])
    expect(await house.connector(id)).toMatchObject({
      credential: { state: 'foreign' },
      foreignOwner: { name: 'Other Manager', metadata: 'mdm.example' },
      lastSync: { state: 'succeeded' },
    })
    const license = await house.license(id, keynote)
    expect(license).toMatchObject({ total: 10, inUse: 2 })
    await house.addDevices('C02A')
    await house.assign(license.id, 'devices', 'C02A')
    await house.settle(HOUR)
    expect(house.asked('POST', '/assets/associate')).toBe(0)
    expect((await house.verdicts(license.id)).find((line) => line.startsWith('C02A'))).toBe('C02A: waiting, foreign-owner')
    expect(house.store.locations()[0]?.mdmInfo).toEqual(other)
  })
})

describe('case 8: another service takes the location', () => {
  test('case 8: between two pages of a walk: writing stops at once, the open order is followed, its name is shown', async () => {
    await using house = await openBerlin({ heldBy: devices(8) })
    await house.addDevices('C02A', 'C02B')
    house.store.setSwitches({ holdEvents: true })
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle()
    expect(house.asked('POST', '/assets/associate')).toBe(1)
    house.onLeave = ({ path }) => {
      if (path === '/assignments?pageIndex=1') house.store.setOwner(house.uId, other)
    }
    expect((await house.sync(house.id, true)).state).toBe('succeeded')
    house.onLeave = () => undefined
    expect(await house.connector(house.id)).toMatchObject({
      status: 'unhealthy',
      credential: { state: 'foreign' },
      foreignOwner: { ...other, noticedAt: expect.any(String), leftAt: null },
    })
    expect((await house.connector(house.id)).reasons[0]).toEqual({
      code: 'foreign-owner',
      text: 'Berlin is held by Other Manager, noticed on 24 November 2026. Reading goes on; nothing is given or taken until you take it over or remove it there.',
    })
    await house.assign(house.licenseId, 'devices', 'C02B')
    house.store.finishEvents()
    await house.settle(10 * MINUTE)
    expect(house.asked('POST', '/assets/associate')).toBe(1)
    const verdicts = await house.verdicts(house.licenseId)
    expect(verdicts.filter((line) => line.startsWith('C02'))).toEqual(
      expect.arrayContaining(['C02A: placed, has-seat', 'C02B: waiting, foreign-owner']),
    )
    expect(await house.orders()).toMatchObject([{ state: 'done', done: 1 }])
    expect(await house.audit('location.taken-by-another')).toMatchObject([
      { actor: { name: 'Quartermaster' }, detail: { owner: 'Other Manager' } },
    ])
  })

  test('case 8: between the look and the write: that write is followed to its end, and none leaves after it', async () => {
    await using house = await openBerlin()
    await house.addDevices('C02A', 'C02B')
    house.onLeave = ({ path }) => {
      if (path === '/assets/associate') house.store.setOwner(house.uId, other)
    }
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle()
    expect((await house.connector(house.id)).foreignOwner).toMatchObject({ name: 'Other Manager' })
    await house.assign(house.licenseId, 'devices', 'C02B')
    await house.settle(HOUR)
    expect(house.asked('POST', '/assets/associate')).toBe(1)
    expect(await house.verdicts(house.licenseId)).toEqual(['C02A: placed, has-seat', 'C02B: waiting, foreign-owner'])
    // Reading goes on.
    house.store.setTotal(house.uId, keynote, 12)
    expect((await house.sync(house.id)).state).toBe('succeeded')
    expect((await house.license(house.id, keynote)).total).toBe(12)
  })

  test('case 8: where only client/config tells of it, it is seen before the next write', async () => {
    await using house = await openBerlin({ switches: { mdmInfoIn: 'client-config' } })
    await house.addDevices('C02A')
    house.store.setOwner(house.uId, other)
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle(HOUR)
    expect(house.asked('POST', '/assets/associate')).toBe(0)
    expect(await house.status(house.id)).toEqual(['unhealthy', 'foreign-owner'])
  })
})

describe('case 9: taking the location back', () => {
  test('case 9: from a service that holds it: asked for twice, written down, read whole, and what it did meanwhile is shown as found', async () => {
    await using house = await openBerlin()
    await house.addDevices('C02A', 'C02B')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle()
    house.store.setOwner(house.uId, other)
    await house.sync(house.id)
    house.store.assignOutside(house.uId, keynote, devices(2))
    house.store.freeOutside(house.uId, keynote, [device('C02A')])

    const asked = await house.post(`connectors/${house.id}/claim`, { confirm: false })
    expect(asked).toMatchObject({ status: 409, body: { code: 'confirmation-required', owner: { id: other.id, name: other.name } } })
    expect(asked.body.detail).toContain('Other Manager holds this location.')
    expect(house.store.locations()[0]?.mdmInfo).toEqual(other)

    // A program that calls it has decided: the call alone takes over.
    const claimed = await house.post(`connectors/${house.id}/claim`)
    expect(claimed).toMatchObject({ status: 200, body: { credential: { state: 'valid' }, foreignOwner: null } })
    await house.settle()
    expect((await house.get('syncs')).body.items[0]).toMatchObject({ state: 'succeeded', full: true })
    // The two that the other gave are found; what it took from C02A is given again, since the wish still stands.
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment', 'C02ZZ0AA0001: found', 'C02ZZ0AA0002: found'])
    expect(await house.audit('location.claimed')).toMatchObject([{ detail: { from: 'Other Manager' } }])
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test('case 9: from a service that has gone: it is not ours again by itself, only when somebody says so', async () => {
    await using house = await openBerlin()
    await house.addDevices('C02A')
    house.store.setOwner(house.uId, other)
    await house.sync(house.id)
    await house.assign(house.licenseId, 'devices', 'C02A')
    house.store.assignOutside(house.uId, keynote, devices(1))
    house.store.setOwner(house.uId, null)
    await house.settle(3 * HOUR)
    expect(house.store.locations()[0]?.mdmInfo).toBeNull()
    expect(house.asked('POST', '/assets/associate')).toBe(0)
    expect((await house.connector(house.id)).reasons[0].text).toMatch(
      /^Berlin was held by Other Manager until 24 November 2026; nobody holds it now\. .* until you take it over\.$/,
    )
    // Nobody is put out, so nothing has to be confirmed.
    expect((await house.post(`connectors/${house.id}/claim`)).status).toBe(200)
    await house.settle()
    expect((await house.get('syncs')).body.items[0]).toMatchObject({ full: true, state: 'succeeded' })
    expect(await house.seats(house.licenseId)).toEqual(['C02A: assignment', 'C02ZZ0AA0001: found'])
    expect(await house.audit('location.left-by-another')).toHaveLength(1)
    expect(await house.audit('location.claimed')).toMatchObject([{ detail: { from: null } }])
  })
})

describe('case 9: when it is read whole', () => {
  test('case 9: when our name stands there again, as after a restored backup elsewhere, everything is read anew', async () => {
    await using house = await openBerlin()
    const ours = house.store.locations()[0]?.mdmInfo ?? null
    house.store.setOwner(house.uId, other)
    await house.sync(house.id)
    expect((await house.sync(house.id)).full).toBe(false)
    house.store.setOwner(house.uId, ours)
    expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', full: true })
    expect(await house.status(house.id)).toEqual(['healthy'])
  })

  test('case 9: a sync that runs while the location is taken over is followed by a full one', async () => {
    await using house = await openBerlin()
    house.store.setOwner(house.uId, other)
    await house.sync(house.id)
    house.store.faults.arm({ fault: { is: 'slow', ms: 20_000 }, endpoint: 'assets', times: 1 })
    // Its answer comes when time has passed, and time passes while it is out.
    house.clock.stalled = 1
    const running = (await house.post(`connectors/${house.id}/sync`)).body
    const claimed = await house.post(`connectors/${house.id}/claim`, { confirm: true })
    expect(claimed.body.lastSync).toMatchObject({ id: running.id, state: 'running', full: false })
    await house.settle(30_000)
    house.clock.stalled = 0
    await house.settle(MINUTE)
    const [last, before] = (await house.get('syncs')).body.items
    expect([last.full, last.state, before.id]).toEqual([true, 'succeeded', running.id])
  })
})

describe('case 10: a token that may only read', () => {
  test('case 10: reads the lists and says that nothing can be given or taken; a better one goes on', async () => {
    await using house = await openHouse()
    const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin', privilege: 'read-only' })
    house.store.own(uId, keynote, { total: 10, heldBy: devices(2) })
    const id = await house.connect('Berlin', tokenFile)
    expect(await house.status(id)).toEqual(['warning', 'read-only-token'])
    expect((await house.connector(id)).reasons[0].text).toMatch(
      /^The token for Berlin may only read\. Counts are kept up to date, but seats can't be given or taken\./,
    )
    const license = await house.license(id, keynote)
    expect(license).toMatchObject({ total: 10, inUse: 2 })
    expect(await house.seats(license.id)).toHaveLength(2)
    await house.addDevices('C02A')
    await house.assign(license.id, 'devices', 'C02A')
    await house.settle(3 * HOUR)
    expect(await house.verdicts(license.id)).toContain('C02A: waiting, read-only-token')
    expect(house.asked('POST', '/assets/associate')).toBe(0)
    // The claim was tried once, and not at every sync.
    expect(house.asked('POST', '/client/config')).toBe(1)
    expect(await house.renew(id, house.store.newToken(uId))).toMatchObject({ status: 200, body: { readOnly: false } })
    await house.settle()
    expect(await house.verdicts(license.id)).toContain('C02A: placed, has-seat')
    expect(await house.status(id)).toEqual(['healthy'])
  })

  test('case 10: one whose account lost its right is refused once and not asked again', async () => {
    await using house = await openBerlin()
    await house.addDevices('C02A', 'C02B')
    house.store.setPrivilege(house.uId, 'read-only')
    await house.assign(house.licenseId, 'devices', 'C02A')
    await house.settle()
    expect(house.store.requests().findLast(({ endpoint }) => endpoint === 'associate')).toMatchObject({ status: 403, errorNumber: 9637 })
    await house.assign(house.licenseId, 'devices', 'C02B')
    await house.settle(3 * HOUR)
    expect(house.asked('POST', '/assets/associate')).toBe(1)
    expect(await house.verdicts(house.licenseId)).toEqual(['C02A: waiting, read-only-token', 'C02B: waiting, read-only-token'])
    expect(await house.connector(house.id)).toMatchObject({ readOnly: true, status: 'warning', lastSync: { state: 'succeeded' } })
  })
})

test('case 11: where the store never tells when a token ends, the file does, and every reminder comes', async () => {
  await using house = await openHouse({ switches: { tokenExpirationDate: 'never' }, syncIntervalMinutes: 10_080 })
  const { tokenFile } = house.store.addLocation({ name: 'Berlin', tokenExpiresAt: START + 62 * DAY })
  const id = await house.connect('Berlin', tokenFile)
  const seenAt = async (daysLeft: number): Promise<readonly unknown[]> => {
    house.clock.jump(START + (62 - daysLeft) * DAY - house.clock.now())
    await house.sync(id)
    const { credential, reminder, status, reasons } = await house.connector(id)
    expect(credential.expiresAt).toBe(new Date(START + 62 * DAY).toISOString())
    return [credential.state, reminder?.days ?? null, status, ...reasons.map(({ code }: { code: string }) => code)]
  }
  expect(await seenAt(61)).toEqual(['valid', null, 'healthy'])
  expect(await seenAt(60)).toEqual(['valid', 60, 'healthy'])
  expect((await house.connector(id)).reminder.text).toBe(
    'The token for Berlin ends on 25 January 2027, in 60 days. Download a new one in the store and upload it here before then: seats and assignments stay as they are.',
  )
  expect(await seenAt(30)).toEqual(['expiring', 30, 'healthy'])
  expect(await seenAt(15)).toEqual(['expiring', 15, 'healthy'])
  expect(await seenAt(7)).toEqual(['expiring', 7, 'warning', 'credential-expires-soon'])
  expect(await seenAt(1)).toEqual(['expiring', 1, 'warning', 'credential-expires-soon'])
  expect(await seenAt(0)).toEqual(['expired', null, 'unhealthy', 'credential-expired', 'sync-failed'])
})
