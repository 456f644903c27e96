/** What Entra ID's provisioning service sends, in the order in which it sends it: by default, and with the SCIM flag. */
import { describe, expect, test } from 'vitest'
import { coreGroup, core, enterprise, errorMessage, listResponse, openScimDesk, patchOp } from './scim-desk.ts'

const guid = '3f1c2e9a-8d0b-4f5e-9a51-6a2f3c1b7d10'

const newUser = (mailNickname: string, externalId: string) => ({
  schemas: [core, enterprise],
  externalId,
  userName: `${mailNickname}@contoso.example`,
  active: true,
  addresses: null,
  displayName: 'Ana Maier',
  emails: [{ primary: true, type: 'work', value: `${mailNickname}@contoso.example` }],
  meta: { resourceType: 'User' },
  name: { formatted: 'Ana Maier', familyName: 'Maier', givenName: 'Ana' },
  phoneNumbers: null,
  roles: [],
  title: null,
  [enterprise]: { department: 'Maths', employeeNumber: '7', manager: null },
})

const newGroup = (displayName: string) => ({
  schemas: [coreGroup, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
  externalId: guid,
  displayName,
  meta: { resourceType: 'Group' },
})

/** How one and the same thing is said in the two dialects. */
const dialects = [
  {
    name: 'by default',
    query: '',
    disable: { op: 'Replace', path: 'active', value: 'False' },
    restore: { op: 'Replace', path: 'active', value: 'True' },
    change: [
      { op: 'Replace', path: 'displayName', value: 'Ana Oduya' },
      { op: 'Add', path: 'name.familyName', value: 'Oduya' },
      { op: 'Replace', path: `${enterprise}:department`, value: 'Arts' },
      { op: 'Add', path: `${enterprise}:employeeNumber`, value: '8' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'ana.oduya@contoso.example' },
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+49 (30) 1234-5' },
      { op: 'Add', path: 'addresses[type eq "work"].country', value: 'DE' },
    ],
    addMember: (id: string) => ({ op: 'Add', path: 'members', value: [{ $ref: null, value: id }] }),
    removeMember: (id: string) => ({ op: 'Remove', path: 'members', value: [{ $ref: null, value: id }] }),
    managers: [(id: string) => ({ op: 'Add', path: `${enterprise}:manager`, value: [{ $ref: null, value: id }] })],
    role: { op: 'Add', path: 'roles', value: [{ value: '{"id":"1","value":"Admin","displayName":"Admin"}' }] },
    roleValue: '{"id":"1","value":"Admin","displayName":"Admin"}',
  },
  {
    name: 'with the flag',
    query: 'aadOptscim062020&',
    disable: { op: 'replace', path: 'active', value: false },
    restore: { op: 'replace', path: 'active', value: true },
    change: [
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'ana.oduya@contoso.example' },
      { op: 'add', path: 'phoneNumbers[type eq "mobile"].value', value: '+49 (30) 1234-5' },
      { op: 'add', path: 'addresses[type eq "work"].country', value: 'DE' },
      {
        op: 'replace',
        value: {
          displayName: 'Ana Oduya',
          'name.familyName': 'Oduya',
          [`${enterprise}:employeeNumber`]: '8',
          [`${enterprise}:department`]: 'Arts',
        },
      },
    ],
    addMember: (id: string) => ({ op: 'add', path: 'members', value: [{ value: id }] }),
    removeMember: (id: string) => ({ op: 'remove', path: `members[value eq "${id}"]` }),
    managers: [(id: string) => ({ op: 'add', path: `${enterprise}:manager`, value: { value: id } })],
    role: {
      op: 'add',
      path: 'roles',
      value: [{ primary: true, type: 'WindowsAzureActiveDirectoryRole', value: 'Admin' }],
    },
    roleValue: 'Admin',
  },
] as const

