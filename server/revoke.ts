/**
 * Taking back from people and devices all that their store can take back: a device is lost, a person has left. As
 * dangerous as it sounds, so what would go is read afresh and shown first, and read once more when it is asked for; that
 * list stays in the audit log, from which it can be given again.
 */
import { appendAudit } from './audit.ts'
import type { Connections } from './connections.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import { readHoldings, type Holding } from './holdings.ts'
import type { Journal } from './journal.ts'
import { planChanges, type PlanChange } from './order-rows.ts'
import type { Orders } from './orders.ts'
import { storeKeyAt } from './registrations.ts'
import { unwish } from './unwish.ts'
import type { SeatRead, StoreConnection, StoreFailure } from './stores/store.ts'
import type { IntentsRefused, Workspace } from './workspace.ts'
import type { Actor } from '../shared/admin.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import { writingBlockedBy } from '../shared/connector.ts'
import { wishesKey } from '../shared/facts.ts'
import { ordinalOf, principalIdOf, type ConnectorId, type LicenseId, type PrincipalId } from '../shared/ids.ts'
import type { LocationOrder } from '../shared/order.ts'
import { isUser, normalSerialNumber } from '../shared/principal.ts'
import type { WritingBlocked } from '../shared/reconcile.ts'
import { err, ok, type Result } from '../shared/result.ts'

export type RevokeRefused =
  | { readonly is: 'connector-unknown' }
  | { readonly is: 'no-credential' }
  | { readonly is: 'store-not-writable'; readonly why: WritingBlocked }
  | { readonly is: 'principals-unknown'; readonly ids: readonly string[] }
  | { readonly is: 'store'; readonly failure: StoreFailure }
  | { readonly is: 'plan-refused'; readonly refused: IntentsRefused }
  /** They hold nothing that can come back, or it is being taken already. */
  | { readonly is: 'nothing-to-take'; readonly holdings: readonly Holding[] }

export interface Revoking {
  /** What would go and what would stay, as the store tells it now. `assignments`: those that would be removed, or be excluded from. */
  preview(
    connector: ConnectorId,
    ids: readonly PrincipalId[],
  ): Promise<Result<{ readonly holdings: readonly Holding[]; readonly assignments: number; readonly asOf: string }, RevokeRefused>>
  revoke(
    actor: Actor,
    connector: ConnectorId,
    ids: readonly PrincipalId[],
  ): Promise<Result<{ readonly order: LocationOrder; readonly holdings: readonly Holding[] }, RevokeRefused>>
}

export interface RevokingDeps {
  readonly journal: Journal
  readonly connections: Connections
  readonly directory: DirectoryIndex
  readonly workspace: Pick<Workspace, 'takeIntents'>
  readonly orders: Pick<Orders, 'planLocation'>
  readonly clock: Clock
}

/** Each is one question to the store before anything is taken. */
export const mostRevoked = 100

