/** A request to Graph, taken apart, and the parameters of its query. */
import type { Fault } from './faults.ts'
import { failed, inToken, tokenOf, type GraphAnswer } from './graph-answer.ts'
import type { GraphState } from './graph-state.ts'
import { uuid } from './made-ids.ts'
import type { AppRegistration, Tenant } from './tenant-state.ts'
import type { MicrosoftWorld } from './world.ts'

export interface GraphRequest {
  readonly world: MicrosoftWorld
  readonly state: GraphState
  readonly tenant: Tenant
  readonly app: AppRegistration
  readonly version: 'v1.0' | 'beta'
  readonly method: string
  /** Below the version, decoded. */
  readonly parts: readonly string[]
  /** With the version; the origin is that of the outer request. */
  readonly url: URL
  readonly isAdvanced: boolean
  readonly body: unknown
  readonly faults: readonly Fault[]
}

export const isStruck = ({ faults }: GraphRequest, name: Fault['is']): boolean => faults.some(({ is }) => is === name)

const unknownProperty = ({ world }: GraphRequest, name: string, type: string): GraphAnswer =>
  failed(world, 400, { code: 'BadRequest', message: `Could not find a property named '${name}' on type 'microsoft.graph.${type}'.` })

/** The wanted members of each object; `id` always comes along. An answer: the query asks for what is not there. */
export const selectOf = (
  request: GraphRequest,
  type: string,
  known: readonly string[],
  usual: readonly string[],
): readonly string[] | GraphAnswer => {
  const asked = request.url.searchParams.get('$select')
  if (asked === null) return usual
  const names = asked.split(',').map((name) => name.trim())
  const strange = names.find((name) => !known.includes(name))
  return strange === undefined ? names : unknownProperty(request, strange, type)
}

export const selected = (object: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name === 'id' || name.startsWith('@') || names.includes(name)))

export const isAnswer = (value: unknown): value is GraphAnswer => typeof value === 'object' && value !== null && 'status' in value

/** One page, in the order of `items`. The token names the last item, so that one that leaves meanwhile moves no other. */
export const pageOf = <Item extends { readonly id: string }>(
  request: GraphRequest,
  items: readonly Item[],
  usualSize: number,
  view: (item: Item) => Record<string, unknown>,
): GraphAnswer => {
  const { world, url } = request
  const asked = url.searchParams.get('$top')
  const size = asked === null ? usualSize : /^\d{1,4}$/.test(asked) ? Number(asked) : 0
  if (size < 1 || size > 999)
    return failed(world, 400, {
      code: 'Request_UnsupportedQuery',
      message: `Invalid page size specified: '${asked}'. Must be between 1 and 999 inclusive.`,
    })
  const token = url.searchParams.get('$skiptoken')
  const from: unknown = inToken(token)
  let start = 0
  if (token !== null) {
    if (typeof from !== 'object' || from === null || !('after' in from) || !('at' in from) || typeof from.at !== 'number')
      return failed(world, 400, {
        code: 'Directory_ExpiredPageToken',
        message: 'The specified page token value has expired and can no longer be included in your request.',
      })
    const after: unknown = from.after
    const place = items.findIndex(({ id }) => id === after)
    start = place >= 0 ? place + 1 : Math.min(from.at, items.length)
  }
  const isEmptied = isStruck(request, 'empty-list')
  const page = isEmptied || isStruck(request, 'empty-page') ? [] : items.slice(start, start + size)
  const end = isStruck(request, 'empty-page') ? start : start + size
  const last = items[end - 1]
  const odd = request.faults.find((fault) => fault.is === 'odd-items')
  const value = page.map((item) => {
    const shown = view(item)
    if (odd?.is !== 'odd-items') return shown
    return Object.fromEntries(Object.entries({ ...shown, ...odd.members }).filter(([name]) => !odd.without.includes(name)))
  })
  const body: Record<string, unknown> = { '@odata.context': `${url.origin}/${request.version}/$metadata#${request.parts.join('/')}` }
  if (url.searchParams.get('$count') === 'true' && request.isAdvanced) body['@odata.count'] = items.length
  body['value'] = value
  const next = nextLink(request, !isEmptied && end < items.length, last?.id ?? '', end)
  return { status: 200, headers: {}, body: next === undefined ? body : { ...body, '@odata.nextLink': next } }
}

const nextLink = (request: GraphRequest, goesOn: boolean, after: string, at: number): string | undefined => {
  const { url } = request
  const foreign = request.faults.find((fault) => fault.is === 'foreign-next-link')
  if (isStruck(request, 'page-loop')) return url.searchParams.has('$skiptoken') ? url.href : withToken(url, tokenOf({ after: '', at: 0 }))
  // An empty page leads on by a link of its own.
  const own = goesOn
    ? withToken(url, tokenOf({ after, at, ...(isStruck(request, 'empty-page') ? { again: uuid(request.world.chance) } : {}) }))
    : undefined
  if (foreign?.is !== 'foreign-next-link') return own
  const there = new URL(own ?? url.href)
  return `${foreign.origin}${there.pathname}${there.search}`
}

const withToken = (url: URL, token: string): string => {
  const next = new URL(url.href)
  next.searchParams.set('$skiptoken', token)
  return next.href
}
