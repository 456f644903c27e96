/** The three lists and their continuation tokens. A page is no snapshot: what is inserted before it moves what follows. */
import { err, ok, type Result } from '../../../shared/result.ts'
import { invalidParameter, type BusinessRefusal, type Json } from './business-answers.ts'
import type { BusinessSwitches } from './business-switches.ts'
import type { Fault } from './faults.ts'

const DEFAULT_PAGE = 25
export const MOST_SEATS_ON_A_PAGE = 100

interface Continuation {
  /** Where the next page begins. */
  readonly p: number
  /** Which list it is of. */
  readonly l: string
  readonly at: number
}

const tokenOf = (continuation: Continuation): string => Buffer.from(JSON.stringify(continuation)).toString('base64')

const readToken = (text: string): Continuation | undefined => {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    if (typeof parsed !== 'object' || parsed === null || !('p' in parsed) || !('l' in parsed) || !('at' in parsed)) return undefined
    const { p, l, at } = parsed
    return typeof p === 'number' && Number.isInteger(p) && p >= 0 && typeof l === 'string' && typeof at === 'number'
      ? { p, l, at }
      : undefined
  } catch {
    return undefined
  }
}

/** Whole numbers from 1 to `most`; 25 where none is asked for. */
export const readMaxResults = (query: URLSearchParams, most: number): Result<number, BusinessRefusal> => {
  const text = query.get('maxResults')
  if (text === null) return ok(DEFAULT_PAGE)
  const asked = /^\d{1,9}$/.test(text) ? Number(text) : 0
  return asked >= 1 && asked <= most ? ok(asked) : err(invalidParameter('maxResults', `must be from 1 to ${most}`))
}

export interface PageRequest {
  readonly query: URLSearchParams
  readonly faults: readonly Fault[]
  readonly now: number
  readonly switches: BusinessSwitches
  /** Names the list and its filters: a token of another one is refused. */
  readonly list: string
  readonly member: 'inventoryEntries' | 'seats'
  readonly mostOnAPage: number
}

/** One page of these items. */
export const pageOf = (request: PageRequest, items: readonly Json[]): Result<Json, BusinessRefusal> => {
  const { query, faults, now, switches, list, member } = request
  const size = readMaxResults(query, request.mostOnAPage)
  if (!size.ok) return size
  const given = query.get('continuationToken')
  const struck = (name: Fault['is']): boolean => faults.some(({ is }) => is === name)
  if (given !== null && struck('continuation-refused')) return err(invalidParameter('continuationToken', 'expired'))
  const from = given === null ? 0 : readToken(given)
  if (from === undefined || (from !== 0 && from.l !== list)) return err(invalidParameter('continuationToken', 'not one of this list'))
  const life = switches.continuationLifeMs
  if (from !== 0 && life !== null && now - from.at > life) return err(invalidParameter('continuationToken', 'expired'))
  const start = from === 0 ? 0 : from.p
  if (struck('empty-list')) return ok({ [member]: [] })
  if (struck('empty-page')) return ok({ [member]: [], continuationToken: tokenOf({ p: start, l: list, at: now }) })
  const shown = items.slice(start, start + size.value)
  const more = start + size.value < items.length
  const next = struck('page-loop') ? (given ?? tokenOf({ p: 0, l: list, at: now })) : tokenOf({ p: start + size.value, l: list, at: now })
  if (more || struck('page-loop')) return ok({ continuationToken: next, [member]: shown })
  return ok({ [member]: shown, ...(switches.optionalMembers === 'null' ? { continuationToken: null } : {}) })
}
