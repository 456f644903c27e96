import fc from 'fast-check'
import { createPublicKey, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { clientAssertion } from '../../../../server/stores/apple/client-assertion.ts'
import { parseDeviceAccount, programOf } from '../../../../server/stores/apple/device-account.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { badKeys, canonical, goodKeys } from './made-keys.ts'

const account = { clientId: 'BUSINESSAPI.1f0c', keyId: 'k-1', privateKey: canonical }
const reasonOf = (input: unknown): string => {
  const parsed = parseDeviceAccount(input)
  return parsed.ok ? 'accepted' : parsed.error.reason
}

test.each(Object.entries(goodKeys))('a private key is read from %s, and kept in one form', (_form, privateKey) => {
  expect(parseDeviceAccount({ ...account, privateKey })).toEqual({ ok: true, value: account })
})

test.each(Object.entries(badKeys))(
  '%s is refused with a reason and a text of its own, which do not show it',
  (_what, [privateKey, reason]) => {
    const parsed = parseDeviceAccount({ ...account, privateKey })
    expect(parsed).toMatchObject({ ok: false, error: { is: 'credential-malformed', reason } })
    const shown = JSON.stringify(parsed)
    for (const line of String(privateKey).split('\n'))
      if (line.length > 20 && !line.startsWith('-')) expect(shown).not.toContain(line.slice(4, 16))
  },
)

test('each reason has its own text, and each text says what to do', () => {
  const texts = new Map(
    [
      ...Object.values(badKeys).map(([privateKey]) => ({ ...account, privateKey })),
      { ...account, clientId: '' },
      { ...account, keyId: 7 },
      'x',
    ].map((input) => {
      const parsed = parseDeviceAccount(input)
      return parsed.ok ? ['', ''] : [parsed.error.reason, parsed.error.text.replace(' is missing or', '')]
    }),
  )
  expect(texts.size).toBe(8)
  expect(new Set(texts.values()).size).toBe(8)
  for (const text of texts.values()) expect(text).toMatch(/upload|copy|choose|give both/i)
})

test.each([
  ['BUSINESSAPI.1f0c', 'accepted'],
  ['  SCHOOLAPI.1f0c ', 'accepted'],
  ['', 'devices-client-id'],
  [undefined, 'devices-client-id'],
  ['k-1', 'devices-client-id'],
  ['BUSINESSAPI.', 'devices-client-id'],
  ['BUSINESSAPI.a b', 'devices-client-id'],
  [12, 'devices-client-id'],
])('the client ID %j is %s', (clientId, reason) => {
  expect(reasonOf({ ...account, clientId })).toBe(reason)
})

test('the key ID may be left out, empty or null, and is nothing but a short text', () => {
  for (const keyId of [undefined, '', ' ', null]) {
    const parsed = parseDeviceAccount({ ...account, keyId })
    expect(parsed.ok && Object.hasOwn(parsed.value, 'keyId')).toBe(false)
    expect(parsed.ok).toBe(true)
  }
  for (const keyId of [7, 'a b', 'x'.repeat(300), {}]) expect(reasonOf({ ...account, keyId })).toBe('devices-key-id')
})

test('the client ID tells which of the two programs it is', () => {
  expect([programOf({ clientId: 'BUSINESSAPI.1' }), programOf({ clientId: 'SCHOOLAPI.1' })]).toEqual(['business', 'school'])
})

test('whatever is uploaded, the answer is a listed one', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (clientId, privateKey) => {
      for (const input of [clientId, { clientId, privateKey }, { ...account, privateKey }]) expect(typeof reasonOf(input)).toBe('string')
    }),
    { numRuns: 1000 },
  )
})

const parts = (assertion: string) => {
  const [head = '', claims = '', signature = ''] = assertion.split('.')
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: read(head), claims: read(claims), signed: `${head}.${claims}`, signature: Buffer.from(signature, 'base64url') }
}

test('the assertion is signed with r and s of 32 bytes each, for the audience of version 2, for minutes', () => {
  const now = Date.UTC(2026, 10, 24, 9)
  const chance = seededChance(1)
  const { header, claims, signed, signature } = parts(clientAssertion(account, now, chance))
  expect(header).toEqual({ alg: 'ES256', kid: 'k-1', typ: 'JWT' })
  expect(claims).toEqual({
    iss: account.clientId,
    sub: account.clientId,
    aud: 'https://account.apple.com/auth/oauth2/v2/token',
    iat: now / 1000,
    exp: now / 1000 + 300,
    jti: expect.stringMatching(/^.{20}$/),
  })
  expect(signature).toHaveLength(64)
  expect(verify('sha256', Buffer.from(signed), { key: createPublicKey(canonical), dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
  expect(parts(clientAssertion(account, now, chance)).claims).not.toEqual(claims)
})

test('without a key ID none is sent', () => {
  const { keyId: _, ...bare } = account
  expect(parts(clientAssertion(bare, 0, seededChance(1))).header).toEqual({ alg: 'ES256', typ: 'JWT' })
})
