/**
 * Taking an order's work back with an order of its own. What would come of it is told first, from the same look that acts.
 *
 * A seat that is given back is asked for by its wish where one asks for it, and then it is an order like every other of
 * that wish. Where none does, the order is an undo: its seats are promised from the moment it is planned
 * (`weighedOrders`), and what it gives is *found*, so that no wish takes it and nothing gives it twice.
 *
 * The plan is changed first and the orders follow in one act with the link between them. A stop between the two leaves a
 * plan that stands, seats that are asked for by it, and an order that can be undone for what is left.
 */
import { appendAudit } from './audit.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { findLicense } from './licenses.ts'
import { chunkOfOrder, foundOf, keepOrder, ordersIn, servedTargets, type OrderFound } from './order-rows.ts'
import type { Orders } from './orders.ts'
import { createPrincipalNames } from './principals.ts'
import { intentsOf, restoring, targetsToGive, targetsToTake, wishesAfter, type SeatsUndo } from './undo-weighing.ts'
import { prepareWeighing, weigh, weighLicense, type Weighing } from './weighing.ts'
import type { IntentsRefused, Workspace } from './workspace.ts'
import type { Actor } from '../shared/admin.ts'
import type { Clock } from '../shared/clock.ts'
import { writingBlockedBy } from '../shared/connector.ts'
import { locationOrdersKey, ordersKey, registrationsKey, wishesKey } from '../shared/facts.ts'
import { principalIdOf, type LicenseId, type OrderId, type TargetKey } from '../shared/ids.ts'
import { isLicenseOrder, type LicenseOrder, type LocationOrder, type Order, type SubscriptionTerms } from '../shared/order.ts'
import type { PlanIntent } from '../shared/plan.ts'
import { isUser } from '../shared/principal.ts'
import { whyNotRegistered, whyNotRetired } from '../shared/registration.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { undoOf, type Obstacle, type UndoSubject, type UndoTarget, type UndoTold } from '../shared/undo.ts'

export interface UndoPreview {
  readonly told: UndoTold
  /** Assignments that would be removed, or be set back. */
  readonly assignments: readonly { readonly license: LicenseId; readonly target: TargetKey; readonly becomes: 'removed' | 'set-back' }[]
  /** Seats that would go beside those of this order, since the assignments placed them too. */
  readonly alsoTaken: number
}

export type UndoRefused =
  | { readonly is: 'order-unknown' }
  | { readonly is: 'nothing-to-undo'; readonly code: string; readonly text: string; readonly undoneBy: readonly OrderId[] }
  /** There would be something, and something stands in the way of every one. */
  | { readonly is: 'nobody'; readonly preview: UndoPreview }
  | { readonly is: 'plan-refused'; readonly refused: IntentsRefused }

export interface Undoing {
  tell(id: OrderId): Promise<Result<UndoPreview, UndoRefused>>
  /** Gives the orders that take the work back; none of them when an assignment does it by itself, later. */
  undo(actor: Actor, id: OrderId): Promise<Result<{ readonly orders: readonly Order[]; readonly preview: UndoPreview }, UndoRefused>>
}

export interface UndoingDeps {
  readonly db: Db
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly workspace: Pick<Workspace, 'takeIntents'>
  readonly orders: Pick<Orders, 'find' | 'plan' | 'planLocation'>
  readonly clock: Clock
}

/** Everything about an order that was read outside the act. */
interface Looked {
  readonly order: Order
  readonly found: OrderFound
  readonly seats: readonly SeatsUndo[]
  readonly subject: UndoSubject
}

