/** What Graph knows of one tenant: its directory, its Microsoft 365 subscriptions, and what Intune holds. Plain data, so that it can be kept and read back whole. */
import * as v from 'valibot'
import { err, ok, type Result } from '../../../shared/result.ts'

const heldLicense = v.object({ skuId: v.string(), disabledPlans: v.array(v.string()), at: v.number() })
export type HeldLicense = v.InferOutput<typeof heldLicense>

const graphUser = v.object({
  id: v.string(),
  userPrincipalName: v.string(),
  mail: v.nullable(v.string()),
  displayName: v.string(),
  givenName: v.nullable(v.string()),
  surname: v.nullable(v.string()),
  department: v.nullable(v.string()),
  jobTitle: v.nullable(v.string()),
  employeeId: v.nullable(v.string()),
  accountEnabled: v.boolean(),
  userType: v.picklist(['Member', 'Guest']),
  usageLocation: v.nullable(v.string()),
  onPremisesImmutableId: v.nullable(v.string()),
  /** Given directly; what groups give is reckoned from them. */
  licenses: v.array(heldLicense),
  /** Recoverable for 30 days. */
  deletedAt: v.nullable(v.number()),
})
export type GraphUser = v.InferOutput<typeof graphUser>

export const memberTypes = ['user', 'group', 'device', 'servicePrincipal'] as const
export type MemberType = (typeof memberTypes)[number]
const member = v.object({ id: v.string(), type: v.picklist(memberTypes) })

const graphGroup = v.object({
  id: v.string(),
  displayName: v.string(),
  mailNickname: v.string(),
  groupTypes: v.array(v.string()),
  securityEnabled: v.boolean(),
  mailEnabled: v.boolean(),
  membershipRule: v.nullable(v.string()),
  members: v.array(member),
  /** Group-based licensing: each direct member has them. Nested groups pass nothing on, as at Microsoft. */
  licenses: v.array(heldLicense),
  deletedAt: v.nullable(v.number()),
})
export type GraphGroup = v.InferOutput<typeof graphGroup>

const sku = v.object({
  skuId: v.string(),
  skuPartNumber: v.string(),
  appliesTo: v.picklist(['User', 'Company']),
  capabilityStatus: v.picklist(['Enabled', 'Warning', 'Suspended', 'Deleted', 'LockedOut']),
  prepaidUnits: v.object({ enabled: v.number(), warning: v.number(), suspended: v.number(), lockedOut: v.number() }),
  servicePlans: v.array(v.object({ servicePlanId: v.string(), servicePlanName: v.string() })),
  /** Plans of other subscriptions that have to be there with it, and that can't be. */
  needsPlans: v.array(v.string()),
  conflictsWith: v.array(v.string()),
  /** Units that a subscription of kind Company uses by itself. */
  usedByTheTenant: v.number(),
})
export type Sku = v.InferOutput<typeof sku>

const record = v.record(v.string(), v.unknown())
const mobileApp = v.object({
  /** `#microsoft.graph.iosVppApp`, … */
  type: v.string(),
  id: v.string(),
  /** Members that both versions tell, and those of beta alone. */
  both: record,
  beta: record,
  assignments: v.array(record),
})
export type MobileApp = v.InferOutput<typeof mobileApp>

const vppToken = v.object({
  id: v.string(),
  both: record,
  beta: record,
  /** When the sync that was asked for ends. */
  syncEndsAt: v.nullable(v.number()),
})
export type VppToken = v.InferOutput<typeof vppToken>

/** One thing that happened, for the deltas. `fields` empty: members alone. */
const change = v.object({
  n: v.number(),
  at: v.number(),
  of: v.picklist(['user', 'group']),
  id: v.string(),
  fields: v.array(v.string()),
  removed: v.nullable(v.picklist(['changed', 'deleted'])),
  member: v.nullable(v.object({ id: v.string(), type: v.picklist(memberTypes), removed: v.boolean() })),
})
export type Change = v.InferOutput<typeof change>

const kept = v.object({
  tenantId: v.string(),
  users: v.array(graphUser),
  groups: v.array(graphGroup),
  skus: v.array(sku),
  vppTokens: v.array(vppToken),
  mobileApps: v.array(mobileApp),
  managedPlay: v.nullable(record),
  changes: v.array(change),
  lastChange: v.number(),
  epoch: v.number(),
})
export type GraphSnapshot = v.InferOutput<typeof kept>

export interface GraphState {
  readonly tenantId: string
  /** By id; deleted ones stay for 30 days. */
  readonly users: Map<string, GraphUser>
  readonly groups: Map<string, GraphGroup>
  readonly skus: Map<string, Sku>
  readonly vppTokens: Map<string, VppToken>
  readonly mobileApps: Map<string, MobileApp>
  managedPlay: Readonly<Record<string, unknown>> | null
  readonly changes: Change[]
  lastChange: number
  /** Tokens of an earlier epoch are answered with 410: the directory was moved. */
  epoch: number
  /** Group-based licenses by user and then by SKU; undefined: to be reckoned anew. */
  inherited: Map<string, Map<string, readonly string[]>> | undefined
  /** Users who have each SKU; undefined: to be counted anew. */
  consumed: Map<string, number> | undefined
  /** Ids by user name in small letters, of those who are not deleted; undefined: to be gathered anew. */
  idByName: Map<string, string> | undefined
}

