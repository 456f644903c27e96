/** The field's words for what the types name with a key. */
import type { Role } from '../../shared/admin.ts'
import type { Intent, Verdict, VerdictState } from '../../shared/assignment.ts'
import type { ConnectorKind, ConnectorStatus, CredentialState, StoreName } from '../../shared/connector.ts'
import type { LicenseType, ProductKind } from '../../shared/license.ts'
import type { Health } from '../parts/health.ts'
import type { IconName } from '../parts/icons.ts'

export const storeNames: Record<StoreName, string> = { apple: 'Apple', google: 'Google', microsoft: 'Microsoft', other: 'Ledger' }

export const kindNames: Record<ProductKind, string> = {
  app: 'App',
  book: 'Book',
  'custom-app': 'Custom app',
  'private-app': 'Private app',
  'web-app': 'Web app',
  sku: 'Subscription plan',
}

export const connectorKindNames: Record<ConnectorKind, string> = {
  'apple-apps-books': 'Apple Apps and Books',
  'google-play-emm': 'Managed Google Play',
  'google-android-management': 'Android Management',
  'microsoft-store-business': 'Microsoft Store for Business',
  'microsoft-graph': 'Microsoft 365',
  ledger: 'Kept by hand',
}

export const statusNames: Record<ConnectorStatus, string> = {
  healthy: 'Healthy',
  warning: 'Warning',
  unhealthy: 'Unhealthy',
  'not-enabled': 'Not enabled',
}
export const healthOf: Record<ConnectorStatus, Health> = {
  healthy: 'healthy',
  warning: 'warning',
  unhealthy: 'unhealthy',
  'not-enabled': 'off',
}

export const credentialHealth: Record<CredentialState, Health> = {
  valid: 'healthy',
  expiring: 'healthy',
  expired: 'unhealthy',
  invalid: 'unhealthy',
  foreign: 'unhealthy',
  duplicate: 'unhealthy',
  none: 'off',
  unknown: 'warning',
}

export const intentNames: Record<Intent, string> = { required: 'Required', available: 'Available', uninstall: 'Uninstall' }

/** How a verdict stands, in a word. What is offered was taken back from nobody, and what begins later waits for no seat. */
export const verdictStatus = (
  { state, because }: Pick<Verdict, 'state' | 'because'>,
  foretold = false,
): { readonly health: Health; readonly icon: IconName; readonly text: string } => {
  const { text, ...marks } = because.code === 'may-claim' ? offered : because.code === 'starts-later' ? beginsLater : statusOfState[state]
  return { ...marks, text: foretold ? `${text}, foretold` : text }
}
const offered = { health: 'off', icon: 'tray', text: 'Offered' } as const
const beginsLater = { health: 'off', icon: 'waiting', text: 'Begins later' } as const
const statusOfState = {
  placed: { health: 'healthy', icon: 'ok', text: 'Placed' },
  pending: { health: 'pending', icon: 'pending', text: 'Pending' },
  waiting: { health: 'warning', icon: 'waiting', text: 'Waiting' },
  refused: { health: 'unhealthy', icon: 'bad', text: 'Refused' },
  excluded: { health: 'off', icon: 'excluded', text: 'Excluded' },
  released: { health: 'off', icon: 'back', text: 'Released' },
} as const satisfies Record<VerdictState, { readonly health: Health; readonly icon: IconName; readonly text: string }>

export const roleNames: Record<Role, string> = { owner: 'Owner', administrator: 'Administrator', reader: 'Reader', directory: 'Directory' }

/** "Device", "User", "Device, user". */
export const licenseTypesInWords = (types: readonly LicenseType[]): string => {
  const words = types.join(', ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Why a reader can't act. */
export const readerReason = 'Your role is Reader: it may look at everything and change nothing.'

const platformNames: Record<string, string> = { iOS: 'iOS', ipados: 'iPadOS', macOS: 'macOS', tvOS: 'tvOS' }
/** "App for iPadOS and iOS". */
export const kindWithPlatforms = (kind: ProductKind, platforms: readonly string[]): string => {
  const names = platforms.map((platform) => platformNames[platform] ?? platform)
  const last = names.at(-1)
  if (last === undefined) return kindNames[kind]
  return `${kindNames[kind]} for ${names.length === 1 ? last : `${names.slice(0, -1).join(', ')} and ${last}`}`
}
