/** On each database: look-ups, pages, and a client that says everything twice at once. */
import { afterAll, describe, expect, test } from 'vitest'
import { onEachDatabase, stopDatabases } from '../../world/open-database.ts'
import { core, coreGroup, enterprise, openScimDesk } from './scim-desk.ts'

afterAll(stopDatabases)

describe.each(onEachDatabase)('on $dialect', ({ open }) => {
  test('people are found by each of their names, page by page, with whatever letters', async () => {
    await using desk = await openScimDesk({ open })
    const names = ['ana', 'Ärö', 'ßen', "o'neil", '50%_off', '名前', '😀']
    const ids: string[] = []
    for (const [n, userName] of names.entries())
      ids.push(
        await desk.makeUser(userName, {
          externalId: `Ext-${n}`,
          emails: [{ type: 'work', value: `${n}@x.example` }],
          [enterprise]: { department: userName },
        }),
      )
    for (const [n, userName] of names.entries())
      for (const filter of [
        `userName eq ${JSON.stringify(userName)}`,
        `externalId eq "Ext-${n}"`,
        `emails[type eq "work"].value eq "${n}@X.example"`,
        `department eq ${JSON.stringify(userName)} and active eq true`,
      ])
        expect([filter, (await desk.find('/Users', filter)).body.Resources.map((each: { readonly id: string }) => each.id)]).toEqual([
          filter,
          [ids[n]],
        ])
    const pages: string[] = []
    for (let from = 1; from <= names.length; from += 2)
      pages.push(
        ...(await desk.scim('GET', `/Users?startIndex=${from}&count=2`)).body.Resources.map((each: { readonly id: string }) => each.id),
      )
    expect(pages.sort()).toEqual([...ids].sort())
    expect((await desk.find('/Users', 'userName pr')).body.totalResults).toBe(names.length)
  })

  test('a client that says everything twice at once makes each thing once', async () => {
    await using desk = await openScimDesk({ open })
    const body = { schemas: [core], userName: 'ana', externalId: 'e' }
    const made = await Promise.all(Array.from({ length: 8 }, () => desk.scim('POST', '/Users', { body })))
    expect(made.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)])
    const id: string = made.find(({ status }) => status === 201)?.body.id
    const groups = await Promise.all(
      Array.from({ length: 4 }, () => desk.scim('POST', '/Groups', { body: { schemas: [coreGroup], displayName: 'G' } })),
    )
    expect(groups.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409])
    const group: string = groups.find(({ status }) => status === 201)?.body.id
    await Promise.all(
      Array.from({ length: 8 }, () => desk.patch(`/Groups/${group}`, { op: 'Add', path: 'members', value: [{ value: id }] })),
    )
    expect(await desk.membersOf(group)).toEqual([id])
    const gone = await Promise.all(Array.from({ length: 4 }, () => desk.scim('DELETE', `/Users/${id}`)))
    expect(gone.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404])
    expect((await desk.get('users?left=any')).body.items).toHaveLength(1)
  })
})
