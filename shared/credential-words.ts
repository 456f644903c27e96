/** How people of each store call what lets us in, and what they do for a new one. */

/** What lets us in, and what it is for, as people of that store call them. */
export interface CredentialWords {
  readonly credential: string
  readonly place: string
  readonly vendor: string
  /** What to do for a new one. */
  readonly renew: string
  /** Why one that was good is refused, what it means, and what to do. */
  readonly lost: string
  /** What to do when it may only read. */
  readonly mayMore: string
}

const secretWords: CredentialWords = {
  credential: 'client secret',
  place: 'tenant',
  vendor: 'Microsoft',
  renew: 'Make a new client secret in the Entra admin center and enter its Value here.',
  lost: 'it was deleted, or the app registration or its consent was changed. What was read is kept with its age; nothing can be given or taken. Make a new client secret in the Entra admin center and enter its Value here.',
  mayMore:
    'Add the application permission LicenseAssignment.ReadWrite.All to the app registration, and have a Global Administrator grant consent.',
}
const keyWords: CredentialWords = {
  credential: 'key',
  place: 'enterprise',
  vendor: 'Google',
  renew: "Make a new key for the enterprise's service account in the Google Cloud console and upload its JSON file here.",
  lost: 'it was replaced or deleted, or the organisation is no longer bound to its account. What was read is kept with its age; nothing can be given or taken. Upload a new key here, or bind the organisation again.',
  mayMore: 'Use the service account that was set for the enterprise.',
}

export const credentialWords = {
  'apple-apps-books': {
    credential: 'token',
    place: 'location',
    vendor: 'Apple',
    renew: 'Download a new token in the store and upload it here.',
    lost: 'it was revoked, or the password of the account that made it has changed. Download a new token in the store and upload it here.',
    mayMore: 'Download a token with an account that may assign licenses.',
  },
  'google-play-emm': keyWords,
  'google-android-management': keyWords,
  'microsoft-store-business': secretWords,
  'microsoft-graph': secretWords,
  ledger: { credential: 'key', place: 'ledger', vendor: 'Quartermaster', renew: '', lost: '', mayMore: '' },
} satisfies Record<string, CredentialWords>
