/** What a connector is after its store has answered: its credential, who holds the Location, what may be written. Pure. */
import type { LocationIdentity, StoreFailure } from './stores/store.ts'
import {
  credentialStateAt,
  needsNoCredential,
  retiredCapabilities,
  type Capabilities,
  type Connector,
  type CredentialRecord,
  type ForeignOwner,
} from '../shared/connector.ts'

export type Owner = NonNullable<LocationIdentity['owner']>

export interface Observed {
  /** ISO 8601. */
  readonly at: string
  /** What stands on a Location that is ours. */
  readonly ownId: string
}

/** Null: ours, or never anybody else's. A Location that another service has left is not ours again by itself. */
const foreignOwnerAfter = (held: ForeignOwner | null, owner: Owner | null, { at, ownId }: Observed): ForeignOwner | null => {
  if (owner === null) return held === null || held.leftAt !== null ? held : { ...held, leftAt: at }
  if (owner.id === ownId) return null
  return held !== null && held.leftAt === null && held.id === owner.id ? { ...held, ...owner } : { ...owner, noticedAt: at, leftAt: null }
}

/** `capabilities`: a later version may be able to do more with what was connected by an earlier one. */
export const afterIdentity = (
  connector: Connector,
  identity: LocationIdentity,
  observed: Observed,
  capabilities: Capabilities | undefined,
): Connector => {
  const checkedAt = observed.at
  // A token never moves to another Location: such an answer is not to be trusted with the seats of this one.
  if (connector.location !== null && connector.location.key !== identity.location.key)
    return { ...connector, credential: { ...connector.credential, state: 'invalid', checkedAt } }
  const foreignOwner = foreignOwnerAfter(connector.foreignOwner, identity.owner, observed)
  const kept = connector.credential.expiresAt
  // A day that only a person told gives way to the store, which takes the secret still.
  const wasWrong = connector.store === 'microsoft' && kept !== null && kept <= checkedAt
  const expiresAt = identity.expiresAt ?? (wasWrong ? null : kept)
  // It answers: what an earlier answer turned off is on again.
  const { retirement: _, ...answering } = connector
  return {
    ...answering,
    capabilities: capabilities ?? connector.capabilities,
    location: identity.location,
    // The store takes it; whether its end has come follows from the time, which may be set right again.
    credential: { state: foreignOwner !== null ? 'foreign' : connector.kind === 'ledger' ? 'none' : 'valid', expiresAt, checkedAt },
    foreignOwner,
  }
}

export const afterOwner = (connector: Connector, owner: Owner, observed: Observed): Connector => {
  const foreignOwner = foreignOwnerAfter(connector.foreignOwner, owner, observed)
  // That it is ours again is believed when the Location itself is asked, not by the way.
  return foreignOwner === null ? connector : { ...connector, foreignOwner, credential: { ...connector.credential, state: 'foreign' } }
}

export const afterFailure = (connector: Connector, failure: StoreFailure, observed: Observed): Connector => {
  const checkedAt = observed.at
  const credential = (state: CredentialRecord['state']): Connector => ({
    ...connector,
    credential: { ...connector.credential, state, checkedAt },
  })
  switch (failure.is) {
    case 'credential-expired': {
      // The store's word counts, also where the file named a later day: by the clock alone it would be valid again at once.
      const { expiresAt } = connector.credential
      const expired = credential('expired')
      return expiresAt !== null && expiresAt <= checkedAt
        ? expired
        : { ...expired, credential: { ...expired.credential, expiresAt: checkedAt } }
    }
    case 'credential-invalid':
      return credential('invalid')
    case 'read-only-token':
      return { ...connector, readOnly: true }
    case 'foreign-owner':
      return afterOwner(credential('foreign'), failure.owner, observed)
    case 'store-retired': {
      const { since, text } = failure
      const noticedAt = connector.retirement?.noticedAt ?? checkedAt
      return { ...connector, capabilities: retiredCapabilities(connector.capabilities, since), retirement: { noticedAt, text } }
    }
    case 'store-busy':
    case 'store-unreachable':
    case 'store-refused':
    case 'store-answer-unreadable':
    case 'store-changed-meanwhile':
      return connector
  }
}

/** The store takes this credential, and nobody else holds the Location. */
export const isUsable = (connector: Connector, now: number): boolean => {
  const state = credentialStateAt(connector.credential, now)
  return (state === 'valid' || state === 'expiring' || needsNoCredential(connector)) && connector.foreignOwner === null
}
