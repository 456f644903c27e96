/**
 * What people do to a ledger by hand: products and purchase lots. Each change is one act, with its audit row, that brings
 * the license's counts up to date at once. At the turn of each day (UTC) all ledgers are counted anew, since a lot ends by
 * itself; nothing is taken from anyone by that.
 */
import { appendAudit, theServer, type Json } from './audit.ts'
import { forgetLicense } from './connector-forgetting.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import type { Journal, Writing } from './journal.ts'
import { recordLedgerLicenses } from './ledger-record.ts'
import { lotRow, productRow, readLicensesOf, seatOf, type KeptLicense } from './stores/ledger/rows.ts'
import type { HolderKey } from './stores/store.ts'
import type { Actor } from '../shared/admin.ts'
import { randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { licenseIdOf, licensesKey, ordersKey, wishesKey } from '../shared/facts.ts'
import type { ConnectorId, LicenseId } from '../shared/ids.ts'
import { amountText, type KeptLot, type LedgerLot, type LedgerProduct } from '../shared/ledger.ts'
import { isOpen } from '../shared/order.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface LedgerLicense extends KeptLicense {
  readonly licenseId: LicenseId
}
export interface LedgerHolder {
  readonly product: string
  readonly licenseId: LicenseId
  readonly holder: HolderKey
}
/** A connector that is a ledger. `key`: under which its tables keep it. */
export interface Ledger {
  readonly connector: Connector
  readonly key: string
}

export type LedgerRefused =
  | { readonly is: 'ledger-unknown' }
  | { readonly is: 'license-unknown' }
  | { readonly is: 'lot-unknown' }
  | { readonly is: 'name-taken'; readonly licenseId: LicenseId }
  | { readonly is: 'changed-meanwhile'; readonly current: LedgerLicense }
  | { readonly is: 'license-in-use'; readonly seats: number; readonly assignments: number; readonly orders: number }

type Changed = Result<LedgerLicense, LedgerRefused>
/** False: it is not as the caller read it. */
export type IsAsRead<T> = (current: T) => boolean

export interface Ledgers {
  find(connector: ConnectorId): Promise<Ledger | undefined>
  /** By name. */
  list(ledger: Ledger): Promise<readonly LedgerLicense[]>
  license(ledger: Ledger, license: LicenseId): Promise<LedgerLicense | undefined>
  /** All who have a seat. */
  holders(ledger: Ledger): Promise<readonly LedgerHolder[]>
  addProduct(actor: Actor, ledger: Ledger, product: LedgerProduct, lots: readonly LedgerLot[]): Promise<Changed>
  changeProduct(
    actor: Actor,
    ledger: Ledger,
    license: LicenseId,
    change: Partial<LedgerProduct>,
    isAsRead: IsAsRead<LedgerLicense>,
  ): Promise<Changed>
  /** Only what nobody has and nobody is to get. */
  removeProduct(
    actor: Actor,
    ledger: Ledger,
    license: LicenseId,
    isAsRead: IsAsRead<LedgerLicense>,
  ): Promise<Result<undefined, LedgerRefused>>
  addLot(actor: Actor, ledger: Ledger, license: LicenseId, lot: LedgerLot): Promise<Result<KeptLot, LedgerRefused>>
  changeLot(
    actor: Actor,
    ledger: Ledger,
    license: LicenseId,
    lot: string,
    change: Partial<LedgerLot>,
    isAsRead: IsAsRead<KeptLot>,
  ): Promise<Result<KeptLot, LedgerRefused>>
  removeLot(
    actor: Actor,
    ledger: Ledger,
    license: LicenseId,
    lot: string,
    isAsRead: IsAsRead<KeptLot>,
  ): Promise<Result<undefined, LedgerRefused>>
  start(): Promise<void>
  stop(): void
}

export interface LedgersDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Pick<Connectors, 'find' | 'list'>
  readonly clock: Clock
  readonly chance: Chance
  readonly onTrouble: (cause: unknown) => void
}

const DAY_MS = 86_400_000

export const ledgerIn = (connector: Connector | undefined): Ledger | undefined =>
  connector?.kind !== 'ledger' || connector.location === null ? undefined : { connector, key: connector.location.key }

export const lotInWords = (lot: LedgerLot): { readonly [name: string]: Json } => ({
  seats: lot.seats,
  price: lot.price === null ? null : `${amountText(lot.price)} ${lot.price.currency}`,
  supplier: lot.supplier,
  orderNumber: lot.orderNumber,
  boughtOn: lot.boughtOn,
  validFrom: lot.validFrom,
  validUntil: lot.validUntil,
})

/** Products are told apart by their names, as people and files name them. */
export const normalProductName = (name: string): string => name.trim().toLowerCase()

