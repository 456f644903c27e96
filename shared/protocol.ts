/**
 * The exchange: every message between a browser and the server, on one page.
 *
 * One WebSocket per browser, binary. The browser speaks first, with `hello`; the server answers `welcome` or `bye`.
 *
 * Facts. The browser asks `pull` for the chunks that changed after the seq it has; the server answers with `chunks`,
 * in the order of their seqs, so that a pull that breaks off goes on where it stopped. The answer with `done` is the
 * point from which the server sends every change as `feed`, without a gap; a chunk may already hold a change that is
 * still to come as `feed`, so a change is folded only when its seq is above its chunk's. A browser that falls behind
 * gets `lag`, and pulls again. A browser ahead of the server, or of another server, throws its facts away and pulls from 0.
 *
 * Edits. `push` carries one edit with its number n (gap-free for each device). The server answers each exactly once in
 * this connection: `ack` when the edit is on disk, `nack` when it was refused (what follows is not affected), `resend`
 * when a number was left out, `reset` when the document's history can't be followed: the browser then takes the server's
 * state, and makes its waiting edits anew with a new client id under their old numbers. (device, n) is remembered for
 * ever: what was answered once is answered alike, and takes effect once.
 *
 * Documents. `open` asks for a document from a state vector on; `doc` is the answer, `update` what follows.
 *
 * Every frame is at most `mostFrameBytes` (server to browser: `mostChunksBytes` and one chunk more), every text and list
 * in it is bounded, and what can't be read closes the connection with `bye`. Versions: the server speaks `protocol` and
 * answers an older browser with `client-too-old`, a newer one with `server-too-old`.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { parseChunkKey, type ChunkKey } from './facts.ts'
import { parseAdminId, parseDeviceId, parseDocId, parseTargetKey, type AdminId, type DeviceId, type DocId } from './ids.ts'
import { mostIntents, mostNoteCharacters, readRegister, registerOf, type PlanIntent } from './plan.ts'
import { roles, type Role } from './admin.ts'
import { syncPhases, type SyncPhase } from './sync.ts'

export const protocol = 1
export const mostFrameBytes = 256 * 1024
export const mostChunksBytes = 1024 * 1024
export const mostWordsCharacters = 500

export type ClientFrame =
  | { readonly is: 'hello'; readonly protocol: number; readonly build: string; readonly device: DeviceId }
  | { readonly is: 'pull'; readonly after: number }
  | { readonly is: 'open'; readonly doc: DocId; readonly epoch: number; readonly stateVector: Uint8Array }
  | { readonly is: 'close'; readonly doc: DocId }
  | {
      readonly is: 'push'
      readonly n: number
      readonly doc: DocId
      readonly epoch: number
      /** Said to an administrator in the audit: "Give Keynote to Grade 7 tablets, required". */
      readonly words: string
      readonly intents: readonly PlanIntent[]
      readonly update: Uint8Array
      /** SHA-256 of `update`: a V1 update has no checksum of its own, and 15 % of damaged ones would be accepted. */
      readonly sum: Uint8Array
    }
  | { readonly is: 'ping' }

/** Why an edit was refused. The administrator reads `text` in the outbox; `superseded` names who wished otherwise. */
export const nackCodes = [
  'not-permitted',
  'malformed',
  'license-unknown',
  'target-unknown',
  'superseded',
  'number-taken',
  'not-device-assignable',
  'not-user-assignable',
  'license-type-mismatch',
  'confirmation-required',
  'mixed-exclusion',
  'terms-impossible',
] as const
export type NackCode = (typeof nackCodes)[number]

export const byeCodes = ['client-too-old', 'server-too-old', 'signed-out', 'unreadable', 'too-fast', 'stopping', 'storage'] as const
export type ByeCode = (typeof byeCodes)[number]

export const resetReasons = ['epoch', 'history', 'malformed', 'client-id-taken'] as const
export type ResetReason = (typeof resetReasons)[number]

