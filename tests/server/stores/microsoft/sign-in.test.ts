import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Secret } from '../../../../server/secret.ts'
import { openMicrosoftCredential, readMicrosoftCredential } from '../../../../server/stores/microsoft/account.ts'
import { createSignIn, type Audience, type SignIn } from '../../../../server/stores/microsoft/sign-in.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { mustBeOk } from '../apple/apple-link.ts'
import { CLIENT, openMicrosoftLink, SECRET, TENANT, type MicrosoftLink } from './microsoft-link.ts'

const graph: Audience = { version: 2, scope: 'https://graph.microsoft.com/.default' }
const store: Audience = { version: 1, resource: 'https://onestore.microsoft.com' }

const signInTo = (link: MicrosoftLink, members: Record<string, string> = {}, audience: Audience = graph): SignIn => {
  const read = mustBeOk(readMicrosoftCredential({ tenantId: TENANT, clientId: CLIENT, clientSecret: SECRET, ...members }, link.clock.now()))
  const { clock } = link
  return createSignIn({
    clock,
    chance: seededChance(3),
    fetch: clock.fetch,
    loginUrl: link.url,
    account: openMicrosoftCredential(read.secret),
    audience,
  })
}

const failureOf = async (link: MicrosoftLink, signIn: SignIn): Promise<{ readonly is: string; readonly text?: string }> => {
  const token = await link.clock.run(signIn.token())
  if (token.ok) throw new Error('signed in')
  return token.error
}

test('a token is asked for once and used until shortly before its end', async () => {
  await using link = await openMicrosoftLink()
  const signIn = signInTo(link)
  const [one, other] = await link.clock.run(Promise.all([signIn.token(), signIn.token()]))
  expect(mustBeOk(one).reveal()).toBe(mustBeOk(other).reveal())
  link.clock.jump(54 * 60_000)
  await link.clock.run(signIn.token())
  expect(link.asked('token')).toBe(1)
  link.clock.jump(60_000)
  expect(mustBeOk(await link.clock.run(signIn.token())).reveal()).not.toBe(mustBeOk(one).reveal())
  expect(link.asked('token')).toBe(2)
})

test('case 1: token-strings: a version 1 answer, whose numbers are text, is renewed on time', async () => {
  await using link = await openMicrosoftLink()
  const signIn = signInTo(link, {}, store)
  await link.clock.run(signIn.token())
  link.clock.jump(54 * 60_000)
  await link.clock.run(signIn.token())
  expect(link.asked('token')).toBe(1)
  link.clock.jump(61_000)
  await link.clock.run(signIn.token())
  expect(link.asked('token')).toBe(2)
})

test('a token that a service no longer takes is asked for anew, and one that was replaced already changes nothing', async () => {
  await using link = await openMicrosoftLink()
  const signIn = signInTo(link)
  const old = mustBeOk(await link.clock.run(signIn.token()))
  signIn.forget(old)
  const fresh = mustBeOk(await link.clock.run(signIn.token()))
  expect(fresh.reveal()).not.toBe(old.reveal())
  signIn.forget(old)
  expect(mustBeOk(await link.clock.run(signIn.token())).reveal()).toBe(fresh.reveal())
  expect(link.asked('token')).toBe(2)
})

test('a clock that was set back does not keep a token alive', async () => {
  await using link = await openMicrosoftLink()
  const signIn = signInTo(link)
  await link.clock.run(signIn.token())
  link.clock.jump(-8 * 60_000)
  await link.clock.run(signIn.token())
  expect(link.asked('token')).toBe(2)
})

test('a short life is renewed at its half', async () => {
  await using link = await openMicrosoftLink({ tokenSeconds: 60 })
  const signIn = signInTo(link)
  await link.clock.run(signIn.token())
  link.clock.jump(29_000)
  await link.clock.run(signIn.token())
  expect(link.asked('token')).toBe(1)
  link.clock.jump(2_000)
  await link.clock.run(signIn.token())
  expect(link.asked('token')).toBe(2)
})

test('each way of being refused has a cause of its own', async () => {
  await using link = await openMicrosoftLink()
  const other = '99999999-2222-4333-8444-555555555555'
  expect(await failureOf(link, signInTo(link, { clientSecret: 'another~secret.value' }))).toMatchObject({
    is: 'credential-invalid',
    text: expect.stringContaining('AADSTS7000215') as string,
  })
  expect(await failureOf(link, signInTo(link, { tenantId: other }))).toMatchObject({
    is: 'credential-invalid',
    text: expect.stringContaining('AADSTS90002') as string,
  })
  expect(await failureOf(link, signInTo(link, { clientId: other }))).toMatchObject({
    is: 'credential-invalid',
    text: expect.stringContaining('AADSTS700016') as string,
  })
  link.app.isBlocked = true
  expect(await failureOf(link, signInTo(link))).toMatchObject({
    is: 'credential-invalid',
    text: expect.stringContaining('Conditional Access') as string,
  })
  link.app.isBlocked = false
  link.world.faults.arm({ fault: { is: 'sign-in-refused', code: 65001 }, times: 1 })
  expect(await failureOf(link, signInTo(link))).toMatchObject({
    is: 'credential-invalid',
    text: expect.stringContaining('Grant admin consent') as string,
  })
  // A refusal is no trouble that passes: each was asked once.
  expect(link.asked('token')).toBe(5)
})

test('case 3: secret-expired: the cause and the day are named', async () => {
  await using link = await openMicrosoftLink()
  link.clock.jump(366 * 86_400_000)
  expect(await failureOf(link, signInTo(link))).toEqual({
    is: 'credential-expired',
    text: expect.stringMatching(/expired \(AADSTS7000222\): Microsoft said so on 2027-11-25\./) as string,
  })
})

