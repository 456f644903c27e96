import { afterAll, describe, expect, test } from 'vitest'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'
import { createTestWeb, ownerEmail, ownerKey, ownerPassword } from '../world/web.ts'

afterAll(stopDatabases)

const HOUR = 3_600_000
const signIn = '/api/v1/sign-in'
const right = { email: ownerEmail, password: ownerPassword }

describe.each(onEachDatabase)('on $dialect', ({ open }) => {
  test('the owner of the settings signs in, is known, and signs out for good', async () => {
    await using house = await createTestWeb({ open })
    const answer = await house.asNobody('POST', signIn, { email: ` ${ownerEmail.toUpperCase()}`, password: ownerPassword })
    expect(answer.json).toMatchObject({
      admin: { email: ownerEmail, role: 'owner', state: 'active' },
      expiresAt: '2026-12-01T09:00:00.000Z',
    })
    const ana = await house.asBrowser()
    expect((await ana('GET', '/api/v1/me')).json).toMatchObject({
      kind: 'admin',
      email: ownerEmail,
      role: 'owner',
      now: '2026-11-24T09:00:00.000Z',
    })
    const out = await ana('POST', '/api/v1/sign-out')
    expect(out.status).toBe(204)
    expect(out.headers.get('set-cookie')).toMatch(/^qm=; Max-Age=0/)
    expect((await ana('GET', '/api/v1/me')).status).toBe(401)
  })

  test('a session ends after twelve idle hours, and after seven days in any case', async () => {
    await using house = await createTestWeb({ open })
    const ana = await house.asBrowser()
    for (let hours = 0; hours < 165; hours += 11) {
      house.clock.pass(11 * HOUR)
      expect((await ana('GET', '/api/v1/me')).status, `after ${hours + 11} hours`).toBe(200)
    }
    house.clock.pass(3 * HOUR)
    expect((await ana('GET', '/api/v1/me')).status).toBe(401)
    const again = await house.asBrowser()
    house.clock.pass(12 * HOUR)
    expect((await again('GET', '/api/v1/me')).status).toBe(401)
  })

  test('the set-up link makes the first owner, once', async () => {
    await using house = await createTestWeb({ open, owner: false })
    const link = new URL(house.access.setUpUrl ?? '')
    expect(link.pathname).toBe('/sign-in')
    const token = link.searchParams.get('setup')
    const wanted = { token, email: 'Ben@Example.org', name: 'Ben', password: 'correct horse battery' }
    const weak = await house.asNobody('POST', '/api/v1/set-up', { ...wanted, password: 'password123' })
    expect(weak).toMatchObject({ status: 422, json: { code: 'password-refused' } })
    const [one, two] = await Promise.all([
      house.asNobody('POST', '/api/v1/set-up', wanted),
      house.asNobody('POST', '/api/v1/set-up', wanted),
    ])
    expect([one.status, two.status].sort()).toEqual([200, 410])
    const ben = await house.asBrowser('ben@example.org', wanted.password)
    expect((await ben('GET', '/api/v1/me')).json).toMatchObject({ name: 'Ben', role: 'owner' })
    expect(await house.access.admins.begin({ owner: null })).toBeNull()
  })

  test('a restart makes a new set-up link and ends the one before', async () => {
    await using house = await createTestWeb({ open, owner: false })
    const old = new URL(house.access.setUpUrl ?? '').searchParams.get('setup')
    const fresh = await house.access.admins.begin({ owner: null })
    const wanted = { email: 'ben@example.org', name: 'Ben', password: 'correct horse battery' }
    expect((await house.asNobody('POST', '/api/v1/set-up', { ...wanted, token: old })).json).toMatchObject({ code: 'setup-link-spent' })
    expect((await house.asNobody('POST', '/api/v1/set-up', { ...wanted, token: fresh })).status).toBe(200)
  })

  test('who is disabled is signed out at once, and a new role holds at once', async () => {
    await using house = await createTestWeb({ open })
    const ana = await house.asBrowser()
    const invited = await ana('POST', '/api/v1/admins', { email: 'ben@example.org', name: 'Ben', role: 'administrator' })
    const token = new URL(String(invited.json['setUpUrl'])).searchParams.get('setup')
    await house.asNobody('POST', '/api/v1/set-up', { token, name: 'Ben B.', password: 'correct horse battery' })
    const ben = await house.asBrowser('ben@example.org', 'correct horse battery')
    expect((await ben('GET', '/api/v1/me')).json['role']).toBe('administrator')
    const path = `/api/v1/admins/${String(invited.json['id'])}`
    await ana('PATCH', path, { role: 'reader' })
    expect((await ben('GET', '/api/v1/me')).json).toMatchObject({ name: 'Ben B.', role: 'reader', may: ['read', 'read-audit'] })
    expect((await ana('PATCH', path, { disabled: true })).json).toMatchObject({ state: 'disabled' })
    expect((await ben('GET', '/api/v1/me')).status).toBe(401)
    const refused = await house.asNobody('POST', signIn, { email: 'ben@example.org', password: 'correct horse battery' })
    expect(refused.status).toBe(401)
    // The session is gone and not asleep.
    await ana('PATCH', path, { disabled: false })
    expect((await ben('GET', '/api/v1/me')).status).toBe(401)
  })

  test('the last owner stays one, also when all owners step down at the same moment', async () => {
    await using house = await createTestWeb({ open })
    const ana = await house.asBrowser()
    const me = String((await ana('GET', '/api/v1/me')).json['id'])
    for (const change of [{ role: 'reader' }, { disabled: true }])
      expect(await ana('PATCH', `/api/v1/admins/${me}`, change)).toMatchObject({ status: 409, json: { code: 'last-owner' } })
    const invited = await ana('POST', '/api/v1/admins', { email: 'ben@example.org', name: 'Ben', role: 'owner' })
    // An invitation that nobody took up keeps no house open.
    expect((await ana('PATCH', `/api/v1/admins/${me}`, { role: 'reader' })).status).toBe(409)
    const token = new URL(String(invited.json['setUpUrl'])).searchParams.get('setup')
    await house.asNobody('POST', '/api/v1/set-up', { token, name: 'Ben', password: 'correct horse battery' })
    const others = Array.from({ length: 8 }, (_, n) => `owner-${n}`)
    for (const id of others)
      await house.world.db
        .insertInto('admins')
        .values({ id, email: `${id}@example.org`, name: id, role: 'owner', password_hash: '-', created_at: 0, disabled_at: null })
        .execute()
    const script = house.asKey()
    const answers = await Promise.all(
      [me, String(invited.json['id']), ...others].map((id) => script('PATCH', `/api/v1/admins/${id}`, { role: 'reader' })),
    )
    const statuses = answers.map((answer) => answer.status).sort()
    expect(statuses).toEqual([...Array<number>(9).fill(200), 409])
  })

  test('who lost the password gets a link from an owner, which ends the sessions before', async () => {
    await using house = await createTestWeb({ open })
    const ana = await house.asBrowser()
    const me = String((await ana('GET', '/api/v1/me')).json['id'])
    const made = await house.asKey()('POST', `/api/v1/admins/${me}/link`)
    expect((await ana('GET', '/api/v1/me')).status).toBe(200)
    const token = new URL(String(made.json['setUpUrl'])).searchParams.get('setup')
    const taken = await house.asNobody('POST', '/api/v1/set-up', {
      token,
      email: 'eve@example.org',
      name: 'Ana',
      password: 'a new long secret',
    })
    expect(taken.json).toMatchObject({ admin: { id: me, email: ownerEmail, role: 'owner' } })
    expect((await ana('GET', '/api/v1/me')).status).toBe(401)
    expect((await house.asNobody('POST', signIn, right)).status).toBe(401)
    await house.asBrowser(ownerEmail, 'a new long secret')
    expect((await house.asNobody('POST', '/api/v1/set-up', { token, name: 'Ana', password: 'once more please' })).status).toBe(410)
  })

  test('an invitation ends after seven days, or when the account is disabled', async () => {
    await using house = await createTestWeb({ open })
    const script = house.asKey()
    const invited = await script('POST', '/api/v1/admins', { email: 'ben@example.org', name: 'Ben', role: 'reader' })
    const id = String(invited.json['id'])
    const use = async (link: unknown) => {
      const token = new URL(String(link)).searchParams.get('setup')
      return (await house.asNobody('POST', '/api/v1/set-up', { token, name: 'Ben', password: 'correct horse battery' })).status
    }
    house.clock.pass(7 * 24 * HOUR)
    expect(await use(invited.json['setUpUrl'])).toBe(410)
    const again = await script('POST', `/api/v1/admins/${id}/link`)
    await script('PATCH', `/api/v1/admins/${id}`, { disabled: true })
    expect(await use(again.json['setUpUrl'])).toBe(410)
    expect(await script('POST', `/api/v1/admins/${id}/link`)).toMatchObject({ status: 409, json: { code: 'admin-disabled' } })
  })

  test('a new password ends the other sessions and keeps this one', async () => {
    await using house = await createTestWeb({ open })
    const [here, there] = [await house.asBrowser(), await house.asBrowser()]
    const change = (sent: unknown) => here('PUT', '/api/v1/me/password', sent)
    expect(await change({ current: 'wrong', password: 'a new long secret' })).toMatchObject({
      status: 422,
      json: { code: 'current-password-wrong' },
    })
    expect(await change({ current: ownerPassword, password: 'short' })).toMatchObject({ status: 422, json: { code: 'password-refused' } })
    expect((await there('GET', '/api/v1/me')).status).toBe(200)
    expect((await change({ current: ownerPassword, password: 'a new long secret' })).status).toBe(204)
    expect((await here('GET', '/api/v1/me')).status).toBe(200)
    expect((await there('GET', '/api/v1/me')).status).toBe(401)
    await house.asBrowser(ownerEmail, 'a new long secret')
    expect(await house.asKey()('PUT', '/api/v1/me/password', { current: 'x', password: 'y' })).toMatchObject({
      status: 409,
      json: { code: 'no-password' },
    })
  })

  test('a mail address belongs to one person, however it is written', async () => {
    await using house = await createTestWeb({ open })
    const script = house.asKey()
    const wanted = { email: 'ANA@example.org ', name: 'Other', role: 'reader' }
    expect(await script('POST', '/api/v1/admins', wanted)).toMatchObject({ status: 409, json: { code: 'email-taken' } })
    for (const wrong of [{ email: 'no address' }, { role: 'directory' }, { role: 'king' }, { name: '' }, { name: 'two\nlines' }])
      expect((await script('POST', '/api/v1/admins', { ...wanted, email: 'b@example.org', ...wrong })).status, JSON.stringify(wrong)).toBe(
        400,
      )
  })

  test('a key of the environment is an owner; another in its place ends it', async () => {
    await using house = await createTestWeb({ open })
    expect((await house.asKey()('GET', '/api/v1/me')).json).toMatchObject({ kind: 'api-key', role: 'owner', email: null })
    const { Secret } = await import('../../server/secret.ts')
    await house.access.apiKeys.admitFromEnvironment(Secret.of(ownerKey))
    expect((await house.access.apiKeys.all()).length).toBe(1)
    await house.access.apiKeys.admitFromEnvironment(Secret.of('another-key-of-the-environment-42'))
    expect((await house.asKey()('GET', '/api/v1/me')).status).toBe(401)
    expect((await house.asKey('another-key-of-the-environment-42')('GET', '/api/v1/me')).status).toBe(200)
  })
})

