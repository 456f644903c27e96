import { Hono } from 'hono'
import { sleep } from '../../../shared/clock.ts'
import { iconPng, iconSvg } from './icon.ts'
import { LOOKUP_PATH, connectionCut, holderOfToken } from './protocol.ts'
import type { RequestLog } from './request-log.ts'
import type { Product } from './state.ts'
import type { AppleWorld } from './world.ts'

const STOREFRONTS: Readonly<Record<string, readonly [id: string, language: string]>> = {
  US: ['143441', 'en-us'],
  GB: ['143444', 'en-gb'],
  DE: ['143443', 'de-de'],
  FR: ['143442', 'fr-fr'],
  IE: ['143449', 'en-gb'],
  CA: ['143455', 'en-ca'],
  AU: ['143460', 'en-au'],
  NL: ['143452', 'nl-nl'],
}

const bundleIdOf = (product: Product): string | undefined =>
  product.bundleId ?? (product.kind === 'epubBook' ? undefined : `example.app${product.adamId}`)

/** One entry of `results`, with the traps of the live service: an `id` that is text, an artwork template, localised dates. */
const productBody = (product: Product, cc: string, origin: string): Record<string, unknown> => {
  const bundleId = bundleIdOf(product)
  const isBook = product.kind === 'epubBook'
  return {
    id: product.adamId,
    kind: product.kind,
    name: product.name,
    artistName: product.publisher,
    ...(bundleId === undefined ? {} : { bundleId }),
    ...(isBook ? {} : { deviceFamilies: product.deviceFamilies ?? ['iphone', 'ipad'], minimumOSVersion: '17.0', watchBundleId: null }),
    genreNames: product.genres,
    releaseDate: '2019-03-04',
    latestVersionReleaseDate: '12.03.2026',
    isB2BCustomApp: product.customFor !== undefined,
    isVppDeviceBasedLicensingEnabled: !isBook,
    artwork: { url: `${origin}/artwork/${product.adamId}/{w}x{h}bb.{f}`, width: 1024, height: 1024 },
    offers: [{ type: 'buy', price: product.price, priceFormatted: product.price === 0 ? 'Free' : product.price.toFixed(2) }],
    url: `${origin}/${cc.toLowerCase()}/${isBook ? 'book' : 'app'}/id${product.adamId}`,
  }
}

const cookieOf = (request: Request, name: string): string | undefined =>
  (request.headers.get('cookie') ?? '')
    .split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1)

/** The shop's look-up and its artwork. An id that is missing from `results` is unseen, unknown or not for you; which, is never told. */
export const createLookup = (world: AppleWorld, log: RequestLog): Hono => {
  const app = new Hono()

  app.get(LOOKUP_PATH, async (c) => {
    const url = new URL(c.req.url)
    const entry = log.open(world.clock.now(), 'GET', url.pathname + url.search, 'lookup')
    const faults = world.faults.take('lookup', undefined)
    entry.faults = faults.map(({ is }) => is)
    for (const fault of faults) {
      if (fault.is === 'slow') await sleep(world.clock, fault.ms)
      if (fault.is === 'connection-cut') throw connectionCut()
      if (fault.is === 'bad-gateway') return c.html('<html><body><h1>502 Bad Gateway</h1></body></html>', (entry.status = 502))
      if (fault.is === 'empty-body') return c.body('', 200)
      if (fault.is === 'rate-limited' || fault.is === 'unavailable') {
        entry.status = fault.is === 'rate-limited' ? 429 : 503
        if (fault.retryAfter !== undefined) c.header('retry-after', fault.retryAfter)
        return c.html('<html><body><h1>Too many requests</h1></body></html>', fault.is === 'rate-limited' ? 429 : 503)
      }
    }
    const query = url.searchParams
    if (query.get('p') === null) return c.json({ status: 7011 }, (entry.status = 400))
    if (query.get('p') !== 'mdm-lockup') return c.json({ status: 7012 }, (entry.status = 400))
    if (query.get('caller') === null) return c.body('', (entry.status = 403))

    const asked = (query.get('cc') ?? 'us').toUpperCase()
    // A storefront that does not exist silently answers as the US one.
    const cc = STOREFRONTS[asked] === undefined ? 'US' : asked
    const [storefrontId, language] = STOREFRONTS[cc] ?? ['143441', 'en-us']
    const outer = cookieOf(c.req.raw, 'itvt')
    const holder = outer === undefined ? undefined : holderOfToken(world, decodeURIComponent(outer))
    const results: Record<string, unknown> = {}
    const ids = faults.some(({ is }) => is === 'empty-list') ? [] : (query.get('id') ?? '').split(',')
    for (const id of ids) {
      const product = world.state.catalogue.get(id.trim())
      if (product === undefined) continue
      if (product.storefronts !== undefined && !product.storefronts.includes(cc)) continue
      if (product.customFor !== undefined && (holder === undefined || !product.customFor.includes(holder.location.uId))) continue
      results[product.adamId] = productBody(product, cc, url.origin)
    }
    const meta = { storefront: { cc, id: storefrontId }, language: { tag: language } }
    return c.json({ version: 2, isAuthenticated: false, meta, results }, (entry.status = 200))
  })

  app.get('/artwork/:adamId/:file', async (c) => {
    const size = /^(\d{1,4})x(\d{1,4})bb\.(svg|png|jpg|webp)$/.exec(c.req.param('file'))
    const product = world.state.catalogue.get(c.req.param('adamId'))
    if (size === null || product === undefined) return c.notFound()
    c.header('cache-control', 'public, max-age=86400')
    if (size[3] === 'svg') return c.body(iconSvg(product), 200, { 'content-type': 'image/svg+xml' })
    const width = Math.min(512, Math.max(16, Number(size[1])))
    return c.body(iconPng(product, width), 200, { 'content-type': 'image/png' })
  })
  return app
}
