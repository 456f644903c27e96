/**
 * Who holds a seat. Google knows accounts by ids of its own: people of a domain are found by their mail address; accounts that
 * a management service made can't be listed, and are found on the licenses they hold, or made anew under the same identifier.
 */
import { normalUserName } from '../../../../shared/principal.ts'
import { ok, type Result } from '../../../../shared/result.ts'
import type { HolderKey } from '../../store.ts'
import type { GoogleFailure } from '../client.ts'
import type { AccountNames } from './account-names.ts'
import type { PlayApi } from './api.ts'
import type { PlayUser } from './wire.ts'

export interface Holders {
  /** What Google's account is to us: its mail address, our user name in its identifier, or the identifier itself. */
  holderOf(user: PlayUser): HolderKey
  /** Google's id of an account that is there. Undefined: there is none, or none that holds anything. */
  find(key: string): Promise<Result<string | undefined, GoogleFailure>>
  /** As `find`; where accounts are made by whoever manages, one is made. Undefined: a domain that has nobody with this address. */
  findOrMake(key: string): Promise<Result<string | undefined, GoogleFailure>>
  /** The id is of nobody any more. */
  forget(key: string): void
}

export interface HoldersDeps {
  readonly api: PlayApi
  readonly names: AccountNames
  /** Null: it could not be asked. */
  readonly isDomain: () => Promise<Result<boolean, GoogleFailure>>
  /** Reads every license's accounts, each through `holderOf`. */
  readonly readAll: () => Promise<Result<undefined, GoogleFailure>>
}

export const createHolders = ({ api, names, isDomain, readAll }: HoldersDeps): Holders => {
  const idByKey = new Map<string, string>()
  let isAllRead = false

  const holderOf: Holders['holderOf'] = (user) => {
    const { id, primaryEmail, accountIdentifier } = user
    const key = primaryEmail ?? (accountIdentifier === undefined ? id : (names.userNameIn(accountIdentifier) ?? accountIdentifier))
    idByKey.set(normalUserName(key), id)
    return { kind: 'user', key }
  }

  const byEmail = async (key: string): Promise<Result<string | undefined, GoogleFailure>> => {
    // Without an @ it is no address: Google refuses it, and knows nobody by it.
    if (!key.includes('@')) return ok(undefined)
    const found = await api.usersByEmail(key)
    if (!found.ok) return found
    const user = found.value.user.find(({ primaryEmail }) => normalUserName(primaryEmail ?? '') === normalUserName(key))
    if (user !== undefined) holderOf(user)
    return ok(user?.id)
  }

  const look = async (key: string): Promise<Result<{ readonly id: string | undefined; readonly domain: boolean }, GoogleFailure>> => {
    const known = idByKey.get(normalUserName(key))
    if (known !== undefined) return ok({ id: known, domain: false })
    const domain = await isDomain()
    if (!domain.ok) return domain
    if (domain.value) {
      const found = await byEmail(key)
      return found.ok ? ok({ id: found.value, domain: true }) : found
    }
    // An account under an identifier of somebody else's may be this person: only the licenses tell.
    if (!isAllRead) {
      const read = await readAll()
      if (!read.ok) return read
      isAllRead = true
    }
    return ok({ id: idByKey.get(normalUserName(key)), domain: false })
  }

  return {
    holderOf,
    find: async (key) => {
      const looked = await look(key)
      return looked.ok ? ok(looked.value.id) : looked
    },
    findOrMake: async (key) => {
      const looked = await look(key)
      if (!looked.ok || looked.value.id !== undefined || looked.value.domain) return looked.ok ? ok(looked.value.id) : looked
      const made = await api.insertUser(names.identifierOf(key))
      if (!made.ok) return made
      idByKey.set(normalUserName(key), made.value.id)
      return ok(made.value.id)
    },
    forget: (key) => void idByKey.delete(normalUserName(key)),
  }
}
