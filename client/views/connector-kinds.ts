/** The stores that can be connected: what a connector of each can do, and the vendor's limits, said before anybody begins. */
import type { ConnectorKind } from '../../shared/connector.ts'

export interface KindToConnect {
  readonly kind: ConnectorKind
  readonly name: string
  readonly can: string
  readonly cannot: string
  readonly needs: string
  /** What the vendor has retired and since when, or what else may make the work in vain. */
  readonly limit?: string
  /** In the form, as an example of a name. */
  readonly placeholder: string
}

export const kindsToConnect: readonly KindToConnect[] = [
  {
    kind: 'apple-apps-books',
    name: 'Apple Apps and Books',
    can: 'Reads the apps and books of one location with their counts and holders; gives apps to devices and people and takes them back; gives books to people. Changes are heard of at once where Apple can reach this server.',
    cannot: 'Buy, or take back a book or anything else that Apple gives for good.',
    needs: 'The content token of the location, from Apple Business Manager or Apple School Manager. It holds for a year.',
    placeholder: 'As people here call the location',
  },
  {
    kind: 'google-play-emm',
    name: 'Managed Google Play (Google Play EMM API)',
    can: 'Where its license calls still answer: reads apps, private apps and web apps with their counts and holders; gives licenses to people and takes them back. Notices are fetched from Google.',
    cannot: 'Buy or refund, give a license to a device (a license belongs to a person), or list books.',
    needs:
      "The key of a service account that Google validated for this API, and the enterprise's id; or such a vendor's key, to bind an enterprise.",
    limit:
      'Google sells no licenses any more, takes no new registrations for this API, and turned its license calls off on 30 September 2025. Without a service account that Google validated earlier this can not be used, and most organisations have none.',
    placeholder: 'As people here call the enterprise',
  },
  {
    kind: 'google-android-management',
    name: 'Managed Google Play (Android Management API)',
    can: 'Reads the devices of an enterprise and the apps that its policies name, private apps and web apps; puts an app on a device and takes it away, by a copy of the policy of that device.',
    cannot: 'Count or buy licenses (apps have no limit here), give anything to people, or enrol and wipe devices.',
    needs:
      "The key of a service account with the role Android Management User, in the project that made the enterprise; and the enterprise's id.",
    limit:
      'Google lets projects in one by one, and its terms shut out solutions that an organisation uses in-house only. An enterprise that another project made is refused.',
    placeholder: 'As people here call the enterprise',
  },
  {
    kind: 'microsoft-store-business',
    name: 'Microsoft Store for Business and Education',
    can: 'Where the tenant still answers: reads licenses with their counts and holders; gives online licenses to people and takes them back. Offline licenses are shown with their counts.',
    cannot: 'Buy or refund, give anything to devices, or hear of changes at once.',
    needs: 'An app registration with a client secret, activated as a management tool in the portal of the store.',
    limit:
      'Microsoft has retired this store, announced for 31 March 2023, and no later day was published. Its portal may be gone, and an app that was not activated there before can not be activated then. Government tenants never had it.',
    placeholder: 'As people here call the tenant',
  },
  {
    kind: 'microsoft-graph',
    name: 'Microsoft 365 and Entra ID (Microsoft Graph)',
    can: 'Reads Microsoft 365 subscriptions with their counts and who has them; gives them to people and takes them back; reads people and groups into the directory. What Intune holds is read as a copy.',
    cannot: 'Buy, give to devices, or take away a license that a group in Entra ID gives. Somebody without a usage location gets none.',
    needs: 'An app registration with a client secret, and a Global Administrator who grants its permissions.',
    placeholder: 'As people here call the tenant',
  },
  {
    kind: 'ledger',
    name: 'Ledger, kept by hand',
    can: 'Keeps licenses that no store counts: what was bought, when, from whom, and who holds it. Assignments and waiting lists work as with a store.',
    cannot: 'Put anything on a device: nothing leaves this server.',
    needs: 'Nothing. Licenses are entered by hand or by CSV afterwards.',
    placeholder: 'Such as Licenses on paper',
  },
]

export const kindToConnect = (word: string | null): KindToConnect | undefined => kindsToConnect.find(({ kind }) => kind === word)

export interface Permission {
  readonly name: string
  readonly why: string
  readonly needed: boolean
}

/** Application permissions of Microsoft Graph that the connector asks for. Source: docs/stores/microsoft-graph.md. */
export const graphPermissions: readonly Permission[] = [
  { name: 'Organization.Read.All', why: 'which tenant it is, and its subscriptions', needed: true },
  { name: 'User.Read.All', why: 'people, and who has which license', needed: true },
  { name: 'GroupMember.Read.All', why: 'groups and their members', needed: true },
  {
    name: 'LicenseAssignment.ReadWrite.All',
    why: 'to give licenses and take them back; without it everything is only read',
    needed: false,
  },
  { name: 'DeviceManagementApps.Read.All', why: 'apps and assignments in Intune, as a copy', needed: false },
  { name: 'DeviceManagementServiceConfig.Read.All', why: 'tokens in Intune, as a copy', needed: false },
  { name: 'DeviceManagementConfiguration.Read.All', why: 'the Managed Google Play binding in Intune, as a copy', needed: false },
]
