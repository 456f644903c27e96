/**
 * The exchange with the server, from this browser's side. It has one rule for each direction. What comes is kept in the
 * order in which it came, several frames in one transaction; what that transaction did not keep is fetched again. Edits
 * are sent in the order of their numbers, at most `mostUnanswered` ahead; when the server asks for an earlier one, or the
 * document has to be made anew, nothing is sent until all that was sent is answered, and then everything that waits is
 * sent again from the first.
 */
import { digest } from 'lib0/hash/sha256'
import type { Chance, Clock } from '../shared/clock.ts'
import type { DocId } from '../shared/ids.ts'
import { protocol, type ServerFrame } from '../shared/protocol.ts'
import { createConnection, type Connection, type OpenSocket, type Welcome } from './connection.ts'
import { foldFeed, keepChunks } from './facts.ts'
import { allStores, type LocalDb, type LocalWriting, type Meta, type OutboxRow } from './local-db.ts'
import type { Mirror } from './mirror.ts'
import { meetServer, readAsLeader, setAside, settle, takeDoc, takeNewDevice, trimSaved, type DocUpdate, type Settled } from './outbox.ts'
import { freshClientId, stateVectorOf } from './replica.ts'

export type ProgressFrame = Extract<ServerFrame, { readonly is: 'progress' }>

export interface Exchange {
  readonly connection: Connection
  /** There may be something to send, or to keep. */
  work(): void
  /** The facts here went back behind what is followed: fetches what is missing. */
  pullAgain(): void
  /** Sent on this connection, not yet answered. */
  isSent(id: number): boolean
  /** The client id that this tab's next edit is made under. */
  clientId(): number
  renewClientId(): void
  /** Keeps when the server was last heard, while it is. */
  noteHeard(): void
  end(): void
}

export interface ExchangeDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly localDb: LocalDb
  readonly mirror: Mirror
  readonly openSocket: OpenSocket
  readonly build: string
  /** Undefined: this tab does not lead. */
  readonly term: () => number | undefined
  readonly during: <T>(act: () => Promise<T>) => Promise<T>
  readonly onNotLeading: () => void
  /** A transaction was kept. */
  readonly onKept: () => void
  readonly onConnection: () => void
  readonly onDown: () => void
  readonly onProgress: (frame: ProgressFrame) => void
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

