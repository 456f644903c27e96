import type { AppleEvent, AssetRef, Target } from './state.ts'

export const taskCount = (event: AppleEvent): number => {
  if (event.type === 'ASSOCIATE' || event.type === 'DISASSOCIATE') return event.assets.length * event.targets.length
  return event.type === 'REVOKE' ? event.pairs.length : event.users.length
}

/** The pair a task is about; undefined for tasks on users. */
export const pairOf = (event: AppleEvent, task: number): { readonly asset: AssetRef; readonly target: Target } | undefined => {
  if (event.type === 'REVOKE') return event.pairs[task]
  const asset = event.assets[Math.floor(task / event.targets.length)]
  const target = event.targets[task % event.targets.length]
  return asset === undefined || target === undefined ? undefined : { asset, target }
}
