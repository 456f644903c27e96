/** Filtering and ordering people and devices: one pass over arrays, in an order that is made once and kept. */
import type { Connector } from '../../shared/connector.ts'
import { ordinalOf, type ConnectorId, type PrincipalId, type PrincipalKind } from '../../shared/ids.ts'
import { displayNameOf, isUser, type Device, type Principal, type User } from '../../shared/principal.ts'
import type { RegistrationState } from '../../shared/registration.ts'
import { windowOf, type Window } from './window.ts'

/** `none`: not on the Location's list. */
export type StandingState = RegistrationState | 'none'
export const states: readonly StandingState[] = ['none', 'registered', 'associated', 'retired']

/** State of each by ordinal, as an index of `states`. */
export type StatesByPlace = ReadonlyMap<ConnectorId, Uint8Array>
/** By ordinal. */
export interface SeatSums {
  readonly held: Uint32Array
  readonly revocable: Uint32Array
}

/** Everybody who is known. `held` keeps what is made from it: lines to search in, and the order by name. */
export interface Roll {
  readonly users: readonly User[]
  readonly devices: readonly Device[]
  /** Beside the two lists: reading a number out of an id 100,000 times is most of a pass. */
  readonly ordinals: { readonly user: Uint32Array; readonly device: Uint32Array }
  /** The highest ordinal. */
  readonly most: number
  readonly byOrdinal: readonly (Principal | undefined)[]
  readonly held: Map<string, readonly string[] | Uint32Array>
}

export type PeopleSort = 'name' | 'key' | 'state' | 'seats' | 'platform' | 'owner' | 'left'

export interface PeopleQuery {
  readonly kind: PrincipalKind
  /** In names, user name, mail, managed account, department; serial number, model, owner. Without regard to case. */
  readonly text?: string
  /** Without `place`: at any Location; `none` without one: at no Location. */
  readonly state?: StandingState
  readonly place?: ConnectorId
  readonly left?: boolean
  /** Only who has left and holds seats that can come back. */
  readonly toGain?: boolean
  readonly platform?: string
  /** `seats` and `left` run from most and latest. */
  readonly sort?: PeopleSort
  readonly turned?: boolean
}

export interface Arranged<Row> {
  readonly rows: Window<Row>
  /** Of all of them, in their order. */
  ids(): readonly PrincipalId[]
}

/** Figures compare as figures: "iPad 2" comes before "iPad 10". Keys are compared plainly, which a collator takes ten times as long for. */
const keyOf = (text: string): string => {
  const plain = text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(9, '0'))
  return /^\p{ASCII}*$/u.test(plain) ? plain : plain.normalize('NFD').replace(/\p{Mn}/gu, '')
}

const lineOf = (row: Principal, roll: Roll): string => {
  if (isUser(row)) return `${row.displayName}\n${row.userName}\n${row.email}\n${row.managedAppleAccount}\n${row.department}`.toLowerCase()
  const owner = row.ownerId === null ? undefined : roll.byOrdinal[ordinalOf(row.ownerId)]
  return `${row.name}\n${row.serialNumber}\n${row.model}\n${row.platform}\n${owner === undefined ? '' : displayNameOf(owner)}`.toLowerCase()
}

const linesOf = (roll: Roll, kind: PrincipalKind): readonly string[] => {
  const held = roll.held.get(`lines/${kind}`)
  if (held !== undefined && !(held instanceof Uint32Array)) return held
  const items: readonly Principal[] = kind === 'user' ? roll.users : roll.devices
  const lines = items.map((row) => lineOf(row, roll))
  roll.held.set(`lines/${kind}`, lines)
  return lines
}

/** The places in the list by text, then as they were. Strings with their place at the end are sorted without a function of ours. */
const byText = (texts: readonly string[], rankByAt: Uint32Array, order: Uint32Array): Uint32Array => {
  const keys = texts.map((text, at) => `${text}\u0000${String(rankByAt[at]).padStart(9, '0')}`).sort()
  return Uint32Array.from(keys, (key) => order[Number(key.slice(key.lastIndexOf('\u0000') + 1))] ?? 0)
}

/** By number, then as they were. Both fit into one figure. */
const byFigure = (figures: Float64Array, rankByAt: Uint32Array, order: Uint32Array): Uint32Array =>
  Uint32Array.from(
    figures.map((one, at) => one * figures.length + (rankByAt[at] ?? 0)).sort(),
    (key) => order[((key % figures.length) + figures.length) % figures.length] ?? 0,
  )

