/** The list of licenses, as the Licenses screen shows it. */
import type { Connector, StoreName } from '../../shared/connector.ts'
import { docOfLicense, type ConnectorId, type DocId, type LicenseId } from '../../shared/ids.ts'
import { countsAgree, lowLevel, type License, type LicenseType, type LowLevel, type ProductKind, type Tally } from '../../shared/license.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import type { Foretelling } from '../foretelling.ts'
import type { OutboxRow } from '../local-db.ts'

/** What the seat bar draws, in seats; `short` hangs over its end. Free is null where there is no limit or the store does not count. */
export interface SeatBar {
  readonly total: number | null
  readonly assigned: number
  readonly found: number
  readonly free: number | null
  readonly retired: number
  readonly short: number
}

export interface LicenseRow {
  readonly id: LicenseId
  readonly license: License
  /** Undefined while the connectors are not read. */
  readonly connector: Connector | undefined
  /** By reconcile over the facts and this device's unsent edits when there are any, else the server's own. */
  readonly tally: Tally
  /** The tally is foretold here, and promised by nobody. */
  readonly foretold: boolean
  /** This device's edits of it that the server has not taken. */
  readonly unsent: number
  readonly bar: SeatBar
  readonly low: LowLevel
  /** Age of the counts. */
  readonly ageMs: number
  /** Older than a day: the figure turns amber. */
  readonly stale: boolean
  /** False: the store's own numbers contradict each other. Undefined: nothing to compare. */
  readonly countsAgree: boolean | undefined
}

const staleMs = 24 * 3_600_000

export const seatBarOf = (license: License, tally: Tally): SeatBar => ({
  total: license.total,
  // A seat that was there before somebody asked for it is by assignment to the eye, whoever placed it.
  assigned: tally.assigned + tally.adopted,
  found: tally.found - tally.adopted,
  free: license.unlimited ? null : license.available,
  retired: license.retired ?? 0,
  short: tally.waiting,
})

export const licenseRow = (
  license: License,
  connector: Connector | undefined,
  foretold: Tally | undefined,
  unsentEdits: number,
  now: number,
): LicenseRow => {
  const tally = foretold ?? license.tally
  const ageMs = Math.max(0, now - Date.parse(license.asOf))
  return {
    id: license.id,
    license,
    connector,
    tally,
    foretold: foretold !== undefined,
    unsent: unsentEdits,
    bar: seatBarOf(license, tally),
    low: lowLevel(license),
    ageMs,
    stale: ageMs > staleMs,
    countsAgree: countsAgree(license),
  }
}

/** Every license, each once. Those with unsent edits are foretold when their chunks are in memory; until then they show the server's count. */
export const licenseList = (
  facts: Facts,
  foretelling: Foretelling,
  rows: readonly OutboxRow[],
  now: number,
): ChunkRead<readonly LicenseRow[]> => {
  const run = facts.run('licenses/')
  const connectors = facts.rows('connectors')
  if (run.is === 'loading' || connectors.is === 'loading') return { is: 'loading' }
  const connectorById = new Map(connectors.value.map((connector) => [connector.id, connector]))
  const unsentByDoc = new Map<DocId, number>()
  for (const row of rows) if (row.state === 'waiting') unsentByDoc.set(row.doc, (unsentByDoc.get(row.doc) ?? 0) + 1)
  const list: LicenseRow[] = []
  for (const key of run.value) {
    const licenses = facts.rows(key)
    if (licenses.is === 'loading') return licenses
    for (const license of licenses.value) {
      const unsent = unsentByDoc.get(docOfLicense(license.id)) ?? 0
      const state = unsent === 0 ? undefined : foretelling.state(license.id, now)
      const foretold = state?.is === 'ready' ? state.value?.reconciled.tally : undefined
      list.push(licenseRow(license, connectorById.get(license.connectorId), foretold, unsent, now))
    }
  }
  return { is: 'ready', value: list }
}

export type LicenseSort = 'waiting' | 'name' | 'total' | 'in-use' | 'available' | 'as-of' | 'location'

export interface LicenseQuery {
  /** In name, publisher, product id or location; without regard to case. */
  readonly text?: string
  readonly connectors?: readonly ConnectorId[]
  readonly stores?: readonly StoreName[]
  readonly kinds?: readonly ProductKind[]
  readonly licenseTypes?: readonly LicenseType[]
  /** Only licenses for which somebody waits. */
  readonly short?: boolean
  readonly low?: boolean
  readonly unsent?: boolean
  /** `waiting`: most waiting first, then least free, then by name. */
  readonly sort?: LicenseSort
  readonly descending?: boolean
}

/** Filters and sorts; names are compared as people read them. */
export const arrangeLicenses = (rows: readonly LicenseRow[], query: LicenseQuery): readonly LicenseRow[] => {
  const text = query.text?.trim().toLowerCase() ?? ''
  const kept = rows.filter(
    (row) =>
      (text === '' || lineOf(row).includes(text)) &&
      (query.connectors === undefined || query.connectors.includes(row.license.connectorId)) &&
      (query.stores === undefined || query.stores.includes(row.license.store)) &&
      (query.kinds === undefined || query.kinds.includes(row.license.product.kind)) &&
      (query.licenseTypes === undefined || query.licenseTypes.some((type) => row.license.licenseTypes.includes(type))) &&
      (query.short !== true || row.bar.short > 0) &&
      (query.low !== true || row.low !== 'none') &&
      (query.unsent !== true || row.unsent > 0),
  )
  const compare = comparing[query.sort ?? 'waiting']
  const sign = query.descending === true ? -1 : 1
  return kept.sort((a, b) => sign * compare(a, b) || byName(a, b))
}

const lineOf = ({ license, connector }: LicenseRow): string =>
  `${license.product.name}\n${license.product.publisher}\n${license.product.id}\n${connector?.location?.name ?? connector?.name ?? ''}`.toLowerCase()

// One collator for all comparisons: localeCompare makes one for each, which is most of the time of a sort.
const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
const byName = (a: LicenseRow, b: LicenseRow): number =>
  collator.compare(a.license.product.name, b.license.product.name) || (a.id < b.id ? -1 : 1)
const placeOf = ({ connector }: LicenseRow): string => connector?.location?.name ?? connector?.name ?? ''
const freeOf = ({ bar }: LicenseRow): number => bar.free ?? Infinity
/** No limit counts as most. */
const least = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)

const comparing: Record<LicenseSort, (a: LicenseRow, b: LicenseRow) => number> = {
  waiting: (a, b) => b.bar.short - a.bar.short || least(freeOf(a), freeOf(b)),
  name: byName,
  total: (a, b) => least(a.bar.total ?? Infinity, b.bar.total ?? Infinity),
  'in-use': (a, b) => a.license.inUse - b.license.inUse,
  available: (a, b) => least(freeOf(a), freeOf(b)),
  'as-of': (a, b) => (a.license.asOf < b.license.asOf ? -1 : a.license.asOf > b.license.asOf ? 1 : 0),
  location: (a, b) => collator.compare(placeOf(a), placeOf(b)),
}
