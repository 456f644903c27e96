/** What would come of one license's assignment, person by person, before it is made: from the function that the server acts by. */
import {
  gives,
  kindsGiven,
  termsOf,
  wishRefused,
  wishRefusedInWords,
  becauseInWords,
  type PlacedWish,
  type Verdict,
  type Wish,
} from '../../shared/assignment.ts'
import { indexOfOrdinal } from '../../shared/facts.ts'
import { kindOfTarget, type TargetKey } from '../../shared/ids.ts'
import { ordinalsOf } from '../../shared/touching.ts'
import type { DirectoryReader, PrincipalName } from '../directory.ts'
import type { AssignRequest } from '../edits.ts'
import type { ChunkRead } from '../facts.ts'
import type { Foretelling, LicenseState } from '../foretelling.ts'
import { counted, seatsCounted } from './words.ts'
import { windowOf, type Window } from './window.ts'

export interface OutcomePerson {
  readonly principal: PrincipalName
  /** "Place 12", or the reason; empty where the list says it. */
  readonly detail: string
}

export type OutcomeCode = 'gain' | 'lose' | 'wait' | 'set-back' | 'refused' | 'has' | 'offered' | 'later' | 'kept-for-owner' | 'at-odds'

export interface OutcomeList {
  readonly code: OutcomeCode
  /** "40 get a seat". */
  readonly title: string
  readonly people: Window<OutcomePerson>
}

export interface AssignOutcome {
  /** Worst first: those that nobody hears of otherwise. Only those with somebody in them. */
  readonly lists: readonly OutcomeList[]
  /** What never can be: the form can't be sent. */
  readonly refused: readonly string[]
  /** What would come to nothing, or can not be undone. */
  readonly warnings: readonly string[]
}

interface Looked {
  readonly directory: DirectoryReader
  readonly foretelling: Foretelling
  now(): number
}

/** `more`: the wishes that the request would make, as `foretell` makes them. Undefined inside: there is no such license. */
export const assignOutcome = (
  { directory, foretelling, now }: Looked,
  request: AssignRequest,
  more: readonly PlacedWish[],
): ChunkRead<AssignOutcome | undefined> => {
  const before = foretelling.state(request.license, now())
  const after = foretelling.stateWith(request.license, now(), more)
  const people = directory.people()
  const groups = directory.groups()
  if (before.is === 'loading' || after.is === 'loading' || people.is === 'loading' || groups.is === 'loading') return { is: 'loading' }
  if (before.value === undefined || after.value === undefined) return { is: 'ready', value: undefined }
  const state = after.value
  const { license } = state
  const kinds = new Map(groups.value.map(({ id, kind }) => [id, kind]))
  const kindOf = (key: TargetKey) => kindOfTarget(key, kinds)
  const nameOf = (ordinal: number): PrincipalName => people.value.nameOf(ordinal, request.licenseType)

  const included = kindsGiven(state.wishes, kindOf)
  const refused = new Set<string>()
  for (const { key, wish } of more) {
    const kind = kindOf(key)
    const never = kind === undefined ? undefined : wishRefused(license, kind, wish, true, included)
    if (never !== undefined) refused.add(wishRefusedInWords(never, license.product.name))
  }

  const keys = new Set(more.map(({ key }) => key))
  const parted = partOf(before.value, state, keys)
  const odds = atOdds(state, more, keys)
  const list = (
    code: OutcomeCode,
    verdicts: readonly Verdict[],
    title: (count: string) => string,
    one: string,
    many: string,
    detail: (verdict: Verdict) => string = () => '',
  ): OutcomeList => ({
    code,
    title: title(counted(verdicts.length, one, many)),
    people: windowOf(verdicts, (verdict) => ({ principal: nameOf(verdict.ordinal), detail: detail(verdict) })),
  })
  const place = ({ because }: Verdict): string => ('position' in because ? `Place ${because.position}` : '')
  const reason = ({ because }: Verdict): string => becauseInWords(because)
  const same = (count: string): string => count
  const lists = [
    list('lose', parted.lose, same, 'gives a seat back', 'give their seats back'),
    list('set-back', parted.setBack, (count) => `${count}, who would get one as it stands now`, 'waits', 'wait', place),
    list('wait', parted.wait, same, 'waits', 'wait', (verdict) => `${place(verdict)}. ${reason(verdict).replace(/\. .*$/, '')}`),
    list('refused', parted.refused, same, 'is refused', 'are refused', reason),
    list('gain', parted.gain, same, 'gets a seat', 'get a seat'),
    list('has', parted.has, same, 'has a seat already', 'have a seat already'),
    list('offered', parted.offered, same, 'may take a seat', 'may take a seat'),
    list('later', parted.later, same, 'is asked for later', 'are asked for later', reason),
    list('kept-for-owner', parted.kept, same, 'device keeps it, for its owner', 'devices keep it, for their owners'),
    {
      code: 'at-odds' as const,
      title: `${counted(odds.length, 'is', 'are')} both included and excluded: the exclusion counts`,
      people: windowOf(odds, (ordinal) => ({ principal: nameOf(ordinal), detail: '' })),
    },
  ].filter(({ people: some }) => some.length > 0)
  return { is: 'ready', value: { lists, refused: [...refused], warnings: warningsOf(state, more, parted.gain.length, odds.length) } }
}

