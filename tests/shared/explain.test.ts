import { describe, expect, test } from 'vitest'
import { explainer, pathsIn, type Explanation } from '../../shared/explain.ts'
import { answerInWords, stepInWords, type StepNames } from '../../shared/explain-words.ts'
import { nestingOf } from '../../shared/groups.ts'
import { reconcile, type ReconcileInput } from '../../shared/reconcile.ts'
import {
  aClaim,
  aLicense,
  anOrder,
  directoryOf,
  exclude,
  groupOf,
  hoursFromNoon,
  include,
  keyOf,
  removed,
  seatsOf,
  weighing,
  wishFor,
  withTheseTerms,
} from './weighing.ts'

const words: StepNames = {
  product: 'Keynote',
  target: (key) => ({ gone: 'Grade 7', gtwo: 'Grade 8', d1: 'iPad 1', 'all-devices': 'All devices' })[key as string] ?? key,
  group: (id) => ({ one: 'Grade 7', two: 'Room 3' })[id as string] ?? id,
  principal: (ordinal) => `iPad ${ordinal}`,
  when: (iso) => iso.slice(0, 10),
}
const explained = (input: ReconcileInput, ordinal: number): Explanation => explainer(input, reconcile(input), (group) => [group])(ordinal)
const said = (input: ReconcileInput, ordinal: number): readonly string[] =>
  explained(input, ordinal).steps.map((step) => stepInWords(step, words))
const tablets = directoryOf([{ ordinal: 1 }, { ordinal: 2 }, { ordinal: 3 }, { ordinal: 31, kind: 'user' }], { one: [1, 2, 3], two: [2] })

describe('why somebody has a seat', () => {
  test('by which assignment, by whose act and since when', () => {
    const input = weighing({ directory: tablets, wishes: [wishFor('gone')], seats: seatsOf([1]) })
    expect(said(input, 1)).toEqual([
      'Grade 7: required, by device, by Ana at 2026-11-24',
      'A device takes a device license, and Keynote has them',
      'Holds a seat since 1970-01-01, placed by an assignment',
      'Has a seat',
    ])
    expect(explained(input, 1)).toMatchObject({ has: true, by: 'Ana', since: '1970-01-01T00:00:01.000Z' })
    expect(answerInWords(explained(input, 1), words)).toBe(
      'iPad 1 has a seat of Keynote since 1970-01-01. By the assignment of Grade 7, made by Ana.',
    )
  })
  test('a seat that nobody asked for says so', () => {
    const input = weighing({ directory: tablets, seats: seatsOf([], [1]) })
    expect(explained(input, 1)).toMatchObject({ has: true, by: null, verdict: undefined })
    expect(answerInWords(explained(input, 1), words)).toBe(
      'iPad 1 has a seat of Keynote since 1970-01-01. It was found at the store: nobody here asked for it.',
    )
  })
  test('who took an offered seat is named', () => {
    const input = weighing({
      directory: tablets,
      wishes: [wishFor('gone', include('available'))],
      claims: [aClaim(1)],
      seats: seatsOf([1]),
    })
    expect(said(input, 1)).toContain('A seat was taken, by Ana at 2026-11-24')
  })
})

describe('why somebody has none', () => {
  test('no assignment names them', () => {
    const input = weighing({ directory: tablets, wishes: [wishFor('d2')] })
    expect(said(input, 1)).toEqual([
      'No assignment of Keynote names them, alone or by a group',
      'Holds no seat of Keynote, as of 2026-11-24',
      'Nothing is asked for them',
    ])
    expect(answerInWords(explained(input, 1), words)).toBe('iPad 1 has no seat of Keynote. No assignment names them, alone or by a group.')
  })
  test('they wait, and who comes before', () => {
    const input = weighing({ directory: tablets, license: aLicense({ total: 0, available: 0 }), wishes: [wishFor('gone')] })
    expect(said(input, 3)).toEqual([
      'Grade 7: required, by device, by Ana at 2026-11-24',
      'A device takes a device license, and Keynote has them',
      'Holds no seat of Keynote, as of 2026-11-24',
      '0 seats are free to be asked for, as of 2026-11-24',
      'Place 3 on the waiting list. Served before: iPad 1, iPad 2',
      'No seat left. Place 3 on the waiting list, served by itself when a seat returns',
    ])
  })
  test('an exclusion beats the group that includes them', () => {
    const input = weighing({ directory: tablets, wishes: [wishFor('gone'), wishFor('gtwo', exclude(), 2)] })
    expect(said(input, 2).slice(0, 2)).toEqual([
      'Grade 7: required, by device, by Ana at 2026-11-24. An exclusion beats it',
      'Grade 8: excluded, by Ana at 2026-11-24',
    ])
  })
  test('free seats are held for others, and for whom', () => {
    const input = weighing({
      directory: tablets,
      license: aLicense({ total: 1, available: 1 }),
      wishes: [
        wishFor('d1', include(), 1),
        wishFor('gtwo', withTheseTerms(include('available'), { reservation: { seats: 1, unused: 'held' } }), 2),
      ],
    })
    expect(said(input, 1)).toContain('1 seat is free to be asked for, as of 2026-11-24; held for Grade 8')
  })
  test('it begins later, with its other terms', () => {
    const input = weighing({
      directory: tablets,
      wishes: [wishFor('d1', withTheseTerms(include(), { startsAt: hoursFromNoon(24), endsAt: hoursFromNoon(48), priority: 2 }))],
    })
    expect(said(input, 1)[0]).toBe(
      'iPad 1, named alone: required, by device, priority 2, from 2026-11-25, until 2026-11-26, by Ana at 2026-11-24',
    )
    expect(said(input, 1).at(-1)).toBe('Begins on 25 November 2026, 12:00 UTC')
  })
  test('an order is under way', () => {
    const input = weighing({ directory: tablets, wishes: [wishFor('d1')], orders: [anOrder('o1', { open: [1] })] })
    expect(said(input, 1)).toContain('A seat was asked of the store: the order of 2026-11-24 has left and is not answered yet, by Ana')
  })
})

