/** What the store's shop tells about a product, in words. */
import { expect, test } from 'vitest'
import { priceInWords, productFacts } from '../../client/screens/product-facts.ts'
import { laterInProduct, type Price, type Product } from '../../shared/license.ts'

const now = Date.UTC(2026, 10, 24, 12)
const price: Price = { amount: 4.99, currency: 'EUR', formatted: '4,99 €', storefront: 'DE', asOf: '2026-11-21T12:00:00.000Z' }
const product: Product = { id: '1', name: '1', publisher: '', kind: 'app', platforms: ['iOS'], iconUrl: null, ...laterInProduct }

test('a price is told with its storefront and its age', () => {
  expect(priceInWords(price, 'DE', now)).toMatch(/^Price 4,99 €, storefront Germany, as of 21 Nov, \d\d:\d\d, 3 days ago$/)
})

test('a price of another storefront says so', () => {
  expect(priceInWords({ ...price, storefront: 'US' }, 'LI', now)).toContain(
    'storefront United States, since that of Liechtenstein did not answer, as of',
  )
  expect(priceInWords({ ...price, storefront: 'US' }, '', now)).toContain('storefront United States, as of')
})

test('a storefront that was not told, or that is of no country, is shown as it is', () => {
  expect(priceInWords({ ...price, storefront: '' }, 'DE', now)).toContain('storefront not told')
  expect(priceInWords({ ...price, storefront: '??' }, '??', now)).toContain('storefront ??')
})

test('what was not told is not shown', () => {
  expect(productFacts(product, 'DE', now)).toEqual([])
  expect(productFacts({ ...product, version: '3.2.1', bundleId: 'org.example.notes' }, 'DE', now)).toEqual([
    'Version 3.2.1',
    'org.example.notes',
  ])
})
