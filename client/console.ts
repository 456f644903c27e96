/**
 * An administrator's console without its screens: what is kept on this device, the exchange with the server, and what
 * both together show. It runs anywhere: clock, chance, storage, network and the other tabs are handed to it.
 *
 * The exchange has one rule for each direction. What comes from the server is kept in the order in which it came, several
 * frames in one transaction; what that transaction did not keep is fetched again. Edits are sent in the order of their
 * numbers, at most `mostUnanswered` ahead; when the server asks for an earlier one, or the document has to be made anew,
 * nothing is sent until all that was sent is answered, and then everything that waits is sent again from the first.
 */
import { digest } from 'lib0/hash/sha256'
import { may } from '../shared/admin.ts'
import type { Chance, Clock } from '../shared/clock.ts'
import type { ChunkKey } from '../shared/facts.ts'
import type { DocId } from '../shared/ids.ts'
import { protocol, type ServerFrame } from '../shared/protocol.ts'
import { err, type Result } from '../shared/result.ts'
import { createConnection, type ConnectionStatus, type OpenSocket, type Welcome } from './connection.ts'
import { dropChunk, foldFeed, keepChunks, type Facts } from './facts.ts'
import type { KnownAdmin, LocalDb, LocalFailure, Meta, OutboxRow, SavedEdit } from './local-db.ts'
import { createMirror, type MirrorChange } from './mirror.ts'
import {
  keepEdit,
  keepEditStores,
  meetServer,
  mustReadMeta,
  readAsLeader,
  setAside,
  settle,
  takeDoc,
  takeNewDevice,
  trimSaved,
  type DocUpdate,
  type Settled,
  type WantedEdit,
} from './outbox.ts'
import { freshClientId, stateVectorOf } from './replica.ts'
import { loneTab, type Poke, type Tabs } from './tabs.ts'

export interface ConsoleDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly localDb: LocalDb
  readonly openSocket: OpenSocket
  readonly build: string
  readonly tabs?: Tabs
}

export type ProgressFrame = Extract<ServerFrame, { readonly is: 'progress' }>

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

/** Edits sent ahead of their answers. */
const mostUnanswered = 16
/** Frames in one transaction. */
const mostFramesTogether = 64
/** Documents followed at once; the server follows 200. */
const mostOpenDocs = 100
/** The server resets the document for one edit again and again: something is wrong with the edit itself. */
const mostResets = 3
/** An answer that is missing this long although the connection lives: it is begun anew. */
const answerWithinMs = 60_000
const heardEveryMs = 60_000
/** A browser's store that failed is tried again. */
const storeAgainMs = 1000

const allStores = ['meta', 'outbox', 'saved', 'docs', 'chunks'] as const

/** What one connection knows; it ends with it. */
interface Exchange {
  readonly welcome: Welcome
  readonly inbox: ServerFrame[]
  /** Sent and not answered, in order. */
  readonly unanswered: { readonly id: number; readonly n: number; readonly doc: DocId }[]
  /** The number sent last; what waits after it comes next. */
  sentTo: number
  /** Nothing is sent until all is answered; then from the first again. */
  rewinding: boolean
  /** This profile was copied: once all is answered it takes a new name. */
  renaming: boolean
  met: boolean
  pulling: boolean
  /** Followed documents, oldest first. */
  readonly openDocs: Set<DocId>
  /** Questions for documents, in order; `full` is a reset's. */
  readonly asked: { readonly doc: DocId; readonly full: boolean }[]
  readonly resetsById: Map<number, number>
  cancelDeadline: () => void
}

