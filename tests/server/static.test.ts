import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStatic } from '../../server/static.ts'
import { createTestWeb, type TestWeb } from '../world/web.ts'

const directory = mkdtempSync(join(tmpdir(), 'quartermaster-static-'))
const page = `<!doctype html><title>Quartermaster</title>${'<p>license</p>'.repeat(200)}`
let house: TestWeb

beforeAll(async () => {
  mkdirSync(join(directory, 'client', 'assets'), { recursive: true })
  writeFileSync(join(directory, 'secret.txt'), 'swordfish')
  writeFileSync(join(directory, 'client', 'index.html'), page)
  writeFileSync(join(directory, 'client', 'service-worker.js'), 'self.x = 1')
  writeFileSync(join(directory, 'client', 'manifest.webmanifest'), '{}')
  writeFileSync(join(directory, 'client', 'assets', 'app-a1b2.js'), `export const x = ${'1 + '.repeat(1_000)}1`)
  house = await createTestWeb({ files: await createStatic(join(directory, 'client')) })
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

const get = (path: string, headers: Record<string, string> = {}) => house.asNobody('GET', path, undefined, headers)

test.each(['/', '/sign-in?setup=x', '/licenses/l17', '/people/users/u3', '/index.html'])('%s is the console', async (path) => {
  const answer = await get(path)
  expect(answer).toMatchObject({ status: 200, text: page })
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('cache-control')).toBe('no-cache')
  expect(answer.headers.get('content-security-policy')).toContain(`default-src 'none'`)
})

test('what has a hash in its name is kept for a year, the worker is asked for each time', async () => {
  const script = await get('/assets/app-a1b2.js')
  expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect((await get('/service-worker.js')).headers.get('cache-control')).toBe('no-cache')
  expect((await get('/manifest.webmanifest')).headers.get('content-type')).toMatch(/^application\/manifest\+json/)
})

test('a file that the browser has is not sent again', async () => {
  const etag = (await get('/')).headers.get('etag') ?? ''
  const again = await get('/', { 'if-none-match': `"other", W/${etag}` })
  expect(again).toMatchObject({ status: 304, text: '' })
  expect(again.headers.get('etag')).toBe(etag)
  expect((await get('/', { 'if-none-match': '"other"' })).status).toBe(200)
})

test('text is packed for whoever can unpack it, with a tag of its own', async () => {
  const ask = async (accepted: string) => {
    const response = await house.web.request('http://localhost:8787/', { headers: { 'accept-encoding': accepted } })
    return {
      encoding: response.headers.get('content-encoding'),
      etag: response.headers.get('etag'),
      bytes: Buffer.from(await response.arrayBuffer()),
    }
  }
  const [plain, br, gzip] = [await ask('identity'), await ask('gzip, deflate, br'), await ask('gzip;q=1.0, br;q=0')]
  expect([plain.encoding, br.encoding, gzip.encoding]).toEqual([null, 'br', 'gzip'])
  expect(new Set([plain.etag, br.etag, gzip.etag]).size).toBe(3)
  expect(brotliDecompressSync(br.bytes).toString()).toBe(page)
  expect(gunzipSync(gzip.bytes).toString()).toBe(page)
  expect(br.bytes.length).toBeLessThan(plain.bytes.length / 5)
})

test.each([
  '/missing.js',
  '/assets/app-0000.js',
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/assets/....//secret.txt',
  '/.env',
])('%s is nothing', async (path) => {
  const answer = await get(path)
  expect(answer.status).toBe(404)
  expect(answer.text).not.toContain('swordfish')
})

test('HEAD tells the size and sends nothing; POST is not for pages', async () => {
  const head = await house.asNobody('HEAD', '/')
  expect(head).toMatchObject({ status: 200, text: '' })
  expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(page)))
  expect((await house.asNobody('POST', '/licenses')).status).toBe(404)
})

test('without a build there is no page, and the server says so instead of breaking', async () => {
  await using bare = await createTestWeb({ files: await createStatic(join(directory, 'not-built')) })
  expect(await bare.asNobody('GET', '/')).toMatchObject({ status: 404, json: { code: 'not-found' } })
})
