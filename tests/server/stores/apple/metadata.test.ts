/** Names and icons, over real HTTP. Case numbers are those of docs/stores/apple-apps-and-books.md, section 8. */
import { expect, test } from 'vitest'
import type { Product } from '../../../../server/sandbox/apple/state.ts'
import { failureIn, mustBeOk, openOddLink, openSandboxLink, tokenFile, type Asked, type OddAnswer } from './apple-link.ts'

const product = (members: Partial<Product> = {}): Omit<Product, 'adamId'> => ({
  name: 'Sample Notes',
  publisher: 'Sample GmbH',
  kind: 'iosSoftware',
  genres: ['Productivity'],
  price: 0,
  ...members,
})
const looking = (answer: (asked: Asked) => OddAnswer) => openOddLink((asked) => (asked.path === '/lookup' ? answer(asked) : undefined))

test('names, publishers, kinds, prices and where icons are come from the look-up; what it does not know is left out', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, '1', { total: 1, product: product() })
  link.control.own(link.uId, '2', { total: 1, product: product({ name: 'A Book', kind: 'epubBook', price: 4.99 }) })
  const described = mustBeOk(await link.connection.describe(['1', '2', '99', '1'], 'DE'))
  expect(described).toEqual([
    {
      productId: '1',
      name: 'Sample Notes',
      publisher: 'Sample GmbH',
      kind: 'app',
      bundleId: 'example.app1',
      deviceFamilies: ['iPhone', 'iPad'],
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      price: { amount: 0, currency: null, formatted: 'Gratis' },
      storefront: 'DE',
      iconSource: `${link.sandbox.url}/artwork/1/128x128bb.png`,
    },
    {
      productId: '2',
      name: 'A Book',
      publisher: 'Sample GmbH',
      kind: 'book',
      bundleId: null,
      deviceFamilies: [],
      version: null,
      price: { amount: 4.99, currency: null, formatted: '4,99\u00a0€' },
      storefront: 'DE',
      iconSource: `${link.sandbox.url}/artwork/2/128x128bb.png`,
    },
  ])
})

test('a custom app is seen with the token, which is shown for nothing else', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, '1', { total: 1, product: product() })
  link.control.own(link.uId, '2', { total: 1, product: product({ name: 'Ward Round', customFor: [link.uId] }) })
  const described = mustBeOk(await link.connection.describe(['1', '2'], 'DE'))
  expect(described.map(({ name, kind }) => [name, kind])).toEqual([
    ['Sample Notes', 'app'],
    ['Ward Round', 'custom-app'],
  ])
  await using seen = await looking(({ query, headers }) => ({
    body: {
      results:
        headers.cookie === undefined
          ? { 1: { name: 'Open' } }
          : Object.fromEntries((query.get('id') ?? '').split(',').map((id) => [id, { name: id }])),
    },
  }))
  expect(mustBeOk(await seen.connection.describe(['1', '2'], 'DE'))).toHaveLength(2)
  expect(seen.asked.map(({ query, headers }) => [query.get('id'), headers.cookie, headers.authorization])).toEqual([
    ['1,2', undefined, undefined],
    ['2', `itvt=${tokenFile()}`, undefined],
  ])
})

test('the call carries what the look-up asks for, with the country and the sort of shop of the location', async () => {
  await using link = await openOddLink(({ path }) =>
    path === '/client/config'
      ? { body: { uId: '1', defaultPlatform: 'volumestore' } }
      : path === '/lookup'
        ? { body: { results: {} } }
        : undefined,
  )
  await link.connection.identify()
  await link.connection.describe(['900000011'], 'DE')
  const [asked] = link.asked.filter(({ path }) => path === '/lookup')
  expect(Object.fromEntries(asked?.query ?? [])).toEqual({
    version: '2',
    p: 'mdm-lockup',
    caller: 'MDM',
    platform: 'volumestore',
    cc: 'de',
    id: '900000011',
  })
})

