import fc from 'fast-check'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../../../server/secret.ts'
import { parseAppleTime } from '../../../../server/stores/apple/apple-time.ts'
import { openCredential, readContentToken } from '../../../../server/stores/apple/content-token.ts'
import { canonical } from './made-keys.ts'

const now = Date.UTC(2026, 10, 24)
const inner = 'c2VjcmV0LWNhbmFyeS1pbm5lcg=='
const file = (members: Record<string, unknown>): string => Buffer.from(JSON.stringify(members)).toString('base64')
const good = { token: inner, expDate: '2027-05-02T09:14:55+0000', orgName: 'ORG200733' }
const read = (contentToken: unknown) => readContentToken({ contentToken }, now)

test('a token file is read with its expiry and organisation, and its bearer is the file as it was', () => {
  const result = read(file(good))
  if (!result.ok) throw new Error(result.error.reason)
  expect(result.value.expiresAt).toBe('2027-05-02T09:14:55.000Z')
  expect(result.value.organization).toBe('ORG200733')
  expect(openCredential(result.value.secret).token.bearer).toBe(file(good))
})

test('case 1: white space, a byte order mark and unknown members do no harm', () => {
  const text = file({ ...good, surprise: { deep: true } })
  for (const form of [`${text}\n`, `${text}\r\n`, ` ${text} `, `\uFEFF${text}`, `${text.slice(0, 20)}\n  ${text.slice(20)}`]) {
    const result = read(form)
    expect(result.ok && openCredential(result.value.secret).token.bearer).toBe(text)
  }
})

