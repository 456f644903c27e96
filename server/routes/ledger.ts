/** Ledgers: licenses that are kept by hand, their purchase lots, files of both, and the move of a retired store into one. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import type { Clock } from '../../shared/clock.ts'
import { parseConnectorId, parseLicenseId, type LicenseId } from '../../shared/ids.ts'
import {
  amountText,
  dayOf,
  isCurrency,
  isDay,
  ledgerKinds,
  ledgerLicenseTypes,
  lotFault,
  lotStateOn,
  mostMinor,
  mostSeatsOfALot,
  parseMoney,
  sumsOf,
  type KeptLot,
  type LedgerLot,
  type LedgerProduct,
  type Money,
} from '../../shared/ledger.ts'
import { err, exhaustive } from '../../shared/result.ts'
import { ledgerImportKinds, type LedgerImport } from '../ledger-import.ts'
import type { LedgerMove, MoveRefused } from '../ledger-move.ts'
import type { Ledger, LedgerLicense, LedgerRefused, Ledgers } from '../ledgers.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import { holderHeads, licenseHeads } from '../stores/ledger/csv.ts'
import { licenseReadOf } from '../stores/ledger/rows.ts'
import type { Syncs } from '../syncs.ts'
import { answerList, csvText, wantsCsv } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { csvIn } from './directory-import.ts'
import { answerStale, etagOf, isMatch } from './etag.ts'
import { body, line, malformed, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

// ---- What goes out ----

const day = v.pipe(v.nullable(v.string()), v.description('YYYY-MM-DD, in UTC'))
const moneySchema = v.object({
  minor: v.pipe(v.number(), v.description('In the smallest unit of the currency: 1250 is 12.50 EUR')),
  currency: v.string(),
  amount: v.string(),
})
const lotSchema = v.object({
  id: v.string(),
  seats: v.number(),
  price: v.pipe(v.nullable(moneySchema), v.description('Of the whole lot; null: not known')),
  supplier: v.string(),
  orderNumber: v.string(),
  boughtOn: day,
  validFrom: day,
  validUntil: v.pipe(day, v.description('The last day on which it counts')),
  note: v.string(),
  state: v.pipe(v.picklist(['to-come', 'holds', 'ended']), v.description('Only what holds is counted')),
})
const licenseSchema = v.object({
  licenseId: v.string(),
  name: v.string(),
  publisher: v.string(),
  kind: v.picklist(ledgerKinds),
  licenseTypes: v.array(v.picklist(ledgerLicenseTypes)),
  revocable: v.boolean(),
  unlimited: v.boolean(),
  note: v.string(),
  owned: v.pipe(v.nullable(v.number()), v.description('By the lots that hold today; null: no limit')),
  inUse: v.number(),
  free: v.pipe(v.nullable(v.number()), v.description('Below zero: more is in use than is owned')),
  paid: v.pipe(v.array(moneySchema), v.description('A sum for each currency, over all lots; nothing is converted')),
  lots: v.array(lotSchema),
})
const holderSchema = v.object({
  product: v.string(),
  licenseId: v.string(),
  userName: v.nullable(v.string()),
  serialNumber: v.nullable(v.string()),
})
const importedSchema = v.object({
  read: v.pipe(v.number(), v.description('Rows that hold anything')),
  unchanged: v.number(),
  changes: v.array(
    v.object({
      row: v.pipe(v.number(), v.description('As a spreadsheet counts: the heads are row 1')),
      is: v.picklist(['product-added', 'product-changed', 'lot-added', 'lot-changed', 'seat-added']),
      product: v.string(),
      text: v.string(),
    }),
  ),
  errors: v.array(v.object({ row: v.number(), field: v.string(), text: v.string() })),
})
const movedSchema = v.object({
  licenses: v.number(),
  seatsOwned: v.number(),
  seatsInUse: v.number(),
  assignments: v.number(),
  withoutHolders: v.pipe(v.number(), v.description('Licenses with seats in use of which the store never told who has them')),
})

const moneyView = (money: Money) => ({ ...money, amount: amountText(money) })
const createViews = (clock: Clock) => {
  const lot = (kept: KeptLot) => ({
    id: kept.id,
    seats: kept.seats,
    price: kept.price === null ? null : moneyView(kept.price),
    supplier: kept.supplier,
    orderNumber: kept.orderNumber,
    boughtOn: kept.boughtOn,
    validFrom: kept.validFrom,
    validUntil: kept.validUntil,
    note: kept.note,
    state: lotStateOn(kept, dayOf(clock.now())),
  })
  const license = (kept: LedgerLicense) => {
    const { total, available } = licenseReadOf(kept, dayOf(clock.now()))
    const { name, publisher, kind, licenseTypes, revocable, unlimited, note } = kept.product
    return {
      licenseId: kept.licenseId,
      name,
      publisher,
      kind,
      licenseTypes,
      revocable,
      unlimited,
      note,
      owned: total,
      inUse: kept.inUse,
      free: available,
      paid: sumsOf(kept.lots).map(moneyView),
      lots: kept.lots.map(lot),
    }
  }
  return { lot, license }
}

/** A row for each lot, as `readLicenseCsv` takes it: what goes out can come in again, and changes nothing. */
const csvRowsOf = ({ product, lots }: LedgerLicense): readonly object[] => {
  const own = {
    product: product.name,
    publisher: product.publisher,
    kind: product.kind,
    licenseTypes: product.licenseTypes,
    revocable: product.revocable,
    unlimited: product.unlimited,
  }
  if (lots.length === 0) return [own]
  return lots.map(({ id, price, ...lot }) => ({
    ...own,
    lotId: id,
    ...lot,
    price: price === null ? '' : amountText(price),
    currency: price?.currency ?? '',
  }))
}

