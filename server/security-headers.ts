/** The headers that tell a browser what a page of ours may do: its own scripts and its own server, and nothing else. */
import type { MiddlewareHandler } from 'hono'
import { isSelfServicePath, selfServicePolicy } from './self-service-page.ts'
import type { Settings } from './settings.ts'

const YEAR_S = 31_536_000

export const contentSecurityPolicy = (publicUrl: string): string => {
  const socket = publicUrl.replace(/^http/, 'ws')
  return [
    `default-src 'none'`,
    `script-src 'self'`,
    // The API's page writes style attributes into its markup.
    `style-src 'self' 'unsafe-inline'`,
    `img-src 'self' data:`,
    `font-src 'self'`,
    // Safari before 15.4 does not count the WebSocket of the same host as 'self'.
    `connect-src 'self' ${socket}`,
    `worker-src 'self'`,
    `manifest-src 'self'`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
  ].join('; ')
}

export const securityHeaders = (settings: Pick<Settings, 'publicUrl' | 'isPublic'>): MiddlewareHandler => {
  const headers: readonly (readonly [string, string])[] = [
    ['Content-Security-Policy', contentSecurityPolicy(settings.publicUrl)],
    ['X-Content-Type-Options', 'nosniff'],
    ['Referrer-Policy', 'no-referrer'],
    ['Cross-Origin-Opener-Policy', 'same-origin'],
    ['Cross-Origin-Resource-Policy', 'same-origin'],
    ['X-Frame-Options', 'DENY'],
    ['Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
    // On http it would be ignored, and on a name that is later served without TLS it would lock people out.
    ...(settings.isPublic ? [['Strict-Transport-Security', `max-age=${YEAR_S}`] as const] : []),
  ]
  return async (c, next) => {
    await next()
    for (const [name, value] of headers) c.header(name, value)
    // Who comes there is not signed in, and the page needs less.
    if (isSelfServicePath(c.req.path)) c.header('Content-Security-Policy', selfServicePolicy)
  }
}
