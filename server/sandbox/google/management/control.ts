/** What happens at Google's Android Management without us: devices enrol, policies are changed, apps are published. */
import { makeKey, type KeyFile } from '../accounts.ts'
import type { GoogleWorld, Json } from '../play/state.ts'
import { applyPolicy, applicationsIn, policyNameOf } from './policies.ts'
import { newManagedEnterprise, type ManagedEnterprise } from './enterprises.ts'

export interface ManagementControl {
  /** An enterprise of a cloud project, with a service account that manages the project. */
  addEnterprise(made: { readonly id?: string; readonly name: string; readonly project?: string }): {
    readonly enterpriseId: string
    readonly keyFile: KeyFile
  }
  enterprise(id: string): ManagedEnterprise
  addApplication(enterpriseId: string, packageName: string, members?: Json): void
  addWebApp(enterpriseId: string, packageName: string, members: Json): void
  /** As an administrator does with another tool: the whole policy is replaced, its version rises. */
  setPolicy(enterpriseId: string, policyId: string, members: Json): void
  policy(enterpriseId: string, policyId: string): Json
  addDevice(
    enterpriseId: string,
    deviceId: string,
    policyId: string | null,
    members: { readonly serialNumber?: string; readonly scenario?: keyof typeof scenarios } & Json,
  ): void
  setDevice(enterpriseId: string, deviceId: string, members: Json): void
  removeDevice(enterpriseId: string, deviceId: string): void
  policyIdOf(enterpriseId: string, deviceId: string): string | null
  /** Packages on the device now. */
  installed(enterpriseId: string, deviceId: string): readonly string[]
  setStatus(enterpriseId: string, status: ManagedEnterprise['status']): void
  setRole(email: string, hasRole: boolean): void
}

/** How Google tells the four ways of managing apart. A dedicated device differs from a fully managed one by its policy. */
const scenarios = {
  'personally-owned work profile': { ownership: 'PERSONALLY_OWNED', managementMode: 'PROFILE_OWNER' },
  dedicated: { ownership: 'COMPANY_OWNED', managementMode: 'DEVICE_OWNER' },
  'fully managed': { ownership: 'COMPANY_OWNED', managementMode: 'DEVICE_OWNER' },
  'corporate-owned work profile': { ownership: 'COMPANY_OWNED', managementMode: 'PROFILE_OWNER' },
} as const

export const createManagementControl = (world: GoogleWorld): ManagementControl => {
  const mustGet = (id: string): ManagedEnterprise => {
    const found = world.management.enterprises[id]
    if (found === undefined) throw new Error(`sandbox: no managed enterprise ${id}`)
    return found
  }
  const mustDevice = (id: string, deviceId: string) => {
    const found = mustGet(id).devices[deviceId]
    if (found === undefined) throw new Error(`sandbox: ${id} has no device ${deviceId}`)
    return found
  }
  return {
    addEnterprise: ({ id, name, project = 'eastmere-devices' }) => {
      const enterprise = newManagedEnterprise(world, { name, project, ...(id === undefined ? {} : { id }) })
      world.management.enterprises[enterprise.id] = enterprise
      const email = `devices-${enterprise.id.toLowerCase()}@${project}.iam.gserviceaccount.com`
      const account = { email, project, isVendor: false, disabled: false, scopes: null, keys: [] }
      world.accounts.accounts.set(email, account)
      return { enterpriseId: enterprise.id, keyFile: makeKey(world.chance, account) }
    },
    enterprise: mustGet,
    addApplication: (id, packageName, members = {}) => {
      mustGet(id).applications[packageName] = {
        title: packageName.split('.').at(-1) ?? packageName,
        appPricing: 'FREE',
        distributionChannel: 'PUBLIC_GOOGLE_HOSTED',
        ...members,
      }
    },
    addWebApp: (id, packageName, members) => {
      mustGet(id).webApps[packageName] = { members, versionCode: 1 }
    },
    setPolicy: (id, policyId, members) => {
      const owner = mustGet(id)
      owner.policies[policyId] = { members, version: (owner.policies[policyId]?.version ?? 0) + 1 }
      for (const device of Object.values(owner.devices))
        if (device.policyName === policyNameOf(owner, policyId)) device.appliesAt = world.clock.now() + world.switches.policyDelayMs
    },
    policy: (id, policyId) => {
      const found = mustGet(id).policies[policyId]
      if (found === undefined) throw new Error(`sandbox: ${id} has no policy ${policyId}`)
      return found.members
    },
    addDevice: (id, deviceId, policyId, { serialNumber, scenario = 'fully managed', ...members }) => {
      const owner = mustGet(id)
      const applications = policyId === null ? [] : applicationsIn(owner.policies[policyId]?.members ?? {})
      owner.devices[deviceId] = {
        members: {
          ...scenarios[scenario],
          ...(serialNumber === undefined ? {} : { hardwareInfo: { serialNumber, manufacturer: 'Example', model: 'T10' } }),
          ...members,
        },
        policyName: policyId === null ? null : policyNameOf(owner, policyId),
        applied: null,
        appliesAt: world.clock.now(),
        installed: applications.flatMap(({ packageName, installType }) => (installType === 'AVAILABLE' ? [String(packageName)] : [])),
      }
    },
    setDevice: (id, deviceId, members) => {
      const device = mustDevice(id, deviceId)
      device.members = { ...device.members, ...members }
    },
    removeDevice: (id, deviceId) => {
      delete mustGet(id).devices[deviceId]
    },
    policyIdOf: (id, deviceId) => mustDevice(id, deviceId).policyName?.split('/').at(-1) ?? null,
    installed: (id, deviceId) => {
      const device = mustDevice(id, deviceId)
      applyPolicy(world, mustGet(id), device)
      return device.installed.toSorted()
    },
    setStatus: (id, status) => {
      mustGet(id).status = status
    },
    setRole: (email, hasRole) => {
      world.management.withoutRole = world.management.withoutRole.filter((each) => each !== email)
      if (!hasRole) world.management.withoutRole.push(email)
    },
  }
}
