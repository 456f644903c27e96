import { beforeEach, describe, expect, it } from 'vitest'
import { createAppleSandbox } from '../../../server/sandbox/apple/apple-sandbox.ts'
import { furnishApple } from '../../../server/sandbox/furnish.ts'
import { sampleOrganisation, CLINIC_UID, SCHOOLS_UID } from '../../../server/sandbox/sample-organisation.ts'
import { handClock, seededChance } from '../../world/hand-clock.ts'
import { START, isItem, itemsOf, openDesk } from './apple-desk.ts'
import type { Desk } from './apple-desk.ts'

const DAY_MS = 86_400_000
const APP = 6_440_000_001
const YEARLY = 6_500_000_101
const MONTHLY = 6_500_000_102

let desk: Desk

const subscription = async (adamId: number) => {
  const { body } = await desk.get(`/subscriptions?adamId=${adamId}`)
  return itemsOf(body['subscriptions'])[0]
}
const countsOf = async (adamId: number) => (await subscription(adamId))?.['counts']

beforeEach(() => {
  desk = openDesk()
  const { control, uId } = desk
  for (const clientUserId of ['ada', 'ben', 'cem', 'dana', 'eli']) control.registerUser(uId, { clientUserId })
  control.setSubscriptionsEnabled(uId, true)
  control.ownSubscription(uId, YEARLY, { parentAdamId: APP, total: { renewing: 3, expiring: 1 }, periodEndsOn: '2026-10-31' })
  control.ownSubscription(uId, MONTHLY, { parentAdamId: APP, total: { renewing: 0, expiring: 0 } })
})

describe('Lists of subscriptions', () => {
  it('tell whole numbers for ids, entries with zeros, and no name', async () => {
    const { body } = await desk.get('/subscriptions')
    expect(itemsOf(body['subscriptions'])).toEqual([
      {
        parentAdamId: APP,
        adamId: YEARLY,
        status: 'ACTIVE',
        periodEndDate: '2026-10-31',
        counts: {
          assigned: { renewing: 0, expiring: 0 },
          available: { renewing: 3, expiring: 1 },
          total: { renewing: 3, expiring: 1 },
        },
      },
      {
        parentAdamId: APP,
        adamId: MONTHLY,
        status: 'ACTIVE',
        counts: {
          assigned: { renewing: 0, expiring: 0 },
          available: { renewing: 0, expiring: 0 },
          total: { renewing: 0, expiring: 0 },
        },
      },
    ])
    expect(body).not.toHaveProperty('nextCursor')
    expect(body).not.toHaveProperty('versionId')
  })

  it('have null for mdmInfo, whoever holds the location', async () => {
    desk.control.setOwner(desk.uId, { id: 'other', name: 'Fleetline', metadata: 'fleetline.example' })
    const { body } = await desk.get('/subscriptions')
    expect(body['mdmInfo']).toBeNull()
    expect((await desk.get('/assets')).body['mdmInfo']).toMatchObject({ id: 'other' })
  })

  it('lead from cursor to cursor, and refuse one of another list or of before a change', async () => {
    desk.control.subscribeOutside(desk.uId, YEARLY, ['ada', 'ben', 'cem'])
    desk.control.subscribeOutside(desk.uId, YEARLY, ['dana'], false)
    const first = await desk.get('/subscriptions/assignments')
    expect(itemsOf(first.body['assignments'])).toHaveLength(3)
    const cursor = String(first.body['nextCursor'])
    const second = await desk.get(`/subscriptions/assignments?cursor=${cursor}`)
    expect(itemsOf(second.body['assignments'])).toEqual([{ adamId: YEARLY, clientUserId: 'dana', renewing: false }])
    expect(second.body).not.toHaveProperty('nextCursor')
    expect((await desk.get(`/subscriptions?cursor=${cursor}`)).body['errorNumber']).toBe(9812)
    expect((await desk.get('/subscriptions?cursor=zzz')).body['errorNumber']).toBe(9812)
    desk.control.unsubscribeOutside(desk.uId, YEARLY, ['ada'])
    expect((await desk.get(`/subscriptions/assignments?cursor=${cursor}`)).body['errorNumber']).toBe(9812)
    desk.control.setSwitches({ cursorsAfterChange: 'go-on' })
    expect((await desk.get(`/subscriptions/assignments?cursor=${cursor}`)).status).toBe(200)
  })

  it('tell the administrators of a subscription, who are added and removed at once', async () => {
    const added = await desk.post('/subscriptions/admins/add', { adamIds: [YEARLY], clientUserIds: ['ada', 'ben'] })
    expect(added.body).not.toHaveProperty('eventId')
    await desk.post('/subscriptions/admins/remove', { adamIds: [YEARLY], clientUserIds: ['ben'] })
    const { body } = await desk.get('/subscriptions/admins')
    expect(itemsOf(body['admins'])).toEqual([{ adamId: YEARLY, clientUserId: 'ada' }])
  })

  it('can be missing, or no longer offered', async () => {
    desk.control.setSwitches({ subscriptionService: 'not-found' })
    expect((await desk.get('/subscriptions')).status).toBe(404)
    desk.control.setSwitches({ subscriptionService: 'no-longer-offered' })
    expect((await desk.get('/subscriptions')).body['errorNumber']).toBe(9634)
  })
})

