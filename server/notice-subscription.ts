/**
 * Having a store send its notices here. The secret is on disk before the store is told, since the store tries the address
 * while it is being told. Where it gets no answer everything goes on by asking, and it is tried again once a day.
 */
import { appendAudit, theServer } from './audit.ts'
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Journal } from './journal.ts'
import type { NoticeSecrets } from './notice-secrets.ts'
import { failureInWords } from './store-failure.ts'
import type { Listening, StoreFailure } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { Connector, NoticesState } from '../shared/connector.ts'
import type { ConnectorId } from '../shared/ids.ts'
import type { Result } from '../shared/result.ts'

/** After a take-over the secret is a new one: whoever held the Location before could read the old. */
export type WhySubscribe = 'sync' | 'asked' | 'claimed'

export interface NoticeSubscription {
  /**
   * Sees to it that the store's notices come here, where they can. A store that twice could not reach us is left alone
   * until a day has passed or somebody asks for it. Calls for one connector join.
   */
  see(connector: ConnectorId, why: WhySubscribe): Promise<void>
  running(): readonly Promise<void>[]
}

export interface NoticeSubscriptionDeps {
  readonly journal: Journal
  readonly connectors: Connectors
  readonly connections: Connections
  readonly secrets: NoticeSecrets
  /** The origin at which the stores reach this server; null: they can't. */
  readonly origin: string | null
  /** When the last notice came. */
  readonly lastAt: (connector: ConnectorId) => Promise<number | undefined>
  readonly clock: Clock
}

/** The first time the server may just have begun, and a proxy not have noticed: the next sync tries once more, then it is once a day. */
const soonTries = 2
const tryAgainAfterMs = 24 * 60 * 60_000

const unreachableText = (origin: string): string =>
  `The store could not reach this server at ${origin}. Let its requests to ${origin}/hooks through the firewall and the proxy.`

export const noticePath = (store: string, connector: string): string => `/hooks/${store}/${connector}`

export const createNoticeSubscription = (deps: NoticeSubscriptionDeps): NoticeSubscription => {
  const { journal, connectors, connections, secrets, origin, clock } = deps
  const runningByConnector = new Map<ConnectorId, Promise<void>>()
  const unheardByConnector = new Map<ConnectorId, { readonly at: number; readonly tries: number }>()

  const isTooSoon = (connector: Connector): boolean => {
    const unheard = unheardByConnector.get(connector.id)
    if (connector.notices.state !== 'unreachable' || unheard === undefined || unheard.tries < soonTries) return false
    return Math.abs(clock.now() - unheard.at) < tryAgainAfterMs
  }

  const run = async (id: ConnectorId, why: WhySubscribe): Promise<void> => {
    const connector = await connectors.find(id)
    if (connector === undefined || connections.storeOf(connector.kind)?.capabilities.push !== true) return
    // Nothing is written to a Location that is not ours, or with a token that may only read.
    const isOpen = origin !== null && connector.location !== null && connector.foreignOwner === null && !connector.readOnly
    if (!isOpen && connector.notices.state === 'polling') return
    if (isOpen && why === 'sync' && isTooSoon(connector)) return
    const connection = await connections.of(id, connector.kind)
    if (connection === undefined) return
    if (!isOpen) {
      // Politeness alone: what comes to an address that nobody listens at is lost either way.
      if (origin === null && connector.foreignOwner === null && !connector.readOnly) await connection.listen(null)
      return await record(id, { state: 'polling' })
    }
    const isTold = why === 'asked' && connector.notices.alarm !== undefined
    const secret = why === 'claimed' || isTold ? await secrets.renew(id) : await secrets.of(id)
    if (isTold) await dropAlarm(id)
    const heard = await connection.listen({ url: `${origin}${noticePath(connector.store, id)}`, secret })
    if (heard.ok && heard.value === 'listening') unheardByConnector.delete(id)
    else unheardByConnector.set(id, { at: clock.now(), tries: (unheardByConnector.get(id)?.tries ?? 0) + 1 })
    await onHeard(id, heard, origin)
  }

  const onHeard = async (id: ConnectorId, heard: Result<Listening, StoreFailure>, at: string): Promise<void> => {
    if (heard.ok)
      switch (heard.value) {
        case 'listening':
          return await record(id, { state: 'subscribed', since: isoTime(clock.now()), lastAt: null })
        case 'unreachable':
          return await record(id, { state: 'unreachable', since: isoTime(clock.now()), text: unreachableText(at) })
        case 'silent':
        case 'not-ours':
          return await record(id, { state: 'polling' })
      }
    switch (heard.error.is) {
      case 'store-refused':
        return await record(id, { state: 'unreachable', since: isoTime(clock.now()), text: failureInWords(heard.error) })
      case 'foreign-owner':
      case 'read-only-token':
        await journal.write((write) => connectors.noteFailure(write, id, heard.error as StoreFailure))
        return await record(id, { state: 'polling' })
      // These pass, or the next sync tells: what was set up stays as it is.
      case 'credential-expired':
      case 'credential-invalid':
      case 'store-busy':
      case 'store-unreachable':
      case 'store-answer-unreadable':
      case 'store-changed-meanwhile':
      case 'store-retired':
        return
    }
  }

  /** What was so before keeps its beginning. */
  const record = async (id: ConnectorId, next: NoticesState): Promise<void> => {
    const lastAt = next.state === 'subscribed' ? await deps.lastAt(id) : undefined
    await journal.write(async (write) => {
      let before: NoticesState['state'] | undefined
      await connectors.update(write, id, (connector) => {
        const { notices } = connector
        before = notices.state
        const alarm = notices.alarm === undefined ? {} : { alarm: notices.alarm }
        if (next.state === 'polling') return { ...connector, notices: { ...next, ...alarm } }
        const since = notices.state === next.state ? notices.since : next.since
        if (next.state === 'unreachable') return { ...connector, notices: { ...next, since, ...alarm } }
        const heardAt = notices.state === 'subscribed' ? notices.lastAt : null
        const known = lastAt === undefined ? null : isoTime(lastAt)
        return { ...connector, notices: { ...next, since, lastAt: heardAt ?? known, ...alarm } }
      })
      if (before === undefined || before === next.state) return
      await appendAudit(write.trx, {
        at: clock.now(),
        actor: theServer,
        action: `notices.${next.state}`,
        object: id,
        detail: { before },
        origin: 'server',
      })
    })
  }

  const dropAlarm = async (id: ConnectorId): Promise<void> => {
    await journal.write((write) =>
      connectors.update(write, id, (connector) => {
        const { alarm: _, ...notices } = connector.notices
        return { ...connector, notices }
      }),
    )
  }

  const start = (id: ConnectorId, why: WhySubscribe): Promise<void> => {
    const begun = run(id, why).finally(() => {
      if (runningByConnector.get(id) === begun) runningByConnector.delete(id)
    })
    runningByConnector.set(id, begun)
    return begun
  }

  return {
    see: (id, why) => {
      const held = runningByConnector.get(id)
      if (held === undefined) return start(id, why)
      // A run that has begun may have looked before there was what the caller means.
      return why === 'sync' ? held : held.then(() => start(id, why))
    },
    running: () => [...runningByConnector.values()],
  }
}
