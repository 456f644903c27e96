/** What Google's refusals mean for licenses, and what to do. The status and its reason decide; Google's message is shown as its own. */
import type { StoreFailure, TargetFailure } from '../../store.ts'
import { storeFailureOf, type GoogleFailure, type GoogleRefusal } from '../client.ts'

/** The last day on which Google served its license methods. */
export const retiredSince = '2025-09-30'

export const licensesRetired: StoreFailure = {
  is: 'store-retired',
  since: retiredSince,
  text: 'Google turned off its license calls for managed Google Play on 30 September 2025: counts and seats are no longer told, and can no longer be changed here. What was bought stays bought, and apps stay on devices. Go on with a ledger, or with Android Management.',
}

const oldData = 'The old data is kept with its age.'

/** A path that is there answers the whole API so when the binding is gone. */
export const isGone = (failure: GoogleFailure): failure is GoogleRefusal =>
  failure.is === 'refused' && (failure.status === 403 || failure.status === 404 || failure.status === 410)

const setUpReasons: ReadonlySet<string> = new Set(['insufficientPermissions', 'accessNotConfigured', 'SERVICE_DISABLED'])
export const isOfSetUp = ({ reason }: GoogleRefusal): boolean => setUpReasons.has(reason)

const quoted = (message: string): string => (message === '' ? '' : ` Google says: “${message}”`)

/** A refused request that was not about one target. */
export const failureOfRefusal = (refusal: GoogleRefusal): StoreFailure => {
  const { status, reason, message } = refusal
  if (status === 401)
    return {
      is: 'credential-invalid',
      text: `Google takes no token of this service account any more. ${oldData} Make a new key for the account and upload it here.`,
    }
  if (isOfSetUp(refusal))
    return {
      is: 'store-refused',
      code: reason === 'insufficientPermissions' ? 'wrong-scope' : 'api-not-enabled',
      text: `The project of the service account may not use the Google Play EMM API: it is not turned on there, or not for this account. ${oldData} Turn it on in the Google Cloud console, then sync again. Google takes no new registrations for this API.`,
    }
  return {
    is: 'store-refused',
    code: reason === '' ? `http-${status}` : reason,
    text: `Google refused this with status ${status}.${quoted(message)} ${oldData}`,
  }
}

/** The enterprise itself is refused: unbound in the admin console, or gone. */
export const bindingLost = ({ status }: GoogleRefusal, enterpriseId: string): StoreFailure => ({
  is: 'credential-invalid',
  text:
    status === 403
      ? `The enterprise ${enterpriseId} is no longer bound to this service account: it was unbound in the Google Admin console, or another account was set. ${oldData} Nothing is asked until then. Bind it again, or keep what was bought in a ledger.`
      : `Google no longer knows the enterprise ${enterpriseId}: it was deleted. ${oldData} Nothing is asked until then. Keep what was bought in a ledger, and bind the organisation anew for what comes.`,
})

export const failureOf = (failure: GoogleFailure): StoreFailure =>
  failure.is === 'refused' ? failureOfRefusal(failure) : storeFailureOf(failure)

export type TargetWords = Pick<TargetFailure, 'code' | 'text' | 'retryable'>

export const noSeatLeft: TargetWords = {
  code: 'no-seat-left',
  text: 'Google had no license left. It waits and is served when a seat returns. Google sells no more: take back seats that nobody needs.',
  retryable: true,
}
export const unapproved: TargetWords = {
  code: 'license-unapproved',
  text: 'The app is not approved for the organisation any more. Who has it keeps it; nobody new can get it. Approve it in managed Google Play, then sync.',
  retryable: false,
}
export const needsReapproval: TargetWords = {
  code: 'needs-reapproval',
  text: 'The app asks for new permissions, and Google gives it to nobody new until somebody approves them in managed Google Play. Approve it there, then sync.',
  retryable: false,
}
export const boughtByPerson: TargetWords = {
  code: 'bought-by-the-person',
  text: 'The person bought this app, so it can not be taken back.',
  retryable: false,
}
export const userNotKnown: TargetWords = {
  code: 'user-not-known',
  text: 'Google knows nobody with this mail address in the organisation. People of a managed Google domain are added in the Google Admin console, and their user name here must be their mail address there.',
  retryable: false,
}
export const notForDevices: TargetWords = {
  code: 'not-device-assignable',
  text: 'Google gives apps to people and not to devices. Assign it to the person instead.',
  retryable: false,
}

export const wordsOfRefusal = ({ status, reason, message }: GoogleRefusal): TargetWords => ({
  code: reason === '' ? `http-${status}` : reason,
  text:
    status === 404
      ? `Google does not find this app for the organisation. Package names are told apart by capital letters: com.Slack is another app than com.slack.${quoted(message)}`
      : `Google refused this with status ${status}.${quoted(message)}`,
  retryable: false,
})
