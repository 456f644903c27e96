/**
 * Who is signed in here. Asked over HTTP; when the server can't be asked, it is whoever was here last, so that the
 * console opens without a network. The cookie is the browser's, and no secret is ever held by this code.
 */
import { roles } from '../shared/admin.ts'
import { parseAdminId } from '../shared/ids.ts'
import { ok, type Result } from '../shared/result.ts'
import type { KnownAdmin } from './local-db.ts'
import { createRequest, member, textOf, type ActFailed, type Fetch } from './server-acts.ts'

export type SessionState =
  | { readonly is: 'unknown' }
  /** `confirmed` false: the server could not be asked, this is who was here last. */
  | { readonly is: 'signed-in'; readonly admin: KnownAdmin; readonly confirmed: boolean }
  | { readonly is: 'signed-out' }

export interface Session {
  state(): SessionState
  onChange(listener: () => void): () => void
  /** Asks the server; gives what is known then. */
  check(lastHere: KnownAdmin | null): Promise<SessionState>
  signIn(email: string, password: string): Promise<Result<KnownAdmin, ActFailed>>
  /** Takes up a one-time link; an invitation knows its mail address. */
  setUp(
    token: string,
    wanted: { readonly name: string; readonly email?: string; readonly password: string },
  ): Promise<Result<KnownAdmin, ActFailed>>
  signOut(): Promise<Result<void, ActFailed>>
  /** The exchange was told that the session has ended. */
  ended(): void
}

export const createSession = (fetch: Fetch): Session => {
  const request = createRequest(fetch)
  const listeners = new Set<() => void>()
  let state: SessionState = { is: 'unknown' }
  const change = (next: SessionState): SessionState => {
    state = next
    for (const listener of listeners) listener()
    return state
  }
  const enter = (answer: Result<unknown, ActFailed>): Result<KnownAdmin, ActFailed> => {
    if (!answer.ok) return answer
    const admin = adminOf(member(answer.value, 'admin'))
    if (admin === undefined)
      return { ok: false, error: { is: 'unreadable', status: 200, text: 'What came back is not from this server. Try again.' } }
    change({ is: 'signed-in', admin, confirmed: true })
    return ok(admin)
  }
  return {
    state: () => state,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    check: async (lastHere) => {
      const answer = await request('GET', '/me')
      if (answer.ok) {
        const admin = adminOf(answer.value)
        if (admin !== undefined) return change({ is: 'signed-in', admin, confirmed: true })
      } else if (answer.error.is === 'signed-out') return change({ is: 'signed-out' })
      return change(lastHere === null ? { is: 'signed-out' } : { is: 'signed-in', admin: lastHere, confirmed: false })
    },
    signIn: async (email, password) => enter(await request('POST', '/sign-in', { email, password })),
    setUp: async (token, wanted) => enter(await request('POST', '/set-up', { token, ...wanted })),
    signOut: async () => {
      const answer = await request('POST', '/sign-out')
      if (!answer.ok && answer.error.is !== 'signed-out') return answer
      change({ is: 'signed-out' })
      return ok(undefined)
    },
    ended: () => void change({ is: 'signed-out' }),
  }
}

const adminOf = (value: unknown): KnownAdmin | undefined => {
  const id = parseAdminId(member(value, 'id'))
  const role = roles.find((known) => known === member(value, 'role'))
  return id === undefined || role === undefined ? undefined : { id, name: textOf(member(value, 'name')), role }
}
