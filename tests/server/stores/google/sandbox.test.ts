/** The sandbox's Google is no kinder than Google: what its table does not know is refused, and its own limits hold. */
import { expect, test } from 'vitest'
import { playTable, retiredMethods, vendorMethods } from '../../../../server/sandbox/google/play/method-table.ts'
import { oddIn } from '../../../../server/sandbox/google/shapes.ts'
import { mustBeOk, openGoogleLink, type GoogleLink } from './google-link.ts'

const talk = async (link: GoogleLink) => {
  const token = mustBeOk(await link.clock.run(link.signIn().token()))
  return async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${link.google.url}/androidenterprise/v1/${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      body: text.startsWith('{') ? JSON.parse(text) : text,
    }
  }
}
const app = 'app:com.example.mathlab'

test('what the table does not know is refused: paths, verbs, parameters, fields and their words', async () => {
  await using link = await openGoogleLink()
  link.control.addLicense(link.enterpriseId, app)
  const ask = await talk(link)
  const e = `enterprises/${link.enterpriseId}`
  expect((await ask('GET', `${e}/groupLicences`)).type).toContain('text/html')
  expect((await ask('PATCH', `${e}/storeLayout/pages/p1`)).status).toBe(404)
  expect((await ask('GET', `${e}/products?approved=true&pageToken=x`)).body).toMatchObject({
    error: { code: 400, message: expect.stringContaining('"pageToken"') },
  })
  expect((await ask('GET', `${e}/products?approved=yes`)).status).toBe(400)
  expect((await ask('GET', `${e}/products?token=x&token=y`)).status).toBe(400)
  expect((await ask('GET', `${e}/users`)).body.error.errors).toMatchObject([{ reason: 'required' }])
  expect((await ask('POST', `${e}/users`, { accountIdentifier: 'x', login: 'y' })).body.error.message).toContain('"login"')
  expect((await ask('POST', `${e}/users`, { accountIdentifier: 7 })).status).toBe(400)
  expect((await ask('POST', `${e}/users`, { accountIdentifier: 'x', accountType: 'robot' })).status).toBe(400)
  expect((await ask('POST', `${e}/users`, '{"accountIdentifier":')).status).toBe(400)
  expect((await ask('POST', `${e}/sendTestPushNotification`, { enterpriseId: 'x' })).status).toBe(400)
  expect((await ask('GET', `${e}/groupLicenses?$.xgafv=2&alt=json&prettyPrint=false`)).status).toBe(200)
})

test('whoever is not signed in, or acts for another enterprise, or is no vendor, gets nothing', async () => {
  await using link = await openGoogleLink()
  const other = link.control.addEnterprise({ name: 'Westmere' })
  const ask = await talk(link)
  expect((await fetch(`${link.google.url}/androidenterprise/v1/enterprises/${link.enterpriseId}`)).status).toBe(401)
  expect((await ask('GET', `enterprises/${other.enterpriseId}/groupLicenses`)).status).toBe(403)
  expect((await ask('GET', 'enterprises/LCnothing/groupLicenses')).status).toBe(404)
  expect((await ask('POST', 'enterprises/signupUrl?callbackUrl=https%3A%2F%2Fx.example')).status).toBe(403)
  link.clock.jump(3_600_000)
  expect((await ask('GET', `enterprises/${link.enterpriseId}`)).status).toBe(401)
})

test('an empty list has no array, a number of 64 bits is text, and a free app has no count of what was bought', async () => {
  await using link = await openGoogleLink()
  const ask = await talk(link)
  expect((await ask('GET', `enterprises/${link.enterpriseId}/groupLicenses`)).body).toEqual({})
  link.control.addLicense(link.enterpriseId, app)
  const { groupLicense } = (await ask('GET', `enterprises/${link.enterpriseId}/groupLicenses`)).body
  expect(groupLicense).toEqual([
    { productId: app, acquisitionKind: 'free', numProvisioned: 0, approval: 'approved', permissions: 'currentApproved' },
  ])
  const made = await ask('POST', `enterprises/${link.enterpriseId}/webApps`, {
    title: 'T',
    startUrl: 'http://t.example',
    displayMode: 'minimalUi',
  })
  expect(typeof made.body.versionCode).toBe('string')
  expect(
    (await ask('POST', `enterprises/${link.enterpriseId}/webApps`, { title: 'T', startUrl: 'http://t.example', displayMode: 'fullScreen' }))
      .status,
  ).toBe(400)
})

test('case 35: an eleventh device of one person is refused in words that can be read', async () => {
  await using link = await openGoogleLink()
  const ask = await talk(link)
  const { id } = link.control.addUser(link.enterpriseId, { accountIdentifier: 'staff-1' })
  for (let n = 0; n < 9; n += 1) link.control.addDevice(link.enterpriseId, id, `d${n}`)
  const token = () => ask('POST', `enterprises/${link.enterpriseId}/users/${id}/authenticationToken`)
  expect((await token()).status).toBe(200)
  link.control.addDevice(link.enterpriseId, id, 'd9')
  expect((await token()).body.error).toMatchObject({ code: 403, message: expect.stringContaining('10') })
})

