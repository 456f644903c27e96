/** What comes of a tenant's directory in ours, and what never does. */
import { expect, test } from 'vitest'
import { DAY } from '../../../apple/cases/apple-house.ts'
import { openHouse, type GraphHouse } from './graph-house.ts'

const named = (house: GraphHouse, count: number): readonly string[] =>
  Array.from(
    { length: count },
    (_, n) => house.control.addUser({ userPrincipalName: `p${n}@contoso.example`, displayName: `Person ${n}` }).id,
  )

const names = async (house: GraphHouse): Promise<readonly string[]> =>
  (await house.items('users'))
    .filter(({ left }) => left === null)
    .map(({ userName }) => String(userName))
    .toSorted()

test('people come with what the tenant says of them, and groups with who is in them, those of nested groups too', async () => {
  await using house = await openHouse()
  const [ada = '', bo = '', cy = ''] = named(house, 3)
  house.control.changeUser(bo, { accountEnabled: false, department: 'Maths' })
  const inner = house.control.addGroup('Maths', [{ id: bo, type: 'user' }])
  house.control.addGroup('Teachers', [
    { id: ada, type: 'user' },
    { id: inner.id, type: 'group' },
    { id: '00000000-0000-4000-8000-000000000001', type: 'device' },
  ])
  house.control.addGroup('Nobody')
  const id = await house.connect()
  expect(await house.user('p1@contoso.example')).toMatchObject({
    displayName: 'Person 1',
    email: 'p1@contoso.example',
    department: 'Maths',
    active: false,
    sources: expect.arrayContaining([`graph:${id}`]) as string[],
  })
  expect(await house.members('Teachers')).toEqual(['p0@contoso.example', 'p1@contoso.example'])
  expect(await house.members('Nobody')).toEqual([])
  house.control.addMember(inner.id, cy)
  house.control.removeMember(inner.id, bo)
  await house.sync(id)
  expect(await house.members('Teachers')).toEqual(['p0@contoso.example', 'p2@contoso.example'])
})

test('case 33: delta-replay, delta-partial, delta-member-pages: repeats, half objects and split groups come to what there is', async () => {
  await using house = await openHouse({ deltaPageSize: 7, deltaReplay: true })
  const ids = named(house, 40)
  const group = house.control.addGroup(
    'Everybody',
    ids.map((id) => ({ id, type: 'user' as const })),
  )
  const id = await house.connect()
  expect((await house.members('Everybody')).length).toBe(40)
  // A change of one field leaves the others as they are.
  house.control.changeUser(ids[3] ?? '', { department: 'Music' })
  house.control.changeUser(ids[4] ?? '', { displayName: 'Somebody else' })
  house.control.renameGroup(group.id, 'All of us')
  house.control.removeMember(group.id, ids[5] ?? '')
  house.control.addMember(group.id, ids[5] ?? '')
  house.control.removeMember(group.id, ids[6] ?? '')
  await house.sync(id)
  expect(await house.user('p3@contoso.example')).toMatchObject({
    department: 'Music',
    displayName: 'Person 3',
    email: 'p3@contoso.example',
  })
  expect(await house.user('p4@contoso.example')).toMatchObject({ displayName: 'Somebody else', email: 'p4@contoso.example' })
  const members = await house.members('All of us')
  expect(members.length).toBe(39)
  expect(members).not.toContain('p6@contoso.example')
})

test('somebody whose user name changes stays the same person', async () => {
  await using house = await openHouse()
  named(house, 2)
  const id = await house.connect()
  const before = await house.user('p0@contoso.example')
  house.control.changeUser('p0@contoso.example', { userPrincipalName: 'ada@contoso.example' })
  await house.sync(id)
  const all = await house.items('users')
  expect(all.length).toBe(2)
  expect(all.find((row) => row.id === before.id)).toMatchObject({ left: null })
})

test('somebody who was deleted has left, and is back when they are restored', async () => {
  await using house = await openHouse()
  const [ada = ''] = named(house, 12)
  const id = await house.connect()
  house.control.deleteUser(ada)
  await house.sync(id)
  expect(await names(house)).not.toContain('p0@contoso.example')
  expect(await house.items('users?left=true')).toMatchObject([{ userName: 'p0@contoso.example' }])
  house.control.restoreUser(ada)
  await house.sync(id)
  expect((await house.user('p0@contoso.example')).left).toBeNull()
})

test('case 32: delta-410: after a move of the directory everything is read anew and nobody has left', async () => {
  await using house = await openHouse()
  named(house, 20)
  const id = await house.connect()
  house.control.move()
  house.control.addUser({ userPrincipalName: 'new@contoso.example' })
  await house.sync(id)
  expect((await names(house)).length).toBe(21)
  expect(house.asked('graph-users-delta')).toBeGreaterThan(2)
})

test('case 32: delta-expired: a server that was away for eight days reads everything anew, and who left meanwhile has left', async () => {
  await using house = await openHouse()
  const ids = named(house, 20)
  const id = await house.connect()
  house.control.deleteUser(ids[7] ?? '', true)
  // Nothing is asked meanwhile.
  house.clock.jump(8 * DAY)
  await house.sync(id)
  expect((await names(house)).length).toBe(19)
})

test('case 23: sudden-empty: a directory that suddenly names nobody takes nobody out, and asks a person', async () => {
  await using house = await openHouse()
  const ids = named(house, 20)
  const id = await house.connect()
  for (const each of ids) house.control.state.users.delete(each)
  await house.sync(id, true)
  expect((await names(house)).length).toBe(20)
  expect((await house.ask('GET', `connectors/${id}`)).body.directory).toMatchObject({ count: 20, error: { code: 'directory-emptied' } })
})

test('a directory that may not be read leaves the counts alone, and says which permission is missing', async () => {
  await using house = await openHouse()
  named(house, 3)
  const { skuId } = house.control.addSku({ skuPartNumber: 'SPE_E3' }, 10)
  house.app.roles.delete('GroupMember.Read.All')
  const id = await house.connect()
  expect(await house.license(skuId)).toMatchObject({ total: 10 })
  expect((await house.ask('GET', `connectors/${id}`)).body.directory).toMatchObject({
    error: { code: 'no-permission', text: expect.stringContaining('GroupMember.Read.All') as string },
  })
  expect((await names(house)).length).toBe(3)
})

test('a connector that is removed takes nobody and no group with it', async () => {
  await using house = await openHouse()
  const ids = named(house, 3)
  house.control.addGroup(
    'Everybody',
    ids.map((id) => ({ id, type: 'user' as const })),
  )
  const id = await house.connect()
  expect((await house.ask('DELETE', `connectors/${id}?release=keep`)).status).toBeLessThan(300)
  expect((await names(house)).length).toBe(3)
  expect((await house.members('Everybody')).length).toBe(3)
  expect((await house.user('p0@contoso.example')).sources).toContain('hand')
})

test('case 39: clock-skew: a server whose clock is eight minutes off misses no change', async () => {
  await using house = await openHouse()
  named(house, 3)
  house.skew(-8 * 60_000)
  const id = await house.connect()
  house.control.addUser({ userPrincipalName: 'new@contoso.example' })
  house.skew(8 * 60_000)
  await house.sync(id)
  expect(await names(house)).toContain('new@contoso.example')
})
