/** What is asked of the store and what became of it, over real HTTP. Case numbers are those of docs/stores/apple-apps-and-books.md, section 8. */
import { expect, test } from 'vitest'
import type { HolderKey } from '../../../../server/stores/store.ts'
import {
  APP,
  devices,
  failureIn,
  mustBeOk,
  openOddLink,
  openSandboxLink,
  serial,
  targets,
  type OddAnswer,
  type SandboxLink,
} from './apple-link.ts'

const BOOK = '900000060'
const ask = (holders: readonly HolderKey[], productId = APP) => ({
  action: 'associate' as const,
  products: [{ productId, pricing: 'STDQ' }],
  holders,
})

const settle = async (link: SandboxLink, holders: readonly HolderKey[], action: 'associate' | 'disassociate' = 'associate') => {
  const { reference } = mustBeOk(await link.connection.write({ ...ask(holders), action }))
  link.control.finishEvents()
  return mustBeOk(await link.connection.orderStatus(reference, ask([]).products))
}

/** A store that answers one POST by hand, and is nobody's. */
const writingTo = (answer: OddAnswer) =>
  openOddLink(({ method, path }) => (method === 'POST' ? answer : path === '/client/config' ? { body: { uId: '1' } } : undefined))

test('seats are given and taken back, and the event says when it is done', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 4 })
  expect(await settle(link, devices(3))).toEqual({ is: 'done' })
  expect(link.control.counts(link.uId, APP)).toMatchObject({ assigned: 3, available: 1 })
  expect(await settle(link, devices(2), 'disassociate')).toEqual({ is: 'done' })
  expect(mustBeOk(await link.connection.readSeatsOf(APP, 'STDQ')).map(({ holder }) => holder.key)).toEqual([serial(3)])
})

test('a write names its product with its pricing, each holder once, and asks first who holds the location', async () => {
  await using link = await openOddLink(({ method, path }) =>
    method === 'POST' ? { body: { eventId: 'e1' } } : path === '/client/config' ? { body: { uId: '1' } } : undefined,
  )
  const holders: readonly HolderKey[] = [
    { kind: 'device', key: ' c02zz0aa0001 ' },
    { kind: 'user', key: 'Ada.Lovelace ' },
    { kind: 'device', key: 'C02ZZ0AA0001' },
  ]
  expect(mustBeOk(await link.connection.write({ ...ask(holders), products: [{ productId: APP, pricing: null }] }))).toEqual({
    reference: 'e1',
  })
  expect(link.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /client/config', 'POST /assets/associate'])
  const sent = link.asked[1]
  expect(JSON.parse(sent?.body ?? '')).toEqual({
    assets: [{ adamId: APP, pricingParam: 'STDQ' }],
    clientUserIds: ['Ada.Lovelace'],
    serialNumbers: ['C02ZZ0AA0001'],
  })
  expect(sent?.headers).toMatchObject({ 'content-type': 'application/json', accept: 'application/json' })
})

test('case 24 and 28: an event that failed in part names who got none, and why', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 2 })
  const status = await settle(link, devices(5))
  expect(status).toMatchObject({ is: 'failed', complete: true, failures: [{ code: 'no-seat-left', retryable: true }] })
  const failed = status.is === 'failed' ? status.failures.flatMap(({ holders }) => holders ?? []) : []
  expect(failed.map(({ key }) => key)).toEqual([serial(3), serial(4), serial(5)])
  expect(link.control.counts(link.uId, APP)).toMatchObject({ assigned: 2, available: 0 })
})

test('a person whom the store does not know is told so, and what to do', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 2 })
  expect(await settle(link, [{ kind: 'user', key: 'nobody' }])).toMatchObject({
    is: 'failed',
    complete: true,
    failures: [{ code: 'user-not-registered', holders: [{ kind: 'user', key: 'nobody' }] }],
  })
})

test('case 25: failures that name nobody, and an event that falls short, leave it to the seats', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 9 })
  link.control.faults.arm({ fault: { is: 'failures-without-info' }, times: 1 })
  link.control.faults.arm({ fault: { is: 'tasks-fail', errorNumber: 9603, every: 2 }, times: 1 })
  expect(await settle(link, devices(4))).toMatchObject({ is: 'failed', complete: false, failures: [{ holders: null, retryable: true }] })
  link.control.faults.arm({ fault: { is: 'event-falls-short', by: 1 }, times: 1 })
  expect(await settle(link, devices(4, 5))).toEqual({ is: 'failed', complete: false, failures: [] })
})