describe('guessing', () => {
  test('every refusal looks the same', async () => {
    await using house = await createTestWeb()
    const wrong = await house.asNobody('POST', signIn, { ...right, password: 'wrong' })
    const unknown = await house.asNobody('POST', signIn, { email: 'nobody@example.org', password: 'wrong' })
    const { requestId: _1, ...a } = wrong.json
    const { requestId: _2, ...b } = unknown.json
    expect(a).toEqual(b)
    expect(a).toMatchObject({ status: 401, code: 'sign-in-refused' })
  })

  test('ten wrong passwords close an account for a while, whatever address they claim to come from', async () => {
    await using house = await createTestWeb()
    let refused = 0
    for (let n = 0; n < 1_000; n++) {
      const answer = await house.asNobody(
        'POST',
        signIn,
        { ...right, password: `guess ${n}` },
        { 'x-test-peer': '203.0.113.9', 'x-forwarded-for': `10.0.${n >> 8}.${n & 255}` },
      )
      if (answer.status === 401) refused++
      else expect(answer.status).toBe(429)
    }
    expect(refused).toBe(10)
    const closed = await house.asNobody('POST', signIn, right)
    expect(closed).toMatchObject({ status: 429, json: { code: 'too-many-tries' } })
    expect(Number(closed.headers.get('retry-after'))).toBe(900)
    house.clock.pass(15 * 60_000)
    expect((await house.asNobody('POST', signIn, right)).status).toBe(200)
  })

  test('many at once are counted like many in a row', async () => {
    await using house = await createTestWeb()
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => house.asNobody('POST', signIn, { ...right, password: `guess ${n}` })),
    )
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(10)
  })

  test('one address can not try many accounts', async () => {
    await using house = await createTestWeb()
    const answers = []
    for (let n = 0; n < 40; n++)
      answers.push(
        await house.asNobody('POST', signIn, { email: `p${n}@example.org`, password: 'x' }, { 'x-test-peer': `2001:db8::${n + 1}` }),
      )
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(30)
    expect((await house.asNobody('POST', signIn, right, { 'x-test-peer': '2001:db8:0:1::1' })).status).toBe(200)
  })

  test('behind a trusted proxy, each visitor counts apart', async () => {
    await using house = await createTestWeb({ trustedProxies: ['10.0.0.0/8'] })
    for (let n = 0; n < 40; n++)
      await house.asNobody(
        'POST',
        signIn,
        { email: `p${n}@example.org`, password: 'x' },
        { 'x-test-peer': '10.1.1.1', 'x-forwarded-for': '198.51.100.1' },
      )
    const other = await house.asNobody('POST', signIn, right, { 'x-test-peer': '10.1.1.1', 'x-forwarded-for': '6.6.6.6, 198.51.100.2' })
    expect(other.status).toBe(200)
    const { json } = await house.asKey()('GET', '/api/v1/audit?action=sign-in.made')
    expect(json['items']).toMatchObject([{ origin: '198.51.100.2' }])
  })

  test('those who get it right are never held up', async () => {
    await using house = await createTestWeb()
    for (let n = 0; n < 60; n++) expect((await house.asNobody('POST', signIn, right)).status).toBe(200)
  })

  test('a set-up token is not to be guessed either', async () => {
    await using house = await createTestWeb({ owner: false })
    const wanted = { email: 'eve@example.org', name: 'Eve', password: 'correct horse battery' }
    const answers = []
    for (let n = 0; n < 40; n++) answers.push(await house.asNobody('POST', '/api/v1/set-up', { ...wanted, token: `t${n}` }))
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(10)
  })
})

