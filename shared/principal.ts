/** Users, devices and groups: whom licenses go to. */
import type { GroupRule } from './group-rule.ts'
import type { GroupId, PrincipalId, PrincipalKind } from './ids.ts'

/** `sources` name where it is known from: `csv`, `apple:<connector>`, …; `left` is when its last source stopped naming it. */
export interface User {
  readonly id: PrincipalId
  readonly userName: string
  readonly displayName: string
  readonly email: string
  readonly department: string
  readonly active: boolean
  readonly managedAppleAccount: string
  readonly sources: readonly string[]
  readonly left: string | null
  /** User names that a source gave later, after a marriage: the same person. The stores keep seats under `userName`. */
  readonly otherNames?: readonly string[]
  /**
   * An administrator said that this is the same person as that one, whom sources and assignments mean from then on. This
   * stays as the account under which the stores keep what it holds; it has left, and is given nothing new.
   */
  readonly sameAs?: PrincipalId
}

export interface Device {
  readonly id: PrincipalId
  readonly serialNumber: string
  readonly name: string
  readonly platform: string
  readonly model: string
  readonly ownerId: PrincipalId | null
  readonly active: boolean
  readonly sources: readonly string[]
  readonly left: string | null
}

export type Principal = User | Device
export const isUser = (principal: Principal): principal is User => 'userName' in principal

/** A set of users or of devices; its own members are kept apart as a column of ordinals. */
export interface Group {
  readonly id: GroupId
  readonly name: string
  readonly kind: PrincipalKind
  /** Its own members; those of nested groups are not among them. */
  readonly memberCount: number
  readonly sources: readonly string[]
  /** Directly nested in it, of the same kind: their members are members too. Absent: none. A ring of groups is survived. */
  readonly groups?: readonly GroupId[]
  /** Who is in follows from this rule, and is kept in step by the server. Absent: members are named one by one. */
  readonly rule?: GroupRule
}

/** How a store that keeps a list of people could take this one up. */
export const joinsByOf = (principal: Principal): 'account' | 'mail' | 'nothing' =>
  !isUser(principal) ? 'nothing' : principal.managedAppleAccount !== '' ? 'account' : principal.email !== '' ? 'mail' : 'nothing'

/** What the store calls it: user name or serial number. */
export const storeKeyOf = (principal: Principal): string => (isUser(principal) ? principal.userName : principal.serialNumber)
export const displayNameOf = (principal: Principal): string =>
  isUser(principal) ? principal.displayName || principal.userName : principal.name || principal.serialNumber

/** Serial numbers are compared upper-case and without blanks; user names without regard to case. */
export const normalSerialNumber = (text: string): string => (/^[0-9A-Z]*$/.test(text) ? text : text.replace(/\s+/g, '').toUpperCase())
export const normalUserName = (text: string): string => text.trim().toLowerCase()
