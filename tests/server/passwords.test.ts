import { describe, expect, test } from 'vitest'
import { createPasswords, passwordRefused } from '../../server/passwords.ts'
import { Secret } from '../../server/secret.ts'
import { seededChance } from '../world/hand-clock.ts'

const cheap = { memoryKib: 8, passes: 1 }
const passwords = createPasswords(seededChance(5), cheap)

test('the right password matches, any other does not', async () => {
  const hash = await passwords.hash(Secret.of('correct horse'))
  expect(await passwords.matches(Secret.of('correct horse'), hash)).toBe(true)
  for (const other of ['correct hors', 'correct horse ', 'Correct horse', ''])
    expect(await passwords.matches(Secret.of(other), hash)).toBe(false)
})

test('the same password is never hashed the same way twice', async () => {
  expect(await passwords.hash(Secret.of('x'))).not.toBe(await passwords.hash(Secret.of('x')))
})

test('an é is an é, however the keyboard makes it', async () => {
  const hash = await passwords.hash(Secret.of('caf\u00e9 au lait'))
  expect(await passwords.matches(Secret.of('cafe\u0301 au lait'), hash)).toBe(true)
})

test('without an account nothing matches', async () => {
  expect(await passwords.matches(Secret.of(''), null)).toBe(false)
})

test('a hash made at another cost still matches', async () => {
  const hash = await createPasswords(seededChance(6), { memoryKib: 16, passes: 2 }).hash(Secret.of('correct horse'))
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=16,t=2,p=1\$/)
  expect(await passwords.matches(Secret.of('correct horse'), hash)).toBe(true)
})

test('agrees with the reference implementation of argon2', async () => {
  // From the tests of phc-winner-argon2.
  const reference = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  expect(await passwords.matches(Secret.of('password'), reference)).toBe(true)
  expect(await passwords.matches(Secret.of('passwort'), reference)).toBe(false)
})

test('the usual cost is what OWASP asks for', async () => {
  expect(await createPasswords(seededChance(7)).hash(Secret.of('x'))).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
})

describe('a new password', () => {
  test.each(['short', 'password123', 'QWERTYUIOP', '11112222', 'ana@example.org', 'a'.repeat(257)])(
    '%s is refused with a reason',
    (password) => {
      expect(passwordRefused(password, 'ana@example.org')).toMatch(/\.$/)
    },
  )
  test('of eight characters that nobody tries first is taken, and so is a sentence', () => {
    for (const password of ['k7#mZq2w', 'four words make a wall']) expect(passwordRefused(password, 'ana@example.org')).toBeUndefined()
  })
})
