/** Passwords: argon2id, written as a PHC string that carries its own cost. */
import { argon2, timingSafeEqual } from 'node:crypto'
import type { Chance } from '../shared/clock.ts'
import { fewestPasswordCharacters, mostPasswordCharacters } from './settings.ts'
import type { Secret } from './secret.ts'

export interface PasswordCost {
  readonly memoryKib: number
  readonly passes: number
}
/** OWASP's first choice for argon2id; about 70 ms. */
export const usualPasswordCost: PasswordCost = { memoryKib: 19_456, passes: 2 }

export interface Passwords {
  hash(password: Secret): Promise<string>
  /** With null, the same work is done and the answer is no: the time taken does not tell whether an account exists. */
  matches(password: Secret, hash: string | null): Promise<boolean>
}

const TAG_BYTES = 32

const digest = (password: Secret, salt: Uint8Array, cost: PasswordCost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      // One person's é is typed as one character here and as two there.
      {
        message: password.reveal().normalize('NFC'),
        nonce: salt,
        parallelism: 1,
        tagLength: TAG_BYTES,
        memory: cost.memoryKib,
        passes: cost.passes,
      },
      (error, tag) => (error === null ? resolve(tag) : reject(error)),
    )
  })

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

export const createPasswords = (chance: Chance, cost: PasswordCost = usualPasswordCost): Passwords => ({
  hash: async (password) => {
    const salt = chance.bytes(16)
    return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=1$${unpadded(salt)}$${unpadded(await digest(password, salt, cost))}`
  },
  matches: async (password, hash) => {
    if (hash === null) {
      await digest(password, chance.bytes(16), cost)
      return false
    }
    const parts = /^\$argon2id\$v=19\$m=([0-9]+),t=([0-9]+),p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash)
    if (parts === null) throw new Error('passwords: a hash is not in the form that this version writes')
    const [, memory, passes, salt = '', tag = ''] = parts
    const found = await digest(password, Buffer.from(salt, 'base64'), { memoryKib: Number(memory), passes: Number(passes) })
    const wanted = Buffer.from(tag, 'base64')
    return found.length === wanted.length && timingSafeEqual(found, wanted)
  },
})

/** The ones tried first by everybody who guesses, of those long enough to be taken. */
const worn = new Set(
  (
    'password password1 password12 password123 passw0rd 12345678 123456789 1234567890 11111111 00000000 87654321 12341234 qwertyuiop qwerty123 ' +
    'qwerty12 qwertzuiop 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx iloveyou sunshine princess football baseball superman michelle computer ' +
    'trustno1 starwars whatever welcome1 welcome123 letmein1 letmein123 admin123 administrator changeme changeme1 secret123 testtest test1234 abcd1234 ' +
    'abc12345 asdfghjk asdfasdf internet jennifer jordan23 liverpool charlie1 quartermaster'
  ).split(' '),
)

/** Why a new password can not be taken, for the person choosing it; undefined when it can. */
export const passwordRefused = (password: string, email: string): string | undefined => {
  if (password.length < fewestPasswordCharacters) return `Choose a password of at least ${fewestPasswordCharacters} characters.`
  if (password.length > mostPasswordCharacters) return `Choose a password of at most ${mostPasswordCharacters} characters.`
  const plain = password.toLowerCase()
  if (worn.has(plain) || new Set(plain).size < 4) return 'This password is among the first that anyone would try. Choose another.'
  if (plain === email || plain === email.slice(0, email.indexOf('@'))) return 'Choose a password other than your mail address.'
  return undefined
}
