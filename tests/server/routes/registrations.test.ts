/** Calls about the people registered at a store. */
import { expect, test } from 'vitest'
import { book, keynote, openSchool, type Answer, type School } from './desk.ts'

const ids = async (school: School) => ({
  at: `connectors/${school.connectorId}`,
  ana: await school.idOf('users', 'ana'),
  ben: await school.idOf('users', 'ben'),
  tablet: await school.idOf('devices', 'C02A'),
})
const add = async (school: School, userName: string, members: object): Promise<string> => {
  const added = await school.post('users', { userName, ...members })
  if (added.status !== 201) throw new Error(added.text)
  return added.body.id
}
const names = ({ body }: Answer): readonly string[] => body.items.map((row: { principal: { key: string } }) => row.principal.key)

test('who is registered is a list like any other: filtered, sorted, paged, as CSV, with its age', async () => {
  await using school = await openSchool()
  const { at } = await ids(school)
  await add(school, 'cem', { displayName: 'Cem' })
  const all = await school.get(`${at}/registrations`)
  expect(all.body.items).toMatchObject([
    { principal: { key: 'ana', name: 'Ana Maier' }, state: 'registered', email: 'ana@school.example', joinsBy: 'mail', closedRecords: 0 },
    { principal: { key: 'ben' }, state: 'registered' },
  ])
  expect(all.body.items[0].text).toContain('not accepted yet')
  expect(all.body.asOf).toBe((await school.get(at)).body.people.asOf)
  expect(names(await school.get(`${at}/registrations?q=ODUYA`))).toEqual(['ben'])
  expect(names(await school.get(`${at}/registrations?sort=-name`))).toEqual(['ben', 'ana'])
  expect(names(await school.get(`${at}/registrations?state=associated`))).toEqual([])
  const none = await school.get(`${at}/registrations?state=none`)
  expect(none.body.items).toMatchObject([{ principal: { key: 'cem' }, state: 'none', joinsBy: 'nothing', since: null }])
  const first = await school.get(`${at}/registrations?limit=1`)
  expect([names(first), names(await school.get(`${at}/registrations?limit=1&cursor=${first.body.next}`))]).toEqual([['ana'], ['ben']])
  const csv = await school.ask('GET', `${at}/registrations`, { headers: { accept: 'text/csv' } })
  expect(csv.text.split('\r\n').slice(0, 2)).toEqual([
    'principal.kind,principal.id,principal.name,principal.key,state,text,email,joinsBy,closedRecords,since',
    expect.stringMatching(/^user,u\d+,Ana Maier,ana,registered,/),
  ])
  expect((await school.get(`${at}/registrations?state=new`)).status).toBe(400)
  for (const path of [
    'connectors/x/registrations',
    'connectors/0123456789abcdef/registrations',
    `${at}/registrations/u999`,
    `${at}/registrations/d1`,
  ])
    expect([path, (await school.get(path)).status]).toEqual([path, 404])
})

