/**
 * Signing in with a service account key: an assertion signed with RS256 is exchanged for an access token, which is kept until
 * shortly before its end. One sign-in for each connection and scope.
 * Source: docs/stores/managed-google-play.md, "Signing in" (RFC 7523).
 */
import { createSign } from 'node:crypto'
import * as v from 'valibot'
import type { Chance, Clock } from '../../../shared/clock.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { ask, parseJson, type Heard } from '../http.ts'
import { parseRetryAfter } from '../pace.ts'
import type { StoreFailure } from '../store.ts'
import type { ServiceAccountKey } from './service-account.ts'

export const playScope = 'https://www.googleapis.com/auth/androidenterprise'
export const managementScope = 'https://www.googleapis.com/auth/androidmanagement'

export type SignInFailure = Extract<
  StoreFailure,
  { readonly is: 'credential-invalid' | 'store-refused' | 'store-busy' | 'store-unreachable' | 'store-answer-unreadable' }
>

export interface GoogleSignIn {
  /** The present access token, or a new one. Several who ask at once share one request. */
  token(): Promise<Result<string, SignInFailure>>
  /** Google took this token no more: the next `token()` makes a new one. Of another one than the present it says nothing. */
  forget(token: string): void
}

export interface GoogleSignInDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly fetch: typeof globalThis.fetch
  /** The only address to which an assertion goes. */
  readonly tokenUrl: string
  readonly key: ServiceAccountKey
  readonly scope: string
}

const assertionLifeS = 3600
const timeoutMs = 30_000
const renewBeforeMs = 60_000
const renewJitterMs = 10_000
const longestTokenLifeMs = 3_600_000
/** What was refused for the key's own sake is refused again: it is not asked about all the time. A new key makes a new connection. */
const refusedForMs = 5 * 60_000
/** Google's window for `iat` and `exp`; a clock further off than this explains a refusal. */
const mostSkewMs = 5 * 60_000

const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** RFC 7523: who we are and what we want, signed. It is a secret for as long as it lasts. */
const assertionOf = (key: ServiceAccountKey, scope: string, audience: string, now: number): string => {
  const iat = Math.floor(now / 1000)
  const header = { alg: 'RS256', typ: 'JWT', ...(key.keyId === null ? {} : { kid: key.keyId }) }
  const claims = { iss: key.clientEmail, scope, aud: audience, iat, exp: iat + assertionLifeS }
  const signed = `${segment(header)}.${segment(claims)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key.privateKey, 'base64url')}`
}

const granted = v.object({
  // Nothing that can't stand in a header.
  access_token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,8192}$/)),
  expires_in: v.optional(v.pipe(v.number(), v.minValue(1))),
})
const refusedForm = v.object({ error: v.pipe(v.string(), v.regex(/^[a-z_]{1,60}$/)) })

const oldData = 'The old data is kept with its age.'
const passes = `${oldData} It is tried again by itself.`

