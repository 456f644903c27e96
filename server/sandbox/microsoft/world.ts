import type { Chance, Clock } from '../../../shared/clock.ts'
import type { Faults } from './faults.ts'
import type { RequestLog } from './request-log.ts'
import type { Switches } from './switches.ts'
import type { AccessToken, Tenant } from './tenant-state.ts'

/** What every rule of the sandbox is handed: who there is, and time and chance from outside. Each service keeps its own state. */
export interface MicrosoftWorld {
  readonly tenants: Map<string, Tenant>
  /** They do not outlive the process. */
  readonly accessTokens: Map<string, AccessToken>
  switches: Switches
  readonly clock: Clock
  readonly chance: Chance
  readonly faults: Faults
  readonly log: RequestLog
}
