/** What stays of notices for people to read: who else changed something at the store, and what must be looked into. */
import { appendAudit, theServer } from './audit.ts'
import type { Connectors } from './connectors.ts'
import type { Writing } from './journal.ts'
import { createLimit } from './limit.ts'
import type { NoticeRows } from './notice-rows.ts'
import type { Notice, OrderNews } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { ConnectorId } from '../shared/ids.ts'

export interface NoticeRecord {
  /** One row for each call of somebody else's, however many notices tell of it. */
  outside(
    write: Writing,
    connector: ConnectorId,
    news: OrderNews,
    reference: string | null,
    action: `${OrderNews['subject']}.changed-outside`,
  ): Promise<void>
  /** A notice with the right secret and of another Location: on the connector, and in the audit log at most once an hour. */
  alarm(write: Writing, connector: ConnectorId, notice: Notice, receivedAt: number): Promise<void>
}

/** Calls that get an audit row each; a flood of them gets one row that says so. */
const outsideRows = { most: 200, windowMs: 60 * 60_000 }
/** Holders and products named in one audit row. */
const mostNamed = 10
const longestName = 100
const alarmEveryMs = 60 * 60_000

/** Somebody else at the store: its portal, or another service. */
const outsider = { id: theServer.id, name: 'Outside Quartermaster' }

const named = (names: readonly string[]): readonly string[] => names.slice(0, mostNamed).map((name) => name.slice(0, longestName))

export const createNoticeRecord = (deps: {
  readonly connectors: Pick<Connectors, 'update'>
  readonly rows: Pick<NoticeRows, 'isKnownOutside'>
  readonly clock: Clock
}): NoticeRecord => {
  const { connectors, rows, clock } = deps
  const single = createLimit(clock, outsideRows)
  const flood = createLimit(clock, { most: 1, windowMs: outsideRows.windowMs })

  return {
    outside: async (write, connector, news, reference, action) => {
      if (reference !== null && (await rows.isKnownOutside(write.trx, connector, reference))) return
      const row = { at: clock.now(), actor: outsider, object: connector, origin: 'store' }
      if (single.take(connector).ok)
        await appendAudit(write.trx, {
          ...row,
          action,
          detail: {
            // What the notice says; what is so is read, and shown by the seats.
            source: 'notice',
            reference,
            act: news.action,
            products: named(news.products.map(({ productId }) => productId)),
            holders: named(news.holders.map(({ key }) => key)),
            toldOf: news.parts,
          },
        })
      else if (flood.take(connector).ok)
        await appendAudit(write.trx, {
          ...row,
          action: 'notices.many-changes-outside',
          detail: { inTheLastHour: outsideRows.most, text: 'More were told of than are noted here one by one.' },
        })
    },
    alarm: async (write, id, notice, receivedAt) => {
      let isNew = false
      const location = (notice.location ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, longestName)
      await connectors.update(write, id, (connector) => {
        const last = connector.notices.alarm
        isNew = last === undefined || receivedAt - Date.parse(last.at) >= alarmEveryMs
        return isNew ? { ...connector, notices: { ...connector.notices, alarm: { at: isoTime(receivedAt), location } } } : connector
      })
      if (!isNew) return
      await appendAudit(write.trx, {
        at: clock.now(),
        actor: outsider,
        action: 'notice.of-another-location',
        object: id,
        detail: { location, kind: notice.kind.slice(0, longestName) },
        origin: 'store',
      })
    },
  }
}
