import { expect, test } from 'vitest'
import { createGroupActs } from '../../client/group-acts.ts'
import { createRequest } from '../../client/server-request.ts'
import { searchTargets } from '../../client/directory.ts'
import type { ChunkRead } from '../../client/facts.ts'
import { arrangeGroups, howKept } from '../../client/views/group-list.ts'
import { groupMembers, groupPage, tallyOf, type GroupPage } from '../../client/views/group-page.ts'
import { groupCounted, groupDetail } from '../../client/views/group-words.ts'
import { principalPage } from '../../client/views/person-page.ts'
import { ruleMatch } from '../../client/views/rule-match.ts'
import { columnsFact, columnsOfMembers, membersKey, rowsFact } from '../../shared/facts.ts'
import type { GroupRule } from '../../shared/group-rule.ts'
import { principalIdOf, type GroupId, type PrincipalKind } from '../../shared/ids.ts'
import { isUser, type Group, type Principal } from '../../shared/principal.ts'
import { createDesk, device, furnish, group as idOf, person, putPrincipals, target, type Desk, type Tab } from './desk.ts'

/** A screen looks until everything that it asked for has come. */
const looked = async <T>(desk: Desk, look: () => ChunkRead<T>): Promise<T> => {
  for (let round = 0; round < 20; round += 1) {
    look()
    await desk.settle()
  }
  const read = look()
  if (read.is === 'loading') throw new Error('still loading')
  return read.value
}
const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('not to be had')
  return value
}
const aGroup = (id: string, kind: PrincipalKind = 'user', more: Partial<Group> = {}): Group => ({
  id: idOf(id),
  name: id,
  kind,
  memberCount: 0,
  sources: ['hand'],
  ...more,
})
const put = (desk: Desk, groups: readonly (readonly [Group, readonly number[]])[]): void => {
  for (const [{ id }, ordinals] of groups) desk.server.record(columnsFact(membersKey(id), columnsOfMembers(ordinals)))
  desk.server.record(
    rowsFact(
      'groups',
      groups.map(([row, ordinals]) => ({ ...row, memberCount: ordinals.length })),
    ),
  )
}
const sourcesOf = (desk: Desk, tab: Tab) => ({
  facts: tab.console.facts,
  directory: tab.directory,
  foretelling: tab.foretelling,
  now: desk.clock.now,
})
const page = async (desk: Desk, tab: Tab, id: GroupId): Promise<GroupPage> =>
  must(await looked(desk, () => groupPage(sourcesOf(desk, tab), id)))
const rule = (value: string, field: 'department' | 'ownerDepartment' = 'department'): GroupRule => ({
  match: 'all',
  conditions: [{ field, test: 'is', value }],
})

test('how many are in a group is said with the groups nested in it', () => {
  const counted = (memberCount: number, nested = 0, kind: PrincipalKind = 'device'): string =>
    groupCounted({ kind, memberCount, groups: Array.from({ length: nested }, (_, at) => idOf(`g${at}`)) })
  expect([counted(38, 2), counted(1), counted(0), counted(0, 1), counted(1, 1, 'user')]).toEqual([
    '38 devices, and 2 groups',
    '1 device',
    '0 devices',
    '1 group',
    '1 person, and 1 group',
  ])
  const byRule = aGroup('r', 'user', { memberCount: 3, rule: rule('Maths') })
  expect(groupDetail(byRule)).toBe('Group by rule, 3 people')
  expect(searchTargets([byRule], undefined, 'r', 5)[0]?.detail).toBe('Group by rule, 3 people')
})