export const createGoogleSignIn = (deps: GoogleSignInDeps): GoogleSignIn => {
  const { clock, chance, tokenUrl, key, scope } = deps
  const host = new URL(tokenUrl).host
  let kept: { readonly token: string; readonly renewAt: number } | undefined
  let refused: { readonly failure: SignInFailure; readonly until: number } | undefined
  let minting: Promise<Result<string, SignInFailure>> | undefined

  const mint = async (): Promise<Result<string, SignInFailure>> => {
    const assertion = assertionOf(key, scope, tokenUrl, clock.now())
    const heard = await ask(deps, {
      method: 'POST',
      url: tokenUrl,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString(),
      timeoutMs,
    })
    if (heard.is !== 'answer')
      return err(
        heard.is === 'too-large'
          ? { is: 'store-answer-unreadable', text: `Google's sign-in answered with more than any answer holds. ${passes}` }
          : {
              is: 'store-unreachable',
              text: `${host} could not be reached (${heard.is === 'timed-out' ? 'no answer within 30 seconds' : heard.why}). Check that this server may reach it. ${passes}`,
            },
      )
    return readAnswer(heard)
  }

  const readAnswer = ({ status, headers, text }: Extract<Heard, { readonly is: 'answer' }>): Result<string, SignInFailure> => {
    const json = parseJson(text)
    const good = status === 200 ? v.safeParse(granted, json) : undefined
    if (good?.success === true) {
      const lifeMs = Math.min((good.output.expires_in ?? assertionLifeS) * 1000, longestTokenLifeMs)
      const earlier = renewBeforeMs + (chance.fraction() * 2 - 1) * renewJitterMs
      kept = { token: good.output.access_token, renewAt: clock.now() + Math.max(lifeMs - earlier, lifeMs / 2) }
      return ok(kept.token)
    }
    const retryAfterMs = parseRetryAfter(headers, clock.now())
    if (status === 429) return err({ is: 'store-busy', retryAfterMs: retryAfterMs ?? 60_000 })
    if (status >= 500) return err({ is: 'store-unreachable', text: `Google's sign-in has trouble (status ${status}). ${passes}` })
    const bad = v.safeParse(refusedForm, json)
    // An answer is never quoted: it may repeat the assertion.
    const failure = bad.success && status >= 400 ? refusalOf(bad.output.error, headers) : undefined
    if (failure === undefined)
      return err({
        is: 'store-answer-unreadable',
        text: `${host} did not answer as Google's sign-in does (status ${status}). Check QM_GOOGLE_TOKEN_URL, and whether a proxy stands between. ${passes}`,
      })
    refused = { failure, until: clock.now() + refusedForMs }
    return err(failure)
  }

  /** The word decides, never the description. Undefined: no word of OAuth. */
  const refusalOf = (error: string, headers: Headers): SignInFailure | undefined => {
    switch (error) {
      case 'invalid_grant': {
        const skewMs = clock.now() - Date.parse(headers.get('date') ?? '')
        if (Math.abs(skewMs) > mostSkewMs) return skewed(skewMs)
        return {
          is: 'credential-invalid',
          text: `Google no longer accepts this key of ${key.clientEmail}: it was deleted, a newer one has replaced it, or the account is gone. ${oldData} Nothing can be given or taken until then. Make a new key for the account and upload it here.`,
        }
      }
      case 'invalid_client':
      case 'unauthorized_client':
        return {
          is: 'credential-invalid',
          text: `Google does not let ${key.clientEmail} sign in: the account is turned off, deleted, or not allowed to do this. ${oldData} See to the account under IAM and Admin, Service Accounts, or upload the key of another one.`,
        }
      case 'invalid_scope':
      case 'access_denied':
        return {
          is: 'store-refused',
          code: 'wrong-scope',
          text: `Google does not give ${key.clientEmail} the access that this connector needs (${scope}). Turn the API on in the project of the account, then try again. ${oldData}`,
        }
      case 'invalid_request':
      case 'unsupported_grant_type':
        return {
          is: 'store-refused',
          code: 'sign-in-refused',
          text: `Google refused the way of signing in (${error}). Check QM_GOOGLE_TOKEN_URL. ${oldData}`,
        }
      default:
        return undefined
    }
  }

  return {
    token: async () => {
      if (kept !== undefined && clock.now() < kept.renewAt && kept.renewAt - clock.now() <= longestTokenLifeMs) return ok(kept.token)
      if (refused !== undefined && clock.now() < refused.until && refused.until - clock.now() <= refusedForMs) return err(refused.failure)
      minting ??= mint().finally(() => {
        minting = undefined
      })
      return await minting
    },
    forget: (token) => {
      if (kept?.token === token) kept = undefined
    },
  }
}

const skewed = (skewMs: number): SignInFailure => {
  const minutes = Math.round(Math.abs(skewMs) / 60_000)
  return {
    is: 'store-refused',
    code: 'clock-skew',
    text: `The clock of this server is ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} ${skewMs > 0 ? 'ahead of' : 'behind'} Google's, so Google takes no sign-in from it. The key may be good. Set the clock right (NTP), then sync again. ${oldData}`,
  }
}
