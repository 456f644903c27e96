/** Users, their devices, installs and managed configurations. */
import { forbidden, invalid, notFound, Refused } from '../errors.ts'
import { hexOf } from '../accounts.ts'
import type { PlayContext, Plays } from './context.ts'
import { listAnswer, mustUser, newUser, userAnswer, type GoogleWorld, type Install, type Json, type PlayDevice } from './state.ts'

const DAY_MS = 24 * 60 * 60_000
const mostReportUploads = 3
const mostMinimumVersions = 20

const insertUser = ({ world, call, enterprise }: PlayContext): Json => {
  const owner = enterprise()
  if (owner.kind !== 'play-accounts') throw forbidden('Users of a managed Google domain are made in the Google Admin console.')
  const { accountIdentifier, accountType = 'userAccount', displayName, managementType, primaryEmail } = call.body
  if (typeof accountIdentifier !== 'string' || accountIdentifier === '')
    throw new Refused(400, 'required', 'Required field: accountIdentifier')
  if (managementType === 'googleManaged' || primaryEmail !== undefined)
    throw invalid('A user of this enterprise is emmManaged and has no primaryEmail.')
  const known = Object.values(owner.users).find((user) => user.accountIdentifier === accountIdentifier)
  const name = typeof displayName === 'string' ? displayName : null
  if (known !== undefined) {
    // The same identifier is the same person: only the name changes.
    known.displayName = name ?? known.displayName
    return userAnswer(known)
  }
  const user = newUser(world.chance, {
    accountIdentifier,
    accountType: accountType === 'deviceAccount' ? 'deviceAccount' : 'userAccount',
    displayName: name,
  })
  owner.users[user.id] = user
  return userAnswer(user)
}

const mustDevice = ({ call, enterprise }: PlayContext): PlayDevice => {
  const device = mustUser(enterprise(), call.path['userId'] ?? '').devices[call.path['deviceId'] ?? '']
  if (device === undefined) throw notFound('device')
  return device
}
const deviceAnswer = (id: string, device: PlayDevice): Json => ({ androidId: id, ...device.members })

const checkPolicy = (policy: unknown): void => {
  const apps: unknown = typeof policy === 'object' && policy !== null ? Reflect.get(policy, 'productPolicy') : undefined
  if (!Array.isArray(apps)) return
  const installs = apps.map((app: unknown): unknown =>
    typeof app === 'object' && app !== null ? Reflect.get(app, 'autoInstallPolicy') : undefined,
  )
  const withVersion = installs.filter((install) => typeof install === 'object' && install !== null && 'minimumVersionCode' in install)
  if (withVersion.length > mostMinimumVersions) throw invalid('minimumVersionCode may be set for at most 20 apps.')
  for (const install of installs) {
    const constraints: unknown = typeof install === 'object' && install !== null ? Reflect.get(install, 'autoInstallConstraint') : undefined
    if (Array.isArray(constraints) && constraints.length > 1) throw invalid('Only one auto-install constraint is allowed.')
  }
}

const isThere = ({ clock }: GoogleWorld, install: Install | undefined): install is Install =>
  install !== undefined && (install.goneAt === null || install.goneAt > clock.now())
const installAnswer = ({ clock }: GoogleWorld, productId: string, install: Install): Json => {
  const isInstalled = install.installedAt <= clock.now()
  return {
    productId,
    installState: isInstalled ? 'installed' : 'installPending',
    ...(isInstalled ? { versionCode: install.versionCode } : {}),
  }
}

/** One kind of managed configurations: of a user or of a device. */
const configurationPlays = (kind: 'ForUser' | 'ForDevice', of: (context: PlayContext) => Record<string, Json>): Plays => {
  const base = `managedconfigurations${kind.toLowerCase()}`
  const id = ({ call }: PlayContext): string => call.path[`managedConfiguration${kind}Id`] ?? ''
  return {
    [`${base}.list`]: (context) =>
      listAnswer(
        `managedConfiguration${kind}`,
        Object.keys(of(context)).map((productId) => ({ productId })),
      ),
    [`${base}.get`]: (context) => {
      const kept = of(context)[id(context)]
      if (kept === undefined) throw notFound('managed configuration')
      return kept
    },
    [`${base}.update`]: (context) => (of(context)[id(context)] = { ...context.call.body, productId: id(context) }),
    [`${base}.delete`]: (context) => {
      if (of(context)[id(context)] === undefined) throw notFound('managed configuration')
      delete of(context)[id(context)]
      return undefined
    },
  }
}

