/** The Store for Business says no: what it means for an order or a sync, and what to do. Source: docs/stores/microsoft-store-for-business.md, 3.6. */
import { exhaustive } from '../../../../shared/result.ts'
import type { StoreFailure, TargetFailure } from '../../store.ts'

/** The store said no to a request and nothing was done. */
export interface Refusal {
  readonly is: 'refused'
  readonly status: number
  readonly reason: string
  /** `Inventory`, `User`, `Seat`, `Product/SKU` or empty. */
  readonly item: string
  readonly parameter: string
}

/** How the retired service shows that it is gone. */
export type RetiredBy = 'status-410' | 'status-404' | 'no-such-name'

export type RequestFailure =
  | Refusal
  /** The tenant is to be left alone for so long; nothing was done. */
  | { readonly is: 'busy'; readonly retryAfterMs: number }
  | { readonly is: 'unreachable'; readonly text: string }
  | { readonly is: 'unreadable'; readonly text: string }
  /** The token is good, and the app may not be used at this store. */
  | { readonly is: 'not-activated'; readonly status: number }
  | { readonly is: 'retired'; readonly by: RetiredBy }
  /** Signing in failed: nothing was asked of the store. */
  | { readonly is: 'not-signed-in'; readonly failure: StoreFailure }
  /** A write may or may not have been done. */
  | { readonly is: 'outcome-unknown'; readonly text: string }

/** The day for which Microsoft announced the end; a later one was never published. */
export const retiredSince = '2023-03-31'

const retiredHow: Readonly<Record<RetiredBy, string>> = {
  'status-410': 'It answers that it is gone (status 410).',
  'status-404': 'It knows its own list no more (status 404). Where QM_MICROSOFT_STORE_URL is set, check that address.',
  'no-such-name': 'Its address is in no directory of names any more, while signing in to Microsoft works.',
}

export const retiredFailure = (by: RetiredBy): StoreFailure => ({
  is: 'store-retired',
  since: retiredSince,
  text: `Microsoft has retired its Store for Business, announced for 31 March 2023, and it no longer answers for this tenant. ${retiredHow[by]}`,
})

const oldData = 'The old data is kept with its age.'

export const failureOf = (failure: RequestFailure): StoreFailure => {
  switch (failure.is) {
    case 'busy':
      return { is: 'store-busy', retryAfterMs: failure.retryAfterMs }
    case 'unreachable':
    case 'outcome-unknown':
      return { is: 'store-unreachable', text: failure.text }
    case 'unreadable':
      return { is: 'store-answer-unreadable', text: failure.text }
    case 'not-activated':
      return {
        is: 'credential-invalid',
        text: `Microsoft lets this app sign in, but the Store for Business does not let it in (status ${failure.status}). Seats stay as they are. Activate the app as a management tool in the portal of the Store for Business: Manage, Settings, Distribute, Add management tool. Where the portal is gone, this can't be done any more, and the licenses belong in a ledger.`,
      }
    case 'retired':
      return retiredFailure(failure.by)
    case 'not-signed-in':
      return failure.failure
    case 'refused': {
      const { code, text } = wordsOf(failure, undefined)
      return { is: 'store-refused', code, text }
    }
  }
  return exhaustive(failure)
}

const quoted = (reason: string): string => (reason === '' ? 'It gave no reason.' : `It says “${reason.replace(/\s+/g, ' ').trim()}”.`)

export type WriteAct = 'assign' | 'reclaim'

/** Why one user was not served, or undefined for a refusal that says that all is as asked. */
export const targetFailureOf = (
  refusal: Pick<Refusal, 'status' | 'reason' | 'item'>,
  act: WriteAct,
): Pick<TargetFailure, 'code' | 'text' | 'retryable'> | undefined => {
  // A seat that is not there is given back already.
  if (act === 'reclaim' && refusal.status === 404 && /seat/i.test(refusal.item)) return undefined
  return wordsOf(refusal, act)
}

/** A bulk call names those whom it could not serve in words of its own. */
export const bulkFailureOf = (reason: string, act: WriteAct): Pick<TargetFailure, 'code' | 'text' | 'retryable'> | undefined => {
  const word = reason.replace(/[^a-z]/gi, '').toLowerCase()
  if (word.includes('usernotfound')) return targetFailureOf({ status: 404, reason, item: 'User' }, act)
  if (word.includes('seatnotfound')) return targetFailureOf({ status: 404, reason, item: 'Seat' }, act)
  return targetFailureOf({ status: 409, reason, item: '' }, act)
}

const wordsOf = (
  { status, reason, item }: Pick<Refusal, 'status' | 'reason' | 'item'>,
  act: WriteAct | undefined,
): Pick<TargetFailure, 'code' | 'text' | 'retryable'> => {
  const code = `http-${status}`
  const final = (text: string, own = code): Pick<TargetFailure, 'code' | 'text' | 'retryable'> => ({ code: own, text, retryable: false })
  if (status === 404 && /user/i.test(item))
    return final(
      'Microsoft knows no user of this name in the tenant. Check the user principal name in Entra ID, correct the person here, then try again.',
      'user-unknown',
    )
  if (status === 404 && /inventory/i.test(item))
    return final('The store no longer has this license. Sync this connector to see what the tenant owns.', 'license-unknown')
  if (status === 404 && /seat/i.test(item)) return final('This user has no seat of it.', 'seat-unknown')
  if (status === 409 && /not online/i.test(reason))
    return final('This is an offline license: the store keeps no seats of it, and it is given to devices with its package.', 'not-online')
  if (act === 'assign' && /\bno\b.*\bseats?\b|noseats?|noavailableseats/i.test(reason))
    return {
      code: 'no-seat-left',
      text: 'The store had no seat left. It waits and is served when a seat returns. More can no longer be bought: take back seats that nobody needs.',
      retryable: true,
    }
  return final(
    `The store refused this with status ${status}. ${quoted(reason)} Nothing was changed. ${act === undefined ? oldData : 'Look at the counts, which are read anew, then try again.'}`,
  )
}
