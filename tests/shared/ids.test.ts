import { expect, test } from 'vitest'
import {
  assignmentIdOf,
  docOfLicense,
  licenseOfDoc,
  ordinalOf,
  parseAssignmentId,
  parseDeviceId,
  parseDocId,
  parseGroupId,
  parseLicenseId,
  parsePrincipalId,
  parseTargetKey,
  principalIdOf,
  principalKindOf,
  targetKeyOf,
  targetOf,
} from '../../shared/ids.ts'
import { licenseIdOf } from '../../shared/facts.ts'
import { must } from './weighing.ts'

test('a target and its key are two ways to say one thing', () => {
  for (const text of ['u0', 'u17', 'd42', 'ggrade-7', 'all-users', 'all-devices']) {
    const key = must(parseTargetKey(text))
    expect(targetKeyOf(targetOf(key))).toBe(key)
  }
  expect(targetOf(must(parseTargetKey('gd4')))).toEqual({ kind: 'group', id: 'd4' })
  expect(targetOf(must(parseTargetKey('d4')))).toEqual({ kind: 'device', id: 'd4' })
})

test('a principal’s id tells its kind and its number', () => {
  const id = principalIdOf('device', 42)
  expect([id, principalKindOf(id), ordinalOf(id)]).toEqual(['d42', 'device', 42])
  expect(principalKindOf(principalIdOf('user', 0))).toBe('user')
})

test('an assignment’s id tells its license and its target', () => {
  const id = assignmentIdOf(licenseIdOf(7), must(parseTargetKey('ggrade-7')))
  expect(parseAssignmentId(id)).toEqual({ license: 'l7', target: 'ggrade-7' })
  for (const text of ['', '~', 'l7', 'l7~', '~d1', 'l7~x1', 'L7~d1', 'l7~d1~d2']) expect(parseAssignmentId(text)).toBeUndefined()
})

test('a license’s document bears its name', () => {
  expect(licenseOfDoc(docOfLicense(licenseIdOf(7)))).toBe('l7')
  expect(parseDocId('license:l7')).toBe('license:l7')
  for (const text of ['', 'license:', 'l7', 'license:L7', 'license:l7\n', 'workspace']) expect(parseDocId(text)).toBeUndefined()
})

test.each([undefined, null, 7, {}, '', ' l7', 'l7 ', 'L7', '-l7', '../l7', 'l'.repeat(65), '__proto__', 'l7\n'])(
  'what is no id is not taken for one: %j',
  (text) => {
    expect(parseLicenseId(text)).toBeUndefined()
    expect(parseGroupId(text)).toBeUndefined()
  },
)

test('numbers have one way to be written', () => {
  for (const text of ['u', 'u-1', 'u01', 'u1.0', 'u12345678901', 'x1', 'd1 ']) expect(parsePrincipalId(text)).toBeUndefined()
  expect(parsePrincipalId('u1234567890')).toBe('u1234567890')
  expect(parseTargetKey('d01')).toBeUndefined()
})

test('a device’s id has 8 to 64 characters', () => {
  expect(parseDeviceId('abcdefg')).toBeUndefined()
  expect(parseDeviceId('abcdefgh')).toBe('abcdefgh')
  expect(parseDeviceId('a'.repeat(65))).toBeUndefined()
})
