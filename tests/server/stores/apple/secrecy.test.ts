/** Whatever a store answers: nothing is thrown, every result is a listed one, and no byte of the token shows in it. */
import fc from 'fast-check'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../../../server/secret.ts'
import { coreNoticeTypes, laterNoticeTypes } from '../../../../server/stores/apple/notice.ts'
import { createAppleStore } from '../../../../server/stores/apple/store.ts'
import type { StoreConnection } from '../../../../server/stores/store.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { APP, CANARY, devices, drivenClock, mark, tokenFile } from './apple-link.ts'

const bearer = tokenFile()
const inForms = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('hex'),
]
/** Told back in clear by the store itself. */
const noticeSecret = 'canary-notice-secret'
const forms = [...inForms(CANARY), ...inForms(bearer), ...inForms(noticeSecret)]
const showsToken = (value: unknown): boolean => {
  const shown = `${JSON.stringify(value)} ${inspect(value, { depth: 12, showHidden: true, getters: true })}`
  return forms.some((form) => shown.includes(form))
}

const noticeUrl = 'https://licenses.example/hooks/apple/1'
const envelope = { uId: '7700000000000123', tokenExpirationDate: '2027-05-02T09:14:55+0000', mdmInfo: { ...mark } }
const paging = { currentPageIndex: 0, size: 1, totalPages: 1, versionId: 'v1' }
const good: Readonly<Record<string, unknown>> = {
  '/service/config': {
    limits: { maxSerialNumbers: 1000, maxRequestPerSecond: 15 },
    errorCodes: [{ errorNumber: 9601, errorMessage: 'x' }],
  },
  '/client/config': {
    ...envelope,
    locationName: 'Eastmere',
    countryISO2ACode: 'DE',
    defaultPlatform: 'enterprisestore',
    notificationUrl: noticeUrl,
    notificationAuthToken: noticeSecret,
    subscribedNotificationTypes: [...coreNoticeTypes, ...laterNoticeTypes],
  },
  '/assets': {
    ...envelope,
    ...paging,
    assets: [
      {
        adamId: APP,
        pricingParam: 'STDQ',
        productType: 'App',
        totalCount: 40,
        assignedCount: 33,
        availableCount: 6,
        retiredCount: 1,
        deviceAssignable: true,
        revocable: true,
        supportedPlatforms: ['iOS'],
      },
    ],
  },
  '/assignments': { ...envelope, ...paging, assignments: [{ adamId: APP, pricingParam: 'STDQ', serialNumber: 'C02ZZ0AAAA01' }] },
  '/assets/associate': { ...envelope, eventId: '5d6a7c1e-0000-4000-8000-00000000a001' },
  '/status': {
    ...envelope,
    eventStatus: 'FAILED',
    eventType: 'ASSOCIATE',
    numRequested: 3,
    numCompleted: 2,
    failures: [{ errorNumber: 9709, errorMessage: 'x', errorInfo: { assets: [{ adamId: APP }], serialNumbers: ['C02ZZ0AAAA03'] } }],
  },
  '/lookup': {
    results: { [APP]: { id: APP, name: 'Notes', artistName: 'x', kind: 'iosSoftware', artwork: { url: 'https://i.example/{w}' } } },
  },
}

const connectTo = (answer: (path: string) => Response) => {
  const clock = drivenClock()
  const store = createAppleStore({ appsBooksUrl: 'http://store.test/mdm/v2', metadataUrl: 'http://store.test/lookup' })
  const read = store.readCredential({ contentToken: bearer }, clock.now())
  if (!read.ok) throw new Error(read.error.reason)
  const fetch: typeof globalThis.fetch = (input) =>
    Promise.resolve(answer(new URL(input instanceof Request ? input.url : input).pathname.replace('/mdm/v2', '')))
  return { clock, connection: store.connect({ clock, chance: seededChance(5), fetch }, read.value.secret, mark) }
}

