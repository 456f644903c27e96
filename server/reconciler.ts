/**
 * Runs reconcile at its pace: a license whose wishes, seats, orders or people changed is weighed again,
 * and what follows is written down in one act: the tally, the orders to send, the seats that are found from now on.
 */
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal } from './journal.ts'
import type { Orders } from './orders.ts'
import { prepareWeighing, weigh } from './weighing.ts'
import { sleep, type Clock } from '../shared/clock.ts'
import {
  claimsKey,
  columnsFact,
  columnsOfSeats,
  indexOfOrdinal,
  licensesKey,
  rowsFact,
  seatAt,
  seatsKey,
  wishesKey,
} from '../shared/facts.ts'
import { parseGroupId, parseLicenseId, type GroupId, type LicenseId } from '../shared/ids.ts'
import { isOpen, type Order } from '../shared/order.ts'
import type { Group } from '../shared/principal.ts'
import { decide } from '../shared/reconcile.ts'
import { nextTurnOf } from '../shared/touching.ts'

export interface Reconciler {
  start(): Promise<void>
  stop(): Promise<void>
  /** Weigh this license again, although nothing that is kept changed (a credential that expired, a pause that ended). */
  touch(license: LicenseId): void
  touchAll(): void
  idle(): Promise<void>
}

export interface ReconcilerDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly orders: Orders
  readonly clock: Clock
  readonly onTrouble: (cause: unknown) => void
}

/** After a store's refusal that may pass, a license is asked for again at this distance, doubled each time. */
const firstPauseMs = 30_000
const longestPauseMs = 60 * 60_000
const afterTroubleMs = 5_000
const longestWaitMs = 24 * 60 * 60_000
/** Licenses weighed at once: their acts are committed together, and what follows for one target leaves in as few calls as can be. */
const mostTogether = 64

