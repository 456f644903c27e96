/** Everything about who may come in, put together. */
import type { Chance, Clock } from '../shared/clock.ts'
import { createAdmins, type Admins } from './admins.ts'
import { createApiKeys, type ApiKeys } from './api-keys.ts'
import type { Db } from './database/schema.ts'
import { createPasswords, usualPasswordCost, type PasswordCost } from './passwords.ts'
import { createSessions } from './sessions.ts'
import type { Settings } from './settings.ts'
import { createWhoAsks, type WhoAsks } from './who-asks.ts'

export interface Access {
  readonly admins: Admins
  readonly apiKeys: ApiKeys
  readonly whoAsks: WhoAsks
  /** The set-up link to print, when nobody can sign in yet. */
  readonly setUpUrl: string | null
}

/** Admits the owner and the key that the settings name. */
export const openAccess = async (deps: {
  readonly db: Db
  readonly clock: Clock
  readonly chance: Chance
  readonly settings: Pick<Settings, 'owner' | 'apiKey' | 'publicUrl' | 'isPublic'>
  /** Cheap in tests. */
  readonly passwordCost?: PasswordCost
}): Promise<Access> => {
  const { db, clock, chance, settings } = deps
  const sessions = createSessions({ db, clock, chance })
  const apiKeys = createApiKeys({ db, clock, chance })
  const admins = createAdmins({ db, clock, chance, sessions, passwords: createPasswords(chance, deps.passwordCost ?? usualPasswordCost) })
  if (settings.apiKey !== null) await apiKeys.admitFromEnvironment(settings.apiKey)
  const token = await admins.begin(settings)
  return {
    admins,
    apiKeys,
    whoAsks: createWhoAsks({ sessions, apiKeys, isPublic: settings.isPublic }),
    setUpUrl: token === null ? null : setUpUrl(settings.publicUrl, token),
  }
}

export const setUpUrl = (publicUrl: string, token: string): string => `${publicUrl}/sign-in?setup=${token}`
