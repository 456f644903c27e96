/**
 * Envelope encryption. Each secret has a key of its own; that key is wrapped by one derived from the master key; both
 * seals are bound to their place (table, row, column, key id), so that a ciphertext moved to another row does not open.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import type { Chance } from '../shared/clock.ts'

export interface Sealed {
  readonly wrappedKey: Uint8Array
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

/** Where a sealed value stands. */
export interface Place {
  readonly table: string
  readonly row: string
  readonly column: string
}

export interface Sealer {
  /** Tells master keys apart and says nothing about them: 16 hexadecimal digits. */
  readonly keyId: string
  seal(place: Place, text: string): Sealed
  /** Throws when the bytes were changed, moved, or sealed under another key. */
  unseal(place: Place, sealed: Sealed): string
  /** Equal for equal texts, and of no use without the master key. */
  hash(purpose: string, text: string): string
}

export const masterKeyBytes = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

const derive = (masterKey: Uint8Array, purpose: string): Buffer => Buffer.from(hkdfSync('sha256', masterKey, 'quartermaster', purpose, 32))

export const createSealer = (masterKey: Uint8Array, chance: Chance): Sealer => {
  if (masterKey.length !== masterKeyBytes) throw new Error(`seal: a master key has ${masterKeyBytes} bytes, not ${masterKey.length}`)
  const wrappingKey = derive(masterKey, 'wrap')
  const hashingKey = derive(masterKey, 'hash')
  const keyId = createHash('sha256').update(derive(masterKey, 'id')).digest('hex').slice(0, 16)

  const bound = (place: Place, part: string): Buffer => Buffer.from(JSON.stringify([place.table, place.row, place.column, keyId, part]))

  return {
    keyId,
    seal: (place, text) => {
      const dataKey = chance.bytes(32)
      const nonce = chance.bytes(NONCE_BYTES)
      const sealed = encrypt(dataKey, nonce, bound(place, 'value'), Buffer.from(text, 'utf8'))
      const wrapNonce = chance.bytes(NONCE_BYTES)
      const wrappedKey = Buffer.concat([wrapNonce, encrypt(wrappingKey, wrapNonce, bound(place, 'key'), dataKey)])
      dataKey.fill(0)
      return { wrappedKey, nonce, sealed }
    },
    unseal: (place, { wrappedKey, nonce, sealed }) => {
      const dataKey = decrypt(wrappingKey, wrappedKey.subarray(0, NONCE_BYTES), bound(place, 'key'), wrappedKey.subarray(NONCE_BYTES))
      const text = decrypt(dataKey, nonce, bound(place, 'value'), sealed).toString('utf8')
      dataKey.fill(0)
      return text
    },
    hash: (purpose, text) => createHmac('sha256', hashingKey).update(`${purpose}\0`).update(text).digest('hex'),
  }
}

/** The ciphertext with its tag behind it. */
const encrypt = (key: Uint8Array, nonce: Uint8Array, bound: Uint8Array, plain: Uint8Array): Buffer => {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(bound)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

const decrypt = (key: Uint8Array, nonce: Uint8Array, bound: Uint8Array, sealed: Uint8Array): Buffer => {
  if (sealed.length < TAG_BYTES) throw new Error('seal: the sealed value is cut off')
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(bound)
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()])
}
