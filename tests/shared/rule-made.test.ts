import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  deviceFields,
  mostConditionCharacters,
  mostConditions,
  ruleFaultInWords,
  ruleFaultOf,
  ruleInWords,
  ruleTests,
  userFields,
  type GroupRule,
  type RuleCondition,
} from '../../shared/group-rule.ts'
import { principalIdOf } from '../../shared/ids.ts'
import type { Device, User } from '../../shared/principal.ts'
import { asksForOwner, meetsRule } from '../../shared/rule-made.ts'

const user = (changes: Partial<User> = {}): User => ({
  id: principalIdOf('user', 1),
  userName: 'ana',
  displayName: 'Ana Maier',
  email: 'ana@school.example',
  department: 'Maths',
  active: true,
  managedAppleAccount: '',
  sources: ['csv'],
  left: null,
  ...changes,
})
const device = (changes: Partial<Device> = {}): Device => ({
  id: principalIdOf('device', 2),
  serialNumber: 'C02A',
  name: 'Library iPad',
  platform: 'iPadOS',
  model: 'iPad Air',
  ownerId: principalIdOf('user', 1),
  active: true,
  sources: ['csv', 'hand'],
  left: null,
  ...changes,
})
const rule = (
  match: GroupRule['match'],
  ...conditions: readonly (readonly [RuleCondition['field'], RuleCondition['test'], string])[]
): GroupRule => ({
  match,
  conditions: conditions.map(([field, test, value]) => ({ field, test, value })),
})

test('each way of comparing takes in whom it says, without regard to case and outer blanks', () => {
  const holds = (test: RuleCondition['test'], value: string): boolean =>
    meetsRule(rule('all', ['department', test, value]), user(), undefined)
  expect([holds('is', ' maths '), holds('is', 'math')]).toEqual([true, false])
  expect([holds('is-not', 'Arts'), holds('is-not', 'MATHS')]).toEqual([true, false])
  expect([holds('begins', 'ma'), holds('begins', 'th')]).toEqual([true, false])
  expect([holds('ends', 'THS'), holds('ends', 'ma')]).toEqual([true, false])
  expect([holds('contains', 'at'), holds('contains', 'x')]).toEqual([true, false])
})

test('all conditions must hold, or any of them', () => {
  const both = [
    ['department', 'is', 'Maths'],
    ['email', 'ends', '@other.example'],
  ] as const
  expect(meetsRule(rule('all', ...both), user(), undefined)).toBe(false)
  expect(meetsRule(rule('any', ...both), user(), undefined)).toBe(true)
})

test('a device is in by its owner and by the owner’s department; without an owner both are empty', () => {
  const byDepartment = rule('all', ['ownerDepartment', 'is', 'maths'])
  expect(meetsRule(byDepartment, device(), user())).toBe(true)
  expect(meetsRule(byDepartment, device({ ownerId: null }), undefined)).toBe(false)
  expect(meetsRule(rule('all', ['owner', 'is', '']), device({ ownerId: null }), undefined)).toBe(true)
  expect(meetsRule(rule('all', ['owner', 'is', 'ANA']), device(), user())).toBe(true)
  expect(meetsRule(rule('all', ['owner', 'is', 'ana.old']), device(), user({ otherNames: ['ana.old'] }))).toBe(true)
  expect([asksForOwner(byDepartment), asksForOwner(rule('all', ['platform', 'is', 'iPadOS']))]).toEqual([true, false])
})

test('who has left is in no rule-made group, whatever it asks', () => {
  const left = '2026-11-20T08:00:00.000Z'
  expect(meetsRule(rule('any', ['department', 'is', 'Maths']), user({ left }), undefined)).toBe(false)
  expect(meetsRule(rule('any', ['platform', 'is-not', 'x']), device({ left }), undefined)).toBe(false)
})