test('groups are found by name and by rule, by kind and by what fills them, and sorted by members', () => {
  const groups = [
    aGroup('Choir', 'user', { memberCount: 2 }),
    aGroup('Carts', 'device', { memberCount: 9, sources: ['csv'] }),
    aGroup('Nurses', 'user', { memberCount: 5, rule: rule('Nursing') }),
    aGroup('Staff 10', 'user', { sources: ['scim', 'csv'] }),
    aGroup('Staff 9', 'user', { sources: ['graph:c1'] }),
  ]
  const names = (query: Partial<Parameters<typeof arrangeGroups>[1]>): readonly string[] =>
    arrangeGroups(groups, { text: '', sort: 'name', turned: false, ...query }).map(({ name }) => name)
  expect(names({})).toEqual(['Carts', 'Choir', 'Nurses', 'Staff 9', 'Staff 10'])
  expect(names({ turned: true })[0]).toBe('Staff 10')
  expect(names({ sort: 'members' }).slice(0, 3)).toEqual(['Carts', 'Nurses', 'Choir'])
  expect(names({ text: 'nursing' })).toEqual(['Nurses'])
  expect(names({ of: 'device' })).toEqual(['Carts'])
  expect([names({ how: 'rule' }), names({ how: 'hand' }), names({ how: 'source' })]).toEqual([
    ['Nurses'],
    ['Carts', 'Choir'],
    ['Staff 9', 'Staff 10'],
  ])
  expect(groups.map(howKept)).toEqual(['hand', 'hand', 'rule', 'source', 'source'])
})

test('a group’s page has the tree of nested groups, cut where a ring closes, and those around it', async () => {
  const desk = createDesk()
  furnish(desk.server)
  put(desk, [
    [aGroup('school', 'user', { groups: [idOf('north'), idOf('south')] }), []],
    [aGroup('north', 'user', { groups: [idOf('science')] }), []],
    [aGroup('south', 'user', { groups: [idOf('science'), idOf('tablets'), idOf('nowhere')] }), []],
    [aGroup('science', 'user', { groups: [idOf('labs')] }), []],
    [aGroup('labs', 'user', { groups: [idOf('school')] }), []],
    [aGroup('tablets', 'device'), []],
  ])
  const tab = desk.openTab()
  const { tree, around } = await page(desk, tab, idOf('school'))
  expect(tree.map(({ group, depth, cut }) => [group.name, depth, cut])).toEqual([
    ['north', 1, undefined],
    ['science', 2, undefined],
    ['labs', 3, undefined],
    ['school', 4, 'ring'],
    ['south', 1, undefined],
    ['science', 2, 'above'],
  ])
  expect(around.map(({ group, direct }) => [group.name, direct])).toEqual([
    ['labs', true],
    ['north', false],
    ['science', false],
    ['south', false],
  ])
  expect(await looked(desk, () => groupPage(sourcesOf(desk, tab), idOf('nowhere')))).toBeUndefined()
})

test('members are shown with the way that leads to them, own ones alone, and found by what is known of them', async () => {
  const desk = createDesk()
  furnish(desk.server)
  putPrincipals(desk.server, [person(101, 'Ana Ruiz'), person(102, 'Ben Ott'), person(103, 'Cleo Park')])
  const outer = aGroup('outer', 'user', { groups: [idOf('middle')] })
  put(desk, [
    [outer, [101]],
    [aGroup('middle', 'user', { groups: [idOf('inner'), idOf('outer')] }), [101, 102]],
    [aGroup('inner'), [102, 103]],
  ])
  const tab = desk.openTab()
  const shown = async (text: string, transitive = true) => {
    const read = await looked(desk, () => groupMembers(sourcesOf(desk, tab), outer, { text, transitive }))
    return read.slice(0, read.length).map(({ principal, through }) => [principal.name, ...through.map(({ name }) => name)].join(' < '))
  }
  expect(await shown('')).toEqual(['Ana Ruiz', 'Ben Ott < middle', 'Cleo Park < middle < inner'])
  expect(await shown('', false)).toEqual(['Ana Ruiz'])
  expect(await shown('cleo')).toEqual(['Cleo Park < middle < inner'])
  expect(await shown('nobody')).toEqual([])
})

