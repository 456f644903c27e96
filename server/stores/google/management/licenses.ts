/** Apps that the organisation gives, as licenses. Source: docs/stores/android-management.md, "Which apps". */
import type { ProductKind } from '../../../../shared/license.ts'
import type { LicenseRead, ProductDescription } from '../../store.ts'
import { appNotFound } from './failures.ts'
import { installing, isBehind, isOffered, policyOf, type Fleet } from './fleet.ts'
import { givenIn, scenarios, type Scenario } from './scenario.ts'
import type { Application } from './wire.ts'

const webAppPrefix = 'com.google.enterprise.webapp.'

/** What is known of one app. `absent`: Google Play has none of this name for the organisation. */
export type Known = { readonly is: 'app'; readonly application: Application } | { readonly is: 'absent' }

interface Tally {
  inUse: number
  readonly inUseIn: Map<Scenario, number>
  offered: number
  /** Of those, where nobody can take it. */
  inVain: number
  behind: number
  readonly failures: Map<string, number>
}

/** How each app stands on the devices; those of `kept` are there even when no device has them. */
export const tally = (fleet: Fleet, kept: readonly string[]): ReadonlyMap<string, Tally> => {
  const byPackage = new Map<string, Tally>()
  const of = (packageName: string): Tally => {
    const known = byPackage.get(packageName) ?? {
      inUse: 0,
      inUseIn: new Map<Scenario, number>(),
      offered: 0,
      inVain: 0,
      behind: 0,
      failures: new Map<string, number>(),
    }
    byPackage.set(packageName, known)
    return known
  }
  for (const packageName of kept) of(packageName)
  // An app that a policy only forbids is none that the organisation gives.
  for (const { applications } of fleet.policies.values())
    for (const { packageName, installType } of applications) if (installType !== 'BLOCKED') of(packageName)
  for (const device of fleet.devices) {
    const behind = isBehind(fleet, device)
    for (const { packageName, installType } of policyOf(fleet, device)?.applications ?? []) {
      if (installing.has(installType)) {
        const app = of(packageName)
        app.inUse += 1
        if (device.scenario !== undefined) app.inUseIn.set(device.scenario, (app.inUseIn.get(device.scenario) ?? 0) + 1)
        if (behind) app.behind += 1
      } else if (isOffered(installType)) {
        const app = of(packageName)
        app.offered += 1
        if (device.scenario !== undefined && !givenIn[device.scenario].offered) app.inVain += 1
      }
    }
    for (const { packageName, reason } of device.failures) {
      const known = byPackage.get(packageName)
      known?.failures.set(reason, (known.failures.get(reason) ?? 0) + 1)
    }
  }
  return byPackage
}

const devices = (count: number): string => (count === 1 ? '1 device' : `${count} devices`)
const report = (count: number): string => `${devices(count)} ${count === 1 ? 'reports' : 'report'}`

/** Reasons that pass by themselves are not told. */
const failureWords: Readonly<Record<string, (count: number) => string>> = {
  NO_LICENSES_REMAINING: (count) =>
    `${report(count)} that no license was left. Google sells none any more, and Android Management does not count them: take the app away where nobody needs it.`,
  NOT_AVAILABLE_IN_COUNTRY: (count) => `${report(count)} that the app is not available in their country.`,
  NOT_COMPATIBLE_WITH_DEVICE: (count) => `${report(count)} that the app does not run on them.`,
  NOT_APPROVED: (count) => `${report(count)} that the app is not approved for the organisation.`,
  PERMISSIONS_NOT_ACCEPTED: (count) => `${report(count)} that new permissions of the app were not accepted.`,
  NOT_FOUND: (count) => `${report(count)} that the app was not found in the store.`,
  INSUFFICIENT_STORAGE: (count) => `${report(count)} that there is no room for the app.`,
}

const remarkOf = (packageName: string, { inUse, inUseIn, offered, inVain, behind, failures }: Tally, known: Known | undefined): string => {
  const sentences: string[] = []
  if (known?.is === 'absent') sentences.push(appNotFound(packageName).text)
  for (const [reason, count] of failures) {
    const words = failureWords[reason]
    if (words !== undefined) sentences.push(words(count))
  }
  if (known?.is === 'app' && known.application.appPricing === 'PAID')
    sentences.push('A paid app: Google sells no licenses any more, so it is installed only where one was bought before.')
  if (offered > 0) sentences.push(`${devices(offered)} ${offered === 1 ? 'is' : 'are'} offered the app and may take it; that is no seat.`)
  if (inVain > 0) sentences.push(`${devices(inVain)} of these ${inVain === 1 ? 'is' : 'are'} dedicated: nobody browses a store there.`)
  if (inUse > 0) {
    const kinds = scenarios.flatMap((scenario) => (inUseIn.has(scenario) ? [`${inUseIn.get(scenario) ?? 0} ${scenario}`] : []))
    const of = kinds.length === 0 ? '' : ` (${kinds.join(', ')})`
    sentences.push(`Taken back, it is uninstalled there: ${devices(inUse)} ${inUse === 1 ? 'has' : 'have'} it by order of a policy${of}.`)
  }
  if (behind > 0)
    sentences.push(
      `${devices(behind)} of these ${behind === 1 ? 'follows a copy of a policy' : 'follow copies of policies'} that changed since; the change comes with the next app that is given or taken there.`,
    )
  return sentences.join(' ')
}

export const kindOf = (packageName: string, known: Known | undefined): ProductKind =>
  packageName.startsWith(webAppPrefix)
    ? 'web-app'
    : known?.is === 'app' && known.application.distributionChannel?.startsWith('PRIVATE') === true
      ? 'private-app'
      : 'app'

/** No limit and no counting: Google keeps no licenses here. In use are the devices whose policy puts the app there. */
export const licenseOf = (packageName: string, standing: Tally, known: Known | undefined): LicenseRead => {
  const remark = remarkOf(packageName, standing, known)
  return {
    productId: packageName,
    pricing: null,
    kind: kindOf(packageName, known),
    platforms: ['Android'],
    licenseTypes: ['device'],
    assignable: known?.is !== 'absent',
    revocable: true,
    total: null,
    inUse: standing.inUse,
    available: null,
    retired: null,
    unlimited: true,
    ...(remark === '' ? {} : { remark }),
  }
}

export const descriptionOf = (
  packageName: string,
  { title, author, iconUrl, appVersions, ...application }: Application,
): ProductDescription => ({
  productId: packageName,
  name: title ?? packageName,
  publisher: author ?? '',
  kind: kindOf(packageName, { is: 'app', application: { title, author, iconUrl, appVersions, ...application } }),
  bundleId: packageName,
  deviceFamilies: ['Android'],
  version: appVersions.find(({ production }) => production === true)?.versionString ?? null,
  price: null,
  storefront: '',
  iconSource: iconUrl?.startsWith('https://') === true ? iconUrl : null,
})
