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

/** 32 bits, FNV-1a: for ids that must come out the same for the same words. */
export const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** Base 64 of the bytes of a hash that is 20 bytes long, as Apple's idHash looks. */
export const idHashOf = (account: string): string => {
  let text = ''
  for (let part = 0; part < 5; part += 1) text += hashOf(`${part}/${account.toLowerCase()}`).toString(16).padStart(8, '0')
  return Buffer.from(text, 'hex').toString('base64')
}

/** `2027-05-02T09:14:55+0000`, the form of Apple's own dates. */
export const appleTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+0000`
