/** What is imported from Intune, what is told of it, and that nothing of it is counted twice. */
import { expect, test } from 'vitest'
import { isoTime } from '../../../../../../shared/clock.ts'
import { copyOf, isStale, type ImportedApp, type ImportedToken } from '../../../../../../shared/imported.ts'
import { parseConnectorId, type ConnectorId } from '../../../../../../shared/ids.ts'
import { DAY } from '../../../apple/cases/apple-house.ts'
import type { Answer } from '../../../apple/cases/apple-house.ts'
import { openHouse, type GraphHouse } from './graph-house.ts'

const NEVER = '0001-01-01T00:00:00Z'
const tokenMembers = (house: GraphHouse, members: Record<string, unknown> = {}) => ({
  organizationName: 'Contoso School',
  vppTokenAccountType: 'education',
  appleId: 'vpp@contoso.example',
  expirationDateTime: isoTime(house.clock.now() + 90 * DAY),
  lastSyncDateTime: isoTime(house.clock.now() - 3_600_000),
  state: 'valid',
  lastSyncStatus: 'completed',
  ...members,
})
const vppApp = (house: GraphHouse, tokenId: string, members: Record<string, unknown> = {}, type = 'iosVppApp') =>
  house.control.addMobileApp({
    type: `#microsoft.graph.${type}`,
    both: {
      displayName: 'Sketchbook',
      publisher: 'Fabrikam',
      publishingState: 'published',
      bundleId: 'com.fabrikam.sketch',
      appStoreUrl: 'https://apps.apple.com/gb/app/sketchbook/id900000011',
      usedLicenseCount: 48,
      totalLicenseCount: 50,
      licensingType: { supportsUserLicensing: true, supportsDeviceLicensing: true },
      ...members,
    },
    beta: { vppTokenId: tokenId },
    assignments: [
      {
        intent: 'required',
        target: { '@odata.type': '#microsoft.graph.groupAssignmentTarget', groupId: 'AAAAAAAA-0000-4000-8000-000000000001' },
        settings: { '@odata.type': '#microsoft.graph.iosVppAppAssignmentSettings', useDeviceLicensing: true },
      },
    ],
  })

const imported = async (house: GraphHouse, id: string): Promise<Answer['body']> =>
  (await house.ask('GET', `connectors/${id}/imported`)).body

test('tokens, apps, counts, assignments and the Managed Google Play binding come in one go, with their time, and in no list of licenses', async () => {
  await using house = await openHouse()
  const token = house.control.addVppToken(tokenMembers(house), { displayName: 'Schools', locationName: 'Contoso Schools' })
  vppApp(house, token.id)
  house.control.addMobileApp({
    type: '#microsoft.graph.androidManagedStoreApp',
    both: { displayName: 'Draw', publisher: 'Fabrikam' },
    beta: { packageId: 'com.fabrikam.draw', usedLicenseCount: 0, totalLicenseCount: 0 },
  })
  house.control.addMobileApp({ type: '#microsoft.graph.win32LobApp', both: { displayName: 'Something of our own' }, beta: {} })
  house.control.bindManagedPlay({
    bindStatus: 'boundAndValidated',
    lastAppSyncDateTime: NEVER,
    lastAppSyncStatus: 'success',
    ownerOrganizationName: 'Contoso',
  })
  const id = await house.connect()
  const read = await imported(house, id)
  expect(read).toMatchObject({ countSource: 'imported', part: { count: 2, error: null } })
  expect(read.tokens).toMatchObject([
    { name: 'Schools', location: 'Contoso Schools', state: 'valid', text: '', account: 'vpp@contoso.example' },
  ])
  expect(read.apps.find(({ sort }: { sort: string }) => sort === 'ios')).toMatchObject({
    name: 'Sketchbook',
    productId: '900000011',
    bundleId: 'com.fabrikam.sketch',
    total: 50,
    inUse: 48,
    licenseTypes: ['device', 'user'],
    tokenId: `token-${token.id}`,
    assignments: [{ intent: 'required', target: 'group', groupKey: 'aaaaaaaa-0000-4000-8000-000000000001', licenseType: 'device' }],
    copyOf: null,
    stale: false,
  })
  // No count of Managed Google Play is made up.
  expect(read.apps.find(({ sort }: { sort: string }) => sort === 'play')).toMatchObject({
    productId: 'com.fabrikam.draw',
    total: null,
    inUse: null,
  })
  expect(read.managedGooglePlay).toMatchObject({ state: 'validated', organization: 'Contoso', lastSyncAt: null })
  expect(await house.items('licenses')).toEqual([])
})

