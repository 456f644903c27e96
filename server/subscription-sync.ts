/**
 * The part of a sync that reads the subscriptions of a Location. Its failure never touches the counts of licenses: it is
 * told beside them, and the last list stays with its age. Where there is nothing of the kind, there is no part at all.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Journal, Writing } from './journal.ts'
import { licensesInAct } from './licenses.ts'
import { suspiciousShare } from './seat-reading.ts'
import { failureInWords } from './store-failure.ts'
import type { StoreConnection, StoreFailure, StoreSubscriptions, SubscriptionRead, SubscriptionsRead } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { rowsFact, subscriptionsKey } from '../shared/facts.ts'
import type { ConnectorId } from '../shared/ids.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Subscription } from '../shared/subscription.ts'

export interface SubscriptionSync {
  /** Reads all of them and records what differs. `full`: names that are missing are asked for again. */
  read(connection: StoreConnection, connector: Connector, full: boolean): Promise<void>
  /** As `read`, by itself: after an order, or when somebody looks at them. Comes back when a reading that began now is recorded. */
  readNow(connector: ConnectorId): Promise<void>
  /** What is being read now. */
  running(): readonly Promise<void>[]
  /** Nothing more is asked or recorded. */
  stop(): void
}

export interface SubscriptionSyncDeps {
  readonly journal: Journal
  readonly connectors: Pick<Connectors, 'find' | 'update'>
  readonly connections: Pick<Connections, 'of'>
  readonly clock: Clock
  readonly onTrouble: (cause: unknown) => void
}

export const createSubscriptionSync = (deps: SubscriptionSyncDeps): SubscriptionSync => {
  const { journal, connectors, connections, clock } = deps
  const naming = new Set<Promise<void>>()
  const readingByConnector = new Map<ConnectorId, { readonly now: Promise<void>; next: Promise<void> | undefined }>()
  let stopped = false

  const read: SubscriptionSync['read'] = async (connection, connector, full) => {
    const { subscriptions } = connection
    if (subscriptions === undefined || stopped) return
    const held = await journal.rows(subscriptionsKey(connector.id))
    const told = await readTwiceIfShrunken(subscriptions, held.length)
    if (!told.ok) return await noteFailure(connector.id, told.error)
    if (told.value === undefined && held.length === 0 && connector.subscriptions === null) return
    const nameless = await record(connector, told.value, full)
    if (nameless.length > 0) nameSoon(connection, connector, nameless)
  }

  /** 1. Every row, with its new age. 2. Those that are gone. 3. The connector. Gives those of which a name is missing. */
  const record = async (connector: Connector, read: SubscriptionsRead | undefined, full: boolean): Promise<readonly Subscription[]> =>
    await journal.write(async (write) => {
      const current = (await write.rows('connectors')).find(({ id }) => id === connector.id)
      if (current === undefined || stopped) return []
      const chunk = subscriptionsKey(connector.id)
      const heldById = new Map((await write.rows(chunk)).map((row) => [row.id, row]))
      const reads = read?.subscriptions ?? []
      const nameByProduct = await namesOf(write, connector.id)
      const asOf = isoTime(clock.now())
      const rows = reads.map((one) => subscriptionOf(connector.id, one, heldById.get(one.subscriptionId), nameByProduct, asOf))
      const there = new Set(rows.map(({ id }) => id))
      const gone = [...heldById.keys()].filter((id) => !there.has(id))
      if (rows.length > 0 || gone.length > 0) await write.record(rowsFact(chunk, rows, gone))
      // What is owned can only have been bought where they are on.
      const enabled = read?.enabled ?? (rows.length > 0 ? true : (current.subscriptions?.enabled ?? null))
      await connectors.update(write, connector.id, (before) => ({
        ...before,
        subscriptions: read === undefined ? null : { asOf, count: rows.length, error: null, enabled },
      }))
      return rows.filter((row) => (row.name === '' || row.parentName === '') && (full || !heldById.has(row.id)))
    })

  const noteFailure = async (id: ConnectorId, failure: StoreFailure): Promise<void> => {
    const error = { code: failure.is === 'store-refused' ? failure.code : failure.is, text: failureInWords(failure) }
    await journal.write((write) =>
      connectors.update(write, id, (current) => ({
        ...current,
        subscriptions: { ...(current.subscriptions ?? { asOf: null, count: null, enabled: null }), error },
      })),
    )
  }

  // ---- Names ----

  /** Beside everything else: a look-up waits its turn, and counts never wait for it. */
  const nameSoon = (connection: StoreConnection, connector: Connector, nameless: readonly Subscription[]): void => {
    const done = name(connection, connector, nameless)
      .catch(deps.onTrouble)
      .finally(() => naming.delete(done))
    naming.add(done)
  }

  /** The name of the app, and that of the subscription itself where the look-up knows it. */
  const name = async (connection: StoreConnection, connector: Connector, nameless: readonly Subscription[]): Promise<void> => {
    const ids = new Set(
      nameless.flatMap(({ id, name: own, parentId, parentName }) => [own === '' ? id : '', parentName === '' ? parentId : '']),
    )
    ids.delete('')
    const told = await connection.describe([...ids], connector.location?.country ?? '')
    if (!told.ok || told.value.length === 0 || stopped) return
    const nameById = new Map(told.value.map((product) => [product.productId, product.name]))
    await journal.write(async (write) => {
      const chunk = subscriptionsKey(connector.id)
      const put = (await write.rows(chunk)).flatMap((row) => {
        const named = {
          ...row,
          name: row.name || (nameById.get(row.id) ?? ''),
          parentName: row.parentName || (nameById.get(row.parentId) ?? ''),
        }
        return named.name === row.name && named.parentName === row.parentName ? [] : [named]
      })
      if (put.length > 0) await write.record(rowsFact(chunk, put))
    })
  }

  // ---- By itself ----

  const readOnce = async (id: ConnectorId): Promise<void> => {
    const connector = await connectors.find(id)
    const connection = connector === undefined ? undefined : await connections.of(id, connector.kind)
    if (connector !== undefined && connection !== undefined) await read(connection, connector, false)
  }

  /** One reading at a time; who asks while one is under way gets the next one, since what they wait for may have come too late for it. */
  const readNow: SubscriptionSync['readNow'] = async (id) => {
    if (stopped) return
    const running = readingByConnector.get(id)
    if (running !== undefined) {
      running.next ??= running.now.then(() => start(id))
      return await running.next
    }
    await start(id)
  }
  const start = (id: ConnectorId): Promise<void> => {
    const now = readOnce(id)
      .catch(deps.onTrouble)
      .finally(() => {
        if (readingByConnector.get(id) === entry) readingByConnector.delete(id)
      })
    const entry: { readonly now: Promise<void>; next: Promise<void> | undefined } = { now, next: undefined }
    readingByConnector.set(id, entry)
    return now
  }

  return {
    read,
    readNow,
    running: () => [...naming, ...[...readingByConnector.values()].map(({ now, next }) => next ?? now)],
    stop: () => {
      stopped = true
    },
  }
}

