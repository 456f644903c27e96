import { Hono, type Context } from 'hono'
import { sleep } from '../../../shared/clock.ts'
import { artworkFile } from './artwork.ts'
import type { Fault } from './faults.ts'
import { hashOf } from './made-ids.ts'
import { LOOKUP_PATH, connectionCut, holderOfToken } from './protocol.ts'
import type { LoggedRequest, RequestLog } from './request-log.ts'
import type { Product } from './state.ts'
import { priceIn, storefrontOf, type Storefront } from './storefronts.ts'
import type { Switches } from './switches.ts'
import type { AppleWorld } from './world.ts'

/** Apple's public look-up has a host of its own; here it lies beside the other one. */
export const PUBLIC_LOOKUP_PATH = '/lookup'

const bundleIdOf = (product: Product): string | undefined =>
  product.bundleId ?? (product.kind === 'epubBook' ? undefined : `example.app${product.adamId}`)

const versionOf = (product: Product): string => {
  const hash = hashOf(product.adamId)
  return `${1 + (hash % 9)}.${(hash >>> 4) % 10}.${(hash >>> 8) % 10}`
}

/** The older sample shows pictures of several sizes where live answers have a template. */
const artworkOf = (product: Product, origin: string, shape: Switches['artwork']): unknown => {
  const at = `${origin}/artwork/${product.adamId}`
  switch (shape) {
    case 'template':
      return { url: `${at}/{w}x{h}bb.{f}`, width: 1024, height: 1024 }
    case 'list':
      return [60, 100, 256, 512].map((size) => ({ url: `${at}/${size}x${size}bb.png`, width: size, height: size }))
    case 'none':
      return undefined
  }
}

/** One entry of `results`, with the traps of the live service: an `id` that is text, an artwork template, localised dates. */
const productBody = (product: Product, storefront: Storefront, origin: string, switches: Switches): Record<string, unknown> => {
  const bundleId = bundleIdOf(product)
  const isBook = product.kind === 'epubBook'
  const offer = {
    type: 'buy',
    ...priceIn(storefront, product.price),
    ...(switches.lookupCurrency === 'told' ? { currencyCode: storefront.currency } : {}),
    ...(isBook ? {} : { version: { display: versionOf(product), externalId: 870_001 } }),
  }
  return {
    id: switches.lookupIds === 'text' ? product.adamId : Number(product.adamId),
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
    artwork: artworkOf(product, origin, switches.artwork),
    ...(switches.lookupOffers === 'told' ? { offers: [offer] } : {}),
    url: `${origin}/${storefront.cc.toLowerCase()}/${isBook ? 'book' : 'app'}/id${product.adamId}`,
  }
}

const publicKinds = { iosSoftware: 'software', desktopApp: 'mac-software', epubBook: 'ebook' } as const

/** One entry of the public look-up: other names for the same, and a number for an id. */
const publicBody = (product: Product, storefront: Storefront, origin: string): Record<string, unknown> => {
  const { price, priceFormatted } = priceIn(storefront, product.price)
  const bundleId = bundleIdOf(product)
  return {
    trackId: Number(product.adamId),
    trackName: product.name,
    artistName: product.publisher,
    kind: publicKinds[product.kind],
    ...(bundleId === undefined ? {} : { bundleId, version: versionOf(product) }),
    artworkUrl100: `${origin}/artwork/${product.adamId}/100x100bb.jpg`,
    artworkUrl512: `${origin}/artwork/${product.adamId}/512x512bb.jpg`,
    primaryGenreName: product.genres[0] ?? 'Reference',
    price,
    currency: storefront.currency,
    formattedPrice: priceFormatted,
  }
}

const cookieOf = (request: Request, name: string): string | undefined =>
  (request.headers.get('cookie') ?? '')
    .split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1)

const isSold = (product: Product, { cc }: Storefront): boolean => product.storefronts === undefined || product.storefronts.includes(cc)