test('fifty ids go into one call, and a call goes out once a second', async () => {
  const at: number[] = []
  await using link = await looking(({ query }) => {
    at.push(link.clock.now())
    return { body: { results: Object.fromEntries((query.get('id') ?? '').split(',').map((id) => [id, { name: `App ${id}` }])) } }
  })
  const ids = Array.from({ length: 120 }, (_, n) => String(n + 1))
  expect(mustBeOk(await link.connection.describe(ids, 'DE'))).toHaveLength(120)
  expect(link.asked.map(({ query }) => query.get('id')?.split(',').length)).toEqual([50, 50, 20])
  expect(at.slice(1).map((ms, n) => ms - (at[n] ?? 0))).toEqual([1000, 1000])
})

test('an id that could change the request is not asked for', async () => {
  await using link = await looking(() => ({ body: { results: {} } }))
  expect(mustBeOk(await link.connection.describe(['1&cc=us', '2,3', '', '../x'], 'DE'))).toEqual([])
  expect(link.asked).toEqual([])
})

test('case 22: artwork as a list, odd entries and missing members', async () => {
  await using link = await looking(() => ({
    body: {
      results: {
        1: {
          id: 1,
          name: 'Notes',
          artwork: [
            { url: 'https://img.example/64.png', width: 64 },
            { url: 'https://img.example/512.png', width: 512 },
            { url: 'https://img.example/128.png', width: '128' },
          ],
        },
        2: null,
        3: { artistName: 'Nameless' },
        4: { name: 'Script', kind: 'iosSoftware', artwork: { url: 'javascript:alert(1)' } },
        5: { name: 'Plain', artwork: { url: 'http://img.example/{w}.png' } },
        6: { name: 'Crop', kind: 'desktopApp', artwork: { url: 'https://img.example/{w}x{h}{c}.{f}' } },
        7: { name: ['no', 'text'] },
        8: { name: 'Not asked for' },
      },
    },
  }))
  const described = mustBeOk(await link.connection.describe(['1', '2', '3', '4', '5', '6', '7'], 'DE'))
  expect(described.map(({ productId, kind, iconSource }) => [productId, kind, iconSource])).toEqual([
    ['1', null, 'https://img.example/128.png'],
    ['4', 'app', null],
    ['5', null, null],
    ['6', 'app', 'https://img.example/128x128bb.png'],
  ])
})

test.each([
  ['429 with an HTML page', { status: 429, headers: { 'retry-after': '30' }, body: '<html>' }, { is: 'store-busy', retryAfterMs: 30_000 }],
  ['429 without a time', { status: 429, body: '<html>' }, { is: 'store-busy', retryAfterMs: 60_000 }],
  ['an HTML page with 502', { status: 502, body: '<html>' }, { is: 'store-unreachable' }],
  ['an HTML page with 200', { body: '<html>' }, { is: 'store-answer-unreadable' }],
  ['a wrong call', { status: 400, body: { status: 7012 } }, { is: 'store-answer-unreadable' }],
  ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, { is: 'store-answer-unreadable' }],
  ['a broken line', { cut: 'at-once' as const }, { is: 'store-unreachable' }],
  ['silence', { never: true as const }, { is: 'store-unreachable' }],
])('case 22: %s is a failure of the names alone', async (_what, answer, failure) => {
  await using link = await openOddLink(({ path }) =>
    path === '/lookup' ? answer : path === '/assets' ? { body: { assets: [] } } : undefined,
  )
  expect(failureIn(await link.connection.describe(['1'], 'DE'))).toMatchObject(failure)
  expect(link.asked).toHaveLength(1)
  // Counts go on at once: the look-up's trouble is no pause of the location.
  const at = link.clock.now()
  expect((await link.connection.readLicenses()).ok).toBe(true)
  expect(link.clock.now() - at).toBeLessThan(1000)
})