test('who can not be registered is told with the reason, and the others are asked for', async () => {
  await using school = await openSchool()
  const { at, ana, tablet } = await ids(school)
  const cem = await add(school, 'cem', {})
  const dora = await add(school, 'dora', { email: 'no address' })
  const emil = await add(school, 'emil', { email: 'emil@mail.example', active: false })
  const fee = await add(school, 'fee', { email: 'fee@mail.example' })
  const gone = await add(school, 'gus', { email: 'gus@mail.example' })
  await school.ask('DELETE', `users/${gone}`)
  const asked = await school.post(`${at}/registrations`, { principals: [ana, tablet, cem, dora, emil, gone, fee, fee, 'u999'] })
  expect(asked.status).toBe(202)
  expect(asked.body.order).toMatchObject({ action: 'register-user', licenseId: null, state: 'planned', total: 1, by: expect.any(String) })
  expect(asked.body.notAsked.map(({ id, code }: { id: string; code: string }) => [id, code])).toEqual([
    [ana, 'registered-already'],
    [tablet, 'not-a-person'],
    [cem, 'nothing-to-join-by'],
    [dora, 'mail-address-malformed'],
    [emil, 'principal-inactive'],
    [gone, 'principal-left'],
    ['u999', 'not-found'],
  ])
  // Once more while it is under way.
  const again = await school.post(`${at}/registrations`, { principals: [fee, cem] })
  expect([again.status, again.body.code, again.body.errors.map(({ field }: { field: string }) => field)]).toEqual([
    422,
    'nobody-to-ask',
    ['principals.0', 'principals.1'],
  ])
  expect(again.text).not.toContain('fee@mail.example')
  await school.settle()
  expect((await school.get(`orders/${asked.body.order.id}`)).body).toMatchObject({ state: 'done', done: 1 })
  expect((await school.get(`orders?connector=${school.connectorId}`)).body.items[0].id).toBe(asked.body.order.id)
  expect(names(await school.get(`${at}/registrations`))).toEqual(['ana', 'ben', 'fee'])
  const [row] = (await school.get('audit?action=people.register-asked')).body.items
  expect(row.detail).toEqual({ order: asked.body.order.id, people: [fee] })
  expect((await school.post(`${at}/registrations`, { principals: [] })).status).toBe(400)
})

test('a store that may not be written to is not asked, and says why', async () => {
  await using school = await openSchool()
  const { at, ana, ben } = await ids(school)
  const cem = await add(school, 'cem', { email: 'cem@mail.example' })
  school.store.setOwner(school.uId, { id: 'other', name: 'Other Manager', metadata: 'mdm.example' })
  await school.post(`${at}/sync`)
  await school.settle(5_000)
  for (const [path, body] of [
    ['registrations', { principals: [cem] }],
    ['registrations/retire', { principals: [ana], confirm: true }],
    ['revoke', { principals: [ben], confirm: true }],
  ] as const) {
    const refused = await school.post(`${at}/${path}`, body)
    expect([path, refused.status, refused.body.code]).toEqual([path, 409, 'foreign-owner'])
  }
  expect(school.store.requests().filter(({ method, path }) => method === 'POST' && path !== '/mdm/v2/client/config')).toEqual([])
})

test('a change of mail or account is one of the directory, and is told to the store', async () => {
  await using school = await openSchool()
  const { at, ana } = await ids(school)
  const cem = await add(school, 'cem', { email: 'cem@mail.example' })
  const unknown = await school.ask('PATCH', `${at}/registrations/${cem}`, { body: { email: 'cem@new.example' } })
  expect([unknown.status, unknown.body.errors]).toEqual([422, [{ field: 'principals.0', text: 'is not registered at the store' }]])
  expect((await school.get(`users/${cem}`)).body.email).toBe('cem@mail.example')
  const changed = await school.ask('PATCH', `${at}/registrations/${ana}`, { body: { managedAppleAccount: 'ana@elsewhere.example' } })
  expect([changed.status, changed.body.order.action]).toEqual([202, 'update-user'])
  await school.settle()
  expect((await school.get(`orders/${changed.body.order.id}`)).body).toMatchObject({
    state: 'failed',
    failures: [{ code: '9635', principal: { key: 'ana' } }],
  })
  expect((await school.get(`users/${ana}`)).body.managedAppleAccount).toBe('ana@elsewhere.example')
  expect((await school.ask('PATCH', `${at}/registrations/${ana}`, { body: { userName: 'x' } })).status).toBe(400)
})

