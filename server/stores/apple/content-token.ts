/**
 * The content token file (`.vpptoken`) of Apple Business Manager and Apple School Manager: one line of base64 over a small
 * JSON object. Source: docs/stores/apple-apps-and-books.md, section 1.
 */
import * as v from 'valibot'
import { isoTime } from '../../../shared/clock.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { Secret } from '../../secret.ts'
import type { CredentialMalformed, CredentialRead } from '../store.ts'
import { parseAppleTime } from './apple-time.ts'

/** A real file has about 300 bytes. */
const mostFileBytes = 64 * 1024
const mostKeyBytes = 16 * 1024
const mostNameLength = 200
/** The standard alphabet, padded. Nothing else can go into a header, either. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const PRIVATE_KEY = /-----BEGIN (?:EC )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (?:EC )?PRIVATE KEY-----\s*$/

const again =
  'Download it again in Apple Business Manager or Apple School Manager (Preferences, Payments and Billing, Apps and Books) and upload the file unchanged.'

/** What is told of a token file. `bearer` is sent as it stands in the file: the inner token alone is refused. */
export interface ContentToken {
  readonly bearer: string
  readonly expiresAtMs: number
  readonly organization: string
}

/** The device API's key, kept beside the token. */
export interface DevicesKey {
  readonly clientId: string
  readonly keyId?: string
  /** PEM, PKCS #8 or SEC 1. */
  readonly privateKey: string
}

export interface AppleCredential {
  readonly token: ContentToken
  readonly devices: DevicesKey | undefined
}

const malformed = (reason: string, text: string): Result<never, CredentialMalformed> => err({ is: 'credential-malformed', reason, text })

const day = (ms: number): string =>
  new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(ms))

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes what it read, and so the token: it goes no further.
    return undefined
  }
}

const textOfBase64 = (text: string): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64'))
  } catch {
    return undefined
  }
}

const filled = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Reads the file's text without asking whether it has run out. A byte order mark and white space anywhere are left out. */
export const parseContentToken = (fileText: string): Result<ContentToken, CredentialMalformed> => {
  if (fileText.length > mostFileBytes)
    return malformed('too-large', `This file is larger than any token file. Choose the file that ends in .vpptoken. ${again}`)
  const bearer = fileText.replace(/[\uFEFF\s]+/g, '')
  if (bearer === '') return malformed('empty', `This token file is empty. ${again}`)
  if (!BASE64.test(bearer))
    return malformed('not-base64', `This is no token file: it holds characters that no token has, or a part of it is missing. ${again}`)
  const decoded = textOfBase64(bearer)
  const file = decoded === undefined ? undefined : parseJson(decoded)
  if (file === undefined) return malformed('not-json', `This file can be decoded, but what it holds is no token. ${again}`)
  const members = v.safeParse(v.object({ token: v.unknown(), expDate: v.unknown(), orgName: v.unknown() }), {
    token: undefined,
    expDate: undefined,
    orgName: undefined,
    ...(typeof file === 'object' && !Array.isArray(file) ? file : {}),
  })
  if (!members.success || filled(members.output.token) === undefined)
    return malformed('token-missing', `This file holds no token. ${again}`)
  const { expDate, orgName } = members.output
  if (expDate === undefined || expDate === null || expDate === '')
    return malformed('expiry-missing', `This file does not say when its token expires. ${again}`)
  const expiresAtMs = typeof expDate === 'string' ? parseAppleTime(expDate) : undefined
  if (expiresAtMs === undefined) return malformed('expiry-unreadable', `The date on which this token expires can't be read. ${again}`)
  // A name or a number; for display only.
  const organization = typeof orgName === 'string' || typeof orgName === 'number' ? String(orgName).slice(0, mostNameLength) : ''
  return ok({ bearer, expiresAtMs, organization })
}

const short = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(mostNameLength))
const devicesForm = v.object({
  clientId: short,
  keyId: v.optional(short),
  privateKey: v.pipe(v.string(), v.maxLength(mostKeyBytes), v.trim(), v.regex(PRIVATE_KEY)),
})

const parseDevices = (input: unknown): Result<DevicesKey | undefined, CredentialMalformed> => {
  if (input === undefined || input === null) return ok(undefined)
  const parsed = v.safeParse(devicesForm, input)
  if (parsed.success) {
    const { clientId, keyId, privateKey } = parsed.output
    return ok({ clientId, ...(keyId === undefined ? {} : { keyId }), privateKey })
  }
  switch (parsed.issues[0].path?.[0]?.key) {
    case 'clientId':
      return malformed('devices-client-id', 'The client ID of the device list is missing. Copy it from the API account at Apple.')
    case 'keyId':
      return malformed(
        'devices-key-id',
        'The key ID of the device list is not one. Copy it from the API account at Apple, or leave it out.',
      )
    case 'privateKey':
      return malformed(
        'devices-private-key',
        'The private key of the device list is not one. Paste the whole file that ends in .pem, from its BEGIN line to its END line.',
      )
    default:
      return malformed(
        'devices-unreadable',
        'The key of the device list needs a clientId and a privateKey. Give both, or leave devices out.',
      )
  }
}

const uploaded = v.object({ contentToken: v.string(), devices: v.optional(v.unknown()) })

/**
 * Reads `{contentToken, devices?}` as uploaded. Sealed is the file's own text and, where one was given, the device API's
 * key: `openCredential` reads it back. A token that has run out is refused here, since nothing can be done with it.
 */
export const readContentToken = (input: unknown, now: number): Result<CredentialRead, CredentialMalformed> => {
  const given = v.safeParse(uploaded, input)
  if (!given.success)
    return malformed('missing', 'No token was given. Upload the token file (its name ends in .vpptoken); its text goes into contentToken.')
  const token = parseContentToken(given.output.contentToken)
  if (!token.ok) return token
  const { bearer, expiresAtMs, organization } = token.value
  if (expiresAtMs <= now)
    return malformed(
      'expired',
      `This token expired on ${day(expiresAtMs)}. Download a new one in Apple Business Manager or Apple School Manager (Preferences, Payments and Billing, Apps and Books) and upload it.`,
    )
  const devices = parseDevices(given.output.devices)
  if (!devices.ok) return devices
  return ok({
    secret: Secret.of(JSON.stringify({ contentToken: bearer, devices: devices.value })),
    expiresAt: isoTime(expiresAtMs),
    organization,
  })
}

/** What `readContentToken` had sealed. A token that has run out since opens all the same: the store says so itself. */
export const openCredential = (secret: Secret): AppleCredential => {
  const kept = v.safeParse(uploaded, parseJson(secret.reveal()))
  const token = kept.success ? parseContentToken(kept.output.contentToken) : undefined
  const devices = kept.success ? parseDevices(kept.output.devices) : undefined
  if (token === undefined || !token.ok || devices === undefined || !devices.ok)
    throw new Error('apple: the sealed credential is not one that this connector made; was it written by another version?')
  return { token: token.value, devices: devices.value }
}
