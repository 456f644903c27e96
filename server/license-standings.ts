/**
 * How a license stands, weighed once for everybody who asks until something changes: of two hundred who ask at once, and
 * of the pages that look again each minute, each needs the whole license weighed to learn its own place.
 */
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal } from './journal.ts'
import { prepareWeighing, weigh } from './weighing.ts'
import type { Verdict } from '../shared/assignment.ts'
import type { Clock } from '../shared/clock.ts'
import type { LicenseId } from '../shared/ids.ts'
import { reconcile, type ReconcileInput } from '../shared/reconcile.ts'
import { freeSeats } from '../shared/serving.ts'

export interface LicenseStanding {
  readonly input: ReconcileInput
  verdictOf(ordinal: number): Verdict | undefined
  /** Seats that whoever asks next would get, as far as nobody is served before them. */
  readonly free: number
  /** Somebody waits for a seat already. */
  readonly hasLine: boolean
}

export interface LicenseStandings {
  /** Not inside an act of the journal. Undefined: no such license. */
  of(license: LicenseId): Promise<LicenseStanding | undefined>
}

/** Wishes begin and end by the clock, without a fact. */
const keptMs = 5_000
const mostKept = 256
const mostLooks = 3

export const createLicenseStandings = (deps: {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
}): LicenseStandings => {
  const { journal, directory, clock } = deps
  const kept = new Map<LicenseId, { readonly seq: number; readonly at: number; readonly standing: Promise<LicenseStanding | undefined> }>()

  const read = async (id: LicenseId): Promise<LicenseStanding | undefined> => {
    for (let look = 1; ; look += 1) {
      const before = journal.seq()
      const weighing = await prepareWeighing({ facts: journal, directory }, id)
      const input = weighing === undefined ? undefined : await weigh(journal, weighing, clock.now())
      // What changed while this was being read may be in a part of it only.
      if (before !== journal.seq() && look < mostLooks) continue
      return input === undefined ? undefined : standingIn(input)
    }
  }

  return {
    of: (id) => {
      const [seq, now] = [journal.seq(), clock.now()]
      const held = kept.get(id)
      if (held !== undefined && held.seq === seq && now - held.at >= 0 && now - held.at < keptMs) return held.standing
      const standing = read(id)
      kept.delete(id)
      kept.set(id, { seq, at: now, standing })
      standing.catch(() => kept.delete(id))
      for (const oldest of kept.keys()) {
        if (kept.size <= mostKept) break
        kept.delete(oldest)
      }
      return standing
    },
  }
}

const standingIn = (input: ReconcileInput): LicenseStanding => {
  const { verdicts, steps } = reconcile(input)
  const byOrdinal = new Map(verdicts.map((verdict) => [verdict.ordinal, verdict]))
  const coming = new Map(
    input.orders.flatMap(({ action, open }) => (action === 'associate' ? open.map((ordinal) => [ordinal, true] as const) : [])),
  )
  return {
    input,
    verdictOf: (ordinal) => byOrdinal.get(ordinal),
    free: Math.max(0, freeSeats(input.license, input.seats, coming) - steps.associate.length - steps.register.length),
    hasLine: verdicts.some(({ state, because }) => state === 'waiting' && because.code !== 'starts-later'),
  }
}
