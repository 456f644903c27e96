/** Policies, and what a change of them does on the devices that follow them. */
import { invalid } from '../errors.ts'
import type { GoogleWorld, Json } from '../play/state.ts'
import { applicationFields, policyFields } from './method-table.ts'
import type { ManagedDevice, ManagedEnterprise, ManagedPolicy } from './enterprises.ts'
import { found, maskIn, masked, maskOf, pageOf, type ManagementContext, type ManagementPlays } from './state.ts'

const mostApplications = 3000
const mostMinimumVersions = 20
const readOnly: ReadonlySet<string> = new Set(['name', 'version'])
const changeable = policyFields.filter((field) => !readOnly.has(field))

export const policyNameOf = (enterprise: ManagedEnterprise, id: string): string => `enterprises/${enterprise.id}/policies/${id}`
export const policyIdIn = (name: string): string => name.split('/').slice(3).join('/')

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
export const applicationsIn = (members: Json): readonly Json[] =>
  Array.isArray(members['applications']) ? members['applications'].filter(isJson) : []

export const policyAnswer = (enterprise: ManagedEnterprise, id: string, { members, version }: ManagedPolicy): Json => ({
  ...members,
  name: policyNameOf(enterprise, id),
  version: String(version),
})

const checked = (members: Json): Json => {
  const applications = applicationsIn(members)
  if (applications.length > mostApplications) throw invalid('applications: at most 3000 elements are allowed.')
  const names = applications.map(({ packageName }) => packageName)
  if (names.some((name) => typeof name !== 'string' || name === '')) throw invalid('applications: packageName is required.')
  if (new Set(names).size < names.length) throw invalid('applications: a packageName came twice.')
  if (applications.filter(({ minimumVersionCode }) => minimumVersionCode !== undefined).length > mostMinimumVersions)
    throw invalid('minimumVersionCode: at most 20 apps may have one.')
  return members
}

/** Its devices hear of it some time later. */
const follow = (world: GoogleWorld, enterprise: ManagedEnterprise, id: string): void => {
  for (const device of Object.values(enterprise.devices))
    if (device.policyName === policyNameOf(enterprise, id)) device.appliesAt = world.clock.now() + world.switches.policyDelayMs
}

const put = ({ world, enterprise }: ManagementContext, id: string, members: Json): Json => {
  const owner = enterprise()
  const before = owner.policies[id]
  const policy: ManagedPolicy = { members: checked(members), version: (before?.version ?? 0) + 1 }
  owner.policies[id] = policy
  follow(world, owner, id)
  return policyAnswer(owner, id, policy)
}

const installs: ReadonlySet<unknown> = new Set(['FORCE_INSTALLED', 'PREINSTALLED', 'REQUIRED_FOR_SETUP', 'KIOSK'])

/** What a device makes of its policy: it installs what it must, and without a place in the policy an app goes from a WHITELIST device. */
export const applyPolicy = (world: GoogleWorld, enterprise: ManagedEnterprise, device: ManagedDevice): void => {
  if (device.appliesAt === null || device.appliesAt > world.clock.now()) return
  device.appliesAt = null
  const id = device.policyName === null ? undefined : policyIdIn(device.policyName)
  const policy = id === undefined ? undefined : enterprise.policies[id]
  if (policy === undefined || device.policyName === null) return
  device.applied = { policyName: device.policyName, version: String(policy.version) }
  const applications = applicationsIn(policy.members)
  const typeOf = new Map(applications.map(({ packageName, installType }) => [String(packageName), installType]))
  const isOpen = policy.members['playStoreMode'] === 'BLACKLIST'
  const kept = device.installed.filter((name) => typeOf.get(name) !== 'BLOCKED' && (isOpen || typeOf.has(name)))
  const forced = [...typeOf].flatMap(([name, type]) => (installs.has(type) ? [name] : []))
  device.installed = [...new Set([...kept, ...forced])]
}

export const policyPlays: ManagementPlays = {
  'enterprises.policies.list': (context) => {
    const owner = context.enterprise()
    return pageOf(
      context,
      'policies',
      Object.entries(owner.policies).map(([id, policy]) => policyAnswer(owner, id, policy)),
    )
  },
  'enterprises.policies.get': ({ call, enterprise }) => {
    const id = call.path['policy'] ?? ''
    return policyAnswer(enterprise(), id, found(enterprise().policies, id, 'policy'))
  },
  'enterprises.policies.patch': (context) => {
    const { call, enterprise } = context
    const id = call.path['policy'] ?? ''
    const mask = maskOf(call, policyFields) ?? changeable
    const fields = mask.filter((field) => !readOnly.has(field))
    return put(context, id, masked(enterprise().policies[id]?.members ?? {}, call.body, fields))
  },
  'enterprises.policies.delete': ({ call, enterprise }) => {
    const owner = enterprise()
    const id = call.path['policy'] ?? ''
    found(owner.policies, id, 'policy')
    if (Object.values(owner.devices).some(({ policyName }) => policyName === policyNameOf(owner, id)))
      throw invalid('The policy is in use by a device.')
    delete owner.policies[id]
    return {}
  },
  'enterprises.policies.modifyPolicyApplications': (context) => {
    const { call, enterprise } = context
    const id = call.path['policy'] ?? ''
    const policy = found(enterprise().policies, id, 'policy')
    const changes = Array.isArray(call.body['changes']) ? call.body['changes'].filter(isJson) : []
    if (changes.length === 0) throw invalid('changes: at least one is required.')
    const applications = new Map(applicationsIn(policy.members).map((each) => [each['packageName'], each]))
    for (const { application, updateMask } of changes) {
      if (!isJson(application) || typeof application['packageName'] !== 'string') throw invalid('application.packageName is required.')
      const { packageName } = application
      const before = applications.get(packageName)
      const mask = maskIn(typeof updateMask === 'string' ? updateMask : undefined, applicationFields)
      applications.set(packageName, before === undefined || mask === undefined ? application : masked(before, application, mask))
    }
    return { policy: put(context, id, { ...policy.members, applications: [...applications.values()] }) }
  },
  'enterprises.policies.removePolicyApplications': (context) => {
    const { call, enterprise } = context
    const id = call.path['policy'] ?? ''
    const policy = found(enterprise().policies, id, 'policy')
    const names: readonly unknown[] = Array.isArray(call.body['packageNames']) ? call.body['packageNames'] : []
    const applications = applicationsIn(policy.members).filter(({ packageName }) => !names.includes(packageName))
    return { policy: put(context, id, { ...policy.members, applications }) }
  },
}
