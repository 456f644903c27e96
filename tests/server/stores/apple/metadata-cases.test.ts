/** Case 22 of docs/stores/apple-apps-and-books.md, section 8, through the whole product: the store over real HTTP. */
import { expect, test, vi } from 'vitest'
import type { Product } from '../../../../server/sandbox/apple/state.ts'
import { DAY, HOUR, MINUTE, openHouse, type AppleHouse } from './cases/apple-house.ts'

// Days pass in some of them, each with syncs over real HTTP.
vi.setConfig({ testTimeout: 60_000 })

const notes = '900000011'
const ward = '900000012'
const reader = '900000013'

const twiceADay = 12 * 60

const product = (members: Partial<Product> = {}): Omit<Product, 'adamId'> => ({
  name: 'Sample Notes',
  publisher: 'Sample GmbH',
  kind: 'iosSoftware',
  genres: ['Productivity'],
  price: 4.99,
  ...members,
})

/** Names and icons that are under way come to their end. */
const settle = async (house: AppleHouse): Promise<void> => await house.clock.run(house.composed().house.idle())
const lookups = (house: AppleHouse) => house.store.requests().filter(({ endpoint }) => endpoint === 'lookup')
const askedIds = (house: AppleHouse): readonly string[] =>
  lookups(house).flatMap(({ path }) => (new URLSearchParams(path.split('?')[1]).get('id') ?? '').split(','))

/** Sees every request as it leaves; false: nobody ever answers it. */
const onTheWay = (house: AppleHouse, isAnswered: (url: URL, headers: Headers) => boolean): void => {
  const fetched = house.clock.fetch
  Object.assign(house.clock, {
    fetch: (async (input, init) =>
      isAnswered(new URL(input instanceof Request ? input.url : input), new Headers(init?.headers))
        ? await fetched(input, init)
        : await new Promise<never>(() => undefined)) satisfies typeof globalThis.fetch,
  })
}

/** Three products of a Location in Germany, each ten times. */
const openGermany = async (options: { readonly trouble?: (house: AppleHouse) => void; readonly syncIntervalMinutes?: number } = {}) => {
  const house = await openHouse({ syncIntervalMinutes: options.syncIntervalMinutes ?? 60 })
  const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin', organisation: 'Eastmere', country: 'DE' })
  house.store.own(uId, notes, { total: 10, product: product() })
  house.store.own(uId, ward, { total: 10, product: product({ name: 'Ward Round', price: 0 }) })
  house.store.own(uId, reader, { total: 10, product: product({ name: 'A Reader', kind: 'epubBook', price: 12.99 }) })
  options.trouble?.(house)
  const id = await house.connect('Berlin', tokenFile)
  await settle(house)
  return Object.assign(house, { uId, id, tokenFile })
}
const shown = async (house: AppleHouse & { readonly id: string }) =>
  Object.fromEntries((await house.licenses(house.id)).map(({ product: { id, name } }) => [id, name]))
const named = { [notes]: 'Sample Notes', [ward]: 'Ward Round', [reader]: 'A Reader' }
const numbered = { [notes]: notes, [ward]: ward, [reader]: reader }
/** What a sync says, with names aside. */
const isCounted = async (house: AppleHouse & { readonly id: string }, total: number) => {
  expect(await house.sync(house.id)).toMatchObject({ state: 'succeeded', error: null })
  expect(await house.license(house.id, notes)).toMatchObject({ total, available: total })
}

