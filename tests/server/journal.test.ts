import { describe, expect, test } from 'vitest'
import { createJournal, StorageTrouble, type CommittedFact, type Journal } from '../../server/journal.ts'
import { licenseIdOf, rowsFact, wishesKey } from '../../shared/facts.ts'
import { createDisk, type Disk } from '../world/disk.ts'
import { createSchedule } from '../world/schedule.ts'
import { template } from '../world/world.ts'
import { include, wishFor } from '../shared/weighing.ts'

const wishes = wishesKey(licenseIdOf(1))

const openJournal = async (): Promise<{
  readonly journal: Journal
  readonly disk: Disk
  readonly told: CommittedFact[]
  readonly seqs: number[]
}> => {
  const { file } = await template()
  const disk = createDisk(createSchedule(0), Buffer.from(file))
  const journal = await createJournal({ db: disk.connect({ alive: true }), now: () => 0 })
  const told: CommittedFact[] = []
  const seqs: number[] = []
  journal.onFacts((facts, upTo) => {
    told.push(...facts)
    seqs.push(upTo)
  })
  return { journal, disk, told, seqs }
}
const wish = (journal: Journal, key: string): Promise<number> =>
  journal.write((write) => write.record(rowsFact(wishes, [wishFor(key, include())])))
const keys = async (journal: Journal): Promise<readonly string[]> => (await journal.rows(wishes)).map(({ key }) => key)

describe('acts', () => {
  test('that wait are kept in one transaction, in their order, with numbers that have no gap', async () => {
    const { journal, disk, told, seqs } = await openJournal()
    const first = journal.seq()
    let commits = 0
    disk.onCommit = () => void (commits += 1)
    const numbers = await Promise.all(['d1', 'd2', 'd3'].map((key) => wish(journal, key)))
    expect(numbers).toEqual([first + 1, first + 2, first + 3])
    expect(commits).toBe(1)
    expect(told.map(({ seq }) => seq)).toEqual(numbers)
    expect(seqs).toEqual([first + 3])
    expect(await keys(journal)).toEqual(['d1', 'd2', 'd3'])
  })

  test('that throw are undone alone', async () => {
    const { journal, told } = await openJournal()
    const undone: string[] = []
    const [one, two, three] = await Promise.allSettled([
      wish(journal, 'd1'),
      journal.write(async (write) => {
        write.undone(() => void undone.push('two'))
        await write.record(rowsFact(wishes, [wishFor('d2')]))
        throw new Error('a mistake of our own')
      }),
      wish(journal, 'd3'),
    ])
    expect([one.status, two.status, three.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(undone).toEqual(['two'])
    expect(await keys(journal)).toEqual(['d1', 'd3'])
    expect(told.map(({ fact }) => fact.put)).toHaveLength(2)
    expect(journal.trouble()).toBeUndefined()
  })

  test('see what those before them in the transaction have written, and others do not', async () => {
    const { journal } = await openJournal()
    const seen = await Promise.all([wish(journal, 'd1'), journal.write(async (write) => (await write.rows(wishes)).length)])
    expect(seen[1]).toBe(1)
  })

  test('are told of only after the commit, and before their answer', async () => {
    const { journal, disk } = await openJournal()
    const order: string[] = []
    disk.onCommit = () => void order.push('on disk')
    journal.onFacts(() => void order.push('facts'))
    await journal.write(async (write) => {
      write.told(() => void order.push('told'))
      order.push('act')
      return await write.record(rowsFact(wishes, [wishFor('d1')]))
    })
    order.push('answered')
    expect(order).toEqual(['act', 'on disk', 'facts', 'told', 'answered'])
  })
})

describe('a disk that can not keep a change', () => {
  test('acknowledges nothing, tells nobody, says since when, and goes on when it can', async () => {
    const { journal, disk, told } = await openJournal()
    let forgotten = 0
    journal.onForget(() => void (forgotten += 1))
    disk.fault = (sql) => (sql === 'commit' ? 'full' : undefined)
    await expect(wish(journal, 'd1')).rejects.toBeInstanceOf(StorageTrouble)
    expect(told).toEqual([])
    expect(journal.trouble()).toMatchObject({ since: 0 })
    disk.fault = () => undefined
    await wish(journal, 'd2')
    expect(forgotten).toBe(1)
    expect(journal.trouble()).toBeUndefined()
    expect(await keys(journal)).toEqual(['d2'])
  })

  test('and kept it nevertheless: the next act finds it, and its number is not given again', async () => {
    const { journal, disk } = await openJournal()
    const first = journal.seq()
    disk.fault = (sql) => (sql === 'commit' ? 'reported-failed' : undefined)
    await expect(wish(journal, 'd1')).rejects.toBeInstanceOf(StorageTrouble)
    disk.fault = () => undefined
    expect(await wish(journal, 'd2')).toBe(first + 2)
    expect(await keys(journal)).toEqual(['d1', 'd2'])
  })
})
