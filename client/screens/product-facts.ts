/** What the store's shop tells about a product, each with its source: the license's own page says it under the name. */
import { ago, fullTime } from '../parts/times.ts'
import type { Price, Product } from '../../shared/license.ts'

const regionNames = new Intl.DisplayNames('en', { type: 'region' })
/** A code that is of no country is shown as it is. */
const countryOf = (code: string): string => {
  try {
    return regionNames.of(code) ?? code
  } catch {
    return code
  }
}

/** `country`: the Location's own storefront. Another one may have answered, and then its price is no price of ours. */
export const priceInWords = (price: Price, country: string, now: number): string => {
  const { storefront, formatted, asOf } = price
  const place =
    storefront === ''
      ? 'storefront not told'
      : storefront === country || country === ''
        ? `storefront ${countryOf(storefront)}`
        : `storefront ${countryOf(storefront)}, since that of ${countryOf(country)} did not answer`
  return `Price ${formatted}, ${place}, as of ${fullTime(asOf, now)}, ${ago(Math.max(0, now - Date.parse(asOf)))}`
}

/** Empty while the look-up has told nothing. */
export const productFacts = (product: Product, country: string, now: number): readonly string[] => [
  ...(product.price === null ? [] : [priceInWords(product.price, country, now)]),
  ...(product.version === null ? [] : [`Version ${product.version}`]),
  ...(product.bundleId === null ? [] : [product.bundleId]),
]