test('case 22: names, prices, versions and icons come after the counts, and the sync has not waited for them', async () => {
  await using house = await openGermany()
  expect(await shown(house)).toEqual(named)
  const license = await house.license(house.id, notes)
  expect(license.product).toMatchObject({
    publisher: 'Sample GmbH',
    bundleId: 'example.app900000011',
    deviceFamilies: ['iPhone', 'iPad'],
    version: expect.any(String),
    price: { amount: 4.99, currency: null, formatted: '4,99\u00a0€', storefront: 'DE', asOf: expect.stringMatching(/^2026-11-24T/) },
    iconUrl: expect.stringMatching(/^\/icons\/[0-9a-f]{32}\.webp$/),
  })
  expect((await house.license(house.id, reader)).product).toMatchObject({ kind: 'book', bundleId: null, deviceFamilies: [], version: null })
  // A look-up that never answers holds up neither this sync nor the next.
  let unanswered = 0
  onTheWay(house, (url) => {
    if (url.pathname.endsWith('/lookup')) unanswered += 1
    return !url.pathname.endsWith('/lookup')
  })
  house.store.own(house.uId, '900000099', { total: 1, product: product({ name: 'Late' }) })
  const begun = house.clock.now()
  await isCounted(house, 10)
  await isCounted(house, 10)
  expect(house.clock.now() - begun).toBeLessThan(MINUTE)
  expect(unanswered).toBe(1)
})

test('case 22: an empty answer takes no name away, and what was never told shows its number', async () => {
  await using house = await openGermany({
    syncIntervalMinutes: twiceADay,
    trouble: ({ store }) => void store.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'lookup' }),
  })
  expect(await shown(house)).toEqual(numbered)
  house.store.faults.clear()
  await house.settle(1.6 * DAY)
  await settle(house)
  expect(await shown(house)).toEqual(named)
  house.store.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'lookup' })
  await house.settle(10 * DAY)
  await settle(house)
  expect(await shown(house)).toEqual(named)
  expect((await house.license(house.id, notes)).product.iconUrl).not.toBeNull()
})

test('case 22: an id that is missing is shown by its number, counted like the others, and asked again a day later', async () => {
  await using house = await openGermany({ trouble: ({ store }) => store.setSwitches({ lookupHides: [ward] }) })
  expect(await shown(house)).toEqual({ ...named, [ward]: ward })
  expect(await house.license(house.id, ward)).toMatchObject({ total: 10, product: { price: null, iconUrl: null } })
  house.store.setSwitches({ lookupHides: [] })
  house.store.clearRequests()
  await house.settle(22 * HOUR)
  await settle(house)
  expect(askedIds(house)).toEqual([])
  await house.restart()
  await house.sync(house.id)
  await settle(house)
  // The server remembers across a restart that it has asked.
  expect(askedIds(house)).toEqual([])
  await house.settle(3 * HOUR)
  await settle(house)
  expect(askedIds(house)).toEqual([ward])
  expect(await shown(house)).toEqual(named)
})

