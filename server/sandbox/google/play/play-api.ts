import type { GoogleApi } from '../door.ts'
import { forbidden, notFound, Refused, refused } from '../errors.ts'
import type { Plays } from './context.ts'
import { enterprisePlays } from './enterprises.ts'
import { licensePlays } from './licenses.ts'
import { playTable, retiredMethods, vendorMethods } from './method-table.ts'
import { notificationPlays } from './notifications.ts'
import { peoplePlays } from './people.ts'
import type { GoogleWorld } from './state.ts'
import { storefrontPlays } from './storefront.ts'

const plays: Plays = { ...enterprisePlays, ...licensePlays, ...peoplePlays, ...storefrontPlays, ...notificationPlays }

export const playScope = 'https://www.googleapis.com/auth/androidenterprise'

/** What the license methods say since 30 September 2025. Google documents neither status nor words [A]. */
const retiredWords = {
  'retired-403': refused(403, 'forbidden', 'This method is deprecated and can no longer be used.'),
  'retired-404': refused(404, 'notFound', 'Method not found.'),
  'retired-410': refused(410, 'gone', 'This feature was turned off on 2025-09-30.'),
} as const

export const createPlayApi = (world: GoogleWorld): GoogleApi => ({
  table: playTable,
  scope: playScope,
  turnedOff: ({ id }) => {
    const { licenseApi } = world.switches
    return licenseApi !== 'alive' && retiredMethods.has(id) ? retiredWords[licenseApi] : undefined
  },
  play: async (account, call, origin) => {
    const play = plays[call.method.id]
    if (play === undefined) throw new Error(`sandbox: ${call.method.id} is in the table and is not played`)
    const isVendorCall = vendorMethods.has(call.method.id)
    if (isVendorCall && !account.isVendor) throw forbidden('The caller does not have permission.')
    const enterprise = () => {
      const id = call.path['enterpriseId'] ?? ''
      const found = Object.hasOwn(world.play.enterprises, id) ? world.play.enterprises[id] : undefined
      if (found === undefined || found.status === 'deleted') throw notFound('enterprise')
      if (found.status === 'unenrolled')
        throw world.switches.unenrolledAnswer === '404'
          ? notFound('enterprise')
          : new Refused(403, 'forbidden', 'The enterprise is not enrolled with the caller.')
      if (!isVendorCall && found.account !== account.email && !(account.isVendor && call.method.id === 'enterprises.get'))
        throw forbidden('The caller is not the account of this enterprise.')
      return found
    }
    return await play({ world, account, call, enterprise, origin })
  },
})
