/** How groups are nested, made once for each state of their records. */
import { nestingOf, type GroupNesting } from '../../shared/groups.ts'
import type { Group } from '../../shared/principal.ts'

const held = new WeakMap<readonly Group[], GroupNesting>()

export const nestingIn = (groups: readonly Group[]): GroupNesting => {
  const known = held.get(groups)
  if (known !== undefined) return known
  const made = nestingOf(groups)
  held.set(groups, made)
  return made
}
