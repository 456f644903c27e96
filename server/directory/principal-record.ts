/** Reading and writing principals inside an act. */
import type { FactReader } from '../facts.ts'
import type { Writing } from '../journal.ts'
import { principalsKey, rowsFact } from '../../shared/facts.ts'
import { ordinalOf } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

/** Reads each chunk once. */
export const principalReader = (facts: FactReader): ((ordinal: number) => Promise<Principal | undefined>) => {
  const chunks = new Map<string, ReadonlyMap<number, Principal>>()
  return async (ordinal) => {
    const key = principalsKey(ordinal)
    let chunk = chunks.get(key)
    if (chunk === undefined) {
      chunk = new Map((await facts.rows(key)).map((row) => [ordinalOf(row.id), row]))
      chunks.set(key, chunk)
    }
    return chunk.get(ordinal)
  }
}

export const recordPrincipals = async (write: Writing, principals: Iterable<Principal>): Promise<void> => {
  const byChunk = new Map<`principals/${number}`, Principal[]>()
  for (const principal of principals) {
    const key = principalsKey(ordinalOf(principal.id))
    const rows = byChunk.get(key)
    if (rows === undefined) byChunk.set(key, [principal])
    else rows.push(principal)
  }
  for (const [key, rows] of byChunk) await write.record(rowsFact(key, rows))
}
