/** The subscriptions of one Location as its screen shows them: when each ends, how much of each kind there is, what is under way. */
import { figure } from '../parts/figures.ts'
import { locationOrdersKey, subscriptionsKey } from '../../shared/facts.ts'
import type { Connector } from '../../shared/connector.ts'
import type { ConnectorId } from '../../shared/ids.ts'
import { isOpen, type LocationOrder } from '../../shared/order.ts'
import {
  subscriptionStatusInWords,
  subscriptionTitle,
  whyNotGivenInWords,
  type RenewalCounts,
  type Subscription,
} from '../../shared/subscription.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import { counted } from './words.ts'

export interface SubscriptionRow {
  readonly subscription: Subscription
  readonly title: string
  /** In two lines: "Keynote" and "Subscription 6500000101", or its own name and "Keynote, no. 6500000101". */
  readonly name: string
  readonly of: string
  readonly health: 'healthy' | 'warning' | 'off'
  readonly status: string
  /** Null: the store tells no end. `days` counts from today; below 0 it is over. */
  readonly ends: { readonly on: string; readonly days: number; readonly words: string } | null
  /** People who lose it then: they expire, or leave. */
  readonly endFor: number
  /** Why nobody can be given one now. */
  readonly notGivable: string | undefined
  /** Orders about it that are not over, the oldest first. */
  readonly underWay: readonly LocationOrder[]
}

export interface SubscriptionsPage {
  readonly connector: Connector
  /** Null: the store has nothing of the kind for this Location. */
  readonly part: Connector['subscriptions']
  /** Those that end first come first. */
  readonly rows: readonly SubscriptionRow[]
}

const DAY_MS = 86_400_000

/** Whole days of the calendar from `now` to a day, both in this device's time zone. */
export const daysUntil = (day: string, now: number): number => {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  const today = new Date(now)
  const there = new Date(year, month - 1, date)
  return Math.round((there.getTime() - new Date(today.getFullYear(), today.getMonth(), today.getDate()).getTime()) / DAY_MS)
}

/** "today", "tomorrow", "in 12 days", "3 days ago". */
export const daysInWords = (days: number): string => {
  if (days === 0) return 'today'
  if (days === 1) return 'tomorrow'
  return days > 0 ? `in ${counted(days, 'day', 'days')}` : `${counted(-days, 'day', 'days')} ago`
}

/** "80 renewing and 20 expiring", "6 renewing". */
export const renewalsInWords = ({ renewing, expiring }: RenewalCounts): string =>
  [`${figure(renewing)} renewing`, ...(expiring > 0 ? [`${figure(expiring)} expiring`] : [])].join(' and ')

/** An end so near that whom it concerns should be told. */
const soonDays = 14

const rowOf = (subscription: Subscription, orders: readonly LocationOrder[], now: number): SubscriptionRow => {
  const { status, periodEndsOn, assigned, name, parentName, parentId } = subscription
  const app = parentName !== '' ? parentName : `App ${parentId}`
  const days = periodEndsOn === null ? undefined : daysUntil(periodEndsOn, now)
  const endsSoon = days !== undefined && days >= 0 && days <= soonDays && assigned.expiring > 0
  return {
    subscription,
    title: subscriptionTitle(subscription),
    name: name !== '' ? name : app,
    of: name === '' ? `Subscription ${subscription.id}` : `${app}, no. ${subscription.id}`,
    health: status === 'active' ? (endsSoon ? 'warning' : 'healthy') : status === 'inactive' ? 'off' : 'warning',
    status: status === 'active' && endsSoon ? 'Some end soon' : subscriptionStatusInWords[status],
    ends: periodEndsOn === null || days === undefined ? null : { on: periodEndsOn, days, words: daysInWords(days) },
    endFor: assigned.expiring,
    notGivable: status === 'active' ? undefined : whyNotGivenInWords(subscription),
    underWay: orders.filter((order) => isOpen(order) && order.subscription?.id === subscription.id),
  }
}

/** Undefined inside: no such connector. */
export const subscriptionsPage = (facts: Facts, id: ConnectorId, now: number): ChunkRead<SubscriptionsPage | undefined> => {
  const connectors = facts.rows('connectors')
  const subscriptions = facts.rows(subscriptionsKey(id))
  const orders = facts.rows(locationOrdersKey(id))
  if (connectors.is === 'loading' || subscriptions.is === 'loading' || orders.is === 'loading') return { is: 'loading' }
  const connector = connectors.value.find((row) => row.id === id)
  if (connector === undefined) return { is: 'ready', value: undefined }
  const rows = subscriptions.value.map((row) => rowOf(row, orders.value, now))
  const byEnd = (a: SubscriptionRow, b: SubscriptionRow): number =>
    (a.ends?.on ?? '9').localeCompare(b.ends?.on ?? '9') || a.title.localeCompare(b.title)
  return { is: 'ready', value: { connector, part: connector.subscriptions, rows: rows.toSorted(byEnd) } }
}
