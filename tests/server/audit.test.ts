import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { appendAudit, theServer, verifyAudit } from '../../server/audit.ts'
import type { OpenDatabase } from '../../server/database/database.ts'
import { Secret } from '../../server/secret.ts'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'
import { createTestWeb } from '../world/web.ts'

afterAll(stopDatabases)

const ana = { id: 'ana' as (typeof theServer)['id'], name: 'Ana' }

describe.each(onEachDatabase)('on $dialect', ({ open }) => {
  let world: OpenDatabase
  beforeEach(async () => {
    world = await open()
  }, 60_000)
  afterEach(() => world.close())

  const append = (action: string): Promise<number> =>
    world.db
      .transaction()
      .execute((trx) => appendAudit(trx, { at: 1, actor: ana, action, object: 'thing:1', detail: { n: 1 }, origin: 'server' }))

  test('an empty chain holds', async () => {
    expect(await verifyAudit(world.db)).toEqual({ ok: true, rows: 0, head: '0'.repeat(64), firstBadRow: null })
  })

  test('rows count from one without a gap, also when many write at once', async () => {
    const numbers = await Promise.all(Array.from({ length: 20 }, (_, n) => append(`act-${n}`)))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
    expect(await verifyAudit(world.db)).toMatchObject({ ok: true, rows: 20, firstBadRow: null })
  })

  test('several rows in one transaction stand in their order', async () => {
    await world.db.transaction().execute(async (trx) => {
      for (const action of ['one', 'two'])
        await appendAudit(trx, { at: 1, actor: ana, action, object: 'thing:1', detail: {}, origin: 'server' })
    })
    const rows = await world.db.selectFrom('audit').select(['n', 'action']).orderBy('n').execute()
    expect(rows).toEqual([
      { n: 1, action: 'one' },
      { n: 2, action: 'two' },
    ])
  })

  test('an act that fails leaves no row and no gap', async () => {
    await append('before')
    await expect(
      world.db.transaction().execute(async (trx) => {
        await appendAudit(trx, { at: 1, actor: ana, action: 'failing', object: 'thing:1', detail: {}, origin: 'server' })
        throw new Error('the act itself')
      }),
    ).rejects.toThrow('the act itself')
    expect(await append('after')).toBe(2)
    expect(await verifyAudit(world.db)).toMatchObject({ ok: true, rows: 2 })
  })

  test('any change of any row is found, at that row', async () => {
    for (let n = 1; n <= 5; n++) await append(`act-${n}`)
    const changes = {
      at: 2,
      actor: 'eve',
      actor_name: 'Eve',
      action: 'x',
      object: 'x',
      detail: '{"n":2}',
      origin: 'x',
      prev_hash: 'x',
      hash: 'x',
    }
    for (const [column, value] of Object.entries(changes)) {
      for (let n = 1; n <= 5; n++) {
        const row = await world.db.selectFrom('audit').selectAll().where('n', '=', n).executeTakeFirstOrThrow()
        await world.db
          .updateTable('audit')
          .set({ [column]: value })
          .where('n', '=', n)
          .execute()
        expect(await verifyAudit(world.db), `${column} of row ${n}`).toMatchObject({ ok: false, firstBadRow: n })
        await world.db.updateTable('audit').set(row).where('n', '=', n).execute()
      }
    }
    expect(await verifyAudit(world.db)).toMatchObject({ ok: true })
  })

  test('a row removed from the middle or from the end is found', async () => {
    for (let n = 1; n <= 4; n++) await append(`act-${n}`)
    await world.db.deleteFrom('audit').where('n', '=', 4).execute()
    expect(await verifyAudit(world.db)).toMatchObject({ ok: false, rows: 3, firstBadRow: 4 })
    await world.db.deleteFrom('audit').where('n', '=', 2).execute()
    expect(await verifyAudit(world.db)).toMatchObject({ ok: false, rows: 2, firstBadRow: 2 })
    // The work goes on, and what is wrong stays to be seen.
    expect(await append('later')).toBe(5)
    expect(await verifyAudit(world.db)).toMatchObject({ ok: false, firstBadRow: 2 })
  })

  test('two rows exchanged are found', async () => {
    for (let n = 1; n <= 3; n++) await append(`act-${n}`)
    for (const [from, to] of [
      [2, 99],
      [3, 2],
      [99, 3],
    ] as const)
      await world.db.updateTable('audit').set({ n: to }).where('n', '=', from).execute()
    expect(await verifyAudit(world.db)).toMatchObject({ ok: false, firstBadRow: 2 })
  })

  test('a secret that slips into the detail is not written', async () => {
    const detail = { token: Secret.of('swordfish') as unknown as string }
    await world.db
      .transaction()
      .execute((trx) => appendAudit(trx, { at: 1, actor: ana, action: 'x', object: 'x', detail, origin: 'server' }))
    expect(JSON.stringify(await world.db.selectFrom('audit').selectAll().execute())).not.toContain('swordfish')
    expect(await verifyAudit(world.db)).toMatchObject({ ok: true })
  })

  test('the whole log goes into a file, a row a line', async () => {
    await using house = await createTestWeb({ open })
    const script = house.asKey()
    for (let n = 0; n < 5; n++) await script('POST', '/api/v1/api-keys', { name: n === 0 ? '=1+1' : `key ${n}`, role: 'reader' })
    for (const path of ['/api/v1/audit?limit=2', '/api/v1/api-keys?limit=2', '/api/v1/admins']) {
      const file = await script('GET', path, undefined, { accept: 'text/csv' })
      expect(file.headers.get('content-type')).toMatch(/^text\/csv/)
      expect(file.text.trimEnd().split('\r\n')).toHaveLength(
        { '/api/v1/audit?limit=2': 8, '/api/v1/api-keys?limit=2': 7, '/api/v1/admins': 2 }[path] ?? 0,
      )
    }
    expect((await script('GET', '/api/v1/audit', undefined, { accept: 'text/csv' })).text).toMatch(/^n,at,actor\.id,actor\.name,action,/)
  })

  test('the log is read latest first, page by page, while it grows', async () => {
    await using house = await createTestWeb({ open })
    const script = house.asKey()
    for (let n = 0; n < 7; n++) await script('POST', '/api/v1/api-keys', { name: `key ${n}`, role: 'reader' })
    const seen: number[] = []
    let path = '/api/v1/audit?limit=3'
    for (;;) {
      const { json } = await script('GET', path)
      seen.push(...(json['items'] as readonly { readonly n: number }[]).map((row) => row.n))
      if (json['next'] === null) break
      await script('POST', '/api/v1/api-keys', { name: 'one more', role: 'reader' })
      path = `/api/v1/audit?limit=3&cursor=${String(json['next'])}`
    }
    expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1])
    const filtered = await script('GET', '/api/v1/audit?action=api-key.created&sort=n&limit=2')
    expect(filtered.json['items']).toMatchObject([
      { n: 1, actor: { id: 'quartermaster' }, detail: { variable: 'QM_API_KEY' } },
      { n: 3, actor: { id: 'environment' }, origin: '127.0.0.1' },
    ])
    const madeUp = Buffer.from('["-n","x","; drop table audit"]').toString('base64url')
    expect(await script('GET', `/api/v1/audit?cursor=${madeUp}`)).toMatchObject({ status: 200, json: { items: [], next: null } })
    expect((await script('GET', '/api/v1/audit/verify')).json).toMatchObject({ ok: true, firstBadRow: null })
  })
})
