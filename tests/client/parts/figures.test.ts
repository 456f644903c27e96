import { expect, test } from 'vitest'
import { counted, figure, share } from '../../../client/parts/figures.ts'

test('thousands are parted by a narrow space that never breaks', () => {
  expect([0, 7, 999, 1000, 38_416, 1_000_000].map(figure)).toEqual(['0', '7', '999', '1\u202f000', '38\u202f416', '1\u202f000\u202f000'])
})

test('less than nothing has a minus, not a hyphen', () => {
  expect(figure(-1234)).toBe('−1\u202f234')
})

test('one is one, and nothing is many', () => {
  expect([0, 1, 2, 1200].map((count) => counted(count, 'seat', 'seats'))).toEqual(['0 seats', '1 seat', '2 seats', '1\u202f200 seats'])
})

test('a part of nothing is nothing', () => {
  expect([share(3, 0), share(1, 4), share(1, 3)]).toEqual(['0%', '25.00%', '33.33%'])
})
