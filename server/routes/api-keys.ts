/** API keys, for owners to make and to revoke. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { roles } from '../../shared/admin.ts'
import type { ApiKey, ApiKeys } from '../api-keys.ts'
import { answerProblem, notFound } from '../problem.ts'
import { answerList } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { body, line, query, time } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { allow, api, byOf, type RouteModule } from './web.ts'

const apiKeySchema = v.object({
  id: v.string(),
  name: v.string(),
  role: v.picklist(roles),
  scopeTags: v.array(v.string()),
  createdBy: v.string(),
  createdAt: v.string(),
  expiresAt: v.nullable(v.string()),
  lastUsedAt: v.nullable(v.string()),
  revokedAt: v.nullable(v.string()),
})
const newApiKeySchema = v.object({ ...apiKeySchema.entries, key: v.pipe(v.string(), v.description('Shown once')) })

const createBody = v.object({
  name: line(100),
  role: v.picklist(roles, `must be one of ${roles.join(', ')}`),
  scopeTags: v.optional(v.pipe(v.array(line(60)), v.maxLength(50)), []),
  expiresAt: v.optional(v.nullable(time), null),
})

const keys = {
  createdAt: (key: ApiKey) => key.createdAt,
  name: (key: ApiKey) => key.name.toLowerCase(),
  lastUsedAt: (key: ApiKey) => key.lastUsedAt,
}

export const apiKeyRoutes =
  (deps: { readonly apiKeys: ApiKeys }): RouteModule =>
  (web) => {
    const { apiKeys } = deps
    const tags = ['API keys']

    web.get(
      `${api}/api-keys`,
      describeRoute({
        tags,
        summary: 'The keys, without their secrets; revoked ones too',
        responses: { 200: answer('A page', pageSchema(apiKeySchema)), ...problems(400) },
      }),
      allow('manage-admins'),
      query(v.object(listQuery(['createdAt', 'name', 'lastUsedAt']))),
      async (c) => {
        const all = await apiKeys.all()
        return answerList(c, {
          query: c.req.valid('query'),
          read: (wanted) => pageOf(all, wanted, keys, (key) => key.id),
          view: (items) => items,
          schema: apiKeySchema,
        })
      },
    )

    web.post(
      `${api}/api-keys`,
      describeRoute({
        tags,
        summary: 'Make a key',
        responses: { 201: answer('The key, shown once', newApiKeySchema), ...problems(400, 422) },
      }),
      allow('manage-admins'),
      body(createBody),
      async (c) => {
        const made = await apiKeys.create(byOf(c), c.req.valid('json'))
        if (!made.ok)
          return answerProblem(c, {
            status: 422,
            code: made.error.is,
            detail: 'expiresAt is in the past. Choose a later time, or leave it out.',
            errors: [{ field: 'expiresAt', text: 'is in the past' }],
          })
        return c.json({ ...made.value.apiKey, key: made.value.key }, 201)
      },
    )

    web.delete(
      `${api}/api-keys/:id`,
      describeRoute({ tags, summary: 'Revoke a key; it stays listed', responses: { ...noContent, ...problems(404) } }),
      allow('manage-admins'),
      async (c) => ((await apiKeys.revoke(byOf(c), c.req.param('id'))) ? c.body(null, 204) : answerProblem(c, notFound('API key'))),
    )
  }
