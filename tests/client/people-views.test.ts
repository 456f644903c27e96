import { expect, test } from 'vitest'
import { createPeopleActs } from '../../client/people-acts.ts'
import { createRequest } from '../../client/server-request.ts'
import { invitationMail, leftOutInGroups, placesHeldAt, toRegister, toRetire } from '../../client/views/asking-people.ts'
import { createPeopleList, type PeopleBook } from '../../client/views/people-list.ts'
import type { PeopleQuery } from '../../client/views/people-query.ts'
import { principalPage } from '../../client/views/person-page.ts'
import type { ChunkRead } from '../../client/facts.ts'
import { columnsFact, columnsOfSeats, locationOrdersKey, principalsKey, registrationsKey, rowsFact, seatsKey } from '../../shared/facts.ts'
import { ordinalOf, parseConnectorId, parseOrderId, principalIdOf, type ConnectorId, type LicenseId } from '../../shared/ids.ts'
import { isUser, type Device, type Principal, type User } from '../../shared/principal.ts'
import type { LocationOrder } from '../../shared/order.ts'
import type { RegistrationState } from '../../shared/registration.ts'
import { connector, createDesk, device, furnish, person, putPrincipals, target, type Desk, type Tab } from './desk.ts'

const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('not to be had')
  return value
}
const c1 = must(parseConnectorId('c1'))
const c2 = must(parseConnectorId('c2'))
const listed = { asOf: '2026-11-24T08:00:00.000Z', count: 1, error: null }
const user = (ordinal: number, name: string, changes: Partial<User> = {}): User => {
  const made = person(ordinal, name)
  if (!isUser(made)) throw new Error('not a person')
  return { ...made, ...changes }
}
const gone = (ordinal: number, serial: string, changes: Partial<Device> = {}): Principal => ({ ...device(ordinal, serial), ...changes })

/** The furniture, with two Locations that keep a list of people. */
const sitDown = () => {
  const desk = createDesk()
  const furniture = furnish(desk.server)
  desk.server.record(rowsFact('connectors', [connector({ people: listed }), connector({ id: c2, name: 'South clinic', people: listed })]))
  return { desk, ...furniture }
}
const stand = (desk: Desk, at: ConnectorId, ordinal: number, state: RegistrationState): void =>
  void desk.server.record(
    rowsFact(registrationsKey(at, ordinal), [
      { id: principalIdOf('user', ordinal), state, email: '', closedRecords: 0, since: '2026-11-20T08:00:00.000Z' },
    ]),
  )
const seat = (desk: Desk, license: LicenseId, kind: 'user' | 'device', ordinals: readonly number[]): void =>
  void desk.server.record(
    columnsFact(
      seatsKey(license),
      columnsOfSeats(ordinals.map((ordinal) => ({ ordinal, licenseType: kind, origin: 'found', sinceS: 100 }))),
    ),
  )
/** A screen looks until everything that it asked for has come. */
const looked = async <T>(desk: Desk, look: () => ChunkRead<T>): Promise<T> => {
  for (let round = 0; round < 20; round += 1) {
    look()
    await desk.settle()
  }
  const read = look()
  if (read.is === 'loading') throw new Error('still loading')
  return read.value
}
const namesOf = (book: PeopleBook, query: PeopleQuery): readonly string[] => {
  const { rows } = book.arrange(query)
  return rows.slice(0, rows.length).map(({ name }) => name)
}
const pageOf = (desk: Desk, tab: Tab, id: Principal['id']) =>
  looked(desk, () =>
    principalPage({ facts: tab.console.facts, directory: tab.directory, foretelling: tab.foretelling, now: desk.clock.now }, id),
  )

const order = (changes: Partial<LocationOrder>): LocationOrder => ({
  id: must(parseOrderId('o1')),
  connectorId: c1,
  licenseId: null,
  action: 'register-user',
  cause: 'hand',
  subscription: null,
  state: 'pending',
  total: 1,
  done: 0,
  open: [],
  failures: [],
  unknown: false,
  storeReference: null,
  createdAt: '2026-11-24T08:00:00.000Z',
  sentAt: null,
  finishedAt: null,
  by: 'Ines',
  ...changes,
})

