import { afterAll, describe, expect, test } from 'vitest'
import type { RouteModule } from '../../server/routes/web.ts'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'
import { createTestWeb } from '../world/web.ts'

afterAll(stopDatabases)

const key = { 'idempotency-key': 'order-66' }
const path = '/api/v1/api-keys'

describe.each(onEachDatabase)('on $dialect', ({ open }) => {
  test('a request sent again gets the first answer, and is not done again', async () => {
    await using house = await createTestWeb({ open })
    const script = house.asKey()
    const wanted = { name: 'script', role: 'reader' }
    const first = await script('POST', path, wanted, key)
    const again = await script('POST', path, wanted, key)
    expect(again).toMatchObject({ status: 201, text: first.text })
    expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await house.access.apiKeys.all()).toHaveLength(2)
    // The key that is shown once is not to be read in the table.
    const kept = JSON.stringify(await house.world.db.selectFrom('idempotency').selectAll().execute())
    expect(kept).not.toContain(String(first.json['key']))
  })

  test('a refusal is kept like any answer', async () => {
    await using house = await createTestWeb({ open })
    const script = house.asKey()
    const first = await script('POST', path, { name: 'x', role: 'king' }, key)
    expect(first.status).toBe(400)
    expect((await script('POST', path, { name: 'x', role: 'king' }, key)).text).toBe(first.text)
  })

  test('the key of another request is refused', async () => {
    await using house = await createTestWeb({ open })
    const script = house.asKey()
    await script('POST', path, { name: 'one', role: 'reader' }, key)
    for (const [where, sent] of [
      [path, { name: 'two', role: 'reader' }],
      [`${path}?x=1`, { name: 'one', role: 'reader' }],
      ['/api/v1/admins', { name: 'one', role: 'reader' }],
    ] as const)
      expect(await script('POST', where, sent, key)).toMatchObject({ status: 422, json: { code: 'idempotency-key-reused' } })
    expect(await house.access.apiKeys.all()).toHaveLength(2)
  })

  test('of two at the same moment, one is done and the other is told to wait', async () => {
    await using house = await createTestWeb({ open })
    const script = house.asKey()
    const sent = () => script('POST', path, { name: 'one', role: 'reader' }, key)
    const statuses = (await Promise.all([sent(), sent(), sent()])).map((answer) => answer.status)
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(1)
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true)
    expect(await house.access.apiKeys.all()).toHaveLength(2)
  })

  test('the same key of somebody else is another key', async () => {
    await using house = await createTestWeb({ open })
    const ana = await house.asBrowser()
    await house.asKey()('POST', path, { name: 'one', role: 'reader' }, key)
    expect((await ana('POST', path, { name: 'two', role: 'reader' }, key)).status).toBe(201)
    expect(await house.access.apiKeys.all()).toHaveLength(3)
  })
})

test('what broke is tried anew', async () => {
  let tries = 0
  const trial: RouteModule = (web) => {
    web.post('/api/v1/flaky', (c) => {
      tries += 1
      if (tries === 1) throw new Error('the first time')
      return c.json({ tries })
    })
  }
  await using house = await createTestWeb({ routes: [trial] })
  const script = house.asKey()
  expect((await script('POST', '/api/v1/flaky', {}, key)).status).toBe(500)
  expect((await script('POST', '/api/v1/flaky', {}, key)).json).toEqual({ tries: 2 })
  expect((await script('POST', '/api/v1/flaky', {}, key)).json).toEqual({ tries: 2 })
})

test('a first request that a stop cut off can be made anew after a minute', async () => {
  await using house = await createTestWeb()
  const script = house.asKey()
  const sent = () => script('POST', path, { name: 'one', role: 'reader' }, key)
  await sent()
  await house.world.db.updateTable('idempotency').set({ status: 0, body: '' }).execute()
  expect(await sent()).toMatchObject({ status: 409, json: { code: 'idempotency-key-at-work' } })
  house.clock.pass(61_000)
  expect((await sent()).status).toBe(201)
})

test('a key is forgotten after a day', async () => {
  await using house = await createTestWeb()
  const script = house.asKey()
  await script('POST', path, { name: 'one', role: 'reader' }, key)
  house.clock.pass(24 * 3_600_000 + 1)
  expect((await script('POST', path, { name: 'two', role: 'reader' }, key)).status).toBe(201)
})

test('a key that no header should hold is refused', async () => {
  await using house = await createTestWeb()
  const answer = await house.asKey()('POST', path, { name: 'one', role: 'reader' }, { 'idempotency-key': 'x'.repeat(256) })
  expect(answer).toMatchObject({ status: 400, json: { code: 'idempotency-key-malformed' } })
})

test('sign-in takes no notice of it: an answer with a session is given to nobody twice', async () => {
  await using house = await createTestWeb()
  const ana = await house.asBrowser()
  const sent = () => ana('POST', '/api/v1/sign-in', { email: 'ana@example.org', password: 'a long enough secret' }, key)
  const [one, two] = [await sent(), await sent()]
  expect(one.headers.get('set-cookie')).toMatch(/^qm=/)
  expect(two.headers.get('set-cookie')).toMatch(/^qm=/)
  expect(one.headers.get('set-cookie')).not.toBe(two.headers.get('set-cookie'))
})

test('what a role does not cover is asked anew, once it does', async () => {
  await using house = await createTestWeb()
  const owner = house.asKey()
  const invited = await owner('POST', '/api/v1/admins', { email: 'ben@example.org', name: 'Ben', role: 'reader' })
  const token = new URL(String(invited.json['setUpUrl'])).searchParams.get('setup')
  await house.asNobody('POST', '/api/v1/set-up', { token, name: 'Ben', password: 'correct horse battery' })
  const ben = await house.asBrowser('ben@example.org', 'correct horse battery')
  const sent = () => ben('POST', path, { name: 'one', role: 'reader' }, key)
  expect((await sent()).status).toBe(403)
  await owner('PATCH', `/api/v1/admins/${String(invited.json['id'])}`, { role: 'owner' })
  expect((await sent()).status).toBe(201)
})
