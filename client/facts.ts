/**
 * The facts on this device: chunks as the server folded them, kept as bytes and read when someone looks at them.
 *
 * The steps at the top are parts of a leader's transaction. Below is the reading side: chunks that were asked for stay
 * decoded until they change. A chunk that can't be read is dropped and fetched anew, once; if it comes back alike, it is
 * a newer server's, and is shown as missing instead of being fetched for ever.
 */
import {
  foldFact,
  isColumnsKey,
  noColumns,
  readColumns,
  readFact,
  readRows,
  type ChunkKey,
  type Columns,
  type ColumnsKey,
  type RowOf,
  type RowsKey,
} from '../shared/facts.ts'
import type { FedChunk, ServerFrame } from '../shared/protocol.ts'
import type { KeptChunk, LocalDb, LocalFailure, LocalReading, LocalWriting, Meta } from './local-db.ts'

// ---- What comes from the server ----

type ChunksFrame = Extract<ServerFrame, { readonly is: 'chunks' }>
type FeedFrame = Extract<ServerFrame, { readonly is: 'feed' }>

const owned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

/** One part of a pull. Bytes are kept as they came: what nobody looks at is never decoded. */
export const keepChunks = async (writing: LocalWriting, meta: Meta, frame: ChunksFrame, now: number): Promise<Meta> => {
  await writing.putChunks(
    frame.chunks.filter(({ bytes }) => bytes.length > 0).map(({ key, seq, bytes }) => ({ key, seq, bytes: owned(bytes) })),
  )
  const empty = frame.chunks.filter(({ bytes }) => bytes.length === 0).map(({ key }) => key)
  if (empty.length > 0) await writing.removeChunks(empty)
  return { ...meta, seq: Math.max(meta.seq, frame.upTo), whole: meta.whole || frame.done, heardAt: frame.done ? now : meta.heardAt }
}

export interface FoldedFeed {
  readonly meta: Meta
  /** The feed left something out, or a chunk of it can't be read: pull again. */
  readonly mustPull: boolean
}

/** Changes in their order. A change that its chunk already holds is left out: folding twice would change nothing, but a later one may be in. */
export const foldFeed = async (writing: LocalWriting, meta: Meta, frames: readonly FeedFrame[], now: number): Promise<FoldedFeed> => {
  const folded = new Map<ChunkKey, KeptChunk>()
  let seq = meta.seq
  let mustPull = false
  for (const frame of frames) {
    if (frame.to <= seq) continue
    if (frame.from !== seq + 1) {
      mustPull = true
      break
    }
    const lost = await foldChanges(writing, folded, frame.changes)
    if (lost !== undefined) {
      // From before the chunk's own last change on, so that the pull brings it whole.
      folded.delete(lost.key)
      await writing.removeChunks([lost.key])
      seq = Math.min(seq, lost.seq - 1)
      mustPull = true
      break
    }
    seq = frame.to
  }
  await writing.putChunks([...folded.values()])
  return { meta: { ...meta, seq: Math.max(0, seq), heardAt: now }, mustPull }
}

/** Gives the chunk that can't be read, or whose change can't. */
const foldChanges = async (
  writing: LocalWriting,
  folded: Map<ChunkKey, KeptChunk>,
  changes: readonly FedChunk[],
): Promise<FedChunk | undefined> => {
  for (const change of changes) {
    const before = folded.get(change.key) ?? (await writing.chunk(change.key))
    if (before !== undefined && before.seq >= change.seq) continue
    try {
      folded.set(change.key, { key: change.key, seq: change.seq, bytes: foldFact(before?.bytes, readFact(change.key, change.bytes)) })
    } catch {
      return before === undefined ? change : { ...change, seq: Math.min(change.seq, Math.max(1, before.seq)) }
    }
  }
  return undefined
}

/** Forgets a chunk that can't be read: the next pull brings it again. */
export const dropChunk = async (writing: LocalWriting, meta: Meta, key: ChunkKey): Promise<Meta> => {
  const chunk = await writing.chunk(key)
  if (chunk === undefined) return meta
  await writing.removeChunks([key])
  return { ...meta, seq: Math.min(meta.seq, Math.max(0, chunk.seq - 1)) }
}

// ---- Reading ----

/** What was read of one chunk. An absent chunk is empty: nothing of it was ever told. */
export type ChunkRead<T> = { readonly is: 'loading' } | { readonly is: 'ready'; readonly value: T }