export const createLedgers = (deps: LedgersDeps): Ledgers => {
  const { db, journal, connectors, clock, chance } = deps
  let cancel: (() => void) | undefined
  let stopped = false

  const read = async (from: Db, ledger: Ledger, license?: LicenseId): Promise<readonly LedgerLicense[]> => {
    let query = from.selectFrom('license_keys').select(['product', 'ordinal']).where('connector', '=', ledger.connector.id)
    if (license !== undefined) query = query.where('ordinal', '=', Number(license.slice(1)))
    const keys = await query.execute()
    const only = license === undefined ? undefined : (keys[0]?.product ?? '')
    const idByProduct = new Map(keys.map(({ product, ordinal }) => [product, licenseIdOf(ordinal)]))
    return (await readLicensesOf(from, ledger.key, only)).flatMap((kept) => {
      const licenseId = idByProduct.get(kept.product.id)
      return licenseId === undefined ? [] : [{ ...kept, licenseId }]
    })
  }

  /** One act on a ledger that is still there; its license is recorded as it stands afterwards. */
  const act = async <T>(
    ledger: Ledger,
    work: (write: Writing, current: Ledger) => Promise<Result<T, LedgerRefused>>,
  ): Promise<Result<T, LedgerRefused>> =>
    await journal.write(async (write) => {
      const current = ledgerIn((await write.rows('connectors')).find(({ id }) => id === ledger.connector.id))
      return current === undefined ? err({ is: 'ledger-unknown' }) : await work(write, current)
    })

  const recordOne = async (write: Writing, ledger: Ledger, license: LicenseId): Promise<LedgerLicense> => {
    const kept = (await read(write.trx, ledger, license))[0]
    if (kept === undefined) throw new Error(`ledger: ${license} is gone within its own act`)
    await recordLedgerLicenses(write, ledger.connector, [kept], clock.now())
    return kept
  }

  const audit = async (
    write: Writing,
    actor: Pick<Actor, 'id' | 'name'>,
    action: string,
    object: string,
    detail: { readonly [name: string]: Json },
  ): Promise<void> => void (await appendAudit(write.trx, { at: clock.now(), actor, action, object, detail, origin: 'api' }))

  const namesake = async (write: Writing, ledger: Ledger, name: string, but?: LicenseId): Promise<LicenseId | undefined> =>
    (await read(write.trx, ledger)).find(
      ({ product, licenseId }) => licenseId !== but && normalProductName(product.name) === normalProductName(name),
    )?.licenseId

  const insertLot = async (write: Writing, ledger: Ledger, product: string, lot: LedgerLot): Promise<KeptLot> => {
    const id = randomId(chance)
    await write.trx
      .insertInto('ledger_lots')
      .values({ ledger: ledger.key, product, id, ...lotRow(lot), made_at: clock.now() })
      .execute()
    return { id, ...lot }
  }

  const onLot = <T>(
    ledger: Ledger,
    license: LicenseId,
    lot: string,
    isAsRead: IsAsRead<KeptLot>,
    work: (write: Writing, current: Ledger, kept: LedgerLicense, was: KeptLot) => Promise<T>,
  ): Promise<Result<T, LedgerRefused>> =>
    act(ledger, async (write, current) => {
      const kept = (await read(write.trx, current, license))[0]
      if (kept === undefined) return err({ is: 'license-unknown' })
      const was = kept.lots.find(({ id }) => id === lot)
      if (was === undefined) return err({ is: 'lot-unknown' })
      if (!isAsRead(was)) return err({ is: 'changed-meanwhile', current: kept })
      return ok(await work(write, current, kept, was))
    })

  /** What has ended by the clock counts no more. */
  const recount = async (): Promise<void> => {
    await journal.write(async (write) => {
      for (const connector of await write.rows('connectors')) {
        const ledger = ledgerIn(connector)
        if (ledger === undefined) continue
        const before = new Map<LicenseId, number | null>()
        const kept = await read(write.trx, ledger)
        for (const license of await allIn(write, kept)) before.set(license.id, license.total)
        const after = await recordLedgerLicenses(write, connector, kept, clock.now())
        for (const { id, total, product } of after) {
          const was = before.get(id)
          if (was !== undefined && was !== total)
            await appendAudit(write.trx, {
              at: clock.now(),
              actor: theServer,
              action: 'ledger.recounted',
              object: id,
              detail: { product: product.name, before: was, after: total },
              origin: 'server',
            })
        }
      }
    })
  }

  const plan = (): void => {
    if (stopped) return
    cancel = clock.after(DAY_MS - (clock.now() % DAY_MS), () => {
      void recount().catch(deps.onTrouble).finally(plan)
    })
  }

  return {
    find: async (connector) => ledgerIn(await connectors.find(connector)),
    list: async (ledger) =>
      [...(await read(db, ledger))].sort((a, b) => a.product.name.localeCompare(b.product.name) || (a.licenseId < b.licenseId ? -1 : 1)),
    license: async (ledger, license) => (await read(db, ledger, license))[0],
    holders: async (ledger) => {
      const byProduct = new Map((await read(db, ledger)).map((kept) => [kept.product.id, kept]))
      const rows = await db
        .selectFrom('ledger_seats')
        .select(['product', 'kind', 'key'])
        .where('ledger', '=', ledger.key)
        .orderBy('product')
        .orderBy('kind')
        .orderBy('key')
        .execute()
      return rows.flatMap((row) => {
        const kept = byProduct.get(row.product)
        return kept === undefined ? [] : [{ product: kept.product.name, licenseId: kept.licenseId, holder: seatOf(row).holder }]
      })
    },
    addProduct: (actor, ledger, product, lots) =>
      act(ledger, async (write, current) => {
        const taken = await namesake(write, current, product.name)
        if (taken !== undefined) return err({ is: 'name-taken', licenseId: taken })
        const id = randomId(chance)
        await write.trx
          .insertInto('ledger_products')
          .values({ ledger: current.key, id, ...productRow(product), moved_from: null })
          .execute()
        const keptLots: KeptLot[] = []
        for (const lot of lots) keptLots.push(await insertLot(write, current, id, lot))
        const kept: KeptLicense = { product: { id, ...product }, lots: keptLots, inUse: 0 }
        const [license] = await recordLedgerLicenses(write, current.connector, [kept], clock.now())
        if (license === undefined) throw new Error('ledger: a product without a license')
        await audit(write, actor, 'ledger.product-added', license.id, { name: product.name, lots: lots.map(lotInWords) })
        return ok({ ...kept, licenseId: license.id })
      }),
    changeProduct: (actor, ledger, license, change, isAsRead) =>
      act(ledger, async (write, current) => {
        const kept = (await read(write.trx, current, license))[0]
        if (kept === undefined) return err({ is: 'license-unknown' })
        if (!isAsRead(kept)) return err({ is: 'changed-meanwhile', current: kept })
        const after: LedgerProduct = { ...kept.product, ...change }
        const taken = await namesake(write, current, after.name, license)
        if (taken !== undefined) return err({ is: 'name-taken', licenseId: taken })
        await write.trx
          .updateTable('ledger_products')
          .set(productRow(after))
          .where('ledger', '=', current.key)
          .where('id', '=', kept.product.id)
          .execute()
        await audit(write, actor, 'ledger.product-changed', license, {
          name: after.name,
          before: kept.product.name,
          fields: Object.keys(change),
        })
        return ok(await recordOne(write, current, license))
      }),
    removeProduct: (actor, ledger, license, isAsRead) =>
      act(ledger, async (write, current) => {
        const kept = (await read(write.trx, current, license))[0]
        if (kept === undefined) return err({ is: 'license-unknown' })
        if (!isAsRead(kept)) return err({ is: 'changed-meanwhile', current: kept })
        const assignments = (await write.rows(wishesKey(license))).length
        const orders = (await write.rows(ordersKey(license))).filter(isOpen).length
        if (kept.inUse > 0 || assignments > 0 || orders > 0) return err({ is: 'license-in-use', seats: kept.inUse, assignments, orders })
        await write.trx.deleteFrom('ledger_products').where('ledger', '=', current.key).where('id', '=', kept.product.id).execute()
        await write.trx.deleteFrom('ledger_lots').where('ledger', '=', current.key).where('product', '=', kept.product.id).execute()
        await forgetLicense(write, license)
        await audit(write, actor, 'ledger.product-removed', license, { name: kept.product.name, lots: kept.lots.map(lotInWords) })
        return ok(undefined)
      }),
    addLot: (actor, ledger, license, lot) =>
      act(ledger, async (write, current) => {
        const kept = (await read(write.trx, current, license))[0]
        if (kept === undefined) return err({ is: 'license-unknown' })
        const made = await insertLot(write, current, kept.product.id, lot)
        await audit(write, actor, 'ledger.lot-added', license, { product: kept.product.name, lot: lotInWords(lot) })
        await recordOne(write, current, license)
        return ok(made)
      }),
    changeLot: (actor, ledger, license, lot, change, isAsRead) =>
      onLot(ledger, license, lot, isAsRead, async (write, current, kept, was) => {
        const after: KeptLot = { ...was, ...change, id: was.id }
        await write.trx.updateTable('ledger_lots').set(lotRow(after)).where('ledger', '=', current.key).where('id', '=', lot).execute()
        await audit(write, actor, 'ledger.lot-changed', license, {
          product: kept.product.name,
          before: lotInWords(was),
          after: lotInWords(after),
        })
        await recordOne(write, current, license)
        return after
      }),
    removeLot: (actor, ledger, license, lot, isAsRead) =>
      onLot(ledger, license, lot, isAsRead, async (write, current, kept, was) => {
        await write.trx.deleteFrom('ledger_lots').where('ledger', '=', current.key).where('id', '=', lot).execute()
        await audit(write, actor, 'ledger.lot-removed', license, { product: kept.product.name, lot: lotInWords(was) })
        await recordOne(write, current, license)
        return undefined
      }),
    start: async () => {
      await recount()
      plan()
    },
    stop: () => {
      stopped = true
      cancel?.()
    },
  }
}

const allIn = async (write: Writing, kept: readonly LedgerLicense[]) => {
  const ids = new Set(kept.map(({ licenseId }) => licenseId))
  const chunks = new Set([...ids].map((id) => licensesKey(id)))
  const found = []
  for (const chunk of chunks) found.push(...(await write.rows(chunk)).filter(({ id }) => ids.has(id)))
  return found
}
