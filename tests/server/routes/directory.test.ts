/** People, devices and groups: by file and by hand. */
import { expect, test } from 'vitest'
import { csvText } from '../../../server/routes/answer-list.ts'
import { keynote, openDesk, openSchool } from './desk.ts'

const heads = 'userName,displayName,email,department,active,managedAppleAccount'

test('a file is taken over once: the same rows again are unchanged, changed rows are changed', async () => {
  await using desk = await openDesk()
  const send = async (text: string, options = '') => (await desk.ask('POST', `directory/import?kind=users${options}`, { csv: text })).body
  const file = `\uFEFF${heads}\r\nana,"Maier, Ana",ana@x.example,Maths,true,\r\nben,Ben,,,,\r\n`
  const tried = await send(file, '&dryRun=true')
  expect(tried).toMatchObject({ read: 2, created: 2, changed: 0, unchanged: 0, errors: [], errorCount: 0 })
  expect(tried.changes).toMatchObject([
    { row: 2, id: null, name: 'ana', is: 'created', joinedBy: null },
    { row: 3, id: null, name: 'ben', is: 'created', joinedBy: null },
  ])
  const answer = { changes: [], errors: [], errorCount: 0 }
  expect((await desk.get('users')).body.items).toEqual([])
  expect(await send(file)).toEqual({ read: 2, created: 2, changed: 0, unchanged: 0, ...answer })
  expect(await send(file)).toEqual({ read: 2, created: 0, changed: 0, unchanged: 2, ...answer })
  expect(await send(`${heads}\nANA,Ana Maier,ana@x.example,Maths,false,\n`)).toMatchObject({ created: 0, changed: 1 })
  const { items } = (await desk.get('users')).body
  expect(items).toMatchObject([
    { userName: 'ana', displayName: 'Ana Maier', active: false, sources: ['csv'], left: null },
    { userName: 'ben', displayName: 'Ben', active: true },
  ])
})

test('one wrong row keeps the whole file out, and each fault is told by row and field; partial takes the good ones', async () => {
  await using desk = await openDesk()
  const file = `${heads}\nana,Ana,,,perhaps,\n,Nobody,,,,\nben,Ben,,,true,\nBEN,Ben again,,,true,\ncleo,Cleo,,,true\n`
  const refused = await desk.ask('POST', 'directory/import?kind=users', { csv: file })
  expect(refused.body).toMatchObject({ status: 422, code: 'rows-refused', read: 5, created: 0 })
  expect(refused.body.errors.map(({ row, field }: { row: number; field: string }) => [row, field])).toEqual([
    [2, 'active'],
    [3, 'userName'],
    [5, 'userName'],
    [6, ''],
  ])
  expect((await desk.get('users')).body.items).toEqual([])
  const partial = await desk.ask('POST', 'directory/import?kind=users&partial=true', { csv: file })
  expect([partial.status, partial.body.created, partial.body.errors.length]).toEqual([200, 1, 4])
})

test('a file with other heads, in another encoding or of another type is refused with what is expected', async () => {
  await using desk = await openDesk()
  const send = (csv: string, kind = 'users') => desk.ask('POST', `directory/import?kind=${kind}`, { csv })
  expect((await send('name,mail\nana,x\n')).body).toMatchObject({ status: 400, code: 'csv-heads', expected: heads.split(',') })
  expect((await send('')).body).toMatchObject({ code: 'csv-heads' })
  expect((await send('group,member\nTablets,C02A\n', 'memberships')).body).toMatchObject({ status: 422, code: 'rows-refused' })
  expect((await send('x', 'planets')).body).toMatchObject({ status: 400, code: 'request-malformed' })
  const latin = await desk.composed.web.request('/api/v1/directory/import?kind=users', {
    method: 'POST',
    headers: { authorization: 'Bearer owner-key-of-the-tests-0123456789abcdef', 'content-type': 'text/csv' },
    body: Buffer.from([...Buffer.from(`${heads}\n`), 0xe4, 0x0a]),
  })
  expect(await latin.json()).toMatchObject({ status: 400, code: 'csv-unreadable' })
  expect((await desk.ask('POST', 'directory/import?kind=users', { body: {} })).body).toMatchObject({ status: 415, code: 'csv-expected' })
  const form = new FormData()
  form.set('file', new File([`${heads}\nana,Ana,,,,\n`], 'people.csv', { type: 'text/csv' }))
  const sent = await desk.composed.web.request('/api/v1/directory/import?kind=users', {
    method: 'POST',
    headers: { authorization: 'Bearer owner-key-of-the-tests-0123456789abcdef' },
    body: form,
  })
  expect(await sent.json()).toMatchObject({ created: 1 })
})

