/**
 * An access token for one of Microsoft's services, asked for with a client secret (client credentials) and kept in memory
 * until shortly before it ends. One sign-in for each tenant, app and service; who asks while one is on its way waits for it.
 *
 * When a token ends is reckoned from the seconds that the answer names, by our own clock and from when we asked: the
 * clocks of the two sides need not agree. Source: docs/stores/microsoft-graph.md, 2.
 */
import type { Chance } from '../../../shared/clock.ts'
import { err, exhaustive, ok, type Result } from '../../../shared/result.ts'
import { isoTime } from '../../../shared/clock.ts'
import { Secret } from '../../secret.ts'
import type { StoreFailure } from '../store.ts'
import { ask, parseJson, type HttpDeps } from '../http.ts'
import { createPace, parseRetryAfter } from '../pace.ts'
import type { MicrosoftAccount } from './account.ts'

/** Which service the token is for. Version 1 names a resource, version 2 a scope; their answers differ. */
export type Audience = { readonly version: 1; readonly resource: string } | { readonly version: 2; readonly scope: string }

export interface SignInDeps extends HttpDeps {
  readonly chance: Chance
  /** The root of the login authority, without a tenant. */
  readonly loginUrl: string
  readonly account: MicrosoftAccount
  readonly audience: Audience
}

export type SignInReason =
  'wrong-secret' | 'secret-expired' | 'unknown-app' | 'unknown-tenant' | 'no-consent' | 'conditional-access' | 'service-unknown' | 'other'

/** The service said no. `code` is its number (AADSTS…); 0: it gave none. */
export interface SignInRefused {
  readonly is: 'sign-in-refused'
  readonly reason: SignInReason
  readonly code: number
}

export interface SignIn {
  token(): Promise<Result<Secret, StoreFailure>>
  /** A service no longer takes this token: the next `token` asks for a new one. Of a token that was replaced already nothing comes. */
  forget(token: Secret): void
}

const timeoutMs = 30_000
const mostTries = 4
/** A pause up to this is sat out; before a longer one the caller is told to come back. */
const longestQuietWaitMs = 30_000
/** A token is renewed this long before its end, or at half of a life that is shorter. */
const renewBeforeMs = 5 * 60_000
const usualLifeS = 3600
const mostLifeS = 24 * 3600
const userAgent = 'Quartermaster (Microsoft)'

const reasonByCode: Readonly<Record<number, SignInReason>> = {
  7000215: 'wrong-secret',
  7000222: 'secret-expired',
  700016: 'unknown-app',
  90002: 'unknown-tenant',
  53003: 'conditional-access',
  50034: 'no-consent',
  65001: 'no-consent',
  // The service itself, by its scope or resource.
  500011: 'service-unknown',
  70011: 'service-unknown',
}

const unchanged = 'Seats and assignments stay as they are; nothing can be read, given or taken until then.'
const newSecret =
  'Make a new client secret in the Entra admin center (App registrations, the app, Certificates & secrets), copy its Value and enter it here.'

/** What a refused sign-in means, and what to do. */
export const failureOfSignIn = ({ reason, code }: SignInRefused, now: number): StoreFailure => {
  const told = code === 0 ? '' : ` (AADSTS${code})`
  switch (reason) {
    case 'wrong-secret':
      return { is: 'credential-invalid', text: `Microsoft does not accept the client secret${told}. ${unchanged} ${newSecret}` }
    case 'secret-expired':
      return {
        is: 'credential-expired',
        text: `The client secret has expired${told}: Microsoft said so on ${isoTime(now).slice(0, 10)}. ${unchanged} ${newSecret}`,
      }
    case 'unknown-app':
      return {
        is: 'credential-invalid',
        text: `Microsoft knows no app with this application (client) ID in this tenant${told}. ${unchanged} Check both IDs on the Overview page of the app registration, and that the app was not deleted.`,
      }
    case 'unknown-tenant':
      return {
        is: 'credential-invalid',
        text: `Microsoft knows no tenant with this directory (tenant) ID${told}. ${unchanged} Copy the ID from the Overview page of the app registration. A tenant of a national cloud needs QM_MICROSOFT_LOGIN_URL.`,
      }
    case 'no-consent':
      return {
        is: 'credential-invalid',
        text: `Nobody has allowed this app in the tenant${told}. ${unchanged} A Global Administrator chooses Grant admin consent under API permissions of the app registration.`,
      }
    case 'conditional-access':
      return {
        is: 'credential-invalid',
        text: `A Conditional Access policy of the tenant stops this app${told}. ${unchanged} Leave the app, or this server's address, out of that policy.`,
      }
    case 'service-unknown':
      return {
        is: 'credential-invalid',
        text: `This tenant does not have the service that was asked for${told}. ${unchanged} Check that the tenant is the right one, and its cloud.`,
      }
    case 'other':
      return {
        is: 'credential-invalid',
        text: `Microsoft did not let us sign in${told}. ${unchanged} Check the app registration in the Entra admin center; the number can be looked up in Microsoft's list of sign-in errors.`,
      }
  }
  return exhaustive(reason)
}

const field = (json: unknown, name: string): unknown =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? Reflect.get(json, name) : undefined

