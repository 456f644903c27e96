/** One person or device: how they stand at each Location, what they hold, what is wished for them and why it stands as it does. */
import { becauseInWords, type Verdict } from '../../shared/assignment.ts'
import type { Connector } from '../../shared/connector.ts'
import {
  indexOfOrdinal,
  locationOrdersKey,
  membersKey,
  principalsKey,
  registrationsKey,
  seatAt,
  wishesKey,
  type Columns,
} from '../../shared/facts.ts'
import { ordinalOf, targetOf, type PrincipalId, type TargetKey } from '../../shared/ids.ts'
import { leaverDueAt } from '../../shared/leavers.ts'
import type { License, Seat } from '../../shared/license.ts'
import { isOpen, type LocationAction, type LocationOrder, type OrderFailure } from '../../shared/order.ts'
import { isUser, joinsByOf, type Device, type Principal, type User } from '../../shared/principal.ts'
import {
  notRegisteredInWords,
  registrationInWords,
  whyNotRegistered,
  whyNotRetired,
  type NotAskedBecause,
  type Registration,
} from '../../shared/registration.ts'
import type { DirectoryReader, TargetName } from '../directory.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import type { Foretelling } from '../foretelling.ts'
import { ordersInFacts } from './activity.ts'
import { nestingIn } from './group-nesting.ts'
import { companyOf, orderRow, type OrderRow } from './order-row.ts'
import type { ToGain } from './people-list.ts'
import type { StandingState } from './people-query.ts'

/** How a person stands at one Location, and what that means for their seats there. */
export interface StandingRow {
  readonly connector: Connector
  readonly state: StandingState
  /** ISO 8601: when we first saw it. */
  readonly since: string | null
  readonly meaning: string
  /** Where the store knows them by another mail address or user name than the directory. */
  readonly email: string
  readonly storeKey: string | undefined
  readonly closedRecords: number
  /** An order about them that is not over. */
  readonly underWay: LocationAction | undefined
  readonly notRegistrable: NotAskedBecause | undefined
  readonly notRetirable: NotAskedBecause | undefined
  /** Seats held there; how many assignments ask for one and are not served. */
  readonly seats: number
  readonly unserved: number
}

export interface HeldRow {
  readonly license: License
  readonly connector: Connector | undefined
  readonly seat: Seat
  /** Undefined: no wish touches them, the seat was found. */
  readonly verdict: Verdict | undefined
  /** Can it come back, and why not. */
  readonly returns: string
}

export interface WishedRow {
  readonly license: License
  readonly connector: Connector | undefined
  readonly verdict: Verdict
  readonly because: string
  readonly by: TargetName
  /** Decided by an edit that the server has not taken. */
  readonly foretold: boolean
}

export interface OrderOfThem {
  readonly row: OrderRow
  readonly license: License | undefined
  readonly connector: Connector | undefined
  /** Of this very person or device. */
  readonly failure: OrderFailure | undefined
}

export interface PrincipalPage {
  readonly principal: Principal
  /** Of a device. */
  readonly owner: Principal | undefined
  /** Of a person, by name. */
  readonly devices: readonly Device[]
  /** One for each Location that keeps a list of people; none for a device. */
  readonly standings: readonly StandingRow[]
  /** Where something can be taken back at one go: every Location at which seats are held. */
  readonly holdsAt: readonly Connector[]
  readonly seats: readonly HeldRow[]
  readonly toGain: ToGain | undefined
  /** Of a leaver: what the connectors' rules do about the seats, and when. */
  readonly byRule: string
  /** Not served first, then by product. Those who are served stand under their seat. */
  readonly wished: readonly WishedRow[]
  /** Not over, or failed for them; newest first. */
  readonly orders: readonly OrderOfThem[]
}

interface Looked {
  readonly facts: Facts
  readonly directory: DirectoryReader
  readonly foretelling: Foretelling
  now(): number
}

/** Thrown through the reading of a page when a chunk is still on its way, and caught at its one door. */
class Loading extends Error {}

