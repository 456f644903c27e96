/**
 * Requests to Microsoft Graph under its rules of pace. One client for each tenant.
 *
 * A read may be tried again, bounded, and so may a batch of reads; a write never: what became of one that got no clear
 * answer is found out by reading. The access token goes to the configured address and to no other, wherever a link of an
 * answer leads. Source: docs/stores/microsoft-graph.md, 3.
 */
import type { Chance } from '../../../../shared/clock.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import { ask, parseJson, type HttpDeps } from '../../http.ts'
import { createPace, parseRetryAfter } from '../../pace.ts'
import type { StoreFailure } from '../../store.ts'
import { createSignIn } from '../sign-in.ts'
import type { MicrosoftAccount } from '../account.ts'
import { parseError, parseLink, type Unreadable } from './wire.ts'

/** Graph said no to this request and did nothing. `code` is its own word; empty: it gave none. */
export interface Refusal {
  readonly is: 'refused'
  readonly status: number
  readonly code: string
  /** In small letters, and only ever searched: it is no one's to show. */
  readonly message: string
}
export type ReadFailure = Refusal | { readonly is: 'failed'; readonly failure: StoreFailure }
export type SendFailure = ReadFailure | { readonly is: 'outcome-unknown'; readonly text: string }

export type Parse<T> = (json: unknown) => Result<T, Unreadable>

export interface GraphClientDeps extends HttpDeps {
  readonly chance: Chance
  /** The root, without a version. */
  readonly graphUrl: string
  readonly loginUrl: string
  readonly account: MicrosoftAccount
}

/** `advanced`: a query that Graph answers only with the mark of one. */
export interface GetOptions {
  readonly version?: 'v1.0' | 'beta'
  readonly advanced?: true
}

export interface GraphClient {
  /** `path` begins with a slash and holds its query. */
  get<T>(path: string, parse: Parse<T>, options?: GetOptions): Promise<Result<T, ReadFailure>>
  /** Walks a list by its links, each page in its turn. Gives the link at its end, which only a delta has. `from` is a path, or a link that Graph gave. */
  walk<T>(
    from: string,
    parse: Parse<readonly T[]>,
    onPage: (items: readonly T[]) => void,
    options?: GetOptions,
  ): Promise<Result<string | undefined, ReadFailure>>
  /** A POST that changes nothing, such as a batch of reads. */
  ask(path: string, body: unknown, options?: GetOptions): Promise<Result<unknown, ReadFailure>>
  /** Never repeated. `writes`: how many changes it asks for. */
  send(path: string, body: unknown, writes: number): Promise<Result<unknown, SendFailure>>
  /** A request inside a batch was throttled: everything pauses. Gives for how long; undefined: too long to be sat out. */
  pause(retryAfter: string | undefined): Promise<number | undefined>
}

const userAgent = 'Quartermaster (Graph)'
const getTimeoutMs = 60_000
const postTimeoutMs = 100_000
const mostTriesInTrouble = 6
const mostTriesUnheard = 4
/** A pause up to this is sat out; before a longer one the caller is told to come back. */
const longestQuietWaitMs = 30_000
const longestQuietWaitOfWriteMs = 2000
/** Twice what we use. The directory allows 3500 units in 10 seconds and more, and a page costs one or two. */
const requestsPerSecond = 200
/** Twice what we use: 2700 writes in 150 seconds, of the 3000 that one app may make in one tenant. */
const writesPerSecond = 36
export const mostPages = 10_000
const mostEmptyPagesInARow = 50

const scope = '/.default'
const oldData = 'The old data is kept with its age. It is tried again by itself.'
const background = { 'x-ms-throttle-priority': 'low' } as const

/** National clouds have identifiers of their own; for an address that is none of Microsoft's, the public one's. */
const scopeOf = (graphUrl: string): string => {
  const { hostname } = new URL(graphUrl)
  const isNational = /^(dod-)?graph\.microsoft\.us$|^microsoftgraph\.chinacloudapi\.cn$/.test(hostname)
  return `https://${isNational ? hostname : 'graph.microsoft.com'}${scope}`
}

interface Call {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly body?: string
  readonly advanced?: true
  readonly isRepeatable: boolean
}

interface Answer {
  readonly json: unknown
}

