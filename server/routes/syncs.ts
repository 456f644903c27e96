/** Syncs: the runs that read a store. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { parseConnectorId } from '../../shared/ids.ts'
import { ok } from '../../shared/result.ts'
import type { Sync } from '../../shared/sync.ts'
import { answerProblem, notFound } from '../problem.ts'
import type { Syncs } from '../syncs.ts'
import { answerList } from './answer-list.ts'
import { answer, problems } from './describe.ts'
import { body, query } from './input.ts'
import { listQuery, pageOfRows, timeIn, pageSchema, readCursor } from './list.ts'
import { syncSchema } from './schemas.ts'
import { allow, api, mustSignedIn, type RouteModule } from './web.ts'

export const syncRoutes =
  (deps: { readonly syncs: Syncs }): RouteModule =>
  (web) => {
    const { syncs } = deps
    const tags = ['Syncs']

    web.post(
      `${api}/connectors/:id/sync`,
      describeRoute({
        tags,
        summary: 'Sync now; a sync already running is given instead of a second one',
        responses: { 202: answer('The sync', syncSchema), ...problems(400, 404) },
      }),
      allow('sync'),
      body(v.object({ full: v.optional(v.boolean(), false) })),
      async (c) => {
        const id = parseConnectorId(c.req.param('id'))
        const by = mustSignedIn(c).by.is === 'session' ? 'admin' : 'api'
        const sync = id === undefined ? undefined : await syncs.request(id, by, c.req.valid('json').full)
        return sync === undefined ? answerProblem(c, notFound('connector')) : c.json(sync, 202)
      },
    )
    web.get(
      `${api}/syncs`,
      describeRoute({
        tags,
        summary: 'Syncs, the latest first',
        responses: { 200: answer('A page', pageSchema(syncSchema)), ...problems(400) },
      }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['startedAt']),
          sort: v.optional(v.picklist(['-startedAt'], 'must be -startedAt'), '-startedAt'),
          connector: v.optional(v.pipe(v.string(), v.maxLength(64), v.description('Of this connector only'))),
        }),
      ),
      async (c) => {
        const { connector: wanted, ...list } = c.req.valid('query')
        const connector = wanted === undefined ? undefined : parseConnectorId(wanted)
        return answerList<Sync>(c, {
          query: list,
          read: async (page) => {
            const cursor = readCursor(page)
            if (!cursor.ok) return cursor
            if (wanted !== undefined && connector === undefined) return ok({ items: [], next: null })
            const rows = await syncs.list({
              ...(connector === undefined ? {} : { connector }),
              ...(cursor.value === null ? {} : { before: { startedAt: timeIn(cursor.value.key), id: cursor.value.id } }),
              limit: page.limit + 1,
            })
            return ok(pageOfRows(rows, page, (sync) => ({ key: Date.parse(sync.startedAt), id: sync.id })))
          },
          view: (items) => items,
          schema: syncSchema,
        })
      },
    )
    web.get(
      `${api}/syncs/:id`,
      describeRoute({ tags, summary: 'One sync, with its progress', responses: { 200: answer('It', syncSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const sync = await syncs.find(c.req.param('id'))
        return sync === undefined ? answerProblem(c, notFound('sync')) : c.json(sync)
      },
    )
  }
