/** Setting our address for notices at Apple, over real HTTP; the sandbox's receiver is ours to play here. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { startSandbox } from '../../../../server/sandbox/sandbox.ts'
import { Secret } from '../../../../server/secret.ts'
import { createAppleStore } from '../../../../server/stores/apple/store.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { drivenClock, failureIn, mark, mustBeOk, openOddLink } from './apple-link.ts'

const url = 'https://licenses.eastmere.example/hooks/apple/1'
const clearSecret = 'canary-notice-secret-0123456789abcdef'
const target = { url, secret: Secret.of(clearSecret) }
const allTypes = [
  'ASSET_COUNT',
  'ASSET_MANAGEMENT',
  'SUBSCRIPTION_COUNT',
  'SUBSCRIPTION_MANAGEMENT',
  'TEST_NOTIFICATION',
  'UNLIMITED_ASSET',
  'USER_ASSOCIATED',
  'USER_MANAGEMENT',
]

const openLink = async () => {
  const clock = drivenClock()
  const heard: { readonly url: string; readonly bearer: string | null }[] = []
  const answers = { status: 200 }
  const sandbox = await startSandbox({
    clock,
    chance: seededChance(1),
    port: 0,
    fetch: async (request) => {
      heard.push({ url: request.url, bearer: request.headers.get('authorization') })
      return new Response(null, { status: answers.status })
    },
  })
  const { tokenFile } = sandbox.control.addLocation({ name: 'Eastmere', uId: '1' })
  const store = createAppleStore({ appsBooksUrl: sandbox.appsAndBooksUrl, metadataUrl: sandbox.metadataUrl })
  const read = store.readCredential({ contentToken: tokenFile }, clock.now())
  if (!read.ok) throw new Error(read.error.reason)
  const connection = store.connect({ clock, chance: seededChance(3), fetch: clock.fetch }, read.value.secret, mark)
  return {
    clock,
    control: sandbox.control,
    heard,
    answers,
    listen: (wanted: typeof target | null) => clock.run(connection.listen(wanted)),
    claim: async () => mustBeOk(await clock.run(connection.claim())),
    posts: () => sandbox.control.requests().filter(({ method, path }) => method === 'POST' && path.endsWith('/client/config')).length,
    subscribed: () => [...(sandbox.control.snapshot().locations[0]?.notificationTypes ?? [])].toSorted(),
    [Symbol.asyncDispose]: () => sandbox.close(),
  }
}

test('all kinds are asked for, and nothing is written where all is as wanted', async () => {
  await using link = await openLink()
  await link.claim()
  const before = link.posts()
  expect(mustBeOk(await link.listen(target))).toBe('listening')
  expect(link.heard).toEqual([{ url, bearer: `Bearer ${clearSecret}` }])
  expect(link.subscribed()).toEqual(allTypes)
  expect(link.posts()).toBe(before + 1)
  expect(mustBeOk(await link.listen(target))).toBe('listening')
  expect(link.posts()).toBe(before + 1)
})

test('another secret and another address are written', async () => {
  await using link = await openLink()
  await link.claim()
  await link.listen(target)
  await link.listen({ url, secret: Secret.of('another') })
  await link.listen({ url: `${url}2`, secret: Secret.of('another') })
  expect(link.heard.map((one) => [one.url, one.bearer])).toEqual([
    [url, `Bearer ${clearSecret}`],
    [url, 'Bearer another'],
    [`${url}2`, 'Bearer another'],
  ])
})

test('an address that does not answer is told as such, and the location stays ours', async () => {
  await using link = await openLink()
  await link.claim()
  link.answers.status = 503
  expect(mustBeOk(await link.listen(target))).toBe('unreachable')
  expect(link.control.locations()[0]).toMatchObject({ mdmInfo: mark, notificationUrl: null })
})

test('nothing is set on a location that nobody or another service holds', async () => {
  await using link = await openLink()
  expect(mustBeOk(await link.listen(target))).toBe('not-ours')
  link.control.setOwner('1', { id: 'other', name: 'Other', metadata: 'other.example' })
  expect(mustBeOk(await link.listen(target))).toBe('not-ours')
  expect([link.posts(), link.heard]).toEqual([0, []])
})

test('an address or a secret longer than Apple takes is not sent', async () => {
  await using link = await openLink()
  await link.claim()
  const before = link.posts()
  link.control.setLimits({ maxNotificationLength: 20 })
  link.clock.jump(301_000)
  expect(failureIn(await link.listen(target))).toMatchObject({ is: 'store-unreachable', text: expect.stringContaining('20 characters') })
  expect(link.posts()).toBe(before)
})

test('no target: the kinds are taken back, once', async () => {
  await using link = await openLink()
  await link.claim()
  await link.listen(target)
  expect(mustBeOk(await link.listen(null))).toBe('silent')
  expect(link.subscribed()).toEqual([])
  const before = link.posts()
  expect(mustBeOk(await link.listen(null))).toBe('silent')
  expect(link.posts()).toBe(before)
})

test('a token that may only read is told as one', async () => {
  await using link = await openLink()
  await link.claim()
  link.control.setPrivilege('1', 'read-only')
  expect(failureIn(await link.listen(target))).toMatchObject({ is: 'read-only-token' })
})

test('an Apple that does not know the newest kinds is asked for those of old, once and for all', async () => {
  let stands: Record<string, unknown> = {}
  const asked: string[][] = []
  await using link = await openOddLink(({ method, path, body }) => {
    if (path !== '/client/config') return undefined
    if (method === 'POST') {
      const given = JSON.parse(body)
      asked.push(given.notificationTypes)
      if (given.notificationTypes.includes('UNLIMITED_ASSET')) return { status: 400, body: { errorNumber: 9602, errorMessage: 'x' } }
      stands = { ...given, subscribedNotificationTypes: given.notificationTypes }
    }
    return { body: { uId: '1', mdmInfo: mark, ...stands } }
  })
  expect(mustBeOk(await link.connection.listen(target))).toBe('listening')
  expect(asked.map((types) => types.length)).toEqual([8, 5])
  expect(mustBeOk(await link.connection.listen(target))).toBe('listening')
  expect(asked).toHaveLength(2)
})

test('an answer that never came is made up for by looking: kept, and not kept', async () => {
  let keeps = true
  let stands: Record<string, unknown> = {}
  await using link = await openOddLink(({ method, path, body }) => {
    if (path !== '/client/config') return undefined
    if (method === 'GET') return { body: { uId: '1', mdmInfo: mark, ...stands } }
    const given = JSON.parse(body)
    if (keeps) stands = { ...given, subscribedNotificationTypes: given.notificationTypes }
    return { cut: 'at-once' }
  })
  expect(mustBeOk(await link.connection.listen(target))).toBe('listening')
  keeps = false
  expect(failureIn(await link.connection.listen({ url: `${url}2`, secret: target.secret }))).toMatchObject({
    is: 'store-unreachable',
    text: expect.stringContaining('did not keep'),
  })
})

test('another service that slips in between is named, and no answer gives a secret on', async () => {
  let looks = 0
  const other = { id: 'other', name: 'Other manager', metadata: 'other.example' }
  await using link = await openOddLink(({ method, path }) => {
    if (path !== '/client/config') return undefined
    if (method === 'GET') looks += 1
    return {
      body: { uId: '1', mdmInfo: looks > 1 ? other : mark, notificationUrl: 'https://other.example', notificationAuthToken: clearSecret },
    }
  })
  const heard = await link.connection.listen(target)
  expect(failureIn(heard)).toEqual({ is: 'foreign-owner', owner: other })
  const identity = await link.connection.identify()
  for (const told of [heard, identity, link.connection])
    expect(`${JSON.stringify(told)}${inspect(told, { depth: 12, showHidden: true })}`).not.toContain(clearSecret)
})