export const createGraphClient = (deps: GraphClientDeps): GraphClient => {
  const { clock, chance, fetch, graphUrl, loginUrl, account } = deps
  const signIn = createSignIn({ clock, chance, fetch, loginUrl, account, audience: { version: 2, scope: scopeOf(graphUrl) } })
  const pace = createPace({ clock, chance, requestsPerSecond })
  const writePace = createPace({ clock, chance, requestsPerSecond: writesPerSecond })
  const { host, origin } = new URL(graphUrl)

  const failed = (failure: StoreFailure): Result<never, { readonly is: 'failed'; readonly failure: StoreFailure }> =>
    err({ is: 'failed', failure })
  const unreadable = (where: string): StoreFailure => ({
    is: 'store-answer-unreadable',
    text: `An answer of Microsoft Graph could not be read (${where}). ${oldData}`,
  })
  const unreachable = (why: string): StoreFailure => ({
    is: 'store-unreachable',
    text: `${host} could not be reached (${why}). Check that this server may reach it. ${oldData}`,
  })
  const unknown = (why: string): Result<never, SendFailure> =>
    err({
      is: 'outcome-unknown',
      text: `Microsoft did not say what became of it (${why}). It is found out by reading; nothing is sent twice.`,
    })

  /**
   * 1. Our turn. 2. The token; one that is no longer taken is renewed once, since a 401 did nothing. 3. The call. Of a
   * write that may have arrived nothing is tried again.
   */
  const call = async ({ method, url, body, advanced, isRepeatable }: Call): Promise<Result<Answer, SendFailure>> => {
    let before: StoreFailure | undefined
    let isRenewed = false
    for (let tries = 1; ; tries += 1) {
      const leftMs = await pace.turn(isRepeatable ? longestQuietWaitMs : longestQuietWaitOfWriteMs)
      if (leftMs > 0)
        return failed(before !== undefined && before.is !== 'store-busy' ? before : { is: 'store-busy', retryAfterMs: leftMs })
      const token = await signIn.token()
      if (!token.ok) return failed(token.error)
      const heard = await ask(deps, {
        method,
        url,
        headers: {
          Accept: 'application/json',
          'User-Agent': userAgent,
          Authorization: `Bearer ${token.value.reveal()}`,
          ...background,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(advanced === true ? { ConsistencyLevel: 'eventual' } : {}),
        },
        ...(body === undefined ? {} : { body }),
        timeoutMs: method === 'GET' ? getTimeoutMs : postTimeoutMs,
      })
      if (heard.is === 'too-large')
        return isRepeatable ? failed(unreadable('it is larger than any page')) : unknown('its answer is too large')
      if (heard.is !== 'answer') {
        pace.backOff(undefined)
        const why =
          heard.is === 'timed-out' ? `no answer within ${(method === 'GET' ? getTimeoutMs : postTimeoutMs) / 1000} seconds` : heard.why
        if (!isRepeatable && heard.is !== 'not-sent') return unknown(why)
        before = unreachable(why)
        if (!isRepeatable || tries >= mostTriesUnheard) return failed(before)
        continue
      }
      const { status, headers, text } = heard
      const json = parseJson(text)
      if (status === 401) {
        signIn.forget(token.value)
        if (!isRenewed) {
          isRenewed = true
          continue
        }
        return failed({
          is: 'credential-invalid',
          text: 'Microsoft gives the app a token and Graph then does not accept it. Seats stay as they are; nothing can be given or taken until then. Check that the app registration is enabled in this tenant, and this server’s clock.',
        })
      }
      if (status === 429) {
        const retryAfterMs = pace.backOff(parseRetryAfter(headers, clock.now()))
        before = { is: 'store-busy', retryAfterMs }
        // Nothing was done: a write that was throttled whole may be asked for again, by whoever asked.
        if (!isRepeatable || tries >= mostTriesInTrouble) return failed(before)
        continue
      }
      if (status >= 500 || status === 408) {
        const asked = parseRetryAfter(headers, clock.now())
        const retryAfterMs = pace.backOff(asked)
        if (!isRepeatable) return unknown(`status ${status}`)
        before = asked === undefined ? unreachable(`status ${status}`) : { is: 'store-busy', retryAfterMs }
        if (tries >= mostTriesInTrouble) return failed(before)
        continue
      }
      if (status < 200 || (status >= 300 && status < 400)) {
        if (!isRepeatable) return unknown('the request was sent elsewhere, and not followed')
        return failed(
          unreachable(
            'it sent the request elsewhere, which was not followed; check QM_MICROSOFT_GRAPH_URL, and whether a proxy stands between',
          ),
        )
      }
      if (status >= 400) {
        pace.recovered()
        const error = parseError(json)
        return err({ is: 'refused', status, code: error.code, message: error.message })
      }
      if (status === 204) {
        pace.recovered()
        return ok({ json: {} })
      }
      if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
        pace.recovered()
        return ok({ json })
      }
      pace.backOff(undefined)
      if (!isRepeatable) return unknown('its answer is empty, cut short or no JSON')
      before = unreadable('it is empty, cut short or no JSON')
      if (tries >= mostTriesUnheard) return failed(before)
    }
  }

  const read = async <T>(
    url: string,
    parse: Parse<T>,
    options: GetOptions,
  ): Promise<Result<{ readonly value: T; readonly json: unknown }, ReadFailure>> => {
    const answer = await call({ method: 'GET', url, isRepeatable: true, ...(options.advanced === true ? { advanced: true } : {}) })
    if (!answer.ok) return answer.error.is === 'outcome-unknown' ? failed(unreadable('no outcome')) : err(answer.error)
    const parsed = parse(answer.value.json)
    return parsed.ok ? ok({ value: parsed.value, json: answer.value.json }) : failed(unreadable(parsed.error.where))
  }

  const urlOf = (path: string, { version = 'v1.0' }: GetOptions): string => `${graphUrl}/${version}${path}`

  /** Undefined: the link leads to another host, to which no token is sent. */
  const ownLink = (link: string): string | undefined => {
    if (link.startsWith('/')) return undefined
    return URL.canParse(link) && new URL(link).origin === origin ? link : undefined
  }

  return {
    get: async (path, parse, options = {}) => {
      const answer = await read(urlOf(path, options), parse, options)
      return answer.ok ? ok(answer.value.value) : answer
    },
    walk: async (from, parse, onPage, options = {}) => {
      let url: string | undefined = from.startsWith('/') ? urlOf(from, options) : ownLink(from)
      const seen = new Set<string>()
      let emptyInARow = 0
      for (let pages = 1; pages <= mostPages; pages += 1) {
        if (url === undefined)
          return failed(
            unreadable(`it names a next page on another host than ${host}; it was not followed, so the token went nowhere else`),
          )
        if (seen.has(url)) return failed(unreadable('its pages lead in a circle'))
        seen.add(url)
        const answer = await read(url, parse, options)
        if (!answer.ok) return answer
        const { value, json } = answer.value
        onPage(value)
        const next = parseLink(json, '@odata.nextLink')
        if (next === undefined) return ok(parseLink(json, '@odata.deltaLink'))
        emptyInARow = value.length === 0 ? emptyInARow + 1 : 0
        if (emptyInARow > mostEmptyPagesInARow) return failed(unreadable('its pages lead to no end'))
        url = ownLink(next)
      }
      return failed(unreadable('its pages lead to no end'))
    },
    ask: async (path, body, options = {}) => {
      const answer = await call({ method: 'POST', url: urlOf(path, options), body: JSON.stringify(body), isRepeatable: true })
      if (answer.ok) return ok(answer.value.json)
      return answer.error.is === 'outcome-unknown' ? failed(unreadable('no outcome')) : err(answer.error)
    },
    send: async (path, body, writes) => {
      for (let turn = 0; turn < writes; turn += 1) await writePace.turn(longestQuietWaitMs)
      const answer = await call({ method: 'POST', url: urlOf(path, {}), body: JSON.stringify(body), isRepeatable: false })
      return answer.ok ? ok(answer.value.json) : answer
    },
    pause: async (retryAfter) => {
      const headers = new Headers(retryAfter === undefined ? {} : { 'retry-after': retryAfter })
      const pauseMs = pace.backOff(parseRetryAfter(headers, clock.now()))
      if (pauseMs > longestQuietWaitMs) return undefined
      const leftMs = await pace.turn(longestQuietWaitMs)
      return leftMs > 0 ? undefined : pauseMs
    },
  }
}
