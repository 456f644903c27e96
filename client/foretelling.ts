/**
 * How a license stands on this device: the facts, this device's edits on top, and reconcile over both. What an unsent
 * edit leads to is foretold here and promised by nobody until the server has answered.
 */
import type { PlacedWish, Verdict } from '../shared/assignment.ts'
import { writingBlockedBy, type Connector } from '../shared/connector.ts'
import {
  claimsKey,
  licensesKey,
  locationOrdersKey,
  ordersKey,
  principalsPerChunk,
  registrationsKey,
  seatsKey,
  wishesKey,
  type Columns,
} from '../shared/facts.ts'
import { docOfLicense, ordinalOf, type ConnectorId, type LicenseId, type TargetKey } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import { weighedOrders, type LicenseOrder } from '../shared/order.ts'
import { reconcile, storePeopleOf, type Reconciled, type ReconcileInput, type WritingBlocked } from '../shared/reconcile.ts'
import type { Registration, RegistrationState } from '../shared/registration.ts'
import { nextTurnOf } from '../shared/touching.ts'
import type { DirectoryReader } from './directory.ts'
import type { ChunkRead, Facts } from './facts.ts'
import type { OutboxRow, SavedEdit } from './local-db.ts'
import { pendingEdits, standingWith, type Standing } from './outbox.ts'

export interface LicenseState {
  readonly license: License
  readonly connector: Connector | undefined
  readonly writingBlocked: WritingBlocked | undefined
  readonly standing: ReadonlyMap<TargetKey, Standing>
  readonly wishes: readonly PlacedWish[]
  readonly seats: Columns
  readonly orders: readonly LicenseOrder[]
  /** What was weighed, for explaining it. */
  readonly input: ReconcileInput
  readonly reconciled: Reconciled
  readonly verdictByOrdinal: ReadonlyMap<number, Verdict>
  /** Edits on top of the facts. */
  readonly pending: number
}

interface HeldState {
  /** What it was made from. */
  readonly of: readonly unknown[]
  readonly state: LicenseState
}

export interface ForetellingDeps {
  readonly facts: Facts
  readonly directory: DirectoryReader
  readonly rows: () => readonly OutboxRow[]
  readonly saved: () => readonly SavedEdit[]
  readonly factsSeq: () => number
}

export interface Foretelling {
  findLicense(id: LicenseId): ChunkRead<License | undefined>
  findConnector(license: License): Connector | undefined
  pendingOf(id: LicenseId): readonly (OutboxRow | SavedEdit)[]
  /** `now` decides whether a credential has expired; a minute's grain is enough. Undefined: no such license. */
  state(id: LicenseId, now: number): ChunkRead<LicenseState | undefined>
  /** The same once everything it needs has been read; undefined as well when this device's store can't be read. */
  load(id: LicenseId, now: number): Promise<LicenseState | undefined>
  /** As if these wishes stood as well, last in the order of serving. */
  stateWith(id: LicenseId, now: number, more: readonly PlacedWish[]): ChunkRead<LicenseState | undefined>
}

const minuteMs = 60_000
/** License, then people, then members: each round finds what the one before asked for. */
const mostRounds = 10
/** States held; each is as large as its license. */
const mostStates = 32
/** Of those with wishes that nobody made yet: a form previews as many licenses at once. */
const mostPreviews = 128

