/** Taking a seat of what is offered, and giving it back: over HTTP, with the sandbox's Apple behind it. */
import { afterAll, expect, test } from 'vitest'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'
import { book, keynote, openSchool, type School } from './routes/desk.ts'

afterAll(stopDatabases)

const offer = async (school: School, license: string, target: object, more: object = {}): Promise<void> => {
  const given = await school.post('assignments', { licenseId: license, target, intent: 'available', ...more })
  if (given.status !== 201) throw new Error(given.text)
}
const offerToTeachers = async (school: School, product = keynote) => {
  const license = await school.idOf('licenses', product)
  const group = await school.idOf('groups', 'Teachers')
  await offer(school, license, { kind: 'group', id: group }, { licenseType: 'user', confirmIrreversible: product === book })
  await school.settle(2_000)
  return { license, group, ana: await school.idOf('users', 'ana'), ben: await school.idOf('users', 'ben') }
}
const held = (school: School, product: string): readonly unknown[] => school.store.holders(school.uId, product)
/** Somebody else takes seats at the store itself, until so many are left. */
const leave = async (school: School, seats: number): Promise<void> => {
  const serials = ['C02A', 'C02B', 'C02C'].slice(0, 3 - seats)
  school.store.assignOutside(
    school.uId,
    keynote,
    serials.map((serialNumber) => ({ kind: 'device' as const, serialNumber })),
  )
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle(5_000)
}

test.each(onEachDatabase)(
  'two take the last seat: one gets it, the other has place 1 and is served when the seat returns ($dialect)',
  async ({ open }) => {
    await using school = await openSchool({ open })
    await leave(school, 1)
    const { license, ana, ben } = await offerToTeachers(school)
    expect(held(school, keynote)).toHaveLength(2)
    const both = await Promise.all([
      school.post(`licenses/${license}/claims`, { principal: ana }),
      school.post(`licenses/${license}/claims`, { principal: ben }),
    ])
    // Which of the two is first is nobody's to say.
    const isAnaFirst = both[0].body.state === 'pending'
    const [first, second] = isAnaFirst ? both : both.toReversed()
    const [winner, other] = isAnaFirst ? [ana, ben] : [ben, ana]
    const nameOf = (id: string): string => (id === ana ? 'ana' : 'ben')
    expect([first?.status, first?.body]).toMatchObject([
      201,
      { principal: { id: winner }, wants: 'seat', state: 'pending', position: null },
    ])
    expect([second?.status, second?.body]).toMatchObject([
      201,
      { principal: { id: other }, wants: 'seat', state: 'waiting', because: { code: 'no-seat-left' }, position: 1 },
    ])
    await school.settle(10_000)
    expect(held(school, keynote)).toContainEqual(expect.objectContaining({ kind: 'user', clientUserId: nameOf(winner) }))
    expect(held(school, keynote)).toHaveLength(3)

    const given = await school.ask('DELETE', `licenses/${license}/claims/${winner}`)
    expect([given.status, given.body]).toMatchObject([200, { wants: 'return', state: 'pending' }])
    await school.settle(20_000)
    expect(held(school, keynote)).toHaveLength(3)
    expect(held(school, keynote)).toContainEqual(expect.objectContaining({ kind: 'user', clientUserId: nameOf(other) }))
    const { items } = (await school.get(`licenses/${license}/claims`)).body
    expect(items).toMatchObject([{ principal: { id: other }, wants: 'seat', state: 'placed', because: { code: 'has-seat' } }])
  },
)

