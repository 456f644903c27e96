/** Apple's dates: ISO 8601 with an offset in one of three forms. Source: docs/stores/apple-apps-and-books.md, 1.1. */

/** `+0000`, `-0700`, `+02:00` or `Z`. Without an offset a date names no moment, and is none. */
const FORM = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})$/i

/** Milliseconds since 1970; undefined for anything that is not a whole date with an offset. */
export const parseAppleTime = (text: string): number | undefined => {
  const match = FORM.exec(text.trim())
  const [, day = '', time = '', offset = ''] = match ?? []
  if (match === null) return undefined
  // The language reads 30 February as 2 March: a day that does not come back as it went in is none.
  const start = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== day) return undefined
  const zone = offset.length === 5 ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase()
  const ms = Date.parse(`${day}T${time}${zone}`)
  return Number.isNaN(ms) ? undefined : ms
}
