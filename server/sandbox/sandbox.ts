import type { Chance, Clock } from '../../shared/clock.ts'
import { createAppleSandbox } from './apple/apple-sandbox.ts'
import type { AppleControl } from './apple/control.ts'
import { PUBLIC_LOOKUP_PATH } from './apple/lookup.ts'
import { DEVICES_PATH, TOKEN_PATH } from './apple/device-api.ts'
import type { Fetch } from './apple/notices.ts'
import { BASE_PATH, LOOKUP_PATH, isConnectionCut } from './apple/protocol.ts'
import type { AppleSnapshot } from './apple/snapshot.ts'
import type { Switches } from './apple/switches.ts'
import { furnishApple } from './furnish.ts'
import type { SampleOrganisation } from './sample-organisation.ts'
import { serveStore } from './serve-store.ts'

export interface SandboxDeps {
  readonly clock: Clock
  readonly chance: Chance
  /** 0 = any free port. */
  readonly port: number
  readonly hostname?: string
  /** Where the store begins when there is no saved state. */
  readonly organisation?: SampleOrganisation
  /** What `control.snapshot()` gave in an earlier run. */
  readonly state?: AppleSnapshot
  readonly switches?: Partial<Switches>
  /** How notifications leave. */
  readonly fetch?: Fetch
}

export interface Sandbox {
  /** Without a trailing slash. */
  readonly url: string
  /** For `QM_APPLE_APPS_BOOKS_URL`. */
  readonly appsAndBooksUrl: string
  /** For `QM_APPLE_METADATA_URL`. */
  readonly metadataUrl: string
  /** For `QM_APPLE_PUBLIC_LOOKUP_URL`. */
  readonly publicLookupUrl: string
  /** For `QM_APPLE_DEVICES_URL`. */
  readonly devicesUrl: string
  /** For `QM_APPLE_AUTH_URL`. */
  readonly authUrl: string
  /** The page on which things happen in the store. */
  readonly controlUrl: string
  readonly control: AppleControl
  close(): Promise<void>
}

/** Serves the sandbox stores over real HTTP, on loopback unless told otherwise. */
export const startSandbox = async (deps: SandboxDeps): Promise<Sandbox> => {
  const { clock, chance, fetch, state, switches, organisation, port, hostname } = deps
  const apple = createAppleSandbox({
    clock,
    chance,
    ...(fetch === undefined ? {} : { fetch }),
    ...(state === undefined ? {} : { state }),
    ...(switches === undefined ? {} : { switches }),
  })
  if (state === undefined && organisation !== undefined) furnishApple(apple.control, organisation)

  const { url, close } = await serveStore(apple.fetch, { port, isConnectionCut, ...(hostname === undefined ? {} : { hostname }) })
  return {
    url,
    appsAndBooksUrl: url + BASE_PATH,
    metadataUrl: url + LOOKUP_PATH,
    publicLookupUrl: url + PUBLIC_LOOKUP_PATH,
    devicesUrl: url + DEVICES_PATH,
    authUrl: url + TOKEN_PATH,
    controlUrl: `${url}/control`,
    control: apple.control,
    close,
  }
}
