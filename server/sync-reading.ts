/**
 * What a sync reads from a store: who we are there, licenses and their counts, seats page by page. Nothing is recorded
 * here. An answer that is empty or smaller than what is held is read twice, and believed when both agree.
 */
import type { DirectoryIndex } from './directory/directory.ts'
import type { FactReader } from './facts.ts'
import { readSeatsSurely, suspiciousShare } from './seat-reading.ts'
import type { HolderKey, LicenseRead, LocationIdentity, SeatRead, StoreConnection, StoreFailure } from './stores/store.ts'
import type { Connector } from '../shared/connector.ts'
import { seatsKey } from '../shared/facts.ts'
import { licenseKeyOf, type License } from '../shared/license.ts'
import { err, ok, type Result } from '../shared/result.ts'

/** Holders of one license as read: ordinals of those we know, keys of those we do not. */
export interface ReadHolders {
  readonly known: readonly number[]
  readonly unknown: readonly HolderKey[]
}

/** A walk through the seats of a store. Not full: an increment, which proves additions only. */
export interface Walk {
  readonly full: boolean
  readonly cursor: string | null
  /** By `licenseKeyOf`. */
  readonly holdersByLicense: ReadonlyMap<string, ReadHolders>
  readonly seats: number
}

/** Pages that the walk under way has read, and how many there are where the store tells. */
export type OnPages = (pages: number, totalPages: number | null) => void

/** `held`: the licenses as the facts hold them before the read. */
export interface SyncReading {
  identifyAndClaim(connection: StoreConnection, connector: Connector): Promise<Result<LocationIdentity, StoreFailure>>
  readLicensesTwiceIfShrunken(connection: StoreConnection, held: readonly License[]): Promise<Result<readonly LicenseRead[], StoreFailure>>
  /** `cursor` null: a full walk. */
  readSeatsTwiceIfShrunken(
    connection: StoreConnection,
    cursor: string | null,
    held: readonly License[],
    onPages: OnPages,
  ): Promise<Result<Walk, StoreFailure>>
  readSeatsOfLicense(connection: StoreConnection, license: License): Promise<Result<ReadHolders, StoreFailure>>
}

export interface SyncReadingDeps {
  readonly facts: FactReader
  readonly directory: DirectoryIndex
}

export const createSyncReading = ({ facts, directory }: SyncReadingDeps): SyncReading => {
  const readSeatsTwiceIfShrunken: SyncReading['readSeatsTwiceIfShrunken'] = async (connection, cursor, held, onPages) => {
    const first = await walkSeats(connection, cursor, onPages)
    if (!first.ok || !first.value.full) return first
    let known = 0
    for (const { id } of held) known += (await facts.columns(seatsKey(id))).ordinals.length
    if (first.value.seats >= known * suspiciousShare) return first
    const second = await walkSeats(connection, null, onPages)
    if (!second.ok) return second
    return second.value.seats === first.value.seats ? second : err({ is: 'store-changed-meanwhile' })
  }

  const walkSeats = async (connection: StoreConnection, cursor: string | null, onPages: OnPages): Promise<Result<Walk, StoreFailure>> => {
    const holdersByLicense = new Map<string, CollectedHolders>()
    let seats = 0
    let pages = 0
    const read = await connection.readSeats(cursor, {
      begin: () => {
        holdersByLicense.clear()
        seats = 0
        pages = 0
      },
      page: (page, totalPages) => {
        for (const seat of page) addHolder(holdersByLicense, seat, directory)
        seats += page.length
        pages += 1
        onPages(pages, totalPages)
      },
    })
    return read.ok ? ok({ full: read.value.full, cursor: read.value.cursor, holdersByLicense, seats }) : read
  }

  const readSeatsOfLicense: SyncReading['readSeatsOfLicense'] = async (connection, license) => {
    const held = (await facts.columns(seatsKey(license.id))).ordinals.length
    const seats = await readSeatsSurely(connection, license.product.id, license.pricing, held)
    if (!seats.ok) return seats
    const holders = new Map<string, CollectedHolders>()
    for (const seat of seats.value) addHolder(holders, seat, directory)
    return ok(holders.get(licenseKeyOf(license.product.id, license.pricing)) ?? { known: [], unknown: [] })
  }

  return { identifyAndClaim, readLicensesTwiceIfShrunken, readSeatsTwiceIfShrunken, readSeatsOfLicense }
}

const identifyAndClaim = async (connection: StoreConnection, connector: Connector): Promise<Result<LocationIdentity, StoreFailure>> => {
  const identity = await connection.identify()
  if (!identity.ok || identity.value.owner !== null || !connector.settings.autoClaim) return identity
  const claimed = await connection.claim()
  // A read-only token can't claim; it can read, which is what a sync does.
  return claimed.ok ? claimed : claimed.error.is === 'read-only-token' ? identity : claimed
}

const readLicensesTwiceIfShrunken = async (
  connection: StoreConnection,
  held: readonly License[],
): Promise<Result<readonly LicenseRead[], StoreFailure>> => {
  const first = await connection.readLicenses()
  const known = held.filter(({ gone }) => !gone).length
  if (!first.ok || first.value.length >= known * suspiciousShare) return first
  const second = await connection.readLicenses()
  if (!second.ok) return second
  return second.value.length === first.value.length ? second : err({ is: 'store-changed-meanwhile' })
}

interface CollectedHolders {
  readonly known: number[]
  readonly unknown: HolderKey[]
}

const addHolder = (holdersByLicense: Map<string, CollectedHolders>, seat: SeatRead, directory: DirectoryIndex): void => {
  const key = licenseKeyOf(seat.productId, seat.pricing)
  let holders = holdersByLicense.get(key)
  if (holders === undefined) holdersByLicense.set(key, (holders = { known: [], unknown: [] }))
  const ordinal = directory.ordinalOfKey(seat.holder.kind, seat.holder.key)
  if (ordinal === undefined) holders.unknown.push(seat.holder)
  else holders.known.push(ordinal)
}
