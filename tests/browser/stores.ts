/** Google's and Microsoft's sandboxes beside a town, on free ports, with one enterprise and one tenant in them. */
import type { KeyFile } from '../../server/sandbox/google/accounts.ts'
import type { GoogleControl } from '../../server/sandbox/google/control.ts'
import { startGoogle } from '../../server/sandbox/google/start.ts'
import { BUSINESS_PATH } from '../../server/sandbox/microsoft/business.ts'
import { isConnectionCut } from '../../server/sandbox/microsoft/door.ts'
import { createGraphControl, type GraphControl } from '../../server/sandbox/microsoft/graph-control.ts'
import { createMicrosoftSandbox, type MicrosoftSandbox } from '../../server/sandbox/microsoft/microsoft-sandbox.ts'
import type { AppRegistration } from '../../server/sandbox/microsoft/tenant-state.ts'
import { COLLEGE_CLIENT, COLLEGE_TENANT, furnishCollege } from '../../server/sandbox/sample-college.ts'
import { COLLEGE_ROLES, furnishCollegeTenant } from '../../server/sandbox/sample-college-tenant.ts'
import { serveStore } from '../../server/sandbox/serve-store.ts'
import { systemChance, systemClock } from '../../server/system-clock.ts'
import { openTown, type Town } from './town.ts'

export const ENTERPRISE = 'LC03eastmere'
export const clientSecret = 'canary~Client.Secret_8Q-value'
export { COLLEGE_CLIENT, COLLEGE_TENANT }

export interface Stores extends Town {
  readonly google: GoogleControl
  readonly keyFile: KeyFile
  readonly vendorKey: KeyFile
  readonly microsoft: MicrosoftSandbox
  readonly graph: GraphControl
  readonly app: AppRegistration
}

const YEAR_MS = 365 * 86_400_000

export const openStores = async (): Promise<Stores> => {
  const google = await startGoogle({ clock: systemClock, chance: systemChance, port: 0 })
  const { keyFile } = google.control.addEnterprise({ id: ENTERPRISE, name: 'Eastmere Schools' })
  const vendorKey = google.control.addVendor('binding@quartermaster-vendor.iam.gserviceaccount.com')
  const holder = google.control.addUser(ENTERPRISE, { accountIdentifier: 'ines' }).id
  google.control.addLicense(ENTERPRISE, 'app:com.example.orchestra', { purchased: 0, product: { title: 'Pocket Orchestra' } })
  google.control.entitle(ENTERPRISE, holder, 'app:com.example.orchestra')
  google.control.addLicense(ENTERPRISE, 'app:com.example.reader', { purchased: null, product: { title: 'Class Reader' } })

  const microsoft = createMicrosoftSandbox({ clock: systemClock, chance: systemChance })
  const app: AppRegistration = {
    clientId: COLLEGE_CLIENT,
    name: 'Quartermaster',
    secrets: [{ value: clientSecret, expiresAt: systemClock.now() + YEAR_MS }],
    roles: new Set(COLLEGE_ROLES),
    isManagementTool: true,
    isBlocked: false,
  }
  microsoft.world.tenants.set(COLLEGE_TENANT, {
    id: COLLEGE_TENANT,
    name: 'Eastmere College',
    domain: 'college.eastmere.example',
    country: 'GB',
    apps: new Map([[COLLEGE_CLIENT, app]]),
  })
  furnishCollege(microsoft.business)
  const graph = createGraphControl(microsoft.world, microsoft.graph.stateOf(COLLEGE_TENANT))
  furnishCollegeTenant(graph, systemClock.now(), { name: 'Eastmere Clinic', organization: 'Eastmere', adamId: '' })
  const served = await serveStore(microsoft.fetch, { port: 0, isConnectionCut })

  const town = await openTown({
    connect: false,
    settings: {
      QM_GOOGLE_PLAY_URL: google.url,
      QM_GOOGLE_MANAGEMENT_URL: google.url,
      QM_GOOGLE_TOKEN_URL: google.tokenUrl,
      QM_MICROSOFT_STORE_URL: `${served.url}${BUSINESS_PATH}`,
      QM_MICROSOFT_LOGIN_URL: served.url,
      QM_MICROSOFT_GRAPH_URL: served.url,
    },
  })
  return {
    ...town,
    // Of what is spread a getter would be its value of now.
    get serving() {
      return town.serving
    },
    google: google.control,
    keyFile,
    vendorKey,
    microsoft,
    graph,
    app,
    [Symbol.asyncDispose]: async () => {
      await town[Symbol.asyncDispose]()
      await google.close()
      await served.close()
    },
  }
}
