/** What Microsoft knows of a tenant before any of its services is looked at: its app registrations. */

export interface AppSecret {
  readonly value: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

export interface AppRegistration {
  readonly clientId: string
  readonly name: string
  secrets: AppSecret[]
  /** Application permissions of Graph that an administrator has consented to, such as `User.Read.All`. */
  roles: Set<string>
  /** Activated as a management tool in the Store for Business. */
  isManagementTool: boolean
  /** A Conditional Access policy stops it. */
  isBlocked: boolean
}

export interface Tenant {
  readonly id: string
  name: string
  /** Its initial domain. */
  domain: string
  /** ISO 3166 alpha-2. */
  country: string
  readonly apps: Map<string, AppRegistration>
}

export interface AccessToken {
  readonly tenantId: string
  readonly clientId: string
  /** The resource it is for, without a trailing slash. */
  readonly audience: string
  readonly expiresAt: number
}

export const GRAPH_AUDIENCE = 'https://graph.microsoft.com'
/** The Store for Business: an identifier, nothing is served there. */
export const STORE_AUDIENCE = 'https://onestore.microsoft.com'