describe('Giving and removing subscriptions', () => {
  const associate = (clientUserIds: readonly string[], renewing = true) =>
    desk.settle('/subscriptions/associate', { adamIds: [YEARLY], clientUserIds, renewing })
  const refusal = async (path: string, body: unknown) => (await desk.post(path, body)).body['errorNumber']

  it('spends units of the kind asked for, and fails those for whom none is left', async () => {
    expect(await associate(['ada', 'ben'])).toMatchObject({ eventStatus: 'COMPLETE', numRequested: 2, numCompleted: 2 })
    const status = await associate(['cem', 'dana'], false)
    expect(status).toMatchObject({ eventStatus: 'FAILED', numRequested: 2, numCompleted: 1 })
    expect(itemsOf(status['failures'])).toMatchObject([{ errorNumber: 9709, errorInfo: { clientUserIds: ['dana'] } }])
    expect(await countsOf(YEARLY)).toEqual({
      assigned: { renewing: 2, expiring: 1 },
      available: { renewing: 1, expiring: 0 },
      total: { renewing: 3, expiring: 1 },
    })
  })

  it('refuses the whole request for a wrong id, person, state or number of them', async () => {
    await associate(['ada'])
    const path = '/subscriptions/associate'
    expect(await refusal(path, { adamIds: ['6500000101'], clientUserIds: ['ben'] })).toBe(9813)
    expect(await refusal(path, { adamIds: [17], clientUserIds: ['ben'] })).toBe(9813)
    expect(await refusal(path, { adamIds: [YEARLY], clientUserIds: ['ben', 'nobody'] })).toBe(9814)
    expect(await refusal(path, { adamIds: [YEARLY], serialNumbers: ['C02ZZ0AAAA01'] })).toBe(9811)
    expect(await refusal('/subscriptions/disassociate', { adamIds: [YEARLY], clientUserIds: ['ada', 'ben'] })).toBe(9815)
    desk.control.setLimits({ maxSubscriptions: 1, maxSubscriptionClientUserIds: 2 })
    expect(await refusal(path, { adamIds: [YEARLY, MONTHLY], clientUserIds: ['ben'] })).toBe(9816)
    desk.control.setSwitches({ tooManySubscriptions: '9805' })
    expect(await refusal(path, { adamIds: [YEARLY, MONTHLY], clientUserIds: ['ben'] })).toBe(9805)
    expect(await refusal(path, { adamIds: [YEARLY], clientUserIds: ['ben', 'cem', 'dana'] })).toBe(9701)
    desk.control.subscribeByGroup(desk.uId, YEARLY, ['ben'])
    expect(await refusal(path, { adamIds: [YEARLY], clientUserIds: ['ben'] })).toBe(9817)
    desk.control.ownSubscription(desk.uId, MONTHLY, { parentAdamId: APP, total: { renewing: 5, expiring: 0 }, status: 'PAUSED' })
    expect(await refusal(path, { adamIds: [MONTHLY], clientUserIds: ['cem'] })).toBe(9811)
    expect(desk.control.subscribers(desk.uId, YEARLY)).toHaveLength(1)
  })

  it('refuses who has only been invited, where the store is so', async () => {
    desk.control.setSwitches({ subscriptionsForInvited: 'refused' })
    expect(await refusal('/subscriptions/associate', { adamIds: [YEARLY], clientUserIds: ['ada'] })).toBe(9814)
    desk.control.acceptInvitation(desk.uId, 'ada', 'ada@mail.example')
    expect(await associate(['ada'])).toMatchObject({ eventStatus: 'COMPLETE' })
  })

  it('lets a deferred removal take effect when the period ends, and a removal at once', async () => {
    await associate(['ada', 'ben', 'cem'])
    await desk.settle('/subscriptions/disassociate', { adamIds: [YEARLY], clientUserIds: ['ada'], deferred: false })
    await desk.settle('/subscriptions/disassociate', { adamIds: [YEARLY], clientUserIds: ['ben'], deferred: true })
    // Apple's sample: assigned and available add up together, and not each kind by itself.
    expect(await countsOf(YEARLY)).toEqual({
      assigned: { renewing: 1, expiring: 1 },
      available: { renewing: 1, expiring: 1 },
      total: { renewing: 3, expiring: 1 },
    })
    await desk.pass(15 * DAY_MS)
    expect(desk.control.subscribers(desk.uId, YEARLY).map(({ clientUserId }) => clientUserId)).toEqual(['ben', 'cem'])
    await desk.pass(2 * DAY_MS)
    expect(desk.control.subscribers(desk.uId, YEARLY).map(({ clientUserId }) => clientUserId)).toEqual(['cem'])
    expect(await subscription(YEARLY)).toMatchObject({
      periodEndDate: '2026-11-30',
      counts: { assigned: { renewing: 1, expiring: 0 }, available: { renewing: 2, expiring: 0 }, total: { renewing: 3, expiring: 0 } },
    })
  })

  it('lets expiring seats go with their period, and what renews nothing turn inactive', async () => {
    desk.control.ownSubscription(desk.uId, MONTHLY, { parentAdamId: APP, total: { renewing: 0, expiring: 2 }, periodEndsOn: '2026-10-20' })
    await desk.settle('/subscriptions/associate', { adamIds: [MONTHLY], clientUserIds: ['eli'], renewing: false })
    await desk.pass(10 * DAY_MS)
    expect(desk.control.subscribers(desk.uId, MONTHLY)).toEqual([])
    expect(await subscription(MONTHLY)).toMatchObject({ status: 'INACTIVE', counts: { total: { renewing: 0, expiring: 0 } } })
  })

  it('takes the subscriptions of a person who is retired', async () => {
    await associate(['ada'])
    desk.control.retireUser(desk.uId, 'ada')
    expect(desk.control.subscribers(desk.uId, YEARLY)).toEqual([])
  })

  it('tells of what was done and of the new counts', async () => {
    const told: Record<string, unknown>[] = []
    desk = openDesk({
      fetch: async (request) => {
        const body: unknown = await request.json()
        if (isItem(body)) told.push(body)
        return new Response(null, { status: 200 })
      },
    })
    const { control, uId } = desk
    control.registerUser(uId, { clientUserId: 'ada' })
    control.setSubscriptionsEnabled(uId, true)
    control.ownSubscription(uId, YEARLY, { parentAdamId: APP, total: { renewing: 3, expiring: 1 } })
    await desk.post('/client/config', {
      notificationUrl: 'https://licenses.example/hooks/apple/1',
      notificationAuthToken: 'not-a-real-secret',
      notificationTypes: ['SUBSCRIPTION_COUNT', 'SUBSCRIPTION_MANAGEMENT'],
    })
    await desk.settle('/subscriptions/associate', { adamIds: [YEARLY], clientUserIds: ['ada'], renewing: true })
    await desk.pass(1000)
    const about = (type: string) => told.filter((body) => body['notificationType'] === type).map((body) => body['notification'])
    expect(about('SUBSCRIPTION_COUNT')).toEqual([
      {
        parentAdamId: APP,
        adamId: YEARLY,
        counts: { available: { renewing: 2, expiring: 1 }, total: { renewing: 3, expiring: 1 } },
      },
    ])
    expect(about('SUBSCRIPTION_MANAGEMENT')).toMatchObject([
      { type: 'ASSOCIATE', result: 'SUCCESS', assignments: [{ adamId: YEARLY, clientUserId: 'ada', renewing: true }] },
    ])
  })
})

