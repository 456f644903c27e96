/**
 * SCIM 2.0 over HTTP. Who asks is an API key with a right to the directory; a session's cookie does not count here, so that no
 * page can make a browser speak for its administrator. Errors have the form of SCIM, those of the door too (problem.ts).
 */
import type { Context } from 'hono'
import { resourceTypeViews, schemaViews, serviceProviderConfig } from '../scim/discovery.ts'
import { invalidNumber, mostPerPage, usualPerPage, type IsAsRead, type ListQuery, type Scim } from '../scim/provider.ts'
import { answerRefusal, refusal, scimBase, scimContentType, type ScimRefusal } from '../scim/refusal.ts'
import { isComplex, isWanted, project, readProjection, type Projection } from '../scim/resource.ts'
import { resourceTypes, type ResourceType } from '../scim/schema.ts'
import type { Parts, Told } from '../scim/telling.ts'
import type { WhoAsks } from '../who-asks.ts'
import { actorIn, type RouteModule } from './web.ts'
import { may } from '../../shared/admin.ts'
import { err, ok, type Result } from '../../shared/result.ts'

const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const searchSchema = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

export const scimRoutes =
  (deps: { readonly scim: Scim; readonly whoAsks: WhoAsks; readonly publicUrl: string }): RouteModule =>
  (web) => {
    const { scim } = deps
    const base = deps.publicUrl.replace(/\/$/, '') + scimBase

    web.use(`${scimBase}/*`, async (c, next) => {
      const signedIn = await deps.whoAsks.actorOf(c.req.raw.headers)
      if (signedIn === undefined || signedIn.by.is !== 'api-key')
        return answerRefusal(
          c,
          { status: 401, detail: 'Send an API key with the role directory as Authorization: Bearer.' },
          { 'WWW-Authenticate': 'Bearer' },
        )
      c.set('signedIn', signedIn)
      if (!may(signedIn.actor, 'manage-directory'))
        return answerRefusal(c, {
          status: 403,
          detail: `The role of this key, ${signedIn.actor.role}, does not cover the directory. Use a key with the role directory.`,
        })
      c.header('Cache-Control', 'no-store')
      const sends = c.req.raw.body !== null && c.req.header('content-length') !== '0'
      if (sends && c.req.method !== 'DELETE' && !/^application\/(scim\+)?json *(;|$)/i.test(c.req.header('content-type') ?? ''))
        return answerRefusal(c, { status: 415, detail: `Send the body with Content-Type: ${scimContentType} or application/json.` })
      return next()
    })

    web.get(`${scimBase}/ServiceProviderConfig`, (c) => answerJson(c, serviceProviderConfig(base)))
    for (const [path, views] of [
      ['ResourceTypes', resourceTypeViews(base)],
      ['Schemas', schemaViews(base)],
    ] as const) {
      web.get(`${scimBase}/${path}`, (c) =>
        // RFC 7644, section 4: a filter here would be passed over unseen.
        c.req.query('filter') === undefined
          ? answerJson(c, listOf(views.length, 1, views))
          : answerRefusal(c, { status: 403, detail: 'This list takes no filter. Read it whole.' }),
      )
      web.get(`${scimBase}/${path}/:id`, (c) => {
        const found = views.find(({ id }) => id.toLowerCase() === c.req.param('id').toLowerCase())
        return found === undefined
          ? answerRefusal(c, { status: 404, detail: `There is no such entry. GET ${scimBase}/${path} lists them.` })
          : answerJson(c, found)
      })
    }

    for (const type of resourceTypes) putResource(web, scim, type)

    web.post(`${scimBase}/.search`, (c) => answerSearch(c, scim))
    web.all(`${scimBase}/Me`, (c) => answerRefusal(c, { status: 501, detail: 'A key is no person. Ask for a user by its id.' }))
    web.all(`${scimBase}/Bulk`, (c) => answerRefusal(c, { status: 501, detail: 'There are no bulk requests here. Send them one by one.' }))
  }

