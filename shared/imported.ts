/**
 * What another device management service holds, as it told: its tokens, the apps it counts licenses of, whom it gives
 * them to. Copies, with their time: they are shown, never given from, and stand in no sum of ours.
 */
import type { Connector } from './connector.ts'
import type { ConnectorId, LicenseId } from './ids.ts'
import type { License, LicenseType } from './license.ts'

/** ISO 8601; null: never, or not told. */
type Time = string | null

export interface ImportedToken {
  readonly kind: 'token'
  /** The service's own. */
  readonly id: string
  readonly name: string
  /** Of the purchasing account. Empty: not told. */
  readonly location: string
  readonly organization: string
  readonly account: string
  readonly expiresAt: Time
  readonly state: 'valid' | 'expired' | 'invalid' | 'elsewhere' | 'duplicate' | 'unknown'
  readonly sync: 'none' | 'running' | 'completed' | 'failed' | 'unknown'
  readonly lastSyncAt: Time
  /** What went wrong in the service with this token, in words. Absent: nothing. */
  readonly trouble?: string
  readonly asOf: string
}

export const importedSorts = ['ios', 'macos', 'play', 'windows-store', 'other'] as const
export interface ImportedAssignment {
  readonly intent: 'available' | 'required' | 'uninstall' | 'available-without-enrollment' | 'unknown'
  readonly target: 'group' | 'not-group' | 'all-users' | 'all-devices' | 'unknown'
  /** The directory's key of the group; empty where there is none. */
  readonly groupKey: string
  /** Null: it does not say, or there is nothing to say. */
  readonly licenseType: LicenseType | null
}
export interface ImportedApp {
  readonly kind: 'app'
  readonly id: string
  readonly sort: (typeof importedSorts)[number]
  /** The service's own word for it. */
  readonly type: string
  readonly name: string
  readonly publisher: string
  /** As its store names it: adamId, package name, product id. Empty: not told. */
  readonly productId: string
  readonly bundleId: string
  /** Under which token it was bought: the same app under two tokens is two. Empty: none, or not told. */
  readonly tokenId: string
  /** Null: it counts none. */
  readonly total: number | null
  readonly inUse: number | null
  readonly licenseTypes: readonly LicenseType[]
  readonly assignments: readonly ImportedAssignment[]
  readonly trouble?: string
  readonly asOf: string
}

export interface ImportedBinding {
  readonly kind: 'binding'
  readonly id: string
  readonly state: 'not-bound' | 'bound' | 'validated' | 'unbinding' | 'unknown'
  readonly owner: string
  readonly organization: string
  readonly sync: string
  readonly lastSyncAt: Time
  readonly asOf: string
}

export type Imported = ImportedToken | ImportedApp | ImportedBinding

/** How old what the service itself knows may be before it is shown as stale. */
export const staleAfterMs = 7 * 24 * 60 * 60_000

/** When the service itself looked last, where it tells; null: it never did, or does not say. */
const serviceLookedAt = (row: ImportedApp, tokens: readonly ImportedToken[]): Time =>
  tokens.find(({ id }) => id === row.tokenId)?.lastSyncAt ?? null

/** Counts that the service itself has not renewed for long, or of a store that is gone. */
export const isStale = (row: ImportedApp, tokens: readonly ImportedToken[], now: number): boolean => {
  if (row.sort === 'windows-store') return true
  if (row.tokenId === '') return false
  const at = serviceLookedAt(row, tokens)
  return at === null || now - Date.parse(at) > staleAfterMs
}

const same = (a: string, b: string): boolean => a !== '' && a.trim().toLowerCase() === b.trim().toLowerCase()

/** The connector here that is the very purchasing account of this token. Names decide: the service tells no number of it. */
const connectorOf = (token: ImportedToken, connectors: readonly Pick<Connector, 'id' | 'kind' | 'location'>[]): ConnectorId | undefined =>
  connectors.find(
    ({ kind, location }) =>
      kind === 'apple-apps-books' && location !== null && [token.location, token.name].some((name) => same(name, location.name)),
  )?.id

export interface CopyOf {
  readonly connectorId: ConnectorId
  /** Null: the connector is of the same account, and has no such license. */
  readonly licenseId: LicenseId | null
}

/** Which license here an imported app tells of once more; undefined: none that is connected here. */
export const copyOf = (
  row: ImportedApp,
  tokens: readonly ImportedToken[],
  connectors: readonly Pick<Connector, 'id' | 'kind' | 'location'>[],
  licenses: readonly Pick<License, 'id' | 'connectorId' | 'product'>[],
): CopyOf | undefined => {
  const token = tokens.find(({ id }) => id === row.tokenId)
  const connectorId = token === undefined ? undefined : connectorOf(token, connectors)
  if (connectorId === undefined) return undefined
  const license = licenses.find(
    (each) =>
      each.connectorId === connectorId &&
      ((row.productId !== '' && each.product.id === row.productId) || (row.bundleId !== '' && each.product.bundleId === row.bundleId)),
  )
  return { connectorId, licenseId: license?.id ?? null }
}

/** A token's state in words; empty: all is well. */
export const tokenInWords = (token: ImportedToken): string => {
  switch (token.state) {
    case 'valid':
      return token.sync === 'failed'
        ? 'Its last sync in Intune failed: its counts there are older than they look.'
        : token.sync === 'running'
          ? 'Intune is syncing it: its counts there may change.'
          : ''
    case 'expired':
      return 'It has expired in Intune. Renew it in the store and upload it there.'
    case 'invalid':
      return 'Intune can no longer use it. Download a new one in the store and upload it there.'
    case 'elsewhere':
      return 'Another device management service holds this location. Intune gives nothing from it.'
    case 'duplicate':
      return 'Two tokens of one location are uploaded in Intune. Remove one of them there.'
    case 'unknown':
      return 'Intune does not say how it stands.'
  }
}
