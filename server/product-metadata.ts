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
const iconGapMs = 100
const iconsPerAct = 8
const mostUnreachableIcons = 3
const iconUnreachableAgainMs = 6 * 60 * 60_000
const iconRefusedAgainMs = 7 * DAY_MS

export const createProductMetadata = (deps: ProductMetadataDeps): ProductMetadata => {
  const { db, journal, connectors, connections, clock } = deps
  const waiting = new Set<ConnectorId>()
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
    for (const connectorId of waiting) {
      waiting.delete(connectorId)
      if (stopped) return
      try {
        await refreshConnector(connectorId)
      } catch (cause) {
        if (!stopped) deps.onTrouble(cause)
      }
    }
  }

  /** 1. What is known already. 2. What is due, batch by batch. 3. Icons. */
  const refreshConnector = async (connectorId: ConnectorId): Promise<void> => {
    const all = await connectors.list()
    const connector = all.find(({ id }) => id === connectorId)
    if (connector === undefined) return
    const shelf: Shelf = { kind: connector.kind, storefront: connector.location?.country ?? '' }
    const beside = all.filter(({ kind, location }) => kind === shelf.kind && (location?.country ?? '') === shelf.storefront)
    const licenses = (await allLicenses(journal)).filter((license) => beside.some(({ id }) => id === license.connectorId))
    const own = productIdsOf(licenses.filter((license) => license.connectorId === connectorId))
    const kept = await readMetadata(db, shelf, own)
    await show(shelf, beside, licenses, new Set(own), kept)

    const connection = await connections.of(connectorId, connector.kind)
    const listed = productIdsOf(licenses.filter((license) => license.connectorId === connectorId && !license.gone))
    const due = listed.filter((id) => isDue(kept.get(id), connector))
    for (let from = 0; connection !== undefined && from < due.length; from += productsPerCall) {
      const some = due.slice(from, from + productsPerCall)
      if (!(await describe(shelf, beside, licenses, connector, connection, some))) break
    }
    if (deps.icons !== undefined) await drawIcons(deps.icons, shelf, beside, licenses, listed)
  }

  /** A Location that came later may see what an earlier one does not. */
  const isDue = (kept: KeptMetadata | undefined, connector: Connector): boolean =>
    kept === undefined ||
    kept.dueAt <= clock.now() ||
    (kept.described === undefined && kept.askedAt < Date.parse(connector.createdAt)) ||
    // The clock was set back: what was asked in its future is asked again.
    kept.askedAt > clock.now() + DAY_MS

  /** False: the store does not answer now. */
  const describe = async (
    shelf: Shelf,
    beside: readonly Connector[],
    licenses: readonly License[],
    connector: Connector,
    connection: StoreConnection,
    ids: readonly string[],
  ): Promise<boolean> => {
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
      await showIn(write, shelf, beside, licenses, new Set(ids))
    })
    return true
  }

  /** Only where something differs, so that a sync that finds nothing new writes nothing. */
  const show = async (
    shelf: Shelf,
    beside: readonly Connector[],
    licenses: readonly License[],
    ids: ReadonlySet<string>,
    kept: ReadonlyMap<string, KeptMetadata>,
  ): Promise<void> => {
    const differs = ({ product }: License): boolean =>
      ids.has(product.id) && !isSame(product, describedProduct(product, kept.get(product.id)))
    if (stopped || !licenses.some(differs)) return
    await journal.write((write) => showIn(write, shelf, beside, licenses, ids))
  }

  /** `licenses` tell which chunks to look into; what stands in them is read anew. */
  const showIn = async (
    write: Writing,
    shelf: Shelf,
    beside: readonly Connector[],
    licenses: readonly License[],
    ids: ReadonlySet<string>,
  ): Promise<void> => {
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

  const drawIcons = async (
    { policy, draw }: IconSource,
    shelf: Shelf,
    beside: readonly Connector[],
    licenses: readonly License[],
    ids: readonly string[],
  ): Promise<void> => {
    const due = [...(await readMetadata(db, shelf, ids)).values()].flatMap(({ productId, iconToFetch }) =>
      iconToFetch !== null && iconToFetch.dueAt <= clock.now() ? [{ productId, source: iconToFetch.source }] : [],
    )
    let unreachable = 0
    for (let from = 0; from < due.length && unreachable < mostUnreachableIcons; from += iconsPerAct) {
      const drawn: { readonly productId: string; readonly source: string; readonly icon: Result<DrawnIcon, IconRefused> }[] = []
      for (const { productId, source } of due.slice(from, from + iconsPerAct)) {
        if (stopped || unreachable >= mostUnreachableIcons) break
        if (from + drawn.length > 0) await sleep(clock, iconGapMs)
        const fetched = await fetchIcon({ clock, fetch: deps.fetch, policy }, source)
        const icon = fetched.ok ? await draw(fetched.value) : fetched
        unreachable = !icon.ok && icon.error.is === 'unreachable' ? unreachable + 1 : 0
        drawn.push({ productId, source, icon })
      }
      if (stopped || drawn.length === 0) return
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
        await showIn(write, shelf, beside, licenses, new Set(drawn.map(({ productId }) => productId)))
      })
    }
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
