/** A store's trouble as an answer of ours. */
import { retryAfter, type Problem } from '../problem.ts'
import { failureInWords } from '../store-failure.ts'
import type { StoreFailure } from '../stores/store.ts'
import { becauseInWords } from '../../shared/assignment.ts'
import type { WritingBlocked } from '../../shared/reconcile.ts'

export const storeProblem = (failure: StoreFailure): Problem => {
  const detail = failureInWords(failure)
  switch (failure.is) {
    case 'store-busy':
      return { status: 503, code: failure.is, detail, headers: retryAfter(failure.retryAfterMs) }
    case 'store-unreachable':
    case 'store-answer-unreadable':
    case 'store-changed-meanwhile':
      return { status: 503, code: failure.is, detail, headers: { 'Retry-After': '60' } }
    case 'store-refused':
      return { status: 422, code: failure.is, detail, extra: { storeCode: failure.code } }
    case 'credential-expired':
    case 'credential-invalid':
    case 'read-only-token':
    case 'foreign-owner':
    case 'store-retired':
      return { status: 409, code: failure.is, detail }
  }
}

export const reasonOf = (failure: StoreFailure): { readonly code: string; readonly text: string } => ({
  code: failure.is === 'store-refused' ? failure.code : failure.is,
  text: failureInWords(failure),
})

/** Nothing can be asked of the store now, and why. */
export const notWritable = (why: WritingBlocked): Problem => ({
  status: 409,
  code: why,
  detail: `${becauseInWords({ code: why, position: 1 })}. Nothing was changed.`,
})
