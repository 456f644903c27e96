/** Figures and their signs, as every screen writes them. */

/** A narrow no-break space parts the thousands: "38 416". */
export const figure = (count: number): string => {
  const digits = String(Math.abs(Math.trunc(count)))
  const grouped = digits.length < 4 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, '\u202f')
  return count < 0 ? `−${grouped}` : grouped
}

/** "1 seat", "38 416 seats". */
export const counted = (count: number, one: string, many: string): string => `${figure(count)} ${count === 1 ? one : many}`

/** Of a track's length, in percent; a part that is there stays visible. */
export const share = (part: number, whole: number): string => (whole <= 0 ? '0%' : `${((100 * part) / whole).toFixed(2)}%`)
