/**
 * Answers for an order what its store can't or will not say: what the store holds is read, and each target is as asked or
 * it is not.
 */
import type { DirectoryIndex } from './directory/directory.ts'
import { normalKey } from './directory/directory.ts'
import { findLicense, licensesOfConnector } from './licenses.ts'
import { holdersOf, holderWord } from './order-holders.ts'
import { readSeatsSurely } from './seat-reading.ts'
import type { HolderKey, StoreConnection, StoreFailure } from './stores/store.ts'
import { seatsKey } from '../shared/facts.ts'
import { licenseKeyOf } from '../shared/license.ts'
import { isLicenseOrder, type LicenseOrder, type LocationOrder, type Order } from '../shared/order.ts'
import { err, ok, type Result } from '../shared/result.ts'

type IsAsAsked = (holder: HolderKey) => boolean

export interface OrderReadingDeps {
  readonly facts: Parameters<typeof licensesOfConnector>[0]
  readonly directory: DirectoryIndex
}

/** `nobody-left-to-ask-for`: its license was let go, or its store keeps no such list. */
export const readAsAsked = (
  deps: OrderReadingDeps,
  connection: StoreConnection,
  order: Order,
): Promise<Result<IsAsAsked | 'nobody-left-to-ask-for', StoreFailure>> =>
  isLicenseOrder(order) ? readSeats(deps, connection, order) : readLocation(deps, connection, order)

const readSeats = async (
  { facts, directory }: OrderReadingDeps,
  connection: StoreConnection,
  order: LicenseOrder,
): Promise<Result<IsAsAsked | 'nobody-left-to-ask-for', StoreFailure>> => {
  const license = await findLicense(facts, order.licenseId)
  if (license === undefined) return ok('nobody-left-to-ask-for')
  const known = (await facts.columns(seatsKey(order.licenseId))).ordinals.length
  const seats = await readSeatsSurely(connection, license.product.id, license.pricing, known)
  if (!seats.ok) return seats
  const holding = new Set(seats.value.map(({ holder }) => holderWord(directory, holder)))
  const gives = order.action === 'associate'
  return ok((holder) => holding.has(holderWord(directory, holder)) === gives)
}

const readLocation = async (
  deps: OrderReadingDeps,
  connection: StoreConnection,
  order: LocationOrder,
): Promise<Result<IsAsAsked | 'nobody-left-to-ask-for', StoreFailure>> => {
  const holders = (await holdersOf(deps.directory, order.open, { facts: deps.facts, connector: order.connectorId })).map(
    ({ holder }) => holder,
  )
  switch (order.action) {
    case 'register-user':
    case 'update-user':
    case 'retire-user': {
      if (connection.people === undefined) return ok('nobody-left-to-ask-for')
      const people = await connection.people.find(holders.map(({ key }) => key))
      if (!people.ok) return people
      const present = new Set(people.value.filter(({ state }) => state !== 'retired').map(({ key }) => normalKey('user', key)))
      const retires = order.action === 'retire-user'
      return ok(({ kind, key }) => present.has(normalKey(kind, key)) !== retires)
    }
    case 'revoke':
      return await readWhoHoldsNothing(deps, connection, order, holders)
    case 'assign-subscription':
    case 'remove-subscription': {
      const terms = order.subscription
      if (connection.subscriptions === undefined || terms === null) return ok('nobody-left-to-ask-for')
      const subscribers = await connection.subscriptions.readSubscribers(terms.id)
      if (!subscribers.ok) return subscribers
      const renewingByKey = new Map(subscribers.value.map(({ key, renewing }) => [normalKey('user', key), renewing]))
      return ok(({ kind, key }) => {
        const renewing = renewingByKey.get(normalKey(kind, key))
        if (order.action === 'assign-subscription') return renewing === terms.renewing
        return terms.deferred ? renewing !== true : renewing === undefined
      })
    }
  }
}

/** A product that we do not know is taken for one that can come back: better asked again than taken for done. */
const readWhoHoldsNothing = async (
  { facts, directory }: OrderReadingDeps,
  connection: StoreConnection,
  order: LocationOrder,
  holders: readonly HolderKey[],
): Promise<Result<IsAsAsked, StoreFailure>> => {
  const irrevocable = new Set(
    (await licensesOfConnector(facts, order.connectorId))
      .filter(({ revocable }) => !revocable)
      .map(({ product, pricing }) => licenseKeyOf(product.id, pricing)),
  )
  const holding = new Set<string>()
  for (const holder of holders) {
    const seats = await connection.readSeatsOfHolder(holder)
    if (!seats.ok) return err(seats.error)
    if (seats.value.some(({ productId, pricing }) => !irrevocable.has(licenseKeyOf(productId, pricing))))
      holding.add(holderWord(directory, holder))
  }
  return ok((holder) => !holding.has(holderWord(directory, holder)))
}
