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
import { parseDeviceAccount, type DeviceAccount } from './device-account.ts'

/** A real file has about 300 bytes. */
const mostFileBytes = 64 * 1024
const mostNameLength = 200
/** The standard alphabet, padded. Nothing else can go into a header, either. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const again =
  'Download it again in Apple Business Manager or Apple School Manager (Preferences, Payments and Billing, Apps and Books) and upload the file unchanged.'

/** What is told of a token file. `bearer` is sent as it stands in the file: the inner token alone is refused. */
export interface ContentToken {
  readonly bearer: string
  readonly expiresAtMs: number
  readonly organization: string
}

export interface AppleCredential {
  readonly token: ContentToken
  /** The account of the device API, kept beside the token. */
  readonly devices: DeviceAccount | undefined
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

const parseDevices = (input: unknown): Result<DeviceAccount | undefined, CredentialMalformed> =>
  input === undefined || input === null ? ok(undefined) : parseDeviceAccount(input)

const sealed = v.object({ contentToken: v.string(), devices: v.optional(v.unknown()) })
const uploaded = v.object({ contentToken: v.optional(v.unknown()), devices: v.optional(v.unknown()) })

/**
 * Reads `{contentToken, devices?}` as uploaded. Sealed is the file's own text and, where one was given, the account of the
 * device API: `openCredential` reads it back. With what is `held`, either part may be left out and stays; `devices: null`
 * takes the account away. A token that has run out is refused when it is uploaded, since nothing can be done with it.
 */
export const readContentToken = (input: unknown, now: number, held?: Secret): Result<CredentialRead, CredentialMalformed> => {
  const parsed = v.safeParse(uploaded, input)
  const given = parsed.success ? parsed.output : {}
  const before = held === undefined ? undefined : opened(held)
  const keepsToken = before !== undefined && given.contentToken === undefined && given.devices !== undefined
  if (typeof given.contentToken !== 'string' && !keepsToken)
    return malformed('missing', 'No token was given. Upload the token file (its name ends in .vpptoken); its text goes into contentToken.')
  const token = typeof given.contentToken === 'string' ? parseContentToken(given.contentToken) : ok(before?.token)
  if (!token.ok) return token
  if (token.value === undefined) throw new Error('apple: a kept token that is not there')
  const { bearer, expiresAtMs, organization } = token.value
  if (!keepsToken && expiresAtMs <= now)
    return malformed(
      'expired',
      `This token expired on ${day(expiresAtMs)}. Download a new one in Apple Business Manager or Apple School Manager (Preferences, Payments and Billing, Apps and Books) and upload it.`,
    )
  const devices = given.devices === undefined ? ok(before?.devices) : parseDevices(given.devices)
  if (!devices.ok) return devices
  return ok({
    secret: Secret.of(JSON.stringify({ contentToken: bearer, devices: devices.value })),
    expiresAt: isoTime(expiresAtMs),
    organization,
    given: { token: !keepsToken, devices: given.devices !== undefined },
    hasDevices: devices.value !== undefined,
  })
}

const opened = (secret: Secret): AppleCredential | undefined => {
  const kept = v.safeParse(sealed, parseJson(secret.reveal()))
  const token = kept.success ? parseContentToken(kept.output.contentToken) : undefined
  const devices = kept.success ? parseDevices(kept.output.devices) : undefined
  return token?.ok === true && devices?.ok === true ? { token: token.value, devices: devices.value } : undefined
}

/** What `readContentToken` had sealed. A token that has run out since opens all the same: the store says so itself. */
export const openCredential = (secret: Secret): AppleCredential => {
  const credential = opened(secret)
  if (credential === undefined)
    throw new Error('apple: the sealed credential is not one that this connector made; was it written by another version?')
  return credential
}
