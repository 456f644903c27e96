/** Cases of docs/stores/managed-google-play.md that are about binding an organisation. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openGoogleHouse, type GoogleHouse } from './google-house.ts'

const begin = async (house: GoogleHouse) => {
  const vendor = house.store.addVendor('vendor@quartermaster-emm.iam.gserviceaccount.com')
  const begun = await house.ask('POST', 'connectors/google/signup', {
    name: 'Eastmere',
    serviceAccountKey: vendor,
    adminEmail: 'it.admin@eastmere.example',
  })
  if (begun.status !== 201) throw new Error(JSON.stringify(begun.body))
  const { state, url } = begun.body as { readonly state: string; readonly url: string }
  return { vendor, state, url }
}
/** The administrator agrees on Google's page. Gives the address to which Google sends the browser. */
const agree = async (house: GoogleHouse, url: string): Promise<URL> => {
  const sent = await house.clock.during(() => fetch(`${url}&organization=Eastmere+Schools`, { redirect: 'manual' }))
  return new URL(sent.headers.get('location') ?? '')
}
const comeBack = async (house: GoogleHouse, address: URL): Promise<Response> =>
  await house.clock.run(Promise.resolve(house.composed().web.request(address.pathname + address.search)))
const signup = async (house: GoogleHouse, state: string) => (await house.ask('GET', `connectors/google/signup/${state}`)).body

test('an organisation is bound, and its connector works with a key of its own', async () => {
  await using house = await openGoogleHouse()
  const { state, url } = await begin(house)
  expect(await signup(house, state)).toMatchObject({ status: 'open', connectorId: null })
  const back = await comeBack(house, await agree(house, url))
  await house.settle()
  const { status, connectorId } = await signup(house, state)
  expect([status, back.status, back.headers.get('location')]).toEqual(['bound', 303, `/connectors/${connectorId}`])
  expect(await house.status(connectorId)).toEqual(['healthy'])
  const [enterprise] = house.store.enterprises()
  expect(enterprise).toMatchObject({ name: 'Eastmere Schools', administrators: ['it.admin@eastmere.example'] })
  expect(enterprise?.account).toMatch(/^esa-/)
  expect((await house.ask('GET', `connectors/${connectorId}`)).body.location).toMatchObject({
    key: enterprise?.id,
    name: 'Eastmere Schools',
  })
  expect((await house.items('audit')).map(({ action }) => action)).toEqual(
    expect.arrayContaining(['signup.begun', 'signup.bound', 'connector.added']),
  )
})

test('case 18: 503 to the completion is not tried again, and what came of it is said to be unclear', async () => {
  await using house = await openGoogleHouse()
  const { state, url } = await begin(house)
  const address = await agree(house, url)
  house.store.faults.arm({ fault: { is: 'unavailable', when: 'after' }, method: 'enterprises.completeSignup' })
  expect((await comeBack(house, address)).headers.get('location')).toBe('/connectors?signup=unclear')
  expect(house.asked('enterprises.completeSignup')).toBe(1)
  expect((await signup(house, state)).text).toContain('unbind')
  house.store.faults.clear()
  await comeBack(house, address)
  expect(house.asked('enterprises.completeSignup')).toBe(1)
})

test('a completion that Google had no time for is open still, and the same address works a moment later', async () => {
  await using house = await openGoogleHouse()
  const { state, url } = await begin(house)
  const address = await agree(house, url)
  house.store.faults.arm({
    fault: { is: 'error', status: 429, reason: 'rateLimitExceeded', retryAfter: '300' },
    method: 'enterprises.completeSignup',
    times: 1,
  })
  await comeBack(house, address)
  expect((await signup(house, state)).status).toBe('open')
  await house.settle(400_000)
  await comeBack(house, address)
  expect((await signup(house, state)).status).toBe('bound')
})

