/**
 * Secrets stay: a token file, a password and an API key go in, the whole trip is made, and none of them is found in any
 * response, frame, log line or file, in whatever form it might be written.
 */
import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Socket } from '../../server/exchange.ts'
import type { AdminId, DeviceId } from '../../shared/ids.ts'
import { encodeClientFrame, protocol } from '../../shared/protocol.ts'
import { apiKey, keynote, openSchool } from './routes/desk.ts'

/** Everything that is as good as the secret: itself, and its inner parts where it is a parcel of others. */
const partsOf = (secret: string): readonly string[] => {
  const parts = [secret]
  try {
    const inner: unknown = JSON.parse(Buffer.from(secret, 'base64').toString('utf8'))
    const token: unknown = typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'token') : undefined
    if (typeof token === 'string') parts.push(token)
  } catch {
    // A plain secret has no parts.
  }
  return parts
}

const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret, 'utf8')
  // Base64 of a text that stands inside a longer one depends on where it begins: three shapes, less what its neighbours decide.
  const shifted = [0, 1, 2].map((lead) => {
    const text = Buffer.concat([Buffer.alloc(lead), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    return text.slice(lead === 0 ? 0 : lead + 1, -2)
  })
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...shifted,
    ...shifted.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    Buffer.from(secret, 'utf16le').toString('latin1'),
  ]
}

const findIn = (text: string, secrets: ReadonlyMap<string, string>): readonly string[] =>
  [...secrets].flatMap(([name, secret]) =>
    partsOf(secret).flatMap((part) => (formsOf(part).some((form) => form.length > 7 && text.includes(form)) ? [name] : [])),
  )

