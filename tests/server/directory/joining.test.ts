/** One person known to several sources is one person, and an administrator sees and corrects it. */
import { expect, test } from 'vitest'
import { createDirectory } from '../../../server/directory/directory.ts'
import { nameNoMore, takeIn } from '../../../server/directory/taking-in.ts'
import { keynote } from '../routes/desk.ts'
import { core, openScimDesk, openScimSchool } from '../scim/scim-desk.ts'

const heads = 'userName,displayName,email,department,active,managedAppleAccount'
const quartermaster = 'urn:ietf:params:scim:schemas:extension:quartermaster:2.0:User'
type Desk = Awaited<ReturnType<typeof openScimDesk>>

const importUsers = async (desk: Desk, ...rows: readonly string[]) => {
  const { status, body } = await desk.ask('POST', 'directory/import?kind=users', { csv: `${heads}\n${rows.join('\n')}\n` })
  expect(status).toBe(200)
  return body
}
const people = async (desk: Desk) => (await desk.get('users?limit=100')).body.items
const sourcesOf = async (desk: Desk, id: string) => (await desk.get(`users/${id}/sources`)).body
const mail = (value: string) => [{ value, type: 'work', primary: true }]

test('a record is joined by user name, by managed account, or by a mail address that nobody else has; the page says by which', async () => {
  await using desk = await openScimDesk()
  await importUsers(
    desk,
    'ana,Ana,ana@x.example,Maths,,',
    'ben,Ben,,,,ben@appleid.x.example',
    'cleo,Cleo,office@x.example,,,',
    'dan,Dan,office@x.example,,,',
  )
  const [ana, ben] = (await people(desk)).map(({ id }: { readonly id: string }) => id)
  expect(await desk.makeUser('ana.maier', { emails: mail('ANA@x.example') })).toBe(ana)
  expect(await desk.makeUser('b.oduya', { [quartermaster]: { managedAppleAccount: 'Ben@appleid.x.example' } })).toBe(ben)
  // Two have this address: whose it is nobody can tell.
  const office = await desk.makeUser('office', { emails: mail('office@x.example') })
  expect(await people(desk)).toHaveLength(5)
  expect((await desk.get(`users/${office}`)).body).toMatchObject({ userName: 'office', sources: ['scim'] })
  expect((await desk.get(`users/${ana}`)).body).toMatchObject({ userName: 'ana', otherNames: ['ana.maier'], sources: ['csv', 'scim'] })
  expect((await sourcesOf(desk, ana)).records).toMatchObject([
    { source: 'csv', key: 'ana', joinedBy: { code: 'first' }, fields: { email: 'ana@x.example' }, stands: ['displayName', 'department'] },
    { source: 'scim', key: 'ana.maier', joinedBy: { code: 'mail' }, stands: ['email', 'active'], goneAt: null },
  ])
  expect((await sourcesOf(desk, ben)).records[1]).toMatchObject({ joinedBy: { code: 'managed-account' } })
  // By either name it is that person from now on.
  expect(await importUsers(desk, 'ANA.MAIER,Ana M.,,,,')).toMatchObject({ created: 0, changed: 1 })
})

test('two rows of one file with the same address are two people, and join nobody', async () => {
  await using desk = await openScimDesk()
  await desk.makeUser('ana.maier', { emails: mail('ana@x.example') })
  expect(await importUsers(desk, 'ana,Ana,ana@x.example,,,', 'anna,Anna,ana@x.example,,,')).toMatchObject({ created: 2 })
  expect(await people(desk)).toHaveLength(3)
})

test('who was deleted and is made again under another name is the same by the id that the client gave', async () => {
  await using desk = await openScimDesk()
  const id = await desk.makeUser('ana', { externalId: 'e-1', displayName: 'Ana' })
  await desk.scim('DELETE', `/Users/${id}`)
  expect((await desk.get(`users/${id}`)).body).toMatchObject({ left: expect.any(String), sources: [] })
  expect(await desk.makeUser('ana.maier', { externalId: 'e-1' })).toBe(id)
  expect((await desk.get(`users/${id}`)).body).toMatchObject({ left: null, sources: ['scim'], otherNames: ['ana.maier'] })
})