export const createReconciler = (deps: ReconcilerDeps): Reconciler => {
  const { journal, directory, orders, clock } = deps
  const dirty = new Set<LicenseId>()
  /** Which groups a license's wishes name: a change of members touches only those licenses. */
  const groupsByLicense = new Map<LicenseId, ReadonlySet<GroupId>>()
  /** When a wish of a license next begins or ends. */
  const turns = new Map<LicenseId, { readonly at: number; readonly cancel: () => void }>()
  const pauses = new Map<LicenseId, { readonly until: number; readonly ms: number; readonly atSeq: number }>()
  const timers = new Set<() => void>()
  let busy: Promise<void> | undefined
  let stopped = false
  /** The database failed: nothing is weighed until the timer says so. */
  let troubled = false

  const pump = (): void => {
    if (busy !== undefined || stopped || troubled || dirty.size === 0) return
    busy = (async () => {
      while (dirty.size > 0 && !stopped) {
        const together = [...dirty].slice(0, mostTogether)
        for (const license of together) dirty.delete(license)
        const weighed = await Promise.allSettled(together.map(weighAndPlan))
        const failed = together.filter((_, at) => weighed[at]?.status === 'rejected')
        if (failed.length > 0) {
          for (const license of failed) dirty.add(license)
          troubled = true
          deps.onTrouble(weighed.find((one) => one.status === 'rejected')?.reason)
          later(afterTroubleMs, () => {
            troubled = false
            pump()
          })
          break
        }
        // After a sync of everything there are thousands: others get their turn between.
        if (dirty.size > 0) await sleep(clock, 0)
      }
    })().finally(() => {
      busy = undefined
      pump()
    })
  }

  const later = (ms: number, act: () => void): (() => void) => {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel)
      act()
    })
    timers.add(cancel)
    return () => {
      timers.delete(cancel)
      cancel()
    }
  }

  const touch = (license: LicenseId): void => {
    dirty.add(license)
    pump()
  }

  const weighAndPlan = async (id: LicenseId): Promise<void> => {
    const weighing = await prepareWeighing({ facts: journal, directory }, id)
    if (weighing === undefined) return
    groupsByLicense.set(id, weighing.groups)
    await journal.write(async (write) => {
      const input = await weigh(write, weighing, clock.now())
      if (input === undefined) return
      const { license, seats, orders: openOrders, locationOrders } = input
      const { steps, tally } = decide(input)
      if (JSON.stringify(tally) !== JSON.stringify(license.tally)) await write.record(rowsFact(licensesKey(id), [{ ...license, tally }]))
      if (steps.keepAsFound.length > 0)
        await write.record(
          columnsFact(
            seatsKey(id),
            columnsOfSeats(
              steps.keepAsFound.map((ordinal) => ({ ...seatAt(seats, indexOfOrdinal(seats.ordinals, ordinal)), origin: 'found' as const })),
            ),
          ),
        )
      if (steps.settled.length > 0) await write.record(rowsFact(wishesKey(id), [], steps.settled))
      if (steps.settledClaims.length > 0)
        await write.record(
          rowsFact(
            claimsKey(id),
            [],
            steps.settledClaims.map((claim) => claim.id),
          ),
        )
      write.told(() => wakeAtTurn(id, nextTurnOf(input.wishes, input.now)))
      if (steps.drop.length > 0) await orders.dropPlanned(write, id, steps.drop)
      const resting = restingTargets(id, [...openOrders, ...locationOrders], [...steps.associate, ...steps.disassociate, ...steps.register])
      const awake = (ordinal: number): boolean => !resting.has(ordinal)
      const by = input.wishes.reduce<{ readonly taken: number; readonly by: string }>(
        (latest, wish) => (wish.taken > latest.taken ? wish : latest),
        { taken: -1, by: 'Quartermaster' },
      ).by
      const disassociate = steps.disassociate.filter(awake)
      const associate = steps.associate.filter(awake)
      const register = steps.register.filter(awake)
      if (disassociate.length > 0) await orders.plan(write, license, 'disassociate', disassociate, by)
      if (associate.length > 0) await orders.plan(write, license, 'associate', associate, by)
      if (register.length > 0)
        await orders.planLocation(write, {
          connectorId: license.connectorId,
          action: 'register-user',
          ordinals: register,
          by,
          cause: 'plan',
        })
    })
  }

  /** A timer holds 24 days at most: what is further off is looked at on the way. */
  const wakeAtTurn = (id: LicenseId, at: number | undefined): void => {
    const held = turns.get(id)
    if (held?.at === at) return
    held?.cancel()
    turns.delete(id)
    if (at === undefined || stopped) return
    const cancel = later(Math.min(at - clock.now(), longestWaitMs), () => {
      turns.delete(id)
      touch(id)
    })
    turns.set(id, { at, cancel })
  }

  /**
   * Targets whose last failure may pass rest before they are asked for again; their seats stay theirs meanwhile, since
   * the steps were cut to what is free with them among the served.
   */
  const restingTargets = (license: LicenseId, openOrders: readonly Order[], steps: readonly number[]): ReadonlySet<number> => {
    const asked = new Set(steps)
    const failed = openOrders.flatMap(({ failures }) => failures).filter(({ ordinal, retryable }) => retryable && asked.has(ordinal))
    const pause = pauses.get(license)
    if (failed.length === 0) {
      // A new attempt has taken the place of the failure: until it has its answer the pause keeps its length.
      if (!openOrders.some(isOpen)) pauses.delete(license)
      return new Set()
    }
    const resting = new Set(failed.map(({ ordinal }) => ordinal))
    const atSeq = Math.max(...failed.map((failure) => failure.atSeq))
    if (pause !== undefined && pause.atSeq === atSeq) return pause.until > clock.now() ? resting : new Set()
    const ms = pause === undefined ? firstPauseMs : Math.min(longestPauseMs, pause.ms * 2)
    pauses.set(license, { until: clock.now() + ms, ms, atSeq })
    later(ms, () => touch(license))
    return resting
  }

  const stopFacts = journal.onFacts((facts) => {
    for (const { key, fact } of facts) {
      const at = key.indexOf('/')
      const rest = at < 0 ? '' : key.slice(at + 1)
      switch (at < 0 ? key : key.slice(0, at)) {
        case 'wishes':
        case 'claims':
        case 'seats':
        case 'orders': {
          const license = parseLicenseId(rest)
          if (license !== undefined) dirty.add(license)
          break
        }
        case 'licenses':
          for (const row of fact.put as readonly { readonly id: LicenseId }[]) dirty.add(row.id)
          break
        case 'members': {
          const group = parseGroupId(rest)
          for (const [license, groups] of groupsByLicense) if (group !== undefined && groups.has(group)) dirty.add(license)
          break
        }
        // Another nesting.
        case 'groups': {
          const changed = [...(fact.put as readonly Group[]).map((group) => group.id), ...(fact.remove as readonly GroupId[])]
          for (const [license, groups] of groupsByLicense) if (changed.some((group) => groups.has(group))) dirty.add(license)
          break
        }
        case 'principals':
        case 'connectors':
        case 'registrations':
        case 'location-orders':
          for (const license of groupsByLicense.keys()) dirty.add(license)
          break
      }
    }
    pump()
  })

  const touchWished = async (): Promise<void> => {
    for (const key of await journal.store.keys('wishes/')) {
      const license = parseLicenseId(key.slice('wishes/'.length))
      if (license !== undefined) touch(license)
    }
  }
  /** A commit that was reported as failed may be on the disk, and nobody heard of its facts: everything is weighed anew. */
  const weighAnew = (): void => {
    if (stopped) return
    touchWished().catch((cause: unknown) => {
      deps.onTrouble(cause)
      later(afterTroubleMs, weighAnew)
    })
  }
  const stopForget = journal.onForget(weighAnew)

  return {
    touch,
    touchAll: () => {
      for (const license of groupsByLicense.keys()) dirty.add(license)
      pump()
    },
    start: touchWished,
    stop: async () => {
      stopped = true
      stopFacts()
      stopForget()
      for (const cancel of timers) cancel()
      await busy
    },
    idle: async () => {
      while (busy !== undefined) await busy
    },
  }
}