const ready = <T>(read: ChunkRead<T>): T => {
  if (read.is === 'loading') throw new Loading()
  return read.value
}

/** Undefined inside: there is no such person or device. */
export const principalPage = (sources: Looked, id: PrincipalId): ChunkRead<PrincipalPage | undefined> => {
  try {
    return { is: 'ready', value: pageOf(sources, id) }
  } catch (thrown) {
    if (thrown instanceof Loading) return { is: 'loading' }
    throw thrown
  }
}

const pageOf = ({ facts, directory, foretelling, now }: Looked, id: PrincipalId): PrincipalPage | undefined => {
  const ordinal = ordinalOf(id)
  const principal = ready(facts.rows(principalsKey(ordinal))).find((row) => row.id === id)
  if (principal === undefined) return undefined
  const connectors = ready(facts.rows('connectors'))
  const connectorById = new Map(connectors.map((row) => [row.id, row]))
  const licenses = ready(facts.run('licenses/')).flatMap((key) => ready(facts.rows(key)))
  const columnsByKey = new Map<string, Columns>(ready(facts.run('seats/')).map((key) => [key, ready(facts.columns(key))]))
  ready(facts.run('wishes/'))
  const people = ready(directory.people())

  const seats: HeldRow[] = []
  const wished: WishedRow[] = []
  for (const license of licenses) {
    const connector = connectorById.get(license.connectorId)
    const columns = columnsByKey.get(`seats/${license.id}`)
    const at = columns === undefined ? -1 : indexOfOrdinal(columns.ordinals, ordinal)
    const touched =
      foretelling.pendingOf(license.id).length > 0 ||
      ready(facts.rows(wishesKey(license.id))).some(({ key }) => touches(facts, key, principal))
    const state = touched ? ready(foretelling.state(license.id, now())) : undefined
    const verdict = state?.verdictByOrdinal.get(ordinal)
    if (columns !== undefined && at >= 0)
      seats.push({ license, connector, seat: seatAt(columns, at), verdict, returns: returnsInWords(license) })
    if (verdict !== undefined && (at < 0 || verdict.state !== 'placed'))
      wished.push({
        license,
        connector,
        verdict,
        because: becauseInWords(verdict.because),
        by: directory.nameOfTarget(verdict.key),
        foretold: state?.standing.get(verdict.key)?.unsent === true,
      })
  }
  seats.sort((a, b) => byProduct(a.license, b.license))
  wished.sort((a, b) => served(a.verdict) - served(b.verdict) || byProduct(a.license, b.license))

  const orders = ready(ordersInFacts(facts))
  const company = companyOf(orders)
  const licenseById = new Map(licenses.map((license) => [license.id, license]))
  const aboutThem = orders
    .filter((order) => order.open.includes(ordinal) || order.failures.some((failure) => failure.ordinal === ordinal))
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
    .map((order): OrderOfThem => ({
      row: orderRow(order, (one) => people.nameOf(one, 'user'), company),
      license: order.licenseId === null ? undefined : licenseById.get(order.licenseId),
      connector: connectorById.get(order.connectorId),
      failure: order.failures.find((failure) => failure.ordinal === ordinal),
    }))

  const returns = seats.filter(({ license }) => license.revocable).length
  const held = new Set(seats.map(({ license }) => license.connectorId))
  return {
    principal,
    owner: isUser(principal) || principal.ownerId === null ? undefined : people.find(principal.ownerId),
    devices: isUser(principal) ? devicesOf(facts, principal) : [],
    standings: isUser(principal)
      ? connectors.flatMap((connector) => (connector.people === null ? [] : standingRow(facts, connector, principal, seats, wished)))
      : [],
    holdsAt: connectors.filter((row) => held.has(row.id)),
    seats,
    byRule: byRuleInWords(principal, seats),
    toGain:
      principal.left === null || seats.length === 0
        ? undefined
        : { since: principal.left, seats: returns, forGood: seats.length - returns },
    wished,
    orders: aboutThem,
  }
}

