/**
 * Cases 36 to 43 of docs/stores/apple-apps-and-books.md, section 8: notices, doubled, out of order, lost, forged and in
 * every form. The sandbox delivers them over real HTTP to the product on a port of its own.
 */
import { describe, expect, test } from 'vitest'
import { device, keynote, pages, serials } from './cases/apple-house.ts'
import { home, openTown, uId } from './notice-town.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describe('36. a notice that comes twice', () => {
  test('is answered both times, kept once and looked into once; its content under another id only makes us look again', async () => {
    await using town = await openTown()
    const before = town.deliveries.length
    town.store.faults.arm({ fault: { is: 'notification-doubled' }, times: 1 })
    town.store.assignOutside(uId, keynote, [device('Z1')])
    await town.settle(20_000)
    expect(town.deliveries.slice(before).map(({ status }) => status)).toEqual([200, 200])
    expect(await town.kept()).toEqual(['TEST_NOTIFICATION: done', 'ASSET_MANAGEMENT: outside'])
    expect(await town.seats()).toEqual(['Z1: found'])

    town.store.faults.arm({ fault: { is: 'notification-retold' }, times: 1 })
    town.store.assignOutside(uId, keynote, [device('Z2')])
    await town.settle(30_000)
    expect((await town.kept()).slice(2)).toEqual(['ASSET_MANAGEMENT: outside', 'ASSET_MANAGEMENT: outside'])
    expect(await town.seats()).toEqual(['Z1: found', 'Z2: found'])
    expect(await town.license()).toMatchObject({ total: 10, inUse: 2, available: 8 })
    // One row for each call of somebody else's, however often it was told.
    expect(await town.audit('seats.changed-outside')).toHaveLength(2)
    expect(town.troubles).toEqual([])
  })

  test('is kept once also when both arrive in the same moment', async () => {
    await using town = await openTown()
    const body = town.notice('ASSET_COUNT', { adamId: keynote, pricingParam: 'STDQ', countDelta: 1 })
    const answers = await Promise.all([1, 2, 3].map(() => town.knock(body)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await town.kept()).toHaveLength(2)
  })
})

describe('37. out of order', () => {
  test('the last batch before the first: everybody is served, at the moment of the last notice', async () => {
    await using town = await openTown({ owned: 300, switches: { eventLatencyMs: 20_000 } })
    await town.addDevices(...serials(250))
    town.store.faults.arm({ fault: { is: 'notification-delayed', ms: 5_000 }, times: 1 })
    await town.assignToAll()
    await town.settle(21_500)
    expect(await town.orders()).toMatchObject([{ state: 'done', done: 250 }])
    await town.settle(10_000)
    const told = town.deliveries.filter(({ body }) => body.notificationType === 'ASSET_MANAGEMENT')
    expect(told.map(({ body }) => body.notification.assignments.length)).toEqual([100, 50, 100])
    expect((await town.seats()).filter((seat) => seat.endsWith(': assignment'))).toHaveLength(250)
    expect(await town.audit('seats.changed-outside')).toEqual([])
    expect(town.troubles).toEqual([])
  })

  test('what undoes comes before what it undoes: the seat is free', async () => {
    await using town = await openTown()
    town.store.faults.arm({ fault: { is: 'notification-delayed', ms: 5_000 }, times: 1 })
    town.store.assignOutside(uId, keynote, [device('Z1')])
    town.store.freeOutside(uId, keynote, [device('Z1')])
    await town.settle(MINUTE)
    const told = town.deliveries.filter(({ body }) => body.notificationType === 'ASSET_MANAGEMENT')
    expect(told.map(({ body }) => body.notification.type)).toEqual(['DISASSOCIATE', 'ASSOCIATE'])
    expect(await town.seats()).toEqual([])
    expect(await town.license()).toMatchObject({ inUse: 0, available: 10 })
  })

  test('a notice that is here before the answer of its own call is taken for ours, not for somebody else’s', async () => {
    await using town = await openTown({ switches: { eventLatencyMs: 0 } })
    await town.addDevices('C02A')
    const release = town.hold('POST', '/assets/associate')
    await town.assignToAll()
    await town.settle(30_000)
    // Done at Apple and told, while our call has no answer.
    expect(town.store.holders(uId, keynote)).toEqual([device('C02A')])
    expect((await town.kept()).at(-1)).toBe('ASSET_MANAGEMENT: waiting')
    expect(await town.orders()).toMatchObject([{ state: 'sent', unknown: true }])
    release()
    await town.settle(10_000)
    expect((await town.kept()).at(-1)).toBe('ASSET_MANAGEMENT: done')
    expect(await town.orders()).toMatchObject([{ state: 'done', done: 1 }])
    expect(await town.seats()).toEqual(['C02A: assignment'])
    expect(await town.audit('seats.changed-outside')).toEqual([])
    expect(town.asked('POST', '/assets/associate')).toBe(1)
  })

  test('a call whose answer never came is settled by reading, and its notice tells of nobody else', async () => {
    await using town = await openTown()
    await town.addDevices('C02A')
    town.store.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate', times: 1 })
    await town.assignToAll()
    await town.settle(5 * MINUTE)
    expect(await town.orders()).toMatchObject([{ state: 'done', done: 1 }])
    expect(await town.seats()).toEqual(['C02A: assignment'])
    expect(await town.audit('seats.changed-outside')).toEqual([])
    expect(town.asked('POST', '/assets/associate')).toBe(1)
  })
})

