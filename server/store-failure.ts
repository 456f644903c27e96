/** A store's failure in words for people: what happened, what it means for their licenses, what to do. */
import type { StoreFailure } from './stores/store.ts'

export const failureInWords = (failure: StoreFailure): string => {
  switch (failure.is) {
    case 'credential-expired':
    case 'credential-invalid':
    case 'read-only-token':
    case 'store-unreachable':
    case 'store-refused':
    case 'store-answer-unreadable':
    case 'store-retired':
      return failure.text
    case 'foreign-owner':
      return `The location is held by ${failure.owner.name}. Take it over here, or remove it there.`
    case 'store-busy':
      return `The store asks us to wait ${Math.ceil(failure.retryAfterMs / 60_000)} minutes. The old data is kept. It is tried again by itself.`
    case 'store-changed-meanwhile':
      return 'The data at the store kept changing while it was read. The old data is kept. It is tried again by itself.'
  }
}
