/** How apps are given through policies: docs/stores/android-management.md, "How an app is given". */
import { expect, test } from 'vitest'
import {
  give,
  licenseOf,
  MATHLAB,
  mustBeOk,
  openManagementLink,
  pupils,
  READER,
  seatsNow,
  SKETCH,
  tablets,
  take,
} from './management-link.ts'

const minutes = 60_000

test('the enterprise, its devices, policies, web apps and the packages that were added are read as licenses and seats', async () => {
  await using link = await openManagementLink()
  link.devices.addWebApp(link.enterpriseId, 'com.google.enterprise.webapp.x1', {
    title: 'Timetable',
    startUrl: 'https://t.example',
    icons: [],
  })
  link.settings = { packages: [MATHLAB] }
  expect(mustBeOk(await link.run(link.connection.identify())).location).toMatchObject({ key: link.enterpriseId, name: 'Eastmere Schools' })
  const licenses = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(licenses.map(({ productId, kind, inUse, unlimited, total }) => [productId, kind, inUse, unlimited, total]).toSorted()).toEqual([
    [MATHLAB, 'app', 0, true, null],
    [READER, 'app', 2, true, null],
    [SKETCH, 'app', 0, true, null],
    ['com.google.enterprise.webapp.x1', 'web-app', 0, true, null],
  ])
  expect(licenses.every(({ licenseTypes }) => licenseTypes.join() === 'device')).toBe(true)
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
  expect((await licenseOf(link, SKETCH)).remark).toContain('2 devices are offered the app')
  const named = mustBeOk(await link.run(link.connection.describe([READER, 'com.google.enterprise.webapp.x1'], '')))
  expect(named.map(({ name, bundleId }) => [name, bundleId])).toEqual([
    ['reader', READER],
    ['Timetable', 'com.google.enterprise.webapp.x1'],
  ])
})

