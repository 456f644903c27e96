import type { Chance } from '../../../shared/clock.ts'

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** A version 4 UUID from the world's own chance. */
export const uuid = (chance: Chance): string => {
  const bytes = chance.bytes(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const text = hex(bytes)
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`
}

export const randomHex = (chance: Chance, bytes: number): string => hex(chance.bytes(bytes))