test('case 36: a policy with more than 20 least versions, or with two conditions for one app, is refused', async () => {
  await using link = await openGoogleLink()
  const ask = await talk(link)
  const { id } = link.control.addUser(link.enterpriseId, { accountIdentifier: 'staff-1' })
  link.control.addDevice(link.enterpriseId, id, 'd1')
  const put = (productPolicy: readonly unknown[]) =>
    ask('PUT', `enterprises/${link.enterpriseId}/users/${id}/devices/d1?updateMask=policy`, {
      policy: { productAvailabilityPolicy: 'whitelist', productPolicy },
    })
  const withVersion = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ productId: `app:a.n${n}`, autoInstallPolicy: { minimumVersionCode: 2 } }))
  expect((await put(withVersion(20))).status).toBe(200)
  expect((await put(withVersion(21))).status).toBe(400)
  const constraint = { chargingStateConstraint: 'chargingRequired' }
  expect((await put([{ productId: app, autoInstallPolicy: { autoInstallConstraint: [constraint, constraint] } }])).status).toBe(400)
})

test('case 43: a token of the embedded page is given for https alone', async () => {
  await using link = await openGoogleLink()
  const ask = await talk(link)
  const at = `enterprises/${link.enterpriseId}/createWebToken`
  expect((await ask('POST', at, { parent: 'http://licenses.school.example' })).status).toBe(400)
  expect((await ask('POST', at, {})).status).toBe(400)
  const [one, other] = [
    await ask('POST', at, { parent: 'https://licenses.school.example' }),
    await ask('POST', at, { parent: 'https://licenses.school.example' }),
  ]
  expect(one.body.token).not.toBe(other.body.token)
})

test('case 27: two who pull at once see different notifications; what nobody acknowledges comes again after 20 seconds', async () => {
  await using link = await openGoogleLink({ notificationsPerSet: 2 })
  const ask = await talk(link)
  for (let n = 0; n < 4; n += 1) link.control.notify(link.enterpriseId, 'appUpdate', { appUpdateEvent: { productId: `app:a.n${n}` } })
  const pull = () => ask('POST', 'enterprises/pullNotificationSet?requestMode=returnImmediately')
  const sets = await Promise.all([pull(), pull()])
  const products = sets.flatMap(({ body }) =>
    body.notification.map((each: { appUpdateEvent: { productId: string } }) => each.appUpdateEvent.productId),
  )
  expect(new Set(products).size).toBe(4)
  expect((await pull()).body).toEqual({})
  expect((await ask('POST', `enterprises/acknowledgeNotificationSet?notificationSetId=${sets[0].body.notificationSetId}`)).status).toBe(204)
  link.clock.jump(20_000)
  const again = await pull()
  expect(again.body.notification).toEqual(sets[1].body.notification)
  expect(again.body.notificationSetId).not.toBe(sets[1].body.notificationSetId)
})

test('case 29: a pull that waits answers when something comes, and after some minutes with nothing', async () => {
  await using link = await openGoogleLink()
  const ask = await talk(link)
  link.clock.stalled = 1
  const waiting = ask('POST', 'enterprises/pullNotificationSet')
  for (let rounds = 0; rounds < 50; rounds += 1) await new Promise((resolve) => setImmediate(resolve))
  link.control.notify(link.enterpriseId, 'testNotification')
  expect((await waiting).body.notification).toHaveLength(1)
  const inVain = ask('POST', 'enterprises/pullNotificationSet?requestMode=waitForNotifications')
  for (let rounds = 0; rounds < 50; rounds += 1) await new Promise((resolve) => setImmediate(resolve))
  link.clock.jump(20_000)
  expect((await link.clock.run(inVain)).status).toBe(200)
})

test('every form that a method or another form names is there, and no word of a list stands twice', () => {
  const { forms, methods } = playTable
  const named = [
    ...methods.flatMap(({ body, answer }) => [body, answer].filter((form) => form !== null)),
    ...Object.values(forms).flatMap((form) => Object.values(form).flatMap((shape) => /@(\w+)$/.exec(shape)?.[1] ?? [])),
  ]
  expect(named.filter((form) => forms[form] === undefined)).toEqual([])
  const ids = methods.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect([...retiredMethods, ...vendorMethods].filter((id) => !ids.includes(id))).toEqual([])
})

test.each([
  ['s', 7, 'wrong-type'],
  ['l', 7, 'wrong-type'],
  ['i', '7', 'wrong-type'],
  ['i', 2 ** 31, 'wrong-type'],
  ['b', 'true', 'wrong-type'],
  ['[]s', 'x', 'wrong-type'],
  ['[]s', ['x', 7], 'wrong-type'],
  ['a|b', 'c', 'unknown-word'],
  ['@Form', { other: 1 }, 'unknown-field'],
  ['@Form', { toString: 1 }, 'unknown-field'],
  ['@Form', [], 'wrong-type'],
  ['{}i', { x: 'y' }, 'wrong-type'],
])('a value that is not of its shape (%s) is found', (shape, value, what) => {
  expect(oddIn({ Form: { name: 's' } }, shape, value)?.what).toBe(what)
})
test.each([
  ['s', 'x'],
  ['l', '-7'],
  ['i', -7],
  ['b', false],
  ['[]s', []],
  ['a|b', 'b'],
  ['@Form', { name: 'x' }],
  ['{}i', { x: 7 }],
  ['d', { any: [1] }],
])('a value of its shape (%s) is let through', (shape, value) => {
  expect(oddIn({ Form: { name: 's' } }, shape, value)).toBe(undefined)
})
