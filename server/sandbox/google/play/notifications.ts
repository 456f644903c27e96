/** Notifications: pulled in sets by the account, for all enterprises it acts for, and delivered again until they are acknowledged. */
import { hexOf } from '../accounts.ts'
import { invalid } from '../errors.ts'
import type { PlayContext, Plays } from './context.ts'
import type { GoogleWorld, Json, QueuedNotification } from './state.ts'

export const notify = (world: GoogleWorld, enterpriseId: string, notificationType: string, event: Json = {}): void => {
  const members = { enterpriseId, timestampMillis: String(world.clock.now()), notificationType, ...event }
  world.play.notifications.push({ members, enterpriseId, hiddenUntil: 0, set: null })
  for (const wake of world.waiting) wake()
}

const isOf = ({ world, account }: PlayContext, { enterpriseId }: QueuedNotification): boolean =>
  world.play.enterprises[enterpriseId]?.account === account.email

const take = (context: PlayContext): Json => {
  const { world } = context
  const now = world.clock.now()
  const waiting = world.play.notifications
    .filter((each) => each.hiddenUntil <= now && isOf(context, each))
    .slice(0, world.switches.notificationsPerSet)
  if (waiting.length === 0) return {}
  const set = `ns-${hexOf(world.chance, 8)}`
  for (const each of waiting) Object.assign(each, { set, hiddenUntil: now + world.switches.acknowledgeWithinMs })
  return { notificationSetId: set, notification: waiting.map(({ members }) => members) }
}

export const notificationPlays: Plays = {
  'enterprises.pullNotificationSet': async (context) => {
    const { world, call } = context
    const first = take(context)
    if (first['notification'] !== undefined || call.query['requestMode'] === 'returnImmediately') return first
    return await new Promise<Json>((resolve) => {
      const end = (answer: Json): void => {
        cancel()
        world.waiting.delete(look)
        resolve(answer)
      }
      const look = (): void => {
        const found = take(context)
        if (found['notification'] !== undefined) end(found)
      }
      const cancel = world.clock.after(world.switches.longPollMs, () => end({}))
      world.waiting.add(look)
    })
  },
  'enterprises.acknowledgeNotificationSet': ({ world, call }) => {
    const set = call.query['notificationSetId']
    if (set === undefined || set === '') throw invalid('notificationSetId is missing.')
    // A set whose time ran out has gone back into the queue: acknowledging it does nothing any more.
    world.play.notifications = world.play.notifications.filter((each) => each.set !== set || each.hiddenUntil <= world.clock.now())
    return undefined
  },
  'enterprises.sendTestPushNotification': ({ world, enterprise }) => {
    notify(world, enterprise().id, 'testNotification')
    return { topicName: 'projects/play-emm/topics/notifications', messageId: hexOf(world.chance, 6) }
  },
}
