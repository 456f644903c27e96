/**
 * What an update from a browser must pass before it touches a live document.
 *
 * The update format is not safe to take from someone who is signed in but not trusted: a few bytes can claim the numbers
 * of another device, park everything that follows, or exhaust memory. So nothing is handed to Yjs that this page has not
 * read by itself: one client, its next clocks, and exactly the keys and values that the edit says in its intents.
 *
 * The form read here is version 1 of Yjs's update encoding (yjs 13.6, `encodeStateAsUpdate`), and of it only what an
 * edit of a flat map can contain: items with one plain value, and deletions of what they overwrite.
 */
import * as decoding from 'lib0/decoding'
import { err, ok, type Result } from '../shared/result.ts'
import { planKeyOf, planMapName, planValueOf, type PlanIntent } from '../shared/plan.ts'

export type GateRefused =
  /** Malformed or hostile: the document session is reset. */
  | { readonly is: 'malformed'; readonly where: string }
  /** Under a client id that another device has used in this document. */
  | { readonly is: 'client-id-taken' }
  /** Its first clock is not the next one, or it builds on what is not here: something before it is missing. */
  | { readonly is: 'history' }

export interface GateDoc {
  /** The next clock the server expects of this client. */
  nextClock(clientId: number): number
  /** The device that first used this client id in this document. */
  deviceOf(clientId: number): string | undefined
}

export interface Admitted {
  readonly clientId: number
}

const CONTENT_ANY = 8
const HAS_ORIGIN = 0x80
const HAS_RIGHT_ORIGIN = 0x40
const HAS_KEY = 0x20
/** Deletions in one edit: one for each overwritten key, and what Yjs's own merging may add. */
const mostDeletions = 4096
const mostStringBytes = 4096

class Unreadable extends Error {}
const refuse = (where: string): never => {
  throw new Unreadable(where)
}

export const admitUpdate = (
  bytes: Uint8Array,
  doc: GateDoc,
  intents: readonly PlanIntent[],
  device: string,
): Result<Admitted, GateRefused> => {
  try {
    const read = readUpdate(bytes)
    if (!read.refersTo.every(({ clientId, clock, before }) => clock < (clientId === read.clientId ? before : doc.nextClock(clientId))))
      return err({ is: 'history' })
    const owner = doc.deviceOf(read.clientId)
    if (owner !== undefined && owner !== device) return err({ is: 'client-id-taken' })
    const next = doc.nextClock(read.clientId)
    if (read.clock !== next) return err({ is: 'history' })
    if (owner === undefined && next > 0) return err({ is: 'client-id-taken' })
    if (read.items.length !== intents.length) return err({ is: 'malformed', where: 'the update carries other keys than the edit says' })
    for (const [at, intent] of intents.entries()) {
      const item = read.items[at]
      // An overwriting item has no key on the wire: it inherits it. Its value is compared here, its key once it is applied.
      if (item === undefined || (item.key !== undefined && item.key !== planKeyOf(intent)))
        return err({ is: 'malformed', where: 'the update carries other keys than the edit says' })
      if (JSON.stringify(item.value) !== JSON.stringify(planValueOf(intent)))
        return err({ is: 'malformed', where: 'the update carries other values than the edit says' })
    }
    return ok({ clientId: read.clientId })
  } catch (cause) {
    if (cause instanceof Unreadable) return err({ is: 'malformed', where: cause.message })
    // lib0 throws plain errors at the end of the bytes and on numbers that are too large.
    return err({ is: 'malformed', where: 'cut short or out of range' })
  }
}

interface ReadItem {
  readonly key: string | undefined
  readonly value: unknown
}

/** A clock of a client. */
interface Place {
  readonly clientId: number
  readonly clock: number
}

/** What is built upon, or the last one that is deleted; `before`: of the update's own client, it comes before this clock. */
interface Reference extends Place {
  readonly before: number
}

interface ReadUpdate {
  readonly clientId: number
  readonly clock: number
  readonly items: readonly ReadItem[]
  readonly refersTo: readonly Reference[]
}

