/** People at Apple, as the store's own files read and write them, over real HTTP. */
import { describe, expect, test } from 'vitest'
import type { PersonRead, StorePeople } from '../../../../server/stores/store.ts'
import { failureIn, mustBeOk, openOddLink, openSandboxLink, type OddAnswer, type SandboxLink } from './apple-link.ts'

const peopleOf = ({ connection }: Pick<SandboxLink, 'connection'>): StorePeople => {
  if (connection.people === undefined) throw new Error('the store keeps a list of people')
  return connection.people
}

const collect = async (people: StorePeople, cursor: string | null = null) => {
  let found: PersonRead[] = []
  const begins: boolean[] = []
  const read = await people.read(cursor, {
    begin: (full) => {
      found = []
      begins.push(full)
    },
    page: (page) => void found.push(...page),
  })
  return { read, begins, found, words: found.map(({ key, state }) => `${key}: ${state}`) }
}

const register = (link: SandboxLink, count: number, from = 1): void => {
  for (let n = from; n < from + count; n += 1)
    link.control.registerUser(link.uId, { clientUserId: `user${n}`, email: `user${n}@mail.example` })
}

describe('reading', () => {
  test('every record of everybody, the closed ones too, over several pages', async () => {
    await using link = await openSandboxLink()
    register(link, 7)
    link.control.acceptInvitation(link.uId, 'user1', 'one@mail.example')
    link.control.retireUser(link.uId, 'user1')
    link.control.registerUser(link.uId, { clientUserId: 'user1' })
    const { read, begins, words } = await collect(peopleOf(link))
    expect(mustBeOk(read)).toMatchObject({ full: true, cursor: expect.any(String) })
    expect(begins).toEqual([true])
    expect(words).toEqual(['user1: retired', 'user1: registered', ...[2, 3, 4, 5, 6, 7].map((n) => `user${n}: registered`)])
  })

  test('case 15: an increment names who changed, a retirement among them; one that Apple no longer takes becomes a full walk', async () => {
    await using link = await openSandboxLink()
    register(link, 4)
    const first = mustBeOk((await collect(peopleOf(link))).read)
    expect((await collect(peopleOf(link), first.cursor)).words).toEqual([])
    link.control.retireUser(link.uId, 'user2')
    link.control.acceptInvitation(link.uId, 'user3', 'three@mail.example')
    const second = await collect(peopleOf(link), first.cursor)
    expect([second.words, mustBeOk(second.read).full]).toEqual([['user2: retired', 'user3: associated'], false])
    link.control.forgetVersions(link.uId)
    const third = await collect(peopleOf(link), mustBeOk(second.read).cursor)
    expect([third.begins, mustBeOk(third.read).full, third.words.length]).toEqual([[false, true], true, 4])
  })

  test('case 13: a list that changes under its walk is walked again', async () => {
    await using link = await openSandboxLink()
    register(link, 5)
    link.control.faults.arm({ fault: { is: 'page-moved' }, endpoint: 'users', skip: 1, times: 1 })
    const { read, begins, words } = await collect(peopleOf(link))
    expect([mustBeOk(read).full, begins, words.length]).toEqual([true, [true, true], 5])
  })

  test('case 13: one that never holds still proves no absences, and the increment goes on from before it changed', async () => {
    await using moving = await openOddLink(({ path, query, n }) =>
      path !== '/users'
        ? undefined
        : {
            body: {
              users: [{ clientUserId: `u${n}`, status: 'Registered' }],
              size: 1,
              versionId: `v${n}`,
              ...(query.get('pageIndex') === null ? { nextPageIndex: 1 } : {}),
            },
          },
    )
    const { read, found } = await collect(peopleOf(moving))
    expect(mustBeOk(read)).toEqual({ cursor: 'v7', full: false })
    expect(found).toHaveLength(2)
  })

  test('a record whose status is not known counts as on the list, one without a user name is left out, and a body of another kind is no empty list', async () => {
    const answers: OddAnswer[] = [
      {
        body: {
          users: [
            { clientUserId: 'a', status: 'Created', extra: 1 },
            { clientUserId: 'b', status: 'Deleted', idHash: 'x' },
            { clientUserId: 7, status: 'Associated', email: null },
            { status: 'Registered' },
          ],
          size: 4,
        },
      },
      { body: { assets: [] } },
      { body: { errorNumber: 9622, errorMessage: 'no' } },
    ]
    await using link = await openOddLink(({ path }) => (path === '/users' ? answers[0] : undefined))
    expect((await collect(peopleOf(link))).found).toEqual([
      { key: 'a', state: 'registered', email: '' },
      { key: 'b', state: 'retired', email: '' },
      { key: '7', state: 'associated', email: '' },
    ])
    answers.shift()
    expect(failureIn((await collect(peopleOf(link))).read)).toMatchObject({ is: 'store-answer-unreadable' })
    answers.shift()
    expect(failureIn((await collect(peopleOf(link))).read)).toMatchObject({ is: 'credential-invalid' })
  })

  test('some people are looked for one by one, many in one walk, and a filter that the store ignores finds nobody else', async () => {
    await using link = await openSandboxLink()
    register(link, 120)
    const people = peopleOf(link)
    expect(mustBeOk(await people.find(['user3', 'user5', 'nobody', ' USER3 '])).map(({ key }) => key)).toEqual(['user3', 'user5'])
    expect(link.asked('/users')).toBe(3)
    link.control.setSwitches({ pageSize: 200 })
    const many = Array.from({ length: 110 }, (_, n) => `user${n + 1}`)
    expect(mustBeOk(await people.find(many)).map(({ key }) => key)).toEqual(many)
    expect(link.asked('/users')).toBe(4)
    await using deaf = await openOddLink(({ path }) =>
      path === '/users' ? { body: { users: [{ clientUserId: 'other' }], size: 1 } } : undefined,
    )
    expect(mustBeOk(await peopleOf(deaf).find(['user1']))).toEqual([])
  })
})

