/** Licenses of Microsoft 365 through the whole product: wishes, orders, waiting, and what is told. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SECRET, TENANT } from '../../microsoft-link.ts'
import { credential, openHouse, type GraphHouse } from './graph-house.ts'

const town = async (
  enabled: number,
  count: number,
): Promise<{ readonly house: GraphHouse; readonly skuId: string; readonly connector: string; readonly licenseId: string }> => {
  const house = await openHouse()
  for (let n = 0; n < count; n += 1) house.control.addUser({ userPrincipalName: `p${n}@contoso.example` })
  const { skuId } = house.control.addSku({ skuPartNumber: 'SPE_E3' }, enabled)
  const connector = await house.connect()
  const { id } = await house.license(skuId)
  return { house, skuId, connector, licenseId: String(id) }
}

test('a subscription is a license with its name and its live counts', async () => {
  const { house, skuId, connector } = await town(10, 2)
  await using _ = house
  expect(await house.license(skuId)).toMatchObject({
    store: 'microsoft',
    product: { kind: 'sku', name: 'Microsoft 365 E3', publisher: 'Microsoft' },
    total: 10,
    inUse: 0,
    available: 10,
    countSource: 'live',
    assignable: true,
    licenseTypes: ['user'],
  })
  expect((await house.ask('GET', `connectors/${connector}`)).body).toMatchObject({
    kind: 'microsoft-graph',
    location: { key: TENANT, name: 'Contoso School' },
    credential: { state: 'valid' },
    status: 'healthy',
  })
})

test('everybody who is wished a license gets one, and who is too many waits until a seat returns', async () => {
  const { house, skuId, licenseId } = await town(45, 50)
  await using _ = house
  expect((await house.assign(licenseId, { kind: 'all-users', id: null })).status).toBe(201)
  await house.settle(60_000)
  expect(house.control.consumed(skuId)).toBe(45)
  const verdicts = await house.verdicts(licenseId)
  expect(verdicts.filter((verdict) => verdict.includes('placed')).length).toBe(45)
  expect(verdicts.filter((verdict) => verdict.includes('waiting, no-seat-left')).length).toBe(5)
  house.control.changeSku(skuId, { prepaidUnits: { enabled: 50, warning: 0, suspended: 0, lockedOut: 0 } })
  await house.settle(3_700_000)
  expect(house.control.consumed(skuId)).toBe(50)
})

test('case 36: no-usage-location: whose usage location is missing is refused by name, and the others are served', async () => {
  const { house, skuId, licenseId } = await town(10, 5)
  await using _ = house
  house.control.changeUser('p2@contoso.example', { usageLocation: null })
  await house.assign(licenseId, { kind: 'all-users', id: null })
  await house.settle(60_000)
  expect(house.control.consumed(skuId)).toBe(4)
  const orders = await house.items(`orders?license=${licenseId}`)
  const failures = orders.flatMap((order) => order.failures)
  expect(failures).toMatchObject([{ principal: { key: 'p2@contoso.example' }, code: 'no-usage-location', retryable: false }])
  expect(failures[0].text).toContain('usage location')
})

test('case 16: ambiguous-assign: a batch whose answer was lost is found out by reading, and no one is given a license twice', async () => {
  const { house, skuId, licenseId } = await town(10, 5)
  await using _ = house
  house.world.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'graph-batch', skip: 1, times: 1 })
  await house.assign(licenseId, { kind: 'all-users', id: null })
  await house.settle(600_000)
  expect(house.control.consumed(skuId)).toBe(5)
  const batches = house.world.log.all().filter(({ endpoint, told }) => endpoint === 'graph-batch' && JSON.stringify(told).includes('POST'))
  expect(batches.length).toBe(1)
  expect((await house.verdicts(licenseId)).every((verdict) => verdict.includes('placed'))).toBe(true)
})

test('case 34: batch-shuffled: whose part of a batch got no answer is read, and not asked for again', async () => {
  const { house, skuId, licenseId } = await town(10, 9)
  await using _ = house
  house.world.faults.arm({ fault: { is: 'batch-part-lost', every: 3 }, endpoint: 'graph-batch', skip: 1, times: 1 })
  await house.assign(licenseId, { kind: 'all-users', id: null })
  await house.settle(600_000)
  expect(house.control.consumed(skuId)).toBe(9)
  expect((await house.verdicts(licenseId)).every((verdict) => verdict.includes('placed'))).toBe(true)
})

test('a license that comes through a group of Entra ID is found, and is not taken', async () => {
  const { house, skuId, connector, licenseId } = await town(10, 3)
  await using _ = house
  const [first] = house.control.state.users.values()
  const group = house.control.addGroup('Licensed', [{ id: first?.id ?? '', type: 'user' }])
  house.control.licenseGroup(group.id, skuId)
  await house.sync(connector)
  expect(await house.seats(licenseId)).toEqual([`${first?.userPrincipalName}: found`])
  const reclaimed = await house.ask('POST', `licenses/${licenseId}/reclaim`, {
    principals: [(await house.user(first?.userPrincipalName ?? '')).id],
  })
  expect(reclaimed.status).toBe(202)
  await house.settle(60_000)
  expect(await house.seats(licenseId)).toEqual([`${first?.userPrincipalName}: found`])
  const failures = (await house.items(`orders?license=${licenseId}`)).flatMap((order) => order.failures)
  expect(failures.map(({ code }) => code)).toEqual(['inherited-license'])
})

test('case 3: secret-expired: the connector names the cause, seats stay, and the next day brings no storm', async () => {
  const { house, skuId, connector } = await town(10, 3)
  await using _ = house
  house.control.give('p0@contoso.example', skuId)
  await house.sync(connector)
  const [secret] = house.app.secrets
  if (secret !== undefined) secret.expiresAt = house.clock.now()
  await house.settle(2 * 3_600_000)
  const { credential, reasons } = (await house.ask('GET', `connectors/${connector}`)).body
  expect(credential.state).toBe('expired')
  expect(reasons.map(({ code }: { code: string }) => code)).toContain('credential-expired')
  expect(await house.license(skuId)).toMatchObject({ inUse: 1 })
  const asked = house.asked('token')
  await house.settle(20 * 3_600_000)
  expect(house.asked('token') - asked).toBeLessThan(6)
})

test('an app that may only read keeps counts up to date, and its wishes wait with the reason', async () => {
  const { house, skuId, connector, licenseId } = await town(10, 3)
  await using _ = house
  house.app.roles.delete('LicenseAssignment.ReadWrite.All')
  house.app.roles.add('LicenseAssignment.Read.All')
  await house.assign(licenseId, { kind: 'all-users', id: null })
  await house.settle(60_000)
  expect(house.control.consumed(skuId)).toBe(0)
  expect((await house.verdicts(licenseId)).every((verdict) => verdict.includes('read-only-token'))).toBe(true)
  expect((await house.ask('GET', `connectors/${connector}`)).body.reasons.map(({ code }: { code: string }) => code)).toContain(
    'read-only-token',
  )
})

test('the client secret and the access tokens are in no answer, no log line, and nowhere in clear on the disk', async () => {
  const { house, connector, licenseId } = await town(10, 3)
  await using _ = house
  await house.assign(licenseId, { kind: 'all-users', id: null })
  await house.settle(60_000)
  house.world.faults.arm({ fault: { is: 'captive-page' } })
  await house.sync(connector)
  const answers = await Promise.all(
    ['connectors', `connectors/${connector}`, 'status', `orders?license=${licenseId}`, 'audit', `syncs?connector=${connector}`].map(
      (path) => house.ask('GET', path),
    ),
  )
  const files = readdirSync(house.dataDir, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  const tokens = [...house.world.accessTokens.keys()]
  expect(tokens.length).toBeGreaterThan(0)
  const forms = [SECRET, ...tokens].flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('hex'),
  ])
  for (const text of [JSON.stringify(answers), house.log.join('\n'), ...files])
    for (const form of forms) expect(text.includes(form)).toBe(false)
})

test('case 18: upn-renamed: somebody whose user name changed keeps their seat, and is given and taken others by the new one', async () => {
  const { house, skuId, connector, licenseId } = await town(10, 2)
  await using _ = house
  const pro = house.control.addSku({ skuPartNumber: 'POWER_BI_PRO' }, 5)
  house.control.give('p0@contoso.example', skuId)
  await house.sync(connector)
  const { id } = await house.user('p0@contoso.example')
  house.control.changeUser('p0@contoso.example', { userPrincipalName: 'ada@contoso.example' })
  await house.sync(connector)
  expect((await house.seats(licenseId)).length).toBe(1)
  expect((await house.items('users')).length).toBe(2)
  const other = await house.license(pro.skuId)
  expect((await house.assign(other.id, { kind: 'user', id })).status).toBe(201)
  await house.settle(60_000)
  expect(house.control.licensesOf('ada@contoso.example').map((license) => license.skuId)).toEqual([skuId, pro.skuId])
  expect((await house.verdicts(other.id)).length).toBe(1)
  expect((await house.verdicts(other.id))[0]).toContain('placed')
})

test('one app registration serves both stores of its tenant, and each of them once', async () => {
  const { house } = await town(10, 1)
  await using _ = house
  house.app.isManagementTool = true
  const add = async (kind: string): Promise<number> => (await house.ask('POST', 'connectors', { kind, name: 'Another', credential })).status
  expect(await add('microsoft-store-business')).toBe(201)
  expect(await add('microsoft-store-business')).toBe(409)
  expect(await add('microsoft-graph')).toBe(409)
})
