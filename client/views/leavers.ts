/** What the connector's rule for leavers would take now, as this device's facts tell. */
import { seatsKey } from '../../shared/facts.ts'
import type { ConnectorId } from '../../shared/ids.ts'
import { leaverSeats, type LeaverSeats } from '../../shared/leavers.ts'
import type { License } from '../../shared/license.ts'
import type { Columns } from '../../shared/facts.ts'
import type { Principal } from '../../shared/principal.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import { kindInWords } from './people-list.ts'
import { counted, seatsCounted } from './words.ts'

export const leaversAt = (facts: Facts, connector: ConnectorId, days: number, now: number): ChunkRead<LeaverSeats> => {
  const people = facts.run('principals/')
  const licenses = facts.run('licenses/')
  if (people.is === 'loading' || licenses.is === 'loading') return { is: 'loading' }
  const leavers: Principal[] = []
  for (const key of people.value) {
    const rows = facts.rows(key)
    if (rows.is === 'loading') return rows
    for (const row of rows.value) if (row.left !== null) leavers.push(row)
  }
  const held: { readonly license: License; readonly seats: Columns }[] = []
  for (const key of licenses.value) {
    const rows = facts.rows(key)
    if (rows.is === 'loading') return rows
    for (const license of rows.value) {
      if (license.connectorId !== connector) continue
      const seats = facts.columns(seatsKey(license.id))
      if (seats.is === 'loading') return seats
      held.push({ license, seats: seats.value })
    }
  }
  const leaverDays = Number.isFinite(days) ? days : 0
  return { is: 'ready', value: leaverSeats(leavers, held, { releaseLeavers: 'after-days', leaverDays }, now) }
}

export const leaversInWords = ({ people, devices, seats, found, forGood }: LeaverSeats): string => {
  const who = [
    ...(people > 0 ? [counted(people, kindInWords('user', 1), kindInWords('user', 2))] : []),
    ...(devices > 0 ? [counted(devices, kindInWords('device', 1), kindInWords('device', 2))] : []),
  ].join(' and ')
  const stays = forGood > 0 ? ` ${seatsCounted(forGood)} given for good ${forGood === 1 ? 'stays' : 'stay'}.` : ''
  return seats === 0
    ? `It would take nothing now.${stays}`
    : `It would take ${seatsCounted(seats)} from ${who} now${found > 0 ? `, ${found} of them found` : ''}.${stays}`
}
