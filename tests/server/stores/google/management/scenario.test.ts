import { expect, test } from 'vitest'
import { givenIn, scenarioOf, scenarios } from '../../../../../server/stores/google/management/scenario.ts'
import type { Policy } from '../../../../../server/stores/google/management/wire.ts'

const policy = (more: object = {}): Policy => ({ name: 'enterprises/LC1/policies/p', version: '1', applications: [], ...more })

test.each([
  ['personally-owned work profile', { ownership: 'PERSONALLY_OWNED', managementMode: 'PROFILE_OWNER' }, policy()],
  ['corporate-owned work profile', { ownership: 'COMPANY_OWNED', managementMode: 'PROFILE_OWNER' }, policy()],
  ['fully managed', { ownership: 'COMPANY_OWNED', managementMode: 'DEVICE_OWNER' }, policy()],
  ['fully managed', { ownership: 'COMPANY_OWNED', managementMode: 'DEVICE_OWNER' }, undefined],
  ['dedicated', { ownership: 'COMPANY_OWNED', managementMode: 'DEVICE_OWNER' }, policy({ kioskCustomLauncherEnabled: true })],
  [
    'dedicated',
    { ownership: 'COMPANY_OWNED', managementMode: 'DEVICE_OWNER' },
    policy({ applications: [{ packageName: 'a.b', installType: 'KIOSK' }] }),
  ],
  [undefined, { ownership: 'COMPANY_OWNED', managementMode: 'MANAGEMENT_MODE_LATER' }, policy()],
  [undefined, { ownership: undefined, managementMode: 'PROFILE_OWNER' }, policy()],
] as const)('a device is %s', (scenario, device, follows) => {
  expect(scenarioOf(device, follows)).toBe(scenario)
})

test('on a dedicated device alone an offered app comes to nothing', () => {
  expect(scenarios.filter((scenario) => !givenIn[scenario].offered)).toEqual(['dedicated'])
})
