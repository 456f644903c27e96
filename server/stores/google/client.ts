/**
 * Requests to a Google API under its rules: signed in, paced, tried again where that is safe, and every answer read into a
 * value or a listed failure. Both kinds of Google connector ask through it.
 *
 * What may be repeated (GET, PUT, DELETE) is tried again, bounded; a POST never. The token goes to the configured address and
 * to no other. Source: docs/stores/managed-google-play.md, "Failures" and "Pace".
 */
import * as v from 'valibot'
import type { Chance, Clock } from '../../../shared/clock.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { ask, parseJson, type Heard, type Method } from '../http.ts'
import { parseRetryAfter } from '../pace.ts'
import type { StoreFailure } from '../store.ts'
import { createGooglePace } from './pace.ts'
import type { GoogleSignIn, SignInFailure } from './sign-in.ts'

/** Google said no to this very request; nothing was done. `reason` is its own word (`notFound`, `forbidden`, …), empty when it gave none; `message` is untrusted. */
export interface GoogleRefusal {
  readonly is: 'refused'
  readonly status: number
  readonly reason: string
  readonly message: string
}

export type GoogleFailure =
  | GoogleRefusal
  | { readonly is: 'busy'; readonly retryAfterMs: number }
  | { readonly is: 'unreachable'; readonly text: string }
  | { readonly is: 'unreadable'; readonly text: string }
  /** It may or may not have been done. */
  | { readonly is: 'outcome-unknown'; readonly text: string }
  | { readonly is: 'not-signed-in'; readonly failure: SignInFailure }

export type Parse<T> = (json: unknown) => Result<T, { readonly where: string }>
export type Query = Readonly<Record<string, string | undefined>>

export interface GoogleRequest {
  readonly method: Method
  /** Below the base address, each part encoded already. */
  readonly path: string
  readonly query?: Query
  readonly body?: unknown
  /** Somebody waits for it: it goes before what a sync reads, and gives up sooner. */
  readonly urgent?: boolean
  /** A POST that does no more when it is done twice. */
  readonly repeatable?: boolean
}

export interface GoogleClient {
  send<T>(request: GoogleRequest, parse: Parse<T>): Promise<Result<T, GoogleFailure>>
}

export interface GoogleClientDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly fetch: typeof globalThis.fetch
  readonly baseUrl: string
  /** The setting that holds the base address, named when it may be wrong. */
  readonly setting: 'QM_GOOGLE_PLAY_URL' | 'QM_GOOGLE_MANAGEMENT_URL'
  readonly signIn: GoogleSignIn
  /** Before every request, where the project's quota is shared. Absent: it is not. */
  readonly turnOfProject?: (urgent: boolean) => Promise<void>
}

const timeoutMs = 30_000
const mostTries = 5
/** A list may wait this long within one call; longer pauses are given back as `busy`. */
const longestQuietWaitMs = 65_000
const longestUrgentWaitMs = 10_000
const mostMessageLength = 200
const userAgent = 'Quartermaster'

const passes = 'The old data is kept with its age. It is tried again by itself.'

const errorForm = v.object({
  error: v.object({
    code: v.optional(v.number()),
    message: v.optional(v.string(), ''),
    status: v.optional(v.string(), ''),
    errors: v.optional(v.array(v.object({ reason: v.optional(v.string(), '') })), []),
  }),
})

const rateReasons: ReadonlySet<string> = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'quotaExceeded'])

type Told<T> =
  | { readonly is: 'good'; readonly value: T }
  | { readonly is: 'failed'; readonly failure: GoogleFailure }
  /** Worth another try, where the request may be repeated. `maybeDone`: Google may have done it all the same. */
  | { readonly is: 'trouble'; readonly failure: GoogleFailure; readonly retryAfterMs: number | undefined; readonly maybeDone: boolean }
  | { readonly is: 'token-refused'; readonly failure: GoogleRefusal }

