/** Each row of the table, with a person and a device of theirs: what the table says is what reconcile does with their seats. */
import { describe, expect, test } from 'vitest'
import type { Intent } from '../../shared/assignment.ts'
import { actingIntents, conflictRows, type ConflictRow, type SidedIntent } from '../../shared/conflicts.ts'
import { reconcile } from '../../shared/reconcile.ts'
import { aClaim, directoryOf, include, seatsOf, weighing, wishFor } from './weighing.ts'

const PERSON = 31
const DEVICE = 1

const sideOf = (intent: SidedIntent): { readonly kind: 'user' | 'device'; readonly intent: Intent } => {
  switch (intent) {
    case 'user-required':
      return { kind: 'user', intent: 'required' }
    case 'user-available':
    case 'user-available-unenrolled':
      return { kind: 'user', intent: 'available' }
    case 'user-uninstall':
      return { kind: 'user', intent: 'uninstall' }
    case 'device-required':
      return { kind: 'device', intent: 'required' }
    case 'device-uninstall':
      return { kind: 'device', intent: 'uninstall' }
  }
}

/** Each intent by a group of its own, as the table means it. */
const worldOf = ({ a, b }: ConflictRow, hold: { readonly person: boolean; readonly device: boolean; readonly claimed?: boolean }) => {
  const intents = [...a, ...b].map(sideOf)
  const groups = Object.fromEntries(intents.map(({ kind }, at) => [`g${at}`, [kind === 'user' ? PERSON : DEVICE]]))
  return reconcile(
    weighing({
      wishes: intents.map(({ kind, intent }, at) => wishFor(`gg${at}`, include(intent, kind), at + 1)),
      directory: directoryOf(
        [
          { ordinal: DEVICE, owner: PERSON },
          { ordinal: PERSON, kind: 'user' },
        ],
        groups,
      ),
      seats: seatsOf([...(hold.device ? [DEVICE] : []), ...(hold.person ? [PERSON] : [])]),
      claims: hold.claimed === true ? [aClaim(PERSON)] : [],
    }),
  )
}
const stateOf = (row: ConflictRow, ordinal: number, hold: Parameters<typeof worldOf>[1]): string | undefined =>
  worldOf(row, hold).verdicts.find((verdict) => verdict.ordinal === ordinal)?.because.code

const acts = (row: ConflictRow, ...intents: readonly SidedIntent[]): boolean => intents.some((intent) => row.acts.includes(intent))

test('the table has nineteen rows, and no pair stands in it twice', () => {
  expect(conflictRows).toHaveLength(19)
  expect(new Set(conflictRows.map(({ a, b }) => JSON.stringify([[...a].sort(), [...b].sort()].sort()))).size).toBe(19)
})

describe.each(conflictRows.map((row) => ({ row, words: `${row.a.join(' and ')} beside ${row.b.join(' and ')}: ${row.result}` })))(
  '$words',
  ({ row }) => {
    test('what acts follows from the pairs', () => {
      expect([...actingIntents(new Set([...row.a, ...row.b]))].sort()).toEqual([...row.acts].sort())
    })

    test('the person: a seat where one is required, none where it is uninstalled, a claim where it is offered', () => {
      const [empty, held] = [
        { person: false, device: false },
        { person: true, device: true },
      ]
      if (acts(row, 'user-required')) {
        expect(stateOf(row, PERSON, empty)).toBe('order-to-come')
        expect(stateOf(row, PERSON, held)).toBe('has-seat')
      } else if (acts(row, 'user-uninstall')) expect(stateOf(row, PERSON, held)).toBe('release-to-come')
      else if (acts(row, 'user-available', 'user-available-unenrolled')) {
        expect(stateOf(row, PERSON, empty)).toBe('may-claim')
        expect(stateOf(row, PERSON, { ...empty, claimed: true })).toBe('order-to-come')
        // What the person took for themself stays, whatever becomes of the device.
        expect(stateOf(row, PERSON, { ...held, claimed: true })).toBe('has-seat')
      } else expect(stateOf(row, PERSON, empty)).toBeUndefined()
    })

    test('the device: the same for its own seat', () => {
      const named = [...row.a, ...row.b].some((intent) => intent.startsWith('device'))
      const held = { person: false, device: true }
      if (!named) expect(stateOf(row, DEVICE, { person: false, device: false })).toBeUndefined()
      else if (acts(row, 'device-required')) {
        expect(stateOf(row, DEVICE, { person: false, device: false })).toBe('order-to-come')
        expect(stateOf(row, DEVICE, held)).toBe('has-seat')
      } else if (acts(row, 'device-uninstall')) expect(stateOf(row, DEVICE, held)).toBe('release-to-come')
      else expect(stateOf(row, DEVICE, held)).toBe('kept-for-owner')
    })
  },
)

test('somebody who is excluded requires nothing on their device', () => {
  const directory = directoryOf(
    [
      { ordinal: DEVICE, owner: PERSON },
      { ordinal: PERSON, kind: 'user' },
    ],
    { people: [PERSON] },
  )
  const wishes = [
    wishFor('gpeople', include('required', 'user'), 1),
    wishFor(`u${PERSON}`, { mode: 'exclude', intent: 'required', licenseType: 'user', rev: 1 }, 2),
    wishFor(`d${DEVICE}`, include('uninstall'), 3),
  ]
  expect(reconcile(weighing({ wishes, directory, seats: seatsOf([DEVICE]) })).steps.disassociate).toEqual([DEVICE])
})
