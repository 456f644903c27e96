/**
 * What Intune holds: its own tokens, the apps it counts licenses of, whom it gives them to, and its binding to Managed
 * Google Play. Only read: its assignments can't be changed without a race, and its counts are copies of a store's.
 * Source: docs/stores/microsoft-graph.md, 6.
 */
import type { ImportedApp, ImportedAssignment, ImportedBinding, ImportedToken } from '../../../../shared/imported.ts'
import type { LicenseType } from '../../../../shared/license.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { ImportRead, ImportsRead, StoreFailure, StoreImports } from '../../store.ts'
import { readBatch } from './batch.ts'
import type { GraphClient, ReadFailure } from './client.ts'
import { failureOf, purposes } from './failures.ts'
import {
  parseApps,
  parseAssignments,
  parseBinding,
  parseTokens,
  timeOf,
  type AppRead,
  type AssignmentRead,
  type BindingRead,
  type TokenRead,
} from './intune-wire.ts'

/** Counts of macOS apps and of Managed Google Play, and which token an app is of, are told by this version alone. */
const beta = { version: 'beta' } as const

const sortByType: Readonly<Record<string, ImportedApp['sort']>> = {
  iosVppApp: 'ios',
  macOsVppApp: 'macos',
  androidManagedStoreApp: 'play',
  androidManagedStoreWebApp: 'play',
  androidForWorkApp: 'play',
  microsoftStoreForBusinessApp: 'windows-store',
}
/** Kinds that have no licenses; whatever is in neither list is kept as another kind. */
const withoutLicenses: ReadonlySet<string> = new Set([
  'androidLobApp',
  'androidManagedStoreWebApp',
  'androidStoreApp',
  'iosiPadOSWebClip',
  'iosLobApp',
  'iosStoreApp',
  'macOSDmgApp',
  'macOSLobApp',
  'macOSMicrosoftDefenderApp',
  'macOSMicrosoftEdgeApp',
  'macOSOfficeSuiteApp',
  'macOSPkgApp',
  'macOSWebClip',
  'managedAndroidLobApp',
  'managedAndroidStoreApp',
  'managedIOSLobApp',
  'managedIOSStoreApp',
  'officeSuiteApp',
  'webApp',
  'win32CatalogApp',
  'win32LobApp',
  'winGetApp',
  'windowsAppX',
  'windowsMicrosoftEdgeApp',
  'windowsMobileMSI',
  'windowsPhone81StoreApp',
  'windowsStoreApp',
  'windowsUniversalAppX',
  'windowsWebApp',
])

