/** How often notices may make us read. The syncs are played, so that what is asked of them can be counted. */
import { describe, expect, test } from 'vitest'
import { createNoticeLooks } from '../../server/notice-looks.ts'
import { isoTime } from '../../shared/clock.ts'
import { licenseIdOf } from '../../shared/facts.ts'
import { parseConnectorId, parseSyncId, type ConnectorId } from '../../shared/ids.ts'
import type { Sync } from '../../shared/sync.ts'
import { handClock } from '../world/hand-clock.ts'

const idOf = (text: string): ConnectorId => {
  const id = parseConnectorId(text)
  if (id === undefined) throw new Error(`${text} is no id`)
  return id
}
const berlin = idOf('berlin')
const hamburg = idOf('hamburg')
const MINUTE = 60_000

const open = () => {
  const clock = handClock()
  const asked: string[] = []
  const runningSince = new Map<ConnectorId, number>()
  const looks = createNoticeLooks({
    clock,
    onTrouble: (cause) => {
      throw cause
    },
    syncs: {
      refreshLicense: (connector, license, seats) => void asked.push(`${connector} ${license}${seats === true ? ' with its seats' : ''}`),
      refreshPeople: (connector, ordinals) => void asked.push(`${connector} people ${ordinals.join(' ')}`),
      request: (connectorId, trigger, full) => {
        asked.push(`${connectorId} sync, ${trigger}${full ? ', full' : ''}`)
        const id = parseSyncId('sync-0001')
        if (id === undefined) throw new Error('no id')
        const sync: Sync = {
          id,
          connectorId,
          state: 'running',
          trigger,
          full,
          startedAt: isoTime(runningSince.get(connectorId) ?? clock.now()),
          finishedAt: null,
          progress: { phase: 'waiting', done: 0, total: null },
          changed: { licenses: 0, seats: 0, users: 0 },
          error: null,
        }
        return Promise.resolve(sync)
      },
    },
  })
  const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
  return {
    clock,
    asked,
    looks,
    runningSince,
    license: (n: number, seats = false, connector = berlin) => looks.ask(connector, { at: 'license', license: licenseIdOf(n), seats }),
    pass: async (ms: number) => {
      clock.pass(ms)
      await settled()
    },
  }
}

describe('looks that notices ask for', () => {
  test('are gathered: a license that is told of ten times is read once, its seats too where one of them says so', async () => {
    const { asked, license, pass } = open()
    for (let n = 0; n < 10; n += 1) license(7, n === 4)
    license(8)
    expect(asked).toEqual([])
    await pass(2_000)
    expect(asked).toEqual(['berlin l7 with its seats', 'berlin l8'])
  })

  test('are made once more when the store’s lists have caught up, and then no more', async () => {
    const { asked, license, pass } = open()
    license(7)
    await pass(2_000)
    await pass(5 * MINUTE)
    expect(asked).toEqual(['berlin l7'])
    await pass(MINUTE)
    expect(asked).toEqual(['berlin l7', 'berlin l7'])
    await pass(60 * MINUTE)
    expect(asked).toHaveLength(2)
  })

  test('rest between two rounds', async () => {
    const { asked, license, pass } = open()
    license(1)
    await pass(2_000)
    license(2)
    await pass(9_000)
    expect(asked).toEqual(['berlin l1'])
    await pass(1_000)
    expect(asked).toEqual(['berlin l1', 'berlin l2'])
  })

  test('of more than twenty in a minute are one sync, and the next one comes a minute later', async () => {
    const { asked, license, pass } = open()
    for (let n = 0; n < 15; n += 1) license(n)
    await pass(2_000)
    expect(asked).toHaveLength(15)
    for (let n = 15; n < 25; n += 1) license(n)
    await pass(10_000)
    expect(asked.slice(15)).toEqual(['berlin sync, push'])
    license(99)
    await pass(50_000)
    expect(asked).toHaveLength(16)
    await pass(10_000)
    expect(asked.slice(16)).toEqual(['berlin l99'])
  })

  test('at many people are a sync too, at a few they are read by themselves', async () => {
    const { asked, looks, pass } = open()
    looks.ask(berlin, { at: 'people', ordinals: [3, 4] })
    looks.ask(berlin, { at: 'people', ordinals: [4, 5] })
    await pass(2_000)
    expect(asked).toEqual(['berlin people 3 4 5'])
    looks.ask(berlin, { at: 'people', ordinals: Array.from({ length: 30 }, (_, n) => n) })
    await pass(10_000)
    expect(asked.at(-1)).toBe('berlin sync, push')
  })

  test('ask again after a sync that had begun before', async () => {
    const { asked, looks, runningSince, clock, pass } = open()
    runningSince.set(berlin, clock.now() - 1_000)
    looks.ask(berlin, { at: 'sync' })
    await pass(2_000)
    expect(asked).toEqual(['berlin sync, push'])
    runningSince.delete(berlin)
    await pass(15_000)
    expect(asked).toEqual(['berlin sync, push', 'berlin sync, push'])
    await pass(2 * MINUTE)
    expect(asked).toHaveLength(2)
  })

  test('of one location do not wait for another’s, and end with the server', async () => {
    const { asked, license, looks, pass } = open()
    license(1)
    await pass(2_000)
    license(2, false, hamburg)
    await pass(2_000)
    expect(asked).toEqual(['berlin l1', 'hamburg l2'])
    license(3)
    looks.stop()
    await pass(60 * MINUTE)
    expect(asked).toHaveLength(2)
  })
})
