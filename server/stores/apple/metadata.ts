/**
 * What Apple's shop tells about products: names, prices, versions, where icons are. Counts never need it: a product
 * without a name is shown by its number. Source: docs/stores/apple-apps-and-books.md, 4.1; 4.3 where it is configured.
 */
import { sleep, type Clock } from '../../../shared/clock.ts'
import type { ProductKind } from '../../../shared/license.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { ProductDescription, StoreFailure } from '../store.ts'
import { userAgent } from './client.ts'
import { ask, parseJson, type HttpDeps } from '../http.ts'
import { parseLookup, parsePublicLookup, type LookupAnswer, type LookupItem, type LookupUnreadable } from './lookup-answer.ts'
import { longestPauseMs, parseRetryAfter } from '../pace.ts'

export interface MetadataDeps extends HttpDeps {
  /** The configured address. The one that the service configuration tells is not used. */
  readonly lookupUrl: string
  /** The public iTunes look-up; null: it is not asked. */
  readonly publicLookupUrl: string | null
  readonly bearer: string
  /** Shared by all Locations: the hosts are the same. */
  readonly turns: LookupTurns
}

export interface Metadata {
  /**
   * Descriptions in no promised order. Ids that Apple tells nothing about are left out, and so are those of a later call
   * that failed when an earlier one went well. Fails when nothing could be asked.
   */
  describe(productIds: readonly string[], country: string, platform: string): Promise<Result<readonly ProductDescription[], StoreFailure>>
}

/** Waits for one's turn at each of the two look-ups. */
export interface LookupTurns {
  readonly own: (clock: Clock) => Promise<void>
  readonly public: (clock: Clock) => Promise<void>
}

export const mostIdsPerCall = 50
/** No limit is published; 126 calls a minute are known to pass. */
const gapMs = 1000
/** About 20 calls a minute are let through. */
const publicGapMs = 4000
const mostCallsWaiting = 60
const timeoutMs = 30_000
const ownPauseMs = 60_000
const iconPixels = 128
/** Only what can stand in the list of ids as it is. */
const ID = /^[A-Za-z0-9._-]{1,64}$/

const counts = 'Counts are not touched by it; products keep the name they had, or show their number. It is tried again at a later sync.'

const turnEvery = (everyMs: number): ((clock: Clock) => Promise<void>) => {
  let nextAt = 0
  return async (clock) => {
    const now = clock.now()
    // The gap at most also bounds the wait after the clock was set back.
    const waitMs = Math.min(Math.max(0, nextAt - now), mostCallsWaiting * everyMs)
    nextAt = now + waitMs + everyMs
    if (waitMs > 0) await sleep(clock, waitMs)
  }
}
export const createLookupTurns = (): LookupTurns => ({ own: turnEvery(gapMs), public: turnEvery(publicGapMs) })

