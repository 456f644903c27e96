/** Notifications, as notices. They are pulled, not pushed; each is a reason to look, never what is looked for. */
import { createHash } from 'node:crypto'
import type { Notice, NoticeNews } from '../../store.ts'
import type { PlayNotification } from './wire.ts'

const productIn = (event: unknown): string | undefined => {
  const id: unknown = typeof event === 'object' && event !== null ? Reflect.get(event, 'productId') : undefined
  return typeof id === 'string' && id !== '' ? id : undefined
}

const newsOf = (notification: PlayNotification): NoticeNews => {
  switch (notification.notificationType) {
    case 'testNotification':
      return { is: 'test' }
    case 'productApproval': {
      const productId = productIn(notification['productApprovalEvent'])
      return productId === undefined
        ? { is: 'licenses-changed' }
        : { is: 'count-changed', product: { productId, pricing: null }, delta: null }
    }
    case 'newPermissions': {
      const productId = productIn(notification['newPermissionsEvent'])
      return productId === undefined
        ? { is: 'licenses-changed' }
        : { is: 'count-changed', product: { productId, pricing: null }, delta: null }
    }
    case 'productAvailabilityChange':
      return { is: 'licenses-changed' }
    case 'newDevice':
    case 'enterpriseUpgrade':
      return { is: 'people-changed', keys: [] }
    // Updates, configurations, reports and installs change no license. The third of them is spelled as Google spells it.
    case 'appUpdate':
    case 'installFailure':
    case 'appRestricionsSchemaChange':
    case 'deviceReportUpdate':
      return { is: 'unknown' }
    default:
      // The upgrade came later than the list of words: it is known by its member.
      return 'enterpriseUpgradeEvent' in notification ? { is: 'people-changed', keys: [] } : { is: 'unknown' }
  }
}

/** Google gives no ids: the same content at the same time is the same notification. */
const idOf = (notification: PlayNotification): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(notification)))
    .digest('base64url')

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted(([one], [other]) => (one < other ? -1 : 1))
            .map(([name, member]) => [name, sorted(member)]),
        )
      : value

export const noticeOf = (notification: PlayNotification): Notice => ({
  id: idOf(notification),
  location: notification.enterpriseId ?? null,
  kind: (notification.notificationType ?? 'unknown').slice(0, 100),
  news: newsOf(notification),
})
