/**
 * The answers of Apple's two look-ups, read leniently: any member may be missing, null or of another type, and one odd
 * entry costs itself alone. Source: docs/stores/apple-apps-and-books.md, 4.1 and 4.3.
 */
import * as v from 'valibot'
import { err, ok, type Result } from '../../../shared/result.ts'

export interface Artwork {
  /** An address, or a template with {w}, {h}, {c} and {f} in it. */
  readonly url: string
  readonly width: number | undefined
}

export interface LookupItem {
  readonly name: string | undefined
  readonly artist: string | undefined
  readonly kind: string | undefined
  readonly isCustomApp: boolean
  readonly bundleId: string | undefined
  readonly deviceFamilies: readonly string[]
  readonly version: string | undefined
  readonly price: { readonly amount: number; readonly currency: string | null; readonly formatted: string } | null
  readonly artwork: readonly Artwork[]
}

export interface LookupAnswer {
  readonly itemById: ReadonlyMap<string, LookupItem>
  /** Upper case; undefined: it did not say. */
  readonly storefront: string | undefined
}

export interface LookupUnreadable {
  readonly is: 'unreadable'
}

const mostTextCharacters = 500
/** What is no text, or too long to be one of a shop's, counts as not told. */
const text = v.fallback(v.nullish(v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(mostTextCharacters))), undefined)
const flag = v.fallback(v.nullish(v.boolean()), undefined)
const number = v.fallback(
  v.nullish(
    v.union([v.pipe(v.number(), v.finite(), v.minValue(0)), v.pipe(v.string(), v.regex(/^\d{1,9}(\.\d{1,4})?$/), v.transform(Number))]),
  ),
  undefined,
)
const list = v.fallback(v.nullish(v.array(v.unknown())), undefined)
const country = v.fallback(v.nullish(v.pipe(v.string(), v.regex(/^[A-Za-z]{2}$/), v.toUpperCase())), undefined)
const currency = v.fallback(v.nullish(v.pipe(v.string(), v.regex(/^[A-Za-z]{3}$/), v.toUpperCase())), undefined)
const loose = v.fallback(v.nullish(v.unknown()), undefined)

const itemForm = v.object({
  name: text,
  artistName: text,
  kind: text,
  isB2BCustomApp: flag,
  bundleId: text,
  deviceFamilies: list,
  artwork: loose,
  offers: list,
})
const offerForm = v.object({ price: number, priceFormatted: text, currencyCode: currency, currency, version: loose })
const versionForm = v.object({ display: text })
const artworkForm = v.object({ url: v.pipe(v.string(), v.maxLength(2048)), width: number })
const answerForm = v.object({
  results: v.nullish(v.record(v.string(), v.unknown())),
  meta: v.fallback(v.nullish(v.object({ storefront: v.nullish(v.object({ cc: country })) })), undefined),
})

/** An object with a template in live answers, a list of sized pictures in older samples. */
const artworkOf = (value: unknown): readonly Artwork[] =>
  (Array.isArray(value) ? value : [value]).flatMap((item: unknown) => {
    const parsed = v.safeParse(artworkForm, item)
    return parsed.success ? [{ url: parsed.output.url, width: parsed.output.width ?? undefined }] : []
  })

const priceOf = (amount: number | null | undefined, formatted: string | null | undefined, code: string | null): LookupItem['price'] =>
  amount === null || amount === undefined ? null : { amount, currency: code, formatted: formatted ?? `${amount} ${code ?? ''}`.trim() }

const itemOf = (value: unknown): LookupItem | undefined => {
  const parsed = v.safeParse(itemForm, value)
  if (!parsed.success) return undefined
  const { name, artistName, kind, isB2BCustomApp, bundleId, deviceFamilies, artwork, offers } = parsed.output
  const told = (offers ?? []).flatMap((item) => {
    const offer = v.safeParse(offerForm, item)
    return offer.success ? [offer.output] : []
  })
  const priced = told.find(({ price }) => price !== null && price !== undefined)
  const version = told.flatMap((offer) => {
    const read = v.safeParse(versionForm, offer.version)
    return read.success && typeof read.output.display === 'string' ? [read.output.display] : []
  })[0]
  return {
    name: name ?? undefined,
    artist: artistName ?? undefined,
    kind: kind ?? undefined,
    isCustomApp: isB2BCustomApp === true,
    bundleId: bundleId ?? undefined,
    deviceFamilies: (deviceFamilies ?? []).filter((family) => typeof family === 'string').slice(0, 20),
    version,
    price: priceOf(priced?.price, priced?.priceFormatted, priced?.currencyCode ?? priced?.currency ?? null),
    artwork: artworkOf(artwork),
  }
}

/** Of `contentMetadataLookup`: results by id. */
export const parseLookup = (json: unknown): Result<LookupAnswer, LookupUnreadable> => {
  const parsed = v.safeParse(answerForm, json)
  if (!parsed.success) return err({ is: 'unreadable' })
  const itemById = new Map<string, LookupItem>()
  for (const [id, value] of Object.entries(parsed.output.results ?? {})) {
    const item = itemOf(value)
    if (item !== undefined) itemById.set(id, item)
  }
  return ok({ itemById, storefront: parsed.output.meta?.storefront?.cc ?? undefined })
}

const publicForm = v.object({
  trackId: v.union([v.pipe(v.number(), v.integer(), v.minValue(0)), v.pipe(v.string(), v.regex(/^\d{1,20}$/))]),
  trackName: text,
  artistName: text,
  kind: text,
  bundleId: text,
  version: text,
  price: number,
  currency,
  formattedPrice: text,
  artworkUrl512: text,
  artworkUrl100: text,
})

/** Of the public iTunes look-up: results as a list. It names no storefront; the one that was asked is what it answers for. */
export const parsePublicLookup = (json: unknown): Result<LookupAnswer, LookupUnreadable> => {
  const parsed = v.safeParse(v.object({ results: v.array(v.unknown()) }), json)
  if (!parsed.success) return err({ is: 'unreadable' })
  const itemById = new Map<string, LookupItem>()
  for (const value of parsed.output.results) {
    const read = v.safeParse(publicForm, value)
    if (!read.success) continue
    const { trackId, trackName, artistName, kind, bundleId, version, price, currency: code, formattedPrice } = read.output
    const pictures: readonly (readonly [string | null | undefined, number])[] = [
      [read.output.artworkUrl512, 512],
      [read.output.artworkUrl100, 100],
    ]
    itemById.set(String(trackId), {
      name: trackName ?? undefined,
      artist: artistName ?? undefined,
      kind: kind ?? undefined,
      isCustomApp: false,
      bundleId: bundleId ?? undefined,
      deviceFamilies: [],
      version: version ?? undefined,
      price: priceOf(price, formattedPrice, code ?? null),
      artwork: pictures.flatMap(([url, width]) => (typeof url === 'string' ? [{ url, width }] : [])),
    })
  }
  return ok({ itemById, storefront: undefined })
}
