/**
 * Icons that were seen are kept on this device, so that a list looks the same without a network. An address names its
 * content, so what is kept never grows old; only the number is bounded, and the first ones go first.
 */

export const iconCacheName = 'quartermaster-icons'
/** Some 3 kB each. */
export const mostIconsKept = 2000

/** The part of a browser's `Cache` that is used here; `keys` gives them in the order of their keeping. */
export interface IconCache {
  match(request: Request): Promise<Response | undefined>
  put(request: Request, response: Response): Promise<void>
  keys(): Promise<readonly Request[]>
  delete(request: Request): Promise<boolean>
}

export const isIconPath = (path: string): boolean => /^\/icons\/[0-9a-f]{32}(-64)?\.webp$/.test(path)

/** Rejects where there is no network and it was not kept: the letters stay. */
export const answerIcon = async (
  deps: { readonly cache: IconCache; readonly fetch: (request: Request) => Promise<Response>; readonly most?: number },
  request: Request,
): Promise<Response> => {
  const { cache, most = mostIconsKept } = deps
  const kept = await cache.match(request)
  if (kept !== undefined) return kept
  const response = await deps.fetch(request)
  if (response.status !== 200 || response.headers.get('content-type') !== 'image/webp') return response
  try {
    await cache.put(request, response.clone())
    const keys = await cache.keys()
    for (const oldest of keys.slice(0, Math.max(0, keys.length - most))) await cache.delete(oldest)
  } catch {
    // A full disk keeps no icons; it is shown all the same.
  }
  return response
}
