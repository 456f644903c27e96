/** How a person stands at a store that keeps a list of people of its own (Apple). Without an entry there, a person takes no seat. */
import type { PrincipalId } from './ids.ts'
import { isEmail } from './mail-address.ts'
import { joinsByOf, type User } from './principal.ts'

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

/** Of one who is not on the list, by how the store could take the person up. */
export const notRegisteredInWords: Record<ReturnType<typeof joinsByOf>, string> = {
  account: 'Not registered. Registering takes the managed account; nothing is asked of the person',
  mail: 'Not registered. Registering makes an invitation, which the person accepts with an Apple Account',
  nothing: 'Not registered, and neither a managed account nor a mail address is known. Add one to the person first',
}

// ---- Who can be asked for by hand ----

/** Why one person is left out of what is asked of the store. `text` goes on from the name: "is registered already". */
export interface NotAskedBecause {
  readonly code: string
  readonly text: string
}

export const notRegistered: NotAskedBecause = { code: 'not-registered', text: 'is not registered at the store' }

/** Undefined: nothing stands in the way. */
export const whyNotRegistered = (user: User, registration: Registration | undefined): NotAskedBecause | undefined => {
  if (registration !== undefined && registration.state !== 'retired') return { code: 'registered-already', text: 'is registered already' }
  if (user.left !== null) return { code: 'principal-left', text: 'has left the organisation' }
  if (!user.active) return { code: 'principal-inactive', text: 'is not active in the directory' }
  return whyNotTold(user)
}

/** Without an account of the organisation's own a person is invited, and for that a mail address is needed. */
export const whyNotTold = (user: User): NotAskedBecause | undefined => {
  switch (joinsByOf(user)) {
    case 'account':
      return undefined
    case 'mail':
      return isEmail(user.email) ? undefined : { code: 'mail-address-malformed', text: 'has a mail address that is none. Correct it first' }
    case 'nothing':
      return { code: 'nothing-to-join-by', text: 'has neither a managed account nor a mail address. Add one of them to the person first' }
  }
}

export const whyNotRetired = (registration: Registration | undefined): NotAskedBecause | undefined =>
  registration === undefined
    ? notRegistered
    : registration.state === 'retired'
      ? { code: 'retired-already', text: 'is retired already' }
      : undefined
