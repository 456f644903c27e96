/** The main trip over HTTP: connect, sync, assign, see why, take back, let go. */
import { afterAll, expect, test } from 'vitest'
import { onEachDatabase, stopDatabases } from '../../world/open-database.ts'
import { book, keynote, openSchool } from './desk.ts'

test('a location is connected with its token file, syncs by itself, and its licenses are listed with counts and age', async () => {
  await using school = await openSchool()
  const { body: connector } = await school.get(`connectors/${school.connectorId}`)
  expect(connector).toMatchObject({
    kind: 'apple-apps-books',
    store: 'apple',
    name: 'Berlin',
    location: { key: school.uId, name: 'Berlin', country: 'DE' },
    credential: { state: 'valid' },
    settings: { autoClaim: true, userInvitations: false, syncIntervalMinutes: 60, releaseLeavers: 'off', leaverDays: 30 },
    status: 'healthy',
    reasons: [],
    lastSync: { state: 'succeeded', trigger: 'api', error: null },
    scopeTags: [],
  })
  expect(connector.nextSyncAt).toMatch(/Z$/)
  const { body: list } = await school.get('licenses')
  expect(list.next).toBeNull()
  expect(list.items.map((item: { product: { name: string } }) => item.product.name)).toEqual(['Keynote', 'Moby Dick'])
  expect(list.items[0]).toMatchObject({
    connectorId: school.connectorId,
    store: 'apple',
    product: { id: keynote, name: 'Keynote', publisher: 'Apple', kind: 'app' },
    pricing: 'STDQ',
    total: 3,
    inUse: 0,
    available: 3,
    retired: 0,
    desired: 0,
    waiting: 0,
    unlimited: false,
    assignable: true,
    revocable: true,
    countSource: 'live',
    lowThreshold: null,
    note: '',
  })
  expect(list.items[1]).toMatchObject({ product: { kind: 'book' }, licenseTypes: ['user'], revocable: false })
  expect((await school.get(`syncs?connector=${school.connectorId}`)).body.items).toHaveLength(1)
})

afterAll(stopDatabases)

test.each(onEachDatabase)(
  'a group of four is assigned three seats: three are placed, the fourth waits with its place ($dialect)',
  async ({ open }) => {
    await using school = await openSchool({ open })
    const license = await school.idOf('licenses', keynote)
    const group = await school.idOf('groups', 'Tablets')
    const added = await school.post('assignments', {
      licenseId: license,
      target: { kind: 'group', id: group },
      mode: 'include',
      intent: 'required',
      licenseType: 'device',
      note: 'for the exam',
    })
    expect(added.status).toBe(201)
    expect(added.body).toMatchObject({
      id: `${license}~g${group}`,
      licenseId: license,
      target: { kind: 'group', id: group, name: 'Tablets' },
      mode: 'include',
      intent: 'required',
      licenseType: 'device',
      note: 'for the exam',
      by: 'Key of the environment',
    })
    await school.settle()

    expect(school.store.counts(school.uId, keynote)).toMatchObject({ assigned: 3, available: 0 })
    expect((await school.get(`licenses/${license}`)).body).toMatchObject({ total: 3, inUse: 3, available: 0, desired: 4, waiting: 1 })
    expect((await school.get(`assignments?license=${license}`)).body.items[0].summary).toEqual({
      placed: 3,
      pending: 0,
      waiting: 1,
      refused: 0,
    })
    const { items: waiting } = (await school.get(`licenses/${license}/verdicts?state=waiting`)).body
    expect(waiting).toHaveLength(1)
    expect(waiting[0]).toMatchObject({
      principal: { kind: 'device', key: 'C02D', name: 'iPad 4' },
      state: 'waiting',
      because: { code: 'no-seat-left', position: 1 },
    })
    expect(waiting[0].path.map(({ code }: { code: string }) => code)).toEqual([
      'assignment',
      'license-type',
      'no-seat',
      'free-seats',
      'queue',
      'verdict',
    ])
    const { items: seats } = (await school.get(`licenses/${license}/seats`)).body
    const { items: orders } = (await school.get(`orders?license=${license}`)).body
    expect(orders).toHaveLength(1)
    expect(orders[0]).toMatchObject({ action: 'associate', state: 'done', total: 3, done: 3, failures: [], by: 'Key of the environment' })
    expect(seats.map((seat: { origin: string; orderId: string }) => [seat.origin, seat.orderId])).toEqual(
      Array(3).fill(['assignment', orders[0].id]),
    )
    expect((await school.get('licenses?shortage=true')).body.items).toHaveLength(1)
  },
)

