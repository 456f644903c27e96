/** Android Management as an administrator meets it: the whole product beside the sandbox's Google. */
import { expect, test } from 'vitest'
import { openGoogleHouse } from '../google-house.ts'
import { MATHLAB, pupils, READER, SKETCH } from './management-link.ts'

const openTablets = async () => {
  const house = await openGoogleHouse()
  const { management } = house.store
  const { enterpriseId, keyFile } = management.addEnterprise({ name: 'Eastmere Schools' })
  for (const name of [READER, MATHLAB, SKETCH]) management.addApplication(enterpriseId, name)
  management.setPolicy(enterpriseId, 'pupils', pupils)
  management.addDevice(enterpriseId, 'd1', 'pupils', { serialNumber: 'T1' })
  management.addDevice(enterpriseId, 'd2', 'pupils', { serialNumber: 'T2' })
  const added = await house.ask('POST', 'connectors', {
    kind: 'google-android-management',
    name: 'Tablets',
    credential: { serviceAccountKey: keyFile, enterpriseId },
    settings: { packages: [MATHLAB] },
  })
  if (added.status !== 201) throw new Error(JSON.stringify(added.body))
  const id = String(added.body.id)
  await house.sync(id)
  return Object.assign(house, { management, enterpriseId, keyFile, id })
}

test('an enterprise is connected: its apps are without a limit, its devices are known, and it is healthy', async () => {
  await using house = await openTablets()
  expect(await house.status(house.id)).toEqual(['healthy'])
  expect((await house.ask('GET', `connectors/${house.id}`)).body).toMatchObject({
    store: 'google',
    location: { key: house.enterpriseId, name: 'Eastmere Schools' },
    capabilities: { counts: 'kept', assign: true, revoke: true, deviceLicenses: true, userLicenses: false },
    settings: { packages: [MATHLAB] },
  })
  expect(await house.license(READER)).toMatchObject({
    total: null,
    available: null,
    unlimited: true,
    inUse: 2,
    countSource: 'kept',
    licenseTypes: ['device'],
    product: { name: 'reader', kind: 'app' },
  })
  expect((await house.items('devices')).map(({ serialNumber, platform }) => `${serialNumber} ${platform}`).toSorted()).toEqual([
    'T1 Android',
    'T2 Android',
  ])
  expect(house.troubles).toEqual([])
})

test('a device is assigned an app, has it, and loses it again; what was found stays', async () => {
  await using house = await openTablets()
  const license = String((await house.license(MATHLAB)).id)
  const device = (await house.items('devices')).find(({ serialNumber }) => serialNumber === 'T1')
  const assigned = await house.ask('POST', 'assignments', {
    licenseId: license,
    target: { kind: 'device', id: device?.id },
    mode: 'include',
    intent: 'required',
    licenseType: 'device',
  })
  expect(assigned.status).toBe(201)
  await house.settle()
  expect(await house.verdicts(license)).toEqual(['T1: placed, has-seat'])
  expect(house.management.policyIdOf(house.enterpriseId, 'd1')).toBe('qm1.d1.pupils')
  await house.sync(house.id)
  expect(await house.seats(license)).toEqual(['T1: assignment'])
  expect((await house.ask('DELETE', `assignments/${encodeURIComponent(assigned.body.id)}?seats=release`)).status).toBe(204)
  await house.settle()
  expect(house.management.policyIdOf(house.enterpriseId, 'd1')).toBe('pupils')
  expect(await house.seats(String((await house.license(READER)).id))).toEqual(['T1: found', 'T2: found'])
  expect(house.troubles).toEqual([])
})

test('a write whose answer never came is settled by reading, and nothing is sent twice', async () => {
  await using house = await openTablets()
  const license = String((await house.license(MATHLAB)).id)
  const device = (await house.items('devices')).find(({ serialNumber }) => serialNumber === 'T1')
  house.store.faults.arm({ method: 'enterprises.devices.patch', fault: { is: 'connection-cut', when: 'after' } })
  await house.ask('POST', 'assignments', {
    licenseId: license,
    target: { kind: 'device', id: device?.id },
    mode: 'include',
    intent: 'required',
    licenseType: 'device',
  })
  await house.settle(10 * 60_000)
  expect(await house.verdicts(license)).toEqual(['T1: placed, has-seat'])
  // Tries within the one call; none after it.
  const sent = house.asked('enterprises.devices.patch')
  expect(sent).toBeLessThanOrEqual(5)
  await house.settle(2 * 60 * 60_000)
  expect(house.asked('enterprises.devices.patch')).toBe(sent)
})

test.each([
  ['case 10', 'refused', 'is not managed by the project'],
  ['case 11', 'deleted', 'it was deleted'],
] as const)('%s: once the enterprise is %s, the connector says so, and what was read stays with its age', async (_, status, words) => {
  await using house = await openTablets()
  house.management.setStatus(house.enterpriseId, status)
  await house.sync(house.id)
  expect((await house.status(house.id))[0]).toBe('unhealthy')
  expect(JSON.stringify((await house.ask('GET', `connectors/${house.id}`)).body)).toContain(words)
  expect(await house.license(READER)).toMatchObject({ inUse: 2 })
})

test('a package of another form than a package name is refused as a setting', async () => {
  await using house = await openTablets()
  expect((await house.ask('PATCH', `connectors/${house.id}`, { settings: { packages: ['no package'] } })).status).toBe(400)
  expect((await house.ask('PATCH', `connectors/${house.id}`, { settings: { defaultPolicy: 'a/b' } })).status).toBe(400)
  const changed = await house.ask('PATCH', `connectors/${house.id}`, { settings: { packages: [MATHLAB, SKETCH], defaultPolicy: 'pupils' } })
  expect(changed.body.settings).toMatchObject({ packages: [MATHLAB, SKETCH], defaultPolicy: 'pupils' })
})
