/**
 * Walks over the paged lists of the Store for Business. Pages are no snapshot: an item that comes twice counts once, and
 * what a page boundary passed over shows as a difference between counts and seats, which is read anew.
 * Source: docs/stores/microsoft-store-for-business.md, 3.7.
 */
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { RequestFailure } from './failures.ts'
import type { Page } from './wire.ts'

export const mostPages = 10_000
/** What one page holds at most; for the inventory a guess. */
export const pageSize = '100'

const pagesLost: RequestFailure = {
  is: 'unreadable',
  text: 'The pages of the list lead to no end: the store gave the same mark for the next page twice. The old data is kept with its age. It is tried again by itself.',
}

const isContinuationRefused = (failure: RequestFailure): boolean =>
  failure.is === 'refused' && failure.status === 400 && /^$|continuation/i.test(failure.parameter)

/** Each item once, the last by its key. A mark that the store no longer takes: from the beginning, once. */
export const walkAll = async <Item>(
  fetchPage: (continuationToken: string | undefined) => Promise<Result<Page<Item>, RequestFailure>>,
  keyOf: (item: Item) => string,
): Promise<Result<readonly Item[], RequestFailure>> => {
  for (let restarted = false; ; restarted = true) {
    const itemByKey = new Map<string, Item>()
    const seen = new Set<string>()
    let token: string | undefined
    let refused = false
    for (let pages = 1; ; pages += 1) {
      const page = await fetchPage(token)
      if (!page.ok) {
        if (token === undefined || restarted || !isContinuationRefused(page.error)) return page
        refused = true
        break
      }
      for (const item of page.value.items) itemByKey.set(keyOf(item), item)
      token = page.value.continuationToken
      if (token === undefined) break
      if (seen.has(token) || pages >= mostPages) return err(pagesLost)
      seen.add(token)
    }
    if (!refused) return ok([...itemByKey.values()])
  }
}
