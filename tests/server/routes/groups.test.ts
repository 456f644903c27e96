/** Groups over the API: nested, made by a rule, and what stands in the way. */
import { expect, test } from 'vitest'
import { keynote, openDesk, openSchool, type School } from './desk.ts'

const openTree = async () => {
  const school = await openSchool()
  const make = async (name: string, kind = 'device', more: object = {}): Promise<string> => {
    const made = await school.post('groups', { name, kind, ...more })
    if (made.status !== 201) throw new Error(made.text)
    return String(made.body.id)
  }
  const put = (group: string, members: readonly unknown[]) => school.ask('PUT', `groups/${group}/members`, { body: { members } })
  const change = (group: string, body: object) => school.ask('PATCH', `groups/${group}/members`, { body })
  return { ...school, make, put, change }
}
const namesIn = async (school: Pick<School, 'get'>, group: string, transitive = true): Promise<readonly string[]> =>
  (await school.get(`groups/${group}/members?transitive=${transitive}`)).body.items.map(
    ({ key, through }: { key: string; through: readonly { name: string }[] }) => [key, ...through.map(({ name }) => name)].join(' < '),
  )

test('groups nest, and everybody is answered with the way that leads to them', async () => {
  await using school = await openTree()
  const [a, b, c] = [await school.idOf('devices', 'C02A'), await school.idOf('devices', 'C02B'), await school.idOf('devices', 'C02C')]
  const outer = await school.make('Campus')
  const middle = await school.make('House')
  const inner = await school.make('Floor')
  expect((await school.put(inner, [c, b])).status).toBe(200)
  // What was read can be put back as it is.
  expect((await school.put(middle, [{ id: inner }, b])).body).toMatchObject({ memberCount: 1, groups: [inner], transitiveMemberCount: 2 })
  expect((await school.put(outer, [a, middle])).body).toMatchObject({ memberCount: 1, groups: [middle], transitiveMemberCount: 3 })
  expect(await namesIn(school, outer)).toEqual(['C02A', 'C02B < House', 'C02C < House < Floor'])
  expect(await namesIn(school, outer, false)).toEqual(['C02A'])
  const { items } = (await school.get('groups?limit=50')).body
  expect(items.find(({ id }: { id: string }) => id === outer)).toMatchObject({ memberCount: 1, transitiveMemberCount: 3 })
  expect((await school.get(`groups?within=${outer}`)).body.items.map(({ id }: { id: string }) => id)).toEqual([middle])
  // Put in and taken out one by one.
  expect((await school.change(outer, { add: [c, inner], remove: [a, middle] })).body).toMatchObject({ memberCount: 1, groups: [inner] })
  expect(await namesIn(school, outer)).toEqual(['C02B < Floor', 'C02C'])
  expect((await school.change(outer, { remove: [inner, inner, 'd99999'] })).body.groups).toBeUndefined()
})

test('a group inside itself is refused, directly and through others, with the way round', async () => {
  await using school = await openTree()
  const [a, b, c] = [await school.make('A'), await school.make('B'), await school.make('C')]
  expect((await school.put(a, [a])).body).toMatchObject({ status: 409, code: 'group-in-itself', path: [{ id: a, name: 'A' }] })
  await school.put(a, [b])
  await school.put(b, [c])
  const refused = (await school.change(c, { add: [a] })).body
  expect(refused).toMatchObject({ status: 409, code: 'group-in-itself', path: [{ name: 'A' }, { name: 'B' }, { name: 'C' }] })
  expect(refused.detail).toContain('A contains B, which contains C.')
  expect((await school.get(`groups/${c}`)).body.groups).toBeUndefined()
})

