/** Ledgers over the API: products and lots, files, refusals, and the move of a retired store. */
import { expect, test } from 'vitest'
import { openDesk, type Desk } from './desk.ts'

const openLedger = async () => {
  const desk = await openDesk()
  const added = await desk.post('connectors', { kind: 'ledger', name: 'Bought elsewhere' })
  await desk.settle()
  const ledger: string = added.body.id
  const at = (path: string): string => `connectors/${ledger}/ledger/${path}`
  return { desk, added, ledger, at, [Symbol.asyncDispose]: () => desk.close() }
}
const lotOf = (desk: Desk, at: string, lot: object) => desk.post(`${at}/lots`, lot)
/** The day on which the tests begin, and others counted from it. */
const dayFrom = (desk: Desk, days: number): string => new Date(desk.clock.now() + days * 86_400_000).toISOString().slice(0, 10)
const total = async (desk: Desk, license: string) => {
  const { body } = await desk.get(`licenses/${license}`)
  return { total: body.total, inUse: body.inUse, available: body.available, gone: body.gone }
}

test('a ledger is connected without a credential, is healthy, and counts by hand', async () => {
  await using at = await openLedger()
  expect(at.added.status).toBe(201)
  const { body } = await at.desk.get(`connectors/${at.ledger}`)
  expect(body).toMatchObject({
    kind: 'ledger',
    store: 'other',
    status: 'healthy',
    reasons: [],
    credential: { state: 'none' },
    movedTo: null,
  })
  expect(body.capabilities).toMatchObject({ counts: 'kept', assign: true, revoke: true, push: false, retired: null })
  const renewed = await at.desk.ask('PUT', `connectors/${at.ledger}/credential`, { body: {} })
  expect(renewed.body).toMatchObject({ status: 400, code: 'credential-malformed' })
  // Two of them, of one name: two ledgers.
  const second = await at.desk.post('connectors', { kind: 'ledger', name: 'Bought elsewhere' })
  expect(second.status).toBe(201)
  expect(second.body.name).not.toBe('Bought elsewhere')
  // Every other kind still needs one.
  const apple = await at.desk.post('connectors', { kind: 'apple-apps-books', name: 'Apple' })
  expect(apple.body).toMatchObject({ status: 400, code: 'request-malformed', errors: [{ field: 'credential', text: 'is missing' }] })
})

test('lots are counted as soon as they are put down, changed or removed', async () => {
  await using at = await openLedger()
  const { desk } = at
  const product = await desk.post(at.at('licenses'), { name: 'Sketchpad', publisher: 'Ink', lots: [{ seats: 10 }] })
  expect(product.status).toBe(201)
  const license: string = product.body.licenseId
  // At once: no sync ran.
  expect(await total(desk, license)).toEqual({ total: 10, inUse: 0, available: 10, gone: false })
  const here = at.at(`licenses/${license}`)
  const lot = await lotOf(desk, here, { seats: 5, price: { amount: '12.50', currency: 'eur' }, supplier: 'Softhaus', orderNumber: 'A-7' })
  expect(lot.body).toMatchObject({ seats: 5, price: { minor: 1250, currency: 'EUR', amount: '12.50' }, state: 'holds' })
  await lotOf(desk, here, { seats: 1, price: { minor: 900, currency: 'JPY' } })
  await lotOf(desk, here, { seats: 100, validFrom: dayFrom(desk, 3) })
  expect((await desk.get(here)).body).toMatchObject({
    owned: 16,
    free: 16,
    paid: [
      { currency: 'EUR', minor: 1250, amount: '12.50' },
      { currency: 'JPY', minor: 900, amount: '900' },
    ],
  })
  const changed = await desk.ask('PATCH', `${here}/lots/${lot.body.id}`, { body: { seats: 7 } })
  expect(changed.body).toMatchObject({ seats: 7, supplier: 'Softhaus' })
  expect((await total(desk, license)).total).toBe(18)
  expect((await desk.ask('DELETE', `${here}/lots/${lot.body.id}`)).status).toBe(204)
  expect((await total(desk, license)).total).toBe(11)
  const renamed = await desk.ask('PATCH', here, { body: { name: 'Sketchpad Pro', licenseTypes: ['user', 'device'] } })
  expect(renamed.body).toMatchObject({ name: 'Sketchpad Pro', licenseTypes: ['device', 'user'] })
  expect((await desk.get(`licenses/${license}`)).body.product).toMatchObject({ name: 'Sketchpad Pro', publisher: 'Ink' })
  const acts = (await desk.get('audit?limit=200')).body.items.map(({ action }: { action: string }) => action)
  for (const action of ['product-added', 'product-changed', 'lot-added', 'lot-changed', 'lot-removed'])
    expect(acts).toContain(`ledger.${action}`)
})

