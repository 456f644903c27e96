/** When the next sync of each connector is due: one timer for each, set anew when a connector changes and when a sync ends. */
import type { Connectors } from './connectors.ts'
import type { Journal } from './journal.ts'
import type { Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import type { ConnectorId } from '../shared/ids.ts'

export interface SyncSchedule {
  /** Not before `leastWaitMs` have passed, whatever the connector says. */
  plan(connectorId: ConnectorId, leastWaitMs?: number): Promise<void>
  planAll(): Promise<void>
  stop(): void
}

export interface SyncScheduleDeps {
  readonly journal: Journal
  readonly connectors: Connectors
  readonly clock: Clock
  readonly isRunning: (connectorId: ConnectorId) => boolean
  /** Called when one is due. */
  readonly sync: (connectorId: ConnectorId) => Promise<unknown>
  readonly onTrouble: (cause: unknown) => void
}

const lookAgainAfterForgetMs = 30_000
const longestPlanMs = 24 * 60 * 60_000

export const createSyncSchedule = (deps: SyncScheduleDeps): SyncSchedule => {
  const { journal, connectors, clock } = deps
  const timers = new Map<ConnectorId, () => void>()
  let stopped = false

  const plan: SyncSchedule['plan'] = async (connectorId, leastWaitMs = 0) => {
    timers.get(connectorId)?.()
    timers.delete(connectorId)
    if (stopped) return
    const connector = await connectors.find(connectorId)
    // A retired store is asked now and then whether it answers again; one whose counts are imported or kept by hand never by itself.
    const isAsked = connector?.movedTo === undefined && (connector?.capabilities.counts === 'live' || connector?.retirement !== undefined)
    if (connector === undefined || !isAsked || connector.credential.state === 'none') return
    const inMs = connector.nextSyncAt === null ? 0 : Date.parse(connector.nextSyncAt) - clock.now()
    // Nothing is ever planned further ahead than this: then the clock was set back since.
    const mostMs = Math.max(longestPlanMs, connector.settings.syncIntervalMinutes * 60_000)
    const dueInMs = Math.max(leastWaitMs, inMs > mostMs ? 0 : inMs)
    timers.set(
      connectorId,
      clock.after(dueInMs, () => {
        timers.delete(connectorId)
        void deps.sync(connectorId).catch(deps.onTrouble)
      }),
    )
  }

  const stopFacts = journal.onFacts((facts) => {
    for (const { key, fact } of facts) {
      if (key !== 'connectors') continue
      // A new connector or a new interval: look at the clock again. A running sync plans the next one when it ends.
      for (const row of fact.put as readonly Connector[]) if (!deps.isRunning(row.id)) void plan(row.id).catch(deps.onTrouble)
    }
  })

  let cancelPlanAll = (): void => undefined
  const planAll: SyncSchedule['planAll'] = async () => {
    for (const { id } of await connectors.list()) if (!deps.isRunning(id)) await plan(id)
  }
  /** A commit that was reported as failed may be on the disk: a connector may be there of which the schedule has not heard. */
  const stopForget = journal.onForget(() => {
    cancelPlanAll()
    cancelPlanAll = clock.after(lookAgainAfterForgetMs, () => void planAll().catch(deps.onTrouble))
  })

  return {
    plan,
    planAll,
    stop: () => {
      stopped = true
      stopFacts()
      stopForget()
      cancelPlanAll()
      for (const cancel of timers.values()) cancel()
    },
  }
}
