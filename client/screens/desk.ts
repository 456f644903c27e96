/** What every screen is given: the workspace, acts that need the server, the account, the address, and the messages after an act. */
import { createContext } from 'svelte'
import type { ConnectorSettings } from '../../shared/connector.ts'
import type { ConnectorId, LicenseId, PrincipalId } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import type { Toasts } from '../parts/toasts.svelte.ts'
import type { Router } from '../router.svelte.ts'
import type { ActFailed } from '../server-acts.ts'
import type { Workspace } from '../workspace.svelte.ts'
import type { Theme } from './theme.svelte.ts'

export type Acted<T> = Promise<Result<T, ActFailed>>
export type ReleaseSeats = 'keep' | 'revoke' | 'all'

export interface ServerActs {
  addConnector(wanted: { readonly name: string; readonly contentToken: string }): Acted<{ readonly id: ConnectorId }>
  renewCredential(id: ConnectorId, contentToken: string): Acted<void>
  changeConnector(id: ConnectorId, change: { readonly name?: string; readonly settings?: Partial<ConnectorSettings> }): Acted<void>
  /** Asks the store who we are; changes nothing. */
  testConnector(id: ConnectorId): Acted<{ readonly ok: boolean; readonly reasons: readonly { readonly text: string }[] }>
  claimConnector(id: ConnectorId): Acted<void>
  removeConnector(id: ConnectorId, release?: ReleaseSeats): Acted<void>
  sync(id: ConnectorId): Acted<void>
  reclaim(license: LicenseId, principals: readonly PrincipalId[]): Acted<void>
}

export interface Account {
  signIn(email: string, password: string): Acted<void>
  setUp(wanted: { readonly token: string; readonly email: string; readonly name: string; readonly password: string }): Acted<void>
  signOut(): Promise<void>
}

export interface Desk {
  readonly workspace: Workspace
  readonly acts: ServerActs
  readonly account: Account
  readonly router: Router
  readonly toasts: Toasts
  readonly theme: Theme
  /** Gives a file to the person. */
  download(name: string, mime: string, text: string): void
}

export const [useDesk, setDesk] = createContext<Desk>()
