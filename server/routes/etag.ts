/** Changes on condition: `ETag` says which state of an object was read, `If-Match` that it must still be that one. */
import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import { answerProblem } from '../problem.ts'

/** Of what people can change about an object: what the server changes by itself (a sync's time) makes no edit stale. */
export const etagOf = (state: unknown): string => `"${createHash('sha256').update(JSON.stringify(state)).digest('base64url').slice(0, 22)}"`

/** True when the request names no state, or this one. */
export const isMatch = (c: Context, etag: string): boolean => {
  const named = c.req.header('if-match')
  if (named === undefined) return true
  return named.split(',').some((part) => part.trim() === '*' || part.trim() === etag)
}

export const answerStale = (c: Context, etag: string, current: object): Response =>
  answerProblem(c, {
    status: 412,
    code: 'changed-meanwhile',
    detail:
      'It was changed since you read it; nothing was changed now. `current` is how it stands. Look at it, and send your change again.',
    extra: { current },
    headers: { ETag: etag },
  })
