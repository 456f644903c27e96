/**
 * Notices: what a store tells without being asked. Each is kept before it is answered and followed afterwards, in the
 * order of arrival; one that comes twice is kept and followed once.
 *
 * A notice proves nothing. It may be lost, late, doubled or out of order, so nothing that it says is written down as a
 * fact: it only makes us look sooner than we would have. Counts, seats and the outcome of orders are always read.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import { isStorageTrouble } from './database/trouble.ts'
import { StorageTrouble, type Journal, type Writing } from './journal.ts'
import { findLicense } from './licenses.ts'
import { createNoticeLooks } from './notice-looks.ts'
import { createNoticePull } from './notice-pull.ts'
import { createNoticeRecord } from './notice-record.ts'
import { createNoticeRows, longestWaitMs, referenceOf, type KeptNotice, type NoticeVerdict } from './notice-rows.ts'
import type { NoticeSecrets } from './notice-secrets.ts'
import { createNoticeSubscription, type NoticeSubscription } from './notice-subscription.ts'
import type { Orders } from './orders.ts'
import type { Sealer } from './seal.ts'
import type { OrderNews, ProductKey } from './stores/store.ts'
import type { Syncs } from './syncs.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import { licenseIdOf, ordersKey } from '../shared/facts.ts'
import { parseConnectorId, type ConnectorId, type LicenseId } from '../shared/ids.ts'

export interface Notices {
  /**
   * A notice as it came to the address of a connector; `secret` as it came with it. `not-let-in` for whatever reason:
   * who knocks is not told which. The promise comes back when the notice is on disk.
   */
  take(
    connector: string,
    secret: string | undefined,
    body: () => Promise<string>,
  ): Promise<'kept' | 'kept-before' | 'not-let-in' | 'no-notice'>
  /** Has the store send its notices here, as far as it can. */
  subscribe: NoticeSubscription['see']
  /** The Location was taken over: its notices are to come here, with a new secret. Not waited for. */
  claimed(connector: ConnectorId): void
  /** Takes up what was kept and not yet followed. */
  start(): Promise<void>
  stop(): Promise<void>
  idle(): Promise<void>
}

export interface NoticesDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Connectors
  readonly connections: Connections
  readonly directory: Pick<DirectoryIndex, 'ordinalOfKey'>
  readonly orders: Pick<Orders, 'lookNow' | 'settledLately'>
  readonly syncs: Pick<Syncs, 'request' | 'refreshLicense' | 'refreshPeople' | 'onProgress'>
  readonly secrets: NoticeSecrets
  readonly sealer: Sealer
  /** The origin at which the stores reach this server; null: they can't. */
  readonly origin: string | null
  readonly clock: Clock
  /** Where a named moment is passed; a simulation stops the process there. */
  readonly crashpoint?: (name: string) => void
  readonly onTrouble: (cause: unknown) => void
}

/** A notice may come before the answer of the call that it tells of: that call's reference is not on disk yet. */
const graceMs = 5_000
/** Notices of one call come in hundreds. Until all its targets were told the order itself is asked about no oftener. */
const lookAgainMs = 30_000
const forgetLookMs = 15 * 60_000
const keptMs = 3 * 24 * 60 * 60_000
/** Stores that hand out their notices are asked so often, beside every sync. */
const pullEveryMs = 60_000
const pruneEveryMs = 60 * 60_000
const mostTogether = 100
const retryAfterTroubleMs = 30_000
/** When the last notice came is shown to the minute. */
const lastAtEveryMs = 60_000
/** Seats of one license that are read whole because of a notice. */
const mostSeatsAtOnce = 5_000

/** What following a notice led to; `record` belongs into the act that settles it. */
type Followed =
  | { readonly is: 'settled'; readonly verdict: NoticeVerdict; readonly record?: (write: Writing) => Promise<void> }
  | { readonly is: 'later'; readonly dueAt: number }

const settled = (verdict: NoticeVerdict, record?: (write: Writing) => Promise<void>): Followed => ({
  is: 'settled',
  verdict,
  ...(record === undefined ? {} : { record }),
})

