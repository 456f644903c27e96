/** The folded facts in the database, and the part of them that is held in memory. */
import type { Kysely, Transaction } from 'kysely'
import type { Database } from './database/schema.ts'
import {
  columnsBytes,
  foldColumns,
  foldRows,
  isColumnsFact,
  isColumnsKey,
  parseChunkKey,
  readColumns,
  readRows,
  rowsBytes,
  type ChunkKey,
  type Columns,
  type ColumnsKey,
  type Fact,
  type RowOf,
  type RowsKey,
} from '../shared/facts.ts'

export interface FactReader {
  rows<K extends RowsKey>(key: K): Promise<readonly RowOf<K>[]>
  columns(key: ColumnsKey): Promise<Columns>
}

type Held = { readonly is: 'rows'; readonly rows: readonly RowOf<RowsKey>[] } | { readonly is: 'columns'; readonly columns: Columns }

/** What one transaction has changed. Reads see it; memory takes it over once it is on disk. */
export interface StagedFacts extends FactReader {
  fold(fact: Fact): Promise<void>
  mark(key: ChunkKey, seq: number): void
  keep(): Promise<void>
  adopt(): void
}

export interface FactStore extends FactReader {
  /** Reads go through the transaction: SQLite has one connection, and it is taken. */
  stage(trx: () => Transaction<Database>): StagedFacts
  forget(): void
  /** Chunks that changed after a seq, in the order of their seqs, up to about `mostBytes`. `done`: there are no more. */
  chunksAfter(seq: number, mostBytes: number): Promise<{ readonly chunks: readonly StoredChunk[]; readonly done: boolean }>
  keys(prefix: string): Promise<readonly ChunkKey[]>
}

export interface StoredChunk {
  readonly key: ChunkKey
  readonly seq: number
  readonly bytes: Uint8Array
}

/** Seats are read for one license at a time and are many: only this many chunks of columns stay in memory. */
const mostHeldColumns = 64
/** Rows chunks in memory; at 50,000 principals and 2,000 licenses these are some 4,100, wishes and orders being small. */
const mostHeldRows = 6000
const chunksPerRead = 64

export const createFactStore = (db: Kysely<Database>): FactStore => {
  const heldRows = new Map<ChunkKey, Held>()
  const heldColumns = new Map<ChunkKey, Held>()
  // Built once: a sync reads and keeps thousands of chunks, and building a statement takes longer than running it.
  const readChunk = db.selectFrom('chunks').select('bytes').where('key', '=', '').compile()
  const keepChunk = db
    .insertInto('chunks')
    .values({ key: '', seq: 0, bytes: new Uint8Array(0) })
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet((row) => ({ seq: row.ref('excluded.seq'), bytes: row.ref('excluded.bytes') })),
    )
    .compile()
  /** Counts how often memory was changed, so that a slow read does not put an older chunk over a newer one. */
  let turn = 0

  const hold = (key: ChunkKey, held: Held): void => {
    const [map, most] = held.is === 'rows' ? [heldRows, mostHeldRows] : [heldColumns, mostHeldColumns]
    map.delete(key)
    map.set(key, held)
    if (map.size > most)
      for (const oldest of map.keys()) {
        map.delete(oldest)
        break
      }
  }

  const load = async (key: ChunkKey, executor: Kysely<Database> = db): Promise<Held> => {
    const held = heldRows.get(key) ?? heldColumns.get(key)
    if (held !== undefined) return held
    const before = turn
    const { rows } = await executor.executeQuery<{ readonly bytes: Uint8Array }>({ ...readChunk, parameters: [key] })
    const loaded = decode(key, rows[0]?.bytes)
    if (turn === before) hold(key, loaded)
    return loaded
  }

  return {
    rows: async (key) => rowsOf(await load(key), key),
    columns: async (key) => columnsOf(await load(key)),
    forget: () => {
      turn += 1
      heldRows.clear()
      heldColumns.clear()
    },
    stage: (trx) => {
      const changed = new Map<ChunkKey, { held: Held; seq: number }>()
      const read = async (key: ChunkKey): Promise<Held> => changed.get(key)?.held ?? (await load(key, trx()))
      return {
        rows: async (key) => rowsOf(await read(key), key),
        columns: async (key) => columnsOf(await read(key)),
        fold: async (fact) => {
          const before = await read(fact.chunk)
          const held: Held = isColumnsFact(fact)
            ? { is: 'columns', columns: foldColumns(columnsOf(before), fact.put, fact.remove) }
            : { is: 'rows', rows: foldRows(fact.chunk, rowsOf(before, fact.chunk), fact.put, fact.remove) }
          changed.set(fact.chunk, { held, seq: 0 })
        },
        mark: (key, seq) => {
          const change = changed.get(key)
          if (change !== undefined) change.seq = seq
        },
        keep: async () => {
          for (const [key, { held, seq }] of changed) {
            await trx().executeQuery({ ...keepChunk, parameters: [key, seq, encode(key, held)] })
          }
        },
        adopt: () => {
          turn += 1
          for (const [key, { held }] of changed) hold(key, held)
        },
      }
    },
    chunksAfter: async (seq, mostBytes) => {
      const chunks: StoredChunk[] = []
      let bytes = 0
      let after = seq
      for (;;) {
        const rows = await db
          .selectFrom('chunks')
          .select(['key', 'seq', 'bytes'])
          .where('seq', '>', after)
          .orderBy('seq')
          .limit(chunksPerRead)
          .execute()
        for (const row of rows) {
          after = row.seq
          const key = parseChunkKey(row.key)
          if (key === undefined) continue
          if (chunks.length > 0 && bytes + row.bytes.length > mostBytes) return { chunks, done: false }
          chunks.push({ key, seq: row.seq, bytes: row.bytes })
          bytes += row.bytes.length
        }
        if (rows.length < chunksPerRead) return { chunks, done: true }
      }
    },
    keys: async (prefix) => {
      const rows = await db.selectFrom('chunks').select('key').where('key', 'like', `${prefix}%`).orderBy('key').execute()
      return rows.map((row) => parseChunkKey(row.key)).filter((key) => key !== undefined)
    },
  }
}

const decode = (key: ChunkKey, bytes: Uint8Array | undefined): Held =>
  isColumnsKey(key) ? { is: 'columns', columns: readColumns(key, bytes) } : { is: 'rows', rows: readRows(key, bytes) }

const encode = (key: ChunkKey, held: Held): Uint8Array<ArrayBuffer> =>
  isColumnsKey(key) ? columnsBytes(key, columnsOf(held)) : rowsBytes(key, rowsOf(held, key))

const rowsOf = <K extends RowsKey>(held: Held, key: K): readonly RowOf<K>[] => {
  if (held.is !== 'rows') throw new Error(`facts: ${key} is held as columns`)
  return held.rows as readonly RowOf<K>[]
}
const columnsOf = (held: Held): Columns => {
  if (held.is !== 'columns') throw new Error('facts: rows are held where columns were asked for')
  return held.columns
}