test('a removed assignment gives its seats back, and kept seats are found from then on', async () => {
  await using school = await openSchool()
  const license = await school.idOf('licenses', keynote)
  const device = await school.idOf('devices', 'C02A')
  const other = await school.idOf('devices', 'C02B')
  for (const id of [device, other]) await school.post('assignments', { licenseId: license, target: { kind: 'device', id } })
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(2)

  expect((await school.ask('DELETE', `assignments/${license}~${device}`)).status).toBe(204)
  expect((await school.ask('DELETE', `assignments/${license}~${other}?seats=keep`)).status).toBe(204)
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toEqual([{ kind: 'device', serialNumber: 'C02B' }])
  expect((await school.get(`licenses/${license}/seats`)).body.items).toMatchObject([{ principal: { key: 'C02B' }, origin: 'found' }])
  expect((await school.get(`assignments/${license}~${device}`)).status).toBe(404)
})

test('a found seat is reclaimed with an order, and a book never', async () => {
  await using school = await openSchool()
  school.store.assignOutside(school.uId, keynote, [{ kind: 'device', serialNumber: 'C02A' }])
  school.store.assignOutside(school.uId, book, [{ kind: 'user', clientUserId: 'ana' }])
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle()
  const license = await school.idOf('licenses', keynote)
  const device = await school.idOf('devices', 'C02A')
  const reclaimed = await school.post(`licenses/${license}/reclaim`, { principals: [device] })
  expect(reclaimed.status).toBe(202)
  expect(reclaimed.body).toMatchObject({ licenseId: license, action: 'disassociate', total: 1 })
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toEqual([])
  expect((await school.get(`orders/${reclaimed.body.id}`)).body).toMatchObject({ state: 'done', done: 1 })
  expect((await school.post(`licenses/${license}/reclaim`, { principals: [device] })).body).toMatchObject({ status: 422, code: 'no-seat' })
  const books = await school.idOf('licenses', book)
  const ana = await school.idOf('users', 'ana')
  expect((await school.post(`licenses/${books}/reclaim`, { principals: [ana] })).body).toMatchObject({ status: 409, code: 'irrevocable' })
})

test('a seat reclaimed from a member of an assigned group does not come back, and the next one gets it', async () => {
  await using school = await openSchool()
  const license = await school.idOf('licenses', keynote)
  const group = await school.idOf('groups', 'Tablets')
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: group } })
  await school.settle()
  const device = await school.idOf('devices', 'C02A')
  const reclaimed = await school.post(`licenses/${license}/reclaim`, { principals: [device] })
  expect(reclaimed.status).toBe(202)
  await school.settle(600_000)
  expect(
    school.store
      .holders(school.uId, keynote)
      .map((holder) => (holder.kind === 'device' ? holder.serialNumber : ''))
      .sort(),
  ).toEqual(['C02B', 'C02C', 'C02D'])
  expect((await school.get(`assignments/${license}~${device}`)).body).toMatchObject({ mode: 'exclude' })
})

test('a preview counts who gains, loses and waits, and keeps nothing', async () => {
  await using school = await openSchool()
  const license = await school.idOf('licenses', keynote)
  const group = await school.idOf('groups', 'Tablets')
  const device = await school.idOf('devices', 'C02A')
  await school.post('assignments', { licenseId: license, target: { kind: 'device', id: device } })
  await school.settle()
  const preview = await school.post(`licenses/${license}/preview`, {
    assignments: [
      { target: { kind: 'group', id: group }, mode: 'include', intent: 'required', licenseType: 'device' },
      { target: { kind: 'device', id: device }, mode: 'exclude' },
    ],
  })
  expect(preview.body).toMatchObject({ gain: 2, lose: 1, short: 1, irreversible: 0, conflicts: 1 })
  expect(preview.body.details.conflicts).toMatchObject([{ code: 'included-and-excluded', principal: { key: 'C02A' } }])
  await school.settle()
  expect((await school.get('assignments')).body.items).toHaveLength(1)
  expect(school.store.holders(school.uId, keynote)).toHaveLength(1)
})

