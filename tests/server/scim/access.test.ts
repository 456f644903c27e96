/** Who may speak SCIM here, and what comes of input that nobody should send. */
import { sql } from 'kysely'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { roles } from '../../../shared/admin.ts'
import { createScim } from '../../../server/scim/provider.ts'
import { userType } from '../../../server/scim/schema.ts'
import { seededChance } from '../../world/hand-clock.ts'
import { apiKey, openDesk } from '../routes/desk.ts'
import { core, errorMessage, openScimDesk, patchOp } from './scim-desk.ts'

const calls = [
  ['GET', '/Users'],
  ['POST', '/Users'],
  ['GET', '/Users/u1'],
  ['PUT', '/Users/u1'],
  ['PATCH', '/Users/u1'],
  ['DELETE', '/Users/u1'],
  ['POST', '/Users/.search'],
  ['GET', '/Groups'],
  ['POST', '/Groups'],
  ['GET', '/Groups/x'],
  ['PUT', '/Groups/x'],
  ['PATCH', '/Groups/x'],
  ['DELETE', '/Groups/x'],
  ['POST', '/Groups/.search'],
  ['POST', '/.search'],
  ['GET', '/ServiceProviderConfig'],
  ['GET', '/ResourceTypes'],
  ['GET', '/ResourceTypes/User'],
  ['GET', '/Schemas'],
  ['GET', `/Schemas/${core}`],
  ['GET', '/Me'],
  ['POST', '/Bulk'],
] as const

test('every call lets in who manages the directory, and nobody else', async () => {
  await using desk = await openScimDesk()
  for (const role of roles) {
    const as = await desk.keyOf(role)
    for (const [method, path] of calls) {
      const { status } = await desk.scim(method, path, { as, ...(method === 'GET' || method === 'DELETE' ? {} : { body: {} }) })
      expect([role, method, path, status === 401 || status === 403]).toEqual([role, method, path, role === 'reader'])
    }
  }
  for (const [method, path] of calls)
    expect([method, path, (await desk.scim(method, path, { as: null })).status]).toEqual([method, path, 401])
})

test('the right is asked again at the data, without any route', async () => {
  await using desk = await openScimDesk()
  const { journal, directory } = desk.composed.house
  const { db } = desk.database
  const scim = createScim({ db, journal, directory, clock: desk.clock, chance: seededChance(3), publicUrl: 'https://x.example' })
  const reader = { kind: 'api-key', id: desk.key as never, name: 'r', role: 'reader' } as const
  const nothing = { groups: false, members: false }
  const body = { schemas: [core], userName: 'ana' }
  for (const asked of [
    scim.create(reader, userType, body),
    scim.list(reader, userType, { filter: undefined, startIndex: 1, count: 1 }, nothing),
    scim.find(reader, userType, 'u1', nothing),
    scim.replace(reader, userType, 'u1', body, () => true, nothing),
    scim.patch(reader, userType, 'u1', { Operations: [{ op: 'remove', path: 'title' }] }, () => true, nothing),
    scim.remove(reader, userType, 'u1', () => true),
  ])
    expect(await asked).toMatchObject({ ok: false, error: { status: 403 } })
  expect((await desk.get('users')).body.items).toEqual([])
})

test('a key of the directory reads nothing but what SCIM itself made', async () => {
  await using desk = await openScimDesk()
  await desk.post('users', { userName: 'by-hand' })
  expect((await desk.scim('GET', '/Users')).body.totalResults).toBe(0)
  for (const path of ['users', 'licenses', 'audit', 'api-keys']) expect((await desk.ask('GET', path, { as: desk.key })).status).toBe(403)
})

test('a revoked key is let in no more', async () => {
  await using desk = await openScimDesk()
  const made = await desk.post('api-keys', { name: 'Entra', role: 'directory' })
  expect((await desk.scim('GET', '/Users', { as: made.body.key })).status).toBe(200)
  await desk.ask('DELETE', `api-keys/${made.body.apiKey?.id ?? made.body.id}`)
  expect((await desk.scim('GET', '/Users', { as: made.body.key })).status).toBe(401)
})

test('a session counts for nothing here, and no page can send a change', async () => {
  const password = 'correct horse battery'
  await using desk = await openDesk({ environment: { QM_OWNER_EMAIL: 'ana@school.example', QM_OWNER_PASSWORD: password } })
  const origin = 'http://localhost:8787'
  const signedIn = await desk.ask('POST', 'sign-in', { body: { email: 'ana@school.example', password }, as: null, headers: { origin } })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  expect((await desk.ask('GET', 'me', { as: null, headers: { cookie } })).status).toBe(200)
  expect((await desk.ask('GET', '/scim/v2/Users', { as: null, headers: { cookie } })).status).toBe(401)
  const foreign = await desk.ask('POST', '/scim/v2/Users', { body: {}, headers: { origin: 'https://evil.example' } })
  expect([foreign.status, foreign.body.schemas]).toEqual([403, [errorMessage]])
})