export const createUndoing = ({ db, journal, directory, workspace, orders, clock }: UndoingDeps): Undoing => {
  const facts = journal

  // ---- Looking ----

  const look = async (id: OrderId): Promise<Looked | undefined> => {
    const order = await orders.find(id)
    if (order === undefined) return undefined
    const connector = (await facts.rows('connectors')).find((row) => row.id === order.connectorId)
    const writingBlocked = connector === undefined ? 'not-connected' : writingBlockedBy(connector, clock.now())
    const license = isLicenseOrder(order) ? await findLicense(facts, order.licenseId) : undefined
    const found = await foundOf(db, id)
    const bare = { order, license, writingBlocked }
    const told = undoOf(bare)
    if (told.is === 'none') return { order, found, seats: [], subject: bare }
    const served = await servedTargets(db, id)
    const seats = await lookAtSeats(order, found, served)
    const targets = isAboutSeats(order) ? seats.flatMap((one) => one.targets) : await peopleOf(facts, order, served)
    return { order, found, seats, subject: { ...bare, targets } }
  }

  const isAboutSeats = (order: Order): boolean => isLicenseOrder(order) || order.action === 'revoke'

  /** For each license: what the plan is to say, and what would then become of each target. */
  const lookAtSeats = async (order: Order, found: OrderFound, served: readonly number[]): Promise<readonly SeatsUndo[]> => {
    const all: SeatsUndo[] = []
    for (const { license: id, ordinals } of seatsOf(order, found, served)) {
      const license = await findLicense(facts, id)
      if (license === undefined) {
        all.push({ license: id, intents: [], targets: ordinals.map((ordinal) => blocked(ordinal, id, 'license-gone')), alsoTaken: 0 })
        continue
      }
      const standing = await facts.rows(wishesKey(id))
      await prepareWeighing({ facts, directory }, id)
      const intents =
        order.action === 'associate'
          ? intentsOf(order, standing, ordinals, directory, clock.now())
          : restoring(id, standing, found, ordinals)
      const wishes = wishesAfter(standing, intents)
      const weighing = await prepareWeighing({ facts, directory }, id, wishes)
      if (weighing === undefined) continue
      const input = await weighLicense(facts, license, weighing, clock.now(), wishes)
      const policy = await ruleOf(order)
      all.push({
        license: id,
        intents,
        ...(order.action === 'associate' ? targetsToTake(input, ordinals) : { ...targetsToGive(input, ordinals, policy), alsoTaken: 0 }),
      })
    }
    return all
  }

  /** Whose seats the connector's rule would take again. */
  const ruleOf = async (order: Order): Promise<(ordinal: number) => boolean> => {
    const connector = (await facts.rows('connectors')).find((row) => row.id === order.connectorId)
    const on = connector?.settings.releaseLeavers === 'after-days'
    return (ordinal) => on && directory.principal(ordinal)?.left === true
  }

  const previewOf = ({ subject, seats }: Looked): UndoPreview => ({
    told: undoOf(subject),
    assignments: seats.flatMap(({ license, intents }) =>
      intents.flatMap((intent) =>
        intent.part === 'wish'
          ? [
              {
                license,
                target: intent.target,
                becomes: subject.order.action === 'associate' ? ('removed' as const) : ('set-back' as const),
              },
            ]
          : [],
      ),
    ),
    alsoTaken: seats.reduce((sum, { alsoTaken }) => sum + alsoTaken, 0),
  })

  const refusedBy = (looked: Looked): UndoRefused | undefined => {
    const preview = previewOf(looked)
    const { told } = preview
    if (told.is === 'none') return { is: 'nothing-to-undo', code: told.code, text: told.text, undoneBy: looked.order.undoneBy ?? [] }
    return told.can + told.waiting === 0 ? { is: 'nobody', preview } : undefined
  }

  // ---- Acting ----

  /** 1. The plan, license by license. 2. One act: the orders, the link between them, and who asked for it. */
  const undo: Undoing['undo'] = async (actor, id) => {
    const looked = await look(id)
    if (looked === undefined) return err({ is: 'order-unknown' })
    const refused = refusedBy(looked)
    if (refused !== undefined) return err(refused)
    const preview = previewOf(looked)
    for (const { license, intents } of looked.seats) {
      if (intents.length === 0) continue
      const product = (await findLicense(facts, license))?.product.name ?? 'a license'
      const taken = await workspace.takeIntents(actor, license, intents, wordsOf(looked.order, product, intents), 'api')
      if ('code' in taken) return err({ is: 'plan-refused', refused: taken })
    }
    const weighings = new Map<LicenseId, Weighing>()
    for (const { license } of looked.seats) {
      const weighing = await prepareWeighing({ facts, directory }, license)
      if (weighing !== undefined) weighings.set(license, weighing)
    }
    const rule = await ruleOf(looked.order)
    return await journal.write(
      async (write): Promise<Result<{ readonly orders: readonly Order[]; readonly preview: UndoPreview }, UndoRefused>> => {
        // Somebody else may have been faster: of two, one undoes it.
        const row = await write.trx.selectFrom('orders').select('undone_by').where('id', '=', id).executeTakeFirst()
        if (row?.undone_by != null)
          return err({
            is: 'nothing-to-undo',
            code: 'undone-already',
            text: 'It was undone already. Look at the order that did it.',
            undoneBy: JSON.parse(row.undone_by) as readonly OrderId[],
          })
        const made = isAboutSeats(looked.order)
          ? await planSeats(write, actor, looked, weighings, rule)
          : await planPeople(write, actor, looked.order, looked.subject.targets ?? [])
        const held = (await ordersIn(write, chunkOfOrder(looked.order))).find((one) => one.id === id) ?? looked.order
        await keepOrder(write, { ...held, undoneBy: made.map((order) => order.id) }, { nextPollAt: null })
        await appendAudit(write.trx, {
          at: clock.now(),
          actor,
          action: 'order.undone',
          object: id,
          detail: { orders: made.map((order) => order.id), targets: made.reduce((sum, { total }) => sum + total, 0) },
          origin: 'api',
        })
        return ok({ orders: made, preview })
      },
    )
  }

  const planSeats = async (
    write: Writing,
    actor: Actor,
    { order, seats, found }: Looked,
    weighings: ReadonlyMap<LicenseId, Weighing>,
    rule: (ordinal: number) => boolean,
  ): Promise<readonly Order[]> => {
    const gives = order.action !== 'associate'
    const made: Order[] = []
    for (const { license: id, targets: seen } of seats) {
      const weighing = weighings.get(id)
      const license = await findLicense(write, id)
      const input = weighing === undefined ? undefined : await weigh(write, weighing, clock.now())
      if (license === undefined || input === undefined) continue
      const ordinals = seen.map(({ ordinal }) => ordinal)
      const now = gives ? targetsToGive(input, ordinals, rule) : targetsToTake(input, ordinals)
      const action = gives ? 'associate' : 'disassociate'
      if (now.byWish.length > 0) await orders.plan(write, license, action, now.byWish, actor.name, 'plan')
      if (now.byHand.length > 0)
        await orders.plan(write, license, action, now.byHand, actor.name, 'undo', { undoes: order.id, found: { gone: found.gone ?? [] } })
      // What reconcile was faster with is part of it too.
      const wanted = new Set(ordinals)
      for (const one of await write.rows(ordersKey(id))) {
        if (one.action !== action || one.id === order.id || !one.open.some((ordinal) => wanted.has(ordinal))) continue
        const linked: LicenseOrder = { ...one, undoes: order.id }
        await linkTo(write, linked)
        made.push(linked)
      }
    }
    return made
  }

  /** The link alone: when it is asked about next stays as it is. */
  const linkTo = async (write: Writing, order: Order): Promise<void> => {
    const row = await write.trx.selectFrom('orders').select('next_poll_at').where('id', '=', order.id).executeTakeFirst()
    await keepOrder(write, order, { nextPollAt: row?.next_poll_at ?? null })
  }

  const planPeople = async (write: Writing, actor: Actor, order: Order, targets: readonly UndoTarget[]): Promise<readonly Order[]> => {
    const what = isLicenseOrder(order) ? undefined : compensationOf(order)
    if (what === undefined) return []
    const ordinals = targets.filter(({ obstacle }) => obstacle === undefined).map(({ ordinal }) => ordinal)
    const planned = await orders.planLocation(write, {
      connectorId: order.connectorId,
      ...what,
      ordinals,
      by: actor.name,
      cause: 'undo',
      undoes: order.id,
    })
    return planned === undefined ? [] : [planned]
  }

  return {
    tell: async (id) => {
      const looked = await look(id)
      return looked === undefined ? err({ is: 'order-unknown' }) : ok(previewOf(looked))
    },
    undo,
  }
}

