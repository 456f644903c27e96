/**
 * An administrator's console without its screens: what is kept on this device, the exchange with the server, and what
 * both together show. It runs anywhere: clock, chance, storage, network and the other tabs are handed to it.
 */
import { may } from '../shared/admin.ts'
import type { Chance, Clock } from '../shared/clock.ts'
import type { ChunkKey } from '../shared/facts.ts'
import { err, type Result } from '../shared/result.ts'
import type { ConnectionStatus, OpenSocket } from './connection.ts'
import { createExchange, type ProgressFrame } from './exchange.ts'
import { dropChunk, type Facts } from './facts.ts'
import { allStores, type KnownAdmin, type LocalDb, type LocalFailure, type Meta, type OutboxRow, type SavedEdit } from './local-db.ts'
import { createMirror, type MirrorChange } from './mirror.ts'
import { keepEdit, keepEditStores, mustReadMeta, type WantedEdit } from './outbox.ts'
import { loneTab, type Poke, type Tabs } from './tabs.ts'

export interface ConsoleDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly localDb: LocalDb
  readonly openSocket: OpenSocket
  readonly build: string
  readonly tabs?: Tabs
}

export interface AdminConsole {
  /** Resolves when what is kept here can be read; it never fails, `storeTrouble` tells. */
  readonly opened: Promise<void>
  /** After any change of anything below. Several changes of one turn are told once. */
  onChange(listener: () => void): () => void
  /** Grows with each change: what was derived from an older one is derived anew. */
  version(): number

  meta(): Meta | undefined
  connection(): ConnectionStatus
  /** This tab holds the connection. */
  leads(): boolean
  storeTrouble(): LocalFailure | undefined
  /** The running syncs, by connector. */
  progress(): ReadonlyMap<string, ProgressFrame>
  /** In the order of making. */
  outbox(): readonly OutboxRow[]
  /** What the server has on its disk: the last 50, and what the facts do not yet show. */
  saved(): readonly SavedEdit[]
  /** Sent on this connection, not yet answered. */
  isSent(id: number): boolean
  readonly facts: Facts
  readonly clock: Clock

  /** Keeps an edit on this device; answers once it is on the disk. */
  keep(wanted: WantedEdit): Promise<Result<OutboxRow, LocalFailure>>
  /** Forgets a refused edit. */
  discard(id: number): Promise<Result<void, LocalFailure>>
  dismissNotice(): Promise<void>
  /** Facts and documents leave this device, at sign-out; edits that nobody took stay. */
  forgetFacts(): Promise<Result<void, LocalFailure>>
  /** Who is signed in, as HTTP told: shown before the server greets, and written on edits. */
  signedIn(admin: KnownAdmin): Promise<void>
  tryNow(): void
  /** The system says that the network is gone: the connection is not waited for until a ping finds it dead. */
  networkGone(): void
  endSession(): void
  /** Resolves when nothing is under way in this tab: no frame unread, no edit being kept. Time does not pass meanwhile. */
  idle(): Promise<void>
  close(): void
}

const heardEveryMs = 60_000
/** A browser's store that failed is tried again. */
const storeAgainMs = 1000
const leadAgainMs = 5000

