/**
 * The app registration through which a tenant lets us in: its directory (tenant) ID, its application (client) ID and a
 * client secret, as an administrator copies them from the Entra admin center. Both Microsoft stores take the same three.
 * Source: docs/stores/microsoft-graph.md, 2.
 */
import * as v from 'valibot'
import { err, ok, type Result } from '../../../shared/result.ts'
import { Secret } from '../../secret.ts'
import type { CredentialMalformed, CredentialRead } from '../store.ts'

export interface MicrosoftAccount {
  /** Lower case. A domain name would do to sign in with, but then one tenant could be connected twice. */
  readonly tenantId: string
  /** Lower case. */
  readonly clientId: string
  readonly clientSecret: Secret
  /** `YYYY-MM-DD`, as an administrator copied it; the service itself tells none. */
  readonly secretEndsOn?: string
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const SECRET = /^[\x21-\x7e]{8,256}$/

const malformed = (reason: string, text: string): Result<never, CredentialMalformed> => err({ is: 'credential-malformed', reason, text })

const overview = 'It stands on the Overview page of the app registration in the Entra admin center, as 32 hexadecimal digits with hyphens.'
const secretPlace =
  'Copy the Value of a client secret from Certificates & secrets of the app registration. It is shown once, when the secret is made; if it is lost, make a new one.'

const uploaded = v.object({
  tenantId: v.optional(v.unknown()),
  clientId: v.optional(v.unknown()),
  clientSecret: v.optional(v.unknown()),
  secretEndsOn: v.optional(v.unknown()),
})
const sealed = v.object({ tenantId: v.string(), clientId: v.string(), clientSecret: v.string(), secretEndsOn: v.optional(v.string()) })

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes what it read, and so the secret.
    return undefined
  }
}

const opened = (secret: Secret): MicrosoftAccount | undefined => {
  const kept = v.safeParse(sealed, parseJson(secret.reveal()))
  if (!kept.success) return undefined
  const { tenantId, clientId, clientSecret, secretEndsOn } = kept.output
  return { tenantId, clientId, clientSecret: Secret.of(clientSecret), ...(secretEndsOn === undefined ? {} : { secretEndsOn }) }
}

const DAY_MS = 86_400_000
/** The Entra admin center offers at most 24 months. */
const longestLifeDays = 732

/** The end of that day. Undefined: it is no day, or none on which a secret of today can end. */
const endOfDay = (day: string, now: number): string | undefined => {
  const endsAt = /^\d{4}-\d{2}-\d{2}$/.test(day) ? `${day}T23:59:59.000Z` : ''
  const time = Date.parse(endsAt)
  // Of the 31st of June a Date makes the 1st of July.
  const isDay = Number.isFinite(time) && new Date(time).toISOString() === endsAt
  return isDay && time > now && time - now < longestLifeDays * DAY_MS ? endsAt : undefined
}

const trimmed = (value: unknown): string => (typeof value === 'string' ? value.trim() : '')

/**
 * Reads `{tenantId, clientId, clientSecret, secretEndsOn?}`. With what is `held`, parts that are left out stay; the day goes
 * with its secret. No text shows a part of the secret.
 */
export const readMicrosoftCredential = (input: unknown, now: number, held?: Secret): Result<CredentialRead, CredentialMalformed> => {
  const parsed = v.safeParse(uploaded, input)
  const given = parsed.success && !Array.isArray(input) ? parsed.output : {}
  const before = held === undefined ? undefined : opened(held)
  const tenantId = given.tenantId === undefined ? (before?.tenantId ?? '') : trimmed(given.tenantId).toLowerCase()
  const clientId = given.clientId === undefined ? (before?.clientId ?? '') : trimmed(given.clientId).toLowerCase()
  const clientSecret = given.clientSecret === undefined ? (before?.clientSecret.reveal() ?? '') : trimmed(given.clientSecret)
  if (tenantId === '') return malformed('tenant-id-missing', `The directory (tenant) ID is missing. ${overview}`)
  if (!GUID.test(tenantId))
    return malformed('tenant-id', `The directory (tenant) ID is not one. ${overview} A domain name such as contoso.com is none.`)
  if (clientId === '') return malformed('client-id-missing', `The application (client) ID is missing. ${overview}`)
  if (!GUID.test(clientId)) return malformed('client-id', `The application (client) ID is not one. ${overview}`)
  if (clientId === tenantId)
    return malformed('client-id-is-tenant-id', `The same ID was given twice: the application (client) ID is another one. ${overview}`)
  if (clientSecret === '') return malformed('client-secret-missing', `The client secret is missing. ${secretPlace}`)
  if (GUID.test(clientSecret))
    return malformed('client-secret-id', `This is the ID of a client secret, and not the secret itself. ${secretPlace}`)
  if (!SECRET.test(clientSecret)) return malformed('client-secret', `The client secret is not one. ${secretPlace}`)
  const told = trimmed(given.secretEndsOn)
  const secretEndsOn = told === '' && given.clientSecret === undefined ? (before?.secretEndsOn ?? '') : told
  const endsAt = endOfDay(secretEndsOn, now)
  if (endsAt === undefined && told !== '')
    return malformed(
      'secret-ends-on',
      'This is no day on which the client secret can end: it lies in the future, at most two years from now. It stands under Expires in Certificates & secrets of the app registration. Leave it out where it is not known.',
    )
  return ok({
    secret: Secret.of(JSON.stringify({ tenantId, clientId, clientSecret, ...(secretEndsOn === '' ? {} : { secretEndsOn }) })),
    // The service itself tells no day on which a secret ends, except by refusing it.
    expiresAt: endsAt ?? null,
    organization: '',
    given: { token: true, devices: false },
    hasDevices: false,
  })
}

/** What `readMicrosoftCredential` had sealed. */
export const openMicrosoftCredential = (secret: Secret): MicrosoftAccount => {
  const account = opened(secret)
  if (account === undefined)
    throw new Error('microsoft: the sealed credential is not one that this connector made; was it written by another version?')
  return account
}
