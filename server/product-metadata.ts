/**
 * Names, prices and icons of products. They are asked of the store once the counts are recorded, beside everything else:
 * a sync does not wait for them, and a look-up that fails leaves counts and kept names alone. Each batch is an act of its
 * own, so names appear as they come; icons come after the names.
 *
 * What was told is asked anew after about a week, what was not told after a day, in batches of 50, one after the other.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import { fetchIcon, type IconPolicy, type IconRefused } from './icon-fetching.ts'
import type { DrawIcon, DrawnIcon } from './icon-drawing.ts'
import { keepIcon } from './icons.ts'
import type { Journal, Writing } from './journal.ts'
import { allLicenses } from './licenses.ts'
import {
  describedProduct,
  keepDescription,
  keepIconOf,
  keepIconRefusal,
  keepSilence,
  readMetadata,
  type KeptMetadata,
  type Shelf,
} from './metadata-cache.ts'
import type { StoreConnection } from './stores/store.ts'
import { sleep, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { licensesKey, rowsFact } from '../shared/facts.ts'
import type { ConnectorId } from '../shared/ids.ts'
import type { License, Product } from '../shared/license.ts'
import type { Result } from '../shared/result.ts'

export interface ProductMetadata {
  /** Brings the products of this connector up to what is known, and asks for what is due. Comes back at once. */
  refresh(connectorId: ConnectorId): void
  idle(): Promise<void>
  /** Nothing more is asked or recorded. */
  stop(): void
}

export interface ProductMetadataDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Pick<Connectors, 'list'>
  readonly connections: Pick<Connections, 'of'>
  readonly clock: Clock
  readonly fetch: typeof globalThis.fetch
  /** Left out: no icons are fetched, letters stand for them. */
  readonly icons?: IconSource
  readonly onTrouble: (cause: unknown) => void
}

/** One connector with all that share its shelf: what is told for one of them is shown for each. */
interface Around {
  readonly connector: Connector
  readonly shelf: Shelf
  readonly beside: readonly Connector[]
  /** Of all of them. */
  readonly licenses: readonly License[]
}

export interface IconSource {
  readonly policy: IconPolicy
  readonly draw: DrawIcon
}

const DAY_MS = 24 * 60 * 60_000
const productsPerCall = 50
const leastAgeMs = 6 * DAY_MS
/** Products asked together are not due together again. */
const spreadMs = 2 * DAY_MS
const unansweredAgainMs = DAY_MS
const failedAgainMs = 15 * 60_000
const iconGapMs = 20
const iconsPerAct = 8
const mostUnreachableIcons = 3
const iconUnreachableAgainMs = 6 * 60 * 60_000
const iconRefusedAgainMs = 7 * DAY_MS

