/**
 * The two files of a ledger: `licenses`, a row for each purchase lot (or for a product without one), and `holders`, a row
 * for each seat that is taken. Heads stand in any order and may be left out, but for `product`; what is no head of ours is
 * refused, since a misspelt one would be lost unseen. Pure.
 */
import { csvLines, delimiterOf, type CsvUnreadable } from '../../directory/csv-text.ts'
import type { HolderKey } from '../store.ts'
import {
  isDay,
  ledgerKinds,
  ledgerLicenseTypes,
  lotFault,
  mostSeatsOfALot,
  parseMoney,
  type LedgerLot,
  type LedgerProduct,
} from '../../../shared/ledger.ts'
import { normalSerialNumber, normalUserName } from '../../../shared/principal.ts'
import { err, ok, type Result } from '../../../shared/result.ts'

export const licenseHeads = [
  'product',
  'publisher',
  'kind',
  'licenseTypes',
  'revocable',
  'unlimited',
  'lotId',
  'seats',
  'price',
  'currency',
  'supplier',
  'orderNumber',
  'boughtOn',
  'validFrom',
  'validUntil',
  'note',
] as const
export const holderHeads = ['product', 'userName', 'serialNumber'] as const
export const mostRows = 20_000
const mostCellCharacters = 256

export interface RowError {
  /** As a spreadsheet counts: the heads are row 1. */
  readonly row: number
  readonly field: string
  readonly text: string
}
export type LedgerCsvRefused =
  | CsvUnreadable
  | { readonly is: 'csv-heads'; readonly found: readonly string[]; readonly expected: readonly string[] }
  | { readonly is: 'csv-too-long'; readonly most: number }

export interface LicenseLine {
  readonly row: number
  readonly name: string
  /** What the row says of the product; an empty cell says nothing. */
  readonly product: Partial<Omit<LedgerProduct, 'name' | 'note'>>
  /** Empty: a new lot. */
  readonly lotId: string
  /** Undefined: the row names the product alone. */
  readonly lot: LedgerLot | undefined
}
export interface HolderLine {
  readonly row: number
  readonly name: string
  readonly holder: HolderKey
}
export interface LedgerCsv<Line> {
  /** Rows that hold anything. */
  readonly read: number
  readonly lines: readonly Line[]
  readonly errors: readonly RowError[]
}

interface Row {
  readonly row: number
  /** Trimmed; empty where the file has no such head. */
  readonly cell: (head: string) => string
}