/** The shop's look-ups and its artwork. An id that is missing from `results` is unseen, unknown or not for you; which, is never told. */
export const createLookup = (world: AppleWorld, log: RequestLog): Hono => {
  const app = new Hono()

  /** What strikes this request; trouble here is HTML. */
  const struck = async (
    c: Context,
    entry: LoggedRequest,
    endpoint: 'lookup' | 'public-lookup' | 'artwork',
  ): Promise<Response | readonly Fault[]> => {
    const faults = world.faults.take(endpoint, undefined)
    entry.faults = faults.map(({ is }) => is)
    for (const fault of faults) {
      if (fault.is === 'slow') await sleep(world.clock, fault.ms)
      if (fault.is === 'connection-cut') throw connectionCut()
      if (fault.is === 'bad-gateway') return c.html('<html><body><h1>502 Bad Gateway</h1></body></html>', (entry.status = 502))
      if (fault.is === 'empty-body') return c.body('', (entry.status = 200))
      if (fault.is === 'redirect') return c.redirect(fault.to, (entry.status = 307))
      if (fault.is === 'rate-limited' || fault.is === 'unavailable') {
        if (fault.retryAfter !== undefined) c.header('retry-after', fault.retryAfter)
        return c.html('<html><body><h1>Too many requests</h1></body></html>', (entry.status = fault.is === 'rate-limited' ? 429 : 503))
      }
    }
    return faults
  }

  /** Without those that the sandbox is told to hide. */
  const productOf = (id: string): Product | undefined =>
    world.switches.lookupHides.includes(id.trim()) ? undefined : world.state.catalogue.get(id.trim())

  app.get(LOOKUP_PATH, async (c) => {
    const url = new URL(c.req.url)
    const entry = log.open(world.clock.now(), 'GET', url.pathname + url.search, 'lookup')
    const faults = await struck(c, entry, 'lookup')
    if (faults instanceof Response) return faults
    const query = url.searchParams
    if (query.get('p') === null) return c.json({ status: 7011 }, (entry.status = 400))
    if (query.get('p') !== 'mdm-lockup') return c.json({ status: 7012 }, (entry.status = 400))
    if (query.get('caller') === null) return c.body('', (entry.status = 403))

    const storefront = storefrontOf(world.switches.lookupStorefront === 'always-us' ? 'US' : (query.get('cc') ?? 'us'))
    const outer = cookieOf(c.req.raw, 'itvt')
    const holder = outer === undefined ? undefined : holderOfToken(world, decodeURIComponent(outer))
    const results: Record<string, unknown> = {}
    const ids = faults.some(({ is }) => is === 'empty-list') ? [] : (query.get('id') ?? '').split(',')
    for (const id of ids) {
      const product = productOf(id)
      if (product === undefined || !isSold(product, storefront)) continue
      if (product.customFor !== undefined && (holder === undefined || !product.customFor.includes(holder.location.uId))) continue
      results[product.adamId] = productBody(product, storefront, url.origin, world.switches)
    }
    const meta = { storefront: { cc: storefront.cc, id: storefront.id }, language: { tag: storefront.language } }
    return c.json({ version: 2, isAuthenticated: false, meta, results }, (entry.status = 200))
  })

  app.get(PUBLIC_LOOKUP_PATH, async (c) => {
    const url = new URL(c.req.url)
    const entry = log.open(world.clock.now(), 'GET', url.pathname + url.search, 'public-lookup')
    const faults = await struck(c, entry, 'public-lookup')
    if (faults instanceof Response) return faults
    const country = url.searchParams.get('country') ?? 'us'
    if (!/^[a-z]{2}$/i.test(country)) return c.json({ errorMessage: 'Invalid value(s) for key(s): [country]' }, (entry.status = 400))
    const storefront = storefrontOf(country)
    const results = (url.searchParams.get('id') ?? '').split(',').flatMap((id) => {
      const product = productOf(id)
      const isSeen = product !== undefined && product.customFor === undefined && isSold(product, storefront)
      return isSeen ? [publicBody(product, storefront, url.origin)] : []
    })
    entry.status = 200
    return c.body(JSON.stringify({ resultCount: results.length, results }), 200, { 'content-type': 'text/javascript; charset=utf-8' })
  })

  app.get('/artwork/:adamId/:file', async (c) => {
    const url = new URL(c.req.url)
    const entry = log.open(world.clock.now(), 'GET', url.pathname, 'artwork')
    const faults = await struck(c, entry, 'artwork')
    if (faults instanceof Response) return faults
    const product = world.state.catalogue.get(c.req.param('adamId'))
    const file = product === undefined ? undefined : artworkFile(product, c.req.param('file'), world.switches.artworkFile)
    entry.status = file?.status ?? 404
    return file ?? c.notFound()
  })
  return app
}
