/**
 * The line of one connector: one write at a time, at most one open order for each license. It runs when it is woken, looks
 * after what is open, sends what is planned, and comes back by itself when something is due. After trouble with the store
 * it pauses.
 *
 * What is planned waits a moment for what belongs to it: orders of several licenses with the same targets leave in one
 * call (`order-cut.ts`). Each stays an order of its own, with the call's reference.
 *
 * This is the only place that asks a store for a change.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { findLicense } from './licenses.ts'
import { nextCut, type Cut } from './order-cut.ts'
import { holdersOf, peopleOf } from './order-holders.ts'
import {
  changeOrders,
  chunkOfOrder,
  chunkOfRow,
  dropTargets,
  foundOf,
  keepOrder,
  orderIn,
  refuseTargets,
  splitOrder,
  withdrawOrder,
} from './order-rows.ts'
import { askedByHand, silently, type Unasked } from './order-due.ts'
import { pollEveryMs, type OrderSettling } from './order-settling.ts'
import { prepareWeighing, weigh, type Weighing } from './weighing.ts'
import type { ProductKey, StoreConnection, StoreFailure, WriteFailure, WriteLimits, WriteRequest } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import { writingBlockedBy } from '../shared/connector.ts'
import type { ConnectorId, OrderId } from '../shared/ids.ts'
import { isLicenseAction, isLicenseOrder, longestGraceHours, type LocationOrder, type Order } from '../shared/order.ts'
import { reconcile } from '../shared/reconcile.ts'

export interface OrderLine {
  /** Runs the line now; when it is running already, once more after that. */
  wake(): void
  /** Runs it when what is being planned has come together. */
  wakeSoon(): void
  /** The run that is under way. */
  busy(): Promise<void> | undefined
  /** Nothing more is asked or sent once the call that is under way has its answer. */
  stop(): void
}

export interface OrderLineDeps {
  readonly db: Db
  readonly journal: Journal
  readonly connectors: Connectors
  readonly connections: Connections
  readonly directory: DirectoryIndex
  readonly settling: OrderSettling
  readonly clock: Clock
  readonly newOrderId: () => OrderId
  /** Where a named moment is passed; a simulation stops the process there. */
  readonly crashpoint: (name: string) => void
  readonly onTrouble: (cause: unknown) => void
}

/** The first look comes soon, since most events are done in seconds. */
const firstPollMs = 1500
const retryAfterTroubleMs = 30_000
/** A store asks for an hour at most. */
const longestPauseMs = 60 * 60_000
/** A store that is out of reach for long is not asked all the time. */
const longestOwnPauseMs = 5 * 60_000
const longestPollMs = 60_000
const longestGraceMs = longestGraceHours * 60 * 60_000
/** Edits of many licenses come one after another: this long the line waits for the next one before it cuts a call, and no longer in all. */
const gatherMs = 200
const mostGatherMs = 2_000

/** An order that waits to be sent, with those of its targets that nothing stands in the way of. */
interface Ready {
  readonly order: Order
  readonly targets: readonly number[]
}

