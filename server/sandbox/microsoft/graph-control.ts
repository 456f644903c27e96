/** What a person, or a test, can make happen in a tenant: joining, leaving, buying, giving, breaking. Each is told by the deltas as at Microsoft. */
import { uuid } from './made-ids.ts'
import {
  consumedUnits,
  findUser,
  note,
  setLicenses,
  type GraphGroup,
  type GraphState,
  type GraphUser,
  type MemberType,
  type MobileApp,
  type Sku,
  type VppToken,
} from './graph-state.ts'
import type { MicrosoftWorld } from './world.ts'

export interface NewUser {
  readonly userPrincipalName: string
  readonly displayName?: string
  readonly mail?: string | null
  readonly department?: string | null
  readonly usageLocation?: string | null
  readonly userType?: GraphUser['userType']
  readonly onPremisesImmutableId?: string | null
}

export interface GraphControl {
  readonly state: GraphState
  addUser(fresh: NewUser): GraphUser
  changeUser(
    idOrName: string,
    change: Partial<Pick<GraphUser, 'userPrincipalName' | 'displayName' | 'mail' | 'department' | 'accountEnabled' | 'usageLocation'>>,
  ): void
  /** Recoverable for 30 days, unless `forGood`. Their licenses return. */
  deleteUser(idOrName: string, forGood?: boolean): void
  restoreUser(id: string): void
  addGroup(displayName: string, members?: readonly { readonly id: string; readonly type: MemberType }[]): GraphGroup
  renameGroup(id: string, displayName: string): void
  addMember(groupId: string, id: string, type?: MemberType): void
  removeMember(groupId: string, id: string): void
  deleteGroup(id: string): void
  /** Group-based licensing. */
  licenseGroup(groupId: string, skuId: string, disabledPlans?: readonly string[]): void
  unlicenseGroup(groupId: string, skuId: string): void
  addSku(fresh: Partial<Sku> & Pick<Sku, 'skuPartNumber'>, enabled: number): Sku
  changeSku(skuId: string, change: Partial<Omit<Sku, 'skuId'>>): void
  /** As another administrator would, whatever the limits: nothing is checked. */
  give(idOrName: string, skuId: string, disabledPlans?: readonly string[]): void
  take(idOrName: string, skuId: string): void
  licensesOf(idOrName: string): readonly { readonly skuId: string; readonly disabledPlans: readonly string[] }[]
  consumed(skuId: string): number
  addVppToken(both: Readonly<Record<string, unknown>>, beta?: Readonly<Record<string, unknown>>): VppToken
  addMobileApp(fresh: Omit<MobileApp, 'id' | 'assignments'> & { readonly assignments?: MobileApp['assignments'] }): MobileApp
  bindManagedPlay(settings: Readonly<Record<string, unknown>> | null): void
  /** The directory is moved: every token of changes is answered with 410 from now on. */
  move(): void
}

const mustBe = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`sandbox: no such ${what}`)
  return value
}

const localPart = (name: string): string => name.split('@')[0] ?? name