export const createMetadata = (deps: MetadataDeps): Metadata => {
  const { clock, lookupUrl, publicLookupUrl } = deps

  const hear = async (
    url: string,
    headers: Readonly<Record<string, string>>,
    parse: (json: unknown) => Result<LookupAnswer, LookupUnreadable>,
  ): Promise<Result<LookupAnswer, StoreFailure>> => {
    const heard = await ask(deps, { method: 'GET', url, headers: { 'User-Agent': userAgent, ...headers }, timeoutMs })
    if (heard.is === 'too-large') return err({ is: 'store-answer-unreadable', text: `Apple's answer with names is too large. ${counts}` })
    if (heard.is !== 'answer') return err({ is: 'store-unreachable', text: `Apple's look-up of names could not be reached. ${counts}` })
    const { status, headers: told, text } = heard
    if (status === 429 || status === 503) {
      const retryAfterMs = Math.min(parseRetryAfter(told, clock.now()) ?? ownPauseMs, longestPauseMs)
      return err({ is: 'store-busy', retryAfterMs })
    }
    if (status >= 500) return err({ is: 'store-unreachable', text: `Apple's look-up of names has trouble (status ${status}). ${counts}` })
    const answer = status >= 200 && status < 300 ? parse(parseJson(text)) : undefined
    return answer === undefined || !answer.ok
      ? err({ is: 'store-answer-unreadable', text: `Apple's answer with names could not be read (status ${status}). ${counts}` })
      : answer
  }

  const lookUp = async (ids: readonly string[], country: string, platform: string, withToken: boolean) => {
    await deps.turns.own(clock)
    // No `l`: names come in the language of the location's own storefront.
    const query = new URLSearchParams({ version: '2', p: 'mdm-lockup', caller: 'MDM', platform })
    if (country !== '') query.set('cc', country.toLowerCase())
    query.set('id', ids.join(','))
    return await hear(
      `${lookupUrl}?${query.toString()}`,
      { Accept: 'application/json', ...(withToken ? { Cookie: `itvt=${deps.bearer}` } : {}) },
      parseLookup,
    )
  }

  const lookUpPublicly = async (url: string, ids: readonly string[], country: string) => {
    await deps.turns.public(clock)
    const query = new URLSearchParams({ id: ids.join(',') })
    if (country !== '') query.set('country', country.toLowerCase())
    // It calls its JSON text/javascript.
    return await hear(`${url}?${query.toString()}`, { Accept: '*/*' }, parsePublicLookup)
  }

  return {
    describe: async (productIds, country, platform) => {
      const ids = [...new Set(productIds)].filter((id) => ID.test(id))
      const found: ProductDescription[] = []
      for (let from = 0; from < ids.length; from += mostIdsPerCall) {
        let missing: readonly string[] = ids.slice(from, from + mostIdsPerCall)
        /** Takes what is told, and leaves what is missing still. Where no storefront is named it is the one that was asked. */
        const take = ({ itemById, storefront = country.toUpperCase() }: LookupAnswer): void => {
          missing = missing.filter((id) => {
            const item = itemById.get(id)
            if (item?.name === undefined) return true
            found.push(descriptionOf(id, item.name, item, storefront, lookupUrl))
            return false
          })
        }
        const open = await lookUp(missing, country, platform, false)
        if (open.ok) {
          take(open.value)
          // Custom apps are told only to who shows the token; it goes to this second host for nothing else.
          const hidden = missing.length === 0 ? undefined : await lookUp(missing, country, platform, true)
          if (hidden?.ok === true) take(hidden.value)
        }
        const last = missing.length === 0 || publicLookupUrl === null ? undefined : await lookUpPublicly(publicLookupUrl, missing, country)
        if (last?.ok === true) take(last.value)
        else if (!open.ok) return found.length > 0 ? ok(found) : open
      }
      return ok(found)
    },
  }
}

const kindOf = (item: LookupItem): ProductKind | null => {
  if (item.isCustomApp) return 'custom-app'
  switch (item.kind) {
    case 'epubBook':
    case 'ibook':
    case 'ibookTextbook':
    case 'ebook':
      return 'book'
    case 'iosSoftware':
    case 'desktopApp':
    case 'software':
    case 'mac-software':
      return 'app'
    default:
      return null
  }
}

const families: Readonly<Record<string, string>> = {
  iphone: 'iPhone',
  ipad: 'iPad',
  ipod: 'iPod touch',
  mac: 'Mac',
  tvos: 'Apple TV',
  appletv: 'Apple TV',
  watch: 'Apple Watch',
  vision: 'Apple Vision',
  realitydevice: 'Apple Vision',
}

const descriptionOf = (productId: string, name: string, item: LookupItem, storefront: string, lookupUrl: string): ProductDescription => ({
  productId,
  name,
  publisher: item.artist ?? '',
  kind: kindOf(item),
  bundleId: item.bundleId ?? null,
  // A family that nobody knows yet is shown as Apple writes it.
  deviceFamilies: [...new Set(item.deviceFamilies.map((family) => families[family.toLowerCase()] ?? family))],
  version: item.version ?? null,
  price: item.price,
  storefront,
  iconSource: iconOf(item.artwork, lookupUrl),
})

/** Of several sizes the smallest that is large enough. */
const iconOf = (artwork: LookupItem['artwork'], lookupUrl: string): string | null => {
  const bySize = [...artwork].sort((a, b) => (a.width ?? 0) - (b.width ?? 0))
  const chosen = bySize.find(({ width }) => (width ?? 0) >= iconPixels) ?? bySize.at(-1)
  if (chosen === undefined) return null
  const filled = chosen.url
    .replaceAll('{w}', String(iconPixels))
    .replaceAll('{h}', String(iconPixels))
    .replaceAll('{c}', 'bb')
    .replaceAll('{f}', 'png')
  if (!URL.canParse(filled)) return null
  // Encrypted, or from where the names themselves came from. Which hosts are asked at all, icon-fetching.ts decides.
  const url = new URL(filled)
  return url.protocol === 'https:' || (url.protocol === 'http:' && url.origin === new URL(lookupUrl).origin) ? url.href : null
}
