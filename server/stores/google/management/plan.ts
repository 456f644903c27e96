/**
 * What the copy of a policy names, from what it names now, what its base names, and what one device is to have. Pure.
 * Source: docs/stores/android-management.md, "How an app is given".
 */
import { installing } from './fleet.ts'
import type { ApplicationPolicy, Policy } from './wire.ts'

export const mostApplications = 3000

export type Wish = 'has' | 'has-not'

/** What an app comes to on the device when its policy says this of it. */
export const isThere = (application: ApplicationPolicy | undefined): boolean => installing.has(application?.installType)

/** The kiosk app and those that set a device up are its policy's own. */
export const isHeld = (application: ApplicationPolicy | undefined): boolean =>
  application?.installType === 'KIOSK' || application?.installType === 'REQUIRED_FOR_SETUP'

/**
 * Apps of the base that the copy does not name were added since: they come along. Apps of the copy stay: what was given
 * here must not vanish, and what the base dropped does not vanish by itself.
 */
export const followed = (copy: readonly ApplicationPolicy[], base: readonly ApplicationPolicy[]): readonly ApplicationPolicy[] => {
  const named = new Set(copy.map(({ packageName }) => packageName))
  return [...copy, ...base.filter(({ packageName }) => !named.has(packageName))]
}

/** One app as it is to stand in the copy. Undefined: it is not to stand there. */
export const wanted = (
  now: ApplicationPolicy | undefined,
  base: ApplicationPolicy | undefined,
  packageName: string,
  wish: Wish,
): ApplicationPolicy | undefined => {
  if (wish === 'has') {
    if (isThere(now)) return now
    // What the base orders of the app beside its installation stays; an app that is not there has nothing else to keep.
    if (isThere(base)) return base
    return { ...(now ?? base), packageName, installType: 'FORCE_INSTALLED' }
  }
  if (!isThere(now)) return now
  // Ours alone: it goes. Only offered by the base: it is offered again.
  if (!isThere(base)) return base
  // The base would put it there again: the copy forbids it.
  return { ...now, packageName, installType: 'BLOCKED' }
}

/** Whether the device could as well follow the base itself. */
export const isAsBase = (copy: readonly ApplicationPolicy[], base: Policy): boolean =>
  copy.length === base.applications.length &&
  copy.every((application) => {
    const theirs = base.applications.find(({ packageName }) => packageName === application.packageName)
    return theirs !== undefined && JSON.stringify(sorted(theirs)) === JSON.stringify(sorted(application))
  })

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted(([one], [other]) => (one < other ? -1 : 1))
            .map(([name, member]) => [name, sorted(member)]),
        )
      : value

/** The same order, whatever the order of its members. */
export const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