describe.each(dialects)('Entra ID $name', (dialect) => {
  test('a whole cycle: tested, matched, made, changed, grouped, disabled, restored and deleted', async () => {
    await using desk = await openScimDesk()
    const get = (path: string, filter: string, more = '') =>
      desk.scim('GET', `${path}?${dialect.query}${more}filter=${encodeURIComponent(filter)}`)
    const send = (path: string, ...Operations: readonly object[]) =>
      desk.scim('PATCH', `${path}?${dialect.query}`, {
        body: { schemas: [patchOp], Operations },
        type: 'application/scim+json; charset=utf-8',
      })

    // Test connection: nobody is called like that, and that is no error.
    const probe = await get('/Users', `userName eq "${guid}"`)
    expect(probe.status).toBe(200)
    expect(probe.headers.get('content-type')).toBe('application/scim+json')
    expect(probe.body).toEqual({ schemas: [listResponse], totalResults: 0, startIndex: 1, itemsPerPage: 0, Resources: [] })

    // Match, and make.
    expect((await get('/Users', 'userName eq "ana@contoso.example"')).body.totalResults).toBe(0)
    const made = await desk.scim('POST', `/Users?${dialect.query}`, { body: newUser('ana', guid) })
    expect(made.status).toBe(201)
    const id: string = made.body.id
    expect(made.headers.get('location')).toBe(`http://localhost:8787/scim/v2/Users/${id}`)
    expect(made.body).toMatchObject({ id, userName: 'ana@contoso.example', externalId: guid, active: true, displayName: 'Ana Maier' })
    expect(made.body.phoneNumbers).toBeUndefined()
    expect((await desk.scim('POST', '/Users', { body: newUser('ANA', 'other') })).body).toMatchObject({
      schemas: [errorMessage],
      status: '409',
      scimType: 'uniqueness',
    })
    for (const filter of [
      'userName eq "Ana@Contoso.example"',
      `externalId eq "${guid}"`,
      'emails[type eq "work"].value eq "ANA@contoso.example"',
      `externalId eq "${guid}" and userName eq "ana@contoso.example"`,
    ])
      expect([filter, (await get('/Users', filter)).body.Resources.map((each: { readonly id: string }) => each.id)]).toEqual([filter, [id]])
    expect((await get('/Users', `externalId eq "${guid.toUpperCase()}"`)).body.totalResults).toBe(0)

    // Change: values come back as they were sent.
    const changed = await send(`/Users/${id}`, ...dialect.change)
    expect(changed.status).toBe(200)
    expect(changed.body).toMatchObject({
      displayName: 'Ana Oduya',
      name: { familyName: 'Oduya', givenName: 'Ana' },
      emails: [{ primary: true, type: 'work', value: 'ana.oduya@contoso.example' }],
      phoneNumbers: [{ type: 'mobile', value: '+49 (30) 1234-5' }],
      addresses: [{ type: 'work', country: 'DE' }],
      [enterprise]: { department: 'Arts', employeeNumber: '8' },
    })
    expect((await desk.get(`users/${id}`)).body).toMatchObject({
      userName: 'ana@contoso.example',
      displayName: 'Ana Oduya',
      email: 'ana.oduya@contoso.example',
      department: 'Arts',
      sources: ['scim'],
      left: null,
    })

    // Sent again, it changes nothing.
    const again = await send(`/Users/${id}`, ...dialect.change)
    expect(again.body).toEqual(changed.body)

    // A role elsewhere makes nobody an administrator here.
    expect((await send(`/Users/${id}`, dialect.role)).body.roles).toMatchObject([{ value: dialect.roleValue }])
    expect((await desk.get('admins')).body.items).toEqual([])

    // The manager comes last.
    const boss: string = (await desk.scim('POST', '/Users', { body: newUser('boss', 'b-1') })).body.id
    expect((await get('/Users', `id eq "${id}" and manager eq "${boss}"`)).body.totalResults).toBe(0)
    for (const manager of dialect.managers) expect((await send(`/Users/${id}`, manager(boss))).status).toBe(200)
    expect((await get('/Users', `id eq "${id}" and manager eq "${boss}"`)).body.totalResults).toBe(1)

    // Groups.
    expect((await get('/Groups', 'displayName eq "Teachers"', 'excludedAttributes=members&')).body.totalResults).toBe(0)
    const group = await desk.scim('POST', '/Groups', { body: newGroup('Teachers') })
    expect(group.status).toBe(201)
    expect(group.body.members).toEqual([])
    const path = `/Groups/${group.body.id}`
    expect((await desk.scim('GET', `${path}?excludedAttributes=members`)).body.members).toBeUndefined()
    const added = await send(path, dialect.addMember(id), dialect.addMember(boss))
    expect([added.status, added.text]).toEqual([204, ''])
    expect((await send(path, dialect.addMember(id))).status).toBe(204)
    expect(await desk.membersOf(group.body.id)).toEqual([id, boss].sort())
    expect((await get('/Groups', `id eq "${group.body.id}" and members eq "${boss}"`, 'excludedAttributes=members&')).body).toMatchObject({
      totalResults: 1,
      Resources: [{ id: group.body.id }],
    })
    expect((await send(path, dialect.removeMember(boss))).status).toBe(204)
    expect((await send(path, dialect.removeMember(boss))).status).toBe(204)
    expect(await desk.membersOf(group.body.id)).toEqual([id])
    expect((await send(path, { op: 'Replace', path: 'displayName', value: 'All teachers' })).status).toBe(204)
    expect((await desk.get(`groups/${group.body.id}`)).body).toMatchObject({ name: 'All teachers', memberCount: 1, sources: ['scim'] })

    // Disabled is not gone.
    expect((await send(`/Users/${id}`, dialect.disable)).body.active).toBe(false)
    expect((await get('/Users', 'userName eq "ana@contoso.example"')).body.Resources[0].active).toBe(false)
    expect((await desk.get(`users/${id}`)).body).toMatchObject({ active: false, left: null })
    expect((await send(`/Users/${id}`, dialect.restore)).body.active).toBe(true)

    // Deleted is: with us, as somebody who has left.
    expect((await desk.scim('DELETE', `/Users/${id}?${dialect.query}`)).status).toBe(204)
    expect((await desk.scim('GET', `/Users/${id}`)).status).toBe(404)
    expect((await desk.scim('DELETE', `/Users/${id}`)).status).toBe(404)
    expect((await desk.get(`users/${id}`)).body).toMatchObject({ userName: 'ana@contoso.example', left: expect.any(String), sources: [] })
    expect(await desk.membersOf(group.body.id)).toEqual([])

    // And comes back as the same person.
    expect((await desk.scim('POST', '/Users', { body: newUser('ana', guid) })).body.id).toBe(id)
    expect((await desk.get(`users/${id}`)).body).toMatchObject({ left: null, sources: ['scim'] })
  })
})