export const emptyGraph = (tenantId: string): GraphState => ({
  tenantId,
  users: new Map(),
  groups: new Map(),
  skus: new Map(),
  vppTokens: new Map(),
  mobileApps: new Map(),
  managedPlay: null,
  changes: [],
  lastChange: 0,
  epoch: 1,
  inherited: undefined,
  consumed: undefined,
  idByName: undefined,
})

export const graphSnapshot = (state: GraphState): GraphSnapshot => ({
  tenantId: state.tenantId,
  users: [...state.users.values()],
  groups: [...state.groups.values()],
  skus: [...state.skus.values()],
  vppTokens: [...state.vppTokens.values()],
  mobileApps: [...state.mobileApps.values()],
  managedPlay: state.managedPlay === null ? null : { ...state.managedPlay },
  changes: state.changes,
  lastChange: state.lastChange,
  epoch: state.epoch,
})

export const parseGraphSnapshot = (json: unknown): Result<GraphState, { readonly where: string }> => {
  const parsed = v.safeParse(kept, json)
  if (!parsed.success) return err({ where: v.getDotPath(parsed.issues[0]) ?? 'the whole' })
  const { users, groups, skus, vppTokens, mobileApps, ...rest } = parsed.output
  return ok({
    ...emptyGraph(rest.tenantId),
    ...rest,
    users: new Map(users.map((user) => [user.id, user])),
    groups: new Map(groups.map((group) => [group.id, group])),
    skus: new Map(skus.map((one) => [one.skuId, one])),
    vppTokens: new Map(vppTokens.map((token) => [token.id, token])),
    mobileApps: new Map(mobileApps.map((app) => [app.id, app])),
  })
}

// ---- What is reckoned ----

/** Ids of the groups that give each SKU to a user. */
export const inheritedBy = (state: GraphState, userId: string): ReadonlyMap<string, readonly string[]> => {
  if (state.inherited === undefined) {
    state.inherited = new Map()
    for (const group of state.groups.values())
      for (const { skuId } of group.deletedAt === null ? group.licenses : [])
        for (const { id, type } of group.members) {
          if (type !== 'user') continue
          const bySku = state.inherited.get(id) ?? new Map<string, readonly string[]>()
          bySku.set(skuId, [...(bySku.get(skuId) ?? []), group.id])
          state.inherited.set(id, bySku)
        }
  }
  return state.inherited.get(userId) ?? new Map<string, readonly string[]>()
}

export const hasSku = (state: GraphState, user: GraphUser, skuId: string): boolean =>
  user.licenses.some((license) => license.skuId === skuId) || inheritedBy(state, user.id).has(skuId)

/** A user who has it directly and through a group uses one unit. */
export const consumedUnits = (state: GraphState, { skuId, appliesTo, usedByTheTenant }: Sku): number => {
  if (appliesTo === 'Company') return usedByTheTenant
  if (state.consumed === undefined) {
    state.consumed = new Map()
    for (const user of state.users.values()) {
      if (user.deletedAt !== null) continue
      const skuIds = new Set([...user.licenses.map((license) => license.skuId), ...inheritedBy(state, user.id).keys()])
      for (const each of skuIds) state.consumed.set(each, (state.consumed.get(each) ?? 0) + 1)
    }
  }
  return state.consumed.get(skuId) ?? 0
}

// ---- What happens ----

const licenseFields: readonly string[] = ['assignedLicenses', 'licenseAssignmentStates']

export const note = (
  state: GraphState,
  at: number,
  of: Change['of'],
  id: string,
  what: Partial<Pick<Change, 'fields' | 'removed' | 'member'>>,
): void => {
  state.lastChange += 1
  state.changes.push({ n: state.lastChange, at, of, id, fields: [], removed: null, member: null, ...what })
  const isLicense = of === 'user' && what.fields !== undefined && what.fields.every((name) => licenseFields.includes(name))
  if (isLicense) return
  if (of === 'group') state.inherited = undefined
  else state.idByName = undefined
  state.consumed = undefined
}

/** Gives a user these licenses in place of those before, and counts along. */
export const setLicenses = (state: GraphState, user: GraphUser, licenses: HeldLicense[], at: number): void => {
  const skuIds = new Set([...user.licenses, ...licenses].map(({ skuId }) => skuId))
  const hadBefore = [...skuIds].filter((skuId) => hasSku(state, user, skuId))
  user.licenses = licenses
  if (state.consumed !== undefined)
    for (const skuId of skuIds) {
      const more = Number(hasSku(state, user, skuId)) - Number(hadBefore.includes(skuId))
      state.consumed.set(skuId, (state.consumed.get(skuId) ?? 0) + more)
    }
  note(state, at, 'user', user.id, { fields: [...licenseFields] })
}

export const findUser = (state: GraphState, idOrName: string): GraphUser | undefined => {
  const wanted = idOrName.toLowerCase()
  const byId = state.users.get(wanted)
  if (byId !== undefined) return byId.deletedAt === null ? byId : undefined
  state.idByName ??= new Map(
    [...state.users.values()].flatMap((user) =>
      user.deletedAt === null ? [[user.userPrincipalName.toLowerCase(), user.id] as const] : [],
    ),
  )
  return state.users.get(state.idByName.get(wanted) ?? '')
}
