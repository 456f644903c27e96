import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { managementScope, playScope } from '../../../../server/stores/google/sign-in.ts'
import { failureIn, mustBeOk, openGoogleLink } from './google-link.ts'

test('a key gives a token, which is kept until shortly before its end', async () => {
  await using link = await openGoogleLink()
  const signIn = link.signIn()
  const token = mustBeOk(await link.clock.run(signIn.token()))
  expect(token).toMatch(/^ya29\./)
  expect(mustBeOk(await link.clock.run(signIn.token()))).toBe(token)
  link.clock.jump(3_520_000)
  expect(mustBeOk(await link.clock.run(signIn.token()))).toBe(token)
  expect(link.asked('token')).toBe(1)
  link.clock.jump(40_000)
  expect(mustBeOk(await link.clock.run(signIn.token()))).not.toBe(token)
  expect(link.asked('token')).toBe(2)
})

test('many who ask at once share one request, and a token that was refused is made anew once for all of them', async () => {
  await using link = await openGoogleLink()
  const signIn = link.signIn()
  const tokens = await link.clock.run(Promise.all(Array.from({ length: 20 }, () => signIn.token())))
  expect(new Set(tokens.map(mustBeOk)).size).toBe(1)
  expect(link.asked('token')).toBe(1)
  const [first] = tokens.map(mustBeOk)
  for (let n = 0; n < 20; n += 1) signIn.forget(first ?? '')
  const again = mustBeOk(await link.clock.run(signIn.token()))
  signIn.forget(first ?? '')
  expect(mustBeOk(await link.clock.run(signIn.token()))).toBe(again)
  expect(link.asked('token')).toBe(2)
})

test('case 15: a key that was voided is refused by name, and is not tried over and over', async () => {
  await using link = await openGoogleLink()
  link.control.revokeKeys(link.keyFile.client_email)
  const signIn = link.signIn()
  const failure = failureIn(await link.clock.run(signIn.token()))
  expect(failure).toMatchObject({ is: 'credential-invalid' })
  expect(JSON.stringify(failure)).toContain('Make a new key')
  for (let n = 0; n < 50; n += 1) expect(failureIn(await link.clock.run(signIn.token()))).toEqual(failure)
  expect(link.asked('token')).toBe(1)
  link.clock.jump(6 * 60_000)
  await link.clock.run(signIn.token())
  expect(link.asked('token')).toBe(2)
  expect(mustBeOk(await link.clock.run(link.signIn(link.control.newKey(link.keyFile.client_email)).token()))).toMatch(/^ya29/)
})

test('case 16: a clock that is ten minutes off is named as the cause, with how far it is off', async () => {
  await using link = await openGoogleLink({}, 10 * 60_000)
  const failure = failureIn(await link.clock.run(link.signIn().token()))
  expect(failure).toMatchObject({ is: 'store-refused', code: 'clock-skew' })
  expect(JSON.stringify(failure)).toContain('10 minutes ahead of')
  await using behind = await openGoogleLink({}, -2 * 60 * 60_000)
  expect(JSON.stringify(failureIn(await behind.clock.run(behind.signIn().token())))).toContain('120 minutes behind')
})

test.each([
  [
    'an unknown account',
    async (link: Link) => link.signIn({ ...link.keyFile, client_email: 'nobody@x.iam.gserviceaccount.com' }),
    'credential-invalid',
  ],
  [
    "another account's key",
    async (link: Link) => link.signIn({ ...link.keyFile, private_key: link.control.addVendor('v@v.iam.gserviceaccount.com').private_key }),
    'credential-invalid',
  ],
  [
    'an account that was turned off',
    async (link: Link) => ((link.control.account(link.keyFile.client_email).disabled = true), link.signIn()),
    'credential-invalid',
  ],
  [
    'a scope that Google does not know',
    async (link: Link) => link.signIn(link.keyFile, 'https://www.googleapis.com/auth/nothing'),
    'store-refused',
  ],
  [
    'trouble there',
    async (link: Link) => (link.control.faults.arm({ fault: { is: 'unavailable', when: 'before' }, method: 'token' }), link.signIn()),
    'store-unreachable',
  ],
  [
    "a proxy's page",
    async (link: Link) => (link.control.faults.arm({ fault: { is: 'bad-gateway', when: 'before' }, method: 'token' }), link.signIn()),
    'store-unreachable',
  ],
  [
    'half an answer',
    async (link: Link) => (link.control.faults.arm({ fault: { is: 'truncated-body' }, method: 'token' }), link.signIn()),
    'store-answer-unreadable',
  ],
  [
    'a way that leads elsewhere',
    async (link: Link) => (
      link.control.faults.arm({ fault: { is: 'redirect', to: 'https://attacker.example/' }, method: 'token' }),
      link.signIn()
    ),
    'store-answer-unreadable',
  ],
  [
    'too many requests',
    async (link: Link) => (
      link.control.faults.arm({ fault: { is: 'error', status: 429, reason: 'rateLimitExceeded', retryAfter: '30' }, method: 'token' }),
      link.signIn()
    ),
    'store-busy',
  ],
])('a sign-in that fails (%s) ends in a failure of its own', async (_, make, is) => {
  await using link = await openGoogleLink()
  const signIn = await make(link)
  expect(failureIn(await link.clock.run(signIn.token()))).toMatchObject({ is })
})
type Link = Awaited<ReturnType<typeof openGoogleLink>>

test('both APIs have a scope of their own', async () => {
  await using link = await openGoogleLink()
  const play = mustBeOk(await link.clock.run(link.signIn(link.keyFile, playScope).token()))
  const management = mustBeOk(await link.clock.run(link.signIn(link.keyFile, managementScope).token()))
  const get = (token: string) =>
    fetch(`${link.google.url}/androidenterprise/v1/enterprises/${link.enterpriseId}`, { headers: { Authorization: `Bearer ${token}` } })
  expect((await get(play)).status).toBe(200)
  const refused = await get(management)
  expect([refused.status, await refused.json()]).toMatchObject([403, { error: { errors: [{ reason: 'insufficientPermissions' }] } }])
})

test('neither the key nor an assertion nor a token shows, whatever is printed and whatever goes wrong', async () => {
  await using link = await openGoogleLink()
  const body = link.keyFile.private_key.replaceAll(/-----[A-Z ]+-----|\s/g, '')
  const forms = [
    body.slice(100, 180),
    Buffer.from(body).toString('base64').slice(100, 160),
    createHash('sha256').update(body).digest('hex'),
  ]
  const signIn = link.signIn()
  const shown: unknown[] = [signIn]
  for (const fault of [
    { is: 'truncated-body' },
    { is: 'bad-gateway', when: 'after' },
    { is: 'connection-cut', when: 'after' },
    { is: 'odd-members', members: { access_token: `no header\n${body}` } },
  ] as const) {
    link.control.faults.arm({ fault, method: 'token', times: 1 })
    shown.push(await link.clock.run(signIn.token()))
  }
  link.control.revokeKeys(link.keyFile.client_email)
  shown.push(await link.clock.run(signIn.token()))
  shown.push(link.control.requests())
  const text = shown.map((value) => `${JSON.stringify(value)} ${inspect(value, { depth: 12, showHidden: true, getters: true })}`).join(' ')
  for (const form of forms) expect(text).not.toContain(form)
  expect(text).not.toMatch(/eyJhbGciOi/)
})
