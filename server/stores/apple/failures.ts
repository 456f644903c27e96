/**
 * Apple's error numbers, as what they mean for an order or a sync and what to do about them. The number decides, never
 * Apple's message; a number that is in no list goes by the status class. Source: docs/stores/apple-apps-and-books.md, 2.13.
 */
import type { StoreFailure, TargetFailure } from '../store.ts'
import type { Method } from '../http.ts'

/** Apple said no to a whole request and nothing was done. `errorNumber` undefined: it gave none. */
export interface Refusal {
  readonly is: 'refused'
  readonly errorNumber: number | undefined
  readonly status: number
}

/** Asked too often: nothing was done, slow down. */
const busyNumbers: ReadonlySet<number> = new Set([9630, 9632, 9646])
/** A slow or broken back end: a read is worth another try, and what became of a write is open. */
const troubleNumbers: ReadonlySet<number> = new Set([9603, 9608, 9612, 9613, 9644, 9729])
/** Answered as a failure, and as asked for us: assigned already, not assigned, retired already, deleted already, registered already, without the subscription. */
const asAskedNumbers: ReadonlySet<number> = new Set([9616, 9618, 9619, 9620, 9716, 9815])
/** 9805 is what an older text has for 9816. */
const overLimitNumbers: ReadonlySet<number> = new Set([9700, 9701, 9702, 9714, 9805, 9816])

/** One person who is not as they should be refuses the whole call, and is not named. */
const ofSomeNumbers: ReadonlySet<number> = new Set([9814, 9815, 9817])

export const pageOutOfRange = 9650
export const noLongerOffered = 9634
export const cursorInvalid = 9812
export const eventNotFound = 9708
export const versionInvalid = 9721

export const isAsAsked = (errorNumber: number | undefined): boolean => errorNumber !== undefined && asAskedNumbers.has(errorNumber)
export const isOverLimit = (errorNumber: number | undefined): boolean => errorNumber !== undefined && overLimitNumbers.has(errorNumber)

/** What an answer that is no success is: `busy` and `trouble` pass by themselves, `refused` does not. */
export const senseOf = (errorNumber: number | undefined, status: number): 'busy' | 'trouble' | 'refused' => {
  if (errorNumber !== undefined) {
    if (busyNumbers.has(errorNumber)) return 'busy'
    if (troubleNumbers.has(errorNumber)) return 'trouble'
    if (isKnown(errorNumber)) return 'refused'
  }
  if (status === 429) return 'busy'
  return status >= 500 || status === 408 ? 'trouble' : 'refused'
}

// ---- The token ----

const renew =
  'Download a new token in Apple Business Manager or Apple School Manager (Preferences, Payments and Billing, Apps and Books) and upload it here.'
const unchanged = 'Seats stay as they are; nothing can be given or taken until then.'

const credentialRefused = (errorNumber: number | undefined, status: number): StoreFailure | undefined => {
  switch (errorNumber) {
    case 9621:
      return { is: 'credential-expired', text: `The token has expired. ${unchanged} ${renew}` }
    case 9625:
      return {
        is: 'credential-invalid',
        text: `The token was revoked: a newer one was downloaded, or the password of the account that made it has changed. ${unchanged} ${renew}`,
      }
    case 9622:
      return { is: 'credential-invalid', text: `Apple does not know this token. ${unchanged} ${renew}` }
    case 9647:
      return {
        is: 'credential-invalid',
        text: `This token is of an older sort that belongs to no location. ${unchanged} Download the token of a location in Apple Business Manager or Apple School Manager and upload it here.`,
      }
    case 9601:
    case 9633:
    case 9722:
      return { is: 'credential-invalid', text: `Apple could not use this token. ${unchanged} ${renew}` }
    default:
      return status === 401 && (errorNumber === undefined || !isKnown(errorNumber))
        ? { is: 'credential-invalid', text: `Apple does not accept this token. ${unchanged} ${renew}` }
        : undefined
  }
}

const readOnly: StoreFailure = {
  is: 'read-only-token',
  text: "This token may only read: the account that made it may not assign licenses. Counts are kept up to date, but seats can't be given or taken. Download a token with an account that may manage licenses and upload it here.",
}

