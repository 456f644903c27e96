/**
 * What Graph's refusals mean, and what to do about them. Status and code decide; the message is a hint, and is never
 * shown. Source: docs/stores/microsoft-graph.md, 3 and 5.
 */
import type { StoreFailure, TargetFailure } from '../../store.ts'
import type { ReadFailure, Refusal } from './client.ts'

/** What was asked for, in words, and the permission that it needs. */
export interface Purpose {
  readonly what: string
  readonly permission: string
}

export const purposes = {
  organization: { what: 'who the tenant is', permission: 'Organization.Read.All' },
  skus: { what: 'the subscriptions of the tenant', permission: 'Organization.Read.All' },
  seats: { what: 'who has which license', permission: 'User.Read.All' },
  users: { what: 'the people of the directory', permission: 'User.Read.All' },
  groups: { what: 'the groups of the directory', permission: 'GroupMember.Read.All' },
  apps: { what: 'the apps in Intune', permission: 'DeviceManagementApps.Read.All' },
  tokens: { what: 'the tokens in Intune', permission: 'DeviceManagementServiceConfig.Read.All' },
  managedPlay: { what: 'the Managed Google Play binding in Intune', permission: 'DeviceManagementConfiguration.Read.All' },
} as const satisfies Record<string, Purpose>

const kept = 'What was read before stays, with its age.'
const consent = (permission: string): string =>
  `Add the application permission ${permission} to the app registration in the Entra admin center (API permissions, Microsoft Graph), and have a Global Administrator choose Grant admin consent.`

export const readOnlyApp: StoreFailure = {
  is: 'read-only-token',
  text: `The app may only read: it may not give or take licenses. Counts are kept up to date. ${consent('LicenseAssignment.ReadWrite.All')}`,
}

export const failureOfRefusal = ({ status, code, message }: Refusal, { what, permission }: Purpose): StoreFailure => {
  if (status === 403 && !message.includes('intune'))
    return { is: 'store-refused', code: 'no-permission', text: `The app may not read ${what}. ${kept} ${consent(permission)}` }
  if ((status === 400 || status === 403) && message.includes('intune'))
    return {
      is: 'store-refused',
      code: 'no-intune',
      text: `This tenant has no active Intune license, so Microsoft does not tell ${what}. ${kept}`,
    }
  const told = code === '' ? `status ${status}` : `${code}, status ${status}`
  return {
    is: 'store-refused',
    code: code === '' ? `http-${status}` : code,
    text: `Microsoft refused to tell ${what} (${told}). ${kept} Check QM_MICROSOFT_GRAPH_URL, and whether a proxy stands between.`,
  }
}

export const failureOf = (failure: ReadFailure, purpose: Purpose): StoreFailure =>
  failure.is === 'failed' ? failure.failure : failureOfRefusal(failure, purpose)

// ---- Why one person's license was not given or taken ----

export type Why = Pick<TargetFailure, 'code' | 'text' | 'retryable'>

const final = (code: string, words: string): Why => ({ code, text: words, retryable: false })

export const noUsageLocation = final(
  'no-usage-location',
  'Microsoft gives a license only to someone whose usage location is known. Set the usage location of this person in Entra ID, then try again.',
)
export const inherited = final(
  'inherited-license',
  'This person has the license through a group in Entra ID, and it can only be taken there: remove the person from that group, or the license from the group.',
)
export const noSeatLeft: Why = {
  code: 'no-seat-left',
  text: 'Microsoft had no license left. It waits and is served when a seat returns. Buy more, or take back seats that nobody needs.',
  retryable: true,
}
export const personUnknown = final(
  'user-unknown',
  'Microsoft knows nobody with this user name in the tenant. Check the user name, or sync the directory, then try again.',
)
export const throttled: Why = {
  code: 'store-busy',
  text: 'Microsoft asked for a slower pace. Nothing was done for this person. It is tried again by itself.',
  retryable: true,
}
const plans = final(
  'plan-conflict',
  'This license needs, or can not stand beside, service plans of another license of this person. Nothing was changed. Look at the licenses of the person in Entra ID.',
)
const skuUnknown = final(
  'license-unknown',
  'Microsoft does not find this license in the tenant. Nothing was changed. Sync this connector to see what the tenant owns.',
)

/** `undefined`: what was asked for is so already. */
export const whyRefused = (action: 'give' | 'take', { status, code, message }: Refusal): Why | undefined => {
  if (status === 404 || code === 'Request_ResourceNotFound') return personUnknown
  if (status === 403) return final('no-permission', readOnlyApp.is === 'read-only-token' ? readOnlyApp.text : '')
  if (status === 400) {
    if (message.includes('usage location')) return noUsageLocation
    if (message.includes('inherited')) return inherited
    if (message.includes('does not have a corresponding license')) return action === 'take' ? undefined : plans
    if (message.includes('available licenses')) return noSeatLeft
    if (message.includes('service plan') || message.includes('exclusive') || message.includes('depend')) return plans
    if (message.includes('valid company license') || message.includes('invalid sku')) return skuUnknown
  }
  return final(
    code === '' ? `http-${status}` : code,
    `Microsoft refused this for the person (${code === '' ? '' : `${code}, `}status ${status}) and nothing was changed. Look at the licenses of the person in Entra ID, then try again.`,
  )
}