test('someone kept by hand is added, changed on condition, and leaves without losing a seat', async () => {
  await using school = await openSchool()
  const added = await school.post('users', { userName: 'cleo', displayName: 'Cleo' })
  expect([added.status, added.body.sources]).toEqual([201, ['hand']])
  expect((await school.post('users', { userName: 'CLEO' })).body).toMatchObject({ status: 409, code: 'user-exists', id: added.body.id })
  const path = `users/${added.body.id}`
  const changed = await school.ask('PATCH', path, {
    body: { department: 'Arts' },
    headers: { 'if-match': added.headers.get('etag') ?? '' },
  })
  expect(changed.body).toMatchObject({ displayName: 'Cleo', department: 'Arts' })
  const stale = await school.ask('PATCH', path, { body: { department: 'Music' }, headers: { 'if-match': added.headers.get('etag') ?? '' } })
  expect(stale.body).toMatchObject({ status: 412, current: { department: 'Arts' } })
  expect((await school.ask('PATCH', path, { body: { userName: 'other' } })).body).toMatchObject({ status: 400 })
  expect((await school.ask('DELETE', path)).status).toBe(204)
  expect((await school.get(path)).body.left).toMatch(/^2026-11-24T/)
  expect((await school.get('users?q=cleo')).body.items).toEqual([])
  expect((await school.get('users?q=cleo&left=any')).body.items).toHaveLength(1)
  expect((await school.post('users', { userName: 'cleo' })).body).toMatchObject({ id: added.body.id, left: null })
})

test('a group by hand holds only its own kind, and stays while an assignment names it', async () => {
  await using school = await openSchool()
  const group = (await school.post('groups', { name: 'Lab', kind: 'device' })).body
  const device = await school.idOf('devices', 'C02A')
  const ana = await school.idOf('users', 'ana')
  expect((await school.post('groups', { name: 'lab', kind: 'user' })).body).toMatchObject({ status: 409, code: 'group-exists' })
  expect((await school.ask('PUT', `groups/${group.id}/members`, { body: { members: [device, ana] } })).body).toMatchObject({
    status: 422,
    code: 'members-unknown',
  })
  expect((await school.ask('PUT', `groups/${group.id}/members`, { body: { members: [device] } })).body).toMatchObject({ memberCount: 1 })
  expect((await school.get(`groups/${group.id}/members?transitive=true`)).body.items).toMatchObject([
    { kind: 'device', id: device, key: 'C02A' },
  ])
  const license = await school.idOf('licenses', keynote)
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: group.id } })
  await school.settle()
  expect((await school.ask('DELETE', `groups/${group.id}`)).body).toMatchObject({ status: 409, code: 'group-in-use', licenses: [license] })
  await school.ask('DELETE', `assignments/${license}~g${group.id}`)
  await school.settle()
  expect((await school.ask('DELETE', `groups/${group.id}`)).status).toBe(204)
  expect((await school.get(`groups/${group.id}`)).status).toBe(404)
})

test('a device belongs to someone known, and its serial number is kept in one form', async () => {
  await using school = await openSchool()
  const ana = await school.idOf('users', 'ana')
  expect((await school.post('devices', { serialNumber: 'c02 z', ownerId: ana })).body).toMatchObject({ serialNumber: 'C02Z', ownerId: ana })
  expect((await school.post('devices', { serialNumber: 'C02Y', ownerId: 'u999' })).body).toMatchObject({
    status: 422,
    code: 'owner-unknown',
  })
  expect((await school.get(`devices?ownerId=${ana}`)).body.items).toHaveLength(2)
})

test('any list is a file of the whole filtered set, and no cell of it is a formula', async () => {
  await using school = await openSchool()
  await school.post('users', { userName: 'eve', displayName: '=HYPERLINK("http://evil.example")', department: '＝1+1' })
  const csv = async (path: string) => {
    const answer = await school.ask('GET', path, { headers: { accept: 'text/csv' } })
    return [answer.status, answer.headers.get('content-type'), answer.text] as const
  }
  const [status, type, users] = await csv('users?limit=1')
  expect([status, type]).toEqual([200, 'text/csv; charset=utf-8; header=present'])
  expect(users.split('\r\n')[0]).toBe('id,userName,displayName,email,department,active,managedAppleAccount,sources,left,otherNames,sameAs')
  expect(users.trim().split('\r\n')).toHaveLength(4)
  expect(users).toContain(`"'=HYPERLINK(""http://evil.example"")"`)
  expect(users).toContain(`'＝1+1`)
  const [, , licenses] = await csv('licenses?kind=book')
  expect(licenses.trim().split('\r\n')).toHaveLength(2)
  expect(licenses).toContain('product.name')
  for (const path of ['connectors', 'syncs', 'orders', 'assignments', 'devices', 'groups', 'audit', 'api-keys', 'admins'])
    expect([path, (await csv(path))[0]]).toEqual([path, 200])
  expect(csvText(['a'], [{ a: -1 }, { a: '-1' }, { a: ' @x' }], false)).toBe(`-1\r\n"'-1"\r\n"' @x"\r\n`)
})

test('a list is paged to its end without a gap, while it grows', async () => {
  await using school = await openSchool()
  const seen: string[] = []
  let cursor = ''
  for (;;) {
    const { items, next } = (await school.get(`devices?limit=2&cursor=${cursor}`.replace(/&cursor=$/, ''))).body
    seen.push(...items.map(({ serialNumber }: { serialNumber: string }) => serialNumber))
    if (seen.length === 2) await school.post('devices', { serialNumber: 'C01A' })
    if (next === null) break
    cursor = next
  }
  expect(seen).toEqual(['C02A', 'C02B', 'C02C', 'C02D'])
})