test('retiring tells first what comes back, what stays and who would wait, and asks to be confirmed', async () => {
  await using school = await openSchool()
  const { at, ana, ben } = await ids(school)
  const license = await school.idOf('licenses', keynote)
  school.store.assignOutside(school.uId, book, [{ kind: 'user', clientUserId: 'ana' }])
  await school.post('assignments', {
    licenseId: license,
    target: { kind: 'group', id: await school.idOf('groups', 'Teachers') },
    licenseType: 'user',
  })
  await school.post(`${at}/sync`)
  await school.settle(20_000)
  const preview = await school.post(`${at}/registrations/retire/preview`, { principals: [ana, ben] })
  expect(preview.body).toMatchObject({
    returns: 2,
    stays: 1,
    wished: 2,
    holdings: [
      {
        principal: { key: 'ana' },
        returns: [{ product: { name: 'Keynote' } }],
        stays: [{ product: { id: book } }],
        wished: [{ licenseId: license }],
      },
      { principal: { key: 'ben' }, returns: [{ product: { name: 'Keynote' } }], stays: [] },
    ],
    asOf: expect.any(String),
  })
  const refused = await school.post(`${at}/registrations/retire`, { principals: [ana] })
  expect([refused.status, refused.body.code]).toEqual([409, 'confirmation-required'])
  expect((await school.post(`${at}/registrations/retire/preview`, { principals: ['u999'] })).body.code).toBe('principals-unknown')
  const retired = await school.post(`${at}/registrations/retire`, { principals: [ana], confirm: true })
  await school.settle()
  expect((await school.get(`orders/${retired.body.order.id}`)).body.state).toBe('done')
  expect((await school.get(`${at}/registrations/${ana}`)).body).toMatchObject({ state: 'retired' })
  expect((await school.post(`${at}/registrations/retire`, { principals: [ana], confirm: true })).body.errors).toEqual([
    { field: 'principals.0', text: 'is retired already' },
  ])
  expect((await school.get(`licenses/${license}/verdicts?principal=${ana}`)).body.items).toMatchObject([
    { because: { code: 'user-retired' } },
  ])
})

test('the link of an invitation is given to who may manage the directory, is not to be stored, and leaves a trace', async () => {
  await using school = await openSchool()
  const { at, ana } = await ids(school)
  const path = `${at}/registrations/${ana}/invitation`
  const link = await school.get(path)
  const { inviteCode } = school.store.users(school.uId).find(({ clientUserId }) => clientUserId === 'ana') ?? {}
  expect(link.body).toEqual({ url: expect.stringContaining(`inviteCode=${inviteCode}`) })
  expect(link.headers.get('cache-control')).toBe('no-store')
  expect((await school.ask('GET', path, { as: await school.keyFor('reader') })).status).toBe(403)
  expect((await school.ask('GET', path, { as: await school.keyFor('directory') })).status).toBe(200)
  expect((await school.get('audit?action=invitation.shown')).body.items).toMatchObject([{ object: ana }, { object: ana }])
  school.setReachable(false)
  expect((await school.get(path)).status).toBe(503)
  school.setReachable(true)
  expect((await school.get(`${at}/registrations/${await add(school, 'cem', {})}/invitation`)).body.code).toBe('no-invitation')
})

test('taking everything back needs somebody who is known and holds something, and at most a hundred at once', async () => {
  await using school = await openSchool()
  const { at, ana } = await ids(school)
  expect((await school.post(`${at}/revoke/preview`, { principals: ['x'] })).body).toMatchObject({ status: 422, code: 'principals-unknown' })
  expect((await school.post(`${at}/revoke`, { principals: ['u999'], confirm: true })).body).toMatchObject({
    status: 422,
    code: 'principals-unknown',
  })
  expect((await school.post(`${at}/revoke`, { principals: [ana], confirm: true })).body).toMatchObject({
    status: 409,
    code: 'nothing-to-take',
  })
  expect((await school.post(`${at}/revoke`, { principals: Array.from({ length: 101 }, () => ana), confirm: true })).status).toBe(400)
  expect((await school.post('connectors/0123456789abcdef/revoke', { principals: [ana], confirm: true })).status).toBe(404)
})
