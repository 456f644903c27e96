/** Cases of docs/stores/managed-google-play.md as an administrator meets them: the whole product beside the sandbox's Google. */
import { expect, test } from 'vitest'
import { DAY, mathLab, openEastmere, openGoogleHouse } from './google-house.ts'

test('case 1: an organisation without licenses is connected, is healthy, and shows none', async () => {
  await using house = await openGoogleHouse()
  const { enterpriseId, keyFile } = house.store.addEnterprise({ name: 'Eastmere Schools' })
  const id = await house.connect('Eastmere', enterpriseId, keyFile)
  expect(await house.status(id)).toEqual(['healthy'])
  expect(await house.items('licenses')).toEqual([])
  expect((await house.ask('GET', `connectors/${id}`)).body).toMatchObject({
    store: 'google',
    location: { key: enterpriseId, name: 'Eastmere Schools' },
    capabilities: { counts: 'live', assign: true, revoke: true, deviceLicenses: false, userLicenses: true },
  })
  expect(house.troubles).toEqual([])
})

test('a person is assigned an app, has it, and loses it again', async () => {
  await using house = await openEastmere()
  expect(await house.license(mathLab)).toMatchObject({
    total: 5,
    available: 5,
    product: { name: 'Math Lab', publisher: 'Example Labs', kind: 'app' },
    licenseTypes: ['user'],
  })
  await house.addPeople('ana')
  const { body } = await house.assign(house.licenseId, 'ana')
  await house.settle()
  expect(await house.verdicts(house.licenseId)).toEqual(['ana: placed, has-seat'])
  expect(house.store.counts(house.enterpriseId, mathLab)).toMatchObject({ numProvisioned: 1 })
  await house.sync(house.id)
  expect(await house.seats(house.licenseId)).toEqual(['ana: assignment'])
  expect((await house.ask('DELETE', `assignments/${encodeURIComponent(body.id)}?seats=release`)).status).toBe(204)
  await house.settle()
  expect(house.store.counts(house.enterpriseId, mathLab)).toMatchObject({ numProvisioned: 0 })
  expect(house.troubles).toEqual([])
})

test('case 4: after a refund the deficit is shown, and nobody loses a seat', async () => {
  await using house = await openEastmere()
  for (let n = 0; n < 4; n += 1) {
    const { id } = house.store.addUser(house.enterpriseId, { accountIdentifier: `staff-${n}` })
    house.store.entitle(house.enterpriseId, id, mathLab)
  }
  house.store.setPurchased(house.enterpriseId, mathLab, 2)
  await house.sync(house.id)
  expect(await house.license(mathLab)).toMatchObject({ total: 2, inUse: 4, available: -2 })
  expect(await house.seats(house.licenseId)).toEqual(['staff-0: found', 'staff-1: found', 'staff-2: found', 'staff-3: found'])
  expect(house.asked('entitlements.delete')).toBe(0)
})

test('case 6: the last license is asked for twice: one has it, and the other waits with the reason', async () => {
  await using house = await openEastmere()
  house.store.setPurchased(house.enterpriseId, mathLab, 1)
  await house.sync(house.id)
  await house.addPeople('ana', 'ben')
  await Promise.all([house.assign(house.licenseId, 'ana'), house.assign(house.licenseId, 'ben')])
  await house.settle()
  const verdicts = await house.verdicts(house.licenseId)
  expect(verdicts.filter((verdict) => verdict.endsWith('placed, has-seat'))).toHaveLength(1)
  expect(verdicts.filter((verdict) => verdict.endsWith('waiting, no-seat-left'))).toHaveLength(1)
  expect(house.store.counts(house.enterpriseId, mathLab)).toMatchObject({ numProvisioned: 1 })
})

