/**
 * The account of the device API, as an administrator copies it from Apple Business Manager or Apple School Manager: a
 * client ID, a key ID and a private key that can be downloaded once. Source: docs/stores/apple-apps-and-books.md, 6.2.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { CredentialMalformed } from '../store.ts'

export interface DeviceAccount {
  readonly clientId: string
  /** Some accounts are accepted only without it. */
  readonly keyId?: string
  /** PKCS #8 PEM, whatever was uploaded. */
  readonly privateKey: string
}

export type DeviceProgram = 'business' | 'school'

const CLIENT_ID = /^(BUSINESSAPI|SCHOOLAPI)\.[A-Za-z0-9._-]{1,150}$/
const KEY_ID = /^[\x21-\x7e]{1,200}$/
const mostKeyBytes = 16 * 1024

/** Which of Apple's two programs the account belongs to. */
export const programOf = ({ clientId }: Pick<DeviceAccount, 'clientId'>): DeviceProgram =>
  clientId.startsWith('SCHOOLAPI.') ? 'school' : 'business'

const malformed = (reason: string, text: string): Result<never, CredentialMalformed> => err({ is: 'credential-malformed', reason, text })

const wholeFile = 'Upload the whole file that ends in .pem, from its BEGIN line to its END line.'
const newKey = 'If it is lost, make a new key in the API account at Apple: a key can be downloaded only once.'

const BLOCK = /-----BEGIN ((?:[A-Z0-9]+ )*)(PRIVATE|PUBLIC) KEY-----([\s\S]*?)-----END \1\2 KEY-----/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

const readKey = (text: string): Result<KeyObject, CredentialMalformed> => {
  // A key that went through a JSON file or a form has its line ends written out, or none: only what is between the lines counts.
  const block = BLOCK.exec(text.replaceAll(String.raw`\n`, '\n'))
  if (block === null) return malformed('devices-private-key', `The private key of the device list is not one. ${wholeFile} ${newKey}`)
  const [, kind = '', secrecy, body = ''] = block
  if (secrecy === 'PUBLIC')
    return malformed('devices-private-key-public', `This is a public key. ${wholeFile} It says PRIVATE KEY in its first line. ${newKey}`)
  if (kind.startsWith('ENCRYPTED') || body.includes('ENCRYPTED'))
    return malformed(
      'devices-private-key-encrypted',
      'This private key is locked with a password. Upload the key as Apple gave it, without one; it is sealed here.',
    )
  const curve = malformed(
    'devices-private-key-curve',
    `This private key is of another sort than those of Apple's device list, which are EC keys on the curve P-256. Choose the file that was downloaded from the API account. ${newKey}`,
  )
  if (kind !== '' && kind !== 'EC ') return curve
  const bytes = body.replace(/\s+/g, '')
  try {
    if (!BASE64.test(bytes)) throw new Error('not base64')
    const key = createPrivateKey({ key: Buffer.from(bytes, 'base64'), format: 'der', type: kind === 'EC ' ? 'sec1' : 'pkcs8' })
    return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? ok(key) : curve
  } catch {
    // What OpenSSL says may quote what it read, and is no help to anybody.
    return malformed(
      'devices-private-key-damaged',
      `This private key is damaged: a part of it is missing or was changed. ${wholeFile} ${newKey}`,
    )
  }
}

const uploaded = v.object({ clientId: v.optional(v.unknown()), keyId: v.optional(v.unknown()), privateKey: v.optional(v.unknown()) })

/** Reads `{clientId, keyId?, privateKey}`. Each way in which it can be wrong has a reason of its own; no text shows a part of the key. */
export const parseDeviceAccount = (input: unknown): Result<DeviceAccount, CredentialMalformed> => {
  const given = v.safeParse(uploaded, input)
  if (!given.success || Array.isArray(input))
    return malformed('devices-unreadable', 'The key of the device list needs a clientId and a privateKey. Give both, or leave devices out.')
  const { clientId, keyId, privateKey } = given.output
  const id = typeof clientId === 'string' ? clientId.trim() : ''
  if (!CLIENT_ID.test(id))
    return malformed(
      'devices-client-id',
      'The client ID of the device list is missing or is not one: it begins with BUSINESSAPI. or SCHOOLAPI. Copy it from the API account at Apple.',
    )
  const key = typeof keyId === 'string' ? keyId.trim() : keyId
  const isLeftOut = key === undefined || key === null || key === ''
  if (!isLeftOut && !(typeof key === 'string' && KEY_ID.test(key)))
    return malformed('devices-key-id', 'The key ID of the device list is not one. Copy it from the API account at Apple, or leave it out.')
  if (typeof privateKey !== 'string' || privateKey.length > mostKeyBytes)
    return malformed('devices-private-key', `The private key of the device list is missing or is not one. ${wholeFile} ${newKey}`)
  const read = readKey(privateKey)
  if (!read.ok) return read
  return ok({
    clientId: id,
    ...(isLeftOut ? {} : { keyId: key }),
    privateKey: read.value.export({ type: 'pkcs8', format: 'pem' }).toString(),
  })
}
