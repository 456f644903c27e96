/** The crash matrix on all cores. */
import { Worker } from 'node:worker_threads'
import { cells, type Cell, type CellRun } from './crash-matrix.ts'
import type { MatrixTask } from './matrix-worker.ts'

export interface MatrixOptions {
  readonly from: number
  /** For each cell. */
  readonly seeds: number
  readonly workers: number
  readonly isWanted?: (cell: Cell) => boolean
  readonly onRun?: (run: CellRun) => void
}

/** In the order of their ending. Every cell has seeds of its own, so that all the courses differ. */
export const runMatrix = async ({ from, seeds, workers, isWanted = () => true, onRun }: MatrixOptions): Promise<readonly CellRun[]> => {
  const runs = cells.flatMap((cell, place) =>
    isWanted(cell) ? Array.from({ length: seeds }, (_, n) => ({ cell, seed: from + place + n * cells.length })) : [],
  )
  const results: CellRun[] = []
  await Promise.all(
    Array.from(
      { length: workers },
      (_, at) =>
        new Promise<void>((resolve, reject) => {
          const task: MatrixTask = { runs: runs.filter((__, place) => place % workers === at) }
          const worker = new Worker(new URL('./matrix-worker.ts', import.meta.url), { workerData: task, execArgv: [] })
          worker.on('message', (run: CellRun) => {
            results.push(run)
            onRun?.(run)
          })
          worker.on('error', reject)
          worker.on('exit', () => resolve())
        }),
    ),
  )
  return results
}
