/**
 * Whom an account of Google's stands for. Google wants an identifier that tells nothing of the person, and gives back nothing
 * but it: so our user name is in it, enciphered. The same name gives the same identifier for ever, under the mark that stands
 * for this database; an identifier that is not ours is shown as it is.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { normalUserName } from '../../../../shared/principal.ts'

export interface AccountNames {
  identifierOf(userName: string): string
  /** Undefined: somebody else made this identifier. */
  userNameIn(identifier: string): string | undefined
}

const PREFIX = 'qm1.'
const tagBytes = 16

export const createAccountNames = (markId: string): AccountNames => {
  const key = (use: string): Buffer => Buffer.from(hkdfSync('sha256', markId, 'quartermaster', `play accounts: ${use}`, 32))
  const tagKey = key('tag')
  const cipherKey = key('cipher')
  // The tag is made of the name and begins the counter: equal names give equal identifiers, and none is taken for another.
  const tagOf = (name: string): Buffer => createHmac('sha256', tagKey).update(name).digest().subarray(0, tagBytes)
  return {
    identifierOf: (userName) => {
      const name = normalUserName(userName)
      const tag = tagOf(name)
      const cipher = createCipheriv('aes-256-ctr', cipherKey, tag)
      return PREFIX + Buffer.concat([tag, cipher.update(name, 'utf8'), cipher.final()]).toString('base64url')
    },
    userNameIn: (identifier) => {
      if (!identifier.startsWith(PREFIX)) return undefined
      const bytes = Buffer.from(identifier.slice(PREFIX.length), 'base64url')
      if (bytes.length <= tagBytes) return undefined
      const tag = bytes.subarray(0, tagBytes)
      const decipher = createDecipheriv('aes-256-ctr', cipherKey, tag)
      const name = Buffer.concat([decipher.update(bytes.subarray(tagBytes)), decipher.final()]).toString('utf8')
      return timingSafeEqual(tag, tagOf(name)) ? name : undefined
    },
  }
}
