/** What to fetch where, in the words of each vendor's own menus. Source: docs/stores/*.md, "Setting up". */
import type { ConnectorKind } from '../../shared/connector.ts'

export interface Step {
  readonly title: string
  readonly text: string
}

const registration: readonly Step[] = [
  {
    title: 'Register an app in the Entra admin center',
    text: 'Identity, Applications, App registrations, New registration. Any name, accounts in this organizational directory only, no redirect address. Its Overview page shows the Application (client) ID and the Directory (tenant) ID.',
  },
  {
    title: 'Make a client secret',
    text: 'Certificates & secrets, New client secret. Copy its Value at once, not its Secret ID: it is shown once. It ends after at most two years; note the day under Expires.',
  },
]

const here: Step = {
  title: 'Give them here',
  text: 'They are tried out at once. What is refused is told in words, and nothing is kept then.',
}

export const stepsToConnect: Record<Exclude<ConnectorKind, 'ledger'>, readonly Step[]> = {
  'apple-apps-books': [
    {
      title: 'Sign in to Apple Business Manager or Apple School Manager',
      text: 'Use a managed Apple Account that is kept for this alone and has only the right to assign licenses: a token ends when the password of its account changes or the account goes.',
    },
    {
      title: 'Download the content token of the location',
      text: 'Your name, Preferences (or Settings), Payments and Billing, Apps and Books, then Content Tokens. It is also called location token or VPP token, and holds for a year.',
    },
    { title: 'Give it here', text: 'One location belongs to one connector and to one device management service at a time.' },
  ],
  'google-play-emm': [
    {
      title: 'Find the service account of the enterprise',
      text: 'In the Google Cloud console: IAM and Admin, Service Accounts. It must be the account that was set for the enterprise when it was bound, in a project whose Google Play EMM API is turned on.',
    },
    {
      title: 'Fetch its key',
      text: 'The account, Keys, Add key, Create new key, JSON. A file is downloaded, once: Google keeps no copy. Where the organisation is not bound yet, it is the key of the account that Google validated for a management service.',
    },
    {
      title: 'Give it here',
      text: 'The server needs to reach androidenterprise.googleapis.com and oauth2.googleapis.com. One enterprise belongs to one connector.',
    },
  ],
  'google-android-management': [
    {
      title: 'Find the project that made the enterprise',
      text: 'In the Google Cloud console, with the Android Management API turned on. Its service account needs the role Android Management User: IAM and Admin, IAM, Grant access.',
    },
    {
      title: 'Fetch the key of the account',
      text: 'IAM and Admin, Service Accounts, the account, Keys, Add key, Create new key, JSON. A file is downloaded, once: Google keeps no copy.',
    },
    {
      title: 'Give it here',
      text: 'The server needs to reach androidmanagement.googleapis.com and oauth2.googleapis.com. An enterprise is made with the tool that manages its devices, and not here.',
    },
  ],
  'microsoft-store-business': [
    ...registration,
    {
      title: 'Activate the app in the portal of the store',
      text: 'Manage, Settings, Distribute, Add management tool: search for the name of the app, add it and choose Activate. Other tools may stay active beside it; each may give and take seats behind the others. No consent is needed.',
    },
    here,
  ],
  'microsoft-graph': [
    ...registration,
    {
      title: 'Give it permissions, and have them granted',
      text: 'API permissions, Add a permission, Microsoft Graph, Application permissions: those listed below. Then a Global Administrator chooses Grant admin consent.',
    },
    here,
  ],
}

/** At the renewal of what lets us in; the last step gives it here. */
export const stepsToRenew: Record<Exclude<ConnectorKind, 'apple-apps-books' | 'ledger'>, readonly Step[]> = {
  'google-play-emm': [
    {
      title: 'Make a new key in the Google Cloud console',
      text: "IAM and Admin, Service Accounts, the enterprise's own account, Keys, Add key, Create new key, JSON. The file is downloaded once. The old key goes on working until you delete it there.",
    },
  ],
  'google-android-management': [
    {
      title: 'Make a new key in the Google Cloud console',
      text: 'IAM and Admin, Service Accounts, the account, Keys, Add key, Create new key, JSON. The file is downloaded once. The old key goes on working until you delete it there.',
    },
  ],
  'microsoft-store-business': [
    {
      title: 'Make a new client secret in the Entra admin center',
      text: 'App registrations, the app, Certificates & secrets, New client secret. Copy its Value at once, not its Secret ID: it is shown once. The old secret goes on working until its end or until you delete it.',
    },
  ],
  'microsoft-graph': [
    {
      title: 'Make a new client secret in the Entra admin center',
      text: 'App registrations, the app, Certificates & secrets, New client secret. Copy its Value at once, not its Secret ID: it is shown once. The old secret goes on working until its end or until you delete it.',
    },
  ],
}
