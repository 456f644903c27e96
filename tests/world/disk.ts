/**
 * The server's disk: one SQLite database that outlives the processes that write to it. A process that died can't touch
 * it any more, and what it had not committed is gone. Faults are drawn at each statement.
 */
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect, type CompiledQuery, type Driver, type QueryResult, type SqliteDialectConfig } from 'kysely'
import type { Database, Db } from '../../server/database/schema.ts'
import type { Life, Schedule } from './schedule.ts'

export type DiskFault =
  /** The statement is refused and nothing of it happened. */
  | 'full'
  /** A commit took effect and is reported as failed, as an fsync that errs. */
  | 'reported-failed'
  /** The process dies before the statement takes effect, or after. */
  | 'dies-before'
  | 'dies-after'

export interface Disk {
  /** A new process's connection. */
  connect(life: Life): Db
  /** Asked at each writing statement; `commit` is one of them. */
  fault: (sql: string) => DiskFault | undefined
  /** Called when a fault ends the process. */
  onDeath: () => void
  /** Called when a commit has taken effect, whatever its process hears of it. */
  onCommit: () => void
  /** Rolls back what a dead process had begun. */
  recover(): void
  /** A copy of the file as it is. */
  copy(): Buffer
  /** In place of what is there: a backup that was played back. */
  restore(file: Buffer): void
  readonly handle: Sqlite.Database
}

class DiskError extends Error {
  readonly code: string
  constructor(code: string) {
    super(`disk: ${code}`)
    this.code = code
  }
}

const never = (): Promise<never> => new Promise<never>(() => undefined)

/** A dead process hears no answer any more, not even a bad one. */
class MortalDialect extends SqliteDialect {
  readonly life: Life
  constructor(life: Life, config: SqliteDialectConfig) {
    super(config)
    this.life = life
  }
  override createDriver(): Driver {
    const driver = super.createDriver()
    const { life } = this
    const acquire = driver.acquireConnection.bind(driver)
    driver.acquireConnection = async () => {
      const connection = await acquire()
      return {
        executeQuery: async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
          if (!life.alive) return await never()
          try {
            const result = await connection.executeQuery<R>(query)
            return life.alive ? result : await never()
          } catch (cause) {
            if (!life.alive) return await never()
            throw cause
          }
        },
        streamQuery: (query, size) => connection.streamQuery(query, size),
      }
    }
    return driver
  }
}

export const createDisk = (schedule: Schedule, file?: Buffer): Disk => {
  let handle = new Sqlite(file ?? ':memory:')
  let statements = new Map<string, Sqlite.Statement>()
  const prepare = (sql: string): Sqlite.Statement => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const made = handle.prepare(sql)
    statements.set(sql, made)
    return made
  }

  const disk: Disk = {
    get handle() {
      return handle
    },
    fault: () => undefined,
    onDeath: () => undefined,
    onCommit: () => undefined,
    recover: () => {
      if (handle.inTransaction) handle.exec('rollback')
    },
    copy: () => handle.serialize(),
    restore: (copy) => {
      handle.close()
      statements = new Map()
      handle = new Sqlite(copy)
      handle.pragma('foreign_keys = ON')
    },
    connect: (life) => {
      const mustLive = (): void => {
        if (!life.alive) throw new DiskError('SQLITE_IOERR_PROCESS_GONE')
      }
      const faultAt = (sql: string): DiskFault | undefined => {
        const writes = sql === 'commit' || sql.startsWith('insert') || sql.startsWith('update')
        const fault = writes ? disk.fault(sql) : undefined
        if (fault === 'full') throw new DiskError('SQLITE_FULL')
        if (fault === 'dies-before') {
          life.alive = false
          disk.onDeath()
          throw new DiskError('SQLITE_IOERR_PROCESS_GONE')
        }
        return fault
      }
      const afterwards = (fault: DiskFault | undefined): void => {
        if (fault === 'reported-failed') throw new DiskError('SQLITE_IOERR_FSYNC')
        if (fault === 'dies-after') {
          life.alive = false
          disk.onDeath()
          throw new DiskError('SQLITE_IOERR_PROCESS_GONE')
        }
      }
      return new Kysely<Database>({
        dialect: new MortalDialect(life, {
          database: {
            close: () => undefined,
            prepare: (sql) => {
              mustLive()
              const statement = prepare(sql)
              return {
                reader: statement.reader,
                all: (parameters) => {
                  mustLive()
                  schedule.stir()
                  return statement.all(...parameters)
                },
                run: (parameters) => {
                  mustLive()
                  schedule.stir()
                  const fault = faultAt(sql)
                  const done = statement.run(...parameters)
                  if (sql === 'commit') disk.onCommit()
                  afterwards(fault)
                  return done
                },
                iterate: (parameters) => statement.iterate(...parameters) as IterableIterator<unknown>,
              }
            },
          },
        }),
      })
    },
  }
  handle.pragma('foreign_keys = ON')
  return disk
}