export type ServerFrame =
  | {
      readonly is: 'welcome'
      readonly protocol: number
      readonly build: string
      /** Which database this is; another one means that facts begin anew. */
      readonly tenant: string
      readonly serverTime: number
      /** The number of the last edit taken from this device. */
      readonly lastN: number
      readonly seq: number
      readonly admin: { readonly id: AdminId; readonly name: string; readonly role: Role }
    }
  | { readonly is: 'chunks'; readonly chunks: readonly FedChunk[]; readonly upTo: number; readonly done: boolean }
  | { readonly is: 'feed'; readonly from: number; readonly to: number; readonly changes: readonly FedChunk[] }
  | { readonly is: 'lag' }
  | { readonly is: 'doc'; readonly doc: DocId; readonly epoch: number; readonly update: Uint8Array }
  | { readonly is: 'update'; readonly doc: DocId; readonly epoch: number; readonly update: Uint8Array }
  | { readonly is: 'ack'; readonly n: number; readonly seq: number }
  | { readonly is: 'nack'; readonly n: number; readonly code: NackCode; readonly text: string }
  | { readonly is: 'resend'; readonly from: number }
  | { readonly is: 'reset'; readonly doc: DocId; readonly epoch: number; readonly why: ResetReason }
  | {
      readonly is: 'progress'
      readonly sync: string
      readonly connector: string
      readonly phase: SyncPhase
      readonly done: number
      readonly total: number | null
    }
  | { readonly is: 'pong'; readonly serverTime: number }
  | { readonly is: 'bye'; readonly code: ByeCode; readonly text: string }

/** In `chunks` the bytes are the chunk itself (empty: nothing is left of it), in `feed` one fact. */
export interface FedChunk {
  readonly key: ChunkKey
  readonly seq: number
  readonly bytes: Uint8Array
}

const clientKinds = ['hello', 'pull', 'open', 'close', 'push', 'ping'] as const
const serverKinds = [
  'welcome',
  'chunks',
  'feed',
  'lag',
  'doc',
  'update',
  'ack',
  'nack',
  'resend',
  'reset',
  'progress',
  'pong',
  'bye',
] as const

export const encodeClientFrame = (frame: ClientFrame): Uint8Array<ArrayBuffer> => {
  const out = encoding.createEncoder()
  encoding.writeUint8(out, clientKinds.indexOf(frame.is))
  switch (frame.is) {
    case 'hello':
      encoding.writeVarUint(out, frame.protocol)
      encoding.writeVarString(out, frame.build)
      encoding.writeVarString(out, frame.device)
      break
    case 'pull':
      encoding.writeVarUint(out, frame.after)
      break
    case 'open':
      encoding.writeVarString(out, frame.doc)
      encoding.writeVarUint(out, frame.epoch)
      encoding.writeVarUint8Array(out, frame.stateVector)
      break
    case 'close':
      encoding.writeVarString(out, frame.doc)
      break
    case 'push':
      encoding.writeVarUint(out, frame.n)
      encoding.writeVarString(out, frame.doc)
      encoding.writeVarUint(out, frame.epoch)
      encoding.writeVarString(out, frame.words)
      encoding.writeVarString(out, JSON.stringify(frame.intents.map(packIntent)))
      encoding.writeVarUint8Array(out, frame.update)
      encoding.writeVarUint8Array(out, frame.sum)
      break
    case 'ping':
      break
  }
  return new Uint8Array(encoding.toUint8Array(out))
}

/** Undefined for what is not a frame of this protocol. Never throws, whatever the bytes. */
export const decodeClientFrame = (bytes: Uint8Array): ClientFrame | undefined => {
  if (bytes.length === 0 || bytes.length > mostFrameBytes) return undefined
  return orUndefined(() => {
    const input = decoding.createDecoder(bytes)
    const is = clientKinds[decoding.readUint8(input)]
    switch (is) {
      case undefined:
        return undefined
      case 'hello':
        return all({
          is,
          protocol: decoding.readVarUint(input),
          build: boundedText(input, 64),
          device: parseDeviceId(decoding.readVarString(input)),
        })
      case 'pull':
        return { is, after: decoding.readVarUint(input) }
      case 'open':
        return all({ is, doc: parseDocId(decoding.readVarString(input)), epoch: decoding.readVarUint(input), stateVector: bytesOf(input) })
      case 'close':
        return all({ is, doc: parseDocId(decoding.readVarString(input)) })
      case 'push':
        return all({
          is,
          n: decoding.readVarUint(input),
          doc: parseDocId(decoding.readVarString(input)),
          epoch: decoding.readVarUint(input),
          words: boundedText(input, mostWordsCharacters),
          intents: parseIntents(JSON.parse(decoding.readVarString(input))),
          update: bytesOf(input),
          sum: bytesOf(input),
        })
      case 'ping':
        return { is }
    }
  })
}

