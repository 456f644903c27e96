/** Seats that could come back, as this device's facts tell: by reason, by license, with what is under way for them already. */
import { dayWithYear } from '../parts/times.ts'
import type { Connector } from '../../shared/connector.ts'
import { ordersKey, seatsKey, wishesKey } from '../../shared/facts.ts'
import { ordinalOf, type ConnectorId, type LicenseId, type PrincipalId } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import type { LicenseOrder } from '../../shared/order.ts'
import { displayNameOf, storeKeyOf, type Principal } from '../../shared/principal.ts'
import {
  namedByAssignments,
  reclaimable,
  reclaimReasonInWords,
  reclaimReasons,
  type HeldLicense,
  type Reclaimable,
  type ReclaimReason,
} from '../../shared/reclaimable.ts'
import type { DirectoryReader } from '../directory.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import { windowOf, type Window } from './window.ts'

/** `l7/u17` */
export type ReclaimKey = string

export interface ReclaimRow {
  readonly key: ReclaimKey
  readonly principal: Principal
  readonly name: string
  readonly storeKey: string
  readonly license: License
  readonly connector: Connector | undefined
  readonly reasons: readonly string[]
  readonly sinceS: number
  /** A standing assignment asks for it. */
  readonly askedFor: boolean
  /** Why it can't be chosen; undefined when it can. */
  readonly because: string | undefined
}

export interface ReclaimQuery {
  /** Undefined: every reason but that nobody asks for it, which is most seats in a house that was just connected. */
  readonly reason?: ReclaimReason | undefined
  readonly license?: LicenseId | undefined
  readonly connector?: ConnectorId | undefined
  readonly text?: string | undefined
}

export interface ReclaimList {
  readonly rows: Window<ReclaimRow>
  /** Seats that can come back, and how many licenses they are of. */
  readonly gain: number
  readonly licenses: number
  readonly forGood: number
  /** Those that can be chosen, in the order of the rows. */
  keys(): readonly ReclaimKey[]
  find(key: ReclaimKey): ReclaimRow | undefined
}

const usual: ReadonlySet<ReclaimReason> = new Set(reclaimReasons.filter((reason) => reason !== 'found'))

type Sources = { readonly facts: Facts; readonly directory: DirectoryReader }

const same = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((part, at) => part === b[at])

/** Gives the same value while nothing of it has changed, and what it gave last while a changed part is being read. */
export const createReclaimList = (): ((sources: Sources, query: ReclaimQuery) => ChunkRead<ReclaimList>) => {
  let held: { readonly of: readonly unknown[]; readonly value: ChunkRead<ReclaimList> } | undefined
  return (sources, query) => {
    const read = readAll(sources, query)
    if (read === 'loading') return held?.value ?? { is: 'loading' }
    const of = [...read.of, query.reason, query.text]
    if (held === undefined || !same(held.of, of)) held = { of, value: { is: 'ready', value: listOf(read, query) } }
    return held.value
  }
}

interface Everything {
  readonly of: readonly unknown[]
  readonly principals: readonly Principal[]
  readonly connectors: readonly Connector[]
  readonly licenses: readonly License[]
  readonly held: readonly HeldLicense[]
  readonly ordersOf: ReadonlyMap<LicenseId, readonly LicenseOrder[]>
}

const readAll = ({ facts, directory }: Sources, query: ReclaimQuery): Everything | 'loading' => {
  const connectors = facts.rows('connectors')
  const runs = [facts.run('principals/'), facts.run('licenses/')] as const
  if (connectors.is === 'loading' || runs[0].is === 'loading' || runs[1].is === 'loading') return 'loading'
  const of: unknown[] = [connectors.value]
  const principals: Principal[] = []
  for (const key of runs[0].value) {
    const rows = facts.rows(key)
    if (rows.is === 'loading') return 'loading'
    of.push(rows.value)
    for (const row of rows.value) principals.push(row)
  }
  const licenses: License[] = []
  for (const key of runs[1].value) {
    const rows = facts.rows(key)
    if (rows.is === 'loading') return 'loading'
    licenses.push(
      ...rows.value.filter(
        ({ id, connectorId, gone }) =>
          !gone &&
          (query.license === undefined || id === query.license) &&
          (query.connector === undefined || connectorId === query.connector),
      ),
    )
  }
  of.push(...licenses)
  const held: HeldLicense[] = []
  const ordersOf = new Map<LicenseId, readonly LicenseOrder[]>()
  for (const license of licenses) {
    const seats = facts.columns(seatsKey(license.id))
    const wishes = facts.rows(wishesKey(license.id))
    const orders = facts.rows(ordersKey(license.id))
    if (seats.is === 'loading' || wishes.is === 'loading' || orders.is === 'loading') return 'loading'
    if (seats.value.ordinals.length === 0) continue
    const members = directory.forWishes(wishes.value.map(({ key }) => key))
    if (members.is === 'loading') return 'loading'
    of.push(seats.value, wishes.value, orders.value, ...members.value.of)
    ordersOf.set(license.id, orders.value)
    let named: ReadonlySet<number> | undefined
    const read = members.value.directory
    held.push({
      license,
      seats: seats.value,
      isAskedFor: (ordinal) => (named ??= namedByAssignments(wishes.value, read)).has(ordinal),
    })
  }
  return { of, principals, connectors: connectors.value, licenses, held, ordersOf }
}

