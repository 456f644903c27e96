/**
 * Taking seats back by hand. A seat that an assignment asks for would be given again at once, so reclaiming it also says
 * so in the plan: the assignment of that very person or device is removed; one who is asked for as a member of a group is
 * excluded. That is an act of the administrator like any other, judged by the workspace.
 */
import { appendAudit } from './audit.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal } from './journal.ts'
import { findLicense } from './licenses.ts'
import { foundOf, keepFound, planChanges, type PlanChange } from './order-rows.ts'
import type { Orders } from './orders.ts'
import { unwish } from './unwish.ts'
import { prepareWeighing, weigh } from './weighing.ts'
import type { IntentsRefused, Workspace } from './workspace.ts'
import type { Actor } from '../shared/admin.ts'
import type { Clock } from '../shared/clock.ts'
import { writingBlockedBy } from '../shared/connector.ts'
import { indexOfOrdinal, ordersKey, seatsKey, wishesKey } from '../shared/facts.ts'
import { principalIdOf, type LicenseId } from '../shared/ids.ts'
import { mostIntents } from '../shared/plan.ts'
import { reconcile, type WritingBlocked } from '../shared/reconcile.ts'
import type { Order } from '../shared/order.ts'
import { err, ok, type Result } from '../shared/result.ts'

export type ReclaimRefused =
  | { readonly is: 'license-unknown' }
  | { readonly is: 'irrevocable' }
  | { readonly is: 'store-not-writable'; readonly why: WritingBlocked }
  | { readonly is: 'no-seat'; readonly ordinals: readonly number[] }
  /** Assignments ask for these seats: with a grace period the plan is left alone, so they would only be given back to stay. */
  | { readonly is: 'asked-for'; readonly ordinals: readonly number[] }
  | { readonly is: 'plan-refused'; readonly refused: IntentsRefused }

export interface Reclaim {
  /**
   * Gives the orders that take these seats back, the ones that were under way already among them. Each holds a seat of the
   * license. With hours of grace the order waits that long, can be cancelled until then, and looks once more before it leaves.
   */
  (actor: Actor, license: LicenseId, ordinals: readonly number[], graceHours?: number): Promise<Result<readonly Order[], ReclaimRefused>>
}

/** Targets of one call: what one edit of the plan may hold. */
export const mostReclaimed = mostIntents

const hourMs = 60 * 60_000

export const createReclaim = (deps: {
  readonly journal: Journal
  readonly workspace: Workspace
  readonly orders: Orders
  readonly directory: DirectoryIndex
  readonly clock: Clock
}): Reclaim => {
  const { journal, workspace, orders, directory, clock } = deps

  const nameOf = (ordinal: number): string => principalIdOf(directory.principal(ordinal)?.kind ?? 'device', ordinal)

  const isGone = (ordinal: number): boolean => {
    const principal = directory.principal(ordinal)
    return principal === undefined || principal.left || !principal.active
  }

  /** Who is there and whose seat a wish asks for. */
  const askedFor = async (license: LicenseId, ordinals: readonly number[]): Promise<readonly number[]> => {
    const weighing = await prepareWeighing({ facts: journal, directory }, license)
    const input = weighing === undefined ? undefined : await weigh(journal, weighing, clock.now())
    if (input === undefined) return []
    const placed = new Set(
      reconcile(input)
        .verdicts.filter(({ state }) => state === 'placed')
        .map(({ ordinal }) => ordinal),
    )
    return ordinals.filter((ordinal) => placed.has(ordinal) && !isGone(ordinal))
  }

  /** 1. Can it be done at all? 2. Nobody asks for these seats any more. 3. One act: the orders for those not yet under way. */
  return async (actor, licenseId, ordinals, graceHours = 0) => {
    const license = await findLicense(journal, licenseId)
    if (license === undefined) return err({ is: 'license-unknown' })
    if (!license.revocable) return err({ is: 'irrevocable' })
    const connector = (await journal.rows('connectors')).find(({ id }) => id === license.connectorId)
    const why = connector === undefined ? 'not-connected' : writingBlockedBy(connector, clock.now())
    if (why !== undefined) return err({ is: 'store-not-writable', why })
    const seats = await journal.columns(seatsKey(licenseId))
    const without = ordinals.filter((ordinal) => indexOfOrdinal(seats.ordinals, ordinal) < 0)
    if (without.length > 0) return err({ is: 'no-seat', ordinals: without })

    const waits = graceHours > 0
    let plan: readonly PlanChange[] = []
    if (waits) {
      const asked = await askedFor(licenseId, ordinals)
      if (asked.length > 0) return err({ is: 'asked-for', ordinals: asked })
    } else {
      const before = await journal.rows(wishesKey(licenseId))
      const intents = await unwish({ facts: journal, directory }, licenseId, ordinals)
      if (intents.length > 0) {
        const words = `Reclaim ${license.product.name} from ${intents.length === 1 ? 'one who is assigned it' : `${intents.length} who are assigned it`}`
        const taken = await workspace.takeIntents(actor, licenseId, intents, words, 'api')
        if ('code' in taken) return err({ is: 'plan-refused', refused: taken })
        plan = planChanges(licenseId, intents, before, await journal.rows(wishesKey(licenseId)))
      }
    }
    const gone = ordinals.filter(isGone)

    return await journal.write(async (write) => {
      const held = await write.columns(seatsKey(licenseId))
      const current = await findLicense(write, licenseId)
      if (current === undefined) return err({ is: 'license-unknown' as const })
      const wanted = new Set(ordinals)
      // At once is at once, also for whom an order waits that is kept back.
      if (!waits) await orders.dropKeptBack(write, licenseId, ordinals)
      const releasing = (await write.rows(ordersKey(licenseId))).filter(({ action }) => action === 'disassociate')
      const underWay = new Set(releasing.flatMap(({ open }) => open))
      const fresh = ordinals.filter((ordinal) => !underWay.has(ordinal) && indexOfOrdinal(held.ordinals, ordinal) >= 0)
      if (fresh.length > 0)
        await orders.plan(write, current, 'disassociate', fresh, actor.name, 'reclaim', {
          found: { gone },
          ...(waits ? { notBefore: clock.now() + graceHours * hourMs } : {}),
        })
      const all = (await write.rows(ordersKey(licenseId))).filter(
        (order) => order.action === 'disassociate' && order.open.some((ordinal) => wanted.has(ordinal)),
      )
      // Reconcile may have been faster, now that the plan excludes them: what was changed belongs to its order then.
      if (plan.length > 0)
        for (const { id } of all) {
          const known = await foundOf(write.trx, id)
          await keepFound(write, id, { ...known, plan: [...(known.plan ?? []), ...plan] })
        }
      if (all.length === 0) return err({ is: 'no-seat' as const, ordinals })
      await appendAudit(write.trx, {
        at: clock.now(),
        actor,
        action: 'seats.reclaim-asked',
        object: licenseId,
        detail: { orders: all.map(({ id }) => id), principals: ordinals.map(nameOf), graceHours },
        origin: 'api',
      })
      return ok(all)
    })
  }
}
