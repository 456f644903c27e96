/**
 * Requests to the Store for Business, each with a token of the tenant. One client for each tenant, one request after another.
 *
 * A GET may be tried again, bounded; a POST or DELETE only where the store said that it looked at nothing (401). The token
 * goes to the configured address and to no other. Source: docs/stores/microsoft-store-for-business.md, 3.6.
 */
import type { Chance } from '../../../../shared/clock.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Secret } from '../../../secret.ts'
import { ask, parseJson, type Heard, type HttpDeps } from '../../http.ts'
import { createPace, parseRetryAfter } from '../../pace.ts'
import type { SignIn } from '../sign-in.ts'
import type { Refusal, RequestFailure } from './failures.ts'
import { reasonIn, type Parse } from './wire.ts'

export type Query = readonly (readonly [name: string, value: string | undefined])[]

export interface BusinessClient {
  /** `retiredBy404`: this address always exists while the service does. */
  get<T>(path: string, query: Query, parse: Parse<T>, options?: { readonly retiredBy404: boolean }): Promise<Result<T, RequestFailure>>
  send<T>(method: 'POST' | 'DELETE', path: string, body: unknown, parse: Parse<T>): Promise<Result<T, RequestFailure>>
}

export interface BusinessClientDeps extends HttpDeps {
  readonly chance: Chance
  /** Up to and including `/V1`. */
  readonly baseUrl: string
  readonly signIn: SignIn
}

const userAgent = 'Quartermaster (Store for Business)'
const getTimeoutMs = 30_000
const writeTimeoutMs = 60_000
const mostTries = 5
/** A pause up to this is sat out; before a longer one the caller is told to come back. */
const longestQuietWaitMs = 30_000
const longestQuietWaitOfWriteMs = 2000
/** No limit is documented: one request at a time is what holds us back, and the store's own word. */
const requestsPerSecond = 2000

const oldData = 'The old data is kept with its age. It is tried again by itself.'

type Answer = Extract<Heard, { readonly is: 'answer' }>

type Told =
  | { readonly is: 'good'; readonly json: unknown }
  | Refusal
  | { readonly is: 'gone' | 'unauthorized' | 'forbidden' | 'redirect' | 'garbled' }
  | { readonly is: 'busy' | 'trouble'; readonly retryAfterMs: number | undefined }

const toldBy = ({ status, headers, text }: Answer, now: number): Told => {
  if (status >= 200 && status < 300) {
    const json = parseJson(text)
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { is: 'good', json } : { is: 'garbled' }
  }
  // Status 0 is how some networks show a redirect that is not to be followed.
  if (status < 400) return { is: 'redirect' }
  if (status === 401) return { is: 'unauthorized' }
  if (status === 403) return { is: 'forbidden' }
  if (status === 410) return { is: 'gone' }
  const retryAfterMs = parseRetryAfter(headers, now)
  if (status === 429) return { is: 'busy', retryAfterMs }
  if (status >= 500 || status === 408) return { is: 'trouble', retryAfterMs }
  return { is: 'refused', status, ...reasonIn(parseJson(text)) }
}

