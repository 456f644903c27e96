import { afterEach, expect, test } from 'vitest'
import { openSqlite, type OpenDatabase } from '../../server/database/database.ts'
import { createJournal } from '../../server/journal.ts'
import { createNoticeSecrets } from '../../server/notice-secrets.ts'
import { createSealer } from '../../server/seal.ts'
import { parseConnectorId, type ConnectorId } from '../../shared/ids.ts'
import { handClock, seededChance } from '../world/hand-clock.ts'

const idOf = (text: string): ConnectorId => {
  const id = parseConnectorId(text)
  if (id === undefined) throw new Error(`${text} is no id`)
  return id
}
const [berlin, hamburg] = [idOf('berlin'), idOf('hamburg')]

let database: OpenDatabase
afterEach(() => database.close())

const open = async () => {
  database = await openSqlite(':memory:')
  const { db } = database
  const clock = handClock()
  const chance = seededChance(4)
  const sealer = createSealer(chance.bytes(32), chance)
  const journal = await createJournal({ db, now: () => clock.now() })
  return createNoticeSecrets({ db, journal, sealer, chance, clock })
}

test('each connector has a secret of its own, which stays, is long, and stands sealed on the disk', async () => {
  const secrets = await open()
  const secret = (await secrets.of(berlin)).reveal()
  expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect((await secrets.of(berlin)).reveal()).toBe(secret)
  expect((await secrets.of(hamburg)).reveal()).not.toBe(secret)
  const rows = await database.db.selectFrom('notice_secrets').selectAll().execute()
  expect(Buffer.from(JSON.stringify(rows)).toString()).not.toContain(secret)
  for (const { sealed } of rows) expect(Buffer.from(sealed).toString('latin1')).not.toContain(secret)
})

test('only the right secret of the right connector is right', async () => {
  const secrets = await open()
  const secret = (await secrets.of(berlin)).reveal()
  await secrets.of(hamburg)
  expect(await secrets.isRight(berlin, secret)).toBe(true)
  for (const given of [undefined, '', `${secret}x`, secret.slice(1), secret.toLowerCase()])
    expect(await secrets.isRight(berlin, given)).toBe(false)
  expect(await secrets.isRight(hamburg, secret)).toBe(false)
  expect(await secrets.isRight('unknown', secret)).toBe(false)
  expect(await secrets.isRight('unknown', undefined)).toBe(false)
})

test('a new one takes the place of the old', async () => {
  const secrets = await open()
  const old = (await secrets.of(berlin)).reveal()
  const next = (await secrets.renew(berlin)).reveal()
  expect(next).not.toBe(old)
  expect([await secrets.isRight(berlin, old), await secrets.isRight(berlin, next)]).toEqual([false, true])
})

test('one that was moved to another connector does not open', async () => {
  const secrets = await open()
  await secrets.of(berlin)
  await database.db.updateTable('notice_secrets').set({ connector: hamburg }).execute()
  await expect(secrets.of(hamburg)).rejects.toThrow()
})