test('case 7: an app that is unapproved stays with its holders, says why, and is given to nobody new', async () => {
  await using house = await openEastmere()
  await house.addPeople('ana', 'ben')
  await house.assign(house.licenseId, 'ana')
  await house.settle()
  house.store.setApproval(house.enterpriseId, mathLab, 'unapproved')
  await house.sync(house.id)
  const license = await house.license(mathLab)
  expect(license).toMatchObject({ assignable: false, inUse: 1 })
  expect(license.remark).toContain('not approved')
  await house.assign(house.licenseId, 'ben')
  await house.settle()
  expect(await house.verdicts(house.licenseId)).toEqual(['ana: placed, has-seat', 'ben: refused, license-not-assignable'])
})

test.each(['retired-403', 'retired-404', 'retired-410'] as const)(
  'case 9: once the license calls are %s the connector says since when, keeps what it has, and asks once a day; others go on',
  async (licenseApi) => {
    await using house = await openEastmere()
    const { id: userId } = house.store.addUser(house.enterpriseId, { accountIdentifier: 'staff-1' })
    house.store.entitle(house.enterpriseId, userId, mathLab)
    await house.sync(house.id)
    house.store.setSwitches({ licenseApi })
    await house.sync(house.id)
    expect(await house.status(house.id)).toEqual(['unhealthy', 'store-retired'])
    const connector = (await house.ask('GET', `connectors/${house.id}`)).body
    expect(connector.capabilities).toMatchObject({ counts: 'kept', assign: false, revoke: false, retired: '2025-09-30' })
    expect(connector.reasons[0].text).toContain('30 September 2025')
    expect(await house.license(mathLab)).toMatchObject({ total: 5, inUse: 1 })
    expect(await house.seats(house.licenseId)).toEqual(['staff-1: found'])
    await house.addPeople('ana')
    await house.assign(house.licenseId, 'ana')
    await house.settle()
    expect(house.asked('entitlements.update')).toBe(0)
    house.store.clearRequests()
    await house.settle(3 * DAY)
    expect(house.asked('grouplicenses.list')).toBeLessThanOrEqual(4)
    // It is alive again: what was switched off is on.
    house.store.setSwitches({ licenseApi: 'alive' })
    await house.sync(house.id)
    expect(await house.status(house.id)).toEqual(['healthy'])
    await house.settle()
    expect(await house.verdicts(house.licenseId)).toContain('ana: placed, has-seat')
  },
)

test.each([
  ['case 10', 'unenrolled', 'no longer bound'],
  ['case 11', 'deleted', 'it was deleted'],
] as const)(
  '%s: an enterprise that is %s is told as that; what was bought is kept, and it is not asked all the time',
  async (_, status, words) => {
    await using house = await openEastmere()
    house.store.setStatus(house.enterpriseId, status)
    await house.sync(house.id)
    await house.sync(house.id)
    expect((await house.status(house.id))[0]).toBe('unhealthy')
    expect(JSON.stringify((await house.ask('GET', `connectors/${house.id}`)).body.reasons)).toContain(words)
    expect(await house.license(mathLab)).toMatchObject({ total: 5 })
    house.store.clearRequests()
    await house.settle(DAY)
    expect(house.asked('enterprises.get')).toBeLessThanOrEqual(2)
  },
)

test('case 15: a key that was voided asks for a new one, and the new one goes on where the old one ended', async () => {
  await using house = await openEastmere()
  house.store.revokeKeys(house.keyFile.client_email)
  house.store.revokeTokens()
  await house.sync(house.id)
  expect((await house.ask('GET', `connectors/${house.id}`)).body.credential.state).toBe('invalid')
  const asked = house.asked('token')
  await house.settle(DAY)
  expect(house.asked('token') - asked).toBeLessThanOrEqual(3)
  const renewed = await house.ask('PUT', `connectors/${house.id}/credential`, {
    serviceAccountKey: house.store.newKey(house.keyFile.client_email),
  })
  expect(renewed.status).toBe(200)
  await house.settle()
  expect(await house.status(house.id)).toEqual(['healthy'])
})

test.each([
  ['a malformed key', { serviceAccountKey: 'nonsense', enterpriseId: 'LC1' }, 400, 'credential-malformed'],
  ['no enterprise', { serviceAccountKey: '{}' }, 400, 'credential-malformed'],
])('a connector with %s is refused, and nothing is kept', async (_, credential, status, code) => {
  await using house = await openGoogleHouse()
  const answer = await house.ask('POST', 'connectors', { kind: 'google-play-emm', name: 'Eastmere', credential })
  expect([answer.status, answer.body.code]).toEqual([status, code])
  expect(await house.items('connectors')).toEqual([])
})