test('what is wrong with a product or a lot is told by field, and nothing is kept', async () => {
  await using at = await openLedger()
  const { desk } = at
  const license: string = (await desk.post(at.at('licenses'), { name: 'Sketchpad' })).body.licenseId
  const here = at.at(`licenses/${license}`)
  const wrong: readonly (readonly [object, string])[] = [
    [{ seats: 1.5 }, 'seats'],
    [{ seats: -1 }, 'seats'],
    [{ seats: 1, boughtOn: '2027-02-30' }, 'boughtOn'],
    [{ seats: 1, validFrom: '2027-02-02', validUntil: '2027-02-01' }, 'validUntil'],
    [{ seats: 1, price: { minor: 12.5, currency: 'EUR' } }, 'price'],
    [{ seats: 1, price: { amount: '1.234,50', currency: 'EUR' } }, 'price'],
    [{ seats: 1, price: { amount: '1.234', currency: 'EUR' } }, 'price'],
    [{ seats: 1, price: { amount: '1', currency: 'XYZ1' } }, 'price'],
    [{ seats: 1, colour: 'red' }, 'colour'],
  ]
  for (const [body, field] of wrong) {
    const answer = await lotOf(desk, here, body)
    expect([body, answer.status, answer.body.errors[0]?.field.split('.')[0]]).toEqual([body, 400, field])
  }
  const comma = await lotOf(desk, here, { seats: 1, price: { amount: '1.250,00', currency: 'EUR' } })
  expect(comma.body.errors[0].text).toContain('without marks of thousands')
  const both = await lotOf(desk, here, { seats: 1, price: { amount: '1', minor: 100, currency: 'EUR' } })
  expect(both.body.errors[0].text).toContain('either minor or amount')
  expect((await desk.get(here)).body.lots).toEqual([])
  expect((await desk.post(at.at('licenses'), { name: ' sketchpad ' })).body).toMatchObject({
    status: 409,
    code: 'name-taken',
    licenseId: license,
  })
  for (const [method, path] of [
    ['GET', 'connectors/x/ledger/licenses'],
    ['GET', at.at('licenses/l999')],
    ['GET', at.at('licenses/nothing')],
    ['PATCH', `${here}/lots/none`],
    ['DELETE', `${here}/lots/none`],
  ] as const)
    expect([path, (await desk.ask(method, path, method === 'PATCH' ? { body: {} } : {})).status]).toEqual([path, 404])
})

