import { expect, test } from 'vitest'
import { csvLines, decodeCsv, delimiterOf } from '../../../server/directory/csv-text.ts'

const rowsOf = (text: string, delimiter = ',') => [...csvLines(text, delimiter)].map(({ row, cells }) => [row, ...cells])
const utf16 = (text: string, big = false): Uint8Array => {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le')
  return Uint8Array.from(big ? bytes.swap16() : bytes)
}

test('UTF-8 is read, with its mark or without, and UTF-16 with its mark', () => {
  for (const bytes of [Buffer.from('Zoë'), Buffer.from('\uFEFFZoë'), utf16('Zoë'), utf16('Zoë', true)]) {
    const read = decodeCsv(Uint8Array.from(bytes))
    expect(read.ok && read.value).toBe('Zoë')
  }
})

test('an older encoding is refused with the row and the byte, and never guessed', () => {
  const bytes = Uint8Array.from([...Buffer.from('name\nZoë\n'), 0x5a, 0x6f, 0xeb, 0x0a])
  const read = decodeCsv(bytes)
  expect(!read.ok && read.error.text).toMatch(/near row 3 stands the byte EB, as in a file of Windows-1252/)
  const cut = decodeCsv(Uint8Array.from([...Buffer.from('a\n'), 0xc3]))
  expect(!cut.ok && cut.error.text).toMatch(/near row 2/)
  const bare = decodeCsv(Uint8Array.from(Buffer.from('name', 'utf16le')))
  expect(!bare.ok && bare.error.text).toMatch(/UTF-16 without a mark/)
})

test('quotes hold commas, line ends and doubled quotes; rows are counted as a spreadsheet counts', () => {
  expect(rowsOf('a,b\r\n"x, ""y""","1\n2"\r\n\r\nlast,')).toEqual([
    [1, 'a', 'b'],
    [2, 'x, "y"', '1\n2'],
    [3, ''],
    [4, 'last', ''],
  ])
  expect(rowsOf('a\rb\r')).toEqual([
    [1, 'a'],
    [2, 'b'],
  ])
  expect(rowsOf('6" pipe,x\n')).toEqual([[1, '6" pipe', 'x']])
})

test('a quotation mark that is never closed ends the reading with its row', () => {
  for (const text of ['a\n"open,b\nc\n', 'a\n"x"y\n']) {
    const lines = csvLines(text, ',')
    lines.next()
    expect(lines.next()).toMatchObject({ done: true, value: { is: 'csv-unreadable', text: expect.stringMatching(/row 2/) } })
  }
})

test('what stands between the heads may be a comma, a semicolon or a tab', () => {
  expect([delimiterOf('a,b\n1;2;3;4'), delimiterOf('a;b'), delimiterOf('a\tb'), delimiterOf('a')]).toEqual([',', ';', '\t', ','])
})
