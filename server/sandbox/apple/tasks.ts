import type { AppleEvent, AssetRef, Target } from './state.ts'

export const taskCount = (event: AppleEvent): number => {
  if (event.subscription !== undefined) return event.subscription.adamIds.length * event.targets.length
  if (event.type === 'ASSOCIATE' || event.type === 'DISASSOCIATE') return event.assets.length * event.targets.length
  return event.type === 'REVOKE' ? event.pairs.length : event.users.length
}

/** The pair a task is about; undefined for tasks on users and on subscriptions. */
export const pairOf = (event: AppleEvent, task: number): { readonly asset: AssetRef; readonly target: Target } | undefined => {
  if (event.subscription !== undefined) return undefined
  if (event.type === 'REVOKE') return event.pairs[task]
  const asset = event.assets[Math.floor(task / event.targets.length)]
  const target = event.targets[task % event.targets.length]
  return asset === undefined || target === undefined ? undefined : { asset, target }
}

/** The subscription and the person a task is about; undefined for tasks of any other sort. */
export const subscriptionPairOf = (
  event: AppleEvent,
  task: number,
): { readonly adamId: number; readonly clientUserId: string } | undefined => {
  const adamId = event.subscription?.adamIds[Math.floor(task / event.targets.length)]
  const target = event.targets[task % event.targets.length]
  return adamId === undefined || target?.kind !== 'user' ? undefined : { adamId, clientUserId: target.clientUserId }
}
