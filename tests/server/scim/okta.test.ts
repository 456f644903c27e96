/** What Okta sends: integrations made by hand speak PUT, those of its catalogue PATCH. */
import { expect, test } from 'vitest'
import { core, coreGroup, openScimDesk, patchOp } from './scim-desk.ts'

const headers = { accept: 'application/scim+json', 'user-agent': 'Okta SCIM Client 1.0.0' }
const type = 'application/scim+json; charset=utf-8'

const newUser = (userName: string, more: object = {}) => ({
  schemas: [core],
  userName,
  name: { givenName: 'Ana', familyName: 'Maier' },
  emails: [{ primary: true, value: userName, type: 'work' }],
  displayName: 'Ana Maier',
  locale: 'en-US',
  externalId: '00u1abc',
  groups: [],
  password: 'Canary-password-1',
  active: true,
  ...more,
})

test('a whole cycle: tested, made, replaced, pushed into groups, deactivated', async () => {
  await using desk = await openScimDesk()
  const ask = (method: string, path: string, body?: object) => desk.scim(method, path, { headers, type, ...(body && { body }) })

  expect((await ask('GET', '/Users?startIndex=1&count=2')).body.totalResults).toBe(0)
  expect((await ask('GET', '/Groups?startIndex=1&count=100')).body.totalResults).toBe(0)
  const exists = `/Users?filter=${encodeURIComponent('userName eq "ana@okta.example"')}&startIndex=1&count=100`
  expect((await ask('GET', exists)).body.Resources).toEqual([])

  const made = await ask('POST', '/Users', newUser('ana@okta.example'))
  expect(made.status).toBe(201)
  expect(made.body).toMatchObject({ userName: 'ana@okta.example', active: true, emails: [{ value: 'ana@okta.example' }] })
  expect(made.text).not.toContain('Canary-password-1')
  expect((await ask('POST', '/Users', newUser('ana@okta.example'))).status).toBe(409)
  const id: string = made.body.id

  // A group that is pushed: first empty, then with its name and its members in every request.
  expect((await ask('GET', `/Groups?filter=${encodeURIComponent('displayName eq "Staff"')}`)).body.totalResults).toBe(0)
  const group = await ask('POST', '/Groups', { schemas: [coreGroup], displayName: 'Staff', members: [] })
  expect(group.status).toBe(201)
  const groupId: string = group.body.id
  const ben: string = (await ask('POST', '/Users', newUser('ben@okta.example', { externalId: '00u2' }))).body.id
  const rename = { op: 'replace', value: { id: groupId, displayName: 'All staff' } }
  const push = (...Operations: readonly object[]) => ask('PATCH', `/Groups/${groupId}`, { schemas: [patchOp], Operations })
  expect((await push(rename, { op: 'add', path: 'members', value: [{ value: id, display: 'ana@okta.example' }] })).status).toBe(204)
  expect((await ask('GET', `/Groups/${groupId}`)).body).toMatchObject({ displayName: 'All staff', members: [{ value: id }] })
  expect(
    (
      await push(
        { op: 'remove', path: `members[value eq "${id}"]` },
        { op: 'add', path: 'members', value: [{ value: ben, display: 'ben' }] },
      )
    ).status,
  ).toBe(204)
  expect(await desk.membersOf(groupId)).toEqual([ben])
  expect((await push({ op: 'replace', path: 'members', value: [{ value: id }, { value: ben }] })).status).toBe(204)
  expect(await desk.membersOf(groupId)).toEqual([id, ben].sort())

  // The whole user is replaced; what Okta does not know of groups changes none.
  const read = (await ask('GET', `/Users/${id}`)).body
  const { groups: _, ...merged } = { ...read, groups: [], displayName: 'Ana M.', nickName: 'A', unknownThing: 7 }
  const replaced = await ask('PUT', `/Users/${id}`, merged)
  expect(replaced.status).toBe(200)
  expect(replaced.body).toMatchObject({ displayName: 'Ana M.', nickName: 'A', userName: 'ana@okta.example' })
  expect(await desk.membersOf(groupId)).toEqual([id, ben].sort())

  // An integration made by hand replaces the group as well.
  const { body: whole } = await ask('GET', `/Groups/${groupId}`)
  expect((await ask('PUT', `/Groups/${groupId}`, { ...whole, members: [{ value: ben, display: 'ben' }] })).status).toBe(200)
  expect(await desk.membersOf(groupId)).toEqual([ben])

  // Deactivated: by PUT, or by PATCH without a path.
  expect((await ask('PUT', `/Users/${id}`, { ...read, active: false })).body.active).toBe(false)
  const { displayName, ...silent } = read
  expect((await ask('PUT', `/Users/${id}`, { ...silent, displayName, active: undefined })).body.active).toBe(false)
  const activate = (active: boolean) =>
    ask('PATCH', `/Users/${id}`, { schemas: [patchOp], Operations: [{ op: 'replace', value: { active } }] })
  expect((await activate(true)).body.active).toBe(true)
  const off = await activate(false)
  expect([off.status, off.body.active]).toEqual([200, false])
  expect((await desk.get(`users/${id}`)).body).toMatchObject({ active: false, left: null })

  // Unlinked and deleted.
  expect((await ask('DELETE', `/Groups/${groupId}`)).status).toBe(204)
  expect((await ask('GET', `/Groups/${groupId}`)).status).toBe(404)
  expect((await desk.get(`groups/${groupId}`)).status).toBe(404)
})

test('an import reads page by page, each user once', async () => {
  await using desk = await openScimDesk()
  const made: string[] = []
  for (let n = 0; n < 25; n += 1) made.push(await desk.makeUser(`person-${n}`))
  const found: string[] = []
  for (let startIndex = 1; startIndex <= 25; startIndex += 10) {
    const { body } = await desk.scim('GET', `/Users?startIndex=${startIndex}&count=10`)
    expect([body.totalResults, body.startIndex, body.itemsPerPage]).toEqual([25, startIndex, startIndex === 21 ? 5 : 10])
    found.push(...body.Resources.map(({ id }: { readonly id: string }) => id))
  }
  expect(found.sort()).toEqual(made.sort())
})

test('a password that is set over SCIM is kept nowhere', async () => {
  await using desk = await openScimDesk()
  const id = await desk.makeUser('ana', { password: 'Canary-password-1' })
  const set = { op: 'replace', value: { password: 'Canary-password-2' } }
  expect((await desk.patch(`/Users/${id}`, set)).status).toBe(200)
  expect((await desk.patch(`/Users/${id}`, { op: 'replace', path: 'password', value: 'Canary-password-3' })).status).toBe(200)
  const rows = await desk.database.db.selectFrom('scim_resources').selectAll().execute()
  expect(JSON.stringify(rows) + desk.logged.join('\n')).not.toContain('Canary')
  expect(rows).toHaveLength(1)
})
