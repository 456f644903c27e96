import type { Clock } from '../../../shared/clock.ts'
import { availableOf } from './state.ts'
import type { Asset, ListName, LocationState, PricingParam, Seat, UserRecord } from './state.ts'
import { hashOf } from './made-ids.ts'

export interface AssetRow {
  readonly adamId: string
  readonly pricingParam: PricingParam
  readonly productType: string
  readonly total: number
  readonly assigned: number
  readonly available: number
  readonly retired: number
  readonly deviceAssignable: boolean
  readonly revocable: boolean
  readonly supportedPlatforms: readonly string[]
  readonly unlimited: boolean
}

export interface AssignmentRow {
  readonly adamId: string
  readonly pricingParam: PricingParam
  readonly seat: Seat
}

export type UserRow = Readonly<UserRecord>

/** What a list shows at one version. */
export interface View<Row> {
  readonly version: number
  readonly rows: readonly Row[]
}

export interface Views {
  assets(location: LocationState): View<AssetRow>
  assignments(location: LocationState): View<AssignmentRow>
  users(location: LocationState): View<UserRow>
  /** To be called before a write: keeps what the list shows now for as long as it lags, then moves the version on. */
  moveOn(location: LocationState, lists: readonly ListName[]): void
  /** After the state was replaced. */
  forget(): void
}

interface LaggingView {
  readonly until: number
  readonly at: number
  readonly view: View<unknown>
}

const assetRow = (asset: Asset): AssetRow => ({
  adamId: asset.adamId,
  pricingParam: asset.pricingParam,
  productType: asset.productType,
  total: asset.total,
  assigned: asset.seats.size,
  available: availableOf(asset),
  retired: asset.retired,
  deviceAssignable: asset.deviceAssignable,
  revocable: asset.revocable,
  supportedPlatforms: asset.supportedPlatforms,
  unlimited: asset.unlimited,
})

const readAssets = (location: LocationState): AssetRow[] => Array.from(location.assets.values(), assetRow)

const readAssignments = (location: LocationState): AssignmentRow[] => {
  const rows: AssignmentRow[] = []
  for (const { adamId, pricingParam, seats } of location.assets.values()) {
    for (const seat of seats.values()) rows.push({ adamId, pricingParam, seat })
  }
  return rows
}

const readUsers = (location: LocationState): UserRow[] => {
  const rows: UserRow[] = []
  for (const records of location.users.values()) for (const record of records) rows.push({ ...record })
  return rows
}

/** Lists as they are seen from outside: kept per version, and behind by the lag of the moment. */
export const createViews = (clock: Clock, lagMs: (list: ListName) => number): Views => {
  const kept = new Map<string, View<unknown>>()
  const lagging = new Map<string, LaggingView[]>()

  const live = <Row>(location: LocationState, list: ListName, read: (location: LocationState) => Row[]): View<Row> => {
    const key = `${location.uId}/${list}`
    const version = location.versions[list]
    const held = kept.get(key)
    // Every entry under this key was made by the same reader, so the rows are of its type.
    if (held?.version === version) return held as View<Row>
    const view = { version, rows: read(location) }
    kept.set(key, view)
    return view
  }

  const seen = <Row>(location: LocationState, list: ListName, read: (location: LocationState) => Row[]): View<Row> => {
    const key = `${location.uId}/${list}`
    const waiting = lagging.get(key)
    if (waiting !== undefined) {
      const now = clock.now()
      while (waiting[0] !== undefined && waiting[0].until <= now) waiting.shift()
      if (waiting[0] !== undefined) return waiting[0].view as View<Row>
      lagging.delete(key)
    }
    return live(location, list, read)
  }

  const liveOf = (location: LocationState, list: ListName): View<unknown> => {
    if (list === 'assets') return live(location, list, readAssets)
    return list === 'assignments' ? live(location, list, readAssignments) : live(location, list, readUsers)
  }

  return {
    assets: (location) => seen(location, 'assets', readAssets),
    assignments: (location) => seen(location, 'assignments', readAssignments),
    users: (location) => seen(location, 'users', readUsers),
    moveOn(location, lists) {
      for (const list of lists) {
        const lag = lagMs(list)
        if (lag > 0) {
          const key = `${location.uId}/${list}`
          const at = clock.now()
          const waiting = lagging.get(key) ?? []
          // Writes of one instant become visible together.
          if (waiting.at(-1)?.at !== at) waiting.push({ at, until: at + lag, view: liveOf(location, list) })
          lagging.set(key, waiting)
        }
        location.versions[list] += 1
      }
    },
    forget() {
      kept.clear()
      lagging.clear()
    },
  }
}

const listHash = (uId: string, list: ListName): number => hashOf(`${uId}/${list}`)
const hexOf = (value: number, digits: number): string => (value >>> 0).toString(16).padStart(8, '0').slice(-digits)

/** Looks like the UUIDs Apple answers and says nothing; only this server can tell two apart. */
export const versionId = (location: LocationState, list: ListName, version: number): string => {
  const hash = listHash(location.uId, list)
  return `${hexOf(version ^ hash, 8)}-${hexOf(hash, 4)}-11f1-8c55-0242${hexOf(hashOf(location.uId), 8)}`
}

/** The version behind an id, or undefined for one of another list, of another location, too old or never given. */
export const versionOf = (location: LocationState, list: ListName, id: string): number | undefined => {
  if (!/^[0-9a-f]{8}-/.test(id)) return undefined
  const version = (Number.parseInt(id.slice(0, 8), 16) ^ listHash(location.uId, list)) >>> 0
  if (versionId(location, list, version) !== id) return undefined
  return version < location.versionFloors[list] || version > location.versions[list] ? undefined : version
}
