/** Administrators and what they may do. */
import type { AdminId } from './ids.ts'

export const roles = ['owner', 'administrator', 'reader', 'directory'] as const
export type Role = (typeof roles)[number]

/** Whoever acts: a person signed in, or an API key. `name` is what others read beside an act. */
export interface Actor {
  readonly kind: 'admin' | 'api-key'
  readonly id: AdminId
  readonly name: string
  readonly role: Role
}

export type Act = 'read' | 'edit-plan' | 'sync' | 'reclaim' | 'manage-connectors' | 'manage-directory' | 'manage-admins' | 'read-audit'

const actsByRole: Record<Role, readonly Act[]> = {
  owner: ['read', 'edit-plan', 'sync', 'reclaim', 'manage-connectors', 'manage-directory', 'manage-admins', 'read-audit'],
  administrator: ['read', 'edit-plan', 'sync', 'reclaim', 'manage-connectors', 'manage-directory', 'read-audit'],
  reader: ['read', 'read-audit'],
  directory: ['manage-directory'],
}

/** The one question of authorisation, asked at the data for REST, the exchange and SCIM alike. */
export const may = (actor: Pick<Actor, 'role'>, act: Act): boolean => actsByRole[actor.role].includes(act)