// ---- Everything else ----

interface Words {
  /** Where the rest of the server acts on it; else the number is the code. */
  readonly code?: string
  readonly text: string
  readonly retryable: boolean
}

const final = (text: string, code?: string): Words => ({ text, retryable: false, ...(code === undefined ? {} : { code }) })
const triedAgain = 'It is tried again by itself.'
const passing = (text: string, code?: string): Words => ({ ...final(`${text} ${triedAgain}`, code), retryable: true })
/** A request that should never have been made so. */
const ours = (what: string): Words =>
  final(`Apple refused the request because ${what}. Nothing was changed. This is an error in Quartermaster: report it.`)

const register = 'Register the person there under the same user name, or assign to a device; then try again.'
const overLimit = passing('Apple takes fewer at once now.')
const serviceTrouble = passing("Apple's service had trouble.")
const tooOften = passing('Apple asks for a slower pace.')

const wordsByNumber: Readonly<Record<number, Words>> = {
  9600: ours('a part of it was missing'),
  9602: final(
    'Apple does not accept this target or product. Check that the serial number or the user name is right and belongs to the organisation, then try again.',
  ),
  9603: serviceTrouble,
  9604: serviceTrouble,
  9605: final('The product is not sold in the country of this location. Buy it for this location first.'),
  9607: final('Apple does not take this product back. The seat stays with its holder.'),
  9608: serviceTrouble,
  9609: final(`This person is not registered with Apple for this location. ${register}`, 'user-not-registered'),
  9610: final('Apple does not find this license. Sync this connector to see what the location owns, then try again.'),
  9612: serviceTrouble,
  9613: serviceTrouble,
  9616: final('It is assigned already.'),
  9618: final('The person is retired already.'),
  9619: final('It is not assigned.'),
  9620: final('The person is deleted already.'),
  9623: ours('it named a push token'),
  9624: final('This license was refunded at Apple. Sync this connector to see the new counts.'),
  9626: passing('Somebody else got this license first.'),
  9628: final('Apple does not give this product to this device. Assign it to the person instead.'),
  9630: tooOften,
  9632: tooOften,
  9634: final('Apple no longer offers this service. Update Quartermaster.'),
  9635: final(
    "The person's Apple Account can't be linked to this user: it belongs to another organisation or does not exist. Correct it there.",
  ),
  9636: final(`Apple does not find this person at this location. ${register}`, 'user-not-registered'),
  9637: final('The account that made the token may not do this. Download a token with an account that may manage licenses.'),
  9641: final("The person's Apple Account is linked to another user already. Unlink it there first."),
  9642: final(
    'Apple asks for new terms to be accepted first. Sign in to Apple Business Manager or Apple School Manager, accept them, then try again.',
  ),
  9644: passing("Apple's service is in maintenance."),
  9646: tooOften,
  [pageOutOfRange]: passing('The list changed while it was being read.'),
  9700: overLimit,
  9701: overLimit,
  9702: overLimit,
  9703: ours('it named a product twice'),
  9704: ours('it named a person twice'),
  9705: ours('it named a device twice'),
  9706: final('Apple does not take this product back. Nothing was changed; the seats stay with their holders.'),
  9707: final('Apple does not give this product to devices. Nothing was changed. Assign it to people instead.'),
  [eventNotFound]: final('Apple no longer knows this order. What became of it is read from the seats.'),
  9709: {
    ...final(
      'Apple had no license left. It waits and is served when a seat returns. Buy more, or take back seats that nobody needs.',
      'no-seat-left',
    ),
    retryable: true,
  },
  9710: ours('its notification address came without its secret'),
  9711: ours('its notification address was too long'),
  9712: ours('its notification address is no https address'),
  9713: ours("our host's name was too long"),
  9714: overLimit,
  9715: ours('it named a person twice'),
  9716: final('A person with this user name is registered already.'),
  9717: final("Apple does not accept this person's mail address. Correct it, then try again."),
  9718: ours('it named no product'),
  9719: ours('it named nobody'),
  9720: ours('it named nobody'),
  [versionInvalid]: passing('The last read is too old to go on from.'),
  9723: ours('our name on the location was incomplete'),
  9724: ours('our mark was too long'),
  9725: ours('our name was too long'),
  9726: ours('its method was wrong'),
  9727: ours('its content type was wrong'),
  9728: final('Apple could not reach this server for notifications. Everything works without them, by asking Apple instead.'),
  9729: passing("Apple's service is not available just now."),
  9805: overLimit,
  9811: final(
    'Apple does not give or take this subscription on these terms now: it may be paused or over. Nothing was changed. Sync this connector, look at the subscription, then try again.',
  ),
  [cursorInvalid]: passing('The list changed while it was being read.'),
  9814: final(
    `Somebody named here is not registered with Apple for this location. Nothing was changed. ${register}`,
    'user-not-registered',
  ),
  9815: final('Somebody named here does not have this subscription. Nothing was changed. Sync this connector to see who has it.'),
  9816: overLimit,
  9817: final(
    'Somebody named here has this subscription through a group at Apple already. Nothing was changed. Give it to the others without them.',
  ),
  9818: final("The location owns subscriptions, so they can't be turned off. Nothing was changed."),
  9813: final('Apple does not know this product. Sync this connector to see what the location owns.'),
}

