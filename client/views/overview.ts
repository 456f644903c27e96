/** What needs attention, worst first. */
import { figure } from '../parts/figures.ts'
import type { ConnectorId, LicenseId } from '../../shared/ids.ts'
import type { Order } from '../../shared/order.ts'
import type { OutboxRow } from '../local-db.ts'
import { sum, type ConnectorRow } from './connector-list.ts'
import type { LicenseRow } from './license-list.ts'
import { standingOf } from './order-row.ts'
import { counted, seatsCounted } from './words.ts'

export type AttentionLevel = 'urgent' | 'warning' | 'notice'

/** One trouble: what happened, what it means for licenses, and where to act. */
export interface Attention {
  readonly key: string
  readonly level: AttentionLevel
  readonly title: string
  readonly text: string
  readonly leadsTo:
    | { readonly is: 'connector'; readonly id: ConnectorId }
    | { readonly is: 'license'; readonly id: LicenseId }
    | { readonly is: 'outbox' }
    /** Orders that did not serve all. */
    | { readonly is: 'failed-orders' }
    | { readonly is: 'connectors' }
}

export interface Overview {
  readonly attention: readonly Attention[]
  readonly connectors: readonly ConnectorRow[]
  /** Shortest first. */
  readonly short: readonly LicenseRow[]
  readonly owned: number
  readonly inUse: number
  readonly available: number
  readonly waiting: number
  readonly licenses: number
}

const firstFailure = (failed: readonly Order[]): string => failed[0]?.failures[0]?.text ?? ''

const rank: Record<AttentionLevel, number> = { urgent: 0, warning: 1, notice: 2 }
const mostShort = 10

/** Worst first; within one level in the order: connectors, refused edits, failed orders, shortages, low licenses. */
export const overviewOf = (
  connectors: readonly ConnectorRow[],
  licenses: readonly LicenseRow[],
  outbox: readonly OutboxRow[],
  orders: readonly Order[] = [],
): Overview => {
  const attention: Attention[] = []
  for (const { connector, status, reasons, reminder } of connectors) {
    if (reminder !== undefined && !reasons.some(({ code }) => code.startsWith('credential-')))
      attention.push({
        key: `ends-${connector.id}`,
        level: 'notice',
        title: `The token for ${connector.name} ends in time`,
        text: reminder.text,
        leadsTo: { is: 'connector', id: connector.id },
      })
    if (status === 'healthy' || status === 'not-enabled') continue
    const worst = reasons[0]
    if (worst === undefined) continue
    attention.push({
      key: `connector-${connector.id}`,
      level: status === 'unhealthy' ? 'urgent' : 'warning',
      title: connector.name,
      text: worst.text,
      leadsTo: { is: 'connector', id: connector.id },
    })
  }
  const refused = outbox.filter(({ state }) => state === 'refused')
  if (refused.length > 0)
    attention.push({
      key: 'refused',
      level: 'urgent',
      title: counted(refused.length, 'edit was refused', 'edits were refused'),
      text: `${refused[0]?.words ?? ''}: ${refused[0]?.refusal?.text ?? ''}`,
      leadsTo: { is: 'outbox' },
    })
  const failed = orders.filter((order) => standingOf(order) === 'failed')
  const targets = sum(failed, ({ failures }) => failures.length)
  if (failed.length > 0)
    attention.push({
      key: 'failed-orders',
      level: 'warning',
      title: counted(failed.length, 'order did not serve all', 'orders did not serve all'),
      text: `${counted(targets, 'person or device was', 'people or devices were')} not served. ${firstFailure(failed)}`.trim(),
      leadsTo: { is: 'failed-orders' },
    })
  const short = licenses.filter(({ bar }) => bar.short > 0).sort((a, b) => b.bar.short - a.bar.short)
  for (const row of short)
    attention.push({
      key: `short-${row.id}`,
      level: 'urgent',
      title: `${row.license.product.name} is short of ${seatsCounted(row.bar.short)}`,
      text: `${counted(row.bar.short, 'waits', 'wait')}, served in order when a seat returns. Buy more in the store, or take seats back.`,
      leadsTo: { is: 'license', id: row.id },
    })
  for (const row of licenses) {
    if (row.bar.short > 0 || row.low === 'none' || row.license.gone) continue
    // Nothing left and nobody waiting is how a fully used license looks: told, but not as an alarm.
    attention.push({
      key: `low-${row.id}`,
      level: row.low === 'low' || row.low === 'empty' ? 'notice' : 'warning',
      title: `${row.license.product.name} runs low`,
      text: `${seatsCounted(Math.max(0, row.license.available ?? 0))} left of ${figure(row.license.total ?? 0)}.`,
      leadsTo: { is: 'license', id: row.id },
    })
  }
  return {
    attention: attention
      .map((item, at) => ({ item, at }))
      .sort((a, b) => rank[a.item.level] - rank[b.item.level] || a.at - b.at)
      .map(({ item }) => item),
    connectors,
    short: short.slice(0, mostShort),
    owned: sum(licenses, ({ license }) => license.total ?? 0),
    // Of what is owned: beside it, seats of products without a limit would make no sense.
    inUse: sum(licenses, ({ license }) => (license.total === null ? 0 : license.inUse)),
    available: sum(licenses, ({ license }) => Math.max(0, license.available ?? 0)),
    waiting: sum(licenses, ({ bar }) => bar.short),
    licenses: licenses.length,
  }
}
