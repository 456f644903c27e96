import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../../../server/secret.ts'
import { openGoogleCredential, parseServiceAccountKey, readGoogleCredential } from '../../../../server/stores/google/service-account.ts'
import { mustBeOk } from './google-link.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const file = {
  type: 'service_account',
  project_id: 'eastmere-emm',
  private_key_id: '3f9c0a',
  private_key: pem,
  client_email: 'play@eastmere-emm.iam.gserviceaccount.com',
  client_id: '1093',
  token_uri: 'https://attacker.example/token',
}

test('a key file is read as text and as the object in it, whatever its line ends', () => {
  const forms: readonly unknown[] = [
    file,
    JSON.stringify(file),
    `\uFEFF${JSON.stringify(file, null, 2)}`,
    { ...file, private_key: pem.replaceAll('\n', String.raw`\n`) },
    { ...file, private_key: pem.replaceAll('\n', '\r\n') },
    { ...file, private_key: rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() },
  ]
  for (const form of forms) {
    const key = mustBeOk(parseServiceAccountKey(form))
    expect(key.clientEmail).toBe('play@eastmere-emm.iam.gserviceaccount.com')
    expect(key.keyId).toBe('3f9c0a')
    expect(createPrivateKey(key.privateKey).export({ type: 'pkcs8', format: 'pem' })).toBe(pem)
  }
  expect(mustBeOk(parseServiceAccountKey({ ...file, private_key_id: undefined })).keyId).toBe(null)
})

test.each([
  ['nothing', undefined, 'key-missing'],
  ['an empty text', '', 'key-missing'],
  ['a word', 'key', 'key-not-json'],
  ['half of the file', JSON.stringify(file).slice(0, 300), 'key-not-json'],
  ['a list', [file], 'key-not-json'],
  ['a megabyte', `${JSON.stringify(file)}${' '.repeat(1_000_000)}`, 'key-too-large'],
  ['the private key alone', pem, 'key-is-pem'],
  ["a person's key", { type: 'authorized_user', refresh_token: 'x' }, 'key-of-a-person'],
  ['an OAuth client', { installed: { client_id: 'x' } }, 'key-of-a-person'],
  ['another type', { ...file, type: 'external_account' }, 'key-of-another-type'],
  ['no account', { ...file, client_email: undefined }, 'client-email'],
  ['an account that is none', { ...file, client_email: 'play\r\nX: y' }, 'client-email'],
  ['a key id that can not stand in a header', { ...file, private_key_id: 'a b' }, 'private-key-id'],
  ['no private key', { ...file, private_key: '' }, 'private-key-missing'],
  ['a public key', { ...file, private_key: rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString() }, 'private-key-public'],
  [
    'a password on it',
    { ...file, private_key: rsa.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString() },
    'private-key-encrypted',
  ],
  ['an EC key', { ...file, private_key: ec }, 'private-key-kind'],
  ['too short a key', { ...file, private_key: short }, 'private-key-short'],
  ['another letter in it', { ...file, private_key: pem.replace(/\n[^-\n]/, '\n!') }, 'private-key-damaged'],
])('a key file that is wrong (%s) says in which way, and shows nothing of the key', (_, given, reason) => {
  const read = parseServiceAccountKey(given)
  expect(read.ok ? 'read' : read.error.reason).toBe(reason)
  expect(inspect(read)).not.toContain(pem.slice(40, 60))
})

test.each([
  ['no enterprise', undefined, 'enterprise-missing'],
  ['an empty one', '', 'enterprise-missing'],
  ['a path', '../x', 'enterprise-id'],
  ['a number', 5, 'enterprise-id'],
])('a credential needs the id of its enterprise: %s', (_, enterpriseId, reason) => {
  const read = readGoogleCredential({ serviceAccountKey: file, enterpriseId })
  expect(read.ok ? 'read' : read.error.reason).toBe(reason)
})

test('what is sealed opens again, and a part that is left out stays', () => {
  const { secret, expiresAt } = mustBeOk(
    readGoogleCredential({ serviceAccountKey: JSON.stringify(file), enterpriseId: 'enterprises/LC03k2p9q' }),
  )
  expect(expiresAt).toBe(null)
  expect(openGoogleCredential(secret).enterpriseId).toBe('LC03k2p9q')
  const renewed = mustBeOk(readGoogleCredential({ serviceAccountKey: { ...file, private_key_id: 'other' } }, secret))
  expect(openGoogleCredential(renewed.secret)).toMatchObject({ enterpriseId: 'LC03k2p9q', key: { keyId: 'other' } })
  expect(openGoogleCredential(mustBeOk(readGoogleCredential({ enterpriseId: 'LC2' }, secret)).secret)).toMatchObject({
    enterpriseId: 'LC2',
    key: { keyId: '3f9c0a' },
  })
  expect(() => openGoogleCredential(Secret.of('{}'))).toThrow('not one that this connector made')
})
