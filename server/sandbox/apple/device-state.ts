/** What the sandbox's Apple knows of an organisation's devices. They belong to the organisation, not to a location. */
import { createECDH, createPrivateKey } from 'node:crypto'
import type { Chance } from '../../../shared/clock.ts'

export interface OrgDevice {
  readonly serialNumber: string
  readonly productFamily: string
  readonly productType: string
  readonly deviceModel: string
  readonly addedAt: number
  updatedAt: number
  releasedAt: number | null
  /** The device management service it is assigned to; that has nothing to do with licenses. */
  server: string | null
}

export interface DeviceAccount {
  readonly clientId: string
  readonly keyId: string
  /** SEC 1 PEM, as it is downloaded once. */
  readonly privateKey: string
  role: 'may-read' | 'no-rights'
  revoked: boolean
}

export interface DeviceServer {
  readonly id: string
  readonly name: string
  readonly createdAt: number
}

export interface DeviceOrganisation {
  readonly name: string
  readonly program: 'business' | 'school'
  readonly accounts: Map<string, DeviceAccount>
  readonly servers: Map<string, DeviceServer>
  readonly devices: Map<string, OrgDevice>
}

export interface AccessToken {
  readonly clientId: string
  expiresAt: number
}

/** The client id's prefix and the scope tell the program. */
export const PROGRAMS = {
  business: { prefix: 'BUSINESSAPI.', scope: 'business.api' },
  school: { prefix: 'SCHOOLAPI.', scope: 'school.api' },
} as const

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** A P-256 key from the world's own chance, in the form of Apple's download. */
export const madeKey = (chance: Chance): string => {
  const secret = chance.bytes(32)
  // Neither 0 nor beyond the curve's order, whatever chance gave.
  secret[0] = (secret[0] ?? 0) & 0x7f
  secret[31] = (secret[31] ?? 0) | 1
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(secret)
  const point = curve.getPublicKey()
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    d: base64url(secret),
    x: base64url(point.subarray(1, 33)),
    y: base64url(point.subarray(33)),
  }
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'sec1', format: 'pem' }).toString()
}
