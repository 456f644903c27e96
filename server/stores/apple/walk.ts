/** Walks over Apple's paged lists. Source: docs/stores, 2.11 and 2.12. */
import { err, ok, type Result } from '../../../shared/result.ts'
import type { StoreFailure } from '../store.ts'
import type { RequestFailure } from './client.ts'
import { isPageOutOfRange, isStaleVersion } from './failures.ts'

export interface Page {
  readonly currentPageIndex?: number | null | undefined
  readonly nextPageIndex?: number | null | undefined
  readonly totalPages?: number | null | undefined
  readonly versionId?: string | null | undefined
}

/** A list of more pages is none: at several hundred items a page it would hold more seats than any organisation has. */
export const mostPages = 20_000
/** A walk that falls out of range or into a loop is begun again, this often at most. */
export const mostWalks = 3

export type WalkEnd =
  | { readonly is: 'end'; readonly firstVersion: string | null; readonly moved: boolean }
  | { readonly is: 'start-over' }
  | { readonly is: 'stale-version' }

/**
 * One walk from the first page to the one that names no next. `moved`: later pages carried another version, so the data
 * changed under the walk and items may be missing or doubled.
 * An empty page that names a next one is no end. A next page that does not come after this one would be a loop.
 */
export const walkOnce = async <P extends Page>(
  fetchPage: (index: number) => Promise<Result<P, RequestFailure>>,
  onPage: (page: P) => void,
): Promise<Result<WalkEnd, StoreFailure>> => {
  let firstVersion: string | null = null
  let moved = false
  for (let index = 0, pages = 0; pages < mostPages; pages += 1) {
    const answer = await fetchPage(index)
    if (!answer.ok) {
      if (answer.error.is === 'error-number' && isPageOutOfRange(answer.error.errorNumber)) return ok({ is: 'start-over' })
      if (answer.error.is === 'error-number' && isStaleVersion(answer.error.errorNumber)) return ok({ is: 'stale-version' })
      return err(storeFailureOf(answer.error))
    }
    const page = answer.value
    const version = page.versionId ?? null
    if (pages === 0) firstVersion = version
    else if (version !== firstVersion) moved = true
    onPage(page)
    if (page.nextPageIndex === undefined || page.nextPageIndex === null) return ok({ is: 'end', firstVersion, moved })
    if (page.nextPageIndex <= index) return ok({ is: 'start-over' })
    index = page.nextPageIndex
  }
  return err({
    is: 'store-answer-unreadable',
    text: 'Apple named more pages than any list has. The old data is kept. It is tried again by itself.',
  })
}

export const storeFailureOf = (failure: RequestFailure): StoreFailure =>
  failure.is === 'outcome-unknown' ? { is: 'store-unreachable', text: failure.text } : failure.failure
