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
