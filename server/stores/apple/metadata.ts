/**
 * Names and icons of products, from the content metadata look-up. Counts never need it: a product without a name is
 * shown by its number. Source: docs/stores/apple-apps-and-books.md, 4.1.
 */
import { sleep } from '../../../shared/clock.ts'
import type { ProductKind } from '../../../shared/license.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { ProductDescription, StoreFailure } from '../store.ts'
import { userAgent } from './client.ts'
import { ask, parseJson, type HttpDeps } from './http.ts'
import { longestPauseMs, parseRetryAfter } from './pace.ts'
import { parseLookup, type LookupItem } from './wire.ts'

export interface MetadataDeps extends HttpDeps {
  /** The configured address. The one that the service configuration tells is not used. */
  readonly lookupUrl: string
  readonly bearer: string
}

export interface Metadata {
  /**
   * Descriptions in no promised order. Ids that Apple tells nothing about are left out, and so are those of a later call
   * that failed when an earlier one went well. Fails when nothing could be asked.
   */
  describe(productIds: readonly string[], country: string, platform: string): Promise<Result<readonly ProductDescription[], StoreFailure>>
}

export const mostIdsPerCall = 50
/** No limit is published; 126 calls a minute are known to pass. */
const gapMs = 1000
const timeoutMs = 30_000
const ownPauseMs = 60_000
const iconPixels = 128
/** Only what can stand in the list of ids as it is. */
const ID = /^[A-Za-z0-9._-]{1,64}$/

const counts = 'Counts are not touched by it; products keep the name they had, or show their number. It is tried again at a later sync.'

export const createMetadata = (deps: MetadataDeps): Metadata => {
  const { clock } = deps
  let nextAt = 0

  const turn = async (): Promise<void> => {
    const now = clock.now()
    // The gap at most also bounds the wait after the clock was set back.
    const waitMs = Math.min(Math.max(0, nextAt - now), mostCallsWaiting * gapMs)
    nextAt = now + waitMs + gapMs
    if (waitMs > 0) await sleep(clock, waitMs)
  }

  const lookUp = async (
    ids: readonly string[],
    country: string,
    platform: string,
    withToken: boolean,
  ): Promise<Result<ReadonlyMap<string, LookupItem>, StoreFailure>> => {
    await turn()
    // No `l`: names come in the language of the location's own storefront.
    const query = new URLSearchParams({ version: '2', p: 'mdm-lockup', caller: 'MDM', platform })
    if (country !== '') query.set('cc', country.toLowerCase())
    query.set('id', ids.join(','))
    const heard = await ask(deps, {
      method: 'GET',
      url: `${deps.lookupUrl}?${query.toString()}`,
      headers: { Accept: 'application/json', 'User-Agent': userAgent, ...(withToken ? { Cookie: `itvt=${deps.bearer}` } : {}) },
      timeoutMs,
    })
    if (heard.is === 'too-large') return err({ is: 'store-answer-unreadable', text: `Apple's answer with names is too large. ${counts}` })
    if (heard.is !== 'answer') return err({ is: 'store-unreachable', text: `Apple's look-up of names could not be reached. ${counts}` })
    const { status, headers, text } = heard
    if (status === 429 || status === 503) {
      const retryAfterMs = Math.min(parseRetryAfter(headers, clock.now()) ?? ownPauseMs, longestPauseMs)
      return err({ is: 'store-busy', retryAfterMs })
    }
    if (status >= 500) return err({ is: 'store-unreachable', text: `Apple's look-up of names has trouble (status ${status}). ${counts}` })
    const items = status >= 200 && status < 300 ? parseLookup(parseJson(text)) : undefined
    return items === undefined || !items.ok
      ? err({ is: 'store-answer-unreadable', text: `Apple's answer with names could not be read (status ${status}). ${counts}` })
      : items
  }

  return {
    describe: async (productIds, country, platform) => {
      const ids = [...new Set(productIds)].filter((id) => ID.test(id))
      const found: ProductDescription[] = []
      for (let from = 0; from < ids.length; from += mostIdsPerCall) {
        const asked = ids.slice(from, from + mostIdsPerCall)
        const open = await lookUp(asked, country, platform, false)
        if (!open.ok) return found.length > 0 ? ok(found) : open
        // Custom apps are told only to who shows the token; it goes to this second host for nothing else.
        const missing = asked.filter((id) => !open.value.has(id))
        const hidden = missing.length === 0 ? undefined : await lookUp(missing, country, platform, true)
        for (const id of asked) {
          const item = open.value.get(id) ?? (hidden?.ok === true ? hidden.value.get(id) : undefined)
          if (item?.name !== undefined && item.name !== '') found.push(descriptionOf(id, item.name, item, deps.lookupUrl))
        }
      }
      return ok(found)
    },
  }
}

const mostCallsWaiting = 60

const kindOf = (item: LookupItem): ProductKind | null => {
  if (item.isCustomApp) return 'custom-app'
  switch (item.kind) {
    case 'epubBook':
    case 'ibook':
    case 'ibookTextbook':
      return 'book'
    case 'iosSoftware':
    case 'desktopApp':
    case 'software':
      return 'app'
    default:
      return null
  }
}

const descriptionOf = (productId: string, name: string, item: LookupItem, lookupUrl: string): ProductDescription => ({
  productId,
  name,
  publisher: item.artist ?? '',
  kind: kindOf(item),
  iconUrl: iconOf(item.artwork, lookupUrl),
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
  // A browser will load it: encrypted, or from where the names themselves came from.
  const url = new URL(filled)
  return url.protocol === 'https:' || (url.protocol === 'http:' && url.origin === new URL(lookupUrl).origin) ? url.href : null
}
