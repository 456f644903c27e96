/**
 * The key file of a Google service account, and what is kept of it for one enterprise.
 * Source: docs/stores/managed-google-play.md, "Signing in".
 */
import { createPrivateKey } from 'node:crypto'
import * as v from 'valibot'
import { err, ok, type Result } from '../../../shared/result.ts'
import { Secret } from '../../secret.ts'
import type { CredentialMalformed, CredentialRead } from '../store.ts'

export interface ServiceAccountKey {
  /** The account's name, which is told in texts; it is no secret. */
  readonly clientEmail: string
  readonly keyId: string | null
  /** PKCS #8, PEM. */
  readonly privateKey: string
}

export interface GoogleCredential {
  readonly key: ServiceAccountKey
  readonly enterpriseId: string
}

/** A real file has about 2,400 bytes. */
const mostFileBytes = 64 * 1024
/** Google makes keys of 2,048 bits; fewer are refused by everybody. */
const fewestKeyBits = 2048
const EMAIL = /^[a-z0-9.+_-]{1,120}@[a-z0-9.-]{3,200}$/i
const KEY_ID = /^[A-Za-z0-9_-]{1,200}$/
const ENTERPRISE = /^(?:enterprises\/)?([A-Za-z0-9_-]{1,100})$/

const again = 'Choose the JSON file that was downloaded when the key was made, unchanged.'
const newKey = 'If it is lost, make a new key for the service account: Google keeps no copy.'

const malformed = (reason: string, text: string): Result<never, CredentialMalformed> => err({ is: 'credential-malformed', reason, text })

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes what it read, and so the key: it goes no further.
    return undefined
  }
}

const fileForm = v.object({
  type: v.optional(v.unknown()),
  client_email: v.optional(v.unknown()),
  private_key_id: v.optional(v.unknown()),
  private_key: v.optional(v.unknown()),
})

/**
 * Reads a key file, as text or as the object in it. Each way in which it can be wrong has a reason of its own; no text shows
 * a part of the key. `token_uri` and the other addresses of the file are not followed: whoever wrote the file must not
 * choose where the server signs in.
 */
export const parseServiceAccountKey = (input: unknown): Result<ServiceAccountKey, CredentialMalformed> => {
  if (input === undefined || input === null || input === '')
    return malformed('key-missing', `No service account key was given. ${again} Its text goes into serviceAccountKey.`)
  if (typeof input === 'string' && input.length > mostFileBytes)
    return malformed('key-too-large', `This file is larger than any key file. ${again}`)
  const file = typeof input === 'string' ? parseJson(input.replace(/^\uFEFF/, '')) : input
  if (typeof input === 'string' && /^\s*-----BEGIN/.test(input))
    return malformed('key-is-pem', `This is the private key alone. The whole JSON file is needed, since it names the account too. ${again}`)
  const read = v.safeParse(fileForm, file)
  if (!read.success || Array.isArray(file))
    return malformed('key-not-json', `This is no key file: it is not JSON, or a part of it is missing. ${again}`)
  const { type, client_email: email, private_key_id: keyId, private_key: pem } = read.output
  if (type === 'authorized_user' || 'installed' in Object(file) || 'web' in Object(file))
    return malformed(
      'key-of-a-person',
      'This file is for signing in as a person (an OAuth client). A service account key is needed: make one under IAM and Admin, Service Accounts, Keys.',
    )
  if (type !== 'service_account')
    return malformed('key-of-another-type', `This file is of another type than a service account key. ${again}`)
  if (typeof email !== 'string' || !EMAIL.test(email.trim()))
    return malformed('client-email', `The key file does not name its account (client_email). ${again}`)
  if (keyId !== undefined && keyId !== null && keyId !== '' && !(typeof keyId === 'string' && KEY_ID.test(keyId)))
    return malformed('private-key-id', `The key file's private_key_id is none. ${again}`)
  if (typeof pem !== 'string' || pem === '')
    return malformed('private-key-missing', `The key file holds no private key. ${again} ${newKey}`)
  const privateKey = readRsaKey(pem)
  if (!privateKey.ok) return privateKey
  return ok({ clientEmail: email.trim(), keyId: typeof keyId === 'string' && keyId !== '' ? keyId : null, privateKey: privateKey.value })
}

