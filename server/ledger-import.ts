/**
 * A ledger from CSV files. What a file comes to is worked out by one function, for a dry run and inside the act alike. A
 * file adds and changes; it removes nothing. All rows or none, unless the good ones are asked for.
 */
import { appendAudit } from './audit.ts'
import { insertMany } from './database/many.ts'
import type { Db, Trx } from './database/schema.ts'
import type { Journal, Writing } from './journal.ts'
import { licenseIdsOf, recordLedgerLicenses } from './ledger-record.ts'
import { ledgerIn, normalProductName, type Ledger } from './ledgers.ts'
import {
  readHolderCsv,
  readLicenseCsv,
  type HolderLine,
  type LedgerCsv,
  type LedgerCsvRefused,
  type LicenseLine,
  type RowError,
} from './stores/ledger/csv.ts'
import { lotRow, productRow, readLicensesOf, type KeptLicense } from './stores/ledger/rows.ts'
import type { Actor } from '../shared/admin.ts'
import { randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { LicenseId } from '../shared/ids.ts'
import { amountText, type LedgerLot, type LedgerProduct } from '../shared/ledger.ts'
import { err, ok, type Result } from '../shared/result.ts'

export const ledgerImportKinds = ['licenses', 'holders'] as const
export type LedgerImportKind = (typeof ledgerImportKinds)[number]

export interface LedgerChange {
  readonly row: number
  readonly is: 'product-added' | 'product-changed' | 'lot-added' | 'lot-changed' | 'seat-added'
  readonly product: string
  /** What is new about it, in words. */
  readonly text: string
}
export interface LedgerImported {
  readonly read: number
  readonly unchanged: number
  readonly changes: readonly LedgerChange[]
  readonly errors: readonly RowError[]
  /** Licenses of which seats were put down: to be read into the facts. */
  readonly touched: readonly LicenseId[]
}
export interface LedgerImportDone {
  readonly is: 'dry' | 'taken' | 'refused'
  readonly imported: LedgerImported
}

export interface LedgerImport {
  run(
    actor: Actor,
    ledger: Ledger,
    kind: LedgerImportKind,
    text: string,
    how: { readonly dryRun: boolean; readonly partial: boolean },
  ): Promise<Result<LedgerImportDone, LedgerCsvRefused | { readonly is: 'ledger-unknown' }>>
}

export interface LedgerImportDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly chance: Chance
}

interface PlannedProduct {
  readonly id: string
  readonly isNew: boolean
  product: LedgerProduct
  isChanged: boolean
}
interface Planned {
  readonly products: readonly PlannedProduct[]
  readonly lotsToAdd: readonly { readonly product: string; readonly lot: LedgerLot }[]
  readonly lotsToChange: readonly { readonly id: string; readonly lot: LedgerLot }[]
  readonly seats: readonly { readonly product: string; readonly kind: string; readonly key: string }[]
  readonly imported: Omit<LedgerImported, 'touched'>
}

const lotText = ({ seats, price, validUntil }: LedgerLot): string =>
  `${seats} ${seats === 1 ? 'seat' : 'seats'}${price === null ? '' : `, ${amountText(price)} ${price.currency}`}${validUntil === null ? '' : `, until ${validUntil}`}`

const sameLot = (one: LedgerLot, other: LedgerLot): boolean => JSON.stringify(lotRow(one)) === JSON.stringify(lotRow(other))

const usualProduct = (name: string): LedgerProduct => ({
  name,
  publisher: '',
  kind: 'app',
  licenseTypes: ['user'],
  revocable: true,
  unlimited: false,
  note: '',
})

