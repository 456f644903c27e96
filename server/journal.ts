/**
 * The one writer. Every change of the database is an act, run one after another; acts that wait are committed together
 * (group commit). Facts get the next numbers of one gap-free sequence and are folded into their chunks in the same
 * transaction. Memory changes and tellings happen after the commit, never before: what is acknowledged is on disk.
 *
 * An act that throws is undone alone; the others are run again without it. So an act does nothing but write through its
 * `Writing`, and leaves the rest to `told`.
 *
 * When the disk is full or the database is lost, the commit fails and nobody is told anything. A failed commit may
 * nevertheless be on disk (an fsync that reports an error), so everything held in memory is forgotten and read anew
 * before the next act.
 */
import type { Transaction } from 'kysely'
import type { Database, Db } from './database/schema.ts'
import { isStorageTrouble } from './database/trouble.ts'
import { createFactStore, type FactReader, type FactStore } from './facts.ts'
import { type ChunkKey, type Columns, type ColumnsKey, type Fact, type RowOf, type RowsKey } from '../shared/facts.ts'

/** A fact that is on disk, as it goes to the browsers. */
export interface CommittedFact {
  readonly seq: number
  readonly key: ChunkKey
  readonly fact: Fact
}

export interface Writing extends FactReader {
  readonly trx: Transaction<Database>
  /** The next number of the sequence, for a change that is not a fact (an edit, an order's answer). */
  nextSeq(): number
  /** The number given last. */
  seq(): number
  /** The first of the next `count` numbers of another run. */
  nextNumbers(counter: 'principal' | 'license' | 'notice', count: number): Promise<number>
  record(fact: Fact): Promise<number>
  /** Runs after the commit, in order. */
  told(tell: () => void): void
  /** Runs when this act is undone: forget what it changed in memory. */
  undone(forget: () => void): void
}

export type Act<T> = (write: Writing) => Promise<T>

/** The database could not keep an act: a full disk, a lock, a lost connection. Nothing was acknowledged. */
export class StorageTrouble extends Error {
  constructor(cause: unknown) {
    super('the database could not keep a change', { cause })
    this.name = 'StorageTrouble'
  }
}

export type FactListener = (facts: readonly CommittedFact[], upTo: number) => void

export interface Journal extends FactReader {
  write<T>(act: Act<T>): Promise<T>
  /** The number of the last committed change. */
  seq(): number
  /** Called after each commit with its facts in order and the number the sequence has reached. Returns the way to stop. */
  onFacts(listener: FactListener): () => void
  /** Called when memory can't be trusted any more. */
  onForget(listener: () => void): () => void
  /** Undefined while all is well; since when nothing can be kept. */
  trouble(): { readonly since: number; readonly text: string } | undefined
  readonly store: FactStore
  /** Waits for the acts that are queued. */
  settle(): Promise<void>
}

interface Waiting {
  readonly act: Act<unknown>
  readonly resolve: (value: never) => void
  readonly reject: (reason: unknown) => void
}

/** Acts in one transaction at most: a longer one would keep the first waiting for the last. */
const mostActsTogether = 256

class ActFailed extends Error {
  readonly at: number
  constructor(at: number, cause: unknown) {
    super('an act failed', { cause })
    this.at = at
  }
}

