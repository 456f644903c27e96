/**
 * One course of things, drawn from a seed: people give and take licenses while everything around them fails; then all
 * is mended, and everything has to come to rest with nothing lost. The same seed gives the same course, byte for byte.
 */
import { createHash } from 'node:crypto'
import { products } from '../world/world.ts'
import { createWorld } from '../world/world.ts'
import { seededChance } from '../world/hand-clock.ts'
import { Broken, createCheckers } from './checkers.ts'
import { drawnFrom, drawSwarm, makeTrouble, type FaultKind } from './faults.ts'

export interface SimulateOptions {
  readonly only?: FaultKind | 'none'
  /** Acts and incidents together. */
  readonly steps?: number
  /** Told as it goes, for a course that does not end. */
  readonly onAct?: (text: string) => void
}

export interface Simulated {
  readonly seed: number
  readonly digest: string
  /** What was done and what happened, with the time in seconds. */
  readonly acts: readonly string[]
  readonly edits: number
  readonly faults: number
  readonly events: number
  readonly broken: { readonly invariant: string; readonly text: string } | undefined
}

const mostSteps = 80
/** A course has 1,000 to 5,000. */
const mostEvents = 20_000
/** Everything comes to rest within this, once nothing fails any more: the longest pause after refusals that may pass is an hour. */
const restWithinMs = 3 * 60 * 60_000

export const simulate = async (seed: number, { only, steps = mostSteps, onAct }: SimulateOptions = {}): Promise<Simulated> => {
  const drawn = drawnFrom(seededChance(seed ^ 0x5eed))
  const swarm = drawSwarm(drawn, only)
  const world = await createWorld({ seed })
  const { schedule } = world
  // Seats that somebody gave long ago, and that nobody here has any business with.
  for (const product of Object.keys(products)) {
    world.store.owns(product, { seats: 5 })
    for (const holder of ['iPad-7', 'iPad-8']) world.store.gives(product, holder)
  }
  await world.syncNow(true)
  await world.settle()
  const connector = await world.connector()
  const checkers = createCheckers(world)
  const begun = schedule.now()
  const acts: string[] = [`with ${[...swarm.kinds].join(', ') || 'no faults'} at ${swarm.rate}`]
  const note = (text: string): void => {
    acts.push(`${((schedule.now() - begun) / 1000).toFixed(1)} s: ${text}`)
    onAct?.(text)
  }
  const digest = createHash('sha256')
  let edits = 0
  schedule.afterEach = () => {
    if (schedule.events() > mostEvents) throw new Broken('I-7', 'it goes round and round')
  }

  for (const admin of world.admins)
    admin.line.onFrame = ({ from, bytes }) => {
      digest.update(`${schedule.now()}${admin.name}${from}`).update(bytes)
      checkers.frame(admin, from, bytes)
    }

  const trouble = makeTrouble({ world, drawn, swarm, onOutside: (product, holder) => checkers.outside(product, holder) })

  const targets = [...Array.from({ length: 8 }, (_, at) => `iPad-${at + 1}`), 'Tablets', 'ada', 'bob']
  const target = (): string => (drawn.happens(0.8) ? drawn.pick(targets.slice(0, 4)) : drawn.pick(targets))

  const act = async (): Promise<void> => {
    const admin = drawn.pick(world.admins)
    if (!admin.isOpen()) return
    const product = drawn.pick(Object.keys(products))
    const who = target()
    const kind = drawn.pick([
      'assign',
      'assign',
      'assign',
      'assign',
      'available',
      'uninstall',
      'exclude',
      'release',
      'release',
      'release',
      'keep',
      'note',
    ] as const)
    const doing = async () => {
      switch (kind) {
        case 'assign':
          return await admin.assign(product, who)
        case 'available':
        case 'uninstall':
          return await admin.assign(product, who, { intent: kind })
        case 'exclude':
          return await admin.exclude(product, who)
        case 'release':
        case 'keep':
          return await admin.remove(product, who, kind)
        case 'note':
          return await admin.note(product, who, `note ${drawn.below(100)}`)
      }
    }
    const done = await doing()
    if (!done.ok) return note(`${admin.name}: ${kind} ${product} for ${who} is not done, ${done.error.is}`)
    edits += 1
    note(`${admin.name}: ${done.value.words} (${done.value.ids.join(', ')})`)
    for (const id of done.value.ids) checkers.kept({ admin, id, words: done.value.words })
    if (kind === 'keep') checkers.keptSeat(product, who)
    if (kind !== 'note' && admin.isOpen())
      await checkers.ownWish(
        admin,
        product,
        who,
        kind === 'exclude' ? 'exclude' : kind === 'release' || kind === 'keep' ? 'removed' : 'include',
      )
  }

  const course = async (): Promise<void> => {
    for (let step = 0; step < steps; step += 1) {
      await schedule.pass(drawn.happens(0.1) ? drawn.below(90_000) : drawn.below(3_000))
      await trouble.tend()
      if (drawn.happens(0.55)) await act()
      else if (drawn.happens(0.1)) {
        const server = world.server()
        if (server !== undefined) {
          server.house.syncs.request(connector.id, 'admin', drawn.happens(0.5)).catch(() => undefined)
          note('somebody syncs')
        }
      } else note(trouble.begin())
      checkers.always()
    }
    note('all is well from here on')
    await trouble.heal()
    await world.settle(restWithinMs)
    checkers.always()
    // What was in doubt is read once more, after the lists have caught up.
    await schedule.pass(6 * 60_000)
    await world.syncNow(true)
    await world.settle(restWithinMs)
    await checkers.atRest()
  }

  let broken: Simulated['broken']
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
  for (const product of Object.keys(products)) digest.update(world.store.holders(product).join())
  digest.update(String(schedule.events()))
  const result: Simulated = { seed, digest: digest.digest('hex'), acts, edits, faults: trouble.count(), events: schedule.events(), broken }
  await world[Symbol.asyncDispose]()
  return result
}

const textOf = (cause: unknown): string => (cause instanceof Error ? `${cause.message}\n${cause.stack ?? ''}` : String(cause))
