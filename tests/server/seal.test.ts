import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSealer, type Sealed } from '../../server/seal.ts'
import { seededChance } from '../world/hand-clock.ts'

const chance = seededChance(1)
const sealer = createSealer(chance.bytes(32), chance)
const here = { table: 'credentials', row: 'c1', column: 'sealed' }

test('every text comes back as it was', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => void expect(sealer.unseal(here, sealer.seal(here, text))).toBe(text)))
})

test('the same text is never sealed the same way twice, and is not to be seen', () => {
  const [one, two] = [sealer.seal(here, 'swordfish'), sealer.seal(here, 'swordfish')]
  for (const part of ['wrappedKey', 'nonce', 'sealed'] as const) expect(one[part]).not.toEqual(two[part])
  expect(Buffer.concat([one.wrappedKey, one.nonce, one.sealed]).includes('swordfish')).toBe(false)
})

describe('a seal does not open', () => {
  const sealed = sealer.seal(here, 'swordfish')

  test.each([
    ['in another row', { ...here, row: 'c2' }],
    ['in another column', { ...here, column: 'hash' }],
    ['in another table', { ...here, table: 'api_keys' }],
  ])('%s', (_, place) => {
    expect(() => sealer.unseal(place, sealed)).toThrow()
  })

  test('under another master key', () => {
    const other = createSealer(chance.bytes(32), chance)
    expect(() => other.unseal(here, sealed)).toThrow()
    expect(other.keyId).not.toBe(sealer.keyId)
  })

  test('with the wrapped key of another secret in the same place', () => {
    const other = sealer.seal(here, 'herring')
    expect(() => sealer.unseal(here, { ...sealed, wrappedKey: other.wrappedKey })).toThrow()
  })

  test('with any bit changed, or cut short', () => {
    for (const part of ['wrappedKey', 'nonce', 'sealed'] as const) {
      for (let bit = 0; bit < sealed[part].length * 8; bit++) {
        const changed = new Uint8Array(sealed[part])
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
        expect(() => sealer.unseal(here, { ...sealed, [part]: changed } as Sealed)).toThrow()
      }
      expect(() => sealer.unseal(here, { ...sealed, [part]: sealed[part].subarray(0, 10) })).toThrow()
    }
  })
})

test('the hash tells equal texts, and only to who has the master key', () => {
  expect(sealer.hash('credential', 'a')).toBe(sealer.hash('credential', 'a'))
  expect(sealer.hash('credential', 'a')).not.toBe(sealer.hash('credential', 'b'))
  expect(sealer.hash('credential', 'a')).not.toBe(sealer.hash('answer', 'a'))
  expect(sealer.hash('credential', 'a')).not.toBe(createSealer(chance.bytes(32), chance).hash('credential', 'a'))
})

test('a key of another length is refused', () => {
  expect(() => createSealer(new Uint8Array(16), chance)).toThrow('32 bytes')
})
