/**
 * The plan: one Yjs document for each License, a flat map of wishes. Key = target (`u17`, `g…`, `all-devices`), value =
 * one register that changes as a whole, so that merging never invents a wish that nobody had. A note has a key of its
 * own, `<target>#n`, so that it never fights a wish. Who wished and when is stamped by the server and not kept here.
 */
import * as Y from 'yjs'
import { intents, mostPriority, mostReservedSeats, withTerms, type Wish, type WishTerms } from './assignment.ts'
import { isoTime } from './clock.ts'
import { parseTargetKey, type TargetKey } from './ids.ts'

export const planMapName = 'wishes'
export const mostNoteCharacters = 500
/** Keys in one edit; a bulk act is several edits. */
export const mostIntents = 500

/**
 * `[mode, intent, licenseType, rev]`, or `['removed', 'release' | 'keep', '', rev]`. Where terms are unusual they follow:
 * `priority, startsAt, endsAt, seats, 'lent' | 'held'` (null: none). A longer tail is a newer build's and is kept.
 */
export type Register = readonly [string, string, string, number, ...unknown[]]

export const registerOf = (wish: Wish): Register => {
  if (wish.mode === 'removed') return ['removed', wish.seats, '', wish.rev]
  const { terms } = wish
  return [wish.mode, wish.intent, wish.licenseType, wish.rev, ...(terms === undefined ? [] : termsInRegister(terms))]
}
const termsInRegister = ({ priority, startsAt, endsAt, reservation }: WishTerms): readonly unknown[] => [
  priority,
  startsAt,
  endsAt,
  ...(reservation === null ? [] : [reservation.seats, reservation.unused]),
]

export const readRegister = (value: unknown): Wish | undefined => {
  if (!Array.isArray(value) || value.length < 4) return undefined
  const [mode, second, licenseType, rev, ...tail] = value as readonly unknown[]
  if (typeof rev !== 'number' || !Number.isSafeInteger(rev) || rev < 1) return undefined
  if (mode === 'removed') return second === 'release' || second === 'keep' ? { mode, seats: second, rev } : undefined
  if (mode !== 'include' && mode !== 'exclude') return undefined
  const intent = intents.find((known) => known === second)
  if (intent === undefined || (licenseType !== 'device' && licenseType !== 'user')) return undefined
  const terms = readTerms(tail)
  return terms === undefined ? undefined : { mode, intent, licenseType, rev, ...withTerms(terms) }
}

const readTerms = ([priority = 0, startsAt = null, endsAt = null, seats = null, unused = 'lent']: readonly unknown[]):
  WishTerms | undefined => {
  if (!isPriority(priority) || !isInstant(startsAt) || !isInstant(endsAt)) return undefined
  if (seats === null) return { priority, startsAt, endsAt, reservation: null }
  if (!isReservedSeats(seats) || (unused !== 'lent' && unused !== 'held')) return undefined
  return { priority, startsAt, endsAt, reservation: { seats, unused } }
}
const isPriority = (value: unknown): value is number => Number.isInteger(value) && Math.abs(Number(value)) <= mostPriority
/** One form of one instant, so that texts compare as times do. */
const isInstant = (value: unknown): value is string | null =>
  value === null || (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && isoOf(value) === value)
const isoOf = (text: string): string | undefined => {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : isoTime(ms)
}
const isReservedSeats = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= mostReservedSeats

export type PlanKey = { readonly target: TargetKey; readonly part: 'wish' | 'note' }
export const noteKeyOf = (target: TargetKey): string => `${target}#n`
export const parsePlanKey = (key: string): PlanKey | undefined => {
  const note = key.endsWith('#n')
  const target = parseTargetKey(note ? key.slice(0, -2) : key)
  return target === undefined ? undefined : { target, part: note ? 'note' : 'wish' }
}

/**
 * What an edit means, beside the update that carries it: the wish or note for one target, and the revision its author
 * knew (0 = none). The update must say the same, key for key. `confirmed`: the author was told that the product can't be
 * taken back, and said yes.
 */
export type PlanIntent =
  | { readonly part: 'wish'; readonly target: TargetKey; readonly wish: Wish; readonly baseRev: number; readonly confirmed: boolean }
  | { readonly part: 'note'; readonly target: TargetKey; readonly note: string }

export const planKeyOf = (intent: PlanIntent): string => (intent.part === 'wish' ? intent.target : noteKeyOf(intent.target))
export const planValueOf = (intent: PlanIntent): Register | string => (intent.part === 'wish' ? registerOf(intent.wish) : intent.note)

export const planMap = (doc: Y.Doc): Y.Map<unknown> => doc.getMap<unknown>(planMapName)

export const wishIn = (doc: Y.Doc, target: TargetKey): Wish | undefined => readRegister(planMap(doc).get(target))
export const noteIn = (doc: Y.Doc, target: TargetKey): string => {
  const note = planMap(doc).get(noteKeyOf(target))
  return typeof note === 'string' ? note : ''
}

/** Writes the intents in one transaction and gives the update (V1) that carries exactly them. */
export const writeIntents = (doc: Y.Doc, planIntents: readonly PlanIntent[], origin: unknown): Uint8Array<ArrayBuffer> => {
  // The transaction's own update: one made from a state vector would name every deletion the document ever had.
  let update: Uint8Array | undefined
  doc.once('update', (bytes: Uint8Array) => void (update = bytes))
  doc.transact(() => {
    const map = planMap(doc)
    for (const intent of planIntents) map.set(planKeyOf(intent), planValueOf(intent))
  }, origin)
  if (update === undefined) throw new Error('plan: an edit without intents, or one written inside another transaction')
  return new Uint8Array(update)
}

/** A canonical text of an edit's meaning: the same edit has the same text however often its update is made anew. */
export const meaningOf = (doc: string, planIntents: readonly PlanIntent[]): string =>
  JSON.stringify([
    doc,
    ...planIntents.map((intent) =>
      intent.part === 'wish' ? [intent.target, registerOf(intent.wish), intent.baseRev] : [intent.target, intent.note],
    ),
  ])