const planLicenses = (kept: readonly KeptLicense[], csv: LedgerCsv<LicenseLine>, chance: Chance): Planned => {
  const errors = [...csv.errors]
  const changes: LedgerChange[] = []
  const plannedByName = new Map<string, PlannedProduct>(
    kept.map(({ product: { id, ...product } }) => [normalProductName(product.name), { id, isNew: false, product, isChanged: false }]),
  )
  const lotById = new Map(kept.flatMap(({ product, lots }) => lots.map((lot) => [lot.id, { product: product.id, lot }] as const)))
  /** Lots that stand without having been named by their ids: a row that says the same is that lot, once for each. */
  const standing = new Map(kept.map(({ product, lots }) => [product.id, [...lots]]))
  for (const { lotId } of csv.lines)
    for (const lots of standing.values()) {
      const at = lotId === '' ? -1 : lots.findIndex(({ id }) => id === lotId)
      if (at >= 0) lots.splice(at, 1)
    }
  const saidBy = new Map<string, number>()
  const lotsToAdd: { readonly product: string; readonly lot: LedgerLot }[] = []
  const lotsToChange: { readonly id: string; readonly lot: LedgerLot }[] = []
  let unchanged = 0
  for (const { row, name, product, lotId, lot } of csv.lines) {
    const held = plannedByName.get(normalProductName(name))
    const owned = lotId === '' ? undefined : lotById.get(lotId)
    if (lotId !== '' && (owned === undefined || owned.product !== held?.id)) {
      errors.push({ row, field: 'lotId', text: `${name} has no lot of this id. Leave lotId empty for a new one.` })
      continue
    }
    const contrary = contradiction(saidBy, held, name, product)
    if (contrary !== undefined) {
      errors.push({ row, field: contrary.field, text: `Row ${contrary.row} says otherwise of ${name}` })
      continue
    }
    for (const field of Object.keys(product)) saidBy.set(`${normalProductName(name)}/${field}`, row)
    let isSame = true
    let planned = held
    if (planned === undefined) {
      planned = { id: randomId(chance), isNew: true, product: { ...usualProduct(name), ...product }, isChanged: false }
      plannedByName.set(normalProductName(name), planned)
      changes.push({ row, is: 'product-added', product: name, text: 'A new product' })
      isSame = false
    } else {
      const after = { ...planned.product, ...product }
      const fields = Object.keys(product).filter(
        (field) => JSON.stringify(Reflect.get(after, field)) !== JSON.stringify(Reflect.get(planned?.product ?? {}, field)),
      )
      if (fields.length > 0) {
        planned.product = after
        planned.isChanged = true
        changes.push({ row, is: 'product-changed', product: name, text: fields.join(', ') })
        isSame = false
      }
    }
    if (lot !== undefined && owned !== undefined && !sameLot(owned.lot, lot)) {
      lotsToChange.push({ id: lotId, lot })
      changes.push({ row, is: 'lot-changed', product: name, text: `${lotText(owned.lot)} becomes ${lotText(lot)}` })
      isSame = false
    } else if (lot !== undefined && owned === undefined) {
      const lots = standing.get(planned.id) ?? []
      const at = lots.findIndex((each) => sameLot(each, lot))
      if (at >= 0) lots.splice(at, 1)
      else {
        lotsToAdd.push({ product: planned.id, lot })
        changes.push({ row, is: 'lot-added', product: name, text: lotText(lot) })
        isSame = false
      }
    }
    if (isSame) unchanged += 1
  }
  return {
    products: [...plannedByName.values()].filter(({ isNew, isChanged }) => isNew || isChanged),
    lotsToAdd,
    lotsToChange,
    seats: [],
    imported: { read: csv.read, unchanged, changes, errors },
  }
}

/** Two rows of one file that say different things of one product: whichever came last would win, unseen. */
const contradiction = (
  saidBy: ReadonlyMap<string, number>,
  planned: PlannedProduct | undefined,
  name: string,
  product: LicenseLine['product'],
): { readonly field: string; readonly row: number } | undefined => {
  for (const [field, value] of Object.entries(product)) {
    const row = saidBy.get(`${normalProductName(name)}/${field}`)
    if (row !== undefined && planned !== undefined && JSON.stringify(Reflect.get(planned.product, field)) !== JSON.stringify(value))
      return { field, row }
  }
  return undefined
}

const planHolders = async (from: Db | Trx, ledger: string, kept: readonly KeptLicense[], csv: LedgerCsv<HolderLine>): Promise<Planned> => {
  const errors = [...csv.errors]
  const changes: LedgerChange[] = []
  const seats: { readonly product: string; readonly kind: string; readonly key: string }[] = []
  const byName = new Map(kept.map((one) => [normalProductName(one.product.name), one.product]))
  const held = new Set<string>()
  for (const id of new Set(csv.lines.flatMap(({ name }) => byName.get(normalProductName(name))?.id ?? []))) {
    const rows = await from
      .selectFrom('ledger_seats')
      .select(['kind', 'key'])
      .where('ledger', '=', ledger)
      .where('product', '=', id)
      .execute()
    for (const { kind, key } of rows) held.add(`${id}/${kind}/${key}`)
  }
  let unchanged = 0
  for (const { row, name, holder } of csv.lines) {
    const product = byName.get(normalProductName(name))
    if (product === undefined) {
      errors.push({ row, field: 'product', text: `The ledger has no product called ${name}. Import it with the licenses first.` })
      continue
    }
    if (!product.licenseTypes.includes(holder.kind)) {
      errors.push({
        row,
        field: holder.kind === 'user' ? 'userName' : 'serialNumber',
        text: `${name} has no licenses for a ${holder.kind}`,
      })
      continue
    }
    const seat = `${product.id}/${holder.kind}/${holder.key}`
    if (held.has(seat)) {
      unchanged += 1
      continue
    }
    held.add(seat)
    seats.push({ product: product.id, kind: holder.kind, key: holder.key })
    changes.push({ row, is: 'seat-added', product: name, text: holder.key })
  }
  return { products: [], lotsToAdd: [], lotsToChange: [], seats, imported: { read: csv.read, unchanged, changes, errors } }
}

