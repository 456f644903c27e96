/** What SCIM does to the directory: who is one person, who owns what, and what becomes of those who go. */
import { expect, test } from 'vitest'
import { createDirectory } from '../../../server/directory/directory.ts'
import { keynote } from '../routes/desk.ts'
import { core, coreGroup, enterprise, openScimDesk, openScimSchool } from './scim-desk.ts'

test('somebody known from a file is that very person, and each source keeps what it alone says', async () => {
  await using school = await openScimSchool()
  const known = await school.idOf('users', 'ana')
  // What a file made is not shown to a SCIM client before the client names the person.
  expect((await school.find('/Users', 'userName eq "ana"')).body.totalResults).toBe(0)
  expect((await school.scim('GET', `/Users/${known}`)).status).toBe(404)

  const made = await school.makeUser('ANA', { displayName: 'Ana from SCIM' })
  expect(made).toBe(known)
  expect((await school.get(`users/${known}`)).body).toMatchObject({
    userName: 'ana',
    displayName: 'Ana from SCIM',
    email: 'ana@school.example',
    department: 'Maths',
    sources: expect.arrayContaining(['csv', 'scim']),
  })
  // The client is told how the directory stands.
  expect((await school.scim('GET', `/Users/${known}`)).body).toMatchObject({
    userName: 'ANA',
    emails: [{ value: 'ana@school.example', type: 'work' }],
    [enterprise]: { department: 'Maths' },
  })
})

test('what the client says stands before a file, and what it does not say falls to the file', async () => {
  await using school = await openScimSchool()
  const id = await school.makeUser('ana', { displayName: 'From SCIM', [enterprise]: { department: 'Physics', division: 'North' } })
  const before = (await school.scim('GET', `/Users/${id}`)).body
  const csv = 'userName,displayName,email,department,active,managedAppleAccount\nana,From a file,new@school.example,Arts,false,\n'
  await school.ask('POST', 'directory/import?kind=users', { csv })
  const { body } = await school.scim('GET', `/Users/${id}`)
  expect(body).toMatchObject({
    displayName: 'From SCIM',
    active: true,
    emails: [{ value: 'new@school.example' }],
    [enterprise]: { department: 'Physics', division: 'North' },
  })
  expect(body.meta.version).not.toBe(before.meta.version)
  expect((await school.find('/Users', 'emails[type eq "work"].value eq "new@school.example"')).body.totalResults).toBe(1)
  await school.patch(`/Users/${id}`, { op: 'remove', path: `${enterprise}:department` }, { op: 'remove', path: 'displayName' })
  expect((await school.get(`users/${id}`)).body).toMatchObject({ displayName: 'From a file', active: true, department: 'Arts' })
  // Once the client names her no more, the file is her one source, and its word stands whole.
  await school.scim('DELETE', `/Users/${id}`)
  expect((await school.get(`users/${id}`)).body).toMatchObject({ displayName: 'From a file', active: false, left: null, sources: ['csv'] })
})

test('a PUT takes back what the client had said, and what a file says stands again', async () => {
  await using school = await openScimSchool()
  const id = await school.makeUser('ana', { displayName: 'Ana S.', title: 'Head' })
  expect((await school.get(`users/${id}`)).body.displayName).toBe('Ana S.')
  await school.scim('PUT', `/Users/${id}`, { body: { schemas: [core], userName: 'ana' } })
  expect((await school.get(`users/${id}`)).body).toMatchObject({
    displayName: 'Ana Maier',
    email: 'ana@school.example',
    department: 'Maths',
  })
})

test('to say what a file says too makes the client the one who says it', async () => {
  await using school = await openScimSchool()
  const id = await school.makeUser('ana')
  await school.patch(`/Users/${id}`, { op: 'replace', path: 'displayName', value: 'Ana Maier' })
  const csv = 'userName,displayName,email,department,active,managedAppleAccount\nana,Somebody else,,,,\n'
  await school.ask('POST', 'directory/import?kind=users', { csv })
  expect((await school.get(`users/${id}`)).body.displayName).toBe('Ana Maier')
})

