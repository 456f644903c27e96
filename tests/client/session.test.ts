import { expect, test } from 'vitest'
import type { Fetch } from '../../client/server-acts.ts'
import { createServerActs } from '../../client/server-acts.ts'
import { createSession } from '../../client/session.ts'
import type { AdminId, ConnectorId } from '../../shared/ids.ts'
import { createTestWeb, ownerEmail, ownerPassword, type TestWeb } from '../world/web.ts'

/** The app itself, with a browser's cookie jar before it. */
const browserOf = ({ web }: TestWeb): Fetch => {
  let cookie = ''
  return async (path, init) => {
    const response = await web.request(`http://localhost:8787${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), host: 'localhost:8787', origin: 'http://localhost:8787', cookie },
    })
    const set = response.headers.get('set-cookie')
    if (set !== null) cookie = set.split(';')[0] ?? ''
    return response
  }
}

const lastHere = { id: 'ana' as AdminId, name: 'Ana', role: 'owner' } as const
const noNetwork: Fetch = () => Promise.reject(new TypeError('Failed to fetch'))
const answering =
  (status: number, type: string, text: string): Fetch =>
  () =>
    Promise.resolve(new Response(text, { status, headers: { 'content-type': type } }))

test('someone signs in, is known, and signs out', async () => {
  await using opened = await createTestWeb()
  const fetch = browserOf(opened)
  const session = createSession(fetch)
  expect(await session.check(null)).toEqual({ is: 'signed-out' })
  expect(await session.signIn(ownerEmail, 'not the password')).toMatchObject({
    ok: false,
    error: { is: 'refused', status: 401, code: 'sign-in-refused', text: 'The mail address or the password is not right.' },
  })
  const signedIn = await session.signIn(ownerEmail, ownerPassword)
  expect(signedIn).toMatchObject({ ok: true, value: { role: 'owner' } })
  expect(await session.check(null)).toMatchObject({ is: 'signed-in', confirmed: true, admin: { role: 'owner' } })
  expect(await session.signOut()).toEqual({ ok: true, value: undefined })
  expect(await session.check(lastHere)).toEqual({ is: 'signed-out' })
})

test('without a network the console opens for who was here last, and says that nobody could be asked', async () => {
  const session = createSession(noNetwork)
  expect(await session.check(lastHere)).toEqual({ is: 'signed-in', admin: lastHere, confirmed: false })
  expect(await session.check(null)).toEqual({ is: 'signed-out' })
})

test('an act that needs the server fails at once without a network, and queues nothing', async () => {
  const acts = createServerActs(noNetwork)
  expect(await acts.syncNow('c1' as ConnectorId)).toMatchObject({ ok: false, error: { is: 'offline' } })
})

test("a captive portal's page is not taken for an answer", async () => {
  const acts = createServerActs(answering(200, 'text/html', '<html>Sign in to the hotel</html>'))
  expect(await acts.apiKeys()).toMatchObject({ ok: false, error: { is: 'unreadable', status: 200 } })
  const session = createSession(answering(200, 'text/html', '<html>'))
  expect(await session.check(lastHere)).toMatchObject({ is: 'signed-in', confirmed: false })
})

test('a problem is told with its code, its words and its fields', async () => {
  const problem = {
    type: 'urn:quartermaster:problem:credential-malformed',
    title: 'The request is malformed',
    status: 400,
    detail: 'The file is not a content token. Download it again.',
    code: 'credential-malformed',
    errors: [{ field: 'credential.contentToken', text: 'is not Base64' }],
  }
  const acts = createServerActs(answering(400, 'application/problem+json', JSON.stringify(problem)))
  const refused = await acts.connect({ kind: 'apple-apps-books', name: 'North', credential: { contentToken: 'x' } })
  expect(refused).toMatchObject({
    ok: false,
    error: {
      is: 'refused',
      status: 400,
      code: 'credential-malformed',
      text: 'The file is not a content token. Download it again.',
      errors: [{ field: 'credential.contentToken', text: 'is not Base64' }],
    },
  })
})

test('API keys and administrators are read as the server tells them', async () => {
  await using opened = await createTestWeb()
  const fetch = browserOf(opened)
  const session = createSession(fetch)
  await session.signIn(ownerEmail, ownerPassword)
  const acts = createServerActs(fetch)
  const made = await acts.createApiKey('script', 'reader')
  expect(made).toMatchObject({ ok: true, value: { key: expect.stringMatching(/.{20}/) } })
  const keys = await acts.apiKeys()
  expect(keys.ok && keys.value.map(({ name, role }) => [name, role])).toContainEqual(['script', 'reader'])
  const invited = await acts.invite({ email: 'ben@example.org', name: 'Ben', role: 'reader' })
  expect(invited).toMatchObject({ ok: true, value: { link: expect.stringContaining('/sign-in?setup=') } })
  const admins = await acts.admins()
  expect(admins.ok && admins.value.map(({ email, state }) => [email, state])).toContainEqual(['ben@example.org', 'invited'])
  const audit = await acts.audit(null)
  expect(audit.ok && audit.value.items.length).toBeGreaterThan(1)
})
