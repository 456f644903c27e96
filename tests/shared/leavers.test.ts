import { expect, test } from 'vitest'
import { principalIdOf, type LicenseId } from '../../shared/ids.ts'
import { leaverDueAt, leaverSeats } from '../../shared/leavers.ts'
import type { Device, User } from '../../shared/principal.ts'
import { seatsOf } from './weighing.ts'

const now = Date.UTC(2026, 10, 24)
const daysAgo = (days: number): string => new Date(now - days * 86_400_000).toISOString()
const user = (ordinal: number, left: string | null, active = true): User => ({
  id: principalIdOf('user', ordinal),
  userName: `u${ordinal}`,
  displayName: '',
  email: '',
  department: '',
  active,
  managedAppleAccount: '',
  sources: [],
  left,
})
const device = (ordinal: number, left: string | null): Device => ({
  id: principalIdOf('device', ordinal),
  serialNumber: `S${ordinal}`,
  name: '',
  platform: '',
  model: '',
  ownerId: null,
  active: true,
  sources: [],
  left,
})
const held = (id: string, byAssignment: readonly number[], found: readonly number[] = [], revocable = true) => ({
  license: { id: id as LicenseId, revocable, gone: false },
  seats: seatsOf(byAssignment, found),
})
const fortnight = { releaseLeavers: 'after-days', leaverDays: 14 } as const

test('on the day, and not a moment before, found seats and assigned ones are due; what is given for good never is', () => {
  const people = [user(1, daysAgo(14)), user(2, daysAgo(13.99)), device(3, daysAgo(30)), user(4, null)]
  const seats = [held('l1', [1, 2], [3, 4]), held('l2', [1, 3], [], false)]
  expect(leaverSeats(people, seats, fortnight, now)).toEqual({
    people: 1,
    devices: 1,
    seats: 2,
    found: 1,
    forGood: 2,
    byLicense: new Map([['l1', [1, 3]]]),
    nextAt: Date.parse(daysAgo(13.99)) + 14 * 86_400_000,
  })
})

test('while the rule is off nothing is, nor is who is merely not active, nor another account of somebody who is there', () => {
  const due = (person: User) => leaverDueAt(person, fortnight)
  expect(leaverSeats([user(1, daysAgo(99))], [held('l1', [1])], { ...fortnight, releaseLeavers: 'off' }, now).seats).toBe(0)
  expect(due(user(1, null, false))).toBeUndefined()
  expect(due({ ...user(1, daysAgo(99)), sameAs: principalIdOf('user', 2) })).toBeUndefined()
  expect(due(user(1, daysAgo(99)))).toBe(now - 85 * 86_400_000)
})