export const createLedgerImport = ({ db, journal, clock, chance }: LedgerImportDeps): LedgerImport => {
  const keep = async (
    write: Writing,
    actor: Actor,
    ledger: Ledger,
    kind: LedgerImportKind,
    planned: Planned,
  ): Promise<readonly LicenseId[]> => {
    const { key } = ledger
    for (const { id, isNew, product } of planned.products) {
      const row = productRow(product)
      if (isNew)
        await write.trx
          .insertInto('ledger_products')
          .values({ ledger: key, id, ...row, moved_from: null })
          .execute()
      else await write.trx.updateTable('ledger_products').set(row).where('ledger', '=', key).where('id', '=', id).execute()
    }
    await insertMany(
      write.trx,
      'ledger_lots',
      planned.lotsToAdd.map(({ product, lot }) => ({
        ledger: key,
        product,
        id: randomId(chance),
        ...lotRow(lot),
        made_at: clock.now(),
      })),
    )
    for (const { id, lot } of planned.lotsToChange)
      await write.trx.updateTable('ledger_lots').set(lotRow(lot)).where('ledger', '=', key).where('id', '=', id).execute()
    await insertMany(
      write.trx,
      'ledger_seats',
      planned.seats.map((seat) => ({ ledger: key, ...seat })),
    )
    await recordLedgerLicenses(write, ledger.connector, await readLicensesOf(write.trx, key), clock.now())
    const { changes, errors } = planned.imported
    await appendAudit(write.trx, {
      at: clock.now(),
      actor,
      action: 'ledger.imported',
      object: ledger.connector.id,
      detail: {
        kind,
        productsAdded: changes.filter(({ is }) => is === 'product-added').length,
        productsChanged: changes.filter(({ is }) => is === 'product-changed').length,
        lotsAdded: changes.filter(({ is }) => is === 'lot-added').length,
        lotsChanged: changes.filter(({ is }) => is === 'lot-changed').length,
        seatsAdded: changes.filter(({ is }) => is === 'seat-added').length,
        rowsLeftOut: new Set(errors.map(({ row }) => row)).size,
      },
      origin: 'api',
    })
    const products = [...new Set(planned.seats.map(({ product }) => product))]
    const ids = await licenseIdsOf(write, ledger.connector.id, products)
    return products.flatMap((product) => ids.get(product) ?? [])
  }

  /** Reads the file once; what it comes to depends on what the ledger holds then. */
  const plannerOf = (kind: LedgerImportKind, text: string, key: string): Result<(from: Db | Trx) => Promise<Planned>, LedgerCsvRefused> => {
    if (kind === 'licenses') {
      const csv = readLicenseCsv(text)
      return csv.ok ? ok(async (from) => planLicenses(await readLicensesOf(from, key), csv.value, chance)) : csv
    }
    const csv = readHolderCsv(text)
    return csv.ok ? ok(async (from) => await planHolders(from, key, await readLicensesOf(from, key), csv.value)) : csv
  }

  return {
    run: async (actor, ledger, kind, text, { dryRun, partial }) => {
      const plans = plannerOf(kind, text, ledger.key)
      if (!plans.ok) return plans
      const planFrom = plans.value
      const isRefused = ({ imported }: Planned): boolean => imported.errors.length > 0 && !partial
      if (dryRun) {
        const planned = await planFrom(db)
        return ok({ is: isRefused(planned) ? 'refused' : 'dry', imported: { ...planned.imported, touched: [] } })
      }
      return await journal.write(async (write) => {
        const current = ledgerIn((await write.rows('connectors')).find(({ id }) => id === ledger.connector.id))
        if (current === undefined) return err({ is: 'ledger-unknown' })
        const planned = await planFrom(write.trx)
        if (isRefused(planned)) return ok({ is: 'refused', imported: { ...planned.imported, touched: [] } })
        const touched = planned.imported.changes.length === 0 ? [] : await keep(write, actor, current, kind, planned)
        return ok({ is: 'taken', imported: { ...planned.imported, touched } })
      })
    },
  }
}