test('assignments that name the group or one around it are listed, and a person’s page tells what reaches them through a nested group', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  putPrincipals(desk.server, [device(201, 'SER201', 'Cart 1')])
  put(desk, [
    [aGroup('outer', 'device', { groups: [idOf('inner')] }), []],
    [aGroup('inner', 'device'), [201]],
  ])
  const tab = desk.openTab()
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('gouter')], mode: 'include', intent: 'required', licenseType: 'device' })
  await desk.settle()
  const { namedBy } = await page(desk, tab, idOf('inner'))
  expect(namedBy.map(({ license, through }) => [license.id, through?.name])).toEqual([[keynote, 'outer']])
  const tally = await looked(desk, () => tallyOf(tab.foretelling, must(namedBy[0]), desk.clock.now()))
  expect(must(tally).pending + must(tally).placed + must(tally).waiting).toBe(1)
  const theirs = must(await looked(desk, () => principalPage(sourcesOf(desk, tab), principalIdOf('device', 201))))
  expect([...theirs.wished.map(({ license }) => license.id), ...theirs.seats.map(({ license }) => license.id)]).toEqual([keynote])
})

test('a rule is counted on this device as the server would judge, devices by their owner', async () => {
  const desk = createDesk()
  furnish(desk.server)
  const withDepartment = (row: Principal, department: string, left: string | null = null): Principal =>
    isUser(row) ? { ...row, department, left } : row
  const tablet = device(203, 'SER203', 'Hers')
  putPrincipals(desk.server, [
    withDepartment(person(201, 'Ana Ruiz'), 'Nursing'),
    withDepartment(person(202, 'Ben Ott'), 'nursing', '2026-11-20T08:00:00.000Z'),
    isUser(tablet) ? tablet : { ...tablet, ownerId: principalIdOf('user', 201) },
  ])
  const tab = desk.openTab()
  const match = (kind: PrincipalKind, given: GroupRule) => looked(desk, () => ruleMatch(sourcesOf(desk, tab), kind, given))
  expect(await match('user', rule('Nursing'))).toEqual({ count: 1, some: ['Ana Ruiz'] })
  expect(await match('device', rule('NURSING', 'ownerDepartment'))).toEqual({ count: 1, some: ['Hers'] })
  expect(await match('user', rule('Surgery'))).toEqual({ count: 0, some: [] })
})

test('acts on groups are calls of the API, and what is refused comes back in words', async () => {
  const asked: unknown[] = []
  let answer: () => Response = () => new Response(null, { status: 204 })
  const acts = createGroupActs(
    createRequest(async (path, init) => {
      asked.push([init.method, path, typeof init.body === 'string' ? JSON.parse(init.body) : undefined])
      return answer()
    }),
  )
  const g1 = idOf('g1')
  const u1 = principalIdOf('user', 1)
  answer = () => Response.json({ id: 'fresh' }, { status: 201 })
  expect(await acts.add({ name: 'A', kind: 'user', rule: rule('x') })).toEqual({ ok: true, value: 'fresh' })
  answer = () => Response.json({}, { status: 200 })
  expect((await acts.add({ name: 'A', kind: 'user' })).ok).toBe(false)
  await acts.change(g1, { rule: null })
  await acts.changeMembers(g1, { add: [u1, idOf('g2')] })
  answer = () =>
    new Response(JSON.stringify({ status: 409, code: 'group-in-use', detail: 'In use.' }), {
      status: 409,
      headers: { 'content-type': 'application/problem+json' },
    })
  expect(await acts.remove(g1)).toMatchObject({ ok: false, error: { is: 'refused', code: 'group-in-use', text: 'In use.' } })
  expect(asked).toEqual([
    ['POST', '/api/v1/groups', { name: 'A', kind: 'user', rule: rule('x') }],
    ['POST', '/api/v1/groups', { name: 'A', kind: 'user' }],
    ['PATCH', '/api/v1/groups/g1', { rule: null }],
    ['PATCH', '/api/v1/groups/g1/members', { add: ['u1', 'g2'] }],
    ['DELETE', '/api/v1/groups/g1', undefined],
  ])
})
