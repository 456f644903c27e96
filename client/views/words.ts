/** Small phrases that several views share. */
import { figure } from '../parts/figures.ts'
import { fullTime } from '../parts/times.ts'
import { termsOf, type Intent, type SeatsAfter, type WishTerms } from '../../shared/assignment.ts'
import { exhaustive } from '../../shared/result.ts'
import type { UnrevisedWish } from '../outbox.ts'

export const counted = (count: number, one: string, many: string): string => `${figure(count)} ${count === 1 ? one : many}`
export const seatsCounted = (count: number): string => counted(count, 'seat', 'seats')

/** "Grade 7 tablets", "Grade 7 tablets and 2 more". */
export const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'nobody' : names.length === 1 ? (names[0] ?? '') : `${names[0]} and ${names.length - 1} more`

const intentWord: Record<Intent, string> = { required: 'required', available: 'available', uninstall: 'uninstall' }
const afterWords: Record<SeatsAfter, string> = { release: 'and give its seats back', keep: 'and keep its seats as found' }

/** An edit as an administrator would say it; it stands in the outbox and in the audit. */
export const wishInWords = (product: string, targets: readonly string[], wish: UnrevisedWish): string => {
  const whom = listed(targets)
  switch (wish.mode) {
    case 'include':
      return `${wish.intent === 'uninstall' ? `Uninstall ${product} from ${whom}` : `Give ${product} to ${whom}, ${intentWord[wish.intent]}`}${termsSaid(wish)}`
    case 'exclude':
      return `Exclude ${whom} from ${product}${termsSaid(wish)}`
    case 'removed':
      return `Remove ${product} from ${whom} ${afterWords[wish.seats]}`
    default:
      return exhaustive(wish)
  }
}

/** In UTC: the words stay with the edit, and others read them elsewhere. */
const termsSaid = (wish: UnrevisedWish): string => {
  const { priority, startsAt, endsAt, reservation } = termsOf({ ...wish, rev: 1 })
  const day = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`
  return [
    ...(startsAt === null ? [] : [`from ${day(startsAt)}`]),
    ...(endsAt === null ? [] : [`until ${day(endsAt)}`]),
    ...(priority === 0 ? [] : [`priority ${priority}`]),
    ...(reservation === null
      ? []
      : [`${seatsCounted(reservation.seats)} reserved and ${reservation.unused === 'held' ? 'held' : 'lent while unused'}`]),
  ]
    .map((part) => `, ${part}`)
    .join('')
}

/** "begins 1 Dec, 08:00", "priority 5", "12 seats reserved, held"; nothing where all is as usual. */
export const termsInWords = ({ priority, startsAt, endsAt, reservation }: WishTerms, now: number): readonly string[] => [
  ...(startsAt === null ? [] : [`${Date.parse(startsAt) > now ? 'begins' : 'began'} ${fullTime(startsAt, now)}`]),
  ...(endsAt === null ? [] : [`${Date.parse(endsAt) > now ? 'ends' : 'ended'} ${fullTime(endsAt, now)}`]),
  ...(priority === 0 ? [] : [`${priority > 0 ? 'served first' : 'served later'}, priority ${priority}`]),
  ...(reservation === null
    ? []
    : [`${seatsCounted(reservation.seats)} reserved, ${reservation.unused === 'held' ? 'held' : 'lent while unused'}`]),
]
