/** What every play of the Android Management API needs: its enterprise, pages, and masks. */
import { invalid, notFound } from '../errors.ts'
import type { Call } from '../methods.ts'
import type { GoogleWorld, Json } from '../play/state.ts'
import type { ManagedEnterprise } from './enterprises.ts'

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
