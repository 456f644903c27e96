/** What went wrong, in the form of RFC 9457. `code` is for programs and stays; `detail` is for people and says what to do. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { answerRefusal, isScimPath } from './scim/refusal.ts'

export interface Problem {
  readonly status: ContentfulStatusCode
  /** A stable kebab-case word. */
  readonly code: string
  readonly detail: string
  /** In a few words; the same for every occurrence of the code. */
  readonly title?: string
  /** The parts of the request that were wrong. `field` is a path such as `credential.contentToken`, never a value. */
  readonly errors?: readonly FieldError[]
  /** Further members for this code alone, such as the id of what stands in the way. */
  readonly extra?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface FieldError {
  readonly field: string
  readonly text: string
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'Not signed in',
  403: 'Not permitted',
  404: 'Not found',
  405: 'Not possible here',
  406: 'Not to be had in that form',
  409: 'In conflict with what is there',
  412: 'Changed in the meantime',
  413: 'Too large',
  415: 'Not in a form that is read here',
  422: 'Understood, and not possible',
  426: 'A WebSocket is expected',
  429: 'Too many tries',
  500: 'Something broke here',
  503: 'Not available now',
}

/** Answers with a problem, a SCIM client in the form that it reads. Works in routes, middlewares and the error door alike. */
export const answerProblem = (c: Context, problem: Problem): Response => {
  // SCIM has a form of its own for what went wrong.
  if (isScimPath(c.req.path)) return answerRefusal(c, problem, problem.headers)
  const body = {
    ...problem.extra,
    type: `urn:quartermaster:problem:${problem.code}`,
    title: problem.title ?? titles[problem.status] ?? 'Not possible',
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    instance: c.req.path,
    requestId: c.get('requestId') as string | undefined,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  }
  return c.body(JSON.stringify(body), problem.status, { ...problem.headers, 'Content-Type': 'application/problem+json' })
}

/** Seconds, rounded up, as the header wants them. */
export const retryAfter = (ms: number): Readonly<Record<string, string>> => ({ 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) })

export const notFound = (what: string): Problem => ({
  status: 404,
  code: 'not-found',
  detail: `There is no such ${what}. It may have been removed.`,
})
