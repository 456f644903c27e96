/** Auto-renewable subscriptions of a Location. Source: docs/stores/apple-apps-and-books.md, 2.15. */
import { normalUserName } from '../../../shared/principal.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { StoreFailure, StoreSubscriptions, SubscriptionRead, WriteRequest } from '../store.ts'
import type { AppleClient, Parse } from './client.ts'
import { cursorInvalid, noLongerOffered } from './failures.ts'
import type { Method } from '../http.ts'
import type { Ownership, OwnerFailure } from './ownership.ts'
import type { WriteCall } from './people-writes.ts'
import type { Limits, ServiceConfigReader } from './service-config.ts'
import {
  parseAdminsPage,
  parseManagement,
  parseSubscribersPage,
  parseSubscriptionsPage,
  subscriptionOf,
  type CursorPage,
} from './subscription-wire.ts'
import { mostEmptyPagesInARow, mostPages, mostRepeats, pagesLost, type WalkFailure } from './walk.ts'

export interface SubscriptionsDeps {
  readonly client: AppleClient
  readonly config: ServiceConfigReader
  readonly ownership: Ownership
  readonly failureOf: (failure: OwnerFailure | WalkFailure, method?: Method) => StoreFailure
}

export const createSubscriptions = (deps: SubscriptionsDeps): StoreSubscriptions => {
  const { client, config, ownership, failureOf } = deps

  /**
   * From cursor to cursor, one after the other. A cursor that Apple no longer takes (9812) or that leads back begins the
   * walk again, bounded. No page carries a version, so a list that changed under its walk is not seen otherwise.
   */
  const walk = async <Item>(
    path: string,
    query: Readonly<Record<string, string>>,
    parse: Parse<CursorPage<Item>>,
  ): Promise<Result<Omit<CursorPage<Item>, 'nextCursor'>, WalkFailure>> => {
    let failure: WalkFailure = { is: 'changed-meanwhile' }
    for (let walks = 0; walks <= mostRepeats; walks += 1) {
      const items: Item[] = []
      const seen = new Set<string>()
      let enabled: boolean | null = null
      let emptyInARow = 0
      let cursor: string | undefined
      for (let pages = 1; ; pages += 1) {
        await config.refresh()
        const page = await client.get(path, { ...query, cursor }, parse)
        if (!page.ok) {
          if (page.error.is !== 'refused' || page.error.errorNumber !== cursorInvalid) return page
          failure = { is: 'changed-meanwhile' }
          break
        }
        items.push(...page.value.items)
        enabled = page.value.enabled ?? enabled
        const { nextCursor, notOffered } = page.value
        if (nextCursor === undefined) return ok({ items, enabled, notOffered })
        emptyInARow = page.value.items.length === 0 ? emptyInARow + 1 : 0
        if (seen.has(nextCursor) || emptyInARow > mostEmptyPagesInARow || pages >= mostPages) {
          failure = pagesLost
          break
        }
        seen.add(nextCursor)
        cursor = nextCursor
      }
    }
    return err(failure)
  }

  /** Not there, not for this token, no longer offered: nothing to show, and no trouble. */
  const isNotOffered = (failure: WalkFailure): boolean =>
    failure.is === 'refused' && (failure.status === 404 || failure.status === 403 || failure.errorNumber === noLongerOffered)

  const read: StoreSubscriptions['read'] = async () => {
    const walked = await walk('/subscriptions', {}, parseSubscriptionsPage)
    if (!walked.ok) return isNotOffered(walked.error) ? ok(undefined) : err(failureOf(walked.error))
    const { items, enabled, notOffered } = walked.value
    if (notOffered && items.length === 0) return ok(undefined)
    const byId = new Map<string, SubscriptionRead>(items.map((item) => [item.adamId, subscriptionOf(item)]))
    return ok({ subscriptions: [...byId.values()], enabled })
  }

  /** The filter of the request is not relied on. Each person once, the last word about them. */
  const readSubscribers: StoreSubscriptions['readSubscribers'] = async (subscriptionId) => {
    const walked = await walk('/subscriptions/assignments', { adamId: subscriptionId }, parseSubscribersPage)
    if (!walked.ok) return err(failureOf(walked.error))
    const byName = new Map<string, { readonly key: string; readonly renewing: boolean }>()
    for (const { adamId, clientUserId, renewing } of walked.value.items) {
      const key = (clientUserId ?? '').trim()
      if (adamId === subscriptionId && key !== '') byName.set(normalUserName(key), { key, renewing: renewing === true })
    }
    return ok([...byName.values()])
  }

  const readAdmins: StoreSubscriptions['readAdmins'] = async (subscriptionId) => {
    const walked = await walk('/subscriptions/admins', { adamId: subscriptionId }, parseAdminsPage)
    if (!walked.ok) return isNotOffered(walked.error) ? ok([]) : err(failureOf(walked.error))
    const admins = walked.value.items.flatMap(({ adamId, clientUserId }) =>
      adamId === subscriptionId && typeof clientUserId === 'string' && clientUserId.trim() !== '' ? [clientUserId.trim()] : [],
    )
    return ok([...new Set(admins)])
  }

  /** Who holds the Location, then one POST, never repeated. An answer that does not say how it is now is taken for what was asked. */
  const turn = async (to: 'enable' | 'disable'): ReturnType<StoreSubscriptions['enable']> => {
    const owner = await ownership.assertOurs()
    if (!owner.ok) return err(failureOf(owner.error))
    const sent = await client.post(`/subscriptions/${to}`, undefined, parseManagement)
    if (sent.ok) return ok(sent.value ?? to === 'enable')
    return err(sent.error.is === 'outcome-unknown' ? sent.error : failureOf(sent.error, 'POST'))
  }

  return { read, readSubscribers, readAdmins, enable: () => turn('enable'), disable: () => turn('disable') }
}

export type SubscriptionRequest = Extract<WriteRequest, { readonly action: 'assign-subscription' | 'remove-subscription' }>

/** Throws for a request that names nobody, or a subscription that no answer of Apple can have named. */
export const subscriptionCall = (request: SubscriptionRequest, limits: Limits): Result<WriteCall, { readonly is: 'over-limit' }> => {
  const clientUserIds = [...new Set(request.keys.map((key) => key.trim()).filter((key) => key !== ''))]
  if (clientUserIds.length === 0) throw new Error(`apple: ${request.action} that names nobody`)
  // Text in the place of a number is refused (9813).
  const adamId = Number(request.subscriptionId)
  if (!Number.isSafeInteger(adamId)) throw new Error('apple: a subscription whose id is no whole number')
  if (clientUserIds.length > limits.maxSubscriptionClientUserIds) return err({ is: 'over-limit' })
  return ok(
    request.action === 'assign-subscription'
      ? { path: '/subscriptions/associate', body: { adamIds: [adamId], clientUserIds, renewing: request.renewing } }
      : { path: '/subscriptions/disassociate', body: { adamIds: [adamId], clientUserIds, deferred: request.deferred } },
  )
}
