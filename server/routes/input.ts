/** Bodies, queries and path parts, parsed by a schema before a route sees them. What is wrong is told by its name, never by its value. */
import type { Context } from 'hono'
import { validator } from 'hono-openapi'
import type { BaseIssue, GenericSchema } from 'valibot'
import * as v from 'valibot'
import { answerProblem, type FieldError, type Problem } from '../problem.ts'
import { Secret } from '../secret.ts'
import { isEmail } from '../../shared/mail-address.ts'

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  Array: 'a list',
  Object: 'an object',
  never: 'left out',
}

/** Valibot's own messages end in what was received, which may be a secret. */
const textOf = (issue: BaseIssue<unknown>): string => {
  if (!/^Invalid .*[Rr]eceived /s.test(issue.message)) return issue.message
  if (issue.received === 'undefined') return 'is missing'
  if (issue.expected === null) return 'is not in the right form'
  return `must be ${kinds[issue.expected] ?? issue.expected.replace(/^>=/, 'at least ').replace(/^<=/, 'at most ')}`
}

export const fieldErrorsOf = (issues: readonly BaseIssue<unknown>[]): readonly FieldError[] =>
  issues.slice(0, 50).map((issue) => ({ field: v.getDotPath(issue) ?? '', text: textOf(issue) }))

export const malformed = (errors: readonly FieldError[]): Problem => ({
  status: 400,
  code: 'request-malformed',
  detail: `${errors.map(({ field, text }) => (field === '' ? `The request ${text}` : `${field} ${text}`)).join('; ')}. Mend it and send it again.`,
  errors,
})

const refuse = (result: { readonly success: boolean; readonly error?: unknown }, c: Context): Response | undefined =>
  result.success ? undefined : answerProblem(c, malformed(fieldErrorsOf(result.error as readonly BaseIssue<unknown>[])))

export const body = <const Schema extends GenericSchema>(schema: Schema) => validator('json', schema, (result, c) => refuse(result, c))
export const query = <const Schema extends GenericSchema>(schema: Schema) => validator('query', schema, (result, c) => refuse(result, c))
export const params = <const Schema extends GenericSchema>(schema: Schema) => validator('param', schema, (result, c) => refuse(result, c))

export const email = v.pipe(v.string(), v.trim(), v.maxLength(320), v.check(isEmail, 'must be a mail address'))

/** Long enough for any password; what is longer is not worth hashing. */
export const password = v.pipe(
  v.string(),
  v.minLength(1, 'must not be empty'),
  v.maxLength(1_024),
  v.transform((text) => Secret.of(text)),
)

/** A line of text that a person gave: trimmed, not empty, without control characters. */
export const line = (mostCharacters: number) =>
  v.pipe(
    v.string(),
    v.trim(),
    v.minLength(1, 'must not be empty'),
    v.maxLength(mostCharacters),
    v.regex(/^[^\p{Cc}]*$/u, 'must be one line of text'),
  )

/** ISO 8601 with a zone; gives milliseconds since 1970. */
export const time = v.pipe(
  v.string(),
  v.isoTimestamp('must be a time such as 2027-01-31T12:00:00Z'),
  v.transform((text) => Date.parse(text)),
)