test('no secret comes out again, in no form, by no way', async () => {
  const password = 'correct horse/battery+staple "canary"'
  const school = await openSchool({
    databaseFile: true,
    environment: {
      QM_OWNER_EMAIL: 'ana@school.example',
      QM_OWNER_PASSWORD: password,
      QM_NOTICE_URL: 'https://notices.school.example',
    },
  })
  await using _ = school
  const renewed = school.store.newToken(school.uId)
  const noticeSecret = school.store.snapshot().locations[0]?.notificationAuthToken ?? ''
  expect(noticeSecret.length).toBeGreaterThan(40)
  const secrets = new Map([
    ['the secret of the notices', noticeSecret],
    ['the token file', school.tokenFile],
    ['the renewed token file', renewed],
    ['the password', password],
    ['the API key', apiKey],
  ])
  const said: { readonly where: string; readonly text: string }[] = []
  const ask = async (...[method, path, options]: Parameters<typeof school.ask>) => {
    const answer = await school.ask(method, path, options)
    said.push({ where: `${method} ${path}`, text: `${[...answer.headers].join('\n')}\n${answer.text}` })
    return answer
  }

  // 1. A browser that is told everything.
  const frames: Uint8Array[] = []
  const socket: Socket = { send: (bytes) => void frames.push(bytes), close: () => undefined, bufferedBytes: 0 }
  const session = school.composed.house.exchange.connect(socket, async () => ({
    kind: 'admin',
    id: 'ana' as AdminId,
    name: 'Ana',
    role: 'owner',
  }))
  session.receive(encodeClientFrame({ is: 'hello', protocol, build: 'test', device: 'device-0001' as DeviceId }))
  session.receive(encodeClientFrame({ is: 'pull', after: 0 }))

  // 2. The whole trip, its refusals among it.
  const origin = 'http://localhost:8787'
  await ask('POST', 'sign-in', { body: { email: 'ana@school.example', password }, as: null, headers: { origin } })
  await ask('POST', 'sign-in', { body: { email: password, password }, as: null, headers: { origin } })
  await ask('POST', 'connectors', { body: { kind: 'apple-apps-books', name: 'again', credential: { contentToken: school.tokenFile } } })
  await ask('POST', 'connectors', { body: { kind: 'apple-apps-books', name: 'x', credential: { contentToken: `${school.tokenFile}!` } } })
  await ask('POST', 'connectors', { body: { kind: school.tokenFile, name: 'x', credential: school.tokenFile } })
  await ask('PUT', `connectors/${school.connectorId}/credential`, {
    body: { contentToken: renewed },
    headers: { 'idempotency-key': 'renewal' },
  })
  await ask('POST', `connectors/${school.connectorId}/test`, { body: {} })
  // The account of the device list: its key in the form that was uploaded and in the one that is kept, line by line.
  const account = school.store.addDeviceAccount('Berlin')
  const kept = createPrivateKey(account.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
  const linesOf = (pem: string): readonly string[] => pem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'))
  const keyLines = [...linesOf(account.privateKey), ...linesOf(kept)]
  expect(keyLines.length).toBeGreaterThan(5)
  keyLines.forEach((line, at) => secrets.set(`line ${at} of the device key`, line))
  for (const devices of [
    { ...account, privateKey: account.privateKey.replace('EC PRIVATE', 'PRIVATE') },
    { ...account, clientId: 'BUSINESSAPI.x' },
    account,
  ])
    await ask('PUT', `connectors/${school.connectorId}/credential`, {
      body: { devices },
      headers: { 'idempotency-key': `devices ${devices.clientId} ${devices.privateKey.length}` },
    })
  await school.settle(90_000)
  school.store.expireAccessTokens()
  await ask('POST', `connectors/${school.connectorId}/sync`, { body: { full: true } })
  await school.settle(90_000)
  expect((await ask('GET', `connectors/${school.connectorId}`)).body.devices).toMatchObject({ count: 0, error: null })
  const accessTokens = school.store.accessTokens()
  expect(accessTokens.length).toBeGreaterThan(1)
  accessTokens.forEach((token, at) => secrets.set(`access token ${at + 1}`, token))
  // Notices, and a stranger at their address; the test sets the address again.
  const told = { notification: {}, notificationId: 'n-1', notificationType: 'TEST_NOTIFICATION', uId: '7700000000000999' }
  for (const as of [noticeSecret, `${noticeSecret}!`, null]) await ask('POST', `/hooks/apple/${school.connectorId}`, { body: told, as })
  await school.settle(2_000)
  await ask('POST', `connectors/${school.connectorId}/test`, { body: {} })
  const newSecret = school.store.snapshot().locations[0]?.notificationAuthToken ?? ''
  expect(newSecret).not.toBe(noticeSecret)
  secrets.set('the new secret of the notices', newSecret)
  const license = await school.idOf('licenses', keynote)
  await ask('POST', 'assignments', {
    body: { licenseId: license, target: { kind: 'group', id: await school.idOf('groups', 'Tablets') } },
    headers: { 'idempotency-key': 'assignment' },
  })
  // An invitation's link is a secret too: it goes to the one who asks for it, and nowhere else.
  const codes = school.store.users(school.uId).flatMap(({ inviteCode }) => inviteCode ?? [])
  expect(codes).toHaveLength(2)
  codes.forEach((code, at) => secrets.set(`invitation ${at + 1}`, code))
  for (const name of ['ana', 'ben']) {
    const link = await school.get(`connectors/${school.connectorId}/registrations/${await school.idOf('users', name)}/invitation`)
    expect(codes.some((code) => link.text.includes(code))).toBe(true)
  }
  await ask('GET', `connectors/${school.connectorId}/registrations`)
  await ask('GET', `connectors/${school.connectorId}/registrations`, { headers: { accept: 'text/csv' } })
  await school.settle()
  school.store.revokeToken(school.uId)
  await ask('POST', `connectors/${school.connectorId}/sync`, { body: { full: true } })
  await school.settle(5_000)
  for (const path of [
    'connectors',
    'status',
    'syncs',
    'orders',
    'licenses',
    'audit',
    'api-keys',
    'admins',
    'me',
    'openapi.json',
    '/metrics',
  ])
    await ask('GET', path)
  await ask('GET', 'audit', { headers: { accept: 'text/csv' } })
  expect(frames.length).toBeGreaterThan(5)

  // 3. Everything that was said, written and kept.
  expect(said.length).toBeGreaterThan(15)
  for (const { where, text } of said) expect([where, findIn(text, secrets)]).toEqual([where, []])
  const framesText = Buffer.concat(frames).toString('latin1')
  expect(['frames', findIn(framesText, secrets)]).toEqual(['frames', []])
  expect(school.logged.length).toBeGreaterThan(10)
  expect(['log', findIn(school.logged.join(''), secrets)]).toEqual(['log', []])
  const files = readdirSync(school.dataDir)
  expect(files).toContain('quartermaster.sqlite')
  expect(files).toContain('quartermaster.sqlite-wal')
  for (const file of files) {
    const text = readFileSync(join(school.dataDir, file)).toString('latin1')
    expect([file, findIn(text, secrets)]).toEqual([file, []])
  }
})

test('the canary would be heard: each form of a secret is found where it stands', () => {
  const secret = 'wß/+"secret value?~'
  const secrets = new Map([['it', secret]])
  const around = (text: string): string => `before ${text} after`
  for (const text of [
    secret,
    encodeURIComponent(secret),
    JSON.stringify({ secret }),
    Buffer.from(secret).toString('hex'),
    Buffer.from(`x${secret}y`).toString('base64'),
    Buffer.from(`xy${secret}`).toString('base64url'),
    Buffer.from(`xyz${secret}z`).toString('base64url'),
  ])
    expect([text, findIn(around(text), secrets)]).toEqual([text, ['it']])
})
