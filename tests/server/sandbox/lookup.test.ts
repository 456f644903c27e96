import { describe, expect, test } from 'vitest'
import { isItem, openDesk } from './apple-desk.ts'
import type { Item } from './apple-desk.ts'

const furnished = () => {
  const desk = openDesk()
  const app = { publisher: 'Sample GmbH', kind: 'iosSoftware' as const, genres: ['Productivity'], price: 4.99 }
  desk.control.addProduct({ adamId: '1', name: 'Sample Notes', ...app })
  desk.control.addProduct({ adamId: '2', name: 'Nur hier', ...app, storefronts: ['DE'] })
  desk.control.addProduct({ adamId: '3', name: 'Ward Round', ...app, customFor: [desk.uId] })
  desk.control.addProduct({ adamId: '4', name: 'A Book', ...app, kind: 'epubBook' })
  const ask = (path: string, headers: Record<string, string> = {}) =>
    desk.sandbox.fetch(new Request(`http://shop.example${path}`, { headers }))
  const lookUp = async (query: string, headers: Record<string, string> = {}) => {
    const response = await ask(`/WebObjects/MZStorePlatform.woa/wa/lookup?${query}`, headers)
    const text = await response.text()
    const body: unknown = text.startsWith('{') ? JSON.parse(text) : {}
    const answer = isItem(body) ? body : {}
    const results: Item = isItem(answer['results']) ? answer['results'] : {}
    return { status: response.status, answer, results, text }
  }
  return { desk, ask, lookUp }
}

const COMMON = 'version=2&p=mdm-lockup&caller=MDM&platform=volumestore&l=en'

describe('the look-up', () => {
  test('names, publishers and a template for the artwork; what is unknown is missing', async () => {
    const { results } = await furnished().lookUp(`${COMMON}&cc=us&id=1,4,99`)
    expect(Object.keys(results)).toEqual(['1', '4'])
    expect(results['1']).toMatchObject({
      id: '1',
      kind: 'iosSoftware',
      name: 'Sample Notes',
      artistName: 'Sample GmbH',
      artwork: { url: 'http://shop.example/artwork/1/{w}x{h}bb.{f}' },
    })
    expect(results['4']).not.toHaveProperty('bundleId')
    expect(results['4']).not.toHaveProperty('deviceFamilies')
  })

  test('complaints about p and caller', async () => {
    const { lookUp } = furnished()
    expect(await lookUp('caller=MDM&id=1')).toMatchObject({ status: 400, answer: { status: 7011 } })
    expect(await lookUp('p=mdm-lookup&caller=MDM&id=1')).toMatchObject({ status: 400, answer: { status: 7012 } })
    expect((await lookUp('p=mdm-lockup&id=1')).status).toBe(403)
  })

  test('a product of one storefront is not seen from another, and an unknown storefront answers as the US', async () => {
    const { lookUp } = furnished()
    expect(Object.keys((await lookUp(`${COMMON}&cc=de&id=1,2`)).results)).toEqual(['1', '2'])
    const fallback = await lookUp(`${COMMON}&cc=zz&id=1,2`)
    expect(Object.keys(fallback.results)).toEqual(['1'])
    expect(fallback.answer['meta']).toMatchObject({ storefront: { cc: 'US' }, language: { tag: 'en-us' } })
  })

  test('a custom app is seen with the token of its location alone', async () => {
    const { desk, lookUp } = furnished()
    const other = desk.control.addLocation({ name: 'Eastmere Clinic' })
    const seen = async (cookie?: string) =>
      Object.keys((await lookUp(`${COMMON}&cc=us&id=3`, cookie === undefined ? {} : { cookie: `x=1; itvt=${cookie}` })).results)
    expect(await seen()).toEqual([])
    expect(await seen(other.tokenFile)).toEqual([])
    expect(await seen(desk.control.tokenFileFor(desk.uId))).toEqual(['3'])
    expect(JSON.stringify(desk.control.requests())).not.toContain(desk.control.tokenFileFor(desk.uId))
  })

  test('trouble here is HTML, as on the real host', async () => {
    const { desk, lookUp } = furnished()
    desk.control.faults.arm({ fault: { is: 'rate-limited', retryAfter: '30' }, endpoint: 'lookup', times: 1 })
    expect(await lookUp(`${COMMON}&id=1`)).toMatchObject({ status: 429, text: expect.stringContaining('<html>') })
    desk.control.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, endpoint: 'lookup', times: 1 })
    await expect(lookUp(`${COMMON}&id=1`)).rejects.toThrow('fetch failed')
    desk.control.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'lookup', times: 1 })
    expect((await lookUp(`${COMMON}&id=1`)).results).toEqual({})
  })
})

const offerOf = (item: unknown): unknown => (isItem(item) && Array.isArray(item['offers']) ? item['offers'][0] : undefined)

