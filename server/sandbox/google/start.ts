import { serveStore } from '../serve-store.ts'
import type { GoogleControl } from './control.ts'
import { ConnectionCut } from './door.ts'
import { createGoogleSandbox, GOOGLE_TOKEN_PATH, type GoogleSandboxDeps } from './google-sandbox.ts'

export interface StartedGoogle {
  /** For `QM_GOOGLE_PLAY_URL` and `QM_GOOGLE_MANAGEMENT_URL`: the root of both APIs. */
  readonly url: string
  /** For `QM_GOOGLE_TOKEN_URL`. */
  readonly tokenUrl: string
  readonly controlUrl: string
  readonly control: GoogleControl
  close(): Promise<void>
}

/** Serves Google's sandbox over real HTTP, on loopback unless told otherwise. */
export const startGoogle = async (
  deps: GoogleSandboxDeps & {
    /** 0 = any free port. */
    readonly port: number
    readonly hostname?: string
  },
): Promise<StartedGoogle> => {
  const { port, hostname } = deps
  const google = createGoogleSandbox(deps)
  const { url, close } = await serveStore(google.fetch, {
    port,
    isConnectionCut: (error) => error instanceof ConnectionCut,
    ...(hostname === undefined ? {} : { hostname }),
  })
  return { url, tokenUrl: url + GOOGLE_TOKEN_PATH, controlUrl: `${url}/google/control`, control: google.control, close }
}