/** The places in the list, by name, then by number. */
const byNameOf = (roll: Roll, kind: PrincipalKind, items: readonly Principal[]): Uint32Array => {
  const held = roll.held.get(`names/${kind}`)
  if (held instanceof Uint32Array) return held
  const places = Uint32Array.from(items, (_, at) => at)
  const order = byText(
    items.map((row) => keyOf(displayNameOf(row))),
    places,
    places,
  )
  roll.held.set(`names/${kind}`, order)
  return order
}

export const arrange = <Row>(
  roll: Roll,
  places: readonly Connector[],
  byPlace: StatesByPlace,
  sums: SeatSums,
  query: PeopleQuery,
  rowOf: (row: Principal) => Row,
): Arranged<Row> => {
  const { kind } = query
  const items: readonly Principal[] = kind === 'user' ? roll.users : roll.devices
  const ordinals = roll.ordinals[kind]
  const wanted = query.text?.trim().toLowerCase() ?? ''
  const lines = wanted === '' ? [] : linesOf(roll, kind)
  const code = query.state === undefined ? -1 : states.indexOf(query.state)
  const asked = query.place === undefined ? [...byPlace.values()] : [byPlace.get(query.place) ?? new Uint8Array(0)]
  const hasState = (ordinal: number): boolean =>
    code === 0 ? asked.every((column) => (column[ordinal] ?? 0) === 0) : asked.some((column) => column[ordinal] === code)

  const kept: number[] = []
  for (const at of orderOf(roll, items, places, byPlace, sums, query)) {
    const row = items[at]
    if (row === undefined) continue
    const ordinal = ordinals[at] ?? 0
    if (wanted !== '' && !(lines[at] ?? '').includes(wanted)) continue
    if (query.left === true && row.left === null) continue
    if (query.toGain === true && (row.left === null || (sums.revocable[ordinal] ?? 0) === 0)) continue
    // Who has left is not looked for when somebody looks for whom to register.
    if (code >= 0 && (!hasState(ordinal) || (code === 0 && row.left !== null))) continue
    if (query.platform !== undefined && (isUser(row) || row.platform !== query.platform)) continue
    kept.push(at)
  }
  if (query.turned === true) kept.reverse()
  return {
    rows: windowOf(kept, (at) => rowOf(must(items[at]))),
    ids: () => kept.map((at) => must(items[at]).id),
  }
}

const must = (row: Principal | undefined): Principal => {
  if (row === undefined) throw new Error('people: a row that is not in the list')
  return row
}

const orderOf = (
  roll: Roll,
  items: readonly Principal[],
  places: readonly Connector[],
  byPlace: StatesByPlace,
  sums: SeatSums,
  { kind, sort = 'name' }: PeopleQuery,
): Uint32Array => {
  const names = byNameOf(roll, kind, items)
  if (sort === 'name') return names
  const ordinals = roll.ordinals[kind]
  const rankByAt = new Uint32Array(items.length)
  names.forEach((at, rank) => (rankByAt[at] = rank))
  const texts = (text: (row: Principal) => string): Uint32Array => byText(items.map(text), rankByAt, names)
  const figures = (of: (at: number) => number): Uint32Array =>
    byFigure(
      Float64Array.from(items, (_, at) => of(at)),
      rankByAt,
      names,
    )
  switch (sort) {
    case 'key':
      return texts((row) => (isUser(row) ? row.userName : row.serialNumber).toLowerCase())
    case 'platform':
      return texts((row) => (isUser(row) ? '' : `${row.platform}\n${row.model}`.toLowerCase()))
    case 'owner':
      return texts((row) => {
        const owner = isUser(row) || row.ownerId === null ? undefined : roll.byOrdinal[ordinalOf(row.ownerId)]
        // Without an owner: last.
        return owner === undefined ? '\uffff' : keyOf(displayNameOf(owner))
      })
    case 'state': {
      const columns = places.map(({ id }) => byPlace.get(id))
      return figures((at) => columns.reduce((sum, column) => sum * states.length + (column?.[ordinals[at] ?? 0] ?? 0), 0))
    }
    case 'seats':
      return figures((at) => -(sums.held[ordinals[at] ?? 0] ?? 0))
    case 'left':
      return figures((at) => -Math.floor(Date.parse(items[at]?.left ?? '') / 1000 || 0))
  }
}
