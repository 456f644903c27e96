import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase, openPostgres, openSqlite, type OpenDatabase } from '../../../server/database/database.ts'
import { StartRefused } from '../../../server/start-refused.ts'
import { startPostgres, type Postgres } from '../../world/postgres.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 60_000)
afterAll(() => postgres?.stop())

const tables = [
  'admins',
  'api_keys',
  'audit',
  'chunks',
  'claims_made',
  'counters',
  'credentials',
  'devices',
  'edits',
  'idempotency',
  'import_jobs',
  'import_parts',
  'ledger_lots',
  'ledger_products',
  'ledger_seats',
  'license_keys',
  'locations',
  'meta',
  'notice_secrets',
  'notices',
  'order_targets',
  'orders',
  'plan_clients',
  'plan_docs',
  'plan_log',
  'principal_keys',
  'product_icons',
  'product_metadata',
  'scim_resources',
  'self_service',
  'self_service_links',
  'self_service_sessions',
  'sessions',
  'setup_links',
  'signups',
  'source_groups',
  'source_records',
  'store_cursors',
  'syncs',
]

describe.each([
  { dialect: 'sqlite', open: () => openSqlite(':memory:') },
  { dialect: 'postgres', open: async () => openPostgres(await postgres.createDatabase()) },
] as const)('on $dialect', ({ dialect, open }) => {
  let world: OpenDatabase
  beforeAll(async () => {
    world = await open()
  })
  afterAll(() => world.close())

  test('a new database has every table of the schema', async () => {
    const found = (await world.db.introspection.getTables()).map((table) => table.name).filter((name) => !name.startsWith('kysely_'))
    expect(found.sort()).toEqual(tables)
    expect(world.dialect).toBe(dialect)
  })

  test('numbers beyond 32 bits come back as numbers and bytes as bytes', async () => {
    const seq = 2 ** 45 + 1
    await world.db
      .insertInto('chunks')
      .values({ key: 'connectors', seq, bytes: new Uint8Array([0, 255, 7]) })
      .execute()
    const row = await world.db.selectFrom('chunks').selectAll().where('seq', '>=', seq).executeTakeFirstOrThrow()
    expect(row.seq).toBe(seq)
    expect(row.bytes).toBeInstanceOf(Uint8Array)
    expect([...row.bytes]).toEqual([0, 255, 7])
  })

  test('counts and sums are numbers', async () => {
    await world.db
      .insertInto('syncs')
      .values(
        [1, 2].map((n) => ({
          id: `s${n}`,
          connector: 'c',
          state: 'done',
          trigger_name: 'api',
          full_walk: 1,
          started_at: n,
          finished_at: null,
          body: '{}',
        })),
      )
      .execute()
    const row = await world.db
      .selectFrom('syncs')
      .select(({ fn }) => [fn.countAll<number>().as('rows'), fn.sum<number>('started_at').as('sum'), fn.max('started_at').as('latest')])
      .executeTakeFirstOrThrow()
    expect(row).toEqual({ rows: 2, sum: 3, latest: 2 })
  })

  test('text in a number is refused', async () => {
    await expect(sql`insert into counters (name, value) values ('x', 'many')`.execute(world.db)).rejects.toThrow()
  })

  test('text is ordered by its code points, capitals first', async () => {
    for (const name of ['order-b', 'order-A', 'order-ä', 'order-a', 'order-B'])
      await world.db.insertInto('meta').values({ name, value: '' }).execute()
    const rows = await world.db.selectFrom('meta').select('name').where('name', 'like', 'order-%').orderBy('name').execute()
    expect(rows.map((row) => row.name)).toEqual(['order-A', 'order-B', 'order-a', 'order-b', 'order-ä'])
  })

  test('a transaction that throws leaves nothing behind', async () => {
    await expect(
      world.db.transaction().execute(async (trx) => {
        await trx.insertInto('meta').values({ name: 'half', value: 'done' }).execute()
        throw new Error('the second half fails')
      }),
    ).rejects.toThrow('the second half fails')
    expect(await world.db.selectFrom('meta').selectAll().where('name', '=', 'half').execute()).toEqual([])
  })
})

test('a database is opened again with what it held', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'quartermaster-database-'))
  const first = await openDatabase({ dataDir: join(dataDir, 'inner'), databaseUrl: null })
  await first.db.insertInto('meta').values({ name: 'epoch', value: '1' }).execute()
  await first.close()
  const again = await openDatabase({ dataDir: join(dataDir, 'inner'), databaseUrl: null })
  expect(await again.db.selectFrom('meta').selectAll().execute()).toEqual([{ name: 'epoch', value: '1' }])
  await again.close()
  rmSync(dataDir, { recursive: true })
})

test('the same PostgreSQL database is opened by two servers at once', async () => {
  const url = await postgres.createDatabase()
  const [one, two] = await Promise.all([openPostgres(url), openPostgres(url)])
  await one.db.insertInto('meta').values({ name: 'epoch', value: '7' }).execute()
  expect(await two.db.selectFrom('meta').selectAll().execute()).toEqual([{ name: 'epoch', value: '7' }])
  await Promise.all([one.close(), two.close()])
})

test('a file that is no database stops the start in words', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'quartermaster-database-'))
  const { writeFileSync } = await import('node:fs')
  writeFileSync(join(dataDir, 'quartermaster.sqlite'), 'this is a letter, not a database, and long enough to be read as a page'.repeat(20))
  await expect(openDatabase({ dataDir, databaseUrl: null })).rejects.toThrow(/quartermaster\.sqlite can not be opened/)
  rmSync(dataDir, { recursive: true })
})

test('a database of a newer version is not touched', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'quartermaster-database-'))
  const path = join(dataDir, 'quartermaster.sqlite')
  await (await openSqlite(path)).close()
  const file = new Sqlite(path)
  file.prepare(`insert into kysely_migration (name, timestamp) values ('9999-from-tomorrow', '2030-01-01')`).run()
  file.close()
  const refused = await openSqlite(path).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(StartRefused)
  expect(String(refused)).toMatch(/9999-from-tomorrow.*newer Quartermaster/s)
  rmSync(dataDir, { recursive: true })
})

test('a PostgreSQL that is out of reach stops the start without telling the password', async () => {
  const refused = await openPostgres('postgres://someone:hunter2-hunter2@127.0.0.1:1/none').catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(StartRefused)
  expect(String(refused)).toContain('QM_DATABASE_URL')
  expect(String(refused)).not.toContain('hunter2')
})
