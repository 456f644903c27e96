/** Who I am here, and what I may do. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { may, roles, type Act } from '../../shared/admin.ts'
import { isoTime, type Clock } from '../../shared/clock.ts'
import { answer, problems } from './describe.ts'
import { api, mustSignedIn, type RouteModule } from './web.ts'

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
  (deps: { readonly clock: Clock }): RouteModule =>
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
  }