test.each(['success', 'v1-errors'] as const)('case 31: what is as asked already is no failure (%s)', async (repeatedWrite) => {
  await using link = await openSandboxLink({ repeatedWrite })
  link.control.own(link.uId, APP, { total: 9, heldBy: targets(2) })
  expect(await settle(link, devices(3))).toEqual({ is: 'done' })
  expect(await settle(link, devices(3, 2), 'disassociate')).toEqual({ is: 'done' })
  expect(link.control.counts(link.uId, APP).assigned).toBe(1)
})

test('an event that is open is pending; one that the store does not know is gone', async () => {
  await using link = await openSandboxLink({ holdEvents: true })
  link.control.own(link.uId, APP, { total: 9 })
  const { reference } = mustBeOk(await link.connection.write(ask(devices(1))))
  expect(mustBeOk(await link.connection.orderStatus(reference, ask([]).products))).toEqual({ is: 'pending' })
  expect(mustBeOk(await link.connection.orderStatus('00000000-0000-4000-8000-000000000000', ask([]).products))).toEqual({ is: 'gone' })
})

test('case 17: counts that lag behind an event are read as the store tells them', async () => {
  await using link = await openSandboxLink({ listLagMs: { assets: 180_000, assignments: 0, users: 0 } })
  link.control.own(link.uId, APP, { total: 4 })
  link.clock.jump(600_000)
  expect(await settle(link, devices(3))).toEqual({ is: 'done' })
  expect(mustBeOk(await link.connection.readLicense(APP, 'STDQ'))).toMatchObject({ inUse: 0 })
  link.clock.jump(180_001)
  expect(mustBeOk(await link.connection.readLicense(APP, 'STDQ'))).toMatchObject({ inUse: 3 })
})

test('case 23: limits that shrank between read and send are met with a refusal of the whole, read anew, and kept to', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 50 })
  expect(mustBeOk(await link.connection.limits())).toMatchObject({ mostUsers: 1000, mostDevices: 1000 })
  link.control.setLimits({ maxSerialNumbers: 10 })
  expect(await link.connection.write(ask(devices(11)))).toEqual({ ok: false, error: { is: 'over-limit' } })
  expect(mustBeOk(await link.connection.limits())).toMatchObject({ mostUsers: 1000, mostDevices: 10 })
  // Known now: it is not even sent.
  const before = link.asked('/assets/associate')
  expect(await link.connection.write(ask(devices(11)))).toEqual({ ok: false, error: { is: 'over-limit' } })
  expect(link.asked('/assets/associate')).toBe(before)
  expect(link.control.counts(link.uId, APP).assigned).toBe(0)
  expect(await settle(link, devices(10))).toEqual({ is: 'done' })
})

test('limits that the store does not tell are the published ones; told ones are read again after five minutes, without the token', async () => {
  let limits: Record<string, unknown> = {}
  await using link = await openOddLink(({ path }) => (path === '/service/config' ? { body: { limits } } : undefined))
  expect(mustBeOk(await link.connection.limits())).toMatchObject({ mostUsers: 1000, mostDevices: 1000 })
  limits = { maxClientUserIds: '7', maxSerialNumbers: 8, maxRequestPerSecond: -1, maxAnything: 'x' }
  link.clock.jump(299_000)
  expect(mustBeOk(await link.connection.limits()).mostUsers).toBe(1000)
  link.clock.jump(2000)
  expect(mustBeOk(await link.connection.limits())).toMatchObject({ mostUsers: 7, mostDevices: 8 })
  expect(link.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
})

test('case 29 and 30: a product that is not taken back, or does not go to devices, is refused whole', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, BOOK, { total: 5, productType: 'Book' })
  expect(failureIn(await link.connection.write(ask(devices(1), BOOK)))).toMatchObject({ is: 'store-refused', code: '9707' })
  const back = await link.connection.write({ ...ask([{ kind: 'user', key: 'ada' }], BOOK), action: 'disassociate' })
  expect(failureIn(back)).toMatchObject({ is: 'store-refused', code: '9706', text: expect.stringContaining('Nothing was changed') })
})

test('case 10: a read-only token reads, and is told apart when it writes', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 2 })
  link.control.setPrivilege(link.uId, 'read-only')
  expect(mustBeOk(await link.connection.readLicenses())).toHaveLength(1)
  expect(failureIn(await link.connection.write(ask(devices(1))))).toMatchObject({ is: 'read-only-token' })
  expect(link.asked('/assets/associate')).toBe(1)
})

