import { describe, expect, test } from 'vitest'
import { fieldsOf, readTerms } from '../../../client/views/terms.ts'
import { termsInWords, wishInWords } from '../../../client/views/words.ts'
import { usualTerms, type WishTerms } from '../../../shared/assignment.ts'

const terms: WishTerms = {
  priority: -3,
  startsAt: '2027-03-01T08:00:00.000Z',
  endsAt: '2027-06-30T18:30:00.000Z',
  reservation: { seats: 12, unused: 'held' },
}

test('what a form shows is what it reads back, in whatever time zone', () => {
  expect(readTerms(fieldsOf(terms), true)).toEqual({ is: 'terms', terms })
  expect(readTerms(fieldsOf(usualTerms), true)).toEqual({ is: 'terms', terms: usualTerms })
})
test('seats are reserved only where they are given', () => {
  expect(readTerms(fieldsOf(terms), false)).toEqual({ is: 'terms', terms: { ...terms, reservation: null } })
})
describe('what can not be is told at once, at its field', () => {
  const read = (change: Partial<ReturnType<typeof fieldsOf>>) => readTerms({ ...fieldsOf(usualTerms), ...change }, true)
  test.each([
    ['endsAt', { startsAt: '2027-03-01T08:00', endsAt: '2027-03-01T08:00' }],
    ['endsAt', { startsAt: '2027-03-01T08:00', endsAt: '2027-02-01T08:00' }],
    ['startsAt', { startsAt: 'tomorrow' }],
    ['priority', { priority: '10' }],
    ['priority', { priority: '1.5' }],
    ['seats', { seats: '0' }],
    ['seats', { seats: 'many' }],
    ['seats', { seats: '1000001' }],
  ] as const)('%s', (field, change) => {
    expect(read(change)).toMatchObject({ is: 'impossible', field })
  })
})
test('terms are told in words, and nothing is told where all is as usual', () => {
  const now = Date.parse('2027-04-01T00:00:00Z')
  expect(termsInWords(usualTerms, now)).toEqual([])
  expect(termsInWords(terms, now).map((text) => text.replace(/\d+ \w+, [\d:]+/, '…'))).toEqual([
    'began …',
    'ends …',
    'served later, priority -3',
    '12 seats reserved, held',
  ])
})
test('an edit says its terms in UTC', () => {
  expect(wishInWords('Keynote', ['Grade 7'], { mode: 'include', intent: 'required', licenseType: 'device', terms })).toBe(
    'Give Keynote to Grade 7, required, from 2027-03-01 08:00 UTC, until 2027-06-30 18:30 UTC, priority -3, 12 seats reserved and held',
  )
  expect(wishInWords('Keynote', ['Grade 7'], { mode: 'include', intent: 'required', licenseType: 'device' })).toBe(
    'Give Keynote to Grade 7, required',
  )
})