const readUpdate = (bytes: Uint8Array): ReadUpdate => {
  const input = decoding.createDecoder(bytes)
  if (decoding.readVarUint(input) !== 1) refuse('not exactly one client')
  const structs = decoding.readVarUint(input)
  if (structs < 1 || structs > bytes.length / 2) refuse('more parts declared than bytes')
  const clientId = uint32(input)
  const clock = decoding.readVarUint(input)
  const items: ReadItem[] = []
  const refersTo: Reference[] = []
  for (let at = clock; at < clock + structs; at += 1) items.push(readItem(input, at, refersTo))
  readDeletions(input, clock + structs, refersTo)
  if (decoding.hasContent(input)) refuse('bytes after the end')
  return { clientId, clock, items, refersTo }
}

const readItem = (input: decoding.Decoder, before: number, refersTo: Reference[]): ReadItem => {
  const info = decoding.readUint8(input)
  if ((info & 0x1f) !== CONTENT_ANY) refuse('a part that is not a plain value')
  if ((info & HAS_ORIGIN) !== 0) refersTo.push({ ...readPlace(input), before })
  if ((info & HAS_RIGHT_ORIGIN) !== 0) refersTo.push({ ...readPlace(input), before })
  let key: string | undefined
  if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
    if (decoding.readVarUint(input) !== 1 || boundedString(input) !== planMapName) refuse('a place outside the map of wishes')
    if ((info & HAS_KEY) === 0) refuse('a value without a key')
    key = boundedString(input)
  }
  if (decoding.readVarUint(input) !== 1) refuse('several values in one part')
  return { key, value: readPlain(input) }
}

/** A wish has nine; the rest is room for a newer build's. */
const mostRegisterParts = 12

/** A string, or a flat list of at most twelve texts, whole numbers, truths and nothings. */
const readPlain = (input: decoding.Decoder): unknown => {
  const type = decoding.readUint8(input)
  if (type === 119) return boundedString(input)
  if (type !== 117) return refuse('a value that no wish has')
  const length = decoding.readVarUint(input)
  if (length > mostRegisterParts) refuse('a register that is too long')
  const list: unknown[] = []
  for (let left = length; left > 0; left -= 1) {
    switch (decoding.readUint8(input)) {
      case 119:
        list.push(boundedString(input))
        break
      case 125:
        list.push(decoding.readVarInt(input))
        break
      case 120:
        list.push(true)
        break
      case 121:
        list.push(false)
        break
      case 126:
        list.push(null)
        break
      default:
        refuse('a register with a value that no wish has')
    }
  }
  return list
}

const readDeletions = (input: decoding.Decoder, before: number, refersTo: Reference[]): void => {
  const clients = decoding.readVarUint(input)
  if (clients > mostDeletions) refuse('too many deletions')
  let total = 0
  for (let client = 0; client < clients; client += 1) {
    const clientId = uint32(input)
    const runs = decoding.readVarUint(input)
    total += runs
    if (total > mostDeletions) refuse('too many deletions')
    for (let run = 0; run < runs; run += 1) {
      const clock = decoding.readVarUint(input)
      const length = decoding.readVarUint(input)
      if (length < 1 || length > mostDeletions) refuse('a deletion without an end')
      refersTo.push({ clientId, clock: clock + length - 1, before })
    }
  }
}

const readPlace = (input: decoding.Decoder): Place => ({ clientId: uint32(input), clock: decoding.readVarUint(input) })

const uint32 = (input: decoding.Decoder): number => {
  const value = decoding.readVarUint(input)
  return value <= 0xffffffff ? value : refuse('a client id out of range')
}

/** The length is looked at before the bytes are. */
const boundedString = (input: decoding.Decoder): string => {
  const at = input.pos
  const length = decoding.readVarUint(input)
  if (length > mostStringBytes) refuse('a text that is too long')
  input.pos = at
  return decoding.readVarString(input)
}
