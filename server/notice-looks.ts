/**
 * Looks at the store because of notices: gathered for a moment, since one act is told in many notices; bounded, since a
 * flood of them must not become a flood of requests; and made once more when the store's lists have caught up, since a
 * notice may come before the list shows what it tells.
 */
import type { Syncs } from './syncs.ts'
import type { Clock } from '../shared/clock.ts'
import type { ConnectorId, LicenseId } from '../shared/ids.ts'

/** `license`: its counts, and `seats` its holders too. `people`: by their ordinals. `sync`: everything, where single reads can't tell. */
export type Look =
  | { readonly at: 'license'; readonly license: LicenseId; readonly seats: boolean }
  | { readonly at: 'people'; readonly ordinals: readonly number[] }
  | { readonly at: 'sync' }

export interface NoticeLooks {
  ask(connector: ConnectorId, look: Look): void
  stop(): void
}

export interface NoticeLooksDeps {
  readonly syncs: Pick<Syncs, 'request' | 'refreshLicense' | 'refreshPeople'>
  readonly clock: Clock
  readonly onTrouble: (cause: unknown) => void
}

const gatherMs = 2_000
/** Between two rounds of one connector; longer after a sync, which costs more. */
const restMs = 10_000
const restAfterSyncMs = 60_000
/** The store's lists may lag behind what it tells by 5 minutes (reference 5.4). */
const caughtUpMs = 5 * 60_000 + 30_000
/** Licenses and people read one by one within `windowMs`; more than that is a sync. */
const mostSingleReads = 20
const windowMs = 60_000
/** A sync that had begun before may have passed what was told: another one follows it. */
const askSyncAgainMs = 15_000

/** What is to be read. */
interface Round {
  readonly seatsByLicense: Map<LicenseId, boolean>
  readonly people: Set<number>
  sync: boolean
}
const emptyRound = (): Round => ({ seatsByLicense: new Map(), people: new Set(), sync: false })
const reads = ({ seatsByLicense, people }: Round): number => seatsByLicense.size + people.size

interface Desk {
  soon: Round
  late: Round
  cancelSoon: (() => void) | undefined
  cancelLate: (() => void) | undefined
  /** No round begins before. */
  restUntil: number
  /** When something was read by itself, in the window. */
  reads: number[]
}

export const createNoticeLooks = (deps: NoticeLooksDeps): NoticeLooks => {
  const { syncs, clock } = deps
  const deskByConnector = new Map<ConnectorId, Desk>()
  let stopped = false

  const deskOf = (connector: ConnectorId): Desk => {
    let desk = deskByConnector.get(connector)
    if (desk === undefined) {
      desk = { soon: emptyRound(), late: emptyRound(), cancelSoon: undefined, cancelLate: undefined, restUntil: 0, reads: [] }
      deskByConnector.set(connector, desk)
    }
    return desk
  }

  const add = (round: Round, look: Look): void => {
    if (look.at === 'sync') round.sync = true
    else if (look.at === 'people') for (const ordinal of look.ordinals) round.people.add(ordinal)
    else round.seatsByLicense.set(look.license, look.seats || round.seatsByLicense.get(look.license) === true)
  }

  const planSoon = (connector: ConnectorId, desk: Desk, afterMs: number): void => {
    if (stopped || desk.cancelSoon !== undefined) return
    // Never longer than the longest rest: the clock may have been set back.
    const waitMs = Math.min(restAfterSyncMs, Math.max(afterMs, desk.restUntil - clock.now()))
    desk.cancelSoon = clock.after(waitMs, () => {
      desk.cancelSoon = undefined
      const round = desk.soon
      desk.soon = emptyRound()
      void go(connector, desk, round).catch(deps.onTrouble)
    })
  }
  const planLate = (connector: ConnectorId, desk: Desk): void => {
    if (stopped || desk.cancelLate !== undefined) return
    desk.cancelLate = clock.after(caughtUpMs, () => {
      desk.cancelLate = undefined
      const round = desk.late
      desk.late = emptyRound()
      void go(connector, desk, round).catch(deps.onTrouble)
    })
  }

  const go = async (connector: ConnectorId, desk: Desk, round: Round): Promise<void> => {
    const now = clock.now()
    if (stopped || (reads(round) === 0 && !round.sync)) return
    desk.restUntil = now + restMs
    desk.reads = desk.reads.filter((at) => at > now - windowMs && at <= now)
    if (round.sync || desk.reads.length + reads(round) > mostSingleReads) return await sync(connector, desk)
    for (let n = 0; n < reads(round); n += 1) desk.reads.push(now)
    for (const [license, seats] of round.seatsByLicense) syncs.refreshLicense(connector, license, seats)
    if (round.people.size > 0) syncs.refreshPeople(connector, [...round.people])
  }

  const sync = async (connector: ConnectorId, desk: Desk): Promise<void> => {
    const asked = clock.now()
    const begun = await syncs.request(connector, 'push', false)
    if (begun === undefined) return
    if (Date.parse(begun.startedAt) >= asked) {
      desk.restUntil = asked + restAfterSyncMs
      return
    }
    desk.soon.sync = true
    planSoon(connector, desk, askSyncAgainMs)
  }

  return {
    ask: (connector, look) => {
      if (stopped) return
      const desk = deskOf(connector)
      add(desk.soon, look)
      add(desk.late, look)
      planSoon(connector, desk, gatherMs)
      planLate(connector, desk)
    },
    stop: () => {
      stopped = true
      for (const { cancelSoon, cancelLate } of deskByConnector.values()) {
        cancelSoon?.()
        cancelLate?.()
      }
    },
  }
}
