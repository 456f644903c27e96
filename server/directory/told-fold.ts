/**
 * What a directory tells in many parts, as one word on each: parts are merged and never replace, the same part may come
 * twice, and of two that contradict each other the later one stands. Pure.
 */
import type { DirectoryGroupTold, DirectoryUserTold } from '../stores/store.ts'
import type { SourceFields } from '../../shared/joining.ts'

export type UserFolded =
  { readonly is: 'told'; readonly fields: SourceFields; readonly externalId: string | undefined } | { readonly is: 'gone' }

export const foldUsers = (entries: Map<string, UserFolded>, one: DirectoryUserTold): void => {
  if (one.is === 'gone') return void entries.set(one.key, { is: 'gone' })
  const held = entries.get(one.key)
  const before = held?.is === 'told' ? held : undefined
  entries.set(one.key, {
    is: 'told',
    fields: { ...before?.fields, ...one.fields },
    externalId: one.externalId ?? before?.externalId,
  })
}

interface MembersFolded {
  readonly added: Set<string>
  readonly removed: Set<string>
}
export type GroupFolded =
  | { readonly is: 'told'; readonly name: string | undefined; readonly members: MembersFolded; readonly groups: MembersFolded }
  | { readonly is: 'gone' }

const merged = (
  held: MembersFolded | undefined,
  told: { readonly added: readonly string[]; readonly removed: readonly string[] },
): MembersFolded => {
  const { added, removed } = held ?? { added: new Set<string>(), removed: new Set<string>() }
  for (const key of told.removed) {
    added.delete(key)
    removed.add(key)
  }
  for (const key of told.added) {
    removed.delete(key)
    added.add(key)
  }
  return { added, removed }
}

export const foldGroups = (entries: Map<string, GroupFolded>, one: DirectoryGroupTold): void => {
  if (one.is === 'gone') return void entries.set(one.key, { is: 'gone' })
  const held = entries.get(one.key)
  const before = held?.is === 'told' ? held : undefined
  entries.set(one.key, {
    is: 'told',
    name: one.name ?? before?.name,
    members: merged(before?.members, one.members),
    groups: merged(before?.groups, one.groups),
  })
}