test('case 20: the way back that is opened twice at once, and with its parameters in another order and writing, completes it once', async () => {
  await using house = await openGoogleHouse()
  const { state, url } = await begin(house)
  const address = await agree(house, url)
  const rewritten = new URL(address.origin + address.pathname)
  for (const [name, value] of [...address.searchParams].toReversed()) rewritten.searchParams.append(name, value)
  const encoded = new URL(
    rewritten.href.replace(
      /state=([^&]+)/,
      (_, value: string) => `state=${[...value].map((sign) => `%${sign.charCodeAt(0).toString(16)}`).join('')}`,
    ),
  )
  expect(encoded.search).not.toBe(address.search)
  const answers = await Promise.all([comeBack(house, address), comeBack(house, rewritten), comeBack(house, encoded)])
  const { connectorId } = await signup(house, state)
  expect(answers.map((answer) => answer.headers.get('location'))).toEqual(Array.from({ length: 3 }, () => `/connectors/${connectorId}`))
  await comeBack(house, address)
  expect(house.asked('enterprises.completeSignup')).toBe(1)
  expect(await house.items('connectors')).toHaveLength(1)
})

test('case 21: the way back works after a restart of the server', async () => {
  await using house = await openGoogleHouse()
  const { state, url } = await begin(house)
  await house.restart('killed')
  const address = await agree(house, url)
  await comeBack(house, address)
  expect((await signup(house, state)).status).toBe('bound')
})

test('a stop in the middle of the completion leaves it unclear, and never sends it again', async () => {
  await using house = await openGoogleHouse()
  const { state, url } = await begin(house)
  const address = await agree(house, url)
  house.store.faults.arm({
    fault: { is: 'error', status: 429, reason: 'rateLimitExceeded', retryAfter: '5' },
    method: 'enterprises.completeSignup',
    times: 1,
  })
  void house.composed().web.request(address.pathname + address.search)
  for (let rounds = 0; rounds < 200 && house.asked('enterprises.completeSignup') === 0; rounds += 1)
    await new Promise((resolve) => setImmediate(resolve))
  await house.restart('killed')
  expect((await signup(house, state)).status).toBe('unclear')
  await comeBack(house, address)
  expect(house.asked('enterprises.completeSignup')).toBe(1)
})

test.each([
  [
    'an account that Google has not validated',
    (house: GoogleHouse) => house.store.addEnterprise({ name: 'x' }).keyFile,
    422,
    'store-refused',
  ],
  ['a key that is none', () => 'nonsense', 400, 'credential-malformed'],
])('a sign-up with %s is refused in words', async (_, keyOf, status, code) => {
  await using house = await openGoogleHouse()
  const answer = await house.ask('POST', 'connectors/google/signup', { name: 'Eastmere', serviceAccountKey: keyOf(house) })
  expect([answer.status, answer.body.code]).toEqual([status, code])
  if (status === 422) expect(answer.body.detail).toContain('validated')
})

test('a state that nobody was given leads nowhere, and a page that was left before its end binds nothing', async () => {
  await using house = await openGoogleHouse()
  const { state } = await begin(house)
  expect((await comeBack(house, new URL('https://x.example/hooks/google/signup?state=guessed&enterpriseToken=ET'))).status).toBe(404)
  expect((await comeBack(house, new URL(`https://x.example/hooks/google/signup?state=${state}`))).headers.get('location')).toBe(
    '/connectors?signup=failed',
  )
  expect(house.asked('enterprises.completeSignup')).toBe(0)
})

test('no key and no ticket stands readable in the database, the log or an answer', async () => {
  await using house = await openGoogleHouse()
  const { vendor, state, url } = await begin(house)
  const address = await agree(house, url)
  const [ticket] = Object.values(house.store.snapshot().play.signups)
  const readable = (): string =>
    readdirSync(house.dataDir)
      .map((name) => readFileSync(join(house.dataDir, name)).toString('latin1'))
      .join('') + house.troubles.join('')
  const secrets = [
    vendor.private_key.slice(100, 160),
    vendor.private_key.replaceAll(/\n|-----[A-Z ]+-----/g, '').slice(100, 160),
    ticket?.completionToken ?? '?',
    state,
  ]
  for (const secret of secrets) expect(readable()).not.toContain(secret)
  await comeBack(house, address)
  await house.settle()
  const own = house.store.snapshot().accounts.find(({ email }) => email.startsWith('esa-'))
  expect(own?.keys).toHaveLength(1)
  const answers = JSON.stringify([await house.items('connectors'), await house.items('audit'), await signup(house, state)])
  for (const secret of secrets.slice(0, 3)) expect(readable() + answers).not.toContain(secret)
  expect(readable() + answers).not.toContain('BEGIN PRIVATE KEY')
})