test('claiming twice is claiming once, and so is giving back', async () => {
  await using school = await openSchool()
  const { license, ana } = await offerToTeachers(school)
  const path = `licenses/${license}/claims`
  const first = await school.post(path, { principal: ana })
  const again = await school.post(path, { principal: ana })
  expect([again.status, again.body.at]).toEqual([201, first.body.at])
  const audits = async (action: string) =>
    (await school.get('audit?limit=500')).body.items.filter((row: { action: string }) => row.action === action)
  expect(await audits('seat.claimed')).toHaveLength(1)
  await school.settle(10_000)
  const later = await school.post(path, { principal: ana })
  expect(later.body).toMatchObject({ state: 'placed', at: first.body.at })

  school.setReachable(false)
  const back = await school.ask('DELETE', `${path}/${ana}`)
  const backAgain = await school.ask('DELETE', `${path}/${ana}`)
  expect([back.status, backAgain.status, backAgain.body.at]).toEqual([200, 200, back.body.at])
  expect(await audits('seat.given-back')).toHaveLength(1)
  school.setReachable(true)
  await school.settle(120_000)
  expect(held(school, keynote)).toEqual([])
  expect((await school.ask('DELETE', `${path}/${ana}`)).body).toMatchObject({ status: 422, code: 'nothing-to-give-back' })
})

test('an Idempotency-Key gives the first answer again', async () => {
  await using school = await openSchool()
  const { license, ana } = await offerToTeachers(school)
  const options = { body: { principal: ana }, headers: { 'idempotency-key': 'take-1' } }
  const first = await school.ask('POST', `licenses/${license}/claims`, options)
  await school.settle(10_000)
  const again = await school.ask('POST', `licenses/${license}/claims`, options)
  expect([again.status, again.headers.get('idempotency-replayed'), again.text]).toEqual([201, 'true', first.text])
})

test('a place on the waiting list is given up, and nobody is asked for anything', async () => {
  await using school = await openSchool()
  await leave(school, 0)
  const { license, ana, ben } = await offerToTeachers(school)
  for (const principal of [ana, ben]) await school.post(`licenses/${license}/claims`, { principal })
  await school.settle(5_000)
  const given = await school.ask('DELETE', `licenses/${license}/claims/${ana}`)
  expect([given.status, given.body.state]).toEqual([200, 'released'])
  await school.settle(5_000)
  const { items } = (await school.get(`licenses/${license}/claims`)).body
  expect(items).toMatchObject([{ principal: { id: ben }, state: 'waiting', position: 1 }])
  expect((await school.get(`orders?license=${license}`)).body.items).toEqual([])
})

test('a seat given up while it is on its way is given back once it has come', async () => {
  await using school = await openSchool()
  const { license, ana } = await offerToTeachers(school)
  await school.post(`licenses/${license}/claims`, { principal: ana })
  school.clock.pass(250)
  await school.ask('DELETE', `licenses/${license}/claims/${ana}`)
  await school.settle(60_000)
  expect(held(school, keynote)).toEqual([])
  expect((await school.get(`licenses/${license}/claims`)).body.items).toEqual([])
})

test('a book is taken only by who confirms that it is for good, and never given back', async () => {
  await using school = await openSchool()
  const { license, ana } = await offerToTeachers(school, book)
  const path = `licenses/${license}/claims`
  expect((await school.post(path, { principal: ana })).body).toMatchObject({ status: 409, code: 'confirmation-required' })
  expect((await school.post(path, { principal: ana, confirmIrreversible: true })).status).toBe(201)
  await school.settle(10_000)
  expect(held(school, book)).toHaveLength(1)
  expect((await school.ask('DELETE', `${path}/${ana}`)).body).toMatchObject({ status: 409, code: 'irrevocable' })
  // Who has it confirms nothing by saying so again.
  expect((await school.post(path, { principal: ana })).status).toBe(201)
})