describe('writing', () => {
  const writing = (answer: OddAnswer = { body: { eventId: 'e1' } }) =>
    openOddLink(({ method, path }) => (method === 'POST' ? answer : path === '/client/config' ? { body: { uId: '1' } } : undefined))
  const sent = (link: Awaited<ReturnType<typeof writing>>) => {
    const { path, body } = link.asked.at(-1) ?? { path: '', body: '' }
    return [path, JSON.parse(body)]
  }

  test('a person is told with what is known of them, once, and an address that is none does not stop the others', async () => {
    await using link = await writing()
    const people = [
      { key: ' ana ', email: '', managedAccount: ' ana@school.example ' },
      { key: 'ben', email: 'ben@mail.example', managedAccount: '' },
      { key: 'cem', email: 'no address', managedAccount: '' },
      { key: 'ben', email: 'ben@mail.example', managedAccount: '' },
    ]
    mustBeOk(await link.connection.write({ action: 'register-user', people }))
    const users = [
      { clientUserId: 'ana', managedAppleId: 'ana@school.example' },
      { clientUserId: 'ben', email: 'ben@mail.example' },
      { clientUserId: 'cem' },
    ]
    expect(sent(link)).toEqual(['/users/create', { users }])
    mustBeOk(await link.connection.write({ action: 'update-user', people }))
    expect(sent(link)).toEqual(['/users/update', { users }])
    mustBeOk(await link.connection.write({ action: 'retire-user', keys: ['ana', 'ben', 'ana'] }))
    expect(sent(link)).toEqual(['/users/retire', { users: [{ clientUserId: 'ana' }, { clientUserId: 'ben' }] }])
    mustBeOk(
      await link.connection.write({
        action: 'revoke',
        holders: [
          { kind: 'device', key: ' c02a ' },
          { kind: 'user', key: 'ana' },
        ],
      }),
    )
    expect(sent(link)).toEqual(['/assets/revoke', { clientUserIds: ['ana'], serialNumbers: ['C02A'] }])
    await expect(link.connection.write({ action: 'retire-user', keys: [' '] })).rejects.toThrow('names nobody')
    await expect(link.connection.write({ action: 'revoke', holders: [] })).rejects.toThrow('names nobody')
  })

  test('never more than the present limits, which are read and told; what is over is not sent', async () => {
    await using link = await openSandboxLink()
    link.control.setLimits({ maxUsers: 2, maxRevokeClientUserIds: 1, maxRevokeSerialNumbers: 2, maxSubscriptionClientUserIds: 7 })
    expect(mustBeOk(await link.connection.limits())).toMatchObject({
      mostPeople: 2,
      mostUsersRevoked: 1,
      mostDevicesRevoked: 2,
      mostSubscribers: 7,
    })
    const people = ['a', 'b', 'c'].map((key) => ({ key, email: '', managedAccount: '' }))
    expect(failureIn(await link.connection.write({ action: 'register-user', people }))).toEqual({ is: 'over-limit' })
    expect(failureIn(await link.connection.write({ action: 'retire-user', keys: ['a', 'b', 'c'] }))).toEqual({ is: 'over-limit' })
    const users = (...keys: readonly string[]) => keys.map((key) => ({ kind: 'user' as const, key }))
    expect(failureIn(await link.connection.write({ action: 'revoke', holders: users('a', 'b') }))).toEqual({ is: 'over-limit' })
    expect(link.asked('/users/create') + link.asked('/users/retire') + link.asked('/assets/revoke')).toBe(0)
    // Lowered since: the store says so, and the next look reads it.
    link.control.setLimits({ maxUsers: 1 })
    expect(failureIn(await link.connection.write({ action: 'register-user', people: people.slice(0, 2) }))).toEqual({ is: 'over-limit' })
    expect(mustBeOk(await link.connection.limits()).mostPeople).toBe(1)
  })

  test('case 34: one who is registered already is as asked for; an account that is refused is named with the reason', async () => {
    await using link = await openSandboxLink()
    link.control.registerUser(link.uId, { clientUserId: 'ben' })
    const settle = async (people: readonly { key: string; managedAccount: string }[]) => {
      const { reference } = mustBeOk(
        await link.connection.write({ action: 'register-user', people: people.map((person) => ({ email: '', ...person })) }),
      )
      link.control.finishEvents()
      return mustBeOk(await link.connection.orderStatus(reference, []))
    }
    expect(await settle([{ key: 'ben', managedAccount: '' }])).toEqual({ is: 'done' })
    expect(
      await settle([
        { key: 'ben', managedAccount: '' },
        { key: 'cem', managedAccount: 'cem@elsewhere.example' },
        { key: 'dora', managedAccount: '' },
      ]),
    ).toMatchObject({
      is: 'failed',
      complete: true,
      failures: [{ holders: [{ kind: 'user', key: 'cem' }], code: '9635', retryable: false }],
    })
  })

  test('what one holder has is read whole, and nothing of anybody else', async () => {
    await using link = await openSandboxLink()
    link.control.registerUser(link.uId, { clientUserId: 'ben' })
    for (const adamId of ['900000011', '900000012', '900000013', '900000014']) {
      link.control.own(link.uId, adamId, { total: 3 })
      link.control.assignOutside(link.uId, adamId, [
        { kind: 'user', clientUserId: 'ben' },
        { kind: 'device', serialNumber: 'C02A' },
      ])
    }
    for (const holder of [
      { kind: 'user' as const, key: 'ben' },
      { kind: 'device' as const, key: 'C02A' },
    ]) {
      const seats = mustBeOk(await link.connection.readSeatsOfHolder(holder))
      expect(seats.map((seat) => [seat.productId, seat.holder.key])).toEqual(
        ['900000011', '900000012', '900000013', '900000014'].map((adamId) => [adamId, holder.key]),
      )
    }
  })
})

