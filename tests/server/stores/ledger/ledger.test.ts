/** A ledger as a store, in the whole product: it is assigned from, reconciled, waited for and reclaimed like any other. */
import { afterAll, expect, test } from 'vitest'
import { onEachDatabase, stopDatabases } from '../../../world/open-database.ts'
import { openDesk } from '../../routes/desk.ts'

const DAY = 86_400_000

afterAll(stopDatabases)

const openLedger = async (lots: readonly object[], product: object = {}, options: Parameters<typeof openDesk>[0] = {}) => {
  const desk = await openDesk(options)
  const ledger: string = (await desk.post('connectors', { kind: 'ledger', name: 'Bought elsewhere' })).body.id
  await desk.ask('POST', 'directory/import?kind=users', {
    csv: `userName,displayName,email,department,active,managedAppleAccount\n${['ana', 'ben', 'cem', 'dora'].map((name) => `${name},${name},,,true,\n`).join('')}`,
  })
  await desk.settle()
  const made = await desk.post(`connectors/${ledger}/ledger/licenses`, { name: 'Sketchpad', ...product, lots })
  if (made.status !== 201) throw new Error(made.text)
  const license: string = made.body.licenseId
  const idByName = new Map<string, string>(
    (await desk.get('users')).body.items.map(({ id, userName }: { id: string; userName: string }) => [userName, id]),
  )
  const assign = (name: string, terms: object = {}) =>
    desk.post('assignments', { licenseId: license, target: { kind: 'user', id: idByName.get(name) }, licenseType: 'user', ...terms })
  const verdicts = async (): Promise<readonly string[]> =>
    (await desk.get(`licenses/${license}/verdicts`)).body.items
      .map(({ principal, state, because }: { principal: { id: string }; state: string; because: { code: string } }) => {
        const name = [...idByName].find(([, id]) => id === principal.id)?.[0] ?? principal.id
        return `${name}: ${state}, ${because.code}`
      })
      .toSorted()
  const counts = async () => {
    const { total, inUse, available } = (await desk.get(`licenses/${license}`)).body
    return { total, inUse, available }
  }
  return {
    desk,
    ledger,
    license,
    here: `connectors/${ledger}/ledger/licenses/${license}`,
    idByName,
    assign,
    verdicts,
    counts,
    [Symbol.asyncDispose]: () => desk.close(),
  }
}

test('two administrators assign the last seat of a ledger at once: one has it, the other waits, and is served by the next lot', async () => {
  await using at = await openLedger([{ seats: 1 }])
  await Promise.all([at.assign('ana'), at.assign('ben')])
  await at.desk.settle()
  expect(await at.counts()).toEqual({ total: 1, inUse: 1, available: 0 })
  const verdicts = await at.verdicts()
  expect(verdicts.filter((verdict) => verdict.endsWith('placed, has-seat'))).toHaveLength(1)
  expect(verdicts.filter((verdict) => verdict.endsWith('waiting, no-seat-left'))).toHaveLength(1)
  await at.desk.post(`${at.here}/lots`, { seats: 1 })
  await at.desk.settle()
  expect(await at.verdicts()).toEqual(['ana: placed, has-seat', 'ben: placed, has-seat'])
  expect(await at.counts()).toEqual({ total: 2, inUse: 2, available: 0 })
})

test('a lot ends by the clock: the deficit shows, nobody loses a seat, and nobody new gets one', async () => {
  const desk = await openDesk()
  const tomorrow = new Date(desk.clock.now() + DAY).toISOString().slice(0, 10)
  await desk.close()
  await using at = await openLedger([{ seats: 1 }, { seats: 2, validUntil: tomorrow }])
  for (const name of ['ana', 'ben', 'cem']) await at.assign(name)
  await at.desk.settle()
  expect(await at.counts()).toEqual({ total: 3, inUse: 3, available: 0 })
  await at.desk.settle(DAY)
  // Its last day counts whole.
  expect((await at.counts()).total).toBe(3)
  await at.desk.settle(DAY)
  expect(await at.counts()).toEqual({ total: 1, inUse: 3, available: -2 })
  const { body } = await at.desk.get(`licenses/${at.license}`)
  expect(body.remark).toContain('2 seats more are in use')
  expect((await at.verdicts()).filter((verdict) => verdict.includes('placed'))).toHaveLength(3)
  await at.assign('dora')
  await at.desk.settle()
  expect(await at.verdicts()).toContain('dora: waiting, no-seat-left')
  expect((await at.counts()).inUse).toBe(3)
  const acts = (await at.desk.get('audit?limit=200')).body.items.map(({ action }: { action: string }) => action)
  expect(acts).toContain('ledger.recounted')
})

