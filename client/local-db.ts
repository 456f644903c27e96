/**
 * What this device keeps: edits that the server has not answered, the plan documents as the server last told them, and
 * the chunks of facts. Each is stored apart, so that what one sees can always be built again: server's state + outbox.
 *
 * All changes are made in transactions. A transaction is kept whole (on disk, when the promise answers) or not at all,
 * and transactions run one after another, over all tabs of this browser. Leaders' writes carry their term: once another
 * tab leads, they are refused.
 */
import type { Wish } from '../shared/assignment.ts'
import type { PlanIntent } from '../shared/plan.ts'
import type { ChunkKey } from '../shared/facts.ts'
import type { AdminId, DeviceId, DocId, TargetKey } from '../shared/ids.ts'
import type { NackCode } from '../shared/protocol.ts'
import type { Result } from '../shared/result.ts'
import type { Role } from '../shared/admin.ts'

/** Who made an edit, or was last signed in here. */
export interface KnownAdmin {
  readonly id: AdminId
  readonly name: string
  readonly role: Role
}

/**
 * Why an edit was refused. Two reasons are this browser's own: `other-admin`, it waits for its author to sign in here
 * again; `other-server`, it was made on the data of another server.
 */
export interface Refusal {
  readonly code: NackCode | 'other-admin' | 'other-server'
  readonly text: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What stood for a target before an edit, so that it can be taken back. */
export interface StoodBefore {
  readonly target: TargetKey
  readonly wish: Wish | null
  readonly note: string
}

/**
 * One edit that the server has not taken. `id` is this browser's own, in the order of making; `n` is the number under
 * which the server hears of it, gap-free over the rows that wait. An empty update is made anew before it is sent.
 * The form is frozen: a row of version 1 is readable for ever.
 */
export interface OutboxRow {
  readonly id: number
  readonly form: 1
  readonly n: number
  readonly doc: DocId
  readonly epoch: number
  /** "Give Keynote to Grade 7 tablets, required". */
  readonly words: string
  readonly intents: readonly PlanIntent[]
  readonly before: readonly StoodBefore[]
  readonly update: Uint8Array<ArrayBuffer>
  /** Milliseconds since 1970, by this device's clock; for reading only, it decides nothing. */
  readonly madeAt: number
  readonly by: KnownAdmin
  readonly state: 'waiting' | 'refused'
  readonly refusal: Refusal | null
}

/** An edit that the server has on its disk. Kept for the last 50, and until the facts have caught up with it. */
export interface SavedEdit {
  readonly id: number
  readonly n: number
  readonly doc: DocId
  readonly words: string
  readonly intents: readonly PlanIntent[]
  readonly before: readonly StoodBefore[]
  readonly madeAt: number
  readonly savedAt: number
  readonly by: KnownAdmin
  /** The server's order of it: until the facts have reached it, the edit is shown beside them. */
  readonly seq: number
}

/** A plan document as the server told it last, all its edits included. */
export interface DocBase {
  readonly doc: DocId
  readonly epoch: number
  readonly state: Uint8Array<ArrayBuffer>
}

export interface KeptChunk {
  readonly key: ChunkKey
  readonly seq: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The one row of this browser. */
export interface Meta {
  readonly device: DeviceId
  /** Counts the leaders; the last one may write what comes from the server. */
  readonly term: number
  /** The id given to an edit last. */
  readonly lastId: number
  /** The number given to an edit last. */
  readonly lastN: number
  /** The number that the server answered last. */
  readonly answeredN: number
  readonly tenant: string | null
  /** The facts are those of this point of the server's order; 0 when there are none. */
  readonly seq: number
  /** A pull has come to its end at least once: the facts are whole, if old. */
  readonly whole: boolean
  /** When the facts were last known to be the server's newest; milliseconds since 1970, by this device's clock. */
  readonly heardAt: number | null
  readonly admin: KnownAdmin | null
  readonly notice: DeviceNotice | null
}

/** Something that happened to this browser's store or to the server's, and that a person must know. */
export type DeviceNotice =
  /** The server knows later edits of this browser than the browser itself: its store was lost or set back. */
  | { readonly is: 'store-was-lost'; readonly at: number }
  /** The server was set back, and edits it had acknowledged are gone there. `sentAgain` of them were still held here. */
  | { readonly is: 'server-was-restored'; readonly at: number; readonly sentAgain: number; readonly lost: number }
  /** This browser profile was copied: it goes on under a name of its own. */
  | { readonly is: 'profile-was-copied'; readonly at: number }

export interface LocalReading {
  meta(): Promise<Meta | undefined>
  rows(): Promise<readonly OutboxRow[]>
  row(id: number): Promise<OutboxRow | undefined>
  rowsOfDoc(doc: DocId): Promise<readonly OutboxRow[]>
  saved(): Promise<readonly SavedEdit[]>
  docBase(doc: DocId): Promise<DocBase | undefined>
  chunk(key: ChunkKey): Promise<KeptChunk | undefined>
  /** In the order of their keys. */
  chunksWithPrefix(prefix: string): Promise<readonly KeptChunk[]>
}

export interface LocalWriting extends LocalReading {
  putMeta(meta: Meta): Promise<void>
  putRows(rows: readonly OutboxRow[]): Promise<void>
  removeRows(ids: readonly number[]): Promise<void>
  putSaved(saved: readonly SavedEdit[]): Promise<void>
  removeSaved(ids: readonly number[]): Promise<void>
  putDocBase(base: DocBase): Promise<void>
  clearDocBases(): Promise<void>
  putChunks(chunks: readonly KeptChunk[]): Promise<void>
  removeChunks(keys: readonly ChunkKey[]): Promise<void>
  clearChunks(): Promise<void>
}

/** Why nothing was kept. The administrator is told that the act was not saved. */
export type LocalFailure =
  /** The disk or the browser's allowance is full. */
  | { readonly is: 'no-room' }
  /** The database was closed or taken away: site data cleared, a newer tab upgrading it. */
  | { readonly is: 'closed' }
  /** Another tab leads by now. */
  | { readonly is: 'not-leading' }
  | { readonly is: 'failed'; readonly text: string }

/** Thrown inside a transaction by a leader that leads no longer; nothing of it is kept, and it answers `not-leading`. */
export class NotLeading extends Error {}

/** What a transaction touches; a wider one holds up other tabs. */
export const allStores = ['meta', 'outbox', 'saved', 'docs', 'chunks'] as const
export type Store = (typeof allStores)[number]

export interface LocalDb {
  read<T>(stores: readonly Store[], act: (reading: LocalReading) => Promise<T>): Promise<Result<T, LocalFailure>>
  /** Whole or not at all; on disk when it answers. `act` awaits nothing but its `writing`. */
  write<T>(stores: readonly Store[], act: (writing: LocalWriting) => Promise<T>): Promise<Result<T, LocalFailure>>
  /** Calls back when the database is taken away from under this tab. */
  onClosed(listener: (why: 'upgrade' | 'gone') => void): () => void
  close(): void
}

export const localFailureInWords = (failure: LocalFailure): string => {
  switch (failure.is) {
    case 'no-room':
      return 'Not saved: this device has no room left for the console. Free some space, then do it again.'
    case 'closed':
      return "Not saved: this browser has closed the console's store. Reload this page, then do it again."
    case 'not-leading':
      return 'Not saved: another tab has taken over. Do it again.'
    case 'failed':
      return `Not saved: this browser's store failed (${failure.text}). Reload this page, then do it again.`
  }
}
