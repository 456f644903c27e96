/**
 * Lists, a page at a time: `{items, next}`. A cursor holds the place of the last item given, so that what is added or
 * removed meanwhile moves nothing: no item is given twice or left out.
 */
import * as v from 'valibot'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Problem } from '../problem.ts'

export const usualPageItems = 100
export const mostPageItems = 500

/** Spread into a route's own query schema: `v.object({...listQuery(['name', 'available']), q: …})`. The first sort is the usual one. */
export const listQuery = <const Sort extends string>(sorts: readonly [Sort, ...Sort[]]) => ({
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9]{1,4}$/, `must be a whole number from 1 to ${mostPageItems}`),
      v.transform(Number),
      v.minValue(1, `must be at least 1`),
      v.maxValue(mostPageItems, `must be at most ${mostPageItems}`),
    ),
    String(usualPageItems),
  ),
  cursor: v.optional(v.pipe(v.string(), v.maxLength(2_000), v.description('`next` of the page before'))),
  sort: v.optional(
    v.pipe(
      v.picklist(
        sorts.flatMap((sort) => [sort, `-${sort}`] as const),
        `must be one of ${sorts.join(', ')}, with - before it for the other direction`,
      ),
      v.description('With - before it: from the greatest'),
    ),
    sorts[0],
  ),
})

export interface ListQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly sort: string
}

export const pageSchema = <Schema extends v.GenericSchema>(item: Schema) =>
  v.object({ items: v.array(item), next: v.nullable(v.string()), asOf: v.optional(v.string()) })

export interface Page<T> {
  readonly items: readonly T[]
  /** Null at the end. */
  readonly next: string | null
}

/** What an item is sorted by. Nulls come last, in both directions. */
export type SortKey = string | number | null

interface Place {
  readonly sort: string
  readonly key: SortKey
  readonly id: string
}

const writeCursor = (place: Place): string => Buffer.from(JSON.stringify([place.sort, place.key, place.id])).toString('base64url')

export const readCursor = (query: ListQuery): Result<Place | null, Problem> => {
  if (query.cursor === undefined) return ok(null)
  const refused: Problem = {
    status: 400,
    code: 'cursor-unreadable',
    detail: 'The cursor is not one that this list gave with this sort. Begin again without it.',
  }
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(query.cursor, 'base64url').toString('utf8'))
  } catch {
    return err(refused)
  }
  const place = v.safeParse(v.tuple([v.literal(query.sort), v.nullable(v.union([v.string(), v.number()])), v.string()]), read)
  return place.success ? ok({ sort: place.output[0], key: place.output[1], id: place.output[2] }) : err(refused)
}

/** The time in a cursor's key. A cursor comes from outside: one that was made up leads to the beginning of nothing. */
export const timeIn = (key: SortKey): number => (typeof key === 'number' && Number.isSafeInteger(key) ? key : 0)

const compareKeys = (a: SortKey, b: SortKey, direction: 1 | -1): number => {
  if (a === b) return 0
  if (a === null) return 1
  if (b === null) return -1
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
  return a < b ? -direction : direction
}

/**
 * One page of items that are in memory. `keys` says what each sort looks at (give names in lower case); `idOf` settles
 * ties and must be unique.
 */
export const pageOf = <T>(
  items: Iterable<T>,
  query: ListQuery,
  keys: Readonly<Record<string, (item: T) => SortKey>>,
  idOf: (item: T) => string,
): Result<Page<T>, Problem> => {
  const cursor = readCursor(query)
  if (!cursor.ok) return cursor
  const isDown = query.sort.startsWith('-')
  const keyOf = keys[isDown ? query.sort.slice(1) : query.sort]
  if (keyOf === undefined) throw new Error(`list: nothing says how to sort by ${query.sort}`)
  const direction = isDown ? -1 : 1
  const compare = (a: Pick<Place, 'key' | 'id'>, b: Pick<Place, 'key' | 'id'>): number =>
    compareKeys(a.key, b.key, direction) || compareKeys(a.id, b.id, direction)

  const after = cursor.value
  const rest: { readonly item: T; readonly key: SortKey; readonly id: string }[] = []
  for (const item of items) {
    const row = { item, key: keyOf(item), id: idOf(item) }
    if (after === null || compare(row, after) > 0) rest.push(row)
  }
  rest.sort(compare)
  const page = rest.slice(0, query.limit)
  const last = page.at(-1)
  return ok({
    items: page.map((row) => row.item),
    next: rest.length > page.length && last !== undefined ? writeCursor({ sort: query.sort, key: last.key, id: last.id }) : null,
  })
}

/**
 * One page of rows that the database gave, already in order, after the cursor's place, and one more than the limit if
 * there are as many: `select … where key > cursor order by key limit ${limit + 1}`.
 */
export const pageOfRows = <T>(
  rows: readonly T[],
  query: ListQuery,
  placeOf: (row: T) => { readonly key: SortKey; readonly id: string },
): Page<T> => {
  const items = rows.slice(0, query.limit)
  const last = items.at(-1)
  return { items, next: rows.length > items.length && last !== undefined ? writeCursor({ sort: query.sort, ...placeOf(last) }) : null }
}
