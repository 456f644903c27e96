/** The shop's storefronts, as far as the sandbox has them. Prices in another currency are made up from the one of the catalogue, in US dollars. */
export interface Storefront {
  readonly cc: string
  readonly id: string
  readonly language: string
  readonly currency: string
  /** What a dollar comes to; the result is cut to end in 9, as shop prices do. */
  readonly perDollar: number
  readonly free: string
}

const storefront = (cc: string, id: string, language: string, currency: string, perDollar: number, free = 'Free'): Storefront => ({
  cc,
  id,
  language,
  currency,
  perDollar,
  free,
})

const US = storefront('US', '143441', 'en-us', 'USD', 1)
const STOREFRONTS: readonly Storefront[] = [
  US,
  storefront('GB', '143444', 'en-gb', 'GBP', 0.9),
  storefront('DE', '143443', 'de-de', 'EUR', 1, 'Gratis'),
  storefront('FR', '143442', 'fr-fr', 'EUR', 1, 'Gratuit'),
  storefront('IE', '143449', 'en-gb', 'EUR', 1),
  storefront('CA', '143455', 'en-ca', 'CAD', 1.4),
  storefront('AU', '143460', 'en-au', 'AUD', 1.5),
  storefront('NL', '143452', 'nl-nl', 'EUR', 1, 'Gratis'),
]

/** One that does not exist silently answers as the US. */
export const storefrontOf = (cc: string): Storefront => STOREFRONTS.find((known) => known.cc === cc.toUpperCase()) ?? US

export interface ShopPrice {
  readonly price: number
  readonly priceFormatted: string
}

export const priceIn = ({ language, currency, perDollar, free }: Storefront, dollars: number): ShopPrice => {
  if (dollars === 0) return { price: 0, priceFormatted: free }
  const price = perDollar === 1 ? dollars : Math.max(0.49, Math.round(dollars * perDollar * 10) / 10 - 0.01)
  const rounded = Math.round(price * 100) / 100
  return { price: rounded, priceFormatted: new Intl.NumberFormat(language, { style: 'currency', currency }).format(rounded) }
}
