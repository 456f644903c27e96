/**
 * `npm run simulate [-- --seeds N --from S --only fault --seed S --gate --planted]`
 * `npm run simulate -- --matrix [--seeds N --from S --point P --fault F]`
 * `npm run simulate -- --last-seat [--rounds N --from S]`
 *
 * Runs the simulation over many seeds and tells the first courses that break; `--seed` tells one course whole.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { cellInWords, crashPoints } from './crash-matrix.ts'
import { faultKinds, type FaultKind } from './faults.ts'
import { fuzzGate } from './gate-fuzz.ts'
import { atOnce, raceForLastSeats } from './last-seat-race.ts'
import { runMatrix } from './matrix-pool.ts'
import { plantedBugs } from './planted-bugs.ts'
import { inWords, simulateMany } from './pool.ts'
import { simulate } from './simulate.ts'
import { storeFaults } from './store-faults.ts'

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    seed: { type: 'string' },
    gate: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    matrix: { type: 'boolean', default: false },
    point: { type: 'string' },
    fault: { type: 'string' },
    'last-seat': { type: 'boolean', default: false },
    rounds: { type: 'string', default: '1000' },
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

const seeds = Number(values.seeds ?? (values.matrix ? '20' : '1000'))

if (values.matrix) {
  for (const [name, known] of [
    [values.point, crashPoints],
    [values.fault, storeFaults],
  ] as const)
    if (name !== undefined && !known.some((one) => one === name)) throw new Error(`simulate: there are: ${known.join(', ')}`)
  const begun = performance.now()
  const runs = await runMatrix({
    from: Number(values.from),
    seeds,
    workers,
    isWanted: ({ point, fault }) => (values.point ?? point) === point && (values.fault ?? fault) === fault,
  })
  const broken = runs.filter((run) => run.broken !== undefined).toSorted((a, b) => a.seed - b.seed)
  for (const run of broken.slice(0, 3)) say(`${cellInWords(run)}\n`)
  for (const { point, fault, seed, broken: why } of broken) say(`${point} × ${fault}, seed ${seed}: ${why?.text.split('\n')[0] ?? ''}`)
  const bothIn = runs.filter(({ point, fault, died, struck }) => (point === 'none' || died > 0) && (fault === 'none' || struck > 0)).length
  say(
    `${new Set(runs.map(({ point, fault }) => `${point} × ${fault}`)).size} cells, ${runs.length} courses, ${bothIn} with the crash and the fault both in: ${broken.length} broken (${((performance.now() - begun) / 1000).toFixed(0)} s)`,
  )
  process.exitCode = broken.length === 0 ? 0 : 1
} else if (values['last-seat']) {
  const begun = performance.now()
  const rounds = await raceForLastSeats({ rounds: Number(values.rounds), seed: Number(values.from) })
  const wrong = rounds.filter((round) => round.wrong.length > 0)
  for (const { round, wrong: why } of wrong.slice(0, 5)) say(`round ${round}: ${why.join('; ')}`)
  say(
    `${rounds.length} rounds of ${atOnce} at once for one seat: ${wrong.length} wrong (${((performance.now() - begun) / 1000).toFixed(0)} s)`,
  )
  process.exitCode = wrong.length === 0 ? 0 : 1
} else if (values.gate) {
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
      count: seeds,
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
  const results = await simulateMany({ from: Number(values.from), count: seeds, workers, options, untilBroken: false })
  const broken = results.filter((result) => result.broken !== undefined).toSorted((a, b) => a.seed - b.seed)
  for (const result of broken.slice(0, 3)) say(`${inWords(result)}\n`)
  for (const result of broken) say(`seed ${result.seed}: ${result.broken?.text.split('\n')[0] ?? ''}`)
  const sum = (of: (result: (typeof results)[number]) => number): number => results.reduce((total, result) => total + of(result), 0)
  say(
    `${results.length} seeds, ${sum(({ edits }) => edits)} edits, ${sum(({ faults }) => faults)} faults, ${sum(({ events }) => events)} events: ${broken.length} broken (${((performance.now() - begun) / 1000).toFixed(0)} s)`,
  )
  process.exitCode = broken.length === 0 ? 0 : 1
}
