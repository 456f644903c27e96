/** What the rows of a file come to against the directory as it is, before anything is written. */
import type { RowError } from './csv.ts'

export const csvSource = 'csv'

export interface Weighed {
  readonly counts: { readonly created: number; readonly changed: number; readonly unchanged: number }
  readonly errors: readonly RowError[]
  readonly keep: () => Promise<void>
}

export const withCsv = (sources: readonly string[]): readonly string[] => (sources.includes(csvSource) ? sources : [...sources, csvSource])
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
