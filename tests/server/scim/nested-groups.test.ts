/** Groups in groups over SCIM: as RFC 7643 says it, and as Entra ID and Okta send it. */
import { expect, test } from 'vitest'
import { keynote } from '../routes/desk.ts'
import { coreGroup, openScimDesk, openScimSchool } from './scim-desk.ts'

test('a group is a member as a user is: value, address and type are told, and a filter finds it', async () => {
  await using desk = await openScimDesk()
  const ana = await desk.makeUser('ana')
  const inner = await desk.makeGroup('Inner', [ana])
  const outer = await desk.makeGroup('Outer', [inner, ana])
  const told = (await desk.scim('GET', `/Groups/${outer}`)).body
  expect(told.members).toEqual([
    { value: ana, $ref: expect.stringMatching(new RegExp(`/scim/v2/Users/${ana}$`)), type: 'User' },
    { value: inner, $ref: expect.stringMatching(new RegExp(`/scim/v2/Groups/${inner}$`)), type: 'Group' },
  ])
  expect((await desk.find('/Groups', `members.value eq "${inner}"`)).body.Resources.map(({ id }: { id: string }) => id)).toEqual([outer])
  expect((await desk.find('/Groups', `id eq "${outer}" and members eq "${inner}"`)).body.totalResults).toBe(1)
  expect((await desk.find('/Groups', 'members.type eq "Group"')).body.totalResults).toBe(1)
  const { attributes } = (await desk.scim('GET', `/Schemas/${coreGroup}`)).body
  const members = attributes.find(({ name }: { name: string }) => name === 'members')
  expect(members.subAttributes.find(({ name }: { name: string }) => name === 'type').canonicalValues).toEqual(['User', 'Group'])
  expect(members.subAttributes.find(({ name }: { name: string }) => name === '$ref').referenceTypes).toEqual(['User', 'Group'])
  // In the directory.
  expect((await desk.get(`groups/${outer}`)).body).toMatchObject({ memberCount: 1, groups: [inner], transitiveMemberCount: 1 })
})

for (const { name, add, remove } of [
  {
    name: 'Entra ID by default',
    add: (id: string) => [{ op: 'Add', path: 'members', value: [{ $ref: null, value: id }] }],
    remove: (id: string) => [{ op: 'Remove', path: 'members', value: [{ value: id }] }],
  },
  {
    name: 'Entra ID with the SCIM flag',
    add: (id: string) => [{ op: 'add', path: 'members', value: [{ value: id }] }],
    remove: (id: string) => [{ op: 'remove', path: `members[value eq "${id}"]` }],
  },
  {
    name: 'Okta',
    add: (id: string) => [
      { op: 'replace', value: { id: 'okta', displayName: 'Outer' } },
      { op: 'add', path: 'members', value: [{ value: id, display: 'Inner' }] },
    ],
    remove: (id: string) => [
      { op: 'replace', value: { id: 'okta', displayName: 'Outer' } },
      { op: 'remove', path: `members[value eq "${id}"]` },
    ],
  },
])
  test(`${name} puts a group into a group and takes it out, also twice`, async () => {
    await using desk = await openScimDesk()
    const ana = await desk.makeUser('ana')
    const inner = await desk.makeGroup('Inner')
    const outer = await desk.makeGroup('Outer', [ana])
    const before = (await desk.scim('GET', `/Groups/${outer}`)).body.meta.version
    for (let time = 0; time < 2; time += 1) expect((await desk.patch(`/Groups/${outer}`, ...add(inner))).status).toBe(204)
    expect(await desk.membersOf(outer)).toEqual([inner, ana].sort())
    expect((await desk.scim('GET', `/Groups/${outer}`)).body.meta.version).not.toBe(before)
    for (let time = 0; time < 2; time += 1) expect((await desk.patch(`/Groups/${outer}`, ...remove(inner))).status).toBe(204)
    expect(await desk.membersOf(outer)).toEqual([ana])
    expect((await desk.scim('GET', `/Groups/${outer}`)).body.meta.version).toBe(before)
  })

test('Okta pushes all members anew, users and groups in one list; an empty list empties both', async () => {
  await using desk = await openScimDesk()
  const [ana, ben] = [await desk.makeUser('ana'), await desk.makeUser('ben')]
  const [one, two] = [await desk.makeGroup('One'), await desk.makeGroup('Two')]
  const outer = await desk.makeGroup('Outer', [ana, one])
  await desk.patch(`/Groups/${outer}`, { op: 'replace', path: 'members', value: [{ value: two }, { value: ben }] })
  expect(await desk.membersOf(outer)).toEqual([two, ben].sort())
  const put = (members?: readonly object[]) =>
    desk.scim('PUT', `/Groups/${outer}`, {
      body: { schemas: [coreGroup], displayName: 'Outer', ...(members === undefined ? {} : { members }) },
    })
  await put()
  expect(await desk.membersOf(outer)).toEqual([two, ben].sort())
  await put([])
  expect(await desk.membersOf(outer)).toEqual([])
})

