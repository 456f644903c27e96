/** Small phrases that several views share. */
import { figure } from '../parts/figures.ts'
import type { Intent, SeatsAfter } from '../../shared/assignment.ts'
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
      return wish.intent === 'uninstall' ? `Uninstall ${product} from ${whom}` : `Give ${product} to ${whom}, ${intentWord[wish.intent]}`
    case 'exclude':
      return `Exclude ${whom} from ${product}`
    case 'removed':
      return `Remove ${product} from ${whom} ${afterWords[wish.seats]}`
    default:
      return exhaustive(wish)
  }
}