export const createProductMetadata = (deps: ProductMetadataDeps): ProductMetadata => {
  const { db, journal, connectors, connections, clock } = deps
  const waiting = new Set<ConnectorId>()
  const waitingForIcons = new Set<ConnectorId>()
  const notBefore = new Map<Connector['kind'], number>()
  let running: Promise<void> | undefined
  let stopped = false

  const begin = (): void => {
    // Let the sync that asks come to its end first.
    running ??= Promise.resolve()
      .then(run)
      .finally(() => {
        running = undefined
        if (waiting.size > 0 && !stopped) begin()
      })
  }
  const run = async (): Promise<void> => {
    for (;;) {
      // Names of all come before icons of any.
      const [named] = waiting
      const [drawn] = waitingForIcons
      const connectorId = named ?? drawn
      if (stopped || connectorId === undefined) return
      if (named === undefined) waitingForIcons.delete(connectorId)
      waiting.delete(connectorId)
      try {
        const around = await lookAround(connectorId)
        if (around === undefined) continue
        if (named !== undefined) await describeDue(around)
        if (deps.icons !== undefined && (named !== undefined || (await drawSome(deps.icons, around)))) waitingForIcons.add(connectorId)
      } catch (cause) {
        if (!stopped) deps.onTrouble(cause)
      }
    }
  }

  const lookAround = async (connectorId: ConnectorId): Promise<Around | undefined> => {
    const all = await connectors.list()
    const connector = all.find(({ id }) => id === connectorId)
    if (connector === undefined) return undefined
    const shelf: Shelf = { kind: connector.kind, storefront: connector.location?.country ?? '' }
    const beside = all.filter(({ kind, location }) => kind === shelf.kind && (location?.country ?? '') === shelf.storefront)
    const licenses = (await allLicenses(journal)).filter((license) => beside.some(({ id }) => id === license.connectorId))
    return { connector, shelf, beside, licenses }
  }

  /** 1. What is known already. 2. What is due, batch by batch. */
  const describeDue = async (around: Around): Promise<void> => {
    const { connector, shelf } = around
    const own = around.licenses.filter((license) => license.connectorId === connector.id)
    const kept = await readMetadata(db, shelf, productIdsOf(own))
    await show(around, new Set(productIdsOf(own)), kept)
    const connection = await connections.of(connector.id, connector.kind)
    const due = productIdsOf(own.filter(({ gone }) => !gone)).filter((id) => isDue(kept.get(id), connector))
    for (let from = 0; connection !== undefined && from < due.length; from += productsPerCall) {
      if (!(await describe(around, connection, due.slice(from, from + productsPerCall)))) break
    }
  }

  /** A Location that came later may see what an earlier one does not. */
  const isDue = (kept: KeptMetadata | undefined, connector: Connector): boolean =>
    kept === undefined ||
    kept.dueAt <= clock.now() ||
    (kept.described === undefined && kept.askedAt < Date.parse(connector.createdAt)) ||
    // The clock was set back: what was asked in its future is asked again.
    kept.askedAt > clock.now() + DAY_MS

  /** False: the store does not answer now. */
  const describe = async (around: Around, connection: StoreConnection, ids: readonly string[]): Promise<boolean> => {
    const { connector, shelf, beside, licenses } = around
    if (stopped || clock.now() < (notBefore.get(shelf.kind) ?? 0)) return false
    const told = await connection.describe(ids, shelf.storefront)
    if (!told.ok) {
      const { error } = told
      notBefore.set(shelf.kind, clock.now() + (error.is === 'store-busy' ? Math.max(error.retryAfterMs, failedAgainMs) : failedAgainMs))
      return false
    }
    const byProduct = new Map(told.value.map((description) => [description.productId, description]))
    // Custom apps are told only with the token of a Location that they were made for.
    for (const other of beside.filter(({ id }) => id !== connector.id)) {
      const theirs = new Set(licenses.filter(({ connectorId }) => connectorId === other.id).map(({ product }) => product.id))
      const missing = ids.filter((id) => !byProduct.has(id) && theirs.has(id))
      const link = missing.length === 0 || stopped ? undefined : await connections.of(other.id, other.kind)
      const also = await link?.describe(missing, shelf.storefront)
      if (also?.ok === true) for (const description of also.value) byProduct.set(description.productId, description)
    }
    if (stopped) return false
    await journal.write(async (write) => {
      const now = clock.now()
      for (const id of ids) {
        const description = byProduct.get(id)
        if (description === undefined) await keepSilence(write.trx, shelf, id, now, now + unansweredAgainMs)
        else await keepDescription(write.trx, shelf, description, now, now + leastAgeMs + (spreadOf(id) % spreadMs))
      }
      await showIn(write, around, new Set(ids))
    })
    return true
  }

  /** Only where something differs, so that a sync that finds nothing new writes nothing. */
  const show = async (around: Around, ids: ReadonlySet<string>, kept: ReadonlyMap<string, KeptMetadata>): Promise<void> => {
    const differs = ({ product }: License): boolean =>
      ids.has(product.id) && !isSame(product, describedProduct(product, kept.get(product.id)))
    if (stopped || !around.licenses.some(differs)) return
    await journal.write((write) => showIn(write, around, ids))
  }

  /** `licenses` tell which chunks to look into; what stands in them is read anew. */
  const showIn = async (write: Writing, { shelf, beside, licenses }: Around, ids: ReadonlySet<string>): Promise<void> => {
    const kept = await readMetadata(write.trx, shelf, [...ids])
    const connectorIds = new Set(beside.map(({ id }) => id))
    const chunks = new Set(licenses.filter(({ product }) => ids.has(product.id)).map(({ id }) => licensesKey(id)))
    for (const key of chunks) {
      const put: License[] = []
      for (const license of await write.rows(key)) {
        if (!connectorIds.has(license.connectorId) || !ids.has(license.product.id)) continue
        const product = describedProduct(license.product, kept.get(license.product.id))
        if (!isSame(product, license.product)) put.push({ ...license, product })
      }
      if (put.length > 0) await write.record(rowsFact(key, put))
    }
  }

  // ---- Icons ----

  /** Some of those that are due; true: there may be more. */
  const drawSome = async ({ policy, draw }: IconSource, around: Around): Promise<boolean> => {
    const { shelf, connector, licenses } = around
    const own = licenses.filter(({ connectorId, gone }) => connectorId === connector.id && !gone)
    const due = [...(await readMetadata(db, shelf, productIdsOf(own))).values()].flatMap(({ productId, iconToFetch }) =>
      iconToFetch !== null && iconToFetch.dueAt <= clock.now() ? [{ productId, source: iconToFetch.source }] : [],
    )
    const drawn: { readonly productId: string; readonly source: string; readonly icon: Result<DrawnIcon, IconRefused> }[] = []
    let unreachable = 0
    for (const { productId, source } of due.slice(0, iconsPerAct)) {
      await sleep(clock, iconGapMs)
      if (stopped) return false
      const fetched = await fetchIcon({ clock, fetch: deps.fetch, policy }, source)
      const icon = fetched.ok ? await draw(fetched.value) : fetched
      drawn.push({ productId, source, icon })
      unreachable = !icon.ok && icon.error.is === 'unreachable' ? unreachable + 1 : 0
      if (unreachable >= mostUnreachableIcons) break
    }
    if (stopped || drawn.length === 0) return false
    await journal.write(async (write) => {
      const now = clock.now()
      for (const { productId, source, icon } of drawn) {
        if (icon.ok) {
          await keepIcon(write.trx, icon.value, now)
          await keepIconOf(write.trx, shelf, productId, source, icon.value.key)
        } else {
          const againMs = icon.error.is === 'unreachable' ? iconUnreachableAgainMs : iconRefusedAgainMs
          await keepIconRefusal(write.trx, shelf, productId, icon.error.is, now + againMs)
        }
      }
      await showIn(write, around, new Set(drawn.map(({ productId }) => productId)))
    })
    return unreachable < mostUnreachableIcons
  }

  return {
    refresh: (connectorId) => {
      if (stopped) return
      waiting.add(connectorId)
      begin()
    },
    idle: async () => {
      while (running !== undefined) await running
    },
    stop: () => {
      stopped = true
    },
  }
}

const productIdsOf = (licenses: readonly License[]): readonly string[] => [...new Set(licenses.map(({ product }) => product.id))]

/** In what a description can change. */
const isSame = (one: Product, other: Product): boolean =>
  productMembers.every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name]))
const productMembers = [
  'name',
  'publisher',
  'kind',
  'deviceFamilies',
  'bundleId',
  'version',
  'price',
  'iconUrl',
] as const satisfies readonly (keyof Product)[]

/** FNV-1a: the same for a product each time, and no chance in it. */
const spreadOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return hash
}
