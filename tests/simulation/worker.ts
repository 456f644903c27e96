import { registerHooks } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { Task } from './pool.ts'

const { seeds, options, plant, alone, untilBroken } = workerData as Task

if (plant !== undefined) {
  // The bug is planted as the module is read; nothing of it is ever in a file.
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      const edits = plant.edits.filter(({ file }) => url.endsWith(file))
      if (edits.length === 0 || loaded.source === undefined || loaded.source === null) return loaded
      let source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
      for (const { file, from, to } of edits) {
        if (source.split(from).length !== 2) throw new Error(`planted bug: ${file} has not exactly one “${from}”`)
        source = source.replace(from, () => to)
      }
      return { ...loaded, source }
    },
  })
}

// Loaded after the hook is in its place.
const { simulate } = await import('./simulate.ts')

const { faultKinds } = await import('./faults.ts')
const kinds = [...faultKinds, 'none'] as const

for (const seed of seeds) {
  const only = kinds[seed % kinds.length]
  const result = await simulate(seed, alone === true && only !== undefined ? { ...options, only } : options)
  parentPort?.postMessage(result)
  if (untilBroken && result.broken !== undefined) break
}
