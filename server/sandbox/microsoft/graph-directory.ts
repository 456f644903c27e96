/** Users, groups and members as Graph lists them. Source: docs/stores/microsoft-graph.md, 4. */
import { failed, good, type GraphAnswer } from './graph-answer.ts'
import { isAnswer, pageOf, selected, selectOf, type GraphRequest } from './graph-request.ts'
import { findUser, hasSku, inheritedBy, type GraphGroup, type GraphState, type GraphUser, type MemberType } from './graph-state.ts'
import { isoTime } from '../../../shared/clock.ts'

export const userFields = [
  'id',
  'userPrincipalName',
  'mail',
  'displayName',
  'givenName',
  'surname',
  'department',
  'jobTitle',
  'employeeId',
  'accountEnabled',
  'userType',
  'usageLocation',
  'onPremisesImmutableId',
  'assignedLicenses',
  'licenseAssignmentStates',
] as const
const usualUserFields = ['id', 'userPrincipalName', 'mail', 'displayName', 'givenName', 'surname', 'jobTitle']

export const groupFields = [
  'id',
  'displayName',
  'mailNickname',
  'groupTypes',
  'securityEnabled',
  'mailEnabled',
  'membershipRule',
  'assignedLicenses',
] as const

/** What the state holds beside what Graph tells. */
const ownMembers = ['members', 'licenses', 'deletedAt']

const byId = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Direct and through groups; what both give is one license, with the plans that no one of them leaves on. */
const assignedLicenses = (state: GraphState, user: GraphUser): readonly unknown[] => {
  const disabledBySku = new Map<string, readonly string[]>(user.licenses.map(({ skuId, disabledPlans }) => [skuId, disabledPlans]))
  for (const [skuId, groups] of inheritedBy(state, user.id))
    for (const id of groups) {
      const plans = state.groups.get(id)?.licenses.find((license) => license.skuId === skuId)?.disabledPlans ?? []
      const before = disabledBySku.get(skuId)
      disabledBySku.set(skuId, before === undefined ? plans : before.filter((plan) => plans.includes(plan)))
    }
  return [...disabledBySku].map(([skuId, disabledPlans]) => ({ skuId, disabledPlans }))
}

const assignmentStates = (state: GraphState, user: GraphUser): readonly unknown[] => {
  const row = (skuId: string, disabledPlans: readonly string[], assignedByGroup: string | null, at: number): unknown => ({
    skuId,
    disabledPlans,
    assignedByGroup,
    state: 'Active',
    error: 'None',
    lastUpdatedDateTime: isoTime(at),
  })
  const direct = user.licenses.map(({ skuId, disabledPlans, at }) => row(skuId, disabledPlans, null, at))
  const inherited = [...inheritedBy(state, user.id)].flatMap(([skuId, groups]) =>
    groups.map((id) => {
      const license = state.groups.get(id)?.licenses.find((each) => each.skuId === skuId)
      return row(skuId, license?.disabledPlans ?? [], id, license?.at ?? 0)
    }),
  )
  return [...direct, ...inherited]
}

export const userView = (state: GraphState, user: GraphUser): Record<string, unknown> => {
  const told = Object.fromEntries(Object.entries(user).filter(([name]) => !ownMembers.includes(name)))
  return { ...told, assignedLicenses: assignedLicenses(state, user), licenseAssignmentStates: assignmentStates(state, user) }
}

export const groupView = (group: GraphGroup): Record<string, unknown> => ({
  ...Object.fromEntries(Object.entries(group).filter(([name]) => !ownMembers.includes(name))),
  assignedLicenses: group.licenses.map(({ skuId, disabledPlans }) => ({ skuId, disabledPlans })),
})

const liveUsers = (state: GraphState): GraphUser[] =>
  [...state.users.values()].filter(({ deletedAt }) => deletedAt === null).sort((a, b) => byId(a.id, b.id))

/** What of `$filter` is documented here: one comparison, or whether a SKU is among the licenses. */
const filtered = (request: GraphRequest, users: GraphUser[]): GraphUser[] | GraphAnswer => {
  const filter = request.url.searchParams.get('$filter')
  if (filter === null) return users
  const sku = /^assignedLicenses\/any\((\w+):\1\/skuId eq ([0-9a-f-]{36})\)$/.exec(filter)
  if (sku !== null) return users.filter((user) => hasSku(request.state, user, sku[2] ?? ''))
  const same = /^(id|userPrincipalName|mail|employeeId) eq '((?:[^']|'')*)'$/.exec(filter)
  if (same !== null) {
    const [, name = '', quoted = ''] = same
    const wanted = quoted.replaceAll("''", "'").toLowerCase()
    return users.filter((user) => String(Reflect.get(user, name) ?? '').toLowerCase() === wanted)
  }
  return failed(request.world, 400, { code: 'Request_UnsupportedQuery', message: 'Unsupported or invalid query filter clause specified.' })
}

