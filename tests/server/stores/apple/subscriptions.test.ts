/** Subscriptions over real HTTP: docs/stores/apple-apps-and-books.md, 2.15. */
import { expect, test } from 'vitest'
import type { StoreSubscriptions, WriteRequest } from '../../../../server/stores/store.ts'
import { failureIn, mustBeOk, openOddLink, openSandboxLink, type OddAnswer, type SandboxLink } from './apple-link.ts'

const APP = 6_440_000_001
const YEARLY = 6_500_000_101
const people = ['ada', 'ben', 'cem', 'dana', 'eli', 'fay', 'gus']

const openWithSubscription = async (switches: Parameters<typeof openSandboxLink>[0] = {}): Promise<SandboxLink> => {
  const link = await openSandboxLink(switches)
  const { control, uId } = link
  for (const clientUserId of people) control.registerUser(uId, { clientUserId })
  control.setSubscriptionsEnabled(uId, true)
  control.ownSubscription(uId, YEARLY, {
    parentAdamId: APP,
    total: { renewing: 5, expiring: 2 },
    periodEndsOn: '2026-12-10',
    name: 'Yearly',
  })
  return link
}
const of = ({ connection }: { readonly connection: { readonly subscriptions: StoreSubscriptions | undefined } }): StoreSubscriptions => {
  if (connection.subscriptions === undefined) throw new Error('the store has no subscriptions')
  return connection.subscriptions
}
const read = async (link: SandboxLink) => await link.clock.run(of(link).read())
const write = async (link: SandboxLink, request: WriteRequest) => {
  const { reference } = mustBeOk(await link.connection.write(request))
  link.control.finishEvents()
  return mustBeOk(await link.connection.orderStatus(reference, []))
}
const assign = (keys: readonly string[], renewing = true): WriteRequest => ({
  action: 'assign-subscription',
  subscriptionId: String(YEARLY),
  renewing,
  keys,
})
const remove = (keys: readonly string[], deferred = false): WriteRequest => ({
  action: 'remove-subscription',
  subscriptionId: String(YEARLY),
  deferred,
  keys,
})

test('subscriptions are read with their period, both counts of each kind, and ids as text', async () => {
  await using link = await openWithSubscription()
  link.control.subscribeOutside(link.uId, YEARLY, ['ada', 'ben'])
  link.control.subscribeOutside(link.uId, YEARLY, ['cem'], false)
  expect(mustBeOk(await read(link))).toEqual({
    enabled: null,
    subscriptions: [
      {
        subscriptionId: String(YEARLY),
        parentId: String(APP),
        name: '',
        status: 'active',
        periodEndsOn: '2026-12-10',
        total: { renewing: 5, expiring: 2 },
        assigned: { renewing: 2, expiring: 1 },
        available: { renewing: 3, expiring: 1 },
      },
    ],
  })
})

test('a name and whether subscriptions are on are taken where the store tells them', async () => {
  await using link = await openWithSubscription({ subscriptionNames: 'told', subscriptionManagement: 'always' })
  expect(mustBeOk(await read(link))).toMatchObject({ enabled: true, subscriptions: [{ name: 'Yearly' }] })
})

test('a location without any has an empty list, and one that is not offered them has none at all', async () => {
  await using link = await openSandboxLink()
  expect(mustBeOk(await read(link))).toEqual({ subscriptions: [], enabled: null })
  for (const subscriptionService of ['not-found', 'no-longer-offered'] as const) {
    link.control.setSwitches({ subscriptionService })
    expect(mustBeOk(await read(link))).toBeUndefined()
  }
})

test('null for the owner in these answers does not make the location look unclaimed', async () => {
  await using link = await openWithSubscription()
  mustBeOk(await link.connection.claim())
  link.control.setOwner(link.uId, { id: 'other', name: 'Fleetline', metadata: 'fleetline.example' })
  mustBeOk(await read(link))
  expect(failureIn(await link.connection.write(assign(['ada'])))).toMatchObject({ is: 'foreign-owner', owner: { name: 'Fleetline' } })
  expect(failureIn(await link.clock.run(of(link).enable()))).toMatchObject({ is: 'foreign-owner' })
})

test('everybody who has one is found over all pages, each once', async () => {
  await using link = await openWithSubscription()
  link.control.subscribeOutside(link.uId, YEARLY, people.slice(0, 5))
  link.control.subscribeOutside(link.uId, YEARLY, ['fay'], false)
  const subscribers = mustBeOk(await link.clock.run(of(link).readSubscribers(String(YEARLY))))
  expect(subscribers.map(({ key, renewing }) => `${key} ${renewing}`)).toEqual([
    'ada true',
    'ben true',
    'cem true',
    'dana true',
    'eli true',
    'fay false',
  ])
  expect(link.asked('/subscriptions/assignments')).toBe(2)
})

