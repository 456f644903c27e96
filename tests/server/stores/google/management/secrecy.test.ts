/** Whatever Google answers: nothing is thrown, every result is a listed one, and no byte of the key or a token shows in it. */
import fc from 'fast-check'
import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createManagementStore } from '../../../../../server/stores/google/management/store.ts'
import type { StoreConnection } from '../../../../../server/stores/store.ts'
import { seededChance } from '../../../../world/hand-clock.ts'
import { drivenClock, mark, mustBeOk } from '../google-link.ts'
import { give, MATHLAB, READER, take } from './management-link.ts'

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const keyBody = pem.replaceAll(/-----[A-Z ]+-----|\s/g, '')
const TOKEN = 'ya29.canary-access-token'
const inForms = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('hex'),
]
const forms = [...inForms(TOKEN), ...inForms(keyBody.slice(200, 260)), ...inForms(pem.slice(100, 150))]
const showsSecret = (value: unknown): boolean => {
  const shown = `${JSON.stringify(value)} ${inspect(value, { depth: 12, showHidden: true, getters: true })}`
  return forms.some((form) => shown.includes(form)) || /eyJhbGciOiJSUzI1NiI/.test(shown)
}

const policy = {
  name: 'enterprises/LC1/policies/pupils',
  version: '3',
  playStoreMode: 'WHITELIST',
  applications: [{ packageName: READER, installType: 'FORCE_INSTALLED' }],
}
const device = {
  name: 'enterprises/LC1/devices/d1',
  state: 'ACTIVE',
  policyName: 'enterprises/LC1/policies/pupils',
  ownership: 'COMPANY_OWNED',
  managementMode: 'DEVICE_OWNER',
  hardwareInfo: { serialNumber: 'T1', manufacturer: 'Example', model: 'T10' },
  nonComplianceDetails: [{ packageName: READER, installationFailureReason: 'NO_LICENSES_REMAINING' }],
}
const application = {
  name: `enterprises/LC1/applications/${MATHLAB}`,
  title: 'Math Lab',
  author: 'Example',
  iconUrl: 'https://i.example/x',
  appPricing: 'FREE',
  distributionChannel: 'PUBLIC_GOOGLE_HOSTED',
  appVersions: [{ versionString: '1', production: true }],
}
const e = '/v1/enterprises/LC1'
const copy = { ...policy, name: 'enterprises/LC1/policies/qm1.d1.pupils' }
const good: Readonly<Record<string, unknown>> = {
  '/token': { access_token: TOKEN, expires_in: 3599, token_type: 'Bearer' },
  [e]: { name: 'enterprises/LC1', enterpriseDisplayName: 'Eastmere' },
  [`${e}/policies`]: { policies: [policy, copy] },
  [`${e}/policies/pupils`]: policy,
  [`${e}/policies/qm1.d1.pupils`]: copy,
  [`${e}/policies/qm1.d1.pupils:modifyPolicyApplications`]: { policy: copy },
  [`${e}/policies/qm1.d1.pupils:removePolicyApplications`]: { policy: copy },
  [`${e}/devices`]: { devices: [device] },
  [`${e}/devices/d1`]: device,
  [`${e}/webApps`]: { webApps: [{ name: 'enterprises/LC1/webApps/com.google.enterprise.webapp.x1', title: 'T', versionCode: '1' }] },
  [`${e}/applications/${MATHLAB}`]: application,
  [`${e}/applications/${READER}`]: { ...application, name: `enterprises/LC1/applications/${READER}` },
  [`${e}/applications/com.google.enterprise.webapp.x1`]: { ...application, name: 'enterprises/LC1/applications/x' },
}

const connectTo = (answer: (path: string) => Response) => {
  const clock = drivenClock()
  const store = createManagementStore({ managementUrl: 'http://store.test', tokenUrl: 'http://store.test/token' })
  const serviceAccountKey = { type: 'service_account', private_key_id: 'k1', private_key: pem, client_email: 'a@b.iam.gserviceaccount.com' }
  const { secret } = mustBeOk(store.readCredential({ serviceAccountKey, enterpriseId: 'LC1' }, clock.now()))
  const fetch: typeof globalThis.fetch = (input) => Promise.resolve(answer(new URL(input instanceof Request ? input.url : input).pathname))
  return { clock, store, secret, connection: store.connect({ clock, chance: seededChance(5), fetch }, secret, mark) }
}