test('an app of a location that is connected here too is told as a copy', () => {
  const id = (text: string): ConnectorId => {
    const parsed = parseConnectorId(text)
    if (parsed === undefined) throw new Error(text)
    return parsed
  }
  const token: ImportedToken = {
    kind: 'token',
    id: 'token-1',
    name: 'Clinic',
    location: 'Eastmere Clinic',
    organization: 'Eastmere',
    account: '',
    expiresAt: null,
    state: 'elsewhere',
    sync: 'completed',
    lastSyncAt: null,
    asOf: '',
  }
  const app: ImportedApp = {
    kind: 'app',
    id: 'app-1',
    sort: 'ios',
    type: 'iosVppApp',
    name: 'Sketchbook',
    publisher: '',
    productId: '900000011',
    bundleId: '',
    tokenId: 'token-1',
    total: 5,
    inUse: 1,
    licenseTypes: [],
    assignments: [],
    asOf: '',
  }
  const location = { key: '7', name: 'EASTMERE CLINIC ', country: 'GB', organization: 'Eastmere' }
  const clinic = { id: id('c1'), kind: 'apple-apps-books', location } as const
  const product = { id: '900000011', bundleId: null } as never
  const license = { id: 'l7' as never, connectorId: id('c1'), product }
  expect(copyOf(app, [token], [clinic], [license])).toEqual({ connectorId: 'c1', licenseId: 'l7' })
  expect(copyOf(app, [token], [clinic], [])).toEqual({ connectorId: 'c1', licenseId: null })
  expect(copyOf(app, [token], [{ ...clinic, location: { ...location, name: 'Eastmere Schools' } }], [license])).toBeUndefined()
  expect(copyOf({ ...app, tokenId: '' }, [token], [clinic], [license])).toBeUndefined()
})

test('case 24: stale-intune: counts that Intune has not renewed for long are marked, and are in no average', async () => {
  await using house = await openHouse()
  const token = house.control.addVppToken(tokenMembers(house, { lastSyncDateTime: isoTime(house.clock.now() - 730 * DAY) }))
  vppApp(house, token.id)
  vppApp(house, '', { productKey: '9NBLGGH4R2R6', licenseType: 'online' }, 'microsoftStoreForBusinessApp')
  const id = await house.connect()
  const { apps } = await imported(house, id)
  expect(apps.map(({ sort, stale }: { sort: string; stale: boolean }) => `${sort} ${stale}`).toSorted()).toEqual([
    'ios true',
    'windows-store true',
  ])
})

test('case 25: unknown-odata-type, unknown-enum: what is new is kept as something else', async () => {
  await using house = await openHouse()
  house.control.addVppToken(tokenMembers(house, { state: 'unknownFutureValue', lastSyncStatus: 'dreaming' }))
  house.control.addMobileApp({
    type: '#microsoft.graph.brandNewAppType',
    both: { displayName: 'Unknown kind' },
    beta: {},
    assignments: [{ intent: 'perhaps', target: { '@odata.type': '#microsoft.graph.moonAssignmentTarget' } }],
  })
  const id = await house.connect()
  const read = await imported(house, id)
  expect(read.tokens).toMatchObject([{ state: 'unknown', sync: 'unknown' }])
  expect(read.apps).toMatchObject([
    { sort: 'other', type: 'brandNewAppType', name: 'Unknown kind', assignments: [{ intent: 'unknown', target: 'unknown' }] },
  ])
})

test('case 26: year-one-date: the first day of the year 1 is never', async () => {
  await using house = await openHouse()
  const token = house.control.addVppToken(tokenMembers(house, { lastSyncDateTime: NEVER, expirationDateTime: NEVER }))
  vppApp(house, token.id)
  const id = await house.connect()
  const read = await imported(house, id)
  expect(read.tokens).toMatchObject([{ lastSyncAt: null, expiresAt: null }])
  // Never renewed: nobody knows how old the counts are.
  expect(read.apps).toMatchObject([{ stale: true }])
})

