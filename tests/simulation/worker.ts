import { registerHooks } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { Task } from './pool.ts'

const { seeds, options, plant, untilBroken } = workerData as Task

if (plant !== undefined) {
  // The bug is planted as the module is read; nothing of it is ever in a file.
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(plant.file) || loaded.source === undefined || loaded.source === null) return loaded
      const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
      if (source.split(plant.from).length !== 2) throw new Error(`planted bug: ${plant.file} has not exactly one “${plant.from}”`)
      return { ...loaded, source: source.replace(plant.from, () => plant.to) }
    },
  })
}

// Loaded after the hook is in its place.
const { simulate } = await import('./simulate.ts')

for (const seed of seeds) {
  const result = await simulate(seed, options)
  parentPort?.postMessage(result)
  if (untilBroken && result.broken !== undefined) break
}