describe('Turning subscriptions on', () => {
  it('needs no body, and can be undone only while none are owned', async () => {
    desk = openDesk()
    const on = await desk.post('/subscriptions/enable', undefined, { rawBody: '' })
    expect(on.body).toMatchObject({ subscriptionManagement: 'ENABLED' })
    expect((await desk.post('/subscriptions/disable', undefined, { rawBody: '' })).body).toMatchObject({
      subscriptionManagement: 'DISABLED',
    })
    await desk.post('/subscriptions/enable', undefined, { rawBody: '' })
    desk.control.ownSubscription(desk.uId, YEARLY, { parentAdamId: APP, total: { renewing: 0, expiring: 0 } })
    expect((await desk.post('/subscriptions/disable', undefined, { rawBody: '' })).body['errorNumber']).toBe(9818)
  })

  it('is for good, where the store is so', async () => {
    desk = openDesk({ switches: { subscriptionsEnabled: 'for-good' } })
    await desk.post('/subscriptions/enable', undefined, { rawBody: '' })
    expect((await desk.post('/subscriptions/disable', undefined, { rawBody: '' })).status).toBe(400)
    expect(desk.control.subscriptionsEnabled(desk.uId)).toBe(true)
  })

  it('is not for a token that may only read', async () => {
    desk.control.setPrivilege(desk.uId, 'read-only')
    expect((await desk.post('/subscriptions/enable', undefined, { rawBody: '' })).body['errorNumber']).toBe(9637)
    expect((await desk.get('/subscriptions')).status).toBe(200)
  })
})

