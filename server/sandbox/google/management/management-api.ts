import type { GoogleApi } from '../door.ts'
import { forbidden, notFound, Refused } from '../errors.ts'
import type { GoogleWorld } from '../play/state.ts'
import { devicePlays } from './devices.ts'
import { managementTable } from './method-table.ts'
import { policyPlays } from './policies.ts'
import type { ManagementPlays } from './state.ts'

export const managementScope = 'https://www.googleapis.com/auth/androidmanagement'
const plays: ManagementPlays = { ...devicePlays, ...policyPlays }
const quotaWindowMs = 100_000

/** The Android Management API. A project's quota is shared by all enterprises of the project. */
export const createManagementApi = (world: GoogleWorld): GoogleApi => {
  const askedAt = new Map<string, number[]>()
  const countQuota = (project: string): void => {
    const most = world.switches.managementQueriesPer100s
    const now = world.clock.now()
    const recent = (askedAt.get(project) ?? []).filter((at) => now - at < quotaWindowMs)
    recent.push(now)
    askedAt.set(project, recent)
    if (most !== null && recent.length > most)
      throw new Refused(429, 'rateLimitExceeded', "Quota exceeded for quota metric 'Queries' and limit 'Queries per 100 seconds'.")
  }
  return {
    table: managementTable,
    scope: managementScope,
    withoutErrorsList: true,
    play: async (account, call) => {
      countQuota(account.project)
      const play = plays[call.method.id]
      if (play === undefined) throw new Error(`sandbox: ${call.method.id} is in the table and is not played`)
      if (world.management.withoutRole.includes(account.email))
        throw forbidden(`Caller is not authorized to manage project ${account.project}.`)
      const enterprise = () => {
        const id = call.path['enterprise'] ?? ''
        const found = Object.hasOwn(world.management.enterprises, id) ? world.management.enterprises[id] : undefined
        if (found === undefined || found.status === 'deleted') throw missing(world, 'enterprise')
        if (found.project !== account.project || found.status === 'refused')
          throw forbidden('Caller is not authorized to manage enterprise.')
        return found
      }
      const own = () => Object.values(world.management.enterprises).filter(({ project }) => project === account.project)
      try {
        return await play({ world, call, enterprise, own })
      } catch (error) {
        if (error instanceof Refused && error.error.status === 404 && world.switches.missingAnswer === '500') throw missing(world, 'entity')
        throw error
      }
    },
  }
}

/** Google has been seen to answer a missing entity with 500 and words that say so [O]. */
const missing = (world: GoogleWorld, what: string): Refused =>
  world.switches.missingAnswer === '500' ? new Refused(500, 'internalError', 'Requested entity was not found.') : notFound(what)