test('people are found by name, user name or mail, and by how they stand at one location or at any', async () => {
  const { desk } = sitDown()
  putPrincipals(desk.server, [
    user(5, 'Ana Ruiz', { email: 'ana@north.example' }),
    user(6, 'Ben Ott', { managedAppleAccount: 'ben@apple.north.example' }),
    user(7, 'Cem Ay'),
    user(8, 'Dora 10', { left: '2026-10-01T00:00:00.000Z' }),
    user(9, 'Dora 9'),
  ])
  stand(desk, c1, 5, 'associated')
  stand(desk, c1, 6, 'registered')
  stand(desk, c2, 6, 'retired')
  const tab = desk.openTab()
  const listOf = createPeopleList()
  const book = await looked(desk, () => listOf(tab.console.facts))

  expect(namesOf(book, { kind: 'user' })).toEqual(['Ana Ruiz', 'Ben Ott', 'Cem Ay', 'Dora 9', 'Dora 10'])
  expect(namesOf(book, { kind: 'user', text: 'ANA@north' })).toEqual(['Ana Ruiz'])
  expect(namesOf(book, { kind: 'user', text: 'apple.north' })).toEqual(['Ben Ott'])
  expect(namesOf(book, { kind: 'user', state: 'retired' })).toEqual(['Ben Ott'])
  expect(namesOf(book, { kind: 'user', state: 'retired', place: c1 })).toEqual([])
  // Nobody would register who has left.
  expect(namesOf(book, { kind: 'user', state: 'none' })).toEqual(['Cem Ay', 'Dora 9'])
  expect(namesOf(book, { kind: 'user', state: 'none', place: c2 })).toEqual(['Ana Ruiz', 'Cem Ay', 'Dora 9'])
  expect(namesOf(book, { kind: 'user', left: true })).toEqual(['Dora 10'])
  expect(namesOf(book, { kind: 'user', sort: 'left', turned: true }).at(-1)).toBe('Dora 10')
  const ben = book.find(principalIdOf('user', 6))
  expect(ben?.kind === 'user' && ben.standings.map(({ connector: at, state }) => [at.id, state])).toEqual([
    ['c1', 'registered'],
    ['c2', 'retired'],
  ])
  expect(book.find(principalIdOf('device', 6))).toBeUndefined()
})

test('who has left and holds seats is reclaimable, with the seats to gain; a book stays', async () => {
  const { desk, keynote, book: algebra } = sitDown()
  putPrincipals(desk.server, [
    gone(1, 'DMP1', { name: 'iPad-1', left: '2026-11-01T00:00:00.000Z' }),
    gone(4, 'DMP4', { left: '2026-11-02T00:00:00.000Z' }),
    user(5, 'Ana Ruiz', { left: '2026-11-03T00:00:00.000Z' }),
  ])
  seat(desk, keynote, 'device', [1, 2])
  seat(desk, algebra, 'user', [5, 6])
  const tab = desk.openTab()
  const listOf = createPeopleList()
  const book = await looked(desk, () => listOf(tab.console.facts))

  expect(book.toGain).toEqual({ users: 0, devices: 1, seats: 1 })
  expect(namesOf(book, { kind: 'device', toGain: true })).toEqual(['iPad-1'])
  expect(book.find(principalIdOf('device', 1))?.toGain).toEqual({ since: '2026-11-01T00:00:00.000Z', seats: 1, forGood: 0 })
  expect(book.find(principalIdOf('user', 5))?.toGain).toMatchObject({ seats: 0, forGood: 1 })
  expect(book.find(principalIdOf('device', 2))?.toGain).toBeUndefined()
  expect(namesOf(book, { kind: 'device', sort: 'seats' }).slice(0, 2).toSorted()).toEqual(['iPad-1', 'iPad-2'])

  // Once it is taken back there is nothing to gain; nobody else is looked at anew.
  seat(desk, keynote, 'device', [2])
  desk.server.record({ chunk: seatsKey(keynote), remove: Uint32Array.of(1), put: columnsOfSeats([]) })
  const after = await looked(desk, () => listOf(tab.console.facts))
  expect(after.toGain.seats).toBe(0)
  expect(listOf(tab.console.facts)).toBe(listOf(tab.console.facts))
})

