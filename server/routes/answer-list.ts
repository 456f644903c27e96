/** Answers a list: a page as JSON, or the whole filtered set as CSV for whoever accepts `text/csv`. */
import type { Context } from 'hono'
import Papa from 'papaparse'
import type { GenericSchema } from 'valibot'
import type { Result } from '../../shared/result.ts'
import { answerProblem, type Problem } from '../problem.ts'
import type { ListQuery, Page } from './list.ts'

export interface ListAnswer<T> {
  readonly query: ListQuery
  /** One page; for CSV it is called until there is no next one. */
  readonly read: (query: ListQuery) => Promise<Result<Page<T>, Problem>> | Result<Page<T>, Problem>
  /** The items as they go out, all of a page at once: what they refer to is read together. */
  readonly view: (items: readonly T[]) => Promise<readonly object[]> | readonly object[]
  /** Of one item: its fields are the columns of the CSV, nested ones with a dot. */
  readonly schema: GenericSchema
  readonly asOf?: string | undefined
}

/** Rows read at once for CSV: a file of any length needs the memory of one such page. */
const rowsPerRead = 2_000

export const answerList = async <T>(c: Context, list: ListAnswer<T>): Promise<Response> => {
  if (wantsCsv(c)) return answerCsv(c, list)
  const page = await list.read(list.query)
  if (!page.ok) return answerProblem(c, page.error)
  const items = await list.view(page.value.items)
  return c.json({ items, next: page.value.next, ...(list.asOf === undefined ? {} : { asOf: list.asOf }) })
}

export const wantsCsv = (c: Context): boolean => /(^|,)\s*text\/csv\s*(;|,|$)/i.test(c.req.header('accept') ?? '')

const answerCsv = async <T>(c: Context, list: ListAnswer<T>): Promise<Response> => {
  const heads = headsOf(list.schema)
  const readFrom = (cursor: string | undefined) => list.read({ ...list.query, limit: rowsPerRead, cursor })
  // The first page comes before the answer begins, so that what is wrong with the question is still a problem.
  const first = await readFrom(list.query.cursor)
  if (!first.ok) return answerProblem(c, first.error)
  const encoder = new TextEncoder()
  let page: Page<T> | undefined = first.value
  let isBegun = false
  const rows = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (page === undefined) return controller.close()
      const { items, next } = page
      const text = csvText(heads, await list.view(items), !isBegun)
      isBegun = true
      if (text !== '') controller.enqueue(encoder.encode(text))
      if (next === null) return controller.close()
      const following = await readFrom(next)
      if (!following.ok) throw new Error(`list: its own cursor was refused: ${following.error.code}`)
      page = following.value
    },
  })
  return c.body(rows, 200, {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': `attachment; filename="${c.req.path.slice(c.req.path.lastIndexOf('/') + 1)}.csv"`,
  })
}

interface SchemaParts {
  readonly type?: unknown
  readonly entries?: Readonly<Record<string, GenericSchema>>
  readonly wrapped?: GenericSchema
}

/** `product.name` for a field of a nested object; lists and open records are one column. */
export const headsOf = (schema: GenericSchema): readonly string[] =>
  Object.entries(entriesOf(schema) ?? {}).flatMap(([name, field]) => {
    const nested = entriesOf(field)
    return nested === undefined ? [name] : headsOf(field).map((head) => `${name}.${head}`)
  })

const entriesOf = (schema: GenericSchema): Readonly<Record<string, GenericSchema>> | undefined => {
  const parts = schema as SchemaParts
  return parts.entries ?? (parts.wrapped === undefined ? undefined : entriesOf(parts.wrapped))
}

const valueAt = (row: object, head: string): unknown =>
  head
    .split('.')
    .reduce<unknown>((value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined), row)

const cellOf = (value: unknown): string | number | boolean => {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value
  return Array.isArray(value) && value.every((part) => typeof part === 'string') ? value.join('; ') : JSON.stringify(value)
}

/** Text that a spreadsheet would run as a formula, in half and full width. Numbers are none. */
const formula = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/

/** RFC 4180, with CRLF at the end of each row. */
export const csvText = (heads: readonly string[], rows: readonly object[], withHeads: boolean): string => {
  const data = rows.map((row) => heads.map((head) => cellOf(valueAt(row, head))))
  const text = Papa.unparse({ fields: [...heads], data }, { header: withHeads, newline: '\r\n', escapeFormulae: formula })
  return text === '' ? '' : `${text}\r\n`
}