test('case 22: artwork as a template, as a list of sizes, and none at all', async () => {
  for (const artwork of ['template', 'list', 'none'] as const) {
    await using house = await openGermany({ trouble: ({ store }) => store.setSwitches({ artwork }) })
    const { iconUrl, name } = (await house.license(house.id, notes)).product
    expect(name).toBe('Sample Notes')
    if (artwork === 'none') expect(iconUrl).toBeNull()
    else expect(iconUrl).toMatch(/^\/icons\//)
    const pictures = new Set(
      house.store
        .requests()
        .filter(({ endpoint }) => endpoint === 'artwork')
        .map(({ path }) => path.split('/').at(-1)),
    )
    expect([...pictures]).toEqual({ template: ['128x128bb.png'], list: ['256x256bb.png'], none: [] }[artwork])
  }
})

test('case 22: a storefront that fell back to the US is noticed, and the price says which one it is of', async () => {
  await using house = await openGermany({ trouble: ({ store }) => store.setSwitches({ lookupStorefront: 'always-us' }) })
  expect((await house.license(house.id, notes)).product.price).toMatchObject({ storefront: 'US', formatted: '$4.99' })
  // A Location in a country that the shop does not know at all.
  const { uId, tokenFile } = house.store.addLocation({ name: 'Vaduz', country: 'LI' })
  house.store.setSwitches({ lookupStorefront: 'as-asked' })
  house.store.own(uId, notes, { total: 1 })
  const vaduz = await house.connect('Vaduz', tokenFile)
  await settle(house)
  expect((await house.license(vaduz, notes)).product.price).toMatchObject({ storefront: 'US' })
})

test('case 22: 429 with an HTML page stops the asking, not the counting', async () => {
  await using house = await openGermany({
    trouble: ({ store }) => void store.faults.arm({ fault: { is: 'rate-limited', retryAfter: '7200' }, endpoint: 'lookup' }),
  })
  expect(await shown(house)).toEqual(numbered)
  expect(lookups(house)).toHaveLength(1)
  house.store.setTotal(house.uId, notes, 11)
  await isCounted(house, 11)
  await isCounted(house, 11)
  await settle(house)
  // Nobody is asked again before the time that was named.
  expect(lookups(house)).toHaveLength(1)
  house.store.faults.clear()
  await house.settle(3 * HOUR)
  await settle(house)
  expect(await shown(house)).toEqual(named)
})

test('case 22: the host is down for a day: names come from the cache, counts go on, and a restart changes nothing of it', async () => {
  await using house = await openGermany()
  const before = (await house.license(house.id, notes)).product
  house.store.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, endpoint: 'lookup' })
  house.store.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, endpoint: 'artwork' })
  house.store.clearRequests()
  await house.settle(12 * HOUR)
  await house.restart()
  await house.settle(12 * HOUR)
  await settle(house)
  expect(await shown(house)).toEqual(named)
  expect((await house.license(house.id, notes)).product).toEqual(before)
  house.store.setTotal(house.uId, notes, 12)
  await isCounted(house, 12)
  expect(await house.status(house.id)).toEqual(['healthy'])
  // Down for longer than names are kept without asking: they stay all the same.
  await house.ask('PATCH', `connectors/${house.id}`, { settings: { syncIntervalMinutes: twiceADay } })
  await house.settle(10 * DAY)
  await settle(house)
  expect(await shown(house)).toEqual(named)
  // At most one try in a quarter of an hour.
  expect(lookups(house).length).toBeLessThan((11 * DAY) / (15 * MINUTE))
  house.store.faults.clear()
  house.store.addProduct({ adamId: notes, ...product({ name: 'Sample Notes 2', price: 5.99 }) })
  await house.settle(DAY)
  await settle(house)
  expect((await house.license(house.id, notes)).product).toMatchObject({ name: 'Sample Notes 2', price: { amount: 5.99 } })
})

test('case 22: a name that changed at the store follows within a week or so, and in between nobody asks', async () => {
  await using house = await openGermany({ syncIntervalMinutes: twiceADay })
  house.store.addProduct({ adamId: notes, ...product({ name: 'Sample Notes Pro', price: 6.99 }) })
  house.store.clearRequests()
  await house.settle(5 * DAY)
  await settle(house)
  expect(lookups(house)).toEqual([])
  expect(await shown(house)).toEqual(named)
  await house.settle(3.5 * DAY)
  await settle(house)
  expect(await shown(house)).toEqual({ ...named, [notes]: 'Sample Notes Pro' })
  expect(askedIds(house).toSorted()).toEqual([notes, ward, reader].toSorted())
})

test('case 22: a custom app is told with the token of the Location it was made for, and the token goes out for nothing else', async () => {
  const cookies: (readonly [ids: string | null, shown: boolean])[] = []
  await using house = await openGermany({
    trouble: (opened) => {
      onTheWay(opened, (url, headers) => {
        if (url.pathname.endsWith('/lookup')) cookies.push([url.searchParams.get('id'), headers.has('cookie')])
        return true
      })
      const [location] = opened.store.locations()
      opened.store.own(location?.uId ?? '', '900000055', {
        total: 5,
        product: product({ name: 'Eastmere Pass', customFor: [location?.uId ?? ''] }),
      })
    },
  })
  expect((await house.license(house.id, '900000055')).product).toMatchObject({ name: 'Eastmere Pass', kind: 'custom-app' })
  expect(cookies).toEqual([
    [[notes, ward, reader, '900000055'].join(','), false],
    ['900000055', true],
  ])
})

