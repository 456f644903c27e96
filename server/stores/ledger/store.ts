/**
 * A ledger as a Store: its far side is our own tables, so it always answers, and what is written is settled within the
 * call. It gives no seat beyond what is owned today, as any store would refuse to. There is no credential: what stands
 * in its place is only the ledger's own key. Names are written by whoever changes a product, and never looked up.
 */
import { randomId, type Chance, type Clock } from '../../../shared/clock.ts'
import type { Capabilities } from '../../../shared/connector.ts'
import { dayOf, seatsOwnedOn } from '../../../shared/ledger.ts'
import { normalSerialNumber, normalUserName } from '../../../shared/principal.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { insertMany } from '../../database/many.ts'
import type { Db, Trx } from '../../database/schema.ts'
import type { Journal } from '../../journal.ts'
import { Secret } from '../../secret.ts'
import type {
  Accepted,
  HolderKey,
  LocationIdentity,
  OwnerMark,
  ProductKey,
  SeatRead,
  Store,
  StoreConnection,
  TargetFailure,
  WriteFailure,
  WriteLimits,
  WriteRequest,
} from '../store.ts'
import { licenseReadOf, readLicensesOf, readSeatRows, seatOf, type KeptLicense } from './rows.ts'

export interface LedgerStoreDeps {
  readonly db: Db
  readonly journal: Pick<Journal, 'write'>
  readonly clock: Clock
  readonly chance: Chance
}

const capabilities: Capabilities = {
  counts: 'kept',
  assign: true,
  revoke: true,
  deviceLicenses: true,
  userLicenses: true,
  books: true,
  push: false,
  retired: null,
}

/** Our own numbers: one act each, so that others need not wait long for their turn. */
const limits: WriteLimits = {
  mostProducts: 25,
  mostUsers: 500,
  mostDevices: 500,
  mostUsersRevoked: 100,
  mostDevicesRevoked: 100,
  mostPeople: 0,
  mostSubscribers: 0,
}
const seatsPerPage = 5_000

export const createLedgerStore = (deps: LedgerStoreDeps): Store => ({
  kind: 'ledger',
  store: 'other',
  capabilities,
  readCredential: (_, __, held) =>
    held === undefined
      ? ok({
          secret: Secret.of(randomId(deps.chance)),
          expiresAt: null,
          organization: '',
          given: { token: true, devices: false },
          hasDevices: false,
        })
      : err({ is: 'credential-malformed', reason: 'no-credential', text: 'A ledger has no credential: there is nothing to renew.' }),
  readNotice: () => undefined,
  connect: (_, secret, mark) => connect(deps, secret.reveal(), mark),
})

export const normalHolder = ({ kind, key }: HolderKey): HolderKey => ({
  kind,
  key: kind === 'user' ? normalUserName(key) : normalSerialNumber(key),
})

const connect = ({ db, journal, clock }: LedgerStoreDeps, ledger: string, mark: OwnerMark): StoreConnection => {
  const today = (): string => dayOf(clock.now())
  let lastReference = 0

  const identity: LocationIdentity = {
    location: { key: ledger, name: 'Ledger', country: '', organization: '' },
    expiresAt: null,
    owner: mark,
  }

  const seatsWhere = async (where: { readonly product: string } | { readonly holder: HolderKey }): Promise<readonly SeatRead[]> => {
    const query = db.selectFrom('ledger_seats').select(['product', 'kind', 'key']).where('ledger', '=', ledger)
    const rows =
      'product' in where
        ? await query.where('product', '=', where.product).orderBy('kind').orderBy('key').execute()
        : await query.where('kind', '=', where.holder.kind).where('key', '=', where.holder.key).orderBy('product').execute()
    return rows.map(seatOf)
  }

  const write = async (request: WriteRequest): Promise<Result<Accepted, WriteFailure>> => {
    switch (request.action) {
      case 'associate':
      case 'disassociate': {
        const { action, products, holders } = request
        const devices = holders.filter(({ kind }) => kind === 'device').length
        if (products.length > limits.mostProducts || devices > limits.mostDevices || holders.length - devices > limits.mostUsers)
          return err({ is: 'over-limit' })
        const failures = await journal.write(async ({ trx }) => {
          const failed: TargetFailure[] = []
          for (const product of products)
            failed.push(
              ...(action === 'associate'
                ? await give(trx, ledger, product, holders.map(normalHolder), today())
                : await take(trx, ledger, product, holders.map(normalHolder))),
            )
          return failed
        })
        return settled(failures)
      }
      case 'revoke': {
        if (request.holders.length > limits.mostUsersRevoked) return err({ is: 'over-limit' })
        await journal.write(({ trx }) => takeAll(trx, ledger, request.holders.map(normalHolder)))
        return settled([])
      }
      case 'register-user':
      case 'update-user':
      case 'retire-user':
      case 'assign-subscription':
      case 'remove-subscription':
        return err({
          is: 'store-refused',
          code: 'not-offered',
          text: 'A ledger keeps no list of people and has no subscriptions. Nothing was changed.',
        })
    }
  }

  const settled = (failures: readonly TargetFailure[]): Result<Accepted, WriteFailure> => {
    lastReference += 1
    return ok({
      reference: `${lastReference}`,
      settled: failures.length === 0 ? { is: 'done' } : { is: 'failed', failures, complete: true },
    })
  }

  const read = async (product?: string) => (await readLicensesOf(db, ledger, product)).map((license) => licenseReadOf(license, today()))

  return {
    identify: async () => ok(identity),
    claim: async () => ok(identity),
    readLicenses: async () => ok(await read()),
    readLicense: async (productId) => ok((await read(productId))[0]),
    readSeats: async (_, sink) => {
      sink.begin(true)
      for (let from: SeatRead | undefined; ;) {
        const page = await readSeatRows(db, ledger, from, seatsPerPage)
        sink.page(page, null)
        from = page.at(-1)
        if (page.length < seatsPerPage) return ok({ cursor: null, full: true })
      }
    },
    readSeatsOf: async (productId) => ok(await seatsWhere({ product: productId })),
    readSeatsOfHolder: async (holder) => ok(await seatsWhere({ holder: normalHolder(holder) })),
    people: undefined,
    subscriptions: undefined,
    devices: undefined,
    describe: async () => ok([]),
    limits: async () => ok(limits),
    write,
    // Every write is settled within its call.
    orderStatus: async () => ok({ is: 'gone' }),
    listen: async () => ok('silent'),
  }
}

