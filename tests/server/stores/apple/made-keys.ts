/** Private keys in every form in which a person might upload one. */
import { generateKeyPairSync } from 'node:crypto'

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey

export const canonical = p256.export({ type: 'pkcs8', format: 'pem' }).toString()
const sec1 = p256.export({ type: 'sec1', format: 'pem' }).toString()

export const goodKeys: Readonly<Record<string, string>> = {
  'PKCS #8': canonical,
  'SEC 1': sec1,
  'SEC 1 after its parameters': `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`,
  'Windows line ends': canonical.replaceAll('\n', '\r\n'),
  'line ends written out': sec1.replaceAll('\n', String.raw`\n`),
  'one line': canonical.replaceAll('\n', ' '),
  'text around it': `Key for Eastmere\n${canonical}\n\n`,
}

export const badKeys: Readonly<Record<string, readonly [key: unknown, reason: string]>> = {
  'no key at all': [undefined, 'devices-private-key'],
  'a word': ['secret', 'devices-private-key'],
  'the frame without an end': [sec1.slice(0, 80), 'devices-private-key'],
  'a certificate': ['-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----', 'devices-private-key'],
  'a megabyte': [canonical.padEnd(1_000_000, 'x'), 'devices-private-key'],
  'a public key': [sec1.replaceAll('EC PRIVATE', 'PUBLIC'), 'devices-private-key-public'],
  'half of its lines': [canonical.replace(/\n[^-\n]{20}/, '\n'), 'devices-private-key-damaged'],
  'another letter in it': [canonical.replace(/\n[^-\n]/, '\n!'), 'devices-private-key-damaged'],
  'a password on it': [
    p256.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
    'devices-private-key-encrypted',
  ],
  'another curve': [p384.export({ type: 'sec1', format: 'pem' }).toString(), 'devices-private-key-curve'],
  'another curve, as PKCS #8': [p384.export({ type: 'pkcs8', format: 'pem' }).toString(), 'devices-private-key-curve'],
  'an RSA key': [rsa.export({ type: 'pkcs1', format: 'pem' }).toString(), 'devices-private-key-curve'],
  'an RSA key, as PKCS #8': [rsa.export({ type: 'pkcs8', format: 'pem' }).toString(), 'devices-private-key-curve'],
  'an Ed25519 key': [ed25519.export({ type: 'pkcs8', format: 'pem' }).toString(), 'devices-private-key-curve'],
}
