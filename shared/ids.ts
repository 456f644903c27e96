/**
 * Ids and composite keys. Each is a branded string, so that a license id is never taken for a connector id.
 *
 * A principal's id is its kind and its ordinal (`u17`, `d42`): users and devices share one run of ordinals, given by
 * the server and never used again, so that a million seats are a column of 32-bit numbers.
 */

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

export type ConnectorId = Branded<'ConnectorId'>
export type LicenseId = Branded<'LicenseId'>
export type GroupId = Branded<'GroupId'>
export type PrincipalId = Branded<'PrincipalId'>
export type OrderId = Branded<'OrderId'>
export type SyncId = Branded<'SyncId'>
export type AdminId = Branded<'AdminId'>
/** One browser profile; the server keeps the number of the last edit it took from each. */
export type DeviceId = Branded<'DeviceId'>
/** A plan document's name, `license:<LicenseId>`. */
export type DocId = Branded<'DocId'>
/** A wish's key inside its license's document: `u<n>`, `d<n>`, `g<id>`, `all-users`, `all-devices`. */
export type TargetKey = Branded<'TargetKey'>
/** `<LicenseId>~<TargetKey>`: what the API calls an assignment's id. */
export type AssignmentId = Branded<'AssignmentId'>

/** Ids are made by the server from 8 to 40 characters of this alphabet; a clean id can stand in a path or a key. */
const ID = /^[a-z0-9][a-z0-9-]{0,63}$/

const parser =
  <T extends string>(pattern: RegExp) =>
  (text: unknown): T | undefined =>
    typeof text === 'string' && pattern.test(text) ? (text as T) : undefined

export const parseConnectorId = parser<ConnectorId>(ID)
export const parseLicenseId = parser<LicenseId>(ID)
export const parseGroupId = parser<GroupId>(ID)
export const parsePrincipalId = parser<PrincipalId>(/^[ud](0|[1-9][0-9]{0,9})$/)
export const parseOrderId = parser<OrderId>(ID)
export const parseSyncId = parser<SyncId>(ID)
export const parseAdminId = parser<AdminId>(ID)
export const parseDeviceId = parser<DeviceId>(/^[A-Za-z0-9-]{8,64}$/)
export const parseDocId = parser<DocId>(/^license:[a-z0-9][a-z0-9-]{0,63}$/)
export const parseTargetKey = parser<TargetKey>(/^([ud](0|[1-9][0-9]{0,9})|g[a-z0-9][a-z0-9-]{0,63}|all-users|all-devices)$/)

export const docOfLicense = (license: LicenseId): DocId => `license:${license}` as DocId
export const licenseOfDoc = (doc: DocId): LicenseId => doc.slice('license:'.length) as LicenseId

export type PrincipalKind = 'user' | 'device'
export const principalIdOf = (kind: PrincipalKind, ordinal: number): PrincipalId =>
  `${kind === 'user' ? 'u' : 'd'}${ordinal}` as PrincipalId
export const ordinalOf = (id: PrincipalId): number => Number(id.slice(1))
export const principalKindOf = (id: PrincipalId): PrincipalKind => (id[0] === 'u' ? 'user' : 'device')

/** Whom an assignment names. */
export type Target =
  | { readonly kind: 'user'; readonly id: PrincipalId }
  | { readonly kind: 'device'; readonly id: PrincipalId }
  | { readonly kind: 'group'; readonly id: GroupId }
  | { readonly kind: 'all-users' }
  | { readonly kind: 'all-devices' }

export const targetKeyOf = (target: Target): TargetKey => {
  switch (target.kind) {
    case 'user':
    case 'device':
      return target.id as string as TargetKey
    case 'group':
      return `g${target.id}` as TargetKey
    case 'all-users':
    case 'all-devices':
      return target.kind as string as TargetKey
  }
}

export const targetOf = (key: TargetKey): Target => {
  const text: string = key
  if (text === 'all-users' || text === 'all-devices') return { kind: text }
  if (key[0] === 'g') return { kind: 'group', id: key.slice(1) as GroupId }
  return { kind: key[0] === 'u' ? 'user' : 'device', id: key as string as PrincipalId }
}

/** Which sort of principals a target holds. Undefined: a group that is not known. */
export const kindOfTarget = (key: TargetKey, groupKinds: ReadonlyMap<GroupId, PrincipalKind>): PrincipalKind | undefined => {
  const target = targetOf(key)
  switch (target.kind) {
    case 'all-users':
    case 'user':
      return 'user'
    case 'all-devices':
    case 'device':
      return 'device'
    case 'group':
      return groupKinds.get(target.id)
  }
}

export const assignmentIdOf = (license: LicenseId, target: TargetKey): AssignmentId => `${license}~${target}` as AssignmentId
export const parseAssignmentId = (text: string): { readonly license: LicenseId; readonly target: TargetKey } | undefined => {
  const at = text.indexOf('~')
  if (at < 0) return undefined
  const license = parseLicenseId(text.slice(0, at))
  const target = parseTargetKey(text.slice(at + 1))
  return license !== undefined && target !== undefined ? { license, target } : undefined
}
