/**
 * The connector's rule for leavers, where it was chosen: what those who left long enough ago hold, and can be taken back,
 * is given back with an order of its own. Looked after at the start, every hour, when the next one comes due, and when
 * people or settings change. Nobody's assignment is touched: who has left is given nothing by it.
 */
import { appendAudit, theServer } from './audit.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import { allLicenses, findLicense } from './licenses.ts'
import type { Orders } from './orders.ts'
import type { Clock } from '../shared/clock.ts'
import { writingBlockedBy, type Connector } from '../shared/connector.ts'
import { indexOfOrdinal, ordersKey, seatsKey, type Columns } from '../shared/facts.ts'
import { principalIdOf, type LicenseId } from '../shared/ids.ts'
import { leaverSeats } from '../shared/leavers.ts'
import type { License } from '../shared/license.ts'
import type { LicenseOrder, OrderFailure } from '../shared/order.ts'
import type { Principal } from '../shared/principal.ts'

export interface Leavers {
  start(): void
  stop(): Promise<void>
  idle(): Promise<void>
}

export interface LeaversDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly orders: Pick<Orders, 'plan'>
  readonly clock: Clock
  readonly onTrouble: (cause: unknown) => void
}

const hourMs = 60 * 60_000
/** A directory changes in many acts: one look for all of them. */
const gatherMs = 5_000

export const createLeavers = ({ journal, directory, orders, clock, onTrouble }: LeaversDeps): Leavers => {
  let looking: Promise<void> | undefined
  let again = false
  let stopped = false
  let cancelTimer = (): void => undefined
  let wakesAt = Infinity

  const lookAt = (at: number): void => {
    if (stopped || wakesAt <= at) return
    cancelTimer()
    wakesAt = at
    cancelTimer = clock.after(Math.max(0, at - clock.now()), look)
  }

  const look = (): void => {
    if (stopped) return
    cancelTimer()
    wakesAt = Infinity
    if (looking !== undefined) {
      again = true
      return
    }
    looking = lookOnce()
      .catch((cause: unknown) => {
        onTrouble(cause)
        return undefined
      })
      .then((nextAt) => {
        looking = undefined
        if (again) {
          again = false
          look()
        } else lookAt(Math.min(clock.now() + hourMs, Math.max(nextAt ?? Infinity, clock.now() + gatherMs)))
      })
  }

  /** Gives when the next one comes due. */
  const lookOnce = async (): Promise<number | undefined> => {
    const ruled = (await journal.rows('connectors')).filter(({ settings }) => settings.releaseLeavers !== 'off')
    if (ruled.length === 0) return undefined
    const leavers = await readLeavers()
    const licenses = await allLicenses(journal)
    let nextAt: number | undefined
    for (const connector of ruled) {
      const held = await seatsOf(licenses.filter(({ connectorId }) => connectorId === connector.id))
      const due = leaverSeats(leavers, held, connector.settings, clock.now())
      if (due.nextAt !== undefined && (nextAt === undefined || due.nextAt < nextAt)) nextAt = due.nextAt
      // What can't be asked for now is asked for at a later look: nothing waits in a line meanwhile.
      if (writingBlockedBy(connector, clock.now()) !== undefined) continue
      for (const [license, ordinals] of due.byLicense) await giveBack(connector, license, ordinals)
    }
    return nextAt
  }

  const readLeavers = async (): Promise<readonly Principal[]> => {
    const leavers: Principal[] = []
    for (const key of await journal.store.keys('principals/'))
      for (const principal of await journal.rows(key as `principals/${number}`)) if (principal.left !== null) leavers.push(principal)
    return leavers
  }

  const seatsOf = async (licenses: readonly License[]): Promise<readonly { readonly license: License; readonly seats: Columns }[]> => {
    const held: { readonly license: License; readonly seats: Columns }[] = []
    for (const license of licenses) held.push({ license, seats: await journal.columns(seatsKey(license.id)) })
    return held
  }

  const giveBack = (connector: Connector, id: LicenseId, due: readonly number[]): Promise<void> =>
    journal.write(async (write: Writing) => {
      const license = await findLicense(write, id)
      const current = (await write.rows('connectors')).find((row) => row.id === connector.id)
      if (license === undefined || !license.revocable || current?.settings.releaseLeavers !== 'after-days') return
      const seats = await write.columns(seatsKey(id))
      const busy = busyIn(await write.rows(ordersKey(id)))
      const ordinals = due.filter(
        (ordinal) => !busy.has(ordinal) && indexOfOrdinal(seats.ordinals, ordinal) >= 0 && directory.principal(ordinal)?.left === true,
      )
      if (ordinals.length === 0) return
      const order = await orders.plan(write, license, 'disassociate', ordinals, theServer.name, 'leaver-policy', {
        found: { gone: ordinals },
      })
      await appendAudit(write.trx, {
        at: clock.now(),
        actor: theServer,
        action: 'seats.leaver-rule-asked',
        object: id,
        detail: {
          order: order.id,
          connector: connector.id,
          days: current.settings.leaverDays,
          principals: ordinals.map((ordinal) => principalIdOf(directory.principal(ordinal)?.kind ?? 'device', ordinal)),
        },
        origin: 'server',
      })
    })

  const stopFacts = journal.onFacts((facts) => {
    if (facts.some(({ key }) => key === 'connectors' || key.startsWith('principals/'))) lookAt(clock.now() + gatherMs)
  })
  const stopForget = journal.onForget(() => lookAt(clock.now() + gatherMs))

  return {
    start: look,
    stop: async () => {
      stopped = true
      stopFacts()
      stopForget()
      cancelTimer()
      await looking
    },
    idle: async () => {
      while (looking !== undefined) await looking
    },
  }
}

/** For whom something is under way already, and those whom the store or an administrator refused: nobody is asked for hourly. */
const busyIn = (orders: readonly LicenseOrder[]): ReadonlySet<number> => {
  const busy = new Set<number>()
  for (const order of orders) {
    for (const ordinal of order.open) busy.add(ordinal)
    if (order.action === 'disassociate') for (const failure of order.failures) if (isForGood(failure)) busy.add(failure.ordinal)
  }
  return busy
}

/** Who came back and has left once more is due like everybody. */
const isForGood = ({ code, retryable }: OrderFailure): boolean =>
  !retryable && code !== 'came-back' && code !== 'wished-for' && code !== 'no-seat'
