/** Groups that a directory brings, by its own ids: what it may change, and what it must leave. */
import { expect, test } from 'vitest'
import { keepGroupsByHand, takeInGroups, type GroupBatch, type Named, type SourceGroup } from '../../../server/directory/group-taking-in.ts'
import { ordinalOf, parsePrincipalId } from '../../../shared/ids.ts'
import { seededChance } from '../../world/hand-clock.ts'
import { keynote, openSchool } from '../routes/desk.ts'

const source = 'graph:c1'

const openTaken = async () => {
  const school = await openSchool()
  const chance = seededChance(3)
  const who = new Map<string, number>()
  for (const [list, keys] of [
    ['users', ['ana', 'ben']],
    ['devices', ['C02A', 'C02B']],
  ] as const)
    for (const key of keys) {
      const id = parsePrincipalId(await school.idOf(list, key))
      if (id === undefined) throw new Error(key)
      who.set(key, ordinalOf(id))
    }
  const ordinal = (key: string): number => {
    const found = who.get(key)
    if (found === undefined) throw new Error(key)
    return found
  }
  const group = (
    key: string,
    members: readonly string[] = [],
    more: Partial<Pick<SourceGroup, 'name' | 'kind'>> & { readonly groups?: readonly string[] } = {},
  ): SourceGroup => ({
    key,
    name: more.name ?? key,
    kind: more.kind ?? 'user',
    members: { is: 'whole', all: members.map(ordinal) },
    groups: { is: 'whole', all: more.groups ?? [] },
  })
  const take = (groups: readonly SourceGroup[], more: Partial<GroupBatch> = {}, from = source) =>
    school.composed.house.journal.write((write) => takeInGroups({ chance }, write, from, { groups, gone: [], isWhole: false, ...more }))
  const members = async (name: string): Promise<readonly string[]> =>
    (await school.get(`groups/${await school.idOf('groups', name)}/members?transitive=true`)).body.items.map(
      ({ key }: { key: string }) => key,
    )
  const one = async (name: string) => (await school.get(`groups/${await school.idOf('groups', name)}`)).body
  return { ...school, group, take, members, one, ordinal }
}
const changed = <T>(added: readonly T[], removed: readonly T[] = []): Named<T> => ({ is: 'changed', added, removed })

test('groups are made with their members and nesting, in any order; the same again changes nothing', async () => {
  await using school = await openTaken()
  // The outer one names the inner one before it came, and a third that comes later.
  const batch = [school.group('outer', ['ana'], { groups: ['inner', 'later'] }), school.group('inner', ['ben'])]
  const first = await school.take(batch)
  expect([first.made.length, first.changed.length, first.renamed]).toEqual([2, 0, []])
  const inner = await school.one('inner')
  expect(await school.one('outer')).toMatchObject({ sources: [source], memberCount: 1, groups: [inner.id], transitiveMemberCount: 2 })
  const seq = school.composed.house.journal.seq()
  expect(await school.take(batch)).toEqual({ made: [], changed: [], removed: [], kept: [], renamed: [] })
  expect(school.composed.house.journal.seq()).toBe(seq)
  await school.take([school.group('later', [], { kind: 'user' })])
  expect((await school.one('outer')).groups.length).toBe(2)
})

test('a delta says what changed, and a group that is renamed stays the same', async () => {
  await using school = await openTaken()
  await school.take([school.group('g1', ['ana'], { name: 'Choir' }), school.group('g2', ['ben'], { name: 'Band' })])
  const { id } = await school.one('Choir')
  await school.take([
    {
      key: 'g1',
      name: 'Chamber choir',
      kind: 'user',
      members: changed([school.ordinal('ben')], [school.ordinal('ana')]),
      groups: changed(['g2']),
    },
  ])
  expect(await school.one('Chamber choir')).toMatchObject({ id, memberCount: 1 })
  expect(await school.members('Chamber choir')).toEqual(['ben'])
  await school.take([{ key: 'g1', name: 'Chamber choir', kind: 'user', members: changed<number>([]), groups: changed<string>([], ['g2']) }])
  expect((await school.one('Chamber choir')).groups).toBeUndefined()
  expect((await school.ask('PATCH', `groups/${id}`, { body: { name: 'x' } })).body).toMatchObject({
    code: 'owned-by-source',
    sources: [source],
  })
})

test('two that exchange their names are not in each other’s way', async () => {
  await using school = await openTaken()
  await school.take([school.group('1', [], { name: 'Red' }), school.group('2', [], { name: 'Blue' })])
  const [red, blue] = [(await school.one('Red')).id, (await school.one('Blue')).id]
  const taken = await school.take([school.group('1', [], { name: 'Blue' }), school.group('2', [], { name: 'Red' })])
  expect(taken.renamed).toEqual([])
  expect([(await school.one('Blue')).id, (await school.one('Red')).id]).toEqual([red, blue])
})

