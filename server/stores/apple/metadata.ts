/** Names and icons of Apple's products, from the content metadata look-up. Never needed for counts. Source: docs/stores, 4.1. */
import * as v from 'valibot'
import { sleep, type Clock } from '../../../shared/clock.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { ProductDescription, StoreFailure } from '../store.ts'
import { parseRetryAfter } from './client.ts'
import { defaultPauseMs } from './failures.ts'
import { describedItem, lookupAnswer, type Described } from './wire.ts'

export interface MetadataDeps {
  readonly clock: Clock
  readonly fetch: typeof globalThis.fetch
  readonly lookupUrl: string
}

export const idsPerCall = 50
/** No limit is documented; one call a second is known to pass. */
const gapMs = 1000
const timeoutMs = 15_000
const iconPixels = '128'

/** The token is not sent: the look-up lives on another host. Custom apps that it hides without one keep their number as name. */
export const createMetadata = (deps: MetadataDeps) => {
  let nextAt = 0
  return {
    describe: async (
      productIds: readonly string[],
      country: string,
      platform: string,
    ): Promise<Result<readonly ProductDescription[], StoreFailure>> => {
      const found: ProductDescription[] = []
      for (let from = 0; from < productIds.length; from += idsPerCall) {
        const waitMs = nextAt - deps.clock.now()
        if (waitMs > 0) await sleep(deps.clock, waitMs)
        nextAt = deps.clock.now() + gapMs
        const some = await lookUp(deps, productIds.slice(from, from + idsPerCall), country, platform)
        if (!some.ok) return some
        found.push(...some.value)
      }
      return ok(found)
    },
  }
}

const lookUp = async (
  deps: MetadataDeps,
  ids: readonly string[],
  country: string,
  platform: string,
): Promise<Result<readonly ProductDescription[], StoreFailure>> => {
  const query = new URLSearchParams({
    version: '2',
    p: 'mdm-lockup',
    caller: 'MDM',
    platform,
    cc: country.toLowerCase(),
    l: 'en',
    id: ids.join(','),
  })
  const abort = new AbortController()
  const cancelTimer = deps.clock.after(timeoutMs, () => abort.abort())
  try {
    const response = await deps.fetch(`${deps.lookupUrl}?${query.toString()}`, {
      redirect: 'manual',
      signal: abort.signal,
      headers: { Accept: 'application/json' },
    })
    const text = await response.text()
    if (response.status === 429 || response.status >= 500)
      return err({
        is: 'store-busy',
        retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), deps.clock.now()) ?? defaultPauseMs,
      })
    const answer = v.safeParse(lookupAnswer, parse(text))
    if (!response.ok || !answer.success)
      return err({ is: 'store-answer-unreadable', text: "Apple's look-up of names could not be read. Counts are not affected." })
    return ok(
      Object.entries(answer.output.results ?? {}).flatMap(([productId, item]) => {
        const described = v.safeParse(describedItem, item)
        return described.success && described.output.name ? [descriptionOf(productId, described.output.name, described.output)] : []
      }),
    )
  } catch {
    return err({ is: 'store-unreachable', text: "Apple's look-up of names could not be reached. Counts are not affected." })
  } finally {
    cancelTimer()
  }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const descriptionOf = (productId: string, name: string, item: Described): ProductDescription => ({
  productId,
  name,
  publisher: item.artistName ?? '',
  kind: item.isB2BCustomApp === true ? 'custom-app' : item.kind === 'epubBook' || item.kind === 'ibookTextbook' ? 'book' : null,
  iconUrl: iconOf(item.artwork),
})

/** An object with a template in live answers, a list of sized pictures in older samples. */
const iconOf = (artwork: Described['artwork']): string | null => {
  const url = Array.isArray(artwork) ? artwork.at(-1)?.url : artwork?.url
  return url === undefined
    ? null
    : url.replaceAll('{w}', iconPixels).replaceAll('{h}', iconPixels).replaceAll('{f}', 'png').replaceAll('{c}', 'bb')
}
