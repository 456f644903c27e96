/**
 * Requests to Apple's service under its rules of pace. One client for each Location.
 *
 * A GET may be tried again, bounded; a POST never: whether one that was cut off took effect is found out by reading.
 * The body is looked into before the status, since errors come with 200 too. A redirect is not followed: the token goes
 * to the configured host and to no other.
 */
import * as v from 'valibot'
import { sleep, type Chance, type Clock } from '../../../shared/clock.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Secret } from '../../secret.ts'
import type { StoreFailure } from '../store.ts'
import { openCredential } from './content-token.ts'
import { defaultPauseMs, failureOf } from './failures.ts'
import { envelopeAnswer, errorAnswer, type Envelope } from './wire.ts'

/** The store's error number, kept for the few callers that act on it. */
export interface ErrorNumber {
  readonly is: 'error-number'
  readonly errorNumber: number
  readonly failure: StoreFailure
}
/** A POST that may or may not have arrived. */
export interface OutcomeUnknown {
  readonly is: 'outcome-unknown'
  readonly text: string
}
export type RequestFailure = { readonly is: 'failure'; readonly failure: StoreFailure } | ErrorNumber | OutcomeUnknown

export interface AppleClient {
  get<T>(path: string, query: Readonly<Record<string, string>>, schema: v.GenericSchema<unknown, T>): Promise<Result<T, RequestFailure>>
  post<T>(path: string, body: unknown, schema: v.GenericSchema<unknown, T>): Promise<Result<T, RequestFailure>>
  /** Requests a second that the service allows at present. */
  setRate(requestsPerSecond: number): void
}

export interface AppleClientDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly fetch: typeof globalThis.fetch
  readonly baseUrl: string
  readonly secret: Secret
  /** Every answer carries who holds the Location. */
  readonly onEnvelope: (envelope: Envelope) => void
}

const getTimeoutMs = 30_000
const postTimeoutMs = 60_000
const mostAnswerBytes = 32 * 1024 * 1024
const mostTries = 5
const firstBackOffMs = 1000
/** What the service may ask of us at most; shown as the connector's reason meanwhile. */
const longestPauseMs = 60 * 60_000
/** We take half of what is allowed: another management service may share it. */
const ourShare = 0.5
/** Requests that may follow each other at once, as long as the average holds. */
const atOnce = 5
const userAgent = 'Quartermaster'