export const createJournal = async (deps: { readonly db: Db; readonly now: () => number }): Promise<Journal> => {
  const { db } = deps
  const store = createFactStore(db)
  const factListeners = new Set<FactListener>()
  const forgetListeners = new Set<() => void>()
  const queue: Waiting[] = []
  let running: Promise<void> | undefined
  let seq = 0
  let mustForget = false
  let trouble: { readonly since: number; readonly text: string } | undefined

  const readSeq = async (): Promise<void> => {
    const row = await db.selectFrom('counters').select('value').where('name', '=', 'seq').executeTakeFirst()
    seq = row?.value ?? 0
  }

  const forget = async (): Promise<void> => {
    store.forget()
    for (const listener of forgetListeners) listener()
    await readSeq()
    mustForget = false
  }

  /** 1. Open a transaction. 2. Run the acts. 3. Keep the sequence. 4. Commit. 5. Change memory, answer, tell. */
  const runTogether = async (acts: readonly Waiting[]): Promise<void> => {
    if (mustForget) await forget()
    const values: unknown[] = []
    const tellings: (() => void)[] = []
    const undoings: (() => void)[] = []
    const facts: CommittedFact[] = []
    let next = seq
    let open: Transaction<Database> | undefined
    const staged = store.stage(() => {
      if (open === undefined) throw new Error('journal: a fact was read outside its transaction')
      return open
    })
    try {
      await db.transaction().execute(async (trx) => {
        open = trx
        for (const [at, { act }] of acts.entries()) {
          const write: Writing = {
            trx,
            rows: <K extends RowsKey>(key: K): Promise<readonly RowOf<K>[]> => staged.rows(key),
            columns: (key: ColumnsKey): Promise<Columns> => staged.columns(key),
            nextSeq: () => (next += 1),
            seq: () => next,
            nextNumbers: async (counter, count) => {
              const row = await trx.selectFrom('counters').select('value').where('name', '=', counter).executeTakeFirst()
              const first = (row?.value ?? 0) + 1
              const value = first + count - 1
              await trx
                .insertInto('counters')
                .values({ name: counter, value })
                .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
                .execute()
              return first
            },
            record: async (fact) => {
              const number = (next += 1)
              await staged.fold(fact)
              facts.push({ seq: number, key: fact.chunk, fact })
              staged.mark(fact.chunk, number)
              return number
            },
            told: (tell) => void tellings.push(tell),
            undone: (undo) => void undoings.push(undo),
          }
          try {
            values.push(await act(write))
          } catch (cause) {
            throw new ActFailed(at, cause)
          }
        }
        await staged.keep()
        if (next !== seq)
          await trx
            .insertInto('counters')
            .values({ name: 'seq', value: next })
            .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: next }))
            .execute()
      })
    } catch (failure) {
      for (const undo of undoings) undo()
      if (failure instanceof ActFailed && !isStorageTrouble(failure.cause)) {
        acts[failure.at]?.reject(failure.cause)
        const others = acts.filter((_, at) => at !== failure.at)
        if (others.length > 0) await runTogether(others)
        return
      }
      const cause = failure instanceof ActFailed ? failure.cause : failure
      trouble ??= { since: deps.now(), text: cause instanceof Error ? cause.message : String(cause) }
      mustForget = true
      for (const { reject } of acts) reject(new StorageTrouble(cause))
      return
    }
    trouble = undefined
    seq = next
    staged.adopt()
    // Facts go out before the answers, so that an act's author already sees what it led to.
    if (facts.length > 0) for (const listener of factListeners) listener(facts, next)
    for (const tell of tellings) tell()
    acts.forEach(({ resolve }, at) => resolve(values[at] as never))
  }

  const run = async (): Promise<void> => {
    while (queue.length > 0) {
      const together = queue.splice(0, mostActsTogether)
      try {
        await runTogether(together)
      } catch (cause) {
        // Only forgetting can fail here: the database is not to be read. The acts are told, the next ones try again.
        mustForget = true
        trouble ??= { since: deps.now(), text: cause instanceof Error ? cause.message : String(cause) }
        for (const { reject } of together) reject(new StorageTrouble(cause))
      }
    }
    running = undefined
  }

  await readSeq()
  return {
    store,
    rows: (key) => store.rows(key),
    columns: (key) => store.columns(key),
    write: <T>(act: Act<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        queue.push({ act, resolve: resolve as (value: never) => void, reject })
        // A turn of the microtask queue lets acts that arrive together be committed together.
        running ??= Promise.resolve().then(run)
      }),
    seq: () => seq,
    onFacts: (listener) => {
      factListeners.add(listener)
      return () => void factListeners.delete(listener)
    },
    onForget: (listener) => {
      forgetListeners.add(listener)
      return () => void forgetListeners.delete(listener)
    },
    trouble: () => trouble,
    settle: async () => {
      while (running !== undefined) await running
    },
  }
}