describe('the conflict that decided', () => {
  test('is told by its row', () => {
    const input = weighing({ directory: tablets, wishes: [wishFor('gone'), wishFor('gtwo', include('uninstall'), 2)] })
    const { steps } = explained(input, 2)
    expect(steps).toContainEqual({ code: 'conflict', row: 10, result: 'required' })
    expect(steps).toContainEqual(expect.objectContaining({ code: 'assignment', yields: 'requirement' }))
  })
  test('reaches over to the person whose device it is', () => {
    const owned = directoryOf([
      { ordinal: 1, owner: 31 },
      { ordinal: 31, kind: 'user' },
    ])
    const input = weighing({
      directory: owned,
      wishes: [wishFor('d1', include('uninstall'), 1), wishFor('u31', include('required', 'user'), 2)],
      seats: seatsOf([1]),
    })
    const { steps, verdict } = explained(input, 1)
    expect(verdict?.because.code).toBe('kept-for-owner')
    expect(steps).toContainEqual({ code: 'conflict', row: 5, result: 'required' })
    expect(steps.find(({ code }) => code === 'owner')).toMatchObject({ owner: 31, placed: { key: keyOf('u31') } })
  })
  test('of two of a sort the earlier, or the one of higher priority decides', () => {
    const earlier = weighing({ directory: tablets, wishes: [wishFor('gone', include(), 1), wishFor('gtwo', include(), 2)] })
    expect(said(earlier, 2)[1]).toBe('Grade 8: required, by device, by Ana at 2026-11-24. Another one of the same sort was there before')
    const higher = weighing({
      directory: tablets,
      wishes: [wishFor('gone', include(), 1), wishFor('gtwo', withTheseTerms(include(), { priority: 1 }), 2)],
    })
    expect(said(higher, 2)[1]).toBe(
      'Grade 7: required, by device, by Ana at 2026-11-24. Another one of the same sort is served first, by its priority',
    )
  })
  test('a removal is no conflict with what stands', () => {
    const input = weighing({ directory: tablets, wishes: [wishFor('gone'), wishFor('gtwo', removed(), 2)] })
    expect(explained(input, 2).steps.map(({ code }) => code)).not.toContain('conflict')
    expect(said(input, 2)[1]).toContain('Another one stands')
  })
})

describe('the way through nested groups', () => {
  const kind = { kind: 'device' as const, memberCount: 0, sources: [] }
  const groups = nestingOf([
    { id: groupOf('one'), name: 'Grade 7', ...kind, groups: [groupOf('two'), groupOf('three')] },
    { id: groupOf('two'), name: 'Room 3', ...kind, groups: [groupOf('one')] },
    { id: groupOf('three'), name: 'Room 4', ...kind, groups: [groupOf('four')] },
    { id: groupOf('four'), name: 'Shelf', ...kind },
    { id: groupOf('people'), name: 'People', ...kind, kind: 'user' },
  ])
  const members: Readonly<Record<string, readonly number[]>> = { one: [1], two: [2], four: [2, 4] }
  const path = pathsIn(groups, (group, ordinal) => (members[group] ?? []).includes(ordinal))
  test('is the shortest one, also around a ring', () => {
    expect(path(groupOf('one'), 1)).toEqual(['one'])
    expect(path(groupOf('one'), 2)).toEqual(['one', 'two'])
    expect(path(groupOf('one'), 4)).toEqual(['one', 'three', 'four'])
    expect(path(groupOf('two'), 1)).toEqual(['two', 'one'])
    expect(path(groupOf('one'), 9)).toBeUndefined()
  })
  test('stands in the words', () => {
    const input = weighing({ directory: directoryOf([{ ordinal: 2 }], { one: [], two: [2] }, { one: ['two'] }), wishes: [wishFor('gone')] })
    const steps = explainer(input, reconcile(input), path)(2).steps.map((step) => stepInWords(step, words))
    expect(steps[0]).toBe('Grade 7 (through Room 3): required, by device, by Ana at 2026-11-24')
  })
})
