/** Cases of docs/stores/managed-google-play.md that are about asking Google at all: pace, trouble, and answers that are none. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createPlayStore } from '../../../../server/stores/google/play/store.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { failureIn, give, held, MATHLAB, mustBeOk, openPlayLink } from './play/play-link.ts'
import { drivenClock, mark } from './google-link.ts'

const openWithLicense = async (...given: Parameters<typeof openPlayLink>) => {
  const link = await openPlayLink(...given)
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  held(link, MATHLAB, 1)
  return link
}

test('case 12: a token that Google takes back in the middle is made anew once, and the request is repeated once', async () => {
  await using link = await openWithLicense()
  mustBeOk(await link.run(link.connection.identify()))
  link.control.revokeTokens()
  expect((await link.run(link.connection.readSeatsOf(MATHLAB, null))).ok).toBe(true)
  expect(link.asked('token')).toBe(2)
})

test('a token that is refused again and again is not made again and again', async () => {
  await using link = await openWithLicense()
  link.control.faults.arm({ fault: { is: 'error', status: 401, reason: 'authError' } })
  expect(failureIn(await link.run(link.connection.identify()))).toMatchObject({ is: 'credential-invalid' })
  expect([link.asked('token'), link.asked('enterprises.get')]).toEqual([2, 2])
})

test('case 17: 429 with Retry-After is waited out as asked', async () => {
  await using link = await openWithLicense()
  link.control.faults.arm({
    fault: { is: 'error', status: 429, reason: 'rateLimitExceeded', retryAfter: '30' },
    method: 'grouplicenses.list',
    times: 1,
  })
  expect((await link.run(link.connection.readLicenses())).ok).toBe(true)
  expect(link.clock.waits.filter((ms) => ms >= 29_000 && ms <= 30_000)).toHaveLength(1)
})

test.each([
  ['429', '429'],
  ['403', '403-rateLimitExceeded'],
  ['403 of one user', '403-userRateLimitExceeded'],
] as const)('case 17: too many requests (%s) without a word on how long: the pauses grow, and nobody hammers', async (_, quotaAnswer) => {
  await using link = await openWithLicense({ queriesPerMinute: 0, quotaAnswer })
  const failure = failureIn(await link.run(link.connection.identify()))
  expect(failure).toMatchObject({ is: 'store-busy' })
  expect(link.asked('enterprises.get')).toBe(5)
  const pauses = link.clock.waits.filter((ms) => ms >= 1000)
  expect(pauses).toHaveLength(4)
  expect(pauses.every((ms, at) => at === 0 || ms > (pauses[at - 1] ?? 0) * 0.9)).toBe(true)
  expect(pauses.at(-1)).toBeGreaterThan(8000)
})

test('case 17: a quota that is used up by a large sync fills again, and nothing is lost', async () => {
  await using link = await openWithLicense({ queriesPerMinute: 30 })
  for (let n = 0; n < 100; n += 1) {
    link.control.addLicense(link.enterpriseId, `app:com.example.n${n}`, { purchased: 9 })
    held(link, `app:com.example.n${n}`, 1, `n${n}`)
  }
  const seats: string[] = []
  const read = await link.run(
    link.connection.readSeats(null, {
      begin: () => void seats.splice(0),
      page: (page) => void seats.push(...page.map(({ holder }) => holder.key)),
    }),
  )
  // Either it got through, or it says how long to wait: never a half list as a whole one.
  if (read.ok) expect(seats).toHaveLength(101)
  else expect(read.error.is).toBe('store-busy')
  link.control.setSwitches({ queriesPerMinute: null })
  link.clock.jump(120_000)
  expect(
    (
      await link.run(
        link.connection.readSeats(null, {
          begin: () => void seats.splice(0),
          page: (page) => void seats.push(...page.map(({ holder }) => holder.key)),
        }),
      )
    ).ok,
  ).toBe(true)
  expect(seats).toHaveLength(101)
})

test('case 17: what a person waits for overtakes what a sync reads', async () => {
  await using link = await openWithLicense()
  for (let n = 0; n < 60; n += 1) {
    link.control.addLicense(link.enterpriseId, `app:com.example.n${n}`, { purchased: 9 })
    held(link, `app:com.example.n${n}`, 1, `n${n}`)
  }
  mustBeOk(await link.run(link.connection.write(give(MATHLAB, 'ana'))))
  link.control.clearRequests()
  await link.run(
    Promise.all([
      link.connection.readSeats(null, { begin: () => undefined, page: () => undefined }),
      link.connection.write(give(MATHLAB, 'ana')),
    ]),
  )
  const order = link.control.requests().map(({ method }) => method)
  expect(order.filter((method) => method === 'grouplicenseusers.list').length).toBe(61)
  expect(order.indexOf('entitlements.update')).toBeLessThan(30)
})

test('case 19: 500 whose words say that a thing is not there is taken for 404', async () => {
  await using link = await openWithLicense()
  link.control.faults.arm({
    fault: { is: 'error', status: 500, reason: 'internalError', message: 'Requested entity was not found.' },
    method: 'products.get',
  })
  expect(mustBeOk(await link.run(link.connection.describe(['app:com.gone'], '')))).toEqual([])
  expect(link.asked('products.get')).toBe(1)
})

test.each([
  ["a proxy's page", { is: 'bad-gateway', when: 'before' }, 'store-unreachable', 5],
  ['an answer that is cut short', { is: 'truncated-body' }, 'store-answer-unreadable', 5],
  ['a line that drops', { is: 'connection-cut', when: 'before' }, 'store-unreachable', 5],
  ['a way that leads elsewhere', { is: 'redirect', to: 'https://attacker.example/' }, 'store-unreachable', 1],
] as const)(
  'case 42: %s is a failure of its own, tried again where that may help, and no token shows in it',
  async (_, fault, is, tries) => {
    await using link = await openWithLicense()
    const token = mustBeOk(await link.run(link.signIn().token()))
    link.control.faults.arm({ fault, method: 'enterprises.get' })
    const failure = failureIn(await link.run(link.connection.identify()))
    expect(failure).toMatchObject({ is })
    expect(link.asked('enterprises.get')).toBe(tries)
    expect(inspect(failure, { depth: 9 })).not.toContain(token)
    link.control.faults.clear()
    link.clock.jump(5 * 60_000)
    expect((await link.run(link.connection.identify())).ok).toBe(true)
  },
)

test('case 42: gzip without a length is read as any other answer', async () => {
  await using link = await openWithLicense()
  link.control.faults.arm({ fault: { is: 'gzip' }, method: 'grouplicenses.list' })
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toHaveLength(1)
})

test("a proxy's 404 and 403 are no word of Google's: nothing is called retired because of them", async () => {
  for (const status of [403, 404, 410]) {
    const clock = drivenClock()
    const store = createPlayStore({ playUrl: 'http://store.test', tokenUrl: 'http://store.test/token' })
    await using link = await openPlayLink()
    const { secret } = mustBeOk(store.readCredential({ serviceAccountKey: link.keyFile, enterpriseId: 'LC1' }, 0))
    const fetch: typeof globalThis.fetch = (input) =>
      Promise.resolve(
        String(input instanceof Request ? input.url : input).endsWith('/token')
          ? Response.json({ access_token: 'ya29.x', expires_in: 3599 })
          : new Response('<html>no way</html>', { status, headers: { 'content-type': 'text/html' } }),
      )
    const connection = store.connect({ clock, chance: seededChance(1), fetch }, secret, mark)
    expect(failureIn(await clock.run(connection.identify()))).toMatchObject({ is: 'store-unreachable' })
  }
})

test.each([
  ['insufficientPermissions', 'wrong-scope'],
  ['accessNotConfigured', 'api-not-enabled'],
])(
  'an API that is not turned on for the account (%s) is told as that, and not as a lost binding or a retired store',
  async (reason, code) => {
    await using link = await openWithLicense()
    link.control.faults.arm({ fault: { is: 'error', status: 403, reason } })
    expect(failureIn(await link.run(link.connection.identify()))).toMatchObject({ is: 'store-refused', code })
  },
)
