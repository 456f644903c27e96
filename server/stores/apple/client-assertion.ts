/**
 * The signed statement with which we ask for an access token: a JWT under ES256. Its signature is r and s, 32 bytes each,
 * and not the DER that libraries give by themselves. Source: docs/stores/apple-apps-and-books.md, 6.2.
 */
import { sign } from 'node:crypto'
import { randomId, type Chance } from '../../../shared/clock.ts'
import type { DeviceAccount } from './device-account.ts'

/** It names version 2 whatever address the request goes to. */
export const assertionAudience = 'https://account.apple.com/auth/oauth2/v2/token'
/** Apple takes up to 180 days; it is used at once. */
const lifeS = 300

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Good once, for five minutes from `now`. Throws for a key that is none: the account was parsed before it was sealed. */
export const clientAssertion = ({ clientId, keyId, privateKey }: DeviceAccount, now: number, chance: Chance): string => {
  const iat = Math.floor(now / 1000)
  const header = part({ alg: 'ES256', ...(keyId === undefined ? {} : { kid: keyId }), typ: 'JWT' })
  const claims = part({ iss: clientId, sub: clientId, aud: assertionAudience, iat, exp: iat + lifeS, jti: randomId(chance) })
  const signature = sign('sha256', Buffer.from(`${header}.${claims}`), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${header}.${claims}.${signature.toString('base64url')}`
}
