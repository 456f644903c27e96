/**
 * `Idempotency-Key`: a POST that is sent again gets the first one's answer. Kept for a day, for each asker apart, and
 * sealed, since an answer may hold a key that is shown once.
 */
import type { MiddlewareHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Clock } from '../shared/clock.ts'
import type { Db } from './database/schema.ts'
import { answerProblem } from './problem.ts'
import type { WebEnv } from './routes/web.ts'
import type { Sealer } from './seal.ts'

const KEPT_MS = 24 * 3_600_000
/** A first request without an answer for this long was cut off by a stop: it may be made anew. */
const AT_WORK_MS = 60_000
const AT_WORK = 0

export const createIdempotency = (deps: { readonly db: Db; readonly clock: Clock; readonly sealer: Sealer }): MiddlewareHandler<WebEnv> => {
  const { db, clock, sealer } = deps

  const sealed = (actor: string, key: string, text: string): string => {
    const { wrappedKey, nonce, sealed: bytes } = sealer.seal({ table: 'idempotency', row: `${actor}/${key}`, column: 'body' }, text)
    return [wrappedKey, nonce, bytes].map((part) => Buffer.from(part).toString('base64')).join('.')
  }
  const unsealed = (actor: string, key: string, text: string): string => {
    const [wrappedKey, nonce, bytes] = text.split('.').map((part) => Buffer.from(part, 'base64'))
    if (wrappedKey === undefined || nonce === undefined || bytes === undefined) throw new Error('idempotency: a kept answer is cut off')
    return sealer.unseal({ table: 'idempotency', row: `${actor}/${key}`, column: 'body' }, { wrappedKey, nonce, sealed: bytes })
  }

  return async (c, next) => {
    const key = c.req.header('idempotency-key')
    const signedIn = c.get('signedIn')
    if (key === undefined || signedIn === undefined || c.req.method !== 'POST') return next()
    if (!/^[\x21-\x7e]{1,255}$/.test(key))
      return answerProblem(c, {
        status: 400,
        code: 'idempotency-key-malformed',
        detail: 'An Idempotency-Key has 1 to 255 letters, digits or signs without blanks.',
      })

    // 1. One request for a key at a time; which it is shows by a hash of what it asks.
    const actor = `${signedIn.by.is}:${signedIn.actor.id}`
    const url = new URL(c.req.url)
    const digest = sealer.hash('request', `${url.pathname}${url.search}\n${await c.req.text()}`)
    const now = clock.now()
    await db
      .deleteFrom('idempotency')
      .where('at', '<', now - KEPT_MS)
      .execute()
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('idempotency')
      .values({ key, actor, digest, status: AT_WORK, content_type: '', body: '', at: now })
      .onConflict((conflict) =>
        conflict
          .columns(['key', 'actor'])
          .doUpdateSet({ at: now })
          .where('idempotency.status', '=', AT_WORK)
          .where('idempotency.at', '<', now - AT_WORK_MS)
          .where('idempotency.digest', '=', digest),
      )
      .executeTakeFirstOrThrow()

    // 2. Not the first: the kept answer, or why there is none.
    if ((numInsertedOrUpdatedRows ?? 0n) === 0n) {
      const kept = await db.selectFrom('idempotency').selectAll().where('key', '=', key).where('actor', '=', actor).executeTakeFirst()
      if (kept !== undefined && kept.digest !== digest)
        return answerProblem(c, {
          status: 422,
          code: 'idempotency-key-reused',
          detail: 'This Idempotency-Key was used for another request. Take a new one for each request.',
        })
      if (kept === undefined || kept.status === AT_WORK)
        return answerProblem(c, {
          status: 409,
          code: 'idempotency-key-at-work',
          detail: 'The first request with this Idempotency-Key is still at work. Ask again in a second for its answer.',
          headers: { 'Retry-After': '1' },
        })
      const text = unsealed(actor, key, kept.body)
      c.header('Idempotency-Replayed', 'true')
      if (kept.content_type !== '') c.header('Content-Type', kept.content_type)
      return kept.status === 204 ? c.body(null, 204) : c.body(text, kept.status as ContentfulStatusCode)
    }

    // 3. The first: its answer is kept, unless it was no answer to the question (broken, busy, not let in).
    const forget = () => db.deleteFrom('idempotency').where('key', '=', key).where('actor', '=', actor).execute()
    try {
      await next()
    } catch (cause) {
      await forget()
      throw cause
    }
    const { status } = c.res
    if (status >= 500 || status === 403 || status === 429) {
      await forget()
      return
    }
    const text = await c.res.clone().text()
    await db
      .updateTable('idempotency')
      .set({ status, content_type: c.res.headers.get('content-type') ?? '', body: sealed(actor, key, text) })
      .where('key', '=', key)
      .where('actor', '=', actor)
      .execute()
  }
}
