/**
 * Moving what a retired store held into a ledger. One act copies its licenses, as products with one lot each, and their
 * holders, as found seats, and empties the old ones: from that moment everything is counted in the ledger, and nothing
 * twice. Then the assignments are carried over, license by license, as edits of the plan: first placed on the new license,
 * then removed from the old one without giving anything back. A stop in between is taken up at the next start.
 */
import { appendAudit, theServer } from './audit.ts'
import { insertMany, selectMany } from './database/many.ts'
import type { Db } from './database/schema.ts'
import type { Journal, Writing } from './journal.ts'
import { recordLedgerLicenses } from './ledger-record.ts'
import { ledgerIn, normalProductName } from './ledgers.ts'
import { licensesInAct, licensesOfConnector } from './licenses.ts'
import { lotRow, productRow, readLicensesOf } from './stores/ledger/rows.ts'
import type { Workspace } from './workspace.ts'
import type { Actor } from '../shared/admin.ts'
import type { Wish } from '../shared/assignment.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import {
  claimsKey,
  columnsFact,
  licensesKey,
  noColumns,
  ordersKey,
  rowsFact,
  seatFlags,
  seatsKey,
  wishesKey,
  type Columns,
} from '../shared/facts.ts'
import { parseLicenseId, type AdminId, type ConnectorId, type LicenseId, type PrincipalKind } from '../shared/ids.ts'
import { dayOf, type LedgerProduct } from '../shared/ledger.ts'
import type { License } from '../shared/license.ts'
import { isOpen } from '../shared/order.ts'
import { mostIntents, type PlanIntent } from '../shared/plan.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface MoveCounts {
  readonly licenses: number
  /** Owned, of those with a limit. */
  readonly seatsOwned: number
  readonly seatsInUse: number
  readonly assignments: number
  /** Licenses that the store told nobody's seats of: their counts move, without names. */
  readonly withoutHolders: number
}

export type MoveRefused =
  | { readonly is: 'connector-unknown' }
  | { readonly is: 'ledger-unknown' }
  | { readonly is: 'not-retired'; readonly name: string }
  | { readonly is: 'moved-already'; readonly name: string }
  | { readonly is: 'orders-open'; readonly orders: number }

export interface LedgerMove {
  /** What a move would come to. Changes nothing. */
  preview(from: ConnectorId, to: ConnectorId): Promise<Result<MoveCounts, MoveRefused>>
  move(actor: Actor, from: ConnectorId, to: ConnectorId): Promise<Result<MoveCounts, MoveRefused>>
  /** Carries over what a stop left behind. */
  resume(): Promise<void>
}

export interface LedgerMoveDeps {
  readonly db: Db
  readonly journal: Journal
  readonly workspace: Pick<Workspace, 'takeIntents'>
  readonly clock: Clock
  readonly chance: Chance
}

/** An owner, as whom the plan lets the server carry over what stands in it. */
const asServer: Actor = { kind: 'api-key', id: theServer.id as AdminId, name: theServer.name, role: 'owner' }

/** Seats without the mark that an assignment of ours placed them: in the ledger they are found, as in any store that is new. */
const asFound = ({ ordinals, sinceS, flags }: Columns): Columns => ({
  ordinals,
  sinceS,
  flags: flags.map((flag) => flag & seatFlags({ licenseType: 'user', origin: 'found' })),
})