export const createBusinessClient = (deps: BusinessClientDeps): BusinessClient => {
  const { clock, baseUrl, signIn } = deps
  const pace = createPace({ ...deps, requestsPerSecond })
  const host = new URL(baseUrl).host

  const hear = (method: 'GET' | 'POST' | 'DELETE', url: string, token: Secret, body?: unknown): Promise<Heard> =>
    ask(deps, {
      method,
      url,
      headers: {
        Accept: 'application/json',
        'User-Agent': userAgent,
        Authorization: `Bearer ${token.reveal()}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: method === 'GET' ? getTimeoutMs : writeTimeoutMs,
    })

  const unreachable = (why: string, after = oldData): RequestFailure => ({
    is: 'unreachable',
    text: `${host} could not be reached (${why}). Check that this server may reach it. ${after}`,
  })
  const unreadable = (where: string): RequestFailure => ({
    is: 'unreadable',
    text: `An answer of the Store for Business could not be read (${where}). ${oldData}`,
  })
  const redirected: RequestFailure = {
    is: 'unreachable',
    text: `${host} sent the request elsewhere. It was not followed, so the token went nowhere else. Check QM_MICROSOFT_STORE_URL, and whether a proxy stands between. ${oldData}`,
  }
  const unknown = (why: string): RequestFailure => ({
    is: 'outcome-unknown',
    text: `Microsoft did not say what became of it (${why}). It is found out by reading; nothing is sent twice.`,
  })

  /** A name that nobody knows, while the sign-in is reached under its own: then it is not our network. */
  const isNameGone = async (why: string, token: Secret): Promise<boolean> => {
    if (why !== 'ENOTFOUND') return false
    signIn.forget(token)
    return (await signIn.token()).ok
  }

  const get: BusinessClient['get'] = async (path, query, parse, { retiredBy404 } = { retiredBy404: false }) => {
    const search = new URLSearchParams()
    for (const [name, value] of query) if (value !== undefined) search.append(name, value)
    const url = `${baseUrl}${path}${search.size === 0 ? '' : `?${search.toString()}`}`
    let renewed = false
    let before: RequestFailure | undefined
    for (let tries = 1; tries <= mostTries; tries += 1) {
      const leftMs = await pace.turn(longestQuietWaitMs)
      if (leftMs > 0) return err(before !== undefined && before.is !== 'busy' ? before : { is: 'busy', retryAfterMs: leftMs })
      const token = await signIn.token()
      if (!token.ok) return err({ is: 'not-signed-in', failure: token.error })
      const heard = await hear('GET', url, token.value)
      if (heard.is === 'too-large') return err(unreadable('it is larger than any page'))
      if (heard.is !== 'answer') {
        pace.backOff(undefined)
        const why = heard.is === 'timed-out' ? `no answer within ${getTimeoutMs / 1000} seconds` : heard.why
        if (heard.is === 'not-sent' && (await isNameGone(why, token.value))) return err({ is: 'retired', by: 'no-such-name' })
        before = unreachable(why)
        continue
      }
      const told = toldBy(heard, clock.now())
      switch (told.is) {
        case 'good': {
          const parsed = parse(told.json)
          if (parsed.ok) {
            pace.recovered()
            return parsed
          }
          pace.backOff(undefined)
          before = unreadable(parsed.error.where)
          break
        }
        case 'refused':
          pace.recovered()
          return err(retiredBy404 && told.status === 404 ? { is: 'retired', by: 'status-404' } : told)
        case 'gone':
          return err({ is: 'retired', by: 'status-410' })
        case 'unauthorized':
          if (renewed) return err({ is: 'not-activated', status: 401 })
          renewed = true
          signIn.forget(token.value)
          before = { is: 'not-activated', status: 401 }
          break
        case 'forbidden':
          return err({ is: 'not-activated', status: 403 })
        case 'busy':
          before = { is: 'busy', retryAfterMs: pace.backOff(told.retryAfterMs) }
          break
        case 'trouble': {
          const retryAfterMs = pace.backOff(told.retryAfterMs)
          before = told.retryAfterMs === undefined ? unreachable(`status ${heard.status}`) : { is: 'busy', retryAfterMs }
          break
        }
        case 'redirect':
          return err(redirected)
        case 'garbled':
          pace.backOff(undefined)
          before = unreadable('it is empty, cut short or no JSON; a proxy may have answered instead')
          break
      }
    }
    return err(before ?? unreachable('no answer'))
  }

  const send: BusinessClient['send'] = async (method, path, body, parse) => {
    for (let renewed = false; ; renewed = true) {
      const leftMs = await pace.turn(longestQuietWaitOfWriteMs)
      if (leftMs > 0) return err({ is: 'busy', retryAfterMs: leftMs })
      const token = await signIn.token()
      if (!token.ok) return err({ is: 'not-signed-in', failure: token.error })
      const heard = await hear(method, `${baseUrl}${path}`, token.value, body)
      if (heard.is === 'not-sent') {
        pace.backOff(undefined)
        if (await isNameGone(heard.why, token.value)) return err({ is: 'retired', by: 'no-such-name' })
        return err(unreachable(heard.why, 'Nothing was sent. It is tried again by itself.'))
      }
      if (heard.is === 'too-large') return err(unknown('its answer is larger than any that is known'))
      if (heard.is !== 'answer') {
        pace.backOff(undefined)
        return err(unknown(heard.is === 'timed-out' ? `no answer within ${writeTimeoutMs / 1000} seconds` : heard.why))
      }
      const told = toldBy(heard, clock.now())
      switch (told.is) {
        case 'good': {
          const parsed = parse(told.json)
          return parsed.ok ? ok(parsed.value) : err(unknown(`its answer lacks ${parsed.error.where}`))
        }
        case 'refused':
          return err(told)
        case 'gone':
          return err({ is: 'retired', by: 'status-410' })
        case 'unauthorized':
          if (renewed) return err({ is: 'not-activated', status: 401 })
          signIn.forget(token.value)
          continue
        case 'forbidden':
          return err({ is: 'not-activated', status: 403 })
        case 'busy':
          return err({ is: 'busy', retryAfterMs: pace.backOff(told.retryAfterMs) })
        case 'trouble':
          // It may come after the work was done.
          pace.backOff(told.retryAfterMs)
          return err(unknown(`status ${heard.status}`))
        case 'redirect':
          return err(unknown('the request was sent elsewhere, and not followed'))
        case 'garbled':
          return err(unknown('its answer is empty, cut short or no JSON'))
      }
    }
  }

  return { get, send }
}
