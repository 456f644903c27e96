/**
 * What a sync reads from a store: who we are there, licenses and their counts, seats page by page. Nothing is recorded
 * here. An answer that is empty or smaller than what is held is read twice, and believed when both agree.
 */
import type { FactReader } from './facts.ts'
import { createSeatCollection, type ReadSeats } from './seat-collection.ts'
import { isBelieved, isShrunken, readSeatsSurely } from './seat-reading.ts'
import type { LicenseRead, LocationIdentity, StoreConnection, StoreFailure } from './stores/store.ts'
import type { Connector } from '../shared/connector.ts'
import { seatsKey } from '../shared/facts.ts'
import type { License } from '../shared/license.ts'
import { err, ok, type Result } from '../shared/result.ts'

/** A walk through the seats of a store. Not full: an increment, which proves additions only. */
export interface Walk {
  readonly full: boolean
  readonly cursor: string | null
  readonly seats: ReadSeats
}

/** Pages that the walk under way has read, and how many there are where the store tells. */
export type OnPages = (pages: number, totalPages: number | null) => void

/** Who we are at the store, and what came of putting our name on a Location that nobody holds. */
export interface Identified {
  readonly identity: LocationIdentity
  /** The store took no write with this credential just now. What was known before may be a renewed token's past. */
  readonly readOnly: boolean
}

/** `held`: the licenses as the facts hold them before the read. */
export interface SyncReading {
  identifyAndClaim(connection: StoreConnection, connector: Connector): Promise<Result<Identified, StoreFailure>>
  /** `isAsked`: an administrator asks for everything to be read anew, and so an empty list counts. */
  readLicensesTwiceIfShrunken(
    connection: StoreConnection,
    held: readonly License[],
    isAsked?: boolean,
  ): Promise<Result<readonly LicenseRead[], StoreFailure>>
  /** `cursor` null: a full walk. */
  readSeatsTwiceIfShrunken(
    connection: StoreConnection,
    cursor: string | null,
    held: readonly License[],
    onPages: OnPages,
  ): Promise<Result<Walk, StoreFailure>>
  readSeatsOfLicense(connection: StoreConnection, license: License): Promise<Result<ReadSeats, StoreFailure>>
}

export interface SyncReadingDeps {
  readonly facts: FactReader
}

export const createSyncReading = ({ facts }: SyncReadingDeps): SyncReading => {
  const readSeatsTwiceIfShrunken: SyncReading['readSeatsTwiceIfShrunken'] = async (connection, cursor, held, onPages) => {
    const first = await walkSeats(connection, cursor, onPages)
    if (!first.ok || !first.value.full) return first
    let known = 0
    for (const { id } of held) known += (await facts.columns(seatsKey(id))).ordinals.length
    if (!isShrunken(first.value.seats.count, known)) return first
    const second = await walkSeats(connection, null, onPages)
    if (!second.ok) return second
    return isBelieved(first.value.seats.count, second.value.seats.count, known) ? second : err({ is: 'store-changed-meanwhile' })
  }

  const walkSeats = async (connection: StoreConnection, cursor: string | null, onPages: OnPages): Promise<Result<Walk, StoreFailure>> => {
    const collection = createSeatCollection()
    let pages = 0
    const read = await connection.readSeats(cursor, {
      begin: () => {
        collection.clear()
        pages = 0
      },
      page: (page, totalPages) => {
        collection.add(page)
        pages += 1
        onPages(pages, totalPages)
      },
    })
    return read.ok ? ok({ full: read.value.full, cursor: read.value.cursor, seats: collection.seats() }) : read
  }

  const readSeatsOfLicense: SyncReading['readSeatsOfLicense'] = async (connection, license) => {
    const held = (await facts.columns(seatsKey(license.id))).ordinals.length
    const seats = await readSeatsSurely(connection, license.product.id, license.pricing, held)
    if (!seats.ok) return seats
    const collection = createSeatCollection()
    collection.add(seats.value)
    return ok(collection.seats())
  }

  return { identifyAndClaim, readLicensesTwiceIfShrunken, readSeatsTwiceIfShrunken, readSeatsOfLicense }
}

/** A Location that another service held is claimed by an administrator, never by itself. */
const identifyAndClaim = async (connection: StoreConnection, connector: Connector): Promise<Result<Identified, StoreFailure>> => {
  const identity = await connection.identify()
  if (!identity.ok) return identity
  const asRead: Identified = { identity: identity.value, readOnly: false }
  const isToBeClaimed =
    identity.value.owner === null && connector.settings.autoClaim && connector.foreignOwner === null && !connector.readOnly
  if (!isToBeClaimed) return ok(asRead)
  const claimed = await connection.claim()
  if (claimed.ok) return ok({ ...asRead, identity: claimed.value })
  // Neither keeps a sync from reading: a token that may not claim may read, and so may who came second.
  if (claimed.error.is === 'read-only-token') return ok({ ...asRead, readOnly: true })
  return claimed.error.is === 'foreign-owner' ? ok({ ...asRead, identity: { ...identity.value, owner: claimed.error.owner } }) : claimed
}

const readLicensesTwiceIfShrunken = async (
  connection: StoreConnection,
  held: readonly License[],
  isAsked = false,
): Promise<Result<readonly LicenseRead[], StoreFailure>> => {
  const first = await connection.readLicenses()
  const known = held.filter(({ gone }) => !gone).length
  if (!first.ok || !isShrunken(first.value.length, known)) return first
  const second = await connection.readLicenses()
  if (!second.ok) return second
  if (second.value.length === 0 && connection.namesWhatIsGone === true && !isAsked) return err(emptied(known))
  return isBelieved(first.value.length, second.value.length, known) ? second : err({ is: 'store-changed-meanwhile' })
}

const emptied = (known: number): StoreFailure => ({
  is: 'store-answer-unreadable',
  text: `The store lists nothing at all, where ${known === 1 ? 'a license was' : `${known} licenses were`}. It would name what is gone, so this is not believed, and the old data is kept with its age. Look in the store; if nothing is left there, sync again with everything read anew, and all licenses here are marked as gone.`,
})
