/** The audit log, latest first, and whether its chain holds. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { isoTime } from '../../shared/clock.ts'
import { verifyAudit } from '../audit.ts'
import type { AuditTable, Db } from '../database/schema.ts'
import { answerProblem } from '../problem.ts'
import { answer, problems } from './describe.ts'
import { query } from './input.ts'
import { listQuery, pageOfRows, pageSchema, readCursor } from './list.ts'
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
        const wanted = c.req.valid('query')
        const cursor = readCursor(wanted)
        if (!cursor.ok) return answerProblem(c, cursor.error)
        const isDown = wanted.sort === '-n'
        let rows = db
          .selectFrom('audit')
          .selectAll()
          .orderBy('n', isDown ? 'desc' : 'asc')
          .limit(wanted.limit + 1)
        if (cursor.value !== null) rows = rows.where('n', isDown ? '<' : '>', Number(cursor.value.key))
        if (wanted.actor !== undefined) rows = rows.where('actor', '=', wanted.actor)
        if (wanted.action !== undefined) rows = rows.where('action', '=', wanted.action)
        if (wanted.object !== undefined) rows = rows.where('object', '=', wanted.object)
        const page = pageOfRows(await rows.execute(), wanted, (row) => ({ key: row.n, id: String(row.n) }))
        return c.json({ items: page.items.map(rowOf), next: page.next })
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
