/** A database that can not keep changes: nothing is acknowledged, it is said, and all goes on when the cause is gone. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { keynote, openSchool } from './desk.ts'

test('while nothing can be kept, changes are refused with 503 and the server is not ready; afterwards it is, by itself', async () => {
  await using school = await openSchool()
  const license = await school.idOf('licenses', keynote)
  const body = { licenseId: license, target: { kind: 'device', id: await school.idOf('devices', 'C02A') } }
  const { db } = school.database
  expect((await school.get('/readyz')).status).toBe(200)

  await sql`pragma query_only = on`.execute(db)
  const refused = await school.post('assignments', body)
  expect(refused.body).toMatchObject({ status: 503, code: 'storage-unavailable' })
  expect(refused.headers.get('retry-after')).toBe('5')
  expect((await school.get('/readyz')).body).toEqual({ status: 'not-ready', reasons: ['the database can not keep changes'] })
  expect((await school.get('/metrics')).text).toMatch(/quartermaster_journal_trouble_seconds [1-9]/)
  // What is known can still be read, however long it takes.
  school.clock.pass(90_000)
  expect((await school.get('licenses')).body.items).toHaveLength(2)
  expect((await school.get('assignments')).body.items).toEqual([])

  await sql`pragma query_only = off`.execute(db)
  expect((await school.get('/readyz')).status).toBe(200)
  expect((await school.post('assignments', body)).status).toBe(201)
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(1)
})