test('what SCIM tells is not changed by hand, and what it does not tell is', async () => {
  await using school = await openScimSchool()
  const id = await school.makeUser('cleo', { displayName: 'Cleo' })
  const group = await school.makeGroup('Pupils', [id])
  for (const [method, path, body] of [
    ['PATCH', `users/${id}`, { displayName: 'x' }],
    ['DELETE', `users/${id}`, undefined],
    ['PATCH', `groups/${group}`, { name: 'x' }],
    ['PUT', `groups/${group}/members`, { members: [] }],
    ['DELETE', `groups/${group}`, undefined],
  ] as const)
    expect([method, path, (await school.ask(method, path, { ...(body && { body }) })).status]).toEqual([method, path, 409])
  expect((await school.get(`users/${id}`)).body).toMatchObject({ displayName: 'Cleo', sources: ['scim'], left: null })
  // What SCIM does not tell is a hand's to say, until it tells it.
  expect((await school.ask('PATCH', `users/${id}`, { body: { department: 'Arts' } })).body).toMatchObject({
    department: 'Arts',
    sources: ['scim', 'hand'],
  })
  await school.patch(`/Users/${id}`, { op: 'add', value: { [`${enterprise}:department`]: 'Physics' } })
  expect((await school.get(`users/${id}`)).body.department).toBe('Physics')
  expect((await school.ask('PATCH', `users/${id}`, { body: { department: 'Arts' } })).body).toMatchObject({
    code: 'owned-by-source',
    sources: ['scim'],
    fields: ['department'],
  })
})

test('after a new user name it is the same person, for files too, and stores keep the seats under the first', async () => {
  await using desk = await openScimDesk()
  const id = await desk.makeUser('ana.maier')
  const renamed = await desk.patch(`/Users/${id}`, { op: 'Replace', path: 'userName', value: 'Ana.Oduya' })
  expect([renamed.status, renamed.body.id, renamed.body.userName]).toEqual([200, id, 'Ana.Oduya'])
  expect((await desk.get(`users/${id}`)).body.userName).toBe('ana.maier')
  expect((await desk.find('/Users', 'userName eq "ana.oduya"')).body.totalResults).toBe(1)
  expect((await desk.find('/Users', 'userName eq "ana.maier"')).body.totalResults).toBe(0)

  const csv = 'userName,displayName,email,department,active,managedAppleAccount\nANA.ODUYA,Ana Oduya,,Maths,true,\n'
  expect((await desk.ask('POST', 'directory/import?kind=users', { csv })).body).toMatchObject({ created: 0, changed: 1 })
  expect((await desk.get('users')).body.items).toMatchObject([{ id, userName: 'ana.maier', displayName: 'Ana Oduya' }])

  // Her first name is not given to somebody else: her seats are under it.
  const other = await desk.scim('POST', '/Users', { body: { schemas: [core], userName: 'ana.maier' } })
  expect([other.status, other.body.scimType]).toEqual([409, 'uniqueness'])
  // And she can take it up again.
  expect((await desk.patch(`/Users/${id}`, { op: 'Replace', path: 'userName', value: 'ana.maier' })).status).toBe(200)
})

test('somebody who left under a later name is the same when a hand puts them in again, after a restart as well', async () => {
  await using desk = await openScimDesk()
  const id = await desk.makeUser('ana.maier')
  await desk.patch(`/Users/${id}`, { op: 'Replace', path: 'userName', value: 'ana.oduya' })
  await desk.scim('DELETE', `/Users/${id}`)
  // As after a restart: all that memory held is read anew from the database.
  const { journal } = desk.composed.house
  journal.store.forget()
  const anew = await createDirectory({ journal })
  for (const name of ['ANA.oduya', 'ana.maier']) expect(anew.ordinalOfKey('user', name)).toBe(Number(id.slice(1)))
  anew.close()
  const back = await desk.post('users', { userName: 'Ana.Oduya' })
  expect(back.body).toMatchObject({ id, userName: 'ana.maier', left: null, sources: ['hand'] })
})

