/**
 * Answers of the subscription family: whole numbers for ids, cursors instead of page numbers, no version.
 * Source: docs/stores/apple-apps-and-books.md, 2.15.
 */
import * as v from 'valibot'
import type { RenewalCounts, SubscriptionStatus } from '../../../shared/subscription.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { SubscriptionRead } from '../store.ts'
import { asText, maybeCount, maybeFlag, maybeObject, maybeText, type Unreadable } from './wire.ts'

export interface CursorPage<Item> {
  readonly items: readonly Item[]
  /** Undefined ends the walk. */
  readonly nextCursor: string | undefined
  /** Whether subscriptions are on for the Location, where this answer says so. */
  readonly enabled: boolean | null
  /** The answer says in words that there is nothing of the kind for this Location. */
  readonly notOffered: boolean
}

const unreadable = (where: string): Result<never, Unreadable> => err({ is: 'unreadable', where })
const id = v.pipe(asText, v.minLength(1))

const listForm = v.record(v.string(), v.unknown())
const nextForm = v.object({ nextCursor: v.nullish(asText) })

/** A next cursor that can't be read is not the end, and a list that is not there is not an empty one. */
const parsePage =
  <Form extends v.GenericSchema>(list: string, form: Form) =>
  (json: unknown): Result<CursorPage<v.InferOutput<Form>>, Unreadable> => {
    const told = v.safeParse(listForm, json)
    const next = v.safeParse(nextForm, json)
    if (!told.success || !next.success) return unreadable(`the paging of ${list}`)
    const given = told.output[list]
    const management = managementOf(told.output['subscriptionManagement'])
    const head = { enabled: management === 'not-offered' ? null : management, notOffered: management === 'not-offered' }
    if (head.notOffered && (given === undefined || given === null)) return ok({ items: [], nextCursor: undefined, ...head })
    if (!Array.isArray(given)) return unreadable(`the list of ${list}`)
    const items = v.safeParse(v.array(form), given)
    if (!items.success) return unreadable(`an entry of the list of ${list}`)
    const { nextCursor } = next.output
    return ok({ items: items.output, nextCursor: nextCursor === '' ? undefined : (nextCursor ?? undefined), ...head })
  }

const subscription = v.object({
  adamId: id,
  parentAdamId: maybeText,
  name: maybeText,
  status: maybeText,
  periodEndDate: maybeText,
  counts: maybeObject,
})
export const parseSubscriptionsPage = parsePage('subscriptions', subscription)
export const parseSubscribersPage = parsePage('assignments', v.object({ adamId: id, clientUserId: maybeText, renewing: maybeFlag }))
export const parseAdminsPage = parsePage('admins', v.object({ adamId: id, clientUserId: maybeText }))

const countsForm = v.object({ renewing: maybeCount, expiring: maybeCount })

const countsOf = (value: unknown): RenewalCounts | undefined => {
  const parsed = v.safeParse(countsForm, value)
  if (!parsed.success) return undefined
  const { renewing, expiring } = parsed.output
  return { renewing: Math.max(0, renewing ?? 0), expiring: Math.max(0, expiring ?? 0) }
}

const both = (a: RenewalCounts, b: RenewalCounts, by: (a: number, b: number) => number): RenewalCounts => ({
  renewing: Math.max(0, by(a.renewing, b.renewing)),
  expiring: Math.max(0, by(a.expiring, b.expiring)),
})
const none: RenewalCounts = { renewing: 0, expiring: 0 }

const statusOf = (told: string | null | undefined): SubscriptionStatus => {
  switch (told) {
    case 'ACTIVE':
      return 'active'
    case 'INACTIVE':
      return 'inactive'
    case 'PAUSED':
      return 'paused'
    default:
      return 'unknown'
  }
}

/** Counts as told, also those that do not add up. What was left out follows from the others, or is none: then nothing can be given. */
export const subscriptionOf = (told: v.InferOutput<typeof subscription>): SubscriptionRead => {
  const total = countsOf(told.counts?.['total'])
  const assigned = countsOf(told.counts?.['assigned'])
  const available = countsOf(told.counts?.['available'])
  const less = (a: number, b: number): number => a - b
  return {
    subscriptionId: told.adamId,
    parentId: told.parentAdamId ?? '',
    name: told.name ?? '',
    status: statusOf(told.status),
    periodEndsOn: /^\d{4}-\d{2}-\d{2}/.exec(told.periodEndDate ?? '')?.[0] ?? null,
    total: total ?? both(assigned ?? none, available ?? none, (a, b) => a + b),
    assigned: assigned ?? (total !== undefined && available !== undefined ? both(total, available, less) : none),
    available: available ?? (total !== undefined && assigned !== undefined ? both(total, assigned, less) : none),
  }
}

const onWords = new Set(['ENABLED', 'ON', 'ACTIVE', 'TRUE'])
const offWords = new Set(['DISABLED', 'OFF', 'INACTIVE', 'FALSE'])
const notOfferedWords = new Set(['NOT_AVAILABLE', 'UNAVAILABLE', 'NOT_SUPPORTED', 'UNSUPPORTED', 'INELIGIBLE'])

/** The form of `subscriptionManagement` is published nowhere: a word, yes or no, or an object with one of them. Null: it says nothing we know. */
const managementOf = (value: unknown): boolean | 'not-offered' | null => {
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') {
    const word = value.toUpperCase()
    if (notOfferedWords.has(word)) return 'not-offered'
    return onWords.has(word) ? true : offWords.has(word) ? false : null
  }
  if (typeof value !== 'object' || value === null) return null
  for (const name of ['enabled', 'status', 'state']) {
    const inner: unknown = Reflect.get(value, name)
    if (typeof inner === 'boolean' || typeof inner === 'string') return managementOf(inner)
  }
  return null
}

/** The answer to turning subscriptions on or off. Null: it did not say how they are now. */
export const parseManagement = (json: unknown): Result<boolean | null, Unreadable> => {
  const told = v.safeParse(listForm, json)
  if (!told.success) return unreadable('whether subscriptions are on')
  const management = managementOf(told.output['subscriptionManagement'])
  return ok(management === 'not-offered' ? null : management)
}
