/**
 * Bodies are measured before anything reads them: by the length they announce, else while they come.
 *
 * Hono's own limit makes a new request from the raw one. Behind Node's server the raw one only looks like a Request, so
 * that this fails for every body without a length, and for a DELETE from a browser, which has neither length nor body.
 */
import type { Context, MiddlewareHandler } from 'hono'

export const limitBody =
  (mostBytes: number, tooLarge: (c: Context) => Response | Promise<Response>): MiddlewareHandler =>
  async (c, next) => {
    const { headers, method, body } = c.req.raw
    if (headers.has('content-length') && !headers.has('transfer-encoding'))
      return Number(headers.get('content-length')) > mostBytes ? await tooLarge(c) : await next()
    if (body === null) return await next()
    const pieces: Uint8Array[] = []
    let bytes = 0
    for await (const piece of body) {
      bytes += piece.length
      if (bytes > mostBytes) return await tooLarge(c)
      pieces.push(piece)
    }
    const whole = bytes === 0 ? null : new Blob(pieces.map((piece) => new Uint8Array(piece)))
    c.req.raw = new Request(c.req.url, { method, headers, body: whole })
    return await next()
  }