export const createLedgerMove = (deps: LedgerMoveDeps): LedgerMove => {
  const { db, journal, clock, chance } = deps

  const refusalOf = (all: readonly Connector[], from: ConnectorId, to: ConnectorId): MoveRefused | undefined => {
    const source = all.find(({ id }) => id === from)
    if (source === undefined) return { is: 'connector-unknown' }
    if (ledgerIn(all.find(({ id }) => id === to)) === undefined) return { is: 'ledger-unknown' }
    if (source.movedTo !== undefined) return { is: 'moved-already', name: source.movedTo.name }
    return source.retirement === undefined ? { is: 'not-retired', name: source.name } : undefined
  }

  const isMoved = (license: License, held: number, wishes: number): boolean => !license.gone || held > 0 || wishes > 0

  const openOrders = async (from: Pick<Writing, 'rows'>, licenses: readonly License[]): Promise<number> => {
    let orders = 0
    for (const { id } of licenses) orders += (await from.rows(ordersKey(id))).filter(isOpen).length
    return orders
  }

  const countsOf = async (
    from: Pick<Writing, 'rows' | 'columns'>,
    licenses: readonly License[],
  ): Promise<{ readonly counts: MoveCounts; readonly moved: readonly License[] }> => {
    let [seatsOwned, seatsInUse, assignments, withoutHolders] = [0, 0, 0, 0]
    const moved: License[] = []
    for (const license of licenses) {
      const held = (await from.columns(seatsKey(license.id))).ordinals.length
      const wishes = (await from.rows(wishesKey(license.id))).filter(({ wish }) => wish.mode !== 'removed').length
      if (!isMoved(license, held, wishes)) continue
      moved.push(license)
      seatsOwned += license.total ?? 0
      seatsInUse += held
      assignments += wishes
      if (license.inUse > 0 && held === 0) withoutHolders += 1
    }
    return { counts: { licenses: moved.length, seatsOwned, seatsInUse, assignments, withoutHolders }, moved }
  }

  /** Names of holders, by ordinal, as the ledger keeps them. */
  const keysOf = async (write: Writing, columns: readonly Columns[]) => {
    const ordinals = [...new Set(columns.flatMap((each) => [...each.ordinals]))]
    const rows = await selectMany(write.trx, ordinals, (some) =>
      write.trx.selectFrom('principal_keys').select(['ordinal', 'kind', 'key']).where('ordinal', 'in', some).compile(),
    )
    return new Map(rows.map(({ ordinal, kind, key }) => [ordinal, { kind: kind as PrincipalKind, key }]))
  }

  const move: LedgerMove['move'] = async (actor, from, to) => {
    const done = await journal.write(async (write): Promise<Result<MoveCounts, MoveRefused>> => {
      const all = await write.rows('connectors')
      const refused = refusalOf(all, from, to)
      if (refused !== undefined) return err(refused)
      const source = all.find(({ id }) => id === from)
      const ledger = ledgerIn(all.find(({ id }) => id === to))
      if (source === undefined || ledger === undefined) throw new Error('ledger-move: what was looked at is gone')
      const licenses = await licensesInAct(write, from)
      const orders = await openOrders(write, licenses)
      if (orders > 0) return err({ is: 'orders-open', orders })
      const { counts, moved } = await countsOf(write, licenses)
      const names = new Set((await readLicensesOf(write.trx, ledger.key)).map(({ product }) => normalProductName(product.name)))
      const seats = new Map<LicenseId, Columns>()
      for (const { id } of moved) seats.set(id, await write.columns(seatsKey(id)))
      const keyByOrdinal = await keysOf(write, [...seats.values()])
      const productByLicense = new Map<LicenseId, string>()
      for (const license of moved) {
        const product = randomId(chance)
        productByLicense.set(license.id, product)
        await write.trx
          .insertInto('ledger_products')
          .values({ ledger: ledger.key, id: product, ...productRow(productFrom(license, source, names)), moved_from: license.id })
          .execute()
        if (license.total !== null)
          await write.trx
            .insertInto('ledger_lots')
            .values({ ledger: ledger.key, product, id: randomId(chance), ...lotFrom(license, source), made_at: clock.now() })
            .execute()
        await insertMany(
          write.trx,
          'ledger_seats',
          [...(seats.get(license.id)?.ordinals ?? [])].flatMap((ordinal) => {
            const holder = keyByOrdinal.get(ordinal)
            return holder === undefined ? [] : [{ ledger: ledger.key, product, kind: holder.kind, key: holder.key }]
          }),
        )
      }
      const kept = await readLicensesOf(write.trx, ledger.key)
      const recorded = await recordLedgerLicenses(write, ledger.connector, kept, clock.now())
      const newByProduct = new Map(recorded.map((license) => [license.product.id, license.id]))
      for (const license of moved) {
        const target = newByProduct.get(productByLicense.get(license.id) ?? '')
        const columns = seats.get(license.id) ?? noColumns
        if (target !== undefined && columns.ordinals.length > 0) {
          await write.record(columnsFact(seatsKey(target), asFound(columns)))
          await write.record(columnsFact(seatsKey(license.id), noColumns, columns.ordinals))
        }
        const claims = target === undefined ? [] : await write.rows(claimsKey(license.id))
        if (target !== undefined && claims.length > 0) {
          await write.record(rowsFact(claimsKey(target), claims))
          const gone = claims.map(({ id }) => id)
          await write.record(rowsFact(claimsKey(license.id), [], gone))
          await write.trx.updateTable('claims_made').set({ license: target }).where('license', '=', license.id).execute()
        }
      }
      const at = isoTime(clock.now())
      for (const license of licenses) await write.record(rowsFact(licensesKey(license.id), [asMoved(license, ledger.connector.name, at)]))
      await write.record(
        rowsFact('connectors', [{ ...source, movedTo: { connectorId: to, name: ledger.connector.name, at }, nextSyncAt: null }]),
      )
      await appendAudit(write.trx, {
        at: clock.now(),
        actor,
        action: 'connector.moved-to-ledger',
        object: from,
        detail: { ledger: to, name: source.name, ...counts },
        origin: 'api',
      })
      return ok(counts)
    })
    if (done.ok) await carryOver(actor, from)
    return done
  }

  /** Each license's assignments, to the license that it has become. Done twice it changes nothing. */
  const carryOver = async (actor: Actor, from: ConnectorId): Promise<void> => {
    for (const license of await licensesOfConnector(journal, from)) {
      const wishes = (await journal.rows(wishesKey(license.id))).filter(({ wish }) => wish.mode !== 'removed')
      if (wishes.length === 0) continue
      const target = await becameOf(license.id)
      if (target === undefined) continue
      const placed = new Map((await journal.rows(wishesKey(target))).map(({ key, wish }) => [key, wish.rev]))
      // In the order in which they were taken: who came first is served first there too.
      const inOrder = [...wishes].sort((a, b) => a.taken - b.taken)
      const words = `Carry over ${license.product.name} to the ledger`
      for (let at = 0; at < inOrder.length; at += mostCarried) {
        const some = inOrder.slice(at, at + mostCarried)
        const place = some
          .filter(({ key }) => !placed.has(key))
          .flatMap(({ key, wish, note }): readonly PlanIntent[] => [
            { part: 'wish', target: key, wish: { ...wish, rev: 1 }, baseRev: 0, confirmed: true },
            ...(note === '' ? [] : [{ part: 'note', target: key, note } as const]),
          ])
        if (!(await take(actor, target, place, words))) return
        await take(
          actor,
          license.id,
          some.map(({ key, wish }): PlanIntent => {
            const removed: Wish = { mode: 'removed', seats: 'keep', rev: wish.rev + 1 }
            return { part: 'wish', target: key, wish: removed, baseRev: wish.rev, confirmed: true }
          }),
          words,
        )
      }
    }
  }

  const take = async (actor: Actor, license: LicenseId, intents: readonly PlanIntent[], words: string): Promise<boolean> => {
    if (intents.length === 0) return true
    const taken = await deps.workspace.takeIntents(actor, license, intents, words, 'server')
    if (!('code' in taken)) return true
    // It stays on the old license, where it says that this has gone; the next start tries again.
    await journal.write((write) =>
      appendAudit(write.trx, {
        at: clock.now(),
        actor,
        action: 'assignments.not-carried-over',
        object: license,
        detail: { code: taken.code, text: taken.text },
        origin: 'server',
      }),
    )
    return false
  }

  const becameOf = async (license: LicenseId): Promise<LicenseId | undefined> => {
    const row = await db
      .selectFrom('ledger_products')
      .innerJoin('license_keys', 'license_keys.product', 'ledger_products.id')
      .select('license_keys.ordinal')
      .where('ledger_products.moved_from', '=', license)
      .executeTakeFirst()
    return row === undefined ? undefined : parseLicenseId(`l${row.ordinal}`)
  }

  return {
    preview: async (from, to) => {
      const refused = refusalOf(await journal.rows('connectors'), from, to)
      if (refused !== undefined) return err(refused)
      const licenses = await licensesOfConnector(journal, from)
      const orders = await openOrders(journal, licenses)
      return orders > 0 ? err({ is: 'orders-open', orders }) : ok((await countsOf(journal, licenses)).counts)
    },
    move,
    resume: async () => {
      for (const { id, movedTo } of await journal.rows('connectors')) if (movedTo !== undefined) await carryOver(asServer, id)
    },
  }
}

