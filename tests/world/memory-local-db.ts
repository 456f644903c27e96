/**
 * A browser's store in memory, with the promises of the real one: transactions one after another, whole or not at all.
 * Each tab opens a handle of its own; a crash of a tab makes its handle mute, and what was kept stays for the next one.
 */
import {
  NotLeading,
  type DocBase,
  type KeptChunk,
  type LocalDb,
  type LocalFailure,
  type LocalWriting,
  type Meta,
  type OutboxRow,
  type SavedEdit,
  type Store,
} from '../../client/local-db.ts'
import type { ChunkKey } from '../../shared/facts.ts'
import type { DocId } from '../../shared/ids.ts'
import { err, ok } from '../../shared/result.ts'

/** `before`: nothing is kept. `after`: it is kept, and the tab is told that it failed. */
export type LocalFault = { readonly when: 'before' | 'after'; readonly failure: LocalFailure }

export interface MemoryStore {
  /** A tab's handle. `crash` makes it mute: what it asks never answers, and what it was writing is kept or not by `chance`. */
  open(): MemoryLocalDb
  /** Asked at every writing transaction; undefined lets it pass. */
  fault: (stores: readonly Store[]) => LocalFault | undefined
  /** What is on the disk. */
  readonly kept: Kept
  /** Site data cleared while tabs are open. */
  clear(): void
  /** An exact copy, as of a browser profile. */
  copy(): MemoryStore
}

export interface MemoryLocalDb extends LocalDb {
  crash(): void
}

export interface Kept {
  meta: Meta | undefined
  readonly outbox: Map<number, OutboxRow>
  readonly saved: Map<number, SavedEdit>
  readonly docs: Map<DocId, DocBase>
  readonly chunks: Map<ChunkKey, KeptChunk>
}

/** What a transaction has changed, over what is kept. Undefined stands for removed. */
class Staged<K, V> {
  readonly kept: Map<K, V>
  readonly changes = new Map<K, V | undefined>()
  cleared = false
  constructor(kept: Map<K, V>) {
    this.kept = kept
  }
  get(key: K): V | undefined {
    return this.changes.has(key) || this.cleared ? this.changes.get(key) : this.kept.get(key)
  }
  all(): readonly V[] {
    const found = new Map<K, V>(this.cleared ? [] : this.kept)
    for (const [key, value] of this.changes)
      if (value === undefined) found.delete(key)
      else found.set(key, value)
    return [...found.values()]
  }
  put(key: K, value: V): void {
    this.changes.set(key, value)
  }
  remove(key: K): void {
    this.changes.set(key, undefined)
  }
  clear(): void {
    this.changes.clear()
    this.cleared = true
  }
  keep(): void {
    if (this.cleared) this.kept.clear()
    for (const [key, value] of this.changes)
      if (value === undefined) this.kept.delete(key)
      else this.kept.set(key, value)
  }
}

const emptyKept = (): Kept => ({ meta: undefined, outbox: new Map(), saved: new Map(), docs: new Map(), chunks: new Map() })

