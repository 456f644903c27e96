/** What a connector can do now, in words: how its counts come about, what may be given and taken, since when its vendor has retired it. */
import { credentialWords } from '../../shared/credential-words.ts'
import type { Connector } from '../../shared/connector.ts'
import { dayWithYear, fullTime } from '../parts/times.ts'

export const hasCredential = ({ kind }: Pick<Connector, 'kind'>): boolean => kind !== 'ledger'

/** Live, kept or imported, and as of when. */
export const countsInWords = (connector: Connector, now: number): string => {
  const at = connector.lastGoodSyncAt
  const asOf = at === null ? 'not read yet' : `as of ${fullTime(at, now)}`
  switch (connector.capabilities.counts) {
    case 'live':
      return `Live, counted by ${credentialWords[connector.kind].vendor}, ${asOf}`
    case 'kept':
      if (connector.retirement !== undefined) return `Kept as they were last read, ${asOf}`
      return connector.kind === 'google-android-management'
        ? `Kept: on how many devices policies put an app, ${asOf}`
        : 'Kept: counted here, from what is entered'
    case 'imported':
      return `Imported, ${asOf}`
  }
}

export const mayInWords = (connector: Connector): string => {
  const { assign, revoke, deviceLicenses, userLicenses } = connector.capabilities
  if (connector.retirement !== undefined) return 'Nothing: the vendor no longer serves it'
  if (connector.readOnly) return 'Read only: seats can not be given or taken'
  const whom = deviceLicenses && userLicenses ? 'devices and people' : deviceLicenses ? 'devices' : 'people'
  if (!assign) return revoke ? `Read, and take seats back from ${whom}` : 'Read only'
  return `Read, give seats to ${whom}${revoke ? ' and take them back' : ''}`
}

/** Undefined: the vendor serves it. */
export const retiredInWords = ({ kind, capabilities, retirement }: Connector): string | undefined =>
  capabilities.retired === null
    ? undefined
    : `By ${credentialWords[kind].vendor} since ${dayWithYear(capabilities.retired)}${
        retirement === undefined ? '; where it still answers, it works' : `; noticed on ${dayWithYear(retirement.noticedAt)}`
      }`

/** When what lets us in ends. */
export const endInWords = ({ kind, credential }: Connector): string => {
  if (credential.expiresAt !== null) return ''
  switch (kind) {
    case 'google-play-emm':
    case 'google-android-management':
      return 'Does not end by itself'
    case 'microsoft-store-business':
    case 'microsoft-graph':
      return 'Its end is not known: Microsoft does not tell it'
    case 'apple-apps-books':
    case 'ledger':
      return 'No end is known'
  }
}
