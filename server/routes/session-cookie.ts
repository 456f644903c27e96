/** The cookie that carries a session's token: out of reach for scripts, and for requests that other sites begin. */
import type { Context } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'
import { cookieName } from '../who-asks.ts'

export interface SessionCookie {
  set(c: Context, token: string, expiresAt: number): void
  clear(c: Context): void
}

export const createSessionCookie = (isPublic: boolean): SessionCookie => {
  const attributes = { path: '/', httpOnly: true, secure: isPublic, sameSite: 'Strict' } as const
  return {
    set: (c, token, expiresAt) => setCookie(c, cookieName(isPublic), token, { ...attributes, expires: new Date(expiresAt) }),
    clear: (c) => void deleteCookie(c, cookieName(isPublic), attributes),
  }
}