export const createConsole = (deps: ConsoleDeps): AdminConsole => {
  const { clock, chance, localDb } = deps
  const tabs = deps.tabs ?? loneTab()
  const listeners = new Set<() => void>()
  const progress = new Map<string, ProgressFrame>()
  const refetched = new Map<ChunkKey, number>()
  let version = 0
  let telling = false
  let closed = false
  let leading = false
  let term = 0
  let leaderStatus: ConnectionStatus | undefined
  let trouble: LocalFailure | undefined
  let cancelRetry = (): void => undefined
  let clientId = freshClientId(chance)
  let exchange: Exchange | undefined
  let working = false
  let again = false
  let busy = 0
  const idlers: (() => void)[] = []

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
        changed()
      })
      changed()
    },
  })

  const mend = (): void => {
    if (trouble === undefined) return
    trouble = undefined
    changed()
  }

  const tellTabs = (change: MirrorChange): void => {
    tabs.poke({ is: 'outbox' })
    if (change.chunks !== undefined) tabs.poke({ is: 'chunks', keys: change.chunks })
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

  // ---- The connection ----

  const connection = createConnection({
    clock,
    chance,
    openSocket: deps.openSocket,
    hello: () => {
      const meta = mirror.meta()
      if (meta === undefined) throw new Error('console: the greeting came before this browser had a name')
      return { is: 'hello', protocol, build: deps.build, device: meta.device }
    },
    listener: {
      welcomed: (welcome) => {
        exchange = {
          welcome,
          inbox: [],
          unanswered: [],
          sentTo: 0,
          rewinding: false,
          renaming: false,
          met: false,
          pulling: false,
          openDocs: new Set(),
          asked: [],
          resetsById: new Map(),
          cancelDeadline: () => undefined,
        }
        work()
      },
      received: (frame) => {
        if (exchange === undefined) return
        // The next part is asked for while this one is being kept.
        if (frame.is === 'chunks' && !frame.done) connection.send({ is: 'pull', after: frame.upTo })
        exchange.inbox.push(frame)
        work()
      },
      down: () => {
        exchange?.cancelDeadline()
        exchange = undefined
        progress.clear()
      },
      changed: () => {
        tabs.poke({ is: 'connection', status: connection.status() })
        changed()
      },
    },
  })

  const work = (): void => {
    again = true
    if (working || closed) return
    working = true
    void during(async () => {
      try {
        // What came while the last look was under way is looked at again; between this check and the end nothing can come.
        while (again) {
          again = false
          while (await step());
        }
      } finally {
        working = false
      }
    })
  }

  /** One transaction, or one round of sending. Gives whether there may be more to do. */
  const step = async (): Promise<boolean> => {
    const current = exchange
    if (current === undefined || !leading || closed) return false
    if (!current.met) return await meet(current)
    if (current.inbox.length > 0) return await takeFrames(current)
    return await sendWaiting(current)
  }

  /** Runs a leader's transaction; what it could not keep ends the connection, and is fetched again. */
  const lead = async <T>(
    current: Exchange,
    act: (writing: Parameters<Parameters<typeof mirror.write>[1]>[0], meta: Meta) => Promise<T>,
  ): Promise<T | undefined> => {
    const written = await mirror.write(allStores, async (writing) => await act(writing, await readAsLeader(writing, term)))
    if (written.ok) {
      mend()
      return written.value
    }
    if (written.error.is === 'not-leading') follow()
    else if (exchange === current) connection.drop("This browser's store could not keep what came. It is fetched again.")
    return undefined
  }

  const meet = async (current: Exchange): Promise<boolean> => {
    const met = await lead(current, async (writing, meta) => {
      const next = await meetServer(writing, meta, current.welcome, clock.now())
      await writing.putMeta(next)
      return next
    })
    if (met === undefined) return false
    // Also what another tab has kept, and not yet told.
    await mirror.reload()
    if (exchange !== current) return false
    current.met = true
    pull(current)
    return true
  }

  const pull = (current: Exchange): void => {
    const after = mirror.meta()?.seq ?? 0
    current.pulling = true
    connection.send({ is: 'pull', after })
    connection.pulling(after, Math.max(after, current.welcome.seq))
  }

  // ---- What comes ----

  type Together = Extract<ServerFrame, { readonly is: 'feed' | 'update' | 'ack' | 'nack' }>
  const isTogether = (frame: ServerFrame): frame is Together =>
    frame.is === 'feed' || frame.is === 'update' || frame.is === 'ack' || (frame.is === 'nack' && frame.code !== 'number-taken')

  const takeFrames = async (current: Exchange): Promise<boolean> => {
    const together: Together[] = []
    for (
      let frame = current.inbox[0];
      frame !== undefined && isTogether(frame) && together.length < mostFramesTogether;
      frame = current.inbox[0]
    ) {
      together.push(frame)
      current.inbox.shift()
    }
    if (together.length > 0) await takeTogether(current, together)
    else {
      const frame = current.inbox.shift()
      if (frame !== undefined) await takeAlone(current, frame)
    }
    return true
  }

  /** Facts, documents and answers in one transaction: own edits never vanish between their answer and their facts. */
  const takeTogether = async (current: Exchange, frames: readonly Together[]): Promise<void> => {
    const now = clock.now()
    const told = frames.filter((frame) => frame.is !== 'feed')
    const answers = told.flatMap((frame): readonly (Settled | DocUpdate)[] => (frame.is === 'update' ? [frame] : answered(current, frame)))
    const feeds = current.pulling ? [] : frames.filter((frame) => frame.is === 'feed')
    const mustPull = await lead(current, async (writing, meta) => {
      const settled = await settle(writing, meta, answers, now)
      const folded = await foldFeed(writing, settled, feeds, now)
      if (answers.length > 0) await trimSaved(writing, folded.meta.seq)
      await writing.putMeta(feeds.length > 0 ? folded.meta : settled)
      return folded.mustPull
    })
    if (mustPull === true && exchange === current) pull(current)
  }

  /** Which edit an answer is for: the server answers each push once, though not always in the order of the numbers. */
  const answered = (current: Exchange, frame: Extract<ServerFrame, { readonly is: 'ack' | 'nack' }>): readonly Settled[] => {
    const at = current.unanswered.findIndex(({ n }) => n === frame.n)
    const [sent] = at < 0 ? [] : current.unanswered.splice(at, 1)
    rearm(current)
    return sent === undefined ? [] : [{ id: sent.id, frame }]
  }

  const takeAlone = async (current: Exchange, frame: ServerFrame): Promise<void> => {
    switch (frame.is) {
      case 'chunks': {
        const kept = await lead(current, async (writing, meta) => {
          const next = await keepChunks(writing, meta, frame, clock.now())
          await writing.putMeta(next)
          return next
        })
        if (kept === undefined || exchange !== current) return
        if (frame.done) {
          current.pulling = false
          connection.online()
        } else connection.pulling(frame.upTo, Math.max(frame.upTo, current.welcome.seq))
        return
      }
      case 'lag':
        return pull(current)
      case 'doc': {
        const at = current.asked.findIndex(({ doc }) => doc === frame.doc)
        const [asked] = at < 0 ? [] : current.asked.splice(at, 1)
        if (asked === undefined) return
        if (asked.full) clientId = freshClientId(chance)
        await lead(current, (writing) => takeDoc(writing, frame, asked.full, clientId))
        return
      }
      case 'resend': {
        current.unanswered.shift()
        rearm(current)
        current.rewinding = true
        const first = mirror.waiting()[0]
        // A number that is not here any more: the two sides count differently, and greet each other again.
        if (first === undefined || frame.from < first.n) connection.drop(null)
        return
      }
      case 'reset': {
        const at = current.unanswered.findIndex(({ doc }) => doc === frame.doc)
        const [sent] = at < 0 ? [] : current.unanswered.splice(at, 1)
        rearm(current)
        current.rewinding = true
        if (sent === undefined) return
        const resets = (current.resetsById.get(sent.id) ?? 0) + 1
        current.resetsById.set(sent.id, resets)
        if (resets > mostResets) {
          await lead(current, async (writing, meta) =>
            writing.putMeta(
              await setAside(writing, meta, sent.id, {
                code: 'malformed',
                text: 'The server could not read this edit, also after it was made anew. Nothing changed. Make it again.',
                at: clock.now(),
              }),
            ),
          )
          return
        }
        ask(current, frame.doc, true)
        return
      }
      case 'nack':
        // Of the other nacks every one goes with its facts.
        answered(current, frame)
        current.renaming = true
        return
      case 'progress':
        noteProgress(frame)
        tabs.poke({ is: 'progress', frame })
        return
      case 'feed':
      case 'update':
      case 'ack':
      case 'welcome':
      case 'pong':
      case 'bye':
        return
    }
  }

  const noteProgress = (frame: ProgressFrame): void => {
    if (frame.phase === 'done') progress.delete(frame.connector)
    else progress.set(frame.connector, frame)
    changed()
  }

  // ---- What goes ----

  const sendWaiting = async (current: Exchange): Promise<boolean> => {
    if (current.unanswered.length > 0 && (current.rewinding || current.renaming)) return false
    if (current.renaming) {
      const renamed = await lead(current, async (writing, meta) => {
        await writing.putMeta(await takeNewDevice(writing, meta, chance, clock.now()))
        return true
      })
      if (renamed === true && exchange === current) connection.reopen()
      return false
    }
    if (current.rewinding) {
      current.rewinding = false
      current.sentTo = 0
    }
    const waiting = mirror.waiting()
    for (let at = firstAfter(waiting, current.sentTo); at < waiting.length; at += 1) {
      const row = waiting[at]
      if (row === undefined || current.unanswered.length >= mostUnanswered) break
      // The document is on its way, and with it this edit's new form.
      if (current.asked.some(({ doc, full }) => doc === row.doc && full)) break
      if (row.update.length === 0) {
        if (current.unanswered.length === 0) ask(current, row.doc, true)
        break
      }
      if (!current.openDocs.has(row.doc)) {
        if (!(await followDoc(current, row.doc))) return false
        // What was read of the row is as old as the question: look again.
        return true
      }
      connection.send({
        is: 'push',
        n: row.n,
        doc: row.doc,
        epoch: row.epoch,
        words: row.words,
        intents: row.intents,
        update: row.update,
        sum: digest(row.update),
      })
      current.unanswered.push({ id: row.id, n: row.n, doc: row.doc })
      current.sentTo = row.n
      if (current.unanswered.length === 1) rearm(current)
    }
    return false
  }

  /** Follows a document before an edit of it is sent: so what comes of a refused one is told before the refusal. */
  const followDoc = async (current: Exchange, doc: DocId): Promise<boolean> => {
    const base = await localDb.read(['docs'], (reading) => reading.docBase(doc))
    if (exchange !== current) return false
    if (!base.ok) {
      connection.drop("This browser's store could not be read.")
      return false
    }
    for (const oldest of current.openDocs) {
      if (current.openDocs.size < mostOpenDocs) break
      current.openDocs.delete(oldest)
      connection.send({ is: 'close', doc: oldest })
    }
    current.openDocs.add(doc)
    current.asked.push({ doc, full: false })
    connection.send({
      is: 'open',
      doc,
      epoch: base.value?.epoch ?? 0,
      stateVector: base.value === undefined ? new Uint8Array(0) : stateVectorOf(base.value),
    })
    return true
  }

  const ask = (current: Exchange, doc: DocId, full: boolean): void => {
    current.openDocs.add(doc)
    current.asked.push({ doc, full })
    connection.send({ is: 'open', doc, epoch: 0, stateVector: new Uint8Array(0) })
  }

  const rearm = (current: Exchange): void => {
    current.cancelDeadline()
    current.cancelDeadline =
      current.unanswered.length === 0
        ? () => undefined
        : clock.after(answerWithinMs, () => {
            if (exchange === current) connection.drop('The server did not answer an edit. It is sent again.')
          })
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
    if (dropped.ok && exchange?.met === true && !exchange.pulling) pull(exchange)
  }

  // ---- Tabs ----

  let cancelAgain = (): void => undefined

  const beginToLead = async (): Promise<void> => {
    const begun = await mirror.write(['meta'], async (writing) => {
      const meta = await mustReadMeta(writing)
      await writing.putMeta({ ...meta, term: meta.term + 1 })
      return meta.term + 1
    })
    if (closed) return
    if (!begun.ok) {
      cancelAgain = clock.after(storeAgainMs, () => void during(beginToLead))
      return
    }
    mend()
    await mirror.reload()
    term = begun.value
    leading = true
    leaderStatus = undefined
    connection.start()
    keepHeard()
    changed()
  }

  const follow = (): void => {
    leading = false
    leaderStatus = undefined
    connection.stop()
    tabs.poke({ is: 'who-leads' })
    changed()
  }

  const onPoke = (poke: Poke): void => {
    switch (poke.is) {
      case 'outbox':
        void during(async () => {
          await mirror.reload()
          work()
        })
        break
      case 'chunks':
        mirror.chunksChanged(poke.keys)
        if (exchange?.met === true && !exchange.pulling)
          void during(async () => {
            const before = mirror.meta()?.seq
            await mirror.reload()
            // A follower found a chunk unreadable.
            if (exchange?.met === true && !exchange.pulling && (mirror.meta()?.seq ?? 0) < (before ?? 0)) pull(exchange)
          })
        break
      case 'connection':
        if (leading) break
        leaderStatus = poke.status
        if (poke.status.is !== 'online' && poke.status.is !== 'pulling') progress.clear()
        changed()
        break
      case 'progress':
        noteProgress(poke.frame)
        break
      case 'who-leads':
        if (leading) tabs.poke({ is: 'connection', status: connection.status() })
        break
      case 'try-now':
        if (leading) connection.tryNow()
        break
    }
  }

  let cancelHeard = (): void => undefined
  /** While following live, the facts are as young as the connection; a minute's grain is enough for the time they say after a restart. */
  const keepHeard = (): void => {
    cancelHeard()
    cancelHeard = clock.after(heardEveryMs, () => {
      if (!leading) return
      keepHeard()
      const current = exchange
      if (current !== undefined && connection.status().is === 'online')
        void during(() => lead(current, async (writing, meta) => await writing.putMeta({ ...meta, heardAt: clock.now() })))
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
    tabs.join({
      leads: () => void during(beginToLead),
      follows: follow,
      poked: onPoke,
    })
    tabs.poke({ is: 'who-leads' })
  }
  const opened = during(open)

  /** What this tab itself changed is sent by whoever leads: it, or the tab it has told. */
  const here = async <T>(act: () => Promise<T>): Promise<T> => {
    const value = await during(act)
    work()
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
    connection: () => (leading ? connection.status() : (leaderStatus ?? connection.status())),
    leads: () => leading,
    storeTrouble: () => trouble,
    progress: () => progress,
    outbox: mirror.rows,
    saved: mirror.saved,
    isSent: (id) => exchange?.unanswered.some((sent) => sent.id === id) === true,
    keep: (wanted) =>
      here(async () => {
        await opened
        const admin = mirror.meta()?.admin
        if (admin === undefined || admin === null) return err({ is: 'failed', text: 'nobody is signed in' })
        const kept = await mirror.write(keepEditStores, (writing) => keepEdit(writing, wanted, admin, clock.now(), clientId))
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
        clientId = freshClientId(chance)
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
      if (leading) connection.tryNow()
      else tabs.poke({ is: 'try-now' })
    },
    networkGone: () => {
      const { is } = connection.status()
      if (leading && (is === 'online' || is === 'pulling')) connection.drop(null)
    },
    endSession: () => {
      if (leading) connection.endSession()
    },
    idle: async () => {
      while (busy > 0) await new Promise<void>((resolve) => void idlers.push(resolve))
    },
    close: () => {
      closed = true
      cancelHeard()
      cancelAgain()
      cancelRetry()
      exchange?.cancelDeadline()
      exchange = undefined
      connection.stop()
      tabs.leave()
      localDb.close()
    },
  }
}

/** Index of the first row with a number above `n`, by halves. */
const firstAfter = (waiting: readonly OutboxRow[], n: number): number => {
  let low = 0
  let high = waiting.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((waiting[middle]?.n ?? Infinity) <= n) low = middle + 1
    else high = middle
  }
  return low
}

/** The role of who is signed in allows changing assignments; the server asks again, with the role of that moment. */
export const mayEdit = (meta: Meta | undefined): boolean => meta?.admin != null && may(meta.admin, 'edit-plan')
