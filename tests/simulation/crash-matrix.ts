/**
 * The crash matrix: the server dies at one named moment while the store does one thing wrong. Each cell is a short course
 * drawn from a seed; then all is mended, and the laws of the checkers must hold: nothing is given beyond what is owned,
 * nothing is given twice, and no seat is left that neither a wish, a found mark nor an open order explains.
 */
import { isByAssignment, seatsKey } from '../../shared/facts.ts'
import { seededChance } from '../world/hand-clock.ts'
import { createWorld, products } from '../world/world.ts'
import { Broken, createCheckers } from './checkers.ts'
import { drawnFrom } from './faults.ts'
import { armStoreFault, storeFaults, type StoreFault } from './store-faults.ts'

export const crashPoints = [
  'none',
  'before-intent',
  'after-intent',
  'after-call',
  'after-record',
  'after-answer',
  'after-settling',
  'after-reading',
  'after-recording',
  'after-notice',
  'after-following',
] as const
export type CrashPoint = (typeof crashPoints)[number]

export interface Cell {
  readonly point: CrashPoint
  readonly fault: StoreFault
}

export const cells: readonly Cell[] = crashPoints.flatMap((point) => storeFaults.map((fault) => ({ point, fault })))

export interface CellRun extends Cell {
  readonly seed: number
  readonly died: number
  readonly struck: number
  readonly acts: readonly string[]
  readonly broken: { readonly invariant: string; readonly text: string } | undefined
}

const mostEvents = 20_000
/**
 * A store that said of an event that it is done, and lied, or that does it a quarter of an hour later: what it gave to
 * another, did not take back, or gave when nobody waited any more, is shown as found. Nothing but its list tells of it.
 */
const isFoundExplained: ReadonlySet<StoreFault> = new Set(['done-for-another-serial', 'done-without-effect', 'never-completes-undone'])
/** The longest pause after refusals that may pass is an hour. */
const restWithinMs = 3 * 60 * 60_000

