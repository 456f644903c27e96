/** What an assignment says beside whom and what, as a form writes it: in this device's time, kept in UTC. */
import { mostPriority, mostReservedSeats, type WishTerms } from '../../shared/assignment.ts'
import { isoTime } from '../../shared/clock.ts'

/** What the fields of the form hold. */
export interface TermsFields {
  readonly priority: string
  /** As a `datetime-local` field writes it; empty: none. */
  readonly startsAt: string
  readonly endsAt: string
  /** Empty: none. */
  readonly seats: string
  readonly unused: 'lent' | 'held'
}

export const fieldsOf = ({ priority, startsAt, endsAt, reservation }: WishTerms): TermsFields => ({
  priority: String(priority),
  startsAt: localOf(startsAt),
  endsAt: localOf(endsAt),
  seats: reservation === null ? '' : String(reservation.seats),
  unused: reservation?.unused ?? 'lent',
})

export type TermsRead =
  | { readonly is: 'terms'; readonly terms: WishTerms }
  /** `text` is for the person who fills the form in. */
  | { readonly is: 'impossible'; readonly field: keyof TermsFields; readonly text: string }

/** `mayReserve`: the assignment gives seats. */
export const readTerms = ({ priority, startsAt, endsAt, seats, unused }: TermsFields, mayReserve: boolean): TermsRead => {
  const rank = Number(priority === '' ? 0 : priority)
  if (!Number.isInteger(rank) || Math.abs(rank) > mostPriority)
    return { is: 'impossible', field: 'priority', text: `The priority is a whole number from -${mostPriority} to ${mostPriority}.` }
  const begin = isoOf(startsAt)
  const end = isoOf(endsAt)
  if (begin === undefined) return { is: 'impossible', field: 'startsAt', text: 'This is no date and time.' }
  if (end === undefined) return { is: 'impossible', field: 'endsAt', text: 'This is no date and time.' }
  if (begin !== null && end !== null && end <= begin)
    return {
      is: 'impossible',
      field: 'endsAt',
      text: 'The end must come after the beginning. Choose a later end, or an earlier beginning.',
    }
  const reserved = seats.trim() === '' ? null : Number(seats)
  if (reserved !== null && (!Number.isInteger(reserved) || reserved < 1 || reserved > mostReservedSeats))
    return { is: 'impossible', field: 'seats', text: 'Seats are reserved in whole numbers, from 1. Leave it empty to reserve none.' }
  return {
    is: 'terms',
    terms: {
      priority: rank,
      startsAt: begin,
      endsAt: end,
      reservation: reserved === null || !mayReserve ? null : { seats: reserved, unused },
    },
  }
}

const two = (count: number): string => String(count).padStart(2, '0')
/** An instant as `datetime-local` writes it, by this device's time zone. */
const localOf = (iso: string | null): string => {
  if (iso === null) return ''
  const at = new Date(iso)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}
const isoOf = (local: string): string | null | undefined => {
  if (local.trim() === '') return null
  const ms = Date.parse(local)
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(local) && !Number.isNaN(ms) ? isoTime(ms) : undefined
}

/** "Europe/Berlin". */
export const timeZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone
