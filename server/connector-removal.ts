/**
 * Letting a connector go. With seats in use it asks what becomes of them: `keep` leaves them at the store, `revoke` gives
 * back what assignments placed, `all` found seats too. Giving back takes time, so the connector is leaving until its
 * orders are settled, and is forgotten then; a seat that the store does not take back stops that, and the connector stays.
 */
import { appendAudit } from './audit.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import type { Journal, Writing } from './journal.ts'
import { allLicenses } from './licenses.ts'
import type { Orders } from './orders.ts'
import type { Workspace } from './workspace.ts'
import type { Actor } from '../shared/admin.ts'
import type { Clock } from '../shared/clock.ts'
import { writingBlockedBy } from '../shared/connector.ts'
import { isByAssignment, ordersKey, seatsKey, wishesKey } from '../shared/facts.ts'
import { parseAdminId, parseConnectorId, type ConnectorId } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import { isOpen } from '../shared/order.ts'
import { mostIntents, type PlanIntent } from '../shared/plan.ts'
import type { WritingBlocked } from '../shared/reconcile.ts'
import { err, ok, type Result } from '../shared/result.ts'

export const releases = ['keep', 'revoke', 'all'] as const
export type Release = (typeof releases)[number]

export type RemovalRefused =
  | { readonly is: 'connector-unknown' }
  | { readonly is: 'licenses-in-use'; readonly licenses: number; readonly seats: number; readonly assignments: number }
  | { readonly is: 'store-not-writable'; readonly why: WritingBlocked }
  | { readonly is: 'plan-refused'; readonly text: string }

/** `seats` are being given back; `irrevocable` stay with who has them, since the store never takes them back. */
export type Removal = { readonly is: 'removed' } | { readonly is: 'leaving'; readonly seats: number; readonly irrevocable: number }

export interface ConnectorRemoval {
  remove(actor: Actor, id: ConnectorId, release: Release | undefined): Promise<Result<Removal, RemovalRefused>>
  isLeaving(id: ConnectorId): Promise<boolean>
  /** Takes up what was leaving before the last stop. */
  start(): Promise<void>
  stop(): Promise<void>
  idle(): Promise<void>
}

export interface ConnectorRemovalDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Connectors
  readonly orders: Orders
  readonly workspace: Workspace
  readonly clock: Clock
  readonly onTrouble: (cause: unknown) => void
}

const leavingName = (id: ConnectorId): string => `leaving/${id}`

interface Leaving {
  readonly release: Exclude<Release, 'keep'>
  readonly actor: Pick<Actor, 'kind' | 'id' | 'name' | 'role'>
}

