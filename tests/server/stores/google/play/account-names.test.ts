import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAccountNames } from '../../../../../server/stores/google/play/account-names.ts'
import { normalUserName } from '../../../../../shared/principal.ts'

const names = createAccountNames('tenant-one')

test('an identifier gives back the name in it, is the same each time, and tells nothing of the person', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 120, unit: 'grapheme' }).filter((name) => normalUserName(name) !== ''),
      (name) => {
        const identifier = names.identifierOf(name)
        expect(identifier).toBe(names.identifierOf(name))
        expect(names.userNameIn(identifier)).toBe(normalUserName(name))
        expect(identifier).toMatch(/^qm1\.[A-Za-z0-9_-]+$/)
      },
    ),
  )
  const identifier = names.identifierOf('ana.kern@school.example')
  expect(names.identifierOf('  Ana.Kern@School.example ')).toBe(identifier)
  expect(Buffer.from(identifier.slice(4), 'base64url').toString('latin1')).not.toMatch(/ana|kern|school/i)
})

test('two people have two identifiers, and two databases give one person two', () => {
  expect(names.identifierOf('ana')).not.toBe(names.identifierOf('ben'))
  const other = createAccountNames('tenant-two')
  expect(other.identifierOf('ana')).not.toBe(names.identifierOf('ana'))
  expect(other.userNameIn(names.identifierOf('ana'))).toBe(undefined)
})

test.each(['', 'staff-00042', 'qm1.', 'qm1.AAAA', 'qm1.!!!!', 'ana@school.example', `qm1.${'A'.repeat(5000)}`])(
  'an identifier of somebody else (%s) is not read',
  (identifier) => {
    expect(names.userNameIn(identifier)).toBe(undefined)
  },
)

test('an identifier in which one letter was changed is not read as another person', () => {
  const identifier = names.identifierOf('ana')
  for (let at = 4; at < identifier.length - 1; at += 1) {
    const changed = identifier.slice(0, at) + (identifier[at] === 'A' ? 'B' : 'A') + identifier.slice(at + 1)
    expect(names.userNameIn(changed)).toBe(undefined)
  }
})
