/** Devices, web apps, applications and the enterprise itself. */
import { hexOf } from '../accounts.ts'
import { invalid, notFound } from '../errors.ts'
import type { GoogleWorld, Json } from '../play/state.ts'
import { applyPolicy, policyIdIn, policyNameOf } from './policies.ts'
import type { ManagedDevice, ManagedEnterprise } from './enterprises.ts'
import { found, masked, maskOf, pageOf, type ManagementContext, type ManagementPlays } from './state.ts'

const deviceAnswer = (world: GoogleWorld, enterprise: ManagedEnterprise, id: string, device: ManagedDevice): Json => {
  applyPolicy(world, enterprise, device)
  const applied = device.applied
  return {
    state: 'ACTIVE',
    ...device.members,
    name: `enterprises/${enterprise.id}/devices/${id}`,
    ...(device.policyName === null ? {} : { policyName: device.policyName }),
    ...(applied === null ? {} : { appliedPolicyName: applied.policyName, appliedPolicyVersion: applied.version }),
  }
}

const patchable = ['policyName', 'state', 'disabledReason']

/** A policy's whole name, or its id alone. */
const wholeName = (enterprise: ManagedEnterprise, given: unknown): string => {
  if (typeof given !== 'string' || given === '') throw invalid('policyName is not valid.')
  const name = given.includes('/') ? given : policyNameOf(enterprise, given)
  if (!name.startsWith(`enterprises/${enterprise.id}/policies/`)) throw invalid('policyName is of another enterprise.')
  return name
}

const patchDevice = ({ world, call, enterprise }: ManagementContext): Json => {
  const owner = enterprise()
  const id = call.path['device'] ?? ''
  const device = found(owner.devices, id, 'device')
  const mask = maskOf(call, patchable) ?? patchable.filter((field) => call.body[field] !== undefined)
  if (mask.includes('policyName')) {
    const name = wholeName(owner, call.body['policyName'])
    // Whether Google takes the name of a policy that is not there is not documented.
    if (owner.policies[policyIdIn(name)] === undefined) throw notFound('policy')
    if (name !== device.policyName) device.appliesAt = world.clock.now() + world.switches.policyDelayMs
    device.policyName = name
  }
  if (mask.includes('state') && !['ACTIVE', 'DISABLED'].includes(String(call.body['state'])))
    throw invalid('state: ACTIVE and DISABLED are the only allowable values.')
  device.members = masked(
    device.members,
    call.body,
    mask.filter((field) => field !== 'policyName'),
  )
  return deviceAnswer(world, owner, id, device)
}

const WEB_APP = 'com.google.enterprise.webapp.'
const webAppFields = ['title', 'startUrl', 'displayMode', 'icons']

const webAppAnswer = (enterprise: ManagedEnterprise, id: string, webApp: ManagedEnterprise['webApps'][string]): Json => ({
  ...webApp.members,
  name: `enterprises/${enterprise.id}/webApps/${id}`,
  versionCode: String(webApp.versionCode),
})

const checkWebApp = (members: Json): Json => {
  const { title, startUrl, displayMode, icons } = members
  if (typeof title !== 'string' || title === '') throw invalid('title is required.')
  if (typeof startUrl !== 'string' || !/^https?:\/\//.test(startUrl)) throw invalid('startUrl is not valid.')
  if (!Array.isArray(icons) || icons.length === 0) throw invalid('icons: at least one is required.')
  if (startUrl.startsWith('http:') && displayMode !== 'MINIMAL_UI') throw invalid('displayMode: plain http allows MINIMAL_UI only.')
  return members
}

export const devicePlays: ManagementPlays = {
  'enterprises.get': ({ enterprise }) => ({ ...enterprise().members, name: `enterprises/${enterprise().id}` }),
  'enterprises.list': (context) => {
    if (context.call.query['projectId'] === undefined) throw invalid('projectId is required.')
    return pageOf(
      context,
      'enterprises',
      context
        .own()
        .filter(({ project }) => project === context.call.query['projectId'])
        .map(({ id, members }) => ({ name: `enterprises/${id}`, enterpriseDisplayName: members['enterpriseDisplayName'] })),
    )
  },
  'enterprises.patch': ({ call, enterprise }) => {
    const fields = Object.keys(call.body).filter((field) => field !== 'name')
    enterprise().members = masked(
      enterprise().members,
      call.body,
      maskOf(call, [...fields, 'enterpriseDisplayName', 'pubsubTopic']) ?? fields,
    )
    return { ...enterprise().members, name: `enterprises/${enterprise().id}` }
  },
  'enterprises.applications.get': ({ call, enterprise }) => {
    const id = call.path['application'] ?? ''
    const webApp = enterprise().webApps[id]
    if (webApp !== undefined)
      return { name: `enterprises/${enterprise().id}/applications/${id}`, title: webApp.members['title'], appPricing: 'FREE' }
    return { ...found(enterprise().applications, id, 'application'), name: `enterprises/${enterprise().id}/applications/${id}` }
  },
  'enterprises.devices.list': (context) => {
    const owner = context.enterprise()
    return pageOf(
      context,
      'devices',
      Object.entries(owner.devices).map(([id, device]) => deviceAnswer(context.world, owner, id, device)),
    )
  },
  'enterprises.devices.get': ({ world, call, enterprise }) => {
    const id = call.path['device'] ?? ''
    return deviceAnswer(world, enterprise(), id, found(enterprise().devices, id, 'device'))
  },
  'enterprises.devices.patch': patchDevice,
  'enterprises.webApps.list': (context) => {
    const owner = context.enterprise()
    return pageOf(
      context,
      'webApps',
      Object.entries(owner.webApps).map(([id, webApp]) => webAppAnswer(owner, id, webApp)),
    )
  },
  'enterprises.webApps.get': ({ call, enterprise }) => {
    const id = call.path['webApp'] ?? ''
    return webAppAnswer(enterprise(), id, found(enterprise().webApps, id, 'web app'))
  },
  'enterprises.webApps.create': ({ world, call, enterprise }) => {
    const id = WEB_APP + `x${hexOf(world.chance, 8)}`
    const made = { members: checkWebApp(masked({}, call.body, webAppFields)), versionCode: 1 }
    enterprise().webApps[id] = made
    return webAppAnswer(enterprise(), id, made)
  },
  'enterprises.webApps.patch': ({ call, enterprise }) => {
    const id = call.path['webApp'] ?? ''
    const webApp = found(enterprise().webApps, id, 'web app')
    webApp.members = checkWebApp(masked(webApp.members, call.body, maskOf(call, webAppFields) ?? webAppFields))
    webApp.versionCode += 1
    return webAppAnswer(enterprise(), id, webApp)
  },
  'enterprises.webApps.delete': ({ call, enterprise }) => {
    const id = call.path['webApp'] ?? ''
    found(enterprise().webApps, id, 'web app')
    delete enterprise().webApps[id]
    return {}
  },
}
