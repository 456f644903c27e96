/**
 * One request to the server's API and its answer: what came of it in words, field by field. What is not this server's
 * answer is never taken for one.
 */
import { member, textOf, list } from './server-lists.ts'
import { err, ok, type Result } from '../shared/result.ts'

/** `text` says what happened, what it means and what to do. */
export type ActFailed =
  | { readonly is: 'offline'; readonly text: string }
  | { readonly is: 'signed-out'; readonly text: string }
  /** A problem answer: `code` is the API's stable word, `data` its further members. */
  | {
      readonly is: 'refused'
      readonly status: number
      readonly code: string
      readonly text: string
      readonly errors: readonly FieldError[]
      readonly data: { readonly [name: string]: unknown }
    }
  /** An answer that is not this server's: a captive portal, a proxy's page. */
  | { readonly is: 'unreadable'; readonly status: number; readonly text: string }

export interface FieldError {
  readonly field: string
  readonly text: string
}

export type Fetch = (path: string, init: RequestInit) => Promise<Response>
export type Answer<T> = Promise<Result<T, ActFailed>>

const offline: ActFailed = {
  is: 'offline',
  text: 'The server can not be reached. Nothing was done. This needs a connection: do it again once you are back online.',
}
const signedOut: ActFailed = { is: 'signed-out', text: 'You are signed out. Nothing was done. Sign in and do it again.' }

export type Request = (method: string, path: string, body?: unknown, contentType?: string) => Answer<unknown>

/** Asks the API once. A 401 is `signed-out`, unless the answer says that it is about the credentials just given. */
export const createRequest =
  (fetch: Fetch): Request =>
  async (method, path, body, contentType = 'application/json') => {
    let response: Response
    try {
      response = await fetch(`/api/v1${path}`, {
        method,
        credentials: 'same-origin',
        headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': contentType }) },
        ...(body === undefined ? {} : { body: typeof body === 'string' || body instanceof Blob ? body : JSON.stringify(body) }),
      })
    } catch {
      // fetch throws for every way in which there is no answer.
      return err(offline)
    }
    if (response.status === 204) return ok(undefined)
    const type = response.headers.get('content-type') ?? ''
    if (!/^application\/(problem\+)?json\b/.test(type)) return err(unreadable(response.status))
    let value: unknown
    try {
      value = await response.json()
    } catch {
      return err(unreadable(response.status))
    }
    if (response.ok) return ok(value)
    const code = textOf(member(value, 'code'))
    if (response.status === 401 && code !== 'sign-in-refused') return err(signedOut)
    return err({
      is: 'refused',
      status: response.status,
      code,
      text: textOf(member(value, 'detail')) || textOf(member(value, 'title')),
      errors: list(member(value, 'errors')).map((part) => ({ field: textOf(member(part, 'field')), text: textOf(member(part, 'text')) })),
      data: typeof value === 'object' && value !== null ? { ...value } : {},
    })
  }

export const unreadable = (status: number): ActFailed => ({
  is: 'unreadable',
  status,
  text: 'What came back is not from this server. Check that no sign-in page of the network stands between, then do it again.',
})