export const createGraphControl = (world: MicrosoftWorld, state: GraphState): GraphControl => {
  const { clock, chance } = world
  const now = (): number => clock.now()
  const user = (idOrName: string): GraphUser => mustBe(findUser(state, idOrName), `user as ${idOrName}`)
  const group = (id: string): GraphGroup => mustBe(state.groups.get(id), `group as ${id}`)
  const licensesChanged = (id: string): void => note(state, now(), 'user', id, { fields: ['assignedLicenses', 'licenseAssignmentStates'] })
  const membersChanged = (groupId: string, id: string, type: MemberType, removed: boolean): void =>
    note(state, now(), 'group', groupId, { member: { id, type, removed } })
  const groupLicensesChanged = (of: GraphGroup): void => {
    note(state, now(), 'group', of.id, { fields: ['assignedLicenses'] })
    for (const { id, type } of of.members) if (type === 'user') licensesChanged(id)
  }
  const allUserFields = [
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
  ]

  return {
    state,
    addUser: (fresh) => {
      const [givenName = '', ...rest] = (fresh.displayName ?? localPart(fresh.userPrincipalName)).split(' ')
      const made: GraphUser = {
        id: uuid(chance),
        userPrincipalName: fresh.userPrincipalName,
        mail: fresh.mail === undefined ? fresh.userPrincipalName : fresh.mail,
        displayName: fresh.displayName ?? localPart(fresh.userPrincipalName),
        givenName,
        surname: rest.join(' ') || null,
        department: fresh.department ?? null,
        jobTitle: null,
        employeeId: null,
        accountEnabled: true,
        userType: fresh.userType ?? 'Member',
        usageLocation: fresh.usageLocation === undefined ? 'GB' : fresh.usageLocation,
        onPremisesImmutableId: fresh.onPremisesImmutableId ?? null,
        licenses: [],
        deletedAt: null,
      }
      state.users.set(made.id, made)
      note(state, now(), 'user', made.id, { fields: allUserFields })
      return made
    },
    changeUser: (idOrName, change) => {
      const held = user(idOrName)
      Object.assign(held, change)
      note(state, now(), 'user', held.id, { fields: Object.keys(change) })
    },
    deleteUser: (idOrName, forGood = false) => {
      const held = user(idOrName)
      for (const { id, members } of state.groups.values())
        if (members.some((one) => one.id === held.id)) membersChanged(id, held.id, 'user', true)
      if (forGood) state.users.delete(held.id)
      else held.deletedAt = now()
      note(state, now(), 'user', held.id, { removed: forGood ? 'deleted' : 'changed' })
    },
    restoreUser: (id) => {
      const held = mustBe(state.users.get(id), `user as ${id}`)
      held.deletedAt = null
      note(state, now(), 'user', id, { fields: allUserFields })
      for (const { id: groupId, members } of state.groups.values())
        if (members.some((one) => one.id === id)) membersChanged(groupId, id, 'user', false)
    },
    addGroup: (displayName, members = []) => {
      const made: GraphGroup = {
        id: uuid(chance),
        displayName,
        mailNickname: displayName.replace(/\W+/g, '').toLowerCase(),
        groupTypes: [],
        securityEnabled: true,
        mailEnabled: false,
        membershipRule: null,
        members: [...members],
        licenses: [],
        deletedAt: null,
      }
      state.groups.set(made.id, made)
      note(state, now(), 'group', made.id, {
        fields: ['displayName', 'mailNickname', 'groupTypes', 'securityEnabled', 'mailEnabled', 'membershipRule', 'assignedLicenses'],
      })
      for (const { id, type } of members) membersChanged(made.id, id, type, false)
      return made
    },
    renameGroup: (id, displayName) => {
      group(id).displayName = displayName
      note(state, now(), 'group', id, { fields: ['displayName'] })
    },
    addMember: (groupId, id, type = 'user') => {
      const held = group(groupId)
      if (!held.members.some((one) => one.id === id)) held.members.push({ id, type })
      membersChanged(groupId, id, type, false)
    },
    removeMember: (groupId, id) => {
      const held = group(groupId)
      const type = held.members.find((one) => one.id === id)?.type ?? 'user'
      held.members = held.members.filter((one) => one.id !== id)
      membersChanged(groupId, id, type, true)
    },
    deleteGroup: (id) => {
      group(id).deletedAt = now()
      note(state, now(), 'group', id, { removed: 'changed' })
    },
    licenseGroup: (groupId, skuId, disabledPlans = []) => {
      const held = group(groupId)
      held.licenses.push({ skuId, disabledPlans: [...disabledPlans], at: now() })
      groupLicensesChanged(held)
    },
    unlicenseGroup: (groupId, skuId) => {
      const held = group(groupId)
      held.licenses = held.licenses.filter((license) => license.skuId !== skuId)
      groupLicensesChanged(held)
    },
    addSku: (fresh, enabled) => {
      const made: Sku = {
        skuId: uuid(chance),
        appliesTo: 'User',
        capabilityStatus: 'Enabled',
        prepaidUnits: { enabled, warning: 0, suspended: 0, lockedOut: 0 },
        servicePlans: [{ servicePlanId: uuid(chance), servicePlanName: fresh.skuPartNumber }],
        needsPlans: [],
        conflictsWith: [],
        usedByTheTenant: 0,
        ...fresh,
      }
      state.skus.set(made.skuId, made)
      return made
    },
    changeSku: (skuId, change) => void Object.assign(mustBe(state.skus.get(skuId), `SKU as ${skuId}`), change),
    give: (idOrName, skuId, disabledPlans = []) => {
      const held = user(idOrName)
      const others = held.licenses.filter((license) => license.skuId !== skuId)
      setLicenses(state, held, [...others, { skuId, disabledPlans: [...disabledPlans], at: now() }], now())
    },
    take: (idOrName, skuId) => {
      const held = user(idOrName)
      setLicenses(
        state,
        held,
        held.licenses.filter((license) => license.skuId !== skuId),
        now(),
      )
    },
    licensesOf: (idOrName) => user(idOrName).licenses.map(({ skuId, disabledPlans }) => ({ skuId, disabledPlans })),
    consumed: (skuId) => consumedUnits(state, mustBe(state.skus.get(skuId), `SKU as ${skuId}`)),
    addVppToken: (both, beta = {}) => {
      const made: VppToken = { id: uuid(chance), both: { ...both }, beta: { ...beta }, syncEndsAt: null }
      state.vppTokens.set(made.id, made)
      return made
    },
    addMobileApp: ({ type, both, beta, assignments = [] }) => {
      const made: MobileApp = { id: uuid(chance), type, both, beta, assignments }
      state.mobileApps.set(made.id, made)
      return made
    },
    bindManagedPlay: (settings) => {
      state.managedPlay = settings
    },
    move: () => {
      state.epoch += 1
    },
  }
}