test('a cursor that the store no longer takes begins the walk again, and not for ever', async () => {
  await using link = await openWithSubscription()
  link.control.subscribeOutside(link.uId, YEARLY, people.slice(0, 5))
  link.control.faults.arm({ fault: { is: 'page-out-of-range' }, endpoint: 'subscription-assignments', times: 2, skip: 1 })
  expect(mustBeOk(await link.clock.run(of(link).readSubscribers(String(YEARLY))))).toHaveLength(5)
  link.control.clearRequests()
  link.control.faults.arm({ fault: { is: 'page-out-of-range' }, endpoint: 'subscription-assignments' })
  expect(failureIn(await link.clock.run(of(link).readSubscribers(String(YEARLY))))).toEqual({ is: 'store-changed-meanwhile' })
  expect(link.asked('/subscriptions/assignments')).toBe(8)
})

test('a cursor that leads back is no endless walk, and an empty page with a next one is no end', async () => {
  await using link = await openWithSubscription()
  link.control.subscribeOutside(link.uId, YEARLY, people.slice(0, 5))
  link.control.faults.arm({ fault: { is: 'empty-page' }, endpoint: 'subscription-assignments', times: 1 })
  expect(mustBeOk(await link.clock.run(of(link).readSubscribers(String(YEARLY))))).toHaveLength(5)
  link.control.faults.arm({ fault: { is: 'page-loop' }, endpoint: 'subscription-assignments' })
  expect(failureIn(await link.clock.run(of(link).readSubscribers(String(YEARLY))))).toMatchObject({ is: 'store-answer-unreadable' })
})

const answering = (body: OddAnswer) =>
  openOddLink(({ path }) => (path.startsWith('/subscriptions') ? body : path === '/client/config' ? { body: { uId: '1' } } : undefined))

test('a state and members that nobody published are kept and left alone', async () => {
  await using link = await answering({
    body: {
      mdmInfo: null,
      subscriptions: [
        { adamId: '55502', status: 'SUSPENDED', counts: { total: { renewing: 4 }, assigned: { renewing: 3, expiring: -1 } }, zz: 1 },
        { adamId: 55503, parentAdamId: 55501, status: 'PAUSED', periodEndDate: '2026-12-31T00:00:00Z', counts: null },
      ],
    },
  })
  expect(mustBeOk(await link.clock.run(of(link).read()))?.subscriptions).toEqual([
    {
      subscriptionId: '55502',
      parentId: '',
      name: '',
      status: 'unknown',
      periodEndsOn: null,
      total: { renewing: 4, expiring: 0 },
      assigned: { renewing: 3, expiring: 0 },
      available: { renewing: 1, expiring: 0 },
    },
    expect.objectContaining({
      subscriptionId: '55503',
      status: 'paused',
      periodEndsOn: '2026-12-31',
      available: { renewing: 0, expiring: 0 },
    }),
  ])
})

test('a body of another kind is not an empty list, and one that says there is nothing of the kind is', async () => {
  await using odd = await answering({ body: { uId: '1' } })
  expect(failureIn(await odd.clock.run(of(odd).read()))).toMatchObject({ is: 'store-answer-unreadable' })
  await using none = await answering({ body: { uId: '1', subscriptionManagement: 'NOT_AVAILABLE' } })
  expect(mustBeOk(await none.clock.run(of(none).read()))).toBeUndefined()
  await using forbidden = await answering({ status: 403, body: { errorNumber: 9637, errorMessage: 'no' } })
  expect(mustBeOk(await forbidden.clock.run(of(forbidden).read()))).toBeUndefined()
  await using broken = await answering({ status: 401, body: { errorNumber: 9625, errorMessage: 'no' } })
  expect(failureIn(await broken.clock.run(of(broken).read()))).toMatchObject({ is: 'credential-invalid' })
})

test('people are given one and it is taken back, at once or when the period ends', async () => {
  await using link = await openWithSubscription()
  expect(await write(link, assign(['ada', 'ben']))).toEqual({ is: 'done' })
  expect(await write(link, assign(['cem'], false))).toEqual({ is: 'done' })
  expect(await write(link, remove(['ada']))).toEqual({ is: 'done' })
  expect(await write(link, remove(['ben'], true))).toEqual({ is: 'done' })
  const subscribers = mustBeOk(await link.clock.run(of(link).readSubscribers(String(YEARLY))))
  expect(subscribers).toEqual([
    { key: 'ben', renewing: false },
    { key: 'cem', renewing: false },
  ])
  link.clock.jump(20 * 86_400_000)
  expect(mustBeOk(await link.clock.run(of(link).readSubscribers(String(YEARLY))))).toEqual([])
})

