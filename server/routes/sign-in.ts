/** Signing in, signing out, and taking up a set-up link. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { isoTime } from '../../shared/clock.ts'
import { exhaustive } from '../../shared/result.ts'
import type { Admins, SetUpRefused, SignedInNow, Visit } from '../admins.ts'
import { answerProblem, retryAfter, type Problem } from '../problem.ts'
import { adminSchema } from './admins.ts'
import { answer, noContent, problems } from './describe.ts'
import { body, email, line, password } from './input.ts'
import { createSessionCookie } from './session-cookie.ts'
import { api, byOf, mustSignedIn, type RouteModule, type WebContext } from './web.ts'

const signInBody = v.object({ email: v.pipe(v.string(), v.maxLength(320), v.regex(/^[^\p{Cc}]*$/u, 'must be one line of text')), password })
const setUpBody = v.object({
  token: v.pipe(v.string(), v.maxLength(200)),
  email: v.optional(v.nullable(email)),
  name: line(100),
  password,
})
const signedInSchema = v.object({ admin: adminSchema, expiresAt: v.string() })

export const tooManyTries = (retryAfterMs: number): Problem => ({
  status: 429,
  code: 'too-many-tries',
  detail: `Too many tries. Wait ${Math.max(1, Math.ceil(retryAfterMs / 60_000))} min and try again.`,
  headers: retryAfter(retryAfterMs),
})

export const passwordProblem = (text: string): Problem => ({
  status: 422,
  code: 'password-refused',
  detail: text,
  errors: [{ field: 'password', text }],
})

const setUpProblem = (refused: SetUpRefused): Problem => {
  switch (refused.is) {
    case 'setup-link-spent':
      return {
        status: 410,
        code: refused.is,
        title: 'The link no longer holds',
        detail:
          'This link was used, replaced or is too old. Ask for a new one; the first owner finds one in the output of the server at its start.',
      }
    case 'too-many-tries':
      return tooManyTries(refused.retryAfterMs)
    case 'password-refused':
      return passwordProblem(refused.text)
    case 'email-needed':
      return {
        status: 400,
        code: 'request-malformed',
        detail: 'email is missing. Mend it and send it again.',
        errors: [{ field: 'email', text: 'is missing' }],
      }
    case 'email-taken':
      return { status: 409, code: refused.is, detail: 'Someone has this mail address already. Sign in with it, or take another.' }
    default:
      return exhaustive(refused)
  }
}

export const signInRoutes =
  (deps: { readonly admins: Admins; readonly isPublic: boolean }): RouteModule =>
  (web) => {
    const { admins } = deps
    const cookie = createSessionCookie(deps.isPublic)
    const visitOf = (c: WebContext): Visit => ({ address: c.get('address'), userAgent: c.req.header('user-agent') ?? '' })
    const answerSignedIn = (c: WebContext, now: SignedInNow) => {
      cookie.set(c, now.token, now.expiresAt)
      return c.json({ admin: now.admin, expiresAt: isoTime(now.expiresAt) })
    }

    web.post(
      `${api}/sign-in`,
      describeRoute({
        tags: ['Sign-in'],
        summary: 'Sign in with a mail address and a password; the answer sets the session cookie',
        security: [],
        responses: { 200: answer('Signed in', signedInSchema), ...problems(400, 429) },
      }),
      body(signInBody),
      async (c) => {
        const wanted = c.req.valid('json')
        const signedIn = await admins.signIn(wanted.email, wanted.password, visitOf(c))
        if (signedIn.ok) return answerSignedIn(c, signedIn.value)
        switch (signedIn.error.is) {
          case 'sign-in-refused':
            return answerProblem(c, { status: 401, code: 'sign-in-refused', detail: 'The mail address or the password is not right.' })
          case 'too-many-tries':
            return answerProblem(c, tooManyTries(signedIn.error.retryAfterMs))
          default:
            return exhaustive(signedIn.error)
        }
      },
    )

    web.post(
      `${api}/sign-out`,
      describeRoute({ tags: ['Sign-in'], summary: 'End this session', responses: { ...noContent, ...problems() } }),
      async (c) => {
        const { by } = mustSignedIn(c)
        if (by.is === 'session') await admins.signOut(byOf(c), by.idHash)
        cookie.clear(c)
        // What this browser keeps beside the cookie is the console's to clear, after it has sent what waits.
        return c.body(null, 204)
      },
    )

    web.post(
      `${api}/set-up`,
      describeRoute({
        tags: ['Sign-in'],
        summary: 'Use a one-time link: become the first owner, or take up an invitation',
        security: [],
        responses: {
          200: answer('Signed in', signedInSchema),
          ...problems(400, 409, 422, 429),
          410: { description: 'The link no longer holds' },
        },
      }),
      body(setUpBody),
      async (c) => {
        const { token, email: address, name, password: secret } = c.req.valid('json')
        const done = await admins.setUp(token, { email: address ?? null, name, password: secret }, visitOf(c))
        return done.ok ? answerSignedIn(c, done.value) : answerProblem(c, setUpProblem(done.error))
      },
    )
  }
