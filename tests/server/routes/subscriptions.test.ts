/** Subscriptions through the whole product, against the sandbox's Apple: reading, giving, taking, turning on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRows, subscriptionsKey } from '../../../shared/facts.ts'
import { parseConnectorId } from '../../../shared/ids.ts'
import { keynote, openSchool, type School } from './desk.ts'

const YEARLY = 6_500_000_101
const MONTHLY = 6_500_000_102
const DAY_MS = 86_400_000

let school: School
const dayIn = (days: number): string => new Date(school.clock.now() + days * DAY_MS).toISOString().slice(0, 10)
const base = (rest = ''): string => `connectors/${school.connectorId}/subscriptions${rest}`
const sync = async (): Promise<void> => {
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle(5_000)
}
const connectorId = () => {
  const id = parseConnectorId(school.connectorId)
  if (id === undefined) throw new Error('no connector')
  return id
}
const part = async () => (await school.composed.house.journal.rows('connectors')).find(({ id }) => id === school.connectorId)?.subscriptions
const people = async (...names: string[]) => await Promise.all(names.map((name) => school.idOf('users', name)))

const own = (options: Partial<Parameters<School['store']['ownSubscription']>[2]> = {}) => {
  school.store.setSubscriptionsEnabled(school.uId, true)
  school.store.ownSubscription(school.uId, YEARLY, {
    parentAdamId: Number(keynote),
    total: { renewing: 2, expiring: 1 },
    periodEndsOn: dayIn(12),
    ...options,
  })
}

beforeEach(async () => {
  school = await openSchool()
})
afterEach(() => school.close())

describe('What a sync reads', () => {
  it('shows subscriptions with the name of their app, both counts of each kind and the end of the period', async () => {
    own()
    school.store.subscribeOutside(school.uId, YEARLY, ['ana'])
    await sync()
    const { items, asOf } = (await school.get(base())).body
    expect(items).toEqual([
      {
        id: String(YEARLY),
        connectorId: school.connectorId,
        parentId: keynote,
        name: `Keynote, subscription ${YEARLY}`,
        parentName: 'Keynote',
        status: 'active',
        periodEndsOn: dayIn(12),
        total: { renewing: 2, expiring: 1 },
        assigned: { renewing: 1, expiring: 0 },
        available: { renewing: 1, expiring: 1 },
        asOf: expect.any(String),
      },
    ])
    expect(asOf).toBe((await part())?.asOf)
    expect(await part()).toMatchObject({ count: 1, enabled: true, error: null })
  })

  it('asks the look-up for the app where the location does not own it', async () => {
    own({ parentAdamId: 900_000_500 })
    school.store.addProduct({ adamId: '900000500', name: 'Sketchbook', publisher: 'S', kind: 'iosSoftware', genres: [], price: 0 })
    await sync()
    expect((await school.get(base())).body.items).toMatchObject([{ parentName: 'Sketchbook' }])
  })

  it('has no part at all where the store has nothing of the kind, and no noise', async () => {
    school.store.setSwitches({ subscriptionService: 'not-found' })
    await sync()
    expect(await part()).toBeNull()
    expect((await school.get(`connectors/${school.connectorId}`)).body).toMatchObject({
      status: 'healthy',
      lastSync: { state: 'succeeded', error: null },
    })
    expect(await school.get(base())).toMatchObject({ status: 200, body: { items: [], next: null } })
  })

  it('keeps the counts of licenses when subscriptions can not be read, and tells it beside them', async () => {
    own()
    await sync()
    school.store.faults.arm({ fault: { is: 'apple-error', errorNumber: 9602 }, endpoint: 'subscriptions' })
    await sync()
    const connector = (await school.get(`connectors/${school.connectorId}`)).body
    expect(connector.lastSync).toMatchObject({ state: 'succeeded' })
    expect(await part()).toMatchObject({ count: 1, error: { code: '9602' } })
    expect((await school.get(base())).body.items).toHaveLength(1)
    school.store.faults.clear()
    await sync()
    expect(await part()).toMatchObject({ error: null })
  })

  it('believes that they are gone when two answers say so', async () => {
    own()
    await sync()
    school.store.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'subscriptions', times: 1 })
    await sync()
    expect((await school.get(base())).body.items).toHaveLength(1)
    expect(await part()).toMatchObject({ error: { code: 'store-changed-meanwhile' } })
    school.store.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'subscriptions', times: 2 })
    await sync()
    expect((await school.get(base())).body.items).toEqual([])
  })

  it('lets them go with their connector', async () => {
    own()
    await sync()
    await school.ask('DELETE', `connectors/${school.connectorId}?release=keep`)
    await school.settle(2_000)
    const chunk = await school.database.db
      .selectFrom('chunks')
      .select('bytes')
      .where('key', '=', subscriptionsKey(connectorId()))
      .executeTakeFirst()
    expect(readRows(subscriptionsKey(connectorId()), chunk?.bytes)).toEqual([])
  })
})

describe('Who has one', () => {
  it('is asked of the store, with the day on which it ends for whom it does, and who manages it', async () => {
    own()
    await sync()
    school.store.registerUser(school.uId, { clientUserId: 'stranger' })
    school.store.subscribeOutside(school.uId, YEARLY, ['ana', 'stranger'])
    school.store.unsubscribeOutside(school.uId, YEARLY, ['ana'], true)
    const { items, asOf } = (await school.get(base(`/${YEARLY}/subscribers`))).body
    expect(items).toEqual([
      { principal: expect.objectContaining({ name: 'Ana Maier' }), key: 'ana', renewing: false, endsOn: dayIn(12) },
      { principal: null, key: 'stranger', renewing: true, endsOn: null },
    ])
    expect(Date.parse(asOf)).toBe(school.clock.now())
    expect((await school.get(base('/17/subscribers'))).status).toBe(404)
  })
})

describe('Giving one', () => {
  const assign = (body: Record<string, unknown>) => school.post(base(`/${YEARLY}/assign`), body)

  it('tells first who would get it and what is left, and does nothing before it is confirmed', async () => {
    own()
    await sync()
    const [ana, ben] = await people('ana', 'ben')
    const told = await assign({ principals: [ana, ben], renewing: true })
    expect(told.status).toBe(409)
    expect(told.body).toMatchObject({
      code: 'confirmation-required',
      preview: { takesEffect: 'at-once', on: null, undoable: 'yes', available: 2, notAsked: [] },
    })
    expect(told.body.preview.people).toHaveLength(2)
    expect(school.store.subscribers(school.uId, YEARLY)).toEqual([])
    expect(school.store.requests().filter(({ path }) => path.includes('associate'))).toEqual([])
  })

  it('is an order that ends with the seats and the new counts', async () => {
    own()
    await sync()
    const asked = await assign({ principals: await people('ana', 'ben'), renewing: true, confirm: true })
    expect(asked.status).toBe(202)
    expect(asked.body.order).toMatchObject({ action: 'assign-subscription', total: 2, licenseId: null })
    await school.settle(10_000)
    expect((await school.get(`orders/${asked.body.order.id}`)).body).toMatchObject({ state: 'done', done: 2 })
    expect(school.store.subscribers(school.uId, YEARLY).map(({ clientUserId }) => clientUserId)).toEqual(['ana', 'ben'])
    expect((await school.get(base())).body.items).toMatchObject([{ available: { renewing: 0, expiring: 1 } }])
    const audited = (await school.get('audit')).body.items.map(({ action }: { action: string }) => action)
    expect(audited).toContain('subscription.assign-asked')
  })

  it('never gives more than are left of the kind, also of two at once', async () => {
    own({ total: { renewing: 1, expiring: 5 } })
    await sync()
    const [ana, ben] = await people('ana', 'ben')
    const tooMany = await assign({ principals: [ana, ben], renewing: true, confirm: true })
    expect(tooMany.body).toMatchObject({ status: 409, code: 'no-seat-left', wanted: 2, available: 1 })
    const [first, second] = await Promise.all([
      assign({ principals: [ana], renewing: true, confirm: true }),
      assign({ principals: [ben], renewing: true, confirm: true }),
    ])
    expect([first.status, second.status].toSorted()).toEqual([202, 409])
    await school.settle(10_000)
    expect(school.store.subscribers(school.uId, YEARLY)).toHaveLength(1)
  })

  it('counts what was given a moment ago although the list does not show it yet', async () => {
    own({ total: { renewing: 1, expiring: 0 } })
    await sync()
    const [ana, ben] = await people('ana', 'ben')
    await assign({ principals: [ana], renewing: true, confirm: true })
    await school.settle(10_000)
    // The store's list falls behind its event: the seat is there and not shown.
    school.store.unsubscribeOutside(school.uId, YEARLY, ['ana'])
    expect((await assign({ principals: [ben], renewing: true })).body).toMatchObject({ code: 'no-seat-left', available: 0 })
    await school.settle(6 * 60_000)
    expect((await assign({ principals: [ben], renewing: true })).body).toMatchObject({ code: 'confirmation-required' })
  })

  it('is for registered people of the location alone; a device refuses the whole call before anything is sent', async () => {
    own()
    await sync()
    await school.ask('POST', 'directory/import?kind=users&partial=true', {
      csv: 'userName,displayName,email,department,active,managedAppleAccount\ncem,Cem Kaya,cem@school.example,Arts,true,\n',
    })
    const [ana, cem] = await people('ana', 'cem')
    const device = await school.idOf('devices', 'C02A')
    const refused = await assign({ principals: [ana, device], renewing: true, confirm: true })
    expect(refused.body).toMatchObject({ status: 422, code: 'devices-refused', errors: [{ field: 'principals.1' }] })
    const partly = await assign({ principals: [ana, cem, 'u999'], renewing: true, confirm: true })
    expect(partly.body.notAsked).toMatchObject([{ code: 'not-registered' }, { code: 'not-found' }])
    expect(partly.body.order).toMatchObject({ total: 1 })
    school.store.clearRequests()
    const nobody = await assign({ principals: [cem], renewing: true, confirm: true })
    expect(nobody.body).toMatchObject({ status: 422, code: 'nobody-to-ask' })
    expect(school.store.requests().filter(({ method }) => method === 'POST')).toEqual([])
  })

  it('leaves out who has it on these terms already, and who is in an order for it', async () => {
    own()
    await sync()
    school.store.subscribeOutside(school.uId, YEARLY, ['ana'])
    const [ana, ben] = await people('ana', 'ben')
    await assign({ principals: [ben], renewing: true, confirm: true })
    const told = await assign({ principals: [ana, ben], renewing: true })
    expect(told.body.errors.map(({ text }: { text: string }) => text)).toEqual([
      'has this subscription on these terms already',
      'is in an order about this subscription that is not over yet',
    ])
  })

  it('is not possible of one that is paused, and says so', async () => {
    own({ status: 'PAUSED' })
    await sync()
    expect((await assign({ principals: await people('ana'), renewing: true })).body).toMatchObject({ status: 409, code: 'not-active' })
  })

  it('does not decide by old numbers when the store can not be read', async () => {
    own()
    await sync()
    school.store.faults.arm({ fault: { is: 'apple-error', errorNumber: 9602 }, endpoint: 'subscriptions' })
    const answer = await assign({ principals: await people('ana'), renewing: true, confirm: true })
    expect(answer.body).toMatchObject({ status: 503, code: 'not-read' })
  })

  it('is not sent again when its call got no answer: the outcome is read', async () => {
    own()
    await sync()
    school.store.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate-subscriptions', times: 1 })
    const asked = await assign({ principals: await people('ana'), renewing: true, confirm: true })
    await school.settle(10 * 60_000)
    expect((await school.get(`orders/${asked.body.order.id}`)).body).toMatchObject({ state: 'done', unknown: false })
    expect(school.store.requests().filter(({ path }) => path.endsWith('/subscriptions/associate'))).toHaveLength(1)
  })

  it('fails for those alone whom the store does not take, although it refuses the whole call and names nobody', async () => {
    own({ total: { renewing: 9, expiring: 0 } })
    const names = ['cem', 'dana', 'eli', 'fay', 'gus', 'hana']
    const rows = names.map((name) => `${name},${name} Kaya,${name}@school.example,Arts,true,\n`).join('')
    for (const name of names) school.store.registerUser(school.uId, { clientUserId: name })
    await school.ask('POST', 'directory/import?kind=users&partial=true', {
      csv: `userName,displayName,email,department,active,managedAppleAccount\n${rows}`,
    })
    await sync()
    school.store.subscribeByGroup(school.uId, YEARLY, ['eli'])
    const asked = await assign({ principals: await people(...names), renewing: true, confirm: true })
    expect(asked.status).toBe(202)
    await school.settle(20_000)
    expect(
      school.store
        .subscribers(school.uId, YEARLY)
        .map(({ clientUserId }) => clientUserId)
        .toSorted(),
    ).toEqual(names.filter((name) => name !== 'eli'))
    const orders = (await school.get('orders')).body.items.filter(({ action }: { action: string }) => action === 'assign-subscription')
    const failures = orders.flatMap((order: { failures: { code: string; principal: { key: string } }[] }) => order.failures)
    expect(failures).toMatchObject([{ code: '9817', principal: { key: 'eli' } }])
    expect(school.store.requests().filter(({ path }) => path.endsWith('/subscriptions/associate')).length).toBeLessThanOrEqual(7)
  })

  it('is stopped while another service holds the location', async () => {
    own()
    await sync()
    school.store.setOwner(school.uId, { id: 'other', name: 'Fleetline', metadata: 'fleetline.example' })
    await sync()
    const answer = await assign({ principals: await people('ana'), renewing: true, confirm: true })
    expect(answer.body).toMatchObject({ status: 409, code: 'foreign-owner' })
  })
})

describe('Taking one', () => {
  const remove = (body: Record<string, unknown>) => school.post(base(`/${YEARLY}/remove`), body)

  it('at once gives the unit back; at the end of the period the person keeps it until then', async () => {
    own()
    school.store.subscribeOutside(school.uId, YEARLY, ['ana', 'ben'])
    await sync()
    const [ana, ben] = await people('ana', 'ben')
    expect((await remove({ principals: [ana], deferred: true })).body.preview).toMatchObject({
      takesEffect: 'period-end',
      on: dayIn(12),
      undoable: 'maybe-not',
    })
    expect((await remove({ principals: [ben], deferred: false })).body.preview).toMatchObject({
      takesEffect: 'at-once',
      undoable: 'while-free',
    })
    await remove({ principals: [ana], deferred: true, confirm: true })
    await remove({ principals: [ben], deferred: false, confirm: true })
    await school.settle(10_000)
    expect(school.store.subscribers(school.uId, YEARLY)).toEqual([{ clientUserId: 'ana', renewing: true, leaving: true }])
    expect((await remove({ principals: [ana, ben], deferred: true })).body.errors).toMatchObject([
      { text: 'loses it at the end of the period already' },
      { text: 'does not have this subscription' },
    ])
    school.clock.pass(14 * DAY_MS)
    await sync()
    expect((await school.get(base())).body.items).toMatchObject([
      { assigned: { renewing: 0, expiring: 0 }, total: { renewing: 2, expiring: 0 } },
    ])
  })
})

describe('Turning subscriptions on', () => {
  it('asks first, says that it may not be undone, and is remembered', async () => {
    expect(await part()).toMatchObject({ count: 0, enabled: null })
    const told = await school.post(base('/enable'))
    expect(told.body).toMatchObject({ status: 409, code: 'confirmation-required', preview: { undoable: 'maybe-not' } })
    expect(told.body.detail).toContain('may not be undone')
    expect(school.store.subscriptionsEnabled(school.uId)).toBe(false)
    expect((await school.post(base('/enable'), { confirm: true })).body).toEqual({ enabled: true })
    expect(school.store.subscriptionsEnabled(school.uId)).toBe(true)
    await sync()
    expect(await part()).toMatchObject({ enabled: true })
    expect((await school.post(base('/disable'), { confirm: true })).body).toEqual({ enabled: false })
  })

  it('can not be undone while one is owned, in words', async () => {
    own()
    await sync()
    const answer = await school.post(base('/disable'), { confirm: true })
    expect(answer.body).toMatchObject({ status: 422, code: 'store-refused', storeCode: '9818' })
  })

  it('is for those who manage connectors alone', async () => {
    const reader = await school.keyFor('reader')
    expect((await school.ask('POST', base('/enable'), { body: { confirm: true }, as: reader })).status).toBe(403)
    expect((await school.ask('GET', base(), { as: reader })).status).toBe(200)
  })

  it('is not offered where the store has nothing of the kind', async () => {
    own({ total: { renewing: 0, expiring: 0 } })
    school.store.ownSubscription(school.uId, MONTHLY, { parentAdamId: 5, total: { renewing: 0, expiring: 0 } })
    await sync()
    expect((await school.get(base())).body.items).toHaveLength(2)
    school.store.setSwitches({ subscriptionService: 'no-longer-offered' })
    await sync()
    expect(await part()).toBeNull()
    expect((await school.get(base())).body.items).toEqual([])
    expect((await school.post(base('/enable'), { confirm: true })).body).toMatchObject({ status: 422, code: 'not-offered' })
  })
})