export const encodeServerFrame = (frame: ServerFrame): Uint8Array<ArrayBuffer> => {
  const out = encoding.createEncoder()
  encoding.writeUint8(out, serverKinds.indexOf(frame.is))
  switch (frame.is) {
    case 'welcome':
      encoding.writeVarUint(out, frame.protocol)
      encoding.writeVarString(out, frame.build)
      encoding.writeVarString(out, frame.tenant)
      encoding.writeVarUint(out, frame.serverTime)
      encoding.writeVarUint(out, frame.lastN)
      encoding.writeVarUint(out, frame.seq)
      encoding.writeVarString(out, frame.admin.id)
      encoding.writeVarString(out, frame.admin.name)
      encoding.writeVarString(out, frame.admin.role)
      break
    case 'chunks':
      writeFed(out, frame.chunks)
      encoding.writeVarUint(out, frame.upTo)
      encoding.writeUint8(out, frame.done ? 1 : 0)
      break
    case 'feed':
      encoding.writeVarUint(out, frame.from)
      encoding.writeVarUint(out, frame.to)
      writeFed(out, frame.changes)
      break
    case 'lag':
      break
    case 'doc':
    case 'update':
      encoding.writeVarString(out, frame.doc)
      encoding.writeVarUint(out, frame.epoch)
      encoding.writeVarUint8Array(out, frame.update)
      break
    case 'ack':
      encoding.writeVarUint(out, frame.n)
      encoding.writeVarUint(out, frame.seq)
      break
    case 'nack':
      encoding.writeVarUint(out, frame.n)
      encoding.writeVarString(out, frame.code)
      encoding.writeVarString(out, frame.text)
      break
    case 'resend':
      encoding.writeVarUint(out, frame.from)
      break
    case 'reset':
      encoding.writeVarString(out, frame.doc)
      encoding.writeVarUint(out, frame.epoch)
      encoding.writeVarString(out, frame.why)
      break
    case 'progress':
      encoding.writeVarString(out, frame.sync)
      encoding.writeVarString(out, frame.connector)
      encoding.writeVarString(out, frame.phase)
      encoding.writeVarUint(out, frame.done)
      encoding.writeVarInt(out, frame.total ?? -1)
      break
    case 'pong':
      encoding.writeVarUint(out, frame.serverTime)
      break
    case 'bye':
      encoding.writeVarString(out, frame.code)
      encoding.writeVarString(out, frame.text)
      break
  }
  return new Uint8Array(encoding.toUint8Array(out))
}

/** Undefined for what is not a frame of this protocol (a captive portal's page, a newer server's frame). Never throws. */
export const decodeServerFrame = (bytes: Uint8Array): ServerFrame | undefined =>
  orUndefined(() => {
    const input = decoding.createDecoder(bytes)
    const is = serverKinds[decoding.readUint8(input)]
    switch (is) {
      case undefined:
        return undefined
      case 'welcome': {
        const head = {
          is,
          protocol: decoding.readVarUint(input),
          build: boundedText(input, 64),
          tenant: boundedText(input, 64),
          serverTime: decoding.readVarUint(input),
          lastN: decoding.readVarUint(input),
          seq: decoding.readVarUint(input),
        } as const
        const admin = all({
          id: parseAdminId(decoding.readVarString(input)),
          name: decoding.readVarString(input),
          role: oneOf(roles, decoding.readVarString(input)),
        })
        return all({ ...head, admin })
      }
      case 'chunks':
        return all({ is, chunks: readFed(input), upTo: decoding.readVarUint(input), done: decoding.readUint8(input) === 1 })
      case 'feed':
        return all({ is, from: decoding.readVarUint(input), to: decoding.readVarUint(input), changes: readFed(input) })
      case 'lag':
        return { is }
      case 'doc':
      case 'update':
        return all({ is, doc: parseDocId(decoding.readVarString(input)), epoch: decoding.readVarUint(input), update: bytesOf(input) })
      case 'ack':
        return { is, n: decoding.readVarUint(input), seq: decoding.readVarUint(input) }
      case 'nack':
        return all({
          is,
          n: decoding.readVarUint(input),
          // A newer server's reason: its words say what it is.
          code: oneOf(nackCodes, decoding.readVarString(input)) ?? 'malformed',
          text: decoding.readVarString(input),
        })
      case 'resend':
        return { is, from: decoding.readVarUint(input) }
      case 'reset':
        return all({
          is,
          doc: parseDocId(decoding.readVarString(input)),
          epoch: decoding.readVarUint(input),
          why: oneOf(resetReasons, decoding.readVarString(input)),
        })
      case 'progress': {
        const sync = decoding.readVarString(input)
        const connector = decoding.readVarString(input)
        const phase = oneOf(syncPhases, decoding.readVarString(input))
        const done = decoding.readVarUint(input)
        const total = decoding.readVarInt(input)
        return all({ is, sync, connector, phase, done, total: total < 0 ? null : total })
      }
      case 'pong':
        return { is, serverTime: decoding.readVarUint(input) }
      case 'bye':
        return all({ is, code: oneOf(byeCodes, decoding.readVarString(input)), text: decoding.readVarString(input) })
    }
  })

