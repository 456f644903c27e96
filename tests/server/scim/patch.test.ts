/** PATCH on plain resources: every flavour, and laws that hold for any of them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { patched, readPatch } from '../../../server/scim/patch.ts'
import { readResource, type Resource } from '../../../server/scim/resource.ts'
import { groupType, userType, type ResourceType } from '../../../server/scim/schema.ts'

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

const apply = (type: ResourceType, resource: Resource, ...Operations: readonly object[]) => {
  const operations = readPatch({ Operations })
  return operations.ok ? patched(type, resource, operations.value) : operations
}
const after = (resource: Resource, ...operations: readonly object[]): Resource => {
  const done = apply(userType, resource, ...operations)
  if (!done.ok) throw new Error(done.error.detail)
  return done.value
}
const refused = (...operations: readonly object[]) => {
  const done = apply(userType, { userName: 'ana' }, ...operations)
  return done.ok ? 'taken' : done.error.scimType
}

const work = { type: 'work', value: 'a@work.example', primary: true }
const home = { type: 'home', value: 'a@home.example' }

test('op is read in any case, and the list under any spelling of its name', () => {
  for (const op of ['add', 'Add', 'ADD', 'replace', 'RePlAcE'])
    expect(after({ userName: 'ana' }, { op, path: 'title', value: 'Head' })['title']).toBe('Head')
  expect(readPatch({ operations: [{ OP: 'add', Path: 'title', VALUE: 'x' }] })).toMatchObject({ ok: true, value: [{ verb: 'add' }] })
})

test('a boolean is taken as one when it is a text', () => {
  for (const value of ['False', 'false', 'FALSE', false])
    expect(after({ userName: 'ana', active: true }, { op: 'Replace', path: 'active', value })['active']).toBe(false)
  expect(refused({ op: 'replace', path: 'active', value: 'nope' })).toBe('invalidValue')
})

test('keys with dots and URNs stand for paths, unknown ones for nothing', () => {
  expect(
    after(
      { userName: 'ana', name: { familyName: 'Maier' } },
      {
        op: 'replace',
        value: {
          'name.givenName': 'Ana',
          [`${enterprise}:department`]: 'Maths',
          'emails[type eq "work"].value': 'a@work.example',
          id: 'other',
          meta: {},
          shoeSize: 9,
          __proto__: { admin: true },
        },
      },
    ),
  ).toEqual({
    userName: 'ana',
    name: { familyName: 'Maier', givenName: 'Ana' },
    emails: [{ type: 'work', value: 'a@work.example' }],
    [enterprise]: { department: 'Maths' },
  })
  expect(after({ userName: 'ana' }, { op: 'add', value: { [enterprise]: { costCenter: '4', manager: 'u2' } } })[enterprise]).toEqual({
    costCenter: '4',
    manager: { value: 'u2' },
  })
})

test('what a filtered path does not find is made from its equalities, and refused when it has none', () => {
  expect(after({ userName: 'ana' }, { op: 'add', path: 'addresses[type eq "work"].country', value: 'DE' })['addresses']).toEqual([
    { type: 'work', country: 'DE' },
  ])
  expect(after({ userName: 'ana' }, { op: 'replace', path: 'emails[type eq "work"]', value: { value: 'x@y.example' } })['emails']).toEqual([
    { type: 'work', value: 'x@y.example' },
  ])
  expect(refused({ op: 'replace', path: 'emails[value co "x"].display', value: 'd' })).toBe('noTarget')
})

test('a list is added to, replaced, taken from, each part by itself', () => {
  const both = { userName: 'ana', emails: [work, home] }
  expect(after({ userName: 'ana', emails: [work] }, { op: 'add', path: 'emails', value: [home] })['emails']).toEqual([work, home])
  expect(after(both, { op: 'replace', path: 'emails', value: [home] })['emails']).toEqual([home])
  expect(after(both, { op: 'remove', path: 'emails[type eq "home"]' })['emails']).toEqual([work])
  expect(after(both, { op: 'remove', path: 'emails', value: [{ value: 'a@home.example' }] })['emails']).toEqual([work])
  expect(after(both, { op: 'remove', path: 'emails' })['emails']).toBeUndefined()
  expect(after(both, { op: 'remove', path: 'emails[type eq "other"]' })).toEqual(both)
  expect(after(both, { op: 'replace', path: 'emails.display', value: 'A' })['emails']).toEqual([
    { ...work, display: 'A' },
    { ...home, display: 'A' },
  ])
})

test('an address without its value goes, since a type alone says nothing', () => {
  const only = { userName: 'ana', emails: [work] }
  expect(after(only, { op: 'Remove', path: 'emails[type eq "work"].value' })['emails']).toBeUndefined()
  expect(after(only, { op: 'Replace', path: 'emails[type eq "work"].value', value: '' })['emails']).toBeUndefined()
})

test('a type stands once in a list, and at most one value is primary: the new one', () => {
  expect(
    after({ userName: 'ana', emails: [work, home] }, { op: 'add', path: 'emails', value: [{ type: 'WORK', value: 'new@work.example' }] })[
      'emails'
    ],
  ).toEqual([{ type: 'WORK', value: 'new@work.example' }, home])
  expect(
    after({ userName: 'ana', emails: [work, home] }, { op: 'replace', path: 'emails[type eq "home"].primary', value: 'True' })['emails'],
  ).toEqual([
    { ...work, primary: false },
    { ...home, primary: true },
  ])
})

test('parts of a single value that are not named stay', () => {
  const named = { userName: 'ana', name: { givenName: 'Ana', familyName: 'Maier' } }
  expect(after(named, { op: 'replace', path: 'name', value: { familyName: 'Oduya' } })['name']).toEqual({
    givenName: 'Ana',
    familyName: 'Oduya',
  })
  expect(after(named, { op: 'remove', path: 'name.givenName' })['name']).toEqual({ familyName: 'Maier' })
  expect(after(named, { op: 'remove', path: 'name' })['name']).toBeUndefined()
})

test('a whole extension can be removed', () => {
  expect(after({ userName: 'ana', [enterprise]: { department: 'Maths' } }, { op: 'remove', path: enterprise })).toEqual({ userName: 'ana' })
})

test.each([
  ['an op that is none', { op: 'move', path: 'title', value: 'x' }, 'invalidSyntax'],
  ['an op that is missing', { path: 'title', value: 'x' }, 'invalidSyntax'],
  ['a remove without a path', { op: 'remove' }, 'noTarget'],
  ['an add without a value', { op: 'add', path: 'title' }, 'invalidValue'],
  ['a path that is no text', { op: 'add', path: 7, value: 'x' }, 'invalidPath'],
  ['a path that nobody knows', { op: 'add', path: 'shoeSize', value: 'x' }, 'invalidPath'],
  ['a path that can not be read', { op: 'add', path: 'emails[type eq', value: 'x' }, 'invalidPath'],
  ['an id', { op: 'replace', path: 'id', value: 'u9' }, 'mutability'],
  ['the groups of a person', { op: 'add', path: 'groups', value: [{ value: 'g' }] }, 'mutability'],
  ['meta', { op: 'remove', path: 'meta' }, 'mutability'],
  ['a value of another kind', { op: 'replace', path: 'title', value: { a: 1 } }, 'invalidValue'],
  ['two values for one', { op: 'replace', path: 'title', value: ['a', 'b'] }, 'invalidValue'],
  ['a bare value without a path', { op: 'replace', value: 'x' }, 'invalidValue'],
  ['a character that is none', { op: 'replace', path: 'title', value: '\ud800' }, 'invalidValue'],
  ['a NUL', { op: 'replace', path: 'title', value: 'a\0b' }, 'invalidValue'],
])('%s is refused', (_, operation, scimType) => {
  expect(refused(operation)).toBe(scimType)
})

test('a later operation that is refused takes the earlier ones back', () => {
  const before = { userName: 'ana', title: 'a' }
  expect(apply(userType, before, { op: 'replace', path: 'title', value: 'b' }, { op: 'add', path: 'shoe', value: 1 }).ok).toBe(false)
  expect(before.title).toBe('a')
})

const memberOperations = fc.array(
  fc.oneof(
    fc.subarray(['u1', 'u2', 'u3', 'u4']).map((ids) => ({ is: 'add' as const, ids })),
    fc.subarray(['u1', 'u2', 'u3', 'u4']).map((ids) => ({ is: 'remove' as const, ids })),
    fc.subarray(['u1', 'u2', 'u3', 'u4']).map((ids) => ({ is: 'replace' as const, ids })),
  ),
  { maxLength: 8 },
)

test('members come out as a set would have them, in each dialect and however often it is said', () => {
  fc.assert(
    fc.property(memberOperations, fc.boolean(), fc.integer({ min: 1, max: 3 }), (steps, isDefault, times) => {
      const expected = new Set<string>()
      let group: Resource = { displayName: 'G' }
      for (const { is, ids } of steps) {
        if (is === 'replace') expected.clear()
        for (const id of ids) {
          if (is === 'remove') expected.delete(id)
          else expected.add(id)
        }
        const value = ids.map((id) => ({ value: id, $ref: null }))
        const operations =
          is === 'remove' && !isDefault
            ? ids.map((id) => ({ op: 'remove', path: `members[value eq "${id}"]` }))
            : [{ op: isDefault ? is.toUpperCase() : is, path: 'members', value }]
        for (let time = 0; time < times && operations.length > 0; time += 1) {
          const next = apply(groupType, group, ...operations)
          if (!next.ok) throw new Error(next.error.detail)
          group = next.value
        }
      }
      const members = (group['members'] ?? []) as readonly { readonly value: string }[]
      expect(members.map(({ value }) => value).sort()).toEqual([...expected].sort())
    }),
    { numRuns: 300 },
  )
})

test('any JSON at all is read or refused, and what is read is read the same again', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('emails', 'name', 'active', 'title', enterprise, 'members', 'roles'), (value, key) => {
      readPatch(value)
      const read = readResource(userType, { userName: 'ana', [key]: value })
      if (!read.ok) return
      const again = readResource(userType, JSON.parse(JSON.stringify(read.value.resource)))
      expect(again.ok && again.value.resource).toEqual(read.value.resource)
      apply(userType, read.value.resource, { op: 'add', value: { [key]: value } }, { op: 'replace', path: key, value })
    }),
    { numRuns: 500 },
  )
})