export const runCell = async ({ point, fault }: Cell, seed: number): Promise<CellRun> => {
  const drawn = drawnFrom(seededChance(seed ^ 0xce11))
  const world = await createWorld({ seed, isReachable: true })
  const { schedule, store } = world
  for (const product of Object.keys(products)) {
    store.owns(product, { seats: 3 + drawn.below(3) })
    store.gives(product, 'iPad-8')
  }
  await world.syncNow(true)
  await world.settle()
  const { id: connectorId } = await world.connector()
  const checkers = createCheckers(world)
  const begun = schedule.now()
  const acts: string[] = []
  const note = (text: string): void => void acts.push(`${((schedule.now() - begun) / 1000).toFixed(1)} s: ${text}`)
  schedule.afterEach = () => {
    if (schedule.events() > mostEvents) throw new Broken('I-7', 'it goes round and round')
  }
  for (const admin of world.admins) admin.line.onFrame = ({ from, bytes }) => checkers.frame(admin, from, bytes)

  const trouble = armStoreFault(fault, world, drawn)
  // Once, or a second time after the restart.
  const passings = new Set([1 + drawn.below(2), ...(drawn.happens(0.3) ? [3 + drawn.below(2)] : [])])
  let passed = 0
  let died = 0
  let restartAt = 0
  world.crashesAt = (name) => {
    if (name !== point) return false
    passed += 1
    if (!passings.has(passed)) return false
    died += 1
    restartAt = schedule.now() + drawn.below(15_000)
    note(`the server dies at ${name}`)
    return true
  }

  const assign = async (product: string, target: string): Promise<void> => {
    const admin = drawn.pick(world.admins)
    const done = await admin.assign(product, target)
    if (!done.ok) return note(`${admin.name}: ${product} for ${target} is not done, ${done.error.is}`)
    note(`${admin.name}: ${done.value.words}`)
    for (const id of done.value.ids) checkers.kept({ admin, id, words: done.value.words })
  }
  const release = async (product: string, target: string): Promise<void> => {
    const admin = drawn.pick(world.admins)
    const done = await admin.remove(product, target)
    if (!done.ok) return note(`${admin.name}: release of ${product} from ${target} is not done, ${done.error.is}`)
    note(`${admin.name}: ${done.value.words}`)
    for (const id of done.value.ids) checkers.kept({ admin, id, words: done.value.words })
  }
  const sync = async (): Promise<void> => {
    const server = world.server()
    if (server === undefined) return
    server.house.syncs.request(connectorId, 'admin', true).catch(() => undefined)
    note('somebody syncs')
    await schedule.rest()
  }
  const outside = (product: string, holder: string): void => {
    const gives = drawn.happens(0.5)
    if (gives) store.gives(product, holder)
    else store.takes(product, holder)
    checkers.outside(product, holder)
    note(`outside, ${holder} ${gives ? 'gets' : 'loses'} ${product}`)
  }

  const tend = async (ms: number): Promise<void> => {
    await schedule.pass(ms)
    await trouble.tend()
    if (world.server() === undefined && schedule.now() >= restartAt) {
      await world.restartServer()
      note('the server is back')
    }
    checkers.always()
  }

  const product = (): string => drawn.pick(Object.keys(products))
  const device = (): string => `iPad-${1 + drawn.below(6)}`
  const course = async (): Promise<void> => {
    // Two products for three devices in one call, one seat of each for somebody else, and a seat that comes back.
    await assign('Keynote', 'Tablets')
    await assign('Pages', 'Tablets')
    await tend(drawn.below(4_000))
    await assign('Keynote', 'iPad-5')
    await assign('Numbers', 'ada')
    await tend(2_000 + drawn.below(8_000))
    await sync()
    await tend(drawn.below(10_000))
    await release('Pages', 'Tablets')
    await tend(drawn.below(6_000))
    for (let step = 0; step < 4; step += 1) {
      const which = drawn.fraction()
      if (which < 0.4) await assign(product(), device())
      else if (which < 0.7) await release(product(), drawn.pick(['Tablets', device()]))
      else if (which < 0.85) await sync()
      else outside(product(), device())
      await tend(drawn.happens(0.2) ? drawn.below(90_000) : drawn.below(8_000))
    }
    // As long as the fault may last: an event is settled by reading after ten minutes.
    for (let minutes = 0; minutes < 14; minutes += 2) await tend(120_000)
    note('all is well from here on')
    world.crashesAt = () => false
    if (world.server() === undefined) await world.restartServer()
    await trouble.heal()
    await world.settle(restWithinMs)
    checkers.always()
    await schedule.pass(6 * 60_000)
    await world.syncNow(true)
    await world.settle(restWithinMs)
    if (isFoundExplained.has(fault)) await explainFound()
    await checkers.atRest()
  }

  const explainFound = async (): Promise<void> => {
    for (const name of Object.keys(products)) {
      const seats = await world.mustServer().house.journal.columns(seatsKey(world.licenseOf(name)))
      seats.ordinals.forEach((ordinal, at) => {
        if (!isByAssignment(seats, at)) checkers.outside(name, world.nameOfOrdinal(ordinal))
      })
    }
  }

  let broken: CellRun['broken']
  const unheard: unknown[] = []
  const hear = (cause: unknown): void => void unheard.push(cause)
  process.on('unhandledRejection', hear)
  try {
    await course()
    if (unheard.length > 0) throw new Broken('I-7', `a failure reached nobody: ${textOf(unheard[0])}`)
  } catch (cause) {
    broken = cause instanceof Broken ? { invariant: cause.invariant, text: cause.message } : { invariant: 'I-7', text: textOf(cause) }
  }
  process.off('unhandledRejection', hear)
  for (const cause of world.troubles) note(`trouble: ${cause instanceof Error ? cause.message : String(cause)}`)
  const run: CellRun = { point, fault, seed, died, struck: trouble.struck(), acts, broken }
  await world[Symbol.asyncDispose]()
  return run
}

const textOf = (cause: unknown): string => (cause instanceof Error ? `${cause.message}\n${cause.stack ?? ''}` : String(cause))

export const cellInWords = ({ point, fault, seed, acts, broken }: CellRun): string =>
  `${point} × ${fault}, seed ${seed}: ${broken?.text ?? 'holds'}\n${acts.join('\n')}`