// ---- What comes in ----

const text = (most: number) => v.pipe(v.string(), v.trim(), v.maxLength(most), v.regex(/^[^\p{Cc}]*$/u, 'must be one line of text'))
const dayIn = v.nullable(v.pipe(v.string(), v.check(isDay, 'must be a day such as 2027-01-31')))
const currency = v.pipe(v.string(), v.trim(), v.toUpperCase(), v.check(isCurrency, 'must be a code of ISO 4217 such as EUR'))
const moneyIn = v.pipe(
  v.strictObject({
    minor: v.optional(
      v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must be at least 0'), v.maxValue(mostMinor, 'is too large')),
    ),
    amount: v.optional(v.pipe(v.string(), v.maxLength(20))),
    currency,
  }),
  v.description('Either minor, in the smallest unit, or amount, such as 12.50'),
  v.rawTransform(({ dataset, addIssue, NEVER }): Money => {
    const { minor, amount, currency: of } = dataset.value
    if (minor !== undefined && amount === undefined) return { minor, currency: of }
    const money = amount !== undefined && minor === undefined ? parseMoney(amount, of) : err('must have either minor or amount')
    if (money.ok) return money.value
    addIssue({ message: money.error })
    return NEVER
  }),
)
const seats = v.pipe(
  v.number(),
  v.integer('must be a whole number'),
  v.minValue(0, 'must be at least 0'),
  v.maxValue(mostSeatsOfALot, `must be at most ${mostSeatsOfALot}`),
)
const lotBody = v.strictObject({
  seats,
  price: v.optional(v.nullable(moneyIn), null),
  supplier: v.optional(text(200), ''),
  orderNumber: v.optional(text(100), ''),
  boughtOn: v.optional(dayIn, null),
  validFrom: v.optional(dayIn, null),
  validUntil: v.optional(dayIn, null),
  note: v.optional(text(500), ''),
})
const lotChange = v.strictObject({
  seats: v.optional(seats),
  price: v.optional(v.nullable(moneyIn)),
  supplier: v.optional(text(200)),
  orderNumber: v.optional(text(100)),
  boughtOn: v.optional(dayIn),
  validFrom: v.optional(dayIn),
  validUntil: v.optional(dayIn),
  note: v.optional(text(500)),
})
const types = v.pipe(
  v.array(v.picklist(ledgerLicenseTypes, 'must be device or user')),
  v.minLength(1, 'must name device, user or both'),
  v.maxLength(2),
  v.transform((asked): LedgerProduct['licenseTypes'] => ledgerLicenseTypes.filter((type) => asked.includes(type))),
)
const kind = v.picklist(ledgerKinds, `must be one of ${ledgerKinds.join(', ')}`)
const productBody = v.strictObject({
  name: line(200),
  publisher: v.optional(text(200), ''),
  kind: v.optional(kind, 'app'),
  licenseTypes: v.optional(types, ['user']),
  revocable: v.optional(v.boolean(), true),
  unlimited: v.optional(v.boolean(), false),
  note: v.optional(text(500), ''),
  lots: v.optional(v.pipe(v.array(lotBody), v.maxLength(100)), []),
})
const productChange = v.strictObject({
  name: v.optional(line(200)),
  publisher: v.optional(text(200)),
  kind: v.optional(kind),
  licenseTypes: v.optional(types),
  revocable: v.optional(v.boolean()),
  unlimited: v.optional(v.boolean()),
  note: v.optional(text(500)),
})
const flag = v.optional(v.picklist(['true', 'false'], 'must be true or false'), 'false')
const format = v.optional(v.pipe(v.picklist(['csv'], 'must be csv'), v.description('As with Accept: text/csv, for a link in a page')))
const importQuery = v.object({
  kind: v.picklist(ledgerImportKinds, `must be one of ${ledgerImportKinds.join(', ')}`),
  dryRun: flag,
  partial: flag,
})

