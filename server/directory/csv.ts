/** The CSV files of the directory import: exact heads, and every fault of a row by its field. Reads in slices, so that others are served. */
import { err, ok, type Result } from '../../shared/result.ts'
import type { PrincipalKind } from '../../shared/ids.ts'
import { csvLines, delimiterOf, type CsvUnreadable } from './csv-text.ts'

export const importKinds = ['users', 'devices', 'groups', 'memberships'] as const
export type ImportKind = (typeof importKinds)[number]

export const importHeads = {
  users: ['userName', 'displayName', 'email', 'department', 'active', 'managedAppleAccount'],
  devices: ['serialNumber', 'name', 'platform', 'model', 'ownerUserName'],
  groups: ['name', 'kind'],
  memberships: ['group', 'member'],
} as const satisfies Record<ImportKind, readonly string[]>

/** `row` as a spreadsheet counts: the heads are row 1. */
export interface RowError {
  readonly row: number
  readonly field: string
  readonly text: string
}

export type CsvRefused =
  CsvUnreadable | { readonly is: 'csv-heads'; readonly found: readonly string[]; readonly expected: readonly string[] }

export interface UserRow {
  readonly row: number
  readonly userName: string
  readonly displayName: string
  readonly email: string
  readonly department: string
  /** Undefined: the cell is empty, and the file does not say. */
  readonly active: boolean | undefined
  readonly managedAppleAccount: string
}
export interface DeviceRow {
  readonly row: number
  readonly serialNumber: string
  readonly name: string
  readonly platform: string
  readonly model: string
  readonly ownerUserName: string
}
export interface GroupRow {
  readonly row: number
  readonly name: string
  readonly kind: PrincipalKind
}
export interface MembershipRow {
  readonly row: number
  readonly group: string
  readonly member: string
}

export type DirectoryCsv = { readonly read: number; readonly errors: readonly RowError[] } & (
  | { readonly kind: 'users'; readonly rows: readonly UserRow[] }
  | { readonly kind: 'devices'; readonly rows: readonly DeviceRow[] }
  | { readonly kind: 'groups'; readonly rows: readonly GroupRow[] }
  | { readonly kind: 'memberships'; readonly rows: readonly MembershipRow[] }
)

const mostCellCharacters = 256

interface Row {
  readonly row: number
  readonly cells: Readonly<Record<string, string>>
}

/** Lets others be served between two slices of work. */
export type Pause = () => Promise<void>
const linesPerSlice = 2000

export const readDirectoryCsv = async (kind: ImportKind, text: string, pause: Pause): Promise<Result<DirectoryCsv, CsvRefused>> => {
  const table = await readTable(importHeads[kind], text, pause)
  if (!table.ok) return table
  const { rows, errors: cellErrors } = table.value
  const errors: RowError[] = [...cellErrors]
  const bad = new Set(cellErrors.map(({ row }) => row))
  const good = rows.filter(({ row }) => !bad.has(row))
  const read = rows.length
  const need = (row: Row, field: string): string => {
    const value = row.cells[field] ?? ''
    if (value === '') errors.push({ row: row.row, field, text: `${field} is empty` })
    return value
  }
  const once = onceOnly(errors)
  switch (kind) {
    case 'users': {
      const found = await inSlices(good, pause, (row): readonly UserRow[] => {
        const before = errors.length
        const userName = need(row, 'userName')
        const active = readActive(row.cells['active'] ?? '')
        if (active === null) errors.push({ row: row.row, field: 'active', text: 'active must be true or false' })
        once(row.row, 'userName', userName.toLowerCase())
        return errors.length > before ? [] : [{ ...fields(row, importHeads.users), row: row.row, active: active ?? undefined }]
      })
      return ok({ kind, read, errors, rows: found })
    }
    case 'devices': {
      const found = await inSlices(good, pause, (row): readonly DeviceRow[] => {
        const before = errors.length
        once(row.row, 'serialNumber', need(row, 'serialNumber').replace(/\s+/g, '').toUpperCase())
        return errors.length > before ? [] : [{ ...fields(row, importHeads.devices), row: row.row }]
      })
      return ok({ kind, read, errors, rows: found })
    }
    case 'groups': {
      const found = await inSlices(good, pause, (row): readonly GroupRow[] => {
        const before = errors.length
        const name = need(row, 'name')
        const groupKind = row.cells['kind']?.toLowerCase()
        if (groupKind !== 'user' && groupKind !== 'device')
          errors.push({ row: row.row, field: 'kind', text: 'kind must be user or device' })
        once(row.row, 'name', name.toLowerCase())
        return errors.length > before || (groupKind !== 'user' && groupKind !== 'device') ? [] : [{ row: row.row, name, kind: groupKind }]
      })
      return ok({ kind, read, errors, rows: found })
    }
    case 'memberships': {
      const found = await inSlices(good, pause, (row): readonly MembershipRow[] => {
        const before = errors.length
        need(row, 'group')
        need(row, 'member')
        return errors.length > before ? [] : [{ ...fields(row, importHeads.memberships), row: row.row }]
      })
      return ok({ kind, read, errors, rows: found })
    }
  }
}

