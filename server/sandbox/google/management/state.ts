/** What Google holds of an enterprise under the Android Management API. */
import { hexOf } from '../accounts.ts'
import { invalid, notFound } from '../errors.ts'
import type { Call } from '../methods.ts'
import type { GoogleWorld, Json } from '../play/state.ts'

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
  { chance }: Pick<GoogleWorld, 'chance'>,
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

export interface ManagementContext {
  readonly world: GoogleWorld
  readonly call: Call
  /** The enterprise of the path. */
  readonly enterprise: () => ManagedEnterprise
  /** The enterprises of the caller's project. */
  readonly own: () => readonly ManagedEnterprise[]
}
export type ManagementPlay = (context: ManagementContext) => Json | undefined
export type ManagementPlays = Readonly<Record<string, ManagementPlay>>

export const found = <T>(items: Readonly<Record<string, T>>, id: string | undefined, what: string): T => {
  const item = id !== undefined && Object.hasOwn(items, id) ? items[id] : undefined
  if (item === undefined) throw notFound(what)
  return item
}

/** One page of a list, whose token tells where the next one begins. An empty list comes without its array. */
export const pageOf = (
  { world, call }: Pick<ManagementContext, 'world' | 'call'>,
  name: string,
  all: readonly Json[],
  most = world.switches.managementPageSize,
): Json => {
  const asked = Number(call.query['pageSize'] ?? '0')
  if (asked < 0) throw invalid('pageSize must not be negative.')
  const size = asked === 0 ? Math.min(10, most) : Math.min(asked, most)
  const token = call.query['pageToken']
  const from = token === undefined || token === '' ? 0 : Number(/^at-(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1] ?? NaN)
  if (!Number.isInteger(from) || from > all.length) throw invalid('The page token is not valid.')
  const items = all.slice(from, from + size)
  return {
    ...(items.length === 0 ? {} : { [name]: items }),
    ...(from + size < all.length ? { nextPageToken: Buffer.from(`at-${from + size}`).toString('base64url') } : {}),
  }
}

/** The fields of a mask, each known. Undefined: there is no mask, so that all that can be changed is replaced. */
export const maskOf = ({ query }: Call, known: readonly string[]): readonly string[] | undefined => maskIn(query['updateMask'], known)
export const maskIn = (text: string | undefined, known: readonly string[]): readonly string[] | undefined => {
  if (text === undefined || text === '') return undefined
  const fields = text.split(',').map((field) => field.trim().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
  for (const field of fields) if (!known.includes(field)) throw invalid(`Invalid field mask: ${field}`)
  return fields
}

/** `members` with the masked fields of `given`; a masked field that is not given is gone. */
export const masked = (members: Json, given: Json, mask: readonly string[]): Json => {
  const next: Record<string, unknown> = { ...members }
  for (const field of mask)
    if (given[field] === undefined) delete next[field]
    else next[field] = given[field]
  return next
}
