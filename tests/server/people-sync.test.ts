/** The part of a sync that reads who is registered: what it records, and that its failure stays its own. */
import { expect, test } from 'vitest'
import { foldPeople } from '../../server/registrations.ts'
import type { RegistrationsKey } from '../../shared/facts.ts'
import { DAY, HOUR, keynote, MINUTE, openHouse, user, type Answer, type AppleHouse } from './stores/apple/cases/apple-house.ts'

const openBerlin = async (people: number, options: Parameters<typeof openHouse>[0] = {}) => {
  const house = await openHouse(options)
  const { uId, tokenFile } = house.store.addLocation({ name: 'Berlin', uId: '2049025000431439', country: 'DE' })
  house.store.own(uId, keynote, { total: 50 })
  for (let n = 1; n <= people; n += 1) house.store.registerUser(uId, { clientUserId: `p${n}` })
  const connector = await house.connect('Berlin', tokenFile)
  return { house, uId, connector }
}
const listed = async (house: AppleHouse, connector: string): Promise<readonly string[]> =>
  (await house.get(`connectors/${connector}/registrations?limit=500`)).body.items.map(
    (row: Answer['body']) => `${row.principal.key}: ${row.state}`,
  )
const part = async (house: AppleHouse, connector: string) => (await house.connector(connector)).people

test('of several records the one that is not retired stands, and the others are counted', () => {
  const folded = foldPeople([
    { key: 'Ben', state: 'retired', email: 'old@mail.example' },
    { key: 'ben', state: 'associated', email: 'ben@mail.example' },
    { key: 'ana', state: 'retired', email: '' },
    { key: 'ben', state: 'retired', email: '' },
    { key: 'ana', state: 'retired', email: '' },
  ])
  expect([...folded]).toEqual([
    ['ben', { key: 'ben', state: 'associated', email: 'ben@mail.example', closedRecords: 2 }],
    ['ana', { key: 'ana', state: 'retired', email: '', closedRecords: 1 }],
  ])
})

test('a list of people that can not be read leaves the counts and the last list, and says so beside them', async () => {
  const { house, uId, connector } = await openBerlin(2)
  await using _ = house
  const before = await part(house, connector)
  expect(before).toMatchObject({ count: 2, error: null })
  house.store.assignOutside(uId, keynote, [user('p1')])
  house.store.faults.arm({ fault: { is: 'apple-error', errorNumber: 9634 }, endpoint: 'users' })
  expect(await house.sync(connector)).toMatchObject({ state: 'succeeded', error: null })
  expect((await house.license(connector, keynote)).inUse).toBe(1)
  expect(await part(house, connector)).toEqual({ ...before, error: { code: '9634', text: expect.stringContaining('no longer offers') } })
  expect(await listed(house, connector)).toEqual(['p1: registered', 'p2: registered'])
  house.store.faults.clear()
  await house.sync(connector)
  expect(await part(house, connector)).toMatchObject({ count: 2, error: null })
})

test('who is gone from the list is registered no more, once a full walk has shown it twice', async () => {
  const { house, uId, connector } = await openBerlin(4)
  await using _ = house
  const snapshot = house.store.snapshot()
  house.store.retireUser(uId, 'p2')
  await house.sync(connector)
  expect(await listed(house, connector)).toEqual(['p1: registered', 'p2: retired', 'p3: registered', 'p4: registered'])
  // An answer that is empty once takes nobody off the list.
  house.store.faults.arm({ fault: { is: 'empty-list' }, endpoint: 'users', times: 1 })
  await house.sync(connector, true)
  expect(await part(house, connector)).toMatchObject({ count: 3, error: { code: 'store-changed-meanwhile' } })
  expect(await listed(house, connector)).toHaveLength(4)
  // The store itself has forgotten two of them: two walks agree.
  const without = JSON.parse(JSON.stringify(snapshot), (name, value: unknown) =>
    name === 'users' && Array.isArray(value) ? value.filter((row) => !/"p[23]"/.test(JSON.stringify(row))) : value,
  )
  expect(house.store.restore(without).ok).toBe(true)
  await house.sync(connector, true)
  expect(await listed(house, connector)).toEqual(['p1: registered', 'p4: registered'])
  expect(await part(house, connector)).toMatchObject({ count: 2, error: null })
})