/** `flatMap` that lets others be served. */
export const inSlices = async <Item, Made>(
  items: readonly Item[],
  pause: Pause,
  make: (item: Item) => readonly Made[],
): Promise<Made[]> => {
  const made: Made[] = []
  for (let from = 0; from < items.length; from += linesPerSlice) {
    if (from > 0) await pause()
    for (const item of items.slice(from, from + linesPerSlice)) for (const each of make(item)) made.push(each)
  }
  return made
}

const fields = <const Heads extends readonly string[]>(row: Row, heads: Heads): Readonly<Record<Heads[number], string>> =>
  Object.fromEntries(heads.map((head) => [head, row.cells[head] ?? ''])) as Record<Heads[number], string>

/** A key that stands twice in one file: whichever came last would win, unseen. */
const onceOnly = (errors: RowError[]) => {
  const rowByKey = new Map<string, number>()
  return (row: number, field: string, key: string): void => {
    const first = rowByKey.get(key)
    if (key !== '' && first !== undefined) errors.push({ row, field, text: `The same ${field} is in row ${first}` })
    else rowByKey.set(key, row)
  }
}

/** Null: it is neither. */
const readActive = (text: string): boolean | undefined | null => {
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

const readTable = async (
  expected: readonly string[],
  given: string,
  pause: Pause,
): Promise<Result<{ readonly rows: readonly Row[]; readonly errors: readonly RowError[] }, CsvRefused>> => {
  const text = given.replace(/^\uFEFF/, '')
  const lines = csvLines(text, delimiterOf(text))
  let found: readonly string[] | undefined
  const rows: Row[] = []
  const errors: RowError[] = []
  for (;;) {
    const next = lines.next()
    if (next.done === true) {
      if (next.value !== undefined) return err(next.value)
      break
    }
    const { row, cells: line } = next.value
    if (found === undefined) {
      found = line.map((head) => head.trim())
      const heads = found
      const isExact = heads.length === expected.length && expected.every((head) => heads.includes(head))
      if (!isExact) return err({ is: 'csv-heads', found: heads.slice(0, 50), expected })
      continue
    }
    if (row % linesPerSlice === 0) await pause()
    if (line.every((cell) => cell.trim() === '')) continue
    if (line.length !== found.length)
      errors.push({
        row,
        field: '',
        text: `The row has ${line.length} cells instead of ${found.length}. A comma in a value needs quotation marks.`,
      })
    const cells: Record<string, string> = {}
    for (const [column, head] of found.entries()) {
      const cell = (line[column] ?? '').trim()
      if (cell.length > mostCellCharacters)
        errors.push({ row, field: head, text: `${head} is longer than ${mostCellCharacters} characters` })
      if (/\p{Cc}/u.test(cell)) errors.push({ row, field: head, text: `${head} is more than one line of text` })
      cells[head] = cell
    }
    rows.push({ row, cells })
  }
  return found === undefined ? err({ is: 'csv-heads', found: [''], expected }) : ok({ rows, errors })
}