test('members of the other kind and groups that nobody knows are refused by their ids, and nothing changes', async () => {
  await using school = await openTree()
  const devices = await school.make('Devices')
  const teachers = await school.idOf('groups', 'Teachers')
  const ana = await school.idOf('users', 'ana')
  const refused = (await school.put(devices, [teachers, ana, 'nowhere', 'd99999'])).body
  expect(refused).toMatchObject({ status: 422, code: 'members-unknown' })
  expect(refused.errors.map(({ text }: { text: string }) => text)).toEqual(
    [teachers, ana, 'nowhere', 'd99999'].map((id) => `${id} is not known`),
  )
  expect((await school.put(devices, ['NOT AN ID'])).body).toMatchObject({ code: 'members-unknown' })
  expect((await school.put(devices, [{ name: 'x' }])).body).toMatchObject({ status: 400, code: 'request-malformed' })
  expect((await school.change(devices, { put: [] })).body).toMatchObject({ status: 400 })
  expect((await school.get(`groups/${devices}`)).body).toMatchObject({ memberCount: 0 })
})

test('a group that assignments reach through another is not removed; without them it goes, also out of the other', async () => {
  await using school = await openTree()
  const license = await school.idOf('licenses', keynote)
  const outer = await school.make('Campus')
  const inner = await school.make('House')
  await school.put(inner, [await school.idOf('devices', 'C02A')])
  await school.put(outer, [inner])
  const assigned = await school.post('assignments', { licenseId: license, target: { kind: 'group', id: outer }, licenseType: 'device' })
  expect(assigned.status).toBe(201)
  await school.settle()
  // Who is in the nested group is served.
  expect((await school.get(`licenses/${license}/seats`)).body.items.length).toBe(1)
  expect((await school.ask('DELETE', `groups/${inner}`)).body).toMatchObject({ status: 409, code: 'group-in-use', licenses: [license] })
  await school.put(outer, [])
  expect((await school.ask('DELETE', `groups/${inner}`)).status).toBe(204)

  const other = await school.make('Annex')
  await school.put(other, [await school.make('Cellar')])
  const cellar = (await school.get(`groups/${other}`)).body.groups[0]
  expect((await school.ask('DELETE', `groups/${cellar}`)).status).toBe(204)
  expect((await school.get(`groups/${other}`)).body.groups).toBeUndefined()
  const { items: audit } = (await school.get('audit?limit=20')).body
  expect(
    audit.find(({ action, object }: { action: string; object: string }) => action === 'group.removed' && object === cellar),
  ).toMatchObject({
    detail: { takenOutOf: [other] },
  })
})

const maths = { match: 'all', conditions: [{ field: 'department', test: 'is', value: ' maths' }] }

test('a rule fills a group at once, and keeps it in step as people change and leave', async () => {
  await using school = await openTree()
  const made = await school.post('groups', { name: 'Mathematicians', kind: 'user', rule: maths })
  expect(made.body).toMatchObject({
    memberCount: 1,
    transitiveMemberCount: 1,
    rule: { match: 'all', conditions: [{ field: 'department', test: 'is', value: 'maths' }] },
  })
  const group: string = made.body.id
  expect(await namesIn(school, group)).toEqual(['ana'])
  const users = 'userName,displayName,email,department,active,managedAppleAccount\n'
  await school.ask('POST', 'directory/import?kind=users', {
    csv: `${users}ben,Ben,,Maths,true,\ncleo,Cleo,,MATHS,true,\nana,Ana,,Arts,true,\n`,
  })
  await school.settle(1_000)
  expect(await namesIn(school, group)).toEqual(['ben', 'cleo'])
  expect((await school.get(`groups/${group}`)).body.memberCount).toBe(2)
  await school.ask('DELETE', `users/${await school.idOf('users', 'cleo')}`)
  await school.settle(1_000)
  expect(await namesIn(school, group)).toEqual(['ben'])
})

