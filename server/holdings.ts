/** What people and devices hold at a Location, and what the assignments ask for them: told before it is taken from them. */
import type { DirectoryIndex } from './directory/directory.ts'
import type { FactReader, FactStore } from './facts.ts'
import { licensesOfConnector } from './licenses.ts'
import { groupsIn } from './weighing.ts'
import type { SeatRead } from './stores/store.ts'
import type { PlacedWish } from '../shared/assignment.ts'
import { indexOfOrdinal, seatsKey, wishesKey } from '../shared/facts.ts'
import { targetOf, type ConnectorId, type LicenseId } from '../shared/ids.ts'
import { licenseKeyOf, type License } from '../shared/license.ts'

export interface HeldSeat {
  /** Null: the store names a product that no sync has seen yet. */
  readonly licenseId: LicenseId | null
  readonly productId: string
  readonly pricing: string | null
  readonly name: string
  readonly revocable: boolean
}

export interface Holding {
  readonly ordinal: number
  /** Can come back. */
  readonly returns: readonly HeldSeat[]
  /** Given for good. */
  readonly stays: readonly HeldSeat[]
  /** Licenses that assignments ask for this person or device. */
  readonly wished: readonly License[]
}

type LicenseFacts = FactReader & { readonly store: Pick<FactStore, 'keys'> }
export interface HoldingsDeps {
  readonly facts: LicenseFacts
  readonly directory: DirectoryIndex
}

/** `seats`: as the store told them just now; left out, as the facts hold them. In the order of `ordinals`. */
export const readHoldings = async (
  { facts, directory }: HoldingsDeps,
  connector: ConnectorId,
  ordinals: readonly number[],
  seats?: ReadonlyMap<number, readonly SeatRead[]>,
): Promise<readonly Holding[]> => {
  const licenses = await licensesOfConnector(facts, connector)
  const heldByOrdinal = seats === undefined ? await heldInFacts(facts, licenses, ordinals) : heldAtStore(licenses, seats)
  const wishedByOrdinal = new Map<number, License[]>(ordinals.map((ordinal) => [ordinal, []]))
  for (const license of licenses) {
    const wishes = await facts.rows(wishesKey(license.id))
    if (wishes.length === 0) continue
    await directory.prepare(groupsIn(wishes))
    for (const [ordinal, wished] of wishedByOrdinal) if (isWished(wishes, directory, ordinal)) wished.push(license)
  }
  return ordinals.map((ordinal) => {
    const held = heldByOrdinal.get(ordinal) ?? []
    return {
      ordinal,
      returns: held.filter(({ revocable }) => revocable),
      stays: held.filter(({ revocable }) => !revocable),
      wished: wishedByOrdinal.get(ordinal) ?? [],
    }
  })
}

const seatOf = ({ id, product, pricing, revocable }: License): HeldSeat => ({
  licenseId: id,
  productId: product.id,
  pricing,
  name: product.name,
  revocable,
})

const heldInFacts = async (
  facts: FactReader,
  licenses: readonly License[],
  ordinals: readonly number[],
): Promise<ReadonlyMap<number, readonly HeldSeat[]>> => {
  const heldByOrdinal = new Map<number, HeldSeat[]>(ordinals.map((ordinal) => [ordinal, []]))
  for (const license of licenses) {
    const seats = await facts.columns(seatsKey(license.id))
    for (const [ordinal, held] of heldByOrdinal) if (indexOfOrdinal(seats.ordinals, ordinal) >= 0) held.push(seatOf(license))
  }
  return heldByOrdinal
}

/** A product that no sync has seen yet is taken for one that can come back: the store takes back all that it can. */
const heldAtStore = (
  licenses: readonly License[],
  seats: ReadonlyMap<number, readonly SeatRead[]>,
): ReadonlyMap<number, readonly HeldSeat[]> => {
  const licenseByKey = new Map(licenses.map((license) => [licenseKeyOf(license.product.id, license.pricing), license]))
  return new Map(
    [...seats].map(([ordinal, reads]) => [
      ordinal,
      reads.map(({ productId, pricing }) => {
        const license = licenseByKey.get(licenseKeyOf(productId, pricing))
        return license === undefined ? { licenseId: null, productId, pricing, name: productId, revocable: true } : seatOf(license)
      }),
    ]),
  )
}

const isWished = (wishes: readonly PlacedWish[], directory: DirectoryIndex, ordinal: number): boolean => {
  const touching = wishes.filter(({ key }) => isMember(key, directory, ordinal)).map(({ wish }) => wish)
  return touching.some((wish) => wish.mode === 'include' && wish.intent === 'required') && !touching.some(({ mode }) => mode === 'exclude')
}

const isMember = (key: PlacedWish['key'], directory: DirectoryIndex, ordinal: number): boolean => {
  const target = targetOf(key)
  const principal = directory.principal(ordinal)
  switch (target.kind) {
    case 'user':
    case 'device':
      return Number(target.id.slice(1)) === ordinal
    case 'group': {
      const members = directory.members(target.id)
      return members !== undefined && indexOfOrdinal(members, ordinal) >= 0
    }
    case 'all-users':
      return principal?.kind === 'user' && !principal.left
    case 'all-devices':
      return principal?.kind === 'device' && !principal.left
  }
}
