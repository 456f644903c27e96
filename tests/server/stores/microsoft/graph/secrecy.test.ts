/** Whatever Graph or the sign-in answers: nothing is thrown, every result is a listed one, and no byte of the secret or the token shows in it. */
import fc from 'fast-check'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createGraphStore } from '../../../../../server/stores/microsoft/graph/store.ts'
import type { StoreConnection } from '../../../../../server/stores/store.ts'
import { handClock, seededChance } from '../../../../world/hand-clock.ts'
import { mark, mustBeOk } from '../../apple/apple-link.ts'
import { CLIENT, SECRET, TENANT } from '../microsoft-link.ts'
import { give, person, take } from './graph-link.ts'

const TOKEN = 'canary-access-token-0123456789'
const forms = [SECRET, TOKEN].flatMap((secret) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('hex'),
])
const shows = (value: unknown): boolean => {
  const shown = `${JSON.stringify(value)} ${inspect(value, { depth: 12, showHidden: true, getters: true })}`
  return forms.some((form) => shown.includes(form))
}
const sku = '9c2b1f6e-7d43-4a90-8f25-1b6c0d9e4a57'

/** What a careless or hostile server may say; some of it tells our own secrets back to us. */
const oddBody = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    '<html>Sign in</html>',
    '[]',
    'null',
    `{"error":{"code":"${TOKEN}","message":"${SECRET}"}}`,
    `{"error":"invalid_client","error_description":"AADSTS7000215: ${SECRET}","error_codes":[7000215]}`,
    `{"value":[{"id":"${TOKEN}"}]}`,
    `{"value":[],"@odata.nextLink":"https://elsewhere.example/${TOKEN}"}`,
    '{"responses":[{"id":"0","status":429,"headers":{"Retry-After":"1"}},{"id":"0","status":"x"}]}',
    '{"responses":[]}',
  ),
  fc.json(),
)
const oddAnswer = fc.record({
  status: fc.constantFrom(200, 204, 302, 400, 401, 403, 404, 410, 429, 500, 503),
  body: oddBody,
})

const calls: readonly ((connection: StoreConnection) => Promise<unknown>)[] = [
  (connection) => connection.identify(),
  (connection) => connection.readLicenses(),
  (connection) => connection.readSeats(null, { begin: () => undefined, page: () => undefined }),
  (connection) => connection.readSeatsOf(sku, null),
  (connection) => connection.readSeatsOfHolder(person('ada@contoso.example')),
  (connection) => connection.describe([sku], ''),
  (connection) => connection.write(give(sku, ['ada@contoso.example'])),
  (connection) => connection.write(take(sku, ['ada@contoso.example'])),
  (connection) => connection.directory?.readUsers(null, { begin: () => undefined, page: () => undefined }) ?? Promise.resolve(),
  (connection) => connection.directory?.readGroups(null, { begin: () => undefined, page: () => undefined }) ?? Promise.resolve(),
  (connection) => connection.imports?.read() ?? Promise.resolve(),
]

test('no answer makes the connection throw, or tell its secrets', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(oddAnswer, { minLength: 1, maxLength: 12 }), fc.boolean(), async (answers, signsIn) => {
      const hand = handClock()
      // Waits end at once: how long they are is tested elsewhere.
      const clock = {
        now: hand.now,
        after: (ms: number, act: () => void) => (ms < 30_000 && queueMicrotask(() => (hand.pass(ms), act())), () => undefined),
      }
      let n = 0
      const sent: string[] = []
      const fetch: typeof globalThis.fetch = async (input, init) => {
        const url = String(input)
        sent.push(new URL(url).host)
        if (signsIn && url.includes('/oauth2/')) return Response.json({ token_type: 'Bearer', expires_in: 3599, access_token: TOKEN })
        const { status, body } = answers[n++ % answers.length] ?? { status: 200, body: '{}' }
        void init
        return new Response([204, 302].includes(status) ? null : body, { status })
      }
      const store = createGraphStore({ graphUrl: 'https://graph.example', loginUrl: 'https://login.example' })
      const { secret } = mustBeOk(store.readCredential({ tenantId: TENANT, clientId: CLIENT, clientSecret: SECRET }, 0))
      for (const call of calls) {
        const result = await call(store.connect({ clock, chance: seededChance(3), fetch }, secret, mark))
        expect(result).toHaveProperty('ok')
        const failure = (result as { readonly ok: boolean; readonly error?: unknown }).ok
          ? undefined
          : (result as { readonly error: unknown }).error
        expect(shows(failure)).toBe(false)
      }
      // Else nothing of Graph was tried out.
      if (signsIn) expect(sent).toContain('graph.example')
      // The token and the secret went to the two addresses that are set, and nowhere else.
      expect(sent.filter((host) => host !== 'graph.example' && host !== 'login.example')).toEqual([])
    }),
    { numRuns: 60 },
  )
}, 120_000)
