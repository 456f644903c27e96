/** The targets of an order, in the keys that its store knows them by. */
import { normalKey, type DirectoryIndex } from './directory/directory.ts'
import type { FactReader } from './facts.ts'
import { storeKeyAt } from './registrations.ts'
import type { HolderKey, PersonToRegister } from './stores/store.ts'
import type { ConnectorId } from '../shared/ids.ts'
import { isUser, storeKeyOf, type Principal } from '../shared/principal.ts'

/** Where the keys are asked for: a store may write a user name in its own way. */
export interface AtStore {
  readonly facts: FactReader
  readonly connector: ConnectorId
}

const keyOf = async (principal: Principal, at: AtStore | undefined): Promise<string> =>
  at !== undefined && isUser(principal) ? await storeKeyAt(at.facts, at.connector, principal) : storeKeyOf(principal)

export interface HolderOfOrdinal {
  readonly ordinal: number
  readonly holder: HolderKey
}

/** In the order of `ordinals`. Throws for one that the directory does not know. Without `at`, for comparing only. */
export const holdersOf = async (
  directory: DirectoryIndex,
  ordinals: readonly number[],
  at?: AtStore,
): Promise<readonly HolderOfOrdinal[]> => {
  const holders: HolderOfOrdinal[] = []
  for (const ordinal of ordinals) {
    const principal = await directory.find(ordinal)
    if (principal === undefined) throw new Error(`orders: principal ${ordinal} is in an order and not in the directory`)
    holders.push({ ordinal, holder: { kind: isUser(principal) ? 'user' : 'device', key: await keyOf(principal, at) } })
  }
  return holders
}

/** What a store is told about people. Devices are left out: no store keeps a list of them by our word. */
export const peopleOf = async (
  directory: DirectoryIndex,
  ordinals: readonly number[],
  at: AtStore,
): Promise<readonly PersonToRegister[]> => {
  const people: PersonToRegister[] = []
  for (const ordinal of ordinals) {
    const principal = await directory.find(ordinal)
    if (principal !== undefined && isUser(principal))
      people.push({ key: await keyOf(principal, at), email: principal.email, managedAccount: principal.managedAppleAccount })
  }
  return people
}

/** Equal for the same holder, however a store writes its key, and under each of the names that a person has. */
export const holderWord = (directory: Pick<DirectoryIndex, 'ordinalOfKey'>, { kind, key }: HolderKey): string =>
  `${kind}/${directory.ordinalOfKey(kind, key) ?? `key/${normalKey(kind, key)}`}`