test('a found seat is reclaimed by hand and serves who waits', async () => {
  await using at = await openLedger([{ seats: 1 }])
  await at.desk.ask('POST', `connectors/${at.ledger}/ledger/import?kind=holders`, { csv: 'product,userName\nSketchpad,ana\n' })
  await at.desk.settle()
  await at.assign('ben')
  await at.desk.settle()
  expect(await at.verdicts()).toEqual(['ben: waiting, no-seat-left'])
  const reclaimed = await at.desk.post(`licenses/${at.license}/reclaim`, { principals: [at.idByName.get('ana')], graceHours: 0 })
  expect(reclaimed.status).toBeLessThan(300)
  await at.desk.settle()
  expect(await at.verdicts()).toEqual(['ben: placed, has-seat'])
  expect(await at.counts()).toEqual({ total: 1, inUse: 1, available: 0 })
})

test('what has no limit is given to everybody; what is given for good is not taken back', async () => {
  await using open = await openLedger([], { unlimited: true })
  for (const name of ['ana', 'ben']) await open.assign(name)
  await open.desk.settle()
  expect(await open.counts()).toEqual({ total: null, inUse: 2, available: null })

  await using forGood = await openLedger([{ seats: 2 }], { revocable: false })
  const { body } = await forGood.assign('ana', { confirmIrreversible: true })
  await forGood.desk.settle()
  expect((await forGood.counts()).inUse).toBe(1)
  await forGood.desk.ask('DELETE', `assignments/${body.id}?seats=release`)
  await forGood.desk.settle()
  expect((await forGood.counts()).inUse).toBe(1)
})

test('a ledger is never out of reach: stores that do not answer change nothing for it', async () => {
  await using at = await openLedger([{ seats: 1 }])
  at.desk.setReachable(false)
  await at.assign('ana')
  await at.desk.settle()
  expect(await at.verdicts()).toEqual(['ana: placed, has-seat'])
})

test('with its connector a ledger goes whole', async () => {
  await using at = await openLedger([{ seats: 1 }])
  expect((await at.desk.ask('DELETE', `connectors/${at.ledger}`)).status).toBeLessThan(300)
  for (const table of ['ledger_products', 'ledger_lots', 'ledger_seats'] as const)
    expect([table, await at.desk.database.db.selectFrom(table).selectAll().execute()]).toEqual([table, []])
  expect((await at.desk.get('licenses')).body.items).toEqual([])
})

test.each(onEachDatabase)('counts, lots, files and seats are the same on each database ($dialect)', async ({ open }) => {
  await using at = await openLedger([{ seats: 2, price: { minor: 1_000_000_000_000, currency: 'EUR' } }], {}, { open })
  await at.desk.ask('POST', `connectors/${at.ledger}/ledger/import?kind=holders`, { csv: 'product,userName\nSketchpad,cem\n' })
  await at.desk.settle(3_000)
  await Promise.all([at.assign('ana'), at.assign('ben')])
  await at.desk.settle(5_000)
  expect(await at.counts()).toEqual({ total: 2, inUse: 2, available: 0 })
  const { body } = await at.desk.get(at.here)
  expect(body).toMatchObject({ owned: 2, inUse: 2, free: 0, paid: [{ minor: 1_000_000_000_000, currency: 'EUR' }] })
  const out = await at.desk.ask('GET', `connectors/${at.ledger}/ledger/licenses`, { headers: { accept: 'text/csv' } })
  const again = await at.desk.ask('POST', `connectors/${at.ledger}/ledger/import?kind=licenses`, { csv: out.text })
  expect(again.body).toMatchObject({ changes: [], errors: [], unchanged: 1 })
})