test('a connector with seats in use goes only when it is said what becomes of them', async () => {
  await using school = await openSchool()
  const license = await school.idOf('licenses', keynote)
  school.store.assignOutside(school.uId, keynote, [{ kind: 'device', serialNumber: 'C02D' }])
  await school.post('assignments', { licenseId: license, target: { kind: 'device', id: await school.idOf('devices', 'C02A') } })
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle()
  const refused = await school.ask('DELETE', `connectors/${school.connectorId}`)
  expect(refused.body).toMatchObject({ status: 409, code: 'licenses-in-use', seats: 2, assignments: 1 })

  const leaving = await school.ask('DELETE', `connectors/${school.connectorId}?release=revoke`)
  expect([leaving.status, leaving.body]).toEqual([202, { state: 'leaving', seats: 1, irrevocable: 0 }])
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toEqual([{ kind: 'device', serialNumber: 'C02D' }])
  expect((await school.get(`connectors/${school.connectorId}`)).status).toBe(404)
  expect((await school.get('licenses')).body.items).toEqual([])
  expect((await school.get('assignments')).body.items).toEqual([])
})

test.each(onEachDatabase)(
  'a connector is let go with every seat given back, or with every seat kept ($dialect)',
  { timeout: 30_000 },
  async ({ open }) => {
    for (const [release, left] of [
      ['all', 0],
      ['keep', 1],
    ] as const) {
      await using school = await openSchool({ open })
      school.store.assignOutside(school.uId, keynote, [{ kind: 'device', serialNumber: 'C02D' }])
      await school.post(`connectors/${school.connectorId}/sync`, { full: true })
      await school.settle()
      const removed = await school.ask('DELETE', `connectors/${school.connectorId}?release=${release}`)
      expect(removed.status).toBe(release === 'keep' ? 204 : 202)
      await school.settle()
      expect((await school.get('connectors')).body.items).toEqual([])
      expect(school.store.holders(school.uId, keynote)).toHaveLength(left)
      // The location is free to be connected again.
      const again = await school.post('connectors', {
        kind: 'apple-apps-books',
        name: 'Berlin again',
        credential: { contentToken: school.tokenFile },
      })
      expect(again.status).toBe(201)
    }
  },
)

test('an order that is not sent yet can be cancelled, stays cancelled, and goes out when it is retried', async () => {
  await using school = await openSchool()
  const license = await school.idOf('licenses', keynote)
  const device = await school.idOf('devices', 'C02A')
  // The store is still busy with an order for this license: the next one waits for it.
  school.store.setSwitches({ holdEvents: true })
  await school.post('assignments', { licenseId: license, target: { kind: 'device', id: await school.idOf('devices', 'C02B') } })
  await school.settle(3_000)
  await school.post('assignments', { licenseId: license, target: { kind: 'device', id: device } })
  await school.settle(3_000)
  const [order] = (await school.get('orders?state=planned')).body.items
  const cancelled = await school.post(`orders/${order.id}/cancel`)
  expect(cancelled.body).toMatchObject({
    state: 'cancelled',
    failures: [{ principal: { key: 'C02A' }, code: 'cancelled', retryable: false }],
  })
  school.store.setSwitches({ holdEvents: false })
  school.store.finishEvents()
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toEqual([{ kind: 'device', serialNumber: 'C02B' }])
  expect((await school.get(`licenses/${license}/verdicts?principal=${device}`)).body.items[0]).toMatchObject({
    state: 'refused',
    because: { code: 'store-refused', storeCode: 'cancelled' },
  })
  expect((await school.post(`orders/${order.id}/cancel`)).body).toMatchObject({ status: 409, code: 'already-sent' })
  expect((await school.post(`orders/${order.id}/retry`)).status).toBe(202)
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(2)
  expect((await school.post(`orders/${order.id}/retry`)).body).toMatchObject({ status: 409, code: 'nothing-failed' })
})

test('a location that was let go and is connected again is still ours', async () => {
  await using school = await openSchool()
  expect((await school.ask('DELETE', `connectors/${school.connectorId}?release=keep`)).status).toBe(204)
  const again = await school.post('connectors', {
    kind: 'apple-apps-books',
    name: 'Berlin',
    credential: { contentToken: school.tokenFile },
  })
  expect(again.status).toBe(201)
  expect(again.body).toMatchObject({ credential: { state: 'valid' } })
})
