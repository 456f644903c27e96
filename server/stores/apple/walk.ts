/** Walks over Apple's paged lists. Source: docs/stores/apple-apps-and-books.md, 2.11 and 2.12. */
import { err, ok, type Result } from '../../../shared/result.ts'
import type { RequestFailure } from './client.ts'
import { pageOutOfRange, versionInvalid } from './failures.ts'
import type { Page } from './wire.ts'

/** At several hundred items a page this holds more seats than any organisation has. */
export const mostPages = 10_000
export const mostEmptyPagesInARow = 50

export type WalkEnd =
  /** `moved`: a later page carried another version, so the list changed under the walk and items may be missing or doubled. */
  | { readonly is: 'end'; readonly firstVersion: string | undefined; readonly moved: boolean; readonly pages: number }
  /** The page asked for is no longer there: the list shrank. */
  | { readonly is: 'shrank' }
  /** The pages do not lead to an end. */
  | { readonly is: 'lost' }
  | { readonly is: 'version-invalid' }

/**
 * One walk from the first page to the one that names no next. An empty page that names a next one is no end; a next page
 * that does not come after this one would be a loop. Fails only where a page could not be had at all.
 */
export const walkOnce = async <Item>(
  fetchPage: (index: number) => Promise<Result<Page<Item>, RequestFailure>>,
  onPage: (page: Page<Item>) => void,
): Promise<Result<WalkEnd, RequestFailure>> => {
  let firstVersion: string | undefined
  let seenVersion: string | undefined
  let moved = false
  let emptyInARow = 0
  let asked = fetchPage(0)
  for (let index = 0, pages = 1; pages <= mostPages; pages += 1) {
    const answer = await asked
    if (!answer.ok) {
      if (answer.error.is !== 'refused') return answer
      if (answer.error.errorNumber === pageOutOfRange) return ok({ is: 'shrank' })
      return answer.error.errorNumber === versionInvalid ? ok({ is: 'version-invalid' }) : answer
    }
    const page = answer.value
    // A page without a version tells nothing about one.
    if (pages === 1) firstVersion = page.versionId
    if (page.versionId !== undefined && seenVersion !== undefined && page.versionId !== seenVersion) moved = true
    seenVersion ??= page.versionId
    emptyInARow = page.items.length === 0 ? emptyInARow + 1 : 0
    const next = page.nextPageIndex
    const leadsOn = next !== undefined && next > index && emptyInARow <= mostEmptyPagesInARow && pages < mostPages
    // The next page is on its way while this one is taken in.
    if (leadsOn) asked = fetchPage(next)
    onPage(page)
    if (next === undefined) return ok({ is: 'end', firstVersion, moved, pages })
    if (!leadsOn) return ok({ is: 'lost' })
    index = next
  }
  return ok({ is: 'lost' })
}

/** A walk that did not hold together is begun again this often at most. */
export const mostRepeats = 3

export type WalkFailure = RequestFailure | { readonly is: 'changed-meanwhile' }

export const pagesLost: RequestFailure = {
  is: 'unreadable',
  text: "The pages of Apple's list lead to no end. The old data is kept with its age. It is tried again by itself.",
}

/** Walks until all pages carry one version: mixed pages would count a moved item twice or not at all. Gives each item once, the last by its key. */
export const walkSettled = async <Item, Read>(
  fetchPage: (index: number) => Promise<Result<Page<Item>, RequestFailure>>,
  read: (item: Item) => readonly [key: string, read: Read] | undefined,
): Promise<Result<readonly Read[], WalkFailure>> => {
  let failure: WalkFailure = { is: 'changed-meanwhile' }
  for (let walks = 0; walks <= mostRepeats; walks += 1) {
    const readByKey = new Map<string, Read>()
    const walked = await walkOnce(fetchPage, (page) => {
      for (const item of page.items) {
        const entry = read(item)
        if (entry !== undefined) readByKey.set(entry[0], entry[1])
      }
    })
    if (!walked.ok) return walked
    if (walked.value.is === 'end' && !walked.value.moved) return ok([...readByKey.values()])
    failure = walked.value.is === 'lost' ? pagesLost : { is: 'changed-meanwhile' }
  }
  return err(failure)
}
