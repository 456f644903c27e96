import { generateSpecs } from 'hono-openapi'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { StorageTrouble } from '../../server/journal.ts'
import { body } from '../../server/routes/input.ts'
import type { RouteModule } from '../../server/routes/web.ts'
import { createTestWeb, ownerEmail, ownerPassword } from '../world/web.ts'

/** Routes that stand for those of others. */
const trials: RouteModule = (web) => {
  web.get('/api/v1/broken', () => {
    throw new Error('journal: revision 41 after 43 with sekrit-inside')
  })
  web.get('/api/v1/full-disk', () => {
    throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
  })
  web.get('/api/v1/no-commit', () => {
    throw new StorageTrouble(new Error('lost'))
  })
  web.post('/api/v1/echo', body(v.object({ name: v.pipe(v.string(), v.maxLength(5)), secret: v.optional(v.number()) })), (c) =>
    c.json(c.req.valid('json')),
  )
  web.post('/api/v1/directory/import', async (c) => c.json({ characters: (await c.req.text()).length }))
}

describe('who may come in', () => {
  test('nothing below /api/v1 is open to someone who is not signed in, not even what is not there', async () => {
    await using house = await createTestWeb({ routes: [trials] })
    for (const [method, path] of [
      ['GET', '/api/v1/me'],
      ['GET', '/api/v1/admins'],
      ['POST', '/api/v1/api-keys'],
      ['GET', '/api/v1/audit'],
      ['GET', '/api/v1/nothing-here'],
      ['POST', '/api/v1/sign-out'],
    ] as const) {
      const answer = await house.asNobody(method, path)
      expect(answer, path).toMatchObject({ status: 401, json: { code: 'not-signed-in' } })
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  test.each([
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    'Basic cWxpOnFt',
    'Bearer key-of-the-environment-0123456789 more',
    'key-of-the-environment-0123456789',
  ])('the header Authorization: %s lets nobody in, whatever cookie stands beside it', async (authorization) => {
    await using house = await createTestWeb()
    const ana = await house.asBrowser()
    expect((await ana('GET', '/api/v1/me')).status).toBe(200)
    expect((await ana('GET', '/api/v1/me', undefined, { authorization })).status).toBe(401)
  })

  test('each role reaches what it covers and no more', async () => {
    await using house = await createTestWeb()
    const owner = house.asKey()
    const reach: Record<string, readonly number[]> = {}
    for (const role of ['owner', 'administrator', 'reader', 'directory']) {
      const made = await owner('POST', '/api/v1/api-keys', { name: role, role })
      const asker = house.asKey(String(made.json['key']))
      const answers = []
      for (const [method, path, sent] of [
        ['GET', '/api/v1/me', undefined],
        ['GET', '/api/v1/audit', undefined],
        ['GET', '/api/v1/audit/verify', undefined],
        ['GET', '/api/v1/admins', undefined],
        ['POST', '/api/v1/admins', { email: `${role}@example.org`, name: 'x', role: 'reader' }],
        ['PATCH', '/api/v1/admins/none', { role: 'reader' }],
        ['GET', '/api/v1/api-keys', undefined],
        ['POST', '/api/v1/api-keys', { name: 'x', role: 'owner' }],
        ['DELETE', '/api/v1/api-keys/none', undefined],
      ] as const)
        answers.push((await asker(method, path, sent)).status)
      reach[role] = answers
    }
    const no = 403
    expect(reach).toEqual({
      owner: [200, 200, 200, 200, 201, 404, 200, 201, 404],
      administrator: [200, 200, 200, no, no, no, no, no, no],
      reader: [200, 200, 200, no, no, no, no, no, no],
      directory: [200, no, no, no, no, no, no, no, no],
    })
  })

  test('a key that was revoked or has ended opens nothing', async () => {
    await using house = await createTestWeb()
    const owner = house.asKey()
    const made = await owner('POST', '/api/v1/api-keys', { name: 'script', role: 'reader', expiresAt: '2026-11-24T10:00:00Z' })
    const other = await owner('POST', '/api/v1/api-keys', { name: 'other', role: 'reader' })
    expect(made.json['key']).toMatch(/^qm_[A-Za-z0-9_-]{43}$/)
    const [script, second] = [house.asKey(String(made.json['key'])), house.asKey(String(other.json['key']))]
    expect((await script('GET', '/api/v1/me')).json).toMatchObject({ name: 'script', role: 'reader' })
    expect((await second('GET', '/api/v1/me')).status).toBe(200)
    house.clock.pass(3_600_000)
    expect((await script('GET', '/api/v1/me')).status).toBe(401)
    expect((await owner('DELETE', `/api/v1/api-keys/${String(other.json['id'])}`)).status).toBe(204)
    expect((await second('GET', '/api/v1/me')).status).toBe(401)
    const listed = await owner('GET', '/api/v1/api-keys?sort=name')
    expect(listed.text).not.toContain(String(made.json['key']))
    expect(listed.json['items']).toMatchObject([
      { name: 'Key of the environment' },
      { name: 'other', revokedAt: '2026-11-24T10:00:00.000Z' },
      { name: 'script' },
    ])
    const late = await owner('POST', '/api/v1/api-keys', { name: 'late', role: 'reader', expiresAt: '2026-11-24T09:00:00Z' })
    expect(late).toMatchObject({ status: 422, json: { code: 'expiry-in-the-past' } })
  })
})

describe('where a change may come from', () => {
  const home = 'http://localhost:8787'
  const change = { email: ownerEmail, password: ownerPassword }

  test.each([
    ['no origin at all', undefined],
    ['null', 'null'],
    ['another site', 'https://evil.example.org'],
    ['another port', 'http://localhost:8788'],
    ['no port', 'http://localhost'],
    ['TLS on the same host', 'https://localhost:8787'],
    ['our name as a beginning', 'http://localhost:8787.evil.example.org'],
    ['our name as an ending', 'http://evil-localhost:8787'],
    ['our name as a user', 'http://localhost:8787@evil.example.org'],
    ['a path behind it', 'http://localhost:8787/'],
    ['no address', 'localhost:8787'],
  ])('a cookie with %s changes nothing', async (_, origin) => {
    await using house = await createTestWeb()
    const signedIn = await house.asNobody('POST', '/api/v1/sign-in', change)
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const headers: Record<string, string> = origin === undefined ? { cookie } : { cookie, origin }
    const answer = await house.asNobody('POST', '/api/v1/sign-out', undefined, headers)
    expect(answer).toMatchObject({ status: 403, json: { code: 'origin-refused' } })
    expect((await house.asNobody('GET', '/api/v1/me', undefined, headers)).status).toBe(200)
    // The same for the upgrade to a WebSocket, which a browser sends as a GET.
    expect((await house.asNobody('GET', '/sync', undefined, { ...headers, connection: 'upgrade', upgrade: 'websocket' })).status).toBe(403)
    expect((await house.asNobody('POST', '/api/v1/sign-out', undefined, { cookie, origin: home })).status).toBe(204)
  })

  test('the address in the bar counts too, when it is this very server', async () => {
    await using house = await createTestWeb()
    const headers = { origin: 'http://127.0.0.1:8787', host: '127.0.0.1:8787' }
    expect((await house.asNobody('POST', '/api/v1/sign-in', change, headers)).status).toBe(200)
    expect((await house.asNobody('POST', '/api/v1/sign-in', change, { ...headers, host: 'localhost:8787' })).status).toBe(403)
  })

  test('a script with a key needs no origin, and a wrong one is refused all the same', async () => {
    await using house = await createTestWeb()
    const script = house.asKey()
    expect((await script('POST', '/api/v1/api-keys', { name: 'a', role: 'reader' })).status).toBe(201)
    expect((await script('POST', '/api/v1/api-keys', { name: 'a', role: 'reader' }, { origin: 'https://evil.example.org' })).status).toBe(
      403,
    )
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', ''])(
    'a body that calls itself %j is not read',
    async (type) => {
      await using house = await createTestWeb({ routes: [trials] })
      const answer = await house.asKey()('POST', '/api/v1/echo', '{"name":"a"}', { 'content-type': type })
      expect(answer).toMatchObject({ status: 415, json: { code: 'json-expected' } })
    },
  )
})

describe('what is sent', () => {
  test('is read up to a mebibyte, and an import up to twenty', async () => {
    await using house = await createTestWeb({ routes: [trials] })
    const script = house.asKey()
    const mebibyte = 1024 * 1024
    const sent = (bytes: number): string => `{"name":"${'a'.repeat(bytes - 11)}"}`
    expect((await script('POST', '/api/v1/echo', sent(mebibyte))).status).toBe(400)
    expect(await script('POST', '/api/v1/echo', sent(mebibyte + 1))).toMatchObject({
      status: 413,
      json: { code: 'too-large', mostBytes: mebibyte },
    })
    const csv = { 'content-type': 'text/csv' }
    expect((await script('POST', '/api/v1/directory/import', 'a'.repeat(20 * mebibyte), csv)).json).toEqual({ characters: 20 * mebibyte })
    expect((await script('POST', '/api/v1/directory/import', 'a'.repeat(20 * mebibyte + 1), csv)).status).toBe(413)
  })

  test('what is wrong with it is told by the name of the field, never by what stood there', async () => {
    await using house = await createTestWeb({ routes: [trials] })
    const script = house.asKey()
    const answer = await script('POST', '/api/v1/echo', { name: 'swordfish', secret: 'herring' })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.json).toMatchObject({
      type: 'urn:quartermaster:problem:request-malformed',
      status: 400,
      code: 'request-malformed',
      instance: '/api/v1/echo',
      errors: [
        { field: 'name', text: 'must be at most 5' },
        { field: 'secret', text: 'must be a number' },
      ],
    })
    expect(answer.text).not.toMatch(/swordfish|herring/)
    expect((await script('POST', '/api/v1/echo', '{"name":')).json).toMatchObject({ code: 'request-malformed' })
    expect((await script('POST', '/api/v1/echo')).json).toMatchObject({ errors: [{ field: 'name', text: 'is missing' }] })
    expect((await script('POST', '/api/v1/echo', '[]')).status).toBe(400)
    expect((await script('POST', '/api/v1/echo', '{"name":"a","__proto__":{"secret":1}}')).json).toEqual({ name: 'a' })
  })
})

describe('what goes wrong', () => {
  test('unexpectedly is answered with a number and logged once, in full there and not here', async () => {
    await using house = await createTestWeb({ routes: [trials] })
    const answer = await house.asKey()('GET', '/api/v1/broken')
    expect(answer).toMatchObject({ status: 500, json: { code: 'unexpected' } })
    expect(answer.text).not.toContain('sekrit')
    expect(answer.text).not.toContain('app.ts')
    const id = String(answer.json['requestId'])
    expect(answer.headers.get('x-request-id')).toBe(id)
    expect(String(answer.json['detail'])).toContain(id)
    const errors = house
      .logged()
      .split('\n')
      .filter((line) => line.includes('"error"'))
    expect(errors).toHaveLength(1)
    expect(JSON.parse(errors[0] ?? '')).toMatchObject({ id, err: { message: 'journal: revision 41 after 43 with sekrit-inside' } })
  })

  test.each(['full-disk', 'no-commit'])('with the database (%s) is told as such, with a time to come back', async (path) => {
    await using house = await createTestWeb({ routes: [trials] })
    const answer = await house.asKey()('GET', `/api/v1/${path}`)
    expect(answer).toMatchObject({ status: 503, json: { code: 'storage-unavailable' } })
    expect(answer.headers.get('retry-after')).toBe('5')
  })

  test('with the address is a 404 in the form of all problems, and never a page', async () => {
    await using house = await createTestWeb()
    for (const path of ['/api/v1/nothing', '/api/nothing', '/api', '/hooks/x', '/metrics']) {
      const answer = await house.asKey()('GET', path)
      expect(answer, path).toMatchObject({ status: 404, json: { code: 'not-found' } })
    }
    // A SCIM client reads only what has the form of SCIM.
    expect(await house.asKey()('GET', '/scim/v3/Users')).toMatchObject({ status: 404, json: { status: '404', detail: expect.any(String) } })
    expect(await house.asNobody('GET', '/sync')).toMatchObject({ status: 426, json: { code: 'upgrade-expected' } })
  })

  test('a database that is gone shows in /readyz and not in /healthz', async () => {
    const house = await createTestWeb()
    expect(await house.asNobody('GET', '/readyz')).toMatchObject({ status: 200, json: { status: 'ready', reasons: [] } })
    await house.world.close()
    expect(await house.asNobody('GET', '/readyz')).toMatchObject({
      status: 503,
      json: { status: 'not-ready', reasons: ['the database does not answer'] },
    })
    expect(await house.asNobody('GET', '/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
  })
})

describe('every answer', () => {
  test('tells the browser to trust nothing but this server', async () => {
    await using house = await createTestWeb({ routes: [trials] })
    for (const path of ['/healthz', '/api/v1/me', '/api/v1/broken', '/nothing.js']) {
      const { headers } = await house.asKey()('GET', path)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain(`default-src 'none'; script-src 'self';`)
      expect(policy).toContain(`connect-src 'self' ws://localhost:8787;`)
      expect(policy).toContain(`frame-ancestors 'none'`)
      expect(policy).not.toMatch(/script-src[^;]*unsafe/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('strict-transport-security')).toBeNull()
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('over https asks for https from then on', async () => {
    await using house = await createTestWeb({ publicUrl: 'https://licenses.example.org' })
    const { headers } = await house.asNobody('GET', '/healthz')
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
    expect(headers.get('content-security-policy')).toContain('wss://licenses.example.org')
  })

  test('of the API is kept by no cache', async () => {
    await using house = await createTestWeb()
    expect((await house.asKey()('GET', '/api/v1/me')).headers.get('cache-control')).toBe('no-store')
  })
})

test('the log tells who asked what, and nothing of what was sent', async () => {
  await using house = await createTestWeb({ routes: [trials] })
  const script = house.asKey()
  await script('POST', '/api/v1/echo?q=swordfish', { name: 'herr' }, { cookie: 'qm=mackerel', 'x-forwarded-for': 'sardine' })
  const line = JSON.parse(house.logged().trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  expect(line).toEqual({
    level: 'info',
    time: '2026-11-24T09:00:00.000Z',
    part: 'http',
    id: expect.stringMatching(/^[a-z2-7]{20}$/) as string,
    method: 'POST',
    path: '/api/v1/echo',
    status: 200,
    ms: 0,
    actor: 'environment',
    msg: 'request',
  })
  expect(house.logged()).not.toMatch(/swordfish|herr|mackerel|sardine|key-of-the/)
})

test('the routes describe themselves for the OpenAPI document', async () => {
  await using house = await createTestWeb()
  const document = await generateSpecs(house.web, { documentation: { info: { title: 'Quartermaster', version: '1' } } })
  expect(Object.keys(document.paths ?? {}).sort()).toEqual([
    '/api/v1/admins',
    '/api/v1/admins/{id}',
    '/api/v1/admins/{id}/link',
    '/api/v1/api-keys',
    '/api/v1/api-keys/{id}',
    '/api/v1/audit',
    '/api/v1/audit/verify',
    '/api/v1/me',
    '/api/v1/me/password',
    '/api/v1/set-up',
    '/api/v1/sign-in',
    '/api/v1/sign-out',
    '/healthz',
    '/readyz',
  ])
  const signIn = document.paths?.['/api/v1/sign-in']?.post
  expect(Object.keys(signIn?.responses ?? {}).sort()).toEqual(['200', '400', '401', '403', '429'])
  expect(JSON.stringify(signIn?.requestBody)).toContain('"password"')
})
