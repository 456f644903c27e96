/** This device's edits: refused, unsent, saved. */
import { becauseInWords, type Verdict, type VerdictState } from '../../shared/assignment.ts'
import { isoTime } from '../../shared/clock.ts'
import { licenseOfDoc, type LicenseId } from '../../shared/ids.ts'
import type { PlanIntent } from '../../shared/plan.ts'
import { packIntents } from '../../shared/protocol.ts'
import type { Foretelling, LicenseState } from '../foretelling.ts'
import type { OutboxRow, SavedEdit } from '../local-db.ts'
import { mostSaved } from '../outbox.ts'
import { counted } from './words.ts'

export type { OutboxRow, Refusal, SavedEdit } from '../local-db.ts'

/** What will come of an unsent edit by the facts at hand; promised by nobody until the server has answered. */
export interface Foretold {
  /** "40 get a seat, 28 wait: no seat left". "No seats move" when nothing does. */
  readonly text: string
  readonly placed: number
  /** Of those placed: who gets a seat newly, and who has one. */
  readonly gains: number
  readonly has: number
  /** Seats that go back. */
  readonly returns: number
  /** The first few of those who wait, in the order of serving. */
  readonly waitsFirst: readonly number[]
  readonly waiting: number
  readonly refused: number
  /** ISO 8601: when the counts were read. */
  readonly asOf: string | undefined
}

export interface UnsentEdit {
  readonly row: OutboxRow
  readonly license: LicenseId
  /** Undefined while the license's chunks are being read. */
  readonly foretold: Foretold | undefined
  /** Sent on this connection, the answer is on its way. */
  readonly sent: boolean
}

export interface RefusedEdit {
  readonly row: OutboxRow
  readonly license: LicenseId
  /** What happened, what it means, what to do: the server's own words. */
  readonly text: string
}

export interface OutboxList {
  /** Newest first. */
  readonly refused: readonly RefusedEdit[]
  readonly unsent: readonly UnsentEdit[]
  readonly saved: readonly SavedEdit[]
}

export const outboxList = (
  rows: readonly OutboxRow[],
  saved: readonly SavedEdit[],
  foretelling: Foretelling,
  isSent: (id: number) => boolean,
  now: number,
): OutboxList => {
  const newest = [...rows].reverse()
  return {
    refused: newest
      .filter(({ state }) => state === 'refused')
      .map((row) => ({ row, license: licenseOfDoc(row.doc), text: row.refusal?.text ?? '' })),
    unsent: newest
      .filter(({ state }) => state === 'waiting')
      .map((row) => {
        const license = licenseOfDoc(row.doc)
        const state = foretelling.state(license, now)
        return { row, license, foretold: state.is === 'ready' ? foretoldOf(row.intents, state.value) : undefined, sent: isSent(row.id) }
      }),
    saved: [...saved].reverse().slice(0, mostSaved),
  }
}

/** What these intents lead to in a state that holds them. */
export const foretoldOf = (intents: readonly PlanIntent[], state: LicenseState | undefined): Foretold => {
  const keys = new Set(intents.flatMap((intent) => (intent.part === 'wish' ? [intent.target] : [])))
  if (state === undefined)
    return {
      text: 'This license is no longer known here',
      placed: 0,
      gains: 0,
      has: 0,
      returns: 0,
      waitsFirst: [],
      waiting: 0,
      refused: 0,
      asOf: undefined,
    }
  const own = state.reconciled.verdicts.filter(({ key }) => keys.has(key))
  const having = (wanted: VerdictState, codes?: readonly string[]): number =>
    own.filter(({ state: given, because }) => given === wanted && (codes === undefined || codes.includes(because.code))).length
  const placed = having('placed')
  const coming = having('pending', ['order-to-come', 'order-open', 'seat-being-released'])
  const leaving =
    having('pending', ['release-to-come']) +
    own.filter(({ state: given, because }) => given === 'pending' && because.code === 'order-open' && isTaking(intents)).length
  const waiting = own.filter(({ state: given }) => given === 'waiting')
  const refused = own.filter(({ state: given }) => given === 'refused')
  const parts: string[] = []
  if (placed > 0) parts.push(`${counted(placed, 'has', 'have')} a seat already`)
  if (coming > 0 && !isTaking(intents)) parts.push(`${counted(coming, 'gets', 'get')} a seat`)
  if (leaving > 0) parts.push(`${counted(leaving, 'seat goes', 'seats go')} back`)
  if (waiting.length > 0) parts.push(`${counted(waiting.length, 'waits', 'wait')}: ${waitingReason(waiting)}`)
  if (refused.length > 0)
    parts.push(
      `${counted(refused.length, 'is', 'are')} refused: ${lowerFirst(becauseInWords(refused[0]?.because ?? { code: 'excluded' }))}`,
    )
  return {
    text: parts.length === 0 ? 'No seats move' : parts.join(', '),
    placed: placed + (isTaking(intents) ? 0 : coming),
    gains: isTaking(intents) ? 0 : coming,
    has: placed,
    returns: leaving,
    waitsFirst: waiting.slice(0, mostNamed).map(({ ordinal }) => ordinal),
    waiting: waiting.length,
    refused: refused.length,
    asOf: state.license.asOf,
  }
}

const mostNamed = 3

const isTaking = (intents: readonly PlanIntent[]): boolean =>
  intents.some(
    ({ part, ...rest }) => part === 'wish' && 'wish' in rest && (rest.wish.mode !== 'include' || rest.wish.intent === 'uninstall'),
  )

const waitingReason = (waiting: readonly Verdict[]): string =>
  waiting.some(({ because }) => because.code === 'no-seat-left')
    ? 'no seat left'
    : lowerFirst(becauseInWords(waiting[0]?.because ?? { code: 'excluded' }))

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** The outbox as a file's text: what was meant, in words and in full, for someone who wants to carry it elsewhere. */
export const exportedOutbox = (rows: readonly OutboxRow[], now: number): string =>
  JSON.stringify(
    {
      form: 1,
      exportedAt: isoTime(now),
      edits: rows.map(({ n, doc, words, intents, madeAt, by, state, refusal }) => ({
        n,
        license: licenseOfDoc(doc),
        words,
        intents: packIntents(intents),
        madeAt: isoTime(madeAt),
        by: by.name,
        state,
        refusal: refusal === null ? null : { code: refusal.code, text: refusal.text },
      })),
    },
    null,
    2,
  )