test('a field of the other kind takes in nobody, and neither does “is not” of it', () => {
  expect(meetsRule(rule('all', ['platform', 'is-not', 'x']), user(), undefined)).toBe(false)
  expect(meetsRule(rule('all', ['department', 'is', '']), device(), undefined)).toBe(false)
})

test('one of several sources is enough', () => {
  expect(meetsRule(rule('all', ['source', 'is', 'hand']), device(), undefined)).toBe(true)
  expect(meetsRule(rule('all', ['source', 'is-not', 'hand']), device(), undefined)).toBe(false)
})

test('a rule without conditions, with too many, or of the wrong kind is refused with the reason', () => {
  const faultOf = (kind: 'user' | 'device', given: GroupRule) => ruleFaultOf(kind, given)
  const one = { field: 'department', test: 'is', value: '' } as const
  expect(faultOf('user', rule('any'))).toEqual({ is: 'no-conditions' })
  expect(faultOf('user', { match: 'all', conditions: Array.from({ length: mostConditions + 1 }, () => one) })?.is).toBe(
    'too-many-conditions',
  )
  expect(faultOf('device', rule('all', ['department', 'is', 'x']))).toEqual({ is: 'field-of-other-kind', at: 0, field: 'department' })
  expect(faultOf('user', rule('all', ['department', 'is', 'x'], ['email', 'ends', ' ']))).toEqual({ is: 'value-empty', at: 1 })
  expect(faultOf('user', rule('all', ['email', 'is', 'x'.repeat(mostConditionCharacters + 1)]))).toEqual({ is: 'value-too-long', at: 0 })
  expect(faultOf('user', rule('all', ['department', 'is', '']))).toBeUndefined()
  expect(ruleFaultInWords({ is: 'no-conditions' })).toContain('everybody')
})

test('a rule is said as a sentence', () => {
  expect(ruleInWords(rule('all', ['department', 'is', 'Nursing'], ['email', 'ends', '@ward.example']))).toBe(
    'Department is “Nursing” and mail address ends with “@ward.example”.',
  )
  expect(ruleInWords(rule('any', ['owner', 'is', ''], ['platform', 'is-not', 'iPadOS']))).toBe(
    'Owner is empty or platform is not “iPadOS”.',
  )
})

const texts = fc.constantFrom('', 'a', 'A', 'ab', ' b ', 'Maths', 'c')
const conditionsOf = <F extends RuleCondition['field']>(fields: readonly F[]) =>
  fc.array(fc.record({ field: fc.constantFrom(...fields), test: fc.constantFrom(...ruleTests), value: texts }), {
    minLength: 1,
    maxLength: 4,
  })

test('law: “is not” is what “is” is not, for everybody of its kind', () => {
  fc.assert(
    fc.property(fc.constantFrom(...deviceFields), texts, texts, texts, (field, value, name, department) => {
      const one = device({ name, model: name, platform: name, serialNumber: name, sources: [name] })
      const owner = user({ userName: name, department })
      const is = meetsRule(rule('all', [field, 'is', value]), one, owner)
      expect(meetsRule(rule('all', [field, 'is-not', value]), one, owner)).toBe(!is)
    }),
    { numRuns: 1_000, seed: 20261124 },
  )
})

test('law: whom all conditions take in, any takes in too; and a further condition never widens “all” nor narrows “any”', () => {
  fc.assert(
    fc.property(conditionsOf(userFields), conditionsOf(userFields), texts, texts, (conditions, more, department, email) => {
      const one = user({ department, email })
      const holds = (match: GroupRule['match'], given: readonly RuleCondition[]): boolean =>
        meetsRule({ match, conditions: given }, one, undefined)
      if (holds('all', conditions)) expect(holds('any', conditions)).toBe(true)
      if (holds('all', [...conditions, ...more])) expect(holds('all', conditions)).toBe(true)
      if (holds('any', conditions)) expect(holds('any', [...conditions, ...more])).toBe(true)
    }),
    { numRuns: 1_000, seed: 20261124 },
  )
})