/** Members that were given; an optional one that was left out stays out of the change. */
const given = <T extends object>(change: T) =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }

// ---- Refusals ----

const ledgerProblem = (refused: Exclude<LedgerRefused, { readonly is: 'changed-meanwhile' }>): Problem => {
  switch (refused.is) {
    case 'ledger-unknown':
      return notFound('ledger')
    case 'license-unknown':
      return notFound('license')
    case 'lot-unknown':
      return notFound('lot')
    case 'name-taken':
      return {
        status: 409,
        code: refused.is,
        detail: 'This ledger has a product of this name. Put the purchase down as a lot of it, or choose another name.',
        errors: [{ field: 'name', text: 'stands in this ledger already' }],
        extra: { licenseId: refused.licenseId },
      }
    case 'license-in-use':
      return {
        status: 409,
        code: refused.is,
        detail: `Nothing was removed: of this product ${refused.seats} seats are in use, ${refused.assignments} assignments stand and ${refused.orders} orders are open. Remove the assignments and reclaim the seats first.`,
        extra: { seats: refused.seats, assignments: refused.assignments, orders: refused.orders },
      }
    default:
      return exhaustive(refused)
  }
}

const moveProblem = (refused: MoveRefused): Problem => {
  switch (refused.is) {
    case 'connector-unknown':
      return notFound('connector')
    case 'ledger-unknown':
      return {
        status: 422,
        code: refused.is,
        detail: 'There is no such ledger. Add a connector of the kind ledger first, and name it.',
        errors: [{ field: 'ledgerId', text: 'is no ledger' }],
      }
    case 'not-retired':
      return {
        status: 409,
        code: refused.is,
        detail: `The store of ${refused.name} still answers, and counts its licenses itself. Only what a retired store held can be moved. Nothing was changed.`,
      }
    case 'moved-already':
      return { status: 409, code: refused.is, detail: `It was moved to the ledger ${refused.name} already. Nothing was changed.` }
    case 'orders-open':
      return {
        status: 409,
        code: refused.is,
        detail: `${refused.orders === 1 ? '1 order is' : `${refused.orders} orders are`} still open at this store, so nobody can tell who will have a seat. Cancel what has not left, wait for the rest, then move. Nothing was changed.`,
        extra: { orders: refused.orders },
      }
    default:
      return exhaustive(refused)
  }
}

export interface LedgerRoutesDeps {
  readonly ledgers: Ledgers
  readonly imports: LedgerImport
  readonly moves: LedgerMove
  readonly syncs: Pick<Syncs, 'request' | 'refreshLicense'>
  readonly clock: Clock
}

/** Of more licenses than these everything is read anew, in one walk. */
const mostSingleReads = 20

