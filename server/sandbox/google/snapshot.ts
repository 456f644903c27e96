/** The state of this Google as it is kept between two runs of the demo. It is our own file. */
import * as v from 'valibot'
import type { ServiceAccount } from './accounts.ts'
import { emptyManagementState, type ManagementState } from './management/enterprises.ts'
import { emptyPlayState, type GoogleWorld, type PlayState } from './play/state.ts'

export interface GoogleSnapshot {
  readonly version: 1
  readonly accounts: readonly ServiceAccount[]
  readonly play: PlayState
  /** Absent in what was kept before there was any. */
  readonly management?: ManagementState
}

const record = v.record(v.string(), v.looseObject({}))
const form = v.object({
  version: v.literal(1),
  accounts: v.array(v.looseObject({ email: v.string(), project: v.string(), isVendor: v.boolean(), keys: v.array(v.looseObject({})) })),
  play: v.object({ enterprises: record, signups: record, notifications: v.array(v.looseObject({})), webTokens: record }),
  management: v.optional(v.object({ enterprises: record, withoutRole: v.array(v.string()) })),
})

/** Undefined: it is none. */
export const parseGoogleSnapshot = (given: unknown): GoogleSnapshot | undefined =>
  // The form is looked at from outside only: nobody but this sandbox writes it.
  v.is(form, given) ? (given as unknown as GoogleSnapshot) : undefined

export const writeGoogleSnapshot = ({ accounts, play, management }: GoogleWorld): GoogleSnapshot =>
  structuredClone({ version: 1, accounts: [...accounts.accounts.values()], play, management })

export const readGoogleSnapshot = (world: GoogleWorld, { accounts, play, management }: GoogleSnapshot): void => {
  world.accounts.accounts.clear()
  world.accounts.tokens.clear()
  for (const account of structuredClone(accounts)) world.accounts.accounts.set(account.email, account)
  world.play = { ...emptyPlayState(), ...structuredClone(play) }
  world.management = { ...emptyManagementState(), ...structuredClone(management ?? {}) }
}