describe('the invitation', () => {
  test("is Apple's address with the person's code in it, and there is none for who has accepted or is not there", async () => {
    await using link = await openSandboxLink()
    link.control.registerUser(link.uId, { clientUserId: 'ben' })
    const { inviteCode } = link.control.users(link.uId)[0] ?? {}
    const people = peopleOf(link)
    expect(mustBeOk(await people.invitationUrl('ben'))).toBe(
      `${link.sandbox.url}/WebObjects/MZFinance.woa/wa/associateVPPUserWithITSAccount?inviteCode=${inviteCode}&mt=8`,
    )
    link.control.acceptInvitation(link.uId, 'ben', 'ben@icloud.example')
    expect(mustBeOk(await people.invitationUrl('ben'))).toBeUndefined()
    expect(mustBeOk(await people.invitationUrl('nobody'))).toBeUndefined()
  })

  test.each([
    ['leads to another host', 'https://evil.example/join?inviteCode=%25inviteCode%25'],
    ['only looks like Apple', 'https://apple.com.evil.example/?inviteCode=%25inviteCode%25'],
    ['is not https', 'http://buy.itunes.apple.com/?inviteCode=%25inviteCode%25'],
    ['has no place for the code', 'https://buy.itunes.apple.com/join'],
    ['is no address', 'inviteCode=%25inviteCode%25'],
  ])('is not made when the address that Apple names %s', async (_what, invitationEmail) => {
    await using link = await openOddLink(({ path }) =>
      path === '/service/config'
        ? { body: { limits: {}, urls: { invitationEmail } } }
        : path === '/users'
          ? { body: { users: [{ clientUserId: 'ben', status: 'Registered', inviteCode: 'secret-code' }], size: 1 } }
          : undefined,
    )
    const failure = failureIn(await peopleOf(link).invitationUrl('ben'))
    expect(failure).toMatchObject({ is: 'store-answer-unreadable' })
    expect(JSON.stringify(failure)).not.toContain('secret-code')
  })

  test('is at the published address where Apple names none, with a code that can not leave its place', async () => {
    await using link = await openOddLink(({ path }) =>
      path === '/users'
        ? { body: { users: [{ clientUserId: 'ben', status: 'Registered', inviteCode: 'a&b/../#c' }], size: 1 } }
        : undefined,
    )
    expect(mustBeOk(await peopleOf(link).invitationUrl('ben'))).toBe(
      'https://buy.itunes.apple.com/WebObjects/MZFinance.woa/wa/associateVPPUserWithITSAccount?inviteCode=a%26b%2F..%2F%23c&mt=8',
    )
  })
})
