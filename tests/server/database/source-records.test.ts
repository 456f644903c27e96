/** A database that was made before sources had records of their own. */
import { expect, test } from 'vitest'
import { migrationsFor } from '../../../server/database/migrations.ts'
import { openSqlite } from '../../../server/database/database.ts'
import { recordsOf } from '../../../server/directory/source-records.ts'
import { rowsBytes } from '../../../shared/facts.ts'
import { principalIdOf } from '../../../shared/ids.ts'

test('who was known before is taken at the word of their sources, and a store that only saw a seat says nothing', async () => {
  const { db, close } = await openSqlite(':memory:')
  // As it was before: without the tables of this step and of those after it.
  for (const table of ['source_records', 'import_jobs', 'import_parts']) await db.schema.dropTable(table).execute()
  const user = (ordinal: number, userName: string, sources: readonly string[]) => ({
    id: principalIdOf('user', ordinal),
    userName,
    displayName: 'Ana',
    email: 'Ana@x.example',
    department: 'Maths',
    active: true,
    managedAppleAccount: '',
    sources,
    left: null,
  })
  const bytes = rowsBytes('principals/0', [user(1, 'Ana', ['csv', 'scim', 'apple:c1']), user(2, 'found', ['apple:c1'])])
  await db.insertInto('chunks').values({ key: 'principals/0', seq: 1, bytes }).execute()
  await migrationsFor('sqlite')['0007-source-records']?.up(db)
  const records = await recordsOf(db, [1, 2])
  expect([...records.keys()]).toEqual([1])
  expect(records.get(1)).toMatchObject([
    { source: 'csv', key: 'ana', fields: { userName: 'Ana', email: 'Ana@x.example', active: true }, joinedBy: 'user-name', goneAt: null },
    { source: 'scim', key: 'ana' },
  ])
  const found = await db.selectFrom('source_records').select('source').where('mail_key', '=', 'ana@x.example').execute()
  expect(found).toHaveLength(2)
  await close()
})
