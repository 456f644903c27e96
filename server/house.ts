/**
 * The house put together, without a port: everything that keeps, judges, asks and tells. The composition root gives it a
 * database, a clock, chance, the network and the stores; a simulation gives it its own.
 */
import { createConnections, type Connections } from './connections.ts'
import { createConnectors, type Connectors } from './connectors.ts'
import type { Credentials } from './credentials.ts'
import type { Db } from './database/schema.ts'
import { createDirectory, type DirectoryIndex } from './directory/directory.ts'
import { createRuleGroups, type RuleGroups } from './directory/rule-groups.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { createJournal, type Journal } from './journal.ts'
import { createLeavers } from './leavers.ts'
import { createLedgers, type Ledgers } from './ledgers.ts'
import { createOrders, type Orders } from './orders.ts'
import { createProductMetadata, type IconSource, type ProductMetadata } from './product-metadata.ts'
import { createReconciler, type Reconciler } from './reconciler.ts'
import { createLedgerStore } from './stores/ledger/store.ts'
import type { Store } from './stores/store.ts'
import { createSubscriptionSync, type SubscriptionSync } from './subscription-sync.ts'
import { createSyncs, type Syncs } from './syncs.ts'
import { createWorkspace, type Workspace } from './workspace.ts'
import { randomId, type Chance, type Clock } from '../shared/clock.ts'

export interface HouseDeps {
  readonly db: Db
  readonly clock: Clock
  readonly chance: Chance
  readonly fetch: typeof globalThis.fetch
  readonly credentials: Credentials
  readonly stores: readonly Store[]
  readonly host: string
  readonly build: string
  readonly syncIntervalMinutes: number
  /** Left out: no icons are fetched, letters stand for them. */
  readonly icons?: IconSource
  readonly crashpoint?: (name: string) => void
  /** What nobody can answer: logged once, by the composition root. */
  readonly onTrouble: (cause: unknown) => void
}

export interface House {
  readonly tenant: string
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly ruleGroups: RuleGroups
  readonly workspace: Workspace
  readonly connections: Connections
  readonly connectors: Connectors
  readonly orders: Orders
  readonly reconciler: Reconciler
  readonly syncs: Syncs
  readonly metadata: ProductMetadata
  readonly subscriptions: SubscriptionSync
  readonly exchange: Exchange
  readonly ledgers: Ledgers
  start(): Promise<void>
  stop(): Promise<void>
  /** Waits until nothing runs; timers may still be set. */
  idle(): Promise<void>
}

export const createHouse = async (deps: HouseDeps): Promise<House> => {
  const { db, clock, chance, onTrouble } = deps
  const tenant = await tenantOf(db, chance)
  const journal = await createJournal({ db, now: () => clock.now() })
  const directory = await createDirectory({ journal })
  const ruleGroups = createRuleGroups({ journal, onTrouble })
  const workspace = createWorkspace({ db, journal, clock, chance })
  const connections = createConnections({
    credentials: deps.credentials,
    // A ledger is kept by the house itself, and so in every one of them.
    stores: [...deps.stores, createLedgerStore({ db, journal, clock, chance })],
    host: deps.host,
    tenant,
    clock,
    chance,
    fetch: deps.fetch,
    settingsOf: async (id) => (await journal.rows('connectors')).find((row) => row.id === id)?.settings,
  })
  const connectors = createConnectors({
    journal,
    credentials: deps.credentials,
    connections,
    clock,
    chance,
    syncIntervalMinutes: deps.syncIntervalMinutes,
  })
  connections.onOwner((connector, owner) => {
    journal.write((write) => connectors.noteOwner(write, connector, owner)).catch(onTrouble)
  })
  const orders = createOrders({
    db,
    journal,
    connectors,
    connections,
    directory,
    clock,
    chance,
    onSettled: (connector, license) => syncs.refreshLicense(connector, license),
    onPeopleSettled: (connector, ordinals) => syncs.refreshPeople(connector, ordinals),
    onSubscriptionsSettled: (connector) => void subscriptions.readNow(connector),
    ...(deps.crashpoint === undefined ? {} : { crashpoint: deps.crashpoint }),
    onTrouble,
  })
  const metadata = createProductMetadata({
    db,
    journal,
    connectors,
    connections,
    clock,
    fetch: deps.fetch,
    ...(deps.icons === undefined ? {} : { icons: deps.icons }),
    onTrouble,
  })
  const subscriptions = createSubscriptionSync({ journal, connectors, connections, clock, onTrouble })
  const syncs = createSyncs({
    db,
    journal,
    connectors,
    connections,
    directory,
    orders,
    metadata,
    subscriptions,
    clock,
    chance,
    ...(deps.crashpoint === undefined ? {} : { crashpoint: deps.crashpoint }),
    onTrouble,
  })
  const reconciler = createReconciler({ journal, directory, orders, clock, onTrouble })
  const ledgers = createLedgers({ db, journal, connectors, clock, chance, onTrouble })
  const leavers = createLeavers({ journal, directory, orders, clock, onTrouble })
  const exchange = createExchange({ journal, workspace, syncs, clock, build: deps.build, tenant, onTrouble })

  return {
    tenant,
    journal,
    directory,
    ruleGroups,
    workspace,
    connections,
    connectors,
    orders,
    reconciler,
    syncs,
    metadata,
    subscriptions,
    exchange,
    ledgers,
    start: async () => {
      ruleGroups.start()
      await reconciler.start()
      await orders.start()
      leavers.start()
      await syncs.start()
      await ledgers.start()
    },
    stop: async () => {
      exchange.stop()
      metadata.stop()
      subscriptions.stop()
      ledgers.stop()
      await syncs.stop()
      await ruleGroups.stop()
      await leavers.stop()
      await reconciler.stop()
      await orders.stop()
      await journal.settle()
      directory.close()
    },
    idle: async () => {
      await journal.settle()
      await syncs.idle()
      await metadata.idle()
      await Promise.all(subscriptions.running())
      await ruleGroups.idle()
      await leavers.idle()
      await reconciler.idle()
      await orders.idle()
      await journal.settle()
    },
  }
}

/** The database's own name: a browser that meets another one begins anew, and our mark on a Location stays the same for ever. */
const tenantOf = async (db: Db, chance: Chance): Promise<string> => {
  const held = await db.selectFrom('meta').select('value').where('name', '=', 'tenant').executeTakeFirst()
  if (held !== undefined) return held.value
  const tenant = randomId(chance)
  await db.insertInto('meta').values({ name: 'tenant', value: tenant }).execute()
  return tenant
}
