/** How a person stands at a store that keeps a list of people of its own (Apple). Without an entry there, a person takes no seat. */
import type { PrincipalId } from './ids.ts'

/**
 * `registered`: known, no Apple Account linked yet; seats can be given, and are of use once the person accepts the
 * invitation. `associated`: linked. `retired`: taken out; everything that can come back has come back.
 */
export type RegistrationState = 'registered' | 'associated' | 'retired'

/** The present record of one person at one Location. Invitations are not kept: who may invite asks the store for the link. */
export interface Registration {
  readonly id: PrincipalId
  readonly state: RegistrationState
  readonly email: string
  /** The user name as the store writes it, where that is another writing than the directory's: it is asked for by its own. */
  readonly storeKey?: string
  /** Records of the same person that the store has closed: retired before, or replaced when the person came back. */
  readonly closedRecords: number
  /** ISO 8601, when we first saw this state. */
  readonly since: string
}

export const registrationInWords: Record<RegistrationState, string> = {
  registered: 'Invited, not accepted yet. Seats can be given; they are of use once the invitation is accepted',
  associated: 'Registered, with an Apple Account',
  retired: 'Retired at the store. No seats can be given until the person is registered again',
}