test('no key comes out again, whatever is asked with it', async () => {
  await using desk = await openScimDesk()
  const said: string[] = []
  for (const as of [desk.key, apiKey])
    for (const [method, path] of calls)
      for (const inside of [path, `${path}?filter=${encodeURIComponent(`userName eq "${as}"`)}`, `${path}?attributes=${as}`]) {
        const body = { schemas: [core], userName: { [as]: as }, Operations: [{ op: as, path: as, value: as }] }
        const answer = await desk.scim(method, inside, { as, ...(method === 'GET' || method === 'DELETE' ? {} : { body }) })
        said.push(`${[...answer.headers].join('\n')}\n${answer.text}`)
      }
  const logged = desk.logged.join('\n')
  expect(said.length).toBe(calls.length * 6)
  for (const key of [desk.key, apiKey]) expect(said.join('\n') + logged).not.toContain(key)
})

test('a body is refused by its size, in the form of SCIM, and nothing is made', async () => {
  await using desk = await openScimDesk()
  const raw = JSON.stringify({ schemas: [core], userName: 'ana', title: 'x'.repeat(8 * 1024 * 1024) })
  const answer = await desk.scim('POST', '/Users', { raw, headers: { 'content-length': String(raw.length) } })
  expect([answer.status, answer.body.schemas, answer.body.status]).toEqual([413, [errorMessage], '413'])
  expect((await desk.scim('GET', '/Users')).body.totalResults).toBe(0)
})

test('too many operations, values and members of nothing are refused by their number', async () => {
  await using desk = await openScimDesk()
  const id = await desk.makeUser('ana')
  const many = (count: number) => Array.from({ length: count }, () => ({ op: 'add', path: 'title', value: 'x' }))
  expect((await desk.patch(`/Users/${id}`, ...many(1_000))).status).toBe(200)
  expect((await desk.patch(`/Users/${id}`, ...many(1_001))).status).toBe(400)
  const emails = Array.from({ length: 501 }, (_, n) => ({ value: `${n}@x.example` }))
  expect((await desk.patch(`/Users/${id}`, { op: 'add', path: 'emails', value: emails })).body.scimType).toBe('invalidValue')
})

test('while nothing can be kept, a change is 503 with a time to come back, and never 4xx', async () => {
  await using desk = await openScimDesk()
  const id = await desk.makeUser('ana')
  const { db } = desk.database
  await sql`pragma query_only = on`.execute(db)
  const refused = await desk.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false })
  expect([refused.status, refused.headers.get('retry-after'), refused.body.schemas]).toEqual([503, '5', [errorMessage]])
  await sql`pragma query_only = off`.execute(db)
  expect((await desk.scim('GET', `/Users/${id}`)).body.active).toBe(true)
  expect((await desk.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false })).body.active).toBe(false)
})

test('any JSON sent anywhere is answered by a SCIM error or a resource, and never breaks the server', async () => {
  await using desk = await openScimDesk()
  const id = await desk.makeUser('ana')
  const group = await desk.makeGroup('G')
  const keys = fc.constantFrom(
    'schemas',
    'userName',
    'displayName',
    'name',
    'emails',
    'members',
    'active',
    'Operations',
    'op',
    'path',
    'value',
    'x',
  )
  const thing = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(
        null,
        true,
        'add',
        'members',
        'emails[type eq "work"].value',
        core,
        patchOp,
        '',
        '\0',
        '\ud800',
        '__proto__',
        7,
        1e308,
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
    ),
  })).value
  const call = fc.constantFrom(
    ['POST', '/Users'],
    ['POST', '/Groups'],
    ['PUT', `/Users/${id}`],
    ['PUT', `/Groups/${group}`],
    ['PATCH', `/Users/${id}`],
    ['PATCH', `/Groups/${group}`],
    ['POST', '/.search'],
  )
  await fc.assert(
    fc.asyncProperty(call, thing, async ([method = '', path = ''], value) => {
      const body = method === 'PATCH' ? { schemas: [patchOp], Operations: [value] } : value
      const answer = await desk.scim(method, path, { body })
      expect(answer.status).toBeLessThan(500)
      if (answer.status >= 400) expect(answer.body).toMatchObject({ schemas: [errorMessage], status: String(answer.status) })
    }),
    { numRuns: 400 },
  )
  expect((await desk.scim('GET', '/Users?count=200')).status).toBe(200)
  expect((await desk.scim('GET', '/Groups?count=200')).status).toBe(200)
})

test('any query is answered, and never breaks the server', async () => {
  await using desk = await openScimDesk()
  await desk.makeUser('ana')
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('filter', 'attributes', 'excludedAttributes', 'startIndex', 'count', 'sortBy'),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      async (name, text) => {
        const { status } = await desk.scim('GET', `/Users?${name}=${encodeURIComponent(text)}`)
        expect([200, 400]).toContain(status)
      },
    ),
    { numRuns: 200 },
  )
})
