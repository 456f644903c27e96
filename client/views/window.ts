/** Rows made only for the part that is looked at: a license can have 100,000 holders. */
export interface Window<T> {
  readonly length: number
  /** From `from` up to `to`, which is left out. */
  slice(from: number, to: number): readonly T[]
}

export const windowOf = <T, R>(items: readonly T[], make: (item: T) => R): Window<R> => ({
  length: items.length,
  slice: (from, to) => items.slice(Math.max(0, from), to).map(make),
})