const putResource = (web: Parameters<RouteModule>[0], scim: Scim, type: ResourceType): void => {
  const path = `${scimBase}${type.endpoint}`

  const answerList = async (c: Context, query: ListQuery, only: string | undefined, without: string | undefined): Promise<Response> => {
    const projection = readProjection(type, only, without)
    const listed = await scim.list(actorIn(c), type, query, partsOf(type, projection))
    if (!listed.ok) return answerRefusal(c, listed.error)
    const { total, told } = listed.value
    return answerJson(
      c,
      listOf(
        total,
        query.startIndex,
        told.map(({ resource }) => project(type, resource, projection)),
      ),
    )
  }

  const projectionIn = (c: Context): Projection => readProjection(type, c.req.query('attributes'), c.req.query('excludedAttributes'))

  web.get(path, async (c) => {
    const query = readListQuery(c.req.query('filter'), c.req.query('startIndex'), c.req.query('count'))
    return query.ok
      ? await answerList(c, query.value, c.req.query('attributes'), c.req.query('excludedAttributes'))
      : answerRefusal(c, query.error)
  })
  web.post(`${path}/.search`, async (c) => {
    const search = await searchIn(c)
    return search.ok ? await answerList(c, search.value.query, search.value.only, search.value.without) : answerRefusal(c, search.error)
  })
  web.get(`${path}/:id`, async (c) => {
    const projection = projectionIn(c)
    const found = await scim.find(actorIn(c), type, c.req.param('id'), partsOf(type, projection))
    if (!found.ok) return answerRefusal(c, found.error)
    const held = c.req.header('if-none-match')
    if (held !== undefined && isNamedIn(held, found.value.etag)) return c.body(null, 304, { ETag: found.value.etag })
    return answerTold(c, type, found.value, projection)
  })
  web.post(path, async (c) => {
    const body = await jsonIn(c)
    if (!body.ok) return answerRefusal(c, body.error)
    const made = await scim.create(actorIn(c), type, body.value)
    if (!made.ok) return answerRefusal(c, made.error)
    return answerTold(c, type, made.value, projectionIn(c), 201, true)
  })
  web.put(`${path}/:id`, async (c) => {
    const body = await jsonIn(c)
    if (!body.ok) return answerRefusal(c, body.error)
    const projection = projectionIn(c)
    const replaced = await scim.replace(actorIn(c), type, c.req.param('id'), body.value, isAsRead(c), partsOf(type, projection))
    return replaced.ok ? answerTold(c, type, replaced.value, projection) : answerRefusal(c, replaced.error)
  })
  web.patch(`${path}/:id`, async (c) => {
    const body = await jsonIn(c)
    if (!body.ok) return answerRefusal(c, body.error)
    const projection = projectionIn(c)
    // Groups can be large, and no client reads the answer: none is told unless it is asked for.
    const isTold = type.name === 'User' || projection.only !== undefined
    const parts = isTold ? partsOf(type, projection) : { groups: false, members: false }
    const patched = await scim.patch(actorIn(c), type, c.req.param('id'), body.value, isAsRead(c), parts)
    if (!patched.ok) return answerRefusal(c, patched.error)
    return isTold ? answerTold(c, type, patched.value, projection) : c.body(null, 204, { ETag: patched.value.etag })
  })
  web.delete(`${path}/:id`, async (c) => {
    const removed = await scim.remove(actorIn(c), type, c.req.param('id'), isAsRead(c))
    return removed.ok ? c.body(null, 204) : answerRefusal(c, removed.error)
  })
}

/** People first, then groups. A filter that only one of the two understands finds none of the other. */
const answerSearch = async (c: Context, scim: Scim): Promise<Response> => {
  const search = await searchIn(c)
  if (!search.ok) return answerRefusal(c, search.error)
  const { query, only, without } = search.value
  const found: object[] = []
  let total = 0
  let refused: ScimRefusal | undefined
  let isUnderstood = false
  for (const type of resourceTypes) {
    const projection = readProjection(type, only, without)
    const rest = { ...query, startIndex: Math.max(1, query.startIndex - total), count: query.count - found.length }
    const listed = await scim.list(actorIn(c), type, rest, partsOf(type, projection))
    if (!listed.ok) {
      refused = listed.error
      continue
    }
    isUnderstood = true
    total += listed.value.total
    found.push(...listed.value.told.map(({ resource }) => project(type, resource, projection)))
  }
  return isUnderstood || refused === undefined ? answerJson(c, listOf(total, query.startIndex, found)) : answerRefusal(c, refused)
}