test('the manager is taken as a bare text, in a list and as an object, by its short and its whole name', async () => {
  await using desk = await openScimDesk()
  const ana = await desk.makeUser('ana')
  const boss = await desk.makeUser('boss', { displayName: 'The Boss' })
  for (const path of ['manager', `${enterprise}:manager`, `${enterprise}:manager.value`])
    for (const value of [boss, ...(path.endsWith('value') ? [] : [[{ value: boss, $ref: '../Users/x' }], { value: boss }])]) {
      const set = await desk.patch(`/Users/${ana}`, { op: 'Replace', path, value })
      expect([path, value, set.body[enterprise].manager]).toEqual([
        path,
        value,
        { value: boss, $ref: `http://localhost:8787/scim/v2/Users/${boss}` },
      ])
      expect((await desk.patch(`/Users/${ana}`, { op: 'Remove', path: 'manager' })).body[enterprise]).toBeUndefined()
    }
})

test('a role that is chosen by a boolean in quotes is made where there is none, and found again', async () => {
  await using desk = await openScimDesk()
  const ana = await desk.makeUser('ana')
  const path = 'roles[primary eq "True"].value'
  expect((await desk.patch(`/Users/${ana}`, { op: 'Add', path, value: 'Reader' })).body.roles).toEqual([{ primary: true, value: 'Reader' }])
  expect((await desk.patch(`/Users/${ana}`, { op: 'Replace', path, value: 'Writer' })).body.roles).toEqual([
    { primary: true, value: 'Writer' },
  ])
  expect((await desk.patch(`/Users/${ana}`, { op: 'Remove', path })).body.roles).toBeUndefined()
})

test('a single value that comes wrapped in a list is the value', async () => {
  await using desk = await openScimDesk()
  const ana = await desk.makeUser('ana')
  const answer = await desk.patch(`/Users/${ana}`, { op: 'Add', path: 'title', value: [{ $ref: null, value: 'Head' }] })
  expect(answer.body.title).toBe('Head')
})
