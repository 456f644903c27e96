/**
 * This tab's memory of the local database: what was kept, and nothing that was not. Changes go through `write`, which
 * looks at what a transaction put and takes it over once it is on the disk; other tabs are told, and read it from there.
 */
import type { Chance } from '../shared/clock.ts'
import { createFacts, type Facts } from './facts.ts'
import type { ChunkKey } from '../shared/facts.ts'
import type { KeptChunk, LocalDb, LocalFailure, LocalWriting, Meta, OutboxRow, SavedEdit, Store } from './local-db.ts'
import { firstMeta } from './outbox.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface Mirror {
  /** Reads what is kept, and gives this browser its name when it has none. */
  open(): Promise<Result<Meta, LocalFailure>>
  meta(): Meta | undefined
  /** In the order of their ids. */
  rows(): readonly OutboxRow[]
  /** In the order of their numbers. */
  waiting(): readonly OutboxRow[]
  saved(): readonly SavedEdit[]
  /** Equal in two tabs whose memory of the outbox is equal. */
  outboxMark(): number
  readonly facts: Facts
  write<T>(stores: readonly Store[], act: (writing: LocalWriting) => Promise<T>): Promise<Result<T, LocalFailure>>
  /** Another tab has changed the outbox or this browser's row. False: it could not be read. */
  reload(): Promise<boolean>
  chunksChanged(keys: readonly ChunkKey[] | 'all'): void
}

export interface MirrorChange {
  readonly outbox: boolean
  /** Undefined: none. */
  readonly chunks: readonly ChunkKey[] | 'all' | undefined
}

export interface MirrorDeps {
  readonly localDb: LocalDb
  readonly chance: Chance
  /** After a change that this tab made, or may have made. */
  readonly onWritten: (change: MirrorChange) => void
  /** After any change of what is in memory. */
  readonly onChange: () => void
  readonly onUnreadable: (key: ChunkKey, seq: number) => void
  readonly onTrouble: (failure: LocalFailure) => void
}