test('a record that was split off stays a person of its own, whatever the rules say', async () => {
  await using desk = await openScimDesk()
  await importUsers(desk, 'ana,Ana,ana@x.example,Maths,,')
  const id = await desk.makeUser('ana.maier', { emails: mail('ana@x.example'), displayName: 'Anna Maier' })
  const group = await desk.makeGroup('Pupils', [id])
  const etag = (await desk.ask('GET', `users/${id}`)).headers.get('etag') ?? ''
  const stale = await desk.ask('POST', `users/${id}/split`, {
    body: { source: 'scim', key: 'ana.maier' },
    headers: { 'if-match': '"other"' },
  })
  expect(stale.status).toBe(412)
  const done = await desk.ask('POST', `users/${id}/split`, { body: { source: 'scim', key: 'ana.maier' }, headers: { 'if-match': etag } })
  const { user, splitOff } = done.body
  expect(user).toMatchObject({ id, userName: 'ana', displayName: 'Ana', sources: ['csv'] })
  expect(user.otherNames).toBeUndefined()
  expect(splitOff).toMatchObject({ userName: 'ana.maier', displayName: 'Anna Maier', sources: ['scim'], left: null })
  expect(splitOff.id).not.toBe(id)
  // The identity provider finds its user under the new id, in its groups too.
  expect((await desk.scim('GET', `/Users/${id}`)).status).toBe(404)
  expect((await desk.find('/Users', 'userName eq "ana.maier"')).body.Resources).toMatchObject([{ id: splitOff.id }])
  expect(await desk.membersOf(group)).toEqual([splitOff.id])
  await desk.patch(`/Users/${splitOff.id}`, { op: 'replace', path: 'displayName', value: 'Anna M.' })
  expect(await importUsers(desk, 'ana,Ana Maier,ana@x.example,Maths,,', 'ana.maier,,,Arts,,')).toMatchObject({ created: 0, changed: 2 })
  await desk.scim('DELETE', `/Users/${splitOff.id}`)
  const again = await desk.makeUser('ana.maier', { emails: mail('ana@x.example') })
  expect(again).toBe(splitOff.id)
  expect(await people(desk)).toHaveLength(2)
  const { body } = await desk.get('audit?limit=50')
  expect(body.items.filter(({ action }: { readonly action: string }) => action === 'user.split')).toMatchObject([
    { object: id, detail: { source: 'scim', splitOff: splitOff.id } },
  ])
})

test('who is split off needs a user name of their own, since stores know people by it', async () => {
  await using desk = await openScimDesk()
  await importUsers(desk, 'ana,Ana,,,,')
  const id = await desk.makeUser('ana', { displayName: 'Another Ana' })
  expect((await desk.post(`users/${id}/split`, { source: 'scim', key: 'ana' })).body).toMatchObject({ code: 'user-name-taken', id })
  expect((await desk.post(`users/${id}/split`, { source: 'scim', key: 'nobody' })).body).toMatchObject({ code: 'record-unknown' })
  const done = await desk.post(`users/${id}/split`, { source: 'scim', key: 'ana', userName: 'ana.2' })
  expect(done.body).toMatchObject({ user: { displayName: 'Ana' }, splitOff: { userName: 'ana.2', displayName: 'Another Ana' } })
  expect((await desk.post(`users/${id}/split`, { source: 'csv', key: 'ana' })).body).toMatchObject({ code: 'only-record' })
  await desk.patch(`/Users/${done.body.splitOff.id}`, { op: 'replace', path: 'title', value: 'x' })
  expect((await desk.get(`users/${id}`)).body).toMatchObject({ displayName: 'Ana', userName: 'ana' })
})

