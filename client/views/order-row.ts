/** An order as every screen tells of it: what was asked, how far it got, who was not served and why, and what can be done. */
import { figure } from '../parts/figures.ts'
import { isOpen, type Order, type OrderAction, type OrderState } from '../../shared/order.ts'
import type { PrincipalName } from '../directory.ts'
import { counted, seatsCounted } from './words.ts'

/** Those whom the store did not serve for one reason. */
export interface FailureGroup {
  readonly code: string
  /** What happened: the first sentence. */
  readonly reason: string
  /** What it means and what to do: the rest. Empty when the reason says it all. */
  readonly advice: string
  /** It may pass by itself, and is tried again without anybody's doing. */
  readonly passes: boolean
  readonly targets: readonly PrincipalName[]
}

export interface OrderRow {
  readonly order: Order
  /** "Give 6 seats", "Take back 1 seat". */
  readonly words: string
  /** "Partly done: 3 of 5". */
  readonly state: string
  /** What that means, where it is not plain. */
  readonly meaning: string | undefined
  readonly failed: number
  /** Most targets first. */
  readonly failures: readonly FailureGroup[]
  /** Answered, of all that was asked for. */
  readonly answered: number
  readonly underWay: boolean
  /** The first few whom no answer has settled. */
  readonly openTargets: readonly PrincipalName[]
  /** How many other orders left in the same call. */
  readonly together: number
}

const mostNamed = 3

/** `company`: how many orders each reference of the store stands for, where that is known. */
export const orderRow = (order: Order, nameOf: (ordinal: number) => PrincipalName, company: ReadonlyMap<string, number>): OrderRow => {
  const failures = failureGroups(order, nameOf)
  return {
    order,
    words: orderInWords(order),
    state: orderStateInWords(order),
    meaning: orderMeaning(order),
    failed: order.failures.length,
    failures,
    answered: order.total - order.open.length,
    underWay: isOpen(order),
    openTargets: order.open.slice(0, mostNamed).map(nameOf),
    together: order.storeReference === null ? 0 : Math.max(0, (company.get(order.storeReference) ?? 1) - 1),
  }
}

/** Orders by the call in which they left. */
export const companyOf = (orders: readonly Order[]): ReadonlyMap<string, number> => {
  const company = new Map<string, number>()
  for (const { storeReference } of orders) if (storeReference !== null) company.set(storeReference, (company.get(storeReference) ?? 0) + 1)
  return company
}

const failureGroups = (order: Order, nameOf: (ordinal: number) => PrincipalName): readonly FailureGroup[] => {
  const groups = new Map<string, { readonly group: Omit<FailureGroup, 'targets'>; readonly targets: PrincipalName[] }>()
  for (const { code, text, retryable, ordinal } of order.failures) {
    const key = `${code}\n${text}`
    const found = groups.get(key) ?? { group: { code, ...told(text), passes: retryable }, targets: [] }
    found.targets.push(nameOf(ordinal))
    groups.set(key, found)
  }
  return [...groups.values()]
    .map(({ group, targets }) => ({ ...group, targets }))
    .sort((a, b) => b.targets.length - a.targets.length || (a.code < b.code ? -1 : 1))
}

/** A failure's text begins with what happened and ends with what to do. */
const told = (text: string): { readonly reason: string; readonly advice: string } => {
  const end = /[.!?](?=\s+\p{Lu})/u.exec(text)
  return end === null ? { reason: text, advice: '' } : { reason: text.slice(0, end.index + 1), advice: text.slice(end.index + 1).trim() }
}

const peopleOrDevices = (count: number): string => counted(count, 'person or device', 'people or devices')
const people = (count: number): string => counted(count, 'person', 'people')

export const orderInWords = (order: Pick<Order, 'action' | 'total'> & { readonly cause?: Order['cause'] }): string => {
  const words = actInWords(order)
  switch (order.cause) {
    case 'undo':
      return `Undo: ${words.charAt(0).toLowerCase()}${words.slice(1)}`
    case 'leaver-policy':
      return `${words} from leavers, by the rule`
    default:
      return words
  }
}

const actInWords = ({ action, total }: Pick<Order, 'action' | 'total'>): string => {
  switch (action) {
    case 'associate':
      return `Give ${seatsCounted(total)}`
    case 'disassociate':
      return `Take back ${seatsCounted(total)}`
    case 'revoke':
      return `Take back everything from ${peopleOrDevices(total)}`
    case 'register-user':
      return `Register ${people(total)} at the store`
    case 'update-user':
      return `Change what the store knows of ${people(total)}`
    case 'retire-user':
      return `Retire ${people(total)} at the store`
    case 'assign-subscription':
      return `Give a subscription to ${people(total)}`
    case 'remove-subscription':
      return `Take a subscription from ${people(total)}`
  }
}

export const isGiving = (action: OrderAction): boolean =>
  action === 'associate' || action === 'register-user' || action === 'update-user' || action === 'assign-subscription'

export const orderStateInWords = (
  order: Pick<Order, 'state' | 'unknown' | 'done' | 'total' | 'failures'> & { readonly notBefore?: string },
): string => {
  if (order.unknown) return 'Asked, not yet known'
  switch (order.state) {
    case 'planned':
      return order.notBefore === undefined ? 'Not sent yet' : `Kept back until ${whenInWords(order.notBefore)}`
    case 'sent':
      return 'Being sent'
    case 'pending':
      return order.done > 0 ? `${figure(order.done)} of ${figure(order.total)} answered` : 'Not answered yet'
    case 'done':
      return 'Done'
    case 'partly-done':
      return order.failures.length === 0
        ? `Done: ${figure(order.done)} of ${figure(order.total)}`
        : `Partly done: ${figure(order.done)} of ${figure(order.total)}`
    case 'failed':
      return 'Failed'
    case 'cancelled':
      return order.failures.length > 0 && order.failures.every(({ code }) => code === 'cancelled') ? 'Cancelled' : 'Not needed any more'
  }
}

const whenInWords = (iso: string): string =>
  new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' })
    .format(new Date(iso))
    .replace(' at ', ', ')

const orderMeaning = (order: Order): string | undefined => {
  if (order.unknown)
    return 'The connection was cut before the store answered. What came of it is being read from the store; nothing is sent twice, and nobody loses a seat.'
  switch (order.state) {
    case 'planned':
      return order.notBefore === undefined
        ? 'It waits for its turn: one order at a time leaves for each location.'
        : 'It can be cancelled until then. Who comes back by then, or is assigned it, keeps the seat.'
    case 'partly-done':
    case 'failed':
      return order.failures.length === 0 && order.open.length === 0
        ? 'The failed ones were asked for again; look at the newer orders.'
        : undefined
    case 'sent':
    case 'pending':
    case 'done':
    case 'cancelled':
      return order.undoneBy === undefined ? undefined : 'It was undone.'
  }
}

/** For filters and marks. */
export type OrderStanding = 'open' | 'failed' | 'over'
/** What was cancelled, or needed no more, has not failed: nobody has to look after it. */
export const standingOf = (order: Order): OrderStanding =>
  isOpen(order) ? 'open' : order.failures.length > 0 && order.state !== 'cancelled' ? 'failed' : 'over'

export const orderHealths: Record<OrderState, 'pending' | 'healthy' | 'warning' | 'unhealthy' | 'off'> = {
  planned: 'pending',
  sent: 'pending',
  pending: 'pending',
  done: 'healthy',
  'partly-done': 'warning',
  failed: 'unhealthy',
  cancelled: 'off',
}
