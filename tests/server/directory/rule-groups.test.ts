/** Rule-made groups are kept in step: after a crash, in bulk, and when the rule changes under way. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSqlite } from '../../../server/database/database.ts'
import { createDirectory, knowPrincipals } from '../../../server/directory/directory.ts'
import { recordPrincipals } from '../../../server/directory/principal-record.ts'
import { createRuleGroups } from '../../../server/directory/rule-groups.ts'
import { createJournal } from '../../../server/journal.ts'
import { membersKey, principalsKey, rowsFact } from '../../../shared/facts.ts'
import type { GroupRule, RuleCondition } from '../../../shared/group-rule.ts'
import { ordinalOf, parseGroupId, principalIdOf, type GroupId, type PrincipalKind } from '../../../shared/ids.ts'
import { isUser, type Device, type Group, type User } from '../../../shared/principal.ts'
import { meetsRule } from '../../../shared/rule-made.ts'

const open = async () => {
  const database = await openSqlite(':memory:')
  const journal = await createJournal({ db: database.db, now: () => 0 })
  const directory = await createDirectory({ journal })
  const troubles: unknown[] = []
  const start = () => {
    const made = createRuleGroups({ journal, onTrouble: (cause) => void troubles.push(cause) })
    made.start()
    return made
  }
  const people = (count: number, kind: PrincipalKind = 'user', prefix = 'p') =>
    journal.write((write) =>
      knowPrincipals(
        write,
        directory,
        'csv',
        Array.from({ length: count }, (_, at) => ({ kind, key: `${prefix}${at}` })),
      ),
    )
  const all = async () => {
    const rows = []
    for (const key of await journal.store.keys('principals/')) rows.push(...(await journal.rows(key as `principals/${number}`)))
    return rows
  }
  const change = (ordinal: number, to: Partial<User> | Partial<Device>) =>
    journal.write(async (write) => {
      const held = (await write.rows(principalsKey(ordinal))).find((row) => ordinalOf(row.id) === ordinal)
      if (held === undefined) throw new Error('nobody')
      await recordPrincipals(write, [isUser(held) ? { ...held, ...(to as Partial<User>) } : { ...held, ...(to as Partial<Device>) }])
    })
  const putGroup = (id: GroupId, rule: GroupRule | undefined, kind: PrincipalKind = 'user') =>
    journal.write(async (write) => {
      const held = (await write.rows('groups')).find((row) => row.id === id)
      const group: Group = {
        id,
        name: id,
        kind,
        memberCount: held?.memberCount ?? 0,
        sources: ['hand'],
        ...(rule === undefined ? {} : { rule }),
      }
      await write.record(rowsFact('groups', [group]))
    })
  const members = async (id: GroupId): Promise<readonly number[]> => [...(await journal.columns(membersKey(id))).ordinals]
  return {
    database,
    journal,
    directory,
    start,
    people,
    all,
    change,
    putGroup,
    members,
    troubles,
    [Symbol.asyncDispose]: () => database.close(),
  }
}
const idOf = (text: string): GroupId => {
  const id = parseGroupId(text)
  if (id === undefined) throw new Error(text)
  return id
}
const [g1, g2] = [idOf('g1'), idOf('g2')]
const rule = (field: RuleCondition['field'], value: string, test: RuleCondition['test'] = 'is'): GroupRule => ({
  match: 'all',
  conditions: [{ field, test, value }],
})

test('what changed while nobody watched, as after a crash, is found at the start', async () => {
  await using town = await open()
  await town.people(10)
  await town.putGroup(g1, rule('department', 'Maths'))
  await town.change(3, { department: 'Maths' })
  expect(await town.members(g1)).toEqual([])
  const rules = town.start()
  await rules.idle()
  expect(await town.members(g1)).toEqual([3])
  expect((await town.journal.rows('groups'))[0]?.memberCount).toBe(1)
  // Stopped, it writes nothing more.
  await rules.stop()
  await town.change(4, { department: 'Maths' })
  await rules.idle()
  expect(await town.members(g1)).toEqual([3])
  const again = town.start()
  await again.idle()
  expect(await town.members(g1)).toEqual([3, 4])
  await again.stop()
})

test('a change that touches nobody’s membership writes nothing', async () => {
  await using town = await open()
  await town.people(5)
  await town.putGroup(g1, rule('department', 'Maths'))
  const rules = town.start()
  await rules.idle()
  const seq = town.journal.seq()
  await town.change(2, { displayName: 'Somebody' })
  await rules.idle()
  expect(town.journal.seq()).toBe(seq + 1)
  await rules.stop()
})

test('a rule that changes twice in a row leaves the last one’s members', async () => {
  await using town = await open()
  await town.people(3_000)
  await town.change(1, { department: 'A' })
  await town.change(2, { department: 'B' })
  const rules = town.start()
  await Promise.all([
    town.putGroup(g1, rule('department', 'A')),
    town.putGroup(g1, rule('userName', 'p', 'begins')),
    town.putGroup(g1, rule('department', 'B')),
  ])
  await rules.idle()
  expect(await town.members(g1)).toEqual([2])
  // Its rule is taken away while others change: who is in stays.
  await Promise.all([town.putGroup(g1, undefined), town.change(1, { department: 'B' })])
  await rules.idle()
  expect(await town.members(g1)).toEqual([2])
  expect(town.troubles).toEqual([])
  await rules.stop()
})

test('many who change at once are judged in slices, and others write in between', async () => {
  await using town = await open()
  await town.putGroup(g1, rule('userName', '7', 'ends'))
  await town.putGroup(g2, rule('serialNumber', 'D', 'begins'), 'device')
  const rules = town.start()
  await Promise.all([town.people(12_000), town.people(1_000, 'device', 'D')])
  let others = 0
  let isDone = false
  const idle = rules.idle().then(() => void (isDone = true))
  while (!isDone) {
    await town.journal.write(async (write) => void (await write.record(rowsFact('groups', []))))
    others += 1
    // A database in memory answers without ever waiting.
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }
  await idle
  expect(others).toBeGreaterThan(2)
  expect((await town.members(g1)).length).toBe(1_200)
  expect((await town.members(g2)).length).toBe(1_000)
  await rules.stop()
})

test('a database that fails is told once, and everything is compared when it is back', async () => {
  await using town = await open()
  await town.people(10)
  await town.putGroup(g1, rule('department', 'Maths'))
  const rules = town.start()
  await rules.idle()
  await town.database.db.schema.alterTable('chunks').renameTo('elsewhere').execute()
  await town.change(1, { department: 'Maths' }).catch(() => undefined)
  await rules.idle()
  await town.database.db.schema.alterTable('elsewhere').renameTo('chunks').execute()
  await town.change(2, { department: 'Maths' })
  await rules.idle()
  await town.change(1, { department: 'Maths' })
  await rules.idle()
  expect(await town.members(g1)).toEqual([1, 2])
  await rules.stop()
})

const texts = fc.constantFrom('', 'a', 'ab', 'Maths')
const rules = fc.record({
  match: fc.constantFrom('all' as const, 'any' as const),
  conditions: fc.array(
    fc.record({
      field: fc.constantFrom('platform', 'ownerDepartment', 'owner', 'name', 'source'),
      test: fc.constantFrom('is', 'is-not', 'begins', 'contains'),
      value: texts,
    }),
    { minLength: 1, maxLength: 3 },
  ),
})
const steps = fc.array(
  fc.oneof(
    fc.record({ is: fc.constant('person' as const), ordinal: fc.integer({ min: 1, max: 4 }), department: texts, left: fc.boolean() }),
    fc.record({
      is: fc.constant('device' as const),
      ordinal: fc.integer({ min: 5, max: 9 }),
      platform: texts,
      owner: fc.option(fc.integer({ min: 1, max: 4 }), { nil: null }),
    }),
    fc.record({ is: fc.constant('rule' as const), rule: rules }),
    fc.record({ is: fc.constant('restart' as const) }),
  ),
  { minLength: 1, maxLength: 12 },
)

test('law: whatever happens in which order, in the end exactly those are in whom the rule takes in', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      await using town = await open()
      await town.people(4)
      await town.people(5, 'device', 'D')
      let watching = town.start()
      for (const step of given)
        switch (step.is) {
          case 'person':
            await town.change(step.ordinal, { department: step.department, left: step.left ? '2026-01-01T00:00:00.000Z' : null })
            break
          case 'device':
            await town.change(step.ordinal, {
              platform: step.platform,
              ownerId: step.owner === null ? null : principalIdOf('user', step.owner),
            })
            break
          case 'rule':
            await town.putGroup(g1, step.rule, 'device')
            break
          case 'restart':
            await watching.stop()
            watching = town.start()
        }
      await watching.idle()
      const everybody = await town.all()
      const held = (await town.journal.rows('groups'))[0]
      const wanted =
        held?.rule === undefined
          ? []
          : everybody.flatMap((principal) => {
              if (isUser(principal)) return []
              const owner = everybody.find(({ id }) => id === principal.ownerId)
              const is =
                held.rule !== undefined && meetsRule(held.rule, principal, owner !== undefined && isUser(owner) ? owner : undefined)
              return is ? [ordinalOf(principal.id)] : []
            })
      expect(await town.members(g1)).toEqual(wanted)
      expect(held?.memberCount ?? 0).toBe(wanted.length)
      expect(town.troubles).toEqual([])
      await watching.stop()
    }),
    { numRuns: 60, seed: 20261124 },
  )
})
