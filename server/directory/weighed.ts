/** What the rows of a file come to against the directory as it is, before anything is written. */
import type { JoinedBy } from '../../shared/joining.ts'
import type { RowError } from './csv.ts'
import type { FieldChange } from './taking-in.ts'

export const csvSource = 'csv'

/** What one row would change, field by field. */
export interface RowChange {
  readonly row: number
  /** Null: it is new. */
  readonly id: string | null
  /** User name, serial number or the name of a group. */
  readonly name: string
  readonly is: 'created' | 'changed'
  /** Of a person whom another source names: the rule by which it is the same. */
  readonly joinedBy: JoinedBy | null
  readonly fields: readonly FieldChange[]
}

export interface Counts {
  readonly created: number
  readonly changed: number
  readonly unchanged: number
}

export interface Weighed {
  readonly counts: Counts
  readonly errors: readonly RowError[]
  /** In the order of the rows. */
  readonly changes: readonly RowChange[]
  readonly keep: () => Promise<void>
}

export const withCsv = (sources: readonly string[]): readonly string[] => (sources.includes(csvSource) ? sources : [...sources, csvSource])
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