test('two who are joined are one person: memberships, devices and records are theirs, and every source means that one', async () => {
  await using school = await openScimSchool()
  const ana = await school.idOf('users', 'ana')
  const other = await school.makeUser('a.maier', { displayName: 'A. Maier' })
  const group = await school.makeGroup('Choir', [other])
  const device = (await school.post('devices', { serialNumber: 'C0ZZ', ownerId: other })).body.id
  const done = await school.post(`users/${ana}/join`, { id: other })
  expect(done.body).toMatchObject({
    user: { id: ana, userName: 'ana', displayName: 'A. Maier', otherNames: ['a.maier'], sources: expect.arrayContaining(['csv', 'scim']) },
    account: { id: other, userName: 'a.maier', sameAs: ana, left: expect.any(String) },
    licenses: [],
  })
  expect(await school.membersOf(group)).toEqual([ana])
  expect((await school.get(`devices/${device}`)).body.ownerId).toBe(ana)
  expect((await school.get('users')).body.items.map(({ userName }: { readonly userName: string }) => userName)).toEqual(['ana', 'ben'])
  // The identity provider, a file and a hand all mean her.
  expect((await school.find('/Users', 'userName eq "a.maier"')).body.Resources).toMatchObject([{ id: ana }])
  expect(await importUsers(school, 'a.maier,,,Music,,')).toMatchObject({ created: 0, changed: 1 })
  expect((await school.get(`users/${ana}`)).body).toMatchObject({ department: 'Music' })
  expect((await school.post('users', { userName: 'A.Maier' })).body).toMatchObject({ code: 'user-exists', id: ana })
  expect((await school.ask('PATCH', `users/${other}`, { body: { department: 'x' } })).body).toMatchObject({ code: 'same-as', id: ana })
  const members = await school.ask('POST', 'directory/import?kind=memberships', { csv: 'group,member\nTeachers,a.maier\n' })
  expect(members.body).toMatchObject({ created: 0, unchanged: 1 })
  expect((await school.post(`users/${ana}/join`, { id: other })).body).toMatchObject({ code: 'same-as' })
  // After a restart as well.
  const { journal } = school.composed.house
  journal.store.forget()
  const anew = await createDirectory({ journal })
  expect(anew.personOf(anew.ordinalOfKey('user', 'a.maier') ?? 0)).toBe(Number(ana.slice(1)))
  anew.close()
  // And back: her record gets its own account again.
  const split = await school.post(`users/${ana}/split`, { source: 'scim', key: 'a.maier' })
  expect(split.body).toMatchObject({ user: { id: ana, displayName: 'Ana Maier' }, splitOff: { id: other, left: null, sources: ['scim'] } })
  expect(split.body.splitOff.sameAs).toBeUndefined()
})

test('of two who both hold seats each account keeps its own: none is lost, none is given twice', async () => {
  await using school = await openScimSchool()
  const license = await school.idOf('licenses', keynote)
  const [ana, ben] = [await school.idOf('users', 'ana'), await school.idOf('users', 'ben')]
  const teachers = await school.idOf('groups', 'Teachers')
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: teachers }, licenseType: 'user' })
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(2)
  const done = await school.post(`users/${ana}/join`, { id: ben })
  expect(done.body).toMatchObject({ user: { id: ana }, account: { id: ben, sameAs: ana } })
  await school.settle()
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(2)
  expect((await school.get(`licenses/${license}`)).body).toMatchObject({ total: 3, available: 1 })
  expect((await sourcesOf(school, ana)).accounts).toEqual([{ id: ben, userName: 'ben', seats: 1 }])
  // What the second account holds is found as a leaver's is, and can be taken back.
  expect((await school.get('users?left=true&holding=true')).body.items).toMatchObject([{ id: ben, sameAs: ana }])
  const back = await school.post(`users/${ana}/split`, { account: ben })
  expect(back.body.splitOff).toMatchObject({ id: ben, left: null })
  expect(school.store.holders(school.uId, keynote)).toHaveLength(2)
})