test('a user name of somebody else is not taken over by renaming', async () => {
  await using school = await openScimSchool()
  const id = await school.makeUser('cleo')
  const answer = await school.patch(`/Users/${id}`, { op: 'replace', path: 'userName', value: 'Ben' })
  expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness'])
  expect((await school.scim('GET', `/Users/${id}`)).body.userName).toBe('cleo')
})

test('who is deleted has left with what they hold; who is disabled has not, and gets nothing new', async () => {
  await using school = await openScimSchool()
  const license = await school.idOf('licenses', keynote)
  const [ana, ben] = [await school.makeUser('ana'), await school.makeUser('ben')]
  // A file named both before. Only a directory that nobody else vouches for can make them leave.
  for (const id of [ana, ben]) {
    const assigned = await school.post('assignments', { licenseId: license, target: { kind: 'user', id }, licenseType: 'user' })
    expect(assigned.status).toBe(201)
  }
  const cleo = await school.makeUser('cleo', { externalId: 'c', phoneNumbers: [{ value: '555-0199', type: 'work' }] })
  school.store.registerUser(school.uId, { clientUserId: 'cleo', email: 'cleo@school.example' })
  await school.post(`connectors/${school.connectorId}/sync`)
  await school.settle()
  await school.post('assignments', { licenseId: license, target: { kind: 'user', id: cleo }, licenseType: 'user' })
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(3)

  await school.patch(`/Users/${ben}`, { op: 'replace', path: 'active', value: false })
  await school.scim('DELETE', `/Users/${ana}`)
  await school.scim('DELETE', `/Users/${cleo}`)
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(3)
  expect((await school.get(`users/${ana}`)).body).toMatchObject({ left: null, sources: expect.not.arrayContaining(['scim']) })
  expect((await school.get(`users/${ben}`)).body).toMatchObject({ left: null, active: false })
  expect((await school.get(`users/${cleo}`)).body).toMatchObject({ userName: 'cleo', left: expect.any(String) })
  expect((await school.get('users?left=true&holding=true')).body.items).toMatchObject([{ id: cleo }])
  // What the client had told beyond that is gone.
  const rows = await school.database.db.selectFrom('scim_resources').selectAll().execute()
  expect(JSON.stringify(rows)).not.toContain('555-0199')
})

test('a group that a file made is that very group, and keeps its members until the client takes them out', async () => {
  await using school = await openScimSchool()
  const known = await school.idOf('groups', 'Teachers')
  const ana = await school.makeUser('ana')
  const cleo = await school.makeUser('cleo')
  const ben = await school.idOf('users', 'ben')
  const made = await school.makeGroup('teachers', [cleo])
  expect(made).toBe(known)
  expect(await school.membersOf(known)).toEqual([ana, ben, cleo].sort())
  // Ben is in it and no user of SCIM; a change of something else does not stumble over him.
  expect((await school.patch(`/Groups/${known}`, { op: 'replace', value: { externalId: 'e-1' } })).status).toBe(204)
  expect(await school.membersOf(known)).toEqual([ana, ben, cleo].sort())
  await school.patch(`/Groups/${known}`, { op: 'remove', path: `members[value eq "${ben}"]` })
  expect(await school.membersOf(known)).toEqual([ana, cleo].sort())
  // Whom SCIM never named can't be put in by it.
  expect((await school.patch(`/Groups/${known}`, { op: 'add', path: 'members', value: [{ value: ben }] })).status).toBe(400)

  expect((await school.scim('DELETE', `/Groups/${known}`)).status).toBe(204)
  expect((await school.get(`groups/${known}`)).body).toMatchObject({ name: 'teachers', memberCount: 2, sources: ['csv'] })
  expect((await school.scim('GET', `/Groups/${known}`)).status).toBe(404)
})

test('a name that a group of devices has is taken', async () => {
  await using school = await openScimSchool()
  const answer = await school.scim('POST', '/Groups', { body: { schemas: [coreGroup], displayName: 'Tablets' } })
  expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness'])
  const pupils = await school.makeGroup('Pupils')
  expect((await school.patch(`/Groups/${pupils}`, { op: 'replace', path: 'displayName', value: 'TABLETS' })).status).toBe(409)
})

