/** Who an ordinal is, in the words that people and stores know them by. */
import type { FactReader } from './facts.ts'
import { principalsKey } from '../shared/facts.ts'
import { ordinalOf, parsePrincipalId, principalKindOf, type PrincipalId, type PrincipalKind } from '../shared/ids.ts'
import { displayNameOf, storeKeyOf, type Principal } from '../shared/principal.ts'

/** `key` is the store-facing one: user name or serial number. */
export interface NamedPrincipal {
  readonly kind: PrincipalKind
  readonly id: PrincipalId
  readonly name: string
  readonly key: string
}

export interface PrincipalNames {
  of(ordinal: number): Promise<NamedPrincipal>
  find(ordinal: number): Promise<Principal | undefined>
}

/** Reads each chunk of principals once: make one for each answer, not for longer. */
export const createPrincipalNames = (facts: FactReader): PrincipalNames => {
  const byChunk = new Map<string, Promise<ReadonlyMap<number, Principal>>>()
  const chunkOf = (ordinal: number): Promise<ReadonlyMap<number, Principal>> => {
    const key = principalsKey(ordinal)
    let chunk = byChunk.get(key)
    if (chunk === undefined) {
      chunk = facts.rows(key).then((rows) => new Map(rows.map((row) => [ordinalOf(row.id), row])))
      byChunk.set(key, chunk)
    }
    return chunk
  }
  const find = async (ordinal: number): Promise<Principal | undefined> => (await chunkOf(ordinal)).get(ordinal)
  return {
    find,
    of: async (ordinal) => {
      const principal = await find(ordinal)
      if (principal === undefined) throw new Error(`principals: ${ordinal} is in a fact and not in the directory`)
      return named(principal)
    },
  }
}

export const named = (principal: Principal): NamedPrincipal => ({
  kind: principalKindOf(principal.id),
  id: principal.id,
  name: displayNameOf(principal),
  key: storeKeyOf(principal),
})

/** Undefined for what is not an id of a principal. */
export const ordinalOfId = (id: string): number | undefined => {
  const parsed = parsePrincipalId(id)
  return parsed === undefined ? undefined : ordinalOf(parsed)
}