const tokenNumbers: ReadonlySet<number> = new Set([9601, 9621, 9622, 9625, 9633, 9647, 9722])
const isKnown = (errorNumber: number): boolean => wordsByNumber[errorNumber] !== undefined || tokenNumbers.has(errorNumber)

/** Apple's own list of messages is read without our token, so quoting from it can't give the token away; an answer is never quoted. */
export type MessageOf = (errorNumber: number) => string | undefined

const wordsOf = (errorNumber: number | undefined, status: number | undefined, messageOf: MessageOf): Words & { readonly code: string } => {
  if (errorNumber === undefined)
    return status === undefined
      ? {
          code: 'unnamed',
          ...final(
            'Apple did not do this and gave no reason. Look at the license in Apple Business Manager or Apple School Manager, then try again.',
          ),
        }
      : {
          code: `http-${status}`,
          ...final(
            `Apple refused this with status ${status} and gave no reason. Nothing was changed. Check QM_APPLE_APPS_BOOKS_URL, and whether a proxy stands between.`,
          ),
        }
  const known = wordsByNumber[errorNumber]
  if (known !== undefined) return { code: String(errorNumber), ...known }
  const message = messageOf(errorNumber)?.replace(/\s+/g, ' ').trim().slice(0, 200)
  const told = message === undefined || message === '' ? '' : ` (“${message}”)`
  return {
    code: String(errorNumber),
    ...final(`Apple refused this with number ${errorNumber}${told}. Look the number up in Apple's documentation, then try again.`),
  }
}

/** A refused request, as the rest of the server knows failures. */
export const failureOfRefusal = ({ errorNumber, status }: Refusal, method: Method, messageOf: MessageOf): StoreFailure => {
  const credential = credentialRefused(errorNumber, status)
  if (credential !== undefined) return credential
  const mayNot = errorNumber === 9637 || (status === 403 && (errorNumber === undefined || !isKnown(errorNumber)))
  // A token that may not even read is no read-only token.
  if (mayNot && method === 'POST') return readOnly
  const { code, text } = wordsOf(errorNumber, status, messageOf)
  return { is: 'store-refused', code, text, ...(ofSomeNumbers.has(errorNumber ?? 0) ? { ofSome: true } : {}) }
}

/** Why single targets of an event were not served. */
export const targetFailureOf = (
  errorNumber: number | undefined,
  messageOf: MessageOf,
): Pick<TargetFailure, 'code' | 'text' | 'retryable'> => {
  if (errorNumber !== undefined && tokenNumbers.has(errorNumber))
    return { code: String(errorNumber), text: `Apple stopped accepting the token on the way. ${renew}`, retryable: true }
  const { code, text, retryable } = wordsOf(errorNumber, undefined, messageOf)
  return { code, text, retryable }
}
