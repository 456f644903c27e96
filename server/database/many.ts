/**
 * Many rows in few statements, each of them built once: to build a statement takes longer than to run it, and a first sync
 * writes fifty thousand rows.
 */
import type { CompiledQuery, InsertObject } from 'kysely'
import type { Database, Db } from './schema.ts'

/** SQLite takes 32,766 values in one statement, PostgreSQL 65,535. */
export const rowsPerStatement = 1000

/** All rows name the same columns in the same order. */
export const insertMany = async <Table extends keyof Database>(
  db: Db,
  table: Table,
  rows: readonly InsertObject<Database, Table>[],
): Promise<void> => {
  await inParts(
    rows,
    (some) => db.insertInto(table).values(some).compile(),
    (some) => some.flatMap((row) => Object.values(row)),
    async (statement) => void (await db.executeQuery(statement)),
  )
}

/** What `select` finds for these keys, part by part. `select` names the keys of its part last, and nothing else that varies. */
export const selectMany = async <Row, Key extends string | number = string>(
  db: Db,
  keys: readonly Key[],
  select: (some: readonly Key[]) => CompiledQuery<Row>,
): Promise<readonly Row[]> => {
  const found: Row[] = []
  let fixed: readonly unknown[] = []
  await inParts(
    keys,
    (some) => {
      const statement = select(some)
      fixed = statement.parameters.slice(0, statement.parameters.length - some.length)
      return statement
    },
    (some) => [...fixed, ...some],
    async (statement) => {
      for (const row of (await db.executeQuery(statement)).rows) found.push(row)
    },
  )
  return found
}

const inParts = async <Item, Row>(
  items: readonly Item[],
  build: (some: readonly Item[]) => CompiledQuery<Row>,
  parametersOf: (some: readonly Item[]) => readonly unknown[],
  run: (statement: CompiledQuery<Row>) => Promise<void>,
): Promise<void> => {
  let full: CompiledQuery<Row> | undefined
  for (let from = 0; from < items.length; from += rowsPerStatement) {
    const some = items.slice(from, from + rowsPerStatement)
    if (some.length < rowsPerStatement) await run(build(some))
    else if (full === undefined) await run((full = build(some)))
    else await run({ ...full, parameters: parametersOf(some) })
  }
}