test('trouble that passes is sat out, also without a Retry-After', async () => {
  await using link = await openMicrosoftLink()
  link.world.faults.arm({ fault: { is: 'throttled', retryAfter: '7' }, endpoint: 'token', times: 1 })
  link.world.faults.arm({ fault: { is: 'throttled' }, endpoint: 'token', times: 1, skip: 1 })
  link.world.faults.arm({ fault: { is: 'bad-gateway', when: 'before' }, endpoint: 'token', times: 1, skip: 2 })
  mustBeOk(await link.clock.run(signInTo(link).token()))
  expect(link.asked('token')).toBe(4)
  expect(link.clock.waits).toContain(7000)
})

test('a long pause is told instead of being sat out', async () => {
  await using link = await openMicrosoftLink()
  link.world.faults.arm({ fault: { is: 'throttled', retryAfter: '600' }, endpoint: 'token' })
  expect(await failureOf(link, signInTo(link))).toEqual({ is: 'store-busy', retryAfterMs: 600_000 })
})

test('a page of a proxy, a redirect and an empty answer are no token', async () => {
  await using link = await openMicrosoftLink()
  link.world.faults.arm({ fault: { is: 'captive-page' }, endpoint: 'token', times: 4 })
  expect((await failureOf(link, signInTo(link))).is).toBe('store-answer-unreadable')
  link.world.faults.arm({ fault: { is: 'redirect', to: 'http://127.0.0.1:9/elsewhere' }, endpoint: 'token', times: 1 })
  expect((await failureOf(link, signInTo(link))).is).toBe('store-unreachable')
  link.world.faults.arm({ fault: { is: 'empty-body' }, endpoint: 'token', times: 4 })
  expect((await failureOf(link, signInTo(link))).is).toBe('store-answer-unreadable')
})

test('no failure shows the secret', async () => {
  await using link = await openMicrosoftLink()
  const faults = [{ is: 'connection-cut', when: 'before' }, { is: 'captive-page' }, { is: 'service-error', status: 404 }] as const
  for (const fault of faults) {
    link.world.faults.clear()
    link.world.faults.arm({ fault, endpoint: 'token' })
    const failure = await failureOf(link, signInTo(link))
    expect(`${JSON.stringify(failure)} ${inspect(failure, { depth: 9 })}`).not.toMatch(/canary/)
  }
  expect(JSON.stringify(link.world.log.all())).not.toMatch(/canary/)
})

test('what is wrong with an app registration is told part by part, and the ID of a secret is known as such', () => {
  const reasonOf = (input: unknown): string => {
    const read = readMicrosoftCredential(input, 0)
    return read.ok ? 'fine' : read.error.reason
  }
  const whole = { tenantId: TENANT, clientId: CLIENT, clientSecret: SECRET }
  expect(reasonOf(whole)).toBe('fine')
  expect(reasonOf(undefined)).toBe('tenant-id-missing')
  expect(reasonOf({ ...whole, tenantId: 'contoso.example' })).toBe('tenant-id')
  expect(reasonOf({ ...whole, clientId: 7 })).toBe('client-id-missing')
  expect(reasonOf({ ...whole, clientId: TENANT.toUpperCase() })).toBe('client-id-is-tenant-id')
  expect(reasonOf({ ...whole, clientSecret: CLIENT })).toBe('client-secret-id')
  expect(reasonOf({ ...whole, clientSecret: 'with blanks in it' })).toBe('client-secret')
  expect(reasonOf({ ...whole, clientSecret: '' })).toBe('client-secret-missing')
})

test('a renewal may give the secret alone', () => {
  const held = mustBeOk(readMicrosoftCredential({ tenantId: TENANT, clientId: CLIENT, clientSecret: SECRET }, 0)).secret
  const renewed = mustBeOk(readMicrosoftCredential({ clientSecret: 'fresh~Secret.value' }, 0, held))
  const account = openMicrosoftCredential(renewed.secret)
  expect(account.tenantId).toBe(TENANT)
  expect(account.clientSecret.reveal()).toBe('fresh~Secret.value')
  expect(String(renewed.secret)).toBe('***')
})

describe('the day on which a secret ends, as an administrator copied it', () => {
  const now = Date.UTC(2026, 10, 24, 9)
  const whole = { tenantId: TENANT, clientId: CLIENT, clientSecret: SECRET }
  const read = (input: object, held?: Secret) => readMicrosoftCredential(input, now, held)

  test('is the end of that day, and goes with its secret', () => {
    const known = mustBeOk(read({ ...whole, secretEndsOn: '2027-06-30' }))
    expect(known.expiresAt).toBe('2027-06-30T23:59:59.000Z')
    expect(mustBeOk(read({ tenantId: TENANT }, known.secret)).expiresAt).toBe('2027-06-30T23:59:59.000Z')
    expect(mustBeOk(read({ clientSecret: 'fresh~Secret.value' }, known.secret)).expiresAt).toBeNull()
    expect(mustBeOk(read({ secretEndsOn: '2027-07-01' }, known.secret)).expiresAt).toBe('2027-07-01T23:59:59.000Z')
    expect(mustBeOk(read(whole)).expiresAt).toBeNull()
  })

  test.each(['2027-06-31', '2026-11-23', '2029-01-01', 'in June', '30.06.2027'])('is not %s', (secretEndsOn) => {
    const refused = read({ ...whole, secretEndsOn })
    expect(refused.ok ? undefined : refused.error.reason).toBe('secret-ends-on')
  })
})