export const createGoogleClient = (deps: GoogleClientDeps): GoogleClient => {
  const { clock, baseUrl, signIn, setting } = deps
  const pace = createGooglePace(deps)
  const host = new URL(baseUrl).host

  const unreachable = (why: string): GoogleFailure => ({
    is: 'unreachable',
    text: `${host} could not be reached (${why}). Check that this server may reach it. ${passes}`,
  })
  const notGoogle = (status: number): GoogleFailure => ({
    is: 'unreachable',
    text: `${host} did not answer as Google does (status ${status}). Check ${setting}, and whether a proxy stands between. ${passes}`,
  })
  const unreadable = (where: string): GoogleFailure => ({
    is: 'unreadable',
    text: `An answer of Google could not be read (${where}). ${passes}`,
  })

  const readError = (status: number, json: unknown): GoogleRefusal | undefined => {
    const read = v.safeParse(errorForm, json)
    if (!read.success) return undefined
    const { error } = read.output
    const reason = error.errors[0]?.reason || wordOfStatus[error.status] || ''
    return { is: 'refused', status, reason, message: error.message.replace(/\s+/g, ' ').trim().slice(0, mostMessageLength) }
  }

  const toldBy = <T>({ status, headers, text }: Extract<Heard, { readonly is: 'answer' }>, parse: Parse<T>): Told<T> => {
    const json = text.trim() === '' ? undefined : parseJson(text)
    if (status >= 200 && status < 300) {
      // A method without an answer may answer 204, 200 with nothing, or 200 with {}.
      if (json === undefined && text.trim() !== '')
        return { is: 'trouble', failure: unreadable('it is cut short or no JSON'), retryAfterMs: undefined, maybeDone: true }
      const parsed = parse(json ?? {})
      return parsed.ok ? { is: 'good', value: parsed.value } : { is: 'failed', failure: unreadable(parsed.error.where) }
    }
    // Status 0 is how some networks show a redirect that is not to be followed.
    if (status < 400)
      return {
        is: 'failed',
        failure: {
          is: 'unreachable',
          text: `${host} sent the request elsewhere. It was not followed, so the token went nowhere else. Check ${setting}, and whether a proxy stands between. ${passes}`,
        },
      }
    const retryAfterMs = parseRetryAfter(headers, clock.now())
    const refusal = readError(status, json)
    if (status === 429 || (status === 403 && refusal !== undefined && rateReasons.has(refusal.reason)))
      return { is: 'trouble', failure: { is: 'busy', retryAfterMs: retryAfterMs ?? 0 }, retryAfterMs, maybeDone: false }
    // Google's own way of saying that a thing is not there.
    if (status === 500 && refusal !== undefined && /\bnot found\b|\bdoes not exist\b/i.test(refusal.message))
      return { is: 'failed', failure: { ...refusal, status: 404, reason: 'notFound' } }
    if (status >= 500)
      return {
        is: 'trouble',
        failure:
          refusal === undefined
            ? notGoogle(status)
            : { is: 'unreachable', text: `Google's service has trouble (status ${status}). ${passes}` },
        retryAfterMs,
        maybeDone: true,
      }
    // A proxy's page is no word of Google's: nothing follows from its status.
    if (refusal === undefined) return { is: 'failed', failure: notGoogle(status) }
    return status === 401 ? { is: 'token-refused', failure: refusal } : { is: 'failed', failure: refusal }
  }

  const tryOnce = async <T>(request: GoogleRequest, url: string, token: string, parse: Parse<T>): Promise<Told<T>> => {
    const heard = await ask(deps, {
      method: request.method,
      url,
      headers: {
        Accept: 'application/json',
        'User-Agent': userAgent,
        Authorization: `Bearer ${token}`,
        ...(request.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      timeoutMs,
    })
    switch (heard.is) {
      case 'answer':
        return toldBy(heard, parse)
      case 'too-large':
        return { is: 'failed', failure: unreadable('it is larger than any that is known') }
      case 'not-sent':
        return { is: 'trouble', failure: unreachable(heard.why), retryAfterMs: undefined, maybeDone: false }
      case 'timed-out':
        return {
          is: 'trouble',
          failure: unreachable(`no answer within ${timeoutMs / 1000} seconds`),
          retryAfterMs: undefined,
          maybeDone: true,
        }
      case 'cut':
        return { is: 'trouble', failure: unreachable(heard.why), retryAfterMs: undefined, maybeDone: true }
    }
  }

  /** 1. A token. 2. A turn. 3. The request; a token that is refused is made anew once, and trouble is tried again where that is safe. */
  const send = async <T>(request: GoogleRequest, parse: Parse<T>): Promise<Result<T, GoogleFailure>> => {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) search.append(name, value)
    const url = `${baseUrl}/${request.path}${search.size === 0 ? '' : `?${search.toString()}`}`
    const mayRepeat = request.repeatable ?? (request.method !== 'POST' && request.method !== 'PATCH')
    const urgent = request.urgent ?? false
    const mostWaitMs = urgent ? longestUrgentWaitMs : longestQuietWaitMs
    let reminted = false
    let maybeDone = false
    let before: GoogleFailure | undefined
    for (let tries = 1; ; tries += 1) {
      const token = await signIn.token()
      if (!token.ok) return err({ is: 'not-signed-in', failure: token.error })
      await deps.turnOfProject?.(urgent)
      const leftMs = await pace.turn(urgent, mostWaitMs)
      if (leftMs > 0)
        return err(ended(before === undefined || before.is === 'busy' ? { is: 'busy', retryAfterMs: leftMs } : before, request, maybeDone))
      const told = await tryOnce(request, url, token.value, parse).finally(pace.done)
      switch (told.is) {
        case 'good':
          pace.recovered()
          return ok(told.value)
        case 'failed':
          return err(ended(told.failure, request, maybeDone))
        case 'token-refused':
          signIn.forget(token.value)
          if (reminted) return err(told.failure)
          reminted = true
          break
        case 'trouble': {
          const pauseMs = pace.backOff(told.retryAfterMs)
          maybeDone ||= told.maybeDone
          before = told.failure.is === 'busy' ? { is: 'busy', retryAfterMs: pauseMs } : told.failure
          // What Google did not do may be sent again, whatever it is.
          if (tries >= mostTries || !(mayRepeat || !told.maybeDone)) return err(ended(before, request, maybeDone))
        }
      }
    }
  }
  return { send }
}

/** AMAPI leaves `errors` out and tells only this. */
const wordOfStatus: Readonly<Record<string, string>> = {
  NOT_FOUND: 'notFound',
  PERMISSION_DENIED: 'forbidden',
  INVALID_ARGUMENT: 'invalid',
  FAILED_PRECONDITION: 'failedPrecondition',
  UNAUTHENTICATED: 'authError',
  ALREADY_EXISTS: 'duplicate',
  ABORTED: 'conflict',
  RESOURCE_EXHAUSTED: 'rateLimitExceeded',
}

/** A write that may have been done, and of which nobody said so, is a question. */
const ended = (failure: GoogleFailure, { method }: GoogleRequest, maybeDone: boolean): GoogleFailure =>
  method !== 'GET' && maybeDone && failure.is !== 'refused' && failure.is !== 'not-signed-in'
    ? { is: 'outcome-unknown', text: 'Google did not say what became of it. It is found out by reading; nothing is sent twice.' }
    : failure

/** As the rest of the server knows failures. `refused` needs the words of whoever asked. */
export const storeFailureOf = (failure: Exclude<GoogleFailure, GoogleRefusal>): StoreFailure => {
  switch (failure.is) {
    case 'busy':
      return { is: 'store-busy', retryAfterMs: failure.retryAfterMs }
    case 'unreachable':
    case 'outcome-unknown':
      return { is: 'store-unreachable', text: failure.text }
    case 'unreadable':
      return { is: 'store-answer-unreadable', text: failure.text }
    case 'not-signed-in':
      return failure.failure
  }
}