test('a change is made once, and only to what was read', async () => {
  await using at = await openLedger()
  const { desk } = at
  const license: string = (await desk.post(at.at('licenses'), { name: 'Sketchpad' })).body.licenseId
  const here = at.at(`licenses/${license}`)
  const headers = { 'Idempotency-Key': 'once' }
  const first = await desk.ask('POST', `${here}/lots`, { body: { seats: 4 }, headers })
  const again = await desk.ask('POST', `${here}/lots`, { body: { seats: 4 }, headers })
  expect(again.body.id).toBe(first.body.id)
  expect((await total(desk, license)).total).toBe(4)
  const etag = first.headers.get('etag') ?? ''
  const lot = `${here}/lots/${first.body.id}`
  expect((await desk.ask('PATCH', lot, { body: { seats: 5 }, headers: { 'If-Match': etag } })).status).toBe(200)
  const stale = await desk.ask('PATCH', lot, { body: { seats: 9 }, headers: { 'If-Match': etag } })
  expect(stale.body).toMatchObject({ status: 412, code: 'changed-meanwhile', current: { seats: 5 } })
  expect((await desk.ask('DELETE', lot, { headers: { 'If-Match': etag } })).status).toBe(412)
  expect((await total(desk, license)).total).toBe(5)
})

test('a product that somebody has or is to get is not removed; afterwards it is gone from the licenses', async () => {
  await using at = await openLedger()
  const { desk } = at
  const license: string = (await desk.post(at.at('licenses'), { name: 'Sketchpad', lots: [{ seats: 1 }] })).body.licenseId
  const here = at.at(`licenses/${license}`)
  await desk.ask('POST', 'directory/import?kind=users', {
    csv: 'userName,displayName,email,department,active,managedAppleAccount\nana,Ana,,,true,\n',
  })
  const user: string = (await desk.get('users')).body.items[0].id
  const assigned = await desk.post('assignments', { licenseId: license, target: { kind: 'user', id: user }, licenseType: 'user' })
  expect(assigned.status).toBe(201)
  await desk.settle()
  expect(await total(desk, license)).toEqual({ total: 1, inUse: 1, available: 0, gone: false })
  expect((await desk.ask('DELETE', here)).body).toMatchObject({ status: 409, code: 'license-in-use', seats: 1, assignments: 1 })
  await desk.ask('DELETE', `assignments/${assigned.body.id}?seats=release`)
  await desk.settle()
  expect((await total(desk, license)).inUse).toBe(0)
  expect((await desk.ask('DELETE', here)).status).toBe(204)
  expect((await desk.get(`licenses/${license}`)).status).toBe(404)
  expect((await desk.get(at.at('licenses'))).body.items).toEqual([])
})

test('a file of lots is tried dry, refused whole for one wrong row, taken in part, and changes nothing the second time', async () => {
  await using at = await openLedger()
  const { desk } = at
  const file = [
    'product;publisher;licenseTypes;seats;price;currency;supplier;orderNumber;boughtOn;validUntil',
    `Sketchpad;Ink;device, user;10;1250.00;EUR;Softhaus;A-1;${dayFrom(desk, -10)};${dayFrom(desk, 20)}`,
    'Sketchpad;;;5;600;EUR;Softhaus;A-2;;',
    'Reader;;;3;;;;;;',
    'Reader;;;many;;;;;;',
  ].join('\n')
  const ask = (query: string, csv = file) => desk.ask('POST', `${at.at('import')}?kind=licenses${query}`, { csv })
  const dry = await ask('&dryRun=true&partial=true')
  expect(dry.status).toBe(200)
  expect(dry.body.changes.map(({ row, is }: { row: number; is: string }) => [row, is])).toEqual([
    [2, 'product-added'],
    [2, 'lot-added'],
    [3, 'lot-added'],
    [4, 'product-added'],
    [4, 'lot-added'],
  ])
  expect(dry.body.errors).toEqual([{ row: 5, field: 'seats', text: 'seats must be a whole number from 0 to 10000000' }])
  const refused = await ask('')
  expect(refused.body).toMatchObject({ status: 422, code: 'rows-refused', errors: [{ row: 5 }] })
  expect((await desk.get(at.at('licenses'))).body.items).toEqual([])
  expect((await ask('&partial=true')).status).toBe(200)
  const held = (await desk.get(at.at('licenses'))).body.items
  expect(held.map(({ name, owned }: { name: string; owned: number }) => [name, owned])).toEqual([
    ['Reader', 3],
    ['Sketchpad', 15],
  ])
  expect(held[1]).toMatchObject({ licenseTypes: ['device', 'user'], publisher: 'Ink', paid: [{ currency: 'EUR', amount: '1850.00' }] })
  expect((await ask('&partial=true')).body).toMatchObject({ changes: [], unchanged: 3 })

  // What goes out comes in again, and one lot of it is changed by its id.
  const out = await desk.ask('GET', at.at('licenses'), { headers: { accept: 'text/csv' } })
  expect(out.headers.get('content-type')).toContain('text/csv')
  expect((await ask('', out.text)).body).toMatchObject({ changes: [], errors: [] })
  const changed = await ask('', out.text.replace(',5,600.00,', ',6,600.00,'))
  expect(changed.body.changes).toMatchObject([{ is: 'lot-changed', product: 'Sketchpad' }])
  expect((await desk.get(at.at('licenses'))).body.items[1].owned).toBe(16)
  expect((await ask('', 'product,seets\nReader,1\n')).body).toMatchObject({ status: 400, code: 'csv-heads' })
  expect((await ask('', 'product,kind\nReader,book\nReader,app\n')).body.errors).toMatchObject([{ row: 3, field: 'kind' }])
})