const typeOf = (odataType: string): string => odataType.replace(/^#microsoft\.graph\./, '')

// ---- Tokens ----

const tokenStates: Readonly<Record<string, ImportedToken['state']>> = {
  valid: 'valid',
  expired: 'expired',
  invalid: 'invalid',
  assignedToExternalMDM: 'elsewhere',
  duplicateLocationId: 'duplicate',
}
const syncStates: Readonly<Record<string, ImportedToken['sync']>> = {
  none: 'none',
  inProgress: 'running',
  completed: 'completed',
  failed: 'failed',
}

const reasons: Readonly<Record<string, string>> = {
  appleFailure: 'Apple did not do it',
  internalError: 'Intune had an error',
  expiredVppToken: 'the token had expired',
  expiredApplePushNotificationCertificate: 'the Apple push certificate had expired',
}

/** What came of taking licenses back in Intune, where a part of it failed. */
const troubleOf = (results: TokenRead['tokenActionResults']): { readonly trouble?: string } => {
  const failed = (results ?? []).find(({ actionState, failedLicensesCount }) => actionState === 'failed' || (failedLicensesCount ?? 0) > 0)
  if (failed === undefined) return {}
  const count = failed.failedLicensesCount ?? 0
  const of = failed.totalLicensesCount === null || failed.totalLicensesCount === undefined ? '' : ` of ${failed.totalLicensesCount}`
  const why = reasons[failed.actionFailureReason]
  const what = count > 0 ? `${count}${of} licenses could not be taken back in Intune` : 'Licenses could not be taken back in Intune'
  return { trouble: `${what}${why === undefined ? '' : `: ${why}`}. Try it again there.` }
}

const tokenOf = (read: TokenRead): Omit<ImportedToken, 'asOf'> => ({
  kind: 'token',
  id: `token-${read.id}`,
  name: read.displayName || read.locationName || read.organizationName,
  location: read.locationName,
  organization: read.organizationName,
  account: read.appleId,
  expiresAt: timeOf(read.expirationDateTime),
  state: tokenStates[read.state] ?? 'unknown',
  sync: syncStates[read.lastSyncStatus] ?? 'unknown',
  lastSyncAt: timeOf(read.lastSyncDateTime),
  ...troubleOf(read.tokenActionResults),
})

// ---- Apps ----

const intents: Readonly<Record<string, ImportedAssignment['intent']>> = {
  available: 'available',
  required: 'required',
  uninstall: 'uninstall',
  availableWithoutEnrollment: 'available-without-enrollment',
}
const targets: Readonly<Record<string, ImportedAssignment['target']>> = {
  groupAssignmentTarget: 'group',
  exclusionGroupAssignmentTarget: 'not-group',
  allLicensedUsersAssignmentTarget: 'all-users',
  allDevicesAssignmentTarget: 'all-devices',
}

const assignmentOf = ({ intent, target, settings }: AssignmentRead): ImportedAssignment => {
  const byDevice = settings?.useDeviceLicensing
  return {
    intent: intents[intent] ?? 'unknown',
    target: targets[typeOf(target?.['@odata.type'] ?? '')] ?? 'unknown',
    groupKey: (target?.groupId ?? '').toLowerCase(),
    licenseType: byDevice === undefined || byDevice === null ? null : byDevice ? 'device' : 'user',
  }
}

/** The number at the end of an address of the App Store. */
const adamIdIn = (url: string): string => /\/id(\d{5,15})\b/.exec(url)?.[1] ?? ''

const appOf = (read: AppRead, assignments: readonly ImportedAssignment[]): Omit<ImportedApp, 'asOf'> => {
  const type = typeOf(read['@odata.type'])
  const sort = sortByType[type] ?? 'other'
  const licenseTypes: LicenseType[] = []
  if (read.licensingType?.supportsDeviceLicensing === true) licenseTypes.push('device')
  if (read.licensingType?.supportsUserLicensing === true) licenseTypes.push('user')
  // Of Managed Google Play a total of none says that nothing is counted.
  const isCounted = typeof read.totalLicenseCount === 'number' && (sort !== 'play' || read.totalLicenseCount > 0)
  return {
    kind: 'app',
    id: `app-${read.id}`,
    sort,
    type,
    name: read.displayName || read.id,
    publisher: read.publisher,
    productId: sort === 'play' ? read.packageId : sort === 'windows-store' ? read.productKey : adamIdIn(read.appStoreUrl),
    bundleId: read.bundleId,
    tokenId: read.vppTokenId === '' ? '' : `token-${read.vppTokenId}`,
    total: isCounted ? (read.totalLicenseCount ?? null) : null,
    inUse: isCounted ? (read.usedLicenseCount ?? null) : null,
    licenseTypes,
    assignments,
    ...troubleOf(read.revokeLicenseActionResults),
  }
}

// ---- Managed Google Play ----

const bindings: Readonly<Record<string, ImportedBinding['state']>> = {
  notBound: 'not-bound',
  bound: 'bound',
  boundAndValidated: 'validated',
  unbinding: 'unbinding',
}
const bindingOf = (read: BindingRead): Omit<ImportedBinding, 'asOf'> => ({
  kind: 'binding',
  id: 'binding-managed-google-play',
  state: bindings[read.bindStatus] ?? 'unknown',
  owner: read.ownerUserPrincipalName,
  organization: read.ownerOrganizationName,
  sync: read.lastAppSyncStatus,
  lastSyncAt: timeOf(read.lastAppSyncDateTime),
})

export const createIntune = (client: GraphClient): StoreImports => {
  const readTokens = async (): Promise<Result<readonly ImportRead[], ReadFailure>> => {
    const tokens: TokenRead[] = []
    const walked = await client.walk('/deviceAppManagement/vppTokens', parseTokens, (page) => void tokens.push(...page), beta)
    return walked.ok ? ok(tokens.map(tokenOf)) : walked
  }

  const readApps = async (): Promise<Result<readonly ImportRead[], ReadFailure>> => {
    const apps = new Map<string, AppRead>()
    const walked = await client.walk(
      '/deviceAppManagement/mobileApps',
      parseApps,
      (page) => {
        for (const one of page) if (!withoutLicenses.has(typeOf(one['@odata.type']))) apps.set(one.id, one)
      },
      beta,
    )
    if (!walked.ok) return walked
    const list = [...apps.values()]
    const answers = await readBatch(
      client,
      list.map(({ id }) => ({ url: `/deviceAppManagement/mobileApps/${encodeURIComponent(id)}/assignments` })),
      beta,
    )
    if (!answers.ok) return answers
    return ok(
      list.map((one, place) => {
        const assignments = parseAssignments(answers.value[place]?.body)
        return appOf(one, assignments.ok ? assignments.value.map(assignmentOf) : [])
      }),
    )
  }

  const readBinding = async (): Promise<Result<readonly ImportRead[], ReadFailure>> => {
    const read = await client.get('/deviceManagement/androidManagedStoreAccountEnterpriseSettings', parseBinding, beta)
    return read.ok ? ok([bindingOf(read.value)]) : read
  }

  /** Each kind has a permission of its own: what may be read is read. */
  const read: StoreImports['read'] = async () => {
    const parts = [
      ['token', purposes.tokens, readTokens],
      ['app', purposes.apps, readApps],
      ['binding', purposes.managedPlay, readBinding],
    ] as const
    const rows: ImportRead[] = []
    const missing: { readonly kind: ImportsRead['missing'][number]['kind']; readonly failure: StoreFailure }[] = []
    for (const [kind, purpose, readPart] of parts) {
      const part = await readPart()
      if (part.ok) rows.push(...part.value)
      else missing.push({ kind, failure: failureOf(part.error, purpose) })
    }
    const [first] = missing
    if (missing.length < parts.length || first === undefined) return ok({ rows, missing })
    const hasIntune = missing.some(({ failure }) => failure.is !== 'store-refused' || failure.code !== 'no-intune')
    return hasIntune ? err(first.failure) : ok(undefined)
  }
  return { read }
}