test("another enterprise's key is refused by Google, and the second connector of one enterprise by us", async () => {
  await using house = await openEastmere()
  const other = house.store.addEnterprise({ name: 'Westmere' })
  const wrong = await house.ask('POST', 'connectors', {
    kind: 'google-play-emm',
    name: 'Westmere',
    credential: { serviceAccountKey: house.keyFile, enterpriseId: other.enterpriseId },
  })
  expect([wrong.status, wrong.body.code]).toEqual([422, 'credential-refused'])
  const again = await house.ask('POST', 'connectors', {
    kind: 'google-play-emm',
    name: 'Again',
    credential: { serviceAccountKey: house.store.newKey(house.keyFile.client_email), enterpriseId: house.enterpriseId },
  })
  expect([again.status, again.body.code]).toEqual([409, 'location-already-connected'])
})

// ---- Notifications ----

test('a notification brings the next look forward: an app that is unapproved shows within minutes, and the set is acknowledged', async () => {
  await using house = await openEastmere()
  await house.settle(60_000)
  house.store.setApproval(house.enterpriseId, mathLab, 'unapproved')
  await house.settle(3 * 60_000)
  expect(await house.license(mathLab)).toMatchObject({ assignable: false })
  expect(house.store.snapshot().play.notifications).toEqual([])
  expect(house.troubles).toEqual([])
})

test('case 26 and case 28: notifications that are unknown, or spelled as Google spells them, are kept and acknowledged', async () => {
  await using house = await openEastmere()
  for (const [type, event] of [
    ['appRestricionsSchemaChange', { appRestrictionsSchemaChangeEvent: { productId: mathLab } }],
    ['unknown', {}],
    ['installFailure', { installFailureEvent: { userId: '1', deviceId: '2', productId: mathLab, failureReason: 'timeout' } }],
    ['deviceReportUpdate', { deviceReportUpdateEvent: { userId: '1', deviceId: '2' } }],
    ['testNotification', {}],
  ] as const)
    house.store.notify(house.enterpriseId, type, event)
  await house.settle(3 * 60_000)
  expect(house.store.snapshot().play.notifications).toEqual([])
  expect(await house.status(house.id)).toEqual(['healthy'])
  expect(house.troubles).toEqual([])
})

test('case 27: a set of which nobody hears that it was kept comes again, and changes nothing a second time', async () => {
  await using house = await openEastmere()
  await house.settle(60_000)
  house.store.faults.arm({ fault: { is: 'unavailable', when: 'before' }, method: 'enterprises.acknowledgeNotificationSet', times: 5 })
  house.store.notify(house.enterpriseId, 'productAvailabilityChange', {
    productAvailabilityChangeEvent: { productId: mathLab, availabilityStatus: 'removed' },
  })
  house.store.clearRequests()
  await house.settle(10 * 60_000)
  expect(house.asked('enterprises.acknowledgeNotificationSet')).toBeGreaterThan(5)
  expect(house.store.snapshot().play.notifications).toEqual([])
  // Followed once: a look at once, and one when Google's lists have caught up.
  expect((await house.items(`syncs?connector=${house.id}`)).filter(({ trigger }) => trigger === 'push')).toHaveLength(2)
})

test('case 29: a pull that finds nothing or whose line drops is made again, and nothing else suffers', async () => {
  await using house = await openEastmere()
  await house.settle(60_000)
  house.store.clearRequests()
  house.store.faults.arm({ fault: { is: 'connection-cut', when: 'before' }, method: 'enterprises.pullNotificationSet', times: 7 })
  await house.settle(10 * 60_000)
  const pulls = house.asked('enterprises.pullNotificationSet')
  expect(pulls).toBeGreaterThan(8)
  expect(pulls).toBeLessThan(30)
  expect(await house.status(house.id)).toEqual(['healthy'])
})
