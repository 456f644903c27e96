import { afterAll, describe, expect, test } from 'vitest'
import { createSessions } from '../../server/sessions.ts'
import type { AdminId } from '../../shared/ids.ts'
import { handClock, seededChance } from '../world/hand-clock.ts'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'

afterAll(stopDatabases)

const ana = 'ana' as AdminId

const open = async (database: (typeof onEachDatabase)[number]) => {
  const world = await database.open()
  const clock = handClock()
  await world.db
    .insertInto('admins')
    .values({ id: ana, email: 'ana@example.org', name: 'Ana', role: 'owner', password_hash: null, created_at: 0, disabled_at: null })
    .execute()
  const sessions = createSessions({ db: world.db, clock, chance: seededChance(2) })
  const begin = () => world.db.transaction().execute((trx) => sessions.open(trx, ana, 'x'.repeat(5_000)))
  return { ...world, clock, sessions, begin }
}

describe.each(onEachDatabase)('on $dialect', (database) => {
  test('one that was begun while the account was being disabled opens nothing', async () => {
    const { db, sessions, begin, close } = await open(database)
    const { token } = await begin()
    expect(await sessions.findByToken(token)).toMatchObject({ actor: { id: ana, role: 'owner' } })
    await db.updateTable('admins').set({ disabled_at: 1 }).execute()
    expect(await sessions.findByToken(token)).toBeUndefined()
    await close()
  })

  test('a connection that stays is asked for by the hash, and learns of a new role', async () => {
    const { db, sessions, begin, close } = await open(database)
    const found = await sessions.findByToken((await begin()).token)
    await db.updateTable('admins').set({ role: 'reader' }).execute()
    expect(await sessions.findByHash(found?.idHash ?? '')).toMatchObject({ actor: { role: 'reader' } })
    await db.transaction().execute((trx) => sessions.close(trx, found?.idHash ?? ''))
    expect(await sessions.findByHash(found?.idHash ?? '')).toBeUndefined()
    await close()
  })

  test('those that ended are swept away by the next sign-in', async () => {
    const { db, clock, begin, close } = await open(database)
    await begin()
    clock.pass(12 * 3_600_000)
    await begin()
    const rows = await db.selectFrom('sessions').select('user_agent').execute()
    expect(rows).toEqual([{ user_agent: 'x'.repeat(300) }])
    await close()
  })

  test('what is no token is not looked for', async () => {
    const { sessions, close } = await open(database)
    for (const token of ['', 'x', 'x'.repeat(10_000)]) expect(await sessions.findByToken(token)).toBeUndefined()
    await close()
  })
})

test('a role that this version does not know stops the sign-in aloud', async () => {
  const sqlite = onEachDatabase[0]
  if (sqlite === undefined) throw new Error('no database')
  const { db, sessions, begin, close } = await open(sqlite)
  const { token } = await begin()
  await db.updateTable('admins').set({ role: 'king' }).execute()
  await expect(sessions.findByToken(token)).rejects.toThrow('the role king')
  await close()
})