test('the one that holds seats stays the person, whichever was asked for first', async () => {
  await using school = await openScimSchool()
  const license = await school.idOf('licenses', keynote)
  const ana = await school.idOf('users', 'ana')
  await school.post('assignments', { licenseId: license, target: { kind: 'user', id: ana }, licenseType: 'user' })
  await school.settle()
  const fresh = await school.makeUser('a.maier')
  const wish = await school.post('assignments', { licenseId: license, target: { kind: 'user', id: fresh }, licenseType: 'user' })
  expect(wish.status).toBe(201)
  const done = await school.post(`users/${fresh}/join`, { id: ana })
  expect(done.body).toMatchObject({ user: { id: ana }, account: { id: fresh }, licenses: [license] })
  await school.settle()
  expect(school.store.holders(school.uId, keynote)).toHaveLength(1)
})

test('two whom one identity provider names by ids of its own are not joined here', async () => {
  await using desk = await openScimDesk()
  const [one, two] = [await desk.makeUser('ana'), await desk.makeUser('anna')]
  expect((await desk.post(`users/${one}/join`, { id: two })).body).toMatchObject({ code: 'both-in-source', source: 'scim' })
  expect((await desk.post(`users/${one}/join`, { id: one })).body).toMatchObject({ code: 'same-person' })
  expect((await desk.post(`users/${one}/join`, { id: 'u999' })).status).toBe(404)
  expect((await desk.scim('GET', `/Users/${two}`)).body).toMatchObject({ schemas: expect.arrayContaining([core]), id: two })
})

test('a directory that is read takes people in, and whom no source names any more has left with what they hold', async () => {
  await using desk = await openScimDesk()
  await importUsers(desk, 'ana,Ana,ana@x.example,Maths,,')
  const { journal, directory } = desk.composed.house
  const source = 'graph:c1'
  const read = [
    { key: 'guid-1', fields: { userName: 'ana@x.example', email: 'ana@x.example', displayName: 'Ana from Graph', active: true } },
    { key: 'guid-2', fields: { userName: 'ben@x.example', displayName: 'Ben' } },
  ]
  const first = await journal.write((write) => takeIn(write, directory, source, read, 1_000))
  expect(first.counts).toEqual({ created: 1, changed: 1, unchanged: 0 })
  expect(first.taken.map(({ joinedBy }) => joinedBy)).toEqual(['mail', 'first'])
  expect((await journal.write((write) => takeIn(write, directory, source, read, 2_000))).counts.unchanged).toBe(2)
  const renamed = [{ key: 'guid-2', fields: { userName: 'ben.oduya@x.example', displayName: 'Ben' } }]
  const after = await journal.write((write) => takeIn(write, directory, source, renamed, 3_000))
  expect(after.users.get('guid-2')).toMatchObject({ userName: 'ben@x.example', otherNames: ['ben.oduya@x.example'] })

  const gone = await journal.write((write) => nameNoMore(write, source, ['guid-1', 'guid-2', 'guid-9'], 4_000))
  expect(gone.gone).toHaveLength(2)
  expect(gone.left).toMatchObject([{ userName: 'ben@x.example', left: '1970-01-01T00:00:04.000Z' }])
  const [ana] = (await people(desk)).filter(({ userName }: { readonly userName: string }) => userName === 'ana')
  expect(ana).toMatchObject({ displayName: 'Ana', left: null, sources: ['csv'] })
  // They come back as who they were, and have not left.
  const back = await journal.write((write) => takeIn(write, directory, source, read, 5_000))
  expect(back.users.get('guid-2')).toMatchObject({ left: null, sources: [source] })
  expect(back.counts.created).toBe(0)
})