export const runPrefixes = ['licenses/', 'principals/', 'registrations/', 'orders/', 'location-orders/', 'wishes/', 'seats/'] as const
export type RunPrefix = (typeof runPrefixes)[number]
type KeysOfRun<P extends RunPrefix> = Extract<ChunkKey, `${P}${string}`>

export interface Facts {
  /** At once when it is in memory; else loading begins, and `onLoaded` tells. */
  rows<K extends RowsKey>(key: K): ChunkRead<readonly RowOf<K>[]>
  columns(key: ColumnsKey): ChunkRead<Columns>
  /** Every chunk of a run, read at one go: by their numbers where they have one. */
  run<P extends RunPrefix>(prefix: P): ChunkRead<readonly KeysOfRun<P>[]>
  /** Resolves when the chunks are in memory. */
  load(keys: readonly ChunkKey[]): Promise<void>
  loadRun(prefix: RunPrefix): Promise<void>
  /** Resolves when nothing is being loaded. */
  loaded(): Promise<void>
  /** After a reading that failed nothing is read by itself until this is called: a closed store is not asked in a circle. */
  retry(): void
  /** What a transaction, here or in another tab, has changed. Bytes that are not given are read anew. */
  changed(chunks: readonly { readonly key: ChunkKey; readonly chunk: KeptChunk | undefined | 'unknown' }[] | 'all'): void
}

type Watch = Map<ChunkKey, KeptChunk | undefined | 'unknown'>

interface Entry {
  readonly bytes: Uint8Array | undefined
  decoded: Columns | readonly RowOf<RowsKey>[] | undefined
}

export interface FactsDeps {
  readonly localDb: LocalDb
  readonly onLoaded: () => void
  readonly onUnreadable: (key: ChunkKey, seq: number) => void
  readonly onTrouble: (failure: LocalFailure) => void
}

/** Columns stay decoded up to this size, which is ten million seats; rows for all that were looked at. */
const mostColumnBytes = 96 * 1024 * 1024