describe('38. one of three batches is lost for good', () => {
  test('and the order ends all the same, by asking', async () => {
    await using town = await openTown({ owned: 300, switches: { eventLatencyMs: 20_000 } })
    await town.addDevices(...serials(250))
    town.store.faults.arm({ fault: { is: 'notification-lost' }, skip: 1, times: 1 })
    await town.assignToAll()
    await town.settle(MINUTE + 10_000)
    const told = town.deliveries.filter(({ body }) => body.notificationType === 'ASSET_MANAGEMENT')
    expect(told.map(({ body }) => body.notification.assignments.length)).toEqual([100, 50])
    expect(await town.orders()).toMatchObject([{ state: 'done', done: 250 }])
    expect((await town.seats()).filter((seat) => seat.endsWith(': assignment'))).toHaveLength(250)
  })

  test('all of them lost: a seat that somebody else took is found with the next sync', async () => {
    await using town = await openTown()
    town.store.faults.arm({ fault: { is: 'notification-lost' } })
    town.store.assignOutside(uId, keynote, [device('Z1')])
    await town.settle(30 * MINUTE)
    expect(await town.seats()).toEqual([])
    await town.settle(31 * MINUTE)
    expect(await town.seats()).toEqual(['Z1: found'])
  })
})

describe('39. counts', () => {
  test('fewer of a product that we do not know: a sync, and nothing is made of the difference', async () => {
    await using town = await openTown()
    const syncs = (await town.syncs()).length
    await town.knock(town.notice('ASSET_COUNT', { adamId: '999000111', pricingParam: 'STDQ', countDelta: -12 }))
    await town.settle(20_000)
    const all = await town.syncs()
    expect(all.length).toBe(syncs + 1)
    expect(all[0]).toMatchObject({ trigger: 'push', state: 'succeeded' })
    expect(await town.license('999000111')).toBeUndefined()
    expect(await town.license()).toMatchObject({ total: 10 })
  })

  test('a first purchase is there at once, with its count once', async () => {
    await using town = await openTown()
    town.store.faults.arm({ fault: { is: 'notification-retold' }, times: 1 })
    town.store.own(uId, pages, { total: 25 })
    await town.settle(20_000)
    expect(await town.license(pages)).toMatchObject({ total: 25, available: 25 })
    await town.settle(10 * MINUTE)
    expect(await town.license(pages)).toMatchObject({ total: 25, available: 25 })
  })

  test('a difference that a list had already is not counted again', async () => {
    await using town = await openTown()
    town.store.faults.arm({ fault: { is: 'notification-delayed', ms: MINUTE }, times: 1 })
    town.store.setTotal(uId, keynote, 22)
    await town.ask('POST', `connectors/${town.connectorId}/sync`, { full: false })
    await town.settle(30_000)
    expect(await town.license()).toMatchObject({ total: 22 })
    await town.settle(2 * MINUTE)
    expect((await town.kept()).at(-1)).toBe('ASSET_COUNT: done')
    expect(await town.license()).toMatchObject({ total: 22, available: 22 })
  })

  test('a list that lags behind its notice is read once more when it has caught up, long before the next sync', async () => {
    await using town = await openTown()
    town.store.setSwitches({ listLagMs: { assets: 3 * MINUTE, assignments: 0, users: 0 } })
    town.store.setTotal(uId, keynote, 22)
    await town.settle(20_000)
    expect(await town.license()).toMatchObject({ total: 10 })
    await town.settle(6 * MINUTE)
    expect(await town.license()).toMatchObject({ total: 22 })
    expect(await town.syncs()).toHaveLength(1)
  })

  test('a hundred changes at once are one sync, and not a hundred reads', async () => {
    await using town = await openTown({
      before: (store) => {
        for (let n = 0; n < 100; n += 1) store.own(uId, `${910_000_000 + n}`, { total: 5 })
      },
    })
    const asked = town.store.requests().length
    for (let n = 0; n < 100; n += 1) town.store.setTotal(uId, `${910_000_000 + n}`, 7)
    await town.settle(20_000)
    expect((await town.license('910000099')).total).toBe(7)
    expect((await town.syncs()).map(({ trigger }) => trigger)).toContain('push')
    expect(town.store.requests().length - asked).toBeLessThan(30)
  })
})

