import type { Chance, Clock } from '../../../shared/clock.ts'
import type { AccessToken } from './device-state.ts'
import type { Faults } from './faults.ts'
import type { Notices } from './notices.ts'
import type { AppleEvent, AppleState, LocationState } from './state.ts'
import type { Switches } from './switches.ts'
import type { Views } from './views.ts'

/** What every rule of the sandbox is handed: the state, and time and chance from outside. */
export interface AppleWorld {
  state: AppleState
  switches: Switches
  readonly clock: Clock
  readonly chance: Chance
  readonly faults: Faults
  readonly views: Views
  readonly notices: Notices
  /** Of the device API; they do not outlive the process. */
  readonly accessTokens: Map<string, AccessToken>
  /** Events that still have tasks, in the order of their acceptance. */
  readonly openEvents: Map<string, { readonly location: LocationState; readonly event: AppleEvent }>
}
