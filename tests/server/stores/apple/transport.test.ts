/** What goes wrong on the way, over real HTTP. Case numbers are those of docs/stores/apple-apps-and-books.md, section 8. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { APP, failureIn, mustBeOk, openOddLink, openSandboxLink, START, tokenFile, type OddAnswer } from './apple-link.ts'

const config = { body: { uId: '1' } }
const answering = (answer: (n: number) => OddAnswer) => openOddLink(({ path, n }) => (path === '/client/config' ? answer(n) : undefined))

test('the bearer is the whole text of the file, and the asker says who it is', async () => {
  await using link = await answering(() => config)
  await link.connection.identify()
  expect(link.asked[0]?.headers).toMatchObject({
    authorization: `Bearer ${tokenFile()}`,
    accept: 'application/json',
    'user-agent': expect.stringContaining('Quartermaster'),
  })
})

test.each([
  ['429 with a time to wait', { is: 'rate-limited', retryAfter: '120' } as const, 120_000],
  ['503 with a time to wait', { is: 'unavailable', retryAfter: '120' } as const, 120_000],
  ['503 with a date', { is: 'unavailable', retryAfter: new Date(START + 90_000).toUTCString() } as const, 90_000],
  ['a day to wait, of which an hour is believed', { is: 'unavailable', retryAfter: '86400' } as const, 3_600_000],
])('case 44: %s pauses the whole location, and no other', async (_what, fault, ms) => {
  await using link = await openSandboxLink()
  const other = link.connect(link.control.addLocation({ name: 'Westmere' }).tokenFile)
  link.control.faults.arm({ fault, endpoint: 'client-config', location: link.uId, times: 1 })
  expect(await link.connection.identify()).toEqual({ ok: false, error: { is: 'store-busy', retryAfterMs: ms } })
  const asked = link.control.requests().length
  for (const result of [await link.connection.readLicenses(), await link.connection.orderStatus('x', []), await link.connection.limits()])
    expect(failureIn(result)).toMatchObject({ is: 'store-busy' })
  expect(link.control.requests()).toHaveLength(asked)
  expect((await other.identify()).ok).toBe(true)
  link.clock.jump(ms)
  expect((await link.connection.identify()).ok).toBe(true)
})

test('case 44: a short pause is sat out, to its end', async () => {
  await using link = await openSandboxLink()
  link.control.faults.arm({ fault: { is: 'rate-limited', retryAfter: '20' }, endpoint: 'client-config', times: 1 })
  expect((await link.connection.identify()).ok).toBe(true)
  const [first, second] = link.control.requests()
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(20_000)
})

test.each([
  ['429 without a word', { is: 'rate-limited' } as const, 5],
  ['rubbish for a time to wait', { is: 'unavailable', retryAfter: 'soon' } as const, 5],
  ['an internal error', { is: 'apple-error', errorNumber: 9603 } as const, 5],
  ['an HTML page', { is: 'bad-gateway', when: 'before' } as const, 5],
  ['an empty answer', { is: 'empty-body' } as const, 3],
  ['half an answer', { is: 'truncated-body' } as const, 3],
  ['a cut connection', { is: 'connection-cut', when: 'before' } as const, 3],
])('cases 44 and 45: a read that met %s goes on once it passes, with longer and longer pauses', async (_what, fault, times) => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 5 })
  link.control.faults.arm({ fault, endpoint: 'assets', times })
  expect(mustBeOk(await link.connection.readLicenses())).toHaveLength(1)
  const at = link.control.requests().flatMap((request) => (request.endpoint === 'assets' ? [request.at] : []))
  expect(at).toHaveLength(times + 1)
  const pauses = at.slice(1).map((ms, n) => ms - (at[n] ?? 0))
  for (const [n, ms] of pauses.entries()) {
    expect(ms).toBeGreaterThanOrEqual(500 * 2 ** n)
    expect(ms).toBeLessThanOrEqual(1000 * 2 ** n)
  }
})

test.each([
  ['trouble', { status: 502, body: '<html>502</html>' }, 'store-unreachable', 6],
  ['429', { status: 429, body: '<html>slow down</html>' }, 'store-busy', 6],
  ['rubbish', { body: '{"uId":' }, 'store-answer-unreadable', 4],
  ['a list', { body: [1] }, 'store-answer-unreadable', 4],
  ['a broken line', { cut: 'at-once' as const }, 'store-unreachable', 4],
  ['a line that breaks in the body', { cut: 'in-the-body' as const }, 'store-unreachable', 4],
])('a store that answers with %s for ever is given up after a bounded number of tries', async (_what, answer, is, tries) => {
  await using link = await answering(() => answer)
  expect(failureIn(await link.connection.identify())).toMatchObject({ is })
  expect(link.asked).toHaveLength(tries)
  // The next call finds the location paused, or asks once more; it does not storm.
  await link.connection.identify()
  expect(link.asked.length).toBeLessThanOrEqual(tries + 4)
})

test('a read that gets no answer is given up after 30 seconds, and tried again', async () => {
  await using link = await answering((n) => (n < 2 ? { never: true } : config))
  expect((await link.connection.identify()).ok).toBe(true)
  expect(link.clock.waits).toContain(30_000)
  await using dead = await answering(() => ({ never: true }))
  expect(failureIn(await dead.connection.identify())).toMatchObject({
    is: 'store-unreachable',
    text: expect.stringContaining('no answer within 30 seconds'),
  })
  expect(dead.asked).toHaveLength(4)
})

test.each([
  ['a good answer', config],
  ['a refusal', { status: 400, body: { errorNumber: 9602 } }],
])('after %s the next trouble begins with a short pause', async (_what, between) => {
  await using link = await answering((n) => (n % 4 === 0 ? between : { status: 500 }))
  const at = link.clock.now()
  await link.connection.identify()
  const first = link.clock.now() - at
  await link.connection.identify()
  const second = link.clock.now() - at - first
  expect(link.asked).toHaveLength(8)
  expect([first, second].every((ms) => ms >= 3500 && ms <= 7500)).toBe(true)
})

test('a refusal is not asked for again', async () => {
  await using link = await answering(() => ({ status: 400, body: { errorNumber: 9999 } }))
  expect(failureIn(await link.connection.identify())).toMatchObject({ is: 'store-refused', code: '9999' })
  expect(link.asked).toHaveLength(1)
})

test("a number in no list is shown with the store's own published message, not with what an answer says", async () => {
  await using link = await openOddLink(({ path }) =>
    path === '/service/config'
      ? { body: { errorCodes: [{ errorNumber: 9999, errorMessage: 'The moon is full.' }, 'odd'] } }
      : { status: 400, body: { errorNumber: 9999, errorMessage: 'Told by the answer.' } },
  )
  await link.connection.limits()
  expect(failureIn(await link.connection.identify())).toMatchObject({
    text: "Apple refused this with number 9999 (“The moon is full.”). Look the number up in Apple's documentation, then try again.",
  })
})

test('case 45: a redirect to another host is not followed, and the token goes nowhere', async () => {
  const strangers: unknown[] = []
  const stranger = createServer((request, response) => {
    strangers.push(request.headers)
    response.end('{}')
  })
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
  const location = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/mdm/v2/client/config`
  await using link = await answering(() => ({ status: 307, headers: { location }, body: '' }))
  expect(failureIn(await link.connection.identify())).toMatchObject({
    is: 'store-unreachable',
    text: expect.stringContaining('It was not followed'),
  })
  expect([link.asked.length, strangers]).toEqual([1, []])
  await new Promise((resolve) => stranger.close(resolve))
})

test('addresses that the store tells are never used', async () => {
  const urls = {
    clientConfig: 'http://127.0.0.1:1/evil',
    getAssets: 'http://127.0.0.1:1/evil',
    contentMetadataLookup: 'http://127.0.0.1:1/evil',
  }
  await using link = await openOddLink(({ path }) =>
    path === '/service/config'
      ? { body: { urls } }
      : path === '/assets'
        ? { body: { assets: [] } }
        : path === '/lookup'
          ? { body: { results: {} } }
          : config,
  )
  await link.connection.limits()
  for (const result of [
    await link.connection.identify(),
    await link.connection.readLicenses(),
    await link.connection.describe(['1'], 'DE'),
  ])
    expect(result.ok).toBe(true)
})

test('an answer larger than any page is not read to its end', async () => {
  await using link = await answering(() => ({ body: `{"uId":"${'x'.repeat(17 * 1024 * 1024)}"}` }))
  expect(failureIn(await link.connection.identify())).toMatchObject({
    is: 'store-answer-unreadable',
    text: expect.stringContaining('larger than any list page'),
  })
})

test('requests keep to half of what the store allows', async () => {
  await using link = await openSandboxLink()
  for (let n = 0; n < 120; n += 1) link.control.own(link.uId, String(900_000_100 + n), { total: 1 })
  await link.connection.limits()
  expect(mustBeOk(await link.connection.readLicenses())).toHaveLength(120)
  const at = link.control.requests().map((request) => request.at)
  for (const first of at) expect(at.filter((ms) => ms >= first && ms < first + 1000).length).toBeLessThanOrEqual(11)
  expect(link.control.requests().some(({ status }) => status === 429)).toBe(false)
  const seconds = ((at.at(-1) ?? 0) - (at[0] ?? 0)) / 1000
  expect(at.length / seconds).toBeLessThanOrEqual(8.5)
  // 15 were told to be allowed, not the 10 that hold while nothing is told.
  expect(at.length / seconds).toBeGreaterThan(6.5)
})

test('case 46: a clock that is set back a day in a pause stalls nobody for longer than an hour', async () => {
  await using link = await openSandboxLink()
  link.control.faults.arm({ fault: { is: 'unavailable', retryAfter: '120' }, endpoint: 'client-config', times: 1 })
  await link.connection.identify()
  link.clock.jump(-86_400_000)
  const paused = await link.connection.identify()
  expect(paused.ok ? 0 : paused.error.is === 'store-busy' ? paused.error.retryAfterMs : 0).toBeLessThanOrEqual(3_600_000)
  link.clock.jump(3_600_000)
  expect((await link.connection.identify()).ok).toBe(true)
})