const wrong: readonly (readonly [string, unknown, string])[] = [
  ['nothing at all', undefined, 'missing'],
  ['a number for a text', 7, 'missing'],
  ['an empty file', ' \n', 'empty'],
  ['what is not base64', 'this is not a token!', 'not-base64'],
  ['the URL alphabet', file(good).replace(/.$/, '-'), 'not-base64'],
  ['a part missing', file(good).slice(0, -3), 'not-base64'],
  ['base64 of something else', Buffer.from('hello').toString('base64'), 'not-json'],
  ['base64 of bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]).toString('base64'), 'not-json'],
  ['no token in it', file({ expDate: good.expDate, orgName: 'x' }), 'token-missing'],
  ['an empty token', file({ ...good, token: '' }), 'token-missing'],
  ['a list in it', Buffer.from('[1]').toString('base64'), 'token-missing'],
  ['null in it', Buffer.from('null').toString('base64'), 'token-missing'],
  ['no date of expiry', file({ token: inner, orgName: 'x' }), 'expiry-missing'],
  ['a date that is none', file({ ...good, expDate: 'next year' }), 'expiry-unreadable'],
  ['a number for a date', file({ ...good, expDate: 1_800_000_000 }), 'expiry-unreadable'],
  ['a date without an offset', file({ ...good, expDate: '2027-05-02T09:14:55' }), 'expiry-unreadable'],
  ['an expiry in the past', file({ ...good, expDate: '2026-05-02T09:14:55+0000' }), 'expired'],
  ['far too much', 'A'.repeat(70_000), 'too-large'],
]

test.each(wrong)('case 1: a file with %s is told so', (_what, text, reason) => {
  const result = read(text)
  expect(result.ok ? 'accepted' : result.error.reason).toBe(reason)
})

test('each reason has words of its own, that say what to do', () => {
  const textByReason = new Map(
    wrong.map(([, text, reason]) => {
      const result = read(text)
      return [reason, result.ok ? '' : result.error.text]
    }),
  )
  expect(new Set(textByReason.values()).size).toBe(textByReason.size)
  for (const text of textByReason.values()) expect(text).toMatch(/upload/i)
  expect(textByReason.get('expired')).toContain('2 May 2026')
})

test('a token that expires at this very moment has expired', () => {
  const at = (ms: number) => {
    const result = readContentToken({ contentToken: file(good) }, ms)
    return result.ok ? 'accepted' : result.error.reason
  }
  const expiry = Date.parse('2027-05-02T09:14:55Z')
  expect([at(expiry - 1), at(expiry)]).toEqual(['accepted', 'expired'])
})

test('an organisation that is a number or is missing is no reason to refuse', () => {
  const number = read(file({ ...good, orgName: 200733 }))
  const none = read(file({ token: inner, expDate: good.expDate }))
  expect([number.ok && number.value.organization, none.ok && none.value.organization]).toEqual(['200733', ''])
})

test.each([
  ['2027-05-02T09:14:55+0000', '2027-05-02T09:14:55.000Z'],
  ['2027-05-02T09:14:55-0700', '2027-05-02T16:14:55.000Z'],
  ['2027-05-02T09:14:55+02:00', '2027-05-02T07:14:55.000Z'],
  ['2027-05-02T09:14:55Z', '2027-05-02T09:14:55.000Z'],
  ['2027-05-02T09:14:55.250+0000', '2027-05-02T09:14:55.250Z'],
  ['2027-05-02', undefined],
  ['2027-05-02T09:14:55', undefined],
  ['2027-13-02T09:14:55Z', undefined],
  ['2027-02-30T09:14:55Z', undefined],
  ['2027-05-02T09:14:55+0000 or so', undefined],
])('the date %s is read as %s', (text, expected) => {
  const ms = parseAppleTime(text)
  expect(ms === undefined ? undefined : new Date(ms).toISOString()).toBe(expected)
})

const account = { clientId: 'BUSINESSAPI.one', keyId: 'k1', privateKey: canonical }
const withDevices = (devices: unknown) => readContentToken({ contentToken: file(good), devices }, now)
const mustRead = (...given: Parameters<typeof readContentToken>) => {
  const result = readContentToken(...given)
  if (!result.ok) throw new Error(result.error.reason)
  return result.value
}

test("the device list's account is sealed together with the token, and both are read back", () => {
  const result = mustRead({ contentToken: file(good), devices: { ...account, surprise: 1 } }, now)
  expect(result).toMatchObject({ given: { token: true, devices: true }, hasDevices: true })
  expect(openCredential(result.secret)).toEqual({
    token: { bearer: file(good), expiresAtMs: Date.parse('2027-05-02T09:14:55Z'), organization: 'ORG200733' },
    devices: account,
  })
})

test.each([
  ['without a client ID', { privateKey: canonical }, 'devices-client-id'],
  ['with a key ID that is no text', { ...account, keyId: 7 }, 'devices-key-id'],
  ['with half a key', { ...account, privateKey: canonical.slice(0, 60) }, 'devices-private-key'],
  ['as a text', 'BUSINESSAPI.one', 'devices-unreadable'],
])("an account of the device list %s is refused, and the answer doesn't show its key", (_what, devices, reason) => {
  const result = withDevices(devices)
  expect(result.ok ? 'accepted' : result.error.reason).toBe(reason)
  expect(JSON.stringify(result)).not.toContain(canonical.slice(40, 60))
})

test('at a renewal what is left out stays: the token, or the account', () => {
  const held = mustRead({ contentToken: file(good), devices: account }, now).secret
  const other = { ...account, clientId: 'BUSINESSAPI.two' }
  const newer = file({ ...good, token: 'another-inner-token' })
  const token = mustRead({ contentToken: newer }, now, held)
  expect([token.given, openCredential(token.secret)]).toMatchObject([
    { token: true, devices: false },
    { token: { bearer: newer }, devices: account },
  ])
  const devices = mustRead({ devices: other }, now, held)
  expect([devices.given, openCredential(devices.secret)]).toMatchObject([
    { token: false, devices: true },
    { token: { bearer: file(good) }, devices: other },
  ])
  const gone = mustRead({ devices: null }, now, held)
  expect([gone.hasDevices, openCredential(gone.secret)]).toMatchObject([false, { token: { bearer: file(good) }, devices: undefined }])
})

test('a token that has run out is kept when only the account is renewed, and nothing at all is no renewal', () => {
  const held = mustRead({ contentToken: file(good) }, now).secret
  const late = Date.parse('2030-01-01T00:00:00Z')
  expect(mustRead({ devices: account }, late, held).expiresAt).toBe('2027-05-02T09:14:55.000Z')
  const nothing = readContentToken({}, now, held)
  expect(nothing.ok ? 'accepted' : nothing.error.reason).toBe('missing')
  const first = readContentToken({ devices: account }, now)
  expect(first.ok ? 'accepted' : first.error.reason).toBe('missing')
})

test('a token that has run out since it was sealed opens all the same: the store says so itself', () => {
  const result = read(file({ ...good, expDate: '2026-11-25T00:00:00Z' }))
  if (!result.ok) throw new Error(result.error.reason)
  expect(openCredential(result.value.secret).token.expiresAtMs).toBe(Date.parse('2026-11-25T00:00:00Z'))
})

test('the very same file seals to the very same text, whatever white space it came with', () => {
  const one = read(file(good))
  const two = read(`\uFEFF${file(good)}\r\n`)
  if (!one.ok || !two.ok) throw new Error('not accepted')
  expect(one.value.secret.reveal()).toBe(two.value.secret.reveal())
})

test('a sealed text that is none of ours stops without quoting it', () => {
  for (const text of ['canary', '{"contentToken":"canary"}', JSON.stringify({ contentToken: Buffer.from('canary').toString('base64') })]) {
    let thrown: unknown
    try {
      openCredential(Secret.of(text))
    } catch (error) {
      thrown = error
    }
    if (!(thrown instanceof Error)) throw new Error('it was opened')
    expect(`${thrown.message} ${inspect(thrown.cause)}`).not.toMatch(/canary|Y2FuYXJ5/)
  }
})

test('the secret does not print, serialise or inspect', () => {
  const result = read(file(good))
  if (!result.ok) throw new Error('not accepted')
  for (const shown of [String(result.value.secret), JSON.stringify(result.value), inspect(result.value, { depth: 9, showHidden: true })]) {
    expect(shown).not.toContain(inner)
    expect(shown).not.toContain(file(good))
  }
})

test('a damaged file never throws, and what is said of it never shows its token', () => {
  const bytes = Buffer.from(file(good))
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      fc.nat(bytes.length),
      (changes, cut) => {
        const damaged = Buffer.from(bytes)
        for (const [at, value] of changes) damaged[at] = value
        const result = read(damaged.subarray(0, cut).toString('latin1'))
        const shown = JSON.stringify(result.ok ? { ...result.value, organization: '' } : result.error)
        // Any eight characters of the token would be too many.
        for (let at = 0; at + 8 <= inner.length; at += 1) expect(shown).not.toContain(inner.slice(at, at + 8))
        for (let at = 0; at + 12 <= 60; at += 1) expect(shown).not.toContain(file(good).slice(at, at + 12))
      },
    ),
    { numRuns: 1500 },
  )
})

test('whatever is uploaded, the answer is a listed one', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (contentToken, devices) => {
      for (const input of [contentToken, { contentToken, devices }, { contentToken: file(good), devices }]) {
        const result = readContentToken(input, now)
        expect(result.ok || result.error.is === 'credential-malformed').toBe(true)
      }
    }),
    { numRuns: 1500 },
  )
})
