/** Seeds on both cores: each worker is a thread of its own, with the code as it is or with one planted bug. */
import { Worker } from 'node:worker_threads'
import type { Plant } from './planted-bugs.ts'
import type { SimulateOptions, Simulated } from './simulate.ts'

export interface Task {
  readonly seeds: readonly number[]
  readonly options: SimulateOptions
  readonly plant?: Plant
  /** Each seed has one kind of trouble alone, or none, in turn. */
  readonly alone?: boolean
  /** Stops at the first seed that breaks. */
  readonly untilBroken: boolean
}

export interface PoolOptions extends Omit<Task, 'seeds'> {
  readonly from: number
  readonly count: number
  readonly workers: number
  readonly onSeed?: (result: Simulated) => void
}

/** Gives the results in the order of their ending. Throws when a worker dies. */
export const simulateMany = async ({ from, count, workers, onSeed, ...task }: PoolOptions): Promise<readonly Simulated[]> => {
  const results: Simulated[] = []
  const running: Worker[] = []
  await Promise.all(
    Array.from({ length: workers }, (_, at) => {
      const seeds = Array.from({ length: count }, (__, n) => from + n).filter((seed) => seed % workers === at)
      return new Promise<void>((resolve, reject) => {
        const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { ...task, seeds } satisfies Task, execArgv: [] })
        running.push(worker)
        worker.on('message', (result: Simulated) => {
          results.push(result)
          onSeed?.(result)
          if (task.untilBroken && result.broken !== undefined) for (const other of running) void other.terminate()
        })
        worker.on('error', reject)
        worker.on('exit', () => resolve())
      })
    }),
  )
  return results
}

export const inWords = ({ seed, acts, broken }: Simulated): string => `seed ${seed}: ${broken?.text ?? 'holds'}\n${acts.join('\n')}`
