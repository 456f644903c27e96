/** Who I am here, what I may do, and my password. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { may, roles, type Act } from '../../shared/admin.ts'
import { isoTime, type Clock } from '../../shared/clock.ts'
import { exhaustive } from '../../shared/result.ts'
import type { Admins } from '../admins.ts'
import { answerProblem } from '../problem.ts'
import { answer, noContent, problems } from './describe.ts'
import { body, password } from './input.ts'
import { passwordProblem, tooManyTries } from './sign-in.ts'
import { api, byOf, mustSignedIn, type RouteModule } from './web.ts'

const acts = [
  'read',
  'edit-plan',
  'sync',
  'reclaim',
  'manage-connectors',
  'manage-directory',
  'manage-admins',
  'read-audit',
] as const satisfies readonly Act[]

const meSchema = v.object({
  id: v.string(),
  kind: v.picklist(['admin', 'api-key']),
  name: v.string(),
  email: v.nullable(v.string()),
  role: v.picklist(roles),
  scopeTags: v.array(v.string()),
  may: v.pipe(v.array(v.picklist(acts)), v.description('What this role covers')),
  sessionExpiresAt: v.nullable(v.string()),
  now: v.pipe(v.string(), v.description('The server’s clock')),
})

export const meRoutes =
  (deps: { readonly clock: Clock; readonly admins: Admins }): RouteModule =>
  (web) => {
    web.get(
      `${api}/me`,
      describeRoute({ tags: ['Sign-in'], summary: 'Who is asking', responses: { 200: answer('The asker', meSchema), ...problems() } }),
      (c) => {
        const { actor, scopeTags, by } = mustSignedIn(c)
        return c.json({
          id: actor.id,
          kind: actor.kind,
          name: actor.name,
          email: by.is === 'session' ? by.email : null,
          role: actor.role,
          scopeTags,
          may: acts.filter((act) => may(actor, act)),
          sessionExpiresAt: by.is === 'session' ? isoTime(by.expiresAt) : null,
          now: isoTime(deps.clock.now()),
        })
      },
    )

    web.put(
      `${api}/me/password`,
      describeRoute({
        tags: ['Sign-in'],
        summary: 'Change one’s own password; one’s other sessions end',
        responses: { ...noContent, ...problems(400, 409, 422, 429) },
      }),
      body(v.object({ current: password, password })),
      async (c) => {
        const { by } = mustSignedIn(c)
        if (by.is !== 'session')
          return answerProblem(c, {
            status: 409,
            code: 'no-password',
            detail: 'An API key has no password. Make another key and revoke this one.',
          })
        const wanted = c.req.valid('json')
        const changed = await deps.admins.changePassword(byOf(c), by, wanted.current, wanted.password)
        if (changed.ok) return c.body(null, 204)
        switch (changed.error.is) {
          case 'current-password-wrong':
            return answerProblem(c, {
              status: 422,
              code: changed.error.is,
              detail: 'The present password is not right.',
              errors: [{ field: 'current', text: 'is not right' }],
            })
          case 'password-refused':
            return answerProblem(c, passwordProblem(changed.error.text))
          case 'too-many-tries':
            return answerProblem(c, tooManyTries(changed.error.retryAfterMs))
          default:
            return exhaustive(changed.error)
        }
      },
    )
  }
