/** Orders and syncs of every connector, newest first, and how far what is under way has got. */
import type { Connector } from '../../shared/connector.ts'
import { principalIdOf, type ConnectorId, type LicenseId } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import { isOpen, type Order } from '../../shared/order.ts'
import type { Sync } from '../../shared/sync.ts'
import type { DirectoryReader, PrincipalName } from '../directory.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import type { ConnectorRow, RunningSync } from './connector-list.ts'
import { companyOf, orderRow, standingOf, type OrderRow } from './order-row.ts'
import { windowOf, type Window } from './window.ts'

export interface ActivityQuery {
  readonly state: 'all' | 'open' | 'failed'
  readonly kind: 'all' | 'orders' | 'people' | 'syncs'
  readonly connector?: ConnectorId
  /** Orders of these licenses only. */
  readonly licenses?: readonly LicenseId[]
}

/** What was read from the server beside the facts. */
export interface ActivityHistory {
  readonly orders: readonly Order[]
  readonly syncs: readonly Sync[]
}

export type ActivityRow =
  | {
      readonly is: 'order'
      readonly key: string
      readonly at: string
      readonly row: OrderRow
      readonly connector: Connector | undefined
      /** Undefined for an order of the Location itself, and for a license that has gone. */
      readonly license: License | undefined
    }
  | {
      readonly is: 'sync'
      readonly key: string
      readonly at: string
      readonly sync: Sync
      readonly connector: Connector | undefined
      readonly running: RunningSync | undefined
    }

export interface Activity {
  /** What is under way first, then the newest. */
  readonly rows: Window<ActivityRow>
  /** Of what the filter leaves. */
  readonly open: number
  readonly failed: number
  /** Of these open ones: orders that wait for their day. */
  readonly keptBack: number
  /** Over the open orders that the filter leaves, without those kept back: targets answered, of all. */
  readonly done: number
  readonly total: number
}

/** Everything that is in the facts, or was read from the server beside them. */
export interface ActivitySource {
  readonly orders: readonly Order[]
  readonly syncs: readonly Sync[]
  readonly connectors: readonly ConnectorRow[]
  readonly licenses: readonly License[]
}

/** Orders in the facts: of each license and of each Location. Finished ones without a failure are only the last few. */
export const ordersInFacts = (facts: Facts): ChunkRead<readonly Order[]> => {
  const ofLicenses = facts.run('orders/')
  const ofLocations = facts.run('location-orders/')
  if (ofLicenses.is === 'loading' || ofLocations.is === 'loading') return { is: 'loading' }
  const orders: Order[] = []
  for (const key of ofLicenses.value) {
    const read = facts.rows(key)
    if (read.is === 'loading') return read
    orders.push(...read.value)
  }
  for (const key of ofLocations.value) {
    const read = facts.rows(key)
    if (read.is === 'loading') return read
    orders.push(...read.value)
  }
  return { is: 'ready', value: orders }
}

export const activityOf = (source: ActivitySource, directory: Pick<DirectoryReader, 'people'>, query: ActivityQuery): Activity => {
  const connectorById = new Map(source.connectors.map((row) => [row.connector.id, row]))
  const licenseById = new Map(source.licenses.map((license) => [license.id, license]))
  const company = companyOf(source.orders)
  const people = directory.people()
  const nameOf = (ordinal: number): PrincipalName =>
    people.is === 'ready'
      ? people.value.nameOf(ordinal, 'user')
      : { id: principalIdOf('user', ordinal), ordinal, name: '…', storeKey: '', principal: undefined }
  const wanted = query.licenses === undefined ? undefined : new Set<LicenseId>(query.licenses)

  const orders = source.orders.filter(
    (order) =>
      query.kind !== 'syncs' &&
      (query.kind !== 'orders' || order.licenseId !== null) &&
      (query.kind !== 'people' || order.licenseId === null) &&
      (query.connector === undefined || order.connectorId === query.connector) &&
      (wanted === undefined || (order.licenseId !== null && wanted.has(order.licenseId))),
  )
  const syncs =
    wanted !== undefined || query.kind === 'orders' || query.kind === 'people'
      ? []
      : source.syncs.filter(({ connectorId }) => query.connector === undefined || connectorId === query.connector)

  const open = orders.filter(isOpen)
  const goingOn = open.filter((order) => !isKeptBack(order))
  const openSyncs = syncs.filter(isRunning)
  const items: readonly (Order | Sync)[] = [...orders, ...syncs]
    .filter((item) => query.state === 'all' || standingOfItem(item) === query.state)
    .sort(
      (a, b) =>
        Number(standingOfItem(b) === 'open') - Number(standingOfItem(a) === 'open') ||
        later(timeOf(a), timeOf(b)) ||
        (a.id < b.id ? -1 : 1),
    )

  const rowOf = (item: Order | Sync): ActivityRow => {
    const found = connectorById.get(item.connectorId)
    if ('trigger' in item)
      return {
        is: 'sync',
        key: `s${item.id}`,
        at: item.startedAt,
        sync: item,
        connector: found?.connector,
        running: isRunning(item) ? found?.running : undefined,
      }
    const license = item.licenseId === null ? undefined : licenseById.get(item.licenseId)
    return {
      is: 'order',
      key: `o${item.id}`,
      at: item.createdAt,
      row: orderRow(item, nameOf, company),
      connector: found?.connector,
      license,
    }
  }
  return {
    rows: windowOf(items, rowOf),
    open: open.length + openSyncs.length,
    failed: [...orders, ...syncs].filter((item) => standingOfItem(item) === 'failed').length,
    keptBack: open.length - goingOn.length,
    done: goingOn.reduce((sum, order) => sum + order.total - order.open.length, 0),
    total: goingOn.reduce((sum, order) => sum + order.total, 0),
  }
}

/** It waits for its day, and can be cancelled until then. */
export const isKeptBack = (order: Order): boolean => order.licenseId !== null && order.state === 'planned' && order.notBefore !== undefined
const isRunning = ({ state }: Sync): boolean => state === 'queued' || state === 'running'
const standingOfItem = (item: Order | Sync): 'open' | 'failed' | 'over' =>
  'trigger' in item ? (isRunning(item) ? 'open' : item.state === 'failed' ? 'failed' : 'over') : standingOf(item)
const timeOf = (item: Order | Sync): string => ('trigger' in item ? item.startedAt : item.createdAt)
const later = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0)

/** Facts are newer than a list that was read once: of two with one id the facts' own stands. */
export const withHistory = <T extends { readonly id: string }>(facts: readonly T[], history: readonly T[]): readonly T[] => {
  const known = new Set(facts.map(({ id }) => id))
  return [...facts, ...history.filter(({ id }) => !known.has(id))]
}