test('a deleted group that an assignment names stays, with its members, as one kept by hand', async () => {
  await using school = await openScimSchool()
  const license = await school.idOf('licenses', keynote)
  const cleo = await school.makeUser('cleo')
  const group = await school.makeGroup('Excluded', [cleo])
  const target = { kind: 'group', id: group }
  expect((await school.post('assignments', { licenseId: license, target, mode: 'exclude' })).status).toBe(201)
  expect((await school.scim('DELETE', `/Groups/${group}`)).status).toBe(204)
  expect((await school.get(`groups/${group}`)).body).toMatchObject({ memberCount: 1, sources: ['hand'] })
  // The client that makes it again finds it as it was.
  expect(await school.makeGroup('Excluded')).toBe(group)
  expect(await school.membersOf(group)).toEqual([cleo])
})

test('a change of members reaches who gets a license', async () => {
  await using school = await openScimSchool()
  const license = await school.idOf('licenses', keynote)
  const [ana, ben] = [await school.makeUser('ana'), await school.makeUser('ben')]
  const group = await school.makeGroup('Drama', [ana])
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: group }, licenseType: 'user' })
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(1)
  await school.patch(`/Groups/${group}`, { op: 'Add', path: 'members', value: [{ value: ben }] })
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(2)
})

test('the audit says who did what, by names of attributes and never by values; a repetition says nothing', async () => {
  await using desk = await openScimDesk()
  const id = await desk.makeUser('ana', { phoneNumbers: [{ value: '555-0199', type: 'work' }] })
  const change = { op: 'replace', value: { title: 'Secret title', active: false } }
  await desk.patch(`/Users/${id}`, change)
  await desk.patch(`/Users/${id}`, change)
  const group = await desk.makeGroup('G', [id])
  await desk.scim('DELETE', `/Users/${id}`)
  await desk.scim('DELETE', `/Groups/${group}`)
  const { body, text } = await desk.get('audit?limit=50')
  const told = body.items
    .filter(({ origin }: { readonly origin: string }) => origin === 'scim')
    .map(({ action, object, detail }: { readonly action: string; readonly object: string; readonly detail: unknown }) => ({
      action,
      object,
      detail,
    }))
  expect(told.reverse()).toEqual([
    { action: 'user.added', object: id, detail: { source: 'scim' } },
    { action: 'user.changed', object: id, detail: { source: 'scim', changed: ['active', 'title'] } },
    { action: 'group.added', object: group, detail: { source: 'scim', name: 'G', members: 1 } },
    { action: 'user.left', object: id, detail: { source: 'scim' } },
    { action: 'group.removed', object: group, detail: { source: 'scim', name: 'G', members: 0 } },
  ])
  expect(text).not.toMatch(/555-0199|Secret title/)
  expect((await desk.get('audit/verify')).body.ok).toBe(true)
})

test('a request is one act: it takes one number of facts together, or none', async () => {
  await using desk = await openScimDesk()
  const ids: string[] = []
  for (const name of ['ana', 'ben']) ids.push(await desk.makeUser(name))
  const group = await desk.makeGroup('G')
  const { journal } = desk.composed.house
  const commits: number[] = []
  const stop = journal.onFacts((facts) => void commits.push(facts.length))
  await desk.patch(
    `/Groups/${group}`,
    { op: 'replace', path: 'displayName', value: 'H' },
    { op: 'add', path: 'members', value: ids.map((value) => ({ value })) },
  )
  expect(commits).toHaveLength(1)
  const before = journal.seq()
  const refused = await desk.patch(
    `/Groups/${group}`,
    { op: 'replace', path: 'displayName', value: 'I' },
    { op: 'add', path: 'members', value: [{ value: 'u999' }] },
  )
  expect([refused.status, journal.seq()]).toEqual([400, before])
  expect((await desk.get(`groups/${group}`)).body.name).toBe('H')
  stop()
})