export const createMirror = (deps: MirrorDeps): Mirror => {
  const { localDb, chance, onWritten, onChange } = deps
  let meta: Meta | undefined
  const rows = new Map<number, OutboxRow>()
  const saved = new Map<number, SavedEdit>()
  let inIds: readonly OutboxRow[] | undefined
  let inNumbers: readonly OutboxRow[] | undefined
  let savedInIds: readonly SavedEdit[] | undefined
  let mark: number | undefined
  /** Counts own writes: a reading that was under way meanwhile is made again. */
  let turn = 0
  let reloading: Promise<boolean> | undefined
  let reloadAgain = false

  const facts = createFacts({ localDb, onLoaded: onChange, onUnreadable: deps.onUnreadable, onTrouble: deps.onTrouble })

  const forgetOrder = (): void => {
    inIds = undefined
    inNumbers = undefined
    savedInIds = undefined
    mark = undefined
  }

  const markOf = (): number => {
    let sum = 0
    const add = (value: number): void => void (sum = (Math.imul(sum, 31) + value) | 0)
    for (const { id, n, state } of rowsInOrder()) {
      add(id)
      add(n)
      add(state === 'waiting' ? 1 : 2)
    }
    for (const { id } of savedInOrder()) add(id)
    return sum
  }
  const rowsInOrder = (): readonly OutboxRow[] => (inIds ??= [...rows.values()].sort((a, b) => a.id - b.id))
  const savedInOrder = (): readonly SavedEdit[] => (savedInIds ??= [...saved.values()].sort((a, b) => a.id - b.id))

  /** Notes what a transaction puts, in its order. */
  const noting = (
    writing: LocalWriting,
  ): { readonly writing: LocalWriting; readonly takeOver: () => MirrorChange; readonly doubt: () => MirrorChange } => {
    const steps: (() => void)[] = []
    let outbox = false
    const chunks = new Map<ChunkKey, KeptChunk | undefined>()
    let allChunks = false
    const step = (act: () => void): void => void steps.push(act)
    return {
      writing: {
        meta: () => writing.meta(),
        rows: () => writing.rows(),
        row: (id) => writing.row(id),
        rowsOfDoc: (doc) => writing.rowsOfDoc(doc),
        saved: () => writing.saved(),
        docBase: (doc) => writing.docBase(doc),
        chunk: (key) => writing.chunk(key),
        chunksWithPrefix: (prefix) => writing.chunksWithPrefix(prefix),
        putDocBase: (base) => writing.putDocBase(base),
        clearDocBases: () => writing.clearDocBases(),
        putMeta: async (next) => {
          await writing.putMeta(next)
          step(() => void (meta = next))
        },
        putRows: async (put) => {
          if (put.length === 0) return
          await writing.putRows(put)
          outbox = true
          step(() => put.forEach((row) => rows.set(row.id, row)))
        },
        removeRows: async (ids) => {
          if (ids.length === 0) return
          await writing.removeRows(ids)
          outbox = true
          step(() => ids.forEach((id) => rows.delete(id)))
        },
        putSaved: async (put) => {
          if (put.length === 0) return
          await writing.putSaved(put)
          outbox = true
          step(() => put.forEach((edit) => saved.set(edit.id, edit)))
        },
        removeSaved: async (ids) => {
          if (ids.length === 0) return
          await writing.removeSaved(ids)
          outbox = true
          step(() => ids.forEach((id) => saved.delete(id)))
        },
        putChunks: async (put) => {
          if (put.length === 0) return
          await writing.putChunks(put)
          for (const chunk of put) chunks.set(chunk.key, chunk)
        },
        removeChunks: async (keys) => {
          if (keys.length === 0) return
          await writing.removeChunks(keys)
          for (const key of keys) chunks.set(key, undefined)
        },
        clearChunks: async () => {
          await writing.clearChunks()
          chunks.clear()
          allChunks = true
        },
      },
      takeOver: () => {
        turn += 1
        for (const act of steps) act()
        forgetOrder()
        if (allChunks) facts.changed('all')
        if (chunks.size > 0) facts.changed([...chunks].map(([key, chunk]) => ({ key, chunk })))
        return { outbox, chunks: allChunks ? 'all' : chunks.size > 0 ? [...chunks.keys()] : undefined }
      },
      doubt: () => {
        if (allChunks) facts.changed('all')
        else facts.changed([...chunks.keys()].map((key) => ({ key, chunk: 'unknown' })))
        return { outbox, chunks: allChunks ? 'all' : [...chunks.keys()] }
      },
    }
  }

  const write: Mirror['write'] = async (stores, act) => {
    let noted: ReturnType<typeof noting> | undefined
    const written = await localDb.write(stores, async (writing) => {
      noted = noting(writing)
      return await act(noted.writing)
    })
    if (!written.ok) {
      deps.onTrouble(written.error)
      // A transaction that failed at its very end may be on the disk all the same: what is there is read anew.
      const doubted = noted?.doubt()
      await reload()
      if (doubted !== undefined && written.error.is !== 'not-leading') onWritten(doubted)
      return written
    }
    const changed = noted?.takeOver()
    onChange()
    if (changed !== undefined) onWritten(changed)
    return written
  }

  const read = async (): Promise<boolean> => {
    for (;;) {
      const before = turn
      const found = await localDb.read(['meta', 'outbox', 'saved'], async (reading) => ({
        meta: await reading.meta(),
        rows: await reading.rows(),
        saved: await reading.saved(),
      }))
      if (!found.ok) {
        deps.onTrouble(found.error)
        return false
      }
      if (turn !== before) continue
      meta = found.value.meta ?? meta
      rows.clear()
      for (const row of found.value.rows) rows.set(row.id, row)
      saved.clear()
      for (const edit of found.value.saved) saved.set(edit.id, edit)
      forgetOrder()
      onChange()
      return true
    }
  }

  const reload = (): Promise<boolean> => {
    if (reloading !== undefined) {
      reloadAgain = true
      return reloading
    }
    reloading = (async () => {
      let done: boolean
      do {
        reloadAgain = false
        done = await read()
      } while (reloadAgain)
      reloading = undefined
      return done
    })()
    return reloading
  }

  return {
    facts,
    open: async () => {
      const named = await write(['meta'], async (writing) => {
        const found = await writing.meta()
        if (found !== undefined) return
        await writing.putMeta(firstMeta(chance))
      })
      if (!named.ok) return named
      await reload()
      return meta === undefined ? err({ is: 'failed', text: 'the store is empty' }) : ok(meta)
    },
    meta: () => meta,
    rows: rowsInOrder,
    waiting: () => (inNumbers ??= [...rows.values()].filter((row) => row.state === 'waiting').sort((a, b) => a.n - b.n)),
    saved: savedInOrder,
    outboxMark: () => (mark ??= markOf()),
    write,
    reload,
    chunksChanged: (keys) => {
      facts.changed(keys === 'all' ? 'all' : keys.map((key) => ({ key, chunk: 'unknown' as const })))
      onChange()
    },
  }
}
