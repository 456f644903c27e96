/** A store that is gone, moved into a ledger: once, whole, and counted nowhere twice. */
import { expect, test } from 'vitest'
import { DAY, mathLab, openEastmere } from '../google/google-house.ts'

const openRetired = async () => {
  const house = await openEastmere()
  const { id: staff } = house.store.addUser(house.enterpriseId, { accountIdentifier: 'staff-1' })
  house.store.entitle(house.enterpriseId, staff, mathLab)
  await house.sync(house.id)
  await house.addPeople('ana', 'ben')
  await house.assign(house.licenseId, 'ana')
  await house.settle()
  const ledger: string = (await house.ask('POST', 'connectors', { kind: 'ledger', name: 'Kept here' })).body.id
  await house.settle()
  return { house, ledger, [Symbol.asyncDispose]: () => house[Symbol.asyncDispose]() }
}

test('only a retired store is moved, to a ledger, and once', async () => {
  await using at = await openRetired()
  const { house, ledger } = at
  const move = (from: string, to: string) => house.ask('POST', `connectors/${from}/move-to-ledger`, { ledgerId: to })
  expect((await move(house.id, ledger)).body).toMatchObject({ status: 409, code: 'not-retired' })
  house.store.setSwitches({ licenseApi: 'retired-410' })
  await house.sync(house.id)
  expect((await move(house.id, house.id)).body).toMatchObject({ status: 422, code: 'ledger-unknown' })
  expect((await move('x', ledger)).status).toBe(404)
  expect((await move(house.id, ledger)).status).toBe(200)
  expect((await move(house.id, ledger)).body).toMatchObject({ status: 409, code: 'moved-already' })
})

test('what was held is told before, moved whole, and added up only once', async () => {
  await using at = await openRetired()
  const { house, ledger } = at
  await house.assign(house.licenseId, 'ben')
  await house.settle()
  house.store.setSwitches({ licenseApi: 'retired-403' })
  await house.sync(house.id)
  const sum = async () => {
    const all = await house.items('licenses')
    return { total: all.reduce((n, { total }) => n + (total ?? 0), 0), inUse: all.reduce((n, { inUse }) => n + inUse, 0) }
  }
  const before = await sum()
  const counts = { licenses: 1, seatsOwned: 5, seatsInUse: 3, assignments: 2, withoutHolders: 0 }
  const preview = await house.ask('POST', `connectors/${house.id}/move-to-ledger`, { ledgerId: ledger, preview: true })
  expect(preview.body).toEqual(counts)
  expect((await house.ask('GET', `connectors/${house.id}`)).body.movedTo).toBeNull()
  const moved = await house.ask('POST', `connectors/${house.id}/move-to-ledger`, { ledgerId: ledger })
  expect(moved.body).toEqual(counts)
  expect(await sum()).toEqual(before)

  const [kept] = (await house.ask('GET', `connectors/${ledger}/ledger/licenses`)).body.items
  expect(kept).toMatchObject({ name: 'Math Lab', owned: 5, inUse: 3, free: 2, lots: [{ seats: 5, supplier: 'Eastmere', price: null }] })
  expect((await house.seats(kept.licenseId)).toSorted()).toEqual(['ana: found', 'ben: found', 'staff-1: found'])
  expect((await house.ask('GET', `licenses/${house.licenseId}`)).body).toMatchObject({ gone: true, total: 0, inUse: 0, assignable: false })
  expect(await house.seats(house.licenseId)).toEqual([])
  expect((await house.ask('GET', `connectors/${house.id}`)).body).toMatchObject({
    status: 'not-enabled',
    reasons: [{ code: 'moved-to-ledger' }],
    movedTo: { connectorId: ledger, name: 'Kept here' },
  })

  // The assignments came along: they ask for the seats that are there, and for no second one.
  await house.settle()
  expect((await house.verdicts(kept.licenseId)).toSorted()).toEqual(['ana: placed, had-seat-already', 'ben: placed, had-seat-already'])
  expect(await house.verdicts(house.licenseId)).toEqual([])
  expect((await house.ask('GET', `connectors/${ledger}/ledger/licenses`)).body.items[0].inUse).toBe(3)

  // The store that answers again is not asked any more, also when somebody asks for it, and brings nothing back.
  house.store.setSwitches({ licenseApi: 'alive' })
  house.store.clearRequests()
  await house.settle(2 * DAY)
  expect(house.asked('grouplicenses.list')).toBe(0)
  await house.sync(house.id)
  expect(await sum()).toEqual(before)
  expect((await house.ask('GET', 'audit?limit=200')).body.items.map(({ action }: { action: string }) => action)).toContain(
    'connector.moved-to-ledger',
  )
  expect(house.troubles).toEqual([])

  // The new one works by itself: a seat is given and taken, and the old connector can go.
  await house.addPeople('cem')
  await house.assign(kept.licenseId, 'cem')
  await house.settle()
  expect((await house.verdicts(kept.licenseId)).toSorted()).toContain('cem: placed, has-seat')
  expect((await house.ask('DELETE', `connectors/${house.id}`)).status).toBeLessThan(300)
  await house.settle()
  expect((await sum()).inUse).toBe(before.inUse + 1)
})
