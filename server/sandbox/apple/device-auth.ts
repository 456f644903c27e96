/**
 * `POST /auth/oauth2/token` of the device API: a client assertion in, an access token out. As at Apple, a refusal says no
 * more than its code; why it came to that stands in the request log. Source: docs/stores/apple-apps-and-books.md, 6.2.
 */
import { createPublicKey, verify } from 'node:crypto'
import { PROGRAMS } from './device-state.ts'
import type { DeviceAccount, DeviceOrganisation } from './device-state.ts'
import { randomHex } from './made-ids.ts'
import type { AppleWorld } from './world.ts'

export const TOKEN_PATH = '/auth/oauth2/token'
/** Not the address of the request: it names version 2 whatever the host. */
const AUDIENCE = 'https://account.apple.com/auth/oauth2/v2/token'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const MOST_LIFE_S = 180 * 86_400
/** Clocks differ a little [inferred]. */
const SKEW_S = 60

export interface TokenAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  /** For the log alone. */
  readonly why: string
}

const refused = (error: string, why: string): TokenAnswer => ({ status: 400, body: { error }, why })

interface Claims {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly signed: string
  readonly signature: Buffer
}

const objectIn = (part: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

const readAssertion = (text: string): Claims | undefined => {
  const parts = text.split('.')
  const [head = '', body = '', signature = ''] = parts
  const header = objectIn(head)
  const claims = objectIn(body)
  if (parts.length !== 3 || header === undefined || claims === undefined) return undefined
  return { header, claims, signed: `${head}.${body}`, signature: Buffer.from(signature, 'base64url') }
}

export interface FoundAccount {
  readonly organisation: DeviceOrganisation
  readonly account: DeviceAccount
}

export const findAccount = (world: AppleWorld, clientId: string): FoundAccount | undefined => {
  for (const organisation of world.state.organisations.values()) {
    const account = organisation.accounts.get(clientId)
    if (account !== undefined) return { organisation, account }
  }
  return undefined
}

/** The assertions that were used: each is good once [inferred from "unique"]. */
export const createTokenDesk = (world: AppleWorld): ((form: URLSearchParams) => TokenAnswer) => {
  const usedIds = new Set<string>()

  const whyNot = ({ account }: FoundAccount, { header, claims, signed, signature }: Claims): string | undefined => {
    if (header['alg'] !== 'ES256') return 'alg is not ES256'
    const { deviceKid } = world.switches
    const kid = header['kid']
    if (kid !== undefined && deviceKid === 'refused') return 'a kid was sent, and any is refused'
    if (kid === undefined && deviceKid === 'required') return 'no kid was sent'
    if (kid !== undefined && kid !== account.keyId) return 'kid is another one'
    if (claims['iss'] !== account.clientId) return 'iss is not the client id'
    if (claims['sub'] !== account.clientId) return 'sub is not the client id'
    if (claims['aud'] !== AUDIENCE) return 'aud is another one'
    const { iat, exp, jti } = claims
    const nowS = Math.floor(world.clock.now() / 1000)
    if (typeof iat !== 'number' || typeof exp !== 'number' || exp <= nowS || iat > nowS + SKEW_S) return 'it is not valid now'
    if (exp - iat > MOST_LIFE_S) return 'it is valid for longer than 180 days'
    if (typeof jti !== 'string' || jti === '' || usedIds.has(jti)) return 'jti is missing or was used before'
    // Raw r and s, 64 bytes: a DER signature is longer and is none.
    const key = createPublicKey(account.privateKey)
    if (signature.length !== 64 || !verify('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, signature))
      return 'the signature does not fit the key'
    usedIds.add(jti)
    return undefined
  }

  return (form) => {
    if (form.get('grant_type') !== 'client_credentials') return refused('unsupported_grant_type', 'grant_type')
    const clientId = form.get('client_id') ?? ''
    if (clientId === '' || form.get('client_assertion_type') !== ASSERTION_TYPE) return refused('invalid_request', 'client_assertion_type')
    const assertion = readAssertion(form.get('client_assertion') ?? '')
    const found = findAccount(world, clientId)
    if (found === undefined) return refused('invalid_client', 'no such client id')
    if (found.account.revoked) return refused('invalid_client', 'the key was revoked')
    if (assertion === undefined) return refused('invalid_client', 'the assertion is no JWT')
    const why = whyNot(found, assertion)
    if (why !== undefined) return refused('invalid_client', why)
    const { scope } = PROGRAMS[found.organisation.program]
    if (form.get('scope') !== scope) return refused('invalid_scope', 'scope')
    const token = randomHex(world.chance, 32)
    const seconds = world.switches.deviceTokenSeconds
    world.accessTokens.set(token, { clientId, expiresAt: world.clock.now() + seconds * 1000 })
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: seconds, scope }, why: 'granted' }
  }
}