test('names that were found before a later call failed are kept', async () => {
  await using link = await looking(({ n }) =>
    n === 1 ? { body: { results: Object.fromEntries(Array.from({ length: 50 }, (_, id) => [id + 1, { name: 'x' }])) } } : { status: 500 },
  )
  const ids = Array.from({ length: 60 }, (_, n) => String(n + 1))
  expect(mustBeOk(await link.connection.describe(ids, 'DE'))).toHaveLength(50)
})

// ---- The public look-up ----

const withPublic = async (answer: (asked: Asked) => OddAnswer) =>
  await openOddLink((asked) => (asked.path === '/lookup' || asked.path === '/public' ? answer(asked) : undefined), undefined, {
    withPublicLookup: true,
  })

test('what the one look-up does not tell is asked of the public one, without the token and with the country', async () => {
  await using link = await withPublic(({ path }) =>
    path === '/lookup'
      ? { body: { meta: { storefront: { cc: 'DE' } }, results: { 1: { name: 'Notes' } } } }
      : {
          headers: { 'content-type': 'text/javascript; charset=utf-8' },
          body: {
            resultCount: 2,
            results: [
              {
                trackId: 2,
                trackName: 'Algebra',
                artistName: 'NP',
                kind: 'ebook',
                price: 4.99,
                currency: 'EUR',
                formattedPrice: '4,99 €',
                artworkUrl100: 'https://img.example/100.jpg',
              },
              { trackId: 3, bundleId: 'nameless' },
              'odd',
              null,
            ],
          },
        },
  )
  const described = mustBeOk(await link.connection.describe(['1', '2', '3'], 'DE'))
  expect(
    described.map(({ productId, name, kind, price, storefront, iconSource }) => [productId, name, kind, price, storefront, iconSource]),
  ).toEqual([
    ['1', 'Notes', null, null, 'DE', null],
    ['2', 'Algebra', 'book', { amount: 4.99, currency: 'EUR', formatted: '4,99 €' }, 'DE', 'https://img.example/100.jpg'],
  ])
  const [asked] = link.asked.filter(({ path }) => path === '/public')
  expect(Object.fromEntries(asked?.query ?? [])).toEqual({ id: '2,3', country: 'de' })
  expect([asked?.headers.cookie, asked?.headers.authorization]).toEqual([undefined, undefined])
})

test('while the one look-up is down the public one tells names, and nobody hears of a failure', async () => {
  await using link = await withPublic(({ path }) =>
    path === '/lookup' ? { status: 502, body: '<html>' } : { body: { results: [{ trackId: 1, trackName: 'Notes' }] } },
  )
  expect(mustBeOk(await link.connection.describe(['1'], 'DE'))).toMatchObject([{ productId: '1', name: 'Notes', storefront: 'DE' }])
})

test('when both are down the failure is that of the first', async () => {
  await using link = await withPublic(({ path }) =>
    path === '/lookup' ? { status: 429, headers: { 'retry-after': '90' }, body: '<html>' } : { status: 429, body: '<html>' },
  )
  expect(failureIn(await link.connection.describe(['1'], 'DE'))).toMatchObject({ is: 'store-busy', retryAfterMs: 90_000 })
})

test('the public one is asked at most once in four seconds, and never when nobody named it', async () => {
  const at: number[] = []
  await using link = await withPublic(({ path }) => {
    if (path === '/public') at.push(link.clock.now())
    return { body: { results: path === '/public' ? [] : {} } }
  })
  const ids = Array.from({ length: 120 }, (_, n) => String(n + 1))
  expect(mustBeOk(await link.connection.describe(ids, 'DE'))).toEqual([])
  expect(at).toHaveLength(3)
  expect(at.slice(1).every((ms, n) => ms - (at[n] ?? 0) >= 4000)).toBe(true)
  await using alone = await looking(() => ({ body: { results: {} } }))
  await alone.connection.describe(['1'], 'DE')
  expect(alone.asked.map(({ path }) => path)).toEqual(['/lookup', '/lookup'])
})
