/** Acts about subscriptions. What would happen is asked of the server first; it does nothing before that was confirmed. */
import { err, ok } from '../shared/result.ts'
import { parsePrincipalId, type ConnectorId, type PrincipalId } from '../shared/ids.ts'
import { itemsOf, list, member, numberOf, textOf, textOrNull } from './server-lists.ts'
import { unreadable, type Answer, type Request } from './server-request.ts'

export interface Subscriber {
  /** Null: the directory does not know them. */
  readonly id: PrincipalId | null
  readonly name: string
  readonly userName: string
  readonly renewing: boolean
  /** `YYYY-MM-DD`; null: it renews, or the day is not known. */
  readonly endsOn: string | null
}

export interface Subscribers {
  readonly people: readonly Subscriber[]
  /** User names of those who manage it at the store. */
  readonly admins: readonly string[]
  /** ISO 8601: asked of the store then. */
  readonly asOf: string
}

export interface SubscriptionPreview {
  readonly people: readonly { readonly id: string; readonly name: string }[]
  readonly leftOut: readonly LeftOut[]
  readonly takesEffect: 'at-once' | 'period-end'
  /** `YYYY-MM-DD`: when it takes effect, or when what is given runs out. */
  readonly on: string | null
  readonly undoable: 'yes' | 'while-free' | 'maybe-not'
  /** Of the kind asked for; null where none is spent. */
  readonly available: number | null
}

export interface LeftOut {
  readonly id: string
  readonly text: string
}

export type SubscriptionAnswer =
  | { readonly is: 'preview'; readonly preview: SubscriptionPreview }
  | { readonly is: 'asked'; readonly total: number; readonly leftOut: readonly LeftOut[] }

export interface SubscriptionActs {
  /** Asked of the store now. */
  subscribers(connector: ConnectorId, subscription: string): Answer<Subscribers>
  assign(
    connector: ConnectorId,
    subscription: string,
    ask: { readonly principals: readonly PrincipalId[]; readonly renewing: boolean; readonly confirm: boolean },
  ): Answer<SubscriptionAnswer>
  remove(
    connector: ConnectorId,
    subscription: string,
    ask: { readonly principals: readonly PrincipalId[]; readonly deferred: boolean; readonly confirm: boolean },
  ): Answer<SubscriptionAnswer>
  /** Confirmed already: it may be for good. Gives whether they are on now. */
  turn(connector: ConnectorId, to: 'on' | 'off'): Answer<boolean>
}

export const createSubscriptionActs = (request: Request): SubscriptionActs => {
  const at = (connector: ConnectorId, rest: string): string => `/connectors/${encodeURIComponent(connector)}/subscriptions${rest}`

  const ask = async (path: string, body: unknown): Answer<SubscriptionAnswer> => {
    const read = await request('POST', path, body)
    if (read.ok)
      return ok({
        is: 'asked',
        total: numberOf(member(member(read.value, 'order'), 'total')),
        leftOut: list(member(read.value, 'notAsked')).map(leftOutOf),
      })
    if (read.error.is === 'refused' && read.error.code === 'confirmation-required')
      return ok({ is: 'preview', preview: previewOf(read.error.data['preview']) })
    return read
  }

  return {
    subscribers: async (connector, subscription) => {
      const read = await request('GET', at(connector, `/${encodeURIComponent(subscription)}/subscribers`))
      if (!read.ok) return read
      const asOf = textOf(member(read.value, 'asOf'))
      if (asOf === '') return err(unreadable(200))
      return ok({
        people: itemsOf(read.value).map(subscriberOf),
        admins: list(member(read.value, 'admins')).map(textOf),
        asOf,
      })
    },
    assign: (connector, subscription, body) => ask(at(connector, `/${encodeURIComponent(subscription)}/assign`), body),
    remove: (connector, subscription, body) => ask(at(connector, `/${encodeURIComponent(subscription)}/remove`), body),
    turn: async (connector, to) => {
      const read = await request('POST', at(connector, to === 'on' ? '/enable' : '/disable'), { confirm: true })
      return read.ok ? ok(member(read.value, 'enabled') === true) : read
    },
  }
}

const subscriberOf = (row: unknown): Subscriber => {
  const principal = member(row, 'principal')
  const userName = textOf(member(row, 'key'))
  return {
    id: parsePrincipalId(member(principal, 'id')) ?? null,
    name: textOf(member(principal, 'name')) || userName,
    userName,
    renewing: member(row, 'renewing') === true,
    endsOn: textOrNull(member(row, 'endsOn')),
  }
}

const leftOutOf = (row: unknown): LeftOut => ({ id: textOf(member(row, 'id')), text: textOf(member(row, 'text')) })

const undoables = ['yes', 'while-free', 'maybe-not'] as const

const previewOf = (value: unknown): SubscriptionPreview => {
  const available = member(value, 'available')
  return {
    people: list(member(value, 'people')).map((row) => ({ id: textOf(member(row, 'id')), name: textOf(member(row, 'name')) })),
    leftOut: list(member(value, 'notAsked')).map(leftOutOf),
    takesEffect: member(value, 'takesEffect') === 'period-end' ? 'period-end' : 'at-once',
    on: textOrNull(member(value, 'on')),
    // What is not said is not promised.
    undoable: undoables.find((word) => word === member(value, 'undoable')) ?? 'maybe-not',
    available: typeof available === 'number' ? available : null,
  }
}
