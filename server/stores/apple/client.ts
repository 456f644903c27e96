/**
 * Requests to Apple's license service under its rules of pace. One client for each Location.
 *
 * A GET may be tried again, bounded; a POST never: what became of one that got no clear answer is found out by reading.
 * The body is looked into before the status, since errors come with 200 too. The token goes to the configured address
 * and to no other. Source: docs/stores/apple-apps-and-books.md, 2.13 and 2.14.
 */
import type { Chance } from '../../../shared/clock.ts'
import { err, type Result } from '../../../shared/result.ts'
import { senseOf, type Refusal } from './failures.ts'
import { ask, parseJson, type Heard, type HttpDeps, type Method } from '../http.ts'
import { createPace, parseRetryAfter } from '../pace.ts'
import { parseErrorNumber, type Unreadable } from './wire.ts'

export type RequestFailure =
  | Refusal
  /** The Location is to be left alone for so long; nothing was done. */
  | { readonly is: 'busy'; readonly retryAfterMs: number }
  | { readonly is: 'unreachable'; readonly text: string }
  | { readonly is: 'unreadable'; readonly text: string }
  /** POST only: it may or may not have been done. */
  | { readonly is: 'outcome-unknown'; readonly text: string }

export type Parse<T> = (json: unknown) => Result<T, Unreadable>

export interface AppleClient {
  get<T>(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    parse: Parse<T>,
    options?: { readonly withToken: boolean },
  ): Promise<Result<T, RequestFailure>>
  post<T>(path: string, body: unknown, parse: Parse<T>): Promise<Result<T, RequestFailure>>
  /** Requests a second that Apple allows at present, all of this Location's callers together. */
  setRate(requestsPerSecond: number): void
}

export interface AppleClientDeps extends HttpDeps {
  readonly chance: Chance
  /** Up to and including `/mdm/v2`. */
  readonly baseUrl: string
  readonly bearer: string
  /** Every good answer to a request that carried the token, before it is parsed: any of them may tell who holds the Location. */
  readonly onAnswer: (json: unknown) => void
}

export const userAgent = 'Quartermaster (Apps and Books)'
const getTimeoutMs = 30_000
/** Apple may call our own server before it answers. */
const postTimeoutMs = 60_000
/** An internal error five times in a row is known to pass. */
const mostTriesInTrouble = 6
/** A dropped line or a garbled answer: fewer, so that somebody who waits at a screen hears of it soon. */
const mostTriesUnheard = 4
/** A pause up to this is sat out; before a longer one the caller is told to come back. */
const longestQuietWaitMs = 30_000
/** A write waits less: who holds the Location was looked up just before. */
const longestQuietWaitOfWriteMs = 2000

const oldData = 'The old data is kept with its age. It is tried again by itself.'

type Told =
  | { readonly is: 'good'; readonly json: unknown }
  | Refusal
  | { readonly is: 'busy' | 'trouble'; readonly retryAfterMs: number | undefined; readonly status: number }
  | { readonly is: 'garbled' | 'redirect' }

/** What an answer says, apart from what it holds. */
const toldBy = (heard: Extract<Heard, { readonly is: 'answer' }>, now: number): Told => {
  const { status, headers, text } = heard
  const json = parseJson(text)
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
  const errorNumber = parseErrorNumber(json)
  if (errorNumber === undefined) {
    if (status >= 200 && status < 300) return isObject ? { is: 'good', json } : { is: 'garbled' }
    // Status 0 is how some networks show a redirect that is not to be followed.
    if (status < 400) return { is: 'redirect' }
  }
  if (errorNumber === 'unreadable' && status < 400) return { is: 'garbled' }
  const number = typeof errorNumber === 'number' ? errorNumber : undefined
  const sense = senseOf(number, status)
  return sense === 'refused'
    ? { is: 'refused', errorNumber: number, status }
    : { is: sense, retryAfterMs: parseRetryAfter(headers, now), status }
}

