/** Devices with the policies that they follow, as one reading of both: which app is on which device by order of its policy. */
import { normalSerialNumber } from '../../../../shared/principal.ts'
import { ok, type Result } from '../../../../shared/result.ts'
import type { DeviceRead, HolderKey, SeatRead } from '../../store.ts'
import type { GoogleFailure } from '../client.ts'
import type { ManagementApi } from './api.ts'
import { copyOf } from './copies.ts'
import { scenarioOf, type Scenario } from './scenario.ts'
import { lastOf, type ManagedDevice, type Policy } from './wire.ts'

/** Orders that put an app on a device. One that is only offered is on none until somebody takes it. */
export const installing: ReadonlySet<string | undefined> = new Set(['FORCE_INSTALLED', 'PREINSTALLED', 'REQUIRED_FOR_SETUP', 'KIOSK'])
/** What Google's word for an app says that it installs nothing, and forbids nothing. A missing word is AVAILABLE. */
export const isOffered = (installType: string | undefined): boolean =>
  installType === undefined || installType === 'AVAILABLE' || installType === 'INSTALL_TYPE_UNSPECIFIED'

export interface FleetDevice {
  readonly id: string
  /** What the device is to us. */
  readonly key: string
  readonly model: string
  /** Undefined: it follows none. */
  readonly policyId: string | undefined
  readonly scenario: Scenario | undefined
  /** Of which apps the device reports why they are not there. */
  readonly failures: readonly { readonly packageName: string; readonly reason: string }[]
}

export interface Fleet {
  readonly policies: ReadonlyMap<string, Policy>
  readonly devices: readonly FleetDevice[]
  readonly byKey: ReadonlyMap<string, FleetDevice>
}

/** A personally-owned device shows no serial number: it is known by the id that Google gives it in this organisation, or by the one in its name. */
export const keyOf = ({ name, hardwareInfo: { serialNumber, enterpriseSpecificId } }: ManagedDevice): string =>
  normalSerialNumber(serialNumber?.trim() || enterpriseSpecificId?.trim() || lastOf(name))

const deviceOf = (device: ManagedDevice, policies: ReadonlyMap<string, Policy>): FleetDevice => {
  const policyId = device.policyName === undefined || device.policyName === '' ? undefined : lastOf(device.policyName)
  return {
    id: lastOf(device.name),
    key: keyOf(device),
    model: [device.hardwareInfo.manufacturer, device.hardwareInfo.model].filter(Boolean).join(' '),
    policyId,
    scenario: scenarioOf(device, policyId === undefined ? undefined : policies.get(policyId)),
    failures: device.nonComplianceDetails.flatMap(({ packageName, installationFailureReason: reason }) =>
      packageName === undefined || reason === undefined ? [] : [{ packageName, reason }],
    ),
  }
}

/** Policies first: a device that moved meanwhile to a later one is told by the next reading. */
export const readFleet = async (api: ManagementApi): Promise<Result<Fleet, GoogleFailure>> => {
  const policies = await api.policies()
  if (!policies.ok) return policies
  const devices = await api.devices()
  if (!devices.ok) return devices
  const byId = new Map(policies.value.map((policy) => [lastOf(policy.name), policy]))
  const managed = devices.value.filter(({ state }) => state !== 'DELETED').map((device) => deviceOf(device, byId))
  return ok({ policies: byId, devices: managed, byKey: new Map(managed.map((device) => [device.key, device])) })
}

export const policyOf = ({ policies }: Fleet, { policyId }: FleetDevice): Policy | undefined =>
  policyId === undefined ? undefined : policies.get(policyId)

export const holderOf = ({ key }: Pick<FleetDevice, 'key'>): HolderKey => ({ kind: 'device', key })

export const seatsOf = (policy: Policy | undefined, holder: HolderKey): readonly SeatRead[] =>
  (policy?.applications ?? [])
    .filter(({ installType }) => installing.has(installType))
    .map(({ packageName }) => ({ productId: packageName, pricing: null, holder }))

export const deviceRead = ({ key, model }: FleetDevice): DeviceRead => ({ serialNumber: key, model, platform: 'Android', releasedAt: null })

/** Devices whose copy of a policy is behind the policy that it was made from. */
export const isBehind = (fleet: Fleet, device: FleetDevice): boolean => {
  const copy = policyOf(fleet, device)
  const base = device.policyId === undefined ? undefined : copyOf(device.policyId)?.base
  const from = base === undefined ? undefined : fleet.policies.get(base)
  return copy !== undefined && from !== undefined && JSON.stringify(ordersOf(copy)) !== JSON.stringify(ordersOf(from))
}

/** What a policy orders beside its apps, in one order. */
export const ordersOf = (policy: Policy): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(policy)
      .filter(([field]) => field !== 'name' && field !== 'version' && field !== 'applications')
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  )
