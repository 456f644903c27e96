/** One request, one answer: bounded in time and size, no redirect followed, nothing thrown. */
import type { Clock } from '../../shared/clock.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export type Heard =
  | { readonly is: 'answer'; readonly status: number; readonly headers: Headers; readonly text: string }
  | { readonly is: 'timed-out' }
  /** The line dropped. The request may have arrived. */
  | { readonly is: 'cut'; readonly why: string }
  /** No connection came about: nothing was sent. */
  | { readonly is: 'not-sent'; readonly why: string }
  | { readonly is: 'too-large' }

export interface HttpDeps {
  readonly clock: Clock
  readonly fetch: typeof globalThis.fetch
}

export interface HttpRequest {
  readonly method: Method
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs: number
}

/** A page of 1000 items has about 200 kB. */
export const mostAnswerBytes = 16 * 1024 * 1024

/** Failures of the name look-up, the connection or its encryption. All of them come before the first byte of the request. */
const NOT_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT|CERT_[A-Z_]+|[A-Z_]+_CERT|[A-Z_]+_CERT_IN_CHAIN|UNABLE_TO_[A-Z_]+|ERR_TLS_[A-Z_]+|ERR_SSL_[A-Z_]+)$/

/** The code of a failed `fetch`, such as ECONNRESET. Its message and cause are left alone: they may quote the request, and so the token. */
const codeOf = (error: unknown): string => {
  const cause: unknown = error instanceof Error ? error.cause : undefined
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code) ? code : 'connection lost'
}

const boundedText = async (response: Response): Promise<string | undefined> => {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const part of response.body) {
    bytes += part.byteLength
    // Leaving the loop cancels the rest of the body.
    if (bytes > mostAnswerBytes) return undefined
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}

export const ask = async ({ clock, fetch }: HttpDeps, request: HttpRequest): Promise<Heard> => {
  const abort = new AbortController()
  let cancelTimer = (): void => undefined
  // A race and not the signal alone: whoever plays the network may not listen to it.
  const timeUp = new Promise<Heard>((resolve) => {
    cancelTimer = clock.after(request.timeoutMs, () => {
      resolve({ is: 'timed-out' })
      abort.abort()
    })
  })
  const heard = async (): Promise<Heard> => {
    try {
      const { method, url, headers, body } = request
      const response = await fetch(url, {
        method,
        headers,
        redirect: 'manual',
        signal: abort.signal,
        ...(body === undefined ? {} : { body }),
      })
      const text = await boundedText(response)
      return text === undefined ? { is: 'too-large' } : { is: 'answer', status: response.status, headers: response.headers, text }
    } catch (error) {
      const why = codeOf(error)
      return { is: NOT_SENT.test(why) ? 'not-sent' : 'cut', why }
    }
  }
  try {
    return await Promise.race([heard(), timeUp])
  } finally {
    cancelTimer()
  }
}

/** Undefined for whatever is no JSON: an edge's HTML page, an empty body, a body that was cut short. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
