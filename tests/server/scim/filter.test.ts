/** The language of filters: what is read, what is refused, and laws that hold for any filter. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMatch, parseFilter, parsePath, type Filter } from '../../../server/scim/filter.ts'
import type { Resource } from '../../../server/scim/resource.ts'
import { groupType, userType } from '../../../server/scim/schema.ts'

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const ana: Resource = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', enterprise],
  id: 'u1',
  externalId: 'Ext-1',
  userName: 'Ana@School.example',
  displayName: 'Ana "the Great" Maier',
  name: { givenName: 'Ana', familyName: 'Maier' },
  active: true,
  title: 'Head',
  emails: [
    { type: 'work', value: 'ana@school.example', primary: true },
    { type: 'home', value: 'ana@home.example' },
  ],
  [enterprise]: { department: 'Maths', employeeNumber: '7', manager: { value: 'u2' } },
  meta: { resourceType: 'User', created: '2026-01-02T03:04:05.000Z', lastModified: '2026-05-06T07:08:09.000Z' },
}

const parse = (text: string): Filter => {
  const filter = parseFilter(userType, text)
  if (!filter.ok) throw new Error(filter.error.detail)
  return filter.value
}
const finds = (text: string, resource: Resource = ana): boolean => isMatch(parse(text), resource)

test.each([
  'userName eq "ana@school.example"',
  'USERNAME Eq "ANA@school.example"',
  'userName ne "ben"',
  'userName co "school"',
  'userName sw "ana"',
  'userName ew "example"',
  'userName gt "aaa" and userName lt "b"',
  'userName ge "ana@school.example" and userName le "ana@school.example"',
  'title pr',
  'not (nickName pr)',
  'nickName eq null',
  'title ne null',
  'nickName ne "x"',
  'active eq true',
  'active eq "True"',
  'not (active eq false)',
  'name.familyName eq "maier"',
  'emails co "home.example"',
  'emails.type eq "work"',
  'emails[type eq "work"].value eq "ANA@school.example"',
  'emails[type eq "home" and value ew "@home.example"]',
  'emails[primary eq "True"].value sw "ana@school"',
  'emails[type eq "work"].value pr',
  'externalId eq "Ext-1"',
  'id eq "u1" and manager eq "u2"',
  'manager.value eq "u2"',
  `${enterprise}:department eq "maths"`,
  `${enterprise.toUpperCase()}:department eq "maths"`,
  'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ana"',
  'urn:ietf:params:scim:schemas:core:2.0:User:name.givenName eq "Ana"',
  'department eq "Maths"',
  'employeeNumber eq 7',
  'displayName eq "Ana \\"the Great\\" Maier"',
  'displayName co "\\u0041na"',
  'meta.lastModified gt "2026-05-06T09:08:08+02:00"',
  'meta.created le "2026-01-02T03:04:05Z"',
  'meta.resourceType eq "User"',
  'schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"',
  '(title eq "x" or title eq "Head") and not (title sw "X")',
  'title eq "x" and title eq "y" or title eq "Head"',
  'title eq "Head" or title eq "x" and title eq "y"',
  '  title   eq   "Head"  ',
])('%s is found to be so', (text) => {
  expect(finds(text)).toBe(true)
})

test.each([
  'externalId eq "ext-1"',
  'id eq "U1"',
  'userName eq "ana"',
  'nickName eq "x"',
  'nickName gt ""',
  'emails[type eq "work" and value ew "@home.example"]',
  'emails[type eq "other"].value pr',
  'manager eq "u3"',
  'active ne true',
  '(title eq "Head" or title eq "x") and title eq "y"',
])('%s is found not to be so', (text) => {
  expect(finds(text)).toBe(false)
})

const deep = (depth: number): string => `${'('.repeat(depth)}title pr${')'.repeat(depth)}`

test.each([
  ['nothing', ' '],
  ['an unknown attribute', 'shoeSize eq "9"'],
  ['an unknown part', 'name.shoe eq "9"'],
  ['an unknown operator', 'title is "x"'],
  ['no operator', 'title'],
  ['no value', 'title eq'],
  ['a bare word', 'title eq Head'],
  ['a text without its end', 'title eq "Head'],
  ['a wrong escape', 'title eq "\\q"'],
  ['an open parenthesis', '(title pr'],
  ['a closed parenthesis too many', 'title pr)'],
  ['an open bracket', 'emails[type eq "work"'],
  ['an empty bracket', 'emails[]'],
  ['a bracket on one value', 'title[type eq "work"]'],
  ['a foreign part in a bracket', 'emails[userName eq "x"]'],
  ['an and without its second', 'title pr and'],
  ['a not without parentheses', 'not title pr'],
  ['an order of booleans', 'active gt true'],
  ['a boolean that is none', 'active eq "maybe"'],
  ['a part of a boolean', 'active co "t"'],
  ['a complex attribute without a part', 'name eq "Ana"'],
  ['a time that is none', 'meta.created gt "soon"'],
  ['null in an order', 'title gt null'],
  ['a password', 'password eq "x"'],
  ['another schema', 'urn:example:other:title eq "x"'],
  ['two filters', 'title pr title pr'],
  ['a depth of 21', deep(21)],
  ['101 comparisons', Array.from({ length: 101 }, () => 'title pr').join(' or ')],
  ['4,097 characters', `title eq "${'x'.repeat(4_097)}"`],
  ['a name of an object', '__proto__ eq "x"'],
  ['a name of every object', 'constructor.name eq "x"'],
])('%s is refused as invalidFilter', (_, text) => {
  expect(parseFilter(userType, text)).toMatchObject({ ok: false, error: { status: 400, scimType: 'invalidFilter' } })
})

test('the bounds themselves are taken', () => {
  expect(finds(deep(20))).toBe(true)
  expect(finds(Array.from({ length: 100 }, () => 'title pr').join(' or '))).toBe(true)
})

test('members of a group are found by their value', () => {
  const filter = parseFilter(groupType, 'id eq "g" and members eq "u1"')
  const group: Resource = { id: 'g', displayName: 'G', members: [{ value: 'u2' }, { value: 'u1' }] }
  expect(filter.ok && isMatch(filter.value, group)).toBe(true)
  expect(filter.ok && isMatch(filter.value, { ...group, members: [] })).toBe(false)
})

test.each([
  ['userName', true],
  ['name.givenName', true],
  ['emails[type eq "work"].value', true],
  ['members', false],
  [enterprise, true],
  [`${enterprise}:manager.value`, true],
  ['emails[type eq "work"].shoe', false],
  ['emails[type eq "work"]value', false],
  ['emails[type eq "work"].value.more', false],
  ['emails.value[type eq "work"]', false],
  ['userName eq "x"', false],
  ['', false],
  ['name..givenName', false],
] as const)('the path %s is a path of a person: %s', (path, is) => {
  expect(parsePath(userType, path).ok).toBe(is)
})

describe('for any filter', () => {
  const attribute = fc.constantFrom('userName', 'title', 'nickName', 'name.familyName', 'emails.value', 'emails', 'department')
  const word = fc.constantFrom('ana', 'Ana', 'Head', 'maths', 'x', '', 'a"b\\c', 'é😀', 'ana@school.example')
  const comparison = fc
    .tuple(attribute, fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'), word)
    .map(([name, operator, value]) => `${name} ${operator} ${JSON.stringify(value)}`)
  const { filter } = fc.letrec<{ filter: string }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      comparison,
      attribute.map((name) => `${name} pr`),
      fc.tuple(tie('filter'), fc.constantFrom('and', 'or'), tie('filter')).map(([a, word, b]) => `(${a}) ${word} (${b})`),
      tie('filter').map((inner) => `not (${inner})`),
    ),
  }))
  const value = fc.option(word, { nil: undefined })
  const person = fc
    .record({ userName: word, title: value, nickName: value, email: value, family: value, department: value })
    .map(({ userName, title, nickName, email, family, department }): Resource => ({
      userName,
      ...(title && { title }),
      ...(nickName && { nickName }),
      ...(email && { emails: [{ value: email, type: 'work' }] }),
      ...(family && { name: { familyName: family } }),
      ...(department && { [enterprise]: { department } }),
    }))

  test('not, and, or mean what they mean in logic', () => {
    fc.assert(
      fc.property(filter, filter, person, (a, b, resource) => {
        const [isA, isB] = [finds(a, resource), finds(b, resource)]
        expect(finds(`not (${a})`, resource)).toBe(!isA)
        expect(finds(`(${a}) and (${b})`, resource)).toBe(isA && isB)
        expect(finds(`(${a}) or (${b})`, resource)).toBe(isA || isB)
      }),
      { numRuns: 300 },
    )
  })

  test('ne is what eq is not, and case and blanks of the words change nothing', () => {
    fc.assert(
      fc.property(attribute, word, person, (name, text, resource) => {
        const quoted = JSON.stringify(text)
        expect(finds(`${name} ne ${quoted}`, resource)).toBe(!finds(`${name} eq ${quoted}`, resource))
        expect(finds(`  ${name.toUpperCase()}   EQ ${quoted} `, resource)).toBe(finds(`${name} eq ${quoted}`, resource))
      }),
      { numRuns: 300 },
    )
  })

  test('any text at all is read or refused, and never breaks', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 60 }),
          fc
            .array(
              fc.constantFrom('title', 'eq', '"x"', '(', ')', '[', ']', 'and', 'or', 'not', 'pr', 'emails', '.value', 'true', '"', '\\'),
            )
            .map((parts) => parts.join(' ')),
        ),
        (text) => {
          const read = parseFilter(userType, text)
          if (!read.ok) expect(read.error.scimType).toBe('invalidFilter')
          parsePath(userType, text)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
