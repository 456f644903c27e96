import { describe, expect, test } from 'vitest'
import { itemsOf, openDesk, user } from './apple-desk.ts'

const APP = '900000011'
const BOOK = '900000777'

const furnished = () => {
  const desk = openDesk()
  desk.control.own(desk.uId, APP, { total: 10 })
  desk.control.own(desk.uId, BOOK, { total: 10, productType: 'Book' })
  return desk
}

const numbersOf = (status: Record<string, unknown>) => itemsOf(status['failures']).map((failure) => failure['errorNumber'])

describe('making users known', () => {
  test('one without an account is Registered with an invitation, one with a Managed Apple Account is Associated at once', async () => {
    const desk = furnished()
    const status = await desk.settle('/users/create', {
      users: [
        { clientUserId: 'bo', email: 'bo@corp.example' },
        { clientUserId: 'ada', managedAppleId: 'ada@school.example' },
      ],
    })
    expect(status).toMatchObject({ eventStatus: 'COMPLETE', eventType: 'CREATE', numRequested: 2, numCompleted: 2 })
    const users = itemsOf((await desk.get('/users')).body['users'])
    expect(users).toEqual([
      { clientUserId: 'bo', email: 'bo@corp.example', status: 'Registered', inviteCode: expect.stringMatching(/^[0-9a-f]{32}$/) },
      { clientUserId: 'ada', status: 'Associated', idHash: expect.any(String) },
    ])
  })

  test('an account of another organisation is 9635, one already linked 9641, an id that exists 9716', async () => {
    const desk = furnished()
    await desk.settle('/users/create', { users: [{ clientUserId: 'ada', managedAppleId: 'ada@school.example' }] })
    const status = await desk.settle('/users/create', {
      users: [
        { clientUserId: 'x', managedAppleId: 'x@other.example' },
        { clientUserId: 'y', managedAppleId: 'ada@school.example' },
        { clientUserId: 'ada' },
      ],
    })
    expect(status).toMatchObject({ eventStatus: 'FAILED', numCompleted: 0 })
    expect(numbersOf(status)).toEqual([9635, 9641, 9716])
    expect(itemsOf((await desk.get('/users')).body['users'])).toHaveLength(1)
  })

  test('an update reaches the active record, and is 9609 where there is none', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    const status = await desk.settle('/users/update', {
      users: [{ clientUserId: 'ada', email: 'ada@new.example' }, { clientUserId: 'no' }],
    })
    expect([status['eventType'], numbersOf(status)]).toEqual(['UPDATE', [9609]])
    expect(itemsOf((await desk.get('/users?clientUserId=ada')).body['users'])[0]).toMatchObject({ email: 'ada@new.example' })
  })
})

describe('retiring', () => {
  test('apps come back, the book stays with the retired record and stays counted', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    desk.control.assignOutside(desk.uId, APP, [user('ada')])
    desk.control.assignOutside(desk.uId, BOOK, [user('ada')])
    expect(await desk.settle('/users/retire', { users: [{ clientUserId: 'ada' }] })).toMatchObject({ eventStatus: 'COMPLETE' })
    expect(desk.control.counts(desk.uId, APP)).toMatchObject({ assigned: 0, available: 10 })
    expect(desk.control.counts(desk.uId, BOOK)).toMatchObject({ assigned: 1, available: 9 })
    const refused = await desk.settle('/assets/associate', { assets: [{ adamId: APP }], clientUserIds: ['ada'] })
    expect(numbersOf(refused)).toEqual([9609])
  })

  test('a user nobody knows is 9609, one already retired is success or 9618', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada' })
    const retire = (clientUserId: string) => desk.settle('/users/retire', { users: [{ clientUserId }] })
    expect(numbersOf(await retire('no'))).toEqual([9609])
    await retire('ada')
    expect((await retire('ada'))['eventStatus']).toBe('COMPLETE')
    desk.control.setSwitches({ repeatedWrite: 'v1-errors' })
    expect(numbersOf(await retire('ada'))).toEqual([9618])
  })

  test('one never associated gets the old record back; one who was, gets a new one beside it', async () => {
    const desk = furnished()
    const { control, uId } = desk
    control.registerUser(uId, { clientUserId: 'bo' })
    control.retireUser(uId, 'bo')
    control.registerUser(uId, { clientUserId: 'bo' })
    expect(control.users(uId).map(({ status }) => status)).toEqual(['Registered'])
    control.acceptInvitation(uId, 'bo', 'bo@icloud.example')
    control.retireUser(uId, 'bo')
    control.registerUser(uId, { clientUserId: 'bo' })
    expect(control.users(uId).map(({ status }) => status)).toEqual(['Retired', 'Registered'])
  })

  test('who comes back with the old account swaps records, and nothing held is lost', async () => {
    const desk = furnished()
    const { control, uId } = desk
    control.registerUser(uId, { clientUserId: 'bo' })
    control.acceptInvitation(uId, 'bo', 'bo@icloud.example')
    control.assignOutside(uId, BOOK, [user('bo')])
    control.retireUser(uId, 'bo')
    control.registerUser(uId, { clientUserId: 'bo' })
    control.assignOutside(uId, APP, [user('bo')])
    expect(control.acceptInvitation(uId, 'bo', 'bo@icloud.example')).toBe(0)
    expect(control.users(uId).map(({ record, status }) => [record, status])).toEqual([
      [1, 'Associated'],
      [2, 'Retired'],
    ])
    const { items } = await desk.walk('/assignments?excludeInactiveUsers=true', 'assignments')
    expect(items.map((item) => item['adamId'])).toEqual([APP, BOOK])
  })
})

