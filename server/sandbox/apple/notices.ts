import type { Chance, Clock } from '../../../shared/clock.ts'
import { messageOf } from './errors.ts'
import { pairOf, subscriptionPairOf } from './tasks.ts'
import type { Faults } from './faults.ts'
import type { AppleEvent, LocationState, UserInput } from './state.ts'
import { uuid } from './made-ids.ts'

/** Posts one notification to a receiver. The world passes it in; without one, no address can be reached. */
export type Fetch = (request: Request) => Promise<Response>

/** What was sent, or lost, and how often it was tried. The bearer is not kept. */
export interface SentNotice {
  readonly notificationId: string
  readonly notificationType: string
  readonly uId: string
  readonly at: number
  readonly notification: unknown
  attempts: number
  delivered: boolean
}

export interface Notices {
  eventEnded(location: LocationState, event: AppleEvent): void
  countChanged(location: LocationState, asset: { readonly adamId: string; readonly pricingParam: string }, countDelta: number): void
  usersAssociated(location: LocationState, users: readonly unknown[]): void
  /** Absolute numbers, unlike those of assets. */
  subscriptionCountChanged(location: LocationState, notification: unknown): void
  /** The call made while a new address is being set. Nothing is kept of one that fails. */
  test(location: LocationState, url: string, authToken: string): Promise<boolean>
  sent(): readonly SentNotice[]
}

// "At most 100 elements", Apple's reference; a bigger event is split.
const MOST_ELEMENTS = 100
// Three attempts "within 1 to 5 minutes".
const RETRY_AFTER_MS = [60_000, 180_000] as const
const TEST_TIMEOUT_MS = 30_000
const MOST_KEPT = 2_000

const inChunks = <T>(items: readonly T[]): T[][] => {
  const chunks: T[][] = []
  for (let at = 0; at < items.length; at += MOST_ELEMENTS) chunks.push(items.slice(at, at + MOST_ELEMENTS))
  return chunks
}

interface Deps {
  readonly clock: Clock
  readonly chance: Chance
  readonly faults: Faults
  readonly fetch: Fetch | undefined
  readonly userBody: (location: LocationState, clientUserId: string) => unknown
}