test('case 27: two-vpp-tokens: the same app under two tokens is two, and stays two', async () => {
  await using house = await openHouse()
  for (const name of ['North', 'South']) {
    const token = house.control.addVppToken(tokenMembers(house), { displayName: name, locationName: name })
    vppApp(house, token.id, { totalLicenseCount: name === 'North' ? 50 : 30 })
  }
  const id = await house.connect()
  await house.sync(id)
  const { apps } = await imported(house, id)
  expect(apps.map(({ total }: { total: number }) => total).toSorted()).toEqual([30, 50])
  expect(new Set(apps.map(({ tokenId }: { tokenId: string }) => tokenId)).size).toBe(2)
})

test('case 28: token-states: each state has a text of its own', async () => {
  await using house = await openHouse()
  const states = ['expired', 'invalid', 'assignedToExternalMDM', 'duplicateLocationId', 'unknown']
  for (const state of states) house.control.addVppToken(tokenMembers(house, { state }))
  const id = await house.connect()
  const texts = (await imported(house, id)).tokens.map(({ text }: { text: string }) => text)
  expect(texts.length).toBe(5)
  expect(texts).not.toContain('')
  expect(new Set(texts).size).toBe(5)
})

test('case 29: sync-never-ends: a sync that Intune never ends is told, and is not waited for', async () => {
  await using house = await openHouse({ vppSync: 'stays-in-progress' })
  const token = house.control.addVppToken(tokenMembers(house, { lastSyncStatus: 'inProgress' }))
  vppApp(house, token.id)
  const before = house.clock.now()
  const id = await house.connect()
  const read = await imported(house, id)
  expect(house.clock.now() - before).toBeLessThan(60_000)
  expect(read.tokens).toMatchObject([{ sync: 'running', text: expect.stringContaining('may change') as string }])
  expect(read.apps).toMatchObject([{ total: 50 }])
})

test('case 30: revoke-partly-failed: how many could not be taken back is told, with the reason', async () => {
  await using house = await openHouse()
  house.control.addVppToken(tokenMembers(house), {
    tokenActionResults: [
      {
        '@odata.type': '#microsoft.graph.vppTokenRevokeLicensesActionResult',
        actionName: 'revokeLicenses',
        actionState: 'failed',
        totalLicensesCount: 20,
        failedLicensesCount: 3,
        actionFailureReason: 'appleFailure',
      },
    ],
  })
  const id = await house.connect()
  expect((await imported(house, id)).tokens).toMatchObject([
    { trouble: '3 of 20 licenses could not be taken back in Intune: Apple did not do it. Try it again there.' },
  ])
})

test('an app that may read a part of Intune imports that part, keeps the rest as it was, and says what is missing', async () => {
  await using house = await openHouse()
  const token = house.control.addVppToken(tokenMembers(house))
  vppApp(house, token.id)
  const id = await house.connect()
  house.app.roles.delete('DeviceManagementServiceConfig.Read.All')
  await house.sync(id)
  const read = await imported(house, id)
  expect(read.tokens.length).toBe(1)
  expect(read.apps.length).toBe(1)
  expect(read.part.error).toMatchObject({
    code: 'no-permission',
    text: expect.stringContaining('DeviceManagementServiceConfig.Read.All') as string,
  })
})

test('a tenant without Intune imports nothing, and nothing is wrong with that', async () => {
  await using house = await openHouse({ intuneLicense: 'none' })
  const id = await house.connect()
  expect(await imported(house, id)).toMatchObject({ part: null, tokens: [], apps: [], managedGooglePlay: null })
  expect((await house.ask('GET', `connectors/${id}`)).body.status).toBe('healthy')
})

test('imported rows go with their connector', async () => {
  await using house = await openHouse()
  vppApp(house, house.control.addVppToken(tokenMembers(house)).id)
  const id = await house.connect()
  expect((await house.ask('DELETE', `connectors/${id}?release=keep`)).status).toBeLessThan(300)
  expect((await house.ask('GET', `connectors/${id}/imported`)).status).toBe(404)
})

test('counts of a store that is gone are always stale', () => {
  const app: ImportedApp = {
    kind: 'app',
    id: 'a',
    sort: 'windows-store',
    type: '',
    name: '',
    publisher: '',
    productId: '',
    bundleId: '',
    tokenId: '',
    total: 1,
    inUse: 1,
    licenseTypes: [],
    assignments: [],
    asOf: '',
  }
  expect(isStale(app, [], 0)).toBe(true)
  expect(isStale({ ...app, sort: 'play' }, [], 0)).toBe(false)
})
