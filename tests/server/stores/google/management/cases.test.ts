/** Cases of docs/stores/android-management.md, by their numbers. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import {
  failureIn,
  give,
  licenseOf,
  MATHLAB,
  mustBeOk,
  openManagementLink,
  pupils,
  READER,
  seatsNow,
  SKETCH,
  take,
} from './management-link.ts'

test('case 1: an enterprise without devices, policies and apps has no licenses, and that is no failure', async () => {
  await using link = await openManagementLink()
  const { enterpriseId, keyFile } = link.devices.addEnterprise({ name: 'Empty', project: 'empty-devices' })
  expect(mustBeOk(await link.run(link.connect(keyFile, enterpriseId).readLicenses()))).toEqual([])
})

test.each([
  ['case 10', 'refused', 'is not managed by the project'],
  ['case 11', 'deleted', 'it was deleted'],
] as const)('%s: an enterprise that is %s is told as that by every reading and every write', async (_, status, words) => {
  await using link = await openManagementLink()
  link.devices.setStatus(link.enterpriseId, status)
  const failures = [
    failureIn(await link.run(link.connection.identify())),
    failureIn(await link.run(link.connection.readLicenses())),
    failureIn(await link.run(link.connection.readSeatsOfHolder({ kind: 'device', key: 'T1' }))),
    failureIn(await link.run(link.connection.write(give([MATHLAB], 'T1')))),
  ]
  for (const failure of failures) expect(failure).toMatchObject({ is: 'credential-invalid', text: expect.stringContaining(words) })
})

test('case 12: the token ends between two pages, and the list goes on with a new one', async () => {
  await using link = await openManagementLink({ managementPageSize: 1 })
  mustBeOk(await link.run(link.connection.identify()))
  link.control.faults.arm({
    method: 'enterprises.devices.list',
    skip: 1,
    times: 1,
    fault: { is: 'error', status: 401, reason: 'authError' },
  })
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
  expect([link.asked('token'), link.asked('enterprises.devices.list')]).toEqual([2, 3])
})

test('case 13: a page token that is refused begins the list anew, and nothing comes twice', async () => {
  await using link = await openManagementLink({ managementPageSize: 1 })
  link.control.faults.arm({ method: 'enterprises.devices.list', skip: 1, times: 1, fault: { is: 'error', status: 400, reason: 'invalid' } })
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
})

test('case 14: a page that repeats an item counts it once', async () => {
  await using link = await openManagementLink()
  link.control.faults.arm({ method: 'enterprises.devices.list', fault: { is: 'page-repeats' } })
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
  expect((await licenseOf(link, READER)).inUse).toBe(2)
})

test('case 15: a key that was replaced is told as that, and no storm of sign-ins follows', async () => {
  await using link = await openManagementLink()
  link.control.revokeKeys(link.keyFile.client_email)
  for (let n = 0; n < 5; n += 1) expect(failureIn(await link.run(link.connection.identify()))).toMatchObject({ is: 'credential-invalid' })
  expect(link.asked('token')).toBe(1)
})

test('case 16: a clock that is ten minutes off is named as the reason', async () => {
  await using link = await openManagementLink({}, 10 * 60_000)
  expect(failureIn(await link.run(link.connection.identify()))).toMatchObject({
    code: 'clock-skew',
    text: expect.stringContaining('10 minutes'),
  })
})

test('case 17: 429 without a word on how long is waited out, and what was asked is read in the end', async () => {
  await using link = await openManagementLink()
  link.control.faults.arm({
    method: 'enterprises.policies.list',
    times: 2,
    fault: { is: 'error', status: 429, reason: 'rateLimitExceeded' },
  })
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
  expect(link.clock.waits.filter((ms) => ms >= 1000).length).toBeGreaterThanOrEqual(2)
})

test('case 18: 503 to a change of a policy is repeated, and the app is there once', async () => {
  await using link = await openManagementLink()
  mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T1'))))
  link.control.faults.arm({
    method: 'enterprises.policies.modifyPolicyApplications',
    times: 1,
    fault: { is: 'unavailable', when: 'after' },
  })
  expect(mustBeOk(await link.run(link.connection.write(give([SKETCH], 'T1')))).settled).toEqual({ is: 'done' })
  expect(await seatsNow(link)).toEqual(['mathlab T1', 'reader T1', 'reader T2', 'sketch T1'])
})

test('case 19: 500 whose words say that a thing is not there is taken for 404', async () => {
  await using link = await openManagementLink({ missingAnswer: '500' })
  link.settings = { packages: ['com.gone'] }
  expect(await licenseOf(link, 'com.gone')).toMatchObject({ assignable: false })
  expect(link.asked('enterprises.applications.get')).toBe(3)
})

test('case 22: an app that Google Play no longer has keeps its seats, says so, and is given to nobody new', async () => {
  await using link = await openManagementLink()
  delete link.devices.enterprise(link.enterpriseId).applications[READER]
  const license = await licenseOf(link, READER)
  expect(license).toMatchObject({ assignable: false, inUse: 2 })
  expect(license.remark).toContain('Google Play has no app com.example.reader')
})

test('case 23: private apps, hosted by Google or by the organisation, are told as private', async () => {
  await using link = await openManagementLink()
  link.devices.addApplication(link.enterpriseId, READER, { distributionChannel: 'PRIVATE_GOOGLE_HOSTED' })
  link.devices.addApplication(link.enterpriseId, SKETCH, { distributionChannel: 'PRIVATE_SELF_HOSTED' })
  expect([(await licenseOf(link, READER)).kind, (await licenseOf(link, SKETCH)).kind]).toEqual(['private-app', 'private-app'])
})

test("case 24: a web app's version rises by itself, and nothing of it counts as a change", async () => {
  await using link = await openManagementLink()
  const id = 'com.google.enterprise.webapp.x1'
  link.devices.addWebApp(link.enterpriseId, id, { title: 'Timetable', startUrl: 'https://t.example', icons: [] })
  const before = await licenseOf(link, id)
  const webApp = link.devices.enterprise(link.enterpriseId).webApps[id]
  if (webApp === undefined) throw new Error('no web app')
  webApp.versionCode = 41
  expect(await licenseOf(link, id)).toEqual(before)
  expect(mustBeOk(await link.run(link.connection.write(give([id], 'T1')))).settled).toEqual({ is: 'done' })
})

test('case 25: a package name that differs in a capital letter is refused with a hint, and nothing is sent to the policy', async () => {
  await using link = await openManagementLink()
  link.devices.addApplication(link.enterpriseId, 'com.Slack')
  const refused = mustBeOk(await link.run(link.connection.write(give(['com.slack'], 'T1'))))
  expect(refused.settled).toMatchObject({
    is: 'failed',
    failures: [{ code: 'app-not-found', text: expect.stringContaining('capital letters') }],
  })
  expect(link.asked('enterprises.policies.patch')).toBe(0)
  expect(mustBeOk(await link.run(link.connection.write(give(['com.Slack'], 'T1')))).settled).toEqual({ is: 'done' })
})

test('case 26: words and members that nobody knew are read past', async () => {
  await using link = await openManagementLink()
  for (const method of ['enterprises.get', 'enterprises.devices.list', 'enterprises.policies.list', 'enterprises.applications.get'])
    link.control.faults.arm({ method, fault: { is: 'odd-members', members: { appPricing: 'RENTAL', laterMember: { word: 'LATER' } } } })
  link.devices.setDevice(link.enterpriseId, 'd1', {
    nonComplianceDetails: [{ packageName: READER, installationFailureReason: 'IN_PROGRESS' }],
  })
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
})

test('case 36: a policy that would name more than 3,000 apps is refused before anything is sent', async () => {
  await using link = await openManagementLink()
  const applications = Array.from({ length: 3000 }, (_, n) => ({ packageName: `com.example.n${n}`, installType: 'AVAILABLE' }))
  link.devices.setPolicy(link.enterpriseId, 'pupils', { ...pupils, applications })
  link.control.clearRequests()
  expect(mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T1')))).settled).toMatchObject({
    is: 'failed',
    failures: [{ code: 'policy-full' }],
  })
  expect(link.control.requests().filter(({ verb, method }) => verb !== 'GET' && method !== 'token')).toEqual([])
  // One that the policy names already takes no place.
  mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T2'))))
  link.devices.addApplication(link.enterpriseId, 'com.example.n7')
  expect(mustBeOk(await link.run(link.connection.write(give(['com.example.n7'], 'T1')))).settled).toEqual({ is: 'done' })
})

test('case 37: before an app is taken back it is said on how many devices it will be uninstalled, and only there it goes', async () => {
  await using link = await openManagementLink()
  link.devices.addDevice(link.enterpriseId, 'd3', 'pupils', { serialNumber: 'T3' })
  expect((await licenseOf(link, READER)).remark).toContain('Taken back, it is uninstalled there: 3 devices have it')
  mustBeOk(await link.run(link.connection.write(take([READER], 'T1', 'T2'))))
  link.clock.jump(60_000)
  expect(['d1', 'd2', 'd3'].map((id) => link.devices.installed(link.enterpriseId, id))).toEqual([[SKETCH], [SKETCH], [READER, SKETCH]])
})

test('case 38: three devices that report no license left are told on the app, though nobody counts licenses', async () => {
  await using link = await openManagementLink()
  link.devices.addApplication(link.enterpriseId, READER, { appPricing: 'PAID' })
  link.devices.addDevice(link.enterpriseId, 'd3', 'pupils', { serialNumber: 'T3' })
  for (const id of ['d1', 'd2', 'd3'])
    link.devices.setDevice(link.enterpriseId, id, {
      nonComplianceDetails: [
        { packageName: READER, nonComplianceReason: 'APP_NOT_INSTALLED', installationFailureReason: 'NO_LICENSES_REMAINING' },
      ],
    })
  const license = await licenseOf(link, READER)
  expect(license).toMatchObject({ total: null, available: null, inUse: 3 })
  expect(license.remark).toContain('3 devices report that no license was left')
  expect(license.remark).toContain('A paid app')
})

test('case 39: an app that is not available in the country of some devices is told for those, and the others have it', async () => {
  await using link = await openManagementLink()
  link.devices.setDevice(link.enterpriseId, 'd2', {
    nonComplianceDetails: [
      { packageName: READER, nonComplianceReason: 'APP_NOT_INSTALLED', installationFailureReason: 'NOT_AVAILABLE_IN_COUNTRY' },
    ],
  })
  expect((await licenseOf(link, READER)).remark).toContain('1 device reports that the app is not available in their country')
})

test('case 40: organisations of one project share its quota: it is never overrun, and a long reading holds up no other', async () => {
  await using link = await openManagementLink({ managementPageSize: 1 })
  for (let n = 0; n < 400; n += 1) link.devices.addDevice(link.enterpriseId, `n${n}`, 'pupils', { serialNumber: `N${n}` })
  const other = link.devices.addEnterprise({ name: 'Westmere' })
  const waiting = link.connect(other.keyFile, other.enterpriseId)
  const order: string[] = []
  await link.run(
    Promise.all([
      link.connection.readLicenses().then((read) => void order.push(`long ${read.ok}`)),
      waiting.readLicenses().then((read) => void order.push(`short ${read.ok}`)),
    ]),
  )
  expect(order).toEqual(['short true', 'long true'])
  const refused = link.control.requests().length
  expect(refused).toBeGreaterThan(400)
  // Some 300 of the requests had to wait for their turn at nine a second.
  expect(link.clock.now()).toBeGreaterThan(30_000)
  expect(link.clock.waits.filter((ms) => ms >= 1000)).toEqual([])
})

test.each([
  ["a proxy's page", { is: 'bad-gateway', when: 'before' }, 'store-unreachable'],
  ['an answer that is cut short', { is: 'truncated-body' }, 'store-answer-unreadable'],
  ['a line that drops', { is: 'connection-cut', when: 'before' }, 'store-unreachable'],
  ['a way that leads elsewhere', { is: 'redirect', to: 'https://attacker.example/' }, 'store-unreachable'],
] as const)('case 42: %s is a failure of its own, and no key shows in it', async (_, fault, is) => {
  await using link = await openManagementLink()
  link.control.faults.arm({ fault, method: 'enterprises.policies.list' })
  const failure = failureIn(await link.run(link.connection.readLicenses()))
  expect(failure).toMatchObject({ is })
  expect(inspect(failure, { depth: 9 })).not.toContain(link.keyFile.private_key.slice(100, 150))
})

test('case 42: gzip without a length is read as any other answer', async () => {
  await using link = await openManagementLink()
  link.control.faults.arm({ fault: { is: 'gzip' }, method: 'enterprises.policies.list' })
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
})

test('an account without its role, and an API that is off, are each told as what they are', async () => {
  await using link = await openManagementLink()
  link.devices.setRole(link.keyFile.client_email, false)
  expect(failureIn(await link.run(link.connection.identify()))).toMatchObject({ is: 'store-refused', code: 'role-missing' })
  link.devices.setRole(link.keyFile.client_email, true)
  link.control.account(link.keyFile.client_email).scopes = []
  expect(failureIn(await link.run(link.connection.identify()))).toMatchObject({ is: 'store-refused', code: 'api-not-enabled' })
})
