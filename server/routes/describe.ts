/** Words for the OpenAPI document. */
import { resolver } from 'hono-openapi'
import * as v from 'valibot'

export const problemSchema = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.pipe(v.string(), v.description('What to do, for a person')),
  code: v.pipe(v.string(), v.description('A stable word, for a program')),
  instance: v.string(),
  requestId: v.optional(v.string()),
  errors: v.optional(v.array(v.object({ field: v.string(), text: v.string() }))),
})

export const answer = (description: string, schema: v.GenericSchema) => ({
  description,
  content: { 'application/json': { schema: resolver(schema) } },
})

export const noContent = { 204: { description: 'Done' } }

const words: Readonly<Record<number, string>> = {
  400: 'Malformed',
  401: 'Not signed in',
  403: 'Not permitted',
  404: 'Not found',
  409: 'In conflict with what is there',
  412: 'Changed in the meantime; holds the current object',
  422: 'Understood, and not possible',
  429: 'Too many tries; Retry-After says when',
  503: 'Not available now; nothing was changed',
}

/** `problems(404, 409)`: each in the form of RFC 9457. Being signed in and permitted is asked everywhere. */
export const problems = (...statuses: readonly number[]) =>
  Object.fromEntries(
    [401, 403, ...statuses].map((status) => [
      status,
      { description: words[status] ?? 'A problem', content: { 'application/problem+json': { schema: resolver(problemSchema) } } },
    ]),
  )