export const createOrderLine = (connectorId: ConnectorId, deps: OrderLineDeps): OrderLine => {
  const { db, journal, connectors, connections, directory, settling, clock, crashpoint } = deps
  const atStore = { facts: journal, connector: connectorId }
  let running: Promise<void> | undefined
  let again = false
  /** Something was planned that no run has looked at yet. */
  let soon = false
  let cancelTimer: (() => void) | undefined
  let wakesAt = 0
  let gatherSince = 0
  let gatherUntil = 0
  let pausedUntil = 0
  /** Failures since the store last served this line. */
  let troubles = 0
  let stopped = false
  /** A call of several orders was refused as a whole: each leaves by itself, so that the store says which one it does not take. */
  const alone = new Set<OrderId>()

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
    soon = isGathering()
    running = run()
      .catch((cause: unknown) => {
        deps.onTrouble(cause)
        wakeAt(clock.now() + retryAfterTroubleMs)
      })
      .finally(() => {
        running = undefined
        if (again) wake()
        // Planned since this run last looked at what is planned.
        else if (soon) wakeAtLatest(gatherUntil)
      })
  }

  const wakeAt = (at: number): void => {
    cancelTimer?.()
    wakesAt = at
    cancelTimer = clock.after(Math.max(0, at - clock.now()), () => {
      cancelTimer = undefined
      wake()
    })
  }

  const wakeSoon = (): void => {
    const now = clock.now()
    if (!isGathering()) gatherSince = now
    gatherUntil = Math.min(now + gatherMs, gatherSince + mostGatherMs)
    soon = true
    if (running === undefined) wakeAtLatest(gatherUntil)
  }

  const wakeAtLatest = (at: number): void => {
    if (!stopped && (cancelTimer === undefined || wakesAt > at)) wakeAt(at)
  }

  const isPaused = (): boolean => isAhead(pausedUntil, longestPauseMs)
  const isGathering = (): boolean => isAhead(gatherUntil, mostGatherMs)
  /** Nothing is ever planned further ahead than `mostMs`: what seems to be was planned before the clock was set back, and is due. */
  const isAhead = (at: number, mostMs: number): boolean => at > clock.now() && at - clock.now() <= mostMs

  /** The store as a whole can't be used now: the connector learns why, the line pauses where waiting helps. */
  const onStoreFailure = async (connection: StoreConnection, failure: StoreFailure): Promise<void> => {
    const connector = await connectors.find(connectorId)
    if (connector === undefined) return
    if ((await connections.of(connectorId, connector.kind)) !== connection) {
      // It is said of a token that has been renewed meanwhile.
      again = true
      return
    }
    await journal.write((write) => connectors.noteFailure(write, connectorId, failure))
    const ownPauseMs = Math.min(retryAfterTroubleMs * 2 ** Math.min(troubles, 10), longestOwnPauseMs)
    pausedUntil = clock.now() + (failure.is === 'store-busy' ? Math.min(failure.retryAfterMs, longestPauseMs) : ownPauseMs)
    troubles += 1
  }

  // ---- One run ----

  /** 1. Settle what is open. 2. Send what is planned. 3. Come back when something is due. */
  const run = async (): Promise<void> => {
    const connector = await connectors.find(connectorId)
    if (connector === undefined) return
    if (isPaused()) return wakeAt(pausedUntil)
    const connection = await connections.of(connectorId, connector.kind)
    if (connection === undefined) return
    await askWhatIsDue(connection)
    await sendWhatIsPlanned(connection)
    const due = isPaused() ? pausedUntil : await nextPollAt()
    if (due !== undefined) wakeAt(due)
  }

  const nextPollAt = async (): Promise<number | undefined> => {
    const next = await db
      .selectFrom('orders')
      .select('next_poll_at')
      .where('connector', '=', connectorId)
      .where('state', 'in', ['sent', 'pending'])
      .where('next_poll_at', 'is not', null)
      .orderBy('next_poll_at')
      .executeTakeFirst()
    const poll = next?.next_poll_at ?? undefined
    const looksAt = poll === undefined || isAhead(poll, longestPollMs) ? poll : clock.now()
    const dueAt = await nextDueAt()
    return looksAt === undefined ? dueAt : dueAt === undefined ? looksAt : Math.min(looksAt, dueAt)
  }

  /** When the next order that is kept back may leave. One that may already waits for something else. */
  const nextDueAt = async (): Promise<number | undefined> => {
    const rows = await db
      .selectFrom('orders')
      .select('not_before')
      .where('connector', '=', connectorId)
      .where('state', '=', 'planned')
      .where('not_before', '>', clock.now())
      .orderBy('not_before')
      .execute()
    return rows.map(({ not_before }) => not_before ?? 0).find((at) => isAhead(at, longestGraceMs))
  }

  const isKeptBack = ({ notBefore }: Order): boolean => notBefore !== undefined && isAhead(Date.parse(notBefore), longestGraceMs)

  const askWhatIsDue = async (connection: StoreConnection): Promise<void> => {
    const open = await db
      .selectFrom('orders')
      .select(['id', 'connector', 'license', 'next_poll_at', 'attempted_at'])
      .where('connector', '=', connectorId)
      .where('state', 'in', ['sent', 'pending'])
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    const asking = settling.asking(connection)
    for (const row of open) {
      if (stopped || isPaused()) return
      if (isAhead(row.next_poll_at ?? 0, longestPollMs)) continue
      const failure = await asking.ask(chunkOfRow(row), row.id as OrderId, row.attempted_at ?? clock.now())
      crashpoint('after-settling')
      if (failure === undefined) troubles = 0
      else await onStoreFailure(connection, failure)
    }
  }

  const sendWhatIsPlanned = async (connection: StoreConnection): Promise<void> => {
    for (;;) {
      if (stopped || isPaused() || isGathering()) return
      const connector = await connectors.find(connectorId)
      // A token that was renewed, or a claim that was lifted, wakes the line.
      if (connector === undefined || writingBlockedBy(connector, clock.now()) !== undefined) return
      const ready = await whatIsReady()
      if (ready.length === 0) return
      const limits = await connection.limits()
      // Nothing was asked yet: the orders stay planned, and whether they still may be is reconcile's to say.
      if (!limits.ok) return await onStoreFailure(connection, limits.error)
      const cut = cutOf(ready, limits.value)
      if (cut === undefined) return
      if (await send(connection, cut, ready, limits.value)) continue
      // Something changed since it was cut.
      return wakeSoon()
    }
  }

  /**
   * Planned orders that may leave, the oldest first. A license has one open order at a time. A person or device from whom
   * everything is being taken gets nothing meanwhile, and nothing is taken from one to whom something is on its way.
   */
  const whatIsReady = async (): Promise<readonly Ready[]> => {
    const rows = await db
      .selectFrom('orders')
      .select(['id', 'connector', 'license', 'state', 'action'])
      .where('connector', '=', connectorId)
      .where('state', 'in', ['planned', 'sent', 'pending'])
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    const planned: Order[] = []
    const busyLicenses = new Set<string>()
    const onTheirWay = new Set<number>()
    const leaving = new Set<number>()
    for (const row of rows) {
      const order = await orderIn(journal, chunkOfRow(row), row.id as OrderId)
      if (order === undefined) continue
      if (order.state === 'planned') {
        if (!isKeptBack(order)) planned.push(order)
      } else if (isLicenseOrder(order)) {
        busyLicenses.add(order.licenseId)
        for (const ordinal of order.open) onTheirWay.add(ordinal)
      } else for (const ordinal of order.open) leaving.add(ordinal)
    }
    const ready: Ready[] = []
    for (const order of planned) {
      if (isLicenseOrder(order) && busyLicenses.has(order.licenseId)) continue
      const inTheWay = isLicenseOrder(order) ? leaving : new Set([...onTheirWay, ...leaving])
      const targets = inTheWay.size === 0 ? order.open : order.open.filter((ordinal) => !inTheWay.has(ordinal))
      if (targets.length > 0 || order.open.length === 0) ready.push({ order, targets })
    }
    return ready
  }

  const isUser = (ordinal: number): boolean => directory.principal(ordinal)?.kind === 'user'

  /** The next call. Of two orders for one license only the older one can be in it. */
  const cutOf = (ready: readonly Ready[], limits: WriteLimits): Cut | undefined => {
    const first = ready[0]
    if (first === undefined) return undefined
    const { order, targets } = first
    if (!isLicenseOrder(order))
      return (
        nextCut([{ id: order.id, targets }], isUser, { mostProducts: 1, ...mostTargetsOf(order, limits) }) ?? {
          orders: [order.id],
          targets: [],
        }
      )
    if (order.open.length === 0 || alone.has(order.id))
      return nextCut([{ id: order.id, targets }], isUser, limits) ?? { orders: [order.id], targets: [] }
    const licenses = new Set<string>()
    const alike = ready.filter(({ order: other }) => {
      if (!isLicenseOrder(other) || other.action !== order.action || alone.has(other.id) || licenses.has(other.licenseId)) return false
      licenses.add(other.licenseId)
      return true
    })
    return nextCut(
      alike.map((some) => ({ id: some.order.id, targets: some.targets })),
      isUser,
      limits,
    )
  }

  // ---- One call ----

  /** 1. What is asked. 2. Write that it leaves. 3. Call. 4. Write what came back. False: it could not leave as it was cut. */
  const send = async (connection: StoreConnection, cut: Cut, ready: readonly Ready[], limits: WriteLimits): Promise<boolean> => {
    const cutOrders = ready.filter(({ order }) => cut.orders.includes(order.id)).map(({ order }) => order)
    // Outside the act: it reads people, and an act that reads beside itself would wait for its own end.
    const request = cut.targets.length === 0 ? undefined : await requestOf(cutOrders, cut.targets)
    if (request === undefined) {
      await changeOrders(journal, cutOrders, async (write, order) => {
        if (order.state === 'planned') await withdrawOrder(write, order, clock.now())
      })
      return true
    }
    crashpoint('before-intent')
    const leaving = await leave(cutOrders, cut.targets)
    if (leaving === undefined) return false
    crashpoint('after-intent')
    const answer = await connection.write(request)
    crashpoint('after-call')
    if (answer.ok) {
      troubles = 0
      for (const { id } of leaving) alone.delete(id)
      const failure = await settling.accepted(connection, leaving, answer.value, clock.now() + firstPollMs)
      if (failure !== undefined) await onStoreFailure(connection, failure)
    } else await onWriteFailure(connection, leaving, cut, limits, answer.error)
    crashpoint('after-record')
    again = true
    return true
  }

  /**
   * From here on the outcome is unknown. Undefined when they are not to leave any more, or not as they were cut: the
   * wishes may have changed a moment ago, and reconcile not have weighed them yet. What they no longer ask for is taken out.
   */
  const leave = async (cutOrders: readonly Order[], cutTargets: readonly number[]): Promise<readonly Order[] | undefined> => {
    const weighings = new Map<OrderId, Weighing>()
    for (const order of cutOrders) {
      const weighing = isLicenseOrder(order) ? await prepareWeighing({ facts: journal, directory }, order.licenseId) : undefined
      if (weighing !== undefined) weighings.set(order.id, weighing)
    }
    return await journal.write(async (write) => {
      const targets = new Set(cutTargets)
      const orders: Order[] = []
      let isAsCut = true
      for (const { id, ...place } of cutOrders) {
        const order = await orderIn(write, chunkOfOrder(place), id)
        if (order?.state !== 'planned' || order.open.filter((ordinal) => targets.has(ordinal)).length !== targets.size) return undefined
        orders.push(order)
        const unasked = await noLongerAsked(write, order, weighings.get(id))
        if (unasked.length === 0) continue
        isAsCut = false
        const refused = unasked.filter((one) => one.code !== '')
        const silent = unasked.filter((one) => one.code === '').map(({ ordinal }) => ordinal)
        if (silent.length > 0) await dropTargets(write, order, silent, clock.now())
        const rest = refused.length === 0 ? undefined : await orderIn(write, chunkOfOrder(order), id)
        if (rest !== undefined) await refuseTargets(write, rest, refused, clock.now())
      }
      if (!isAsCut) return undefined
      const sent: Order[] = []
      for (const order of orders) {
        const rest = order.open.filter((ordinal) => !targets.has(ordinal))
        const leaving = rest.length === 0 ? order : await splitOrder(write, order, rest, deps.newOrderId())
        const sending: Order = { ...leaving, state: 'sent', unknown: true, sentAt: isoTime(clock.now()) }
        await keepOrder(write, sending, { nextPollAt: clock.now() + pollEveryMs, attemptedAt: clock.now() })
        sent.push(sending)
      }
      return sent
    })
  }

  /** Its targets that are not to be asked for as things are in this act; with the reason where somebody is to read it. */
  const noLongerAsked = async (write: Writing, order: Order, weighing: Weighing | undefined): Promise<readonly Unasked[]> => {
    const input = weighing === undefined ? undefined : await weigh(write, weighing, clock.now())
    if (input === undefined || !isLicenseOrder(order)) return []
    const { verdicts } = reconcile(input)
    if (order.cause !== 'plan') return askedByHand(order, input, verdicts, await foundOf(write.trx, order.id))
    const asked = new Set<number>()
    for (const { ordinal, because } of verdicts) if (because.code === 'order-open' && because.orderId === order.id) asked.add(ordinal)
    return order.open.filter((ordinal) => !asked.has(ordinal)).map((ordinal) => ({ ordinal, ...silently }))
  }

  /** Undefined when a license is not known any more: there is nothing left to ask for. */
  const requestOf = async (orders: readonly Order[], targets: readonly number[]): Promise<WriteRequest | undefined> => {
    const [first] = orders
    if (first === undefined) return undefined
    if (!isLicenseOrder(first)) return await locationRequest(first, targets)
    const products: ProductKey[] = []
    for (const order of orders) {
      const license = isLicenseOrder(order) ? await findLicense(journal, order.licenseId) : undefined
      if (license === undefined) return undefined
      products.push({ productId: license.product.id, pricing: license.pricing })
    }
    const holders = (await holdersOf(directory, targets, atStore)).map(({ holder }) => holder)
    return { action: first.action, products, holders }
  }

  const locationRequest = async (order: LocationOrder, targets: readonly number[]): Promise<WriteRequest> => {
    const holders = (await holdersOf(directory, targets, atStore)).map(({ holder }) => holder)
    const keys = holders.map(({ key }) => key)
    const terms = order.subscription
    switch (order.action) {
      case 'register-user':
      case 'update-user':
        return { action: order.action, people: await peopleOf(directory, targets, atStore) }
      case 'retire-user':
        return { action: order.action, keys }
      case 'revoke':
        return { action: order.action, holders }
      case 'assign-subscription':
      case 'remove-subscription':
        if (terms === null) throw new Error(`orders: ${order.id} names no subscription`)
        return order.action === 'assign-subscription'
          ? { action: order.action, subscriptionId: terms.id, renewing: terms.renewing, keys }
          : { action: order.action, subscriptionId: terms.id, deferred: terms.deferred, keys }
    }
  }

  const onWriteFailure = async (
    connection: StoreConnection,
    orders: readonly Order[],
    cut: Cut,
    limits: WriteLimits,
    failure: WriteFailure,
  ): Promise<void> => {
    const change = (act: (write: Writing, order: Order) => Promise<void>): Promise<void> => changeOrders(journal, orders, act)
    const planAgain = (): Promise<void> =>
      change((write, order) => keepOrder(write, { ...order, state: 'planned', unknown: false, sentAt: null }, { nextPollAt: null }))
    switch (failure.is) {
      case 'outcome-unknown':
      case 'store-answer-unreadable':
        // It stays a question. The store gets a moment to finish before it is read.
        return await change((write, order) => keepOrder(write, order, { nextPollAt: clock.now() + firstPollMs }))
      case 'over-limit': {
        await planAgain()
        const now = await connection.limits()
        // Lower limits cut smaller calls. The same ones again, and only waiting helps.
        if (now.ok && isWithin(orders, cut, now.value) && isWithin(orders, cut, limits)) pausedUntil = clock.now() + retryAfterTroubleMs
        return
      }
      case 'store-refused':
        if (orders.length > 1) {
          for (const { id } of orders) alone.add(id)
          return await planAgain()
        }
        for (const { id } of orders) alone.delete(id)
        // Half of them at a time, until only those are left whom the store does not take.
        if (failure.ofSome === true && cut.targets.length > 1)
          return await change(async (write, order) => {
            const planned: Order = { ...order, state: 'planned', unknown: false, sentAt: null }
            await splitOrder(write, planned, order.open.slice(Math.ceil(order.open.length / 2)), deps.newOrderId())
          })
        return await change((write, order) =>
          settling.settle(
            write,
            order,
            [],
            order.open.map((ordinal) => ({ ordinal, code: failure.code, text: failure.text, retryable: false })),
          ),
        )
      case 'store-busy':
      case 'store-unreachable':
      case 'store-changed-meanwhile':
        // Nothing was done: it may be sent again, after the pause.
        await planAgain()
        return await onStoreFailure(connection, failure)
      case 'credential-expired':
      case 'credential-invalid':
      case 'read-only-token':
      case 'foreign-owner':
      case 'store-retired':
        // What follows from wishes is planned anew by itself; what somebody asked for by hand waits in the line.
        await change((write, order) =>
          order.cause === 'plan'
            ? withdrawOrder(write, order, clock.now())
            : keepOrder(write, { ...order, state: 'planned', unknown: false, sentAt: null }, { nextPollAt: null }),
        )
        return await onStoreFailure(connection, failure)
    }
  }

  const isWithin = (orders: readonly Order[], cut: Cut, limits: WriteLimits): boolean => {
    const [first] = orders
    if (first === undefined) return true
    const most = isLicenseOrder(first) ? limits : mostTargetsOf(first, limits)
    const users = cut.targets.filter(isUser).length
    return (
      users <= most.mostUsers &&
      cut.targets.length - users <= most.mostDevices &&
      (!isLicenseAction(first.action) || orders.length <= limits.mostProducts)
    )
  }

  return {
    wake,
    wakeSoon,
    busy: () => running,
    stop: () => {
      stopped = true
      cancelTimer?.()
    },
  }
}

/** How many people and devices one call of this order takes. */
const mostTargetsOf = (order: LocationOrder, limits: WriteLimits): { readonly mostUsers: number; readonly mostDevices: number } => {
  switch (order.action) {
    case 'register-user':
    case 'update-user':
    case 'retire-user':
      return { mostUsers: limits.mostPeople, mostDevices: 0 }
    case 'revoke':
      return { mostUsers: limits.mostUsersRevoked, mostDevices: limits.mostDevicesRevoked }
    case 'assign-subscription':
    case 'remove-subscription':
      return { mostUsers: limits.mostSubscribers, mostDevices: 0 }
  }
}