test('a name that a spreadsheet would run as a formula goes out harmless and comes in as it was', async () => {
  await using at = await openLedger()
  const { desk } = at
  await desk.post(at.at('licenses'), { name: '=HYPERLINK("http://x")', lots: [{ seats: 1, supplier: '+49 30' }] })
  const out = await desk.ask('GET', at.at('licenses'), { headers: { accept: 'text/csv' } })
  expect(out.text).toContain(`"'=HYPERLINK(""http://x"")"`)
  expect(out.text).toContain(`'+49 30`)
  const back = await desk.ask('POST', `${at.at('import')}?kind=licenses`, { csv: out.text })
  expect(back.body).toMatchObject({ changes: [], errors: [], unchanged: 1 })
})

test('a file of holders puts down who has what, and more than is owned is a deficit that takes nothing', async () => {
  await using at = await openLedger()
  const { desk } = at
  const license: string = (
    await desk.post(at.at('licenses'), { name: 'Sketchpad', licenseTypes: ['user', 'device'], lots: [{ seats: 2 }] })
  ).body.licenseId
  const csv = 'product,userName,serialNumber\nsketchpad,Ana,\nSketchpad,ben,\nSketchpad,,c02a\nSketchpad,ana,\n'
  const done = await desk.ask('POST', `${at.at('import')}?kind=holders`, { csv })
  expect(done.body).toMatchObject({ read: 4, unchanged: 1, errors: [] })
  await desk.settle()
  expect(await total(desk, license)).toEqual({ total: 2, inUse: 3, available: -1, gone: false })
  expect((await desk.get(`licenses/${license}`)).body.remark).toContain('1 seat more is in use')
  const seats = (await desk.get(`licenses/${license}/seats`)).body.items
  expect(seats).toHaveLength(3)
  expect(new Set(seats.map(({ origin }: { origin: string }) => origin))).toEqual(new Set(['found']))
  const out = await desk.ask('GET', at.at('holders'), { headers: { accept: 'text/csv' } })
  expect(out.text.trim().split('\r\n')).toHaveLength(4)
  const again = await desk.ask('POST', `${at.at('import')}?kind=holders`, { csv: out.text })
  expect(again.body).toMatchObject({ changes: [], unchanged: 3 })
  // Nobody new gets one, and nobody loses one.
  const fourth = await desk.ask('POST', `${at.at('import')}?kind=holders`, { csv: 'product,userName\nNothing,ana\nSketchpad,\n' })
  expect(fourth.body.errors.map(({ field }: { field: string }) => field).toSorted()).toEqual(['product', 'userName'])
})
