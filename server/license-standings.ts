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
  readonly verdicts: number
}

export interface LicenseStandings {
  /** Not inside an act of the journal. Undefined: no such license. */
  of(license: LicenseId): Promise<LicenseStanding | undefined>
}

interface Kept {
  readonly seq: number
  readonly at: number
  readonly standing: Promise<LicenseStanding | undefined>
  /** 0 until it is weighed. */
  verdicts: number
}

/** Wishes begin and end by the clock, without a fact. */
const keptMs = 5_000
/** Verdicts in memory, of all licenses together: some 40 MB. One license alone may have more. */
const mostVerdicts = 400_000
const mostKept = 2_000
const mostLooks = 3

export const createLicenseStandings = (deps: {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
}): LicenseStandings => {
  const { journal, directory, clock } = deps
  const kept = new Map<LicenseId, Kept>()
  let verdicts = 0

  const letGo = (id: LicenseId, only?: Kept): void => {
    const held = kept.get(id)
    if (held === undefined || (only !== undefined && held !== only)) return
    kept.delete(id)
    verdicts -= held.verdicts
  }
  /** The ones weighed longest ago go first. */
  const makeRoom = (newest: LicenseId): void => {
    for (const id of kept.keys()) {
      if ((verdicts <= mostVerdicts && kept.size <= mostKept) || id === newest) return
      letGo(id)
    }
  }

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
      letGo(id)
      const standing = read(id)
      const one: Kept = { seq, at: now, standing, verdicts: 0 }
      kept.set(id, one)
      standing.then(
        (read) => {
          if (kept.get(id) !== one) return
          one.verdicts = read?.verdicts ?? 0
          verdicts += one.verdicts
          makeRoom(id)
        },
        () => letGo(id, one),
      )
      return standing
    },
  }
}

const standingIn = (input: ReconcileInput): LicenseStanding => {
  const { verdicts } = reconcile(input)
  const byOrdinal = new Map(verdicts.map((verdict) => [verdict.ordinal, verdict]))
  const coming = new Map(
    input.orders.flatMap(({ action, open }) => (action === 'associate' ? open.map((ordinal) => [ordinal, true] as const) : [])),
  )
  return {
    input,
    verdictOf: (ordinal) => byOrdinal.get(ordinal),
    free: Math.max(0, freeSeats(input.license, input.seats, coming) - verdicts.filter(isPromised).length),
    verdicts: verdicts.length,
    hasLine: verdicts.some(({ state, because }) => state === 'waiting' && because.code !== 'starts-later'),
  }
}

/** A seat is theirs, and no order for it is planned yet. */
const isPromised = ({ because: { code } }: Verdict): boolean =>
  code === 'order-to-come' || code === 'registration-to-come' || code === 'registration-open'