/** By license: whose seats the order gave or took. */
const seatsOf = (
  order: Order,
  found: OrderFound,
  served: readonly number[],
): readonly { readonly license: LicenseId; readonly ordinals: readonly number[] }[] => {
  if (isLicenseOrder(order)) return [{ license: order.licenseId, ordinals: served }]
  if (order.action !== 'revoke') return []
  const done = new Set(served)
  return (found.seats ?? [])
    .map(({ license, ordinals }) => ({ license, ordinals: ordinals.filter((ordinal) => done.has(ordinal)) }))
    .filter(({ ordinals }) => ordinals.length > 0)
}

const blocked = (ordinal: number, licenseId: LicenseId | null, obstacle: Obstacle): UndoTarget => ({ ordinal, licenseId, obstacle })

/** What is asked of the Location in return. */
const compensationOf = (
  order: LocationOrder,
): { readonly action: LocationOrder['action']; readonly subscription?: SubscriptionTerms } | undefined => {
  const { subscription } = order
  switch (order.action) {
    case 'register-user':
      return { action: 'retire-user' }
    case 'retire-user':
      return { action: 'register-user' }
    case 'assign-subscription':
      return subscription === null
        ? undefined
        : { action: 'remove-subscription', subscription: { id: subscription.id, renewing: false, deferred: false } }
    case 'remove-subscription':
      return subscription === null
        ? undefined
        : { action: 'assign-subscription', subscription: { id: subscription.id, renewing: true, deferred: false } }
    case 'update-user':
    case 'revoke':
      return undefined
  }
}