export const listUsers = (request: GraphRequest): GraphAnswer => {
  const names = selectOf(request, 'user', userFields, usualUserFields)
  if (isAnswer(names)) return names
  const users = filtered(request, liveUsers(request.state))
  if (isAnswer(users)) return users
  return pageOf(request, users, request.world.switches.userPageSize, (user) => selected(userView(request.state, user), names))
}

export const oneUser = (request: GraphRequest): GraphAnswer => {
  const names = selectOf(request, 'user', userFields, usualUserFields)
  if (isAnswer(names)) return names
  const user = findUser(request.state, request.parts[1] ?? '')
  if (user === undefined)
    return failed(request.world, 404, {
      message: `Resource '${request.parts[1]}' does not exist or one of its queried reference-property objects are not present.`,
    })
  return good(selected(userView(request.state, user), names))
}

export const listGroups = (request: GraphRequest): GraphAnswer => {
  const names = selectOf(request, 'group', groupFields, groupFields)
  if (isAnswer(names)) return names
  const groups = [...request.state.groups.values()].filter(({ deletedAt }) => deletedAt === null).sort((a, b) => byId(a.id, b.id))
  return pageOf(request, groups, request.world.switches.userPageSize, (group) => selected(groupView(group), names))
}

export interface Member {
  readonly id: string
  readonly type: MemberType
}

/** Objects without a record of their own here (devices, service principals) are told by their id. */
const memberView = (state: GraphState, { id, type }: Member): Record<string, unknown> => {
  const user = type === 'user' ? state.users.get(id) : undefined
  const group = type === 'group' ? state.groups.get(id) : undefined
  const told = user !== undefined ? userView(state, user) : group !== undefined ? groupView(group) : { id }
  return { '@odata.type': `#microsoft.graph.${type}`, ...told }
}

const isThere = (state: GraphState, { id, type }: Member): boolean =>
  type === 'user' ? state.users.get(id)?.deletedAt === null : type === 'group' ? state.groups.get(id)?.deletedAt === null : true

export const directMembers = (state: GraphState, group: GraphGroup): readonly Member[] => group.members.filter((one) => isThere(state, one))

/** Each once; a group that holds itself is walked once. */
const allMembers = (state: GraphState, group: GraphGroup): readonly Member[] => {
  const found = new Map<string, Member>()
  const walk = (within: GraphGroup): void => {
    for (const one of directMembers(state, within)) {
      if (found.has(one.id)) continue
      found.set(one.id, one)
      const nested = one.type === 'group' ? state.groups.get(one.id) : undefined
      if (nested !== undefined) walk(nested)
    }
  }
  walk(group)
  return [...found.values()]
}

/** `/groups/{id}/members`, `/transitiveMembers`, and either cast to one type. */
export const listMembers = (request: GraphRequest): GraphAnswer => {
  const { world, state, parts } = request
  const group = state.groups.get(parts[1] ?? '')
  if (group === undefined || group.deletedAt !== null) return failed(world, 404)
  const cast = /^microsoft\.graph\.(user|group|device)$/.exec(parts[3] ?? '')?.[1]
  if (parts[3] !== undefined && cast === undefined)
    return failed(world, 400, { message: `Resource not found for the segment '${parts[3]}'.` })
  // An advanced query, and refused without its two marks.
  if (cast !== undefined && !(request.isAdvanced && request.url.searchParams.get('$count') === 'true'))
    return failed(world, 400, {
      code: 'Request_UnsupportedQuery',
      message: 'Request uses an advanced query that needs the ConsistencyLevel header and $count.',
    })
  const known = cast === 'group' ? groupFields : userFields
  const names = selectOf(request, cast ?? 'directoryObject', known, usualUserFields)
  if (isAnswer(names)) return names
  const members = (parts[2] === 'members' ? directMembers(state, group) : allMembers(state, group)).filter(
    ({ type }) => cast === undefined || type === cast,
  )
  return pageOf(
    request,
    [...members].sort((a, b) => byId(a.id, b.id)),
    world.switches.memberPageSize,
    (one) => selected(memberView(state, one), names),
  )
}
