/** The content token file of Apple Business and School Manager: one line of base64 over a small JSON object. Source: docs/stores, 1.1. */
import * as v from 'valibot'
import { Secret } from '../../secret.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { CredentialMalformed, CredentialRead } from '../store.ts'

const mostFileBytes = 64 * 1024
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
/** `2027-05-02T09:14:55+0000`, also `-0700`, `+02:00` and `Z`. */
const EXPIRY = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:?\d{2})$/

const uploaded = v.object({
  contentToken: v.string(),
  /** The device API's key, for the device list: kept with the token. */
  devices: v.optional(v.object({ clientId: v.string(), keyId: v.optional(v.string()), privateKey: v.string() })),
})
const tokenFile = v.object({ token: v.pipe(v.string(), v.minLength(1)), expDate: v.string(), orgName: v.string() })

/** What is sealed: the file's own text (it is the bearer), and the device API's key where one was given. */
const sealed = v.object({ contentToken: v.string(), expiresAt: v.string(), organization: v.string(), devices: v.optional(v.unknown()) })
export type AppleCredential = v.InferOutput<typeof sealed>

const malformed = (reason: string, text: string): Result<never, CredentialMalformed> => err({ is: 'credential-malformed', reason, text })
const again =
  'Download the token again in Apple Business Manager or Apple School Manager (Preferences, Payments and Billing, Apps and Books) and upload the file unchanged.'

/** Apple's forms of a date with an offset, as ISO 8601 in UTC. Undefined for anything else. */
export const parseAppleDate = (text: string): string | undefined => {
  const match = EXPIRY.exec(text.trim())
  if (match === null) return undefined
  const offset = match[2] ?? 'Z'
  const ms = Date.parse(`${match[1]}${offset === 'Z' || offset.includes(':') ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`}`)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

export const readContentToken = (input: unknown, now: number): Result<CredentialRead, CredentialMalformed> => {
  const given = v.safeParse(uploaded, input)
  if (!given.success) return malformed('missing', 'No token was given. Upload the token file (it ends in .vpptoken) as contentToken.')
  const { contentToken, devices } = given.output
  if (contentToken.length > mostFileBytes) return malformed('too-large', `This file is larger than any token file. ${again}`)
  const text = contentToken.replace(/^\uFEFF/, '').replace(/\s+/g, '')
  if (text === '') return malformed('empty', `This file is empty. ${again}`)
  if (!BASE64.test(text) || text.length % 4 !== 0)
    return malformed('not-base64', `This is not a token file: it holds characters that no token has, or was cut short. ${again}`)
  let decoded: unknown
  try {
    decoded = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64')))
  } catch {
    return malformed('not-json', `This file could be decoded, but holds no token. ${again}`)
  }
  if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded))
    return malformed('not-json', `This file could be decoded, but holds no token. ${again}`)
  if (typeof Reflect.get(decoded, 'token') !== 'string' || Reflect.get(decoded, 'token') === '')
    return malformed('token-missing', `This file has no token in it. ${again}`)
  const file = v.safeParse(tokenFile, { orgName: '', ...decoded })
  if (!file.success) return malformed('expiry-missing', `This file does not say when its token expires. ${again}`)
  const expiresAt = parseAppleDate(file.output.expDate)
  if (expiresAt === undefined) return malformed('expiry-unreadable', `The token's date of expiry can't be read. ${again}`)
  if (Date.parse(expiresAt) <= now)
    return malformed(
      'expired',
      `This token expired on ${expiresAt.slice(0, 10)}. Download a new one in Apple Business Manager or Apple School Manager and upload it.`,
    )
  const credential: AppleCredential = {
    contentToken: text,
    expiresAt,
    organization: file.output.orgName,
    ...(devices === undefined ? {} : { devices }),
  }
  return ok({ secret: Secret.of(JSON.stringify(credential)), expiresAt, organization: file.output.orgName })
}

/** What was sealed by `readContentToken`. */
export const openCredential = (secret: Secret): AppleCredential => v.parse(sealed, JSON.parse(secret.reveal()))