export const createConsole = (deps: ConsoleDeps): AdminConsole => {
  const { clock, chance, localDb } = deps
  const tabs = deps.tabs ?? loneTab()
  const listeners = new Set<() => void>()
  const progress = new Map<string, ProgressFrame>()
  const refetched = new Map<ChunkKey, number>()
  let version = 0
  let telling = false
  let closed = false
  /** Undefined: another tab leads, or none yet. */
  let term: number | undefined
  let leaderStatus: ConnectionStatus | undefined
  let trouble: LocalFailure | undefined
  let cancelRetry = (): void => undefined
  let cancelAgain = (): void => undefined
  let cancelHeard = (): void => undefined
  let busy = 0
  const idlers: (() => void)[] = []

  const leads = (): boolean => term !== undefined

  const changed = (): void => {
    version += 1
    if (telling || closed) return
    telling = true
    queueMicrotask(() => {
      telling = false
      if (!closed) for (const listener of listeners) listener()
    })
  }

  const mirror = createMirror({
    localDb,
    chance,
    onChange: changed,
    onWritten: (change) => tellTabs(change),
    onUnreadable: (key, seq) => void during(() => fetchAnew(key, seq)),
    onTrouble: (failure) => {
      if (failure.is === 'not-leading') return
      trouble = failure
      cancelRetry()
      cancelRetry = clock.after(storeAgainMs, () => {
        mirror.facts.retry()
        void during(async () => {
          // A full disk is read all the same: only a writing that is kept ends that trouble.
          if ((await mirror.reload()) && trouble?.is !== 'no-room') mend()
        })
      })
      changed()
    },
  })

  const mend = (): void => {
    if (trouble === undefined) return
    trouble = undefined
    changed()
  }

  let toldSeq = 0
  const tellTabs = (change: MirrorChange): void => {
    tabs.poke({ is: 'outbox' })
    const seq = mirror.meta()?.seq ?? 0
    if (change.chunks !== undefined || seq !== toldSeq) tabs.poke({ is: 'chunks', keys: change.chunks ?? [], seq })
    toldSeq = seq
  }

  /** Counts what is under way, for `idle`. */
  const during = async <T>(act: () => Promise<T>): Promise<T> => {
    busy += 1
    try {
      return await act()
    } finally {
      busy -= 1
      if (busy === 0) for (const idler of idlers.splice(0)) idler()
    }
  }

  const exchange = createExchange({
    clock,
    chance,
    localDb,
    mirror,
    openSocket: deps.openSocket,
    build: deps.build,
    term: () => term,
    during,
    onNotLeading: () => {
      follow()
      // Whoever has the later term has the lock too, or is gone: then it is this tab's turn again.
      cancelAgain = clock.after(leadAgainMs, () => void (holding && during(beginToLead)))
    },
    onKept: mend,
    onConnection: () => {
      tellConnection()
      changed()
    },
    onDown: () => progress.clear(),
    onProgress: (frame) => {
      noteProgress(frame)
      tabs.poke({ is: 'progress', frame })
    },
  })
  const { connection } = exchange
  const tellConnection = (): void => {
    tabs.poke({ is: 'connection', status: exchange.connection.status(), seq: mirror.meta()?.seq ?? 0, outboxMark: mirror.outboxMark() })
  }

  const noteProgress = (frame: ProgressFrame): void => {
    if (frame.phase === 'done') progress.delete(frame.connector)
    else progress.set(frame.connector, frame)
    changed()
  }

  // ---- Chunks that can't be read ----

  const fetchAnew = async (key: ChunkKey, seq: number): Promise<void> => {
    // The same bytes again are a newer server's: asking for ever would change nothing.
    if (refetched.get(key) === seq) return
    refetched.set(key, seq)
    const dropped = await mirror.write(['meta', 'chunks'], async (writing) => {
      const next = await dropChunk(writing, await mustReadMeta(writing), key)
      await writing.putMeta(next)
    })
    if (dropped.ok) exchange.pullAgain()
  }

  // ---- Tabs ----

  /** This tab holds the lock. The term says whether it may write; for a moment the two can differ. */
  let holding = false

  const beginToLead = async (): Promise<void> => {
    const begun = await mirror.write(['meta'], async (writing) => {
      const meta = await mustReadMeta(writing)
      await writing.putMeta({ ...meta, term: meta.term + 1 })
      return meta.term + 1
    })
    if (closed || !holding) return
    if (!begun.ok) {
      cancelAgain()
      cancelAgain = clock.after(storeAgainMs, () => void during(beginToLead))
      return
    }
    mend()
    await mirror.reload()
    if (!holding) return
    term = begun.value
    leaderStatus = undefined
    connection.start()
    keepHeard()
    changed()
  }

  const follow = (): void => {
    cancelAgain()
    term = undefined
    leaderStatus = undefined
    connection.stop()
    tabs.poke({ is: 'who-leads' })
    changed()
  }

  /** The point of the facts that other tabs have told of; what they told is read when someone looks at it. */
  let heardSeq = 0
  const onPoke = (poke: Poke): void => {
    switch (poke.is) {
      case 'outbox':
        void during(async () => {
          await mirror.reload()
          exchange.work()
        })
        break
      case 'chunks':
        heardSeq = poke.seq
        mirror.chunksChanged(poke.keys)
        if (leads())
          void during(async () => {
            const before = mirror.meta()?.seq ?? 0
            await mirror.reload()
            // A follower found a chunk unreadable.
            if ((mirror.meta()?.seq ?? 0) < before) exchange.pullAgain()
          })
        break
      case 'connection':
        if (leads()) break
        leaderStatus = poke.status
        if (poke.status.is !== 'online' && poke.status.is !== 'pulling') progress.clear()
        if (poke.seq !== heardSeq) {
          heardSeq = poke.seq
          mirror.chunksChanged('all')
        }
        if (poke.seq !== mirror.meta()?.seq || poke.outboxMark !== mirror.outboxMark())
          void during(async () => {
            await mirror.reload()
            // What the leader has not seen is on the disk: a poke was lost on its way to it.
            if (poke.outboxMark !== mirror.outboxMark()) tabs.poke({ is: 'outbox' })
          })
        changed()
        break
      case 'progress':
        noteProgress(poke.frame)
        break
      case 'who-leads':
        if (leads()) tellConnection()
        break
      case 'try-now':
        if (leads()) connection.tryNow()
        break
    }
  }

  /** While following live, the facts are as young as the connection; a minute's grain is enough for the time they say after a restart. */
  const keepHeard = (): void => {
    cancelHeard()
    cancelHeard = clock.after(heardEveryMs, () => {
      if (!leads()) return
      keepHeard()
      exchange.noteHeard()
    })
  }

  localDb.onClosed(() => {
    trouble = { is: 'closed' }
    connection.stop()
    changed()
  })

  const open = async (): Promise<void> => {
    const found = await mirror.open()
    if (closed) return
    if (!found.ok) {
      cancelAgain = clock.after(storeAgainMs, () => void during(open))
      return
    }
    mend()
    heardSeq = found.value.seq
    toldSeq = found.value.seq
    tabs.join({
      leads: () => {
        holding = true
        void during(beginToLead)
      },
      follows: () => {
        holding = false
        follow()
      },
      poked: onPoke,
      beats: tellConnection,
    })
    tabs.poke({ is: 'who-leads' })
  }
  const opened = during(open)

  /** What this tab itself changed is sent by whoever leads: it, or the tab it has told. */
  const here = async <T>(act: () => Promise<T>): Promise<T> => {
    const value = await during(act)
    exchange.work()
    return value
  }

  return {
    opened,
    facts: mirror.facts,
    clock,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    version: () => version,
    meta: mirror.meta,
    connection: () => (leads() ? connection.status() : (leaderStatus ?? connection.status())),
    leads,
    storeTrouble: () => trouble,
    progress: () => progress,
    outbox: mirror.rows,
    saved: mirror.saved,
    isSent: exchange.isSent,
    keep: (wanted) =>
      here(async () => {
        await opened
        const admin = mirror.meta()?.admin
        if (admin === undefined || admin === null) return err({ is: 'failed', text: 'nobody is signed in' })
        const kept = await mirror.write(keepEditStores, (writing) => keepEdit(writing, wanted, admin, clock.now(), exchange.clientId()))
        if (kept.ok) mend()
        return kept
      }),
    discard: (id) =>
      here(() =>
        mirror.write(['outbox'], async (writing) => {
          const row = await writing.row(id)
          if (row?.state === 'refused') await writing.removeRows([id])
        }),
      ),
    dismissNotice: () =>
      during(async () => {
        await mirror.write(['meta'], async (writing) => await writing.putMeta({ ...(await mustReadMeta(writing)), notice: null }))
      }),
    forgetFacts: () =>
      during(() => {
        // The documents that say how far this id has come are gone.
        exchange.renewClientId()
        return mirror.write(allStores, async (writing) => {
          const meta = await mustReadMeta(writing)
          await writing.clearChunks()
          await writing.clearDocBases()
          await writing.removeSaved((await writing.saved()).map(({ id }) => id))
          await writing.putMeta({ ...meta, seq: 0, whole: false, heardAt: null, admin: null })
        })
      }),
    signedIn: (admin) =>
      during(async () => {
        await opened
        const known = mirror.meta()?.admin
        if (known?.id !== admin.id || known.name !== admin.name || known.role !== admin.role)
          await mirror.write(['meta'], async (writing) => await writing.putMeta({ ...(await mustReadMeta(writing)), admin }))
      }),
    tryNow: () => {
      if (leads()) connection.tryNow()
      else tabs.poke({ is: 'try-now' })
    },
    networkGone: () => {
      const { is } = connection.status()
      if (leads() && (is === 'online' || is === 'pulling')) connection.drop(null)
    },
    endSession: () => {
      if (leads()) connection.endSession()
    },
    idle: async () => {
      while (busy > 0) await new Promise<void>((resolve) => void idlers.push(resolve))
    },
    close: () => {
      closed = true
      cancelHeard()
      cancelAgain()
      cancelRetry()
      exchange.end()
      tabs.leave()
      localDb.close()
    },
  }
}

/** The role of who is signed in allows changing assignments; the server asks again, with the role of that moment. */
export const mayEdit = (meta: Meta | undefined): boolean => meta?.admin != null && may(meta.admin, 'edit-plan')