export const createNotices = ({ clock, chance, faults, fetch, userBody }: Deps): Notices => {
  const outbox: SentNotice[] = []

  const post = async (url: string, authToken: string, body: unknown): Promise<boolean> => {
    if (fetch === undefined) return false
    const request = new Request(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${authToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
    })
    try {
      return (await fetch(request)).ok
    } catch {
      // A receiver out of reach is what the attempts are for.
      return false
    }
  }

  const attempt = async (location: LocationState, notice: SentNotice): Promise<void> => {
    // Looked up at each attempt: a target changed meanwhile gets the rest.
    const { notificationUrl: url, notificationAuthToken: authToken } = location
    if (url === null || authToken === null) return
    notice.attempts += 1
    const { notificationId, notificationType, uId, notification } = notice
    notice.delivered = await post(url, authToken, { notification, notificationId, notificationType, uId })
    const again = RETRY_AFTER_MS[notice.attempts - 1]
    if (!notice.delivered && again !== undefined) clock.after(again, () => void attempt(location, notice))
  }

  const send = (location: LocationState, notificationType: string, notification: unknown): void => {
    if (location.notificationUrl === null || !location.notificationTypes.includes(notificationType)) return
    const notice: SentNotice = {
      notificationId: uuid(chance),
      notificationType,
      uId: location.uId,
      at: clock.now(),
      notification,
      attempts: 0,
      delivered: false,
    }
    outbox.push(notice)
    if (outbox.length > MOST_KEPT) outbox.shift()
    const striking = faults.take('notification', location.uId)
    if (striking.some(({ is }) => is === 'notification-lost')) return
    const delayMs = striking.reduce((ms, fault) => (fault.is === 'notification-delayed' ? ms + fault.ms : ms), 0)
    clock.after(delayMs, () => void attempt(location, notice))
    if (striking.some(({ is }) => is === 'notification-doubled')) clock.after(delayMs, () => void attempt(location, notice))
    if (!striking.some(({ is }) => is === 'notification-retold')) return
    const retold: SentNotice = { ...notice, notificationId: uuid(chance) }
    outbox.push(retold)
    clock.after(delayMs, () => void attempt(location, retold))
  }

  const assetNotices = (location: LocationState, event: AppleEvent, tasks: readonly number[], errorNumber: number): void => {
    // One asset a notification, as seen in the field.
    const byAsset = new Map<string, unknown[]>()
    for (const task of tasks) {
      const pair = pairOf(event, task)
      if (pair === undefined) continue
      const key = `${pair.asset.adamId}/${pair.asset.pricingParam}`
      const list = byAsset.get(key) ?? []
      byAsset.set(key, list)
      const { target } = pair
      list.push(
        target.kind === 'device'
          ? { ...pair.asset, serialNumber: target.serialNumber }
          : { ...pair.asset, clientUserId: target.clientUserId },
      )
    }
    for (const list of byAsset.values()) {
      for (const assignments of inChunks(list)) {
        send(location, 'ASSET_MANAGEMENT', { ...headOf(event, errorNumber), assignments })
      }
    }
  }

  const subscriptionNotices = (location: LocationState, event: AppleEvent, tasks: readonly number[], errorNumber: number): void => {
    const pairs = tasks.map((task) => subscriptionPairOf(event, task)).filter((pair) => pair !== undefined)
    for (const chunk of inChunks(pairs)) {
      const assignments = chunk.map((pair) => ({ ...pair, renewing: event.subscription?.renewing === true }))
      send(location, 'SUBSCRIPTION_MANAGEMENT', { ...headOf(event, errorNumber), assignments })
    }
  }

  const userNotices = (location: LocationState, event: AppleEvent, tasks: readonly number[], errorNumber: number): void => {
    const users = tasks.map((task) => event.users[task]).filter((user): user is UserInput => user !== undefined)
    for (const chunk of inChunks(users)) {
      const bodies = chunk.map((user) => (errorNumber === 0 ? userBody(location, user.clientUserId) : { clientUserId: user.clientUserId }))
      send(location, 'USER_MANAGEMENT', { ...headOf(event, errorNumber), users: bodies })
    }
  }

  return {
    eventEnded(location, event) {
      const isOfAssets = event.assets.length > 0 || event.type === 'REVOKE'
      const notify = event.subscription !== undefined ? subscriptionNotices : isOfAssets ? assetNotices : userNotices
      notify(location, event, event.done, 0)
      const byError = new Map<number, number[]>()
      for (const { task, errorNumber } of event.failures) {
        const tasks = byError.get(errorNumber)
        if (tasks === undefined) byError.set(errorNumber, [task])
        else tasks.push(task)
      }
      for (const [errorNumber, tasks] of byError) notify(location, event, tasks, errorNumber)
    },
    countChanged(location, { adamId, pricingParam }, countDelta) {
      send(location, 'ASSET_COUNT', { adamId, pricingParam, countDelta })
    },
    usersAssociated(location, users) {
      for (const associatedUsers of inChunks(users)) send(location, 'USER_ASSOCIATED', { associatedUsers })
    },
    subscriptionCountChanged(location, notification) {
      send(location, 'SUBSCRIPTION_COUNT', notification)
    },
    test(location, url, authToken) {
      const body = { notification: {}, notificationId: uuid(chance), notificationType: 'TEST_NOTIFICATION', uId: location.uId }
      return new Promise((resolve) => {
        const giveUp = clock.after(TEST_TIMEOUT_MS, () => resolve(false))
        void post(url, authToken, body).then((reached) => {
          giveUp()
          resolve(reached)
        })
      })
    },
    sent: () => outbox,
  }
}

const headOf = (event: AppleEvent, errorNumber: number): Record<string, unknown> => ({
  eventId: event.id,
  type: event.type,
  result: errorNumber === 0 ? 'SUCCESS' : 'FAILURE',
  ...(errorNumber === 0 ? {} : { error: { errorNumber, errorMessage: messageOf(errorNumber) } }),
})