test('an unchanged list is asked for its changes alone, and walked whole once a day', async () => {
  const { house, connector } = await openBerlin(7)
  await using _ = house
  const walked = () => house.asked('GET', '/users')
  const first = walked()
  expect(first).toBe(3)
  await house.sync(connector)
  expect(walked() - first).toBe(1)
  await house.settle(DAY + HOUR)
  const syncs = (await house.get(`syncs?connector=${connector}&limit=500`)).body.items
  const whole = syncs.filter(({ full }: Answer['body']) => full).length
  expect(whole).toBe(2)
  expect(walked()).toBe(3 * whole + (syncs.length - whole))
})

test('many changes of known people are read in one walk, few one by one', async () => {
  const { house, uId, connector } = await openBerlin(60, { switches: { pageSize: 100 } })
  await using _ = house
  for (let n = 1; n <= 55; n += 1) house.store.acceptInvitation(uId, `p${n}`, `p${n}@icloud.example`)
  const before = house.asked('GET', '/users')
  await house.sync(connector)
  // The increment, and the whole list.
  expect(house.asked('GET', '/users') - before).toBe(2)
  expect((await listed(house, connector)).filter((row) => row.endsWith('associated'))).toHaveLength(55)
  house.store.retireUser(uId, 'p1')
  house.store.retireUser(uId, 'p2')
  await house.sync(connector)
  expect(house.asked('GET', '/users') - before).toBe(5)
  expect((await listed(house, connector)).filter((row) => row.endsWith('retired'))).toHaveLength(2)
})

test('a list that is older than an order undoes nothing of what the order did, and is read again', async () => {
  const { house, uId, connector } = await openBerlin(1)
  await using _ = house
  await house.post('users', { userName: 'ben', email: 'ben@mail.example' })
  const ben = await house.idOf('users', 'ben')
  house.store.setSwitches({ listLagMs: { assets: 0, assignments: 0, users: 3 * MINUTE } })
  await house.post(`connectors/${connector}/registrations`, { principals: [ben] })
  await house.settle(20_000)
  expect(await listed(house, connector)).toContain('ben: registered')
  await house.sync(connector, true)
  expect(await listed(house, connector)).toContain('ben: registered')
  await house.settle(4 * MINUTE)
  await house.sync(connector)
  expect((await house.get(`connectors/${connector}/registrations/${ben}`)).body).toMatchObject({
    state: 'registered',
    email: 'ben@mail.example',
  })
  // Retired behind an old list as well.
  await house.settle(6 * MINUTE)
  await house.post(`connectors/${connector}/registrations/retire`, { principals: [ben], confirm: true })
  await house.settle(20_000)
  await house.sync(connector, true)
  expect(await listed(house, connector)).toContain('ben: retired')
  // Somebody else brings the person back: once the list can't be older any more, it counts.
  house.store.setSwitches({ listLagMs: { assets: 0, assignments: 0, users: 0 } })
  house.store.registerUser(uId, { clientUserId: 'ben' })
  await house.settle(6 * MINUTE)
  await house.sync(connector)
  expect(await listed(house, connector)).toContain('ben: registered')
})

test('who was registered goes with the connector', async () => {
  const { house, connector } = await openBerlin(3)
  await using _ = house
  const keys = () => house.composed().house.journal.store.keys('registrations/')
  expect(await keys()).toHaveLength(1)
  expect((await house.ask('DELETE', `connectors/${connector}?release=keep`)).status).toBe(204)
  await house.settle()
  for (const key of await keys()) expect(await house.composed().house.journal.rows(key as RegistrationsKey)).toEqual([])
  expect((await house.get(`connectors/${connector}/registrations`)).status).toBe(404)
})
