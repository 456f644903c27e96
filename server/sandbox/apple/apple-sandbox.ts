import { Hono } from 'hono'
import type { Chance, Clock } from '../../../shared/clock.ts'
import { createControlRoutes } from './control-routes.ts'
import { createControl } from './control-object.ts'
import type { AppleControl } from './control.ts'
import { createDeviceApi } from './device-api.ts'
import { createFaults } from './faults.ts'
import { createInvitationPage } from './invitation-page.ts'
import { userBody } from './lists.ts'
import { createLookup } from './lookup.ts'
import { createNotices } from './notices.ts'
import type { Fetch } from './notices.ts'
import { createProtocol } from './protocol.ts'
import { createRequestLog } from './request-log.ts'
import { activeUser, emptyState } from './state.ts'
import type { AppleSnapshot } from './snapshot.ts'
import { DEFAULT_SWITCHES } from './switches.ts'
import type { Switches } from './switches.ts'
import { createViews } from './views.ts'
import type { AppleWorld } from './world.ts'

export interface AppleSandboxDeps {
  readonly clock: Clock
  readonly chance: Chance
  /** How notifications leave. Without it every notification address is out of reach. */
  readonly fetch?: Fetch
  readonly state?: AppleSnapshot
  readonly switches?: Partial<Switches>
}

export interface AppleSandbox {
  /** Rejects with a TypeError when a fault cuts the connection, as `fetch` does. */
  fetch(request: Request): Promise<Response>
  readonly control: AppleControl
}

/**
 * Apple's Apps and Books, played from a state of its own: nothing in it is more helpful than Apple is.
 *
 * Time passes only by the clock: events are done lazily, when a request or the control object looks. The same clock, chance and
 * requests give the same answers, byte for byte.
 */
export const createAppleSandbox = ({ clock, chance, fetch, state, switches }: AppleSandboxDeps): AppleSandbox => {
  const faults = createFaults()
  const world: AppleWorld = {
    state: emptyState(),
    switches: { ...DEFAULT_SWITCHES, ...switches },
    clock,
    chance,
    faults,
    views: createViews(clock, (list) => world.switches.listLagMs[list]),
    notices: createNotices({
      clock,
      chance,
      faults,
      fetch,
      userBody: (location, clientUserId) => {
        const known = activeUser(location, clientUserId) ?? location.users.get(clientUserId)?.at(-1)
        return known === undefined ? { clientUserId } : userBody(world, known)
      },
    }),
    openEvents: new Map(),
    accessTokens: new Map(),
  }
  const log = createRequestLog()
  const control = createControl(world, log)
  if (state !== undefined) {
    const restored = control.restore(state)
    if (!restored.ok) throw new Error(`sandbox: the saved state cannot be read, ${restored.error.where}`)
  }

  const app = new Hono()
  // A cut connection has to reach the caller as it is; anything else is a mistake of the sandbox and must not look like Apple.
  app.onError((error) => {
    throw error
  })
  app.route('/', createProtocol(world, log))
  app.route('/', createLookup(world, log))
  app.route('/', createDeviceApi(world, log))
  app.route('/', createInvitationPage(control))
  app.route('/', createControlRoutes(control))
  return { fetch: async (request) => app.fetch(request), control }
}