describe('the look-up’s ways', () => {
  test('prices are those of the storefront that answers', async () => {
    const { lookUp, desk } = furnished()
    expect(offerOf((await lookUp(`${COMMON}&cc=us&id=1`)).results['1'])).toMatchObject({ price: 4.99, priceFormatted: '$4.99' })
    expect(offerOf((await lookUp(`${COMMON}&cc=de&id=1`)).results['1'])).toMatchObject({ price: 4.99, priceFormatted: '4,99\u00a0€' })
    expect(offerOf((await lookUp(`${COMMON}&cc=gb&id=1`)).results['1'])).toMatchObject({ price: 4.49, priceFormatted: '£4.49' })
    expect(offerOf((await lookUp(`${COMMON}&cc=gb&id=1`)).results['1'])).not.toHaveProperty('currencyCode')
    desk.control.setSwitches({ lookupCurrency: 'told' })
    expect(offerOf((await lookUp(`${COMMON}&cc=gb&id=1`)).results['1'])).toMatchObject({ currencyCode: 'GBP' })
    desk.control.setSwitches({ lookupOffers: 'absent' })
    expect((await lookUp(`${COMMON}&cc=gb&id=1`)).results['1']).not.toHaveProperty('offers')
  })

  test('artwork is a template, a list of sizes, or none; ids are text or numbers; what is hidden is missing', async () => {
    const { lookUp, desk } = furnished()
    desk.control.setSwitches({ artwork: 'list', lookupIds: 'number' })
    expect((await lookUp(`${COMMON}&id=1`)).results['1']).toMatchObject({
      id: 1,
      artwork: expect.arrayContaining([{ url: 'http://shop.example/artwork/1/256x256bb.png', width: 256, height: 256 }]),
    })
    desk.control.setSwitches({ artwork: 'none', lookupHides: ['4'] })
    const { results } = await lookUp(`${COMMON}&id=1,4`)
    expect(results['1']).not.toHaveProperty('artwork')
    expect(results).not.toHaveProperty('4')
  })

  test('every storefront answers as the US when it is told to', async () => {
    const { lookUp, desk } = furnished()
    desk.control.setSwitches({ lookupStorefront: 'always-us' })
    const { answer, results } = await lookUp(`${COMMON}&cc=de&id=1,2`)
    expect(answer['meta']).toMatchObject({ storefront: { cc: 'US' } })
    expect(Object.keys(results)).toEqual(['1'])
  })
})

describe('the public look-up', () => {
  test('has other names for the same, ids as numbers, no custom apps, and calls its JSON a script', async () => {
    const { ask } = furnished()
    const response = await ask('/lookup?id=1,3,4,99&country=de')
    expect(response.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect(JSON.parse(await response.text())).toMatchObject({
      resultCount: 2,
      results: [
        { trackId: 1, trackName: 'Sample Notes', kind: 'software', price: 4.99, currency: 'EUR', formattedPrice: '4,99\u00a0€' },
        { trackId: 4, trackName: 'A Book', kind: 'ebook' },
      ],
    })
    expect((await ask('/lookup?id=1&country=germany')).status).toBe(400)
  })

  test('has troubles of its own', async () => {
    const { ask, desk, lookUp } = furnished()
    desk.control.faults.arm({ fault: { is: 'rate-limited', retryAfter: '30' }, endpoint: 'public-lookup', times: 1 })
    expect((await lookUp(`${COMMON}&id=1`)).status).toBe(200)
    const limited = await ask('/lookup?id=1')
    expect([limited.status, limited.headers.get('retry-after'), (await limited.text()).slice(0, 6)]).toEqual([429, '30', '<html>'])
  })
})

describe('the artwork', () => {
  test.each([
    ['svg', 200, '<svg'],
    ['html', 200, '<html'],
    ['large', 200, '\0\0\0'],
    ['redirect', 302, ''],
  ] as const)('can be %s', async (artworkFile, status, begins) => {
    const { ask, desk } = furnished()
    desk.control.setSwitches({ artworkFile })
    const answer = await ask('/artwork/1/128x128bb.png')
    expect(answer.status).toBe(status)
    expect((await answer.text()).startsWith(begins)).toBe(true)
  })

  test('is a picture of the size that was asked for, the same each time', async () => {
    const { ask } = furnished()
    const png = Buffer.from(await (await ask('/artwork/1/64x64bb.png')).arrayBuffer())
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([64, 64])
    expect(Buffer.from(await (await ask('/artwork/1/64x64bb.jpg')).arrayBuffer()).equals(png)).toBe(true)
    expect(Buffer.from(await (await ask('/artwork/4/64x64bb.png')).arrayBuffer()).equals(png)).toBe(false)
    expect((await ask('/artwork/1/64x64bb.svg')).headers.get('content-type')).toBe('image/svg+xml')
    expect((await ask('/artwork/99/64x64bb.png')).status).toBe(404)
    expect((await ask('/artwork/1/huge.png')).status).toBe(404)
  })
})