test('a group that SCIM does not know is no member, and is named; nothing changes', async () => {
  await using school = await openScimSchool()
  const outer = await school.makeGroup('Outer')
  const byFile = await school.idOf('groups', 'Teachers')
  for (const value of [byFile, 'nowhere-at-all', 'd1', 'NOT AN ID']) {
    const refused = await school.patch(`/Groups/${outer}`, { op: 'add', path: 'members', value: [{ value }] })
    expect([refused.status, refused.body.scimType]).toEqual([400, 'invalidValue'])
    expect(refused.body.detail).toContain(value)
  }
  expect(await school.membersOf(outer)).toEqual([])
  // One that was nested by hand before the client named it is its own to take out.
  await school.ask('PATCH', `groups/${await school.idOf('groups', 'Teachers')}/members`, {
    body: { add: [(await school.post('groups', { name: 'Heads', kind: 'user' })).body.id] },
  })
  const teachers = await school.makeGroup('Teachers')
  const heads = await school.idOf('groups', 'Heads')
  expect(await school.membersOf(teachers)).toContain(heads)
  await school.patch(`/Groups/${teachers}`, { op: 'remove', path: `members[value eq "${heads}"]` })
  expect(await school.membersOf(teachers)).not.toContain(heads)
})

test('a client’s ring of groups is kept and survived: everybody in it is in each, and seats are given once', async () => {
  await using school = await openScimSchool()
  const [ana, ben] = [await school.makeUser('ana'), await school.makeUser('ben')]
  const one = await school.makeGroup('One', [ana])
  const two = await school.makeGroup('Two', [ben, one])
  expect((await school.patch(`/Groups/${one}`, { op: 'Add', path: 'members', value: [{ value: two }, { value: one }] })).status).toBe(204)
  expect(await school.membersOf(one)).toEqual([ana, one, two].sort())
  expect((await school.get(`groups/${one}`)).body.transitiveMemberCount).toBe(2)
  const everybody = (await school.get(`groups/${one}/members?transitive=true`)).body.items
  expect(
    everybody.map(({ id, through }: { id: string; through: readonly { id: string }[] }) => [id, through.map((step) => step.id)]),
  ).toEqual([
    [ana, []],
    [ben, [two]],
  ])
  const license = await school.idOf('licenses', keynote)
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: one }, licenseType: 'user' })
  await school.settle()
  expect((await school.get(`licenses/${license}/seats`)).body.items.length).toBe(2)
})

test('a deleted group goes out of those that contained it, and stays by hand while an assignment reaches it through another', async () => {
  await using school = await openScimSchool()
  const cleo = await school.makeUser('cleo')
  const inner = await school.makeGroup('Inner', [cleo])
  const free = await school.makeGroup('Free', [cleo])
  const outer = await school.makeGroup('Outer', [inner, free])
  const other = await school.makeGroup('Other', [free])
  await school.post('assignments', {
    licenseId: await school.idOf('licenses', keynote),
    target: { kind: 'group', id: outer },
    mode: 'exclude',
    licenseType: 'user',
  })
  await school.settle()
  expect((await school.scim('DELETE', `/Groups/${inner}`)).status).toBe(204)
  expect((await school.get(`groups/${inner}`)).body).toMatchObject({ memberCount: 1, sources: ['hand'] })
  expect(await school.membersOf(outer)).toEqual([inner, free].sort())
  await school.patch(`/Groups/${outer}`, { op: 'remove', path: `members[value eq "${free}"]` })
  expect((await school.scim('DELETE', `/Groups/${free}`)).status).toBe(204)
  expect(await school.membersOf(other)).toEqual([])
  expect((await school.get(`groups/${free}`)).status).toBe(404)
})

test('a name that a group made by a rule has is taken', async () => {
  await using school = await openScimSchool()
  await school.post('groups', {
    name: 'Maths',
    kind: 'user',
    rule: { match: 'all', conditions: [{ field: 'department', test: 'is', value: 'Maths' }] },
  })
  const refused = await school.scim('POST', '/Groups', { body: { schemas: [coreGroup], displayName: 'MATHS' } })
  expect([refused.status, refused.body.scimType]).toEqual([409, 'uniqueness'])
  expect(refused.body.detail).toContain('made by a rule')
})
