/** The local database on IndexedDB, by Dexie. Version 1 of the tables; a later one may add, never change what is there. */
import { Dexie, type Table } from 'dexie'
import { err, ok } from '../shared/result.ts'
import type { ChunkKey } from '../shared/facts.ts'
import type { DocId } from '../shared/ids.ts'
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
} from './local-db.ts'

type MetaRow = Meta & { readonly key: 'meta' }

export interface DexieLocalDbDeps {
  readonly name?: string
  /** Other IndexedDB than the browser's, for tests. */
  readonly indexedDB?: IDBFactory
  readonly IDBKeyRange?: typeof IDBKeyRange
  /** An older tab keeps the database from being opened: it has to be closed or reloaded. */
  readonly onBlocked?: () => void
}

export const openDexieLocalDb = (deps: DexieLocalDbDeps = {}): LocalDb => {
  const db = new Dexie(deps.name ?? 'quartermaster', {
    // Chromium's default tells "kept" while the bytes are still in the system's memory: a power cut would take them.
    chromeTransactionDurability: 'strict',
    ...(deps.indexedDB === undefined ? {} : { indexedDB: deps.indexedDB }),
    ...(deps.IDBKeyRange === undefined ? {} : { IDBKeyRange: deps.IDBKeyRange }),
  })
  db.version(1).stores({ meta: 'key', outbox: 'id, doc', saved: 'id', docs: 'doc', chunks: 'key' })
  const tables = {
    meta: db.table<MetaRow, string>('meta'),
    outbox: db.table<OutboxRow, number>('outbox'),
    saved: db.table<SavedEdit, number>('saved'),
    docs: db.table<DocBase, DocId>('docs'),
    chunks: db.table<KeptChunk, ChunkKey>('chunks'),
  }
  const tablesOf = (stores: readonly Store[]): Table[] => stores.map((store): Table => tables[store])

  const listeners = new Set<(why: 'upgrade' | 'gone') => void>()
  let why: 'upgrade' | 'gone' = 'gone'
  // A newer tab wants to change the tables: give way at once, or it could never open. False keeps Dexie from its own way,
  // which opens the database again at the next reading.
  db.on('versionchange', (): false => {
    why = 'upgrade'
    db.close({ disableAutoOpen: true })
    return false
  })
  db.on('close', () => {
    for (const listener of listeners) listener(why)
  })
  db.on('blocked', () => deps.onBlocked?.())

  const writing: LocalWriting = {
    meta: async () => {
      const row = await tables.meta.get('meta')
      if (row === undefined) return undefined
      const { key: _key, ...meta } = row
      return meta
    },
    rows: () => tables.outbox.toArray(),
    row: (id) => tables.outbox.get(id),
    rowsOfDoc: (doc) => tables.outbox.where('doc').equals(doc).toArray(),
    saved: () => tables.saved.toArray(),
    docBase: (doc) => tables.docs.get(doc),
    chunk: (key) => tables.chunks.get(key),
    chunksWithPrefix: (prefix) => tables.chunks.where('key').startsWith(prefix).toArray(),
    putMeta: async (meta) => void (await tables.meta.put({ ...meta, key: 'meta' })),
    putRows: async (rows) => void (await tables.outbox.bulkPut(rows)),
    removeRows: (ids) => tables.outbox.bulkDelete([...ids]),
    putSaved: async (saved) => void (await tables.saved.bulkPut(saved)),
    removeSaved: (ids) => tables.saved.bulkDelete([...ids]),
    putDocBase: async (base) => void (await tables.docs.put(base)),
    clearDocBases: () => tables.docs.clear(),
    putChunks: async (chunks) => void (await tables.chunks.bulkPut(chunks)),
    removeChunks: (keys) => tables.chunks.bulkDelete([...keys]),
    clearChunks: () => tables.chunks.clear(),
  }

  // The act is called from an async function: Dexie tells by its kind that native awaits must keep the transaction open.
  return {
    read: async (stores, act) => {
      try {
        return ok(await db.transaction('r', tablesOf(stores), async () => await act(writing)))
      } catch (cause) {
        return err(failureOf(cause))
      }
    },
    write: async (stores, act) => {
      try {
        return ok(await db.transaction('rw', tablesOf(stores), async () => await act(writing)))
      } catch (cause) {
        return err(failureOf(cause))
      }
    },
    onClosed: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => db.close({ disableAutoOpen: true }),
  }
}

/** Dexie wraps the browser's errors and keeps the first one inside; a full disk shows up as an aborted transaction. */
const failureOf = (cause: unknown): LocalFailure => {
  for (let error = cause; error instanceof Error; error = innerOf(error)) {
    if (error instanceof NotLeading) return { is: 'not-leading' }
    if (error.name === 'QuotaExceededError') return { is: 'no-room' }
    if (
      ['DatabaseClosedError', 'InvalidStateError', 'VersionError', 'OpenFailedError', 'MissingAPIError', 'UnknownError'].includes(
        error.name,
      ) &&
      innerOf(error) === undefined
    )
      return { is: 'closed' }
  }
  // A broken promise of our own, not the store's: it is told as it is.
  return { is: 'failed', text: cause instanceof Error ? cause.message : String(cause) }
}
const innerOf = (error: Error): unknown => Reflect.get(error, 'inner') ?? error.cause
