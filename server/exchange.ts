/**
 * The server's side of the exchange: one session for each socket. The rules of the messages are at the head of
 * shared/protocol.ts. A session knows nothing of HTTP: it is given a socket and who is at its other end.
 */
import { StorageTrouble, type CommittedFact, type Journal } from './journal.ts'
import type { Syncs } from './syncs.ts'
import type { Answer, Workspace } from './workspace.ts'
import { may, type Actor } from '../shared/admin.ts'
import type { Clock } from '../shared/clock.ts'
import { factBytes } from '../shared/facts.ts'
import type { DeviceId, DocId } from '../shared/ids.ts'
import {
  decodeClientFrame,
  encodeServerFrame,
  mostChunksBytes,
  protocol,
  type ByeCode,
  type ClientFrame,
  type ServerFrame,
} from '../shared/protocol.ts'
import type { Sync } from '../shared/sync.ts'

/** The other end, as the transport sees it. */
export interface Socket {
  send(bytes: Uint8Array<ArrayBuffer>): void
  close(): void
  /** Bytes handed over and not yet on their way. */
  readonly bufferedBytes: number
}

export interface Session {
  receive(bytes: Uint8Array): void
  closed(): void
}

export interface Exchange {
  /** `actorNow` reads the role afresh, for every edit: undefined once the session was ended. `key` is whom limits count for. */
  connect(socket: Socket, actorNow: () => Promise<Actor | undefined>): Session
  /** Says goodbye to every session, for a stop. */
  stop(): void
  sessions(): number
}

export interface ExchangeDeps {
  readonly journal: Journal
  readonly workspace: Workspace
  readonly syncs: Syncs
  readonly clock: Clock
  readonly build: string
  readonly tenant: string
  readonly onTrouble: (cause: unknown) => void
}

/** A reader further behind than this gets `lag` and pulls when it can. */
const mostBufferedBytes = 4 * 1024 * 1024
/** Time until `hello`, and then between two frames of a browser: it pings every 20 s, in a hidden tab once a minute. */
const helloWithinMs = 10_000
const silentTooLongMs = 150_000
const mostOpenDocs = 200
/** Frames that wait for their turn; a browser sends 16 edits ahead at most. */
const mostQueuedFrames = 256