test('100,000 people and devices are filtered within a tenth of a second', async () => {
  const { desk, keynote } = sitDown()
  const count = 100_000
  for (let from = 1024; from < count + 1024; from += 1024)
    desk.server.record(
      rowsFact(
        principalsKey(from),
        Array.from({ length: Math.min(1024, count + 1024 - from) }, (_, at) => {
          const ordinal = from + at
          return ordinal % 3 === 0
            ? user(ordinal, `Person ${(ordinal * 7919) % count}`)
            : gone(ordinal, `DMP${ordinal}`, {
                name: `NS-IPAD-${(ordinal * 31) % count}`,
                left: ordinal % 70 === 0 ? '2026-01-01T00:00:00.000Z' : null,
              })
        }),
      ),
    )
  seat(
    desk,
    keynote,
    'device',
    Array.from({ length: 20_000 }, (_, at) => at * 5),
  )
  const tab = desk.openTab()
  const listOf = createPeopleList()
  const book = await looked(desk, () => listOf(tab.console.facts))
  expect(book.users + book.devices).toBe(count + 6)
  // Once each to make the order and the lines, as the screen does when it opens.
  book.arrange({ kind: 'device', text: 'ipad' })
  const took = (query: PeopleQuery): number => {
    const { user: before } = process.cpuUsage()
    expect(book.arrange(query).rows.length).toBeGreaterThan(0)
    return (process.cpuUsage().user - before) / 1000
  }
  for (const query of [
    { kind: 'device', text: 'ipad-9' },
    { kind: 'device', toGain: true },
    { kind: 'device', left: true },
  ] as const)
    expect([query, Math.min(took(query), took(query)) <= 100]).toEqual([query, true])
}, 60_000)

test('of those who are to be registered it is said who is at once, who by an invitation, and who not and why', async () => {
  const { desk } = sitDown()
  const people = [
    user(20, 'With Account', { managedAppleAccount: 'a@north.example' }),
    user(21, 'With Mail', { email: 'b@north.example' }),
    user(22, 'Without Both'),
    user(23, 'Bad Mail', { email: 'nowhere' }),
    user(24, 'Has Left', { email: 'c@north.example', left: '2026-11-01T00:00:00.000Z' }),
    user(25, 'Retired Before', { email: 'd@north.example' }),
    user(26, 'Invited Already', { email: 'e@north.example' }),
    user(27, 'Under Way', { email: 'f@north.example' }),
    user(28, 'Without Either'),
  ]
  putPrincipals(desk.server, people)
  desk.server.record(
    rowsFact(registrationsKey(c1, 25), [
      { id: principalIdOf('user', 25), state: 'retired', email: '', closedRecords: 1, since: '2026-11-20T08:00:00.000Z' },
      { id: principalIdOf('user', 26), state: 'registered', email: '', closedRecords: 0, since: '2026-11-20T08:00:00.000Z' },
    ]),
  )
  desk.server.record(rowsFact(locationOrdersKey(c1), [order({ open: [27] })]))
  const tab = desk.openTab()
  const plan = await looked(desk, () => toRegister(tab.console.facts, c1, people))
  expect(plan.byAccount.map(({ displayName }) => displayName)).toEqual(['With Account'])
  expect(plan.byMail.map(({ displayName }) => displayName)).toEqual(['With Mail', 'Retired Before'])
  expect(leftOutInGroups(plan.leftOut).map(({ text, people: who }) => [who.length, text])).toEqual([
    [2, 'has neither a managed account nor a mail address. Add one of them to the person first'],
    [1, 'has a mail address that is none. Correct it first'],
    [1, 'has left the organisation'],
    [1, 'is registered already'],
    [1, 'is being asked for already'],
  ])
  const retire = await looked(desk, () => toRetire(tab.console.facts, c1, people))
  expect(retire.people.map(({ displayName }) => displayName)).toEqual(['Invited Already'])
  expect(retire.leftOut.find(({ person: one }) => one.displayName === 'Retired Before')?.text).toBe('is retired already')
})

test('a person’s page says how they stand, what they hold, what can come back, and why a wish is not served; also without a network', async () => {
  const { desk, keynote, book: algebra } = sitDown()
  putPrincipals(desk.server, [
    user(5, 'Ana Ruiz', { email: 'ana@north.example' }),
    gone(1, 'DMP1', { name: 'iPad-1', ownerId: principalIdOf('user', 5) }),
  ])
  stand(desk, c1, 5, 'retired')
  seat(desk, algebra, 'user', [5])
  desk.server.record(
    rowsFact(locationOrdersKey(c1), [
      order({
        action: 'retire-user',
        state: 'failed',
        failures: [{ ordinal: 5, code: '9600', text: 'The store had trouble. It is tried again.', retryable: true, atSeq: 3 }],
      }),
      order({ id: must(parseOrderId('o2')), connectorId: c1, open: [6] }),
    ]),
  )
  const tab = desk.openTab()
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [target('u5')], mode: 'include', intent: 'required', licenseType: 'user' })
  const page = must(await pageOf(desk, tab, principalIdOf('user', 5)))

  expect(page.standings.map(({ connector: at, state, meaning, unserved }) => [at.id, state, unserved, meaning])).toEqual([
    ['c1', 'retired', 1, 'Retired at the store. No seats can be given until the person is registered again'],
    ['c2', 'none', 0, 'Not registered. Registering makes an invitation, which the person accepts with an Apple Account'],
  ])
  expect(page.seats.map(({ license, returns }) => [license.product.name, returns])).toEqual([
    ['Algebra', 'Given for good, as every book is'],
  ])
  expect(page.wished.map(({ license, because, foretold }) => [license.product.name, because, foretold])).toEqual([
    ['Keynote', 'Retired at the store. Register the person again under People, then it goes on by itself', true],
  ])
  expect(page.devices.map(({ serialNumber }) => serialNumber)).toEqual(['DMP1'])
  expect(page.orders.map(({ row, failure }) => [row.words, failure?.text])).toEqual([
    ['Retire 1 person at the store', 'The store had trouble. It is tried again.'],
  ])
  expect(page.standings[0]?.notRegistrable).toBeUndefined()
  expect(page.standings[0]?.notRetirable?.code).toBe('retired-already')

  const tablet = must(await pageOf(desk, tab, principalIdOf('device', 1)))
  expect([tablet.owner?.id, tablet.standings, tablet.seats]).toEqual(['u5', [], []])
  expect(await pageOf(desk, tab, principalIdOf('user', 999))).toBeUndefined()
  expect(await pageOf(desk, tab, principalIdOf('user', 1))).toBeUndefined()
})