const answerJson = (c: Context, value: object, status: 200 | 201 = 200, headers: Readonly<Record<string, string>> = {}): Response =>
  c.body(JSON.stringify(value), status, { ...headers, 'Content-Type': scimContentType })

const answerTold = (
  c: Context,
  type: ResourceType,
  { resource, etag }: Told,
  projection: Projection,
  status: 200 | 201 = 200,
  isNew = false,
): Response => {
  const meta = resource['meta']
  const location = isComplex(meta) && typeof meta['location'] === 'string' ? meta['location'] : ''
  return answerJson(c, project(type, resource, projection), status, {
    ETag: etag,
    ...(isNew ? { Location: location } : { 'Content-Location': location }),
  })
}

const listOf = (totalResults: number, startIndex: number, resources: readonly object[]) => ({
  schemas: [listSchema],
  totalResults,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
})

const partsOf = (type: ResourceType, projection: Projection): Parts => {
  const isAsked = (name: string): boolean => type.schema.attributes.some((each) => each.name === name && isWanted(each, projection))
  return { groups: isAsked('groups'), members: isAsked('members') }
}

const readListQuery = (
  filter: string | undefined,
  startIndex: string | undefined,
  count: string | undefined,
): Result<ListQuery, ScimRefusal> => {
  const whole = (text: string | undefined, usual: number): number | undefined =>
    text === undefined || text === '' ? usual : /^-?\d{1,9}$/.test(text) ? Number(text) : undefined
  const from = whole(startIndex, 1)
  const many = whole(count, usualPerPage)
  if (from === undefined) return err(invalidNumber('startIndex'))
  if (many === undefined) return err(invalidNumber('count'))
  return ok({
    filter: filter === undefined || filter.trim() === '' ? undefined : filter,
    startIndex: Math.max(1, from),
    count: Math.min(mostPerPage, Math.max(0, many)),
  })
}

interface Search {
  readonly query: ListQuery
  readonly only: string | undefined
  readonly without: string | undefined
}

/** A query in a body (RFC 7644, section 3.4.3). */
const searchIn = async (c: Context): Promise<Result<Search, ScimRefusal>> => {
  const body = await jsonIn(c)
  if (!body.ok) return body
  if (!isComplex(body.value)) return err(refusal('invalidSyntax', 'The body must be a JSON object.'))
  const { schemas, filter, startIndex, count, attributes, excludedAttributes } = body.value
  if (!Array.isArray(schemas) || !schemas.includes(searchSchema))
    return err(refusal('invalidSyntax', `The schemas of a search name ${searchSchema}.`))
  if (filter !== undefined && filter !== null && typeof filter !== 'string')
    return err(refusal('invalidFilter', 'The filter must be text.'))
  const names = (list: unknown): string | undefined => (Array.isArray(list) ? list.join(',') : undefined)
  const number = (value: unknown): string | undefined => (value === undefined || value === null ? undefined : JSON.stringify(value))
  const query = readListQuery(filter ?? undefined, number(startIndex), number(count))
  return query.ok ? ok({ query: query.value, only: names(attributes), without: names(excludedAttributes) }) : query
}

const jsonIn = async (c: Context): Promise<Result<unknown, ScimRefusal>> => {
  const text = await c.req.text()
  try {
    return ok(JSON.parse(text) as unknown)
  } catch {
    return err(refusal('invalidSyntax', 'The body is not JSON that can be read.'))
  }
}

const isNamedIn = (header: string, etag: string): boolean => {
  const bare = (text: string): string => text.trim().replace(/^W\//, '')
  return header.split(',').some((part) => part.trim() === '*' || bare(part) === bare(etag))
}

const isAsRead = (c: Context): IsAsRead => {
  const named = c.req.header('if-match')
  return (etag) => named === undefined || isNamedIn(named, etag)
}