interface Parted {
  readonly gain: readonly Verdict[]
  readonly lose: readonly Verdict[]
  readonly wait: readonly Verdict[]
  readonly setBack: readonly Verdict[]
  readonly refused: readonly Verdict[]
  readonly has: readonly Verdict[]
  readonly offered: readonly Verdict[]
  readonly later: readonly Verdict[]
  readonly kept: readonly Verdict[]
}

const coming = new Set(['order-to-come', 'order-open', 'registration-to-come', 'registration-open'])
const isServed = (verdict: Verdict | undefined): boolean =>
  verdict !== undefined && (verdict.state === 'placed' || (verdict.state === 'pending' && coming.has(verdict.because.code)))

/** Who stands otherwise than now. Each is looked at once: there can be 50,000. */
const partOf = (before: LicenseState, after: LicenseState, keys: ReadonlySet<TargetKey>): Parted => {
  const parted = { gain: [], lose: [], wait: [], setBack: [], refused: [], has: [], offered: [], later: [], kept: [] } as {
    readonly [K in keyof Parted]: Verdict[]
  }
  for (const verdict of after.reconciled.verdicts) {
    const stood = before.verdictByOrdinal.get(verdict.ordinal)
    const ours = keys.has(verdict.key)
    switch (verdict.because.code) {
      case 'release-to-come':
        if (stood?.because.code !== 'release-to-come') parted.lose.push(verdict)
        continue
      case 'may-claim':
        if (ours) parted.offered.push(verdict)
        continue
      case 'starts-later':
        if (ours) parted.later.push(verdict)
        continue
      case 'kept-for-owner':
        if (ours) parted.kept.push(verdict)
        continue
      default:
        break
    }
    switch (verdict.state) {
      case 'placed':
        if (ours) parted.has.push(verdict)
        break
      case 'pending':
        if (isServed(verdict) && !isServed(stood)) parted.gain.push(verdict)
        break
      case 'waiting':
        if (ours) parted.wait.push(verdict)
        else if (isServed(stood)) parted.setBack.push(verdict)
        break
      case 'refused':
        if (ours || stood?.state !== 'refused') parted.refused.push(verdict)
        break
      case 'excluded':
      case 'released':
        break
    }
  }
  return parted
}

const marksOf = (state: LicenseState, wishes: readonly PlacedWish[]): ReadonlySet<number> => {
  const marked = new Set<number>()
  for (const { key } of wishes) for (const ordinal of ordinalsOf(key, state.input.directory)) marked.add(ordinal)
  return marked
}
const isExclusion = (wish: Wish): boolean => wish.mode === 'exclude'

/** Members of a new wish whom another one wants the other way round. Nobody is looked at where only one sort of wish stands. */
const atOdds = (state: LicenseState, more: readonly PlacedWish[], keys: ReadonlySet<TargetKey>): readonly number[] => {
  const ours = more.some(({ wish }) => isExclusion(wish))
  const others = state.wishes.filter((placed) => !keys.has(placed.key) && (ours ? gives(placed.wish) : isExclusion(placed.wish)))
  if (others.length === 0) return []
  const marked = marksOf(state, others)
  const found = new Set<number>()
  for (const { key } of more) for (const ordinal of ordinalsOf(key, state.input.directory)) if (marked.has(ordinal)) found.add(ordinal)
  return [...found]
}

const warningsOf = (state: LicenseState, more: readonly PlacedWish[], gains: number, odds: number): readonly string[] => {
  const { license } = state
  const warnings: string[] = []
  if (more.some(({ wish }) => isExclusion(wish)) && odds === 0)
    warnings.push('This exclusion has no effect now: none of those it names is given this license by an assignment.')
  if (!license.revocable && gains > 0) warnings.push(`${seatsCounted(gains)} can not be taken back once given.`)
  const reserved = more.reduce((sum, { wish }) => sum + (termsOf(wish).reservation?.seats ?? 0), 0)
  if (license.total !== null && reserved > license.total)
    warnings.push(`${seatsCounted(reserved)} would be reserved, and ${license.total} are owned: the rest is filled as seats are bought.`)
  const found = state.seats
  if (more.some(({ wish }) => isExclusion(wish))) {
    let kept = 0
    for (const { key } of more)
      for (const ordinal of ordinalsOf(key, state.input.directory)) {
        const at = indexOfOrdinal(found.ordinals, ordinal)
        if (at >= 0 && state.verdictByOrdinal.get(ordinal)?.because.code === 'excluded') kept += 1
      }
    if (kept > 0)
      warnings.push(
        `${seatsCounted(kept)} found at the store ${kept === 1 ? 'stays' : 'stay'}: an exclusion takes back only what was assigned.`,
      )
  }
  return warnings
}