describe('The control page and the saved state', () => {
  it('show the subscriptions of a location, and let one be bought there', async () => {
    const ask = (path: string, init?: RequestInit) => desk.sandbox.fetch(new Request(`https://vpp.example${path}`, init))
    const bought = await ask('/control/act', {
      method: 'POST',
      body: new URLSearchParams({
        act: 'own-subscription',
        location: desk.uId,
        adamId: '6500000103',
        parentAdamId: String(APP),
        renewing: '7',
        expiring: '0',
        periodEndsOn: '',
        back: `/control/locations/${desk.uId}`,
      }),
    })
    expect(bought.status).toBe(303)
    const page = await (await ask(`/control/locations/${desk.uId}`)).text()
    expect(page).toContain('6500000103')
    expect(page).toContain('7 renewing, 0 expiring')
    expect(await (await ask(`/control/api/locations/${desk.uId}/subscriptions`)).json()).toHaveLength(3)
  })

  it('comes back as it was', () => {
    desk.control.subscribeOutside(desk.uId, YEARLY, ['ada'])
    desk.control.unsubscribeOutside(desk.uId, YEARLY, ['ada'], true)
    const saved: unknown = JSON.parse(JSON.stringify(desk.control.snapshot()))
    const again = createAppleSandbox({ clock: handClock(START), chance: seededChance(2) })
    expect(again.control.restore(saved).ok).toBe(true)
    expect(again.control.subscriptions(desk.uId)).toEqual(desk.control.subscriptions(desk.uId))
    expect(again.control.subscribers(desk.uId, YEARLY)).toEqual([{ clientUserId: 'ada', renewing: true, leaving: true }])
  })

  it('the sample schools have one app with two subscriptions, the clinic none and not enabled', () => {
    const { control } = createAppleSandbox({ clock: handClock(START), chance: seededChance(3) })
    furnishApple(control, sampleOrganisation(START))
    const [first, second, ...more] = control.subscriptions(SCHOOLS_UID)
    expect(more).toEqual([])
    expect(first).toMatchObject({
      assigned: { renewing: 80, expiring: 20 },
      available: { renewing: 15, expiring: 5 },
      total: { renewing: 100, expiring: 20 },
    })
    expect(second?.parentAdamId).toBe(first?.parentAdamId)
    expect(control.subscriptions(CLINIC_UID)).toEqual([])
    expect(control.subscriptionsEnabled(CLINIC_UID)).toBe(false)
  })
})