/** How the people of a location order stand now. */
const peopleOf = async (
  facts: Pick<Journal, 'rows'> & Parameters<typeof createPrincipalNames>[0],
  order: Order,
  served: readonly number[],
): Promise<readonly UndoTarget[]> => {
  const names = createPrincipalNames(facts)
  const busy = new Set((await facts.rows(locationOrdersKey(order.connectorId))).flatMap((one) => one.open))
  const targets: UndoTarget[] = []
  for (const ordinal of served) {
    const person = await names.find(ordinal)
    const registration = (await facts.rows(registrationsKey(order.connectorId, ordinal))).find(
      ({ id }) => id === principalIdOf('user', ordinal),
    )
    const obstacle = ((): Obstacle | undefined => {
      if (person === undefined || !isUser(person)) return 'principal-unknown'
      if (busy.has(ordinal)) return 'on-its-way'
      if (order.action === 'register-user') return whyNotRetired(registration) === undefined ? undefined : 'not-registered'
      if (order.action !== 'retire-user') return undefined
      const why = whyNotRegistered(person, registration)
      return why === undefined ? undefined : why.code === 'registered-already' ? 'on-the-list' : 'not-registrable'
    })()
    targets.push({ ordinal, licenseId: null, obstacle })
  }
  return targets
}

const wordsOf = (order: Order, product: string, intents: readonly PlanIntent[]): string =>
  order.action === 'associate'
    ? `Undo: ${intents.length === 1 ? 'an assignment' : `${intents.length} assignments`} of ${product} removed`
    : `Undo: ${intents.length === 1 ? 'an assignment' : `${intents.length} assignments`} of ${product} set back`
