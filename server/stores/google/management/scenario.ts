/**
 * The four ways in which Android Enterprise manages a device, and what each can be given.
 * Source: docs/stores/android-management.md, "Scenarios".
 */
import type { ManagedDevice, Policy } from './wire.ts'

export const scenarios = ['personally-owned work profile', 'dedicated', 'fully managed', 'corporate-owned work profile'] as const
export type Scenario = (typeof scenarios)[number]

/** What an app that a device is given comes to there. `offered`: whether somebody can take an app that is only offered. */
export const givenIn: Readonly<Record<Scenario, { readonly required: string; readonly offered: boolean }>> = {
  'personally-owned work profile': {
    required: 'It is installed in the work profile and can not be removed there; the personal side is left alone.',
    offered: true,
  },
  dedicated: {
    required: 'It is installed on the device. Nobody browses a store there, so offering an app comes to nothing.',
    offered: false,
  },
  'fully managed': { required: 'It is installed on the device and can not be removed by its user.', offered: true },
  'corporate-owned work profile': {
    required: 'It is installed in the work profile and can not be removed there; the personal side is left alone.',
    offered: true,
  },
}

/** Google does not name a dedicated device: it is one that is managed whole and whose policy locks it to apps. Undefined: Google did not say. */
export const scenarioOf = (
  device: Pick<ManagedDevice, 'ownership' | 'managementMode'>,
  policy: Policy | undefined,
): Scenario | undefined => {
  if (device.managementMode === 'PROFILE_OWNER')
    return device.ownership === 'PERSONALLY_OWNED'
      ? 'personally-owned work profile'
      : device.ownership === 'COMPANY_OWNED'
        ? 'corporate-owned work profile'
        : undefined
  if (device.managementMode !== 'DEVICE_OWNER') return undefined
  return policy !== undefined && isLocked(policy) ? 'dedicated' : 'fully managed'
}

const isLocked = (policy: Policy): boolean =>
  policy['kioskCustomLauncherEnabled'] === true ||
  policy.applications.some(({ installType, lockTaskAllowed }) => installType === 'KIOSK' || lockTaskAllowed === true)
