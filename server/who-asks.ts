/** Who asks: an API key in `Authorization`, or a session's cookie. Read afresh each time, so that what was taken from someone is gone at once. */
import { parse as parseCookies } from 'hono/utils/cookie'
import type { Actor } from '../shared/admin.ts'
import type { ApiKeys } from './api-keys.ts'
import type { Sessions } from './sessions.ts'

export interface SignedIn {
  readonly actor: Actor
  /** Empty: every object. */
  readonly scopeTags: readonly string[]
  readonly by:
    | { readonly is: 'session'; readonly idHash: string; readonly expiresAt: number; readonly email: string }
    | { readonly is: 'api-key'; readonly id: string }
}

export interface WhoAsks {
  /** For any request, the WebSocket's upgrade too. A key that does not hold is not helped out by a cookie beside it. */
  actorOf(headers: Headers): Promise<SignedIn | undefined>
  /** For a connection that stays: the same asker as they are now. Undefined: signed out, disabled, revoked, ended. */
  again(signedIn: SignedIn): Promise<SignedIn | undefined>
}

/** `__Host-` binds the cookie to this very host, and only https may set it. */
export const cookieName = (isPublic: boolean): string => (isPublic ? '__Host-qm' : 'qm')

export const createWhoAsks = (deps: { readonly sessions: Sessions; readonly apiKeys: ApiKeys; readonly isPublic: boolean }): WhoAsks => {
  const { sessions, apiKeys } = deps
  const cookie = cookieName(deps.isPublic)

  const bySession = (found: Awaited<ReturnType<Sessions['findByToken']>>): SignedIn | undefined =>
    found && {
      actor: found.actor,
      scopeTags: [],
      by: { is: 'session', idHash: found.idHash, expiresAt: found.expiresAt, email: found.email },
    }
  const byKey = (found: Awaited<ReturnType<ApiKeys['findByKey']>>): SignedIn | undefined =>
    found && { ...found, by: { is: 'api-key', id: found.actor.id } }

  return {
    actorOf: async (headers) => {
      const authorization = headers.get('authorization')
      if (authorization !== null) {
        const key = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
        return key === undefined ? undefined : byKey(await apiKeys.findByKey(key))
      }
      const token = parseCookies(headers.get('cookie') ?? '', cookie)[cookie]
      return token === undefined ? undefined : bySession(await sessions.findByToken(token))
    },
    again: async ({ by }) => (by.is === 'session' ? bySession(await sessions.findByHash(by.idHash)) : byKey(await apiKeys.findById(by.id))),
  }
}