test('devices follow when the department of their owner changes, and when the owner does', async () => {
  await using school = await openTree()
  const group = await school.make('Maths devices', 'device', {
    rule: { match: 'all', conditions: [{ field: 'ownerDepartment', test: 'is', value: 'Maths' }] },
  })
  expect(await namesIn(school, group)).toEqual(['C02A'])
  const ana = await school.idOf('users', 'ana')
  await school.ask('PATCH', `users/${ana}`, { body: { department: 'Arts' } })
  await school.settle(1_000)
  expect(await namesIn(school, group)).toEqual([])
  await school.ask('PATCH', `users/${await school.idOf('users', 'ben')}`, { body: { department: 'Maths' } })
  await school.ask('PATCH', `devices/${await school.idOf('devices', 'C02B')}`, { body: { ownerId: await school.idOf('users', 'ben') } })
  await school.settle(1_000)
  expect(await namesIn(school, group)).toEqual(['C02B'])
})

test('who comes in by a rule is served by the assignment of the group', async () => {
  await using school = await openTree()
  const license = await school.idOf('licenses', keynote)
  const group = await school.make('iPads named 4', 'device', {
    rule: { match: 'all', conditions: [{ field: 'name', test: 'ends', value: '4' }] },
  })
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: group }, licenseType: 'device' })
  await school.settle()
  const holders = async (): Promise<readonly string[]> =>
    (await school.get(`licenses/${license}/seats`)).body.items.map(({ principal }: { principal: { key: string } }) => principal.key).sort()
  expect(await holders()).toEqual(['C02D'])
  await school.ask('PATCH', `devices/${await school.idOf('devices', 'C02A')}`, { body: { name: 'Cart 4' } })
  await school.settle()
  expect(await holders()).toEqual(['C02A', 'C02D'])
})

test('a group made by a rule takes no members by hand, and says so; without its rule it keeps who is in', async () => {
  await using school = await openTree()
  const group = await school.make('Mathematicians', 'user', { rule: maths })
  const ben = await school.idOf('users', 'ben')
  for (const answer of [await school.put(group, [ben]), await school.change(group, { add: [ben] })])
    expect(answer.body).toMatchObject({ status: 409, code: 'rule-made' })
  const csv = await school.ask('POST', 'directory/import?kind=memberships', { csv: 'group,member\nMathematicians,ben\n' })
  expect(csv.body).toMatchObject({ code: 'rows-refused', errors: [{ row: 2, field: 'group' }] })
  // Another rule: others are in.
  const arts = { match: 'any', conditions: [{ field: 'department', test: 'begins', value: 'ar' }] }
  expect((await school.ask('PATCH', `groups/${group}`, { body: { rule: arts } })).body).toMatchObject({ memberCount: 1 })
  expect(await namesIn(school, group)).toEqual(['ben'])
  expect((await school.ask('PATCH', `groups/${group}`, { body: { rule: null } })).body.rule).toBeUndefined()
  expect(await namesIn(school, group)).toEqual(['ben'])
  expect((await school.change(group, { add: [await school.idOf('users', 'ana')] })).body).toMatchObject({ memberCount: 2 })
  // A group kept by hand is given a rule; who does not fit goes out.
  expect((await school.ask('PATCH', `groups/${group}`, { body: { rule: maths } })).body).toMatchObject({ memberCount: 1 })
})

