import { parentPort, workerData } from 'node:worker_threads'
import { runCell, type Cell } from './crash-matrix.ts'

export interface MatrixTask {
  readonly runs: readonly { readonly cell: Cell; readonly seed: number }[]
}

for (const { cell, seed } of (workerData as MatrixTask).runs) parentPort?.postMessage(await runCell(cell, seed))