test('a member of a group is told what the group’s assignment comes to', async () => {
  const { desk, keynote, tablets } = sitDown()
  seat(desk, keynote, 'device', [2])
  const tab = desk.openTab()
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [tablets], mode: 'include', intent: 'required', licenseType: 'device' })
  const third = must(await pageOf(desk, tab, principalIdOf('device', 3)))
  expect(third.wished.map(({ verdict, by }) => [verdict.state, by.name])).toEqual([['waiting', 'Grade 7 tablets']])
  const second = must(await pageOf(desk, tab, principalIdOf('device', 2)))
  expect([second.wished, second.seats.map(({ verdict }) => verdict?.state)]).toEqual([[], ['placed']])
  expect(await looked(desk, () => ({ is: 'ready', value: placesHeldAt(tab.console.facts, [device(2, 'DMP2')]) }))).toEqual(['c1'])
})

test('the mail with an invitation is plain text to that very person, and what stands in a name stays text', () => {
  const mail = invitationMail(user(5, 'Ana & Co?', { email: 'ana+x&y@north.example' }), connector(), 'https://vpp.example/join?code=1&mt=8')
  const url = new URL(mail)
  expect(decodeURIComponent(url.pathname)).toBe('ana+x&y@north.example')
  expect([...url.searchParams.keys()]).toEqual(['subject', 'body'])
  expect(url.searchParams.get('body')).toContain('Hello Ana & Co?,\r\n\r\n')
  expect(url.searchParams.get('body')).toContain('https://vpp.example/join?code=1&mt=8')
})

test('acts about people ask the paths of the API, tell a preview’s sums, and hand on a refusal', async () => {
  const asked: (readonly [string, string, string])[] = []
  const answers = [
    { status: 202, body: { order: { total: 2 }, notAsked: [{ id: 'u7', text: 'has left the organisation' }] } },
    {
      status: 200,
      body: {
        holdings: [
          { principal: { id: 'u5', name: 'Ana' }, returns: [{ product: { name: 'Keynote' }, pricing: 'STDQ' }], stays: [], wished: [] },
        ],
        returns: 1,
        stays: 0,
        wished: 3,
        asOf: null,
      },
    },
    { status: 409, body: { code: 'no-invitation', detail: 'There is no invitation to accept.' } },
  ]
  const people = createPeopleActs(
    createRequest((path, init) => {
      asked.push([init.method ?? '', path, typeof init.body === 'string' ? init.body : ''])
      const { status, body } = must(answers[asked.length - 1])
      return Promise.resolve(new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } }))
    }),
  )
  const ana = principalIdOf('user', 5)
  expect(await people.register(c1, [ana])).toMatchObject({ ok: true, value: { total: 2, notAsked: [{ id: 'u7' }] } })
  expect(await people.retirePreview(c1, [ana])).toMatchObject({
    ok: true,
    value: { returns: 1, assignments: 3, holdings: [{ name: 'Ana', returns: [{ name: 'Keynote' }] }] },
  })
  expect(await people.invitation(c1, ana)).toMatchObject({ ok: false, error: { code: 'no-invitation' } })
  expect(asked.map(([method, path]) => `${method} ${path}`)).toEqual([
    'POST /api/v1/connectors/c1/registrations',
    'POST /api/v1/connectors/c1/registrations/retire/preview',
    'GET /api/v1/connectors/c1/registrations/u5/invitation',
  ])
  expect(ordinalOf(ana)).toBe(5)
})