const readRows = (
  given: string,
  heads: readonly string[],
): Result<{ readonly rows: readonly Row[]; readonly errors: RowError[]; readonly read: number }, LedgerCsvRefused> => {
  const text = given.replace(/^\uFEFF/, '')
  const lines = csvLines(text, delimiterOf(text))
  let found: readonly string[] | undefined
  const rows: Row[] = []
  const errors: RowError[] = []
  let read = 0
  for (;;) {
    const next = lines.next()
    if (next.done === true) {
      if (next.value !== undefined) return err(next.value)
      break
    }
    const { row, cells } = next.value
    if (found === undefined) {
      found = cells.map((head) => head.trim())
      const isKnown = found.includes('product') && found.every((head, at) => heads.includes(head) && found?.indexOf(head) === at)
      if (!isKnown) return err({ is: 'csv-heads', found: found.slice(0, 50), expected: heads })
      continue
    }
    if (cells.every((cell) => cell.trim() === '')) continue
    read += 1
    if (read > mostRows) return err({ is: 'csv-too-long', most: mostRows })
    const faults: RowError[] = []
    if (cells.length !== found.length)
      faults.push({
        row,
        field: '',
        text: `The row has ${cells.length} cells instead of ${found.length}. A comma in a value needs quotation marks.`,
      })
    const byHead = new Map<string, string>()
    for (const [column, head] of found.entries()) {
      // An apostrophe is how our own files keep a spreadsheet from running a name as a formula.
      const cell = (cells[column] ?? '').trim().replace(/^'(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])/, '')
      if (cell.length > mostCellCharacters)
        faults.push({ row, field: head, text: `${head} is longer than ${mostCellCharacters} characters` })
      if (/\p{Cc}/u.test(cell)) faults.push({ row, field: head, text: `${head} is more than one line of text` })
      byHead.set(head, cell)
    }
    if (faults.length > 0) errors.push(...faults)
    else rows.push({ row, cell: (head) => byHead.get(head) ?? '' })
  }
  return found === undefined ? err({ is: 'csv-heads', found: [], expected: heads }) : ok({ rows, errors, read })
}

const flagIn = (text: string): boolean | undefined | null => {
  switch (text.toLowerCase()) {
    case '':
      return undefined
    case 'true':
    case 'yes':
    case '1':
      return true
    case 'false':
    case 'no':
    case '0':
      return false
    default:
      return null
  }
}

export const readLicenseCsv = (text: string): Result<LedgerCsv<LicenseLine>, LedgerCsvRefused> => {
  const table = readRows(text, licenseHeads)
  if (!table.ok) return table
  const { rows, errors, read } = table.value
  const rowByLot = new Map<string, number>()
  const lines = rows.flatMap((each): readonly LicenseLine[] => {
    const { row, cell } = each
    const before = errors.length
    const wrong = (field: string, fault: string): void => void errors.push({ row, field, text: fault })
    const name = cell('product')
    if (name === '') wrong('product', 'product is empty')
    const lotId = cell('lotId')
    const first = rowByLot.get(lotId)
    if (lotId !== '' && first !== undefined) wrong('lotId', `The same lotId is in row ${first}`)
    else rowByLot.set(lotId, row)
    const product = productIn(cell, wrong)
    const lot = lotIn(cell, wrong)
    if (lotId !== '' && lot === undefined) wrong('seats', 'seats is empty, and the row names a lot')
    return errors.length > before ? [] : [{ row, name, product, lotId, lot }]
  })
  return ok({ read, lines, errors })
}

type Cell = Row['cell']
type Wrong = (field: string, text: string) => void

const productIn = (cell: Cell, wrong: Wrong): LicenseLine['product'] => {
  const kind = ledgerKinds.find((each) => each === cell('kind').toLowerCase())
  if (kind === undefined && cell('kind') !== '') wrong('kind', `kind must be one of ${ledgerKinds.join(', ')}`)
  const asked = cell('licenseTypes')
    .toLowerCase()
    .split(/[;,+/ ]+/)
    .filter((part) => part !== '')
  const licenseTypes = ledgerLicenseTypes.filter((type) => asked.includes(type))
  if (asked.some((part) => !ledgerLicenseTypes.some((type) => type === part)))
    wrong('licenseTypes', 'licenseTypes must be device, user or both as “device; user”')
  const revocable = flagIn(cell('revocable'))
  if (revocable === null) wrong('revocable', 'revocable must be true or false')
  const unlimited = flagIn(cell('unlimited'))
  if (unlimited === null) wrong('unlimited', 'unlimited must be true or false')
  return {
    ...(cell('publisher') === '' ? {} : { publisher: cell('publisher') }),
    ...(kind === undefined ? {} : { kind }),
    ...(licenseTypes.length === 0 ? {} : { licenseTypes }),
    ...(revocable === undefined || revocable === null ? {} : { revocable }),
    ...(unlimited === undefined || unlimited === null ? {} : { unlimited }),
  }
}

const lotIn = (cell: Cell, wrong: Wrong): LedgerLot | undefined => {
  const ofLot = ['seats', 'price', 'currency', 'supplier', 'orderNumber', 'boughtOn', 'validFrom', 'validUntil', 'note']
  if (ofLot.every((head) => cell(head) === '')) return undefined
  const seats = /^\d{1,8}$/.test(cell('seats')) ? Number(cell('seats')) : undefined
  if (seats === undefined || seats > mostSeatsOfALot) wrong('seats', `seats must be a whole number from 0 to ${mostSeatsOfALot}`)
  const day = (head: string): string | null => {
    const told = cell(head)
    if (told === '') return null
    if (!isDay(told)) wrong(head, `${head} must be a day such as 2027-01-31`)
    return told
  }
  let price: LedgerLot['price'] = null
  if (cell('price') !== '') {
    const money = parseMoney(cell('price'), cell('currency').toUpperCase())
    if (money.ok) price = money.value
    else wrong('price', money.error)
  }
  const lot: LedgerLot = {
    seats: seats ?? 0,
    price,
    supplier: cell('supplier'),
    orderNumber: cell('orderNumber'),
    boughtOn: day('boughtOn'),
    validFrom: day('validFrom'),
    validUntil: day('validUntil'),
    note: cell('note'),
  }
  const fault = lotFault(lot)
  if (fault !== undefined) wrong(fault.field, `${fault.field} ${fault.text}`)
  return lot
}

export const readHolderCsv = (text: string): Result<LedgerCsv<HolderLine>, LedgerCsvRefused> => {
  const table = readRows(text, holderHeads)
  if (!table.ok) return table
  const { rows, errors, read } = table.value
  const lines = rows.flatMap(({ row, cell }): readonly HolderLine[] => {
    const name = cell('product')
    const [userName, serialNumber] = [normalUserName(cell('userName')), normalSerialNumber(cell('serialNumber'))]
    if (name === '') errors.push({ row, field: 'product', text: 'product is empty' })
    if ((userName === '') === (serialNumber === ''))
      errors.push({ row, field: 'userName', text: 'Each row names one holder: a userName or a serialNumber' })
    if (name === '' || (userName === '') === (serialNumber === '')) return []
    const holder: HolderKey = serialNumber === '' ? { kind: 'user', key: userName } : { kind: 'device', key: serialNumber }
    return [{ row, name, holder }]
  })
  return ok({ read, lines, errors })
}
