import { Hono } from 'hono'
import type { Chance, Clock } from '../../../shared/clock.ts'
import { createBusinessControl, type BusinessControl } from './business-control.ts'
import { createBusinessPage } from './business-page.ts'
import { emptyBusinessState } from './business-state.ts'
import { DEFAULT_BUSINESS_SWITCHES, type BusinessSwitches } from './business-switches.ts'
import { createBusiness, type BusinessWorld } from './business.ts'
import { createFaults } from './faults.ts'
import { createGraphPage } from './graph-page.ts'
import { createGraph, type Graph } from './graph.ts'
import { createLogin } from './login.ts'
import { createRequestLog } from './request-log.ts'
import { DEFAULT_SWITCHES, type Switches } from './switches.ts'
import type { MicrosoftWorld } from './world.ts'

export interface MicrosoftSandboxDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly switches?: Partial<Switches>
  readonly businessSwitches?: Partial<BusinessSwitches>
}

export interface MicrosoftSandbox {
  /** Rejects with a TypeError when a fault cuts the connection, as `fetch` does. */
  fetch(request: Request): Promise<Response>
  readonly world: MicrosoftWorld
  readonly business: BusinessControl
  readonly graph: Pick<Graph, 'stateOf' | 'restore'>
}

/** Microsoft's login authority and the services behind it, each from a state of its own. Time passes only by the clock. */
export const createMicrosoftSandbox = ({ clock, chance, switches, businessSwitches }: MicrosoftSandboxDeps): MicrosoftSandbox => {
  const world: MicrosoftWorld = {
    tenants: new Map(),
    accessTokens: new Map(),
    switches: { ...DEFAULT_SWITCHES, ...switches },
    clock,
    chance,
    faults: createFaults(),
    log: createRequestLog(),
  }
  const business: BusinessWorld = { world, state: emptyBusinessState(), switches: { ...DEFAULT_BUSINESS_SWITCHES, ...businessSwitches } }
  const businessControl = createBusinessControl(business)
  const graph = createGraph(world)
  const app = new Hono()
  // A cut connection has to reach the caller as it is; anything else is a mistake of the sandbox and must not look like Microsoft.
  app.onError((error) => {
    throw error
  })
  // Before the sign-in, whose address begins with any tenant.
  app.route('/', createBusiness(business))
  app.route('/', createBusinessPage(business, businessControl))
  app.route('/', createGraphPage(world, graph))
  app.route('/', graph.routes)
  app.route('/', createLogin(world))
  return { fetch: async (request) => app.fetch(request), world, business: businessControl, graph }
}
