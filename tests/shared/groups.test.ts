import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nestingOf, unionOf } from '../../shared/groups.ts'
import { parseGroupId, type GroupId, type PrincipalKind } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'

const idOf = (text: string): GroupId => {
  const id = parseGroupId(text)
  if (id === undefined) throw new Error(`${text} is no id`)
  return id
}
const group = (name: string, nested: readonly string[] = [], kind: PrincipalKind = 'user'): Group => ({
  id: idOf(name),
  name,
  kind,
  memberCount: 0,
  sources: [],
  ...(nested.length === 0 ? {} : { groups: nested.map(idOf) }),
})

test('a group is within itself and in all that contain it, however deep', () => {
  const nesting = nestingOf([group('school', ['north', 'south']), group('north', ['science']), group('south'), group('science')])
  expect(nesting.within(idOf('school'))).toEqual(['school', 'north', 'south', 'science'])
  expect(nesting.within(idOf('science'))).toEqual(['science'])
  expect(nesting.around(idOf('science'))).toEqual(['science', 'north', 'school'])
})

test('a ring of groups is walked once, and all in it hold one another', () => {
  const nesting = nestingOf([group('a', ['b']), group('b', ['c']), group('c', ['a']), group('d', ['d', 'a'])])
  for (const name of ['a', 'b', 'c']) expect([...nesting.within(idOf(name))].sort()).toEqual(['a', 'b', 'c'])
  expect([...nesting.within(idOf('d'))].sort()).toEqual(['a', 'b', 'c', 'd'])
  expect([...nesting.around(idOf('a'))].sort()).toEqual(['a', 'b', 'c', 'd'])
})

test('a nested group that nobody knows, or that is of the other kind, adds nobody', () => {
  const nesting = nestingOf([group('people', ['gone', 'tablets']), group('tablets', [], 'device')])
  expect(nesting.within(idOf('people'))).toEqual(['people'])
  expect(nesting.within(idOf('gone'))).toEqual([])
})

/** Any nesting at all, rings and groups within themselves included. */
const nestings = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc
    .array(
      fc.record({
        nested: fc.uniqueArray(fc.integer({ min: 0, max: count }), { maxLength: 4 }),
        kind: fc.constantFrom<PrincipalKind>('user', 'user', 'device'),
      }),
      { minLength: count, maxLength: count },
    )
    .map((rows) =>
      rows.map(({ nested, kind }, at) =>
        group(
          `g${at}`,
          nested.map((each) => `g${each}`),
          kind,
        ),
      ),
    ),
)

test('law: what is within a group has the group around it, and the other way round', () => {
  fc.assert(
    fc.property(nestings, (groups) => {
      const nesting = nestingOf(groups)
      for (const { id } of groups)
        for (const { id: other } of groups) expect(nesting.within(id).includes(other)).toBe(nesting.around(other).includes(id))
    }),
    { numRuns: 1_000, seed: 20261124 },
  )
})

test('law: within is closed, holds each group once, and only groups of one kind', () => {
  fc.assert(
    fc.property(nestings, (groups) => {
      const nesting = nestingOf(groups)
      for (const { id, kind } of groups) {
        const within = nesting.within(id)
        expect(new Set(within).size).toBe(within.length)
        for (const each of within) {
          expect(nesting.find(each)?.kind).toBe(kind)
          for (const inner of nesting.within(each)) expect(within).toContain(inner)
        }
      }
    }),
    { numRuns: 1_000, seed: 20261124 },
  )
})

test('law: a union holds everybody of each column once, in order', () => {
  const columns = fc.array(
    fc.uniqueArray(fc.integer({ min: 1, max: 40 })).map((ordinals) => Uint32Array.from(ordinals).sort()),
    { maxLength: 5 },
  )
  fc.assert(
    fc.property(columns, (given) => {
      const expected = [...new Set(given.flatMap((column) => [...column]))].sort((a, b) => a - b)
      expect([...unionOf(given)]).toEqual(expected)
    }),
    { numRuns: 1_000, seed: 20261124 },
  )
})