export const createNotices = (deps: NoticesDeps): Notices => {
  const { db, journal, connectors, connections, directory, orders, syncs, clock, onTrouble } = deps
  const rows = createNoticeRows(deps)
  const looks = createNoticeLooks(deps)
  const subscription = createNoticeSubscription({ ...deps, lastAt: rows.lastAt })
  const pull = createNoticePull({ journal, connectors, connections, rows, clock })
  const pulling = new Set<Promise<void>>()
  const record = createNoticeRecord({ connectors, rows, clock })
  const lookedAtByReference = new Map<string, { readonly at: number; readonly told: number }>()
  let running: Promise<void> | undefined
  let again = false
  let cancelTimer: (() => void) | undefined
  let cancelPrune = (): void => undefined
  let cancelPull = (): void => undefined
  let stopped = false

  // ---- Taking ----

  const take: Notices['take'] = async (given, secret, body) => {
    const isRight = await deps.secrets.isRight(given, secret)
    const id = parseConnectorId(given)
    const connector = isRight && id !== undefined ? await connectors.find(id) : undefined
    const store = connector === undefined ? undefined : connections.storeOf(connector.kind)
    if (connector === undefined || store === undefined) return 'not-let-in'
    const text = await body()
    const notice = store.readNotice(parseJson(text))
    if (notice === undefined) return 'no-notice'
    const isNew = await journal.write((write) => rows.keep(write, connector.id, notice, text, clock.now()))
    deps.crashpoint?.('after-notice')
    if (isNew) wake()
    return isNew ? 'kept' : 'kept-before'
  }

  // ---- When it runs ----

  const wake = (): void => {
    if (stopped) return
    if (running !== undefined) {
      again = true
      return
    }
    cancelTimer?.()
    cancelTimer = undefined
    again = false
    running = run()
      .catch((cause: unknown) => {
        onTrouble(cause)
        wakeAt(clock.now() + retryAfterTroubleMs)
      })
      .finally(() => {
        running = undefined
        if (again) wake()
      })
  }

  const wakeAt = (at: number): void => {
    cancelTimer?.()
    cancelTimer = clock.after(Math.max(0, at - clock.now()), () => {
      cancelTimer = undefined
      wake()
    })
  }

  const run = async (): Promise<void> => {
    for (let due = await rows.due(clock.now(), mostTogether); due.length > 0; due = await rows.due(clock.now(), mostTogether)) {
      if (stopped) return
      const followed: (readonly [KeptNotice, Followed])[] = []
      for (const notice of due) followed.push([notice, await followSafely(notice)])
      deps.crashpoint?.('after-following')
      await journal.write(async (write) => {
        for (const [notice, what] of followed) {
          if (what.is === 'later') await rows.postpone(write, notice, what.dueAt)
          else {
            await what.record?.(write)
            await rows.settle(write, notice, what.verdict)
          }
        }
        await noteLast(write, followed)
      })
    }
    const next = await rows.nextDueAt()
    if (next !== undefined && !stopped) wakeAt(Math.min(next, clock.now() + longestWaitMs))
  }

  /** Each connector's last notice, at most once a minute: every change of a connector goes to every screen. */
  const noteLast = async (write: Writing, followed: readonly (readonly [KeptNotice, Followed])[]): Promise<void> => {
    const lastByConnector = new Map<ConnectorId, number>()
    for (const [{ connector, receivedAt }] of followed)
      lastByConnector.set(connector, Math.max(receivedAt, lastByConnector.get(connector) ?? 0))
    for (const [id, at] of lastByConnector)
      await connectors.update(write, id, (connector) => {
        const { notices } = connector
        if (notices.state !== 'subscribed') return connector
        if (notices.lastAt !== null && Math.abs(at - Date.parse(notices.lastAt)) < lastAtEveryMs) return connector
        return { ...connector, notices: { ...notices, lastAt: isoTime(at) } }
      })
  }

  // ---- Following one ----

  /** One that can't be followed, whatever stands in it, must not hold up those behind it. A database in trouble holds up all. */
  const followSafely = async (kept: KeptNotice): Promise<Followed> => {
    try {
      return await follow(kept)
    } catch (cause) {
      if (cause instanceof StorageTrouble || isStorageTrouble(cause)) throw cause
      onTrouble(cause)
      return settled('set-aside')
    }
  }

  const follow = async (kept: KeptNotice): Promise<Followed> => {
    const connector = await connectors.find(kept.connector)
    const store = connector === undefined ? undefined : connections.storeOf(connector.kind)
    const notice = kept.body === undefined ? undefined : store?.readNotice(parseJson(kept.body))
    if (connector === undefined || notice === undefined) return settled('set-aside')
    if (notice.location !== null && connector.location !== null && notice.location !== connector.location.key)
      return settled('strange', (write) => record.alarm(write, connector.id, notice, kept.receivedAt))
    const { news } = notice
    switch (news.is) {
      case 'test':
        return settled('done')
      case 'order-news':
        return await followOrder(kept, connector, news, referenceOf(notice))
      case 'count-changed':
        await lookAtProducts(connector.id, [news.product], false)
        return settled('done')
      case 'licenses-changed':
      case 'subscriptions-changed':
        looks.ask(connector.id, { at: 'sync' })
        return settled('done')
      case 'people-changed':
        lookAtPeople(connector.id, news.keys)
        return settled('done')
      case 'unknown':
        return settled('set-aside')
    }
  }

  /** 1. A call of ours: the order is asked about. 2. One that may be ours, its answer being under way: wait. 3. Somebody else's: read what it touched. */
  const followOrder = async (kept: KeptNotice, connector: Connector, news: OrderNews, reference: string | null): Promise<Followed> => {
    const ours = reference === null ? [] : await callsOf(connector.id, reference)
    if (reference !== null && ours.length > 0) {
      if (ours.some(({ state }) => state === 'sent' || state === 'pending')) await lookAtOrder(connector.id, reference, total(ours))
      return settled('done')
    }
    const age = clock.now() - kept.receivedAt
    // Younger than new: the clock was set back, and the grace is over.
    const mayBeOurs = reference !== null && age >= 0
    if (mayBeOurs && age < graceMs) return { is: 'later', dueAt: kept.receivedAt + graceMs }
    if (mayBeOurs && age < longestWaitMs && (await isAnswerUnderWay(connector.id))) return { is: 'later', dueAt: clock.now() + graceMs }
    // What failed changed nothing.
    if (news.outcome === 'failure') return settled('done')
    return await followOutside(connector, news, reference)
  }

  const callsOf = (connector: ConnectorId, reference: string) =>
    db.selectFrom('orders').select(['state', 'total']).where('connector', '=', connector).where('reference', '=', reference).execute()

  const total = (calls: readonly { readonly total: number }[]): number => calls.reduce((sum, call) => sum + call.total, 0)

  const isAnswerUnderWay = async (connector: ConnectorId): Promise<boolean> => {
    const row = await db
      .selectFrom('orders')
      .select('id')
      .where('connector', '=', connector)
      .where('state', '=', 'sent')
      .where('reference', 'is', null)
      .where('attempted_at', '>', clock.now() - longestWaitMs)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  }

  /** At the first sign of a call, and when all of its targets were told: in between its own turn comes soon enough. */
  const lookAtOrder = async (connector: ConnectorId, reference: string, targets: number): Promise<void> => {
    const name = `${connector}/${reference}`
    const told = await rows.partsTold(connector, reference)
    const last = lookedAtByReference.get(name)
    const isWhole = told >= targets && (last === undefined || last.told < targets)
    if (last !== undefined && !isWhole && Math.abs(clock.now() - last.at) < lookAgainMs) return
    for (const [old, { at }] of lookedAtByReference) if (Math.abs(clock.now() - at) > forgetLookMs) lookedAtByReference.delete(old)
    lookedAtByReference.set(name, { at: clock.now(), told })
    await orders.lookNow(connector, reference)
  }

  const followOutside = async (connector: Connector, news: OrderNews, reference: string | null): Promise<Followed> => {
    switch (news.subject) {
      case 'people':
        lookAtPeople(
          connector.id,
          news.holders.map(({ key }) => key),
        )
        return settled('outside', (write) => record.outside(write, connector.id, news, reference, 'people.changed-outside'))
      case 'subscriptions':
        looks.ask(connector.id, { at: 'sync' })
        return settled('outside', (write) => record.outside(write, connector.id, news, reference, 'subscriptions.changed-outside'))
      case 'seats': {
        const licenses = await lookAtProducts(connector.id, news.products, true)
        // An order whose call got no answer has no reference to be known by: its own targets are no news from outside.
        if (licenses.length > 0 && (await isExplained(licenses, news))) return settled('done')
        return settled('outside', (write) => record.outside(write, connector.id, news, reference, 'seats.changed-outside'))
      }
    }
  }

  const isExplained = async (licenses: readonly LicenseId[], news: OrderNews): Promise<boolean> => {
    const ordinals = new Set<number>()
    for (const { kind, key } of news.holders) {
      const ordinal = directory.ordinalOfKey(kind, key)
      if (ordinal === undefined) return false
      ordinals.add(ordinal)
    }
    if (ordinals.size === 0) return false
    for (const license of licenses) {
      const open = new Set(
        (await journal.rows(ordersKey(license))).filter(({ state }) => state !== 'planned').flatMap((order) => order.open),
      )
      const lately = orders.settledLately(license)
      for (const ordinal of ordinals) if (!open.has(ordinal) && !lately.has(ordinal)) return false
    }
    return true
  }

  /** Gives the licenses that are known; one that is not is bought for the first time, and a sync brings it. */
  const lookAtProducts = async (connector: ConnectorId, products: readonly ProductKey[], seats: boolean): Promise<readonly LicenseId[]> => {
    const known: LicenseId[] = []
    for (const { productId, pricing } of products) {
      const row = await db
        .selectFrom('license_keys')
        .select('ordinal')
        .where('connector', '=', connector)
        .where('product', '=', productId)
        .where('pricing', '=', pricing ?? '')
        .executeTakeFirst()
      if (row === undefined) looks.ask(connector, { at: 'sync' })
      else {
        const license = licenseIdOf(row.ordinal)
        // An increment costs less than so many holders.
        const isLarge = seats && ((await findLicense(journal, license))?.inUse ?? 0) > mostSeatsAtOnce
        looks.ask(connector, isLarge ? { at: 'sync' } : { at: 'license', license, seats })
        known.push(license)
      }
    }
    if (products.length === 0) looks.ask(connector, { at: 'sync' })
    return known
  }

  const lookAtPeople = (connector: ConnectorId, keys: readonly string[]): void => {
    const ordinals = keys.map((key) => directory.ordinalOfKey('user', key))
    const known = ordinals.filter((ordinal) => ordinal !== undefined)
    if (known.length > 0) looks.ask(connector, { at: 'people', ordinals: known })
    // Somebody whom nobody named here before.
    if (known.length < ordinals.length || keys.length === 0) looks.ask(connector, { at: 'sync' })
  }

  // ---- Pruning ----

  const prune = (): void => {
    cancelPrune = clock.after(pruneEveryMs, () => {
      void journal.write((write) => rows.prune(write, clock.now() - keptMs)).catch(onTrouble)
      if (!stopped) prune()
    })
  }

  // ---- Pulling ----

  const followPulled = (pulled: Promise<boolean>): void => {
    const done: Promise<void> = pulled
      .then((isNew) => {
        if (isNew) wake()
      })
      .catch(onTrouble)
      .finally(() => pulling.delete(done))
    pulling.add(done)
  }

  const pullAgain = (): void => {
    cancelPull = clock.after(pullEveryMs, () => {
      followPulled(pull.seeAll())
      if (!stopped) pullAgain()
    })
  }

  // Who we are there is known by then, and whether the Location is ours.
  const stopProgress = syncs.onProgress(({ connectorId, progress }) => {
    if (progress.phase !== 'products' || stopped) return
    subscription.see(connectorId, 'sync').catch(onTrouble)
    followPulled(pull.see(connectorId))
  })

  return {
    take,
    subscribe: (connector, why) => (stopped ? Promise.resolve() : subscription.see(connector, why)),
    claimed: (connector) => {
      if (!stopped) subscription.see(connector, 'claimed').catch(onTrouble)
    },
    start: async () => {
      prune()
      pullAgain()
      wake()
    },
    stop: async () => {
      stopped = true
      stopProgress()
      cancelTimer?.()
      cancelPrune()
      cancelPull()
      looks.stop()
      await Promise.all(pulling)
      await running
      await Promise.allSettled(subscription.running())
    },
    idle: async () => {
      while (running !== undefined || subscription.running().length > 0 || pulling.size > 0) {
        await Promise.all(pulling)
        await running
        await Promise.allSettled(subscription.running())
      }
    },
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is no notice, and is answered so.
    return undefined
  }
}
