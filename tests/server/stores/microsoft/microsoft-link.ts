/** Microsoft's sandbox over real HTTP, on a clock moved by hand. */
import { isConnectionCut } from '../../../../server/sandbox/microsoft/door.ts'
import { createMicrosoftSandbox, type MicrosoftSandbox } from '../../../../server/sandbox/microsoft/microsoft-sandbox.ts'
import type { Switches } from '../../../../server/sandbox/microsoft/switches.ts'
import type { AppRegistration, Tenant } from '../../../../server/sandbox/microsoft/tenant-state.ts'
import type { MicrosoftWorld } from '../../../../server/sandbox/microsoft/world.ts'
import { serveStore } from '../../../../server/sandbox/serve-store.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { drivenClock, type DrivenClock } from '../apple/apple-link.ts'

export const TENANT = '11111111-2222-4333-8444-555555555555'
export const CLIENT = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
export const SECRET = 'canary~Client.Secret_8Q-value'

export interface MicrosoftLink extends AsyncDisposable {
  readonly clock: DrivenClock
  readonly url: string
  readonly world: MicrosoftWorld
  readonly tenant: Tenant
  readonly app: AppRegistration
  readonly graph: MicrosoftSandbox['graph']
  /** Requests that reached an endpoint. */
  asked(endpoint: string): number
}

const YEAR_MS = 365 * 86_400_000

export const openMicrosoftLink = async (switches: Partial<Switches> = {}): Promise<MicrosoftLink> => {
  const clock = drivenClock()
  const sandbox = createMicrosoftSandbox({ clock, chance: seededChance(1), switches })
  const app: AppRegistration = {
    clientId: CLIENT,
    name: 'Quartermaster',
    secrets: [{ value: SECRET, expiresAt: clock.now() + YEAR_MS }],
    roles: new Set(),
    isManagementTool: true,
    isBlocked: false,
  }
  const tenant: Tenant = { id: TENANT, name: 'Contoso School', domain: 'contoso.example', country: 'GB', apps: new Map([[CLIENT, app]]) }
  sandbox.world.tenants.set(TENANT, tenant)
  const { url, close } = await serveStore(sandbox.fetch, { port: 0, isConnectionCut })
  return {
    clock,
    url,
    world: sandbox.world,
    tenant,
    app,
    graph: sandbox.graph,
    asked: (endpoint) => sandbox.world.log.all().filter((entry) => entry.endpoint === endpoint).length,
    [Symbol.asyncDispose]: close,
  }
}
