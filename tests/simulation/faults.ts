/** The kinds of trouble. A seed draws which of them are on, and how much of each; each kind can also be on alone. */
import type { Chance } from '../../shared/clock.ts'
import type { DiskFault } from '../world/disk.ts'
import type { RequestFault } from '../world/network.ts'
import { isProduct, locationId, products, type World } from '../world/world.ts'

export const faultKinds = [
  'server-crash',
  'crash-point',
  'crash-in-commit',
  'disk-full',
  'commit-reported-failed',
  'socket-cut',
  'socket-silent',
  'offline',
  'slow-line',
  'browser-kill',
  'reload',
  'local-write-fails',
  'store-cut',
  'store-silent',
  'store-bad-gateway',
  'store-slow',
  'store-page',
  'store-unreachable',
  'store-busy',
  'store-tasks-fail',
  'store-events-slow',
  'store-falls-short',
  'store-empty-list',
  'store-page-moves',
  'store-list-lag',
  'outside-seats',
  'outside-totals',
  'token-expires',
  'foreign-owner',
  'role-changes',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Drawn {
  fraction(): number
  below(count: number): number
  pick<T>(list: readonly T[]): T
  happens(probability: number): boolean
}

export const drawnFrom = (chance: Chance): Drawn => {
  const below = (count: number): number => Math.floor(chance.fraction() * count)
  return {
    fraction: () => chance.fraction(),
    below,
    happens: (probability) => chance.fraction() < probability,
    pick: (list) => {
      const one = list[below(list.length)]
      if (one === undefined) throw new Error('faults: nothing to pick from')
      return one
    },
  }
}

export interface Swarm {
  readonly kinds: ReadonlySet<FaultKind>
  /** How often what can fail at each request, statement or frame does. */
  readonly rate: number
}

export const drawSwarm = (drawn: Drawn, only: FaultKind | 'none' | undefined): Swarm => {
  const rate = drawn.pick([0.02, 0.05, 0.1, 0.2])
  if (only !== undefined) return { kinds: new Set(only === 'none' ? [] : [only]), rate }
  const share = drawn.pick([0.15, 0.3, 0.6])
  return { kinds: new Set(faultKinds.filter(() => drawn.happens(share))), rate }
}

/** What is going on, and what has to be mended before everything can come to rest. */
export interface Trouble {
  /** How many incidents there were. */
  count(): number
  /** One incident of those that begin at a moment. Gives what it was. */
  begin(): string
  /** Restarts what is due. */
  tend(): Promise<void>
  /** Everything is well again. */
  heal(): Promise<void>
}

const sudden: readonly FaultKind[] = [
  'server-crash',
  'disk-full',
  'socket-cut',
  'socket-silent',
  'offline',
  'slow-line',
  'browser-kill',
  'reload',
  'store-busy',
  'store-tasks-fail',
  'store-events-slow',
  'store-falls-short',
  'store-empty-list',
  'store-page-moves',
  'store-list-lag',
  'outside-seats',
  'outside-totals',
  'token-expires',
  'foreign-owner',
  'role-changes',
]

export interface TroubleDeps {
  readonly world: World
  readonly drawn: Drawn
  readonly swarm: Swarm
  /** Somebody outside gave or took a seat. */
  readonly onOutside: (product: string, holder: string, gives: boolean) => void
}

export const makeTrouble = ({ world, drawn, swarm, onOutside }: TroubleDeps): Trouble => {
  const { kinds, rate } = swarm
  const { schedule, store } = world
  let count = 0
  let healed = false
  let restartAt = 0
  let diskFullUntil = 0
  let emptyAgainAt = 0
  const reopen: { readonly at: number; readonly admin: World['ana'] }[] = []
  const later = (ms: number, act: () => void): void => void schedule.after(ms, () => (healed ? undefined : act()))

  const strikes = (kind: FaultKind, probability = rate): boolean => {
    if (healed || !kinds.has(kind) || !drawn.happens(probability)) return false
    count += 1
    return true
  }

  world.disk.fault = (sql): DiskFault | undefined => {
    if (healed) return undefined
    if (schedule.now() < diskFullUntil) return 'full'
    if (sql !== 'commit') return undefined
    if (strikes('crash-in-commit', rate / 2)) {
      restartAt = schedule.now() + drawn.below(15_000)
      return drawn.happens(0.5) ? 'dies-before' : 'dies-after'
    }
    return strikes('commit-reported-failed', rate / 2) ? 'reported-failed' : undefined
  }
  world.crashesAt = () => {
    const dies = strikes('crash-point', rate * 2)
    if (dies) restartAt = schedule.now() + drawn.below(15_000)
    return dies
  }
  store.line.fault = (): RequestFault | undefined => {
    const when = drawn.happens(0.5) ? 'before' : 'after'
    if (strikes('store-cut')) return { is: 'cut', when }
    if (strikes('store-silent', rate / 3)) return { is: 'silent', when }
    if (strikes('store-bad-gateway')) return { is: 'bad-gateway', when }
    if (strikes('store-slow')) return { is: 'slow', ms: drawn.pick([500, 5_000, 40_000, 90_000]) }
    if (strikes('store-page', rate / 2)) return { is: 'page' }
    if (strikes('store-unreachable')) return { is: 'refused' }
    return undefined
  }
  const localFaults = (): void => {
    for (const admin of world.admins)
      admin.store.fault = () =>
        strikes('local-write-fails', rate / 2)
          ? {
              when: drawn.happens(0.5) ? 'before' : 'after',
              failure: { is: drawn.pick(['no-room', 'failed'] as const), text: 'by the simulation' },
            }
          : undefined
  }
  localFaults()

  const product = (): string => drawn.pick(Object.keys(products))
  const adamId = (name: string): string => (isProduct(name) ? products[name] : '')
  const device = (): string => `iPad-${1 + drawn.below(8)}`

  const begin: Readonly<Record<string, () => string>> = {
    'server-crash': () => {
      world.crashServer()
      restartAt = schedule.now() + drawn.below(20_000)
      return 'the server is killed'
    },
    'disk-full': () => {
      diskFullUntil = schedule.now() + drawn.below(20_000)
      return 'the disk is full'
    },
    'socket-cut': () => {
      const admin = drawn.pick(world.admins)
      admin.line.cut()
      return `${admin.name}'s connection is cut`
    },
    'socket-silent': () => {
      const admin = drawn.pick(world.admins)
      admin.line.goSilent()
      return `${admin.name}'s connection goes silent`
    },
    offline: () => {
      const admin = drawn.pick(world.admins)
      if (admin.line.isOnline()) admin.line.goOffline(drawn.happens(0.5))
      else admin.goOnline()
      return `${admin.name} goes ${admin.line.isOnline() ? 'online' : 'offline'}`
    },
    'slow-line': () => {
      const admin = drawn.pick(world.admins)
      const most = drawn.pick([5, 50, 2_000])
      admin.line.latencyMs = () => 1 + drawn.below(most)
      return `${admin.name}'s line takes up to ${most} ms`
    },
    'browser-kill': () => {
      const admin = drawn.pick(world.admins)
      admin.killBrowser()
      reopen.push({ at: schedule.now() + drawn.below(30_000), admin })
      return `${admin.name}'s browser dies`
    },
    reload: () => {
      const admin = drawn.pick(world.admins)
      reopen.push({ at: schedule.now(), admin })
      return `${admin.name} reloads`
    },
    'store-busy': () => {
      const retryAfter = drawn.pick(['', '1', '20', '75', 'soon'])
      store.control.faults.arm({
        fault: { is: drawn.pick(['rate-limited', 'unavailable'] as const), ...(retryAfter === '' ? {} : { retryAfter }) },
        times: 1 + drawn.below(4),
      })
      return 'the store is busy'
    },
    'store-tasks-fail': () => {
      store.control.faults.arm({
        fault: { is: 'tasks-fail', errorNumber: drawn.pick([9603, 9612, 9709]), every: 1 + drawn.below(3) },
        times: 1,
      })
      return 'tasks of the next event fail'
    },
    'store-events-slow': () => {
      store.control.faults.arm({ fault: { is: 'event-stays-pending' }, times: 1 })
      // In the end every event is done: within the time after which an order is settled by reading.
      for (const ms of [60_000, 120_000, 180_000, 240_000]) schedule.after(ms, () => void store.control.finishEvents())
      return 'the next event takes long'
    },
    'store-falls-short': () => {
      store.control.faults.arm({ fault: { is: drawn.pick(['event-falls-short', 'failures-without-info'] as const), by: 1 }, times: 1 })
      return 'the next event tells half'
    },
    'store-empty-list': () => {
      // Two reads that are wrong alike are believed: that is the rule, and no fault of it.
      if (schedule.now() < emptyAgainAt) return 'nothing'
      emptyAgainAt = schedule.now() + 30 * 60_000
      store.control.faults.arm({ fault: { is: 'empty-list' }, endpoint: drawn.pick(['assets', 'assignments'] as const), times: 1 })
      const server = world.server()
      if (server !== undefined)
        server.house.connectors
          .list()
          .then(([connector]) => (connector === undefined ? undefined : server.house.syncs.request(connector.id, 'admin', true)))
          .catch(() => undefined)
      return 'the next list is empty, and is read'
    },
    'store-page-moves': () => {
      store.control.setSwitches({ pageSize: drawn.pick([1, 2, 500]) })
      store.control.faults.arm({
        fault: { is: drawn.pick(['page-moved', 'page-out-of-range', 'empty-page', 'page-loop'] as const) },
        times: 1,
      })
      return 'the next list moves'
    },
    'store-list-lag': () => {
      const lag = drawn.pick([0, 2_000, 60_000])
      store.control.setSwitches({ listLagMs: { assets: lag, assignments: lag, users: lag } })
      return `lists lag by ${lag} ms`
    },
    'outside-seats': () => {
      const [name, holder] = [product(), device()]
      const gives = drawn.happens(0.5)
      if (gives) store.gives(name, holder)
      else store.takes(name, holder)
      onOutside(name, holder, gives)
      return `outside, ${holder} ${gives ? 'gets' : 'loses'} ${name}`
    },
    'outside-totals': () => {
      const [name, seats] = [product(), drawn.below(8)]
      store.control.setTotal(locationId, adamId(name), seats)
      return `${name} now has ${seats} seats`
    },
    'token-expires': () => {
      store.control.expireToken(locationId)
      later(drawn.below(60_000), renew)
      return 'the token expires'
    },
    'foreign-owner': () => {
      store.control.setOwner(locationId, { id: 'another', name: 'Other Manager', metadata: '' })
      later(drawn.below(60_000), takeBack)
      return 'somebody else claims the location'
    },
    'role-changes': () => {
      const admin = drawn.pick(world.admins)
      const role = admin.actor.role === 'reader' ? ('administrator' as const) : ('reader' as const)
      admin.actor = { ...admin.actor, role }
      return `${admin.name} becomes ${role}`
    },
  }

  const renew = (): void => {
    const server = world.server()
    const fresh = store.control.newToken(locationId)
    if (server === undefined) return
    void server.house.connectors
      .list()
      .then(([connector]) =>
        connector === undefined ? undefined : server.house.connectors.renew(world.ana.actor, connector.id, { contentToken: fresh }),
      )
      .catch(() => undefined)
  }

  /** The other service leaves, and an administrator takes the location back: it does not come back by itself. */
  const takeBack = (): void => {
    store.control.setOwner(locationId, null)
    void claim().catch(() => undefined)
  }
  const claim = async (): Promise<void> => {
    const connectors = world.server()?.house.connectors
    for (const { id } of (await connectors?.list()) ?? []) await connectors?.claim(world.ana.actor, id, true)
  }

  const possible = sudden.filter((kind) => kinds.has(kind))

  return {
    count: () => count,
    begin: () => {
      if (possible.length === 0) return 'nothing'
      count += 1
      return begin[drawn.pick(possible)]?.() ?? 'nothing'
    },
    tend: async () => {
      if (world.server() === undefined && schedule.now() >= restartAt) await world.restartServer()
      for (const due of reopen.filter(({ at }) => at <= schedule.now())) {
        reopen.splice(reopen.indexOf(due), 1)
        if (due.admin.isOpen()) await due.admin.reload()
        else await due.admin.openBrowser()
      }
    },
    heal: async () => {
      healed = true
      store.control.faults.clear()
      store.control.setSwitches({ listLagMs: { assets: 0, assignments: 0, users: 0 }, pageSize: 500 })
      store.control.finishEvents()
      const [location] = store.control.locations()
      if (location?.mdmInfo?.id === 'another') store.control.setOwner(locationId, null)
      await schedule.pass(1_000)
      if (world.server() === undefined) await world.restartServer()
      for (const admin of world.admins) {
        admin.line.latencyMs = () => 10
        if (!admin.isOpen()) await admin.openBrowser()
        admin.goOnline()
      }
      if (kinds.has('token-expires') || kinds.has('foreign-owner')) {
        renew()
        await schedule.pass(5_000)
        void claim().catch(() => undefined)
        await schedule.pass(5_000)
      }
    },
  }
}
