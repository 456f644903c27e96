/**
 * Fetches the picture of a product. Its address comes from outside, so it decides nothing: only hosts that the settings
 * name are asked, over https and by name (an address made of numbers is none), at the usual port, without cookies and
 * following no redirect. Whoever turns such a name towards an inner network meets TLS, which has no certificate for it.
 * The one exception is the very origin that the operator configured as a store's own, such as a sandbox on this machine.
 */
import { err, ok, type Result } from '../shared/result.ts'
import type { Clock } from '../shared/clock.ts'

export interface IconPolicy {
  /** Names whose hosts, and hosts below them, are asked. */
  readonly hosts: readonly string[]
  /** Origins of configured addresses. */
  readonly origins: readonly string[]
}

/** Why a picture is not shown; the letters stay. `unreachable` passes, the others are facts about the picture. */
export type IconRefused =
  | { readonly is: 'address-not-allowed' }
  | { readonly is: 'unreachable' }
  | { readonly is: 'answered-without-picture' }
  | { readonly is: 'too-large' }
  | { readonly is: 'no-picture' }

export const mostIconBytes = 2 * 1024 * 1024
const timeoutMs = 15_000

export const mayFetchIcon = (address: string, { hosts, origins }: IconPolicy): boolean => {
  if (!URL.canParse(address)) return false
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') return false
  if ((url.protocol === 'https:' || url.protocol === 'http:') && origins.includes(url.origin)) return true
  return url.protocol === 'https:' && url.port === '' && hosts.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`))
}

export const fetchIcon = async (
  deps: { readonly clock: Clock; readonly fetch: typeof globalThis.fetch; readonly policy: IconPolicy },
  address: string,
): Promise<Result<Uint8Array, IconRefused>> => {
  if (!mayFetchIcon(address, deps.policy)) return err({ is: 'address-not-allowed' })
  const abort = new AbortController()
  let cancelTimer = (): void => undefined
  // A race and not the signal alone: whoever plays the network may not listen to it.
  const timeUp = new Promise<Result<Uint8Array, IconRefused>>((resolve) => {
    cancelTimer = deps.clock.after(timeoutMs, () => {
      resolve(err({ is: 'unreachable' }))
      abort.abort()
    })
  })
  const heard = async (): Promise<Result<Uint8Array, IconRefused>> => {
    try {
      const response = await deps.fetch(address, {
        redirect: 'manual',
        credentials: 'omit',
        headers: { Accept: 'image/webp,image/png,image/jpeg' },
        signal: abort.signal,
      })
      if (response.status === 429 || response.status >= 500) return err({ is: 'unreachable' })
      if (response.status !== 200) return err({ is: 'answered-without-picture' })
      if (Number(response.headers.get('content-length') ?? 0) > mostIconBytes) return err({ is: 'too-large' })
      const bytes = await boundedBytes(response)
      return bytes === undefined ? err({ is: 'too-large' }) : ok(bytes)
    } catch {
      return err({ is: 'unreachable' })
    }
  }
  try {
    return await Promise.race([heard(), timeUp])
  } finally {
    cancelTimer()
    // What is left of an answer that was not read to its end.
    abort.abort()
  }
}

const boundedBytes = async (response: Response): Promise<Uint8Array | undefined> => {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > mostIconBytes) return undefined
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}
