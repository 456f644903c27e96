/**
 * The addresses at which stores tell of changes. They stand open to the whole internet, so:
 *
 * - Each connector has a secret of its own, 32 random bytes, sent as a bearer. A wrong or missing one and a connector that
 *   does not exist are answered alike, in the same time and without a word: nobody learns which connectors there are. The
 *   body is not read before that.
 * - Who sends wrong secrets is soon not looked at any more, address by address. Stores come from addresses of their own.
 * - No session, cookie or API key counts here, and the secret opens nothing else.
 * - Large bodies are refused by their length, before they are read (app.ts).
 * - The secret is no proof of truth: whoever holds a token of the Location can read it at Apple. So nothing that a notice
 *   says is believed. It makes the server read at the store, at a bounded rate, and that is the most a forger can reach.
 * - What came is kept sealed for a few days: it can name people, and hold what lets somebody accept an invitation.
 */
import { describeRoute } from 'hono-openapi'
import type { Clock } from '../../shared/clock.ts'
import { createLimit } from '../limit.ts'
import { noticePath } from '../notice-subscription.ts'
import type { Notices } from '../notices.ts'
import { visitorOf } from '../peer-address.ts'
import type { RouteModule } from './web.ts'

/** Wrong secrets of one visitor. Apple tries a notice three times in minutes, so an old secret alone does not reach this. */
const wrongSecrets = { most: 60, windowMs: 60_000 }

export const hookRoutes =
  (deps: { readonly notices: Pick<Notices, 'take'>; readonly clock: Clock }): RouteModule =>
  (web) => {
    const limit = createLimit(deps.clock, wrongSecrets)
    /** Only what was wrong counts: of right ones a store may send hundreds at once. */
    const restUntilByVisitor = new Map<string, number>()
    const countWrong = (visitor: string): void => {
      const counted = limit.take(visitor)
      if (counted.ok) return
      const now = deps.clock.now()
      for (const [other, until] of restUntilByVisitor) if (until <= now) restUntilByVisitor.delete(other)
      restUntilByVisitor.set(visitor, now + counted.error.retryAfterMs)
    }

    web.post(
      noticePath('apple', ':connector'),
      describeRoute({
        tags: ['Notices'],
        summary: 'For Apple: a notice of a change, with the secret of the connector as its bearer',
        description: 'The address and its secret are given to Apple by the server itself. Kept before it is answered, followed afterwards.',
        security: [],
        responses: {
          200: { description: 'Kept, or kept before' },
          400: { description: 'No notice' },
          403: { description: 'Not let in' },
          413: { description: 'Too large' },
          429: { description: 'Too many wrong secrets from this address' },
        },
      }),
      async (c) => {
        const visitor = visitorOf(c.get('address'))
        const restMs = (restUntilByVisitor.get(visitor) ?? 0) - deps.clock.now()
        if (restMs > 0 && restMs <= wrongSecrets.windowMs) return c.body(null, 429, { 'Retry-After': String(Math.ceil(restMs / 1000)) })
        const bearer = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(c.req.header('authorization') ?? '')?.[1]
        const taken = await deps.notices.take(c.req.param('connector') ?? '', bearer, () => c.req.text())
        if (taken === 'not-let-in') {
          countWrong(visitor)
          return c.body(null, 403)
        }
        return c.body(null, taken === 'no-notice' ? 400 : 200)
      },
    )
  }
