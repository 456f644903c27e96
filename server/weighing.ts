/**
 * What reconcile weighs for one license. Groups and the store's list of people are read beforehand: an act of the journal
 * that reads beside itself would wait for its own end.
 */
import type { DirectoryIndex } from './directory/directory.ts'
import type { FactReader } from './facts.ts'
import { findLicense } from './licenses.ts'
import type { PlacedWish } from '../shared/assignment.ts'
import { writingBlockedBy } from '../shared/connector.ts'
import { claimsKey, locationOrdersKey, ordersKey, seatsKey, wishesKey } from '../shared/facts.ts'
import { targetOf, type GroupId, type LicenseId } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import { weighedOrders } from '../shared/order.ts'
import { storePeopleOf, type ReconcileInput } from '../shared/reconcile.ts'
import type { RegistrationState } from '../shared/registration.ts'

/** What has been read, for one license. */
export interface Weighing {
  readonly license: LicenseId
  readonly directory: DirectoryIndex
  /** The groups that its wishes name, and those nested in them. */
  readonly groups: ReadonlySet<GroupId>
  readonly registrations: ReadonlyMap<number, RegistrationState>
}

export const groupsIn = (wishes: readonly PlacedWish[]): ReadonlySet<GroupId> => {
  const groups = new Set<GroupId>()
  for (const { key } of wishes) {
    const target = targetOf(key)
    if (target.kind === 'group') groups.add(target.id)
  }
  return groups
}

/** Not inside an act. `wishes` are those to be weighed, where they are not the ones that stand. Undefined: no such license. */
export const prepareWeighing = async (
  deps: { readonly facts: FactReader; readonly directory: DirectoryIndex },
  id: LicenseId,
  wishes?: readonly PlacedWish[],
): Promise<Weighing | undefined> => {
  const { facts, directory } = deps
  const license = await findLicense(facts, id)
  if (license === undefined) return undefined
  const groups = await directory.prepare(groupsIn(wishes ?? (await facts.rows(wishesKey(id)))))
  return { license: id, directory, groups, registrations: await directory.registrationsAt(license.connectorId) }
}

/** As the facts are, in an act or outside. Undefined when the license was let go meanwhile. */
export const weigh = async (facts: FactReader, weighing: Weighing, now: number): Promise<ReconcileInput | undefined> => {
  const license = await findLicense(facts, weighing.license)
  return license === undefined ? undefined : await weighLicense(facts, license, weighing, now)
}

/** The same for a license as it was read; with `wishes` given, for those instead of the ones that stand. */
export const weighLicense = async (
  facts: FactReader,
  license: License,
  { directory, registrations }: Pick<Weighing, 'directory' | 'registrations'>,
  now: number,
  wishes?: readonly PlacedWish[],
): Promise<ReconcileInput> => {
  const connector = (await facts.rows('connectors')).find((row) => row.id === license.connectorId)
  return {
    now,
    license,
    writingBlocked: connector === undefined ? 'not-connected' : writingBlockedBy(connector, now),
    wishes: wishes ?? (await facts.rows(wishesKey(license.id))),
    claims: await facts.rows(claimsKey(license.id)),
    seats: await facts.columns(seatsKey(license.id)),
    orders: weighedOrders(await facts.rows(ordersKey(license.id))),
    locationOrders: await facts.rows(locationOrdersKey(license.connectorId)),
    people: storePeopleOf(connector, (ordinal) => registrations.get(ordinal)),
    directory,
  }
}
