import { Hono } from 'hono'
import type { Chance, Clock } from '../../../shared/clock.ts'
import { createFaults } from './faults.ts'
import { createLogin } from './login.ts'
import { createRequestLog } from './request-log.ts'
import { DEFAULT_SWITCHES, type Switches } from './switches.ts'
import type { MicrosoftWorld } from './world.ts'

export interface MicrosoftSandboxDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly switches?: Partial<Switches>
}

export interface MicrosoftSandbox {
  /** Rejects with a TypeError when a fault cuts the connection, as `fetch` does. */
  fetch(request: Request): Promise<Response>
  readonly world: MicrosoftWorld
}

/** Microsoft's login authority and the services behind it, each from a state of its own. Time passes only by the clock. */
export const createMicrosoftSandbox = ({ clock, chance, switches }: MicrosoftSandboxDeps): MicrosoftSandbox => {
  const world: MicrosoftWorld = {
    tenants: new Map(),
    accessTokens: new Map(),
    switches: { ...DEFAULT_SWITCHES, ...switches },
    clock,
    chance,
    faults: createFaults(),
    log: createRequestLog(),
  }
  const app = new Hono()
  // A cut connection has to reach the caller as it is; anything else is a mistake of the sandbox and must not look like Microsoft.
  app.onError((error) => {
    throw error
  })
  app.route('/', createLogin(world))
  return { fetch: async (request) => app.fetch(request), world }
}