export const createForetelling = ({ facts, directory, rows, saved, factsSeq }: ForetellingDeps): Foretelling => {
  const states = new Map<LicenseId, HeldState>()
  /** The last that was previewed of each license: while others are being read it is not reckoned again. */
  const previews = new Map<LicenseId, HeldState>()

  const findLicense = (id: LicenseId): ChunkRead<License | undefined> => {
    const read = facts.rows(licensesKey(id))
    return read.is === 'loading' ? read : { is: 'ready', value: read.value.find((license) => license.id === id) }
  }

  const findConnector = (license: License): Connector | undefined => {
    const read = facts.rows('connectors')
    return read.is === 'ready' ? read.value.find(({ id }) => id === license.connectorId) : undefined
  }

  const pendingOf = (id: LicenseId): readonly (OutboxRow | SavedEdit)[] => pendingEdits(docOfLicense(id), rows(), saved(), factsSeq())

  /** Whose state at the store is known, by ordinal. `of` is what it was made from. */
  const registrationsAt = (
    connector: ConnectorId,
  ): ChunkRead<{ readonly stateOf: (ordinal: number) => RegistrationState | undefined; readonly of: readonly unknown[] }> => {
    const run = facts.run('principals/')
    if (run.is === 'loading') return run
    const blocks: (readonly Registration[])[] = []
    let loading = false
    for (const key of run.value) {
      const rows = facts.rows(registrationsKey(connector, Number(key.slice('principals/'.length)) * principalsPerChunk))
      if (rows.is === 'loading') loading = true
      else blocks.push(rows.value)
    }
    if (loading) return { is: 'loading' }
    let states: Map<number, RegistrationState> | undefined
    const stateOf = (ordinal: number): RegistrationState | undefined =>
      (states ??= new Map(blocks.flat().map((row) => [ordinalOf(row.id), row.state]))).get(ordinal)
    return { is: 'ready', value: { stateOf, of: blocks } }
  }

  const read = (id: LicenseId, now: number, more: readonly PlacedWish[]): ChunkRead<LicenseState | undefined> => {
    const found = findLicense(id)
    const connectors = facts.rows('connectors')
    const wishes = facts.rows(wishesKey(id))
    const claims = facts.rows(claimsKey(id))
    const seats = facts.columns(seatsKey(id))
    const orders = facts.rows(ordersKey(id))
    if (
      found.is === 'loading' ||
      connectors.is === 'loading' ||
      wishes.is === 'loading' ||
      claims.is === 'loading' ||
      seats.is === 'loading' ||
      orders.is === 'loading'
    )
      return { is: 'loading' }
    const license = found.value
    if (license === undefined) return { is: 'ready', value: undefined }
    const connector = findConnector(license)
    const locationOrders = facts.rows(locationOrdersKey(license.connectorId))
    if (locationOrders.is === 'loading') return locationOrders
    const registrations = registrationsAt(license.connectorId)
    if (registrations.is === 'loading') return registrations
    const minute = now - (now % minuteMs)
    const writingBlocked = connector === undefined ? undefined : writingBlockedBy(connector, minute)
    const pending = pendingOf(id)
    const standing = standingWith(wishes.value, pending)
    const standingWishes = [...standing.values()].map(({ placed }) => placed)
    const all =
      more.length === 0 ? standingWishes : [...standingWishes.filter(({ key }) => !more.some((wish) => wish.key === key)), ...more]
    const people = directory.forWishes(all.map(({ key }) => key))
    if (people.is === 'loading') return people
    const of = [
      license,
      connector,
      writingBlocked,
      wishes.value,
      claims.value,
      nextTurnOf(all, minute),
      seats.value,
      orders.value,
      locationOrders.value,
      ...registrations.value.of,
      ...people.value.of,
      ...pending,
      more.length === 0 ? '' : JSON.stringify(more),
    ]
    const holds = more.length === 0 ? states : previews
    const held = holds.get(id)
    if (held !== undefined && held.of.length === of.length && held.of.every((part, at) => part === of[at]))
      return { is: 'ready', value: held.state }
    const input: ReconcileInput = {
      now: minute,
      license,
      writingBlocked,
      wishes: all,
      claims: claims.value,
      seats: seats.value,
      orders: weighedOrders(orders.value),
      locationOrders: locationOrders.value,
      people: storePeopleOf(connector, registrations.value.stateOf),
      directory: people.value.directory,
    }
    const reconciled = reconcile(input)
    const state: LicenseState = {
      license,
      connector,
      writingBlocked,
      standing,
      wishes: all,
      seats: seats.value,
      orders: orders.value,
      input,
      reconciled,
      verdictByOrdinal: new Map(reconciled.verdicts.map((verdict) => [verdict.ordinal, verdict])),
      pending: pending.length,
    }
    holds.delete(id)
    holds.set(id, { of, state })
    if (holds.size > (more.length === 0 ? mostStates : mostPreviews))
      for (const oldest of holds.keys()) {
        holds.delete(oldest)
        break
      }
    return { is: 'ready', value: state }
  }

  return {
    findLicense,
    findConnector,
    pendingOf,
    state: (id, now) => read(id, now, []),
    load: async (id, now) => {
      for (let round = 0; round < mostRounds; round += 1) {
        const state = read(id, now, [])
        if (state.is === 'ready') return state.value
        await facts.loaded()
      }
      return undefined
    },
    stateWith: read,
  }
}