test('a managed account that comes back swaps too, with its mail address as it is now', async () => {
  const desk = furnished()
  const { control, uId } = desk
  control.registerUser(uId, { clientUserId: 'ada', managedAppleId: 'ada@school.example', email: 'ada@old.example' })
  control.assignOutside(uId, BOOK, [user('ada')])
  control.retireUser(uId, 'ada')
  control.registerUser(uId, { clientUserId: 'ada', managedAppleId: 'ada@school.example', email: 'ada@new.example' })
  expect(control.users(uId).map(({ record, status, email }) => [record, status, email])).toEqual([
    [1, 'Associated', 'ada@new.example'],
    [2, 'Retired', 'ada@new.example'],
  ])
})

test('an update with a managed account makes an invited person Associated, and the invitation is gone', async () => {
  const desk = furnished()
  desk.control.registerUser(desk.uId, { clientUserId: 'bo' })
  await desk.settle('/users/update', { users: [{ clientUserId: 'bo', managedAppleId: 'bo@school.example' }] })
  expect(itemsOf((await desk.get('/users')).body['users'])).toEqual([
    { clientUserId: 'bo', status: 'Associated', idHash: expect.any(String) },
  ])
})

test('by the switch, an account that comes back supersedes its earlier record, and codes are told in later states too', async () => {
  const desk = furnished()
  const { control, uId } = desk
  control.setSwitches({ returningAccount: 'supersedes', inviteCodes: 'kept' })
  control.registerUser(uId, { clientUserId: 'bo' })
  control.acceptInvitation(uId, 'bo', 'bo@icloud.example')
  control.assignOutside(uId, BOOK, [user('bo')])
  control.retireUser(uId, 'bo')
  control.registerUser(uId, { clientUserId: 'bo' })
  control.acceptInvitation(uId, 'bo', 'bo@icloud.example')
  const users = itemsOf((await desk.get('/users')).body['users'])
  expect(users.map(({ status, inviteCode }) => [status, typeof inviteCode])).toEqual([
    ['Deleted', 'string'],
    ['Associated', 'string'],
  ])
  const { items } = await desk.walk('/assignments?excludeInactiveUsers=true', 'assignments')
  expect(items.map((item) => item['adamId'])).toEqual([BOOK])
})

describe('the invitation', () => {
  const address = async (desk: ReturnType<typeof furnished>): Promise<string> => {
    const config = await desk.get('/service/config')
    const urls: unknown = config.body['urls']
    const template: unknown = typeof urls === 'object' && urls !== null ? Reflect.get(urls, 'invitationEmail') : undefined
    const { inviteCode } = desk.control.users(desk.uId).find(({ status }) => status === 'Registered') ?? {}
    return String(template).replace('%25inviteCode%25', String(inviteCode))
  }
  const accept = (desk: ReturnType<typeof furnished>, url: string, account: string) =>
    desk.sandbox.fetch(
      new Request(url.split('?')[0] ?? '', {
        method: 'POST',
        body: new URLSearchParams({ inviteCode: new URL(url).searchParams.get('inviteCode') ?? '', account }).toString(),
      }),
    )

  test('leads to a page on which the person accepts with an account of their own, once', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'bo' })
    const url = await address(desk)
    const page = await desk.sandbox.fetch(new Request(url))
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('bo is invited')])
    expect((await accept(desk, url, '')).status).toBe(400)
    expect((await accept(desk, url, 'bo@icloud.example')).status).toBe(200)
    expect(desk.control.users(desk.uId)).toMatchObject([{ clientUserId: 'bo', status: 'Associated' }])
    expect((await accept(desk, url, 'bo@icloud.example')).status).toBe(404)
  })

  test('is not accepted with an account that belongs to somebody else here', async () => {
    const desk = furnished()
    desk.control.registerUser(desk.uId, { clientUserId: 'ada', managedAppleId: 'ada@school.example' })
    desk.control.registerUser(desk.uId, { clientUserId: 'bo' })
    expect((await accept(desk, await address(desk), 'ada@school.example')).status).toBe(409)
    expect(desk.control.users(desk.uId)).toMatchObject([{ status: 'Associated' }, { clientUserId: 'bo', status: 'Registered' }])
  })
})