const everything = (connection: StoreConnection): readonly (() => Promise<{ readonly ok: boolean }>)[] => [
  () => connection.identify(),
  () => connection.limits(),
  () => connection.listen({ url: noticeUrl, secret: Secret.of(noticeSecret) }),
  () => connection.listen(null),
  () => connection.readLicenses(),
  () => connection.readLicense(APP, 'STDQ'),
  () => connection.readSeats(null, { begin: () => undefined, page: () => undefined }),
  () => connection.readSeats('v0', { begin: () => undefined, page: () => undefined }),
  () => connection.readSeatsOf(APP, 'STDQ'),
  () => connection.describe([APP], 'DE'),
  () => connection.write({ action: 'associate', products: [{ productId: APP, pricing: null }], holders: devices(1) }),
  () => connection.orderStatus('5d6a7c1e', []),
  () => connection.claim(),
]

/** Every place of a JSON value, as the way to it. */
const placesIn = (value: unknown, way: readonly string[] = []): readonly (readonly string[])[] =>
  typeof value === 'object' && value !== null
    ? [way, ...Object.entries(value).flatMap(([name, member]) => placesIn(member, [...way, name]))]
    : [way]

const replaced = (value: unknown, [name, ...way]: readonly string[], by: unknown): unknown => {
  if (name === undefined) return by
  if (Array.isArray(value)) return value.map((item: unknown, at) => (String(at) === name ? replaced(item, way, by) : item))
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, key === name ? replaced(member, way, by) : member]))
    : value
}

/** An odd value for one member, or nothing at all: an undefined member is left out of the JSON. */
const oddity = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    0,
    -1,
    1e300,
    2 ** 53,
    '2147483647',
    true,
    [],
    {},
    [null],
    [[]],
    { __proto__: null },
    9622,
    'PENDING',
  ),
  fc.jsonValue({ maxDepth: 2 }),
)

test('one member of one answer after the other is replaced by something odd', async () => {
  const paths = Object.keys(good)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.nat(),
      oddity,
      fc.constantFrom(200, 200, 200, 400, 503),
      async (path, nth, odd, status) => {
        const places = placesIn(good[path])
        const body = JSON.stringify(replaced(good[path], places[nth % places.length] ?? [], odd)) ?? ''
        const { clock, connection } = connectTo((asked) =>
          asked === path ? new Response(body, { status }) : new Response(JSON.stringify(good[asked] ?? {})),
        )
        for (const act of everything(connection)) {
          const result = await clock.run(act())
          expect(typeof result.ok).toBe('boolean')
          expect(showsToken(result)).toBe(false)
        }
      },
    ),
    { numRuns: 300 },
  )
}, 60_000)

test('answers that echo the token back: in errors, in pages, in headers', async () => {
  const echo = forms.join(' ')
  const echoes: readonly (() => Response)[] = [
    () => new Response(JSON.stringify({ errorNumber: 9999, errorMessage: echo, errorInfo: { echo } }), { status: 400 }),
    () => new Response(JSON.stringify({ errorNumber: echo }), { status: 200 }),
    () => new Response(`<html>${echo}</html>`, { status: 502 }),
    () => new Response(echo, { status: 200 }),
    () => new Response(null, { status: 307, headers: { location: `http://store.test/?${encodeURIComponent(echo)}` } }),
    () => new Response('', { status: 503, headers: { 'retry-after': bearer } }),
    () =>
      new Response(JSON.stringify({ assets: echo, assignments: echo, eventStatus: echo, numRequested: echo, eventId: {}, results: echo })),
    () => {
      throw new TypeError(`fetch failed for Bearer ${bearer}`, {
        cause: Object.assign(new Error(echo), { code: bearer, headers: { authorization: bearer } }),
      })
    },
  ]
  for (const answer of echoes) {
    const { clock, connection } = connectTo(answer)
    for (const act of everything(connection)) {
      const result = await clock.run(act())
      expect(result.ok ? [] : [result, showsToken(result)]).not.toContain(true)
    }
  }
})

test('a connection does not show its token when it is printed', () => {
  const { connection } = connectTo(() => new Response('{}'))
  expect(showsToken(connection)).toBe(false)
  expect(showsToken(createAppleStore({ appsBooksUrl: 'http://store.test/mdm/v2', metadataUrl: 'http://store.test/lookup' }))).toBe(false)
})

test('good answers are read as they are: the odd ones above are odd by their oddity alone', async () => {
  const { clock, connection } = connectTo((asked) => new Response(JSON.stringify(good[asked] ?? {})))
  for (const act of everything(connection)) expect((await clock.run(act())).ok).toBe(true)
})
