import { afterAll, expect, test } from 'vitest'
import { createJournal } from '../../server/journal.ts'
import { createNoticeRows, longestWaitMs } from '../../server/notice-rows.ts'
import { createSealer } from '../../server/seal.ts'
import type { Notice } from '../../server/stores/store.ts'
import { parseConnectorId, type ConnectorId } from '../../shared/ids.ts'
import { handClock, seededChance } from '../world/hand-clock.ts'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'

afterAll(stopDatabases)

const idOf = (text: string): ConnectorId => {
  const id = parseConnectorId(text)
  if (id === undefined) throw new Error(`${text} is no id`)
  return id
}
const berlin = idOf('berlin')
const hamburg = idOf('hamburg')

const partOf = (id: string | null, reference: string | null, parts: number): Notice => ({
  id,
  location: '77',
  kind: 'ASSET_MANAGEMENT',
  news: {
    is: 'order-news',
    subject: 'seats',
    reference,
    action: 'associate',
    outcome: 'success',
    parts,
    products: [],
    holders: [],
    failures: [],
  },
})

test.each(onEachDatabase)('notices are kept once, in their order, told together and pruned, on $dialect', async ({ open }) => {
  const database = await open()
  const { db } = database
  const clock = handClock()
  const chance = seededChance(3)
  const journal = await createJournal({ db, now: () => clock.now() })
  const rows = createNoticeRows({ db, sealer: createSealer(chance.bytes(32), chance) })
  const at = clock.now()
  const keep = (connector: ConnectorId, notice: Notice, body: string, when = at) =>
    journal.write((write) => rows.keep(write, connector, notice, body, when))

  // In one transaction too, the second is the first again.
  expect(await Promise.all([keep(berlin, partOf('n-1', 'e-1', 100), 'one'), keep(berlin, partOf('n-1', 'e-1', 100), 'one')])).toEqual([
    true,
    false,
  ])
  expect(await keep(berlin, partOf('n-2', 'e-1', 50), 'two')).toBe(true)
  expect(await keep(hamburg, partOf('n-1', 'e-1', 7), 'another location’s')).toBe(true)
  // Without an id, or with one that is none: known by what it says, whatever signs stand in it.
  for (const id of [null, '', 'with a blank', '\u0000', 'x'.repeat(500)])
    await keep(berlin, partOf(id, 'ref\u0000', 3), 'the same \u0000 words')
  expect(await rows.partsTold(berlin, 'e-1')).toBe(150)
  expect(await rows.partsTold(hamburg, 'e-1')).toBe(7)
  expect(await rows.partsTold(berlin, 'never')).toBe(0)

  const due = await rows.due(at, 10)
  expect(due.map(({ connector, body }) => [connector, body])).toEqual([
    [berlin, 'one'],
    [berlin, 'two'],
    [hamburg, 'another location’s'],
    [berlin, 'the same \u0000 words'],
  ])
  const [first, second, third, fourth] = due
  if (first === undefined || second === undefined || third === undefined || fourth === undefined) throw new Error('four were kept')
  await journal.write(async (write) => {
    await rows.settle(write, first, 'outside')
    await rows.settle(write, third, 'done')
    await rows.postpone(write, second, at + 5_000)
    await rows.postpone(write, fourth, at + longestWaitMs + 1)
  })
  expect(await rows.nextDueAt()).toBe(at + 5_000)
  // One that waits longer than any does was kept before the clock was set back.
  expect((await rows.due(at, 10)).map(({ id }) => id)).toEqual([fourth.id])
  expect((await rows.due(at + 5_000, 10)).map(({ id }) => id)).toEqual([second.id])
  const isOutside = (connector: ConnectorId) => journal.write((write) => rows.isKnownOutside(write.trx, connector, 'e-1'))
  expect([await isOutside(berlin), await isOutside(hamburg)]).toEqual([true, false])

  // A row that was moved does not open, and does not hold up the others.
  await db.updateTable('notices').set({ connector: 'moved' }).where('id', '=', second.id).execute()
  expect((await rows.due(at + 5_000, 10)).map(({ body }) => body)).toEqual([undefined])

  await keep(hamburg, partOf('late', null, 0), 'late', at + 10)
  expect(await rows.lastAt(hamburg)).toBe(at + 10)
  expect(await rows.lastAt(idOf('nowhere'))).toBeUndefined()
  await journal.write((write) => rows.prune(write, at + 5))
  const left = await db.selectFrom('notices').select(['id', 'state']).orderBy('n').execute()
  expect(left.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting'])
  await database.close()
})