test('case 4: a revoked token stops reads and writes; a new file of the same location goes on', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 2 })
  link.control.revokeToken(link.uId)
  expect(failureIn(await link.connection.readLicenses())).toMatchObject({ is: 'credential-invalid' })
  expect(failureIn(await link.connection.write(ask(devices(1))))).toMatchObject({ is: 'credential-invalid' })
  const renewed = link.connect(link.control.newToken(link.uId))
  expect(mustBeOk(await renewed.identify()).location.key).toBe(link.uId)
  expect((await renewed.write(ask(devices(1)))).ok).toBe(true)
})

test('case 5: a file of another location tells so by its key, though the names are equal', async () => {
  await using link = await openSandboxLink()
  const other = link.control.addLocation({ name: 'Eastmere Schools' })
  const here = mustBeOk(await link.connection.identify()).location
  const there = mustBeOk(await link.connect(other.tokenFile).identify()).location
  expect([there.name === here.name, there.key === here.key]).toEqual([true, false])
})

test.each([
  ['cut after the store took it', { is: 'connection-cut', when: 'after' } as const, 1],
  ['cut before', { is: 'connection-cut', when: 'before' } as const, 0],
  ['answered with an HTML page after it took effect', { is: 'bad-gateway', when: 'after' } as const, 1],
  ['answered with half a body', { is: 'truncated-body' } as const, 1],
  ['answered with nothing', { is: 'empty-body' } as const, 0],
  ['answered with 503', { is: 'unavailable' } as const, 0],
  ['answered with an internal error', { is: 'apple-error', errorNumber: 9603 } as const, 0],
])('case 27: a write that is %s is an open question, and is not sent again', async (_what, fault, assigned) => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 5 })
  link.control.faults.arm({ fault, endpoint: 'associate', times: 1 })
  expect(failureIn(await link.connection.write(ask(devices(1))))).toMatchObject({ is: 'outcome-unknown' })
  link.control.finishEvents()
  expect(link.asked('/assets/associate')).toBe(1)
  expect(mustBeOk(await link.connection.readSeatsOf(APP, 'STDQ'))).toHaveLength(assigned)
})

test.each([
  ['an internal error with status 200', { body: { errorNumber: 9603 } }],
  ['maintenance', { status: 200, body: { errorNumber: 9644 } }],
  ['no eventId', { body: { uId: '1' } }],
  ['a list', { body: [] }],
  ['a redirect', { status: 307, headers: { location: '/elsewhere' } }],
  ['an error number that is none', { body: { errorNumber: 'a lot' } }],
])('a write that is answered with %s is an open question', async (_what, answer) => {
  await using link = await writingTo(answer)
  expect(failureIn(await link.connection.write(ask(devices(1))))).toMatchObject({ is: 'outcome-unknown' })
  expect(link.asked.filter(({ method }) => method === 'POST')).toHaveLength(1)
})

test('a write that gets no answer within a minute is an open question', async () => {
  await using link = await writingTo({ never: true })
  const at = link.clock.now()
  expect(failureIn(await link.connection.write(ask(devices(1))))).toMatchObject({ is: 'outcome-unknown' })
  expect(link.clock.now() - at).toBe(60_000)
  expect(link.asked.filter(({ method }) => method === 'POST')).toHaveLength(1)
})

test('a write that is asked to wait was not done, and nothing is written until then', async () => {
  await using link = await writingTo({ status: 429, headers: { 'retry-after': '120' }, body: { errorNumber: 9646 } })
  expect(await link.connection.write(ask(devices(1)))).toEqual({ ok: false, error: { is: 'store-busy', retryAfterMs: 120_000 } })
  const asked = link.asked.length
  expect(failureIn(await link.connection.write(ask(devices(1))))).toMatchObject({ is: 'store-busy' })
  expect(link.asked).toHaveLength(asked)
})

test('a store that can not be reached was asked nothing', async () => {
  const link = await openOddLink(({ path }) => (path === '/client/config' ? { body: { uId: '1' } } : undefined))
  await link[Symbol.asyncDispose]()
  expect(failureIn(await link.connection.write(ask(devices(1))))).toMatchObject({
    is: 'store-unreachable',
    text: expect.stringContaining('ECONNREFUSED'),
  })
})

test('a write that names nobody is a mistake of ours', async () => {
  await using link = await openSandboxLink()
  await expect(link.connection.write(ask([{ kind: 'device', key: '  ' }]))).rejects.toThrow('names nobody')
})
