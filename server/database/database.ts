/** Opens the database: the embedded SQLite file, or PostgreSQL. Both answer in the same types and both are durable. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect, sql, type SqliteDatabase } from 'kysely'
import pg from 'pg'
import type { Secret } from '../secret.ts'
import { StartRefused } from '../start-refused.ts'
import type { Dialect } from './columns.ts'
import { migrate } from './migrations.ts'
import type { Database, Db } from './schema.ts'

export type { Dialect } from './columns.ts'

export interface OpenDatabase {
  readonly db: Db
  readonly dialect: Dialect
  close(): Promise<void>
}

/** PostgreSQL when an address is given, else the file `quartermaster.sqlite` in the data directory. */
export const openDatabase = (settings: { readonly dataDir: string; readonly databaseUrl: Secret | null }): Promise<OpenDatabase> => {
  if (settings.databaseUrl !== null) return openPostgres(settings.databaseUrl.reveal())
  makeDirectory(settings.dataDir)
  return openSqlite(join(settings.dataDir, 'quartermaster.sqlite'))
}

const makeDirectory = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new StartRefused(
      `The data directory ${path} can not be made: ${messageOf(cause)}. Set QM_DATA_DIR to a directory that can be written.`,
      {
        cause,
      },
    )
  }
}

/** `:memory:` gives a database that ends with the process. */
export const openSqlite = async (path: string): Promise<OpenDatabase> => {
  let file: Sqlite.Database
  try {
    file = new Sqlite(path)
    // Another process may hold the file for a moment, a backup for instance.
    file.pragma('busy_timeout = 5000')
    file.pragma('journal_mode = WAL')
    file.pragma('synchronous = FULL')
    file.pragma('foreign_keys = ON')
    assertDurable(file, path)
  } catch (cause) {
    if (cause instanceof StartRefused) throw cause
    throw new StartRefused(`The database ${path} can not be opened: ${messageOf(cause)}.`, { cause })
  }
  return opened(new Kysely<Database>({ dialect: new SqliteDialect({ database: withKeptStatements(file) }) }), 'sqlite')
}

const MOST_STATEMENTS = 400

/** Preparing costs as much as running a small statement, and the same few hundred come again and again. */
const withKeptStatements = (file: Sqlite.Database): SqliteDatabase => {
  const kept = new Map<string, Sqlite.Statement<unknown[]>>()
  return {
    close: () => void file.close(),
    prepare: (text) => {
      const found = kept.get(text)
      if (found !== undefined) return found
      const statement = file.prepare<unknown[]>(text)
      kept.set(text, statement)
      // A statement whose number of parameters varies comes in many forms: the oldest go.
      for (const oldest of kept.keys()) {
        if (kept.size <= MOST_STATEMENTS) break
        kept.delete(oldest)
      }
      return statement
    },
  }
}

/** An acknowledged edit is on the disk only under WAL with FULL: a build or a file system that gives less must not serve. */
const assertDurable = (file: Sqlite.Database, path: string): void => {
  const journal = file.pragma('journal_mode', { simple: true })
  const synchronous = file.pragma('synchronous', { simple: true })
  const foreignKeys = file.pragma('foreign_keys', { simple: true })
  const journalWanted = path === ':memory:' ? 'memory' : 'wal'
  if (journal !== journalWanted || synchronous !== 2 || foreignKeys !== 1)
    throw new StartRefused(
      `The database ${path} does not keep what is written: journal_mode ${String(journal)}, synchronous ${String(synchronous)}, foreign_keys ${String(foreignKeys)}; ` +
        `needed are ${journalWanted}, 2 and 1. Put the data directory on a local disk.`,
    )
}

const INT8 = 20
const NUMERIC = 1700
/** PostgreSQL sends 64-bit numbers and sums as text. */
const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error(`database: ${text} is not a whole number that can be told exactly`)
  return value
}

export const openPostgres = async (url: string): Promise<OpenDatabase> => {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'quartermaster',
    options: '-c synchronous_commit=on -c timezone=UTC -c client_min_messages=warning',
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        (oid === INT8 || oid === NUMERIC) && format !== 'binary'
          ? wholeNumber
          : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  })
  // A connection that breaks while nobody uses it is replaced by the pool; whoever uses one hears of it from the query.
  pool.on('error', () => undefined)
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  try {
    const { rows } = await sql<{ fsync: string; synchronous_commit: string }>`
      select current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit`.execute(db)
    const found = rows[0]
    if (found?.fsync !== 'on' || found.synchronous_commit !== 'on')
      throw new StartRefused(
        `PostgreSQL does not keep what is written: fsync is ${found?.fsync}, synchronous_commit is ${found?.synchronous_commit}. Both must be on.`,
      )
  } catch (cause) {
    await db.destroy()
    if (cause instanceof StartRefused) throw cause
    throw new StartRefused(
      `PostgreSQL can not be reached at QM_DATABASE_URL: ${messageOf(cause)}. Check the address, the user and that the server runs.`,
      {
        cause,
      },
    )
  }
  return opened(db, 'postgres')
}

const opened = async (db: Db, dialect: Dialect): Promise<OpenDatabase> => {
  try {
    await migrate(db as unknown as Kysely<never>, dialect)
  } catch (cause) {
    await db.destroy()
    throw new StartRefused(
      `The database could not be brought to this version's schema: ${messageOf(cause)}. Nothing was changed. A newer Quartermaster may have used it: start that version, or restore a backup.`,
      { cause },
    )
  }
  return { db, dialect, close: () => db.destroy() }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message || cause.name : String(cause))
