/** Apple's error numbers, as what they mean for us. Source: docs/stores, 2.13; unknown numbers go by the status class. */
import type { StoreFailure, TargetFailure } from '../store.ts'

const renew = 'Download a new token in Apple Business Manager or Apple School Manager and upload it here.'

/** Answered as failure by Apple, and success for us: the seat is as asked. */
export const isAlreadyAsAsked = (errorNumber: number): boolean => errorNumber === 9616 || errorNumber === 9619

export const isOverLimit = (errorNumber: number): boolean =>
  errorNumber === 9700 || errorNumber === 9701 || errorNumber === 9702 || errorNumber === 9714
export const isPageOutOfRange = (errorNumber: number): boolean => errorNumber === 9650
export const isStaleVersion = (errorNumber: number): boolean => errorNumber === 9721
export const isUnknownEvent = (errorNumber: number): boolean => errorNumber === 9708

/** A pause that Apple did not measure; doubled by whoever meets it again. */
export const defaultPauseMs = 30_000

const refusedInWords: Readonly<Record<number, string>> = {
  9602: 'Apple could not use this request. It is an error of Quartermaster: nothing changed.',
  9706: 'Apple does not take this product back. The seats stay where they are.',
  9707: 'Apple does not give this product to devices. Choose people instead.',
  9644: 'Apple is in maintenance. It is tried again later.',
}

/** A whole request that was refused: nothing was done. */
export const failureOf = (errorNumber: number, status: number, retryAfterMs: number | undefined): StoreFailure => {
  switch (errorNumber) {
    case 9601:
    case 9622:
    case 9625:
    case 9647:
      return {
        is: 'credential-invalid',
        text: `Apple does not accept this token: it was revoked or replaced, or the password of the account that made it has changed. Seats stay as they are. ${renew}`,
      }
    case 9621:
      return { is: 'credential-expired', text: `The token has expired. Seats stay as they are. ${renew}` }
    case 9637:
      return {
        is: 'read-only-token',
        text: 'Apple does not allow this with this token: the account that made it may only read. Download a token with an account that may assign licenses.',
      }
    case 9646:
    case 9603:
    case 9644:
    case 9729:
      return { is: 'store-busy', retryAfterMs: retryAfterMs ?? defaultPauseMs }
  }
  if (status === 401) return { is: 'credential-invalid', text: `Apple does not accept this token. Seats stay as they are. ${renew}` }
  if (status === 403)
    return {
      is: 'read-only-token',
      text: 'Apple does not allow this with this token. Download a token with an account that may assign licenses.',
    }
  if (status === 429 || status >= 500) return { is: 'store-busy', retryAfterMs: retryAfterMs ?? defaultPauseMs }
  return {
    is: 'store-refused',
    code: String(errorNumber),
    text: refusedInWords[errorNumber] ?? `Apple refused this with number ${errorNumber}. Nothing changed.`,
  }
}

/** Why single targets of an event failed. The store's own message is not shown: it differs from list to list. */
export const targetFailureOf = (errorNumber: number): Pick<TargetFailure, 'code' | 'text' | 'retryable'> => {
  switch (errorNumber) {
    case 9709:
      return { code: 'no-seat-left', text: 'Apple had no license left. It waits, and is served when a seat returns.', retryable: true }
    case 9609:
    case 9636:
      return {
        code: 'user-not-registered',
        text: 'Not registered with Apple for this location. Register this person in Apple Business Manager or Apple School Manager, then try again.',
        retryable: false,
      }
    case 9603:
    case 9644:
    case 9729:
    case 9646:
    case 9608:
    case 9612:
    case 9613:
      return { code: String(errorNumber), text: 'Apple could not do it just now. It is tried again by itself.', retryable: true }
    case 9706:
    case 9607:
      return { code: String(errorNumber), text: 'Apple does not take this product back.', retryable: false }
    case 9707:
    case 9628:
      return { code: String(errorNumber), text: 'Apple does not give this product to this device.', retryable: false }
    case 9642:
      return {
        code: String(errorNumber),
        text: 'The account must accept new terms at Apple first. Sign in to Apple Business Manager or Apple School Manager once, then try again.',
        retryable: false,
      }
    default:
      return {
        code: String(errorNumber),
        text: `Apple refused this with number ${errorNumber}. Look it up in Apple's documentation, then try again.`,
        retryable: false,
      }
  }
}