test('a group of a file is that very group, and who was in stays when the source takes its own out', async () => {
  await using school = await openTaken()
  const { id } = await school.one('Teachers')
  const taken = await school.take([school.group('t', ['ana'], { name: 'teachers' })])
  expect(taken.changed.map((group) => group.id)).toEqual([id])
  expect(await school.members('teachers')).toEqual(['ana', 'ben'])
  await school.take([school.group('t', [], { name: 'teachers' })])
  // Ana was named by both; the source alone took her out again.
  expect(await school.members('teachers')).toEqual(['ben'])
})

test('a name that another directory, a rule or the other kind has is not taken away: the new group has a number', async () => {
  await using school = await openTaken()
  await school.post('groups', {
    name: 'Maths',
    kind: 'user',
    rule: { match: 'all', conditions: [{ field: 'department', test: 'is', value: 'Maths' }] },
  })
  await school.take([school.group('x', [], { name: 'Drama' })], {}, 'graph:other')
  const { renamed, made } = await school.take([
    school.group('a', ['ben'], { name: 'Maths' }),
    school.group('b', [], { name: 'Drama' }),
    school.group('c', [], { name: 'Tablets' }),
    school.group('d', [], { name: 'Twin' }),
    school.group('e', [], { name: 'Twin' }),
  ])
  expect(renamed.map(({ group, asked }) => `${asked}: ${group.name}`)).toEqual([
    'Maths: Maths (2)',
    'Drama: Drama (2)',
    'Tablets: Tablets (2)',
    'Twin: Twin (2)',
  ])
  expect(made.length).toBe(5)
  expect(await school.members('Maths')).toEqual(['ana'])
})

test('a group that is gone goes, unless assignments reach it or another source names it', async () => {
  await using school = await openTaken()
  await school.take([
    school.group('outer', [], { groups: ['excluded'] }),
    school.group('excluded', ['ana']),
    school.group('free', ['ben']),
    school.group('t', [], { name: 'Teachers' }),
  ])
  const license = await school.idOf('licenses', keynote)
  const outer = await school.idOf('groups', 'outer')
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: outer }, mode: 'exclude', licenseType: 'user' })
  await school.settle()
  const { removed, kept } = await school.take([], { gone: ['excluded', 'free', 't', 'never-known'] })
  expect([removed.map(({ name }) => name), kept.map(({ name }) => name)]).toEqual([['free'], ['excluded']])
  expect(await school.one('excluded')).toMatchObject({ memberCount: 1, sources: ['hand'] })
  expect(await school.one('outer')).toMatchObject({ groups: [await school.idOf('groups', 'excluded')] })
  expect(await school.one('Teachers')).toMatchObject({ memberCount: 2, sources: ['csv'] })
  // Named again, it is the same group.
  const again = await school.take([school.group('excluded', ['ben'])])
  expect(again.made).toEqual([])
  expect(await school.members('excluded')).toEqual(['ana', 'ben'])
})

test('a whole reading lets go of every group that is not in it, and of no other source’s', async () => {
  await using school = await openTaken()
  await school.take([school.group('a'), school.group('b')])
  await school.take([school.group('z', [], { name: 'Z' })], {}, 'graph:other')
  const { removed } = await school.take([school.group('b')], { isWhole: true })
  expect(removed.map(({ name }) => name)).toEqual(['a'])
  const { items } = (await school.get('groups?limit=50')).body
  expect(items.map(({ name }: { name: string }) => name)).toEqual(['b', 'Tablets', 'Teachers', 'Z'])
})

test('a ring that a directory has is kept and survived, and a key that stands for the other kind stands for another group', async () => {
  await using school = await openTaken()
  await school.take([school.group('a', ['ana'], { groups: ['b'] }), school.group('b', ['ben'], { groups: ['a', 'b'] })])
  expect(await school.one('a')).toMatchObject({ memberCount: 1, transitiveMemberCount: 2 })
  const before = (await school.one('b')).id
  const { removed, made } = await school.take([school.group('b', ['C02A'], { kind: 'device' })])
  expect([removed.map(({ id }) => id), made.length]).toEqual([[before], 1])
  // The name was not free yet; read again, it is.
  expect(await school.one('b (2)')).toMatchObject({ kind: 'device', memberCount: 1 })
  await school.take([school.group('b', ['C02A'], { kind: 'device' })])
  expect(await school.one('b')).toMatchObject({ id: made[0]?.id, memberCount: 1 })
  expect(await school.one('a')).toMatchObject({ transitiveMemberCount: 1 })
})

test('a directory that is disconnected takes nobody out: its groups stay, kept by hand', async () => {
  await using school = await openTaken()
  await school.take([school.group('a', ['ana']), school.group('t', [], { name: 'Teachers' })])
  await school.composed.house.journal.write((write) => keepGroupsByHand(write, source))
  expect(await school.one('a')).toMatchObject({ memberCount: 1, sources: ['hand'] })
  expect(await school.one('Teachers')).toMatchObject({ sources: ['csv'] })
  expect((await school.ask('PATCH', `groups/${await school.idOf('groups', 'a')}`, { body: { name: 'c' } })).status).toBe(200)
})