const packIntent = (intent: PlanIntent): readonly unknown[] =>
  intent.part === 'wish'
    ? ['w', intent.target, registerOf(intent.wish), intent.baseRev, intent.confirmed ? 1 : 0]
    : ['n', intent.target, intent.note]

/** Also the door of the outbox and of files of exported edits. */
export const parseIntents = (value: unknown): readonly PlanIntent[] | undefined => {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostIntents) return undefined
  const found: PlanIntent[] = []
  const seen = new Set<string>()
  for (const item of value as readonly unknown[]) {
    if (!Array.isArray(item)) return undefined
    const target = parseTargetKey(item[1])
    if (target === undefined || seen.has(`${String(item[0])}${target}`)) return undefined
    seen.add(`${String(item[0])}${target}`)
    if (item[0] === 'w') {
      const wish = readRegister(item[2])
      const baseRev: unknown = item[3]
      if (wish === undefined || typeof baseRev !== 'number' || !Number.isSafeInteger(baseRev) || baseRev < 0) return undefined
      found.push({ part: 'wish', target, wish, baseRev, confirmed: item[4] === 1 })
    } else if (item[0] === 'n') {
      const note: unknown = item[2]
      if (typeof note !== 'string' || note.length > mostNoteCharacters) return undefined
      found.push({ part: 'note', target, note })
    } else return undefined
  }
  return found
}
export const packIntents = (planIntents: readonly PlanIntent[]): readonly unknown[] => planIntents.map(packIntent)

const writeFed = (out: encoding.Encoder, chunks: readonly FedChunk[]): void => {
  encoding.writeVarUint(out, chunks.length)
  for (const chunk of chunks) {
    encoding.writeVarString(out, chunk.key)
    encoding.writeVarUint(out, chunk.seq)
    encoding.writeVarUint8Array(out, chunk.bytes)
  }
}

/** A chunk of a kind that a newer server knows and we do not is left out. */
const readFed = (input: decoding.Decoder): readonly FedChunk[] => {
  const chunks: FedChunk[] = []
  for (let left = decoding.readVarUint(input); left > 0; left -= 1) {
    const key = parseChunkKey(decoding.readVarString(input))
    const seq = decoding.readVarUint(input)
    const bytes = bytesOf(input)
    if (key !== undefined) chunks.push({ key, seq, bytes })
  }
  return chunks
}

/** A copy: the frame's own buffer is not kept alive by a chunk of it. */
const bytesOf = (input: decoding.Decoder): Uint8Array<ArrayBuffer> => new Uint8Array(decoding.readVarUint8Array(input))

const boundedText = (input: decoding.Decoder, mostCharacters: number): string | undefined => {
  const text = decoding.readVarString(input)
  return text.length <= mostCharacters ? text : undefined
}

const oneOf = <T extends string>(known: readonly T[], text: string): T | undefined => known.find((item) => item === text)

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }
/** The object when every member is there, else undefined. */
const all = <T extends object>(members: T): Defined<T> | undefined =>
  Object.values(members).every((member) => member !== undefined) ? (members as Defined<T>) : undefined

const orUndefined = <T>(read: () => T | undefined): T | undefined => {
  try {
    return read()
  } catch {
    // lib0 and JSON.parse throw on anything cut short or malformed: to the caller that is one thing, not a frame.
    return undefined
  }
}
