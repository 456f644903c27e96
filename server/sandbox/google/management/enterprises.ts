/** What Google holds of the enterprises under the Android Management API. */
import type { Chance } from '../../../../shared/clock.ts'
import { hexOf } from '../accounts.ts'

type Json = Readonly<Record<string, unknown>>

export interface ManagedDevice {
  /** As `devices.get` answers it, without `name`, `policyName` and what was applied. */
  members: Json
  /** Whole, as in `enterprises/LC01/policies/pupils`; null: none. */
  policyName: string | null
  applied: { readonly policyName: string; readonly version: string } | null
  /** When the device takes over what its policy says now; null: it has. */
  appliesAt: number | null
  /** Packages that are on the device. */
  installed: string[]
}

export interface ManagedPolicy {
  /** Without `name` and `version`. */
  members: Json
  version: number
}

export interface ManagedEnterprise {
  readonly id: string
  /** The cloud project that owns it. */
  readonly project: string
  members: Json
  status: 'there' | 'refused' | 'deleted'
  /** As `applications.get` answers them, without `name`. */
  readonly applications: Record<string, Json>
  readonly policies: Record<string, ManagedPolicy>
  readonly devices: Record<string, ManagedDevice>
  readonly webApps: Record<string, { members: Json; versionCode: number }>
}

export interface ManagementState {
  readonly enterprises: Record<string, ManagedEnterprise>
  /** Accounts without the role of an Android Management User in their project. */
  withoutRole: string[]
}

export const emptyManagementState = (): ManagementState => ({ enterprises: {}, withoutRole: [] })

export const newManagedEnterprise = (
  { chance }: { readonly chance: Chance },
  made: { readonly id?: string; readonly name: string; readonly project: string },
): ManagedEnterprise => ({
  id: made.id ?? `LC${hexOf(chance, 4)}`,
  project: made.project,
  members: { enterpriseDisplayName: made.name },
  status: 'there',
  applications: {},
  policies: {},
  devices: {},
  webApps: {},
})