describe('the cookie', () => {
  test('on http it is plain, and out of reach for scripts and other sites', async () => {
    await using house = await createTestWeb()
    const cookie = (await house.asNobody('POST', signIn, right)).headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^qm=[A-Za-z0-9_-]{43}; /)
    expect(cookie).toContain('HttpOnly')
    expect(cookie).toContain('SameSite=Strict')
    expect(cookie).toContain('Path=/')
    expect(cookie).not.toContain('Secure')
  })

  test('on https it is bound to the host, and only goes there by TLS', async () => {
    await using house = await createTestWeb({ publicUrl: 'https://licenses.example.org' })
    const cookie = (await house.asNobody('POST', signIn, right)).headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^__Host-qm=[A-Za-z0-9_-]{43}; /)
    expect(cookie).toContain('Secure')
    expect(cookie).not.toContain('Domain')
    // A cookie of the other name, which a sibling host could have set, is not looked at.
    const token = /^__Host-qm=([^;]+)/.exec(cookie)?.[1]
    expect((await house.asNobody('GET', '/api/v1/me', undefined, { cookie: `qm=${token}` })).status).toBe(401)
    expect((await house.asNobody('GET', '/api/v1/me', undefined, { cookie: `__Host-qm=${token}` })).status).toBe(200)
  })

  test('neither the token nor a password stands in the database or the log', async () => {
    await using house = await createTestWeb()
    const answer = await house.asNobody('POST', signIn, right)
    const token = /^qm=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? 'none'
    const kept = JSON.stringify([
      await house.world.db.selectFrom('sessions').selectAll().execute(),
      await house.world.db.selectFrom('admins').selectAll().execute(),
      await house.world.db.selectFrom('audit').selectAll().execute(),
    ])
    for (const secret of [token, ownerPassword, ownerKey]) {
      expect(kept).not.toContain(secret)
      expect(house.logged()).not.toContain(secret)
    }
    expect(kept).toContain('$argon2id$v=19$m=8,t=1,p=1$')
  })
})
