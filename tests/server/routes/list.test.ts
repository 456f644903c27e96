import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { listQuery, pageOf, type ListQuery, type SortKey } from '../../../server/routes/list.ts'

interface Row {
  readonly id: string
  readonly name: string
  readonly left: number | null
}
const keys: Readonly<Record<string, (row: Row) => SortKey>> = { name: (row) => row.name, left: (row) => row.left }
const schema = v.object(listQuery(['name', 'left']))
const idOf = (row: Row): string => row.id

const page = (rows: readonly Row[], query: ListQuery) => {
  const found = pageOf(rows, query, keys, idOf)
  if (!found.ok) throw new Error(found.error.detail)
  return found.value
}
const walk = (
  rows: readonly Row[],
  query: Omit<ListQuery, 'cursor'>,
  between: (rows: readonly Row[]) => readonly Row[] = (same) => same,
): readonly Row[] => {
  const seen: Row[] = []
  let now = rows
  let cursor: string | undefined
  for (;;) {
    const { items, next } = page(now, { ...query, cursor })
    expect(items.length).toBeLessThanOrEqual(query.limit)
    seen.push(...items)
    if (next === null) return seen
    cursor = next
    now = between(now)
  }
}

const rowsOf = fc.uniqueArray(
  fc.record({
    id: fc.string({ minLength: 1, maxLength: 4 }),
    name: fc.constantFrom('', 'a', 'b', 'ä', '~'),
    left: fc.option(fc.integer({ min: -2, max: 2 })),
  }),
  { selector: (row) => row.id, maxLength: 40 },
)
const sortOf = fc.constantFrom('name', '-name', 'left', '-left')

describe('paging', () => {
  test('gives every item once, in one order, whatever the size of the pages', () => {
    fc.assert(
      fc.property(rowsOf, sortOf, fc.integer({ min: 1, max: 7 }), (rows, sort, limit) => {
        const all = page(rows, { limit: 500, sort }).items
        expect(walk(rows, { limit, sort })).toEqual(all)
        expect(all.map(idOf).toSorted()).toEqual(rows.map(idOf).toSorted())
      }),
    )
  })

  test('goes on undisturbed while items come and go: what stays is given once', () => {
    fc.assert(
      fc.property(rowsOf, rowsOf, sortOf, (rows, others, sort) => {
        const fresh = others.filter((other) => !rows.some((row) => row.id === other.id))
        const seen = walk(rows, { limit: 3, sort }, (now) =>
          [...now.slice(0, -1), ...fresh.slice(0, 1)].filter((row, at, list) => list.findIndex((same) => same.id === row.id) === at),
        )
        expect(new Set(seen.map(idOf)).size).toBe(seen.length)
        for (const first of rows.slice(0, Math.max(0, rows.length - Math.ceil(rows.length / 3)))) expect(seen.map(idOf)).toContain(first.id)
      }),
    )
  })

  test('puts what is not known last, in both directions', () => {
    const rows = [1, null, 2].map((left, n) => ({ id: `i${n}`, name: '', left }))
    expect(page(rows, { limit: 9, sort: 'left' }).items.map((row) => row.left)).toEqual([1, 2, null])
    expect(page(rows, { limit: 9, sort: '-left' }).items.map((row) => row.left)).toEqual([2, 1, null])
  })

  test('ends with null exactly at the end', () => {
    const rows = [1, 2].map((left) => ({ id: `i${left}`, name: '', left }))
    expect(page(rows, { limit: 2, sort: 'left' }).next).toBeNull()
    expect(page(rows, { limit: 1, sort: 'left' }).next).not.toBeNull()
    expect(page([], { limit: 1, sort: 'left' })).toEqual({ items: [], next: null })
  })
})

describe('a cursor', () => {
  const rows = [1, 2, 3].map((left) => ({ id: `i${left}`, name: 'n', left }))
  const next = page(rows, { limit: 1, sort: 'left' }).next ?? ''

  test.each([
    ['of another sort', { sort: 'name', cursor: next }],
    ['of the other direction', { sort: '-left', cursor: next }],
    ['cut off', { sort: 'left', cursor: next.slice(0, 5) }],
    ['made up', { sort: 'left', cursor: Buffer.from('["left",{},"x"]').toString('base64url') }],
    ['empty', { sort: 'left', cursor: '' }],
  ])('%s is refused', (_, query) => {
    const found = pageOf(rows, { limit: 1, ...query }, keys, idOf)
    expect(found).toMatchObject({ ok: false, error: { status: 400, code: 'cursor-unreadable' } })
  })
})

describe('the query of a list', () => {
  test('has a hundred items in the first sort when nothing is said', () => {
    expect(v.parse(schema, {})).toEqual({ limit: 100, sort: 'name' })
  })
  test.each(['0', '501', '-1', '1.5', 'many', ''])('refuses limit=%s', (limit) => {
    expect(v.safeParse(schema, { limit }).success).toBe(false)
  })
  test('takes the ends of the range, and each sort in both directions', () => {
    for (const limit of ['1', '500']) expect(v.parse(schema, { limit }).limit).toBe(Number(limit))
    for (const sort of ['name', '-name', 'left', '-left']) expect(v.parse(schema, { sort }).sort).toBe(sort)
    expect(v.safeParse(schema, { sort: 'color' }).success).toBe(false)
  })
})
