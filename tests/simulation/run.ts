/**
 * `npm run simulate [-- --seeds N --from S --only fault --seed S --gate --planted]`
 *
 * Runs the simulation over many seeds and tells the first courses that break; `--seed` tells one course whole.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { faultKinds, type FaultKind } from './faults.ts'
import { fuzzGate } from './gate-fuzz.ts'
import { plantedBugs } from './planted-bugs.ts'
import { inWords, simulateMany } from './pool.ts'
import { simulate } from './simulate.ts'

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    seed: { type: 'string' },
    gate: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
  },
})

const kindOf = (text: string | undefined): FaultKind | 'none' | undefined => {
  if (text === undefined || text === 'none') return text
  const kind = faultKinds.find((known) => known === text)
  if (kind === undefined) throw new Error(`simulate: no fault is called ${text}. There are: none, ${faultKinds.join(', ')}`)
  return kind
}
const only = kindOf(values.only)
const options = only === undefined ? {} : { only }
const workers = Math.max(1, Math.min(availableParallelism(), 8))

if (values.gate) {
  const begun = performance.now()
  const { tried, admitted, slowestMs } = fuzzGate(1_000_000, Number(values.from))
  say(
    `${tried} damaged updates, ${admitted} admitted, none did harm; the slowest took ${slowestMs.toFixed(1)} ms (${((performance.now() - begun) / 1000).toFixed(0)} s)`,
  )
} else if (values.seed !== undefined) {
  const result = await simulate(Number(values.seed), options)
  say(inWords(result))
  process.exitCode = result.broken === undefined ? 0 : 1
} else if (values.planted) {
  for (const plant of plantedBugs) {
    const results = await simulateMany({
      from: Number(values.from),
      count: Number(values.seeds),
      workers,
      options,
      plant,
      untilBroken: true,
    })
    const found = results.find(({ broken }) => broken !== undefined)
    say(
      found === undefined
        ? `not found: ${plant.name}`
        : `found: ${plant.name}, after ${results.length} seeds: ${found.broken?.text.split('\n')[0] ?? ''}`,
    )
    if (found === undefined) process.exitCode = 1
  }
} else {
  const begun = performance.now()
  const results = await simulateMany({ from: Number(values.from), count: Number(values.seeds), workers, options, untilBroken: false })
  const broken = results.filter((result) => result.broken !== undefined).toSorted((a, b) => a.seed - b.seed)
  for (const result of broken.slice(0, 3)) say(`${inWords(result)}\n`)
  for (const result of broken) say(`seed ${result.seed}: ${result.broken?.text.split('\n')[0] ?? ''}`)
  const sum = (of: (result: (typeof results)[number]) => number): number => results.reduce((total, result) => total + of(result), 0)
  say(
    `${results.length} seeds, ${sum(({ edits }) => edits)} edits, ${sum(({ faults }) => faults)} faults, ${sum(({ events }) => events)} events: ${broken.length} broken (${((performance.now() - begun) / 1000).toFixed(0)} s)`,
  )
  process.exitCode = broken.length === 0 ? 0 : 1
}