const BLOCK = /-----BEGIN (RSA |ENCRYPTED )?(PRIVATE|PUBLIC) KEY-----[\s\S]*?-----END \1?\2 KEY-----/

const readRsaKey = (text: string): Result<string, CredentialMalformed> => {
  // A key that went through a form or an environment variable may have its line ends written out.
  const lines = text.replaceAll(String.raw`\n`, '\n')
  const block = BLOCK.exec(lines)
  if (block?.[2] === 'PUBLIC')
    return malformed('private-key-public', `The key file holds a public key instead of the private one. ${again}`)
  if (block?.[1] === 'ENCRYPTED ') return malformed('private-key-encrypted', `The private key is locked with a password. ${again}`)
  try {
    const key = createPrivateKey(block?.[0] ?? '')
    if (key.asymmetricKeyType !== 'rsa')
      return malformed('private-key-kind', `The private key is no RSA key, and Google makes no others. ${again}`)
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < fewestKeyBits)
      return malformed('private-key-short', `The private key is shorter than ${fewestKeyBits} bits. ${newKey}`)
    return ok(key.export({ type: 'pkcs8', format: 'pem' }).toString())
  } catch {
    // What OpenSSL says may quote what it read, and is no help to anybody.
    return malformed(
      'private-key-damaged',
      `The private key in this file is damaged: a part of it is missing or was changed. ${again} ${newKey}`,
    )
  }
}

// ---- The credential of a connector ----

const uploaded = v.object({ serviceAccountKey: v.optional(v.unknown()), enterpriseId: v.optional(v.unknown()) })
const sealed = v.object({
  clientEmail: v.string(),
  keyId: v.nullable(v.string()),
  privateKey: v.string(),
  enterpriseId: v.string(),
})

/** Reads `{serviceAccountKey, enterpriseId}` as uploaded. With what is `held`, either part may be left out and stays. */
export const readGoogleCredential = (input: unknown, held?: Secret): Result<CredentialRead, CredentialMalformed> => {
  const parsed = v.safeParse(uploaded, input)
  const given = parsed.success ? parsed.output : {}
  const before = held === undefined ? undefined : opened(held)
  const keepsKey = before !== undefined && given.serviceAccountKey === undefined && given.enterpriseId !== undefined
  const key = keepsKey ? ok(before.key) : parseServiceAccountKey(given.serviceAccountKey)
  if (!key.ok) return key
  const enterpriseId = given.enterpriseId ?? before?.enterpriseId
  if (enterpriseId === undefined || enterpriseId === '')
    return malformed(
      'enterprise-missing',
      'The id of the enterprise is missing. It begins with LC or C0 and is told when the organisation is bound; the Google Admin console shows it under Managed Google Play.',
    )
  const id = typeof enterpriseId === 'string' ? ENTERPRISE.exec(enterpriseId.trim())?.[1] : undefined
  if (id === undefined) return malformed('enterprise-id', 'This is no id of an enterprise: letters and digits, such as LC03k2p9q.')
  return ok({
    secret: Secret.of(JSON.stringify({ ...key.value, enterpriseId: id })),
    expiresAt: null,
    organization: '',
    given: { token: true, devices: false },
    hasDevices: false,
  })
}

const opened = (secret: Secret): GoogleCredential | undefined => {
  const kept = v.safeParse(sealed, parseJson(secret.reveal()))
  if (!kept.success) return undefined
  const { enterpriseId, ...key } = kept.output
  return { key, enterpriseId }
}

/** What `readGoogleCredential` had sealed. */
export const openGoogleCredential = (secret: Secret): GoogleCredential => {
  const credential = opened(secret)
  if (credential === undefined)
    throw new Error('google: the sealed credential is not one that this connector made; was it written by another version?')
  return credential
}
