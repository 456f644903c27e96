/** Calls about seats that could come back, and about undoing an order. */
import { expect, test } from 'vitest'
import { book, keynote, openSchool, type School } from './desk.ts'

const serials = (school: School): readonly string[] =>
  school.store
    .holders(school.uId, keynote)
    .map((holder) => (holder.kind === 'device' ? holder.serialNumber : holder.clientUserId))
    .toSorted()

/** Three devices and a person hold seats of one license that nobody asked for; the first device was let go. */
const furnish = async () => {
  const school = await openSchool()
  school.store.assignOutside(
    school.uId,
    keynote,
    ['C02A', 'C02B'].map((serialNumber) => ({ kind: 'device' as const, serialNumber })),
  )
  school.store.assignOutside(school.uId, keynote, [{ kind: 'user', clientUserId: 'ana' }])
  school.store.assignOutside(school.uId, book, [{ kind: 'user', clientUserId: 'ana' }])
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle()
  const license = await school.idOf('licenses', keynote)
  const a = await school.idOf('devices', 'C02A')
  const b = await school.idOf('devices', 'C02B')
  return Object.assign(school, { license, a, b })
}
type Row = { readonly principal: { readonly key: string }; readonly reasons: readonly { readonly code: string; readonly text: string }[] }
const told = (rows: readonly Row[]): readonly string[] =>
  rows.map(({ principal, reasons }) => `${principal.key} ${reasons.map(({ code }) => code).join('+')}`).toSorted()

test('seats that could come back are a list like any other, each with its reasons', async () => {
  await using school = await furnish()
  const of = async (query: string) => (await school.get(`reclaimable?${query}`)).body.items
  expect(told(await of(`license=${school.license}`))).toEqual(['C02A second-seat+found', 'C02B found', 'ana found'])
  expect(told(await of(`license=${school.license}&reason=second-seat`))).toEqual(['C02A second-seat'])
  const [second] = await of(`license=${school.license}&reason=second-seat`)
  expect(second).toMatchObject({
    askedFor: false,
    revocable: true,
    reasons: [{ text: expect.stringContaining('Ana Maier'), other: { key: 'ana' } }],
  })
  expect(told(await of('reason=left,released'))).toEqual([])
  // A book is told, and that it stays.
  expect((await of('reason=found')).filter(({ revocable }: { revocable: boolean }) => !revocable)).toHaveLength(1)
  expect(await of('connector=0123456789abcdef')).toEqual([])
  const first = await school.get(`reclaimable?license=${school.license}&limit=2`)
  const rest = await school.get(`reclaimable?license=${school.license}&limit=2&cursor=${first.body.next}`)
  expect(told([...first.body.items, ...rest.body.items])).toEqual(['C02A second-seat+found', 'C02B found', 'ana found'])
  expect((await school.get('reclaimable?reason=boredom')).status).toBe(400)
  await school.post('assignments', { licenseId: school.license, target: { kind: 'device', id: school.b } })
  await school.settle()
  expect(told(await of(`license=${school.license}`))).toEqual(['C02A second-seat+found', 'ana found'])
})

test('seats of several licenses are taken back in one call; what was refused is named, and the rest goes on', async () => {
  await using school = await furnish()
  const books = await school.idOf('licenses', book)
  const ana = await school.idOf('users', 'ana')
  const done = await school.post('reclaim', {
    items: [
      { licenseId: school.license, principals: [school.a] },
      { licenseId: school.license, principals: [school.b] },
      { licenseId: books, principals: [ana] },
      { licenseId: 'l999', principals: [ana] },
    ],
  })
  expect(done.status).toBe(202)
  expect(done.body.orders).toMatchObject([{ licenseId: school.license, cause: 'reclaim', total: 2, notBefore: null }])
  expect(done.body.refused.map(({ code }: { code: string }) => code)).toEqual(['irrevocable', 'license-unknown'])
  await school.settle()
  expect(serials(school)).toEqual(['ana'])
  const alone = await school.post('reclaim', { items: [{ licenseId: books, principals: [ana] }] })
  expect([alone.status, alone.body.code]).toEqual([409, 'irrevocable'])
  expect((await school.post('reclaim', { items: [{ licenseId: school.license, principals: ['d999'] }] })).body.code).toBe(
    'principal-unknown',
  )
})

test('a reclaim with a grace period is planned for its time, and hours out of range are refused', async () => {
  await using school = await furnish()
  const planned = await school.post(`licenses/${school.license}/reclaim`, { principals: [school.a], graceHours: 24 })
  expect(planned.status).toBe(202)
  expect(Date.parse(planned.body.notBefore) - Date.parse(planned.body.createdAt)).toBe(24 * 3_600_000)
  await school.settle(60_000)
  expect(serials(school)).toContain('C02A')
  expect((await school.post(`orders/${planned.body.id}/cancel`)).body).toMatchObject({ state: 'cancelled' })
  for (const graceHours of [-1, 721, 1.5, '24'])
    expect([graceHours, (await school.post(`licenses/${school.license}/reclaim`, { principals: [school.a], graceHours })).status]).toEqual([
      graceHours,
      400,
    ])
  await school.post('assignments', { licenseId: school.license, target: { kind: 'device', id: school.b } })
  await school.settle()
  const asked = await school.post(`licenses/${school.license}/reclaim`, { principals: [school.b], graceHours: 1 })
  expect([asked.status, asked.body.code, asked.body.detail]).toEqual([409, 'asked-for', expect.stringContaining('iPad 2')])
})

