/** From which pages a request may come: ours alone. SameSite cookies do not cover the WebSocket, nor a sibling host. */

/** `origin` and `host` are the request's headers; null or undefined where it has none. */
export type OriginCheck = (origin: string | null | undefined, host: string | null | undefined) => boolean

/**
 * The public address, and the very host the page was loaded from (an admin on the machine itself says 127.0.0.1 where
 * the public address says localhost). A browser lets no page choose its Origin or its Host.
 */
export const createOriginCheck = (publicUrl: string): OriginCheck => {
  const home = new URL(publicUrl)
  return (origin, host) => {
    if (origin === null || origin === undefined || !URL.canParse(origin)) return false
    const url = new URL(origin)
    if (url.origin !== origin) return false
    return url.origin === home.origin || (url.protocol === home.protocol && typeof host === 'string' && url.host === host.toLowerCase())
  }
}