export const createAppleClient = (deps: AppleClientDeps): AppleClient => {
  const { clock, baseUrl } = deps
  const pace = createPace(deps)
  const host = new URL(baseUrl).host

  const hear = (method: Method, url: string, withToken: boolean, body?: string): Promise<Heard> =>
    ask(deps, {
      method,
      url,
      headers: {
        Accept: 'application/json',
        'User-Agent': userAgent,
        ...(withToken ? { Authorization: `Bearer ${deps.bearer}` } : {}),
        // On every POST, with a body or without: else 9727.
        ...(method === 'POST' ? { 'Content-Type': 'application/json' } : {}),
      },
      ...(body === undefined ? {} : { body }),
      timeoutMs: method === 'GET' ? getTimeoutMs : postTimeoutMs,
    })

  const redirected: RequestFailure = {
    is: 'unreachable',
    text: `${host} sent the request elsewhere. It was not followed, so the token went nowhere else. Check QM_APPLE_APPS_BOOKS_URL, and whether a proxy stands between. ${oldData}`,
  }
  const unreadable = (where: string): RequestFailure => ({
    is: 'unreadable',
    text: `An answer of Apple could not be read (${where}). ${oldData}`,
  })

  /** One try of a GET: what it came to, and how often this sort of failure may be tried in all. */
  const tryGet = async <T>(url: string, parse: Parse<T>, withToken: boolean): Promise<Result<T, readonly [RequestFailure, number]>> => {
    const heard = await hear('GET', url, withToken)
    if (heard.is !== 'answer') {
      if (heard.is === 'too-large') return err([unreadable('it is larger than any list page'), 1])
      pace.backOff(undefined)
      const why = heard.is === 'timed-out' ? `no answer within ${getTimeoutMs / 1000} seconds` : heard.why
      const text = `${host} could not be reached (${why}). Check that this server may reach it. ${oldData}`
      return err([{ is: 'unreachable', text }, mostTriesUnheard])
    }
    const told = toldBy(heard, clock.now())
    switch (told.is) {
      case 'good': {
        // An answer that needs no token says nothing of how the Location fares.
        if (withToken) {
          pace.recovered()
          deps.onAnswer(told.json)
        }
        const parsed = parse(told.json)
        if (parsed.ok) return parsed
        pace.backOff(undefined)
        return err([unreadable(parsed.error.where), mostTriesUnheard])
      }
      case 'refused':
        pace.recovered()
        return err([told, 1])
      case 'busy':
        return err([{ is: 'busy', retryAfterMs: pace.backOff(told.retryAfterMs) }, mostTriesInTrouble])
      case 'trouble': {
        const retryAfterMs = pace.backOff(told.retryAfterMs)
        if (told.retryAfterMs !== undefined) return err([{ is: 'busy', retryAfterMs }, mostTriesInTrouble])
        const text = `Apple's service has trouble (status ${told.status}). ${oldData}`
        return err([{ is: 'unreachable', text }, mostTriesInTrouble])
      }
      case 'redirect':
        return err([redirected, 1])
      case 'garbled':
        pace.backOff(undefined)
        return err([unreadable('it is empty, cut short or no JSON'), mostTriesUnheard])
    }
  }

  const unknown = (why: string): RequestFailure => ({
    is: 'outcome-unknown',
    text: `Apple did not say what became of it (${why}). It is found out by reading; nothing is sent twice.`,
  })

  return {
    setRate: pace.setRate,
    get: async (path, query, parse, { withToken } = { withToken: true }) => {
      const search = new URLSearchParams()
      for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value)
      const url = `${baseUrl}${path}${search.size === 0 ? '' : `?${search.toString()}`}`
      let before: RequestFailure | undefined
      for (let tries = 1; ; tries += 1) {
        const leftMs = await pace.turn(longestQuietWaitMs)
        if (leftMs > 0) return err(before !== undefined && before.is !== 'busy' ? before : { is: 'busy', retryAfterMs: leftMs })
        const tried = await tryGet(url, parse, withToken)
        if (tried.ok) return tried
        const [failure, mostTries] = tried.error
        if (tries >= mostTries) return err(failure)
        before = failure
      }
    },
    post: async (path, body, parse) => {
      const leftMs = await pace.turn(longestQuietWaitOfWriteMs)
      if (leftMs > 0) return err({ is: 'busy', retryAfterMs: leftMs })
      const heard = await hear('POST', `${baseUrl}${path}`, true, JSON.stringify(body))
      if (heard.is === 'not-sent') {
        pace.backOff(undefined)
        return err({
          is: 'unreachable',
          text: `${host} could not be reached (${heard.why}). Nothing was sent. It is tried again by itself.`,
        })
      }
      if (heard.is === 'too-large') return err(unknown('its answer is larger than any that is known'))
      if (heard.is !== 'answer') {
        pace.backOff(undefined)
        return err(unknown(heard.is === 'timed-out' ? `no answer within ${postTimeoutMs / 1000} seconds` : heard.why))
      }
      const told = toldBy(heard, clock.now())
      switch (told.is) {
        case 'good': {
          deps.onAnswer(told.json)
          const parsed = parse(told.json)
          return parsed.ok ? parsed : err(unknown(`its answer lacks ${parsed.error.where}`))
        }
        case 'refused':
          return err(told)
        case 'busy':
          return err({ is: 'busy', retryAfterMs: pace.backOff(told.retryAfterMs) })
        case 'trouble':
          // An internal error may come after the work was done.
          pace.backOff(told.retryAfterMs)
          return err(unknown(`status ${told.status}`))
        case 'redirect':
          return err(unknown('the request was sent elsewhere, and not followed'))
        case 'garbled':
          return err(unknown('its answer is empty, cut short or no JSON'))
      }
    },
  }
}