test('what undoing would come to is told first, then done once, and the audit log knows who did it', async () => {
  await using school = await furnish()
  const reclaimed = await school.post(`licenses/${school.license}/reclaim`, { principals: [school.a, school.b] })
  expect((await school.get(`orders/${reclaimed.body.id}/undo`)).body).toMatchObject({
    possible: false,
    reason: { code: expect.stringMatching(/not-sent|under-way/) },
  })
  await school.settle()
  expect((await school.get(`orders/${reclaimed.body.id}/undo`)).body).toMatchObject({
    possible: true,
    reason: null,
    action: 'give-back',
    of: 2,
    can: 2,
    blocked: [],
  })
  const headers = { 'idempotency-key': 'undo-1' }
  const undone = await school.ask('POST', `orders/${reclaimed.body.id}/undo`, { body: {}, headers })
  expect(undone.status).toBe(202)
  expect(undone.body.orders).toMatchObject([{ action: 'associate', cause: 'undo', undoes: reclaimed.body.id, total: 2 }])
  const again = await school.ask('POST', `orders/${reclaimed.body.id}/undo`, { body: {}, headers })
  expect([again.status, again.headers.get('idempotency-replayed'), again.text]).toEqual([202, 'true', undone.text])
  await school.settle()
  expect(serials(school)).toEqual(['C02A', 'C02B', 'ana'])
  const [back] = undone.body.orders
  expect((await school.get(`orders/${reclaimed.body.id}`)).body).toMatchObject({ undoneBy: [back.id] })
  const more = await school.post(`orders/${reclaimed.body.id}/undo`)
  expect([more.status, more.body.code, more.body.undoneBy]).toEqual([409, 'undone-already', [back.id]])
  const audit = (await school.get('audit?limit=500')).body.items
  expect(audit.filter(({ action }: { action: string }) => action === 'order.undone')).toMatchObject([{ object: reclaimed.body.id }])
})

test('somebody registered is retired by undoing it, and one retired is registered again', async () => {
  await using school = await openSchool()
  const { body: cem } = await school.post('users', { userName: 'cem', email: 'cem@school.example' })
  const asked = await school.post(`connectors/${school.connectorId}/registrations`, { principals: [cem.id] })
  await school.settle(60_000)
  const { id } = asked.body.order
  expect((await school.get(`orders/${id}/undo`)).body).toMatchObject({ possible: true, action: 'retire-user', of: 1, can: 1 })
  const undone = await school.post(`orders/${id}/undo`)
  expect(undone.body.orders).toMatchObject([{ action: 'retire-user', cause: 'undo', undoes: id }])
  await school.settle(60_000)
  const at = `connectors/${school.connectorId}/registrations/${cem.id}`
  expect((await school.get(at)).body).toMatchObject({ state: 'retired' })
  const back = await school.post(`orders/${undone.body.orders[0].id}/undo`)
  expect(back.body.orders).toMatchObject([{ action: 'register-user' }])
  await school.settle(60_000)
  expect((await school.get(at)).body).toMatchObject({ state: 'registered' })
})

test('whoever may only read is told what undoing would come to, and may not do it', async () => {
  await using school = await furnish()
  const reclaimed = await school.post(`licenses/${school.license}/reclaim`, { principals: [school.a] })
  await school.settle()
  const as = await school.keyFor('reader')
  expect((await school.ask('GET', `orders/${reclaimed.body.id}/undo`, { as })).status).toBe(200)
  expect((await school.ask('POST', `orders/${reclaimed.body.id}/undo`, { as, body: {} })).status).toBe(403)
  expect(serials(school)).toEqual(['C02B', 'ana'])
})

test('an order of people that waits can be cancelled, and retried after all', async () => {
  await using school = await openSchool()
  const { body: cem } = await school.post('users', { userName: 'cem', email: 'cem@school.example' })
  const asked = await school.post(`connectors/${school.connectorId}/registrations`, { principals: [cem.id] })
  const { id } = asked.body.order
  expect((await school.post(`orders/${id}/cancel`)).body).toMatchObject({ state: 'cancelled', failures: [{ code: 'cancelled' }] })
  await school.settle(120_000)
  const at = `connectors/${school.connectorId}/registrations/${cem.id}`
  expect((await school.get(at)).body.state).toBe('none')
  expect((await school.post(`orders/${id}/retry`)).status).toBe(202)
  await school.settle(120_000)
  expect((await school.get(at)).body.state).toBe('registered')
})