export const createConnectorRemoval = (deps: ConnectorRemovalDeps): ConnectorRemoval => {
  const { db, journal, connectors, orders, workspace, clock } = deps
  const leaving = new Map<ConnectorId, Leaving>()
  let looking: Promise<void> | undefined
  let again = false

  const licensesOf = async (id: ConnectorId): Promise<readonly License[]> =>
    (await allLicenses(journal)).filter(({ connectorId }) => connectorId === id)

  const standingWishes = async (license: License) =>
    (await journal.rows(wishesKey(license.id))).filter(({ wish }) => wish.mode !== 'removed')

  const remove: ConnectorRemoval['remove'] = async (actor, id, release) => {
    const connector = await connectors.find(id)
    if (connector === undefined) return err({ is: 'connector-unknown' })
    const licenses = await licensesOf(id)
    const inUse: License[] = []
    let seats = 0
    let assignments = 0
    for (const license of licenses) {
      const held = (await journal.columns(seatsKey(license.id))).ordinals.length
      const wishes = (await standingWishes(license)).length
      seats += held
      assignments += wishes
      if (held > 0 || wishes > 0) inUse.push(license)
    }
    if (inUse.length > 0 && release === undefined) return err({ is: 'licenses-in-use', licenses: inUse.length, seats, assignments })
    if (inUse.length === 0 || release === 'keep' || release === undefined) {
      await stay(id)
      return (await connectors.remove(actor, id)) ? ok({ is: 'removed' }) : err({ is: 'connector-unknown' })
    }
    const why = writingBlockedBy(connector, clock.now())
    if (why !== undefined) return err({ is: 'store-not-writable', why })
    return await giveBack(actor, id, inUse, release)
  }

  /** 1. Written down, so that a stop does not forget it. 2. No assignment asks for a seat. 3. Found seats are asked back. 4. Look. */
  const giveBack = async (
    actor: Actor,
    id: ConnectorId,
    inUse: readonly License[],
    release: Exclude<Release, 'keep'>,
  ): Promise<Result<Removal, RemovalRefused>> => {
    const row: Leaving = { release, actor: { kind: actor.kind, id: actor.id, name: actor.name, role: actor.role } }
    await journal.write(async (write) => {
      const value = JSON.stringify(row)
      await write.trx
        .insertInto('meta')
        .values({ name: leavingName(id), value })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
        .execute()
      await appendAudit(write.trx, { at: clock.now(), actor, action: 'connector.leaving', object: id, detail: { release }, origin: 'api' })
    })
    let releasing = 0
    let irrevocable = 0
    for (const license of inUse) {
      // What waits for its day would keep the connector for as long.
      await journal.write((write) => orders.dropKeptBack(write, license.id))
      const held = await journal.columns(seatsKey(license.id))
      const going = held.ordinals.filter((_, at) => release === 'all' || isByAssignment(held, at))
      if (license.revocable) releasing += going.length
      else irrevocable += going.length
      const wishes = await standingWishes(license)
      for (let from = 0; from < wishes.length; from += mostIntents) {
        const intents = wishes.slice(from, from + mostIntents).map(({ key, wish }): PlanIntent => ({
          part: 'wish',
          target: key,
          wish: { mode: 'removed', seats: 'release', rev: wish.rev + 1 },
          baseRev: wish.rev,
          confirmed: false,
        }))
        const taken = await workspace.takeIntents(actor, license.id, intents, `Let ${license.product.name} go with its connector`, 'api')
        if ('code' in taken) {
          await stay(id)
          return err({ is: 'plan-refused', text: taken.text })
        }
      }
      if (release === 'all' && license.revocable)
        await journal.write(async (write) => {
          const now = await write.columns(seatsKey(license.id))
          const open = new Set((await write.rows(ordersKey(license.id))).flatMap((order) => order.open))
          const found = [...now.ordinals].filter((ordinal, at) => !isByAssignment(now, at) && !open.has(ordinal))
          if (found.length > 0) await orders.plan(write, license, 'disassociate', found, actor.name, 'reclaim')
        })
    }
    leaving.set(id, row)
    look()
    return ok({ is: 'leaving', seats: releasing, irrevocable })
  }

  const stay = async (id: ConnectorId): Promise<void> => {
    leaving.delete(id)
    await journal.write((write) => write.trx.deleteFrom('meta').where('name', '=', leavingName(id)).execute())
  }

  /** Whether all is settled: nothing open, no removal left. `stuck`: settled, and a seat that should have gone is there. */
  const stateOf = async (write: Writing, id: ConnectorId, licenses: readonly License[]): Promise<'open' | 'settled' | 'stuck'> => {
    const row = leaving.get(id)
    let isStuck = false
    for (const license of licenses) {
      if ((await write.rows(ordersKey(license.id))).some(isOpen)) return 'open'
      if ((await write.rows(wishesKey(license.id))).length > 0) return 'open'
      const held = await write.columns(seatsKey(license.id))
      if (license.revocable && held.ordinals.some((_, at) => row?.release === 'all' || isByAssignment(held, at))) isStuck = true
    }
    return isStuck ? 'stuck' : 'settled'
  }

  const look = (): void => {
    if (looking !== undefined) {
      again = true
      return
    }
    looking = (async () => {
      for (const [id, { actor }] of leaving) {
        const licenses = await licensesOf(id)
        const state = await journal.write((write) => stateOf(write, id, licenses))
        if (state === 'open') continue
        await stay(id)
        if (state === 'settled') await connectors.remove({ ...actor }, id)
        else
          await journal.write((write) =>
            appendAudit(write.trx, {
              at: clock.now(),
              actor,
              action: 'connector.removal-stopped',
              object: id,
              detail: { because: 'The store did not take every seat back.' },
              origin: 'server',
            }),
          )
      }
    })()
      .catch(deps.onTrouble)
      .finally(() => {
        looking = undefined
        if (again) {
          again = false
          look()
        }
      })
  }

  const stopFacts = journal.onFacts((facts) => {
    if (leaving.size > 0 && facts.some(({ key }) => /^(orders|wishes|seats)\//.test(key))) look()
  })

  return {
    remove,
    isLeaving: async (id) => leaving.has(id),
    start: async () => {
      for (const { name, value } of await db.selectFrom('meta').select(['name', 'value']).where('name', 'like', 'leaving/%').execute()) {
        const id = parseConnectorId(name.slice('leaving/'.length))
        const row = JSON.parse(value) as Leaving
        if (id !== undefined && parseAdminId(row.actor.id) !== undefined) leaving.set(id, row)
      }
      if (leaving.size > 0) look()
    },
    stop: async () => {
      stopFacts()
      leaving.clear()
      await looking
    },
    idle: async () => {
      while (looking !== undefined) await looking
    },
  }
}
