/** Bytes to text, and text to rows of cells (RFC 4180). Pure. */
import { err, ok, type Result } from '../../shared/result.ts'

/** `text` says what is wrong and what to do. */
export interface CsvUnreadable {
  readonly is: 'csv-unreadable'
  readonly text: string
}

const saveAs = 'In Excel, save it as “CSV UTF-8”.'

/**
 * UTF-8 with or without its mark, and UTF-16 with its mark. An older encoding such as Windows-1252 is refused and not
 * guessed: every byte is a letter in each of them, so a wrong guess would spoil names unseen.
 */
export const decodeCsv = (bytes: Uint8Array): Result<string, CsvUnreadable> => {
  const [a, b] = bytes
  const utf16 = a === 0xff && b === 0xfe ? 'utf-16le' : a === 0xfe && b === 0xff ? 'utf-16be' : undefined
  try {
    const text = new TextDecoder(utf16 ?? 'utf-8', { fatal: true }).decode(bytes)
    if (utf16 !== undefined || !text.includes('\0')) return ok(text)
    return err({ is: 'csv-unreadable', text: `The file holds zero bytes: it is UTF-16 without a mark, or no text. ${saveAs}` })
  } catch {
    if (utf16 !== undefined) return err({ is: 'csv-unreadable', text: `The file begins as UTF-16 and is not. ${saveAs}` })
    const at = firstNotUtf8(bytes)
    const row = bytes.subarray(0, at).reduce((rows, byte) => (byte === 0x0a ? rows + 1 : rows), 1)
    const hex = (bytes[at] ?? 0).toString(16).toUpperCase()
    return err({
      is: 'csv-unreadable',
      text: `The file is not UTF-8: near row ${row} stands the byte ${hex}, as in a file of Windows-1252 or another older encoding. ${saveAs}`,
    })
  }
}

/** Where the first byte stands that begins no letter of UTF-8, or ends one too soon. */
const firstNotUtf8 = (bytes: Uint8Array): number => {
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at] ?? 0
    const length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0
    if (length === 0) return at
    for (let more = 1; more < length; more += 1) if (((bytes[at + more] ?? 0) & 0xc0) !== 0x80) return at
    at += length
  }
  return bytes.length - 1
}

const delimiters = [',', ';', '\t'] as const

/** What stands between the heads: a comma, or what spreadsheets of other countries write. */
export const delimiterOf = (text: string): string => {
  const end = text.search(/[\r\n]/)
  const heads = end < 0 ? text : text.slice(0, end)
  const count = (delimiter: string): number => heads.split(delimiter).length
  return delimiters.reduce((best, each) => (count(each) > count(best) ? each : best))
}

export interface CsvLine {
  /** As a spreadsheet counts: the first is 1. */
  readonly row: number
  readonly cells: readonly string[]
}

/** Gives the lines in order, and in the end the fault for which the rest can't be told apart. */
export function* csvLines(given: string, delimiter: string): Generator<CsvLine, CsvUnreadable | undefined> {
  // Lines that end as on an old Mac, of which each would be looked for to the end of the file.
  const text = given.includes('\n') ? given : given.replaceAll('\r', '\n')
  let at = 0
  for (let row = 1; at < text.length; row += 1) {
    const end = endOfLine(text, at)
    const plain = text.slice(at, end)
    if (!plain.includes('"')) {
      yield { row, cells: plain.split(delimiter) }
      at = afterLine(text, end)
      continue
    }
    const quoted = quotedLine(text, at, delimiter)
    if (quoted === undefined)
      return { is: 'csv-unreadable', text: `In row ${row} a quotation mark is not closed, or one inside a value is not doubled.` }
    yield { row, cells: quoted.cells }
    at = quoted.next
  }
  return undefined
}

const endOfLine = (text: string, from: number): number => {
  const line = text.indexOf('\n', from)
  const end = line < 0 ? text.length : line
  const old = text.slice(from, end).indexOf('\r')
  return old >= 0 ? from + old : end
}
const afterLine = (text: string, end: number): number => (text[end] === '\r' && text[end + 1] === '\n' ? end + 2 : end + 1)

const quotedLine = (
  text: string,
  from: number,
  delimiter: string,
): { readonly cells: readonly string[]; readonly next: number } | undefined => {
  const cells: string[] = []
  let at = from
  for (;;) {
    let cell = ''
    if (text[at] === '"') {
      at += 1
      for (;;) {
        const close = text.indexOf('"', at)
        if (close < 0) return undefined
        cell += text.slice(at, close)
        at = close + 1
        if (text[at] !== '"') break
        cell += '"'
        at += 1
      }
    } else {
      const next = text.indexOf(delimiter, at)
      const end = endOfLine(text, at)
      const stop = next >= 0 && next < end ? next : end
      cell = text.slice(at, stop)
      at = stop
    }
    cells.push(cell)
    if (at >= text.length) return { cells, next: at }
    if (text[at] === delimiter) at += 1
    else if (text[at] === '\n' || text[at] === '\r') return { cells, next: afterLine(text, at) }
    else return undefined
  }
}
