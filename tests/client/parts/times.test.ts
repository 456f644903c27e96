import { expect, test } from 'vitest'
import { ago, dayWithYear, fullTime, shortTime, until } from '../../../client/parts/times.ts'

const at = (year: number, month: number, day: number, hour = 0, minute = 0): number =>
  new Date(year, month - 1, day, hour, minute).getTime()
const now = at(2026, 10, 15, 14, 20)
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

test('a time of today is a time, one of this year a day, an older one a day with its year', () => {
  expect([at(2026, 10, 15, 9, 5), at(2026, 10, 14, 23, 59), at(2026, 1, 2), at(2025, 12, 31)].map((then) => shortTime(then, now))).toEqual([
    '09:05',
    '14 Oct',
    '2 Jan',
    '31 Dec 2025',
  ])
})

test('in full, a time of another day has both', () => {
  expect(fullTime(at(2026, 10, 15, 9, 5), now)).toBe('09:05')
  expect(fullTime(at(2026, 10, 12, 8, 10), now)).toBe('12 Oct, 08:10')
  expect(dayWithYear(at(2026, 10, 12))).toBe('12 Oct 2026')
})

test('a time is read as well from its text', () => {
  expect(shortTime(new Date(at(2026, 10, 12)).toISOString(), now)).toBe('12 Oct')
})

test('an age is said in the largest units that matter', () => {
  expect([0, 59_000, minute, 15 * minute, hour, 5 * hour, day, 3 * day + 6 * hour, 8 * day + 6 * hour].map(ago)).toEqual([
    'just now',
    'just now',
    '1 minute ago',
    '15 minutes ago',
    '1 hour ago',
    '5 hours ago',
    '1 day ago',
    '3 days 6 h ago',
    '8 days ago',
  ])
})

test('what is to come is never said to be nothing', () => {
  expect([10 * minute, 5 * hour + 30 * minute, day, 4 * day + 23 * hour].map(until)).toEqual(['1 hour', '5 hours', '1 day', '4 days'])
})