/** A wish and its note. */
const mostCarried = Math.floor(mostIntents / 2)

const productFrom = (license: License, source: Connector, names: Set<string>): LedgerProduct => {
  const { product, pricing } = license
  let name = product.name
  if (names.has(normalProductName(name)) && pricing !== null) name = `${product.name} (${pricing})`
  for (let more = 2; names.has(normalProductName(name)); more += 1)
    name = `${product.name} (${source.name}${more === 2 ? '' : ` ${more - 1}`})`
  names.add(normalProductName(name))
  return {
    name,
    publisher: product.publisher,
    kind: product.kind,
    licenseTypes: license.licenseTypes.length === 0 ? ['device', 'user'] : license.licenseTypes,
    // Whether a seat counts as taken is written down here, so that it can be written down otherwise.
    revocable: true,
    unlimited: license.unlimited,
    note: `From ${source.name}, product ${product.id}`,
  }
}

const lotFrom = (license: License, source: Connector) =>
  lotRow({
    seats: license.total ?? 0,
    price: null,
    supplier: source.name,
    orderNumber: '',
    boughtOn: null,
    validFrom: null,
    validUntil: null,
    note: `Owned at ${source.name} as counted on ${dayOf(Date.parse(license.asOf))}`,
  })

/** It counts nothing any more: whatever adds up licenses adds nothing for it. */
const asMoved = (license: License, ledger: string, at: string): License => ({
  ...license,
  total: 0,
  inUse: 0,
  available: 0,
  retired: null,
  unlimited: false,
  asOf: at,
  countSource: 'kept',
  assignable: false,
  gone: true,
  remark: `Moved to the ledger ${ledger} on ${dayOf(Date.parse(at))}, and counted there.`,
})
