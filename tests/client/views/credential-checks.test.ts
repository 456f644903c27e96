import { expect, test } from 'vitest'
import { fieldOfReason, readKeyFile, wrongEnterprise, wrongInMicrosoft } from '../../../client/views/credential-checks.ts'
import { parseServiceAccountKey } from '../../../server/stores/google/service-account.ts'
import { readMicrosoftCredential } from '../../../server/stores/microsoft/account.ts'

const today = '2026-11-24'
const now = Date.UTC(2026, 10, 24, 9)
const whole = {
  tenantId: '11111111-2222-4333-8444-555555555555',
  clientId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  clientSecret: 'canary~Client.Secret_8Q-value',
  secretEndsOn: '',
}

test('what is right is sent', () => {
  expect(wrongInMicrosoft(whole, today)).toEqual([])
  expect(wrongInMicrosoft({ ...whole, secretEndsOn: today }, today)).toEqual([])
  expect(wrongInMicrosoft({ tenantId: '', clientId: '', clientSecret: '', secretEndsOn: '' }, today)).toEqual([])
})

test.each([
  ['tenantId', { tenantId: 'contoso.com' }],
  ['clientId', { clientId: 'Quartermaster' }],
  ['clientId', { clientId: whole.tenantId.toUpperCase() }],
  ['clientSecret', { clientSecret: '0a1b2c3d-1111-4222-8333-444455556666' }],
  ['clientSecret', { clientSecret: 'short' }],
  ['secretEndsOn', { secretEndsOn: '2026-11-23' }],
] as const)('what is wrong with the %s has the name that the server gives it: %j', (field, change) => {
  const given = { ...whole, ...change }
  const [wrong, ...more] = wrongInMicrosoft(given, today)
  expect(more).toEqual([])
  expect(wrong?.field).toBe(field)
  const refused = readMicrosoftCredential(given, now)
  expect(refused.ok ? undefined : refused.error.reason).toBe(wrong?.reason)
  expect(fieldOfReason(wrong?.reason)).toBe(field)
})

const account = 'play@eastmere.iam.gserviceaccount.com'
const secret = 'MIICANARYKEY'
const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`

test('a key file names its account', () => {
  expect(readKeyFile(JSON.stringify({ type: 'service_account', client_email: account, private_key: pem }))).toEqual({ is: 'key', account })
})

test.each([
  pem,
  'no json',
  '[]',
  JSON.stringify({ type: 'authorized_user', client_id: 'x' }),
  JSON.stringify({ installed: { client_id: 'x' } }),
  JSON.stringify({ type: 'external_account' }),
  JSON.stringify({ type: 'service_account', private_key: pem }),
  JSON.stringify({ type: 'service_account', client_email: account }),
])('what is no key file has the name that the server gives it, and shows nothing of the key: %s', (text) => {
  const read = readKeyFile(text)
  const refused = parseServiceAccountKey(text)
  expect(read.is === 'wrong' ? read.reason : undefined).toBe(refused.ok ? 'taken' : refused.error.reason)
  expect(JSON.stringify(read)).not.toContain(secret)
  expect(fieldOfReason(refused.ok ? '' : refused.error.reason)).toBe('serviceAccountKey')
})

test('an id of an enterprise', () => {
  expect(wrongEnterprise('LC03k2p9q')).toBeUndefined()
  expect(wrongEnterprise('enterprises/LC03k2p9q')).toBeUndefined()
  expect(wrongEnterprise('eastmere.example')?.reason).toBe('enterprise-id')
})
