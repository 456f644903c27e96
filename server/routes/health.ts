/** For whoever runs the server: is the process there, and can it work? Open to everyone, so it says no more than that. */
import { describeRoute } from 'hono-openapi'
import { sql } from 'kysely'
import * as v from 'valibot'
import type { Dialect } from '../database/columns.ts'
import { migrationsFor } from '../database/migrations.ts'
import type { Db } from '../database/schema.ts'
import { answer } from './describe.ts'
import type { RouteModule } from './web.ts'

/** Why the server can not work now, in a few words; undefined when it can. */
export type ReadyCheck = () => string | undefined | Promise<string | undefined>

const healthSchema = v.object({ status: v.picklist(['ok']) })
const readySchema = v.object({ status: v.picklist(['ready', 'not-ready']), reasons: v.array(v.string()) })

const databaseAnswers =
  (db: Db, dialect: Dialect): ReadyCheck =>
  async () => {
    try {
      const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
      const done = new Set(rows.map((row) => row.name))
      return Object.keys(migrationsFor(dialect)).every((name) => done.has(name)) ? undefined : 'the database has not this version’s schema'
    } catch {
      // The reason may name the database's host: it is in the log of whoever needs the database.
      return 'the database does not answer'
    }
  }

export const healthRoutes =
  (deps: { readonly db: Db; readonly dialect: Dialect; readonly checks?: readonly ReadyCheck[] }): RouteModule =>
  (web) => {
    const checks = [databaseAnswers(deps.db, deps.dialect), ...(deps.checks ?? [])]

    web.get(
      '/healthz',
      describeRoute({
        tags: ['Health'],
        summary: 'The process answers',
        security: [],
        responses: { 200: answer('It does', healthSchema) },
      }),
      (c) => c.json({ status: 'ok' as const }, 200, { 'Cache-Control': 'no-store' }),
    )
    web.get(
      '/readyz',
      describeRoute({
        tags: ['Health'],
        summary: 'The database answers and has its schema',
        security: [],
        responses: { 200: answer('Ready', readySchema), 503: answer('Not ready', readySchema) },
      }),
      async (c) => {
        const reasons = (await Promise.all(checks.map((check) => check()))).filter((reason) => reason !== undefined)
        return c.json(
          { status: reasons.length === 0 ? ('ready' as const) : ('not-ready' as const), reasons },
          reasons.length === 0 ? 200 : 503,
          {
            'Cache-Control': 'no-store',
          },
        )
      },
    )
  }