export const createExchange = (deps: ExchangeDeps): Exchange => {
  const { journal, workspace, syncs, clock } = deps
  const sessions = new Set<{
    readonly onFacts: (facts: readonly CommittedFact[], upTo: number, encoded: () => readonly EncodedFact[]) => void
    readonly onUpdate: (doc: DocId, epoch: number, update: Uint8Array) => void
    readonly onProgress: (sync: Sync) => void
    readonly onForget: () => void
    readonly bye: (code: ByeCode, text: string) => void
  }>()

  journal.onFacts((facts, upTo) => {
    // Encoded once for all who listen.
    let held: readonly EncodedFact[] | undefined
    const encoded = (): readonly EncodedFact[] => (held ??= facts.map(({ key, seq, fact }) => ({ key, seq, bytes: factBytes(fact) })))
    for (const session of sessions) session.onFacts(facts, upTo, encoded)
  })
  // A commit that was reported as failed may be on the disk: its facts were told to nobody, and everybody pulls again.
  journal.onForget(() => {
    for (const session of sessions) session.onForget()
  })
  workspace.onUpdate((doc, epoch, update) => {
    for (const session of sessions) session.onUpdate(doc, epoch, update)
  })
  syncs.onProgress((sync) => {
    for (const session of sessions) session.onProgress(sync)
  })

  return {
    sessions: () => sessions.size,
    stop: () => {
      for (const session of sessions) session.bye('stopping', 'The server is stopping.')
    },
    connect: (socket, actorNow) => {
      let device: DeviceId | undefined
      /** Undefined: the browser has not pulled to the end, and follows nothing. */
      let fedTo: number | undefined
      /** Facts that were committed while the last part of a pull was being read. */
      let meanwhile: { readonly facts: readonly EncodedFact[]; readonly upTo: number }[] | undefined
      /** Facts may have been passed over during a pull. */
      let forgotten = false
      const openDocs = new Set<DocId>()
      const queue: ClientFrame[] = []
      let working = false
      let ended = false
      let cancelDeadline = clock.after(helloWithinMs, () => bye('too-fast', 'No greeting came.'))

      const send = (frame: ServerFrame): void => {
        if (!ended) socket.send(encodeServerFrame(frame))
      }
      const bye = (code: ByeCode, text: string): void => {
        send({ is: 'bye', code, text })
        end()
        socket.close()
      }
      const end = (): void => {
        ended = true
        cancelDeadline()
        sessions.delete(follower)
      }

      const follower = {
        onFacts: (_facts: readonly CommittedFact[], upTo: number, encoded: () => readonly EncodedFact[]): void => {
          if (meanwhile !== undefined) meanwhile.push({ facts: encoded(), upTo })
          else if (fedTo !== undefined) feed(encoded(), upTo)
        },
        onForget: (): void => {
          forgotten = true
          if (fedTo !== undefined) lag()
        },
        onUpdate: (doc: DocId, epoch: number, update: Uint8Array): void => {
          if (openDocs.has(doc)) send({ is: 'update', doc, epoch, update })
        },
        onProgress: (sync: Sync): void => {
          if (device !== undefined) send({ is: 'progress', sync: sync.id, connector: sync.connectorId, ...sync.progress })
        },
        bye,
      }

      const lag = (): void => {
        fedTo = undefined
        send({ is: 'lag' })
      }

      const feed = (changes: readonly EncodedFact[], upTo: number): void => {
        if (fedTo === undefined || upTo <= fedTo) return
        if (socket.bufferedBytes > mostBufferedBytes || changes.reduce((sum, { bytes }) => sum + bytes.length, 0) > mostChunksBytes) {
          lag()
          return
        }
        send({ is: 'feed', from: fedTo + 1, to: upTo, changes })
        fedTo = upTo
      }

      const onPull = async (after: number): Promise<void> => {
        fedTo = undefined
        // What is committed from here on is either in the chunks that are read or in `meanwhile`, or in both.
        const start = journal.seq()
        forgotten = false
        meanwhile = []
        try {
          const { chunks, done } = await journal.store.chunksAfter(after, mostChunksBytes)
          const last = chunks.at(-1)?.seq ?? after
          if (!done) {
            send({ is: 'chunks', chunks, upTo: last, done: false })
            return
          }
          const upTo = Math.max(start, after)
          send({ is: 'chunks', chunks, upTo, done: true })
          if (forgotten) return lag()
          fedTo = upTo
          for (const { facts, upTo: to } of meanwhile) feed(facts, to)
        } finally {
          meanwhile = undefined
        }
      }

      const onHello = async (frame: Extract<ClientFrame, { readonly is: 'hello' }>): Promise<void> => {
        if (frame.protocol < protocol)
          return bye('client-too-old', 'This page is older than the server. Update it: your edits stay on this device.')
        if (frame.protocol > protocol)
          return bye('server-too-old', 'The server is older than this page. Your edits stay on this device until it is updated.')
        const actor = await actorNow()
        if (actor === undefined || !may(actor, 'read'))
          return bye('signed-out', 'You are signed out. Sign in again: your edits stay on this device.')
        device = frame.device
        send({
          is: 'welcome',
          protocol,
          build: deps.build,
          tenant: deps.tenant,
          serverTime: clock.now(),
          lastN: await workspace.lastNumber(frame.device),
          seq: journal.seq(),
          admin: { id: actor.id, name: actor.name, role: actor.role },
        })
      }

      const onPush = async (frame: Extract<ClientFrame, { readonly is: 'push' }>, by: DeviceId): Promise<void> => {
        const actor = await actorNow()
        if (actor === undefined) return bye('signed-out', 'You are signed out. Sign in again: your edits stay on this device.')
        const answer: Answer = await workspace.take(actor, { ...frame, device: by })
        switch (answer.is) {
          case 'ack':
            return send({ is: 'ack', n: frame.n, seq: answer.seq })
          case 'nack':
            return send({ is: 'nack', n: frame.n, code: answer.code, text: answer.text })
          case 'resend':
            return send({ is: 'resend', from: answer.from })
          case 'reset':
            return send({ is: 'reset', doc: frame.doc, epoch: answer.epoch, why: answer.why })
        }
      }

      const handle = async (frame: ClientFrame): Promise<void> => {
        if (frame.is === 'hello') return device === undefined ? await onHello(frame) : bye('unreadable', 'A second greeting.')
        if (device === undefined) return bye('unreadable', 'The greeting comes first.')
        switch (frame.is) {
          case 'pull':
            return await onPull(frame.after)
          case 'open': {
            const actor = await actorNow()
            if (actor === undefined) return bye('signed-out', 'You are signed out. Sign in again: your edits stay on this device.')
            if (openDocs.size >= mostOpenDocs && !openDocs.has(frame.doc))
              for (const oldest of openDocs) {
                openDocs.delete(oldest)
                break
              }
            // Followed from before it is read: an update between is harmless twice.
            openDocs.add(frame.doc)
            const opened = await workspace.open(frame.doc, frame.epoch, frame.stateVector)
            return send({ is: 'doc', doc: frame.doc, epoch: opened.epoch, update: opened.update })
          }
          case 'close':
            openDocs.delete(frame.doc)
            return
          case 'push':
            return await onPush(frame, device)
          case 'ping':
            return send({ is: 'pong', serverTime: clock.now() })
        }
      }

      /** Frames of one browser are handled one after another: edits keep their order. */
      const work = async (): Promise<void> => {
        if (working) return
        working = true
        for (let frame = queue.shift(); frame !== undefined && !ended; frame = queue.shift()) {
          try {
            await handle(frame)
          } catch (cause) {
            // A full disk or a lost database: nothing is acknowledged, and the browser keeps its edits and comes back.
            bye(
              'storage',
              cause instanceof StorageTrouble
                ? 'The server can not keep changes now. Your edits stay on this device and are sent again.'
                : 'The server failed. Your edits stay on this device and are sent again.',
            )
            deps.onTrouble(cause)
          }
        }
        working = false
      }

      sessions.add(follower)
      return {
        receive: (bytes) => {
          if (ended) return
          const frame = decodeClientFrame(bytes)
          if (frame === undefined) return bye('unreadable', 'A message could not be read.')
          if (queue.length >= mostQueuedFrames) return bye('too-fast', 'Too many messages at once.')
          cancelDeadline()
          cancelDeadline = clock.after(silentTooLongMs, () => bye('too-fast', 'Nothing was heard for two minutes.'))
          queue.push(frame)
          void work()
        },
        closed: end,
      }
    },
  }
}

interface EncodedFact {
  readonly key: CommittedFact['key']
  readonly seq: number
  readonly bytes: Uint8Array
}