const failed = (product: ProductKey, holders: readonly HolderKey[], code: string, text: string): readonly TargetFailure[] =>
  holders.length === 0 ? [] : [{ holders, products: [product], code, text, retryable: false }]

/** Who has a seat keeps it. The rest are served in their order, as far as seats are left. */
const give = async (
  trx: Trx,
  ledger: string,
  product: ProductKey,
  holders: readonly HolderKey[],
  day: string,
): Promise<readonly TargetFailure[]> => {
  const kept: KeptLicense | undefined = (await readLicensesOf(trx, ledger, product.productId))[0]
  if (kept === undefined) return failed(product, holders, 'license-unknown', 'The ledger has no such product any more.')
  const fits = ({ kind }: HolderKey): boolean => kept.product.licenseTypes.includes(kind)
  const lacking = await without(trx, ledger, product.productId, holders.filter(fits))
  const free = kept.product.unlimited ? lacking.length : Math.max(0, seatsOwnedOn(kept.lots, day) - kept.inUse)
  await insertMany(
    trx,
    'ledger_seats',
    lacking.slice(0, free).map(({ kind, key }) => ({ ledger, product: product.productId, kind, key })),
  )
  return [
    ...failed(
      product,
      holders.filter((holder) => !fits(holder)),
      'license-type',
      'The ledger has no license of this kind for them: look at the product’s license kinds.',
    ),
    ...failed(product, lacking.slice(free), 'no-seat-left', 'The ledger has no seat left: the purchase lots that hold today are used up.'),
  ]
}

/** Those of them who have no seat, each once. */
const without = async (trx: Trx, ledger: string, product: string, holders: readonly HolderKey[]): Promise<readonly HolderKey[]> => {
  const lacking = new Map(holders.map((holder) => [`${holder.kind}/${holder.key}`, holder]))
  for (const kind of ['user', 'device'] as const) {
    const keys = holders.flatMap((holder) => (holder.kind === kind ? [holder.key] : []))
    if (keys.length === 0) continue
    const rows = await trx
      .selectFrom('ledger_seats')
      .select('key')
      .where('ledger', '=', ledger)
      .where('product', '=', product)
      .where('kind', '=', kind)
      .where('key', 'in', keys)
      .execute()
    for (const { key } of rows) lacking.delete(`${kind}/${key}`)
  }
  return [...lacking.values()]
}

/** Who has none has given it back already. */
const take = async (trx: Trx, ledger: string, product: ProductKey, holders: readonly HolderKey[]): Promise<readonly TargetFailure[]> => {
  const kept = (await readLicensesOf(trx, ledger, product.productId))[0]
  if (kept !== undefined && !kept.product.revocable)
    return failed(product, holders, 'not-revocable', 'The ledger says that this product is given for good.')
  for (const kind of ['user', 'device'] as const) {
    const keys = holders.flatMap((holder) => (holder.kind === kind ? [holder.key] : []))
    if (keys.length > 0)
      await trx
        .deleteFrom('ledger_seats')
        .where('ledger', '=', ledger)
        .where('product', '=', product.productId)
        .where('kind', '=', kind)
        .where('key', 'in', keys)
        .execute()
  }
  return []
}

/** All that can be taken back from them. */
const takeAll = async (trx: Trx, ledger: string, holders: readonly HolderKey[]): Promise<void> => {
  for (const { kind, key } of holders)
    await trx
      .deleteFrom('ledger_seats')
      .where('ledger', '=', ledger)
      .where('kind', '=', kind)
      .where('key', '=', key)
      .where('product', 'in', (of) => of.selectFrom('ledger_products').select('id').where('ledger', '=', ledger).where('revocable', '=', 1))
      .execute()
}