export const createMemoryStore = (kept: Kept = emptyKept()): MemoryStore => {
  const handles = new Set<{ readonly closed: (why: 'upgrade' | 'gone') => void }>()
  /** Transactions of all tabs run one after another. */
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const run = last.then(act)
    last = run.catch(() => undefined)
    return run
  }

  const stage = (stores: readonly Store[]): { readonly writing: LocalWriting; readonly keep: () => void } => {
    const may = (store: Store): void => {
      if (!stores.includes(store)) throw new Error(`memory-local-db: ${store} is not part of this transaction`)
    }
    let meta = kept.meta
    const outbox = new Staged(kept.outbox)
    const saved = new Staged(kept.saved)
    const docs = new Staged(kept.docs)
    const chunks = new Staged(kept.chunks)
    const of = <T>(store: Store, value: () => T): Promise<T> => {
      may(store)
      return Promise.resolve(value())
    }
    const writing: LocalWriting = {
      meta: () => of('meta', () => meta),
      rows: () => of('outbox', () => [...outbox.all()].sort((a, b) => a.id - b.id)),
      row: (id) => of('outbox', () => outbox.get(id)),
      rowsOfDoc: (doc) =>
        of('outbox', () =>
          outbox
            .all()
            .filter((row) => row.doc === doc)
            .sort((a, b) => a.id - b.id),
        ),
      saved: () => of('saved', () => [...saved.all()].sort((a, b) => a.id - b.id)),
      docBase: (doc) => of('docs', () => docs.get(doc)),
      chunk: (key) => of('chunks', () => chunks.get(key)),
      chunksWithPrefix: (prefix) =>
        of('chunks', () =>
          chunks
            .all()
            .filter(({ key }) => key.startsWith(prefix))
            .sort((a, b) => (a.key < b.key ? -1 : 1)),
        ),
      putMeta: (row) => of('meta', () => void (meta = structuredClone(row))),
      putRows: (rows) => of('outbox', () => rows.forEach((row) => outbox.put(row.id, structuredClone(row)))),
      removeRows: (ids) => of('outbox', () => ids.forEach((id) => outbox.remove(id))),
      putSaved: (edits) => of('saved', () => edits.forEach((edit) => saved.put(edit.id, structuredClone(edit)))),
      removeSaved: (ids) => of('saved', () => ids.forEach((id) => saved.remove(id))),
      putDocBase: (base) => of('docs', () => docs.put(base.doc, structuredClone(base))),
      clearDocBases: () => of('docs', () => docs.clear()),
      putChunks: (put) => of('chunks', () => put.forEach((chunk) => chunks.put(chunk.key, chunk))),
      removeChunks: (keys) => of('chunks', () => keys.forEach((key) => chunks.remove(key))),
      clearChunks: () => of('chunks', () => chunks.clear()),
    }
    return {
      writing,
      keep: () => {
        kept.meta = meta
        for (const staged of [outbox, saved, docs, chunks]) staged.keep()
      },
    }
  }

  const never = new Promise<never>(() => undefined)

  const store: MemoryStore = {
    fault: () => undefined,
    kept,
    open: () => {
      let state: 'open' | 'closed' | 'crashed' = 'open'
      const listeners = new Set<(why: 'upgrade' | 'gone') => void>()
      const handle = {
        closed: (why: 'upgrade' | 'gone'): void => {
          state = state === 'crashed' ? state : 'closed'
          for (const listener of listeners) listener(why)
        },
      }
      handles.add(handle)
      const failureOf = (cause: unknown): LocalFailure =>
        cause instanceof NotLeading ? { is: 'not-leading' } : { is: 'failed', text: cause instanceof Error ? cause.message : String(cause) }
      return {
        read: (stores, act) =>
          inTurn(async () => {
            if (state === 'crashed') return null
            if (state === 'closed') return err<LocalFailure>({ is: 'closed' })
            try {
              return ok(await act(stage(stores).writing))
            } catch (cause) {
              return err(failureOf(cause))
            }
          }).then((answer) => (answer === null || state === 'crashed' ? never : answer)),
        write: (stores, act) =>
          inTurn(async () => {
            if (state === 'crashed') return null
            if (state === 'closed') return err<LocalFailure>({ is: 'closed' })
            const fault = store.fault(stores)
            if (fault?.when === 'before') return err(fault.failure)
            const { writing, keep } = stage(stores)
            try {
              const value = await act(writing)
              // A tab that died before the end of its transaction has kept nothing of it.
              if ((state as string) === 'crashed') return null
              keep()
              return fault?.when === 'after' ? err(fault.failure) : ok(value)
            } catch (cause) {
              return err(failureOf(cause))
            }
          }).then((answer) => (answer === null || state === 'crashed' ? never : answer)),
        onClosed: (listener) => {
          listeners.add(listener)
          return () => void listeners.delete(listener)
        },
        close: () => {
          state = 'closed'
          handles.delete(handle)
        },
        crash: () => {
          state = 'crashed'
          handles.delete(handle)
        },
      }
    },
    clear: () => {
      kept.meta = undefined
      for (const map of [kept.outbox, kept.saved, kept.docs, kept.chunks]) map.clear()
      handles.forEach((handle) => handle.closed('gone'))
    },
    copy: () =>
      createMemoryStore({
        meta: structuredClone(kept.meta),
        outbox: structuredClone(kept.outbox),
        saved: structuredClone(kept.saved),
        docs: structuredClone(kept.docs),
        chunks: structuredClone(kept.chunks),
      }),
  }
  return store
}
