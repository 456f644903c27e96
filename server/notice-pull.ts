/**
 * Notices that a store hands out when it is asked, instead of sending them: asked for with every sync and every minute in
 * between. Each is kept before the store is told so; what was not kept is handed out again, and kept once all the same.
 */
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Journal } from './journal.ts'
import type { NoticeRows } from './notice-rows.ts'
import type { Clock } from '../shared/clock.ts'
import type { Connector } from '../shared/connector.ts'
import type { ConnectorId } from '../shared/ids.ts'

export interface NoticePull {
  /** Takes what waits at the store of one connector. True: something that was not here before. A store that fails is asked another time. */
  see(connector: ConnectorId): Promise<boolean>
  /** All connectors whose store hands out notices. */
  seeAll(): Promise<boolean>
}

export interface NoticePullDeps {
  readonly journal: Journal
  readonly connectors: Pick<Connectors, 'list' | 'find'>
  readonly connections: Pick<Connections, 'of' | 'storeOf'>
  readonly rows: Pick<NoticeRows, 'keep'>
  readonly clock: Clock
}

/** What has gathered over days comes in several goes. */
const mostSets = 20

export const createNoticePull = ({ journal, connectors, connections, rows, clock }: NoticePullDeps): NoticePull => {
  const underWay = new Map<ConnectorId, Promise<boolean>>()

  /** One account may act for several Locations: each notice goes to the connector of its own. One that is nobody's here is left alone. */
  const receiverOf = (all: readonly Connector[], asked: Connector, location: string | null): ConnectorId | undefined =>
    location === null || location === asked.location?.key
      ? asked.id
      : all.find((other) => other.kind === asked.kind && other.location?.key === location)?.id

  const pull = async (id: ConnectorId): Promise<boolean> => {
    const connector = await connectors.find(id)
    // A store that was retired, or whose binding is lost, is not asked every minute.
    if (connector === undefined || connector.retirement !== undefined || connector.lastGoodSyncAt === null) return false
    if (connector.credential.state === 'invalid' || connections.storeOf(connector.kind)?.handsOutNotices !== true) return false
    const notices = (await connections.of(id, connector.kind))?.notices
    if (notices === undefined) return false
    let isNew = false
    for (let sets = 0; sets < mostSets; sets += 1) {
      const handed = await notices.pull()
      if (!handed.ok || handed.value.notices.length === 0) return isNew
      const all = await connectors.list()
      const kept = await journal.write(async (write) => {
        let fresh = false
        for (const { notice, body } of handed.value.notices) {
          const receiver = receiverOf(all, connector, notice.location)
          if (receiver !== undefined && (await rows.keep(write, receiver, notice, body, clock.now()))) fresh = true
        }
        return fresh
      })
      isNew ||= kept
      if (!(await handed.value.acknowledge()).ok) return isNew
    }
    return isNew
  }

  const see: NoticePull['see'] = (id) => {
    const running =
      underWay.get(id) ??
      pull(id).finally(() => {
        underWay.delete(id)
      })
    underWay.set(id, running)
    return running
  }

  return {
    see,
    seeAll: async () => {
      let isNew = false
      for (const { id } of await connectors.list()) if (await see(id)) isNew = true
      return isNew
    },
  }
}