const listOf = ({ principals, connectors, licenses, held, ordersOf }: Everything, query: ReclaimQuery): ReclaimList => {
  const principalById = new Map<PrincipalId, Principal>(principals.map((row) => [row.id, row]))
  const licenseById = new Map(licenses.map((row) => [row.id, row]))
  const connectorById = new Map(connectors.map((row) => [row.id, row]))
  const busyOf = new Map([...ordersOf].map(([id, orders]) => [id, busyIn(orders)]))
  const wanted = query.text?.trim().toLowerCase() ?? ''
  const found = reclaimable(principals, connectors, held, query.reason === undefined ? usual : new Set([query.reason]))
    .filter(
      ({ principal, licenseId }) =>
        wanted === '' ||
        `${displayNameOf(principal)}\n${storeKeyOf(principal)}\n${licenseById.get(licenseId)?.product.name ?? ''}`
          .toLowerCase()
          .includes(wanted),
    )
    .map((row) => ({ row, name: displayNameOf(row.principal) }))
    .sort((a, b) => collator.compare(a.name, b.name) || (keyOf(a.row) < keyOf(b.row) ? -1 : 1))
    .map(({ row }) => row)
  const becauseOf = (row: Reclaimable): string | undefined =>
    row.revocable ? busyOf.get(row.licenseId)?.get(ordinalOf(row.principal.id)) : 'Given for good: the store takes it back from nobody'
  const rowOf = (row: Reclaimable): ReclaimRow => {
    const license = licenseById.get(row.licenseId)
    if (license === undefined) throw new Error('reclaim: a seat of a license that is not in the list')
    return {
      key: keyOf(row),
      principal: row.principal,
      name: displayNameOf(row.principal),
      storeKey: storeKeyOf(row.principal),
      license,
      connector: connectorById.get(row.connectorId),
      reasons: row.reasons.map(({ code, other }) => {
        const one = other === null ? undefined : principalById.get(other)
        return reclaimReasonInWords(code, one === undefined ? 'another' : displayNameOf(one))
      }),
      sinceS: row.sinceS,
      askedFor: row.askedFor,
      because: becauseOf(row),
    }
  }
  const free = found.filter((row) => becauseOf(row) === undefined)
  let byKey: ReadonlyMap<ReclaimKey, Reclaimable> | undefined
  return {
    rows: windowOf(found, rowOf),
    gain: free.length,
    licenses: new Set(free.map(({ licenseId }) => licenseId)).size,
    forGood: found.filter(({ revocable }) => !revocable).length,
    keys: () => free.map(keyOf),
    find: (key) => {
      const row = (byKey ??= new Map(found.map((one) => [keyOf(one), one]))).get(key)
      return row === undefined ? undefined : rowOf(row)
    },
  }
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
const keyOf = ({ licenseId, principal }: Reclaimable): ReclaimKey => `${licenseId}/${principal.id}`

const busyIn = (orders: readonly LicenseOrder[]): ReadonlyMap<number, string> => {
  const busy = new Map<number, string>()
  for (const order of orders)
    for (const ordinal of order.open)
      busy.set(
        ordinal,
        order.action === 'disassociate'
          ? order.notBefore !== undefined && order.state === 'planned'
            ? `Will be taken back on ${dayWithYear(order.notBefore)} already`
            : 'Is being taken back already'
          : 'Something is under way for this seat',
      )
  return busy
}