export const ledgerRoutes =
  ({ ledgers, imports, moves, syncs, clock }: LedgerRoutesDeps): RouteModule =>
  (web) => {
    const tags = ['Ledgers']
    const views = createViews(clock)
    const base = `${api}/connectors/:id/ledger`
    const one = `${base}/licenses/:licenseId`

    const ledgerIn = async (c: WebContext): Promise<Ledger | undefined> => {
      const id = parseConnectorId(c.req.param('id'))
      return id === undefined ? undefined : await ledgers.find(id)
    }
    const licenseIn = (c: WebContext): LicenseId | undefined => parseLicenseId(c.req.param('licenseId'))
    const unknown = (c: WebContext, what: 'ledger' | 'license' | 'lot') => answerProblem(c, notFound(what))
    const stateOf = ({ licenseId, product }: LedgerLicense) => [licenseId, product]
    const answerOne = (c: WebContext, kept: LedgerLicense, status: 200 | 201 = 200) =>
      c.json(views.license(kept), status, { ETag: etagOf(stateOf(kept)) })
    const answerLot = (c: WebContext, lot: KeptLot, status: 200 | 201 = 200) => c.json(views.lot(lot), status, { ETag: etagOf(lot) })
    const refuse = (c: WebContext, refused: LedgerRefused, lot?: string): Response => {
      if (refused.is !== 'changed-meanwhile') return answerProblem(c, ledgerProblem(refused))
      const { current } = refused
      const of = current.lots.find(({ id }) => id === lot)
      return of === undefined ? answerStale(c, etagOf(stateOf(current)), views.license(current)) : answerStale(c, etagOf(of), views.lot(of))
    }
    const faulty = (lot: LedgerLot) => {
      const fault = lotFault(lot)
      return fault === undefined ? undefined : malformed([fault])
    }

    web.get(
      `${base}/licenses`,
      describeRoute({
        tags,
        summary: 'The licenses of a ledger with their purchase lots',
        description: `With Accept: text/csv a row for each lot, under the heads that the import takes (${licenseHeads.join(',')}).`,
        responses: { 200: answer('A page', pageSchema(licenseSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(v.object({ ...listQuery(['name']), format })),
      async (c) => {
        const ledger = await ledgerIn(c)
        if (ledger === undefined) return unknown(c, 'ledger')
        const all = await ledgers.list(ledger)
        if (wantsCsv(c) || c.req.valid('query').format === 'csv')
          return answerFile(c, csvText(licenseHeads, all.flatMap(csvRowsOf), true), 'ledger-licenses')
        return answerList<LedgerLicense>(c, {
          query: c.req.valid('query'),
          read: (wanted) => pageOf(all, wanted, { name: ({ product }) => product.name.toLowerCase() }, ({ licenseId }) => licenseId),
          view: (items) => items.map(views.license),
          schema: licenseSchema,
        })
      },
    )
    web.post(
      `${base}/licenses`,
      describeRoute({
        tags,
        summary: 'Put down a product, with its lots',
        responses: { 201: answer('Put down', licenseSchema), ...problems(400, 404, 409) },
      }),
      allow('manage-connectors'),
      body(productBody),
      async (c) => {
        const ledger = await ledgerIn(c)
        if (ledger === undefined) return unknown(c, 'ledger')
        const { lots, ...product } = c.req.valid('json')
        const fault = lots.map(faulty).find((each) => each !== undefined)
        if (fault !== undefined) return answerProblem(c, fault)
        const added = await ledgers.addProduct(actorIn(c), ledger, product, lots)
        return added.ok ? answerOne(c, added.value, 201) : refuse(c, added.error)
      },
    )
    web.get(
      one,
      describeRoute({ tags, summary: 'One license of a ledger', responses: { 200: answer('It', licenseSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const [ledger, id] = [await ledgerIn(c), licenseIn(c)]
        if (ledger === undefined) return unknown(c, 'ledger')
        const kept = id === undefined ? undefined : await ledgers.license(ledger, id)
        return kept === undefined ? unknown(c, 'license') : answerOne(c, kept)
      },
    )
    web.patch(
      one,
      describeRoute({
        tags,
        summary: 'Change a product',
        responses: { 200: answer('Changed', licenseSchema), ...problems(400, 404, 409, 412) },
      }),
      allow('manage-connectors'),
      body(productChange),
      async (c) => {
        const [ledger, id] = [await ledgerIn(c), licenseIn(c)]
        if (ledger === undefined) return unknown(c, 'ledger')
        if (id === undefined) return unknown(c, 'license')
        const changed = await ledgers.changeProduct(actorIn(c), ledger, id, given(c.req.valid('json')), (current) =>
          isMatch(c, etagOf(stateOf(current))),
        )
        return changed.ok ? answerOne(c, changed.value) : refuse(c, changed.error)
      },
    )
    web.delete(
      one,
      describeRoute({
        tags,
        summary: 'Remove a product that nobody has and nobody is to get',
        responses: { ...noContent, ...problems(404, 409, 412) },
      }),
      allow('manage-connectors'),
      async (c) => {
        const [ledger, id] = [await ledgerIn(c), licenseIn(c)]
        if (ledger === undefined) return unknown(c, 'ledger')
        if (id === undefined) return unknown(c, 'license')
        const removed = await ledgers.removeProduct(actorIn(c), ledger, id, (current) => isMatch(c, etagOf(stateOf(current))))
        return removed.ok ? c.body(null, 204) : refuse(c, removed.error)
      },
    )
    web.get(
      `${one}/lots`,
      describeRoute({
        tags,
        summary: 'The purchase lots of a license, in the order in which they were put down',
        responses: { 200: answer('All of them', v.object({ items: v.array(lotSchema) })), ...problems(404) },
      }),
      allow('read'),
      async (c) => {
        const [ledger, id] = [await ledgerIn(c), licenseIn(c)]
        if (ledger === undefined) return unknown(c, 'ledger')
        const kept = id === undefined ? undefined : await ledgers.license(ledger, id)
        return kept === undefined ? unknown(c, 'license') : c.json({ items: kept.lots.map(views.lot) })
      },
    )
    web.post(
      `${one}/lots`,
      describeRoute({
        tags,
        summary: 'Put down a purchase; the license counts it at once',
        responses: { 201: answer('Put down', lotSchema), ...problems(400, 404) },
      }),
      allow('manage-connectors'),
      body(lotBody),
      async (c) => {
        const [ledger, id] = [await ledgerIn(c), licenseIn(c)]
        if (ledger === undefined) return unknown(c, 'ledger')
        if (id === undefined) return unknown(c, 'license')
        const lot = c.req.valid('json')
        const fault = faulty(lot)
        if (fault !== undefined) return answerProblem(c, fault)
        const added = await ledgers.addLot(actorIn(c), ledger, id, lot)
        return added.ok ? answerLot(c, added.value, 201) : refuse(c, added.error)
      },
    )
    web.patch(
      `${one}/lots/:lotId`,
      describeRoute({
        tags,
        summary: 'Change a purchase lot',
        responses: { 200: answer('Changed', lotSchema), ...problems(400, 404, 412) },
      }),
      allow('manage-connectors'),
      body(lotChange),
      async (c) => {
        const [ledger, id, lot] = [await ledgerIn(c), licenseIn(c), c.req.param('lotId')]
        if (ledger === undefined) return unknown(c, 'ledger')
        if (id === undefined) return unknown(c, 'license')
        const change = given(c.req.valid('json'))
        const before = (await ledgers.license(ledger, id))?.lots.find((each) => each.id === lot)
        const fault = before === undefined ? undefined : faulty({ ...before, ...change })
        if (fault !== undefined) return answerProblem(c, fault)
        const changed = await ledgers.changeLot(
          actorIn(c),
          ledger,
          id,
          lot,
          change,
          // Days of two changes at once must not end up contradicting each other: only what was looked at is changed.
          (current) => isMatch(c, etagOf(current)) && etagOf(current) === etagOf(before),
        )
        return changed.ok ? answerLot(c, changed.value) : refuse(c, changed.error, lot)
      },
    )
    web.delete(
      `${one}/lots/:lotId`,
      describeRoute({
        tags,
        summary: 'Remove a purchase lot; its seats count no more, and nothing is taken from anyone',
        responses: { ...noContent, ...problems(404, 412) },
      }),
      allow('manage-connectors'),
      async (c) => {
        const [ledger, id, lot] = [await ledgerIn(c), licenseIn(c), c.req.param('lotId')]
        if (ledger === undefined) return unknown(c, 'ledger')
        if (id === undefined) return unknown(c, 'license')
        const removed = await ledgers.removeLot(actorIn(c), ledger, id, lot, (current) => isMatch(c, etagOf(current)))
        return removed.ok ? c.body(null, 204) : refuse(c, removed.error, lot)
      },
    )
    web.get(
      `${base}/holders`,
      describeRoute({
        tags,
        summary: 'Who holds what, as the ledger keeps it',
        description: `With Accept: text/csv under the heads that the import takes (${holderHeads.join(',')}).`,
        responses: { 200: answer('A page', pageSchema(holderSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(v.object({ ...listQuery(['product']), format })),
      async (c) => {
        const ledger = await ledgerIn(c)
        if (ledger === undefined) return unknown(c, 'ledger')
        const all = await ledgers.holders(ledger)
        if (wantsCsv(c) || c.req.valid('query').format === 'csv')
          return answerFile(c, csvText(holderHeads, all.map(holderView), true), 'ledger-holders')
        return answerList<(typeof all)[number]>(c, {
          query: c.req.valid('query'),
          read: (wanted) =>
            pageOf(
              all,
              wanted,
              { product: ({ product }) => product.toLowerCase() },
              (each) => `${each.licenseId} ${each.holder.kind} ${each.holder.key}`,
            ),
          view: (items) => items.map(holderView),
          schema: holderSchema,
        })
      },
    )
    web.post(
      `${base}/import`,
      describeRoute({
        tags,
        summary: 'Import products with lots, or holders, from CSV',
        description: `The file as text/csv, or as the field file of multipart/form-data; commas, semicolons or tabs. kind=licenses: a row for each purchase lot, heads ${licenseHeads.join(',')}, of which only product must be there. With a lotId the lot of that id is changed; without, a row that says the same as a lot that stands is that lot, and any other is a new one. kind=holders: heads ${holderHeads.join(',')}; who holds more than is owned shows as a deficit. A file adds and changes and removes nothing; an empty cell says nothing of a product. All rows or none, unless partial.`,
        requestBody: { content: { 'text/csv': { schema: { type: 'string' } } } },
        responses: {
          200: answer('Taken over, or with dryRun what it would come to', importedSchema),
          422: answer('Rows are wrong, and nothing was taken over', importedSchema),
          ...problems(400, 404, 415),
        },
      }),
      allow('manage-connectors'),
      query(importQuery),
      async (c) => {
        const ledger = await ledgerIn(c)
        if (ledger === undefined) return unknown(c, 'ledger')
        const { kind: what, dryRun, partial } = c.req.valid('query')
        const file = await csvIn(c)
        if (typeof file !== 'string') return answerProblem(c, file)
        const done = await imports.run(actorIn(c), ledger, what, file, { dryRun: dryRun === 'true', partial: partial === 'true' })
        if (!done.ok) return answerProblem(c, importProblem(done.error))
        const { is, imported } = done.value
        const { touched, ...told } = imported
        if (touched.length > mostSingleReads) await syncs.request(ledger.connector.id, 'api', true)
        else for (const license of touched) syncs.refreshLicense(ledger.connector.id, license, true)
        if (is !== 'refused') return c.json(told)
        const first = told.errors[0]
        return answerProblem(c, {
          status: 422,
          code: 'rows-refused',
          detail: `${told.errors.length === 1 ? '1 fault was' : `${told.errors.length} faults were`} found, the first in row ${first?.row ?? 0}: ${first?.text ?? ''}. Nothing was taken over. Mend the file, or take the good rows with partial=true.`,
          extra: { ...told },
        })
      },
    )
    web.post(
      `${api}/connectors/:id/move-to-ledger`,
      describeRoute({
        tags,
        summary: 'Move what a retired store held into a ledger',
        description:
          'Licenses become products with one lot each, holders become found seats, assignments are carried over. From then on everything is counted in the ledger alone. With preview true nothing is changed.',
        responses: { 200: answer('Moved, or with preview what it would come to', movedSchema), ...problems(400, 404, 409, 422) },
      }),
      allow('manage-connectors'),
      body(v.strictObject({ ledgerId: v.pipe(v.string(), v.maxLength(64)), preview: v.optional(v.boolean(), false) })),
      async (c) => {
        const from = parseConnectorId(c.req.param('id'))
        const { ledgerId, preview } = c.req.valid('json')
        const to = parseConnectorId(ledgerId)
        if (from === undefined) return answerProblem(c, notFound('connector'))
        if (to === undefined) return answerProblem(c, moveProblem({ is: 'ledger-unknown' }))
        const moved = preview ? await moves.preview(from, to) : await moves.move(actorIn(c), from, to)
        return moved.ok ? c.json(moved.value) : answerProblem(c, moveProblem(moved.error))
      },
    )
  }

const holderView = ({ product, licenseId, holder }: Awaited<ReturnType<Ledgers['holders']>>[number]) => ({
  product,
  licenseId,
  userName: holder.kind === 'user' ? holder.key : null,
  serialNumber: holder.kind === 'device' ? holder.key : null,
})

const answerFile = (c: WebContext, file: string, name: string): Response =>
  c.body(file, 200, {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': `attachment; filename="${name}.csv"`,
  })

const importProblem = (refused: Exclude<Awaited<ReturnType<LedgerImport['run']>>, { readonly ok: true }>['error']): Problem => {
  switch (refused.is) {
    case 'ledger-unknown':
      return notFound('ledger')
    case 'csv-heads':
      return {
        status: 400,
        code: refused.is,
        detail: `The first row names the columns: product, and any of ${refused.expected.join(',')}, each once. Nothing was taken over.`,
        extra: { found: refused.found, expected: refused.expected },
      }
    case 'csv-too-long':
      return {
        status: 400,
        code: refused.is,
        detail: `The file has more than ${refused.most} rows. Nothing was taken over. Cut it into several.`,
      }
    case 'csv-unreadable':
      return { status: 400, code: refused.is, detail: `${refused.text} Nothing was taken over.` }
    default:
      return exhaustive(refused)
  }
}