describe('40. who may not, and what is not', () => {
  test('a wrong secret, none, and a connector that there is not: 403 without a word, and nothing is kept', async () => {
    await using town = await openTown()
    const body = town.notice('ASSET_COUNT', { adamId: keynote, countDelta: 1 })
    const refused = [
      await town.knock(body, { bearer: `${town.target().bearer}x` }),
      await town.knock(body, { bearer: null }),
      await town.knock(body, { connector: 'no-such-connector-0001' }),
      await town.knock(body, { connector: '..%2f..%2fetc' }),
    ]
    expect(refused.map(({ status, text }) => [status, text])).toEqual(refused.map(() => [403, '']))
    expect(await town.kept()).toEqual(['TEST_NOTIFICATION: done'])
  })

  test('the right secret with another location: kept, flagged, and not followed', async () => {
    await using town = await openTown()
    const asked = town.store.requests().length
    const answer = await town.knock(town.notice('ASSET_COUNT', { adamId: keynote, countDelta: 5 }, { uId: '7700000000000999' }))
    expect(answer.status).toBe(200)
    await town.settle(20_000)
    expect((await town.kept()).at(-1)).toBe('ASSET_COUNT: strange')
    const connector = await town.connector()
    expect(connector.status).toBe('warning')
    expect(connector.reasons).toMatchObject([{ code: 'notice-of-another-location', text: expect.stringContaining('7700000000000999') }])
    expect(connector.notices.alarm).toMatchObject({ location: '7700000000000999' })
    expect(await town.audit('notice.of-another-location')).toMatchObject([
      { object: town.connectorId, detail: { location: '7700000000000999' } },
    ])
    expect(town.store.requests().length).toBe(asked)

    // A flood of them is one alarm.
    for (let n = 0; n < 5; n += 1) await town.knock(town.notice('ASSET_COUNT', {}, { uId: '7700000000000999' }))
    await town.settle(20_000)
    expect(await town.audit('notice.of-another-location')).toHaveLength(1)

    // Test gives the notices a new secret, and the old one opens nothing any more.
    const old = town.target().bearer
    expect((await town.ask('POST', `connectors/${town.connectorId}/test`, {})).body).toEqual({ ok: true, reasons: [] })
    expect(town.target().bearer).not.toBe(old)
    expect((await town.knock(town.notice('ASSET_COUNT', {}), { bearer: old })).status).toBe(403)
    expect(await town.connector()).toMatchObject({ status: 'healthy', notices: { state: 'subscribed', alarm: null } })
  })

  test('what is no notice is 400, an unknown kind is kept and left alone, UNLIMITED_ASSET makes us read', async () => {
    await using town = await openTown()
    expect((await town.knock('hello')).status).toBe(400)
    expect((await town.knock('[1,2]')).status).toBe(400)
    expect((await town.knock('')).status).toBe(400)
    expect((await town.knock(town.notice('SOMETHING_NEW', { of: 2031 }))).status).toBe(200)
    expect((await town.knock('{}')).status).toBe(200)
    await town.settle(20_000)
    expect((await town.kept()).slice(1)).toEqual(['SOMETHING_NEW: set-aside', ': set-aside'])
    expect(await town.syncs()).toHaveLength(1)

    expect((await town.knock(town.notice('UNLIMITED_ASSET', { whatever: true }))).status).toBe(200)
    await town.settle(20_000)
    expect((await town.syncs())[0]).toMatchObject({ trigger: 'push', state: 'succeeded' })
  })

  test('who knows the secret can make us read, and nothing else: no count and no seat comes from a notice', async () => {
    await using town = await openTown()
    await town.knock(
      town.notice('ASSET_MANAGEMENT', {
        eventId: 'made-up',
        type: 'ASSOCIATE',
        result: 'SUCCESS',
        assignments: [{ adamId: keynote, pricingParam: 'STDQ', serialNumber: 'NEVER' }],
      }),
    )
    await town.knock(town.notice('ASSET_COUNT', { adamId: keynote, pricingParam: 'STDQ', countDelta: 1_000_000 }))
    await town.settle(10 * MINUTE)
    expect(await town.license()).toMatchObject({ total: 10, inUse: 0, available: 10 })
    expect(await town.seats()).toEqual([])
  })
})

