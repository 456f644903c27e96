/** What Google's refusals mean here, and what to do. The status decides; Google's message is shown as its own. */
import type { StoreFailure, TargetFailure } from '../../store.ts'
import { storeFailureOf, type GoogleFailure, type GoogleRefusal } from '../client.ts'

const oldData = 'The old data is kept with its age.'
const quoted = (message: string): string => (message === '' ? '' : ` Google says: “${message}”`)

export const isRefused = (failure: GoogleFailure, ...statuses: readonly number[]): failure is GoogleRefusal =>
  failure.is === 'refused' && statuses.includes(failure.status)

/** This API leaves out the reasons: only the words tell an API that is off from a role that is missing. */
export const setUpFailure = ({ status, reason, message }: GoogleRefusal): StoreFailure | undefined => {
  if (status !== 403) return undefined
  if (reason === 'accessNotConfigured' || reason === 'SERVICE_DISABLED' || /has not been used|is disabled/i.test(message))
    return {
      is: 'store-refused',
      code: 'api-not-enabled',
      text: `The Android Management API is not turned on in the project of the service account. ${oldData} Turn it on in the Google Cloud console, then sync again.`,
    }
  if (/insufficient authentication scopes/i.test(message))
    return {
      is: 'store-refused',
      code: 'wrong-scope',
      text: `Google gave the service account a token that does not reach the Android Management API. ${oldData} Turn the API on in its project, then sync again.`,
    }
  if (/\bproject\b/i.test(message))
    return {
      is: 'store-refused',
      code: 'role-missing',
      text: `The service account lacks the role Android Management User in its project.${quoted(message)} ${oldData} Give it the role under IAM and Admin, then sync again.`,
    }
  return undefined
}

/** The enterprise itself is refused. */
export const enterpriseLost = (refusal: GoogleRefusal, enterpriseId: string): StoreFailure => ({
  is: 'credential-invalid',
  text:
    refusal.status === 403
      ? `The enterprise ${enterpriseId} is not managed by the project of this service account: it was unbound, or belongs to another project. ${oldData} Upload the key of the project that made it, or bind the organisation anew.`
      : `Google no longer knows the enterprise ${enterpriseId}: it was deleted. ${oldData} Nothing is asked until then. Bind the organisation anew.`,
})

export const failureOf = (failure: GoogleFailure): StoreFailure => {
  if (failure.is !== 'refused') return storeFailureOf(failure)
  const { status, reason, message } = failure
  if (status === 401)
    return {
      is: 'credential-invalid',
      text: `Google takes no token of this service account any more. ${oldData} Make a new key for the account and upload it here.`,
    }
  return (
    setUpFailure(failure) ?? {
      is: 'store-refused',
      code: reason === '' ? `http-${status}` : reason,
      text: `Google refused this with status ${status}.${quoted(message)} ${oldData}`,
    }
  )
}

export type TargetWords = Pick<TargetFailure, 'code' | 'text' | 'retryable'>

export const deviceNotKnown: TargetWords = {
  code: 'device-not-known',
  text: 'The enterprise has no device with this serial number: it was never enrolled, or was removed. Enrol it, then sync.',
  retryable: false,
}
export const deviceWithoutPolicy: TargetWords = {
  code: 'device-without-policy',
  text: 'The device follows no policy, so there is none to begin from. Give it one where devices are managed, or set a default policy on the connector.',
  retryable: true,
}
export const notForPeople: TargetWords = {
  code: 'not-user-assignable',
  text: 'Android Management gives apps to devices and not to people. Assign it to the device instead.',
  retryable: false,
}
export const appNotFound = (packageName: string): TargetWords => ({
  code: 'app-not-found',
  text: `Google Play has no app ${packageName} for this organisation. Package names are told apart by capital letters: com.Slack is another app than com.slack.`,
  retryable: false,
})
export const policyFull: TargetWords = {
  code: 'policy-full',
  text: 'The policy of this device would name more than 3,000 apps, which is the most that Google takes. Nothing was sent. Take apps out of it first.',
  retryable: false,
}
export const holdsTheDevice: TargetWords = {
  code: 'app-holds-the-device',
  text: 'The policy locks the device to this app, or sets the device up with it, so it is not taken back here. Change the policy where devices are managed.',
  retryable: false,
}
export const changedMeanwhile: TargetWords = {
  code: 'changed-meanwhile',
  text: 'The policy of this device was changed by somebody else again and again. It is tried again by itself.',
  retryable: true,
}

export const wordsOfRefusal = ({ status, reason, message }: GoogleRefusal): TargetWords => ({
  code: reason === '' ? `http-${status}` : reason,
  text: `Google refused this with status ${status}.${quoted(message)}`,
  retryable: status === 409,
})
