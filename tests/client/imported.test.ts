import { expect, test } from 'vitest'
import { importedPage } from '../../client/views/imported.ts'
import type { Facts } from '../../client/facts.ts'
import { partRows } from '../../client/views/connector-page.ts'
import { connectorList } from '../../client/views/connector-list.ts'
import type { Connector } from '../../shared/connector.ts'
import type { ConnectorId } from '../../shared/ids.ts'
import type { Imported } from '../../shared/imported.ts'
import { connector, license } from './desk.ts'

const now = Date.parse('2026-11-24T09:00:00Z')
const asOf = '2026-11-24T08:30:00.000Z'
const clinic = connector({
  id: 'c7' as ConnectorId,
  name: 'Clinic',
  kind: 'apple-apps-books',
  location: { key: '7', name: 'Eastmere Clinic', country: 'GB', organization: 'Eastmere' },
})
const tenant = connector({
  id: 'c9' as ConnectorId,
  name: 'Contoso',
  kind: 'microsoft-graph',
  store: 'microsoft',
  imported: { asOf, count: 2, error: null },
})
const rows: readonly Imported[] = [
  {
    kind: 'token',
    id: 'token-1',
    name: 'Clinic',
    location: 'Eastmere Clinic',
    organization: 'Eastmere',
    account: '',
    expiresAt: null,
    state: 'elsewhere',
    sync: 'completed',
    lastSyncAt: asOf,
    asOf,
  },
  {
    kind: 'app',
    id: 'app-1',
    sort: 'ios',
    type: 'iosVppApp',
    name: 'Ward Round',
    publisher: '',
    productId: '900000011',
    bundleId: '',
    tokenId: 'token-1',
    total: 40,
    inUse: 12,
    licenseTypes: [],
    assignments: [
      { intent: 'required', target: 'group', groupKey: 'a', licenseType: 'device' },
      { intent: 'required', target: 'group', groupKey: 'b', licenseType: 'device' },
    ],
    asOf,
  },
  {
    kind: 'app',
    id: 'app-2',
    sort: 'other',
    type: 'brandNew',
    name: 'A new kind',
    publisher: '',
    productId: '',
    bundleId: '',
    tokenId: '',
    total: null,
    inUse: null,
    licenseTypes: [],
    assignments: [],
    asOf,
  },
]
const factsOf = (connectors: readonly Connector[], licenses: readonly ReturnType<typeof license>[]): Facts =>
  ({
    rows: (key: string) => ({ is: 'ready', value: key === 'connectors' ? connectors : key.startsWith('imports/') ? rows : licenses }),
    run: () => ({ is: 'ready', value: ['licenses/0'] }),
  }) as never

test('an app of a location that is connected here is a copy, with the way to the license that counts', () => {
  const held = license(1, 'Ward Round', { connectorId: clinic.id, product: { ...license(1, 'Ward Round').product, id: '900000011' } })
  const read = importedPage(factsOf([clinic, tenant], [held]), tenant.id, now)
  if (read.is === 'loading') throw new Error('loading')
  expect(read.value.apps.map(({ app, sort, counts, assigned, copy }) => [app.name, sort, counts, assigned, copy])).toEqual([
    ['A new kind', 'brandNew', '', '', null],
    [
      'Ward Round',
      'iPhone and iPad app',
      '12 of 40',
      'Required for 2 groups',
      { href: `/licenses/${held.id}`, text: 'A copy: counted at Clinic' },
    ],
  ])
  expect(read.value.tokens).toMatchObject([
    { health: 'warning', text: 'Another device management service holds this location. Intune gives nothing from it.' },
  ])
})

test('without such a license it is of a location that is connected here, and without the connector it is no copy', () => {
  const of = (connectors: readonly Connector[]): unknown => {
    const read = importedPage(factsOf(connectors, []), tenant.id, now)
    return read.is === 'ready' ? read.value.apps.find(({ app }) => app.id === 'app-1')?.copy : 'loading'
  }
  expect(of([clinic, tenant])).toEqual({ href: '/connectors/c7', text: 'Of the location of Clinic' })
  expect(of([tenant])).toBeNull()
})

test('the directory and Intune are parts that are read, each with its failure', () => {
  const [row] = connectorList(
    [{ ...tenant, directory: { asOf, count: 121, error: { code: 'no-permission', text: 'The app may not read the groups.' } } }],
    [],
    new Map(),
    now,
  )
  if (row === undefined) throw new Error('no row')
  expect(partRows(row).map(({ key, what, health }) => [key, what, health])).toEqual([
    ['licenses', '0 licenses, 0 seats in use', expect.any(String)],
    ['directory', '121 people', 'warning'],
    ['imported', '2 apps', 'healthy'],
  ])
})