const sink = { begin: () => undefined, page: () => undefined }
const everything = (connection: StoreConnection): readonly (() => Promise<{ readonly ok: boolean }>)[] => [
  () => connection.identify(),
  () => connection.claim(),
  () => connection.readLicenses(),
  () => connection.readLicense(MATHLAB, null),
  () => connection.readSeats(null, sink),
  () => connection.readSeatsOf(MATHLAB, null),
  () => connection.readSeatsOfHolder({ kind: 'device', key: 'T1' }),
  () => connection.describe([MATHLAB], ''),
  () => connection.limits(),
  () => connection.write(give([MATHLAB], 'T1')),
  () => connection.write(take([READER], 'T1')),
  () => connection.write({ action: 'revoke', holders: [{ kind: 'device', key: 'T1' }] }),
  () => connection.orderStatus('x', []),
  async () => (await connection.devices?.read(() => undefined)) ?? { ok: false },
  async () => (await connection.devices?.find('T1')) ?? { ok: false },
]

/** Every place of a JSON value, as the way to it. */
const placesIn = (value: unknown, way: readonly string[] = []): readonly (readonly string[])[] =>
  typeof value === 'object' && value !== null
    ? [way, ...Object.entries(value).flatMap(([name, member]) => placesIn(member, [...way, name]))]
    : [way]
const replaced = (value: unknown, [name, ...way]: readonly string[], by: unknown): unknown => {
  if (name === undefined) return by
  if (Array.isArray(value)) return value.map((item: unknown, at) => (String(at) === name ? replaced(item, way, by) : item))
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, key === name ? replaced(member, way, by) : member]))
    : value
}
const oddity = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 0, -1, 1e300, 2 ** 53, '2147483647', true, [], {}, [null], [[]], 'app:x'),
  fc.jsonValue({ maxDepth: 2 }),
)

test('one member of one answer after the other is replaced by something odd', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(good)),
      fc.nat(),
      oddity,
      fc.constantFrom(200, 200, 200, 400, 403, 404, 503),
      async (path, nth, odd, status) => {
        const places = placesIn(good[path])
        const body = JSON.stringify(replaced(good[path], places[nth % places.length] ?? [], odd)) ?? ''
        const { clock, connection } = connectTo((asked) =>
          asked === path ? new Response(body, { status }) : new Response(JSON.stringify(good[asked] ?? {})),
        )
        for (const act of everything(connection)) {
          const result = await clock.run(act())
          expect(typeof result.ok).toBe('boolean')
          expect(showsSecret(result)).toBe(false)
        }
      },
    ),
    { numRuns: 150 },
  )
}, 120_000)

test('answers that echo key and token back: in errors, in pages, in headers', async () => {
  const echo = forms.join(' ')
  const headers = { 'content-type': 'application/json' }
  const echoes: readonly ((path: string) => Response)[] = [
    () => new Response(`<html>${echo}</html>`, { status: 502 }),
    () => new Response(echo, { status: 200 }),
    () => new Response('', { status: 503, headers: { 'retry-after': TOKEN } }),
    () => new Response(null, { status: 307, headers: { location: `http://store.test/?${encodeURIComponent(TOKEN)}` } }),
    (path) =>
      path === '/token'
        ? new Response(JSON.stringify({ error: 'invalid_grant', error_description: echo }), { status: 400, headers })
        : Response.json({}),
    () => {
      throw new TypeError(`fetch failed for Bearer ${TOKEN}`, {
        cause: Object.assign(new Error(echo), { code: TOKEN, headers: { authorization: TOKEN } }),
      })
    },
  ]
  for (const answer of echoes) {
    const { clock, connection } = connectTo((path) =>
      path === '/token' && answer.length === 0 ? Response.json(good['/token']) : answer(path),
    )
    for (const act of everything(connection)) {
      const result = await clock.run(act())
      expect([result.ok, showsSecret(result)]).not.toContain(result.ok ? undefined : true)
    }
  }
}, 60_000)

test('neither a connection nor a store nor the kept credential shows its key when it is printed', () => {
  const { connection, store, secret } = connectTo(() => new Response('{}'))
  for (const value of [connection, store, secret]) expect(showsSecret(value)).toBe(false)
  expect(showsSecret(secret.reveal())).toBe(true)
})

test('good answers are read as they are: the odd ones above are odd by their oddity alone', async () => {
  const { clock, connection } = connectTo((asked) =>
    good[asked] === undefined ? new Response('', { status: 404 }) : Response.json(good[asked]),
  )
  for (const act of everything(connection)) expect(await clock.run(act())).toMatchObject({ ok: true })
})