describe('41. the test notice', () => {
  test('comes while our own call is under way, and finds its secret on the disk', async () => {
    await using town = await openTown()
    expect(town.deliveries).toMatchObject([
      { url: `${home}/hooks/apple/${town.connectorId}`, status: 200, body: { notificationType: 'TEST_NOTIFICATION', uId } },
    ])
    const { notices, capabilities } = await town.connector()
    expect(capabilities.push).toBe(true)
    expect(notices).toMatchObject({ state: 'subscribed', alarm: null })
    expect(notices.text).toContain('tells this server of changes as they happen')
    expect(await town.audit('notices.subscribed')).toHaveLength(1)
    // The next sync finds all as it is to be, and writes nothing.
    const written = town.asked('POST', '/client/config')
    await town.settle(2 * 60 * MINUTE)
    expect(town.asked('POST', '/client/config')).toBe(written)
  })

  test('finds the server stopped: Apple could not reach us, and all goes on by asking until Test or the next day', async () => {
    await using town = await openTown({ reachable: false })
    const { status, notices } = await town.connector()
    expect(status).toBe('healthy')
    expect(notices).toMatchObject({ state: 'unreachable', alarm: null })
    expect(notices.text).toContain(`could not reach this server at ${home}`)
    // Nothing was lost by it: the location is ours, its licenses are read.
    expect(town.store.locations()[0]).toMatchObject({ mdmInfo: { name: 'Quartermaster' }, notificationUrl: null })
    expect(await town.license()).toMatchObject({ total: 10 })

    // Once more with the next sync, then once a day.
    await town.settle(65 * MINUTE)
    const written = town.asked('POST', '/client/config')
    expect(written).toBe(3)
    await town.settle(5 * 60 * MINUTE)
    expect(town.asked('POST', '/client/config')).toBe(written)
    await town.settle(DAY)
    expect(town.asked('POST', '/client/config')).toBe(written + 1)

    const tested = await town.ask('POST', `connectors/${town.connectorId}/test`, {})
    expect(tested.body).toMatchObject({ ok: true, reasons: [{ code: 'notices-unreachable' }] })
    town.setReachable(true)
    expect((await town.ask('POST', `connectors/${town.connectorId}/test`, {})).body).toEqual({ ok: true, reasons: [] })
    expect((await town.connector()).notices.state).toBe('subscribed')
  })

  test('a notice that was kept and not followed before a stop is followed after the start', async () => {
    await using town = await openTown()
    // Of a call that may be ours it is not yet known whose it is: it waits.
    await town.knock(
      town.notice('ASSET_MANAGEMENT', {
        eventId: 'somebody-else',
        type: 'ASSOCIATE',
        result: 'SUCCESS',
        assignments: [{ adamId: keynote, pricingParam: 'STDQ', serialNumber: 'Z1' }],
      }),
    )
    await town.settle(1_000)
    expect((await town.kept()).at(-1)).toBe('ASSET_MANAGEMENT: waiting')
    await town.stop()
    await town.start()
    await town.settle(20_000)
    expect((await town.kept()).at(-1)).toBe('ASSET_MANAGEMENT: outside')
    expect(await town.audit('seats.changed-outside')).toHaveLength(1)
  })

  test('our address is set again where another one stands, and not where the location is another’s', async () => {
    await using town = await openTown()
    const tokenFile = town.store.tokenFileFor(uId)
    const takeTarget = (mdmInfo: object) =>
      town.clock.run(
        town.clock.fetch(`${town.storeUrl}/client/config`, {
          method: 'POST',
          headers: { authorization: `Bearer ${tokenFile}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            ...mdmInfo,
            notificationUrl: 'https://other.example/hook',
            notificationAuthToken: 'theirs',
            notificationTypes: [],
          }),
        }),
      )
    const takenUrl = () => town.store.locations()[0]?.notificationUrl
    expect((await takeTarget({})).status).toBe(200)
    expect(takenUrl()).toBe('https://other.example/hook')
    await town.ask('POST', `connectors/${town.connectorId}/sync`, { full: false })
    await town.settle(20_000)
    expect(takenUrl()).toBe(`${home}/hooks/apple/${town.connectorId}`)

    await takeTarget({ mdmInfo: { id: 'jamf', name: 'Jamf School', metadata: 'jamf.example' } })
    await town.ask('POST', `connectors/${town.connectorId}/sync`, { full: false })
    await town.settle(20_000)
    expect(takenUrl()).toBe('https://other.example/hook')
    const { notices } = await town.connector()
    expect(notices.state).toBe('polling')
    expect(notices.text).toContain('Jamf School')

    // Taken over: with a new secret, since whoever held it could read the old one.
    const old = town.deliveries.find(({ url }) => url.startsWith(home))?.bearer
    expect((await town.ask('POST', `connectors/${town.connectorId}/claim`, { confirm: true })).status).toBe(200)
    await town.settle(20_000)
    expect(takenUrl()).toBe(`${home}/hooks/apple/${town.connectorId}`)
    expect((await town.connector()).notices.state).toBe('subscribed')
    expect(town.target().bearer).not.toBe(old)
  })
})

describe('42. a server that Apple cannot reach', () => {
  test('sets no address, hears of everything by asking, and the screen says so', async () => {
    await using town = await openTown({ environment: { QM_PUBLIC_URL: 'http://licenses.school.lan:8787' } })
    expect(town.deliveries).toEqual([])
    expect(town.store.locations()[0]).toMatchObject({ mdmInfo: { name: 'Quartermaster' }, notificationUrl: null })
    const { status, notices } = await town.connector()
    expect(status).toBe('healthy')
    expect(notices).toMatchObject({ state: 'polling', since: null, lastAt: null })
    expect(notices.text).toContain('asked every 60 minutes')
    expect(notices.text).toContain('QM_NOTICE_URL')

    town.store.assignOutside(uId, keynote, [device('Z1')])
    town.store.setTotal(uId, keynote, 12)
    await town.settle(61 * MINUTE)
    expect(await town.seats()).toEqual(['Z1: found'])
    expect(await town.license()).toMatchObject({ total: 12, inUse: 1 })
    await town.addDevices('C02A')
    await town.assignToAll()
    await town.settle(MINUTE)
    expect(await town.seats()).toEqual(['C02A: assignment', 'Z1: found'])
    expect(town.asked('POST', '/client/config')).toBe(1)
  })

  test('an address of its own for notices serves a console that is for the inside alone', async () => {
    await using town = await openTown({
      environment: { QM_PUBLIC_URL: 'http://licenses.school.lan:8787', QM_NOTICE_URL: home },
    })
    expect((await town.connector()).notices.state).toBe('subscribed')
    expect(town.target().url).toBe(`${home}/hooks/apple/${town.connectorId}`)
  })
})

describe('43. failures', () => {
  test('told by a notice, they are known at once, each with its reason', async () => {
    await using town = await openTown({ switches: { eventLatencyMs: 20_000 } })
    await town.addDevices('C02A', 'C02B', 'C02C')
    town.store.faults.arm({ fault: { is: 'targets-fail', errorNumber: 9602, keys: ['C02B'] }, times: 1 })
    await town.assignToAll()
    await town.settle(23_000)
    const [order] = await town.orders()
    expect(order).toMatchObject({ state: 'partly-done', done: 2 })
    expect(order.failures).toMatchObject([{ principal: { key: 'C02B' }, code: '9602' }])
    const failed = town.deliveries.find(({ body }) => body.notification.result === 'FAILURE')
    expect(failed?.body.notification.error.errorNumber).toBe(9602)
  })

  test.each([
    ['an error', { error: { errorNumber: 9709, errorMessage: 'none left' } }],
    ['a list of failures', { failures: [{ errorNumber: 9709, errorInfo: { serialNumbers: ['Z1'] } }] }],
    ['neither', {}],
  ])('of somebody else’s call, with %s: understood as failed, so nothing is said to have changed', async (_, members) => {
    await using town = await openTown()
    await town.knock(
      town.notice('ASSET_MANAGEMENT', {
        eventId: 'somebody-else',
        type: 'ASSOCIATE',
        result: 'FAILURE',
        assignments: [{ adamId: keynote, pricingParam: 'STDQ', serialNumber: 'Z1' }],
        ...members,
      }),
    )
    await town.settle(20_000)
    expect((await town.kept()).at(-1)).toBe('ASSET_MANAGEMENT: done')
    expect(await town.audit('seats.changed-outside')).toEqual([])
    expect(await town.seats()).toEqual([])
  })
})

describe('people', () => {
  test('who accepts an invitation, and who is made known or retired in Apple’s portal, is shown within seconds', async () => {
    await using town = await openTown({
      before: (store) => void store.registerUser(uId, { clientUserId: 'ada', email: 'ada@school.example' }),
    })
    const states = async () => {
      const { items } = (await town.ask('GET', `connectors/${town.connectorId}/registrations?limit=100`)).body
      return items.map((row: { principal: { key: string }; state: string }) => `${row.principal.key}: ${row.state}`).toSorted()
    }
    expect(await states()).toEqual(['ada: registered'])
    town.store.acceptInvitation(uId, 'ada', 'ada@icloud.example')
    await town.settle(10_000)
    expect(await states()).toEqual(['ada: associated'])
    // Nobody here had heard of ben: a sync brings him.
    town.store.registerUser(uId, { clientUserId: 'ben', email: 'ben@school.example' })
    await town.settle(30_000)
    expect(await states()).toEqual(['ada: associated', 'ben: registered'])
    town.store.retireUser(uId, 'ada')
    await town.settle(2 * MINUTE)
    expect(await states()).toEqual(['ada: retired', 'ben: registered'])
    expect(await town.audit('people.changed-outside')).toMatchObject([
      { detail: { act: 'retire-user', holders: ['ada'] } },
      { detail: { act: 'register-user', holders: ['ben'] } },
    ])
  })

  test('a hundred people of somebody else’s are one sync', async () => {
    await using town = await openTown()
    const asked = town.store.requests().length
    for (let n = 0; n < 100; n += 1) town.store.registerUser(uId, { clientUserId: `pupil-${n}` })
    await town.settle(30_000)
    expect((await town.connector()).people.count).toBe(100)
    expect(town.store.requests().length - asked).toBeLessThan(30)
  })
})
