/** What every route may rely on: who asks, and the questions asked before it runs. */
import type { Context, Hono, MiddlewareHandler } from 'hono'
import { may, type Act, type Actor } from '../../shared/admin.ts'
import type { By } from '../api-keys.ts'
import { answerProblem } from '../problem.ts'
import type { SignedIn } from '../who-asks.ts'

export interface WebEnv {
  Variables: {
    requestId: string
    /** Of the visitor, behind proxies too. */
    address: string
    signedIn: SignedIn | undefined
  }
}
export type Web = Hono<WebEnv>
export type WebContext = Context<WebEnv>
/** A file of routes: it puts its own onto the app, at their full paths. */
export type RouteModule = (web: Web) => void

export const api = '/api/v1'

/** Behind the sign-in check there is always someone. */
export const mustSignedIn = (c: Context): SignedIn => {
  const signedIn = c.get('signedIn') as SignedIn | undefined
  if (signedIn === undefined) throw new Error(`routes: ${c.req.path} was reached by someone who is not signed in`)
  return signedIn
}
export const actorIn = (c: Context): Actor => mustSignedIn(c).actor
export const byOf = (c: Context): By => ({ actor: actorIn(c), origin: c.get('address') as string })

/** Lets pass only whose role may do this. */
export const allow =
  (act: Act): MiddlewareHandler =>
  async (c, next) => {
    if (!may(actorIn(c), act))
      return answerProblem(c, {
        status: 403,
        code: 'not-permitted',
        detail: `Your role, ${actorIn(c).role}, does not cover this. Ask an owner for a role that does.`,
        extra: { needs: act },
      })
    return next()
  }