export const peoplePlays: Plays = {
  'users.list': ({ call, enterprise }) => {
    const owner = enterprise()
    // Only users of a domain can be looked for; those that an EMM made can not be listed at all.
    const found = Object.values(owner.users).filter(
      ({ managementType, primaryEmail }) =>
        managementType === 'googleManaged' && primaryEmail?.toLowerCase() === call.query['email']?.toLowerCase(),
    )
    return listAnswer('user', found.map(userAnswer))
  },
  'users.get': ({ call, enterprise }) => userAnswer(mustUser(enterprise(), call.path['userId'] ?? '')),
  'users.insert': insertUser,
  'users.update': ({ call, enterprise }) => {
    const user = mustUser(enterprise(), call.path['userId'] ?? '')
    const { displayName, ...others } = call.body
    for (const [name, value] of Object.entries(others))
      if (userAnswer(user)[name] !== value) throw invalid(`The field ${name} can not be changed.`)
    if (typeof displayName === 'string') user.displayName = displayName
    return userAnswer(user)
  },
  'users.delete': ({ call, enterprise }) => {
    const user = mustUser(enterprise(), call.path['userId'] ?? '')
    if (user.managementType !== 'emmManaged') throw forbidden('Only users managed by an EMM can be deleted.')
    delete enterprise().users[user.id]
    return undefined
  },
  'users.generateAuthenticationToken': ({ world, call, enterprise }) => {
    const user = mustUser(enterprise(), call.path['userId'] ?? '')
    if (user.managementType !== 'emmManaged') throw forbidden('Only for users managed by an EMM.')
    if (Object.keys(user.devices).length >= 10) throw forbidden('The user has the most devices that are allowed (10).')
    return { token: hexOf(world.chance, 16) }
  },
  'users.revokeDeviceAccess': ({ call, enterprise }) => {
    const user = mustUser(enterprise(), call.path['userId'] ?? '')
    if (user.managementType !== 'emmManaged') throw forbidden('Only for users managed by an EMM.')
    for (const id of Object.keys(user.devices)) delete user.devices[id]
    return undefined
  },
  'users.getAvailableProductSet': ({ call, enterprise }) => mustUser(enterprise(), call.path['userId'] ?? '').productSet,
  'users.setAvailableProductSet': ({ call, enterprise }) => {
    const user = mustUser(enterprise(), call.path['userId'] ?? '')
    user.productSet = { productSetBehavior: 'whitelist', ...call.body }
    return user.productSet
  },

  'devices.list': ({ call, enterprise }) =>
    listAnswer(
      'device',
      Object.keys(mustUser(enterprise(), call.path['userId'] ?? '').devices).map((androidId) => ({ androidId })),
    ),
  'devices.get': (context) => deviceAnswer(context.call.path['deviceId'] ?? '', mustDevice(context)),
  'devices.update': (context) => {
    const device = mustDevice(context)
    const mask = context.call.query['updateMask']?.split(',') ?? Object.keys({ ...device.members, ...context.call.body })
    checkPolicy(context.call.body['policy'])
    const members: Record<string, unknown> = { ...device.members }
    // Without a mask every modifiable field is replaced, and what is left out is gone.
    if (mask.includes('policy')) {
      if (context.call.body['policy'] === undefined) delete members['policy']
      else members['policy'] = context.call.body['policy']
    }
    device.members = members
    return deviceAnswer(context.call.path['deviceId'] ?? '', device)
  },
  'devices.getState': (context) => ({ accountState: mustDevice(context).accountState }),
  'devices.setState': (context) => {
    const device = mustDevice(context)
    if (mustUser(context.enterprise(), context.call.path['userId'] ?? '').managementType !== 'googleManaged')
      throw forbidden('Only for users of a managed Google domain.')
    device.accountState = context.call.body['accountState'] === 'enabled' ? 'enabled' : 'disabled'
    return { accountState: device.accountState }
  },
  'devices.forceReportUpload': (context) => {
    const device = mustDevice(context)
    const now = context.world.clock.now()
    const recent = device.reportUploads.filter((at) => now - at < DAY_MS)
    if (recent.length >= mostReportUploads) throw new Refused(429, 'rateLimitExceeded', 'At most 3 uploads in 24 hours for one device.')
    device.reportUploads = [...recent, now]
    return undefined
  },

  'installs.list': (context) =>
    listAnswer(
      'install',
      Object.entries(mustDevice(context).installs).flatMap(([id, install]) =>
        isThere(context.world, install) ? [installAnswer(context.world, id, install)] : [],
      ),
    ),
  'installs.get': (context) => {
    const id = context.call.path['installId'] ?? ''
    const install = mustDevice(context).installs[id]
    if (!isThere(context.world, install)) throw notFound('install')
    return installAnswer(context.world, id, install)
  },
  'installs.update': (context) => {
    const { world, call, enterprise } = context
    const id = call.path['installId'] ?? ''
    const user = mustUser(enterprise(), call.path['userId'] ?? '')
    const license = enterprise().licenses[id]
    if (user.entitlements[id] === undefined) {
      const taken = Object.values(enterprise().users).filter((other) => other.entitlements[id] === 'groupLicense').length
      if (license === undefined || (license.purchased !== null && taken >= license.purchased))
        throw forbidden('No licenses are available for this product.')
      user.entitlements[id] = license.acquisitionKind === 'free' ? 'free' : 'groupLicense'
    }
    const install = (mustDevice(context).installs[id] = {
      versionCode: 1,
      installedAt: world.clock.now() + world.switches.installDelayMs,
      goneAt: null,
    })
    return installAnswer(world, id, install)
  },
  'installs.delete': (context) => {
    const install = mustDevice(context).installs[context.call.path['installId'] ?? '']
    // An app that is not there is gone as asked.
    if (isThere(context.world, install)) install.goneAt ??= context.world.clock.now() + context.world.switches.removalDelayMs
    return undefined
  },
  ...configurationPlays('ForDevice', (context) => mustDevice(context).configurations),
  ...configurationPlays('ForUser', ({ call, enterprise }) => mustUser(enterprise(), call.path['userId'] ?? '').configurations),
}
