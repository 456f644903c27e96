/** Service accounts, their keys, and the access tokens that were given for them. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import type { Chance, Clock } from '../../../shared/clock.ts'

export interface AccountKey {
  readonly id: string
  /** SPKI, PEM. */
  readonly publicKey: string
  revoked: boolean
}

export interface ServiceAccount {
  readonly email: string
  readonly project: string
  /** May sign organisations up, bind and unbind them. */
  readonly isVendor: boolean
  disabled: boolean
  /** Scopes whose API is turned on in the account's project; null: all. */
  scopes: readonly string[] | null
  readonly keys: AccountKey[]
}

export interface AccessToken {
  readonly email: string
  readonly scopes: readonly string[]
  readonly expiresAt: number
}

export interface KeyFile {
  readonly type: 'service_account'
  readonly project_id: string
  readonly private_key_id: string
  readonly private_key: string
  readonly client_email: string
  readonly client_id: string
  readonly token_uri: string
}

export interface Accounts {
  readonly accounts: Map<string, ServiceAccount>
  readonly tokens: Map<string, AccessToken>
}

export const hexOf = (chance: Chance, bytes: number): string => Buffer.from(chance.bytes(bytes)).toString('hex')
export const digitsOf = (chance: Chance, count: number): string => Array.from(chance.bytes(count), (byte) => byte % 10).join('')

/** A key as Google makes it; Google keeps the public half alone. */
export const makeKey = (chance: Chance, account: ServiceAccount): KeyFile => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const id = hexOf(chance, 20)
  account.keys.push({ id, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), revoked: false })
  return {
    type: 'service_account',
    project_id: account.project,
    private_key_id: id,
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    client_email: account.email,
    client_id: digitsOf(chance, 21),
    token_uri: 'https://oauth2.googleapis.com/token',
  }
}

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const longestAssertionS = 3600
/** How far a clock may be off [recalled, not documented]. */
const skewS = 300
export const tokenLifeS = 3599

const oauthError = (status: number, error: string, description: string): Response =>
  Response.json({ error, error_description: description }, { status })

const jsonOf = (part: string | undefined): Readonly<Record<string, unknown>> | undefined => {
  try {
    const json: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
    return typeof json === 'object' && json !== null ? { ...json } : undefined
  } catch {
    return undefined
  }
}

export interface TokenDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly knownScopes: ReadonlySet<string>
}

/** `POST /token`: the JWT bearer grant. `ownUrl` and Google's two addresses are taken as audience. */
export const answerToken = async (accounts: Accounts, deps: TokenDeps, request: Request, ownUrl: string): Promise<Response> => {
  const { clock, chance } = deps
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers.get('content-type') ?? ''))
    return oauthError(400, 'invalid_request', 'Bad Request')
  const form = new URLSearchParams(await request.text())
  if (form.get('grant_type') !== GRANT)
    return oauthError(400, 'unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type') ?? ''}`)
  const [head, claimsPart, signature, ...more] = (form.get('assertion') ?? '').split('.')
  const header = jsonOf(head)
  const claims = jsonOf(claimsPart)
  if (header === undefined || claims === undefined || signature === undefined || more.length > 0)
    return oauthError(400, 'invalid_grant', 'Invalid JWT: Failed audience check.')
  const account = typeof claims['iss'] === 'string' ? accounts.accounts.get(claims['iss']) : undefined
  if (account === undefined) return oauthError(400, 'invalid_grant', 'Invalid grant: account not found')
  if (account.disabled) return oauthError(401, 'unauthorized_client', 'The service account is disabled.')
  if (header['alg'] !== 'RS256') return oauthError(400, 'invalid_grant', 'Invalid JWT: unsupported algorithm.')
  const live = account.keys.filter(({ id, revoked }) => !revoked && (header['kid'] === undefined || header['kid'] === id))
  const isSigned = live.some(({ publicKey }) =>
    verify('RSA-SHA256', Buffer.from(`${head ?? ''}.${claimsPart ?? ''}`), createPublicKey(publicKey), Buffer.from(signature, 'base64url')),
  )
  if (!isSigned) return oauthError(400, 'invalid_grant', 'Invalid JWT Signature.')
  const audiences = [ownUrl, 'https://oauth2.googleapis.com/token', 'https://www.googleapis.com/oauth2/v4/token']
  if (!audiences.includes(String(claims['aud']))) return oauthError(400, 'invalid_grant', 'Invalid JWT: Failed audience check.')
  const now = clock.now() / 1000
  const { iat, exp } = claims
  if (
    typeof iat !== 'number' ||
    typeof exp !== 'number' ||
    iat > now + skewS ||
    exp < now - skewS ||
    iat < now - longestAssertionS - skewS ||
    exp - iat > longestAssertionS
  )
    return oauthError(
      400,
      'invalid_grant',
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
    )
  const scopes = typeof claims['scope'] === 'string' ? claims['scope'].split(' ').filter((scope) => scope !== '') : []
  if (scopes.length === 0 || scopes.some((scope) => !deps.knownScopes.has(scope)))
    return oauthError(400, 'invalid_scope', 'Invalid OAuth scope or ID token audience provided.')
  const token = `ya29.c.${Buffer.from(chance.bytes(48)).toString('base64url')}`
  accounts.tokens.set(token, { email: account.email, scopes, expiresAt: clock.now() + tokenLifeS * 1000 })
  return Response.json({ access_token: token, expires_in: tokenLifeS, token_type: 'Bearer' })
}