export const createAppleClient = (deps: AppleClientDeps): AppleClient => {
  const { clock, chance } = deps
  let nextAt = 0
  let gapMs = 1000 / (10 * ourShare)
  let pausedUntil = 0

  /** Waits for this Location's turn. A pause that the service asked for is not waited out here: the caller comes back. */
  const turn = async (): Promise<StoreFailure | undefined> => {
    const pauseMs = pausedUntil - clock.now()
    if (pauseMs > 0) return { is: 'store-busy', retryAfterMs: pauseMs }
    const from = Math.max(nextAt, clock.now())
    nextAt = from + gapMs
    const waitMs = from - clock.now() - atOnce * gapMs
    if (waitMs > 0) await sleep(clock, waitMs)
    return undefined
  }

  const once = async <T>(
    method: 'GET' | 'POST',
    url: string,
    body: string | undefined,
    schema: v.GenericSchema<unknown, T>,
  ): Promise<Result<T, RequestFailure>> => {
    const abort = new AbortController()
    const cancelTimer = clock.after(method === 'GET' ? getTimeoutMs : postTimeoutMs, () => abort.abort())
    let response: Response
    let text: string
    try {
      response = await deps.fetch(url, {
        method,
        redirect: 'manual',
        signal: abort.signal,
        headers: {
          Authorization: `Bearer ${openCredential(deps.secret).contentToken}`,
          Accept: 'application/json',
          'User-Agent': userAgent,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      })
      text = await boundedText(response)
    } catch {
      // The cause is not passed on: a fetch error may quote the request, and so the token.
      return method === 'POST'
        ? err({ is: 'outcome-unknown', text: 'The connection to Apple broke off before it answered.' })
        : err({
            is: 'failure',
            failure: { is: 'store-unreachable', text: 'Apple could not be reached. The old data is kept. It is tried again by itself.' },
          })
    } finally {
      cancelTimer()
    }
    return read(method, response, text, schema)
  }

  const read = <T>(
    method: 'GET' | 'POST',
    response: Response,
    text: string,
    schema: v.GenericSchema<unknown, T>,
  ): Result<T, RequestFailure> => {
    const { status } = response
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), clock.now())
    if (retryAfterMs !== undefined && (status === 429 || status >= 500)) pausedUntil = Math.max(pausedUntil, clock.now() + retryAfterMs)
    const json = parseJson(text)
    const error = v.safeParse(errorAnswer, json)
    if (error.success) {
      const { errorNumber } = error.output
      // 9603 and its like may come after the work was done.
      if (method === 'POST' && status >= 500 && errorNumber !== 9729)
        return err({ is: 'outcome-unknown', text: `Apple answered with an error of its own (${errorNumber}).` })
      return err({ is: 'error-number', errorNumber, failure: failureOf(errorNumber, status, retryAfterMs) })
    }
    if (status >= 300 && status < 400)
      return err({
        is: 'failure',
        failure: {
          is: 'store-unreachable',
          text: 'The address for Apple sent us elsewhere. A proxy stands between; the token was not sent on. Check the network of this server.',
        },
      })
    if (status >= 500) {
      if (method === 'POST') return err({ is: 'outcome-unknown', text: `Apple answered with status ${status}.` })
      return err({ is: 'failure', failure: { is: 'store-busy', retryAfterMs: retryAfterMs ?? defaultPauseMs } })
    }
    if (status >= 400) return err({ is: 'failure', failure: failureOf(0, status, retryAfterMs) })
    const parsed = v.safeParse(schema, json)
    if (!parsed.success) {
      if (method === 'POST') return err({ is: 'outcome-unknown', text: "Apple's answer could not be read." })
      return err({
        is: 'failure',
        failure: {
          is: 'store-answer-unreadable',
          text: "Apple's answer could not be read. The old data is kept. It is tried again by itself.",
        },
      })
    }
    const envelope = v.safeParse(envelopeAnswer, json)
    if (envelope.success) deps.onEnvelope(envelope.output)
    return ok(parsed.output)
  }

  return {
    setRate: (requestsPerSecond) => {
      gapMs = 1000 / (Math.max(1, requestsPerSecond) * ourShare)
    },
    get: async (path, query, schema) => {
      const search = new URLSearchParams(query).toString()
      const url = `${deps.baseUrl}${path}${search === '' ? '' : `?${search}`}`
      for (let tries = 1; ; tries += 1) {
        const busy = await turn()
        if (busy !== undefined) return err({ is: 'failure', failure: busy })
        const answer = await once('GET', url, undefined, schema)
        if (answer.ok || tries >= mostTries || !mayPass(answer.error) || pausedUntil > clock.now()) return answer
        await sleep(clock, firstBackOffMs * 2 ** (tries - 1) * (0.5 + chance.fraction()))
      }
    },
    post: async (path, body, schema) => {
      const busy = await turn()
      if (busy !== undefined) return err({ is: 'failure', failure: busy })
      return await once('POST', `${deps.baseUrl}${path}`, JSON.stringify(body), schema)
    },
  }
}

/** Worth another try of the same read: a busy or broken service, a cut connection, an answer cut short. */
const mayPass = (failure: RequestFailure): boolean => {
  const inner = failure.is === 'outcome-unknown' ? undefined : failure.failure
  return inner !== undefined && (inner.is === 'store-busy' || inner.is === 'store-unreachable' || inner.is === 'store-answer-unreadable')
}

const boundedText = async (response: Response): Promise<string> => {
  if (response.body === null) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.length
    if (bytes > mostAnswerBytes) {
      await reader.cancel()
      throw new Error('the answer is too large')
    }
    parts.push(value)
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // An edge's HTML page, an empty body, a body cut short: to the caller none of them is an answer.
    return undefined
  }
}

/** Seconds or an HTTP date, bounded; undefined for nothing or for what is neither. */
export const parseRetryAfter = (header: string | null, now: number): number | undefined => {
  if (header === null) return undefined
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) : undefined
  const ms = seconds === undefined ? Date.parse(header) - now : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), longestPauseMs)
}