const byRuleInWords = (principal: Principal, seats: readonly HeldRow[]): string => {
  const dueBy = new Map<string, number>()
  for (const { license, connector } of seats) {
    const at = connector === undefined || !license.revocable ? undefined : leaverDueAt(principal, connector.settings)
    if (at !== undefined && connector !== undefined) dueBy.set(connector.name, at)
  }
  if (dueBy.size === 0) return 'Nothing is taken by itself.'
  const said = [...dueBy].map(
    ([name, at]) =>
      `those at ${name} on ${new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(at))}`,
  )
  return `Seats are given back by the connector's rule: ${said.join('; ')}. Who comes back before then keeps them.`
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
const byProduct = (a: License, b: License): number => collator.compare(a.product.name, b.product.name) || (a.id < b.id ? -1 : 1)
const ranks: Record<Verdict['state'], number> = { refused: 0, waiting: 1, pending: 2, released: 3, placed: 4, excluded: 5 }
const served = ({ state }: Verdict): number => ranks[state]

/** Groups, and those nested in them, are looked into only where a wish names them. */
const touches = (facts: Facts, key: TargetKey, principal: Principal): boolean => {
  const target = targetOf(key)
  switch (target.kind) {
    case 'user':
    case 'device':
      return target.id === principal.id
    case 'group':
      return nestingIn(ready(facts.rows('groups')))
        .within(target.id)
        .some((id) => indexOfOrdinal(ready(facts.columns(membersKey(id))).ordinals, ordinalOf(principal.id)) >= 0)
    case 'all-users':
      return isUser(principal)
    case 'all-devices':
      return !isUser(principal)
  }
}

const returnsInWords = ({ revocable, gone, product }: License): string =>
  !revocable
    ? `Given for good${product.kind === 'book' ? ', as every book is' : ''}`
    : gone
      ? 'The store no longer lists this license'
      : 'Can come back'

const devicesOf = (facts: Facts, person: User): readonly Device[] =>
  ready(facts.run('principals/'))
    .flatMap((key) => ready(facts.rows(key)).filter((row): row is Device => !isUser(row) && row.ownerId === person.id))
    .sort((a, b) => collator.compare(a.name || a.serialNumber, b.name || b.serialNumber))

const standingRow = (
  facts: Facts,
  connector: Connector,
  person: User,
  seats: readonly HeldRow[],
  wished: readonly WishedRow[],
): StandingRow => {
  const ordinal = ordinalOf(person.id)
  const registration = ready(facts.rows(registrationsKey(connector.id, ordinal))).find((row) => row.id === person.id)
  const underWay = ready(facts.rows(locationOrdersKey(connector.id))).find((order) => isAbout(order, ordinal))
  return {
    connector,
    state: registration?.state ?? 'none',
    since: registration?.since ?? null,
    meaning: meaningOf(connector, person, registration),
    email: registration?.email ?? '',
    storeKey: registration?.storeKey,
    closedRecords: registration?.closedRecords ?? 0,
    underWay: underWay?.action,
    notRegistrable: whyNotRegistered(person, registration),
    notRetirable: whyNotRetired(registration),
    seats: seats.filter(({ license }) => license.connectorId === connector.id).length,
    unserved: wished.filter(({ license, verdict }) => license.connectorId === connector.id && isUnserved(verdict)).length,
  }
}

const isAbout = (order: LocationOrder, ordinal: number): boolean => isOpen(order) && order.open.includes(ordinal)
const isUnserved = ({ state }: Verdict): boolean => state === 'waiting' || state === 'refused' || state === 'pending'

const meaningOf = (connector: Connector, person: User, registration: Registration | undefined): string => {
  if (connector.people?.asOf === null) return 'The list of people was not read yet. The next sync reads it'
  return registration === undefined ? notRegisteredInWords[joinsByOf(person)] : registrationInWords[registration.state]
}
