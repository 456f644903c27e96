/** Times as the screens write them: today 14:05, this year 12 Oct, else with the year; by this device's time zone. */

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (count: number): string => String(count).padStart(2, '0')

const clockOf = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}`
const dayOf = (at: Date, now: Date): string =>
  `${at.getDate()} ${months[at.getMonth()] ?? ''}${at.getFullYear() === now.getFullYear() ? '' : ` ${at.getFullYear()}`}`
const sameDay = (a: Date, b: Date): boolean =>
  a.getFullYear() === b.getFullYear() && a.getMonth() === b.getMonth() && a.getDate() === b.getDate()

/** By this device's time zone. */
export const isToday = (at: number, now: number): boolean => sameDay(new Date(at), new Date(now))

/** Milliseconds since 1970, or ISO 8601. */
export type Moment = number | string
const dateOf = (at: Moment): Date => new Date(at)

/** "14:05" today, "12 Oct" this year, "12 Oct 2025" before. */
export const shortTime = (at: Moment, now: number): string => {
  const then = dateOf(at)
  const today = new Date(now)
  return sameDay(then, today) ? clockOf(then) : dayOf(then, today)
}

/** "14:05" today, else "12 Oct, 08:10". */
export const fullTime = (at: Moment, now: number): string => {
  const then = dateOf(at)
  const today = new Date(now)
  return sameDay(then, today) ? clockOf(then) : `${dayOf(then, today)}, ${clockOf(then)}`
}

/** "12 Oct 2026". */
export const dayWithYear = (at: Moment): string => {
  const then = dateOf(at)
  return `${then.getDate()} ${months[then.getMonth()] ?? ''} ${then.getFullYear()}`
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

/** "just now", "15 minutes ago", "3 hours ago", "3 days 6 h ago". */
export const ago = (ageMs: number): string => {
  if (ageMs < minuteMs) return 'just now'
  if (ageMs < hourMs) return `${plural(Math.floor(ageMs / minuteMs), 'minute')} ago`
  if (ageMs < dayMs) return `${plural(Math.floor(ageMs / hourMs), 'hour')} ago`
  const hours = Math.floor((ageMs % dayMs) / hourMs)
  return `${plural(Math.floor(ageMs / dayMs), 'day')}${hours > 0 && ageMs < 7 * dayMs ? ` ${hours} h` : ''} ago`
}

/** "4 days", "5 hours"; for a time to come. */
export const until = (leftMs: number): string =>
  leftMs >= dayMs ? plural(Math.floor(leftMs / dayMs), 'day') : plural(Math.max(1, Math.floor(leftMs / hourMs)), 'hour')