export const createRevoking = (deps: RevokingDeps): Revoking => {
  const { journal, connections, directory, workspace, orders, clock } = deps

  const read = async (connectorId: ConnectorId, ids: readonly PrincipalId[]): Promise<Result<readonly Holding[], RevokeRefused>> => {
    const connector = (await journal.rows('connectors')).find((row) => row.id === connectorId)
    if (connector === undefined) return err({ is: 'connector-unknown' })
    const strangers = ids.filter((id) => directory.principal(ordinalOf(id)) === undefined)
    if (strangers.length > 0) return err({ is: 'principals-unknown', ids: strangers })
    const connection = await connections.of(connectorId, connector.kind)
    if (connection === undefined) return err({ is: 'no-credential' })
    const why = writingBlockedBy(connector, clock.now())
    if (why !== undefined) return err({ is: 'store-not-writable', why })
    const ordinals = [...new Set(ids.map(ordinalOf))]
    const seats = await seatsOf(connectorId, connection, ordinals)
    if (!seats.ok) return err({ is: 'store', failure: seats.error })
    return ok(await readHoldings({ facts: journal, directory }, connectorId, ordinals, seats.value))
  }

  const seatsOf = async (
    connectorId: ConnectorId,
    connection: StoreConnection,
    ordinals: readonly number[],
  ): Promise<Result<ReadonlyMap<number, readonly SeatRead[]>, StoreFailure>> => {
    const seats = new Map<number, readonly SeatRead[]>()
    for (const ordinal of ordinals) {
      const principal = await directory.find(ordinal)
      if (principal === undefined) continue
      const held = await connection.readSeatsOfHolder(
        isUser(principal)
          ? { kind: 'user', key: await storeKeyAt(journal, connectorId, principal) }
          : { kind: 'device', key: normalSerialNumber(principal.serialNumber) },
      )
      if (!held.ok) return held
      seats.set(ordinal, held.value)
    }
    return ok(seats)
  }

  /** By license: whose seats go. */
  const losersOf = (holdings: readonly Holding[]): ReadonlyMap<LicenseId, readonly number[]> => {
    const losers = new Map<LicenseId, number[]>()
    for (const { ordinal, returns } of holdings)
      for (const { licenseId } of returns) if (licenseId !== null) losers.set(licenseId, [...(losers.get(licenseId) ?? []), ordinal])
    return losers
  }

  return {
    preview: async (connectorId, ids) => {
      const holdings = await read(connectorId, ids)
      if (!holdings.ok) return holdings
      let assignments = 0
      for (const [license, ordinals] of losersOf(holdings.value))
        assignments += (await unwish({ facts: journal, directory }, license, ordinals)).length
      return ok({ holdings: holdings.value, assignments, asOf: isoTime(clock.now()) })
    },
    /** 1. What do they hold? 2. Nobody asks for these seats any more. 3. One act: the order, and the list of what goes. */
    revoke: async (actor, connectorId, ids) => {
      const holdings = await read(connectorId, ids)
      if (!holdings.ok) return holdings
      const losing = holdings.value.filter(({ returns }) => returns.length > 0)
      if (losing.length === 0) return err({ is: 'nothing-to-take', holdings: holdings.value })
      const plan: PlanChange[] = []
      for (const [license, ordinals] of losersOf(losing)) {
        const before = await journal.rows(wishesKey(license))
        const intents = await unwish({ facts: journal, directory }, license, ordinals)
        if (intents.length === 0) continue
        const words = `Take back from ${intents.length === 1 ? 'one who is assigned it' : `${intents.length} who are assigned it`}, with all else that they hold`
        const taken = await workspace.takeIntents(actor, license, intents, words, 'api')
        if ('code' in taken) return err({ is: 'plan-refused', refused: taken })
        plan.push(...planChanges(license, intents, before, await journal.rows(wishesKey(license))))
      }
      const seats = [...losersOf(losing)].map(([license, ordinals]) => ({ license, ordinals }))
      return await journal.write(async (write) => {
        const order = await orders.planLocation(write, {
          connectorId,
          action: 'revoke',
          ordinals: losing.map(({ ordinal }) => ordinal),
          by: actor.name,
          cause: 'hand',
          found: { plan, seats },
        })
        if (order === undefined) return err({ is: 'nothing-to-take' as const, holdings: holdings.value })
        await appendAudit(write.trx, {
          at: clock.now(),
          actor,
          action: 'seats.revoke-asked',
          object: connectorId,
          detail: { order: order.id, held: losing.map(heldInAudit(directory)) },
          origin: 'api',
        })
        return ok({ order, holdings: holdings.value })
      })
    },
  }
}

const heldInAudit =
  (directory: DirectoryIndex) =>
  ({ ordinal, returns, stays }: Holding) => ({
    principal: principalIdOf(directory.principal(ordinal)?.kind ?? 'device', ordinal),
    goes: returns.map(({ productId, pricing }) => ({ productId, pricing })),
    stays: stays.map(({ productId, pricing }) => ({ productId, pricing })),
  })
