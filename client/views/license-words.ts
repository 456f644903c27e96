/** What a license is, where stores differ: given for good or not given at all, more in use than owned, of nobody in particular. */
import { figure } from '../parts/figures.ts'
import type { License } from '../../shared/license.ts'
import { counted } from './words.ts'

/** Whoever gets a seat keeps it. What is given to nobody is not given for good either. */
export const isForGood = ({ revocable, assignable, licenseTypes, inUse }: License): boolean =>
  !revocable && licenseTypes.length > 0 && (assignable || inUse > 0)

/** "User licenses, revocable". */
export const typesInWords = (license: License): string => {
  const { licenseTypes, revocable, assignable } = license
  if (licenseTypes.length === 0) return 'For the whole organisation'
  const types = licenseTypes.join(' and ')
  const named = `${types.charAt(0).toUpperCase()}${types.slice(1)} licenses`
  return isForGood(license)
    ? `${named}, given for good`
    : revocable
      ? `${named}, revocable`
      : assignable
        ? named
        : `${named}, given outside`
}

/** Seats in use beyond what is owned. */
export const deficitOf = ({ total, inUse }: License): number => (total === null ? 0 : Math.max(0, inUse - total))

/** "120 owned, 23 free.", "12 owned, 15 in use: 3 more than owned." */
export const seatsInWords = (license: License, free: number | null): string => {
  const { total, inUse, unlimited } = license
  if (total === null) return `${figure(inUse)} in use, ${unlimited ? 'no limit' : 'the store does not count what is owned'}.`
  const deficit = deficitOf(license)
  if (deficit > 0) return `${figure(total)} owned, ${figure(inUse)} in use: ${figure(deficit)} more than owned.`
  return `${figure(total)} owned, ${free === null ? '–' : figure(free)} free.`
}

/** What a deficit means and what to do. Undefined: there is none. */
export const deficitInWords = (license: License): string | undefined => {
  const deficit = deficitOf(license)
  return deficit === 0
    ? undefined
    : `${counted(deficit, 'seat', 'seats')} more ${deficit === 1 ? 'is' : 'are'} in use than ${deficit === 1 ? 'is' : 'are'} owned, as after a refund or when a subscription was made smaller. Nobody loses a seat by this; nobody new is served until as many come back or more are bought.`
}

/** Why it can't be given to anybody. */
export const notAssignableInWords = ({ licenseTypes, remark }: License): string =>
  remark ??
  (licenseTypes.length === 0
    ? 'It belongs to the whole organisation, and is given to nobody by itself.'
    : 'This product can not be assigned from here.')