test('when too few are left the event names who got none', async () => {
  await using link = await openWithSubscription()
  const status = await write(link, assign(['ada', 'ben', 'cem'], false))
  expect(status).toMatchObject({
    is: 'failed',
    complete: true,
    failures: [{ code: 'no-seat-left', holders: [{ kind: 'user', key: 'cem' }] }],
  })
})

test('a call names whole numbers and each person once, and never more people than the limit', async () => {
  await using link = await openOddLink(({ method, path }) =>
    method === 'POST'
      ? { body: { eventId: 'e1' } }
      : path === '/client/config'
        ? { body: { uId: '1' } }
        : path === '/service/config'
          ? { body: { limits: { maxSubscriptionClientUserIds: 2 } } }
          : undefined,
  )
  mustBeOk(await link.connection.limits())
  mustBeOk(await link.connection.write(assign(['ada', ' ada ', 'ben'])))
  expect(JSON.parse(link.asked.find(({ method }) => method === 'POST')?.body ?? '')).toEqual({
    adamIds: [YEARLY],
    clientUserIds: ['ada', 'ben'],
    renewing: true,
  })
  expect(failureIn(await link.connection.write(remove(['ada', 'ben', 'cem'])))).toEqual({ is: 'over-limit' })
  expect(link.asked.filter(({ method }) => method === 'POST')).toHaveLength(1)
})

test('both numbers for too many subscriptions have the limits read again', async () => {
  for (const tooManySubscriptions of ['9816', '9805'] as const) {
    await using link = await openWithSubscription({ tooManySubscriptions })
    mustBeOk(await link.connection.limits())
    link.control.setLimits({ maxSubscriptions: 0 })
    expect(failureIn(await link.connection.write(assign(['ada'])))).toEqual({ is: 'over-limit' })
  }
})

test.each([
  [9811, '9811'],
  [9813, '9813'],
  [9814, 'user-not-registered'],
  [9815, '9815'],
  [9817, '9817'],
])('a refusal with %i says what it means and that nothing was changed', async (errorNumber, code) => {
  await using link = await openWithSubscription()
  link.control.faults.arm({ fault: { is: 'apple-error', errorNumber }, endpoint: 'associate-subscriptions' })
  const failure = failureIn(await link.connection.write(assign(['ada'])))
  expect(failure).toMatchObject({ is: 'store-refused', code })
  // Whether it is because of single people, so that fewer at once would tell whom.
  expect(Reflect.get(Object(failure), 'ofSome')).toBe([9814, 9815, 9817].includes(errorNumber) ? true : undefined)
})

test('a call of which nothing was heard is a question, and is not sent again', async () => {
  await using link = await openWithSubscription()
  link.control.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate-subscriptions', times: 1 })
  expect(failureIn(await link.connection.write(assign(['ada'])))).toMatchObject({ is: 'outcome-unknown' })
  link.control.finishEvents()
  expect(mustBeOk(await link.clock.run(of(link).readSubscribers(String(YEARLY))))).toEqual([{ key: 'ada', renewing: true }])
  expect(link.asked('/subscriptions/associate')).toBe(1)
})

test('subscriptions are turned on without a body, and off again only while none are owned', async () => {
  await using link = await openSandboxLink()
  expect(mustBeOk(await link.clock.run(of(link).enable()))).toBe(true)
  expect(link.control.subscriptionsEnabled(link.uId)).toBe(true)
  expect(mustBeOk(await link.clock.run(of(link).disable()))).toBe(false)
  mustBeOk(await link.clock.run(of(link).enable()))
  link.control.ownSubscription(link.uId, YEARLY, { parentAdamId: APP, total: { renewing: 1, expiring: 0 } })
  expect(failureIn(await link.clock.run(of(link).disable()))).toMatchObject({ is: 'store-refused', code: '9818' })
})

test('an answer that does not say how it is now is taken for what was asked', async () => {
  await using link = await answering({ body: { subscriptionManagement: { since: 'today' } } })
  expect(mustBeOk(await link.clock.run(of(link).enable()))).toBe(true)
  expect(link.asked.find(({ method }) => method === 'POST')).toMatchObject({ body: '', headers: { 'content-type': 'application/json' } })
  expect(mustBeOk(await link.clock.run(of(link).disable()))).toBe(false)
})

test('those who manage a subscription at the store are told', async () => {
  await using link = await answering({
    body: {
      admins: [
        { adamId: YEARLY, clientUserId: 'ada' },
        { adamId: 5, clientUserId: 'ben' },
      ],
    },
  })
  expect(mustBeOk(await link.clock.run(of(link).readAdmins(String(YEARLY))))).toEqual(['ada'])
})