/** By the numbers; where there are none, by the one that the description begins with. The description itself is never shown: it may quote. */
const refusalOf = (json: unknown): SignInRefused => {
  const codes: unknown = field(json, 'error_codes')
  const description: unknown = field(json, 'error_description')
  const numbers = Array.isArray(codes) ? codes.filter((code): code is number => Number.isSafeInteger(code) && code > 0) : []
  const named = typeof description === 'string' ? /^AADSTS(\d{4,9})\b/.exec(description)?.[1] : undefined
  const all = numbers.length > 0 ? numbers : named === undefined ? [] : [Number(named)]
  const known = all.find((code) => reasonByCode[code] !== undefined)
  const code = known ?? all[0] ?? 0
  const reason = reasonByCode[code]
  if (reason !== undefined) return { is: 'sign-in-refused', reason, code }
  return { is: 'sign-in-refused', reason: field(json, 'error') === 'invalid_client' ? 'wrong-secret' : 'other', code }
}

/** Seconds, as a number (version 2) or as text (version 1). Undefined: neither. */
const secondsIn = (value: unknown): number | undefined => {
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, mostLifeS) : undefined
}

const TOKEN = /^[\x21-\x7e]{1,16000}$/

export const createSignIn = (deps: SignInDeps): SignIn => {
  const { clock, loginUrl, account, audience } = deps
  const pace = createPace(deps)
  const host = new URL(loginUrl).host
  const url = `${loginUrl}/${account.tenantId}/oauth2/${audience.version === 1 ? 'token' : 'v2.0/token'}`
  let held: { readonly token: Secret; readonly until: number; readonly since: number } | undefined
  let onItsWay: Promise<Result<Secret, StoreFailure>> | undefined

  const unreadable = (where: string): StoreFailure => ({
    is: 'store-answer-unreadable',
    text: `An answer of Microsoft's sign-in could not be read (${where}). The old data is kept with its age. It is tried again by itself.`,
  })
  const unreachable = (why: string): StoreFailure => ({
    is: 'store-unreachable',
    text: `${host} could not be reached to sign in (${why}). Check that this server may reach it. The old data is kept with its age. It is tried again by itself.`,
  })

  /** Made when it is sent: the secret is in no other place. */
  const form = (): string =>
    new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: account.clientId,
      client_secret: account.clientSecret.reveal(),
      ...(audience.version === 1 ? { resource: audience.resource } : { scope: audience.scope }),
    }).toString()

  const mint = async (): Promise<Result<Secret, StoreFailure>> => {
    let before: StoreFailure | undefined
    for (let tries = 1; ; tries += 1) {
      const leftMs = await pace.turn(longestQuietWaitMs)
      if (leftMs > 0) return err(before ?? { is: 'store-busy', retryAfterMs: leftMs })
      const askedAt = clock.now()
      const heard = await ask(deps, {
        method: 'POST',
        url,
        headers: { Accept: 'application/json', 'User-Agent': userAgent, 'Content-Type': 'application/x-www-form-urlencoded' },
        body: form(),
        timeoutMs,
      })
      if (heard.is === 'too-large') return err(unreadable('it is larger than any that is known'))
      if (heard.is !== 'answer') {
        pace.backOff(undefined)
        before = unreachable(heard.is === 'timed-out' ? `no answer within ${timeoutMs / 1000} seconds` : heard.why)
      } else {
        const { status, headers, text } = heard
        const json = parseJson(text)
        if (status === 429 || status === 408 || status >= 500) {
          const asked = parseRetryAfter(headers, clock.now())
          const retryAfterMs = pace.backOff(asked)
          before = status === 429 || asked !== undefined ? { is: 'store-busy', retryAfterMs } : unreachable(`status ${status}`)
        } else if (status < 200 || (status >= 300 && status < 400)) {
          return err(
            unreachable(
              'the request was sent elsewhere, and not followed; check QM_MICROSOFT_LOGIN_URL, and whether a proxy stands between',
            ),
          )
        } else if (status >= 400) {
          pace.recovered()
          // Without its own form it is not the service that says no.
          if (typeof field(json, 'error') === 'string') return err(failureOfSignIn(refusalOf(json), clock.now()))
          return err(unreachable(`status ${status}; check QM_MICROSOFT_LOGIN_URL, and whether a proxy stands between`))
        } else {
          const token: unknown = field(json, 'access_token')
          if (typeof token === 'string' && TOKEN.test(token)) {
            pace.recovered()
            const lifeMs = (secondsIn(field(json, 'expires_in')) ?? usualLifeS) * 1000
            const secret = Secret.of(token)
            held = { token: secret, since: askedAt, until: askedAt + lifeMs - Math.min(renewBeforeMs, lifeMs / 2) }
            return ok(secret)
          }
          pace.backOff(undefined)
          before = unreadable(json === undefined ? 'it is empty, cut short or no JSON' : 'access_token')
        }
      }
      if (tries >= mostTries) return err(before)
    }
  }

  return {
    token: async () => {
      const now = clock.now()
      // Before `since` the clock was set back: how much of the token is left can't be told.
      if (held !== undefined && now >= held.since && now < held.until) return ok(held.token)
      onItsWay ??= mint().finally(() => {
        onItsWay = undefined
      })
      return await onItsWay
    },
    forget: (token) => {
      if (held?.token === token) held = undefined
    },
  }
}
