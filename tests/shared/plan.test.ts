import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { staleWishStands, sameWish, wishRefused, type Wish } from '../../shared/assignment.ts'
import {
  meaningOf,
  noteIn,
  parsePlanKey,
  planKeyOf,
  planMap,
  readRegister,
  registerOf,
  wishIn,
  writeIntents,
  type PlanIntent,
} from '../../shared/plan.ts'
import { aLicense, exclude, include, keyOf, removed } from './weighing.ts'

const wish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({
    mode: fc.constantFrom<'include' | 'exclude'>('include', 'exclude'),
    intent: fc.constantFrom<'required' | 'available' | 'uninstall'>('required', 'available', 'uninstall'),
    licenseType: fc.constantFrom<'device' | 'user'>('device', 'user'),
    rev: fc.integer({ min: 1, max: 1_000_000 }),
  }),
  fc.record({
    mode: fc.constant('removed' as const),
    seats: fc.constantFrom<'release' | 'keep'>('release', 'keep'),
    rev: fc.integer({ min: 1, max: 1_000_000 }),
  }),
)
const give = (target: string, wanted: Wish = include(), baseRev = 0): PlanIntent => ({
  part: 'wish',
  target: keyOf(target),
  wish: wanted,
  baseRev,
  confirmed: false,
})

describe('a register', () => {
  test('is read back as it was written', () => {
    fc.assert(fc.property(wish, (wanted) => void expect(readRegister([...registerOf(wanted)])).toEqual(wanted)))
  })
  test('with a longer tail, of a newer build, is read as far as it is known', () => {
    const terms = [2, null, '2026-12-24T00:00:00.000Z', 3, 'held', 'more', null]
    expect(readRegister(['include', 'required', 'device', 3, ...terms])).toEqual({
      ...include('required', 'device', 3),
      terms: { priority: 2, startsAt: null, endsAt: '2026-12-24T00:00:00.000Z', reservation: { seats: 3, unused: 'held' } },
    })
  })
  test('of the first release has no terms, and is written as it was', () => {
    expect(readRegister(['include', 'required', 'device', 3, 0, null, null])).toEqual(include('required', 'device', 3))
    expect(registerOf(include('required', 'device', 3))).toEqual(['include', 'required', 'device', 3])
  })
  test.each([
    undefined,
    null,
    'include',
    {},
    [],
    ['include', 'required', 'device'],
    ['include', 'required', 'device', 0],
    ['include', 'required', 'device', 1.5],
    ['include', 'required', 'device', '1'],
    ['include', 'installed', 'device', 1],
    ['include', 'required', 'room', 1],
    ['wanted', 'required', 'device', 1],
    ['removed', 'burn', '', 1],
    ['include', 'required', 'device', 1, 10],
    ['include', 'required', 'device', 1, 0.5],
    ['include', 'required', 'device', 1, 0, 'tomorrow'],
    ['include', 'required', 'device', 1, 0, '2026-12-24'],
    ['include', 'required', 'device', 1, 0, null, 17],
    ['include', 'required', 'device', 1, 0, null, null, 0],
    ['include', 'required', 'device', 1, 0, null, null, 2, 'sold'],
  ])('that is none is not read: %j', (value) => {
    expect(readRegister(value)).toBeUndefined()
  })
})

describe('an edit', () => {
  test('is one update that says exactly its intents', () => {
    const doc = new Y.Doc()
    const update = writeIntents(doc, [give('d1'), { part: 'note', target: keyOf('d1'), note: 'for the lab' }], 'edit')
    const other = new Y.Doc()
    Y.applyUpdate(other, update)
    expect(wishIn(other, keyOf('d1'))).toEqual(include())
    expect(noteIn(other, keyOf('d1'))).toBe('for the lab')
    expect([...planMap(other).keys()]).toEqual(['d1', 'd1#n'])
  })
  test('a later update carries only the later edit', () => {
    const doc = new Y.Doc()
    const first = writeIntents(doc, [give('d1')], 'edit')
    const second = writeIntents(doc, [give('d1', removed(), 1)], 'edit')
    const other = new Y.Doc()
    Y.applyUpdate(other, second)
    expect(wishIn(other, keyOf('d1'))).toBeUndefined()
    Y.applyUpdate(other, first)
    expect(wishIn(other, keyOf('d1'))).toEqual(removed())
  })
  test('without intents is a mistake of our own', () => {
    expect(() => writeIntents(new Y.Doc(), [], 'edit')).toThrow('plan:')
  })
  test('means the same however often its update is made', () => {
    const intents = [give('d1'), give('gtablets')]
    expect(meaningOf('license:l1', intents)).toBe(meaningOf('license:l1', structuredClone(intents)))
    expect(meaningOf('license:l1', intents)).not.toBe(meaningOf('license:l1', intents.toReversed()))
    expect(meaningOf('license:l1', intents)).not.toBe(meaningOf('license:l2', intents))
    expect(meaningOf('license:l1', [give('d1', include(), 0)])).not.toBe(meaningOf('license:l1', [give('d1', include(), 1)]))
  })
})

test('keys of the plan are wishes and notes, and nothing else', () => {
  expect(parsePlanKey('d1')).toEqual({ target: 'd1', part: 'wish' })
  expect(parsePlanKey('gtablets#n')).toEqual({ target: 'gtablets', part: 'note' })
  expect(planKeyOf({ part: 'note', target: keyOf('u3'), note: '' })).toBe('u3#n')
  for (const key of ['', '#n', 'd01', 'x1', '__proto__', 'constructor', 'd1#m', 'd1#n#n', 'all', 'g', 'gA'])
    expect(parsePlanKey(key)).toBeUndefined()
})

describe('two wishes made apart', () => {
  test('the later arrival stands between two that give', () => {
    expect(staleWishStands(include('required'), include('available'))).toBe(true)
  })
  test.each([removed(), removed('keep'), exclude(), include('uninstall')])('taking away beats a stale wish to give: %j', (standing) => {
    expect(staleWishStands(standing, include('required'))).toBe(false)
    expect(staleWishStands(include('required'), standing)).toBe(true)
  })
  test('the same wish twice is no conflict', () => {
    fc.assert(
      fc.property(wish, fc.integer({ min: 1, max: 99 }), (one, rev) => void expect(staleWishStands(one, { ...one, rev })).toBe(true)),
    )
    expect(sameWish(include('required', 'device', 1), include('required', 'device', 9))).toBe(true)
    expect(sameWish(removed('keep'), removed('release'))).toBe(false)
  })
})

describe('a wish that can never stand', () => {
  test.each([
    ['not-device-assignable', aLicense({ licenseTypes: ['user'] }), 'device', include(), false],
    ['not-user-assignable', aLicense({ licenseTypes: ['device'] }), 'user', include('required', 'user'), false],
    ['license-type-mismatch', aLicense(), 'user', include('required', 'device'), false],
    ['confirmation-required', aLicense({ revocable: false }), 'device', include(), false],
    [undefined, aLicense({ revocable: false }), 'device', include(), true],
    [undefined, aLicense(), 'device', include(), false],
    [undefined, aLicense({ licenseTypes: ['user'] }), 'device', removed(), false],
    [undefined, aLicense({ revocable: false }), 'device', include('uninstall'), false],
  ] as const)('%s', (refused, license, kind, wanted, confirmed) => {
    expect(wishRefused(license, kind, wanted, confirmed, new Set())).toBe(refused)
  })
})