test('what is not offered, not to them, not yet or not any more is refused by its name', async () => {
  await using school = await openSchool()
  const license = await school.idOf('licenses', keynote)
  const [ana, ben, device] = [await school.idOf('users', 'ana'), await school.idOf('users', 'ben'), await school.idOf('devices', 'C02A')]
  const claim = async (principal: string) => {
    const { status, body } = await school.post(`licenses/${license}/claims`, { principal })
    return [status, body.code]
  }
  expect(await claim(ana)).toEqual([422, 'not-offered'])
  expect(await claim('u999')).toEqual([404, 'principal-unknown'])
  expect(await claim('nobody')).toEqual([404, 'principal-unknown'])
  expect((await school.post('licenses/l99/claims', { principal: ana })).status).toBe(404)
  await offer(school, license, { kind: 'user', id: ana }, { startsAt: '2030-01-01T00:00:00Z' })
  expect(await claim(ana)).toEqual([422, 'not-yet-offered'])
  await offer(school, license, { kind: 'user', id: ana }, { startsAt: null, endsAt: '2020-01-01T00:00:00Z' })
  expect(await claim(ana)).toEqual([422, 'not-offered'])
  await offer(school, license, { kind: 'all-users' })
  await school.post('assignments', { licenseId: license, target: { kind: 'user', id: ben }, mode: 'exclude' })
  expect(await claim(ben)).toEqual([422, 'not-offered'])
  await school.ask('PATCH', `users/${ben}`, { body: { active: false } })
  expect(await claim(ben)).toEqual([422, 'principal-inactive'])
  await offer(school, license, { kind: 'device', id: device })
  expect((await claim(device))[0]).toBe(201)
  expect((await school.ask('DELETE', `licenses/${license}/claims/${ben}`)).body).toMatchObject({ status: 422, code: 'not-offered' })
})

test('a claim on what is required rests, and holds the seat when it is only offered', async () => {
  await using school = await openSchool()
  const { license, ana } = await offerToTeachers(school)
  await school.post('assignments', { licenseId: license, target: { kind: 'user', id: ana }, licenseType: 'user' })
  await school.settle(5_000)
  expect((await school.post(`licenses/${license}/claims`, { principal: ana })).status).toBe(201)
  await school.settle(10_000)
  expect((await school.ask('DELETE', `licenses/${license}/claims/${ana}`)).body).toMatchObject({ status: 409, code: 'required' })
  await school.ask('DELETE', `assignments/${license}~${ana}`)
  await school.settle(20_000)
  expect(held(school, keynote)).toHaveLength(1)
  expect((await school.get(`licenses/${license}/claims`)).body.items).toMatchObject([{ state: 'placed' }])
})

test('a seat that was there before is not given back by a claim', async () => {
  await using school = await openSchool()
  school.store.assignOutside(school.uId, keynote, [{ kind: 'user', clientUserId: 'ana' }])
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle(5_000)
  const { license, ana } = await offerToTeachers(school)
  expect((await school.post(`licenses/${license}/claims`, { principal: ana })).body).toMatchObject({
    state: 'placed',
    because: { code: 'had-seat-already' },
  })
  expect((await school.ask('DELETE', `licenses/${license}/claims/${ana}`)).body).toMatchObject({ status: 422, code: 'seat-found' })
})

test('who leaves the group that was offered it keeps no claim', async () => {
  await using school = await openSchool()
  await leave(school, 0)
  const { license, group, ana, ben } = await offerToTeachers(school)
  await school.post(`licenses/${license}/claims`, { principal: ana })
  await school.settle(5_000)
  await school.ask('PUT', `groups/${group}/members`, { body: { members: [ben] } })
  await school.settle(5_000)
  expect((await school.get(`licenses/${license}/claims`)).body.items).toEqual([])
})

test('what the store refused is asked for again by claiming again', async () => {
  await using school = await openSchool()
  const { license, ana } = await offerToTeachers(school)
  school.store.faults.arm({ fault: { is: 'targets-fail', errorNumber: 9602, keys: ['ana'] }, endpoint: 'associate', times: 1 })
  const first = await school.post(`licenses/${license}/claims`, { principal: ana })
  await school.settle(60_000)
  expect((await school.get(`licenses/${license}/claims`)).body.items).toMatchObject([
    { state: 'refused', because: { code: 'store-refused' } },
  ])
  const again = await school.post(`licenses/${license}/claims`, { principal: ana })
  expect([again.status, again.body.state, again.body.at === first.body.at]).toEqual([201, 'pending', false])
  await school.settle(60_000)
  expect(held(school, keynote)).toHaveLength(1)
})