export const createFacts = ({ localDb, onLoaded, onUnreadable, onTrouble }: FactsDeps): Facts => {
  const entries = new Map<ChunkKey, Entry>()
  const seqs = new Map<ChunkKey, number>()
  const loading = new Map<ChunkKey | string, Promise<void>>()
  const runs = new Map<string, readonly ChunkKey[]>()
  let columnBytes = 0
  /** What changed while a reading was under way: what it read before the change is not put over it. */
  const watches = new Set<Watch>()
  let begunAnew = 0
  let failing = false

  const drop = (key: ChunkKey): void => {
    if (isColumnsKey(key)) columnBytes -= entries.get(key)?.bytes?.length ?? 0
    entries.delete(key)
  }

  const hold = (key: ChunkKey, chunk: KeptChunk | undefined): void => {
    drop(key)
    entries.set(key, { bytes: chunk?.bytes, decoded: undefined })
    seqs.set(key, chunk?.seq ?? 0)
    if (!isColumnsKey(key)) return
    columnBytes += chunk?.bytes.length ?? 0
    if (columnBytes > mostColumnBytes)
      for (const oldest of entries.keys()) {
        if (isColumnsKey(oldest) && oldest !== key) drop(oldest)
        if (columnBytes <= mostColumnBytes) break
      }
  }

  const once = (name: string, act: () => Promise<void>): Promise<void> => {
    const running = loading.get(name)
    if (running !== undefined) return running
    const made = act().finally(() => {
      loading.delete(name)
      if (!failing) onLoaded()
    })
    loading.set(name, made)
    return made
  }

  const watch = (): Watch => {
    const meanwhile: Watch = new Map()
    watches.add(meanwhile)
    return meanwhile
  }

  /** Undefined after a failure, which was told. `since`: begun when the reading was asked for. */
  const readChunks = async (
    act: (reading: LocalReading) => Promise<readonly KeptChunk[]>,
    since?: Watch,
  ): Promise<ReadonlyMap<ChunkKey, KeptChunk | undefined> | undefined> => {
    for (let begun = since; ; begun = undefined) {
      const before = begunAnew
      const meanwhile = begun ?? watch()
      const read = await localDb.read(['chunks'], act)
      watches.delete(meanwhile)
      if (!read.ok) {
        failing = true
        onTrouble(read.error)
        return undefined
      }
      if (begunAnew !== before) continue
      const chunks = new Map<ChunkKey, KeptChunk | undefined>(read.value.map((chunk) => [chunk.key, chunk]))
      let again = false
      for (const [key, chunk] of meanwhile)
        if (chunk === 'unknown') again ||= chunks.has(key)
        else chunks.set(key, chunk)
      if (!again) return chunks
    }
  }

  const loadKey = (key: ChunkKey): Promise<void> =>
    entries.has(key)
      ? Promise.resolve()
      : once(key, () => {
          batch ??= nextBatch()
          batch.keys.push(key)
          return batch.done
        })

  /** What is asked for in one go is read in one transaction and told once: a preview over 100 licenses needs 400 chunks. */
  let batch: { readonly keys: ChunkKey[]; readonly done: Promise<void> } | undefined
  const nextBatch = (): { readonly keys: ChunkKey[]; readonly done: Promise<void> } => {
    const keys: ChunkKey[] = []
    const since = watch()
    const done = Promise.resolve().then(async () => {
      batch = undefined
      const read = await readChunks(
        async (reading) => (await Promise.all(keys.map((key) => reading.chunk(key)))).filter((chunk) => chunk !== undefined),
        since,
      )
      if (read !== undefined) for (const key of keys) hold(key, read.get(key))
    })
    return { keys, done }
  }

  const loadRun = (prefix: RunPrefix): Promise<void> =>
    runs.has(prefix)
      ? Promise.resolve()
      : once(prefix, async () => {
          const read = await readChunks((reading) => reading.chunksWithPrefix(prefix))
          if (read === undefined) return
          const keys = [...read.keys()].filter((key) => key.startsWith(prefix))
          for (const key of keys) {
            const chunk = read.get(key)
            if (!entries.has(key) || seqs.get(key) !== (chunk?.seq ?? 0)) hold(key, chunk)
          }
          runs.set(prefix, byNumber(keys))
        })

  const decode = <T>(key: ChunkKey, empty: T, read: (bytes: Uint8Array | undefined) => T): ChunkRead<T> => {
    const entry = entries.get(key)
    if (entry === undefined) {
      if (!failing) void loadKey(key)
      return { is: 'loading' }
    }
    if (entry.decoded === undefined)
      try {
        entry.decoded = read(entry.bytes) as Entry['decoded']
      } catch {
        entry.decoded = empty as Entry['decoded']
        onUnreadable(key, seqs.get(key) ?? 0)
      }
    return { is: 'ready', value: entry.decoded as T }
  }

  return {
    rows: <K extends RowsKey>(key: K) => decode<readonly RowOf<K>[]>(key, [], (bytes) => readRows(key, bytes)),
    columns: (key) => decode(key, noColumns, (bytes) => readColumns(key, bytes)),
    run: <P extends RunPrefix>(prefix: P): ChunkRead<readonly KeysOfRun<P>[]> => {
      const keys = runs.get(prefix)
      if (keys !== undefined) return { is: 'ready', value: keys as readonly KeysOfRun<P>[] }
      if (!failing) void loadRun(prefix)
      return { is: 'loading' }
    },
    load: async (keys) => {
      failing = false
      await Promise.all(keys.map(loadKey))
    },
    loadRun: async (prefix) => {
      failing = false
      await loadRun(prefix)
    },
    retry: () => void (failing = false),
    loaded: async () => {
      while (loading.size > 0) await Promise.all(loading.values())
    },
    changed: (chunks) => {
      if (chunks === 'all') {
        begunAnew += 1
        for (const meanwhile of watches) meanwhile.clear()
        entries.clear()
        columnBytes = 0
        runs.clear()
        return
      }
      for (const { key, chunk } of chunks) {
        for (const watch of watches) watch.set(key, chunk)
        const prefix = runPrefixes.find((name) => key.startsWith(name))
        const run = prefix === undefined ? undefined : runs.get(prefix)
        if (chunk === 'unknown') {
          drop(key)
        } else if (entries.has(key) || run !== undefined) {
          // Held only when someone looks at it: a first fetch of a million seats stays on the disk.
          hold(key, chunk)
        }
        if (prefix !== undefined && run !== undefined && !run.includes(key)) runs.set(prefix, byNumber([...run, key]))
      }
    },
  }
}

const collator = new Intl.Collator('en', { numeric: true })
const byNumber = (keys: readonly ChunkKey[]): readonly ChunkKey[] => keys.toSorted(collator.compare)
