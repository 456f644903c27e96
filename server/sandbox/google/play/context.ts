import type { ServiceAccount } from '../accounts.ts'
import type { Call } from '../methods.ts'
import type { GoogleWorld, Json, PlayEnterprise } from './state.ts'

export interface PlayContext {
  readonly world: GoogleWorld
  readonly account: ServiceAccount
  readonly call: Call
  /** The enterprise of the path. Throws where the path has none. */
  readonly enterprise: () => PlayEnterprise
  /** The address at which this Google is reached. */
  readonly origin: string
}

/** Undefined: a method without an answer. Throws `Refused`. */
export type Play = (context: PlayContext) => Json | undefined | Promise<Json | undefined>
export type Plays = Readonly<Record<string, Play>>
