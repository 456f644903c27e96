/** Icons on this device: seen once, there without a network, and never more than so many. */
import { describe, expect, test } from 'vitest'
import { answerIcon, isIconPath, type IconCache } from '../../client/icon-cache.ts'

const icon = (n: number): string => `/icons/${String(n).padStart(32, '0')}-64.webp`
const asking = (path: string): Request => new Request(`https://licenses.example${path}`)

/** As a browser's: in the order of keeping. */
const openCache = (): IconCache & { readonly paths: () => readonly string[] } => {
  const kept = new Map<string, Response>()
  return {
    match: async ({ url }) => kept.get(url)?.clone(),
    put: async ({ url }, response) => void kept.set(url, response),
    keys: async () => [...kept.keys()].map((url) => new Request(url)),
    delete: async ({ url }) => kept.delete(url),
    paths: () => [...kept.keys()].map((url) => new URL(url).pathname),
  }
}
const webp = (text = 'picture'): Response => new Response(text, { headers: { 'content-type': 'image/webp' } })

describe('an icon', () => {
  test('is asked for once, and is there without a network afterwards', async () => {
    const cache = openCache()
    let asked = 0
    const online = async (): Promise<Response> => {
      asked += 1
      return webp()
    }
    const offline = (): Promise<Response> => Promise.reject(new TypeError('Failed to fetch'))
    expect(await (await answerIcon({ cache, fetch: online }, asking(icon(1)))).text()).toBe('picture')
    expect(await (await answerIcon({ cache, fetch: online }, asking(icon(1)))).text()).toBe('picture')
    expect(await (await answerIcon({ cache, fetch: offline }, asking(icon(1)))).text()).toBe('picture')
    expect(asked).toBe(1)
    await expect(answerIcon({ cache, fetch: offline }, asking(icon(2)))).rejects.toThrow('Failed to fetch')
  })

  test('that came first goes first when there are too many', async () => {
    const cache = openCache()
    for (let n = 0; n < 7; n += 1) await answerIcon({ cache, fetch: async () => webp(), most: 5 }, asking(icon(n)))
    expect(cache.paths()).toEqual([2, 3, 4, 5, 6].map(icon))
  })

  test('that is refused, or is a page, is passed on and not kept', async () => {
    const cache = openCache()
    const refused = await answerIcon({ cache, fetch: async () => new Response('no', { status: 404 }) }, asking(icon(1)))
    expect(refused.status).toBe(404)
    const page = new Response('<html>', { headers: { 'content-type': 'text/html' } })
    await answerIcon({ cache, fetch: async () => page }, asking(icon(1)))
    expect(cache.paths()).toEqual([])
  })

  test('is shown although the disk is full', async () => {
    const cache: IconCache = { ...openCache(), put: () => Promise.reject(new DOMException('full', 'QuotaExceededError')) }
    expect(await (await answerIcon({ cache, fetch: async () => webp() }, asking(icon(1)))).text()).toBe('picture')
  })
})

test('only addresses of icons are answered here', () => {
  expect([icon(1), icon(1).replace('-64', '')].every(isIconPath)).toBe(true)
  expect(['/icons/', '/icons/x.webp', '/api/v1/licenses', `${icon(1)}.html`, `/x${icon(1)}`].some(isIconPath)).toBe(false)
})
