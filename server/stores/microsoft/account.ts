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
})
const sealed = v.object({ tenantId: v.string(), clientId: v.string(), clientSecret: v.string() })

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
  const { tenantId, clientId, clientSecret } = kept.output
  return { tenantId, clientId, clientSecret: Secret.of(clientSecret) }
}

const trimmed = (value: unknown): string => (typeof value === 'string' ? value.trim() : '')

/** Reads `{tenantId, clientId, clientSecret}`. With what is `held`, parts that are left out stay. No text shows a part of the secret. */
export const readMicrosoftCredential = (input: unknown, _now: number, held?: Secret): Result<CredentialRead, CredentialMalformed> => {
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
  return ok({
    secret: Secret.of(JSON.stringify({ tenantId, clientId, clientSecret })),
    // The service tells no day on which a secret ends, except by refusing it.
    expiresAt: null,
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
