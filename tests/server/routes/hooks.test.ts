/** The address of notices as the internet sees it: over real HTTP, on the port of the product. */
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { openTown } from '../stores/apple/notice-town.ts'

const notice = { notification: {}, notificationId: 'n-1', notificationType: 'TEST_NOTIFICATION', uId: '2049025000431439' }

test('every refusal looks alike: status, body and headers', async () => {
  await using town = await openTown()
  const right = town.target().bearer
  const body = JSON.stringify(notice)
  const seen = new Set<string>()
  const refusals = [
    { bearer: null },
    { bearer: '' },
    { bearer: 'wrong' },
    { bearer: right.slice(0, -1) },
    { bearer: right, connector: 'another-connector-000' },
    { bearer: 'wrong', connector: 'another-connector-000' },
    // An API key opens the console's door, and not this one.
    { bearer: 'owner-key-of-the-tests-0123456789abcdef' },
  ]
  for (const options of refusals) {
    const response = await town.clock.run(
      town.clock.fetch(`http://127.0.0.1:${town.port()}/hooks/apple/${options.connector ?? town.connectorId}`, {
        method: 'POST',
        headers: options.bearer === null ? {} : { authorization: `Bearer ${options.bearer}` },
        body,
      }),
    )
    const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
    seen.add(JSON.stringify([response.status, await response.text(), headers]))
  }
  expect(seen.size).toBe(1)
  expect([...seen][0]).toContain('[403,""')
  expect((await town.knock(body)).status).toBe(200)
})

test('what is too large is refused by its length, before it comes', async () => {
  await using town = await openTown()
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: town.port(),
        path: `/hooks/apple/${town.connectorId}`,
        method: 'POST',
        headers: { 'content-length': 40 * 1024 * 1024, authorization: `Bearer ${town.target().bearer}` },
      },
      (response) => {
        resolve(response.statusCode)
        asked.destroy()
      },
    )
    asked.on('error', reject)
    asked.flushHeaders()
  })
  expect(status).toBe(413)
  expect(await town.kept()).toHaveLength(1)
})

test('who guesses secrets is not looked at for a while; a store that sends hundreds at once is', async () => {
  await using town = await openTown()
  const elsewhere = { 'x-forwarded-for': '203.0.113.9' }
  const body = JSON.stringify(notice)
  const tries = []
  for (let n = 0; n < 70; n += 1) tries.push((await town.knock(body, { bearer: `guess-${n}`, headers: elsewhere })).status)
  expect(tries.filter((status) => status === 403)).toHaveLength(61)
  expect(tries.at(-1)).toBe(429)
  // From there not even the right one is heard, from everywhere else it is.
  expect((await town.knock(body, { headers: elsewhere })).status).toBe(429)
  const many = await Promise.all(
    Array.from({ length: 200 }, (_, n) => town.knock(JSON.stringify({ ...notice, notificationId: `many-${n}` }))),
  )
  expect(new Set(many.map(({ status }) => status))).toEqual(new Set([200]))
  await town.settle(61_000)
  expect((await town.knock(body, { headers: elsewhere })).status).toBe(200)
})

test('rules for browsers do not stand in a store’s way, and other methods find nothing', async () => {
  await using town = await openTown()
  const body = JSON.stringify(notice)
  expect((await town.knock(body, { headers: { origin: 'https://apple.example', cookie: 'a=b' } })).status).toBe(200)
  expect((await town.knock(body, { headers: { 'content-type': 'text/plain' } })).status).toBe(200)
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const response = await town.clock.run(
      town.clock.fetch(`http://127.0.0.1:${town.port()}/hooks/apple/${town.connectorId}`, {
        method,
        headers: { authorization: `Bearer ${town.target().bearer}` },
      }),
    )
    expect(response.status).toBe(404)
  }
})

test('a notice without an id of its own is known by what it says', async () => {
  await using town = await openTown()
  const { notificationId: _, ...nameless } = notice
  for (let n = 0; n < 3; n += 1) expect((await town.knock(JSON.stringify(nameless))).status).toBe(200)
  expect((await town.knock(JSON.stringify({ ...nameless, notificationType: 'OTHER\u0000' }))).status).toBe(200)
  await town.settle(1_000)
  expect((await town.kept()).slice(1)).toEqual(['TEST_NOTIFICATION: done', ': set-aside'])
})

test('notices are kept for some days, sealed, and go with their connector', async () => {
  await using town = await openTown({ environment: { QM_SYNC_INTERVAL_MINUTES: '10080' } })
  const kept = () => town.rows()
  await town.knock(town.notice('USER_MANAGEMENT', { eventId: 'e', users: [{ clientUserId: 'ada', inviteCode: 'opens-a-door' }] }))
  await town.settle(10_000)
  expect(await kept()).toHaveLength(2)
  expect(JSON.stringify(await kept())).not.toContain('opens-a-door')
  await town.settle(4 * 24 * 60 * 60_000)
  expect(await kept()).toEqual([])
  expect((await town.ask('DELETE', `connectors/${town.connectorId}`)).status).toBe(204)
  expect((await town.knock(JSON.stringify(notice))).status).toBe(403)
})
