/** Microsoft's sandbox of the demo: one small tenant, as it was left by the run before. */
import * as v from 'valibot'
import { randomHex } from './microsoft/made-ids.ts'
import { BUSINESS_PATH } from './microsoft/business.ts'
import { isConnectionCut } from './microsoft/door.ts'
import { createGraphControl } from './microsoft/graph-control.ts'
import { graphSnapshot, parseGraphSnapshot } from './microsoft/graph-state.ts'
import { createMicrosoftSandbox } from './microsoft/microsoft-sandbox.ts'
import { COLLEGE_CLIENT, COLLEGE_TENANT, furnishCollege } from './sample-college.ts'
import { COLLEGE_ROLES, furnishCollegeTenant } from './sample-college-tenant.ts'
import { serveStore } from './serve-store.ts'
import type { NewConnector } from '../connectors.ts'
import type { Chance, Clock } from '../../shared/clock.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export interface DemoMicrosoft {
  /** For `QM_MICROSOFT_STORE_URL`. */
  readonly storeUrl: string
  /** For `QM_MICROSOFT_LOGIN_URL`, and `QM_MICROSOFT_GRAPH_URL` too. */
  readonly url: string
  readonly controlUrl: string
  readonly graphControlUrl: string
  /** What is connected when the sample organisation moves in. */
  readonly connectors: readonly NewConnector[]
  /** For a later run's `kept`. */
  snapshot(): unknown
  close(): Promise<void>
}

export interface DemoMicrosoftDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly port: number
  /** Undefined: it begins afresh. */
  readonly kept: unknown
  /** An Apple location that is connected too, and an app that it owns: the tenant's Intune knows of both. */
  readonly clinic: { readonly name: string; readonly organization: string; readonly adamId: string }
}

const YEAR_MS = 365 * 86_400_000
const keptSchema = v.object({ clientSecret: v.pipe(v.string(), v.minLength(8)), business: v.unknown(), graph: v.optional(v.unknown()) })

/** Fails with what can't be read of `kept`. */
export const openDemoMicrosoft = async ({
  clock,
  chance,
  port,
  kept,
  clinic,
}: DemoMicrosoftDeps): Promise<Result<DemoMicrosoft, string>> => {
  const before = kept === undefined ? undefined : v.safeParse(keptSchema, kept)
  if (before?.success === false) return err('its own file')
  const clientSecret = before?.output.clientSecret ?? `demo~${randomHex(chance, 16)}`
  const sandbox = createMicrosoftSandbox({ clock, chance })
  sandbox.world.tenants.set(COLLEGE_TENANT, {
    id: COLLEGE_TENANT,
    name: 'Eastmere College',
    domain: 'college.eastmere.example',
    country: 'GB',
    apps: new Map([
      [
        COLLEGE_CLIENT,
        {
          clientId: COLLEGE_CLIENT,
          name: 'Quartermaster',
          secrets: [{ value: clientSecret, expiresAt: clock.now() + YEAR_MS }],
          roles: new Set(COLLEGE_ROLES),
          isManagementTool: true,
          isBlocked: false,
        },
      ],
    ]),
  })
  if (before === undefined) furnishCollege(sandbox.business)
  else {
    const restored = sandbox.business.restore(before.output.business)
    if (!restored.ok) return err(restored.error.where)
  }
  // A tenant that was kept before there was a Graph gets what a fresh one has.
  if (before?.output.graph === undefined)
    furnishCollegeTenant(createGraphControl(sandbox.world, sandbox.graph.stateOf(COLLEGE_TENANT)), clock.now(), clinic)
  else {
    const restored = parseGraphSnapshot(before.output.graph)
    if (!restored.ok) return err(restored.error.where)
    sandbox.graph.restore(restored.value)
  }
  const { url, close } = await serveStore(sandbox.fetch, { port, isConnectionCut })
  return ok({
    url,
    storeUrl: `${url}${BUSINESS_PATH}`,
    controlUrl: `${url}/control/business`,
    graphControlUrl: `${url}/control/graph`,
    connectors: [
      {
        kind: 'microsoft-store-business',
        name: 'Store for Business, Eastmere College',
        credential: { tenantId: COLLEGE_TENANT, clientId: COLLEGE_CLIENT, clientSecret },
        settings: {},
        scopeTags: [],
      },
      {
        kind: 'microsoft-graph',
        name: 'Microsoft 365, Eastmere College',
        credential: { tenantId: COLLEGE_TENANT, clientId: COLLEGE_CLIENT, clientSecret },
        settings: {},
        scopeTags: [],
      },
    ],
    snapshot: () => ({ clientSecret, business: sandbox.business.snapshot(), graph: graphSnapshot(sandbox.graph.stateOf(COLLEGE_TENANT)) }),
    close,
  })
}
