/** Acts on groups. Answers tell no more than that it is done: the group itself comes with the facts. */
import { err, ok } from '../shared/result.ts'
import type { GroupRule } from '../shared/group-rule.ts'
import { parseGroupId, type GroupId, type PrincipalId, type PrincipalKind } from '../shared/ids.ts'
import { member } from './server-lists.ts'
import { unreadable, type Answer, type Request } from './server-request.ts'

export interface GroupActs {
  add(fresh: { readonly name: string; readonly kind: PrincipalKind; readonly rule?: GroupRule }): Answer<GroupId>
  /** `rule: null` leaves those in who are in, named one by one from then on. */
  change(group: GroupId, change: { readonly name?: string; readonly rule?: GroupRule | null }): Answer<void>
  /** People, devices and nested groups. Who is in already, or is not, is passed over. */
  changeMembers(
    group: GroupId,
    change: { readonly add?: readonly (PrincipalId | GroupId)[]; readonly remove?: readonly (PrincipalId | GroupId)[] },
  ): Answer<void>
  remove(group: GroupId): Answer<void>
}

export const createGroupActs = (request: Request): GroupActs => {
  const done = async (answer: Answer<unknown>): Answer<void> => {
    const read = await answer
    return read.ok ? ok(undefined) : read
  }
  const at = (group: GroupId): string => `/groups/${encodeURIComponent(group)}`
  return {
    add: async (fresh) => {
      const read = await request('POST', '/groups', fresh)
      if (!read.ok) return read
      const id = parseGroupId(member(read.value, 'id'))
      return id === undefined ? err(unreadable(200)) : ok(id)
    },
    change: (group, change) => done(request('PATCH', at(group), change)),
    changeMembers: (group, change) => done(request('PATCH', `${at(group)}/members`, change)),
    remove: (group) => done(request('DELETE', at(group))),
  }
}