test('a rule that can not be is refused at the door with the place, and one for a group with groups in it too', async () => {
  await using school = await openTree()
  const send = async (rule: unknown, kind = 'user') => (await school.post('groups', { name: 'X', kind, rule })).body
  expect(await send({ match: 'all', conditions: [] })).toMatchObject({ status: 400, errors: [{ field: 'rule.conditions' }] })
  expect(await send({ match: 'some', conditions: maths.conditions })).toMatchObject({ status: 400 })
  expect(await send({ match: 'all', conditions: [{ field: 'shoeSize', test: 'is', value: '' }] })).toMatchObject({ status: 400 })
  expect(await send({ match: 'all', conditions: [{ field: 'department', test: 'is', value: 'x'.repeat(257) }] })).toMatchObject({
    status: 400,
  })
  expect(await send({ match: 'all', conditions: [{ field: 'department', test: 'is', value: 'a\nb' }] })).toMatchObject({ status: 400 })
  expect(await send(maths, 'device')).toMatchObject({ status: 422, code: 'rule-unfit', errors: [{ field: 'rule.conditions.0' }] })
  expect(await send({ match: 'all', conditions: [{ field: 'email', test: 'contains', value: ' ' }] })).toMatchObject({
    status: 422,
    code: 'rule-unfit',
    errors: [{ field: 'rule.conditions.0' }],
  })
  expect(await send({ match: 'all', conditions: Array.from({ length: 21 }, () => maths.conditions[0]) })).toMatchObject({ status: 400 })
  const outer = await school.make('Outer', 'user')
  await school.put(outer, [await school.idOf('groups', 'Teachers')])
  expect((await school.ask('PATCH', `groups/${outer}`, { body: { rule: maths } })).body).toMatchObject({
    status: 409,
    code: 'rule-with-groups',
    groups: [{ name: 'Teachers' }],
  })
  expect((await school.ask('PATCH', `groups/${outer}`, { body: {} })).body).toMatchObject({ status: 400 })
  const made = await school.make('Mathematicians', 'user', { rule: maths })
  // A group made by a rule may be nested in others.
  expect((await school.change(outer, { add: [made] })).status).toBe(200)
})

test('a file puts groups into groups where no person or device has that name, and tells what can not be', async () => {
  await using school = await openTree()
  const send = async (rows: string, options = '') =>
    (await school.ask('POST', `directory/import?kind=memberships${options}`, { csv: `group,member\n${rows}` })).body
  await school.ask('POST', 'directory/import?kind=groups', { csv: 'name,kind\nAll,user\nStaff,user\nana,user\nCarts,device\n' })
  expect(await send('All,staff\nStaff,Teachers\n')).toMatchObject({ read: 2, created: 2, errors: [] })
  expect(await namesIn(school, await school.idOf('groups', 'All'))).toEqual(['ana < Staff < Teachers', 'ben < Staff < Teachers'])
  expect(await send('All,Staff\nAll,ben\n')).toMatchObject({ created: 1, unchanged: 1 })
  const refused = await send('All,ana\nTeachers,All\nStaff,Carts\nStaff,Staff\nAll,nobody\n')
  expect(refused.code).toBe('rows-refused')
  expect(refused.errors.map(({ row, text }: { row: number; text: string }) => [row, text.split('. ')[0]])).toEqual([
    [2, 'ana is a person and a group as well, and it can’t be told which is meant'],
    [3, 'Teachers is in All already, directly or through others'],
    [4, 'Carts is a group of devices, and Staff one of people'],
    [5, 'Staff can’t be a member of itself.'],
    [6, 'No person with the user name nobody is known, and no group of this name'],
  ])
  // A ring that the rows of one file would make together.
  await school.ask('POST', 'directory/import?kind=groups', { csv: 'name,kind\nR1,user\nR2,user\n' })
  expect((await send('R1,R2\nR2,R1\n')).errors).toMatchObject([{ row: 3, field: 'member' }])
})

test('who may only read sees groups and changes none', async () => {
  await using desk = await openDesk()
  const reader = await desk.keyFor('reader')
  const made = await desk.post('groups', { name: 'A', kind: 'user' })
  expect((await desk.ask('GET', `groups/${made.body.id}`, { as: reader })).status).toBe(200)
  for (const [method, path, body] of [
    ['POST', 'groups', { name: 'B', kind: 'user' }],
    ['PATCH', `groups/${made.body.id}`, { name: 'C' }],
    ['PATCH', `groups/${made.body.id}/members`, { add: [] }],
    ['PUT', `groups/${made.body.id}/members`, { members: [] }],
  ] as const)
    expect((await desk.ask(method, path, { body, as: reader })).status).toBe(403)
})