test('an app is given to one device alone: its policy is copied, nothing of it is lost, and nobody else is touched', async () => {
  await using link = await openManagementLink()
  expect(mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T1'))))).toMatchObject({ settled: { is: 'done' } })
  expect(await seatsNow(link)).toEqual(['mathlab T1', 'reader T1', 'reader T2'])
  expect(link.devices.policy(link.enterpriseId, 'pupils')).toEqual(pupils)
  expect(link.devices.policyIdOf(link.enterpriseId, 'd2')).toBe('pupils')
  expect(link.devices.policyIdOf(link.enterpriseId, 'd1')).toBe('qm1.d1.pupils')
  expect(link.devices.policy(link.enterpriseId, 'qm1.d1.pupils')).toEqual({
    ...pupils,
    applications: [...pupils.applications, { packageName: MATHLAB, installType: 'FORCE_INSTALLED' }],
  })
  link.clock.jump(minutes)
  expect(link.devices.installed(link.enterpriseId, 'd1')).toEqual([MATHLAB, READER, SKETCH])
  expect(link.devices.installed(link.enterpriseId, 'd2')).toEqual([READER, SKETCH])
})

test('the last app of ours that is taken back puts the device on its own policy again, and the copy goes', async () => {
  await using link = await openManagementLink()
  mustBeOk(await link.run(link.connection.write(give([MATHLAB, SKETCH], 'T1'))))
  expect(await seatsNow(link)).toEqual(['mathlab T1', 'reader T1', 'reader T2', 'sketch T1'])
  mustBeOk(await link.run(link.connection.write(take([MATHLAB], 'T1'))))
  expect(link.devices.policyIdOf(link.enterpriseId, 'd1')).toBe('qm1.d1.pupils')
  mustBeOk(await link.run(link.connection.write(take([SKETCH], 'T1'))))
  expect(link.devices.policyIdOf(link.enterpriseId, 'd1')).toBe('pupils')
  expect(Object.keys(link.devices.enterprise(link.enterpriseId).policies)).toEqual(['pupils'])
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
})

test('what the policy itself puts there is forbidden on the one device from which it is taken, and comes back when it is given', async () => {
  await using link = await openManagementLink()
  mustBeOk(await link.run(link.connection.write(take([READER], 'T1'))))
  expect(await seatsNow(link)).toEqual(['reader T2'])
  link.clock.jump(minutes)
  expect(link.devices.installed(link.enterpriseId, 'd1')).toEqual([SKETCH])
  mustBeOk(await link.run(link.connection.write(give([READER], 'T1'))))
  expect(link.devices.policyIdOf(link.enterpriseId, 'd1')).toBe('pupils')
  expect(await seatsNow(link)).toEqual(['reader T1', 'reader T2'])
})

test('an app with its own configuration keeps it when it is given where it was only offered', async () => {
  await using link = await openManagementLink()
  mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T1'))))
  mustBeOk(await link.run(link.connection.write(give([SKETCH], 'T1'))))
  expect(link.devices.policy(link.enterpriseId, 'qm1.d1.pupils')['applications']).toContainEqual({
    packageName: SKETCH,
    installType: 'FORCE_INSTALLED',
    accessibleTrackIds: ['4698'],
  })
})

test('an app tells in which ways its devices are managed, and where an offer comes to nothing', async () => {
  await using link = await openManagementLink()
  const { enterpriseId } = link
  link.devices.setPolicy(enterpriseId, 'kiosk', { ...pupils, kioskCustomLauncherEnabled: true })
  link.devices.addDevice(enterpriseId, 'k1', 'kiosk', { serialNumber: 'K1', scenario: 'dedicated' })
  link.devices.addDevice(enterpriseId, 'p1', 'pupils', { scenario: 'personally-owned work profile' })
  link.devices.addDevice(enterpriseId, 'c1', 'pupils', { serialNumber: 'C1', scenario: 'corporate-owned work profile' })
  expect((await licenseOf(link, READER)).remark).toContain(
    '5 devices have it by order of a policy (1 personally-owned work profile, 1 dedicated, 2 fully managed, 1 corporate-owned work profile)',
  )
  expect((await licenseOf(link, SKETCH)).remark).toContain(
    '5 devices are offered the app and may take it; that is no seat. 1 device of these is dedicated',
  )
})

test('a policy that changed is said to be ahead of its copies, and the copy follows with the next write; what was given stays', async () => {
  await using link = await openManagementLink()
  mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T1'))))
  link.devices.setPolicy(link.enterpriseId, 'pupils', {
    playStoreMode: 'WHITELIST',
    passwordPolicies: [{ passwordMinimumLength: 12 }],
    applications: [...pupils.applications, { packageName: 'com.example.chat', installType: 'FORCE_INSTALLED' }],
  })
  link.devices.addApplication(link.enterpriseId, 'com.example.chat')
  expect((await licenseOf(link, MATHLAB)).remark).toContain('1 device of these follows a copy of a policy that changed since')
  mustBeOk(await link.run(link.connection.write(give([SKETCH], 'T1'))))
  const copy = link.devices.policy(link.enterpriseId, 'qm1.d1.pupils')
  expect(copy['passwordPolicies']).toEqual([{ passwordMinimumLength: 12 }])
  expect(copy['cameraDisabled']).toBeUndefined()
  expect(await seatsNow(link)).toEqual(['chat T1', 'chat T2', 'mathlab T1', 'reader T1', 'reader T2', 'sketch T1'])
})

test('what another tool adds to a copy while we change it stays: only the named apps are touched', async () => {
  await using link = await openManagementLink()
  mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T1'))))
  const before = link.devices.policy(link.enterpriseId, 'qm1.d1.pupils')
  const applications = [...(before['applications'] as readonly object[]), { packageName: 'com.other.tool', installType: 'FORCE_INSTALLED' }]
  // Between our reading of the policy and our change of it.
  const writing = link.connection.write(give([SKETCH], 'T1'))
  while (link.asked('enterprises.policies.get') < 4) await link.run(new Promise((resolve) => setImmediate(resolve)))
  link.devices.setPolicy(link.enterpriseId, 'qm1.d1.pupils', { ...before, applications })
  mustBeOk(await link.run(writing))
  expect(await seatsNow(link)).toEqual(expect.arrayContaining(['tool T1', 'mathlab T1', 'sketch T1']))
})

test('a device that is given again what it has is not written to', async () => {
  await using link = await openManagementLink()
  link.control.clearRequests()
  mustBeOk(await link.run(link.connection.write(give([READER], 'T1', 'T2'))))
  expect(link.control.requests().filter(({ verb, method }) => verb !== 'GET' && method !== 'token')).toEqual([])
})

test('devices that are not there, follow no policy, or are people are told one by one, and the others are served', async () => {
  await using link = await openManagementLink()
  link.devices.addDevice(link.enterpriseId, 'd3', null, { serialNumber: 'T3' })
  const written = mustBeOk(
    await link.run(
      link.connection.write({
        action: 'associate',
        products: [{ productId: MATHLAB, pricing: null }],
        holders: [...tablets('T1', 'T3', 'T9'), { kind: 'user', key: 'ana' }],
      }),
    ),
  )
  expect(written.settled).toMatchObject({
    is: 'failed',
    complete: true,
    failures: [
      { holders: tablets('T3'), code: 'device-without-policy' },
      { holders: tablets('T9'), code: 'device-not-known' },
      { holders: [{ kind: 'user', key: 'ana' }], code: 'not-user-assignable' },
    ],
  })
  expect(await seatsNow(link)).toContain('mathlab T1')
  link.settings = { defaultPolicy: 'pupils' }
  expect(mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T3')))).settled).toEqual({ is: 'done' })
  expect(await seatsNow(link)).toEqual(expect.arrayContaining(['mathlab T3', 'reader T3']))
})

test('a write whose answer is lost is a question, and reading answers it', async () => {
  await using link = await openManagementLink()
  link.control.faults.arm({ method: 'enterprises.devices.patch', fault: { is: 'connection-cut', when: 'after' } })
  const written = await link.run(link.connection.write(give([MATHLAB], 'T1')))
  expect(written).toMatchObject({ ok: false, error: { is: 'outcome-unknown' } })
  link.control.faults.clear()
  const seats = mustBeOk(await link.run(link.connection.readSeatsOfHolder({ kind: 'device', key: 't1' })))
  expect(seats.map(({ productId }) => productId)).toEqual([READER, MATHLAB])
  expect(mustBeOk(await link.run(link.connection.readSeatsOf(MATHLAB, null)))).toHaveLength(1)
})

test('a conflict at Google is tried once more from what is there now', async () => {
  await using link = await openManagementLink()
  mustBeOk(await link.run(link.connection.write(give([MATHLAB], 'T1'))))
  link.control.faults.arm({
    method: 'enterprises.policies.modifyPolicyApplications',
    times: 1,
    fault: { is: 'error', status: 409, reason: 'conflict' },
  })
  expect(mustBeOk(await link.run(link.connection.write(give([SKETCH], 'T1')))).settled).toEqual({ is: 'done' })
  expect(await seatsNow(link)).toContain('sketch T1')
})

test('all that a device has is taken back, save the app to which its policy locks it', async () => {
  await using link = await openManagementLink()
  link.devices.setPolicy(link.enterpriseId, 'kiosk', {
    applications: [
      { packageName: READER, installType: 'KIOSK' },
      { packageName: MATHLAB, installType: 'FORCE_INSTALLED' },
    ],
  })
  link.devices.addDevice(link.enterpriseId, 'k1', 'kiosk', { serialNumber: 'K1', scenario: 'dedicated' })
  const written = mustBeOk(await link.run(link.connection.write({ action: 'revoke', holders: tablets('K1') })))
  expect(written.settled).toMatchObject({ is: 'failed', failures: [{ code: 'app-holds-the-device' }] })
  expect(mustBeOk(await link.run(link.connection.readSeatsOfHolder({ kind: 'device', key: 'K1' })))).toMatchObject([{ productId: READER }])
})

test('devices are listed by serial number, and a personal one without any by the id that Google gives it', async () => {
  await using link = await openManagementLink()
  link.devices.addDevice(link.enterpriseId, 'p1', 'pupils', {
    scenario: 'personally-owned work profile',
    hardwareInfo: { enterpriseSpecificId: 'ABCD-1234', model: 'Phone' },
  })
  link.devices.addDevice(link.enterpriseId, 'p2', 'pupils', { scenario: 'personally-owned work profile', state: 'DELETED' })
  const listed: string[] = []
  const devices = link.connection.devices
  if (devices === undefined) throw new Error('no devices')
  mustBeOk(await link.run(devices.read((page) => void listed.push(...page.map(({ serialNumber, model }) => `${serialNumber}: ${model}`)))))
  expect(listed).toEqual(['T1: Example T10', 'T2: Example T10', 'ABCD-1234: Phone'])
  expect(mustBeOk(await link.run(devices.find('t2')))).toMatchObject({ serialNumber: 'T2', platform: 'Android' })
  expect(mustBeOk(await link.run(devices.find('T9')))).toBeUndefined()
})
