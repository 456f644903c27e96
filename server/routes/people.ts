/** What users and devices have in common: the list, one, and letting go. */
import type { Context } from 'hono'
import * as v from 'valibot'
import { ordinalOf, parsePrincipalId, principalKindOf, type LicenseId, type PrincipalId, type PrincipalKind } from '../../shared/ids.ts'
import { displayNameOf, isUser, storeKeyOf, type Device, type Principal, type User } from '../../shared/principal.ts'
import type { FactReader, FactStore } from '../facts.ts'
import { createPrincipalNames } from '../principals.ts'
import { etagOf, isMatch } from './etag.ts'

export type DirectoryFacts = FactReader & { readonly store: Pick<FactStore, 'keys'> }

export const readPeople = async (facts: DirectoryFacts): Promise<readonly Principal[]> => {
  const found: Principal[] = []
  for (const key of await facts.store.keys('principals/')) found.push(...(await facts.rows(key as `principals/${number}`)))
  return found
}

export const findPrincipal = async (
  facts: DirectoryFacts,
  text: string | undefined,
  kind: PrincipalKind,
): Promise<Principal | undefined> => {
  const id = parsePrincipalId(text)
  return id === undefined || principalKindOf(id) !== kind ? undefined : await createPrincipalNames(facts).find(ordinalOf(id))
}

export const idIn = (text: string | undefined, kind: PrincipalKind): PrincipalId | undefined => {
  const id = parsePrincipalId(text)
  return id !== undefined && principalKindOf(id) === kind ? id : undefined
}

/** Ordinals of everybody who holds a seat of any license. */
export const readHolders = async (facts: DirectoryFacts): Promise<ReadonlySet<number>> => {
  const holders = new Set<number>()
  for (const key of await facts.store.keys('seats/'))
    for (const ordinal of (await facts.columns(key as `seats/${LicenseId}`)).ordinals) holders.add(ordinal)
  return holders
}

/** Those who hold a seat, or those who hold none; everybody when that is not asked. */
export const byHolding = async <T extends Principal>(
  facts: DirectoryFacts,
  people: readonly T[],
  holding: 'true' | 'false' | undefined,
): Promise<readonly T[]> => {
  if (holding === undefined) return people
  const holders = await readHolders(facts)
  return people.filter(({ id }) => holders.has(ordinalOf(id)) === (holding === 'true'))
}

/** Filters that users and devices share. */
export const peopleFilters = {
  q: v.optional(
    v.pipe(v.string(), v.maxLength(200), v.description('Part of a name, the user name, the mail address or the serial number')),
  ),
  active: v.optional(v.picklist(['true', 'false'])),
  left: v.optional(
    v.pipe(v.picklist(['true', 'false', 'any'], 'must be true, false or any'), v.description('By default those who left are not listed')),
    'false',
  ),
  holding: v.optional(
    v.pipe(
      v.picklist(['true', 'false'], 'must be true or false'),
      v.description('Whether they hold a seat of any license. With left=true: whose seats can be reclaimed'),
    ),
  ),
  source: v.optional(v.pipe(v.string(), v.maxLength(100))),
}

export const isWanted = (
  principal: Principal,
  {
    q,
    active,
    left,
    source,
  }: { readonly q?: string | undefined; readonly active?: string | undefined; readonly left: string; readonly source?: string | undefined },
): boolean =>
  (left === 'any' || (principal.left !== null) === (left === 'true')) &&
  (active === undefined || principal.active === (active === 'true')) &&
  (source === undefined || principal.sources.includes(source)) &&
  (q === undefined || textsOf(principal).some((text) => text.toLowerCase().includes(q.toLowerCase())))

const textsOf = (principal: Principal): readonly string[] => [
  displayNameOf(principal),
  storeKeyOf(principal),
  ...(isUser(principal) ? [principal.email, principal.department] : [principal.model]),
]

export const asRead =
  (c: Context) =>
  (current: User | Device): boolean =>
    isMatch(c, etagOf(current))