test('case 22: the same product in two countries shows the name and price of each, and in one country both Locations share what is known', async () => {
  await using house = await openGermany()
  const london = house.store.addLocation({ name: 'London', country: 'GB' })
  house.store.own(london.uId, notes, { total: 3 })
  const inLondon = await house.connect('London', london.tokenFile)
  await settle(house)
  expect((await house.license(inLondon, notes)).product.price).toMatchObject({ storefront: 'GB', formatted: '£4.49' })
  expect((await house.license(house.id, notes)).product.price).toMatchObject({ storefront: 'DE', formatted: '4,99\u00a0€' })
  house.store.clearRequests()
  const munich = house.store.addLocation({ name: 'Munich', country: 'DE' })
  house.store.own(munich.uId, notes, { total: 3 })
  const inMunich = await house.connect('Munich', munich.tokenFile)
  await settle(house)
  expect((await house.license(inMunich, notes)).product).toEqual((await house.license(house.id, notes)).product)
  expect(lookups(house)).toEqual([])
})

test('case 22: of 120 products fifty go into one call, and a call goes out once a second, whatever the number of Locations', async () => {
  await using house = await openHouse({ switches: { artwork: 'none' } })
  const at: number[] = []
  house.onLeave = ({ path }) => {
    if (path.includes('wa/lookup')) at.push(house.clock.now())
  }
  for (const name of ['Berlin', 'Munich']) {
    const { uId, tokenFile } = house.store.addLocation({ name, country: name === 'Berlin' ? 'DE' : 'FR' })
    for (let n = 0; n < 120; n += 1) {
      const adamId = String(910_000_000 + n)
      house.store.own(uId, adamId, { total: 1, product: product({ name: `App ${n}` }) })
    }
    await house.connect(name, tokenFile)
  }
  await settle(house)
  const counts = lookups(house).map(({ path }) => new URLSearchParams(path.split('?')[1]).get('id')?.split(',').length)
  expect(counts).toEqual([50, 50, 20, 50, 50, 20])
  expect(at.slice(1).every((ms, n) => ms - (at[n] ?? 0) >= 1000)).toBe(true)
})

test.each(['svg', 'html', 'truncated', 'bomb', 'large', 'redirect'] as const)(
  'case 22: what lies at an icon’s address is %s: the letters stay, and everything else is there',
  async (artworkFile) => {
    await using house = await openGermany({ syncIntervalMinutes: twiceADay, trouble: ({ store }) => store.setSwitches({ artworkFile }) })
    expect(await shown(house)).toEqual(named)
    expect((await house.license(house.id, notes)).product.iconUrl).toBeNull()
    expect(house.troubles).toEqual([])
    // A picture that is one a week later is taken.
    house.store.setSwitches({ artworkFile: 'picture' })
    await house.settle(8 * DAY)
    await settle(house)
    expect((await house.license(house.id, notes)).product.iconUrl).toMatch(/^\/icons\//)
  },
)

test('case 22: a name has no way into the counts: a product that is renamed keeps its seats', async () => {
  await using house = await openGermany({ syncIntervalMinutes: twiceADay })
  await house.addDevices('C02ZZ0AA0001')
  const { id } = await house.license(house.id, notes)
  await house.assign(id, 'devices', 'C02ZZ0AA0001')
  await house.settle(MINUTE)
  house.store.addProduct({ adamId: notes, ...product({ name: 'Renamed' }) })
  await house.settle(9 * DAY)
  await settle(house)
  expect(await house.license(house.id, notes)).toMatchObject({ id, total: 10, inUse: 1, available: 9, product: { name: 'Renamed' } })
})