/** What one connection knows; it ends with it. */
interface Conversation {
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

export const createExchange = (deps: ExchangeDeps): Exchange => {
  const { clock, chance, localDb, mirror, during } = deps
  let clientId = freshClientId(chance)
  let conversation: Conversation | undefined
  let working = false
  let again = false
  let ended = false

  // ---- The connection ----

  const connection = createConnection({
    clock,
    chance,
    openSocket: deps.openSocket,
    hello: () => {
      const meta = mirror.meta()
      if (meta === undefined) throw new Error('exchange: the greeting came before this browser had a name')
      return { is: 'hello', protocol, build: deps.build, device: meta.device }
    },
    listener: {
      welcomed: (welcome) => {
        conversation = {
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
        if (conversation === undefined) return
        // The next part is asked for while this one is being kept.
        if (frame.is === 'chunks' && !frame.done) connection.send({ is: 'pull', after: frame.upTo })
        conversation.inbox.push(frame)
        work()
      },
      down: () => {
        conversation?.cancelDeadline()
        conversation = undefined
        deps.onDown()
      },
      changed: () => {
        deps.onConnection()
      },
    },
  })

  const work = (): void => {
    again = true
    if (working || ended) return
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
    const current = conversation
    if (current === undefined || deps.term() === undefined || ended) return false
    if (!current.met) return await meet(current)
    if (current.inbox.length > 0) return await takeFrames(current)
    return await sendWaiting(current)
  }

  /** Runs a leader's transaction; what it could not keep ends the connection, and is fetched again. */
  const lead = async <T>(current: Conversation, act: (writing: LocalWriting, meta: Meta) => Promise<T>): Promise<T | undefined> => {
    const written = await mirror.write(allStores, async (writing) => await act(writing, await readAsLeader(writing, deps.term())))
    if (written.ok) {
      deps.onKept()
      return written.value
    }
    if (written.error.is === 'not-leading') deps.onNotLeading()
    else if (conversation === current) connection.drop("This browser's store could not keep what came. It is fetched again.")
    return undefined
  }

  const meet = async (current: Conversation): Promise<boolean> => {
    const met = await lead(current, async (writing, meta) => {
      const next = await meetServer(writing, meta, current.welcome, clock.now())
      await writing.putMeta(next)
      return next
    })
    if (met === undefined) return false
    // Also what another tab has kept, and not yet told.
    await mirror.reload()
    if (conversation !== current) return false
    current.met = true
    pull(current)
    return true
  }

  const pull = (current: Conversation): void => {
    const after = mirror.meta()?.seq ?? 0
    current.pulling = true
    connection.send({ is: 'pull', after })
    connection.pulling(after, Math.max(after, current.welcome.seq))
  }

  // ---- What comes ----

  type Together = Extract<ServerFrame, { readonly is: 'feed' | 'update' | 'ack' | 'nack' }>
  const isTogether = (frame: ServerFrame): frame is Together =>
    frame.is === 'feed' || frame.is === 'update' || frame.is === 'ack' || (frame.is === 'nack' && frame.code !== 'number-taken')

  const takeFrames = async (current: Conversation): Promise<boolean> => {
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
  const takeTogether = async (current: Conversation, frames: readonly Together[]): Promise<void> => {
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
    if (mustPull === true && conversation === current) pull(current)
  }

  /** Which edit an answer is for: the server answers each push once, though not always in the order of the numbers. */
  const answered = (current: Conversation, frame: Extract<ServerFrame, { readonly is: 'ack' | 'nack' }>): readonly Settled[] => {
    const at = current.unanswered.findIndex(({ n }) => n === frame.n)
    const [sent] = at < 0 ? [] : current.unanswered.splice(at, 1)
    rearm(current)
    return sent === undefined ? [] : [{ id: sent.id, frame }]
  }

  const takeAlone = async (current: Conversation, frame: ServerFrame): Promise<void> => {
    switch (frame.is) {
      case 'chunks': {
        const kept = await lead(current, async (writing, meta) => {
          const next = await keepChunks(writing, meta, frame, clock.now())
          await writing.putMeta(next)
          return next
        })
        if (kept === undefined || conversation !== current) return
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
        return deps.onProgress(frame)
      case 'feed':
      case 'update':
      case 'ack':
      case 'welcome':
      case 'pong':
      case 'bye':
        return
    }
  }

  // ---- What goes ----

  const sendWaiting = async (current: Conversation): Promise<boolean> => {
    if (current.unanswered.length > 0 && (current.rewinding || current.renaming)) return false
    if (current.renaming) {
      const renamed = await lead(current, async (writing, meta) => {
        await writing.putMeta(await takeNewDevice(writing, meta, chance, clock.now()))
        return true
      })
      if (renamed === true && conversation === current) connection.reopen()
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
  const followDoc = async (current: Conversation, doc: DocId): Promise<boolean> => {
    const base = await localDb.read(['docs'], (reading) => reading.docBase(doc))
    if (conversation !== current) return false
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

  const ask = (current: Conversation, doc: DocId, full: boolean): void => {
    current.openDocs.add(doc)
    current.asked.push({ doc, full })
    connection.send({ is: 'open', doc, epoch: 0, stateVector: new Uint8Array(0) })
  }

  const rearm = (current: Conversation): void => {
    current.cancelDeadline()
    current.cancelDeadline =
      current.unanswered.length === 0
        ? () => undefined
        : clock.after(answerWithinMs, () => {
            if (conversation === current) connection.drop('The server did not answer an edit. It is sent again.')
          })
  }

  return {
    connection,
    work,
    pullAgain: () => {
      if (conversation?.met === true && !conversation.pulling) pull(conversation)
    },
    isSent: (id) => conversation?.unanswered.some((sent) => sent.id === id) === true,
    clientId: () => clientId,
    renewClientId: () => void (clientId = freshClientId(chance)),
    noteHeard: () => {
      const current = conversation
      if (current !== undefined && connection.status().is === 'online')
        void during(() => lead(current, async (writing, meta) => await writing.putMeta({ ...meta, heardAt: clock.now() })))
    },
    end: () => {
      ended = true
      conversation?.cancelDeadline()
      conversation = undefined
      connection.stop()
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
