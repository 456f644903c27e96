/** The column types and table options that the two databases spell differently. */
import { sql, type ColumnDataType, type CreateTableBuilder, type Expression, type Kysely } from 'kysely'

export type Dialect = 'sqlite' | 'postgres'

export interface ColumnTypes {
  readonly text: ColumnDataType | Expression<unknown>
  readonly integer: ColumnDataType | Expression<unknown>
  readonly bigint: ColumnDataType | Expression<unknown>
  readonly blob: ColumnDataType | Expression<unknown>
}

/**
 * SQLite's INTEGER has 64 bits, and only under that name is a primary key the row's own number. PostgreSQL sorts text by
 * the locale it was set up with: "C" gives the order that SQLite has.
 */
export const columnTypes = (dialect: Dialect): ColumnTypes => ({
  text: dialect === 'sqlite' ? 'text' : sql`text collate "C"`,
  integer: 'integer',
  bigint: dialect === 'sqlite' ? 'integer' : 'bigint',
  blob: dialect === 'sqlite' ? 'blob' : 'bytea',
})

/** STRICT makes SQLite refuse what PostgreSQL refuses: text in a number, a number in a blob. */
export const createTable = <Name extends string>(db: Kysely<unknown>, dialect: Dialect, name: Name): CreateTableBuilder<Name> => {
  const table = db.schema.createTable(name)
  const strict: Expression<unknown> = sql`strict`
  return dialect === 'sqlite' ? table.modifyEnd(strict) : table
}