/** An answer that is much shorter than what is held is believed when a second one is as long. */
const readTwiceIfShrunken = async (
  subscriptions: StoreSubscriptions,
  held: number,
): Promise<Result<SubscriptionsRead | undefined, StoreFailure>> => {
  const first = await subscriptions.read()
  if (!first.ok || lengthOf(first.value) >= held * suspiciousShare) return first
  const second = await subscriptions.read()
  if (!second.ok) return second
  return lengthOf(second.value) === lengthOf(first.value) ? ok(second.value) : err({ is: 'store-changed-meanwhile' })
}
const lengthOf = (read: SubscriptionsRead | undefined): number => read?.subscriptions.length ?? 0

/** What the licenses of the same Location are called, by product. A product without a name shows its number, which is none. */
const namesOf = async (write: Writing, connector: ConnectorId): Promise<ReadonlyMap<string, string>> =>
  new Map(
    (await licensesInAct(write, connector))
      .filter(({ product }) => product.name !== product.id)
      .map(({ product }) => [product.id, product.name]),
  )

const subscriptionOf = (
  connectorId: ConnectorId,
  read: SubscriptionRead,
  held: Subscription | undefined,
  nameByProduct: ReadonlyMap<string, string>,
  asOf: string,
): Subscription => ({
  id: read.subscriptionId,
  connectorId,
  parentId: read.parentId,
  name: read.name || (held?.name ?? ''),
  parentName: nameByProduct.get(read.parentId) ?? held?.parentName ?? '',
  status: read.status,
  periodEndsOn: read.periodEndsOn,
  total: read.total,
  assigned: read.assigned,
  available: read.available,
  asOf,
})
