/** The audit log, latest first, and whether its chain holds. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { isoTime } from '../../shared/clock.ts'
import { ok, type Result } from '../../shared/result.ts'
import { verifyAudit } from '../audit.ts'
import type { AuditTable, Db } from '../database/schema.ts'
import type { Problem } from '../problem.ts'
import { answerList } from './answer-list.ts'
import { answer, problems } from './describe.ts'
import { query } from './input.ts'
import { listQuery, pageOfRows, pageSchema, readCursor, type ListQuery, type Page } from './list.ts'
import { allow, api, type RouteModule } from './web.ts'

const auditSchema = v.object({
  n: v.number(),
  at: v.string(),
  actor: v.object({ id: v.string(), name: v.string() }),
  action: v.string(),
  object: v.string(),
  detail: v.record(v.string(), v.unknown()),
  origin: v.string(),
  hash: v.string(),
})
const verifiedSchema = v.object({ ok: v.boolean(), rows: v.number(), head: v.string(), firstBadRow: v.nullable(v.number()) })

const auditQuery = v.object({
  ...listQuery(['n']),
  sort: v.optional(v.picklist(['n', '-n'], 'must be n or -n'), '-n'),
  actor: v.optional(v.pipe(v.string(), v.maxLength(100), v.description('An id of who acted'))),
  action: v.optional(v.pipe(v.string(), v.maxLength(100))),
  object: v.optional(v.pipe(v.string(), v.maxLength(200))),
})

/** A cursor comes from outside: one that was made up leads to the beginning of nothing. */
const numberIn = (id: string): number => (/^[0-9]{1,15}$/.test(id) ? Number(id) : -1)

type Filters = Pick<v.InferOutput<typeof auditQuery>, 'actor' | 'action' | 'object'>

const rowOf = (row: AuditTable) => ({
  n: row.n,
  at: isoTime(row.at),
  actor: { id: row.actor, name: row.actor_name },
  action: row.action,
  object: row.object,
  detail: JSON.parse(row.detail) as Record<string, unknown>,
  origin: row.origin,
  hash: row.hash,
})

export const auditRoutes =
  (deps: { readonly db: Db }): RouteModule =>
  (web) => {
    const { db } = deps
    const tags = ['Audit']

    const readPage = async (wanted: ListQuery & Filters): Promise<Result<Page<AuditTable>, Problem>> => {
      const cursor = readCursor(wanted)
      if (!cursor.ok) return cursor
      const isDown = wanted.sort === '-n'
      let rows = db
        .selectFrom('audit')
        .selectAll()
        .orderBy('n', isDown ? 'desc' : 'asc')
        .limit(wanted.limit + 1)
      if (cursor.value !== null) rows = rows.where('n', isDown ? '<' : '>', numberIn(cursor.value.id))
      if (wanted.actor !== undefined) rows = rows.where('actor', '=', wanted.actor)
      if (wanted.action !== undefined) rows = rows.where('action', '=', wanted.action)
      if (wanted.object !== undefined) rows = rows.where('object', '=', wanted.object)
      return ok(pageOfRows(await rows.execute(), wanted, (row) => ({ key: row.n, id: String(row.n) })))
    }

    web.get(
      `${api}/audit`,
      describeRoute({
        tags,
        summary: 'Who did what, latest first',
        responses: { 200: answer('A page', pageSchema(auditSchema)), ...problems(400) },
      }),
      allow('read-audit'),
      query(auditQuery),
      async (c) => {
        const asked = c.req.valid('query')
        return answerList(c, {
          query: asked,
          read: (wanted) => readPage({ ...asked, ...wanted }),
          view: (rows) => rows.map(rowOf),
          schema: auditSchema,
        })
      },
    )

    web.get(
      `${api}/audit/verify`,
      describeRoute({
        tags,
        summary: 'Walk the chain of hashes',
        responses: { 200: answer('Whether it holds', verifiedSchema), ...problems() },
      }),
      allow('read-audit'),
      async (c) => c.json(await verifyAudit(db)),
    )
  }
